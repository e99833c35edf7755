"""Curves and tables of risk as the frames that figures take, and as text for the tables that chapters print."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import isinf

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from casebook.cohort.endpoints import Endpoint
from casebook.cohort.estimate import Curve, Quantile
from casebook.cohort.risktable import RiskTable
from casebook.errors import CasebookError


def curves(estimates: Mapping[Hashable, Curve], horizon: float | None = None) -> pd.DataFrame:
    """Curves as steps: ``curve``, ``time``, ``estimate``, ``lower``, ``upper``, each from time 0 on.

    A curve ends at its ``until``, if that is finite, or else at its last time; with a ``horizon``, at that at the latest.
    """
    frames = []
    for name, curve in estimates.items():
        last = min(
            curve.time[-1] if isinf(curve.until) else curve.until, np.inf if horizon is None else horizon
        )
        times = np.unique([0.0, *curve.time[curve.time < last], last])
        frames.append(curve.at(times).assign(curve=str(name)))
    return pd.concat(frames, ignore_index=True)[["curve", "time", "estimate", "lower", "upper"]]


def at_risk(tables: Mapping[Hashable, RiskTable], times: Sequence[float]) -> pd.DataFrame:
    """Numbers at risk at these times: ``curve``, ``time``, ``n``."""
    return pd.concat(
        [
            pd.DataFrame({"curve": str(name), "time": list(times), "n": table.at_risk_at(times)})
            for name, table in tables.items()
        ],
        ignore_index=True,
    )


def censored(tables: Mapping[Hashable, RiskTable], horizon: float = np.inf) -> pd.DataFrame:
    """Times at which somebody is censored: ``curve``, ``time``."""
    return pd.concat(
        [
            pd.DataFrame(
                {"curve": str(name), "time": table.time[(table.censored > 0) & (table.time <= horizon)]}
            )
            for name, table in tables.items()
        ],
        ignore_index=True,
    )


def event_free(table: RiskTable, confidence: float = 0.95) -> pd.DataFrame:
    """What a cohort without any event excludes: an exact lower limit of survival at each time, one-sided.

    Of the n(t) patients who were followed to t or beyond, none had the event by t; the limit is that of Clopper and Pearson
    for 0 of n(t). It uses those alone, and so gives away what shorter follow-up says. Kaplan-Meier has no limits here: its
    variance is 0.

    Returns
    -------
    DataFrame
        A row for each time: ``time``, ``n`` (followed to it), ``estimate`` (1), ``lower``, ``upper`` (1).

    Raises
    ------
    CasebookError
        If there was an event, somebody entered late (who was not followed from the beginning), or weights are not whole.
    """
    if table.failed.any():
        raise CasebookError(
            f"found {table.failed.sum():g} events, expected none: this is the limit of a cohort without any"
        )
    if table.entered.any():
        raise CasebookError("found patients who enter late, expected all followed from the beginning")
    if not np.array_equal(table.at_risk, np.rint(table.at_risk)):
        raise CasebookError("found parts of a patient, expected whole numbers at risk")
    if not 0 < confidence < 1:
        raise CasebookError(f"found the confidence {confidence!r}, expected a number between 0 and 1")
    n = table.at_risk
    lower = betaincinv(n, 1, 1 - confidence)
    return pd.DataFrame({"time": table.time, "n": n, "estimate": 1.0, "lower": lower, "upper": 1.0})


def milestones(
    estimates: Mapping[Hashable, Curve], times: Sequence[float], unit: str = "days"
) -> pd.DataFrame:
    """Estimates with limits at some times, in percent; a row a curve, a column a time."""
    return pd.DataFrame(
        {
            f"{time:g} {unit}": {
                str(name): "not reached" if time > curve.until else _percent(curve.at([time]).iloc[0])
                for name, curve in estimates.items()
            }
            for time in times
        }
    )


def _percent(row: pd.Series) -> str:
    return f"{100 * row['estimate']:.1f} ({100 * row['lower']:.1f} to {100 * row['upper']:.1f})"


def quantile_text(found: Quantile) -> str:
    """A quantile with its limits in days: ``418 (192 to not reached)``."""
    estimate, lower, upper = ("not reached" if isinf(value) else f"{value:g}" for value in found)
    return f"{estimate} ({lower} to {upper})"


def definitions(endpoints: Mapping[str, Endpoint]) -> pd.DataFrame:
    """The definitions of endpoints, a row each, indexed by code."""
    return pd.DataFrame.from_dict(
        {
            code: {
                "Endpoint": endpoint.param,
                "Origin": endpoint.origin,
                "Events": ", ".join(cause for _, cause in endpoint.events),
                "Competing": ", ".join(cause for _, cause in endpoint.competing),
                "Else censored at": endpoint.censored_at,
            }
            for code, endpoint in endpoints.items()
        },
        orient="index",
    )
