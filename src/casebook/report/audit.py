"""Audit: rules that find statements which cannot be, or which contradict another.

Each rule is one small function that takes a :class:`~casebook.report.record.Record` and gives findings. What only a
reader can see is in ``discrepancies.csv`` with ``found_by`` = ``read``, also that a phrase has two readings: a person wrote them
down. Where a rule finds a part and a reader the rest, ``found_by`` names both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from casebook.bounds import Answer, Bounds
from casebook.errors import ChronologyError
from casebook.report import wording
from casebook.report.mrd import reduction
from casebook.report.record import STUDY, Record

READ = "read"
"""``found_by`` of a discrepancy that no rule finds."""

LABELLED_UG_PER_M2_DAY = Bounds(5, 28)
"""Blinatumomab's labelled daily doses, as the range this rule uses; not checked against the label itself."""

ORDER_OF_MAGNITUDE = 10
CLEAR_FALL_LOG10 = 1.0


@dataclass(frozen=True)
class Finding:
    """What a rule found: the ids of the statements (or cases) concerned, and what is wrong with them."""

    rule: str
    statements: frozenset[str]
    message: str


def impossible_dates(record: Record) -> Iterator[Finding]:
    """Printed days that the calendar does not have."""
    dated = record.events[record.events["date_printed"].notna() & (record.events["wording"] != "month")]
    for row in dated.itertuples():
        if wording.real_date(row.date_printed) is None:
            yield _finding(impossible_dates, [row.Index], f"{row.date_printed} is not a calendar date")


def outside_window(record: Record) -> Iterator[Finding]:
    """Treatments that certainly lie outside the stated study window."""
    window = record.events[record.events["case"] == STUDY]
    opens = window[window["event"] == "window_start"].iloc[0]
    closes = window[window["event"] == "window_end"].iloc[0]
    outside = []
    for case in _consistent(record):
        days = record.chronology(case)
        treatments = record.events[
            (record.events["case"] == case)
            & record.events["event"].isin(["infusion_start", "infusion_end", "hsct"])
        ]
        outside += [
            event
            for event in treatments.index
            if (days.day(event) < opens["bounds"]) is Answer.YES
            or (days.day(event) > closes["bounds"]) is Answer.YES
        ]
    if outside:
        message = f"{len(outside)} treatment days lie outside {opens.date_printed} to {closes.date_printed}"
        yield _finding(outside_window, [opens.name, closes.name, *outside], message)


def order_against_dates(record: Record) -> Iterator[Finding]:
    """Dates, days and order, as they are read, that cannot all hold."""
    for case in record.cases.index:
        try:
            record.chronology(case)
        except ChronologyError as error:
            message = f"{record.cases.at[case, 'label']}: dates, days and order contradict each other"
            yield _finding(order_against_dates, error.statements, message)


def contradicting_readings(record: Record) -> Iterator[Finding]:
    """Readings of a phrase that contradict the dates, days and order that are printed elsewhere."""
    for case in _consistent(record):
        for row in record.phrases(case).itertuples():
            try:
                record.chronology(case, {row.phrase: row.reading})
            except ChronologyError as error:
                message = f"read as: {row.reads_as}, it contradicts the other statements"
                yield _finding(contradicting_readings, error.statements, message)


def dose_magnitudes(record: Record) -> Iterator[Finding]:
    """Doses of blinatumomab more than ten times below or above the labelled range."""
    rows = record.treatments[
        (record.treatments["block"] == "blinatumomab") & record.treatments["dose_lower"].notna()
    ]
    factor = rows["dose_unit"].map({"ug/m2/day": 1, "mg/m2/day": 1000})
    allowed = Bounds(
        LABELLED_UG_PER_M2_DAY.lower / ORDER_OF_MAGNITUDE, LABELLED_UG_PER_M2_DAY.upper * ORDER_OF_MAGNITUDE
    )
    wrong = [
        row.Index
        for row, times in zip(rows.itertuples(), factor, strict=True)
        if allowed.meet(Bounds(row.dose_lower * times, row.dose_upper * times)) is None
    ]
    if wrong:
        message = f"{', '.join(rows.loc[wrong, 'dose_printed'])} is far from the labelled range"
        yield _finding(dose_magnitudes, rows.index, message)


def values_outside_ranges(record: Record) -> Iterator[Finding]:
    """Readings that certainly lie outside the range that the text states for them elsewhere."""
    for claim in record.claims[record.claims["kind"] == "range"].itertuples():
        stated = Bounds(
            claim.lower, float("inf") if pd.isna(claim.upper) else claim.upper, upper_closed=False
        )
        for case in claim.cases.split():
            rows = _measured(record, case, claim.analyte, claim.event)
            for row in rows.itertuples():
                if stated.meet(row.bounds) is None:
                    message = f"{row.printed} lies outside {claim.printed}"
                    yield _finding(values_outside_ranges, [claim.Index, row.Index], message)


