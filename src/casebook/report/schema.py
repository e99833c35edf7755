"""The schema of the tables in ``data/report/``: one pandera schema per file."""

from __future__ import annotations

import pandas as pd
from pandera.pandas import Check, Column

from casebook.columns import (
    IDS,
    NOT_NEGATIVE,
    PERCENT,
    WHOLE,
    key,
    needs,
    not_reversed,
    number,
    of_kind,
    of_row,
    one_of,
    table,
    text,
    together,
)
from casebook.report import wording

# \Z, as $ would let a line break pass.
CASE = Check.str_matches(r"^(c[0-9]+|all)\Z", error="a case id such as c1, or all")
STRETCHES = ("tight", "adopted", "loose")

EVENTS = (
    "birth", "diagnosis", "treatment_start", "block_start", "block_end", "maintenance_start",
    "maintenance_end", "marrow", "marrow_period", "relapse", "infusion_start", "infusion_end", "hsct", "last_follow_up",
    "window_start", "window_end",
)  # fmt: skip
UNITS = ("days", "weeks", "months")
ANALYTES = ("MRD", "CSF", "morphology", "fusion gene")
"""What is measured in any case; a case's own fusion gene goes by its name."""


def _quantity_is_printed(row: pd.Series) -> bool:
    found = [] if pd.isna(row["printed"]) else wording.numbers(row["printed"])
    return pd.isna(row["quantity"]) or not found or row["quantity"] in found


def _dose_is_printed(row: pd.Series) -> bool:
    found = [] if pd.isna(row["dose_printed"]) else wording.numbers(row["dose_printed"])
    if not found:
        return pd.isna(row["dose_lower"])
    return row["dose_lower"] == found[0] or row["dose_lower"] < row["dose_upper"]


def _percentage_is_read(row: pd.Series) -> bool:
    """A printed value or limit without a wording would bound nothing, and nobody would see it."""
    printed = "" if pd.isna(row["printed"]) else row["printed"]
    is_level = wording.PRINTED_VALUE.match(printed) or wording.PRINTED_LIMIT.search(printed)
    return not is_level or not pd.isna(row["wording"])


CASES = table(
    {
        "id": Column(object, Check.str_matches(r"^c[0-9]+\Z", error="a case id such as c1"), unique=True),
        "label": text(),
        "sex": one_of("boy", "girl"),
        "age_printed": text(),
        "age_months_lower": number(NOT_NEGATIVE, WHOLE),
        "age_months_upper": number(NOT_NEGATIVE, WHOLE),
        "diagnosis": text(),
        "genetics": text(required=False),
        "fusion_gene": text(required=False),
        "protocols": text(),
        "risk_group": text(required=False),
        "donor": text(required=False),
        "hla_match": text(required=False),
        "hla_printed": text(required=False),
        "source": text(),
        "note": text(required=False),
    },
    not_reversed("age_months_lower", "age_months_upper"),
)

CONVENTIONS = table(
    {
        "id": key(),
        "of": one_of(*wording.COLUMNS),
        "example": text(),
        "meaning": text(),
        "unit": text(),
    }
    | {
        f"{side}_{stretch}": number(
            Check.in_range(0, wording.MOST_DAYS, error=f"a number from 0 to {wording.MOST_DAYS}")
        )
        for stretch in STRETCHES
        for side in ("minus", "plus")
    }
    | {"why": text()}
)

EVENT_TABLE = table(
    {
        "id": key(),
        "case": text(CASE),
        "event": one_of(*EVENTS),
        "label": text(),
        "date_printed": text(required=False),
        "wording": text(required=False),
        "earliest": Column("datetime64[ns]", nullable=True),
        "latest": Column("datetime64[ns]", nullable=True),
        "source": text(),
        "note": text(required=False),
    },
    not_reversed("earliest", "latest"),
    needs("date_printed", "wording"),
)

