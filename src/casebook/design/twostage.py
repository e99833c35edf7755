"""Two-stage single-arm studies: stop after the first children if too few of them respond (Simon 1989).

Of the first ``n1`` children ``r1`` or fewer responding ends the study; otherwise it goes on to ``n`` children, and more than
``r`` responding in all refutes the rate p0. All probabilities are sums of binomial ones.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from casebook.design.exact import TIE, at_least, checked_errors, checked_rise, probabilities
from casebook.errors import CasebookError
from casebook.trials.rates import checked_rate, checked_whole

MOST = 200
"""The fewest children that a search may begin with: beyond, it would enumerate for minutes."""

LARGEST = 2 * MOST
"""The most children of both stages that are looked at before any design is found."""


class TwoStage(NamedTuple):
    """A design, with its type I error, its power, and at p0 the chance of stopping early and the mean size.

    ``early_stop`` is Simon's PET, ``mean_n`` his EN.
    """

    r1: int
    n1: int
    r: int
    n: int
    size: float
    power: float
    early_stop: float
    mean_n: float


class Simon(NamedTuple):
    """Simon's two designs, and those between them.

    ``optimal`` has the smallest mean size at p0, ``minimax`` the smallest largest size, and of these the smallest mean.
    ``admissible`` are the designs with the least weighted mean of both sizes for some weight, by largest size: the first is
    ``minimax``, the last ``optimal`` (Jung, Lee, Kim and George 2004).
    """

    optimal: TwoStage
    minimax: TwoStage
    admissible: tuple[TwoStage, ...]


class Operating(NamedTuple):
    """What a two-stage study does at a rate: refutes p0, stops early, takes so many children on average."""

    refutes: np.ndarray
    early_stop: np.ndarray
    mean_n: np.ndarray


def operating(r1: int, n1: int, r: int, n: int, rate: ArrayLike) -> Operating:
    """The operating characteristics of a two-stage study at any rates; arrays in the shape of ``rate``.

    Raises
    ------
    CasebookError
        Unless ``0 <= r1 < n1 < n`` and ``r1 <= r < n`` are whole numbers and rates lie from 0 to 1.
    """
    n = checked_whole(n, "n", least=2)
    n1 = checked_whole(n1, "n1", least=1, most=n - 1)
    r1 = checked_whole(r1, "r1", least=0, most=n1 - 1)
    r = checked_whole(r, "r", least=r1, most=n - 1)
    p = checked_rate(rate)[..., None]
    first = np.arange(r1 + 1, n1 + 1)
    refutes = np.sum(probabilities(first, n1, p) * at_least(r + 1 - first, n - n1, p), axis=-1)
    goes_on = at_least(r1 + 1, n1, p[..., 0])
    return Operating(np.minimum(refutes, 1.0), 1 - goes_on, n1 + goes_on * (n - n1))


def simon(p0: float, p1: float, *, alpha: float = 0.05, power: float = 0.8) -> Simon:
    """The optimal and the minimax two-stage design, by enumerating all that could be one.

    Where several limits ``r`` do, the highest is taken, which has the smallest type I error.

    Parameters
    ----------
    p0, p1 : float
        The response rate to refute, and the higher one that is hoped for.
    alpha, power : float
        The greatest type I error at p0 and the least power at p1.

    Raises
    ------
    CasebookError
        If a rate or probability is not strictly between 0 and 1, p1 is not above p0, the power not above alpha, one
        child is already enough, more than :data:`MOST` are needed at the least, or no design of at most :data:`LARGEST`
        has the power.

    Notes
    -----
    The enumeration is complete. A study with the power goes on after the first stage with a probability of at least the
    power at p1, which limits r1, and so leaves at least a probability ``q(n1)`` of going on at p0. Its mean size is then at
    least ``n1 + q(n1) (n - n1)``: no n beyond where that exceeds the best mean size found can be optimal.
    """
    p0, p1 = checked_rise(p0, p1)
    alpha, power = checked_errors(alpha, power)
    if p0 <= alpha and p1 >= power:
        raise CasebookError(f"power: found {p1:.3g} with a single child, expected less than {power:g}")
    alpha *= 1 + TIE
    start = _fewest(p0, p1, alpha, power)
    n1 = np.arange(1, LARGEST)
    most_r1 = _most_below(n1, p1, power)
    q = at_least(most_r1 + 1, n1, p0)
    best, by_size, n = np.inf, [], start
    while True:
        # A first stage of which even one failure could cost the power would never stop anything: r1 is then -1.
        worth = (most_r1 >= 0) & (n1 + q * (n - n1) <= best)
        if not np.any(worth & (n1 < best)):
            break
        if n > LARGEST and not by_size:
            break
        # The first sizes may have no first stage that is worth it.
        first = n1[worth & (n1 < n)]
        found = _best_of_size(n, first, most_r1, p0, p1, alpha, power) if first.size else None
        if found is not None:
            best = min(best, found.mean_n)
            by_size.append(found)
        n += 1
    if not by_size:
        raise CasebookError(
            f"found the rates {p0:g} and {p1:g} with a power of {power:g}; expected ones that two stages of at most {LARGEST} "
            "children tell apart"
        )
    optimal = min(by_size, key=lambda design: design.mean_n)
    return Simon(optimal, by_size[0], _hull(by_size, optimal))


def _fewest(p0: float, p1: float, alpha: float, power: float) -> int:
    """The fewest children from which on any test could have the power: Neyman and Pearson's, with chance at the limit."""
    n = np.arange(2, MOST + 1)
    responses = np.arange(MOST + 1)
    at_p0, at_p1 = (probabilities(responses, n[:, None], p) for p in (p0, p1))
    tail0, tail1 = (np.cumsum(chance[:, ::-1], axis=1)[:, ::-1] for chance in (at_p0, at_p1))
    needed = np.argmax(tail0 <= alpha, axis=1)[:, None]

    def take(table: np.ndarray, place: np.ndarray) -> np.ndarray:
        return np.take_along_axis(table, place, axis=1)[:, 0]

    share = (alpha - take(tail0, needed)) / take(at_p0, needed - 1)
    reached = take(tail1, needed) + share * take(at_p1, needed - 1) >= power
    if not reached.any():
        raise CasebookError(
            f"found the rates {p0:g} and {p1:g}; expected ones that at most {MOST} children tell apart"
        )
    return int(n[np.argmax(reached)])


