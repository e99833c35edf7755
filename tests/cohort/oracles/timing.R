# Reference numbers for timing.py and cox.py: Rscript timing.R > timing.csv, in this folder.
# R 4.2.2, survival 3.5-3. The cohorts are written beside, to timing_data.csv: Stanford (data/reference/stanford.csv, days
# counted from 1 on; "stanford_0" from 0 on, the day of death on day 0 set to half a day), and one drawn with many ties, late
# entry and a covariate.
#
# ties: what an event on the day of the switch counts as. before: waiting, as tmerge has it of itself. after: all switches
#   half a day earlier, so that all of one day are treated at that day's events. own: only those of patients whose time ends on
#   that day, as survival's heart and jasa1 were made. All times are whole, so that nothing else lies in between.
# coefficient, error: coxph on tmerge's intervals, Efron (with "breslow": Breslow); of stanford_0 the model 1 of Kalbfleisch and
#   Prentice, of which survival's own tests print .01386 -.54652 .11572 .03473 -.29037 (Breslow).
# mantel_byar: the score test of coxph(ties = "exact"), which has the hypergeometric variance. survdiff takes no late entry.
# survival, error of log survival, lower, upper: survfit of the intervals by treatment, log-log limits; argument the time;
#   "since": intervals cut to what is after day 20.
# landmark: patients followed beyond it, by what they had had by then; n, log hazard ratio and its error; argument the day.
# path: survfit of a coxph with a treatment that changes on the day "group" (Inf: never); argument the time. Errors of the
#   cumulative hazard are survfit's (log-log limits too) only if nothing changes. If something does, survfit 3.5-3 takes the part
#   that comes from the coefficients as if the last covariates had held from the beginning; "by hand" it is made of the derivative
#   of the cumulative hazard by each coefficient, by differences, from survfit of the same model at coefficients held a little off.
suppressMessages(library(survival))

stanford <- read.csv("../../../data/reference/stanford.csv")
cohorts <- list(
  stanford = with(stanford, data.frame(time = end_days + 1, event = 1 * (died == "yes"), switch = transplant_days + 1, entry = 0,
                                       x = age_days / 365.25 - 48, z = 1 * (surgery == "yes"))),
  stanford_0 = with(stanford, data.frame(time = ifelse(end_days == 0, .5, end_days), event = 1 * (died == "yes"),
                                         switch = transplant_days, entry = 0, x = age_days / 365.25 - 48, z = 1 * (surgery == "yes"))))
set.seed(4)
n <- 90
time <- 1 + rgeom(n, .05)
entry <- ifelse(runif(n) < .3, floor(runif(n) * time), 0)
switch <- ifelse(runif(n) < .3, NA, rgeom(n, .05))
switch[!is.na(switch) & switch > time] <- NA
switch[1:6] <- time[1:6]                       # on the day that ends it
switch[7:9] <- 0
switch[10:12] <- entry[10:12]                  # on the day of entry
switch[13:15] <- time[13:15] + 1               # after it
cohorts$tied <- data.frame(time, event = 1 * (runif(n) < .6), switch, entry, x = round(rnorm(n), 2), z = 1 * (runif(n) < .4))
cohorts$tied$event[1:3] <- 1
for (name in names(cohorts)) cohorts[[name]] <- cbind(data = name, cohorts[[name]])
write.csv(do.call(rbind, cohorts), "timing_data.csv", row.names = FALSE, quote = FALSE)

rows <- list()
add <- function(data, ties, quantity, group, argument, value)
  rows[[length(rows) + 1]] <<- data.frame(data, ties, quantity, group, argument, value = ifelse(is.na(value), "NA", sprintf("%.12g", value)))
tight <- coxph.control(eps = 1e-11, toler.chol = 1e-12, iter.max = 50)

intervals <- function(d, ties) {
  d$id <- seq_len(nrow(d))
  at <- d$switch
  if (ties == "own") at <- ifelse(!is.na(at) & at == d$time & at > d$entry, at - .5, at)
  if (ties == "after") at <- ifelse(!is.na(at) & at > d$entry, at - .5, at)
  d$at <- at
  m <- tmerge(d[c("id", "x", "z")], d, id = id, tstart = entry, tstop = time, failed = event(time, event))
  tmerge(m, d, id = id, treated = tdc(at))
}
cox <- function(data, ties, formula, m, method, model = "") {
  fit <- coxph(formula, m, ties = method, control = tight)
  add(data, ties, paste0("coefficient ", method, model), names(coef(fit)), NA, coef(fit))
  add(data, ties, paste0("error ", method, model), names(coef(fit)), NA, sqrt(diag(vcov(fit))))
}
curve <- function(data, ties, quantity, m, since = 0) {
  m <- m[m$tstop > since, ]
  m$tstart <- pmax(m$tstart, since)
  for (g in 0:1) {
    fit <- summary(survfit(Surv(tstart, tstop, failed) ~ 1, m[m$treated == g, ], conf.type = "log-log", se.fit = TRUE))
    keep <- seq_along(fit$time) %% 6 == 1
    for (part in c("surv", "lower", "upper")) add(data, ties, paste(quantity, part), g, fit$time[keep], fit[[part]][keep])
  }
}

