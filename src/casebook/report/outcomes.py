"""Outcomes: the children counted, each as having had it, not having had it, or as the text leaves it."""

from __future__ import annotations

import pandas as pd

from casebook.bounds import Answer, Bounds
from casebook.report import mrd
from casebook.report.record import Record

SEVERE = 3
"""The CTCAE grade from which an adverse event counts as severe."""


def counted(record: Record) -> pd.DataFrame:
    """How many of the children had what trials count, and the rows that say so.

    Returns
    -------
    Indexed by outcome (the keys that the published rates use, see ``data/trials/README.md``): ``events`` as
    :class:`~casebook.bounds.Bounds` (children), ``n`` (children), ``statements`` (ids, separated by spaces). An outcome is
    certain in a child only if a row says that it occurred, and excluded only if the rows leave no room for it.
    """
    cases = list(record.cases.index)
    events = record.adverse_events
    present = events[events["present"].astype(bool)]
    around = {case: mrd.around_blinatumomab(record, case) for case in cases}
    answers = {
        "serious_ae": {case: _denied(events, case, present) for case in cases},
        "grade3_ae": {case: _severe(present[present["case"] == case]) for case in cases},
        "fever": {case: _has(present, case, "fever") for case in cases},
        "mrd_response": {case: around[case]["after"] < mrd.THRESHOLD_PERCENT for case in cases},
        "hsct": {
            case: Answer.YES if record.event(case, "hsct", missing_ok=True) else Answer.NO for case in cases
        },
    }
    serious = events.index[events["serious"].astype(bool)]
    statements = {
        "serious_ae": serious,
        "grade3_ae": present.index.union(serious, sort=False),
        "fever": present.index[present["term"] == "fever"],
        "mrd_response": [around[case]["after_id"] for case in cases],
        "hsct": [record.event(case, "hsct") for case in cases if answers["hsct"][case] is Answer.YES],
    }
    return pd.DataFrame(
        {
            "events": {outcome: _count(list(found.values())) for outcome, found in answers.items()},
            "n": len(cases),
            "statements": {outcome: " ".join(ids) for outcome, ids in statements.items()},
        }
    )


def _count(answers: list[Answer]) -> Bounds:
    certain = sum(answer is Answer.YES for answer in answers)
    return Bounds(certain, certain + sum(answer is Answer.CANNOT_TELL for answer in answers))


def _has(present: pd.DataFrame, case: str, term: str) -> Answer:
    return Answer.YES if ((present["case"] == case) & (present["term"] == term)).any() else Answer.CANNOT_TELL


def _denied(events: pd.DataFrame, case: str, present: pd.DataFrame) -> Answer:
    """Whether a serious event occurred; only a row that denies it excludes it."""
    serious = events[(events["case"] == case) & events["serious"].astype(bool)]
    if serious.index.isin(present.index).any():
        return Answer.YES
    return Answer.NO if len(serious) else Answer.CANNOT_TELL


def _severe(present: pd.DataFrame) -> Answer:
    """Whether an event of grade 3 or more occurred among those recorded, by the bounds of their grades."""
    grades = [Bounds(row.grade_lower, row.grade_upper) for row in present.itertuples()]
    answers = [grade >= SEVERE for grade in grades]
    if Answer.YES in answers:
        return Answer.YES
    return Answer.CANNOT_TELL if Answer.CANNOT_TELL in answers else Answer.NO
