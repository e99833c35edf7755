# Reference numbers for comparison.py. Run in this folder: Rscript comparison.R
# Made with R 4.2.2, survival 3.5-3, cmprsk 2.2-11; data from KMsurv 0.1-5 (bmt, from Klein and Moeschberger) and MASS
# 7.3-58.2 (gehan), and simulated. Writes comparison_data.csv (the patients) and comparison.csv (the tests).
#
# survdiff: log-rank and Fleming-Harrington with gamma 0, stratified or not.
# coxph: the score test of Cox's model with exact partial likelihood, which is the log-rank test also with late entry.
# cuminc: Gray's test.
# sum: weighted forms that no installed package has, by their definition, failure time by failure time.
suppressMessages({library(survival); library(cmprsk)})
data(bmt, package = "KMsurv")
gehan <- MASS::gehan

set.seed(20240607)
simulated <- function(n, groups, causes, rounding, late) {
  group <- sample(letters[1:groups], n, replace = TRUE)
  stratum <- sample(c("x", "y", "z"), n, replace = TRUE)
  entry <- if (late) ifelse(runif(n) < .5, 0, round(rexp(n, 1 / 4), rounding)) else rep(0, n)
  time <- round(entry + rexp(n, .1 * (1 + .5 * (group == "b")) * (1 + (stratum == "y"))), rounding) + 1
  event <- ifelse(runif(n) < .3, 0, sample(1:causes, n, replace = TRUE))
  data.frame(time, event, entry, group, stratum)
}
sets <- list(
  bmt = with(bmt, data.frame(time = t2, event = ifelse(d2 == 1, 1, ifelse(d1 == 1, 2, 0)), entry = 0,
                             group = group, stratum = ifelse(z10 == 1, "mtx", "none"))),
  gehan = with(gehan, data.frame(time = time, event = cens, entry = 0, group = as.character(treat), stratum = "all")),
  tied = simulated(150, 3, 2, 0, FALSE),
  many = simulated(300, 5, 3, 0, FALSE),
  smooth = simulated(120, 2, 2, 6, FALSE),
  few = data.frame(time = c(2, 3, 3, 5, 7, 1, 3, 4, 4, 9), event = c(1, 2, 1, 0, 1, 2, 1, 2, 1, 0), entry = 0,
                   group = rep(c("a", "b"), each = 5), stratum = "all"),
  late = simulated(150, 3, 2, 0, TRUE),
  late_smooth = simulated(80, 2, 1, 6, TRUE)
)
write.csv(do.call(rbind, lapply(names(sets), function(s) cbind(set = s, sets[[s]]))), "comparison_data.csv",
          row.names = FALSE, quote = FALSE)

rows <- NULL
add <- function(set, test, weights, program, statistic, df, rho = NA, gamma = NA, stratified = FALSE, cause = NA)
  rows <<- rbind(rows, data.frame(set, test, weights, program, rho, gamma, stratified, cause, df,
                                  statistic = sprintf("%.12g", statistic),
                                  p = sprintf("%.12g", pchisq(statistic, df, lower.tail = FALSE))))

# Weighted by definition: w(n, d, S) of those at risk, failing, and surviving just before; within strata.
weighted <- function(d, w, stratified) {
  groups <- sort(unique(d$group))
  z <- numeric(length(groups)); v <- matrix(0, length(groups), length(groups))
  for (part in if (stratified) split(d, d$stratum) else list(d)) {
    before <- 1; peto <- 1
    for (t in sort(unique(part$time[part$event > 0]))) {
      at <- part$entry < t & part$time >= t
      fails <- part$time == t & part$event > 0
      n <- sum(at); k <- sum(fails)
      ng <- sapply(groups, function(g) sum(at & part$group == g))
      kg <- sapply(groups, function(g) sum(fails & part$group == g))
      peto <- peto * (n + 1 - k) / (n + 1)
      weight <- w(n, before, peto)
      z <- z + weight * (kg - k * ng / n)
      if (n > 1) v <- v + weight^2 * k * (n - k) / (n - 1) * (diag(ng / n) - outer(ng / n, ng / n))
      before <- before * (n - k) / n
    }
  }
  last <- length(groups)
  c(solve(v[-last, -last], z[-last]) %*% z[-last])
}

for (s in names(sets)) {
  d <- sets[[s]]
  df <- length(unique(d$group)) - 1
  for (stratified in if (length(unique(d$stratum)) > 1) c(FALSE, TRUE) else FALSE) {
    terms <- if (stratified) ~ group + strata(stratum) else ~ group
    if (all(d$entry == 0)) {
      for (rho in c(0, .5, 1)) {
        fit <- survdiff(update(terms, Surv(time, event > 0) ~ .), d, rho = rho)
        add(s, "log-rank", if (rho) "fleming-harrington" else "log-rank", "survdiff", fit$chisq, df,
            if (rho) rho else NA, NA, stratified)
      }
    }
    # Exact ties take all ways to choose those that fail: only where there are few.
    if (s %in% c("gehan", "few", "smooth", "late_smooth")) {
      fit <- coxph(update(terms, Surv(entry, time, event > 0) ~ .), d, ties = "exact", iter.max = 0)
      add(s, "log-rank", "log-rank", "coxph", fit$score, df, stratified = stratified)
    }
    add(s, "log-rank", "log-rank", "sum", weighted(d, function(n, S, P) 1, stratified), df, stratified = stratified)
    add(s, "log-rank", "wilcoxon", "sum", weighted(d, function(n, S, P) n, stratified), df, stratified = stratified)
    add(s, "log-rank", "tarone-ware", "sum", weighted(d, function(n, S, P) sqrt(n), stratified), df, stratified = stratified)
    add(s, "log-rank", "peto", "sum", weighted(d, function(n, S, P) P, stratified), df, stratified = stratified)
    add(s, "log-rank", "fleming-harrington", "sum", weighted(d, function(n, S, P) S^.5 * (1 - S)^2, stratified), df,
        .5, 2, stratified)
  }
  if (all(d$entry == 0) && s != "gehan")
    for (rho in c(0, 1, 2.5)) {
      tests <- cuminc(d$time, d$event, d$group, rho = rho)$Tests
      for (cause in rownames(tests)) add(s, "gray", "gray", "cuminc", tests[cause, "stat"], df, rho, cause = cause)
    }
}
write.csv(rows, "comparison.csv", row.names = FALSE, quote = FALSE, na = "")
