# Reference numbers for selection.py: Rscript selection.R > selection.csv
# Made with R 4.2.2, package stats only.

rows <- NULL
add <- function(quantity, value, reported = NA, treated = NA, rate = NA, other = NA, odds = NA)
  rows <<- rbind(rows, data.frame(quantity, reported, treated, rate, other, odds, value = sprintf("%.15g", value)))

reportable <- function(r, n, rate) pbinom(r - 1, n, 1 - rate, lower.tail = FALSE)
for (treated in c(3, 4, 5, 10, 30)) {
  for (rate in c(0, .241, .431, .824, 1)) add("reportable", reportable(3, treated, rate), 3, treated, rate)
  add("reported_likelihood_ratio", reportable(3, treated, .241) / reportable(3, treated, .431), 3, treated, .241, .431)
}

# Preference by adding up the four kinds of child: with and without the event, written up and not. A child without
# the event is written up with probability 1/2, so that one with it is with 1/(2 odds).
for (rate in c(0, .241, .824)) for (odds in c(1, 2, 5)) {
  without <- (1 - rate) / 2
  with <- rate / (2 * odds)
  for (k in 0:3) add("preferential", dbinom(k, 3, without / (without + with)), k, 3, rate, odds = odds)
}
# The upper limit by root finding on that probability.
for (n in c(1, 3, 20)) for (odds in c(.5, 1, 2, 5)) {
  all <- function(rate) ((1 - rate) / 2 / ((1 - rate) / 2 + rate / (2 * odds)))^n - .05
  add("preferential_upper_limit", uniroot(all, c(0, 1), tol = 1e-15)$root, treated = n, odds = odds)
}

write.csv(rows, stdout(), row.names = FALSE, quote = FALSE)
