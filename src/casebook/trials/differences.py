"""Differences: two counts compared, ``x1`` events of ``n1`` children against ``x2`` of ``n2``.

Both tests are exact. Fisher's conditions on the number of events in both groups together; Boschloo's does not, and
is never less powerful. Both intervals of the difference of the rates exist at every count, 0 of ``n`` included.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import functools
import math
from typing import Literal

import numpy as np
from scipy.optimize import bisect, minimize_scalar
from scipy.special import gammaln, ndtri, xlog1py, xlogy

from casebook.errors import CasebookError
from casebook.trials.rates import Interval, checked_confidence, checked_count, wilson

Alternative = Literal["two-sided", "less", "greater"]

TIE = 1e-7
"""How much larger, relatively, a probability may be and still count as equal: as in R's ``fisher.test``.

Tables whose probabilities are equal as fractions differ in floats by some 1e-13. Without an allowance, rounding
would decide which of them count as no likelier than the table observed, and p could be half of what it is.
"""

MOST_TABLES = 10**7
"""The most tables that a test looks at: what a second or two, and some hundred megabytes, suffice for."""

MOST_TOGETHER = 10**4
"""The most children, of both groups together, for whom Boschloo's test searches the rate."""


# -- tests ------------------------------------------------------------------------------------------------------


def fisher(x1: int, n1: int, x2: int, n2: int, alternative: Alternative = "two-sided") -> float:
    """P value of Fisher's exact test that both rates are one.

    Two-sided, it is the probability of all tables with these margins that are no likelier than the one observed;
    ``"less"`` is against the first rate being the lower, ``"greater"`` the higher. 1 if nobody, or everybody, had the
    event.

    Raises
    ------
    CasebookError
        If a count is none, the alternative is not one of the three, or more than :data:`MOST_TABLES` tables have these
        margins.
    """
    (x1, n1), (x2, n2) = checked_count(x1, n1), checked_count(x2, n2)
    p_values = _P_VALUES[_checked(alternative)]
    tables = min(n1, n2, x1 + x2, n1 + n2 - x1 - x2) + 1
    if tables > MOST_TABLES:
        raise CasebookError(f"found {tables} tables with these margins; expected at most {MOST_TABLES}")
    firsts, _, weight = _margin(n1, n2, x1 + x2)
    return float(p_values(weight)[x1 - firsts[0]])


