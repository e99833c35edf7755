"""Real data that were analysed before, and what was found in them: what the rest of this room is held against.

Where each came from, under which licence and how it was made is told in ``data/reference/README.md``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import Check, Column

from casebook.columns import IDS, NOT_NEGATIVE, WHOLE, key, not_reversed, number, of_row, one_of, table, text
from casebook.errors import CasebookError, DataError, Problem
from casebook.paths import DATA
from casebook.tables import read


def _known(*checks: Check) -> Column:
    """Numbers without an empty cell."""
    return Column("float64", list(checks))


def _patient() -> Column:
    return Column("float64", [WHOLE], unique=True)


def _days() -> Column:
    return _known(NOT_NEGATIVE, WHOLE)


def _flag() -> Column:
    return Column("boolean")


BMT = table(
    {
        "patient": _patient(),
        "group": one_of("ALL", "AML low risk", "AML high risk"),
        "death_days": _days(),
        "died": _flag(),
        "disease_free_days": _days(),
        "relapsed": _flag(),
        "relapsed_or_died": _flag(),
        "acute_gvhd_days": _days(),
        "acute_gvhd": _flag(),
        "chronic_gvhd_days": _days(),
        "chronic_gvhd": _flag(),
        "platelets_days": _days(),
        "platelets": _flag(),
        "age_years": _days(),
        "donor_age_years": _days(),
        "male": _flag(),
        "donor_male": _flag(),
        "cmv": _flag(),
        "donor_cmv": _flag(),
        "waiting_days": _days(),
        "fab_4_or_5": _flag(),
        "hospital": _known(Check.isin([1, 2, 3, 4], error="1, 2, 3 or 4")),
        "methotrexate": _flag(),
    },
    not_reversed("disease_free_days", "death_days"),
    not_reversed("acute_gvhd_days", "death_days"),
    not_reversed("platelets_days", "death_days"),
    of_row(
        lambda row: row["relapsed_or_died"] == (row["relapsed"] or row["died"]),
        error="relapsed_or_died as relapsed or died",
    ),
)
"""137 transplants of bone marrow in acute leukaemia (Klein and Moeschberger 1997, section 1.3). Times are days from transplant.

``group``; ``death_days`` and ``died``; ``disease_free_days``, the first of relapse, death and the end of the study, with
``relapsed`` and ``relapsed_or_died``; the same for acute and chronic graft-versus-host disease and for the recovery of
platelets; ages in years; ``cmv``, positive for cytomegalovirus; ``waiting_days`` for the transplant; ``fab_4_or_5``, the
grade of an AML; ``hospital`` 1 to 4; ``methotrexate``. Who ``relapsed`` failed of relapse, who ``died`` without it of death
in remission, both after ``disease_free_days``. Chronic graft-versus-host disease is not held against death: see the data card.
"""

STANFORD = table(
    {
        "patient": _patient(),
        "accepted_day": _known(WHOLE),
        "age_days": _days(),
        "surgery": _flag(),
        "transplanted": _flag(),
        "transplant_days": number(NOT_NEGATIVE, WHOLE),
        "end_days": _days(),
        "died": _flag(),
    },
    not_reversed("transplant_days", "end_days"),
    Check(
        lambda frame: frame["transplanted"] == frame["transplant_days"].notna(),
        error="transplant_days where transplanted",
        ignore_na=False,
    ),
)
"""103 patients who waited for a new heart (Crowley and Hu 1977). Times are whole days from acceptance.

``accepted_day`` in days from 1 October 1967; ``age_days`` at acceptance; ``surgery``, an earlier bypass operation;
``transplant_days``, empty for those not ``transplanted``; ``end_days`` and ``died``. The forms in periods that are in use
elsewhere shift these days: the data card says how.
"""

AML = table({"patient": _patient(), "weeks": _days(), "relapsed": _flag(), "maintained": _flag()})
"""23 patients in remission from acute myelogenous leukaemia: ``weeks`` to relapse or end, ``relapsed``, ``maintained``."""

LEUKEMIA = table(
    {
        "patient": _patient(),
        "weeks": _days(),
        "relapsed": _flag(),
        "treatment": one_of("6-MP", "placebo"),
        "log_white_cells": _known(NOT_NEGATIVE),
        "male": _flag(),
    }
)
"""42 patients in remission from acute leukaemia, half on 6-mercaptopurine (Freireich and others 1963; Kleinbaum and Klein).