for (name in names(cohorts)) for (ties in c("before", "after", "own")) {
  d <- cohorts[[name]]
  m <- intervals(d, ties)
  add(name, ties, "intervals", "", NA, nrow(m))
  for (method in c("efron", "breslow")) {
    if (name == "stanford_0") cox(name, ties, Surv(tstart, tstop, failed) ~ (x + z) * treated, m, method)
    else cox(name, ties, Surv(tstart, tstop, failed) ~ treated, m, method)
  }
  if (name == "stanford_0") next
  cox(name, ties, Surv(tstart, tstop, failed) ~ treated + x + z, m, "efron", " several")
  fit <- coxph(Surv(tstart, tstop, failed) ~ treated, m, ties = "exact", control = tight)
  add(name, ties, "mantel_byar", "", NA, fit$score)
  curve(name, ties, "survival", m)
  curve(name, ties, "since", m, 20)
  alone <- coxph(Surv(tstart, tstop, failed) ~ treated, m, control = tight)
  several <- coxph(Surv(tstart, tstop, failed) ~ treated + x + z, m, control = tight)
  last <- max(d$time)
  for (at in c(10, 30, Inf)) for (model in c("alone", "several")) {
    # What x and z are does not matter to the model without them.
    path <- data.frame(id = 1, tstart = c(0, at), tstop = c(min(at, last), last), failed = 0, treated = c(0, 1), x = c(1, 1), z = c(0, 0))
    path <- path[path$tstart < last, ]
    formula <- if (model == "alone") Surv(tstart, tstop, failed) ~ treated else Surv(tstart, tstop, failed) ~ treated + x + z
    best <- if (model == "alone") alone else several
    held <- function(b) {
      fit <- suppressWarnings(coxph(formula, m, init = b, control = coxph.control(iter.max = 0)))
      survfit(fit, newdata = path, id = id, conf.type = "log-log")
    }
    fit <- held(coef(best))
    keep <- which(fit$n.event > 0)
    keep <- keep[seq_along(keep) %% 12 == 1]
    slope <- sapply(seq_along(coef(best)), function(k) {
      off <- replace(numeric(length(coef(best))), k, 1e-5)
      (held(coef(best) + off)$cumhaz - held(coef(best) - off)$cumhaz) / 2e-5
    })
    # The failures' part: for d at one time, the l-th of them leaves l/d of all d out.
    b <- coef(best); risk <- exp(as.matrix(m[names(b)]) %*% b); own <- exp(as.matrix(path[names(b)]) %*% b)
    part <- sapply(fit$time, function(u) {
      dead <- m$failed == 1 & m$tstop == u
      left <- sum(risk[m$tstart < u & m$tstop >= u]) - (seq_len(sum(dead)) - 1) / sum(dead) * sum(risk[dead])
      own[path$tstart < u & path$tstop >= u]^2 * sum(1 / left^2)
    })
    error <- sqrt(cumsum(part) + rowSums((slope %*% vcov(best)) * slope))
    if (nrow(path) == 1) stopifnot(all.equal(error[keep], fit$std.err[keep], tolerance = 1e-6))
    add(name, ties, paste("path", model, "surv"), at, fit$time[keep], fit$surv[keep])
    add(name, ties, paste("path", model, "error by hand"), at, fit$time[keep], error[keep])
    if (nrow(path) == 1) for (end in c("lower", "upper")) add(name, ties, paste("path", model, end), at, fit$time[keep], fit[[end]][keep])
  }
}
naive <- coxph(Surv(time, event) ~ I(!is.na(switch)), cohorts$stanford, control = tight)
add("stanford", "", "naive", "", NA, coef(naive))
for (name in c("stanford", "tied")) for (at in c(5, 10, 20, 31, 40)) {
  d <- cohorts[[name]]
  d <- d[d$time > at & d$entry <= at, ]
  d$treated <- 1 * (!is.na(d$switch) & d$switch <= at)
  fit <- coxph(Surv(time, event) ~ treated, d, control = tight)
  for (g in 0:1) add(name, "", "landmark n", g, at, sum(d$treated == g))
  add(name, "", "landmark later", "", at, sum(d$treated == 0 & !is.na(d$switch) & d$switch <= d$time))
  add(name, "", "landmark coefficient", "", at, coef(fit))
  add(name, "", "landmark error", "", at, sqrt(vcov(fit))[1])
}
write.csv(do.call(rbind, rows), stdout(), row.names = FALSE, quote = FALSE)
