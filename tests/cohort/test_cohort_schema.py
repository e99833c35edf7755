"""The rules of a cohort's tables: each is kept by the report's three children, and each refuses what breaks it."""

from __future__ import annotations

import csv
import datetime as dt

import pandas as pd
import pytest

from casebook.cohort import record, schema
from casebook.errors import DataError

# A patient whose whole course is known, a reading and an adverse event: every day lies in its order.
PATIENT = {
    "id": "p1",
    "birth_date": "2015-01-01",
    "age_years": "6",
    "diagnosis_date": "2020-01-01",
    "blinatumomab_start": "2021-01-01",
    "blinatumomab_end": "2021-01-29",
    "hsct_date": "2021-03-01",
    "relapse_date": "2021-06-01",
    "death_date": "2022-01-01",
    "last_contact_date": "2022-01-01",
    "match": "9/10",
}
READING = {
    "id": "m1",
    "patient": "p1",
    "date": "2021-02-01",
    "analyte": "MRD",
    "result": "negative",
    "sensitivity": "0.01",
}
EVENT = {
    "id": "a1",
    "patient": "p1",
    "term": "fever",
    "ctcae_version": "5.0",
    "grade": "2",
    "serious": "no",
    "onset_date": "2021-01-02",
    "resolved_date": "2021-01-03",
}


@pytest.fixture
def problems(tmp_path):
    """Write one row a table, with some cells changed, and give what loading them finds as (file, column, expected)."""

    def found(patients=None, assessments=None, adverse_events=None, **options):
        rows = {
            "patients": PATIENT | (patients or {}),
            "assessments": READING | (assessments or {}),
            "adverse_events": EVENT | (adverse_events or {}),
        }
        for name, row in rows.items():
            with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(schema.TABLES[name].columns), restval="")
                writer.writeheader()
                writer.writerow(row)
        try:
            record.load(tmp_path, **options)
        except DataError as error:
            # Every fault is on the one row below the header.
            return [
                (p.file.rsplit("/")[-1], p.column if p.row == 2 else None, p.expected) for p in error.problems
            ]
        return []

    return found


def test_a_course_whose_days_are_in_order_is_taken(problems):
    assert problems() == []


NO_DATES = {column: "" for column in PATIENT if column.endswith("_date") or column.startswith("blina")}
ORDER = [
    ("birth_date", "diagnosis_date"),
    ("birth_date", "blinatumomab_start"),
    ("birth_date", "blinatumomab_end"),
    ("birth_date", "hsct_date"),
    ("birth_date", "relapse_date"),
    ("diagnosis_date", "blinatumomab_start"),
    ("diagnosis_date", "blinatumomab_end"),
    ("diagnosis_date", "hsct_date"),
    ("diagnosis_date", "relapse_date"),
    ("blinatumomab_start", "blinatumomab_end"),
    ("blinatumomab_start", "relapse_date"),
    *(
        (column, end)
        for end in ("death_date", "last_contact_date")
        for column in (
            "birth_date", "diagnosis_date", "blinatumomab_start", "blinatumomab_end", "hsct_date", "relapse_date",
        )
    ),
    ("death_date", "last_contact_date"),
    ("last_contact_date", "death_date"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), ORDER)
def test_what_must_not_come_after_something_is_refused_a_day_after_it_and_taken_on_its_day(
    problems, first, second
):
    course = NO_DATES | {"age_years": ""}
    if not {first, second} & {"death_date", "last_contact_date"}:
        course |= {"last_contact_date": "2030-01-01"}
    undated = {"date": "", "visit": "day 19"}, {"onset_date": "", "resolved_date": ""}
    assert problems(course | {first: "2021-06-01", second: "2021-06-01"}, *undated) == []
    found = problems(course | {first: "2021-06-02", second: "2021-06-01"}, *undated)
    assert found == [("patients.csv", f"{first}, {second}", f"{first} not after {second}")]


