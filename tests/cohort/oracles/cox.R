# Reference numbers for test_cox_oracles.py. Run in this folder: Rscript cox.R > cox.csv
# Made with R 4.2.2, survival 3.5-3; patients: the set bmt of comparison_data.csv (written by comparison.R from KMsurv 0.1-5).
#
# Disease-free survival of 137 transplants (Klein and Moeschberger) by group, 1 ALL, 2 AML of low and 3 of high risk, beside
# AML of low risk; with both ways to treat ties.
suppressMessages(library(survival))
bmt <- subset(read.csv("comparison_data.csv"), set == "bmt")
bmt$all <- 1 * (bmt$group == "1"); bmt$high <- 1 * (bmt$group == "3")
rows <- NULL
for (ties in c("efron", "breslow")) {
  fit <- coxph(Surv(time, event > 0) ~ all + high, bmt, ties = ties, control = coxph.control(eps = 1e-11, toler.chol = 1e-12))
  rows <- rbind(rows, data.frame(ties, name = names(coef(fit)), coefficient = sprintf("%.12g", coef(fit)),
                                 error = sprintf("%.12g", sqrt(diag(vcov(fit)))), loglik = sprintf("%.12g", fit$loglik[2]),
                                 null = sprintf("%.12g", fit$loglik[1])))
}
write.csv(rows, stdout(), row.names = FALSE, quote = FALSE)
