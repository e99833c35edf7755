# Writes bmt.csv, stanford.csv, aml.csv, leukemia.csv, whas500.csv and published.csv, in this folder:
#   Rscript make.R LIFELINES SCIKIT-SURVIVAL
# LIFELINES is the folder lifelines/datasets of an installed lifelines, for leukemia.csv; SCIKIT-SURVIVAL the folder
# sksurv/datasets/data of an installed or unpacked scikit-survival, for whas500.csv.
# Made with R 4.2.2, survival 3.5-3, cmprsk 2.2-11, KMsurv 0.1-5, MASS 7.3-58.2; anderson.csv of lifelines 0.30.3,
# whas500.arff of scikit-survival 0.28.0.

suppressPackageStartupMessages({library(survival); library(cmprsk); library(KMsurv); library(MASS)})
folders <- commandArgs(trailingOnly = TRUE)
if (length(folders) != 2) stop("found ", length(folders), " arguments, expected two: lifelines/datasets and sksurv/datasets/data")
data(bmt, package = "KMsurv")

yes_no <- function(x) ifelse(x == 1, "yes", "no")
save_table <- function(frame, name) write.csv(frame, name, row.names = FALSE, na = "", quote = FALSE, eol = "\n")

# -- the data, with names that can be read ------------------------------------------------------------------------

bmt_groups <- c("ALL", "AML low risk", "AML high risk")
transplants <- with(bmt, data.frame(
  patient = seq_along(group), group = bmt_groups[group],
  death_days = t1, died = yes_no(d1), disease_free_days = t2, relapsed = yes_no(d2), relapsed_or_died = yes_no(d3),
  acute_gvhd_days = ta, acute_gvhd = yes_no(da), chronic_gvhd_days = tc, chronic_gvhd = yes_no(dc),
  platelets_days = tp, platelets = yes_no(dp), age_years = z1, donor_age_years = z2, male = yes_no(z3), donor_male = yes_no(z4),
  cmv = yes_no(z5), donor_cmv = yes_no(z6), waiting_days = z7, fab_4_or_5 = yes_no(z8), hospital = z9, methotrexate = yes_no(z10)))
save_table(transplants, "bmt.csv")

# Whole days from acceptance. jasa1 and heart are rebuilt from them, so that nothing is lost by the other form.
stanford <- with(jasa, data.frame(
  patient = seq_along(age), accepted_day = as.numeric(accept.dt - as.Date("1967-10-01")), age_days = as.numeric(accept.dt - birth.dt),
  surgery = yes_no(surgery), transplanted = yes_no(transplant), transplant_days = wait.time, end_days = futime, died = yes_no(fustat)))
stopifnot(all.equal(stanford$age_days / 365.25, jasa$age))
save_table(stanford, "stanford.csv")

# Waiting and transplanted days of each patient. Nobody is at risk for no time: who died on the day of acceptance lived for
# half a day, who died on the day of the transplant had it half a day earlier; heart counts the first day as 1.
periods <- function(shift) {
  end <- ifelse(stanford$end_days + shift == 0, 0.5, stanford$end_days + shift)
  change <- stanford$transplant_days + shift
  change <- ifelse(!is.na(change) & change == end, change - 0.5, change)
  waiting <- data.frame(id = stanford$patient, start = 0, stop = ifelse(is.na(change), end, change),
                        event = ifelse(is.na(change), stanford$died == "yes", FALSE), transplant = 0)
  after <- data.frame(id = stanford$patient, start = change, stop = end, event = stanford$died == "yes", transplant = 1)[!is.na(change), ]
  rows <- rbind(waiting[waiting$stop > 0, ], after)
  rows <- rows[order(rows$id, rows$start), ]
  who <- match(rows$id, stanford$patient)
  cbind(rows, age = stanford$age_days[who] / 365.25 - 48, year = stanford$accepted_day[who] / 365.25, surgery = (stanford$surgery == "yes")[who])
}
same <- function(rows, other) stopifnot(nrow(rows) == nrow(other), all(sapply(c("id", "start", "stop", "event", "age", "year", "surgery"),
  function(column) all.equal(as.numeric(rows[[column]]), as.numeric(other[[column]])) == TRUE)),
  all(rows$transplant == as.numeric(as.character(other$transplant))))
