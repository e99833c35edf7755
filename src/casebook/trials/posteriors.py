"""Posteriors: what a count says of a rate to a reader who says what was thought of the rate before.

Everything is a beta distribution, which a binomial count turns into another one.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.integrate import quad
from scipy.special import betainc, betaincc, betainccinv, betaincinv, betaln, expit, log_expit

from casebook.errors import CasebookError
from casebook.trials.rates import Interval, checked_confidence, checked_count, checked_rate, checked_whole

MOST_PREDICTED = 1_000_000
"""The most children whose count is predicted: so many logarithms add up with ten right digits."""


@dataclass(frozen=True)
class Beta:
    """A beta distribution of a rate.

    Parameters
    ----------
    a, b : float
        As if so many children with the event, and without it, had been seen; both above 0 and finite. Kept as floats.

    Raises
    ------
    CasebookError
        If one of them is not.
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        given = (self.a, self.b)
        for name, value in zip("ab", given, strict=True):
            try:
                number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
            except OverflowError:  # a whole number or a fraction that is too large for a float
                number = math.inf
            if not 0 < number < math.inf:
                raise CasebookError(
                    f"found {name} = {value!r} of a beta distribution; expected a finite number above 0"
                )
            object.__setattr__(self, name, number)  # frozen, so set through object

    @property
    def mean(self) -> float:
        """Mean of the rate; also the probability that the next child has the event."""
        return 1 / (1 + self.b / self.a)  # the sum of both may be too large for a float

    def interval(self, confidence: float = 0.95) -> Interval:
        """Equal-tailed interval that holds the rate with this probability.

        Raises CasebookError if the confidence is none.
        """
        tail = (1 - checked_confidence(confidence)) / 2
        return Interval(float(betaincinv(self.a, self.b, tail)), float(betainccinv(self.a, self.b, tail)))

    def below(self, rate: ArrayLike) -> float | np.ndarray:
        """Probability that the rate is below this one; an array of rates gives an array.

        Raises CasebookError if the rate is none.
        """
        return betainc(self.a, self.b, checked_rate(rate))

    def density(self, rates: ArrayLike) -> float | np.ndarray:
        """Probability density at these rates; infinite at 0 if ``a`` is below 1, and at 1 if ``b`` is.

        Raises CasebookError if a rate is none.
        """
        return stats.beta.pdf(checked_rate(rates), self.a, self.b)

    def updated(self, events: int, n: int) -> Beta:
        """The distribution after ``events`` of ``n`` more children.

        Raises CasebookError if the count is none.
        """
        events, n = checked_count(events, n)
        return Beta(self.a + events, self.b + n - events)

    def predictive(self, n: int) -> np.ndarray:
        """Probabilities of 0 to ``n`` events among the next ``n`` children: beta-binomial, shape (n + 1,).

        Each from the one before, by their ratio: the beta functions of large parameters are nearly equal, and their
        quotient would have few right digits.

        Raises CasebookError if ``n`` is not a whole number from 1 to :data:`MOST_PREDICTED`.
        """
        n = checked_whole(n, "n", least=1, most=MOST_PREDICTED)
        k = np.arange(n)
        steps = np.log((n - k) / (k + 1)) + np.log(self.a + k) - np.log(self.b + (n - 1 - k))
        logarithms = np.append(0, np.cumsum(steps))
        chances = np.exp(logarithms - logarithms.max())
        return chances / chances.sum()


JEFFREYS = Beta(0.5, 0.5)
UNIFORM = Beta(1, 1)
NEUTRAL = Beta(1 / 3, 1 / 3)
EXTREMES_DOUBTED = Beta(2, 2)

PRIORS: dict[str, Beta] = {
    "Jeffreys": JEFFREYS,  # says the same whether the question is the rate, its odds or its logarithm
    "uniform": UNIFORM,  # no rate is likelier than another (Bayes, Laplace)
    "neutral": NEUTRAL,  # puts the posterior median close to the rate observed (Kerman 2011)
    # As if two children with and two without the event had been seen: for who doubts rates near 0 and near 1.
    # The posterior mean is the middle of the interval of Agresti and Coull (1998).
    "extremes doubted": EXTREMES_DOUBTED,
}
"""What a reader may have thought of a rate before; the last outweighs three children."""


