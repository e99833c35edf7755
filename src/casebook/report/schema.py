"""The schema of the tables in ``data/report/``: one pandera schema per file."""

from __future__ import annotations

import pandera.pandas as pa
from pandera.pandas import Check, Column

CASE = Check.str_matches(r"^(c\d+|all)$", error="a case id such as c1, or all")
IDS = Check.str_matches(r"^\S+$", error="an id without spaces")
STRETCHES = ("tight", "adopted", "loose")

EVENTS = (
    "birth", "diagnosis", "treatment_start", "block_start", "block_end", "maintenance_start",
    "maintenance_end", "marrow", "marrow_period", "relapse", "infusion_start", "infusion_end", "hsct", "last_follow_up",
    "window_start", "window_end",
)  # fmt: skip
UNITS = ("days", "weeks", "months")


def _key() -> Column:
    return Column(object, IDS, unique=True)


def _text(*checks: Check, required: bool = True) -> Column:
    return Column(object, list(checks), nullable=not required)


def _one_of(*values: str, required: bool = True) -> Column:
    return _text(Check.isin(values, error=f"one of {', '.join(values)}"), required=required)


def _number(*checks: Check) -> Column:
    return Column("float64", list(checks), nullable=True)


def _not_reversed(lower: str, upper: str) -> Check:
    return Check(
        lambda frame: ~(frame[lower] > frame[upper]), error=f"{lower} not above {upper}", ignore_na=False
    )


def _table(columns: dict[str, Column], *checks: Check) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, checks=list(checks))


CASES = _table(
    {
        "id": Column(object, Check.str_matches(r"^c\d+$", error="a case id such as c1"), unique=True),
        "label": _text(),
        "sex": _one_of("boy", "girl"),
        "age_printed": _text(),
        "age_months_lower": _number(Check.ge(0, error="0 or more")),
        "age_months_upper": _number(Check.ge(0, error="0 or more")),
        "diagnosis": _text(),
        "genetics": _text(required=False),
        "fusion_gene": _text(required=False),
        "protocols": _text(),
        "risk_group": _text(required=False),
        "donor": _text(required=False),
        "hla_match": _text(required=False),
        "hla_printed": _text(required=False),
        "source": _text(),
        "note": _text(required=False),
    },
    _not_reversed("age_months_lower", "age_months_upper"),
)

CONVENTIONS = _table(
    {"id": _key(), "example": _text(), "meaning": _text(), "unit": _text()}
    | {
        f"{side}_{stretch}": _number(Check.ge(0, error="0 or more"))
        for stretch in STRETCHES
        for side in ("minus", "plus")
    }
    | {"why": _text()}
)

EVENT_TABLE = _table(
    {
        "id": _key(),
        "case": _text(CASE),
        "event": _one_of(*EVENTS),
        "label": _text(),
        "date_printed": _text(required=False),
        "wording": _text(required=False),
        "earliest": Column("datetime64[ns]", nullable=True),
        "latest": Column("datetime64[ns]", nullable=True),
        "source": _text(),
        "note": _text(required=False),
    },
    _not_reversed("earliest", "latest"),
)

INTERVALS = _table(
    {
        "id": _key(),
        "case": _text(CASE),
        "from_event": _text(),
        "to_event": _text(),
        "quantity": _number(Check.ge(0, error="0 or more")),
        "unit": _one_of(*UNITS, required=False),
        "wording": _text(required=False),
        "min_days": _number(),
        "max_days": _number(),
        "printed": _text(),
        "source": _text(),
        "phrase": _text(IDS, required=False),
        "reading": _text(IDS, required=False),
        "adopted": Column("boolean"),
        "reads_as": _text(required=False),
    },
    _not_reversed("min_days", "max_days"),
)

MEASUREMENTS = _table(
    {
        "id": _key(),
        "case": _text(CASE),
        "event": _text(),
        "analyte": _text(),
        "method": _text(required=False),
        "printed": _text(),
        "wording": _text(required=False),
        "lower": _number(Check.ge(0, error="0 or more")),
        "upper": _number(Check.ge(0, error="0 or more")),
        "unit": _one_of("percent", required=False),
        "sensitivity_printed": _text(required=False),
        "phrase": _text(IDS, required=False),
        "reading": _text(IDS, required=False),
        "adopted": Column("boolean"),
        "source": _text(),
        "note": _text(required=False),
    },
    _not_reversed("lower", "upper"),
)

TREATMENTS = _table(
    {
        "id": _key(),
        "case": _text(CASE),
        "block": _text(),
        "agents": _text(required=False),
        "cycles_printed": _text(required=False),
        "route": _text(required=False),
        "dose_printed": _text(required=False),
        "dose_lower": _number(Check.ge(0, error="0 or more")),
        "dose_upper": _number(Check.ge(0, error="0 or more")),
        "dose_unit": _one_of("ug/m2/day", "mg/m2/day", required=False),
        "start_event": _text(),
        "end_event": _text(required=False),
        "source": _text(),
        "note": _text(required=False),
    },
    _not_reversed("dose_lower", "dose_upper"),
)

REGIMENS = _table(
    {"id": _key(), "regimen": _text(), "agents": _text(), "printed": _text(), "source": _text()}
)

GRADE = Check.in_range(1, 5, error="a CTCAE grade from 1 to 5")
ADVERSE_EVENTS = _table(
    {
        "id": _key(),
        "case": _text(CASE),
        "term": _text(),
        "present": Column("boolean"),
        "grade_printed": _text(required=False),
        "grade_lower": _number(GRADE),
        "grade_upper": _number(GRADE),
        "serious": Column("boolean"),
        "period": _text(required=False),
        "printed": _text(),
        "source": _text(),
        "note": _text(required=False),
    },
    _not_reversed("grade_lower", "grade_upper"),
)

CLAIMS = _table(
    {
        "id": _key(),
        "kind": _one_of(
            "range",
            "negative",
            "reported",
            "limit",
            "no_response",
            "conclusion",
            "approval",
            "remission",
            "risk",
        ),
        "cases": _text(),
        "analyte": _text(required=False),
        "event": _text(required=False),
        "lower": _number(),
        "upper": _number(),
        "unit": _text(required=False),
        "printed": _text(),
        "source": _text(),
        "note": _text(required=False),
    },
    _not_reversed("lower", "upper"),
)

DISCREPANCIES = _table(
    {
        "id": _key(),
        "kind": _one_of("impossible", "contradiction", "unsupported", "ambiguous", "terminology"),
        "found_by": _text(),
        "statements": _text(),
        "title": _text(),
        "sources": _text(),
        "reading": _text(),
        "effect": _text(),
    }
)

NOT_REPORTED = _table(
    {"id": _key(), "cases": _text(), "item": _text(), "pointed_to": _text(required=False), "effect": _text()}
)

TABLES = {
    "cases": CASES,
    "conventions": CONVENTIONS,
    "events": EVENT_TABLE,
    "intervals": INTERVALS,
    "measurements": MEASUREMENTS,
    "treatments": TREATMENTS,
    "regimens": REGIMENS,
    "adverse_events": ADVERSE_EVENTS,
    "claims": CLAIMS,
    "discrepancies": DISCREPANCIES,
    "not_reported": NOT_REPORTED,
}
