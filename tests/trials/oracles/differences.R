# Reference numbers for differences.py: Rscript differences.R > differences.csv
# Made with R 4.2.2, package stats only.

rows <- NULL
add <- function(quantity, value, counts, alternative = NA, confidence = NA, limit = NA)
  rows <<- rbind(rows, data.frame(quantity, x1 = counts[1], n1 = counts[2], x2 = counts[3], n2 = counts[4], alternative,
                                  confidence, limit, value = sprintf("%.15g", value)))

alternatives <- c("two-sided" = "two.sided", less = "less", greater = "greater")
fisher <- function(counts, alternative)
  fisher.test(rbind(c(counts[1], counts[2] - counts[1]), c(counts[3], counts[4] - counts[3])),
              alternative = alternatives[[alternative]], conf.int = FALSE)$p.value

for (counts in list(c(0, 3, 13, 54), c(0, 3, 22, 51), c(0, 3, 31, 54), c(0, 3, 42, 51), c(3, 3, 6, 25), c(3, 3, 27, 29),
                    c(3, 4, 1, 4), c(0, 3, 0, 54), c(3, 3, 54, 54), c(40, 100, 60, 110), c(150, 300, 190, 300), c(10, 20, 15, 20)))
  for (alternative in names(alternatives)) add("fisher", fisher(counts, alternative), counts, alternative)

# Boschloo by its definition: every table's p from fisher.test, and the probability of those that are as extreme,
# added up table by table, at 2000 values of the common rate and then by optimize around the best of them.
boschloo <- function(counts, alternative) {
  n1 <- counts[2]; n2 <- counts[4]
  p <- outer(0:n1, 0:n2, Vectorize(function(a, b) fisher(c(a, n1, b, n2), alternative)))
  extreme <- p <= p[counts[1] + 1, counts[3] + 1] * (1 + 1e-7)
  chance <- function(rate) sum((dbinom(0:n1, n1, rate) %o% dbinom(0:n2, n2, rate))[extreme])
  grid <- seq(0, 1, length.out = 2001)
  best <- which.max(sapply(grid, chance))
  ends <- grid[pmin(pmax(best + c(-1, 1), 1), length(grid))]
  max(chance(grid[best]), optimize(chance, ends, maximum = TRUE, tol = 1e-10)$objective)
}
for (counts in list(c(0, 3, 13, 54), c(0, 3, 22, 51), c(0, 3, 31, 54), c(0, 3, 42, 51), c(3, 3, 6, 25), c(3, 3, 27, 29),
                    c(3, 3, 0, 3), c(7, 15, 12, 15), c(7, 34, 1, 34), c(1, 2, 0, 9)))
  for (alternative in names(alternatives)) add("boschloo", boschloo(counts, alternative), counts, alternative)

# The score interval without the closed form: the likeliest rates with a given difference by optimize of the
# likelihood, the limits by uniroot of the signed statistic. uniroot stops short of the ends, where it is infinite.
likeliest <- function(counts, d) {
  ends <- c(max(0, -d), min(1, 1 - d))
  loglik <- function(p2) {
    p1 <- pmin(pmax(p2 + d, 0), 1)
    dbinom(counts[1], counts[2], p1, log = TRUE) + dbinom(counts[3], counts[4], p2, log = TRUE)
  }
  inner <- optimize(loglik, ends, maximum = TRUE, tol = 1e-13)$maximum
  candidates <- c(inner, ends)
  p2 <- candidates[which.max(sapply(candidates, loglik))]
  c(min(max(p2 + d, 0), 1), p2)
}
score <- function(counts, d) {
  p <- likeliest(counts, d); n <- counts[c(2, 4)]
  variance <- sum(p * (1 - p) / n) * sum(n) / (sum(n) - 1)
  (counts[1] / n[1] - counts[3] / n[2] - d) / sqrt(variance)
}
miettinen_nurminen <- function(counts, confidence) {
  z <- qnorm(1 - (1 - confidence) / 2); d <- counts[1] / counts[2] - counts[3] / counts[4]; e <- 1e-6
  c(if (d == -1) -1 else uniroot(function(x) score(counts, x) - z, c(-1 + e, d - e), tol = 1e-12)$root,
    if (d == 1) 1 else uniroot(function(x) score(counts, x) + z, c(d + e, 1 - e), tol = 1e-12)$root)
}
# Newcombe's interval from the Wilson limits that prop.test gives.
newcombe <- function(counts, confidence) {
  wilson <- function(x, n) suppressWarnings(prop.test(x, n, conf.level = confidence, correct = FALSE)$conf.int)
  p <- c(counts[1] / counts[2], counts[3] / counts[4])
  w1 <- wilson(counts[1], counts[2]); w2 <- wilson(counts[3], counts[4])
  p[1] - p[2] + c(-1, 1) * sqrt(c((p[1] - w1[1])^2 + (w2[2] - p[2])^2, (w1[2] - p[1])^2 + (p[2] - w2[1])^2))
}
for (counts in list(c(0, 3, 13, 54), c(0, 3, 22, 51), c(0, 3, 31, 54), c(0, 3, 42, 51), c(3, 3, 6, 25), c(3, 3, 27, 29),
                    c(3, 3, 0, 25), c(0, 10, 0, 20), c(10, 10, 20, 20), c(0, 3, 25, 25), c(1, 1, 0, 1), c(1, 2, 1, 2),
                    c(56, 70, 48, 80), c(5, 56, 0, 29)))
  for (confidence in c(.95, .8)) for (side in 1:2) {
    limit <- c("lower", "upper")[side]
    add("miettinen_nurminen", miettinen_nurminen(counts, confidence)[side], counts, confidence = confidence, limit = limit)
    add("newcombe", newcombe(counts, confidence)[side], counts, confidence = confidence, limit = limit)
  }

write.csv(rows, stdout(), row.names = FALSE, quote = FALSE)