def posterior(events: int, n: int, prior: Beta = JEFFREYS) -> Beta:
    """The distribution of a rate after ``events`` of ``n``.

    Raises
    ------
    CasebookError
        If the count is none, or the prior no :class:`Beta`.
    """
    return _checked_beta(prior).updated(events, n)


def discounted(events: int, n: int, weight: float, prior: Beta = JEFFREYS) -> Beta:
    """A prior that borrows from ``events`` of ``n`` children of a trial: power prior (Ibrahim and Chen 2000).

    The likelihood of the trial's count is raised to the power ``weight``: at 0 nothing is borrowed, at 1 a child of
    the trial says as much as one of the report, and in between ``weight`` as much.

    Raises
    ------
    CasebookError
        If the count is none, the weight is not a number from 0 to 1, or the prior no :class:`Beta`.
    """
    events, n = checked_count(events, n)
    prior = _checked_beta(prior)
    if not isinstance(weight, Real) or isinstance(weight, bool) or not 0 <= weight <= 1:
        raise CasebookError(f"found the weight {weight!r}; expected a number from 0 to 1")
    return Beta(prior.a + weight * events, prior.b + weight * (n - events))


def _checked_beta(beta: Beta) -> Beta:
    if not isinstance(beta, Beta):
        raise CasebookError(f"found {beta!r}; expected a beta distribution, as JEFFREYS")
    return beta


ACCURACY = 1e-8
"""How far :func:`probability_below` may be from the true probability."""


def probability_below(one: Beta, other: Beta) -> float:
    """Probability that the rate of ``one`` is below that of ``other``, the two being independent.

    By quadrature. It is found twice, as itself and as what the reverse leaves over, and refused if the two differ.

    Raises
    ------
    CasebookError
        If the quadrature does not reach ``ACCURACY``, as with parameters near 0, or of a million; or if one is no
        :class:`Beta`.
    """
    one, other = _checked_beta(one), _checked_beta(other)
    probability, reverse = _below(one, other), _below(other, one)
    if not abs(probability + reverse - 1) < ACCURACY:
        raise CasebookError(
            f"the probability that {one} is below {other} cannot be found: with its reverse it adds up to "
            f"{probability + reverse}; expected 1 to within {ACCURACY}"
        )
    return min(max(probability, 0.0), 1.0)


NEGLIGIBLE = 1e-13
"""Probability that quadrature leaves out at each end."""


def _below(one: Beta, other: Beta) -> float:
    """Integral of the distribution function of ``one`` over the density of ``other``.

    Over the log-odds of the rate, where the density is smooth and falls off exponentially at both ends, also for
    parameters below 1; on the scale of the rate it would be infinite at an end.
    """

    def integrand(odds: float) -> float:
        density = math.exp(other.a * log_expit(odds) + other.b * log_expit(-odds) - betaln(other.a, other.b))
        # Above one half the rate is told from 1 by its distance to 1, which floats keep.
        if odds > 0:
            return density * betaincc(one.b, one.a, expit(-odds))
        return density * betainc(one.a, one.b, expit(odds))

    lower, upper = _quantile(other, NEGLIGIBLE), -_quantile(Beta(other.b, other.a), NEGLIGIBLE)
    # Where either distribution has its bulk is told to the quadrature, which might else step over it.
    inner = {_quantile(beta, p) for beta in (one, other) for p in (0.001, 0.5, 0.999)}
    inside = sorted(point for point in inner if lower < point < upper)
    value, _ = quad(integrand, lower, upper, points=inside, epsabs=1e-11, epsrel=1e-10, limit=500)
    return value


def _quantile(beta: Beta, p: float) -> float:
    """Log-odds below which the rate lies with probability ``p``, from whichever end of the scale is nearer."""
    rate, complement = betaincinv(beta.a, beta.b, p), betainccinv(beta.b, beta.a, p)
    with np.errstate(divide="ignore"):  # a quantile too near 0 for a float: the sum to 1 then decides
        return float(np.maximum(np.log(rate), -1e3) - np.maximum(np.log(complement), -1e3))