first_day_0 <- periods(0); first_day_1 <- periods(1)
same(first_day_0, jasa1[order(jasa1$id, jasa1$start), ])
same(first_day_1, heart)

save_table(data.frame(patient = seq_len(nrow(aml)), weeks = aml$time, relapsed = yes_no(aml$status),
                      maintained = yes_no(aml$x == "Maintained")), "aml.csv")

anderson <- read.table(file.path(folders[1], "anderson.csv"), header = TRUE)
with(gehan, stopifnot(identical(sort(paste(anderson$t, anderson$status, anderson$Rx)), sort(paste(time, cens, as.numeric(treat == "control"))))))
save_table(data.frame(patient = seq_len(nrow(anderson)), weeks = anderson$t, relapsed = yes_no(anderson$status),
                      treatment = ifelse(anderson$Rx == 0, "6-MP", "placebo"), log_white_cells = anderson$logWBC, male = yes_no(anderson$sex)),
           "leukemia.csv")

arff <- readLines(file.path(folders[2], "whas500.arff"))
whas <- read.csv(text = arff[-seq_len(grep("^@DATA", arff))], header = FALSE,
                 col.names = sub("@ATTRIBUTE (\\S+)\\s.*", "\\1", grep("^@ATTRIBUTE", arff, value = TRUE)))
save_table(with(whas, data.frame(patient = seq_along(lenfol), days = lenfol, died = yes_no(fstat), atrial_fibrillation = yes_no(afb))),
           "whas500.csv")

# -- the numbers --------------------------------------------------------------------------------------------------

R <- "R survival 3.5-3"; CMPRSK <- "R cmprsk 2.2-11"; HAND <- "R by hand"
CAMIS <- "read: PSI CAMIS"; TESTS <- "read: tests of R survival"; BOOK <- "read: Kleinbaum and Klein, in the tests of lifelines"
rows <- NULL
add <- function(data, method, endpoint, group, time, quantity, value, origin, digits = 8, lower = NA, upper = NA) {
  fixed <- function(x) ifelse(is.na(x), "", sprintf("%.*f", digits, x))
  rows <<- rbind(rows, data.frame(data, method, endpoint, group, time, quantity, value = fixed(value), lower = fixed(lower),
                                  upper = fixed(upper), digits, origin))
}
# What was read stands beside what R makes of the same data here, and has to be it in every printed digit.
read <- function(data, method, endpoint, group, time, quantity, printed, origin, computed, digits, lower = NA, upper = NA, limits = NA) {
  stopifnot(all(abs(c(printed, lower, upper) - c(computed, limits, if (length(limits) == 1) NA)) <= 0.5001 * 10^-digits, na.rm = TRUE))
  add(data, method, endpoint, group, time, quantity, printed, origin, digits, lower, upper)
}
test <- function(data, method, endpoint, statistic, df, origin) {
  add(data, method, endpoint, "", NA, "chi-squared", statistic, origin)
  add(data, method, endpoint, "", NA, "degrees of freedom", df, origin, 0)
  add(data, method, endpoint, "", NA, "p", pchisq(statistic, df, lower.tail = FALSE), origin)
}
cox <- function(data, method, endpoint, model) {
  se <- sqrt(diag(vcov(model)))
  for (term in names(coef(model))) {
    add(data, method, endpoint, term, NA, "coefficient", coef(model)[[term]], R)
    add(data, method, endpoint, term, NA, "standard error of the coefficient", se[[term]], R)
  }
}
curves <- function(data, endpoint, formula, frame, times, horizon) {
  fit <- survfit(formula, frame, conf.type = "log-log")
  groups <- sub(".*=", "", names(fit$strata))
  for (i in seq_along(groups)) {
    one <- fit[i]
    at <- summary(one, times = times)
    for (j in seq_along(at$time)) {
      add(data, "Kaplan-Meier, log-log limits", endpoint, groups[i], at$time[j], "survival", at$surv[j], R, 8, at$lower[j], at$upper[j])
      add(data, "Kaplan-Meier, Greenwood", endpoint, groups[i], at$time[j], "standard error", at$std.err[j], R)
    }
    middle <- quantile(one, 0.5)
    add(data, "Kaplan-Meier, log-log limits", endpoint, groups[i], NA, "median", middle$quantile, R, 1, middle$lower, middle$upper)
    mean <- summary(one, rmean = horizon)$table
    add(data, "restricted mean", endpoint, groups[i], horizon, "restricted mean", mean[["rmean"]], R)
    add(data, "restricted mean", endpoint, groups[i], horizon, "standard error", mean[["se(rmean)"]], R)
  }
}

