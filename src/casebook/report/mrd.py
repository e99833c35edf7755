"""MRD: the readings of a case in order, their fall as bounds, and the response they prove.

Levels are percent of cells (MRD) or as printed (fusion genes); falls are in log10.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import pandas as pd

from casebook.bounds import Answer, Bounds
from casebook.errors import CasebookError
from casebook.report import wording
from casebook.report.record import Record

THRESHOLD_PERCENT = 0.01
"""The level that separates MRD response from failure, and the sensitivity a negative reading needs."""


class Response(enum.Enum):
    """MRD response after treatment, in the terms of blinatumomab's trials.

    ``COMPLETE``: negative, by an assay with a sensitivity of at least 0.01%. ``FAILURE``: 0.01% or more.
    ``INTERMEDIATE``: everything else (positive below 0.01%, positive and not quantifiable, or negative by an assay
    of insufficient or unstated sensitivity).
    """

    COMPLETE = "MRD-CR"
    INTERMEDIATE = "MRD intermediate"
    FAILURE = "MRD failure"


def readings(
    record: Record,
    case: str,
    analyte: str | None = None,
    *,
    phrases: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The readings of a case in the order that the chronology proves, ties in the order of the text.

    Parameters
    ----------
    analyte
        ``MRD`` or a fusion gene; all if None.
    phrases
        Readings of ambiguous phrases to use instead of the adopted ones.

    Returns
    -------
    pandas.DataFrame
        Rows of ``measurements`` (index ``id``), with ``bounds`` in percent.
    """
    rows = record.measurements[record.measurements["case"] == case]
    if analyte is not None:
        rows = rows[rows["analyte"] == analyte]
        if rows.empty:
            known = record.measurements.loc[record.measurements["case"] == case, "analyte"].unique()
            raise CasebookError(f"{case} has no reading of {analyte!r}; it has {', '.join(known)}")
    chosen = dict(phrases or {})
    tables = (record.intervals, record.measurements)
    for phrase, reading in chosen.items():
        if not any(
            ((table["case"] == case) & (table["phrase"] == phrase) & (table["reading"] == reading)).any()
            for table in tables
        ):
            raise CasebookError(f"{case} has no reading {reading!r} of the phrase {phrase!r}")
    rows = rows[record.used(rows, chosen)]
    here = record.intervals.loc[record.intervals["case"] == case, "phrase"].unique()
    order = record.chronology(case, {p: r for p, r in chosen.items() if p in here}).order(
        rows["event"].unique()
    )
    return rows.sort_values("event", key=lambda events: events.map(order.index), kind="stable")


def reduction(before: Bounds, after: Bounds) -> Bounds:
    """Fall from ``before`` to ``after`` (both in the same unit) in log10.

    To a level of which only an upper limit is known, the fall has only a lower one.
    """
    return before.log10() - after.log10()


def fall_text(fall: Bounds) -> str:
    """A fall of MRD in log10 in words; a level that may have risen has no proven fall."""
    return fall.text(digits=2) if fall.lower > 0 else "not proven"


def possible_responses(
    level: Bounds, *, negative: bool | None, sensitivity: float | None
) -> tuple[Response, ...]:
    """The responses that a reading leaves possible.

    Parameters
    ----------
    level
        Percent.
    negative
        Whether the reading was negative (no residual cell found); None if not said, as in ``< 0.01%``. A negative
        reading is no failure, however high the limit below which it leaves the level.
    sensitivity
        The assay's sensitivity in percent; None if not printed.
    """
    possible = set()
    above = level >= THRESHOLD_PERCENT
    if above is Answer.YES or (above is Answer.CANNOT_TELL and not negative):
        possible.add(Response.FAILURE)
    if above is not Answer.YES:
        enough = None if sensitivity is None else sensitivity <= THRESHOLD_PERCENT
        if negative is not False and enough is not False:
            possible.add(Response.COMPLETE)
        if not (negative and enough):
            possible.add(Response.INTERMEDIATE)
    return tuple(response for response in Response if response in possible)


def around_blinatumomab(record: Record, case: str, analyte: str = "MRD") -> pd.Series:
    """The last reading before the infusion, the first after its start, the fall and the response.

    Index: ``before_id``, ``before``, ``before_printed``, ``after_id``, ``after``, ``after_printed`` (levels in
    percent), ``reduction`` (log10) and ``responses`` (all that the reading leaves possible).
    """
    rows = readings(record, case, analyte)
    days = record.chronology(case)
    start = record.event(case, "infusion_start")
    certainly_before = rows[[(days.between(event, start) >= 0) is Answer.YES for event in rows["event"]]]
    certainly_after = rows[[(days.between(start, event) > 0) is Answer.YES for event in rows["event"]]]
    if certainly_before.empty or certainly_after.empty:
        raise CasebookError(f"{case} has no reading of {analyte} on both sides of the infusion")
    before, after = certainly_before.iloc[-1], certainly_after.iloc[0]
    sensitivity = (
        None
        if pd.isna(after["sensitivity_printed"])
        else wording.value(after["sensitivity_printed"], "value", 0, 0).upper
    )
    # Where "negative" may say no more than "below 1%", it does not say that no residual cell was found.
    negative = after["wording"] == "negative" and (after["bounds"] < THRESHOLD_PERCENT) is Answer.YES
    return pd.Series(
        {
            "before_id": before.name,
            "before": before["bounds"],
            "before_printed": before["printed"],
            "after_id": after.name,
            "after": after["bounds"],
            "after_printed": after["printed"],
            "reduction": reduction(before["bounds"], after["bounds"]),
            "responses": possible_responses(
                after["bounds"],
                negative=True if negative else None,
                sensitivity=sensitivity,
            ),
        },
        name=case,
    )
