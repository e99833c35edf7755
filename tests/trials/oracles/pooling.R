# Random-effects synthesis of proportions with the binomial likelihood, by two programs that the package does not use.
# R 4.2.2, metafor 3.8-1, lme4 1.1-31, metadat 1.2-0 (the data of Pritz 1997, which metafor's documentation analyses).
#
# metafor: rma.glmm(measure = "PLO"). Its log-likelihood is not written: for tau above 0 it is on a scale of its own.
# lme4: glmer, whose log-likelihood leaves out that of the saturated model, which is added here. The limits are its
#   profile limits, read off splines: to about 2 decimals. 25 nodes a study do not suffice for counts of 0 at tau above 3.
# prediction: plogis(mu +- qt(0.975, k - 2) * sqrt(tau^2 + se^2)) with lme4's numbers.
#
# Run in this folder: Rscript pooling.R > pooling.csv
suppressMessages({library(metafor); library(lme4)})

counts <- list(
  mrd = list(x = c(27, 14, 33, 21), n = c(29, 15, 40, 26)),
  zeros = list(x = c(2, 2, 0, 0), n = c(110, 33, 39, 15)),
  full = list(x = c(5, 72, 14, 30), n = c(5, 78, 15, 30)),
  mixed = list(x = c(0, 0, 18, 16, 3, 4), n = c(15, 39, 33, 33, 9, 116)),
  pritz = list(x = dat.pritz1997$xi, n = dat.pritz1997$ni)
)

cat("data,counts,program,quantity,value\n")
for (name in names(counts)) {
  x <- counts[[name]]$x
  n <- counts[[name]]$n
  k <- length(x)
  say <- function(program, quantity, value)
    cat(paste(name, paste(x, n, sep = "/", collapse = " "), program, quantity,
      formatC(value, digits = 10, format = "g", width = 1), sep = ","), sep = "\n")

  meta <- suppressWarnings(rma.glmm(measure = "PLO", xi = x, ni = n, nAGQ = 25))
  say("metafor", "mu", coef(meta))
  say("metafor", "standard_error", meta$se)
  say("metafor", "tau", sqrt(meta$tau2))

  study <- factor(seq_len(k))
  mixed <- suppressMessages(glmer(cbind(x, n - x) ~ 1 + (1 | study), family = binomial, nAGQ = 25,
    control = glmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9))))
  mu <- unname(fixef(mixed))
  se <- sqrt(vcov(mixed)[1, 1])
  tau <- unname(getME(mixed, "theta"))
  say("lme4", "mu", mu)
  say("lme4", "standard_error", se)
  say("lme4", "tau", tau)
  say("lme4", "log_likelihood", as.numeric(logLik(mixed)) + sum(dbinom(x, n, x / n, log = TRUE)))
  reach <- qt(0.975, k - 2) * sqrt(tau^2 + se^2)
  say("lme4", "prediction_lower", plogis(mu - reach))
  say("lme4", "prediction_upper", plogis(mu + reach))
  limits <- suppressMessages(suppressWarnings(confint(mixed, method = "profile", quiet = TRUE)))
  say("lme4", "tau_lower", limits[1, 1])
  say("lme4", "tau_upper", limits[1, 2])
  say("lme4", "mu_lower", limits[2, 1])
  say("lme4", "mu_upper", limits[2, 2])
}