# Bone marrow transplants: relapse, death in remission, and either.
bmt$risk <- factor(bmt_groups[bmt$group], bmt_groups)
curves("bmt", "relapse or death", Surv(t2, d3) ~ risk, bmt, c(365, 730, 1095), 1095)
logrank <- survdiff(Surv(t2, d3) ~ risk, bmt)
test("bmt", "log-rank", "relapse or death", logrank$chisq, 2, R)
peto <- survdiff(Surv(t2, d3) ~ risk, bmt, rho = 1)
test("bmt", "Fleming-Harrington, rho 1", "relapse or death", peto$chisq, 2, R)
bmt$cause <- ifelse(bmt$d2 == 1, 1, ifelse(bmt$d1 == 1, 2, 0))
causes <- c("relapse", "death in remission")
incidence <- cuminc(bmt$t2, bmt$cause, bmt$risk)
at <- timepoints(incidence, c(365, 730, 1095))
loglog <- function(value, variance) sort(value^exp(c(1, -1) * qnorm(0.975) * sqrt(variance) / (value * log(value))))
for (cause in 1:2) {
  test("bmt", "Gray", causes[cause], incidence$Tests[cause, "stat"], 2, CMPRSK)
  for (group in bmt_groups) for (day in colnames(at$est)) {
    value <- at$est[paste(group, cause), day]; variance <- at$var[paste(group, cause), day]; limits <- loglog(value, variance)
    add("bmt", "Aalen-Johansen, log-log limits", causes[cause], group, as.numeric(day), "cumulative incidence", value, CMPRSK, 8, limits[1], limits[2])
    add("bmt", "Aalen-Johansen, Aalen variance", causes[cause], group, as.numeric(day), "standard error", sqrt(variance), CMPRSK)
  }
}
printed <- list(c(11.9228820, .0025762), c(.1374108, .9336017))
for (cause in 1:2) {
  read("bmt", "Gray", causes[cause], "", NA, "chi-squared", printed[[cause]][1], CAMIS, incidence$Tests[cause, "stat"], 7)
  read("bmt", "Gray", causes[cause], "", NA, "p", printed[[cause]][2], CAMIS, incidence$Tests[cause, "pv"], 7)
}
low <- function(day) at$est["AML low risk 1", day]
read("bmt", "Aalen-Johansen, log-log limits", "relapse", "AML low risk", 365, "cumulative incidence", .0741, CAMIS, low("365"), 4,
     .0234, .1646, loglog(low("365"), at$var["AML low risk 1", "365"]))
