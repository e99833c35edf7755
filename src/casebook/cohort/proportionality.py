"""Proportional hazards: whether the coefficients of a Cox model change with time.

Beside each covariate x the model is given x g(t), and asked by a score test whether its coefficient is 0. That is the test
by Schoenfeld's residuals (Schoenfeld 1982; Grambsch and Therneau 1994), with the variance of the covariates among those at
risk at each time as it is, as ``cox.zph`` of R's survival has had it since version 3.0. lifelines, and survival before, take
that variance to be the same at all times, and give other numbers. The papers are named, not read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from casebook.cohort import efron, models
from casebook.cohort.estimate import kaplan_meier
from casebook.cohort.risktable import tabulate
from casebook.errors import CasebookError

TOGETHER = "together"
"""The row that asks of all coefficients at once."""

INFORMATION = 1e-9
"""The least information on a change with time, of that with the coefficient known, that is more than rounding."""


def score_test(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    *,
    transform: str = "km",
    entry: str | None = None,
) -> pd.DataFrame:
    """Score tests of constant hazard ratios against ratios that change with g(t).

    Parameters
    ----------
    frame, duration, event, covariates, entry
        As of :func:`casebook.cohort.models.cox`, which is fitted first.
    transform : {"km", "identity", "log"}
        g(t): the share that Kaplan-Meier has failed before t, which far times do not rule; t; or its logarithm.

    Returns
    -------
    DataFrame
        A row for each covariate, and one for all of them (:data:`TOGETHER`): statistic (chi-squared), degrees_of_freedom, p.
        A large p does not show that ratios are constant.

    Raises
    ------
    CasebookError
        As :func:`casebook.cohort.models.cox`; if the transform is unknown, a covariate is named as the last row is, or
        those at risk differ in covariates at so few times that a change cannot be told from a constant ratio.
    """
    if not isinstance(transform, str) or transform not in TRANSFORMS:
        raise CasebookError(
            f"found the transform {transform!r}; expected one of {', '.join(map(repr, TRANSFORMS))}"
        )
    fit = models.cox(frame, duration, event, covariates, entry=entry)
    names = list(fit.coefficients.index)
    if TOGETHER in names:
        raise CasebookError(f"found the covariate {TOGETHER!r}; expected another name")
    x = frame[names].to_numpy(float)
    x -= x.mean(axis=0)
    stop, failed = frame[duration].to_numpy(float), frame[event].to_numpy(float) == 1
    start = np.full(stop.size, -np.inf) if entry is None else frame[entry].to_numpy(float)
    hazard = np.exp(x @ fit.coefficients["coefficient"].to_numpy())

    times = np.unique(stop[failed])
    g = TRANSFORMS[transform](times, stop, failed, None if entry is None else start)
    g = g - np.average(g, weights=[(failed & (stop == time)).sum() for time in times])
    score = np.zeros(len(names))
    information = np.zeros((3, len(names), len(names)))
    for time, change in zip(times, g, strict=True):
        here = failed & (stop == time)
        residual, variance = _at(x, hazard, (start < time) & (stop >= time), here)
        score += change * residual
        information += np.array([1.0, change, change**2])[:, None, None] * variance
    constant, both, changing = information
    # What is left of the information on the change when the constant coefficients are free.
    left = changing - both @ np.linalg.solve(constant, both)
    scale = np.sqrt(np.diag(changing))
    if not (scale > 0).all() or np.linalg.eigvalsh(left / np.outer(scale, scale)).min() < INFORMATION:
        raise CasebookError(
            f"found covariates ({', '.join(names)}) that differ among those at risk at too few of {times.size} times of events; "
            "expected two or more, so that a change with time can be told"
        )
    inverse = np.linalg.inv(constant)
    rows = {}
    for i, name in enumerate(names):
        alone = changing[i, i] - both[i] @ inverse @ both[i]
        rows[name] = (score[i] ** 2 / alone, 1)
    rows[TOGETHER] = (score @ np.linalg.solve(left, score), len(names))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["statistic", "degrees_of_freedom"])
    return table.assign(p=chdtrc(table["degrees_of_freedom"], table["statistic"])).rename_axis("covariate")


def _at(
    x: np.ndarray, hazard: np.ndarray, at_risk: np.ndarray, here: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """At one time: the failures' covariates less those expected of them, and the variance of these; ties by Efron's method.

    See :func:`casebook.cohort.efron.turns`.
    """
    residual, variance = np.zeros(x.shape[1]), np.zeros((x.shape[1],) * 2)
    for gone in efron.turns(here.sum(keepdims=True))[1]:
        weight = hazard * (at_risk - here * gone)
        weight = weight / weight.sum()
        mean = weight @ x
        residual -= mean
        variance += (x * weight[:, None]).T @ x - np.outer(mean, mean)
    return residual + x[here].sum(axis=0), variance


def _failed_before(
    times: np.ndarray, stop: np.ndarray, failed: np.ndarray, start: np.ndarray | None
) -> np.ndarray:
    curve = kaplan_meier(tabulate(stop, failed.astype(int), entry=start))
    survival = np.append(1.0, curve.estimate)
    return 1 - survival[np.searchsorted(curve.time, times, side="left")]


TRANSFORMS: dict[str, Callable[..., np.ndarray]] = {
    "km": _failed_before,
    "identity": lambda times, *_: times,
    "log": lambda times, *_: np.log(times),
}
