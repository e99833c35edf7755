"""Stopping: the counts at which a study stops, and how often it then does, exactly, whatever the true rate.

Every count that can be reached is followed, child by child, without simulation. Each child has the event or not,
independently of the others; the rate may differ from child to child.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from casebook.design.arms import checked_ratio
from casebook.errors import CasebookError
from casebook.trials.rates import as_array, checked_rate, checked_whole

MOST = 5_000
"""The most children of a study that is monitored."""

MOST_TIED = 1_000
"""The most where two endpoints go together: with twice the children it takes eight times as long, with these some seconds."""

SIDES = ("upper", "lower")


@dataclass(frozen=True)
class Boundary:
    """The counts at which a study stops.

    Parameters
    ----------
    looks : sequence of int, length k
        After how many children the count is looked at, ascending.
    limits : sequence of int, length k
        At each look, the fewest events that stop the study if ``side`` is ``"upper"`` (n + 1: none do), or the most if it
        is ``"lower"`` (-1: none do).
    side : {"upper", "lower"}
        Whether many events stop the study, as of harm, or few, as of responses.

    Raises
    ------
    CasebookError
        If a value is not as said.
    """

    looks: Sequence[int]
    limits: Sequence[int]
    side: Literal["upper", "lower"] = "upper"

    def __post_init__(self) -> None:
        looks = checked_looks(self.looks)
        if self.side not in SIDES:
            raise CasebookError(f"side: found {self.side!r}, expected 'upper' or 'lower'")
        limits = tuple(self.limits) if np.iterable(self.limits) else ()
        if len(limits) != len(looks):
            raise CasebookError(f"limits: found {len(limits)} for {len(looks)} looks, expected one for each")
        least, beyond = (0, 1) if self.side == "upper" else (-1, 0)
        limits = tuple(
            checked_whole(limit, f"the limit after {n}", least=least, most=n + beyond)
            for limit, n in zip(limits, looks, strict=True)
        )
        object.__setattr__(self, "looks", looks)
        object.__setattr__(self, "limits", limits)

    @property
    def n(self) -> int:
        """Children at the last look."""
        return self.looks[-1]

    def stops(self, events: ArrayLike, look: int) -> np.ndarray:
        """Whether so many events at this look (by its place, from 0) stop the study; in the shape of events."""
        limit = self.limits[look]
        return np.asarray(events) >= limit if self.side == "upper" else np.asarray(events) <= limit

    def frame(self) -> pd.DataFrame:
        """A row for each look: ``n`` and ``limit``, missing where no count stops the study."""
        n, limit = np.array(self.looks), pd.Series(self.limits, dtype="Int64")
        return pd.DataFrame({"n": n, "limit": limit.mask(limit == (n + 1 if self.side == "upper" else -1))})


# -- how often, and when -----------------------------------------------------------------------------------------


def stopping_times(boundary: Boundary, rates: ArrayLike, *, n: int | None = None) -> np.ndarray:
    """Probability that the study stops after each of its children.

    The count of events among children is followed from child to child; at each look the counts that stop the study leave
    it, as in Armitage, McPherson and Rowe 1969. Sums and products of probabilities only: exact but for rounding.

    Parameters
    ----------
    boundary : Boundary
        Of the study.
    rates : array_like, shape () or (s,) or (s, n)
        The true rate; several of them; or, by row, the rate of each child in turn, where it changes.
    n : int, optional
        Children of the whole study; without it those of the last look.

    Returns
    -------
    ndarray, shape (n,) or (s, n)
        What its sum lacks to 1 is the probability of never stopping.

    Raises
    ------
    CasebookError
        If a rate is none, n less than the children of the last look or more than :data:`MOST`, or a row of rates has
        not one for each child.
    """
    n, by_child = _rates_by_child(rates, _checked_size(n, boundary))
    state = np.zeros((len(by_child), n + 1))
    state[:, 0] = 1
    stopped = np.zeros((len(by_child), n))
    place = {look: index for index, look in enumerate(boundary.looks)}
    counts = np.arange(n + 1)
    for child in range(boundary.n):
        rate = by_child[:, child, None]
        moved = state[:, : child + 1] * rate
        state[:, : child + 1] *= 1 - rate
        state[:, 1 : child + 2] += moved
        if (look := place.get(child + 1)) is not None:
            leaves = boundary.stops(counts[: child + 2], look)
            stopped[:, child] = state[:, : child + 2][:, leaves].sum(axis=1)
            state[:, : child + 2][:, leaves] = 0
    return stopped if np.ndim(rates) else stopped[0]


def operating(boundary: Boundary, rates: ArrayLike, *, n: int | None = None, delay: int = 0) -> pd.DataFrame:
    """How often the study stops, and how many children it then has treated, at each true rate.

    Parameters
    ----------
    boundary, rates, n
        As of :func:`stopping_times`.
    delay : int
        Children who enter before the last of those counted is reported on: they are treated although the study stops.

    Returns
    -------
    DataFrame
        A row for each rate: ``rate`` (its mean over children, where it changes), ``stops`` (the probability that the rule
        ever stops the study), ``early`` (before all children are treated), ``mean_n`` (children treated, on average).

    Raises
    ------
    CasebookError
        As :func:`stopping_times`; and if the delay is not a whole number of 0 or more.
    """
    delay = checked_whole(delay, "delay", least=0)
    stopped = np.atleast_2d(stopping_times(boundary, rates, n=n))
    given = np.atleast_1d(np.asarray(rates, float))
    return pd.DataFrame({"rate": given if given.ndim == 1 else given.mean(axis=1), **_summed(stopped, delay)})


def joint_table(event_rate: float, response_rate: float, odds_ratio: float = 1.0) -> np.ndarray:
    """Probabilities of event and response in one child, tied by an odds ratio (Plackett 1965): shape (2, 2).

    Rows are without and with the event, columns without and with the response. An odds ratio of 1 is independence.

    Raises
    ------
    CasebookError
        If a rate is none or several, or the odds ratio not above 0.
    """
    event, response = (_one_rate(rate) for rate in (event_rate, response_rate))
    ratio = checked_ratio(odds_ratio, "odds_ratio")
    middle = 1 + (event + response) * (ratio - 1)
    # The smaller root, in the form that does not subtract near-equal numbers and has no gap at 1.
    root = np.sqrt(max(middle**2 - 4 * ratio * (ratio - 1) * event * response, 0.0))
    if middle < 0:
        both = (middle - root) / (2 * (ratio - 1))
    else:
        both = 2 * ratio * event * response / (middle + root) if event * response else 0.0
    table = np.array([[1 - event - response + both, response - both], [event - both, both]])
    return np.clip(table, 0, 1)


def operating_both(
    harm: Boundary,
    futile: Boundary,
    rates: ArrayLike,
    *,
    n: int | None = None,
    odds_ratio: float = 1.0,
    delay: int = 0,
) -> pd.DataFrame:
    """How often a study with two rules, one for each of two endpoints, stops by which of them.

    Parameters
    ----------
    harm, futile : Boundary
        Of events, with an upper side, and of responses, with a lower one. Their looks may differ.
    rates : array_like, shape (s, 2)
        By row: the true rate of events and that of responses.
    n : int, optional
        Children of the whole study; without it those of the last look of either.
    odds_ratio : float
        How event and response go together in a child: at 1, which is an assumption, they are independent.
    delay : int
        As of :func:`operating`.

    Returns
    -------
    DataFrame
        A row for each pair: ``event_rate``, ``response_rate``, the probabilities of stopping ``for_harm`` alone,
        ``for_futility`` alone and ``for_both`` at one look; ``stops`` in all, ``early`` and ``mean_n`` as in
        :func:`operating`.

    Raises
    ------
    CasebookError
        If a side is not as said, rates are no pairs of rates, the odds ratio is not above 0, it is not 1 and the
        children are more than :data:`MOST_TIED`, or as :func:`operating`.
    """
    for boundary, side, name in ((harm, "upper", "harm"), (futile, "lower", "futile")):
        if boundary.side != side:
            raise CasebookError(
                f"{name}: found a boundary with the side {boundary.side!r}, expected {side!r}"
            )
    pairs = checked_rate(rates)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs):
        raise CasebookError(f"rates: found the shape {pairs.shape}, expected pairs: events and responses")
    delay = checked_whole(delay, "delay", least=0)
    n = max(_checked_size(n, boundary) for boundary in (harm, futile))
    ratio = checked_ratio(odds_ratio, "odds_ratio")
    if ratio == 1:
        # Independent endpoints stop the study at independent times.
        first = stopping_times(harm, pairs[:, 0], n=n)
        second = stopping_times(futile, pairs[:, 1], n=n)
        after_first, after_second = (1 - np.cumsum(times, axis=1) for times in (first, second))
        by_reason = np.stack([first * after_second, second * after_first, first * second])
    else:
        if n > MOST_TIED:
            raise CasebookError(
                f"n: found {n}, expected at most {MOST_TIED} where the odds ratio is not 1: every pair of counts is followed"
            )
        tables = [joint_table(*pair, ratio) for pair in pairs]
        by_reason = np.stack([_joint_stopping(harm, futile, table, n) for table in tables], axis=1)
    reasons = dict(zip(("for_harm", "for_futility", "for_both"), by_reason.sum(axis=2), strict=True))
    return pd.DataFrame(
        {
            "event_rate": pairs[:, 0],
            "response_rate": pairs[:, 1],
            **reasons,
            **_summed(by_reason.sum(axis=0), delay),
        }
    )


def _joint_stopping(harm: Boundary, futile: Boundary, table: np.ndarray, n: int) -> np.ndarray:
    """Probability of stopping after each child for harm, for futility and for both: (3, n)."""
    state = np.zeros((n + 1, n + 1))  # by events and responses
    state[0, 0] = 1
    stopped = np.zeros((3, n))
    places = [{look: index for index, look in enumerate(boundary.looks)} for boundary in (harm, futile)]
    for child in range(max(harm.n, futile.n)):
        size = child + 2
        before, counts = state[: size - 1, : size - 1].copy(), np.arange(size)
        state[:size, :size] = 0
        for event, response in np.ndindex(2, 2):
            state[event : size - 1 + event, response : size - 1 + response] += table[event, response] * before
        leaves = [
            boundary.stops(counts, place[child + 1]) if child + 1 in place else np.zeros(size, bool)
            for boundary, place in zip((harm, futile), places, strict=True)
        ]
        harmed, failed = leaves[0][:, None], leaves[1][None, :]
        for reason, cells in enumerate((harmed & ~failed, ~harmed & failed, harmed & failed)):
            stopped[reason, child] = state[:size, :size][cells].sum()
        state[:size, :size][harmed | failed] = 0
    return stopped


def _summed(stopped: np.ndarray, delay: int) -> dict[str, np.ndarray]:
    """Of probabilities of stopping after each child, (s, n): stopping ever, early, and the mean number treated."""
    n = stopped.shape[1]
    treated = np.minimum(np.arange(1, n + 1) + delay, n)
    return {
        "stops": stopped.sum(axis=1),
        "early": stopped[:, treated < n].sum(axis=1),
        "mean_n": n - stopped @ (n - treated),
    }


def checked_looks(looks: Sequence[int]) -> tuple[int, ...]:
    """Looks as Python integers.

    Raises
    ------
    CasebookError
        Unless they are one or more ascending whole numbers from 1 to :data:`MOST`.
    """
    found = tuple(
        checked_whole(n, "looks", least=1, most=MOST) for n in (looks if np.iterable(looks) else ())
    )
    if not found or any(late <= early for early, late in itertools.pairwise(found)):
        raise CasebookError(f"looks: found {looks!r}, expected one or more numbers of children, ascending")
    return found


def _checked_size(n: int | None, boundary: Boundary) -> int:
    return boundary.n if n is None else checked_whole(n, "n", least=boundary.n, most=MOST)


def _one_rate(rate: float) -> float:
    found = checked_rate(rate)
    if found.ndim:
        raise CasebookError(f"found the rate {rate!r}; expected a single number from 0 to 1")
    return float(found)


def _rates_by_child(rates: ArrayLike, n: int) -> tuple[int, np.ndarray]:
    given = as_array(checked_rate(rates))
    if given.ndim > 2 or not given.size or (given.ndim == 2 and given.shape[1] != n):
        raise CasebookError(
            f"rates: found the shape {given.shape}, expected one rate, a row of them, or rows of {n}, one for each child"
        )
    return n, given if given.ndim == 2 else np.broadcast_to(np.atleast_1d(given)[:, None], (given.size, n))