def boschloo(x1: int, n1: int, x2: int, n2: int, alternative: Alternative = "two-sided") -> float:
    """P value of Boschloo's exact unconditional test that both rates are one (Boschloo 1970).

    The greatest probability, over all values that the one rate may have, of the tables whose p value in Fisher's
    test of the same alternative is no larger than that of the table observed. Two-sided, tables are ordered by
    Fisher's two-sided p; twice the smaller one-sided p is another definition. Never above Fisher's p.

    Raises
    ------
    CasebookError
        If a count is none, the alternative is not one of the three, or the groups are too large: ``n1 * n2`` above
        :data:`MOST_TABLES`, or ``n1 + n2`` above :data:`MOST_TOGETHER`.

    Notes
    -----
    Given m events in both groups together, the tables as extreme have a probability c(m) that does not depend on
    the rate, and is at most Fisher's p. Over m, which is binomial of ``n1 + n2``, the probability is the mean of
    c(m). As a function of the arcsine of the root of the rate, on which the standard deviation of an estimate is
    ``1 / (2 sqrt(n1 + n2))`` everywhere, its second derivative is nowhere below about minus itself over that
    deviation squared: no peak can be narrower. The grid takes sixteen steps to a deviation, so that a peak is less
    than a thousandth higher than the grid next to it, and every peak that could be the highest is refined.
    """
    (x1, n1), (x2, n2) = checked_count(x1, n1), checked_count(x2, n2)
    if n1 * n2 > MOST_TABLES or n1 + n2 > MOST_TOGETHER:
        raise CasebookError(
            f"found groups of {n1} and {n2}; expected at most {MOST_TABLES} as their product and {MOST_TOGETHER} together"
        )
    conditional, p = _tables(n1, n2, _checked(alternative))
    observed = float(p[x1, x2])
    if observed == 1:
        return 1.0  # every table is as extreme
    extreme = np.where(p <= observed * (1 + TIE), conditional, 0.0)
    both = n1 + n2
    totals = np.arange(both + 1)
    given = np.bincount(np.add.outer(np.arange(n1 + 1), np.arange(n2 + 1)).ravel(), extreme.ravel())

    def chance(angle: np.ndarray) -> np.ndarray:
        rate = np.sin(angle)[..., None] ** 2
        logarithm = _log_choose(both, totals) + xlogy(totals, rate) + xlog1py(both - totals, -rate)
        return np.exp(logarithm) @ given

    angles = np.linspace(0, math.pi / 2, 2 + math.ceil(math.pi * 16 * math.sqrt(both)))
    # In pieces, as a grid for thousands of children does not fit into memory at once.
    pieces = np.array_split(angles, 1 + angles.size * both // 10**6)
    heights = np.concatenate([chance(piece) for piece in pieces])
    best = float(heights.max())
    beside = np.maximum(np.append(heights[1:], 0), np.append(0, heights[:-1]))
    # A peak that is lower by a hundredth cannot overtake, by the steps of the grid.
    for peak in np.flatnonzero((heights >= beside) & (heights >= 0.99 * best)):
        ends = angles[max(peak - 1, 0)], angles[min(peak + 1, angles.size - 1)]
        found = minimize_scalar(
            lambda angle: -chance(np.asarray(angle)), bounds=ends, method="bounded", options={"xatol": 1e-9}
        )
        best = max(best, -float(found.fun))
    # c(m) is at most Fisher's p, and so is any mean of it. Near 1 the allowance for ties would say otherwise.
    return min(best, observed)


def _checked(alternative: Alternative) -> Alternative:
    expected = ("two-sided", "less", "greater")
    if not isinstance(alternative, str) or alternative not in expected:
        raise CasebookError(
            f"found the alternative {alternative!r}; expected one of {', '.join(map(repr, expected))}"
        )
    return alternative


@functools.lru_cache(maxsize=2)
def _tables(n1: int, n2: int, alternative: Alternative) -> tuple[np.ndarray, np.ndarray]:
    """Of each table (x1, x2): its probability given its number of events x1 + x2, and Fisher's p.

    Both of shape (n1 + 1, n2 + 1).
    """
    conditional, p = np.empty((n1 + 1, n2 + 1)), np.empty((n1 + 1, n2 + 1))
    for total in range(n1 + n2 + 1):
        x1, x2, weight = _margin(n1, n2, total)
        conditional[x1, x2] = weight / weight.sum()
        p[x1, x2] = _P_VALUES[alternative](weight)
    conditional.flags.writeable = p.flags.writeable = False  # the cache hands the same arrays to every caller
    return conditional, p


def _margin(n1: int, n2: int, total: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tables with ``total`` events: ``x1``, ascending, ``x2``, and weights that go as their probabilities.

    Each from the one before, by their ratio: the logarithm of a factorial has the fewer right decimals the larger it is.
    """
    x1 = np.arange(max(0, total - n2), min(n1, total) + 1)
    x2 = total - x1
    ratios = (n1 - x1[:-1]) / x1[1:] * (x2[:-1] / (n2 - x2[1:]))
    logarithm = np.append(0, np.cumsum(np.log(ratios)))
    return x1, x2, np.exp(logarithm - logarithm.max())


def _lower_tail(weight: np.ndarray) -> np.ndarray:
    sums = np.cumsum(weight)
    return sums / sums[-1]  # by their own last, so that the whole is 1 exactly


def _upper_tail(weight: np.ndarray) -> np.ndarray:
    return _lower_tail(weight[::-1])[::-1]


def _no_likelier(weight: np.ndarray) -> np.ndarray:
    rising = np.sort(weight)
    return _lower_tail(rising)[np.searchsorted(rising, weight * (1 + TIE), side="right") - 1]


_P_VALUES = {"two-sided": _no_likelier, "less": _lower_tail, "greater": _upper_tail}


def _log_choose(n: int, k: np.ndarray) -> np.ndarray:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


# -- intervals of the difference of two rates -------------------------------------------------------------------


def newcombe(x1: int, n1: int, x2: int, n2: int, confidence: float = 0.95) -> Interval:
    """Limits of the difference of two rates from the Wilson limits of each (Newcombe 1998, method 10).

    The distances from each rate to its own limits are added as squares are: the lower limit of the difference uses
    the lower limit of the first rate and the upper one of the second.

    Raises
    ------
    CasebookError
        If a count or the confidence is none.
    """
    (lower1, upper1), (lower2, upper2) = wilson(x1, n1, confidence), wilson(x2, n2, confidence)
    p1, p2 = x1 / n1, x2 / n2
    return Interval(
        p1 - p2 - math.hypot(p1 - lower1, upper2 - p2), p1 - p2 + math.hypot(upper1 - p1, p2 - lower2)
    )


def miettinen_nurminen(x1: int, n1: int, x2: int, n2: int, confidence: float = 0.95) -> Interval:
    """Limits of the difference of two rates by inverting the score test (Miettinen and Nurminen 1985).

    The differences that the test does not refute, with the variance at the likeliest rates that have that
    difference, times ``N / (N - 1)`` for the ``N = n1 + n2`` children.

    Raises
    ------
    CasebookError
        If a count or the confidence is none.
    """
    (x1, n1), (x2, n2) = checked_count(x1, n1), checked_count(x2, n2)
    z = -float(ndtri((1 - checked_confidence(confidence)) / 2))
    observed = x1 / n1 - x2 / n2

    def score(difference: float) -> float:
        p1, p2 = _likeliest(x1, n1, x2, n2, difference)
        variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
        distance = observed - difference
        if variance == 0:
            return 0.0 if distance == 0 else math.copysign(math.inf, distance)
        return distance / math.sqrt(variance)

    # The score falls from infinity at -1, where the variance is 0, through 0 at the difference observed, to minus
    # infinity at 1. Bisection looks at signs only, so that infinity does no harm.
    return Interval(
        -1.0 if observed == -1 else bisect(lambda d: score(d) - z, -1, observed, xtol=1e-14),
        1.0 if observed == 1 else bisect(lambda d: score(d) + z, observed, 1, xtol=1e-14),
    )


def _likeliest(x1: int, n1: int, x2: int, n2: int, difference: float) -> tuple[float, float]:
    """The likeliest pair of rates of which the first is larger by ``difference``.

    Setting the derivative of the log-likelihood to 0 and clearing denominators gives a cubic in the second rate, of
    which this is the middle root, by the cosine formula for three real roots.
    """
    n, x = n1 + n2, x1 + x2
    a = ((n1 + 2 * n2) * difference - n - x) / n
    b = ((n2 * difference - n - 2 * x2) * difference + x) / n
    c = x2 * difference * (1 - difference) / n
    # With p = t - a/3 the cubic p^3 + a p^2 + b p + c loses its square term.
    half = (a / 3) ** 3 - a * b / 6 + c / 2
    radius = math.sqrt(max((a / 3) ** 2 - b / 3, 0.0))
    cosine = half / radius**3 if radius else 0.0
    angle = (math.pi + math.acos(min(max(cosine, -1.0), 1.0))) / 3
    p2 = 2 * radius * math.cos(angle) - a / 3
    # Rounding may leave the rates a hair outside of what the difference allows.
    p2 = min(max(p2, 0.0, -difference), 1.0, 1 - difference)
    return min(max(p2 + difference, 0.0), 1.0), p2
