"""The record: statements for the solver, readings of phrases, and questions that it refuses."""

from __future__ import annotations

import pytest

from casebook.bounds import Bounds
from casebook.errors import CasebookError, ChronologyError
from casebook.report import record as records
from casebook.report.chronology import CALENDAR

CASES = ("c1", "c2", "c3")


def test_the_record_holds_the_three_children(record):
    assert tuple(record.cases.index) == CASES
    assert record.stretch == "adopted"


def test_every_event_of_a_case_is_a_node_of_its_chronology_and_no_other_case_is_in_it(record):
    for case in CASES:
        events = set(record.chronology(case).events)
        expected = record.events.index[record.events["case"].isin([case, records.STUDY])]
        assert events == set(expected)


def test_statements_are_the_dates_and_the_adopted_intervals_of_the_case(record):
    statements = {statement.id: statement for statement in record.statements("c2")}
    assert statements["c2-hsct"].from_event == CALENDAR
    assert statements["c2-hsct"].printed == "2022.03.21"
    assert statements["c2-i11"].days == Bounds(4, 10)
    assert "c2-i09a" in statements
    assert "c2-i09b" not in statements
    assert not any(name.startswith(("c1", "c3")) for name in statements)


def test_another_reading_takes_the_place_of_the_adopted_one_and_of_no_other(record):
    adopted = {statement.id for statement in record.statements("c2")}
    other = {statement.id for statement in record.statements("c2", {"c2-day-323": "b"})}
    assert adopted - other == {"c2-i09a"}
    assert other - adopted == {"c2-i09b"}
    assert {s.id for s in record.statements("c2", {"c2-day-323": "a"})} == adopted


def test_a_reading_of_several_rows_is_taken_whole(record):
    adopted = {statement.id for statement in record.statements("c1")}
    other = {statement.id for statement in record.statements("c1", {"c1-about-1-month": "b"})}
    assert adopted - other == {"c1-i08a"}
    assert other - adopted == {"c1-i08b1", "c1-i08b2"}


def test_the_rows_in_use_are_the_adopted_ones_but_for_the_phrases_that_are_named(record):
    rows = record.measurements[record.measurements["case"] == "c1"]
    assert list(record.used(rows)) == list(rows["adopted"])
    other = rows.index[record.used(rows, {"c1-post-hsct-1": "b", "of-another-table": "b"})]
    assert set(rows.index) - set(other) == {"c1-m21a", "c1-m22b"}
    assert not record.used(rows, {"c1-post-hsct-1": "z"})[["c1-m21a", "c1-m21b"]].any()
    assert record.used(rows.iloc[:0]).empty


def test_two_records_are_compared_by_identity(record, tight):
    assert record != tight
    assert record == record


def test_phrases_list_each_reading_once_with_what_it_reads_as(record):
    phrases = record.phrases()
    assert not phrases.duplicated(["phrase", "reading"]).any()
    assert phrases["reads_as"].notna().all()
    assert (phrases.groupby("phrase")["adopted"].sum() == 1).all()
    assert (phrases.groupby("phrase")["reading"].nunique() >= 2).all()
    assert set(record.phrases("c2")["phrase"]) == {"c2-until", "c2-day-323", "c2-28-days", "c2-window"}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (lambda r: r.chronology("c4"), "unknown case 'c4'; known: c1, c2, c3"),
        (lambda r: r.chronology("all"), "unknown case 'all'"),
        (
            lambda r: r.chronology("c2", {"c2-day-323": "z"}),
            "c2 has no reading 'z' of the phrase 'c2-day-323'",
        ),
        (
            lambda r: r.chronology("c1", {"c2-day-323": "b"}),
            "c1 has no reading 'b' of the phrase 'c2-day-323'",
        ),
        (lambda r: r.event("c4", "hsct"), "unknown case 'c4'"),
        (lambda r: r.event("c1", "marrow"), "c1 has 4 events of the kind 'marrow'; expected one"),
        (lambda r: r.event("c3", "relapse"), "c3 has 0 events of the kind 'relapse'; expected one"),
        (lambda r: records.load(stretch="wide"), "unknown convention 'wide'; known: tight, adopted, loose"),
    ],
)
def test_what_the_record_does_not_hold_is_refused_by_name(record, question, said):
    with pytest.raises(CasebookError, match=said):
        question(record)


def test_an_event_is_found_by_its_kind_or_said_to_be_missing(record):
    assert record.event("c1", "hsct") == "c1-hsct"
    assert record.event("c3", "relapse", missing_ok=True) is None


def test_the_adopted_readings_contradict_nothing_under_any_convention(record, tight, loose):
    for chosen in (tight, record, loose):
        for case in CASES:
            chosen.chronology(case)  # raises ChronologyError if they do


def test_readings_that_contradict_are_named(record):
    # The infusion of case 3 began on 2021-12-08, after July 2021.
    with pytest.raises(ChronologyError) as caught:
        record.chronology("c3", {"c3-window": "b"})
    assert set(caught.value.statements) <= {
        "c3-i94b2",
        "c3-infusion-end",
        "study-window-end",
        "c3-infusion-start",
        "c3-i15",
    }
    assert "c3-i94b2" in caught.value.statements


def test_a_looser_convention_never_narrows_what_is_known(record, tight, loose):
    for case in CASES:
        narrow, used, wide = (r.chronology(case) for r in (tight, record, loose))
        for event in used.events:
            assert narrow.day(event).within(used.day(event))
            assert used.day(event).within(wide.day(event))
