"""Events that are only known to lie between two examinations: survival, its limits, and a test of two groups.

An event found at an examination happened after the last one without it: in (lower, upper]. Nobody can be counted as at
risk, or as failing, at a time that is not known, so that there is no table of risk here; where all times are known, the
estimate is that of :func:`casebook.cohort.estimate.kaplan_meier`. It is assumed that examinations are not timed by the
event itself, and that who is lost to them is like those who stay. Late entry is not provided for.

Papers are named here as where a method comes from. They were not read. R's conventions were read off its answers.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import combinations
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression
from scipy.special import ndtr

from casebook.cohort.risktable import LARGEST, checked_times
from casebook.errors import CasebookError

TOLERANCE = 1e-10
"""What the log-likelihood of a patient, on average, may still have to gain when the search ends."""

STEPS = 10_000
"""Steps after which a search is given up; those of thousands of patients take some fifty."""

TIE = 1e-6
"""Scores nearer to each other than this share of their standard deviation are the same but for rounding."""

BLOCK = 2_000
"""Permutations that are held in memory at a time."""


@dataclass(frozen=True, eq=False)
class Turnbull:
    """The nonparametric estimate of survival from intervals; m intervals that can hold mass.

    Parameters
    ----------
    left, right : ndarray, shape (m,)
        The intervals (left, right], ascending and apart; left = right is that very time, right may be infinite. Where in
        it the mass lies is not known: survival falls somewhere within, and is level between them.
    mass : ndarray, shape (m,)
        Their probabilities, which add up to 1; some may be 0.
    multiplier : ndarray, shape (m,)
        What the log-likelihood would gain, to first order, for mass moved there, a patient and unit of mass. The estimate is
        the best of all if and only if none is above 0, and those with mass are 0 (Gentleman and Geyer 1994).
    excess : float
        By how much the log-likelihood can at most fall short of its maximum: n times the largest multiplier.
    log_likelihood : float
    n : int
        Patients.
    """

    left: np.ndarray
    right: np.ndarray
    mass: np.ndarray
    multiplier: np.ndarray
    excess: float
    log_likelihood: float
    n: int

    def at(self, times: ArrayLike) -> pd.DataFrame:
        """Milestones: a row for each of the times, in the order given, with time and the limits of survival.

        Any survival from ``lower`` to ``upper`` fits the intervals equally well: this is what examinations leave open, and
        no limit of confidence. The limits are alike where no interval with mass is cut by the time.

        Raises
        ------
        CasebookError
            If a time is not a number from 0 on.
        """
        times = np.atleast_1d(checked_times(times, "times"))
        gone = np.concatenate([[0.0], np.cumsum(self.mass)])
        surely = np.searchsorted(self.right, times, side="right")
        # Of an interval (left, right] nothing is gone at left, of a single time all is.
        begun = np.maximum(np.searchsorted(self.left, times, side="left"), surely)
        lower, upper = (np.clip(1 - gone[place], 0.0, 1.0) for place in (begun, surely))
        return pd.DataFrame({"time": times, "lower": lower, "upper": upper})

    def frame(self) -> pd.DataFrame:
        """A row for each interval that can hold mass: left, right, mass, multiplier, survival (from right on)."""
        after = np.clip(1 - np.cumsum(self.mass), 0.0, 1.0)
        return pd.DataFrame(
            {
                "left": self.left,
                "right": self.right,
                "mass": self.mass,
                "multiplier": self.multiplier,
                "survival": after,
            }
        )


@dataclass(frozen=True)
class Test:
    """What a test of two groups found.

    ``score`` is, by group, the events beyond those expected if both were alike; ``statistic`` the score over its standard
    deviation among permutations; ``p`` two-sided, from permutations, and ``p_normal`` from the normal distribution.
    ``permutations`` were gone through; ``exhaustive`` says whether these are all that there are.
    """

    score: dict[Hashable, float]
    statistic: float
    p: float
    p_normal: float
    permutations: int
    exhaustive: bool


# -- from examinations ----------------------------------------------------------------------------------------------


def between_examinations(examinations: pd.DataFrame) -> pd.DataFrame:
    """The interval in which each patient turned positive after having been negative.

    Parameters
    ----------
    examinations : DataFrame
        A row for each: ``patient``, ``time`` (from 0), ``positive`` (bool), in any order.

    Returns
    -------
    DataFrame
        Indexed by patient: ``lower``, the last negative before the first positive that follows a negative one; ``upper``,
        that positive, or infinity. A single positive counts, confirmed or not. Patients who never were negative are left
        out, and named in ``attrs["left_out"]``.

    Raises
    ------
    CasebookError
        If a column is missing, a patient is not named, a time is not a number from 0 on, ``positive`` is not true or
        false, or a patient has two examinations at one time.
    """
    lacking = [name for name in ("patient", "time", "positive") if name not in examinations.columns]
    if lacking:
        raise CasebookError(f"found no column {', '.join(lacking)}; expected patient, time and positive")
    if not pd.api.types.is_bool_dtype(examinations["positive"]) or examinations["positive"].isna().any():
        raise CasebookError(
            f"positive: found values of type {examinations['positive'].dtype}; expected true or false of each"
        )
    if examinations["patient"].isna().any():
        raise CasebookError("patient: found examinations of nobody; expected a patient of each")
    rows = pd.DataFrame(
        {
            "patient": examinations["patient"].to_numpy(),
            "time": checked_times(examinations["time"].to_numpy(), "time"),
            "positive": examinations["positive"].to_numpy(dtype=bool),
        }
    ).sort_values(["patient", "time"])
    twice = rows.duplicated(["patient", "time"])
    if twice.any():
        row = rows[twice].iloc[0]
        raise CasebookError(
            f"found two examinations of {row['patient']} at {row['time']:g}; expected one, or those of a day as one"
        )
    everyone = rows["patient"].unique()
    negative = rows[~rows["positive"]].set_index("patient")["time"]
    first = negative.groupby(level=0).min()
    since = rows["patient"].map(first)
    upper = rows[rows["positive"] & (rows["time"] > since)].groupby("patient")["time"].min()
    upper = upper.reindex(first.index, fill_value=math.inf)
    lower = negative[negative < upper.reindex(negative.index)].groupby(level=0).max()
    found = pd.DataFrame({"lower": lower, "upper": upper}).rename_axis("patient")
    found.attrs["left_out"] = [patient for patient in everyone.tolist() if patient not in first.index]
    return found


# -- the estimate -----------------------------------------------------------------------------------------------------


def turnbull(lower: ArrayLike, upper: ArrayLike) -> Turnbull:
    """The nonparametric maximum likelihood estimate of survival from intervals (Peto 1973, Turnbull 1976).

    Parameters
    ----------
    lower, upper : array_like, shape (n,)
        The event is after ``lower`` and not after ``upper``, from 0, in any unit: ``lower = upper`` is a time that is
        known, ``upper = inf`` one that has not come (right-censored), ``lower = 0`` one before the first examination.

    Raises
    ------
    CasebookError
        If there is no interval, lengths differ, a time is not a number from 0 on, an interval is reversed, or the search
        does not come within :data:`TOLERANCE` of the maximum.

    Notes
    -----
    Mass can lie in the innermost intervals only: from a left end to a right end with no other end between. Their
    probabilities are unique here: the likelihood is strictly concave in those of the patients' intervals, and as each
    innermost one ends some patient's interval, all follow from these, one after the other.

    The search alternates a step of expectation and maximization with one towards the nearest distribution function by
    Newton's method without mixed derivatives (iterative convex minorant; Groeneboom and Wellner 1992, joined by Wellner
    and Zhan 1997); either is a few passes over the patients. It ends by its certificate, never because it slowed down.
    """
    lower, upper = _checked(lower, upper)
    left, right, first, last = _innermost(lower, upper)
    # Patients alike are counted: those of the same innermost intervals, whatever their own ends.
    alike, count = np.unique(first * left.size + last, return_counts=True)
    mass, multiplier, log_likelihood = _maximum(
        left.size, alike // left.size, alike % left.size, count.astype(float)
    )
    return Turnbull(
        left,
        right,
        mass,
        multiplier,
        float(max(multiplier.max(), 0.0) * lower.size),
        log_likelihood,
        lower.size,
    )


def bootstrap(
    lower: ArrayLike,
    upper: ArrayLike,
    times: ArrayLike,
    *,
    samples: int = 500,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Pointwise limits of survival from intervals, by drawing the patients again with replacement.

    Parameters
    ----------
    lower, upper : array_like, shape (n,)
        As of :func:`turnbull`.
    times : array_like
        The milestones.
    samples : int
        How often patients are drawn, 2 or more.
    confidence : float
        Of each pair of limits, between 0 and 1.
    seed : int
        0 or more. The same seed gives the same limits.

    Returns
    -------
    DataFrame
        As of :meth:`Turnbull.at`, with ``lower_limit`` and ``upper_limit``: percentiles of the lower and of the upper end
        of what the redrawn examinations leave open, so that the pair is for all of it.

    Raises
    ------
    CasebookError
        As :func:`turnbull`; and if the samples, the confidence or the seed are none.

    Notes
    -----
    Where examinations fall on a few days that are the same for all, the estimate is as good as a proportion, and so are
    these limits. Where they fall on days of their own, it comes nearer to the truth only with the cube root of patients,
    and the bootstrap is known not to hold its confidence there (Sen and Xu 2015).
    Limits do not leave 0 or 1 if no redrawn sample does: without an event they are 1 and 1, and say nothing.
    """
    lower, upper = _checked(lower, upper)
    if not isinstance(confidence, Real) or not 0 < confidence < 1:
        raise CasebookError(f"found the confidence {confidence!r}; expected a number between 0 and 1")
    _check_whole("samples", samples, 2)
    _check_whole("seed", seed, 0)
    found = turnbull(lower, upper).at(times)
    random = np.random.default_rng(seed)
    ends = np.empty((2, samples, len(found)))
    for sample in range(samples):
        drawn = random.integers(lower.size, size=lower.size)
        ends[:, sample] = turnbull(lower[drawn], upper[drawn]).at(times)[["lower", "upper"]].to_numpy().T
    tail = (1 - confidence) / 2
    return found.assign(
        lower_limit=np.quantile(ends[0], tail, axis=0), upper_limit=np.quantile(ends[1], 1 - tail, axis=0)
    )


