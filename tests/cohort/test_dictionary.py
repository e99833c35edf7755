"""The data dictionary says what the schema says: every column once, and every rule with the columns that it names."""

from __future__ import annotations

import pytest
from pandera.pandas import Check, Column

from casebook.cohort import schema
from casebook.cohort.dictionary import COLUMNS, dictionary
from casebook.columns import date, key, not_after, number, one_of, table, text, yes_or_no
from casebook.errors import CasebookError


@pytest.fixture(scope="module")
def made():
    return dictionary(schema.TABLES, schema.ACROSS)


def test_a_small_schema_gives_the_dictionary_worked_by_hand():
    small = table(
        {
            "id": key("Who"),
            "sex": one_of("female", "male", required=False, description="Sex"),
            "age": number(Check.ge(0, error="0 or more"), unit="years", description="Age"),
            "from": date(required=True, description="First day"),
            "to": date(description="Last day"),
            "ill": yes_or_no(description="Whether ill"),
        },
        not_after("from", "to"),
    )
    made = dictionary({"people": small})
    assert tuple(made.columns) == COLUMNS
    assert made.to_numpy().tolist() == [
        ["people", "id", "text", "", "yes", "", "Who", "an id without spaces; each once"],
        ["people", "sex", "text", "", "no", "female; male", "Sex", ""],
        ["people", "age", "number", "years", "no", "", "Age", "0 or more"],
        ["people", "from", "date (YYYY-MM-DD)", "", "yes", "", "First day", "from not after to"],
        ["people", "to", "date (YYYY-MM-DD)", "", "no", "", "Last day", "from not after to"],
        ["people", "ill", "yes or no", "", "yes", "", "Whether ill", ""],
    ]


def test_every_column_of_every_table_has_a_row_in_its_order(made):
    assert list(zip(made["table"], made["column"], strict=True)) == [
        (name, column) for name, rules in schema.TABLES.items() for column in rules.columns
    ]


def test_every_rule_stands_in_the_dictionary(made):
    for name, rules in schema.TABLES.items():
        told = "; ".join(made.loc[made["table"] == name, "rules"]).split("; ")
        assert {check.error for check in rules.checks} <= set(told)
        assert {rule.expected for rule in schema.ACROSS.get(name, ())} <= set(told)


def test_a_percentage_and_an_age_have_their_units(made):
    units = made[made["unit"] != ""].set_index("column")["unit"].to_dict()
    assert units == {
        "age_years": "years",
        "value": "percent",
        "detection_limit": "percent",
        "sensitivity": "percent",
    }


def test_a_grade_is_a_whole_number_and_tells_the_rules_it_shares(made):
    grade = made.set_index("column").loc["grade"]
    assert grade["type"] == "whole number"
    assert grade["rules"].split("; ") == [
        "a CTCAE grade from 1 to 5",
        "ctcae_version beside grade",
        "serious yes with the grade 5",
        "death_date of the patient with the grade 5",
    ]


def test_a_column_without_description_or_of_an_unknown_type_is_refused():
    with pytest.raises(CasebookError, match="people: found no description of the column name"):
        dictionary({"people": table({"name": text()})})
    with pytest.raises(CasebookError, match="found the type int64 of age"):
        dictionary({"people": table({"age": Column("int64", description="Age")})})


def test_the_reference_to_a_patient_is_a_rule_as_well():
    rows = dictionary(schema.TABLES, schema.ACROSS).set_index(["table", "column"])["rules"]
    for name in ("assessments", "adverse_events"):
        assert "an id of patients.csv" in rows[name, "patient"]
