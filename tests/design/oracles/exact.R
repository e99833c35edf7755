# Reference numbers for exact.py, twostage.py and proportions.py: Rscript exact.R > exact.csv
# Made with R 4.2.2, package stats only; a minute. Everything is enumerated as it is defined, without a short cut.
# Every row names a quantity and its arguments in order (a to d), with up to four values; what is not there is NA.

rows <- NULL
add <- function(quantity, arguments, values, kind = NA) {
  filled <- function(x, size) c(x, rep(NA, size - length(x)))
  rows <<- rbind(rows, setNames(data.frame(quantity, kind, t(filled(arguments, 4)), t(sprintf("%.14g", filled(values, 8)))),
    c("quantity", "kind", "a", "b", "c", "d", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8")))
}

# Single-arm tests of p0 against p1 (a, b) with alpha and power (c, d): of 1 to 400 children the first n that has the power and
# the n from which on all have, each with the responses needed, the size and the power.
for (plan in list(c(.1, .3, .05, .8), c(.24, .54, .05, .9), c(.5, .65, .025, .8), c(.54, .9, .1, .95), c(.9, .99, .05, .8))) {
  n <- 1:400
  needed <- sapply(n, function(n) which(pbinom(0:(n + 1) - 1, n, plan[1], lower.tail = FALSE) <= plan[3])[1] - 1)
  size <- pbinom(needed - 1, n, plan[1], lower.tail = FALSE)
  power <- pbinom(needed - 1, n, plan[2], lower.tail = FALSE)
  for (i in c(which(power >= plan[4])[1], max(which(power < plan[4])) + 1)) add("single_arm", plan, c(n[i], needed[i], size[i], power[i]))
}

# Excluding a rate (a) if the true one is b, with a confidence (c) and a power (d): binom.test's own upper limits.
for (plan in list(c(.241, .05, .95, .8), c(.431, .241, .95, .8), c(.241, .1, .95, .9))) for (alternative in c("less", "two.sided")) {
  n <- 1:230
  most <- sapply(n, function(n) sum(sapply(0:n, function(x)
    binom.test(x, n, conf.level = plan[3], alternative = alternative)$conf.int[2] < plan[1])) - 1)
  power <- pbinom(most, n, plan[2])
  i <- which(power >= plan[4])[1]
  add("exclusion", plan, c(n[i], most[i], power[i]), alternative)
}

# Widths of intervals at a rate (a) of n children (b): on average, at most, and the chance of one of at most c.
for (plan in list(c(.241, 76, .2), c(.241, 77, .2), c(.241, 88, .2), c(.93, 30, .2), c(.5, 60, .25)))
  for (method in c("clopper-pearson", "wilson")) {
    n <- plan[2]
    width <- sapply(0:n, function(x) diff(if (method == "wilson") suppressWarnings(prop.test(x, n, correct = FALSE)$conf.int)
                                          else binom.test(x, n)$conf.int))
    chance <- dbinom(0:n, n, plan[1])
    add("width", plan, c(sum(chance * width), max(width), sum(chance[width <= plan[3]])), method)
  }

# Simon's designs for p0, p1, alpha, power (a to d): the smallest mean size of all designs up to the size given, and the smallest
# mean size of those with the smallest size; of several limits r, the highest.
simon <- function(plan, largest) {
  p0 <- plan[1]; p1 <- plan[2]; designs <- NULL
  for (n in 2:largest) for (n1 in 1:(n - 1)) for (r1 in 0:(n1 - 1)) {
    x <- (r1 + 1):n1
    r <- r1:(n - 1)
    rejects <- function(p) colSums(dbinom(x, n1, p) * pbinom(outer(-x, r, "+"), n - n1, p, lower.tail = FALSE))
    if (pbinom(r1, n1, p1) > 1 - plan[4]) break
    power <- rejects(p1); size <- rejects(p0)
    good <- which(power >= plan[4] & size <= plan[3])
    if (length(good)) {
      i <- max(good); pet <- pbinom(r1, n1, p0)
      designs <- rbind(designs, c(r1, n1, r[i], n, size[i], power[i], pet, n1 + (1 - pet) * (n - n1)))
    }
  }
  optimal <- designs[which.min(designs[, 8]), ]
  least <- designs[designs[, 4] == min(designs[, 4]), , drop = FALSE]
  add("simon", plan, optimal, "optimal")
  add("simon", plan, least[which.min(least[, 8]), ], "minimax")
}
simon(c(.1, .3, .05, .8), 60); simon(c(.05, .25, .05, .8), 45); simon(c(.2, .4, .05, .8), 60); simon(c(.3, .5, .05, .8), 60)
simon(c(.54, .9, .05, .8), 40); simon(c(.54, .72, .05, .9), 75); simon(c(.7, .9, .1, .9), 50)

# Power of Fisher's test of n1 and n2 children (a, b) with rates c and d, at 5%: fisher.test of every table. Of 3 against 3
# children one p is 1/20, which comes out a little above .05: it is 5%.
alpha <- .05 * (1 + 1e-9)
fisher <- function(n1, n2, alternative) outer(0:n1, 0:n2, Vectorize(function(x1, x2)
  fisher.test(matrix(c(x1, n1 - x1, x2, n2 - x2), 2), alternative = alternative)$p.value))
chance <- function(n1, n2, p1, p2) outer(dbinom(0:n1, n1, p1), dbinom(0:n2, n2, p2))
for (alternative in c("two.sided", "less", "greater")) for (sizes in list(c(3, 3), c(8, 8), c(9, 9), c(12, 6), c(20, 25))) {
  region <- fisher(sizes[1], sizes[2], alternative) <= alpha
  for (rates in list(c(.93, .24), c(.24, .43), c(.3, .3)))
    add("fisher", c(sizes, rates), sum(chance(sizes[1], sizes[2], rates[1], rates[2])[region]), alternative)
}
for (n in 103:106) add("fisher", c(n, n, .24, .43), sum(chance(n, n, .24, .43)[fisher(n, n, "two.sided") <= alpha]), "two.sided")

# The same of Boschloo's test: of the tables that Fisher's p makes as extreme, the greatest probability over a grid of 2001
# common rates, refined about the best by optimize.
boschloo <- function(n1, n2, alternative) {
  p <- fisher(n1, n2, alternative); grid <- seq(0, 1, length.out = 2001)
  chances <- sapply(grid, function(rate) as.vector(chance(n1, n2, rate, rate)))
  p_value <- function(extreme) {
    best <- which.max(colSums(chances[extreme, , drop = FALSE]))
    ends <- grid[pmin(pmax(best + c(-1, 1), 1), length(grid))]
    max(colSums(chances[extreme, , drop = FALSE]), optimize(function(rate) sum(chance(n1, n2, rate, rate)[extreme]), ends,
                                                            maximum = TRUE, tol = 1e-10)$objective)
  }
  region <- p <= alpha
  for (x in which(p > alpha & p < .3)) region[x] <- p_value(which(p <= p[x] * (1 + 1e-7))) <= alpha
  region
}
for (alternative in c("two.sided", "less")) for (sizes in list(c(3, 3), c(7, 7), c(8, 8), c(12, 6), c(20, 25))) {
  region <- boschloo(sizes[1], sizes[2], alternative)
  for (rates in list(c(.93, .24), c(.24, .43), c(.3, .3)))
    add("boschloo", c(sizes, rates), sum(chance(sizes[1], sizes[2], rates[1], rates[2])[region]), alternative)
}
write.csv(rows, stdout(), row.names = FALSE, quote = FALSE)
