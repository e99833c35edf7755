"""Estimates from a table of risk: survival, its quantiles and restricted mean, and cumulative incidence.

Variances take a weight for so many patients alike. For weights that stand for something else (sampling, inverse
probabilities) the estimates hold and the variances do not.

Papers are named here as where a method comes from. They were not read. Conventions of R's survival 3.5 and cmprsk 2.2 were
read in their code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from casebook.cohort.arguments import deviations
from casebook.cohort.risktable import RiskTable, checked_table, checked_times, parts
from casebook.errors import CasebookError

Limits = Literal["log-log", "log", "plain"]

TIE = math.sqrt(np.finfo(float).eps)
"""How far a curve may be from a level and still lie on it: as in R's quantiles of ``survfit``."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A probability over time, estimated, with pointwise limits: a step function that jumps at its m times.

    Parameters
    ----------
    time : ndarray, shape (m,)
        Those of the table of risk, ascending.
    estimate, variance, lower, upper : ndarray, shape (m,)
        From that time on, up to the next.
    confidence : float
        The confidence of each pair of limits, as 0.95.
    limits : str
        The scale on which the limits are symmetric.
    start : float
        The value before the first time: 1 if it falls, 0 if it rises.
    until : float
        The last time at which it is known: that of the last patient, or infinity if none is left who could fail.
    """

    time: np.ndarray
    estimate: np.ndarray
    variance: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    confidence: float
    limits: str
    start: float = 1.0
    until: float = math.inf

    def at(self, times: ArrayLike) -> pd.DataFrame:
        """Milestones: a row for each of the times, in the order given, with time, estimate, lower, upper.

        Raises
        ------
        CasebookError
            If a time is not a number from 0 on, or is after ``until``, where the estimate is not known.
        """
        times = np.atleast_1d(checked_times(times, "times"))
        if times.size and times.max() > self.until:
            raise CasebookError(
                f"found the time {times.max():g}; expected at most {self.until:g}, when the last patient was seen"
            )
        place = np.searchsorted(self.time, times, side="right")
        columns = {"estimate": self.estimate, "lower": self.lower, "upper": self.upper}
        values = {name: np.where(place, column[place - 1], self.start) for name, column in columns.items()}
        return pd.DataFrame({"time": times} | values)

    def frame(self) -> pd.DataFrame:
        """A row for each time: time, estimate, variance, lower, upper."""
        names = ("time", "estimate", "variance", "lower", "upper")
        return pd.DataFrame({name: getattr(self, name) for name in names})


class Quantile(NamedTuple):
    """The time by which a share of patients has failed, with limits; infinite where that is not reached."""

    estimate: float
    lower: float
    upper: float


class RestrictedMean(NamedTuple):
    """The mean time free of failure up to a horizon, with its standard error and limits."""

    estimate: float
    standard_error: float
    lower: float
    upper: float


# -- survival -----------------------------------------------------------------------------------------------------


def kaplan_meier(table: RiskTable, *, confidence: float = 0.95, limits: Limits = "log-log") -> Curve:
    """The probability of being free of failure of any cause (Kaplan and Meier 1958).

    Parameters
    ----------
    table : RiskTable
        The cohort. With late entry, it is the probability among those who come under risk; it is 0 from a time on at
        which all at risk fail, even if others enter later.
    confidence : float
        Of each pair of limits.
    limits : str
        ``"plain"``, symmetric on S itself and cut to 0 to 1; ``"log"``, on log S and cut to 1; or ``"log-log"``, on
        log(-log S), which keeps within 0 and 1 by itself.

    Returns
    -------
    Curve
        With Greenwood's variance (Greenwood 1926), ``S**2`` times the sum of ``d / (n (n - d))``; 0 where S is 0.

    Raises
    ------
    CasebookError
        If the confidence is not between 0 and 1, or limits are none of the three.

    Notes
    -----
    Limits are those of R's ``survfit``, which has none (NA) where S is 0, or 1 on the log-log scale. Here they are 1 and 1
    where S is 1; and where S is 0, the lower limit is 0 and the upper stays what it was before.
    """
    survival = _survival(checked_table(table))
    variance = _greenwood(table)
    np.cumsum(variance, out=variance)
    variance *= survival
    variance *= survival
    return _curve(table, survival, variance, 1.0, survival[-1], confidence, limits)


def restricted_mean(table: RiskTable, horizon: float, *, confidence: float = 0.95) -> RestrictedMean:
    """The mean time free of failure up to a horizon: the area below the Kaplan-Meier curve up to there.

    Its variance is the sum over failure times of ``A**2 d / (n (n - d))``, A the area from that time to the horizon
    (Klein and Moeschberger 2003), without the last time if all at risk fail then: as R's ``print`` of ``survfit``. Limits
    are symmetric, and cut to 0 and the horizon.

    Raises
    ------
    CasebookError
        If the horizon is not above 0, or is after the last patient was seen free of failure (R draws the curve on), or
        the confidence is not between 0 and 1.
    """
    z = deviations(confidence)
    checked_table(table)
    if not isinstance(horizon, Real) or not 0 < horizon < math.inf:
        raise CasebookError(f"found the horizon {horizon!r}; expected a number above 0")
    survival = _survival(table)
    if horizon > table.time[-1] and survival[-1] > 0:
        raise CasebookError(
            f"found the horizon {horizon:g}; expected at most {table.time[-1]:g}, when the last patient was seen"
        )
    seen = np.searchsorted(table.time, horizon, side="right")
    widths = np.diff(table.time[:seen], prepend=0.0, append=horizon)
    pieces = widths * np.append(1.0, survival[:seen])
    ahead = np.cumsum(pieces[:0:-1])[::-1]  # the area from each time to the horizon
    mean = float(pieces.sum())
    error = math.sqrt(ahead**2 @ _greenwood(table)[:seen])
    return RestrictedMean(mean, error, max(mean - z * error, 0.0), min(mean + z * error, float(horizon)))


def _survival(table: RiskTable) -> np.ndarray:
    n = table.at_risk
    stay = np.divide(n - table.failing, n, out=np.ones(n.size), where=n > 0)
    return np.cumprod(stay, out=stay)


def _greenwood(table: RiskTable) -> np.ndarray:
    """The terms ``d / (n (n - d))``; 0 where all at risk fail, which leaves S at 0 whatever is added."""
    product = table.at_risk - table.failing
    product *= table.at_risk
    return np.divide(table.failing, product, out=np.zeros(product.size), where=product > 0)


# -- quantiles ----------------------------------------------------------------------------------------------------


def quantile(curve: Curve, p: float = 0.5) -> Quantile:
    """The first time by which a share ``p`` has failed; of a cumulative incidence, of that cause.

    Limits are the times at which the limits of the curve pass the same level (Brookmeyer and Crowley 1982). A curve that
    runs level just there, within :data:`TIE`, gives the middle of that stretch, as R does; to its last time, if it ends so.
    A limit of few patients that turns back is passed where it first is; R, which looks it up by value, may find it later.

    Raises
    ------
    CasebookError
        If ``p`` is not strictly between 0 and 1, or the curve is none.
    """
    if not isinstance(curve, Curve):
        raise CasebookError(
            f"found a {type(curve).__name__}; expected a curve, of one cause if there are several"
        )
    if not isinstance(p, Real) or not 0 < p < 1:
        raise CasebookError(
            f"found the share {p!r}; expected a number between 0 and 1, as 0.5 for the median"
        )
    found = [_passing(curve, values, p) for values in (curve.estimate, curve.lower, curve.upper)]
    return Quantile(found[0], *sorted(found[1:]))


def _passing(curve: Curve, values: np.ndarray, p: float) -> float:
    failed = np.abs(values - curve.start)
    reaches, passes = failed >= p - TIE, failed >= p + TIE
    if not reaches.any():
        return math.inf
    last = curve.time[np.argmax(passes)] if passes.any() else curve.time[-1]
    return float((curve.time[np.argmax(reaches)] + last) / 2)


# -- cumulative incidence -----------------------------------------------------------------------------------------


def aalen_johansen(
    table: RiskTable, *, confidence: float = 0.95, limits: Limits = "log-log"
) -> dict[str, Curve]:
    """The probability of having failed of each cause, where any failure ends the risk of others (Aalen and Johansen 1978).

    Failures of several causes at one time are counted all at once: with survival, the curves add up to 1.

    Parameters
    ----------
    table : RiskTable
        The cohort, with all its causes.
    confidence, limits
        As of :func:`kaplan_meier`, with F for S: log-log limits are symmetric on log(-log F).

    Returns
    -------
    dict of str to Curve
        By cause, with the variance of Aalen (1978) as R's cmprsk has it.

    Raises
    ------
    CasebookError
        If the confidence is not between 0 and 1, or limits are none of the three.

    Notes
    -----
    The variance at t is a sum over the times u up to t, with S just after and S- just before u::

        (S-/n)**2 (d  r(d)  (1 - (F(t) - F(u)) / S)**2  +  e  r(e)  ((F(t) - F(u)) / S)**2)

    of d failing of the cause and e of others; a quotient by S = 0 is 0. ``r(d) = (n - d) / (n - 1)``, or 1 if d is less
    than 1, allows for ties. With one cause and without ties it is ``(S(t) / (n - 1))**2`` summed, and so not Greenwood's
    ``S(t)**2 / (n (n - 1))``, and when the last of all fails it is not 0.

    Where F is 0, both limits are. Where it is 1, the upper limit is 1 and the lower stays what it was before.
    """
    survival = _survival(checked_table(table))
    hazard = np.ones(survival.size)
    hazard[1:] = survival[:-1]
    np.divide(hazard, table.at_risk, out=hazard, where=table.at_risk > 0)
    curves = {}
    for place, cause in enumerate(table.causes):
        own = table.failed[:, place]
        estimate = hazard * own
        np.cumsum(estimate, out=estimate)
        # Rounding must neither take the curves above 1 together nor keep a cause that takes all from reaching it.
        alone = np.array_equal(own, table.failing)
        estimate = 1 - survival if alone else np.minimum(estimate, 1 - survival, out=estimate)
        variance = _variance_of_incidence(estimate, survival, hazard, own, table)
        curves[cause] = _curve(table, estimate, variance, 0.0, survival[-1], confidence, limits)
    return curves


def _variance_of_incidence(
    estimate: np.ndarray, survival: np.ndarray, hazard: np.ndarray, own: np.ndarray, table: RiskTable
) -> np.ndarray:
    # F(t) - F(u) is the way that u has still to go to the end, less that of t, and the sums over u are then free of t.
    # With the way from 0 instead, large terms would cancel. Neither way is longer than S at u, so that here none is large.
    variance = np.empty(estimate.size)
    sums = np.zeros((3, 1))
    for part in parts(estimate.size):
        n, d = table.at_risk[part], own[part]
        ahead = estimate[-1] - estimate[part]
        inverse = np.divide(1.0, survival[part], out=np.zeros(ahead.size), where=survival[part] > 0)
        share = ahead * inverse
        of_cause = _variance_of_step(hazard[part], d, n)
        both = of_cause + _variance_of_step(hazard[part], table.failing[part] - d, n)
        linear = of_cause - share * both
        terms = [of_cause - share * (of_cause + linear), inverse * linear, inverse**2 * both]
        sums = sums[:, -1:] + np.cumsum(terms, axis=1)
        variance[part] = sums[0] + 2 * ahead * sums[1] + ahead**2 * sums[2]
    variance[estimate <= 0] = 0
    return np.maximum(variance, 0, out=variance)


def _variance_of_step(hazard: np.ndarray, d: np.ndarray, n: np.ndarray) -> np.ndarray:
    """``(S-/n)**2 d r(d)``, from ``hazard = S-/n``."""
    variance = hazard**2 * d
    tied = np.flatnonzero(d > 1)
    variance[tied] *= (n[tied] - d[tied]) / (n[tied] - 1)
    return variance


# -- limits -------------------------------------------------------------------------------------------------------


def _curve(
    table: RiskTable,
    estimate: np.ndarray,
    variance: np.ndarray,
    start: float,
    left: float,
    confidence: float,
    limits: str,
) -> Curve:
    """A curve with its limits; ``left`` is the share that has not failed at the end."""
    z = deviations(confidence)
    if not isinstance(limits, str) or limits not in _LIMITS:
        raise CasebookError(f"found the limits {limits!r}; expected one of {', '.join(map(repr, _LIMITS))}")
    # The curve only goes from start to the other end of the scale; at either end it is without a logarithm, or two.
    begun = np.count_nonzero(estimate == start)
    ended = estimate.size - np.count_nonzero(estimate == 1 - start)
    lower, upper = np.full((2, estimate.size), start)
    with np.errstate(over="ignore"):  # so wide that a limit is 0 or 1
        for part in parts(ended, begun):
            error = z * np.sqrt(variance[part]) / estimate[part]
            lower[part], upper[part] = _LIMITS[limits](estimate[part], error)
    near, far = (lower, upper) if start else (upper, lower)
    near[ended:] = 1 - start
    far[ended:] = far[ended - 1] if ended else start
    until = math.inf if left == 0 else float(table.time[-1])
    return Curve(table.time, estimate, variance, lower, upper, float(confidence), limits, start, until)


def _plain(p: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(p - p * error, 0), np.minimum(p + p * error, 1)


def _log(p: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    factor = np.exp(error)
    return p / factor, np.minimum(p * factor, 1)


def _log_log(p: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    logarithm = np.log(p)
    power = np.exp(error / -logarithm)
    return np.exp(logarithm * power), np.exp(logarithm / power)


_LIMITS = {"log-log": _log_log, "log": _log, "plain": _plain}
"""Limits of a probability from its error, z times the standard error over the probability."""
