"""Two proportions compared in a randomised study: exact power of Fisher's and Boschloo's tests, and how many children.

The probability that the test refutes equal rates is summed over all tables of counts that it refutes them at, without a
condition on the margins. As with one rate, it rises with the number of children in a saw-tooth.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Callable
from numbers import Real
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, logit

from casebook.design.exact import TIE, checked_alpha, checked_errors, checked_inside, probabilities
from casebook.errors import CasebookError
from casebook.trials import differences
from casebook.trials.differences import Alternative
from casebook.trials.rates import checked_rate, checked_whole

Test = Literal["fisher", "boschloo"]

MOST = {"fisher": 600, "boschloo": 250}
"""The most children in the larger group for whom a size is searched with each test: some seconds."""

MOST_POWER = 1_500
"""The most children in a group for whom power is computed."""


_Region = Callable[[int, int, float, Alternative], np.ndarray]


class TwoGroups(NamedTuple):
    """Children in each group, with the power at the two rates."""

    n1: int
    n2: int
    power: float

    @property
    def n(self) -> int:
        """Of both groups together."""
        return self.n1 + self.n2


def power(
    n1: int,
    n2: int,
    p1: ArrayLike,
    p2: ArrayLike,
    *,
    alpha: float = 0.05,
    test: Test = "fisher",
    alternative: Alternative = "two-sided",
) -> float | np.ndarray:
    """Probability that a test refutes equal rates, of n1 children with the rate p1 and n2 with p2.

    At ``p1 == p2`` it is the type I error there.

    Parameters
    ----------
    n1, n2 : int
        Children in each group.
    p1, p2 : float or array_like
        The rates, of one shape or one of them single.
    alpha : float
        The test refutes if its p value is at most this.
    test : str
        ``"fisher"`` or ``"boschloo"``, as :mod:`casebook.trials.differences` has them.
    alternative : str
        As there: ``"less"`` is against p1 being the lower.

    Returns
    -------
    float or ndarray
        In the shape of the rates.

    Raises
    ------
    CasebookError
        If a size is not a whole number from 1 to :data:`MOST_POWER`, a rate lies outside of 0 to 1, alpha is not strictly
        between 0 and 1, or the test or the alternative is unknown.
    """
    n1 = checked_whole(n1, "n1", least=1, most=MOST_POWER)
    n2 = checked_whole(n2, "n2", least=1, most=MOST_POWER)
    alpha = checked_alpha(alpha)
    _checked_alternative(alternative)
    rates1, rates2 = np.broadcast_arrays(checked_rate(p1), checked_rate(p2))
    refuted = _REGIONS[_checked(test)](n1, n2, alpha, alternative)
    first = probabilities(np.arange(n1 + 1), n1, rates1[..., None])
    second = probabilities(np.arange(n2 + 1), n2, rates2[..., None])
    found = np.minimum(np.sum((first @ refuted) * second, axis=-1), 1.0)
    return float(found) if found.ndim == 0 else found


def needed(
    p1: float,
    p2: float,
    *,
    ratio: float = 1,
    alpha: float = 0.05,
    power: float = 0.8,
    test: Test = "fisher",
    alternative: Alternative = "two-sided",
    stays: bool = False,
) -> TwoGroups:
    """The fewest children of two groups with which a test refutes equal rates with this power.

    Parameters
    ----------
    p1, p2 : float
        The rates that are thought true.
    ratio : float
        Children in the first group for each in the second, who are the ones counted up; a part of a child counts as one.
    alpha, test, alternative
        As of :func:`power`.
    power : float
        The least power.
    stays : bool
        The fewest from which on all larger numbers that were looked at have the power: those up to half as many more
        children, and ten. There is no proof for the rest.

    Raises
    ------
    CasebookError
        If a rate, alpha or power is not strictly between 0 and 1, the rates are equal or lie against the alternative, the
        power is not above alpha, the ratio is not above 0, one child in the second group is already enough, or more than
        :data:`MOST` would be needed in a group.

    Notes
    -----
    No test with this alpha, of whatever kind, has more power than the most powerful of one common rate against these two
    (Neyman and Pearson). Sizes at which even that falls short are passed over; all others are looked at.
    """
    p1, p2 = checked_inside(p1, "p1"), checked_inside(p2, "p2")
    alpha, power = checked_errors(alpha, power)
    region = _REGIONS[_checked(test)]
    if not isinstance(ratio, Real) or not 0 < ratio < math.inf:
        raise CasebookError(f"ratio: found {ratio!r}, expected a number above 0")
    against = {"two-sided": p1 == p2, "less": p1 >= p2, "greater": p1 <= p2}
    if against[_checked_alternative(alternative)]:
        raise CasebookError(
            f"found the rates {p1} and {p2}; expected two that differ, as the alternative says"
        )

    largest = math.floor(MOST[test] / max(ratio, 1))

    def first(n2: int) -> int:
        return math.ceil(ratio * n2 * (1 - TIE))

    def bound(n2: int, *, each_way: bool = False) -> float:
        return _best_power(first(n2), n2, p1, p2, (ratio * p1 + p2) / (ratio + 1), alpha, each_way)

    def reached(n2: int, refuted: _Region) -> float:
        """The power, or 0 where no such test has enough."""
        n1 = first(n2)
        if n1 == n2 and alternative == "two-sided" and bound(n2, each_way=True) < power:
            return 0.0
        one, other = probabilities(np.arange(n1 + 1), n1, p1), probabilities(np.arange(n2 + 1), n2, p2)
        return float(one @ refuted(n1, n2, alpha, alternative) @ other)

    def fails(n2: int) -> bool:
        # What Fisher's test refutes, Boschloo's does too, and is far quicker to list.
        return reached(n2, _fisher_region) < power and (
            region is _fisher_region or reached(n2, region) < power
        )

    # The bound only rises with the children of both groups: halving finds where it first is enough.
    start = 1 + bisect.bisect_left(range(1, largest + 1), power, key=bound)
    n2 = next((n2 for n2 in range(start, largest + 1) if reached(n2, region) >= power), None)
    if n2 is None:
        raise CasebookError(
            f"found the rates {p1:g} and {p2:g}; expected ones that groups of at most {MOST[test]} tell apart"
        )
    if n2 == 1:
        raise CasebookError(
            f"power: found {reached(1, region):.3g} with a single child, expected less than {power:g}"
        )
    if stays:
        n2 = max(filter(fails, range(n2 + 1, n2 + n2 // 2 + 11)), default=n2 - 1) + 1
    return TwoGroups(first(n2), n2, reached(n2, region))


def _checked(test: Test) -> Test:
    if not isinstance(test, str) or test not in _REGIONS:
        raise CasebookError(f"found the test {test!r}; expected one of {', '.join(map(repr, _REGIONS))}")
    return test


def _checked_alternative(alternative: Alternative) -> Alternative:
    if not isinstance(alternative, str) or alternative not in _P_VALUES:
        raise CasebookError(
            f"found the alternative {alternative!r}; expected one of {', '.join(map(repr, _P_VALUES))}"
        )
    return alternative


def _best_power(n1: int, n2: int, p1: float, p2: float, common: float, alpha: float, each_way: bool) -> float:
    """What the power cannot exceed: that of the most powerful test of this common rate, with chance at the limit.

    With ``each_way``, of a two-sided test that is the same with the groups exchanged: each way it has half of alpha.
    """
    x1, x2 = np.arange(n1 + 1), np.arange(n2 + 1)
    true, null = (
        np.outer(probabilities(x1, n1, one), probabilities(x2, n2, other)).ravel()
        for one, other in ((p1, p2), (common, common))
    )
    other_way = 0.0
    if each_way:
        alpha /= 2
        against = np.greater_equal.outer(x1, x2) if p1 < p2 else np.less_equal.outer(x1, x2)
        other_way = float(true[against.ravel()].sum())
    # The logarithm of the ratio of likelihoods is, but for a constant, a sum over both groups.
    gain1, gain2 = logit(p1) - logit(common), logit(p2) - logit(common)
    order = np.argsort(-np.add.outer(x1 * gain1, x2 * gain2).ravel())
    size, gained = np.cumsum(null[order]), np.cumsum(true[order])
    last = min(np.searchsorted(size, alpha), size.size - 1)  # the sum of all may fall short of 1
    return other_way + float(gained[last] - (size[last] - alpha) / null[order[last]] * true[order[last]])


# -- which tables a test refutes equal rates at -------------------------------------------------------------------


def _fisher_region(n1: int, n2: int, alpha: float, alternative: Alternative) -> np.ndarray:
    return _fisher_p(n1, n2, alternative) <= alpha * (1 + TIE)


def _boschloo_region(n1: int, n2: int, alpha: float, alternative: Alternative) -> np.ndarray:
    """Boschloo's p rises with Fisher's and is never above it: the limit lies among Fisher's p values above alpha."""
    fisher = _fisher_p(n1, n2, alternative)
    region = fisher <= alpha * (1 + TIE)
    above = np.argwhere(~region)
    above = above[np.argsort(fisher[~region], kind="stable")]
    low, high = 0, len(above)  # of these, so many are refuted at least, and at most
    while low < high:
        middle = (low + high) // 2
        x1, x2 = above[middle]
        if differences.boschloo(int(x1), n1, int(x2), n2, alternative) <= alpha * (1 + TIE):
            low = middle + 1
        else:
            high = middle
    region[tuple(above[:low].T)] = True
    return region


