"""Curves, tables of risk and endpoints as the frames that figures take, and as text for the tables that chapters print."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import isinf
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from casebook.cohort import arguments
from casebook.cohort.dates import by_id, day, in_words, iso
from casebook.cohort.endpoints import PRIORITY, Endpoint, derive
from casebook.cohort.estimate import Curve, Quantile
from casebook.cohort.risktable import RiskTable, checked_times
from casebook.errors import CasebookError

Drawn = TypeVar("Drawn", Curve, RiskTable)


def curves(estimates: Mapping[Hashable, Curve], horizon: float | None = None) -> pd.DataFrame:
    """Curves as steps: ``curve``, ``time``, ``estimate``, ``lower``, ``upper``, each from time 0 on.

    A curve ends at its ``until``, if that is finite, or else at its last time; with a ``horizon``, at that at the latest.

    Raises CasebookError if there is no curve, two names read alike, or the horizon is no time from 0 on.
    """
    end = _end(horizon)
    frames = []
    for name, curve in _named(estimates, Curve).items():
        last = min(curve.time[-1] if isinf(curve.until) else curve.until, end)
        times = np.unique([0.0, *curve.time[curve.time < last], last])
        frames.append(curve.at(times).assign(curve=name))
    return pd.concat(frames, ignore_index=True)[["curve", "time", "estimate", "lower", "upper"]]


def at_risk(tables: Mapping[Hashable, RiskTable], times: Sequence[float]) -> pd.DataFrame:
    """Numbers at risk at these times: ``curve``, ``time``, ``n``.

    Raises CasebookError if there is no table, two names read alike, or a time is none.
    """
    return pd.concat(
        [
            pd.DataFrame({"curve": name, "time": list(times), "n": table.at_risk_at(times)})
            for name, table in _named(tables, RiskTable).items()
        ],
        ignore_index=True,
    )


def censored(tables: Mapping[Hashable, RiskTable], horizon: float | None = None) -> pd.DataFrame:
    """Times at which somebody is censored: ``curve``, ``time``.

    Raises CasebookError if there is no table, two names read alike, or the horizon is no time from 0 on.
    """
    end = _end(horizon)
    return pd.concat(
        [
            pd.DataFrame({"curve": name, "time": table.time[(table.censored > 0) & (table.time <= end)]})
            for name, table in _named(tables, RiskTable).items()
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
    arguments.deviations(confidence)
    n = table.at_risk
    lower = betaincinv(n, 1, 1 - confidence)
    return pd.DataFrame({"time": table.time, "n": n, "estimate": 1.0, "lower": lower, "upper": 1.0})


def milestones(
    estimates: Mapping[Hashable, Curve], times: Sequence[float], unit: str = "days"
) -> pd.DataFrame:
    """Estimates with limits at some times, in percent; a row a curve, a column a time.

    Raises CasebookError if there is no curve, or two names, or two times, read alike.
    """
    named = _named(estimates, Curve)
    times = np.atleast_1d(checked_times(times, "times"))
    columns = [f"{time:g} {unit}" for time in times]
    if len(set(columns)) < len(columns):
        raise CasebookError(f"found times that read alike ({', '.join(columns)}); expected each column once")
    return pd.DataFrame(
        {
            column: {
                name: "not reached" if time > curve.until else _percent(curve.at([time]).iloc[0])
                for name, curve in named.items()
            }
            for column, time in zip(columns, times, strict=True)
        }
    )


def _named(given: Mapping[Hashable, Drawn], kind: type[Drawn]) -> dict[str, Drawn]:
    """What is given, by the text of its names, which is what a page shows."""
    if not isinstance(given, Mapping) or not all(isinstance(one, kind) for one in given.values()):
        raise CasebookError(
            f"found {type(given).__name__} as {kind.__name__}s; expected a mapping of names to them"
        )
    named = {str(name): one for name, one in given.items()}
    if not named:
        raise CasebookError(f"found no {kind.__name__}; expected one or more, by name")
    if len(named) < len(given):
        raise CasebookError(
            f"found names that read alike ({', '.join(map(repr, given))}); expected each once"
        )
    return named


def _end(horizon: float | None) -> float:
    if horizon is None or np.array_equal(horizon, np.inf):
        return np.inf
    end = checked_times(horizon, "horizon")
    if end.ndim:
        raise CasebookError(f"found the horizon {horizon!r}; expected one time")
    return end.item()


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


def steps(
    patients: pd.DataFrame,
    endpoint: Endpoint,
    patient: str,
    *,
    cutoff: pd.Timestamp | str | None = None,
    entry: str | None = None,
    priority: Sequence[str] = PRIORITY,
    same_day: str = "keep",
) -> pd.DataFrame:
    """How the dates of one patient become the endpoint, step by step.

    Takes what :func:`derive` takes, and the id of a patient.

    Returns
    -------
    DataFrame
        Columns ``step`` (what is asked), ``date`` (ISO, or "none") and ``reading`` (what it means for the endpoint), as
        text. The last row is the result; it comes from :func:`derive` itself.

    Raises
    ------
    CasebookError
        If there is no such patient, and where :func:`derive` does.
    """
    found = by_id(patients)
    if patient not in found.index:
        raise CasebookError(f"found no patient {patient!r}; expected an id of the patients")
    one = found.loc[[patient]].rename_axis("id").reset_index()
    result = derive(one, endpoint, cutoff=cutoff, entry=entry, priority=priority, same_day=same_day)
    row = one.iloc[0]
    origin = row[endpoint.origin]
    last_day = None if cutoff is None else day(cutoff)

    def reading(date: pd.Timestamp, meaning: str) -> str:
        if pd.isna(date):
            return "no day recorded"
        if last_day is not None and date > last_day:
            return "after the data cutoff: not seen"
        if pd.isna(origin):
            return meaning
        return f"{meaning}, day {(date - origin).days}"

    rows = [
        (
            "origin",
            endpoint.origin,
            "day 0" if pd.notna(origin) else "no day recorded: no time can be counted",
        )
    ]
    if pd.notna(origin) and last_day is not None and origin > last_day:
        rows = [("origin", endpoint.origin, "after the data cutoff: not seen")]
    if entry is not None:
        rows.append(("entry", entry, reading(row[entry], "at risk only after it")))
    for kind, occurrences in (
        ("event", endpoint.events),
        ("competing event", endpoint.competing),
        ("ends follow-up", endpoint.censored_by),
    ):
        rows += [(f"{kind}: {what}", column, reading(row[column], kind)) for column, what in occurrences]
    rows.append(
        (
            f"censoring: {in_words(endpoint.censored_at)}",
            endpoint.censored_at,
            "not known"
            if pd.isna(row[endpoint.censored_at])
            else reading(row[endpoint.censored_at], "known to be without an event until then"),
        )
    )
    said = [(step, iso(row[column]), meaning) for step, column, meaning in rows]
    if last_day is not None:
        said.append(("data cutoff", iso(last_day), "nothing later is seen"))
    if result.empty:
        said.append(("result", "none", f"left out: {result.attrs['left_out'][patient]}"))
    else:
        end = result.iloc[0]
        outcome = "censored at" if end["CNSR"] else "event:"
        since = f" (at risk from day {end['ENTRY']:g})" if entry is not None else ""
        said.append(("result", iso(end["ADT"]), f"{outcome} {end['EVNTDESC']}, day {end['AVAL']:g}{since}"))
    return pd.DataFrame(said, columns=["step", "date", "reading"])
