"""Single-arm studies of a rate: how many children show or exclude it, by exact binomial probabilities.

Power rises with the number of children in a saw-tooth: where one more response becomes necessary it falls back, so that a
study of one child more may have less. Two numbers therefore answer "how many": the fewest that reach a power, and with
``stays=True`` the fewest from which on every larger number reaches it too.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betainc, betaln, ndtri, rel_entr, xlog1py, xlogy

from casebook.errors import CasebookError
from casebook.trials.rates import as_array, checked_confidence

MOST = 100_000
"""The most children that a search for a design looks at."""

TIE = 1e-9
"""How far above alpha, relatively, a probability is still alpha: 1/4 may be a little more than 1/4 in floats."""

LEAST_ALPHA, MOST_ALPHA = 1e-20, 1 - 1e-6
"""A type I error outside of these is none that floats can keep."""


class SingleArm(NamedTuple):
    """A test of one rate: of ``n`` children at least ``needed`` must respond; its size and power are exact."""

    n: int
    needed: int
    size: float
    power: float


class Exclusion(NamedTuple):
    """A study to exclude a rate: among ``n`` children at most ``events`` leave the upper limit below it.

    ``power`` is the probability of that at the rate that is thought true, ``size`` at the rate to be excluded.
    """

    n: int
    events: int
    size: float
    power: float


# -- what a plan must be ------------------------------------------------------------------------------------------


def checked_inside(value: object, what: str) -> float:
    """``value`` as a float strictly between 0 and 1; ``what`` names it in the error.

    Raises
    ------
    CasebookError
        Unless it is a number strictly between 0 and 1.
    """
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < 1:
        raise CasebookError(f"{what}: found {value!r}, expected a number strictly between 0 and 1")
    return float(value)


def checked_alpha(alpha: object) -> float:
    """A type I error as a float.

    Raises
    ------
    CasebookError
        Unless it is a number strictly between 0 and 1, and neither is closer than :data:`LEAST_ALPHA` and :data:`MOST_ALPHA`.
    """
    found = checked_inside(alpha, "alpha")
    if not LEAST_ALPHA <= found <= MOST_ALPHA:
        raise CasebookError(
            f"alpha: found {found}, expected a number from {LEAST_ALPHA:g} to {MOST_ALPHA}, which floats can keep"
        )
    return found


def checked_errors(alpha: object, power: object) -> tuple[float, float]:
    """The type I error and the power of a test as floats.

    Raises
    ------
    CasebookError
        Unless both lie strictly between 0 and 1, alpha as :func:`checked_alpha` has it, and the power is above it: tossing a
        coin has as much.
    """
    alpha, power = checked_alpha(alpha), checked_inside(power, "power")
    if power <= alpha:
        raise CasebookError(f"power: found {power}, expected more than alpha, {alpha}")
    return alpha, power


def checked_rise(p0: object, p1: object) -> tuple[float, float]:
    """Two rates, the second the higher, as floats.

    Raises
    ------
    CasebookError
        Unless both lie strictly between 0 and 1 and p1 is above p0.
    """
    p0, p1 = checked_inside(p0, "p0"), checked_inside(p1, "p1")
    if p1 <= p0:
        raise CasebookError(f"p1: found {p1}, expected more than p0, {p0}: count what is hoped for")
    return p0, p1


# -- to show a rate -----------------------------------------------------------------------------------------------


def single_arm(
    p0: float, p1: float, *, alpha: float = 0.05, power: float = 0.8, stays: bool = False
) -> SingleArm:
    """The fewest children of whom enough respond to refute the rate p0, with a probability of ``power`` if it is p1.

    Parameters
    ----------
    p0, p1 : float
        The rate to refute, and the higher one that is hoped for.
    alpha : float
        The greatest probability of refuting p0, one-sided, if it is true.
    power : float
        The least probability of refuting it if the rate is p1.
    stays : bool
        The fewest from which on every larger number has the power too.

    Raises
    ------
    CasebookError
        If a rate or probability is not strictly between 0 and 1, p1 is not above p0, the power not above alpha, one child is
        already enough, or more than :data:`MOST` are needed.

    Notes
    -----
    The search ends at a number that is certainly enough: by Chernoff's bound both errors are then kept at once
    (:func:`_enough`).
    """
    p0, p1 = checked_rise(p0, p1)
    alpha, power = checked_errors(alpha, power)
    n, needed, size, found = _smallest(p0, p1, alpha * (1 + TIE), power, stays)
    return SingleArm(n, needed, size, found)


def single_arm_tests(sizes: ArrayLike, p0: float, p1: float, *, alpha: float = 0.05) -> pd.DataFrame:
    """The test of p0 with each number of children: where the saw-tooth of power is seen.

    Parameters
    ----------
    sizes : array_like of int, shape (m,)
        Numbers of children.
    p0, p1, alpha
        As of :func:`single_arm`.

    Returns
    -------
    DataFrame
        A row for each size: ``n``, ``needed`` (n + 1 if no count is enough), ``size`` (the type I error), ``power``.

    Raises
    ------
    CasebookError
        If a size is not a whole number from 1 to :data:`MOST`, or rates or alpha are none.
    """
    p0, p1 = checked_rise(p0, p1)
    alpha = checked_alpha(alpha)
    n = as_array(sizes)
    if n.ndim != 1 or n.dtype.kind not in "iu" or not np.all((n >= 1) & (n <= MOST)):
        raise CasebookError(f"sizes: found {sizes!r}, expected a row of whole numbers from 1 to {MOST}")
    needed = _needed(n, p0, alpha * (1 + TIE))
    return pd.DataFrame(
        {"n": n, "needed": needed, "size": at_least(needed, n, p0), "power": at_least(needed, n, p1)}
    )


def exclusion(
    rate: float,
    true_rate: float,
    *,
    confidence: float = 0.95,
    sided: Literal["two", "upper"] = "upper",
    power: float = 0.8,
    stays: bool = False,
) -> Exclusion:
    """The fewest children whose Clopper-Pearson upper limit falls below a rate, with a probability of ``power``.

    :func:`casebook.trials.rates.children_needed` asks how many are enough if none has the event. Whether none has it is
    chance: here the study is large enough to succeed with the power stated, with some events if need be.

    Parameters
    ----------
    rate : float
        Of the event, to be excluded.
    true_rate : float
        The lower rate that is thought true.
    confidence, sided
        Of the limit, as in :mod:`casebook.trials.rates`.
    power, stays
        As of :func:`single_arm`.

    Raises
    ------
    CasebookError
        As :func:`single_arm`; the true rate must be below the one to be excluded.
    """
    rate, true_rate = checked_inside(rate, "rate"), checked_inside(true_rate, "true_rate")
    if true_rate >= rate:
        raise CasebookError(f"true_rate: found {true_rate}, expected less than the rate to exclude, {rate}")
    if sided not in ("two", "upper"):
        raise CasebookError(f"found the side {sided!r}; expected 'two' or 'upper', which have an upper limit")
    tail = (1 - checked_confidence(confidence)) / (2 if sided == "two" else 1)
    tail, power = checked_errors(tail, power)
    # Few events are many children without one. A limit that equals the rate does not exclude it.
    n, without, size, found = _smallest(1 - rate, 1 - true_rate, tail * (1 - TIE), power, stays)
    return Exclusion(n, n - without, size, found)


def at_least(k: ArrayLike, n: ArrayLike, rate: ArrayLike) -> np.ndarray:
    """Probability of k or more of n at a rate, elementwise; 1 for k of 0 or less, 0 for k above n."""
    k, n, rate = np.broadcast_arrays(k, n, rate)
    inside = betainc(np.clip(k, 1, n), n - np.clip(k, 1, n) + 1, rate)
    return np.where(k <= 0, 1.0, np.where(k > n, 0.0, inside))


def probabilities(k: ArrayLike, n: ArrayLike, rate: ArrayLike) -> np.ndarray:
    """Probability of exactly k of n at a rate, elementwise; 0 for k below 0 or above n."""
    k, n, rate = np.broadcast_arrays(k, n, rate)
    inside = np.clip(k, 0, n)
    logarithm = xlogy(inside, rate) + xlog1py(n - inside, -rate) - betaln(inside + 1, n - inside + 1)
    return np.where(k == inside, np.exp(logarithm) / (n + 1), 0.0)


def _smallest(p0: float, p1: float, alpha: float, power: float, stays: bool) -> tuple[int, int, float, float]:
    enough = _enough(p0, p1, alpha, power)
    if enough > MOST:
        raise CasebookError(
            f"found the rates {p0:g} and {p1:g}; expected ones that at most {MOST} children tell apart"
        )
    n = np.arange(1, enough + 1)
    needed = _needed(n, p0, alpha)
    found = at_least(needed, n, p1)
    reached = found >= power
    if reached[0]:
        raise CasebookError(f"power: found {found[0]:.3g} with a single child, expected less than {power:g}")
    place = n.size - np.argmin(reached[::-1]) if stays else np.argmax(reached)
    at = int(needed[place])
    return int(n[place]), at, float(at_least(at, n[place], p0)), float(found[place])


def _needed(n: np.ndarray, p0: float, alpha: float) -> np.ndarray:
    """The fewest responses of n that are improbable enough at p0; n + 1 if none are."""
    guess = n * p0 - ndtri(alpha) * np.sqrt(n * p0 * (1 - p0))
    needed = np.clip(np.rint(guess), 0, n + 1).astype(int)
    while np.any(short := at_least(needed, n, p0) > alpha):
        needed += short
    while np.any(long := at_least(needed - 1, n, p0) <= alpha):
        needed -= long
    return needed


def _enough(p0: float, p1: float, alpha: float, power: float) -> int:
    """A number of children from which on every study has the power.

    By Chernoff's bound, at least ``nx`` responses have a probability of at most ``exp(-n K(x, p0))`` at p0, and fewer than
    ``nx`` of ``exp(-n K(x, p1))`` at p1, K the relative entropy. At the x between them where both divided by the logarithms
    of the errors are equal, one n makes both small enough; so does any larger one.
    """
    from scipy.optimize import brentq

    def entropy(x: float, p: float) -> float:
        return float(rel_entr(x, p) + rel_entr(1 - x, 1 - p))

    refute, miss = -math.log(alpha), -math.log1p(-power)

    def apart(x: float) -> float:
        return entropy(x, p0) * miss - entropy(x, p1) * refute

    if not apart(p0) < 0 < apart(p1):  # rates so close that rounding hides what is between them
        return MOST + 1
    x = brentq(apart, p0, p1, xtol=1e-15)
    # Rounding of x can only ask for a little more.
    worst = min(entropy(x, p0) / refute, entropy(x, p1) / miss)
    return MOST + 1 if worst * MOST < 1 else math.ceil(1 / worst)
