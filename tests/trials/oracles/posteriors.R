# Reference numbers for posteriors.py: Rscript posteriors.R > posteriors.csv
# Made with R 4.2.2, package stats only.

rows <- NULL
add <- function(quantity, value, a, b, other_a = NA, other_b = NA, k = NA, n = NA, at = NA)
  rows <<- rbind(rows, data.frame(quantity, a, b, other_a, other_b, k, n, at, value = sprintf("%.15g", value)))

betas <- list(c(.5, .5), c(1, 1), c(1/3, 1/3), c(.5, 3.5), c(13.5, 41.5), c(22.5, 29.5), c(42.5, 9.5))
for (s in betas) {
  for (rate in c(.02, .241, .9)) {
    add("below", pbeta(rate, s[1], s[2]), s[1], s[2], at = rate)
    add("density", dbeta(rate, s[1], s[2]), s[1], s[2], at = rate)
  }
  for (p in c(.025, .975)) add("quantile", qbeta(p, s[1], s[2]), s[1], s[2], at = p)
  # Beta-binomial, from its definition with log beta functions.
  for (n in c(1, 3)) for (k in 0:n)
    add("predictive", exp(lchoose(n, k) + lbeta(k + s[1], n - k + s[2]) - lbeta(s[1], s[2])), s[1], s[2], k = k, n = n)
}

# P(rate of one < rate of other), in the other direction than the code takes: over the quantile function of `one`,
# the probability that the other is above. No density is needed, so that none is infinite.
for (one in betas) for (other in betas) {
  above <- function(u) pbeta(qbeta(u, one[1], one[2]), other[1], other[2], lower.tail = FALSE)
  value <- sum(sapply(1:50, function(i)
    integrate(above, (i - 1) / 50, i / 50, rel.tol = 1e-12, abs.tol = 1e-13, subdivisions = 2000, stop.on.error = FALSE)$value))
  add("probability_below", value, one[1], one[2], other[1], other[2])
}

write.csv(rows, stdout(), row.names = FALSE, quote = FALSE)
