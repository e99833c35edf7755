"""The schema of the tables in ``data/report/``: one pandera schema per file."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pandera.pandas as pa
from pandera.pandas import Check, Column

from casebook.report import wording

# \Z, as $ would let a line break pass.
CASE = Check.str_matches(r"^(c[0-9]+|all)\Z", error="a case id such as c1, or all")
IDS = Check.str_matches(r"^\S+\Z", error="an id without spaces")
NOT_NEGATIVE = Check.ge(0, error="0 or more")
WHOLE = Check(lambda cells: cells % 1 == 0, error="a whole number")
PERCENT = Check.in_range(0, 100, error="a percentage from 0 to 100")
STRETCHES = ("tight", "adopted", "loose")

EVENTS = (
    "birth", "diagnosis", "treatment_start", "block_start", "block_end", "maintenance_start",
    "maintenance_end", "marrow", "marrow_period", "relapse", "infusion_start", "infusion_end", "hsct", "last_follow_up",
    "window_start", "window_end",
)  # fmt: skip
UNITS = ("days", "weeks", "months")
ANALYTES = ("MRD", "CSF", "morphology", "fusion gene")
"""What is measured in any case; a case's own fusion gene goes by its name."""


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


def _together(*columns: str) -> Check:
    return Check(
        lambda frame: frame[list(columns)].notna().sum(axis=1).isin([0, len(columns)]),
        error=f"{' and '.join(columns)} or none of them",
        ignore_na=False,
    )


def _needs(column: str, needed: str) -> Check:
    return Check(
        lambda frame: frame[column].isna() | frame[needed].notna(),
        error=f"{needed} beside {column}",
        ignore_na=False,
    )


def _of_kind(kinds: tuple[str, ...], needed: str) -> Check:
    return Check(
        lambda frame: ~frame["kind"].isin(kinds) | frame[needed].notna(),
        error=f"{needed} with the kind {' or '.join(kinds)}",
        ignore_na=False,
    )


def _of_row(agrees: Callable[[pd.Series], bool], error: str) -> Check:
    return Check(
        lambda frame: pd.Series([agrees(row) for _, row in frame.iterrows()], frame.index, dtype=bool),
        error=error,
        ignore_na=False,
    )


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


def _table(columns: dict[str, Column], *checks: Check) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, checks=list(checks))


CASES = _table(
    {
        "id": Column(object, Check.str_matches(r"^c[0-9]+\Z", error="a case id such as c1"), unique=True),
        "label": _text(),
        "sex": _one_of("boy", "girl"),
        "age_printed": _text(),
        "age_months_lower": _number(NOT_NEGATIVE, WHOLE),
        "age_months_upper": _number(NOT_NEGATIVE, WHOLE),
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
    {
        "id": _key(),
        "of": _one_of(*wording.COLUMNS),
        "example": _text(),
        "meaning": _text(),
        "unit": _text(),
    }
    | {
        f"{side}_{stretch}": _number(
            Check.in_range(0, wording.MOST_DAYS, error=f"a number from 0 to {wording.MOST_DAYS}")
        )
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
    _needs("date_printed", "wording"),
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
INTERVALS = _table(
    {
        "id": _key(),
        "case": _text(CASE),
        "from_event": _text(),
        "to_event": _text(),
        "quantity": _number(NOT_NEGATIVE),
        "unit": _one_of(*UNITS, required=False),
        "wording": _text(required=False),
        "min_days": _number(DAYS, WHOLE),
        "max_days": _number(DAYS, WHOLE),
        "printed": _text(),
        "source": _text(),
        "phrase": _text(IDS, required=False),
        "reading": _text(IDS, required=False),
        "adopted": Column("boolean"),
        "reads_as": _text(required=False),
    },
    _not_reversed("min_days", "max_days"),
    _needs("quantity", "unit"),
    _needs("quantity", "wording"),
    _of_row(_quantity_is_printed, "quantity among the numbers of printed"),
    _together("phrase", "reading"),
    ADOPTED,
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
        "lower": _number(PERCENT),
        "upper": _number(PERCENT),
        "unit": _one_of("percent", required=False),
        "sensitivity_printed": _text(
            Check.str_matches(wording.PRINTED_VALUE.pattern, error="a percentage such as 0.01%"),
            required=False,
        ),
        "phrase": _text(IDS, required=False),
        "reading": _text(IDS, required=False),
        "adopted": Column("boolean"),
        "source": _text(),
        "note": _text(required=False),
    },
    _not_reversed("lower", "upper"),
    _of_row(_percentage_is_read, "wording for the percentage in printed"),
    _together("phrase", "reading"),
    ADOPTED,
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
        "dose_lower": _number(NOT_NEGATIVE),
        "dose_upper": _number(NOT_NEGATIVE),
        "dose_unit": _one_of("ug/m2/day", "mg/m2/day", required=False),
        "start_event": _text(),
        "end_event": _text(required=False),
        "source": _text(),
        "note": _text(required=False),
    },
    _not_reversed("dose_lower", "dose_upper"),
    _together("dose_lower", "dose_upper", "dose_unit"),
    _of_row(_dose_is_printed, "dose_lower equal to the first number of dose_printed"),
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
        "grade_lower": _number(GRADE, WHOLE),
        "grade_upper": _number(GRADE, WHOLE),
        "serious": Column("boolean"),
        "period": _text(required=False),
        "printed": _text(),
        "source": _text(),
        "note": _text(required=False),
    },
    _not_reversed("grade_lower", "grade_upper"),
    _together("grade_lower", "grade_upper"),
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
    _of_kind(("range",), "lower"),
    _of_kind(("limit",), "upper"),
    _of_kind(("range", "no_response"), "analyte"),
    _of_kind(("range", "no_response"), "event"),
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