def _checked(lower: ArrayLike, upper: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    lower = checked_times(lower, "lower")
    upper = np.asarray(upper)
    if upper.dtype.kind not in "iuf":
        raise CasebookError(f"upper: found values of type {upper.dtype}; expected numbers")
    upper = upper.astype(float)
    if lower.ndim != 1 or lower.size == 0 or lower.shape != upper.shape:
        raise CasebookError(
            f"found lower of shape {lower.shape} and upper of shape {upper.shape}; expected a row each, of one length, not empty"
        )
    wrong = ~((upper >= lower) & ((upper <= LARGEST) | (upper == math.inf)))
    if wrong.any():
        place = np.argmax(wrong)
        raise CasebookError(
            f"upper[{place}]: found {upper[place]} with the lower end {lower[place]}; "
            f"expected a number from there to {LARGEST:g}, or inf"
        )
    return lower, upper


def _innermost(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, ...]:
    """The ends of the innermost intervals (m,), and the first and last of them within each patient's interval (n,)."""
    values = np.unique(np.concatenate([lower, upper]))
    # Every value is a place, even, and what follows it up to the next is another, odd: (l, u] begins after l.
    begins = 2 * np.searchsorted(values, lower) + (lower < upper)
    ends = 2 * np.searchsorted(values, upper)
    left, right = np.unique(begins), np.unique(ends)
    nearest = left[np.searchsorted(left, right, side="right") - 1]
    inner = np.append(True, nearest[1:] > right[:-1])
    left, right = nearest[inner], right[inner]
    first = np.searchsorted(left, begins, side="left")
    last = np.searchsorted(right, ends, side="right") - 1
    return values[left // 2], values[right // 2], first, last


def _maximum(
    m: int, first: np.ndarray, last: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Masses, their multipliers and the log-likelihood, of ``count`` patients in the intervals from first to last each."""
    n = count.sum()
    mass = np.full(m, 1 / m)
    for _ in range(STEPS):
        gone = _cumulated(mass)
        probability = gone[last + 1] - gone[first]
        share = count / probability
        # The derivative for each mass: the sum of shares over all patients in whose intervals it is.
        slope = np.cumsum(np.bincount(first, share, m) - np.append(0.0, np.bincount(last, share, m)[:-1]))
        multiplier = slope / n - 1
        if multiplier.max() <= TOLERANCE:
            return mass, multiplier, float(count @ np.log(probability))
        mass = _minorant(mass * slope / n, first, last, count)
    raise CasebookError(
        f"found no maximum in {STEPS} steps: the log-likelihood may still gain {n * multiplier.max():g}; "
        f"expected {n * TOLERANCE:g} at most"
    )


def _minorant(mass: np.ndarray, first: np.ndarray, last: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The masses after a step of the iterative convex minorant, halved until the log-likelihood does not fall."""
    m = mass.size
    gone = _cumulated(mass)
    probability = gone[last + 1] - gone[first]
    before = count @ np.log(probability)
    share = count / probability
    slope = (np.bincount(last + 1, share, m + 1) - np.bincount(first, share, m + 1))[1:-1]
    curvature = share / probability
    curvature = (np.bincount(last + 1, curvature, m + 1) + np.bincount(first, curvature, m + 1))[1:-1]
    step = np.zeros(m + 1)
    wanted = isotonic_regression(gone[1:-1] + slope / curvature, weights=curvature).x
    step[1:-1] = np.clip(wanted, 0.0, 1.0) - gone[1:-1]
    for halvings in range(12):
        tried = gone + step / 2**halvings
        probability = tried[last + 1] - tried[first]
        if probability.min() > 0 and count @ np.log(probability) >= before:
            return np.maximum(np.diff(tried), 0.0)
    return mass


def _cumulated(mass: np.ndarray) -> np.ndarray:
    gone = np.concatenate([[0.0], np.cumsum(mass)])
    return gone / gone[-1]


def _check_whole(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise CasebookError(f"found {name} {value!r}; expected a whole number of {least} or more")


# -- two groups -------------------------------------------------------------------------------------------------------


def scores(lower: ArrayLike, upper: ArrayLike) -> np.ndarray:
    """What each patient adds to the log-rank score of a group: events less those expected; shape (n,), sum 0.

    Of all patients together, with S the estimate of :func:`turnbull` and H its cumulative hazard, the sum of ``mass / S-``:
    ``(S(upper) H(upper) - S(lower) H(lower)) / (S(lower) - S(upper))`` (Sun 1996, as Fay and Shaw 2010 write it). Where times
    are known it is 1, or 0 if censored, less H: the score of the log-rank test.
    """
    lower, upper = _checked(lower, upper)
    mass = turnbull(lower, upper).mass
    *_, first, last = _innermost(lower, upper)
    survival = np.clip(1 - _cumulated(mass), 0.0, 1.0)
    survival[-1] = 0.0
    steps = np.divide(mass, survival[:-1], out=np.zeros(mass.size), where=survival[:-1] > 0)
    product = survival * np.concatenate([[0.0], np.cumsum(steps)])
    return (product[last + 1] - product[first]) / (survival[first] - survival[last + 1])


def score_test(
    groups: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, permutations: int = 9999, seed: int = 0
) -> Test:
    """Whether two groups have the same survival, known from intervals: a log-rank test by permutation.

    Parameters
    ----------
    groups : array_like, shape (n,)
        The label of each patient's group; two of them.
    lower, upper : array_like, shape (n,)
        As of :func:`turnbull`.
    permutations : int
        How often labels are dealt out anew, 1 or more. If there are no more ways than that, all are gone through, once each.
    seed : int
        0 or more. The same seed gives the same p.

    Raises
    ------
    CasebookError
        As :func:`turnbull`; if there are not two groups, a label is missing, nothing tells patients apart (nobody has the
        event before the last examination of another), or permutations or seed are none.

    Notes
    -----
    If both groups are alike, and are examined alike, labels mean nothing and p is exact with any number of patients. Of groups
    examined at different intervals it is not. Dealt labels count as extreme if their score is as far from 0 as that found;
    that found counts as one of them, unless all are gone through.
    """
    _check_whole("permutations", permutations, 1)
    _check_whole("seed", seed, 0)
    score = scores(lower, upper)
    labels = pd.Series(groups, copy=False).reset_index(drop=True)
    if len(labels) != score.size:
        raise CasebookError(
            f"groups: found {len(labels)} labels; expected one for each of {score.size} intervals"
        )
    if labels.isna().any():
        raise CasebookError(f"groups[{labels.isna().argmax()}]: found no label; expected one")
    names = labels.unique().tolist()
    if len(names) != 2:
        raise CasebookError(f"found {len(names)} groups; expected two")
    spread = float(score @ score)
    if spread <= 1e-12 * score.size:
        raise CasebookError(
            "found no event that is known to be before or after another; expected intervals that tell patients apart"
        )
    n, chosen = score.size, (labels == names[1]).to_numpy()
    size = int(chosen.sum())
    found = float(score[chosen].sum())
    deviation = math.sqrt(spread / (n - 1) * size * (n - size) / n)

    ways = math.comb(n, size)
    exhaustive = ways <= permutations
    if exhaustive:
        places = np.array(list(combinations(range(n), size)))
        dealt = score[places].sum(axis=1)
    else:
        random = np.random.default_rng(seed)
        blocks = [min(BLOCK, permutations - begun) for begun in range(0, permutations, BLOCK)]
        dealt = np.concatenate(
            [
                random.permuted(np.broadcast_to(score, (rows, n)), axis=1)[:, :size].sum(axis=1)
                for rows in blocks
            ]
        )
    extreme = np.count_nonzero(np.abs(dealt) >= abs(found) - TIE * deviation)
    p = extreme / ways if exhaustive else (extreme + 1) / (permutations + 1)
    statistic = found / deviation
    return Test(
        {names[0]: -found, names[1]: found},
        statistic,
        float(p),
        float(2 * ndtr(-abs(statistic))),
        ways if exhaustive else permutations,
        exhaustive,
    )
