# Reference numbers for models.py. Run in this folder: Rscript models.R > models.csv
# Made with R 4.2.2, survival 3.5-3; data: survival's aml, KMsurv 0.1-5 (bmt), the six patients of Therneau's validation
# vignette, and the patients of comparison_data.csv (written by comparison.R).
#
# heart: survival's heart, which lifelines has as load_stanford_heart_transplants.
# bmt: relapse, and death in remission, by group (low, high: AML of low and high risk), stratified by the wait z7 for the
#   transplant. What PSI CAMIS publishes, without its categories: relapse -.9453 (.4508), .6162 (.3636), death -.3987 (.3946),
#   .1273 (.4031). Of all ways to cut the wait in two, those between 196 days and the next longer wait give these,
#   with Breslow's ties; Efron's, which lifelines has, differ in the third decimal. Both are written.
suppressMessages(library(survival))
data(bmt, package = "KMsurv")

rows <- NULL
add <- function(set, model, fit, coefficients = coef(fit), errors = sqrt(diag(vcov(fit))), null = fit$loglik[1])
  for (i in seq_along(coefficients))
    rows <<- rbind(rows, data.frame(set, model, name = names(coefficients)[i], coefficient = sprintf("%.12g", coefficients[i]),
                                    error = sprintf("%.12g", errors[i]), loglik = sprintf("%.12g", fit$loglik[length(fit$loglik)]),
                                    null = sprintf("%.12g", null)))
tight <- coxph.control(eps = 1e-11, toler.chol = 1e-12)

six <- data.frame(time = c(9, 1, 1, 6, 6, 8), status = c(1, 1, 0, 1, 1, 0), x = c(0, 1, 1, 1, 0, 0))
add("six", "cox", coxph(Surv(time, status) ~ x, six, control = tight))
add("aml", "cox", coxph(Surv(time, status) ~ I(x == "Nonmaintained"), aml, control = tight))

add("heart", "cox", coxph(Surv(start, stop, event) ~ transplant, heart, control = tight))
add("heart all", "cox", coxph(Surv(start, stop, event) ~ age + year + surgery + transplant, heart, control = tight))

bmt$low <- 1 * (bmt$group == 2); bmt$high <- 1 * (bmt$group == 3); bmt$wait <- bmt$z7 > 196
bmt$death <- 1 * (bmt$d1 == 1 & bmt$d2 == 0)
write.csv(bmt[c("t2", "d2", "death", "low", "high", "z1", "z7", "wait")], "models_bmt.csv", row.names = FALSE, quote = FALSE)
for (ties in c("efron", "breslow")) {
  add("bmt relapse", ties, coxph(Surv(t2, d2) ~ low + high + strata(wait), bmt, ties = ties, control = tight))
  add("bmt death", ties, coxph(Surv(t2, death) ~ low + high + strata(wait), bmt, ties = ties, control = tight))
}

data <- read.csv("comparison_data.csv")
for (s in c("late", "late_smooth")) {
  d <- data[data$set == s, ]
  d$b <- 1 * (d$group == "b")
  add(s, "cox", coxph(Surv(entry, time, event > 0) ~ b, d, control = tight))
  add(paste(s, "strata"), "cox", coxph(Surv(entry, time, event > 0) ~ b + strata(stratum), d, control = tight))
}

for (dist in c("exponential", "weibull", "lognormal", "loglogistic"))
  for (null in c(FALSE, TRUE)) {
    fit <- survreg(if (null) Surv(t2, d2 + death) ~ 1 else Surv(t2, d2 + death) ~ low + high + z1, bmt, dist = dist,
                   control = survreg.control(rel.tolerance = 1e-12, maxiter = 100))
    add(if (null) "bmt null" else "bmt", dist, fit, c(coef(fit), if (dist != "exponential") c("log scale" = log(fit$scale))))
  }
write.csv(rows, stdout(), row.names = FALSE, quote = FALSE)
