# Reference numbers for monitoring.py and stopping.py: Rscript monitoring.R > monitoring.csv
# Made with R 4.2.2, package stats only. Limits are found by asking every count; those who go on are carried from look to look by
# the binomial distribution of the children between two looks, not child by child.
#
# Every row is a look of a plan: rule (toxicity, futility, predictive), looks from, to and by, limit (of the rate; of the
# predictive rule the responses needed), threshold, prior a and b, true rate, n, the limit of the count (n + 1 and -1: none) and
# the probability of stopping there.

beta_binomial <- function(x, m, a, b) exp(lchoose(m, x) + lbeta(a + x, b + m - x) - lbeta(a, b))

chance <- function(rule, r, n, last, limit, a, b) {
  if (rule != "predictive") return(pbeta(limit, a + r, b + n - r, lower.tail = FALSE))
  if (n == last) return(1 * (r >= limit))
  sapply(r, function(r) { x <- 0:(last - n); sum(beta_binomial(x, last - n, a + r, b + n - r)[r + x >= limit]) })
}

rows <- NULL
plan <- function(rule, from, to, by, limit, threshold, a, b, rates) {
  looks <- seq(from, to, by)
  limits <- sapply(looks, function(n) {
    p <- chance(rule, 0:n, n, to, limit, a, b)
    if (rule == "toxicity") c((0:n)[p > threshold], n + 1)[1] else max(-1, (0:n)[p < threshold])
  })
  for (rate in rates) {
    going <- 1  # by events, from 0
    before <- 0
    for (i in seq_along(looks)) {
      n <- looks[i]; m <- n - before
      now <- numeric(n + 1)
      for (r in 0:before) now[r + 0:m + 1] <- now[r + 0:m + 1] + going[r + 1] * dbinom(0:m, m, rate)
      out <- if (rule == "toxicity") 0:n >= limits[i] else 0:n <= limits[i]
      rows <<- rbind(rows, data.frame(rule, from, to, by, limit, threshold, a, b, rate, n, events = limits[i],
                                      stops = sprintf("%.14g", sum(now[out]))))
      now[out] <- 0
      going <- now; before <- n
    }
  }
}
rates <- c(.1, .241, .431, .8)
plan("toxicity", 1, 40, 1, .241, .95, .5, .5, rates)
plan("toxicity", 5, 60, 5, .241, .9, 1, 1, rates)
plan("toxicity", 3, 45, 7, .431, .8, .5 + .2 * 13, .5 + .2 * 41, rates)
plan("toxicity", 10, 1000, 90, .241, .975, .5, .5, c(.2, .241, .3))
plan("futility", 1, 30, 1, .5, .05, .5, .5, c(.24, .54, .93))
plan("futility", 10, 50, 10, .7, .2, 2, 2, c(.24, .54, .93))
plan("predictive", 5, 40, 5, 16, .05, .5, .5, c(.24, .54, .93))
plan("predictive", 4, 24, 1, 20, .1, 1, 1, c(.54, .8, .93))
write.csv(rows, row.names = FALSE, quote = FALSE)
