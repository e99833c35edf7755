"""Outcomes: the children counted, from the report's own rows and from rows made for the purpose."""

from __future__ import annotations

import dataclasses

import pytest

from casebook.bounds import Bounds
from casebook.report import outcomes
from casebook.report.record import load


@pytest.fixture(scope="module")
def record():
    return load()


def changed(record, **cells):
    """The record with some cells of its adverse events changed: ``row__column=value``."""
    events = record.adverse_events.copy()
    for place, value in cells.items():
        row, column = place.split("__")
        events.loc[row.replace("_", "-"), column] = value
    return dataclasses.replace(record, adverse_events=events)


def test_the_three_children_counted(record):
    # By hand from the text: no serious event, a mild fever each, negative after blinatumomab, transplanted.
    table = outcomes.counted(record)
    assert table["events"].to_dict() == {
        "serious_ae": Bounds(0, 0),
        "grade3_ae": Bounds(0, 0),
        "fever": Bounds(3, 3),
        "mrd_response": Bounds(3, 3),
        "hsct": Bounds(3, 3),
    }
    assert set(table["n"]) == {3}
    assert table.at["serious_ae", "statements"] == "c1-a03 c2-a03 c3-a03"


def test_a_serious_event_that_no_row_denies_is_left_open(record):
    without = dataclasses.replace(record, adverse_events=record.adverse_events.drop("c2-a03"))
    assert outcomes.counted(without).at["serious_ae", "events"] == Bounds(0, 1)


def test_a_serious_event_that_occurred_counts(record):
    assert outcomes.counted(changed(record, c1_a01__serious=True)).at["serious_ae", "events"] == Bounds(1, 1)


@pytest.mark.parametrize(
    ("lower", "upper", "count"), [(3, 4, Bounds(1, 1)), (2, 3, Bounds(0, 1)), (1, 2, Bounds(0, 0))]
)
def test_a_grade_counts_as_far_as_its_bounds_say(record, lower, upper, count):
    graded = changed(record, c1_a01__grade_lower=lower, c1_a01__grade_upper=upper)
    assert outcomes.counted(graded).at["grade3_ae", "events"] == count


def test_a_fever_that_is_not_told_of_is_left_open(record):
    without = dataclasses.replace(record, adverse_events=record.adverse_events.drop("c3-a01"))
    assert outcomes.counted(without).at["fever", "events"] == Bounds(2, 3)
