# What the reader's panel shows, for a few of its states: Clopper-Pearson limits (binom.test), binomial probabilities
# (dbinom, pbinom), and the number of children needed by trying one after the other.
# R 4.2.2, package stats only. Run in this folder: Rscript panel.R

rows <- read.table(header = TRUE, text = "
events children rate
0 3 24.1
0 3 43.1
0 3 57.4
0 3 82.4
3 3 24.1
3 3 82.4
0 1 60
1 1 60
1 8 24.1
2 40 10
1 30 24.1
0 12 24.1
0 14 24.1
5 300 43.1
40 100 24.1
0 1000 0.1
1 1000 0.3
999 1000 99.9
")

needed <- function(events, rate, confidence, alternative) {
  n <- max(events, 1)
  while (binom.test(events, n, conf.level = confidence, alternative = alternative)$conf.int[2] >= rate) n <- n + 1
  n
}

result <- do.call(rbind, lapply(seq_len(nrow(rows)), function(i) {
  x <- rows$events[i]; n <- rows$children[i]; rate <- rows$rate[i] / 100
  two <- binom.test(x, n)$conf.int
  data.frame(
    rows[i, ],
    lower = two[1], upper = two[2],
    one_sided = binom.test(x, n, alternative = "less")$conf.int[2],
    exactly = dbinom(x, n, rate), at_most = pbinom(x, n, rate),
    needed_one_sided = needed(x, rate, 0.95, "less"),
    needed_two_sided = needed(x, rate, 0.95, "two.sided")
  )
}))
write.csv(signif(result, 12), "panel.csv", row.names = FALSE)
