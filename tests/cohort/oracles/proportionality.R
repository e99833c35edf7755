# Writes proportionality.csv, in this folder: score tests of proportional hazards by cox.zph, for test_models.py.
#   Rscript proportionality.R
# R 4.2.2, survival 3.5-3. Data: models_bmt.csv and comparison_data.csv, beside this script.

suppressMessages(library(survival))
rows <- NULL
ask <- function(set, formula, data) {
  environment(formula) <- environment()  # where cox.zph looks for the data
  model <- coxph(formula, data, control = coxph.control(eps = 1e-11, toler.chol = 1e-12, iter.max = 50))
  for (transform in c("km", "identity", "log")) {
    found <- cox.zph(model, transform = transform)$table
    rows <<- rbind(rows, data.frame(set, transform, term = sub("GLOBAL", "together", rownames(found)), statistic = found[, "chisq"],
                                    df = found[, "df"], p = found[, "p"]))
  }
}

bmt <- read.csv("models_bmt.csv")
bmt$failed <- bmt$d2 + bmt$death
ask("bmt", Surv(t2, failed) ~ low + high + z1, bmt)
# As the chapter on survival has them: relative to AML of low risk.
bmt$all <- 1 - bmt$low - bmt$high
ask("bmt groups", Surv(t2, failed) ~ all + high, bmt)

others <- read.csv("comparison_data.csv")
others$b <- as.numeric(others$group == "b"); others$failed <- as.numeric(others$event > 0)
for (set in c("tied", "smooth")) ask(set, Surv(time, failed) ~ b, others[others$set == set, ])
for (set in c("late", "late_smooth")) ask(set, Surv(entry, time, failed) ~ b, others[others$set == set, ])

write.csv(rows, "proportionality.csv", row.names = FALSE, quote = FALSE)
