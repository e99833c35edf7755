"""Selection: why a publication of three successes gives no rate.

Who is written up is chosen, and the choice may depend on how it went. Two models say what that does, and
:func:`bounds` says what is known without any model. In all of them ``rate`` is the true rate of the event (p), and a
child is without it with probability q = 1 - p, independently of the other children.

* A centre that treated N children writes up r who were without the event as soon as it has r of them
  (:func:`reportable`). What is then observed is not "0 of r" but "at least r of N".
* Each child is written up independently, with ``odds`` times the probability if it is without the event
  (:func:`preferential`).

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincc
from scipy.stats import binom

from casebook.bounds import Bounds
from casebook.errors import CasebookError
from casebook.trials.rates import (
    Interval,
    as_array,
    checked_confidence,
    checked_count,
    checked_rate,
    checked_whole,
    clopper_pearson,
)

# -- so many reported of so many treated ------------------------------------------------------------------------


def reportable(reported: int, treated: ArrayLike, rate: ArrayLike) -> float | np.ndarray:
    """Probability that at least ``reported`` of ``treated`` children are without the event.

    Parameters
    ----------
    reported : int
        Children written up, all without the event; at least 1.
    treated : int or array of int
        Children treated, at least ``reported``.
    rate : float or array of float
        The true rate of the event; arrays are broadcast against each other.

    Raises
    ------
    CasebookError
        If the counts or a rate are none, or their shapes do not broadcast.
    """
    reported, treated = _counted_each(reported, treated)
    treated, rates = _broadcast(treated=treated, rate=checked_rate(rate))
    # With events counted: at most treated - reported of them, so that a small rate loses no digits.
    return betaincc(treated - reported + 1, reported, rates)


def reported_likelihood_ratio(
    reported: int, treated: ArrayLike, rate: ArrayLike, other: ArrayLike
) -> float | np.ndarray:
    """How many times likelier the report is at one rate of the event than at the other.

    With ``treated`` equal to ``reported`` the children were not chosen, and this is the ratio of plain likelihoods
    after 0 of ``reported``. It goes to 1 as ``treated`` grows: the report then says nothing. Infinite if ``other`` is
    1 and ``rate`` is not.

    Parameters
    ----------
    reported, treated
        As for :func:`reportable`; all arrays are broadcast against each other.
    rate, other : float or array of float
        Rates of the event.

    Raises
    ------
    CasebookError
        If the counts or a rate are none, or their shapes do not broadcast; if both rates are 1, or if the probability at
        ``other`` is too small for a float.
    """
    reported, treated = _counted_each(reported, treated)
    treated, rates, others = _broadcast(treated=treated, rate=checked_rate(rate), other=checked_rate(other))
    above, below = reportable(reported, treated, rates), reportable(reported, treated, others)
    never = others == 1
    if np.any(never & (rates == 1)):
        raise CasebookError(
            "found both rates 1, at which no child is without the event; expected one below 1"
        )
    if np.any((below == 0) & ~never):
        raise CasebookError(
            f"the probability of {reported} reported at the rate {other} is too small for a float"
        )
    return np.divide(above, below, out=np.full(never.shape, math.inf), where=~never)[()]


def bounds(reported: int, treated: int) -> Bounds:
    """The fraction of the treated who had the event, as far as ``reported`` without it tell: no model at all.

    From none of those not reported having had it to all of them. Exact fractions.

    Raises
    ------
    CasebookError
        If the counts are none.
    """
    reported, treated = _counted(reported, treated)
    return Bounds(0, Fraction(treated - reported, treated))


def worst_case(reported: int, treated: int, confidence: float = 0.95) -> Interval:
    """Clopper-Pearson limits of the rate if all of the treated who are not reported had the event.

    Raises
    ------
    CasebookError
        If the counts or the confidence are none.
    """
    reported, treated = _counted(reported, treated)
    return clopper_pearson(treated - reported, treated, confidence)


def _counted(reported: int, treated: int) -> tuple[int, int]:
    treated = checked_whole(treated, "treated", least=1)
    return checked_whole(reported, "reported", least=1, most=treated), treated


def _counted_each(reported: int, treated: ArrayLike) -> tuple[int, np.ndarray]:
    counts = as_array(treated)
    if counts.dtype.kind not in "iu" or counts.size == 0:
        raise CasebookError(f"found {treated!r} treated; expected a whole number, or an array of them")
    checked_whole(int(counts.max()), "treated", least=1)
    reported, _ = _counted(reported, int(counts.min()))
    return reported, counts


def _broadcast(**arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    try:
        return np.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{name} of shape {array.shape}" for name, array in arrays.items())
        raise CasebookError(f"found {shapes}; expected shapes that broadcast") from None


# -- success written up more readily ----------------------------------------------------------------------------


def preferential(successes: int, n: int, rate: ArrayLike, odds: ArrayLike) -> float | np.ndarray:
    """Probability that ``successes`` of ``n`` children written up are without the event, under preference.

    A child written up is without the event with probability ``q odds / (q odds + p)``, by Bayes' rule, so the count
    is binomial with that. All ``n`` are with probability ``(q odds / (q odds + p)) ** n``.

    Parameters
    ----------
    successes, n : int
        Children without the event, and all children, that were written up.
    rate : float or array of float
        p, the true rate of the event; q = 1 - p.
    odds : float or array of float
        How many times as likely a child without the event is to be written up as one with it; above 0. 1 is no
        preference: the plain binomial.

    Raises
    ------
    CasebookError
        If the count, a rate or an odds is none, or their shapes do not broadcast.
    """
    successes, n = checked_count(successes, n)
    rates, odds = _broadcast(rate=checked_rate(rate), odds=_checked_odds(odds))
    without = 1 - rates
    return binom.pmf(successes, n, without * odds / (without * odds + (1 - without)))


def preferential_upper_limit(n: int, odds: ArrayLike, confidence: float = 0.95) -> float | np.ndarray:
    """One-sided upper limit of the true rate after 0 events in ``n`` children written up, under preference.

    The rate p at which ``preferential(n, n, p, odds)`` is what the confidence leaves over. With
    ``s = (1 - confidence) ** (1 / n)`` it is ``odds (1 - s) / (s + odds (1 - s))``. At odds 1 it is the one-sided
    Clopper-Pearson limit; it goes to 1 as the odds grow.

    Parameters
    ----------
    n : int
        Children written up, all without the event.
    odds : float or array of float
        As for :func:`preferential`; an array gives an array.
    confidence : float
        Of the limit.

    Raises
    ------
    CasebookError
        If ``n``, an odds or the confidence is none.
    """
    _, n = checked_count(0, n)
    left_over = math.log(1 - checked_confidence(confidence)) / n
    short = _checked_odds(odds) * -math.expm1(left_over)
    return short / (math.exp(left_over) + short)


def _checked_odds(odds: ArrayLike) -> np.ndarray:
    values = as_array(odds)
    if values.dtype.kind not in "iuf" or not np.all((values > 0) & np.isfinite(values)):
        raise CasebookError(f"found the odds {odds!r}; expected a finite number above 0, or an array of them")
    return values.astype(float)
