# Reference numbers for benefit.py, firth.py and concordance.py. Run in this folder: Rscript benefit.R
# Made with R 4.2.2, survival 3.5-3, KMsurv 0.1-5 (bmt). Writes benefit_data.csv (the patients) and benefit.csv (the numbers).
#
# interaction: coxph with the product of treatment and level; hazard ratios within levels are contrasts of its coefficients,
#   their errors from its covariance matrix; the test compares the log-likelihoods with and without the product.
# firth: the package coxphf is not part of Debian. Here the penalised likelihood is built of what coxph itself says of a
#   point where it may take no step (iter.max = 0): its log-likelihood, and half the log-determinant of its information. It is
#   maximised by optim from several starts; limits are roots of its profile.
# concordance: concordance() of scores of which higher means sooner (reverse = TRUE), with ymax as the horizon.
suppressMessages(library(survival))
data(bmt, package = "KMsurv")

set.seed(20250311)
simulated <- function(n, digits, late, beta = c(-.3, .4, -.6)) {
  treated <- rbinom(n, 1, .5)
  level <- sample(c("high", "low"), n, replace = TRUE)
  age <- round(rnorm(n, 8, 4), 2)
  entry <- if (late) ifelse(runif(n) < .5, 0, round(rexp(n, 1 / 3), digits)) else rep(0, n)
  rate <- .08 * exp(beta[1] * treated + beta[2] * (level == "low") + beta[3] * treated * (level == "low") + .03 * age)
  time <- round(entry + rexp(n, rate), digits) + 10^-digits
  censored <- round(entry + runif(n, 2, 20), digits) + 10^-digits
  data.frame(time = pmin(time, censored), event = as.integer(time <= censored), entry, treated, level, age)
}
sets <- list(
  smooth = simulated(120, 6, FALSE),
  tied = simulated(150, 0, FALSE),
  late = simulated(120, 6, TRUE),
  late_tied = simulated(150, 0, TRUE),
  few = simulated(24, 1, FALSE),
  # Nobody fails among the treated with the level "low": the hazard ratio there has no best value.
  separated = transform(simulated(60, 4, FALSE), event = ifelse(treated == 1 & level == "low", 0L, event)),
  bmt = with(bmt, data.frame(time = t2, event = d3, entry = 0, treated = z10, level = ifelse(group == 3, "high", "low"), age = z1))
)
write.csv(do.call(rbind, lapply(names(sets), function(s) cbind(set = s, sets[[s]]))), "benefit_data.csv",
          row.names = FALSE, quote = FALSE)

rows <- NULL
add <- function(set, what, term, value)
  rows <<- rbind(rows, data.frame(set, what, term, value = sprintf("%.12g", value)))
tight <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)
response <- function(d) if (any(d$entry > 0)) with(d, Surv(entry, time, event)) else with(d, Surv(time, event))

for (s in setdiff(names(sets), c("separated", "few"))) {
  d <- sets[[s]]; d$low <- as.integer(d$level == "low"); y <- response(d)
  full <- coxph(y ~ low + treated + treated:low + age, d, control = tight)
  without <- coxph(y ~ low + treated + age, d, control = tight)
  b <- coef(full); v <- vcov(full)
  contrasts <- list(high = c(0, 1, 0, 0), low = c(0, 1, 0, 1), ratio = c(0, 0, 0, 1))  # order: low, treated, age, product
  for (k in names(contrasts)) {
    add(s, "interaction", k, sum(contrasts[[k]] * b))
    add(s, "interaction error", k, sqrt(drop(t(contrasts[[k]]) %*% v %*% contrasts[[k]])))
  }
  add(s, "interaction test", "statistic", 2 * (full$loglik[2] - without$loglik[2]))
}

for (s in setdiff(names(sets), "bmt")) {
  d <- sets[[s]]; y <- response(d)
  x <- with(d, cbind(treated, low = as.integer(level == "low"), product = treated * (level == "low")))
  penalised <- function(b) {
    fit <- suppressWarnings(coxph(y ~ x, init = b, control = coxph.control(iter.max = 0)))
    fit$loglik[1] - as.numeric(determinant(fit$var)$modulus) / 2
  }
  best <- function(held = NULL, at = NULL, start = rep(0, ncol(x))) {
    free <- setdiff(seq_len(ncol(x)), held)
    point <- function(b) { full <- numeric(ncol(x)); full[free] <- b; full[held] <- at; full }
    found <- list(par = start[free])
    for (i in 1:4) found <- optim(found$par, function(b) -penalised(point(b)), method = "BFGS",
                                  control = list(reltol = 1e-16, maxit = 500, ndeps = rep(1e-5, length(free))))
    list(par = point(found$par), value = -found$value)
  }
  top <- best()
  fit <- suppressWarnings(coxph(y ~ x, init = top$par, control = coxph.control(iter.max = 0)))
  add(s, "firth", "log_likelihood", top$value)
  add(s, "firth", "log_likelihood_null", penalised(rep(0, ncol(x))))
  for (k in seq_len(ncol(x))) {
    name <- colnames(x)[k]; error <- sqrt(diag(fit$var))[k]
    profile <- function(at) top$value - best(k, at, top$par)$value - qchisq(.95, 1) / 2
    limit <- function(side) {
      far <- 1
      while (profile(top$par[k] + side * far * error) < 0) far <- far + 1
      uniroot(profile, sort(top$par[k] + side * c(far - 1 + 1e-9, far) * error), tol = 1e-9)$root
    }
    add(s, "firth coefficient", name, top$par[k])
    add(s, "firth error", name, error)
    add(s, "firth lower", name, limit(-1))
    add(s, "firth upper", name, limit(1))
    add(s, "firth statistic", name, 2 * (top$value - best(k, 0, top$par)$value))
  }
  add(s, "firth test", "treated and product", 2 * (top$value - best(c(1, 3), c(0, 0), top$par)$value))
}

for (s in setdiff(names(sets), c("late", "late_tied"))) {
  d <- sets[[s]]
  scores <- list(age = d$age, coarse = round(d$age / 5), level = as.integer(d$level == "low"), constant = rep(1, nrow(d)))
  for (name in names(scores)) for (horizon in c(Inf, quantile(d$time, .4, type = 1))) {
    found <- with(d, if (is.infinite(horizon)) concordance(Surv(time, event) ~ scores[[name]], reverse = TRUE)
                     else concordance(Surv(time, event) ~ scores[[name]], reverse = TRUE, ymax = horizon))
    term <- paste0(name, "|", sprintf("%.12g", horizon))
    add(s, "c", term, found$concordance)
    add(s, "c error", term, sqrt(found$var))
    for (count in c("concordant", "discordant", "tied.x")) add(s, count, term, found$count[[count]])
  }
}
write.csv(rows, "benefit.csv", row.names = FALSE, quote = FALSE)
