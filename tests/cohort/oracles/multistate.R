# Reference numbers for multistate.py: Rscript multistate.R > multistate.csv (the stretches: multistate_data.csv, beside).
# R 4.2.2, survival 3.5-3, etm 1.1.1, KMsurv 0.1-5 (the data bmt of Klein and Moeschberger).
#
# probability, error: survfit of several states; its standard error is the infinitesimal jackknife. lower, upper: by hand,
#   symmetric on the logit scale. For a landmark: the patients in the state then, their stretches cut at it (program
#   "landmark"), or all patients with p0 given (program "markov"). survfit starts at start.time; it would at the first event.
#   With influence = TRUE: without it, the standard error of 3.5-3 leaves out that of the shares at the start.
# mean, mean_error: the mean time in each state, summary(fit, rmean =)$table; of a landmark, counted from it.
# etm: transition probabilities by another package, all patients.
suppressMessages({library(survival); library(etm)})
data(bmt, package = "KMsurv")

rows <- NULL
stretch <- function(set, id, from, to, start, stop)
  rows <<- rbind(rows, data.frame(set, id, from, to, start, stop))

# Walks through the days on which anything happens to a patient; "both" of platelets and graft-versus-host disease.
for (i in seq_len(nrow(bmt))) {
  b <- bmt[i, ]
  # tp, dp: platelets; ta, da: acute graft-versus-host disease; t2, d2: relapse; t1, d1: death
  platelets <- if (b$dp == 1) b$tp else Inf
  gvhd <- if (b$da == 1) b$ta else Inf
  relapse <- if (b$d2 == 1) b$t2 else Inf
  death <- if (b$d1 == 1) b$t1 else Inf
  now <- function(day) {
    if (death <= day) return(if (relapse <= day) "died after relapse" else "died in remission")
    if (relapse <= day) return("relapsed")
    c("neither", "platelets", "GvHD", "both")[1 + (platelets <= day) + 2 * (gvhd <= day)]
  }
  days <- sort(unique(c(0, platelets, gvhd, relapse, death)))
  days <- c(days[is.finite(days) & days < b$t1], b$t1)
  for (d in seq_len(length(days) - 1)) {
    from <- now(days[d]); to <- now(days[d + 1])
    if (from == to && days[d + 1] < b$t1) { days[d + 1] <- days[d]; next }
    stretch("bmt", i, from, if (from == to) NA else to, days[d], days[d + 1])
  }
}

# Three states that lead to each other, and death. late: some come later, in any of them.
set.seed(20240711)
simulated <- function(set, n, rounding, late, begin) for (i in seq_len(n)) {
  at <- if (late && runif(1) < .4) round(rexp(1, 1 / 5), rounding) else 0
  from <- if (begin || at > 0) sample(c("a", "b", "c"), 1) else "a"
  end <- at + round(runif(1, 2, 40), rounding)
  repeat {
    stop <- at + max(round(rexp(1, .12), rounding), if (rounding) 1e-4 else 1)
    if (stop >= end) { stretch(set, i, from, NA, at, end); break }
    to <- sample(setdiff(c("a", "b", "c", "dead"), from), 1)
    stretch(set, i, from, to, at, stop)
    if (to == "dead") break
    at <- stop; from <- to
  }
}
simulated("ties", 120, 0, FALSE, FALSE)
simulated("mixed", 90, 4, FALSE, TRUE)
simulated("late", 150, 0, TRUE, FALSE)
# Six patients: two move at once, one comes late, all who are left in b leave it together.
few <- list(list(1, "a", "b", 0, 2), list(1, "b", "dead", 2, 5), list(2, "a", "b", 0, 2), list(2, "b", "a", 2, 5),
            list(2, "a", NA, 5, 9), list(3, "a", "dead", 0, 2), list(4, "a", NA, 0, 4), list(5, "a", "dead", 0, 7),
            list(6, "b", "dead", 3, 5))
for (f in few) stretch("few", f[[1]], f[[2]], f[[3]], f[[4]], f[[5]])
write.csv(rows, "multistate_data.csv", row.names = FALSE, quote = FALSE, na = "")