read("bmt", "Aalen-Johansen, log-log limits", "relapse", "AML low risk", 730, "cumulative incidence", .1481, CAMIS, low("730"), 4)
read("bmt", "Aalen-Johansen, log-log limits", "relapse", "AML low risk", 1095, "cumulative incidence", .1667, CAMIS, low("1095"), 4)
printed <- list(c(-.9453, .4508, .6162, .3636), c(-.3987, .3946, .1273, .4031))
for (cause in 1:2) {
  bmt$failed <- bmt$cause == cause
  model <- coxph(Surv(t2, failed) ~ risk + strata(z7 <= 200), bmt, ties = "breslow")
  method <- "cause-specific Cox, Breslow, strata of waiting up to 200 days and longer"
  computed <- rbind(coef(model), sqrt(diag(vcov(model))))
  for (i in 1:2) {
    read("bmt", method, causes[cause], bmt_groups[i + 1], NA, "coefficient", printed[[cause]][2 * i - 1], CAMIS, computed[1, i], 4)
    read("bmt", method, causes[cause], bmt_groups[i + 1], NA, "standard error of the coefficient", printed[[cause]][2 * i], CAMIS, computed[2, i], 4)
  }
}

# Stanford: a transplant during follow-up. "first day 0" are the periods of jasa1, "first day 1" those of heart.
model <- coxph(Surv(start, stop, event) ~ (age + surgery) * transplant, first_day_0, ties = "breslow")
names <- c("age", "surgery", "transplant", "age:transplant", "surgery:transplant")
printed <- c(.01386, -.54652, .11572, .03473, -.29037)
for (i in 1:5) read("stanford", "Cox, Breslow, first day 0, Kalbfleisch and Prentice model 1", "death", names[i], NA, "coefficient", printed[i], TESTS, coef(model)[[i]], 5)
cox("stanford", "Cox, Efron, first day 1, transplant alone", "death", coxph(Surv(start, stop, event) ~ transplant, first_day_1))
cox("stanford", "Cox, Efron, first day 1, with age, year and surgery", "death",
    coxph(Surv(start, stop, event) ~ age + year + surgery + transplant, transform(first_day_1, surgery = as.numeric(surgery))))
ever <- data.frame(end = stanford$end_days + 1, died = stanford$died == "yes", transplanted = stanford$transplanted == "yes",
                   change = ifelse(is.na(stanford$transplant_days), Inf, stanford$transplant_days + 1))
add("stanford", "Cox, ever transplanted (the immortal-time error), first day 1", "death", "", NA, "hazard ratio",
    exp(coef(coxph(Surv(end, died) ~ transplanted, ever)))[[1]], R)
landmark <- subset(ever, end > 31)  # under observation for more than 30 days from acceptance
landmark$early <- landmark$change <= 31
stopifnot(identical(as.vector(table(landmark$early)), c(43L, 35L)))
add("stanford", "Cox, landmark", "death", "", 30, "hazard ratio", exp(coef(coxph(Surv(end, died) ~ early, landmark)))[[1]], R)
for (early in c(FALSE, TRUE)) add("stanford", "Cox, landmark", "death", if (early) "transplanted" else "waiting", 30, "at risk", sum(landmark$early == early), R, 0)

# AML maintenance, and 6-MP against placebo.
aml$maintained <- factor(ifelse(aml$x == "Maintained", "maintained", "not maintained"))
curves("aml", "relapse", Surv(time, status) ~ maintained, aml, c(12, 24, 36), 40)
test("aml", "log-rank", "relapse", survdiff(Surv(time, status) ~ x, aml)$chisq, 1, R)
cox("aml", "Cox, Efron", "relapse", coxph(Surv(time, status) ~ not_maintained, transform(aml, not_maintained = as.numeric(x == "Nonmaintained"))))

