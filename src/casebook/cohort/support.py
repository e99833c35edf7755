"""The support of survival known from intervals: the innermost ones, where mass can lie, and the masses of maximum likelihood."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from casebook.cohort.risktable import LARGEST, checked_times
from casebook.errors import CasebookError

TOLERANCE = 1e-10
"""What the log-likelihood of a patient, on average, may still have to gain when the search ends."""

STEPS = 10_000
"""Steps after which a search is given up; those of thousands of patients take some fifty."""


def checked(lower: ArrayLike, upper: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of the patients' intervals (n,); CasebookError as of :func:`casebook.cohort.intervals.turnbull`."""
    lower = checked_times(lower, "lower")
    try:
        upper = np.asarray(upper)
    except ValueError:
        raise CasebookError(
            "upper: found rows of different lengths; expected a single row of numbers"
        ) from None
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


def innermost(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, ...]:
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


def maximum(
    m: int, first: np.ndarray, last: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Masses, their multipliers and the log-likelihood, of ``count`` patients in the intervals from first to last each."""
    n = count.sum()
    mass = np.full(m, 1 / m)
    for _ in range(STEPS):
        gone = cumulated(mass)
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
    gone = cumulated(mass)
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


def cumulated(mass: np.ndarray) -> np.ndarray:
    """What is gone before each innermost interval and after the last (m + 1,), from 0 to 1."""
    gone = np.concatenate([[0.0], np.cumsum(mass)])
    return gone / gone[-1]
