# Reference numbers for random intercepts: Rscript kinetics_mixed.R > kinetics_mixed.csv (the readings: kinetics_mixed_data.csv,
# written beside). R 4.2.2. Simulated, log10 of percent: patients differ 3 and 5 times as much as readings of one of them do, and
# of half of them every reading is below the limit, so that their likelihood is a step and no bell.
#
# mixed: intercepts integrated out patient by patient (integrate, rel.tol 1e-11, piece by piece about the top), maximised by
#   nlminb; standard errors of the coefficients and of the logarithms of both sd from optimHess. ends: pieces meet at these
#   places from the top, in standard deviations within; beyond 9 standard deviations between there is nothing.
# patient: the log-likelihood of one patient of k readings, all below 0, whose mean is at half a standard deviation between
#   below or above it; sd 1 within. Places: shift -1, then 1.
rows <- list()
add <- function(set, program, quantity, value)
  rows[[length(rows) + 1]] <<- data.frame(set, program, quantity, place = seq_along(value), value = sprintf("%.12g", value))

of_patient <- function(lower, upper, mean, sd, tau) {
  of <- function(b) {
    total <- dnorm(b, 0, tau, log = TRUE)
    for (j in seq_along(mean)) total <- total + if (lower[j] == upper[j]) dnorm(upper[j], mean[j] + b, sd, log = TRUE) else
      pnorm(upper[j], mean[j] + b, sd, log.p = TRUE)
    total
  }
  top <- optimize(of, c(-9, 9) * tau, maximum = TRUE, tol = 1e-9)
  ends <- sort(unique(pmax(-9 * tau, pmin(9 * tau, top$maximum + c(-Inf, -12, -6, -3, -1, 0, 1, 3, 6, 12, Inf) * sd))))
  pieces <- mapply(function(a, b) integrate(function(x) exp(of(x) - top$objective), a, b, rel.tol = 1e-11, abs.tol = 1e-13,
    subdivisions = 2000)$value, head(ends, -1), tail(ends, -1))
  top$objective + log(sum(pieces))
}
for (ratio in c(1, 2.5, 5, 10)) for (k in c(2, 6))
  add(paste(ratio, k), "patient", "loglik", sapply(c(-1, 1), function(shift)
    of_patient(rep(-Inf, k), rep(0, k), rep(shift * ratio / 2, k), 1, ratio)))

set.seed(8)
sets <- list()
for (ratio in c(3, 5)) {
  n <- 30; patient <- rep(1:n, each = 5); month <- rep(c(0, .25, .5, .75, 1), n)
  level <- -1 + rep(rnorm(n, 0, 1), each = 5) - .4 * month + rnorm(5 * n, 0, 1 / ratio)
  limit <- sort(tapply(level, patient, max))[n / 2] + 1e-3  # half of them never reach it
  sets[[paste("ratio", ratio)]] <- data.frame(set = paste("ratio", ratio), patient, month,
    lower = ifelse(level < limit, -Inf, round(level, 3)), upper = ifelse(level < limit, round(limit, 3), round(level, 3)))
}
write.csv(do.call(rbind, sets), "kinetics_mixed_data.csv", row.names = FALSE, quote = FALSE)
for (name in names(sets)) {
  d <- split(sets[[name]], sets[[name]]$patient)
  minus <- function(theta) -sum(sapply(d, function(r)
    of_patient(r$lower, r$upper, theta[1] + theta[2] * r$month, exp(theta[3]), exp(theta[4]))))
  best <- nlminb(c(-1, -.4, log(.3), 0), minus, control = list(rel.tol = 1e-14, x.tol = 1e-10))
  hessian <- optimHess(best$par, minus, control = list(ndeps = rep(1e-3, 4)))
  add(name, "mixed", "coefficient", c(best$par[1:2], exp(best$par[3:4])))
  add(name, "mixed", "error", sqrt(diag(solve(hessian))))
  add(name, "mixed", "loglik", -best$objective)
}
write.csv(do.call(rbind, rows), stdout(), row.names = FALSE, quote = FALSE)
