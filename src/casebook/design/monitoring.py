"""Monitoring: Bayesian rules by which a study stops for harm or for futility, and their calibration.

A rule stops when the posterior probability of too high, or of high enough a rate passes a threshold. What a rule promises is
not Bayesian: how often it stops at a given true rate is found exactly (:mod:`casebook.design.stopping`), and the threshold
is chosen so that it does not stop more often than it may.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from casebook.design.exact import checked_inside
from casebook.design.stopping import MOST, Boundary, checked_looks, stopping_times
from casebook.errors import CasebookError
from casebook.trials.posteriors import JEFFREYS, Beta, posterior, probability_below
from casebook.trials.rates import checked_whole

TIE = 1e-12
"""How far a probability may be from a threshold and still be at it: what floats make of 1/2 may be a little more."""


class Calibrated(NamedTuple):
    """A threshold, the boundary it gives, and the probability of stopping at the rate it was calibrated for."""

    threshold: float
    boundary: Boundary
    probability: float


def toxicity(
    looks: Sequence[int], limit: float | Beta, threshold: float, *, prior: Beta = JEFFREYS
) -> Boundary:
    """Stop for harm once the posterior probability that the rate exceeds a limit is above a threshold.

    Thall and Simon 1994 stop so; the limit may itself be uncertain, as the rate of another study is.

    Parameters
    ----------
    looks : sequence of int
        After how many children the count is looked at, ascending.
    limit : float or Beta
        The rate that is just acceptable; or, where it is known from a count only, its distribution.
    threshold : float
        Above which probability the study stops.
    prior : Beta
        Of the rate in this study, before its first child.

    Raises
    ------
    CasebookError
        If looks are not ascending whole numbers from 1 to :data:`~casebook.design.stopping.MOST`, the limit or the threshold
        not strictly between 0 and 1, or the prior no :class:`~casebook.trials.posteriors.Beta`.
    """
    threshold = checked_inside(threshold, "threshold")
    above = _above(limit, "limit", prior)
    looks = checked_looks(looks)
    return Boundary(looks, _fewest(looks, lambda events, n: above(events, n) > threshold + TIE), "upper")


def futility(
    looks: Sequence[int], target: float | Beta, threshold: float, *, prior: Beta = JEFFREYS
) -> Boundary:
    """Stop for futility once the posterior probability that the rate of response exceeds a target is below a threshold.

    Parameters and errors as of :func:`toxicity`, the target in place of the limit.
    """
    threshold = checked_inside(threshold, "threshold")
    above = _above(target, "target", prior)
    looks = checked_looks(looks)
    goes_on = _fewest(looks, lambda events, n: above(events, n) >= threshold - TIE)
    return Boundary(looks, [limit - 1 for limit in goes_on], "lower")


def predictive_futility(
    looks: Sequence[int], n: int, needed: int, threshold: float, *, prior: Beta = JEFFREYS
) -> Boundary:
    """Stop for futility once the study will hardly reach the responses that it needs.

    The predictive probability is that of the beta-binomial distribution of the children still to come (Lee and Liu 2008).

    Parameters
    ----------
    looks : sequence of int
        After how many children the count is looked at, ascending.
    n, needed : int
        Children of the whole study, and how many of them have to respond.
    threshold : float
        Below which probability of reaching them the study stops.
    prior : Beta
        Of the rate of response, before the first child.

    Raises
    ------
    CasebookError
        As :func:`toxicity`; and if looks go beyond n, or needed is not from 1 to n.
    """
    threshold = checked_inside(threshold, "threshold")
    n = checked_whole(n, "n", least=1, most=MOST)
    needed = checked_whole(needed, "needed", least=1, most=n)
    looks = checked_looks(looks)
    if looks[-1] > n:
        raise CasebookError(f"looks: found one after {looks[-1]}, expected at most {n}, the whole study")

    def reached(events: int, seen: int) -> float:
        if seen == n:
            return float(events >= needed)
        return float(posterior(events, seen, prior).predictive(n - seen)[max(needed - events, 0) :].sum())

    goes_on = _fewest(looks, lambda events, seen: reached(events, seen) >= threshold - TIE)
    return Boundary(looks, [limit - 1 for limit in goes_on], "lower")


def calibrated(
    rule: Callable[[float], Boundary], rate: float, level: float, *, decimals: int = 4
) -> Calibrated:
    """The threshold with which a rule stops as readily as it may: with at most a stated probability at a stated rate.

    Parameters
    ----------
    rule : callable
        Gives the boundary for a threshold, as ``lambda threshold: toxicity(looks, 0.25, threshold)``.
    rate : float
        At which stopping would be wrong.
    level : float
        The greatest probability of stopping there, at any of the looks.
    decimals : int
        Of the threshold, as a protocol prints it: of all with so many it is the lowest for harm, the highest for futility.

    Raises
    ------
    CasebookError
        If the rate or the level is not strictly between 0 and 1, decimals not from 1 to 9, or even the strictest
        threshold stops more often.
    """
    rate, level = checked_inside(rate, "rate"), checked_inside(level, "level")
    steps = 10 ** checked_whole(decimals, "decimals", least=1, most=9)
    upper = rule(0.5).side == "upper"

    def found(strictness: int) -> Calibrated:
        threshold = (strictness if upper else steps - strictness) / steps
        boundary = rule(threshold)
        return Calibrated(threshold, boundary, float(stopping_times(boundary, rate).sum()))

    # The stricter, the fewer counts stop: strictness 1 to steps - 1, of which the last is strict enough or none is.
    low, high = 1, steps - 1
    best = found(high)
    if best.probability > level:
        raise CasebookError(
            f"level: found {level:g}, but with the strictest threshold, {best.threshold:g}, the rule stops with a probability of "
            f"{best.probability:.3g}; expected a level that it keeps"
        )
    while low < high:
        middle = (low + high) // 2
        tried = found(middle)
        if tried.probability <= level:
            best, high = tried, middle
        else:
            low = middle + 1
    return best


def _above(limit: float | Beta, what: str, prior: Beta) -> Callable[[int, int], float]:
    """The posterior probability, after a count, that the rate is above the limit."""
    if isinstance(limit, Beta):
        return lambda events, n: probability_below(limit, posterior(events, n, prior))
    limit = checked_inside(limit, what)
    return lambda events, n: 1 - float(posterior(events, n, prior).below(limit))


def _fewest(looks: tuple[int, ...], enough: Callable[[int, int], bool]) -> list[int]:
    """At each look the fewest events that are enough, n + 1 if none are; more events are enough where fewer are.

    What is not enough among fewer children is not enough among more: the search goes on from where it was.
    """
    limits, limit = [], 0
    for n in looks:
        while limit <= n and not enough(limit, n):
            limit += 1
        limits.append(limit)
    return limits
