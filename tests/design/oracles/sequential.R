# Reference numbers for sequential.py: Rscript sequential.R > sequential.csv
# Made with R 4.2.2, rpact 3.3.4, mvtnorm 1.1-3 (of Debian). rpact's integration is coarse where looks are close together: there its
# critical values are off by some 1e-6, as mvtnorm says of them.
#
# Every row is a look of a design: kind (asOF and asP spend, OF and P are classical, WT with its shape), alpha (in all), sides,
# fractions (joined by spaces), fraction, z; inflation, drift (of power .8), mean information under no effect and under
# that drift, as shares of the last; stops, the probability of crossing either boundary at the look under the drift; none and
# none_drift, that of crossing neither at any look, without and with the drift, of these critical values, by mvtnorm (Miwa).
suppressMessages({library(rpact); library(mvtnorm)})

none <- function(z, sides, fractions, drift) {
  correlation <- outer(fractions, fractions, function(a, b) sqrt(pmin(a, b) / pmax(a, b)))
  as.numeric(pmvnorm(if (sides == 2) -z else rep(-Inf, length(z)), z, mean = drift * sqrt(fractions), corr = correlation,
                     algorithm = Miwa(steps = 4096)))
}

rows <- NULL
design <- function(kind, alpha, sides, fractions, shape = NA) {
  made <- getDesignGroupSequential(typeOfDesign = kind, alpha = alpha, sided = sides, informationRates = fractions, beta = .2,
    deltaWT = if (kind == "WT") shape else NA_real_, tolerance = 1e-10)
  found <- getDesignCharacteristics(made)
  drift <- sqrt(found$shift)
  # nMax = 1: theta is then the drift.
  power <- getPowerAndAverageSampleNumber(made, theta = drift, nMax = 1)
  rows <<- rbind(rows, data.frame(kind, shape, alpha, sides, fractions = paste(fractions, collapse = " "),
    fraction = sprintf("%.12g", fractions), z = sprintf("%.12g", made$criticalValues), inflation = sprintf("%.12g", found$inflationFactor),
    drift = sprintf("%.12g", drift), under_null = sprintf("%.12g", found$averageSampleNumber0 / found$inflationFactor),
    under_drift = sprintf("%.12g", found$averageSampleNumber1 / found$inflationFactor),
    stops = sprintf("%.12g", as.vector(power$rejectPerStage)),
    none = sprintf("%.12g", none(made$criticalValues, sides, fractions, 0)),
    none_drift = sprintf("%.12g", none(made$criticalValues, sides, fractions, drift))))
}
even <- function(k) (1:k) / k
for (kind in c("asOF", "asP", "OF", "P")) {
  for (k in c(2, 3, 5)) design(kind, .05, 2, even(k))
  design(kind, .025, 1, c(.3, .55, .8, 1))
  design(kind, .1, 1, c(.5, .6, .65, 1))
  design(kind, .01, 2, c(.2, .9, 1))
}
design("WT", .05, 2, even(4), .25)
design("WT", .025, 1, c(.4, .7, 1), .1)
write.csv(rows, row.names = FALSE, quote = FALSE)