def _most_below(n: np.ndarray, p: float, power: float) -> np.ndarray:
    """For each n the most responses r with more than r at least as probable as the power; -1 if there are none."""
    r = np.arange(-1, n.max() + 1)
    return r[np.sum(at_least(r + 1, n[:, None], p) >= power, axis=1) - 1]


def _best_of_size(
    n: int, n1: np.ndarray, most_r1: np.ndarray, p0: float, p1: float, alpha: float, power: float
) -> TwoStage | None:
    """The design of n children in all, n1 of them first, with the smallest mean size; none if none keeps both errors."""
    x, later = np.arange(n1.max() + 1), n - n1
    r = np.arange(_most_below(np.array([n]), p1, power).item() + 1)
    # By first stage, responses in it, and limit in all: how probable enough responses are in the second stage.
    still = np.maximum(r + 1 - x[:, None], 0)

    def second_stage(p: float) -> np.ndarray:
        return at_least(np.arange(r.size + 1), later[:, None], p)

    reached = probabilities(x, n1[:, None], p1)[..., None] * second_stage(p1)[:, still]
    reached = np.cumsum(reached[:, ::-1], axis=1)[:, ::-1]  # now of x responses or more in the first stage
    highest = np.sum(reached >= power, axis=2) - 1  # r falls short of no r1 that keeps the power by itself
    first, r1 = np.nonzero((x[1:] <= most_r1[n1 - 1][:, None] + 1) & (highest[:, 1:] >= 0))
    if not first.size:
        return None
    limit = highest[first, r1 + 1]
    at_p0 = probabilities(x, n1[:, None], p0)
    tail = np.where(x > r1[:, None], second_stage(p0)[first[:, None], still[x, limit[:, None]]], 0.0)
    size = np.sum(at_p0[first] * tail, axis=1)
    goes_on = np.cumsum(at_p0[:, ::-1], axis=1)[:, ::-1][first, r1 + 1]
    mean_n = np.where(size <= alpha, n1[first] + goes_on * later[first], np.inf)
    best = np.argmin(mean_n)
    if mean_n[best] == np.inf:
        return None
    chosen = first[best]
    return TwoStage(
        int(r1[best]),
        int(n1[chosen]),
        int(limit[best]),
        n,
        float(size[best]),
        float(reached[chosen, r1[best] + 1, limit[best]]),
        float(1 - goes_on[best]),
        float(mean_n[best]),
    )


def _hull(by_size: list[TwoStage], optimal: TwoStage) -> tuple[TwoStage, ...]:
    """Of designs by size, the corners of the lower hull of size and mean size, down to the optimal one."""
    corners: list[TwoStage] = []
    for design in by_size[: by_size.index(optimal) + 1]:
        # The last corner goes if it lies on or above the line from the one before to this.
        while len(corners) > 1:
            (a, b), c = corners[-2:], design
            if (b.mean_n - a.mean_n) * (c.n - a.n) < (c.mean_n - a.mean_n) * (b.n - a.n):
                break
            corners.pop()
        corners.append(design)
    return tuple(corners)
