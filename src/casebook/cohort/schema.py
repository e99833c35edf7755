"""The schema of a cohort's tables: one pandera schema per file, and the rules that tie rows to their patient.

What a column means, its unit, what is allowed in it and which rules it keeps stand here and nowhere else: the data
dictionary is generated from this module (:mod:`casebook.cohort.dictionary`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from pandera.pandas import Check

from casebook.columns import (
    IDS,
    PERCENT,
    WHOLE,
    date,
    key,
    needs,
    not_after,
    number,
    of_kind,
    one_of,
    table,
    text,
    yes_or_no,
)

SEXES = ("female", "male")
RISK_GROUPS = ("low", "standard", "intermediate", "high", "very high")
DONORS = ("mother", "father", "brother", "sister", "other relative", "unrelated", "cord blood")
INDICATIONS = (
    "persistent MRD", "MRD relapse", "first relapse", "later relapse", "refractory", "intolerance", "consolidation",
)  # fmt: skip
METHODS = (
    "flow cytometry", "qPCR of immunoglobulin or T-cell receptor genes", "RT-qPCR of the fusion gene", "digital PCR",
    "sequencing",
)  # fmt: skip
RESULTS = ("positive", "negative", "not quantifiable")
"""``not quantifiable`` is positive, and below what can be measured."""

CTCAE_VERSIONS = ("3.0", "4.0", "4.03", "5.0")
FATAL = 5
"""The CTCAE grade of an adverse event that led to death."""

DAYS_A_YEAR = 365.25
MRD = "MRD"
"""The ``analyte`` of readings of minimal (measurable) residual disease; a fusion gene goes by its name."""


def _shared_out_of_typed(cells: pd.Series) -> pd.Series:
    shared, typed = (cells.str.extract(r"^(\d+)/(\d+)\Z")[side].astype("float64") for side in (0, 1))
    return (shared <= typed) & (typed > 0)


def _age_agrees(frame: pd.DataFrame) -> pd.Series:
    # An age in completed years is up to a year below the exact one; a rounded one may also be half a year above.
    exact = (frame["blinatumomab_start"] - frame["birth_date"]).dt.days / DAYS_A_YEAR
    above = exact - frame["age_years"]
    return above.isna() | above.between(-0.51, 1.01)


_BEFORE_THE_END = (
    "birth_date", "diagnosis_date", "blinatumomab_start", "blinatumomab_end", "hsct_date", "relapse_date",
)  # fmt: skip
_ORDER = (
    *(("birth_date", later) for later in _BEFORE_THE_END[1:]),
    *(("diagnosis_date", later) for later in _BEFORE_THE_END[2:]),
    ("blinatumomab_start", "blinatumomab_end"),
    ("blinatumomab_start", "relapse_date"),
    *((column, "death_date") for column in (*_BEFORE_THE_END, "last_contact_date")),
    *((column, "last_contact_date") for column in (*_BEFORE_THE_END, "death_date")),
)

PATIENTS = table(
    {
        "id": key("Pseudonym of the patient; never a name, a hospital number or a date of birth"),
        "sex": one_of(*SEXES, required=False, description="Sex"),
        "birth_date": date(description="Day of birth; leave empty where only the age may be known"),
        "age_years": number(
            Check.in_range(0, 120, error="an age from 0 to 120"),
            unit="years",
            description="Age on the first day of blinatumomab, completed or with decimals",
        ),
        "diagnosis_date": date(description="Day of the first diagnosis of the leukaemia"),
        "blinatumomab_start": date(description="First day of the first infusion of blinatumomab"),
        "blinatumomab_end": date(description="Last day of the last infusion of blinatumomab"),
        "hsct_date": date(description="Day of the first haematopoietic stem cell transplantation (day 0)"),
        "relapse_date": date(
            description="Day of the first relapse after blinatumomab began (without blinatumomab: after diagnosis). "
            "A relapse that led to blinatumomab is its indication, and is not entered here"
        ),
        "death_date": date(description="Day of death from any cause"),
        "last_contact_date": date(
            description="Last day on which it is known whether the patient lived and had relapsed; after a death "
            "empty, or the day of death"
        ),
        "risk_group": one_of(
            *RISK_GROUPS, required=False, description="Risk group of the protocol at diagnosis"
        ),
        "genetics": text(required=False, description="Fusion gene or other defining lesion of the leukaemia"),
        "donor": one_of(*DONORS, required=False, description="Who gave the graft"),
        "match": text(
            Check(
                _shared_out_of_typed,
                error="HLA alleles or antigens shared out of those typed, such as 5/10",
            ),
            required=False,
            description="HLA alleles or antigens that donor and patient share, out of those typed",
        ),
        "indication": one_of(*INDICATIONS, required=False, description="Why blinatumomab was given"),
        "note": text(required=False, description="What a reader of the row must know"),
    },
    *(not_after(first, second) for first, second in _ORDER),
    Check(
        lambda frame: frame["last_contact_date"].notna() | frame["death_date"].notna(),
        error="last_contact_date or death_date",
        ignore_na=False,
    ),
    Check(
        _age_agrees,
        error="age_years within a year of what birth_date and blinatumomab_start give",
        ignore_na=False,
    ),
    description="One row is a patient.",
)

ABOVE_0 = Check.gt(0, error="above 0")

ASSESSMENTS = table(
    {
        "id": key("Id of the reading"),
        "patient": text(IDS, description="Id of the patient"),
        "date": date(description="Day on which the sample was taken"),
        "visit": text(
            required=False, description="What the day is called, such as day 19 or before blinatumomab"
        ),
        "analyte": text(description="MRD, or the name of the fusion gene that was measured"),
        "method": one_of(*METHODS, required=False, description="Method of the reading"),
        "value": number(
            PERCENT,
            unit="percent",
            description="The level found: MRD as a share of the nucleated cells, a fusion gene of the control gene",
        ),
        "result": one_of(
            *RESULTS,
            description="Whether leukaemia was found; not quantifiable is positive below what can be measured",
        ),
        "detection_limit": number(
            PERCENT,
            ABOVE_0,
            unit="percent",
            description="The lowest level that the method finds, as the laboratory states it for every sample",
        ),
        "sensitivity": number(
            PERCENT,
            ABOVE_0,
            unit="percent",
            description="The lowest level that would have been found in this sample: what a negative reading excludes",
        ),
        "note": text(required=False, description="What a reader of the row must know"),
    },
    Check(
        lambda frame: frame["date"].notna() | frame["visit"].notna(),
        error="date or visit",
        ignore_na=False,
    ),
    of_kind(("positive",), "value", "result"),
    of_kind(("negative",), "sensitivity", "result"),
    Check(
        lambda frame: ~(frame["result"].eq("positive") & (frame["value"] <= 0)),
        error="value above 0 with the result positive",
        ignore_na=False,
    ),
    Check(
        lambda frame: ~(frame["result"].eq("positive") & (frame["value"] < frame["detection_limit"])),
        error="value not below detection_limit with the result positive",
        ignore_na=False,
    ),
    Check(
        lambda frame: ~(frame["result"].eq("negative") & (frame["value"] >= frame["sensitivity"])),
        error="value below sensitivity with the result negative",
        ignore_na=False,
    ),
    Check(
        lambda frame: ~(frame["result"].eq("not quantifiable") & frame["value"].notna()),
        error="no value with the result not quantifiable",
        ignore_na=False,
    ),
    description="One row is a reading of one analyte in one sample.",
)

ADVERSE_EVENTS = table(
    {
        "id": key("Id of the adverse event"),
        "patient": text(IDS, description="Id of the patient"),
        "term": text(description="The adverse event, by its CTCAE term"),
        "ctcae_version": one_of(
            *CTCAE_VERSIONS, required=False, description="Version of the CTCAE that it was graded by"
        ),
        "grade": number(
            Check.in_range(1, FATAL, error=f"a CTCAE grade from 1 to {FATAL}"),
            WHOLE,
            description="CTCAE grade: 1 mild, 2 moderate, 3 severe, 4 life-threatening, 5 death",
        ),
        "serious": yes_or_no(
            description="Serious as ICH E2A defines it: death, danger to life, admission or a longer stay, "
            "lasting disability, birth defect, or otherwise medically important"
        ),
        "onset_date": date(description="First day of the adverse event"),
        "resolved_date": date(description="Day on which it was over; empty if it was not, or is not known"),
        "note": text(required=False, description="What a reader of the row must know"),
    },
    not_after("onset_date", "resolved_date"),
    needs("grade", "ctcae_version"),
    Check(
        lambda frame: ~(frame["grade"].eq(FATAL) & frame["serious"].eq(False).fillna(False).astype(bool)),
        error=f"serious yes with the grade {FATAL}",
        ignore_na=False,
    ),
    description="One row is an adverse event. What did not happen has no row.",
)

TABLES = {"patients": PATIENTS, "assessments": ASSESSMENTS, "adverse_events": ADVERSE_EVENTS}


OF_PATIENT = "an id of patients.csv"
"""What the column ``patient`` of the other tables holds."""


class Rule(NamedTuple):
    """A rule of a row and its patient: on the row with the patient's dates beside it."""

    broken: Callable[[pd.DataFrame], pd.Series]
    columns: tuple[str, ...]
    """The columns it looks at, its own first."""
    expected: str


PATIENT_DATES = ("birth_date", "diagnosis_date", "death_date", "last_contact_date")
"""What the rules of :data:`ACROSS` see of the patient."""


def _in_order(first: str, second: str) -> Rule:
    own, other = (second, first) if first in PATIENT_DATES else (first, second)
    words = f"{first} of the patient" if other == first else first
    after = f"{second} of the patient" if other == second else second
    return Rule(lambda frame: frame[first] > frame[second], (own, other), f"{words} not after {after}")


def _inside_follow_up(column: str) -> tuple[Rule, ...]:
    return (
        _in_order("birth_date", column),
        _in_order("diagnosis_date", column),
        _in_order(column, "death_date"),
        _in_order(column, "last_contact_date"),
    )


ACROSS = {
    "assessments": _inside_follow_up("date"),
    "adverse_events": (
        *_inside_follow_up("onset_date"),
        *_inside_follow_up("resolved_date"),
        Rule(
            lambda frame: frame["grade"].eq(FATAL) & frame["death_date"].isna(),
            ("grade", "death_date"),
            f"death_date of the patient with the grade {FATAL}",
        ),
    ),
}
"""Rules that tie rows to their patient, by table."""
