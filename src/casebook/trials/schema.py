"""The schema of the tables in ``data/trials/``: one pandera schema per file."""

from __future__ import annotations

import pandas as pd
from pandera.pandas import Check

from casebook.columns import (
    IDS,
    NOT_NEGATIVE,
    WHOLE,
    key,
    needs,
    not_reversed,
    number,
    one_of,
    table,
    text,
)

READ_LEVELS = {
    "full table": "read",
    "part of a table": "read",
    "part of the text": "read",
    "abstract": "abstract",
    "secondary source": "secondary",
}
"""How deeply a number was read, from the most to the least, and the mark that figures give it."""

PERCENT_MEASURES = ("proportion", "Kaplan-Meier %", "cumulative incidence %")
COUNTED = ("proportion", "events per cycle", "as printed")
"""Measures whose printed percentage is a count of a denominator."""

MEASURES = (
    *PERCENT_MEASURES, "count", "event count", "events per cycle", "risk difference", "risk ratio", "odds ratio",
    "hazard ratio", "median", "RMST difference", "pooled proportion", "comparison", "as printed",
)  # fmt: skip
INTERVALS = ("95%", "IQR", "range")

OUTCOMES = {
    "mrd_response": "MRD-negative after treatment",
    "mrd_before_hsct": "MRD-negative before transplant",
    "remission": "complete remission",
    "hsct": "went on to transplant",
    "relapse": "relapse",
    "death": "death from any cause",
    "serious_ae": "serious adverse event",
    "grade3_ae": "adverse event of grade 3 or more",
    "fatal_ae": "fatal adverse event",
    "fever": "fever of any grade",
    "fever_grade3": "fever of grade 3 or more",
    "crs": "cytokine release syndrome",
    "crs_grade3": "cytokine release syndrome, grade 3 or more",
    "neuro_grade3": "neurological event, grade 3 or more",
    "os": "overall survival",
    "efs": "event-free survival",
    "dfs": "disease-free or relapse-free survival",
}
"""Endpoints that studies name differently and mean alike enough to be shown in one row: the key and its words."""

AGES = ("children", "infants", "children and young adults", "adults", "not stated")

PRINTED = Check.str_matches(r"^-?\d{1,9}(\.\d{1,9})?\Z", error="a number as printed, such as 24.1")
PATIENTS_AT_MOST = Check.le(1_000_000, error="at most 1000000")


def _are_percentages(frame: pd.DataFrame) -> pd.Series:
    """Rows of another measure, and those whose numbers are from 0 to 100."""
    numbers = frame[["printed", "ci_lower", "ci_upper"]].apply(pd.to_numeric, errors="coerce")
    fine = numbers.isna() | ((numbers >= 0) & (numbers <= 100))
    return ~frame["measure"].isin({*PERCENT_MEASURES, *COUNTED}) | fine.all(axis=1)


STUDIES = table(
    {
        "study": key(),
        "label": text(),
        "title": text(required=False),
        "registration": text(IDS, required=False),
        "design": text(required=False),
        "population": text(),
        "ages": one_of(*AGES),
        "patients": text(),
        "n": number(NOT_NEGATIVE, WHOLE),
        "reference": text(IDS, required=False),
        "read_level": one_of(*READ_LEVELS),
        "note": text(required=False),
    }
)

RATES = table(
    {
        "id": key(),
        "study": text(IDS),
        "arm": text(),
        "endpoint": text(),
        "outcome": one_of(*OUTCOMES, required=False),
        "definition": text(required=False),
        "time_months": number(NOT_NEGATIVE),
        "events": number(NOT_NEGATIVE, WHOLE, PATIENTS_AT_MOST),
        "denominator": number(Check.ge(1, error="1 or more"), WHOLE, PATIENTS_AT_MOST),
        "printed": text(PRINTED, required=False),
        "ci_lower": number(),
        "ci_upper": number(),
        "interval": one_of(*INTERVALS, required=False),
        "measure": one_of(*MEASURES),
        "source": text(),
        "source_url": text(IDS, required=False),
        "read_level": one_of(*READ_LEVELS),
        "read_detail": text(required=False),
        "note": text(required=False),
    },
    not_reversed("events", "denominator"),
    not_reversed("ci_lower", "ci_upper"),
    needs("ci_lower", "interval"),
    needs("ci_upper", "interval"),
    Check(
        _are_percentages,
        error="printed ci_lower ci_upper from 0 to 100, as the measure is a percentage",
        ignore_na=False,
    ),
)

POOLS = table(
    {
        "id": key(),
        "pool": one_of("mrd_response", "crs", "crs_grade3"),
        "rate": text(IDS),
        "note": text(required=False),
    }
)

DISAGREEMENTS = table(
    {
        "id": key(),
        "kind": one_of("arithmetic", "definition", "data cut", "denominator", "direction"),
        "found_by": one_of("percentages", "read"),
        "rates": text(),
        "title": text(),
        "reading": text(),
        "effect": text(),
    }
)

PATIENTS = table(
    {
        "id": key(),
        "study": text(IDS),
        "age_years": number(NOT_NEGATIVE),
        "sex": one_of("boy", "girl"),
        "disease": text(),
        "donor": text(),
        "conditioning": text(),
        "mrd_before_hsct": text(),
        "days": number(NOT_NEGATIVE, WHOLE),
        "relapse": one_of("yes", "no"),
        "death": one_of("yes", "no"),
        "status": text(),
        "source": text(),
        "source_url": text(IDS, required=False),
        "read_level": one_of(*READ_LEVELS),
    },
)

TABLES = {
    "studies": STUDIES,
    "rates": RATES,
    "pools": POOLS,
    "disagreements": DISAGREEMENTS,
    "patients": PATIENTS,
}
