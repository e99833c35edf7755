"""Precision: how many children measure a rate, by the width of its interval, over all counts that may come out.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import betaincinv, ndtri

from casebook.design.exact import checked_inside, probabilities
from casebook.errors import CasebookError
from casebook.trials.rates import checked_confidence

Method = Literal["clopper-pearson", "wilson"]

MOST = 3_000
"""The most children that a search looks at: a second or three."""

NARROWEST = 1e-9
"""A smaller width takes no fewer children than this one, far more than a search looks at."""


class Precision(NamedTuple):
    """How wide the interval is after ``n`` children: on average, at most, and the chance that it is narrow enough."""

    n: int
    mean: float
    widest: float
    assurance: float


def needed(
    rate: float,
    width: float,
    *,
    confidence: float = 0.95,
    method: Method = "clopper-pearson",
    assurance: float | None = None,
    stays: bool = False,
) -> Precision:
    """The fewest children after whom the two-sided interval of a rate is narrow enough.

    Parameters
    ----------
    rate : float
        That is expected.
    width : float
        Of the interval, upper minus lower limit, as a fraction of 1.
    confidence : float
        Of the interval.
    method : str
        ``"clopper-pearson"`` or ``"wilson"``.
    assurance : float, optional
        Without it, the mean width at the expected rate must be small enough. With it, the width itself, with this
        probability at the expected rate; 1 asks it of every count, whatever the rate.
    stays : bool
        The fewest from which on it holds for every larger number too.

    Raises
    ------
    CasebookError
        If the rate or width is not strictly between 0 and 1, the assurance not above 0 and at most 1, a single child is
        already enough, or the width is so small that more than :data:`MOST` children might be needed.

    Notes
    -----
    The search ends where every count is certainly enough: Clopper and Pearson's limits lie within those of Hoeffding's
    bound, ``sqrt(log(2 / (1 - confidence)) / 2n)`` either way, and Wilson's are widest at a half, with
    ``z / sqrt(n + z**2)``.
    """
    rate, width = checked_inside(rate, "rate"), checked_inside(width, "width")
    if assurance is not None and (not isinstance(assurance, Real) or not 0 < assurance <= 1):
        raise CasebookError(f"assurance: found {assurance!r}, expected a number above 0, at most 1, or none")
    tail = (1 - checked_confidence(confidence)) / 2
    if not isinstance(method, str) or method not in _WIDTHS:
        raise CasebookError(f"found the method {method!r}; expected one of {', '.join(map(repr, _WIDTHS))}")
    z = -float(ndtri(tail))
    square = max(width, NARROWEST) ** 2
    certain = -2 * math.log(tail) / square if method == "clopper-pearson" else z * z * (1 / square - 1)
    if certain > MOST:
        raise CasebookError(f"width: found {width}, expected one that {MOST} children surely reach")
    table = _widths_by_size(math.floor(certain) + 2, rate, width, tail, method)
    if assurance is None:
        reached = table["mean"] <= width
    elif assurance == 1:
        reached = table["widest"] <= width
    else:
        reached = table["assurance"] >= assurance
    reached = reached.to_numpy()
    if reached[0]:
        raise CasebookError(f"width: found {width}, which one child reaches; expected a smaller one")
    place = reached.size - np.argmin(reached[::-1]) if stays else np.argmax(reached)
    row = table.iloc[place]
    return Precision(int(place) + 1, float(row["mean"]), float(row["widest"]), float(row["assurance"]))


def _widths_by_size(largest: int, rate: float, width: float, tail: float, method: Method) -> pd.DataFrame:
    """For 1 to ``largest`` children: the mean width, the widest, and the probability of one that is narrow enough."""
    n = np.arange(1, largest + 1)
    # Counts further off than this have together less than 1e-14 of the probability.
    reach = 9 * np.sqrt(n * rate * (1 - rate)) + 9
    first = np.maximum(np.floor(n * rate - reach), 0).astype(int)
    counts = np.minimum(np.ceil(n * rate + reach), n).astype(int) - first + 1
    begins = np.cumsum(counts) - counts
    sizes = np.repeat(n, counts)
    x = np.arange(counts.sum()) - np.repeat(begins - first, counts)
    chance = probabilities(x, sizes, rate)
    wide = _WIDTHS[method](x, sizes, tail)
    return pd.DataFrame(
        {
            "mean": np.add.reduceat(chance * wide, begins),
            "widest": _WIDTHS[method](n // 2, n, tail),
            "assurance": np.add.reduceat(chance * (wide <= width), begins),
        }
    )


def _clopper_pearson_width(x: np.ndarray, n: np.ndarray, tail: float) -> np.ndarray:
    lower = np.where(x > 0, betaincinv(np.maximum(x, 1), n - x + 1, tail), 0.0)
    upper = np.where(x < n, betaincinv(x + 1, np.maximum(n - x, 1), 1 - tail), 1.0)
    return upper - lower


def _wilson_width(x: np.ndarray, n: np.ndarray, tail: float) -> np.ndarray:
    z = ndtri(tail)
    p = x / n
    return 2 * abs(z) * np.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2) / (1 + z * z / n)


_WIDTHS = {"clopper-pearson": _clopper_pearson_width, "wilson": _wilson_width}