def claims_without_readings(record: Record) -> Iterator[Finding]:
    """Statements about a fusion gene of children for whom the case presentation prints no reading of one."""
    claims = record.claims[record.claims["analyte"] == "fusion gene"]
    for claim in claims.itertuples():
        bare = []
        for case in claim.cases.split():
            own = record.measurements[
                (record.measurements["case"] == case) & ~record.measurements["analyte"].isin(["MRD", "CSF"])
            ]
            if not own["source"].str.contains(r"Case presentation, case \d").any():
                bare.append(case)
        if bare:
            labels = ", ".join(record.cases.loc[bare, "label"])
            yield _finding(
                claims_without_readings, [claim.Index, *bare], f"no fusion gene reading of {labels}"
            )


def wide_negatives(record: Record) -> Iterator[Finding]:
    """Limits for "undetectable" that lie above the sensitivity which the text itself names."""
    for wide, narrow in combinations(record.claims[record.claims["kind"] == "limit"].itertuples(), 2):
        if wide.upper != narrow.upper:
            message = f"{wide.printed} is not {narrow.printed}"
            yield _finding(wide_negatives, [wide.Index, narrow.Index], message)


def denied_responses(record: Record) -> Iterator[Finding]:
    """Statements of no response where the printed readings fell by at least one log10 before blinatumomab."""
    for claim in record.claims[record.claims["kind"] == "no_response"].itertuples():
        first = _measured(record, claim.cases, claim.analyte, claim.event).iloc[0]
        last = _measured(record, claim.cases, claim.analyte, "marrow-before").iloc[0]
        fall = reduction(first["bounds"], last["bounds"])
        if (fall >= CLEAR_FALL_LOG10) is Answer.YES:
            message = f"{claim.printed}, yet {first['printed']} fell to {last['printed']}"
            yield _finding(denied_responses, [claim.Index, first.name, last.name], message)


def absences_with_events(record: Record) -> Iterator[Finding]:
    """Children said to have had no adverse reaction, and an adverse event."""
    for case, rows in record.adverse_events.groupby("case"):
        none = rows[~rows["present"].astype(bool) & rows["term"].eq("any adverse reaction")]
        some = rows[rows["present"].astype(bool)]
        if len(none) and len(some):
            label = record.cases.at[case, "label"]
            message = f"{label}: {none['printed'].iloc[0]}, and {some['printed'].iloc[0]}"
            yield _finding(absences_with_events, [*none.index, *some.index], message)


def differing_agents(record: Record) -> Iterator[Finding]:
    """Regimens that the text spells out differently in two places."""
    for regimen, rows in record.regimens.groupby("regimen"):
        if rows["agents"].nunique() > 1:
            message = f"{regimen} is spelt out in {rows['agents'].nunique()} ways"
            yield _finding(differing_agents, rows.index, message)


RULES: tuple[Callable[[Record], Iterator[Finding]], ...] = (
    impossible_dates,
    outside_window,
    order_against_dates,
    contradicting_readings,
    dose_magnitudes,
    values_outside_ranges,
    claims_without_readings,
    wide_negatives,
    denied_responses,
    absences_with_events,
    differing_agents,
)


def audit(record: Record) -> list[Finding]:
    """All findings of all rules, in the order of the rules."""
    return [finding for rule in RULES for finding in rule(record)]


def unexplained(record: Record, findings: list[Finding]) -> tuple[list[Finding], list[str]]:
    """Where the findings and ``discrepancies.csv`` do not agree.

    Returns the findings that no discrepancy covers, and the ids of the discrepancies that name a rule which found
    none of their statements, or hold a statement that neither a rule they name found nor a reader. Both empty: the
    two agree.
    """
    left = list(findings)
    wrong = []
    for row in record.discrepancies.itertuples():
        found_by, ids = set(row.found_by.split()), set(row.statements.split())
        own = [finding for finding in findings if finding.rule in found_by and finding.statements <= ids]
        left = [finding for finding in left if finding not in own]
        unfound = ids.difference(*(finding.statements for finding in own))
        if {finding.rule for finding in own} != found_by - {READ} or (unfound and READ not in found_by):
            wrong.append(row.Index)
    return left, wrong


def unlisted_phrases(record: Record) -> list[str]:
    """Phrases with more than one reading of which no discrepancy tells."""
    listed = {name for statements in record.discrepancies["statements"] for name in statements.split()}
    phrases = pd.concat([record.intervals["phrase"], record.measurements["phrase"]]).dropna()
    return sorted({phrase for name, phrase in phrases.items() if name not in listed})


def _measured(record: Record, case: str, analyte: str, event: str) -> pd.DataFrame:
    rows = record.measurements
    return rows[(rows["case"] == case) & (rows["analyte"] == analyte) & (rows["event"] == f"{case}-{event}")]


def _consistent(record: Record) -> list[str]:
    """The cases whose statements do not contradict each other; :func:`order_against_dates` tells of the others."""
    contradicting = {name for finding in order_against_dates(record) for name in finding.statements}
    return [
        case for case in record.cases.index if not any(name.startswith(f"{case}-") for name in contradicting)
    ]


def _finding(rule: Callable, statements: object, message: str) -> Finding:
    return Finding(rule.__name__, frozenset(statements), message)