_REGIONS = {"fisher": _fisher_region, "boschloo": _boschloo_region}


@functools.lru_cache(maxsize=2)
def _fisher_p(n1: int, n2: int, alternative: Alternative) -> np.ndarray:
    """Fisher's p of every table at once, as :func:`casebook.trials.differences.fisher` has it: (n1 + 1, n2 + 1)."""
    x1, x2 = np.indices((n1 + 1, n2 + 1))
    logarithm = (
        gammaln(n1 + 1) - gammaln(x1 + 1) - gammaln(n1 - x1 + 1)
        + gammaln(n2 + 1) - gammaln(x2 + 1) - gammaln(n2 - x2 + 1)
    )  # fmt: skip
    # A row for each total, a column for each x1; 0 where there is no such table.
    weight = np.full((n1 + n2 + 1, n1 + 1), -np.inf)
    weight[x1 + x2, x1] = logarithm
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    p = _P_VALUES[alternative](weight)[x1 + x2, x1]
    p.flags.writeable = False  # the cache hands the same array to every caller
    return p


def _lower_tail(weight: np.ndarray) -> np.ndarray:
    sums = np.cumsum(weight, axis=1)
    return sums / sums[:, -1:]


def _upper_tail(weight: np.ndarray) -> np.ndarray:
    return _lower_tail(weight[:, ::-1])[:, ::-1]


def _no_likelier(weight: np.ndarray) -> np.ndarray:
    order = np.argsort(weight, axis=1)
    rising = np.take_along_axis(weight, order, axis=1)
    # Of tables that are equally likely but for rounding, all have the sum up to the last.
    last = np.ones(rising.shape, dtype=bool)
    last[:, :-1] = rising[:, 1:] > rising[:, :-1] * (1 + differences.TIE)
    place = np.where(last, np.arange(rising.shape[1]), rising.shape[1])
    place = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    p = np.empty_like(rising)
    np.put_along_axis(p, order, np.take_along_axis(_lower_tail(rising), place, axis=1), axis=1)
    return p


_P_VALUES = {"two-sided": _no_likelier, "less": _lower_tail, "greater": _upper_tail}
