# Reference numbers for events.py and arms.py: Rscript events.R > events.csv
# Made with R 4.2.2, rpact 3.3.4.
# Every row names a quantity, the plan it is of, and the argument it is at; plans are written out in test_events.py.

suppressMessages(library(rpact))
rows <- NULL
add <- function(quantity, plan, argument, value)
  rows <<- rbind(rows, data.frame(quantity, plan, argument, value = sprintf("%.12g", value)))

# Events by Schoenfeld's formula: the argument is the hazard ratio.
tests <- list(plain = list(sided = 2, alpha = .05, beta = .1), one_sided = list(sided = 1, alpha = .025, beta = .2),
              unequal = list(sided = 2, alpha = .05, beta = .2, allocationRatioPlanned = 2))
for (name in names(tests)) for (ratio in c(.33, .5, .7, 1.5)) {
  found <- do.call(getSampleSizeSurvival, c(tests[[name]], hazardRatio = ratio, median2 = 12, accrualTime = 12, followUpTime = 12))
  add("events", name, ratio, found$eventsFixed)
}

# Plans: hazards a month. Losses are a share of 10% or 5% lost by 12 months; to rpact the first arm is the treatment arm.
plans <- list(
  exponential = list(lambda2 = log(2) / 12, hazardRatio = .5, accrualTime = c(0, 12)),
  piecewise = list(piecewiseSurvivalTime = c(0, 6, 24), lambda2 = c(.05, .02, .004), hazardRatio = .7, accrualTime = c(0, 36),
                   dropoutRate1 = .1, dropoutRate2 = .05, dropoutTime = 12),
  unequal = list(piecewiseSurvivalTime = c(0, 10), lambda2 = c(.08, .01), hazardRatio = .6, accrualTime = c(0, 20),
                 allocationRatioPlanned = 2, dropoutRate1 = .05, dropoutRate2 = .05, dropoutTime = 12))
# The share of all whose event is seen by a calendar time, the argument.
for (name in names(plans)) {
  times <- c(1, 6, 12, 13, 20, 30, 36, 48, 60, 120)
  found <- do.call(getEventProbabilities, c(plans[[name]], list(time = times, maxNumberOfSubjects = 100)))
  for (i in seq_along(times)) add("seen", name, times[i], found$overallEventProbabilities[i])
}
# Children for two-sided 5% and 80%, 12 months after the last has entered; and when that many events have come of 1.1 times as many.
for (name in names(plans)) {
  arguments <- c(plans[[name]], list(sided = 2, alpha = .05, beta = .2))
  found <- do.call(getSampleSizeSurvival, c(arguments, followUpTime = 12))
  add("children", name, 12, found$nFixed)
  again <- do.call(getSampleSizeSurvival, c(arguments, maxNumberOfSubjects = 1.1 * found$nFixed))
  add("time", name, 1.1 * found$nFixed, again$studyDuration)
}
write.csv(rows, stdout(), row.names = FALSE, quote = FALSE)
