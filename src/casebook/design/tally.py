"""The tally of simulated trials: sums that can be added in any order, and what is read off them with Monte Carlo error.

Counts are whole numbers, and sums of statistics are kept without rounding, as whole multiples of the smallest float:
batches may be done by any number of workers, in any order, and the bits of the result are the same.

Measures and their Monte Carlo errors follow Morris, White and Crowther (2019), named, not read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from casebook.design.scenarios import Scenario
from casebook.design.truth import truth
from casebook.errors import CasebookError

if TYPE_CHECKING:
    import pandas as pd

SMALLEST = -1074
"""The exponent of 2 of the smallest float: every float is a whole multiple of it."""

MANTISSA = 53

TRIAL, LOG_RANK, COX, MILESTONE, MEAN = "trial", "log-rank", "Cox", "milestone", "restricted mean"


@dataclass(frozen=True)
class Tally:
    """What is counted and summed over some trials of a scenario; ``one + other`` is that of both.

    Parameters
    ----------
    scenario : str
        Its id.
    trials : int
        How many.
    counts : mapping of str to int
        How many trials, by analysis and measure, as ``"Cox: covered"``.
    sums : mapping of str to int
        Over trials, named alike, in units of ``2**-1074``.
    """

    scenario: str
    trials: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    sums: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        if not isinstance(other, Tally):
            return NotImplemented
        if self.scenario != other.scenario:
            raise CasebookError(
                f"found tallies of the scenarios {self.scenario} and {other.scenario}; expected one scenario"
            )
        return Tally(
            self.scenario,
            self.trials + other.trials,
            _added(self.counts, other.counts),
            _added(self.sums, other.sums),
        )


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict:
    return {key: one.get(key, 0) + other.get(key, 0) for key in sorted(one.keys() | other.keys())}


def exact_sum(values: np.ndarray) -> int:
    """The sum of finite floats without rounding, in units of ``2**-1074``."""
    if not np.isfinite(values).all():
        raise CasebookError("found a value that is no finite number; expected it left out of the sum")
    fractions, exponents = np.frexp(values)
    whole = np.ldexp(fractions, MANTISSA).astype(np.int64)
    total = 0
    for exponent in np.unique(exponents):
        of_it = whole[exponents == exponent]
        # Two halves, so that no sum of fewer than 2**31 of them overflows.
        parts = (int((of_it >> 32).sum()) << 32) + int((of_it & 0xFFFFFFFF).sum())
        # A float below the normal ones has a shorter mantissa: what is shifted out are zeros.
        shift = int(exponent) - MANTISSA - SMALLEST
        total += parts << shift if shift >= 0 else parts >> -shift
    return total


# -- counting -------------------------------------------------------------------------------------------------------


def tally(scenario: Scenario, trials: np.ndarray) -> Tally:
    """Count and sum what trials found, as :func:`casebook.design.trialsim.batch` gives them.

    A trial stops at the first look whose statistic is beyond its bound, else at its end; what it found is what was found
    there. A test that cannot be done (nobody failed, the likelihood has no maximum) does not reject. With ``critical`` only
    the test that has it is done, the log-rank test or that of one arm: at a stop that it chose, the others keep no level.
    With ``futility`` alone every test is done at the end, at alpha, and a trial that stopped before rejects nothing.
    """
    z, stop, differ, futile = _stops(scenario, trials)
    looks = np.arange(trials.shape[1])
    at = (np.arange(len(trials)), stop)
    found, z, rejected, ended = trials[at], z[at], differ[at], stop == looks[-1]
    beyond = _beyond(scenario.alpha)

    counts: dict[str, int] = {}
    sums: dict[str, int] = {}

    def moments(analysis: str, measure: str, values: np.ndarray) -> None:
        sums[f"{analysis}: {measure}"] = exact_sum(values)
        sums[f"{analysis}: {measure} squared"] = exact_sum(values * values)

    def estimates(analysis: str, estimate: np.ndarray, variance: np.ndarray, true: float, test: bool) -> None:
        there = np.isfinite(estimate)
        estimate, variance = estimate[there], variance[there]
        reach, tested = beyond * np.sqrt(variance), ended[there] & (variance > 0)
        counts[f"{analysis}: estimable"] = int(there.sum())
        counts[f"{analysis}: covered"] = int((np.abs(estimate - true) <= reach).sum())
        moments(analysis, "estimate", estimate)
        moments(analysis, "variance", variance)
        if test:
            counts[f"{analysis}: rejected"] = int(((np.abs(estimate) >= reach) & tested).sum())
            better = -estimate if analysis == COX else estimate
            counts[f"{analysis}: for treatment"] = int(((better >= reach) & tested).sum())

    known = truth(scenario)
    first = LOG_RANK if scenario.control else MILESTONE
    others = scenario.control > 0 and not scenario.critical
    if scenario.control:
        counts[f"{LOG_RANK}: estimable"] = int(np.isfinite(z).sum())
        estimates(COX, found["coefficient"], found["variance"], known.log_hazard_ratio, others)
        counts[f"{COX}: runs off"] = int((np.abs(found["monotone"]) == 1).sum())
    for analysis, name, true in (
        (MILESTONE, "survival", known.milestone),
        (MEAN, "mean", known.restricted_mean),
    ):
        estimate, variance = found[f"{name}_treatment"], found[f"{name}_variance_treatment"]
        if scenario.control:
            estimate = estimate - found[f"{name}_control"]
            variance = variance + found[f"{name}_variance_control"]
        estimates(analysis, estimate, variance, true, others)
    # Last, as the test of one arm is one at the milestone.
    counts[f"{first}: rejected"] = int(rejected.sum())
    counts[f"{first}: for treatment"] = int((rejected & (z > 0)).sum())
    held = (trials["held"] == 1) & (looks <= stop[:, None])
    stopped = looks == stop[:, None]
    for measure, which in (
        ("held", held),
        ("difference", stopped & differ),
        ("futility", stopped & futile & ~differ),
    ):
        for look, number in enumerate(which.sum(axis=0), start=1):
            counts[f"{TRIAL}: look {look}: {measure}"] = int(number)
    moments(TRIAL, "months", found["time"])
    moments(TRIAL, "patients", found["patients"])
    moments(TRIAL, "events", found["events"])
    return Tally(scenario.id, len(trials), counts, sums)


def _stops(scenario: Scenario, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The statistic at each look, the look at which each trial stops, and the looks that would stop it, by reason."""
    interim = trials.shape[1] - 1
    z = trials["z"] if scenario.control else _milestone_z(scenario, trials)
    beyond = _beyond(scenario.alpha)
    critical = np.array(scenario.critical or (*(math.inf,) * interim, beyond))
    futility = np.array((*(scenario.futility or (-math.inf,) * interim), -math.inf))
    held = trials["held"] == 1
    differ, futile = held & (np.abs(z) >= critical), held & (z <= futility)
    stops = differ | futile
    stops[:, -1] = True
    return z, stops.argmax(axis=1), differ, futile


