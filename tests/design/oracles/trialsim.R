# Reference numbers for trialsim.py. Run in this folder: Rscript trialsim.R
# Made with R 4.2.2 and survival 3.5-3. Writes trialsim_data.csv (the patients, simulated here) and trialsim.csv (the results).
#
# survdiff: log-rank test. coxph: log hazard ratio and variance, Efron's ties. survfit: Kaplan-Meier at the milestone with
# Greenwood's standard error, and the mean restricted to the horizon with its standard error, in each arm.
suppressMessages(library(survival))

set.seed(20240611)
simulated <- function(n, rounding, strata) {
  treatment <- rep(0:1, length.out = n)
  stratum <- sample(0:(strata - 1), n, replace = TRUE)
  fails <- rexp(n, .06 * .6^treatment * 2^stratum)
  leaves <- runif(n, 12, 48)
  time <- pmax(round(pmin(fails, leaves), rounding), 10^-rounding)
  data.frame(time, event = as.integer(fails <= leaves), treatment, stratum)
}
sets <- list(
  smooth = simulated(60, 6, 1), strata = simulated(90, 6, 3), tied = simulated(120, 0, 2), large = simulated(500, 1, 2),
  few = data.frame(time = c(1, 2, 2, 3, 5, 6, 6, 9), event = c(1, 1, 1, 0, 1, 1, 0, 0),
                   treatment = c(0, 1, 0, 1, 1, 0, 1, 0), stratum = 0)
)
looks <- list(smooth = c(24, 20), strata = c(12, 24), tied = c(24, 30), large = c(24, 24), few = c(4, 6))
write.csv(do.call(rbind, lapply(names(sets), function(s) cbind(set = s, sets[[s]]))), "trialsim_data.csv",
          row.names = FALSE, quote = FALSE)

rows <- NULL
add <- function(set, stratified, name, value)
  rows <<- rbind(rows, data.frame(set, stratified, milestone = looks[[set]][1], horizon = looks[[set]][2], name,
                                  value = sprintf("%.15g", value)))
for (s in names(sets)) {
  d <- sets[[s]]
  for (stratified in if (length(unique(d$stratum)) > 1) c(FALSE, TRUE) else FALSE) {
    model <- if (stratified) Surv(time, event) ~ treatment + strata(stratum) else Surv(time, event) ~ treatment
    test <- survdiff(model, d)
    fit <- coxph(model, d, ties = "efron", control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50))
    add(s, stratified, "chi_square", test$chisq)
    add(s, stratified, "coefficient", coef(fit))
    add(s, stratified, "variance", vcov(fit)[1, 1])
  }
  for (arm in 0:1) {
    name <- c("control", "treatment")[arm + 1]
    curve <- survfit(Surv(time, event) ~ 1, d[d$treatment == arm, ])
    at <- summary(curve, times = looks[[s]][1])
    mean <- summary(curve, rmean = looks[[s]][2])$table
    add(s, FALSE, paste0("survival_", name), at$surv)
    add(s, FALSE, paste0("survival_variance_", name), at$std.err^2)
    add(s, FALSE, paste0("mean_", name), mean[["rmean"]])
    add(s, FALSE, paste0("mean_variance_", name), mean[["se(rmean)"]]^2)
  }
}
write.csv(rows, "trialsim.csv", row.names = FALSE, quote = FALSE)