``weeks`` to relapse or end, ``relapsed``, ``treatment``, ``log_white_cells`` (logarithm of the count), ``male``.
"""

WHAS500 = table({"patient": _patient(), "days": _days(), "died": _flag(), "atrial_fibrillation": _flag()})
"""500 patients admitted with a heart attack (Hosmer, Lemeshow and May 2008): ``days`` from admission to death or end of
follow-up, ``died``, and whether there was ``atrial_fibrillation``.

What others printed was found in years to two decimals, which changes it: ``published`` says of which each number is.
"""

PUBLISHED = table(
    {
        "id": key(),
        "data": one_of("bmt", "stanford", "aml", "leukemia", "whas500"),
        "method": text(),
        "endpoint": text(),
        "group": text(required=False),
        "time": number(NOT_NEGATIVE),
        "quantity": text(),
        "value": _known(),
        "lower": number(),
        "upper": number(),
        "digits": _days(),
        "origin": text(),
    },
    not_reversed("lower", "value"),
    not_reversed("value", "upper"),
)
"""What others printed, or R gives, for these data: ``value`` with its 95% limits, right to half a unit of decimal ``digits``.

``method``, ``endpoint``, ``group`` (or the term of a model) and ``time`` (in the unit of the data, or of the method) say of
what; ``origin`` begins with "R" for what ``make.R`` computed and with "read" for what was printed. An empty limit of a median
is not reached.
"""

BRIDGED = table(
    {
        "id": key(),
        "study": text(IDS),
        "days": _days(),
        "relapse": _flag(),
        "death": _flag(),
        "sources": text(),
        "note": text(required=False),
    }
)
"""Eight published children who were bridged to transplant by blinatumomab, three of the case report and five of one more.

``days`` from transplant to last follow-up; ``relapse`` and ``death``, whether one is reported; ``sources``, the ids of the rows
in ``data/report/`` and ``data/trials/`` that say so; ``note``, what is implied and not stated.
"""

SCHEMAS = {
    "bmt": (BMT, 137),
    "stanford": (STANFORD, 103),
    "aml": (AML, 23),
    "leukemia": (LEUKEMIA, 42),
    "whas500": (WHAS500, 500),
    "published": (PUBLISHED, None),
    "bridged": (BRIDGED, 8),
}
"""The schema of each file, and how many rows it has if that is known for good."""


def load(name: str, directory: Path = DATA / "reference") -> pd.DataFrame:
    """One of the reference tables, checked.

    Parameters
    ----------
    name
        "bmt", "stanford", "aml", "leukemia" or "whas500" (one row a patient), "published" (one row a number) or "bridged"
        (one row a child).
    directory
        Where the CSV files are.

    Returns
    -------
    pandas.DataFrame
        The rows in file order, counted from 0, with the columns that the schema of this name describes (``BMT`` and so on):
        numbers as float64, what is so or not as boolean, an empty cell as a missing value.

    Raises
    ------
    CasebookError
        If there is no table of this name.
    DataError
        If the file is spoiled, with every problem found in it.
    """
    if not isinstance(name, str) or name not in SCHEMAS:
        raise CasebookError(f"found the name {name!r}, expected one of {', '.join(SCHEMAS)}")
    schema, rows = SCHEMAS[name]
    frame = read(directory / f"{name}.csv", schema)
    if rows is not None and len(frame) != rows:
        raise DataError([Problem(f"{name}.csv", None, None, f"{len(frame)} rows", f"{rows}")])
    return frame.reset_index(drop=True)