def _beyond(alpha: float) -> float:
    """|z| from which a test of two-sided level alpha rejects; of half of it, as 1 less a small alpha is 1."""
    return -NormalDist().inv_cdf(alpha / 2)


def _milestone_z(scenario: Scenario, trials: np.ndarray) -> np.ndarray:
    """How far one arm's survival at the milestone is from that of its null hypothesis, on the log-log scale.

    Not a number, so that nothing is rejected, where survival is 0 or 1 or cannot be estimated.
    """
    survival, variance = trials["survival_treatment"], trials["survival_variance_treatment"]
    inside = (survival > 0) & (survival < 1)
    s = np.where(inside, survival, 0.5)
    error = np.sqrt(np.where(inside, variance, 1.0)) / (s * -np.log(s))
    null = math.log(-math.log(scenario.null_survival))
    return np.where(inside, (null - np.log(-np.log(s))) / error, np.nan)


# -- reading off ----------------------------------------------------------------------------------------------------


def summarise(scenario: Scenario, tally: Tally) -> pd.DataFrame:
    """The operating characteristics of a scenario, from a tally of its trials.

    Returns
    -------
    DataFrame
        One row a number: ``analysis``; ``measure``; ``value``; ``monte_carlo_error``, its standard error; ``truth``, what an
        estimate is to find (else missing); ``trials`` it rests on. Rejections are shares of all trials, and are called type
        I error if the arms are alike; bias, coverage and standard errors are of the trials with an estimate. Limits and tests
        of estimates are Wald's, symmetric about the estimate; only the test of one arm is on the log-log scale. A value is
        missing if it rests on too few of these: none, or one for an empirical standard error. It may thus rest on a single
        trial, and where few are ``estimable``, on those that by chance lasted or saw patients long enough, which are not like
        the others: bias and coverage then say little, whatever their Monte Carlo error. Months, patients and events are
        means at the stop.

    Raises
    ------
    CasebookError
        If the tally is of another scenario, or of no trial.

    Notes
    -----
    With ``critical`` bounds there are rejections of one test only, to which they belong: the log-rank test, or of one arm that
    at the milestone. It chooses the look at which a trial stops, and the other tests, done there at ``alpha`` as if that look
    had been the only one, would be called errors more or less often than alpha says. Their estimates, bias and coverage are
    those at the stop, and are drawn away from the truth by it.

    With ``futility`` but without ``critical`` all tests have rejections, those of trials that reached the end: a stop can take
    power from a test, and not give it errors, so that each is called an error as often as alpha says, or less often. Estimates
    are those at the stop also then.

    Truths are of patients followed beyond HSCT, and of the end of the trial without interim looks. Where ``at_hsct`` is
    ``censor``, bias and coverage are therefore held against what follow-up beyond HSCT would find, and show also what
    censoring there does.

    The error of a share of n is ``sqrt(p (1 - p) / (n + 2))`` with ``p = (x + 1/2) / (n + 1)``: as usual where n is large,
    and not 0 where none or all of the trials are counted.
    """
    import pandas as pd

    if tally.scenario != scenario.id or not tally.trials:
        raise CasebookError(
            f"found a tally of {tally.trials} trials of scenario {tally.scenario}; expected one or more of {scenario.id}"
        )
    n, known = tally.trials, truth(scenario)
    truths = {COX: known.log_hazard_ratio, MILESTONE: known.milestone, MEAN: known.restricted_mean}
    rows: list[tuple] = []

    def add(
        analysis: str, measure: str, found: tuple[float, float], trials: int, true: float | None = None
    ) -> None:
        rows.append((analysis, measure, *found, true, trials))

    rejected = "type I error" if scenario.null else "power"
    for analysis in (LOG_RANK, COX, MILESTONE, MEAN):
        if f"{analysis}: estimable" not in tally.counts:
            continue
        there = tally.counts[f"{analysis}: estimable"]
        if f"{analysis}: rejected" in tally.counts:
            add(analysis, rejected, _share(tally.counts[f"{analysis}: rejected"], n), n)
            add(analysis, "rejected for treatment", _share(tally.counts[f"{analysis}: for treatment"], n), n)
        add(analysis, "estimable", _share(there, n), n)
        if analysis == LOG_RANK:
            continue
        if analysis == COX:
            add(analysis, "runs off", _share(tally.counts[f"{analysis}: runs off"], n), n)
        true = truths[analysis]
        mean, error, deviation = _moments(tally, analysis, "estimate", there)
        add(analysis, "mean estimate", (mean, error), there, true)
        add(analysis, "bias", (mean - true, error), there)
        add(analysis, "coverage", _share(tally.counts[f"{analysis}: covered"], there), there)
        add(
            analysis,
            "empirical standard error",
            (deviation, deviation / math.sqrt(2 * max(there - 1, 1))),
            there,
        )
        variance, error, _ = _moments(tally, analysis, "variance", there)
        model = math.sqrt(variance)
        add(analysis, "model standard error", (model, error / (2 * model) if model > 0 else 0.0), there)
    for measure in ("months", "patients", "events"):
        add(TRIAL, measure, _moments(tally, TRIAL, measure, n)[:2], n)
    for look in range(len(scenario.looks) + 1 if scenario.looks else 0):
        for what in ("held", "difference", "futility"):
            measure = f"look {look + 1}: {what}"
            add(TRIAL, measure, _share(tally.counts[f"{TRIAL}: {measure}"], n), n)
    columns = ["analysis", "measure", "value", "monte_carlo_error", "truth", "trials"]
    return pd.DataFrame(rows, columns=columns).astype(
        {"value": float, "monte_carlo_error": float, "truth": float}
    )


def _share(count: int, n: int) -> tuple[float, float]:
    if not n:
        return math.nan, math.nan
    p = (count + 0.5) / (n + 1)
    return count / n, math.sqrt(p * (1 - p) / (n + 2))


def _moments(tally: Tally, analysis: str, measure: str, n: int) -> tuple[float, float, float]:
    """Mean, its Monte Carlo error and the standard deviation, from exact sums; missing where n does not give them."""
    if not n:
        return math.nan, math.nan, math.nan
    unit = Fraction(1, 2**-SMALLEST)
    total = tally.sums[f"{analysis}: {measure}"] * unit
    if n == 1:
        return float(total), math.nan, math.nan
    # A square was rounded once, so that of values all alike the variance may fall below 0 by that much.
    variance = max(
        (tally.sums[f"{analysis}: {measure} squared"] * unit - total**2 / n) / (n - 1), Fraction(0)
    )
    deviation = math.sqrt(variance)
    return float(total / n), deviation / math.sqrt(n), deviation