def test_the_orders_tested_are_those_of_the_schema():
    orders = {check.error for check in schema.PATIENTS.checks if " not after " in check.error}
    assert orders == {f"{first} not after {second}" for first, second in ORDER}


@pytest.mark.parametrize(
    ("table", "cells", "column", "expected"),
    [
        ("patients", {"id": "p 1"}, "id", "an id without spaces"),
        ("patients", {"sex": "boy"}, "sex", "one of female, male"),
        (
            "patients",
            {"last_contact_date": "", "death_date": ""},
            "last_contact_date, death_date",
            "last_contact_date or death_date",
        ),
        ("patients", {"match": "11/10"}, "match", "HLA alleles"),
        ("patients", {"match": "0/0"}, "match", "HLA alleles"),
        ("patients", {"match": "half"}, "match", "HLA alleles"),
        ("patients", {"age_years": "121"}, "age_years", "an age from 0 to 120"),
        # Born 2015-01-01, treated 2021-01-01: 6 years to the day.
        ("patients", {"age_years": "4.9"}, "age_years, birth_date, blinatumomab_start", "age_years within"),
        ("patients", {"age_years": "6.6"}, "age_years, birth_date, blinatumomab_start", "age_years within"),
        ("assessments", {"date": ""}, "date, visit", "date or visit"),
        ("assessments", {"analyte": ""}, "analyte", "a value"),
        ("assessments", {"result": ""}, "result", "a value"),
        ("assessments", {"result": "neg"}, "result", "one of positive, negative, not quantifiable"),
        ("assessments", {"sensitivity": ""}, "sensitivity, result", "sensitivity with the result negative"),
        ("assessments", {"sensitivity": "0"}, "sensitivity", "above 0"),
        ("assessments", {"value": "0.01"}, "value, sensitivity, result", "value below sensitivity"),
        ("assessments", {"result": "positive"}, "value, result", "value with the result positive"),
        ("assessments", {"result": "positive", "value": "0"}, "value, result", "value above 0"),
        (
            "assessments",
            {"result": "positive", "value": "0.01", "detection_limit": "0.02"},
            "value, detection_limit, result",
            "value not below detection_limit",
        ),
        (
            "assessments",
            {"result": "not quantifiable", "value": "0.01"},
            "value, result",
            "no value with the result not quantifiable",
        ),
        ("assessments", {"result": "positive", "value": "101"}, "value", "a percentage from 0 to 100"),
        ("assessments", {"patient": "p2"}, "patient", "an id of patients.csv"),
        ("assessments", {"date": "2022-01-02"}, "date", "date not after death_date of the patient"),
        ("assessments", {"date": "2022-01-02"}, "date", "date not after last_contact_date of the patient"),
        ("assessments", {"date": "2019-12-31"}, "date", "diagnosis_date of the patient not after date"),
        ("assessments", {"date": "2014-12-31"}, "date", "birth_date of the patient not after date"),
        ("adverse_events", {"grade": "6"}, "grade", "a CTCAE grade from 1 to 5"),
        ("adverse_events", {"grade": "2.5"}, "grade", "a whole number"),
        ("adverse_events", {"ctcae_version": ""}, "ctcae_version, grade", "ctcae_version beside grade"),
        ("adverse_events", {"serious": ""}, "serious", "a value"),
        ("adverse_events", {"grade": "5"}, "serious, grade", "serious yes with the grade 5"),
        ("adverse_events", {"patient": "P1"}, "patient", "an id of patients.csv"),
        (
            "adverse_events",
            {"resolved_date": "2021-01-01"},
            "onset_date, resolved_date",
            "onset_date not after resolved_date",
        ),
        ("adverse_events", {"onset_date": "2022-01-02"}, "onset_date", "onset_date not after death_date"),
        ("adverse_events", {"onset_date": "2022-01-02"}, "onset_date", "onset_date not after last_contact"),
        ("adverse_events", {"onset_date": "2019-12-31"}, "onset_date", "diagnosis_date of the patient"),
        ("adverse_events", {"onset_date": "2014-12-31"}, "onset_date", "birth_date of the patient"),
        ("adverse_events", {"resolved_date": "2022-01-02"}, "resolved_date", "resolved_date not after death"),
        ("adverse_events", {"resolved_date": "2022-01-02"}, "resolved_date", "resolved_date not after last"),
        ("adverse_events", {"resolved_date": "2019-12-31"}, "resolved_date", "diagnosis_date of the patient"),
        ("adverse_events", {"resolved_date": "2014-12-31"}, "resolved_date", "birth_date of the patient"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_with_its_column(problems, table, cells, column, expected):
    found = problems(**{table: cells})
    assert any(
        (file, place) == (f"{table}.csv", column) and words.startswith(expected)
        for file, place, words in found
    ), found


def test_a_fatal_event_needs_a_death_and_is_taken_with_one(problems):
    fatal = {"grade": "5", "serious": "yes"}
    assert problems(adverse_events=fatal) == []
    assert problems({"death_date": ""}, adverse_events=fatal) == [
        ("adverse_events.csv", "grade", "death_date of the patient with the grade 5")
    ]


@pytest.mark.parametrize(
    "cells",
    [
        {"value": "0.009"},  # negative, with a level below what would have been found
        {"result": "not quantifiable", "sensitivity": ""},
        {"result": "positive", "value": "0.02", "detection_limit": "0.02", "sensitivity": ""},
        {"date": "2022-01-01"},  # on the day of death and of last contact
        {"date": "2020-01-01"},  # on the day of diagnosis
        {"date": "", "visit": "day 19"},
    ],
)
def test_a_reading_at_the_edge_of_the_rules_is_taken(problems, cells):
    assert problems(assessments=cells) == []


@pytest.mark.parametrize("age", ["5", "5.2", "6", "6.0", "6.5"])
def test_an_age_in_completed_years_or_rounded_is_taken(problems, age):
    # Born 2015-01-01. On 2021-01-01 six years old, which by days of 365.25 to the year is 6.0014.
    assert problems({"age_years": age}) == []


def test_a_day_after_the_data_cutoff_is_refused_and_the_cutoff_itself_taken(problems):
    assert problems(cutoff=dt.date(2022, 1, 1)) == []
    late = problems(cutoff=dt.date(2021, 1, 2))
    expected = "a day not after the data cutoff, 2021-01-02"
    assert late == [
        ("patients.csv", "blinatumomab_end", expected),
        ("patients.csv", "hsct_date", expected),
        ("patients.csv", "relapse_date", expected),
        ("patients.csv", "death_date", expected),
        ("patients.csv", "last_contact_date", expected),
        ("assessments.csv", "date", expected),
        ("adverse_events.csv", "resolved_date", expected),
    ]


def test_every_fault_of_every_table_is_told_at_once(problems):
    found = problems(
        {"hsct_date": "2019-01-01", "sex": "x"},
        {"date": "2023-01-01", "sensitivity": ""},
        {"patient": "p2", "grade": "9"},
    )
    assert {(file, column) for file, column, _ in found} == {
        ("patients.csv", "sex"),
        ("patients.csv", "diagnosis_date, hsct_date"),
        ("assessments.csv", "sensitivity, result"),
        ("assessments.csv", "date"),
        ("adverse_events.csv", "patient"),
        ("adverse_events.csv", "grade"),
    }


def test_a_fault_across_tables_shows_both_days(tmp_path, problems):
    problems(assessments={"date": "2022-05-01"})
    with pytest.raises(DataError) as caught:
        record.load(tmp_path)
    assert {problem.found for problem in caught.value.problems} == {"'2022-05-01', '2022-01-01'"}


def test_the_words_of_the_schema_are_lists_without_repeats():
    for words in (
        schema.SEXES,
        schema.RISK_GROUPS,
        schema.DONORS,
        schema.INDICATIONS,
        schema.METHODS,
        schema.RESULTS,
    ):
        assert pd.Index(words).is_unique