anderson$treatment <- ifelse(anderson$Rx == 0, "6-MP", "placebo")
curves("leukemia", "relapse", Surv(t, status) ~ treatment, anderson, c(6, 12, 20), 20)
test("leukemia", "log-rank", "relapse", survdiff(Surv(t, status) ~ Rx, anderson)$chisq, 1, R)
# The Peto weight is the pooled survival with one more at risk at each time, and of that time, not of just before it.
weighted <- function(weight) with(anderson, {
  score <- variance <- 0; survival <- 1
  for (week in sort(unique(t[status == 1]))) {
    n <- sum(t >= week); n1 <- sum(t >= week & Rx == 1); d <- sum(t == week & status == 1); d1 <- sum(t == week & status == 1 & Rx == 1)
    survival <- survival * (1 - d / (n + 1))
    w <- weight(n, survival)
    score <- score + w * (d1 - d * n1 / n)
    if (n > 1) variance <- variance + w^2 * d * n1 * (n - n1) * (n - d) / (n^2 * (n - 1))
  }
  score^2 / variance
})
weights <- list(wilcoxon = function(n, s) n, "tarone-ware" = function(n, s) sqrt(n), peto = function(n, s) s)
printed <- c(wilcoxon = 13.457852, "tarone-ware" = 15.123575, peto = 14.084139)
for (name in names(weights)) {
  add("leukemia", name, "relapse", "", NA, "chi-squared", weighted(weights[[name]]), HAND)
  # 14.084140 to six digits; the source cuts it off instead of rounding, so it is kept with five.
  read("leukemia", name, "relapse", "", NA, "chi-squared", printed[[name]], BOOK, weighted(weights[[name]]), if (name == "peto") 5 else 6)
}

# Heart attacks, with atrial fibrillation and without. The source took years to two decimals. That brings deaths together
# which were not on one day, puts those of day 1 at time 0, and moves its numbers in the third digit. Such a year is never
# half way between two of two decimals (1461 * odd / 800 is no whole number of days), so that all ways of rounding agree.
whas$group <- factor(ifelse(whas$afb == 1, "atrial fibrillation", "no atrial fibrillation"))
whas$without <- 1 - whas$afb
whas$years <- round(whas$lenfol / 365.25, 2)
printed <- list(c(.641, .455, .315), c(.739, .642, .530))
fit <- survfit(Surv(years, fstat) ~ group, whas, conf.type = "log-log")
for (i in 1:2) {
  at <- summary(fit[i], times = c(1, 3, 5))
  for (j in 1:3) {
    about <- list("whas500", "Kaplan-Meier, log-log limits, years to two decimals", "death", levels(whas$group)[i], at$time[j], "survival")
    do.call(add, c(about, at$surv[j], R, 8, at$lower[j], at$upper[j]))
    do.call(read, c(about, printed[[i]][j], CAMIS, at$surv[j], 3))
  }
}
for (unit in c("years to two decimals", "days")) {
  method <- function(name) paste(name, unit, sep = ", ")
  whas$time <- if (unit == "days") whas$lenfol else whas$years
  logrank <- survdiff(Surv(time, fstat) ~ group, whas)$chisq
  test("whas500", method("log-rank"), "death", logrank, 1, R)
  model <- coxph(Surv(time, fstat) ~ without, whas)
  names(model$coefficients) <- "no atrial fibrillation"
  cox("whas500", method("Cox, Efron"), "death", model)
  limits <- exp(confint(model))
  about <- list("whas500", method("Cox, Efron"), "death", "no atrial fibrillation", NA, "hazard ratio")
  ratio <- exp(coef(model)[[1]])
  do.call(add, c(about, ratio, R, 8, limits[1], limits[2]))
  if (unit == "days") next
  read("whas500", method("log-rank"), "death", "", NA, "p", .0009646, CAMIS, pchisq(logrank, 1, lower.tail = FALSE), 7)
  do.call(read, c(about, .583, CAMIS, ratio, 3, .421, .806, list(limits)))
}

rows$id <- sprintf("%s-%02d", rows$data, ave(seq_len(nrow(rows)), rows$data, FUN = seq_along))
write.csv(transform(rows[c("id", setdiff(names(rows), "id"))], method = dQuote(method, FALSE), origin = dQuote(origin, FALSE)),
          "published.csv", row.names = FALSE, na = "", quote = FALSE, eol = "\n")