# A row of no phrase that is not adopted would bound nothing, in any reading.
ADOPTED = Check(
    lambda frame: frame["adopted"].fillna(True).astype(bool) | frame["phrase"].notna(),
    error="phrase where adopted is no",
    ignore_na=False,
)
# A quantity and its slack.
DAYS = Check.in_range(
    -2 * wording.MOST_DAYS, 2 * wording.MOST_DAYS, error=f"at most {2 * wording.MOST_DAYS} days"
)
INTERVALS = table(
    {
        "id": key(),
        "case": text(CASE),
        "from_event": text(),
        "to_event": text(),
        "quantity": number(NOT_NEGATIVE),
        "unit": one_of(*UNITS, required=False),
        "wording": text(required=False),
        "min_days": number(DAYS, WHOLE),
        "max_days": number(DAYS, WHOLE),
        "printed": text(),
        "source": text(),
        "phrase": text(IDS, required=False),
        "reading": text(IDS, required=False),
        "adopted": Column("boolean"),
        "reads_as": text(required=False),
    },
    not_reversed("min_days", "max_days"),
    needs("quantity", "unit"),
    needs("quantity", "wording"),
    of_row(_quantity_is_printed, "quantity among the numbers of printed"),
    together("phrase", "reading"),
    ADOPTED,
)

MEASUREMENTS = table(
    {
        "id": key(),
        "case": text(CASE),
        "event": text(),
        "analyte": text(),
        "method": text(required=False),
        "printed": text(),
        "wording": text(required=False),
        "lower": number(PERCENT),
        "upper": number(PERCENT),
        "unit": one_of("percent", required=False),
        "sensitivity_printed": text(
            Check.str_matches(wording.PRINTED_VALUE.pattern, error="a percentage such as 0.01%"),
            required=False,
        ),
        "phrase": text(IDS, required=False),
        "reading": text(IDS, required=False),
        "adopted": Column("boolean"),
        "source": text(),
        "note": text(required=False),
    },
    not_reversed("lower", "upper"),
    of_row(_percentage_is_read, "wording for the percentage in printed"),
    together("phrase", "reading"),
    ADOPTED,
)

TREATMENTS = table(
    {
        "id": key(),
        "case": text(CASE),
        "block": text(),
        "agents": text(required=False),
        "cycles_printed": text(required=False),
        "route": text(required=False),
        "dose_printed": text(required=False),
        "dose_lower": number(NOT_NEGATIVE),
        "dose_upper": number(NOT_NEGATIVE),
        "dose_unit": one_of("ug/m2/day", "mg/m2/day", required=False),
        "start_event": text(),
        "end_event": text(required=False),
        "source": text(),
        "note": text(required=False),
    },
    not_reversed("dose_lower", "dose_upper"),
    together("dose_lower", "dose_upper", "dose_unit"),
    of_row(_dose_is_printed, "dose_lower equal to the first number of dose_printed"),
)

REGIMENS = table({"id": key(), "regimen": text(), "agents": text(), "printed": text(), "source": text()})

GRADE = Check.in_range(1, 5, error="a CTCAE grade from 1 to 5")
ADVERSE_EVENTS = table(
    {
        "id": key(),
        "case": text(CASE),
        "term": text(),
        "present": Column("boolean"),
        "grade_printed": text(required=False),
        "grade_lower": number(GRADE, WHOLE),
        "grade_upper": number(GRADE, WHOLE),
        "serious": Column("boolean"),
        "period": text(required=False),
        "printed": text(),
        "source": text(),
        "note": text(required=False),
    },
    not_reversed("grade_lower", "grade_upper"),
    together("grade_lower", "grade_upper"),
)

CLAIMS = table(
    {
        "id": key(),
        "kind": one_of(
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
        "cases": text(),
        "analyte": text(required=False),
        "event": text(required=False),
        "lower": number(),
        "upper": number(),
        "unit": text(required=False),
        "printed": text(),
        "source": text(),
        "note": text(required=False),
    },
    not_reversed("lower", "upper"),
    of_kind(("range",), "lower"),
    of_kind(("limit",), "upper"),
    of_kind(("range", "no_response"), "analyte"),
    of_kind(("range", "no_response"), "event"),
)

DISCREPANCIES = table(
    {
        "id": key(),
        "kind": one_of("impossible", "contradiction", "unsupported", "ambiguous", "terminology"),
        "found_by": text(),
        "statements": text(),
        "title": text(),
        "sources": text(),
        "reading": text(),
        "effect": text(),
    }
)

NOT_REPORTED = table(
    {"id": key(), "cases": text(), "item": text(), "pointed_to": text(required=False), "effect": text()}
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
