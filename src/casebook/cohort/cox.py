"""Cox's model of a treatment that begins during follow-up: its hazard ratio from tables alone, and what it predicts.

A prediction is along a path of the covariates, as in "HSCT on day 60". The path is a choice: the curve says what the model makes
of it, also where no patient took it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, inf, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from casebook.cohort import arguments, efron
from casebook.cohort.estimate import Curve
from casebook.cohort.risktable import RiskTable
from casebook.cohort.timing import check_both
from casebook.errors import CasebookError

if TYPE_CHECKING:
    from casebook.cohort.models import Fit

PRECISION = 1e-10
"""The step of a coefficient that is the last."""

SAME = 1e-4
"""By what share standard errors of the fit may differ from those found again here."""


MOST = 10_000_000
"""The most failures of a hazard ratio from tables, which takes a row for each."""

# -- the hazard ratio ---------------------------------------------------------------------------------------------


class HazardRatio(NamedTuple):
    """The hazard of the treated over that of the untreated, with limits; ``coefficient`` is its logarithm."""

    estimate: float
    lower: float
    upper: float
    coefficient: float
    standard_error: float


def hazard_ratio(tables: Mapping[str, RiskTable], *, confidence: float = 0.95) -> HazardRatio:
    """Cox's model with the treatment alone, from two tables of risk: for thousands of cohorts.

    :func:`casebook.cohort.models.cox_time_varying` finds the same, in some thirtieth of a second.

    Parameters
    ----------
    tables : mapping of str to RiskTable
        ``"untreated"`` and ``"treated"``, as :func:`casebook.cohort.timing.by_treatment` gives them, or the ``tables`` of a
        landmark. Failures of all causes count, tied ones by Efron's method.
    confidence : float
        Of the limits.

    Raises
    ------
    CasebookError
        If a group is missing or no table of risk, weights are not whole or stand for more than :data:`MOST` failures, or one
        of the two never fails while the other is at risk: the ratio is then without limit.
    """
    check_both(tables)
    untreated, treated = tables["untreated"], tables["treated"]
    z = arguments.deviations(confidence)
    time = np.union1d(*(table.time[table.failed.any(axis=1)] for table in (untreated, treated)))
    n0, d0 = untreated.at_risk_at(time), _failed_at(untreated, time)
    n1, d1 = treated.at_risk_at(time), _failed_at(treated, time)
    both = (n0 > 0) & (n1 > 0)
    n0, d0, n1, d1 = n0[both], d0[both], n1[both], d1[both]
    for group, d in (("untreated", d0), ("treated", d1)):
        if not d.any():
            raise CasebookError(
                f"found no failure {group} while others were at risk; expected some on both sides, for a finite hazard ratio"
            )
    d = np.rint(d0 + d1)
    if not np.array_equal(d, d0 + d1):
        raise CasebookError("found parts of a patient who fails; expected weights that are whole numbers")
    if d.sum() > MOST:
        raise CasebookError(f"found {d.sum():g} failures; expected at most {MOST}: weights that are patients")
    each, gone = efron.turns(d.astype(int))
    left0, left1 = n0[each] - gone * d0[each], n1[each] - gone * d1[each]
    coefficient, step = 0.0, inf
    while abs(step) > PRECISION:
        share = left1 * exp(coefficient) / (left1 * exp(coefficient) + left0)
        information = float(np.sum(share * (1 - share)))
        # Far from the maximum Newton's step would be too long.
        step = max(-1.0, min((d1.sum() - share.sum()).item() / information, 1.0))
        coefficient += step
    error = 1 / sqrt(information)
    reach = z * error
    return HazardRatio(
        exp(coefficient), exp(coefficient - reach), exp(coefficient + reach), coefficient, error
    )


def _failed_at(table: RiskTable, times: np.ndarray) -> np.ndarray:
    failed = np.append(table.failed.sum(axis=1), 0)
    place = np.searchsorted(table.time, times)
    return np.where(np.append(table.time, inf)[place] == times, failed[place], 0)


# -- survival along a path ------------------------------------------------------------------------------------------


def path(until: float, switch: float | None = None, **covariates: float) -> pd.DataFrame:
    """The path of a patient treated on the day ``switch`` (never without it), up to ``until``.

    The covariate ``treated`` is 0 up to and on that day, and 1 after it; others do not change.

    Returns
    -------
    DataFrame
        ``start``, ``stop``, ``treated`` and the others; a row, or two.

    Raises
    ------
    CasebookError
        If ``until`` is no time above 0, ``switch`` none of 0 or more, or a covariate no number or named as a column of the path.
    """
    until = arguments.time("until", until, after=0)
    switch = until if switch is None else arguments.time("switch", switch)
    for name, value in covariates.items():
        if name in ("start", "stop", "treated"):
            raise CasebookError(f"found the covariate {name!r}; expected another, as the path says it")
        if not arguments.is_number(value):
            raise CasebookError(f"found {name}={value!r}; expected a number")
    change = min(switch, until)
    rows = pd.DataFrame({"start": [0.0, change], "stop": [change, until], "treated": [0, 1], **covariates})
    return rows[rows["start"] < rows["stop"]].reset_index(drop=True)


def survival_along(rows: pd.DataFrame, fit: Fit, path: pd.DataFrame, *, confidence: float = 0.95) -> Curve:
    """The survival that a Cox model, also one with covariates that change, predicts along a path of its covariates.

    Parameters
    ----------
    rows : DataFrame
        What the model was fitted to: ``start``, ``stop``, ``event`` (0 or 1) and its covariates, a row an interval.
    fit : Fit
        Of :func:`casebook.cohort.models.cox_time_varying`, or of ``cox`` without strata.
    path : DataFrame
        ``start``, ``stop`` and the covariates of one patient, interval by interval from 0 on: see :func:`path`.
    confidence : float
        Of each pair of limits.

    Returns
    -------
    Curve
        At the times of events, up to the end of the path or of follow-up. The limits, on log(-log S), cover that
        coefficients and baseline are estimated; that the model holds is taken for granted.

    Raises
    ------
    CasebookError
        If columns are missing, the fit is not of these rows, or the path has gaps, overlaps or missing values, or ends before
        the first event.

    Notes
    -----
    The hazard at an event time is ``exp(z b)`` times the sum over its d failures of ``1 / (S0 - l/d D0)``, l = 0 to d - 1, with
    S0 the sum of ``exp(x b)`` over those at risk and D0 over those who fail (Efron 1977). The variance of its sum over times has
    one part from the failures and one from the coefficients (Tsiatis 1981, Link 1984), added up along the path. R's ``survfit``
    of ``coxph`` has the same of a path without a change; after a change, version 3.5-3 takes the second part as if the last
    covariates had held from the beginning (read in its code). Papers are named as where the formulas come from; they were
    not read.
    """
    names = fit.coefficients.index.tolist()
    if fit.model != "cox":
        raise CasebookError(f"found a fit of the model {fit.model!r}; expected one of Cox's")
    deviations = arguments.deviations(confidence)
    data = _numbers(rows, "rows", ["start", "stop", "event", *names])
    if len(data) != fit.n or data["event"].sum() != fit.events:
        raise CasebookError(
            f"found {len(data)} rows with {data['event'].sum():g} events and a fit of {fit.n} with {fit.events}; "
            "expected the rows that were fitted"
        )
    course = _checked_path(path, names)
    middle = data[names].mean().to_numpy()
    risk = _risk(data, names, middle, fit.coefficients["coefficient"].to_numpy())
    covariance = np.linalg.inv(risk.information)
    errors = np.sqrt(np.diag(covariance))
    if not np.allclose(errors, fit.coefficients["standard_error"], rtol=SAME, atol=0):
        raise CasebookError(
            "found standard errors that are not those of these rows; expected the rows that were fitted, without strata"
        )

    until = min(course["stop"].iloc[-1], data["stop"].max())
    seen = risk.time <= until
    if not seen.any():
        raise CasebookError(
            f"found a path to {until:g}; expected one to the first event, at {risk.time[0]:g}, or beyond"
        )
    interval = np.searchsorted(course["stop"], risk.time[seen], side="left")
    z = course[names].to_numpy()[interval] - middle
    relative = np.exp(z @ fit.coefficients["coefficient"].to_numpy())
    hazard = np.cumsum(relative * risk.hazard[seen])
    lean = np.cumsum(relative[:, None] * (z * risk.hazard[seen, None] - risk.mean_hazard[seen]), axis=0)
    variance = np.cumsum(relative**2 * risk.variance[seen]) + ((lean @ covariance) * lean).sum(axis=1)
    with np.errstate(over="ignore"):  # so wide that a limit is 0 or 1
        power = np.exp(deviations * np.sqrt(variance) / hazard)
    survival = np.exp(-hazard)
    return Curve(
        risk.time[seen],
        survival,
        survival**2 * variance,
        np.exp(-hazard * power),
        np.exp(-hazard / power),
        float(confidence),
        "log-log",
        until=float(until),
    )


class _Risk(NamedTuple):
    """At the m distinct times of events, for k covariates measured from their means."""

    time: np.ndarray
    hazard: np.ndarray
    """Its increments for covariates at their means, shape (m,)."""
    variance: np.ndarray
    """Of these, the coefficients known, shape (m,)."""
    mean_hazard: np.ndarray
    """The mean of each covariate among those at risk, times the increment, shape (m, k)."""
    information: np.ndarray
    """Shape (k, k)."""


def _risk(data: pd.DataFrame, names: list[str], middle: np.ndarray, coefficients: np.ndarray) -> _Risk:
    x = data[names].to_numpy() - middle
    weight = np.exp(x @ coefficients)
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    sums = weight[:, None] * np.hstack([np.ones((len(x), 1)), x, products])
    failed = data["event"].to_numpy() == 1
    time, place, d = np.unique(data["stop"].to_numpy()[failed], return_inverse=True, return_counts=True)
    failing = np.zeros((time.size, sums.shape[1]))
    np.add.at(failing, place, sums[failed])
    at_risk = _from(time, data["stop"].to_numpy(), sums) - _from(time, data["start"].to_numpy(), sums)

    each, gone = efron.turns(d)
    left = at_risk[each] - gone[:, None] * failing[each]
    k = len(names)
    step, mean = 1 / left[:, 0], left[:, 1 : k + 1] / left[:, :1]
    square = (left[:, k + 1 :] / left[:, :1]).sum(axis=0).reshape(k, k)

    def total(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, np.cumsum(d) - d, axis=0)

    return _Risk(time, total(step), total(step**2), total(mean * step[:, None]), square - mean.T @ mean)


def _from(times: np.ndarray, moments: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The sums of the values whose moment is at each time or later."""
    order = np.argsort(moments, kind="stable")
    tail = efron.sums_from(values[order])
    return tail[np.searchsorted(moments[order], times, side="left")]


def _checked_path(path: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    course = _numbers(path, "path", ["start", "stop", *names])
    start, stop = course["start"].to_numpy(), course["stop"].to_numpy()
    if start[0] != 0 or (start >= stop).any() or (start[1:] != stop[:-1]).any():
        raise CasebookError(
            f"path: found the intervals {[*zip(start.tolist(), stop.tolist(), strict=True)]}; expected some that follow each "
            "other from 0 on"
        )
    return course


def _numbers(frame: pd.DataFrame, what: str, columns: list[str]) -> pd.DataFrame:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise CasebookError(f"{what}: found no column {', '.join(map(repr, missing))}; expected it")
    try:
        data = frame[columns].astype(float)
    except (TypeError, ValueError):
        raise CasebookError(
            f"{what}: found values that are no numbers in {columns}; expected numbers"
        ) from None
    if data.empty or not np.isfinite(data.to_numpy()).all():
        raise CasebookError(f"{what}: found no row, or values that are no numbers; expected numbers")
    return data
