# Reference numbers for kinetics.py: Rscript kinetics.R > kinetics.csv (the readings: kinetics_data.csv, written beside).
# R 4.2.2, survival 3.5-3, lme4 1.1-31. Readings are simulated here, log10 of percent; no end means no limit.
#
# survreg: Surv(lower, upper, type = "interval2"), dist = "gaussian", with iterations to 1e-13: coefficients and log(scale), their
#   covariance (row by row), log-likelihood. profile: limits of the coefficient of month, where twice the log-likelihood with it
#   held as an offset has fallen by qchisq(.95, 1); found by uniroot.
# robust: the sandwich with cluster = patient, by survreg where no reading lies between two limits. There survreg 3.5-3 has
#   the sign of the derivative in log(scale) wrong, as differences of the log-likelihood show: "differences" is the same
#   sandwich, of scores by central differences, for all.
# lmer: all levels found, REML = FALSE: coefficients, standard deviations within and between, log-likelihood.
# mixed: intercepts integrated out patient by patient (integrate, rel.tol 1e-10), maximised by nlminb; standard errors of the
#   coefficients and of the logarithms of both sd from optimHess.
suppressMessages({library(survival); library(lme4)})
set.seed(4)

sets <- list()
add_set <- function(name, patient, month, group, level, limit, quantified)
  sets[[name]] <<- data.frame(set = name, patient, month, group,
    lower = ifelse(level < limit, -Inf, ifelse(level < quantified, limit, round(level, 3))),
    upper = ifelse(level < limit, limit, ifelse(level < quantified, quantified, round(level, 3))))
n <- 24; patient <- rep(1:n, each = 5); month <- rep(c(0, .25, .5, .75, 1), n); group <- as.integer(patient > n / 2)
level <- -1 + rep(rnorm(n, 0, .5), each = 5) - 1.9 * month - .4 * group * month + rnorm(5 * n, 0, .25)
add_set("censored", patient, month, group, level, -2, -1.5)
add_set("left", patient, month, group, level, -2, -2)
add_set("found", patient, month, group, level, -9, -9)
add_set("limits", patient, month, group, level, rep(c(-2, -3, -2.5), 40), -1.4)       # a limit for each sample
far <- sets$censored; far$set <- "above"; high <- far$lower > -.8                         # and some above what is measured
far$lower[high] <- -.8; far$upper[high] <- Inf; sets$above <- far
few <- rnorm(12, -1.6, .6)
add_set("few", 1:12, rep(0:1, 6), rep(0:1, each = 6), few, -1.8, -1.8)
between <- rnorm(30, -1, .8)
sets$between <- data.frame(set = "between", patient = 1:30, month = 0:29 %% 3, group = rep(0:1, 15), lower = floor(2 * between) / 2,
  upper = floor(2 * between) / 2 + .5)
write.csv(do.call(rbind, sets), "kinetics_data.csv", row.names = FALSE, quote = FALSE)

rows <- list()
add <- function(set, model, program, quantity, value)
  rows[[length(rows) + 1]] <<- data.frame(set, model, program, quantity, place = seq_along(value), value = sprintf("%.12g", value))
tight <- survreg.control(maxiter = 200, rel.tolerance = 1e-13, toler.chol = 1e-12)
response <- function(d) Surv(ifelse(is.infinite(d$lower), NA, d$lower), ifelse(is.infinite(d$upper), NA, d$upper), type = "interval2")

for (name in names(sets)) {
  d <- sets[[name]]; d$y <- response(d)
  for (model in c("1", "month", "month + group")) {
    fit <- survreg(as.formula(paste("y ~", model)), data = d, dist = "gaussian", control = tight)
    add(name, model, "survreg", "coefficient", c(coef(fit), log(fit$scale)))
    add(name, model, "survreg", "covariance", as.vector(vcov(fit)))
    add(name, model, "survreg", "loglik", fit$loglik[2])
    if (model == "month") {
      at <- function(b) 2 * (fit$loglik[2] - survreg(y ~ offset(b * month), data = d, dist = "gaussian", control = tight)$loglik[2]) - qchisq(.95, 1)
      b <- coef(fit)["month"]; se <- sqrt(vcov(fit)["month", "month"])
      add(name, model, "survreg", "profile", c(uniroot(at, c(b - 8 * se, b), tol = 1e-11)$root, uniroot(at, c(b, b + 8 * se), tol = 1e-11)$root))
    }
    if (max(table(d$patient)) > 1) {
      theta <- c(coef(fit), log(fit$scale)); x <- model.matrix(as.formula(paste("~", model)), d)
      each <- function(t) { m <- drop(x %*% head(t, -1)); sd <- exp(tail(t, 1))
        ifelse(d$lower == d$upper, dnorm(d$upper, m, sd, log = TRUE), log(pnorm(d$upper, m, sd) - pnorm(d$lower, m, sd))) }
      score <- sapply(seq_along(theta), function(k) { e <- 1e-5 * (seq_along(theta) == k); (each(theta + e) - each(theta - e)) / 2e-5 })
      add(name, model, "differences", "robust", as.vector(vcov(fit) %*% crossprod(rowsum(score, d$patient)) %*% vcov(fit)))
      if (all(d$lower == d$upper | is.infinite(d$lower))) {
        robust <- survreg(as.formula(paste("y ~", model)), data = d, dist = "gaussian", control = tight, cluster = patient, robust = TRUE)
        add(name, model, "survreg", "robust", as.vector(vcov(robust)))
      }
    }
  }
}

d <- sets$found
fit <- lmer(lower ~ month + (1 | patient), data = d, REML = FALSE, control = lmerControl(optCtrl = list(rhobeg = .2, rhoend = 1e-12)))
add("found", "month", "lmer", "coefficient", c(fixef(fit), sigma(fit), sqrt(VarCorr(fit)$patient[1])))
add("found", "month", "lmer", "loglik", as.numeric(logLik(fit)))

minus <- function(theta, d) -sum(sapply(split(d, d$patient), function(r) {
  mean <- theta[1] + theta[2] * r$month; sd <- exp(theta[3]); tau <- exp(theta[4])
  of <- function(b) sum(ifelse(r$lower == r$upper, dnorm(r$upper, mean + b, sd, log = TRUE),
    log(pnorm(r$upper, mean + b, sd) - pnorm(r$lower, mean + b, sd)))) + dnorm(b, 0, tau, log = TRUE)
  top <- optimize(of, c(-5, 5) * tau, maximum = TRUE, tol = 1e-8)
  log(integrate(function(b) exp(sapply(b, of) - top$objective), top$maximum - 8 * tau, top$maximum + 8 * tau,
    rel.tol = 1e-10, subdivisions = 500)$value) + top$objective
}))
for (name in c("found", "censored")) {
  d <- sets[[name]]
  best <- nlminb(c(-1, -2, log(.3), log(.4)), minus, d = d, lower = c(-3, -4, -3, -3), upper = c(1, 1, 1, 1),
    control = list(rel.tol = 1e-14, x.tol = 1e-10))
  hessian <- optimHess(best$par, minus, d = d, control = list(ndeps = rep(1e-3, 4)))
  add(name, "month", "mixed", "coefficient", c(best$par[1:2], exp(best$par[3:4])))
  add(name, "month", "mixed", "error", sqrt(diag(solve(hessian))))
  add(name, "month", "mixed", "loglik", -best$objective)
}
write.csv(do.call(rbind, rows), stdout(), row.names = FALSE, quote = FALSE)
