# Reference numbers for rates.py: Rscript rates.R > rates.csv
# Made with R 4.2.2, package stats only.
# Every row names a quantity and its arguments; what a quantity does not take is NA.

rows <- NULL
add <- function(quantity, value, events = NA, n = NA, rate = NA, other = NA, confidence = NA, sided = NA, limit = NA)
  rows <<- rbind(rows, data.frame(quantity, events, n, rate, other, confidence, sided, limit,
                                  value = sprintf("%.15g", value)))

# Limits: binom.test is Clopper-Pearson, prop.test without correction is Wilson. Jeffreys by qbeta, with 0 and 1 at
# the ends put in by hand (Brown, Cai and DasGupta 2001).
alternative <- c(two = "two.sided", upper = "less", lower = "greater")
jeffreys <- function(x, n, confidence, sided) {
  left <- 1 - confidence
  tails <- switch(sided, two = c(left / 2, 1 - left / 2), upper = c(0, 1 - left), lower = c(left, 1))
  limits <- qbeta(tails, x + .5, n - x + .5)
  if (x == 0) limits[1] <- 0
  if (x == n) limits[2] <- 1
  limits
}
counts <- list(c(0, 1), c(1, 1), c(0, 3), c(1, 3), c(3, 3), c(0, 11), c(2, 14), c(13, 54), c(22, 51), c(27, 29), c(500, 1000))
for (count in counts) for (confidence in c(.95, .8)) for (sided in names(alternative)) {
  x <- count[1]; n <- count[2]
  limits <- list(
    clopper_pearson = binom.test(x, n, alternative = alternative[[sided]], conf.level = confidence)$conf.int,
    wilson = suppressWarnings(
      prop.test(x, n, alternative = alternative[[sided]], conf.level = confidence, correct = FALSE)$conf.int),
    jeffreys = jeffreys(x, n, confidence, sided))
  for (method in names(limits)) for (side in 1:2)
    add(method, limits[[method]][side], x, n, confidence = confidence, sided = sided, limit = c("lower", "upper")[side])
}

# Probabilities of counts.
for (rate in c(.241, .431, .574, .824)) add("probability", dbinom(0, 3, rate), 0, 3, rate)
for (rate in c(44/49, 26/48, 27/29, 6/25)) add("probability", dbinom(3, 3, rate), 3, 3, rate)
for (count in list(c(2, 5), c(13, 54), c(54, 54), c(0, 54))) for (rate in c(0, .03, .241, 1)) {
  add("probability", dbinom(count[1], count[2], rate), count[1], count[2], rate)
  add("at_most", pbinom(count[1], count[2], rate), count[1], count[2], rate)
}

# Likelihood: ratios as ratios of binomial probabilities; the interval by root finding.
for (pair in list(c(.241, .431), c(.574, .824)))
  add("likelihood_ratio", dbinom(0, 3, pair[1]) / dbinom(0, 3, pair[2]), 0, 3, pair[1], pair[2])
for (count in list(c(0, 3), c(2, 5), c(13, 54), c(3, 3))) {
  x <- count[1]; n <- count[2]
  above <- function(p) dbinom(x, n, p) / dbinom(x, n, x / n) - 1 / 8
  root <- function(ends) uniroot(above, ends, tol = 1e-15)$root
  add("likelihood_interval", if (x == 0) 0 else root(c(0, x / n)), x, n, limit = "lower")
  add("likelihood_interval", if (x == n) 1 else root(c(x / n, 1)), x, n, limit = "upper")
}

# Children needed: the first n, counted up, whose limit from binom.test is below the rate.
for (rate in c(.241, .431, .05)) for (sided in c("upper", "two")) for (events in 0:2) {
  n <- max(events, 1)
  while (binom.test(events, n, alternative = alternative[[sided]])$conf.int[2] >= rate) n <- n + 1
  add("children_needed", n, events, rate = rate, confidence = .95, sided = sided)
}
# Where counting up takes too long: by halving, as the probability of so few events only falls with every child.
for (case in list(c(1e-5, 0), c(.001, 100), c(.016, 1000), c(.006, 500), c(1e-6, 3))) for (sided in c("upper", "two")) {
  tail <- .05 / c(upper = 1, two = 2)[[sided]]
  ends <- c(case[2], 1e8)
  while (diff(ends) > 1) {
    middle <- ends[1] + diff(ends) %/% 2
    if (pbinom(case[2], middle, case[1]) < tail) ends[2] <- middle else ends[1] <- middle
  }
  add("children_needed", ends[2], case[2], rate = case[1], confidence = .95, sided = sided)
}

write.csv(rows, stdout(), row.names = FALSE, quote = FALSE)
