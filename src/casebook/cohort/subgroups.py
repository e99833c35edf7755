"""Subgroups as others printed them: effects from published survivals or counts, and whether they differ.

What is printed is rarely a test of the difference. It can be had from estimates with their errors, if the subgroups share
no patients.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from casebook.arguments import whole
from casebook.cohort import arguments
from casebook.errors import CasebookError


class LogRatio(NamedTuple):
    """A logarithm of a ratio, and its standard error."""

    estimate: float
    standard_error: float

    def limits(self, confidence: float = 0.95) -> pd.Series:
        """The ratio itself with its limits: ratio, lower, upper. Raises CasebookError if the confidence is none."""
        reach = arguments.deviations(confidence) * self.standard_error
        ends = [self.estimate, self.estimate - reach, self.estimate + reach]
        return pd.Series(np.exp(ends), ["ratio", "lower", "upper"])


class Heterogeneity(NamedTuple):
    """Ratios against each other: ``ratios`` to the first (ratio, lower, upper), and Cochran's test that all are one."""

    ratios: pd.DataFrame
    statistic: float
    degrees_of_freedom: int
    p: float


def hazard_ratio(treated: float, treated_error: float, control: float, control_error: float) -> LogRatio:
    """The log hazard ratio behind two survivals at one time, printed with standard errors, if hazards are proportional.

    ``log(log(S1) / log(S0))``; its variance is the sum of ``(error / (S log S))**2`` (delta method, as for log-log limits).

    Parameters
    ----------
    treated, control : float
        Survivals, strictly between 0 and 1.
    treated_error, control_error : float
        Their standard errors, on the same scale.

    Raises
    ------
    CasebookError
        If a survival is not between 0 and 1, or an error is not above 0.
    """
    for survival in (treated, control):
        if not arguments.is_number(survival) or not 0 < survival < 1:
            raise CasebookError(f"found a survival of {survival!r}; expected it strictly between 0 and 1")
    for error in (treated_error, control_error):
        if not arguments.is_number(error) or error <= 0:
            raise CasebookError(f"found a standard error of {error!r}; expected a number above 0")
    logs = math.log(treated), math.log(control)
    parts = treated_error / (treated * logs[0]), control_error / (control * logs[1])
    return LogRatio(math.log(logs[0] / logs[1]), math.hypot(*parts))


def odds_ratio(events: int, n: int, control_events: int, control_n: int) -> LogRatio:
    """The log odds ratio of two counts, its variance the sum of the inverses of all four (Woolf 1955).

    Raises
    ------
    CasebookError
        If a count is no whole number, or in a group nobody or everybody has the event, so that the ratio or its error is
        without limit.
    """
    for name, count in (
        ("events", events), ("n", n), ("control_events", control_events), ("control_n", control_n),
    ):  # fmt: skip
        whole(count, name)
    cells = events, n - events, control_events, control_n - control_events
    if min(cells) < 1:
        raise CasebookError(
            f"found {events} of {n} and {control_events} of {control_n}; expected some with and some without the event"
        )
    estimate = math.log(cells[0] * cells[3] / (cells[1] * cells[2]))
    return LogRatio(estimate, math.sqrt(sum(1 / cell for cell in cells)))


def heterogeneity(
    log_ratios: ArrayLike, standard_errors: ArrayLike, *, confidence: float = 0.95
) -> Heterogeneity:
    """Independent log ratios (of hazards or of odds) against each other.

    Parameters
    ----------
    log_ratios, standard_errors : array_like, shape (k,)
        Of two or more groups without common patients.
    confidence : float
        Of the limits.

    Notes
    -----
    The difference of two log ratios has the sum of their variances (Altman and Bland 2003); over all, Cochran's Q is the
    sum of squared deviations from the mean weighted by inverse variances, chi-squared on k - 1.

    Raises
    ------
    CasebookError
        If there are fewer than two groups, or an error is not above 0.
    """
    z = arguments.deviations(confidence)
    values, errors = _numbers(log_ratios, "log ratios"), _numbers(standard_errors, "standard errors")
    if values.size < 2 or values.shape != errors.shape:
        raise CasebookError(
            f"found {values.size} log ratios and {errors.size} standard errors; expected as many, two or more"
        )
    if errors.min() <= 0:
        raise CasebookError(f"found a standard error of {errors.min():g}; expected them above 0")
    weights = 1 / errors**2
    statistic = float((weights * (values - np.average(values, weights=weights)) ** 2).sum())
    reach = z * np.sqrt(errors[1:] ** 2 + errors[0] ** 2)
    differences = values[1:] - values[0]
    limits = {
        "ratio": np.exp(differences),
        "lower": np.exp(differences - reach),
        "upper": np.exp(differences + reach),
    }
    degrees = values.size - 1
    return Heterogeneity(pd.DataFrame(limits), statistic, degrees, float(chdtrc(degrees, statistic)))


def _numbers(values: ArrayLike, what: str) -> np.ndarray:
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise CasebookError(f"{what}: found {values!r}; expected a row of numbers")
    return found
