# Reference numbers for intervals.py: Rscript intervals.R > intervals.csv (the patients: intervals_data.csv, written beside).
# R 4.2.2, survival 3.5-3, npsurv 0.5-0, KMsurv 0.1-5 (its copy bcdeter of the breast cosmesis data, 95 rows; others have 94).
# turnbull1974 is the doubly censored cohort of survival's own tests: time 1 to 4; 12, 6, 2, 3 fail, 3, 2, 0, 3 are
# right-censored, and of 2, 4, 2, 5 only is known that they failed before the end of that time.
#
# Conventions of open and closed ends are taken out of the comparison: every time is coded by its rank, the time itself by an
# even number and what lies between it and the next by an odd one, so that (l, u] becomes a closed interval of whole numbers,
# the same whether R takes the end of it in (npsurv) or not (survfit, given half less). Only masses in their order are compared.
#
# survfit: survival from the end of each interval on. It stops when that changes by less than 5e-5, far from the maximum.
# npsurv: by a constrained Newton method (Wang), tol = 1e-14.
# em: expectation and maximization as Turnbull wrote it, here, until no mass changes by 1e-14 or 2e5 steps.
# score: the log-rank scores of Sun, patient by patient from the masses of npsurv; z from their permutational variance.
# p_all: of all ways to deal out the labels (small), counted.
suppressMessages({library(survival); library(npsurv)})
data(bcdeter, package = "KMsurv")
set.seed(20)

cohorts <- list()
cohort <- function(name, lower, upper, group = rep(1:2, length.out = length(lower)))
  cohorts[[name]] <<- data.frame(data = name, lower, upper, group, row.names = NULL)

t74 <- data.frame(time = rep(1:4, 3), kind = rep(c("exact", "right", "left"), each = 4), n = c(12, 6, 2, 3, 3, 2, 0, 3, 2, 4, 2, 5))
t74 <- t74[rep(seq_len(nrow(t74)), t74$n), ]
cohort("turnbull1974", ifelse(t74$kind == "left", 0, t74$time), ifelse(t74$kind == "right", Inf, t74$time))
with(bcdeter, cohort("cosmesis", lower, ifelse(is.na(upper), Inf, upper), treat))
n <- 120                                        # visits of one's own, some missed
truth <- rweibull(n, 1.3, 24)
visits <- lapply(seq_len(n), function(i) c(0, round(cumsum(rexp(12, 1 / 5)), 1), Inf))
k <- mapply(function(t, v) sum(v < t), truth, visits)
cohort("visits", mapply(`[`, visits, k), mapply(`[`, visits, k + 1))
n <- 90                                         # one schedule for all, with gaps
grid <- c(0, 3, 6, 12, 18, 24)
truth <- rexp(n, 1 / 15)
seen <- lapply(seq_len(n), function(i) c(0, grid[-1][runif(5) < .6], Inf))
k <- mapply(function(t, v) sum(v < t), truth, seen)
cohort("schedule", mapply(`[`, seen, k), mapply(`[`, seen, k + 1))
n <- 60                                         # known times, right-censored, left-censored and intervals, with ties
truth <- ceiling(rexp(n, 1 / 6)); kind <- sample(4, n, TRUE)
cohort("mixed", ifelse(kind == 1, truth, ifelse(kind == 2, pmax(truth - 2, 0), ifelse(kind == 3, 0, truth - 1))),
  ifelse(kind == 1, truth, ifelse(kind == 2, Inf, ifelse(kind == 3, truth + 1, truth + 2))))
cohort("right", c(2, 3, 3, 5, 6, 8, 8, 9), c(2, Inf, 3, 5, Inf, 8, Inf, 9))
cohort("current", c(0, 4, 0, 6, 0, 0, 7, 3, 0, 5), c(5, Inf, 3, Inf, 8, 2, Inf, Inf, 6, Inf))
cohort("small", c(0, 2, 3, 1, 5, 4, 6, 2), c(3, 4, 6, 2, Inf, 8, Inf, 5), c(1, 1, 1, 1, 2, 2, 2, 2))
write.csv(do.call(rbind, cohorts), "intervals_data.csv", row.names = FALSE, quote = FALSE)

em <- function(a) {
  p <- rep(1 / ncol(a), ncol(a))
  for (i in 1:200000) {
    new <- p * colMeans(a / drop(a %*% p))
    done <- max(abs(new - p)) < 1e-14
    p <- new
    if (done) break
  }
  p
}
rows <- list()
add <- function(data, quantity, place, value)
  rows[[length(rows) + 1]] <<- data.frame(data, quantity, place, value = sprintf("%.12g", value))

for (name in names(cohorts)) {
  d <- cohorts[[name]]
  values <- sort(unique(c(d$lower, d$upper)))
  first <- 2 * match(d$lower, values) + (d$lower < d$upper)
  last <- 2 * match(d$upper, values)
  # Innermost: a begin followed by an end.
  ends <- rbind(cbind(unique(first), 0), cbind(unique(last), 1))
  ends <- ends[order(ends[, 1], ends[, 2]), ]
  inner <- which(head(ends[, 2], -1) == 0 & tail(ends[, 2], -1) == 1)
  left <- ends[inner, 1]; right <- ends[inner + 1, 1]
  a <- outer(first, left, "<=") & outer(last, right, ">=")
  p <- em(a)
  add(name, "em", seq_along(p), p)
  add(name, "loglik", 0, sum(log(a %*% p)))
  found <- npsurv(cbind(first, ifelse(is.infinite(d$upper), Inf, last)), tol = 1e-14, maxit = 1000)
  mass <- numeric(length(p))
  for (i in seq_along(found$f$p)) {
    at <- if (is.infinite(found$f$right[i])) length(p) else which(left >= found$f$left[i] & right <= found$f$right[i])
    mass[at] <- mass[at] + found$f$p[i]
  }
  add(name, "npsurv", seq_along(mass), mass)
  fit <- survfit(Surv(ifelse(first < last, first - .5, first), ifelse(is.infinite(d$upper), NA, last), type = "interval2") ~ 1)
  open <- is.infinite(values[right / 2])
  add(name, "survfit", which(!open), summary(fit, times = right[!open] + .25, extend = TRUE)$surv)
  # Sun's scores
  p <- mass
  s <- c(1, 1 - cumsum(p)); s[length(s)] <- 0; s[s < 1e-13] <- 0
  h <- cumsum(c(0, ifelse(head(s, -1) > 0, p / head(s, -1), 0)))
  g <- s * h
  from <- sapply(first, function(x) which(left >= x)[1]); to <- sapply(last, function(x) max(which(right <= x)))
  score <- (g[to + 1] - g[from]) / (s[from] - s[to + 1])
  two <- d$group == unique(d$group)[2]
  size <- sum(two); n <- nrow(d)
  variance <- sum((score - mean(score))^2) / (n - 1) * size * (n - size) / n
  add(name, "score", 0, sum(score[two]))
  add(name, "z", 0, sum(score[two]) / sqrt(variance))
  if (choose(n, size) < 1000) {
    all <- combn(n, size, function(i) sum(score[i]))
    add(name, "p_all", 0, mean(abs(all) >= abs(sum(score[two])) - 1e-6))
  }
  if (all(d$lower == d$upper | is.infinite(d$upper))) {
    test <- survdiff(Surv(lower, lower == upper) ~ group, data = d)
    add(name, "survdiff", 0, test$obs[2] - test$exp[2])
  }
}
write.csv(do.call(rbind, rows), stdout(), row.names = FALSE, quote = FALSE)