cat("set,program,quantity,since,given,time,state,value\n")
add <- function(set, program, quantity, time, state, value, since = 0, given = "")
  cat(sprintf("%s,%s,%s,%s,%s,%s,%s,%.12g\n", set, program, quantity, since, given, format(time, digits = 12, trim = TRUE), state, value),
      sep = "")

report <- function(fit, set, program, times, horizon, since = 0, given = "") {
  found <- summary(fit, times = times, extend = TRUE)
  for (s in seq_along(fit$states)) {
    p <- found$pstate[, s]; e <- found$std.err[, s]
    add(set, program, "probability", times, fit$states[s], p, since, given)
    add(set, program, "error", times, fit$states[s], e, since, given)
    inside <- p > 1e-9 & p < 1 - 1e-9
    for (sign in c(-1, 1))
      add(set, program, c("lower", "", "upper")[sign + 2], times[inside], fit$states[s],
          plogis(qlogis(p) + sign * qnorm(.975) * e / (p * (1 - p)))[inside], since, given)
  }
  table <- summary(fit, rmean = horizon)$table
  add(set, program, "mean", horizon, fit$states, table[, "rmean"], since, given)
  # With p0 given there is none.
  if ("se(rmean)" %in% colnames(table)) add(set, program, "mean_error", horizon, fit$states, table[, "se(rmean)"], since, given)
}

fitted <- function(d, states, ...) {
  d$event <- factor(ifelse(is.na(d$to), "censor", d$to), c("censor", states))
  d$from <- factor(d$from, states)
  survfit(Surv(start, stop, event) ~ 1, d, id = id, istate = from, influence = TRUE, ...)
}
cut <- function(d, since) {
  d <- d[d$stop > since, ]
  d$start <- pmax(d$start, since)
  d
}

wanted <- list(
  bmt = list(times = c(7, 14, 21, 30, 60, 100, 180, 365, 730), horizon = 730, since = 30, given = "platelets"),
  ties = list(times = c(1, 2, 3, 5, 8, 12, 18, 25), horizon = 24, since = 4, given = "b"),
  mixed = list(times = c(.5, 1.5, 3, 5.25, 8, 12, 18, 25), horizon = 20, since = 3.3, given = "c"),
  late = list(times = c(1, 2, 3, 5, 8, 12, 15, 18), horizon = 16, since = 4, given = "b"),
  few = list(times = c(1, 2, 3, 4, 5, 6, 7, 8), horizon = 8, since = 2, given = "b"))
for (set in names(wanted)) {
  w <- wanted[[set]]
  d <- rows[rows$set == set, ]
  states <- unique(c(d$from, d$to[!is.na(d$to)]))
  begin <- d[d$start == 0, ]
  shares <- as.numeric(table(factor(begin$from, states))) / nrow(begin)
  # Who comes late is not in p0; given, survfit takes it as known, as it is where all begin alike.
  late <- any(!(d$id %in% begin$id))
  fit <- if (late) fitted(d, states, start.time = 0, p0 = shares) else fitted(d, states, start.time = 0)
  report(fit, set, "survfit", w$times, w$horizon)

  after <- w$times[w$times >= w$since]
  known <- as.numeric(states == w$given)
  there <- unique(d$id[d$from == w$given & d$start <= w$since & d$stop > w$since])
  fit <- fitted(cut(d[d$id %in% there, ], w$since), states, start.time = w$since)
  report(fit, set, "landmark", after, w$horizon, w$since, w$given)
  fit <- fitted(cut(d, w$since), states, start.time = w$since, p0 = known)
  report(fit, set, "markov", after, w$horizon, w$since, w$given)

  allowed <- outer(states, states, Vectorize(function(a, b) any(d$from == a & d$to == b, na.rm = TRUE)))
  e <- data.frame(id = d$id, from = d$from, to = ifelse(is.na(d$to), "cens", d$to), entry = d$start, exit = d$stop)
  both <- etm(e, states, allowed, "cens", s = w$since, covariance = FALSE)
  for (t in after[after >= min(both$time)]) for (s in states)
    add(set, "etm", "probability", t, s, both$est[w$given, s, max(which(both$time <= t))], w$since, w$given)
}
