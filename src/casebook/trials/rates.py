"""Rates: what a count of events among a few children says of the rate of the event.

A count is ``events`` of ``n`` children, each with the same rate and independently of the others: binomial. Limits
here are of that one rate. Sides: ``"two"`` shares what the confidence leaves over equally between both ends; a
one-sided limit puts all of it at one end, ``"upper"`` (the lower limit is then 0) or ``"lower"`` (the upper is 1).

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from decimal import MIN_EMIN, Context, Decimal, localcontext
from numbers import Real
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import betainccinv, betaincinv, ndtri, xlog1py, xlogy

from casebook.arguments import whole
from casebook.errors import CasebookError

Sided = Literal["two", "upper", "lower"]

LARGEST = 2**53
"""Beyond this, floats skip whole numbers, so that nothing larger can be counted with."""


class Interval(NamedTuple):
    """Limits of a rate, or of a difference of rates, as fractions of 1; both belong to the interval."""

    lower: float
    upper: float


# -- what a count, a rate and a confidence must be --------------------------------------------------------------


def checked_whole(value: object, what: str, *, least: int, most: int | None = None) -> int:
    """``value`` as a Python integer; ``what`` names it in the error.

    Raises
    ------
    CasebookError
        Unless it is a whole number (no float, no bool) from ``least`` to ``most``, or to :data:`LARGEST` if there is no
        ``most``.
    """
    number = whole(value, what, least=least, most=most)
    if number > LARGEST:
        expected = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise CasebookError(
            f"{what}: found a number beyond 2**53, expected a whole number {expected}, exact as a float"
        )
    return number


def checked_count(events: int, n: int) -> tuple[int, int]:
    """``events`` and ``n`` as Python integers.

    Raises
    ------
    CasebookError
        Unless both are whole numbers (see :func:`checked_whole`) with ``0 <= events <= n`` and ``n >= 1``.
    """
    n = checked_whole(n, "n", least=1)
    return checked_whole(events, "events", least=0, most=n), n


def as_array(values: ArrayLike) -> np.ndarray:
    """``values`` as an array, to be checked by its dtype: of objects if they cannot be an array of numbers."""
    try:
        return np.asarray(values)
    except (ValueError, OverflowError):  # rows of different lengths; an integer that is too large for a float
        return np.asarray(None)


def checked_rate(rate: ArrayLike) -> np.ndarray:
    """A rate or an array of rates, as an array of floats of the same shape.

    Raises
    ------
    CasebookError
        Unless every value is a number from 0 to 1.
    """
    rates = as_array(rate)
    if rates.dtype.kind not in "iuf" or not np.all((rates >= 0) & (rates <= 1)):
        raise CasebookError(f"found the rate {rate!r}; expected a number from 0 to 1, or an array of them")
    return rates.astype(float)


def _one_rate(rate: float) -> np.ndarray:
    rates = checked_rate(rate)
    if rates.ndim:
        raise CasebookError(f"found the rates {rate!r}; expected a single one")
    return rates


def checked_confidence(confidence: float) -> float:
    """A level of confidence (or credibility).

    Raises
    ------
    CasebookError
        Unless it is a number strictly between 0 and 1, also as a float.
    """
    level = float(confidence) if isinstance(confidence, Real) and 0 < confidence < 1 else math.nan
    if not 0 < level < 1:
        raise CasebookError(
            f"found the confidence {confidence!r}; expected a number between 0 and 1, as 0.95"
        )
    return level


# -- intervals --------------------------------------------------------------------------------------------------


def clopper_pearson(events: int, n: int, confidence: float = 0.95, *, sided: Sided = "two") -> Interval:
    """Exact limits of a rate: the rates that neither tail of the binomial refutes (Clopper and Pearson 1934).

    Covers the true rate with at least the confidence, whatever the rate; often with more. The limits are
    quantiles of beta distributions. At 0 of ``n`` the lower limit is 0, at ``n`` of ``n`` the upper is 1.

    Raises
    ------
    CasebookError
        If the count, the confidence or the side is none.
    """
    events, n = checked_count(events, n)
    below, above = _tails(confidence, sided)
    return Interval(
        0.0 if events == 0 else float(betaincinv(events, n - events + 1, below)),
        1.0 if events == n else float(betainccinv(events + 1, n - events, above)),
    )


def wilson(events: int, n: int, confidence: float = 0.95, *, sided: Sided = "two") -> Interval:
    """Limits of a rate by inverting the score test, without continuity correction (Wilson 1927).

    Covers the true rate with about the confidence on average over rates; at some rates with less.

    Raises
    ------
    CasebookError
        If the count, the confidence or the side is none.
    """
    events, n = checked_count(events, n)
    below, above = _tails(confidence, sided)
    # Exactly the end of the scale, which the formula only rounds to; and a side without a tail has no finite z.
    return Interval(
        0.0 if events == 0 or below == 0 else _score_limit(events, n, float(ndtri(below))),
        1.0 if events == n or above == 0 else _score_limit(events, n, -float(ndtri(above))),
    )


def jeffreys(events: int, n: int, confidence: float = 0.95, *, sided: Sided = "two") -> Interval:
    """Equal-tailed limits of the posterior of a rate under Jeffreys' prior, Beta(1/2, 1/2).

    With the convention of Brown, Cai and DasGupta (2001): the lower limit is 0 at 0 of ``n`` and the upper is 1 at
    ``n`` of ``n``; the other limit is not moved for it, so that a 95% upper limit after 0 of ``n`` is the 97.5%
    quantile of the posterior.

    Raises
    ------
    CasebookError
        If the count, the confidence or the side is none.
    """
    events, n = checked_count(events, n)
    below, above = _tails(confidence, sided)
    a, b = events + 0.5, n - events + 0.5
    return Interval(
        0.0 if events == 0 else float(betaincinv(a, b, below)),
        1.0 if events == n else float(betainccinv(a, b, above)),
    )


def _tails(confidence: float, sided: Sided) -> tuple[float, float]:
    """The probabilities left below the lower limit and above the upper one."""
    left_over = 1 - checked_confidence(confidence)
    tails = {"two": (left_over / 2, left_over / 2), "upper": (0.0, left_over), "lower": (left_over, 0.0)}
    if not isinstance(sided, str) or sided not in tails:
        raise CasebookError(f"found the side {sided!r}; expected one of {', '.join(map(repr, tails))}")
    return tails[sided]


def _score_limit(events: int, n: int, z: float) -> float:
    """The rate from which ``events`` of ``n`` lie ``-z`` standard errors (those under that rate) away."""
    p = events / n
    limit = (p + z * z / (2 * n) + z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)) / (1 + z * z / n)
    return min(max(limit, 0.0), 1.0)  # rounding may leave the scale


# -- probabilities of counts ------------------------------------------------------------------------------------


def probability(events: int, n: int, rate: ArrayLike) -> float | np.ndarray:
    """Probability of exactly ``events`` of ``n`` at a rate; an array of rates gives an array.

    Raises
    ------
    CasebookError
        If the count or the rate is none.
    """
    events, n = checked_count(events, n)
    from scipy.stats import binom

    return binom.pmf(events, n, checked_rate(rate))


def at_most(events: int, n: int, rate: ArrayLike) -> float | np.ndarray:
    """Probability of ``events`` or fewer of ``n`` at a rate; an array of rates gives an array.

    Raises
    ------
    CasebookError
        If the count or the rate is none.
    """
    events, n = checked_count(events, n)
    from scipy.stats import binom

    return binom.cdf(events, n, checked_rate(rate))


# -- likelihood -------------------------------------------------------------------------------------------------


def relative_likelihood(events: int, n: int, rate: ArrayLike) -> float | np.ndarray:
    """Likelihood of a rate after ``events`` of ``n``, over that of the likeliest rate, ``events / n``: 0 to 1.

    An array of rates gives an array.

    Raises
    ------
    CasebookError
        If the count or the rate is none.
    """
    events, n = checked_count(events, n)
    best = _log_likelihood(events, n, np.float64(events / n))
    # Next to the likeliest rate the difference may round to above 0.
    return np.exp(np.minimum(_log_likelihood(events, n, checked_rate(rate)) - best, 0))


def likelihood_ratio(events: int, n: int, rate: float, other: float) -> float:
    """How many times likelier ``events`` of ``n`` are at one rate than at the other.

    Infinite if they are possible at ``rate`` and impossible at ``other``.

    Raises
    ------
    CasebookError
        If the count or a rate is none, if the count is impossible at both rates, or if the ratio is too large
        for a float.
    """
    events, n = checked_count(events, n)
    one, two = (float(_log_likelihood(events, n, _one_rate(r))) for r in (rate, other))
    if one == two == -math.inf:
        raise CasebookError(
            f"found {events} events of {n}, impossible at both rates ({rate} and {other}); expected a count that "
            "one of them allows"
        )
    if two == -math.inf:
        return math.inf
    try:
        return math.exp(one - two)
    except OverflowError:
        raise CasebookError(
            f"the ratio of the likelihoods of {rate} and {other} is too large for a float"
        ) from None


def likelihood_interval(events: int, n: int, ratio: float = 1 / 8) -> Interval:
    """The rates whose relative likelihood after ``events`` of ``n`` is at least ``ratio``.

    A ratio of 1/8 is the benchmark of Royall (1997) for fairly strong evidence.

    Raises
    ------
    CasebookError
        If the count is none, or the ratio is not above 0 and at most 1.
    """
    events, n = checked_count(events, n)
    if not isinstance(ratio, Real) or not 0 < ratio <= 1:
        raise CasebookError(f"found the likelihood ratio {ratio!r}; expected a number above 0, at most 1")

    def above(rate: float) -> float:
        return float(relative_likelihood(events, n, rate)) - ratio

    best = events / n
    return Interval(
        0.0 if events == 0 else brentq(above, 0, best, xtol=1e-15),
        1.0 if events == n else brentq(above, best, 1, xtol=1e-15),
    )


def _log_likelihood(events: int, n: int, rates: np.ndarray) -> np.ndarray:
    return xlogy(events, rates) + xlog1py(n - events, -rates)


# -- how many children ------------------------------------------------------------------------------------------

MOST_EVENTS = 10_000
"""The most events that :func:`children_needed` takes: it adds up as many terms, some forty times."""

DIGITS = Context(prec=60, Emin=MIN_EMIN)
"""Decimals in which thousands of terms add up to far more than fifty right digits, however small they are."""

EQUAL = Decimal("1e-50")
"""Decimals that differ by less, relatively, are equal: one child more or fewer makes a difference of 1e-16 or more."""


def children_needed(
    rate: float, confidence: float = 0.95, *, sided: Literal["two", "upper"] = "upper", events: int = 0
) -> int:
    """The fewest children of whom ``events`` with the event put the Clopper-Pearson upper limit below ``rate``.

    The limit is below the rate just if ``events`` or fewer have less probability at that rate than the upper tail. That
    is decided to fifty digits, with the rate and the confidence taken as the decimals they are written as: in floats,
    rounding would decide where a limit equals the rate. Such a limit is not below it.

    Raises
    ------
    CasebookError
        If the rate is not above 0 and at most 1, or so small that more than 2**53 children are needed; if ``events`` is
        not a whole number from 0 to :data:`MOST_EVENTS`, the confidence is none, or the side has no upper limit.
    """
    rate = float(_one_rate(rate))
    if rate == 0:
        raise CasebookError("found the rate 0; expected one above 0, which an upper limit can be below")
    confidence = checked_confidence(confidence)
    _tails(confidence, sided)  # refuses what is no side
    if sided == "lower":
        raise CasebookError("found the side 'lower'; expected 'two' or 'upper', which have an upper limit")
    # If all had the event, no rate is excluded: one child more than that is the first that can be enough.
    events = checked_whole(events, "events", least=0, most=MOST_EVENTS)
    fewest = events + 1
    if rate == 1:
        return fewest
    with localcontext(DIGITS):
        event, none = Decimal(repr(rate)), 1 - Decimal(repr(rate))
        tail = (1 - Decimal(repr(confidence))) / (2 if sided == "two" else 1)

        def passes(n: int) -> bool:
            term = total = none**n
            for k in range(1, events + 1):
                term = term * (n - k + 1) * event / (k * none)
                total += term
            return total < tail * (1 - EQUAL)

        # The probability of so few events only falls with n: doubling brackets the answer, halving finds it.
        most = fewest
        while not passes(most):
            fewest, most = most + 1, 2 * most
            if most > LARGEST:
                raise CasebookError(f"found the rate {rate}; expected one that 2**53 children can exclude")
        while fewest < most:
            middle = (fewest + most) // 2
            fewest, most = (fewest, middle) if passes(middle) else (middle + 1, most)
    return most
