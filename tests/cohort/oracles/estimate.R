# Reference numbers for estimate.py: Rscript estimate.R > estimate.csv (the cohorts: estimate_data.csv, written beside).
# R 4.2.2, survival 3.5-3, cmprsk 2.2-11, KMsurv 0.1-5 (the data bmt of Klein and Moeschberger); aml is survival's.
#
# survival, variance, lower, upper: survfit at each of its times, with robust = FALSE, as it would turn to a robust variance
#   for weights that are not whole. Standard errors of survfit are of log S: times S they are Greenwood's.
# quantile_*: quantile() of the same fits; argument p. mean, mean_error: print(survfit, rmean =); argument the horizon.
# incidence, incidence_variance: cuminc; its limits by hand, symmetric on log(-log F), as tidycmprsk and SAS do.
#   For late entry and weights, which cuminc does not take, survfit of several states: the estimate alone.
# Of cohorts above 30 every fourth time is kept. NA where R has none.
suppressMessages({library(survival); library(cmprsk)})
data(bmt, package = "KMsurv")

cohorts <- list()
cohort <- function(name, time, event, entry = 0, weight = 1)
  cohorts[[name]] <<- data.frame(data = name, time, event, entry, weight, row.names = NULL)

bmt$event <- ifelse(bmt$d2 == 1, 1, ifelse(bmt$d1 == 1, 2, 0))  # 1 relapse, 2 death in remission
for (g in 1:3) with(bmt[bmt$group == g, ], cohort(c("bmt_all", "bmt_low", "bmt_high")[g], t2, event))
for (g in 1:2) with(aml[as.integer(aml$x) == g, ], cohort(c("aml_maintained", "aml_not")[g], time, status))
cohort("ties", c(1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4), c(1, 2, 0, 1, 1, 2, 0, 2, 2, 1, 2, 0))
cohort("ties_to_the_end", c(1, 1, 1, 1, 2, 2, 3, 3, 3), c(1, 1, 2, 0, 2, 2, 1, 1, 2))
cohort("late", c(5, 6, 6, 8, 9, 12, 12, 15, 20), c(1, 2, 0, 1, 1, 2, 1, 0, 1), c(0, 2, 5, 5, 6, 0, 8, 9, 12))
cohort("late_gap", c(2, 3, 8, 9, 10), c(0, 0, 1, 2, 0), c(0, 0, 4, 4, 8))
cohort("emptied", c(2, 3, 8, 9, 10), c(1, 1, 1, 2, 0), c(0, 0, 4, 4, 8))
cohort("weighted", c(1, 2, 2, 3, 4, 4, 5, 7), c(1, 1, 0, 2, 1, 2, 0, 1), 0, c(.5, 1.25, 2, .75, 1.5, 3, .3, 2.2))
cohort("weighted_late", c(3, 4, 6, 6, 9, 11), c(1, 0, 2, 1, 0, 1), c(0, 0, 3, 1, 4, 6), c(.7, 1.1, 2.3, 1.9, .4, 1.6))
cohort("one_fails", 4, 1)
cohort("one_censored", 4, 0)
cohort("all_censored", c(2, 3, 3, 7), c(0, 0, 0, 0))
cohort("all_fail_at_once", c(6, 6, 6), c(1, 1, 1))
cohort("at_zero", c(0, 0, 3, 5, 8), c(1, 0, 1, 0, 1))
cohort("even", 1:4, c(1, 1, 1, 1))            # S passes 1/2 and 1/4 level
cohort("level_end", c(1, 2, 5, 9), c(1, 1, 0, 0))  # S ends level at 1/2
everything <- do.call(rbind, cohorts)
write.csv(everything, "estimate_data.csv", row.names = FALSE, quote = FALSE)

rows <- list()
add <- function(data, quantity, value, argument = NA, limits = NA, confidence = NA, cause = NA) {
  made <- data.frame(data, quantity, limits, confidence, cause, argument,
    value = ifelse(is.na(value), "NA", sprintf("%.12g", value)))
  rows[[length(rows) + 1]] <<- if (nrow(made) > 30) made[seq(1, nrow(made), 4), ] else made
}

options(warn = -1)  # sqrt and log of curves that have ended
for (name in names(cohorts)) {
  d <- cohorts[[name]]
  late <- any(d$entry > 0)
  weighted <- any(d$weight != 1)
  d$any <- as.integer(d$event > 0)
  response <- if (late) with(d, Surv(entry, time, any)) else with(d, Surv(time, any))
  for (scale in c("log-log", "log", "plain")) for (level in if (scale == "log-log") c(.95, .8) else .95) {
    fit <- survfit(response ~ 1, data = d, weights = weight, robust = FALSE, conf.type = scale, conf.int = level)
    # survfit leaves out times at which late comers enter and nobody leaves; and the variance of a curve at 0 is 0 x Inf.
    if (scale == "plain") {
      add(name, "survival", fit$surv, fit$time)
      add(name, "variance", ifelse(fit$surv == 0, NA, (fit$surv * fit$std.err)^2), fit$time)
    }
    add(name, "lower", ifelse(fit$surv == 0, NA, fit$lower), fit$time, scale, level)
    add(name, "upper", ifelse(fit$surv == 0, NA, fit$upper), fit$time, scale, level)
    for (p in c(.25, .5, .75)) {
      q <- quantile(fit, p)
      add(name, "quantile", q$quantile, p, scale, level)
      add(name, "quantile_lower", q$lower, p, scale, level)
      add(name, "quantile_upper", q$upper, p, scale, level)
    }
    if (scale == "plain") for (horizon in c(.4, .75, 1) * max(d$time)) if (horizon > 0) {
      mean <- survival:::survmean(fit, rmean = horizon)$matrix
      add(name, "mean", mean["rmean"], horizon)
      add(name, "mean_error", mean["se(rmean)"], horizon)
    }
  }
  if (!late && !weighted) {
    if (any(d$event > 0)) {
      found <- cuminc(d$time, d$event)
      for (curve in names(found)) {
        at <- sort(unique(d$time))
        values <- timepoints(found[curve], at)
        f <- c(values$est); v <- c(values$var)
        cause <- as.integer(sub(".* ", "", curve))
        add(name, "incidence", f, at, cause = cause)
        add(name, "incidence_variance", v, at, cause = cause)
        spread <- exp(qnorm(.975) * sqrt(v) / (f * log(f)))
        open <- f > 0 & f < 1 - 1e-12
        add(name, "incidence_lower", ifelse(open, f^(1 / spread), NA), at, "log-log", .95, cause)
        add(name, "incidence_upper", ifelse(open, f^spread, NA), at, "log-log", .95, cause)
      }
    }
  } else {
    state <- factor(d$event, 0:2)
    d$id <- seq_len(nrow(d))
    fit <- survfit(if (late) Surv(d$entry, d$time, state) ~ 1 else Surv(d$time, state) ~ 1, data = d, weights = weight, id = id)
    for (cause in 1:2) add(name, "incidence", fit$pstate[, match(cause, fit$states)], fit$time, cause = cause)
  }
}
write.csv(do.call(rbind, rows), stdout(), row.names = FALSE, quote = FALSE)
