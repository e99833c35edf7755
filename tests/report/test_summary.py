"""The tables of the chapters say what the record says; expectations are worked by hand from the text."""

import pytest

from casebook import Bounds
from casebook.report import mrd, summary


def test_at_a_glance(record):
    table = summary.glance(record)
    assert list(table["Infusion (days)"]) == ["14 to 15", "27 to 28", "15"]
    # 22 March minus 28 February or 1 March; 11 January minus 23 December.
    assert list(table["End of infusion to transplant (days)"]) == ["21 to 22", "not known", "19"]
    assert list(table["Transplant to end of follow-up (days)"]) == ["54", "55", "124"]
    assert list(table["MRD before"]) == ["0.03%", "0.72%", "0.12%"]
    # log10 of .025, .715 and .115 over .01, rounded down: .398, 1.854, 1.061.
    assert list(table["Fall (log10)"]) == ["at least 0.39", "at least 1.85", "at least 1.06"]


def test_ages_at_transplant_are_at_least(record):
    # At least 5 y 7 mo and the days from 2 September 2019; 13 mo and from 16 February 2021; 5 y 1 mo and from 24 October 2021.
    ages = [summary.age_at(record, case, "hsct") for case in ("c1", "c2", "c3")]
    assert ages == ["at least 8.1 years", "at least 2.1 years", "at least 5.2 years"]


def test_the_chronology_names_the_statements_behind_a_day(record):
    table = summary.chronology(record, "c2")
    assert table.at["c2-hsct", "Known from"] == "c2-hsct"
    assert table.at["c2-infusion-start", "Day"] == "on or before 2022-02-22"
    # Transplant; the infusion was over by then; it lasted 27 or 28 days.
    assert table.at["c2-infusion-start", "Known from"] == "c2-hsct c2-i90 c2-i14a"


def test_other_readings_of_a_phrase_say_what_they_change(record):
    assert (
        summary.changes(record, "c2", {"c2-28-days": "b"}) == "infusion: 0 to 28 days (used: 27 to 28 days)"
    )
    assert summary.changes(record, "c1", {"c1-during": "b"}) == "contradicts c1-i09b, c1-i08a"
    assert summary.changes(record, "c2", {"c2-until": "b"}) == "none of the days and numbers in use"


def test_each_reading_of_each_phrase_is_one_row_and_one_of_each_is_used(record):
    table = summary.phrase_effects(record)
    used = table[table["What changes"] == "used"]
    phrases = {name.split()[0] for name in table.index}
    assert table.index.is_unique
    assert sorted(name.split()[0] for name in used.index) == sorted(phrases)
    both = set(record.intervals["phrase"].dropna()) | set(record.measurements["phrase"].dropna())
    assert phrases == both


def test_only_what_depends_on_the_convention_is_listed(record):
    table = summary.convention_effects()
    assert (table.nunique(axis=1) > 1).all()
    # 22 March minus 19 February, were the 29th a misprint of the 19th or 20th.
    assert table.at["Case 1: end of infusion to transplant", "Loose"] == "21 to 31 days"
    # Whatever the wording, two printed dates are as far apart as they are.
    assert not any("Case 3: infusion" in name for name in table.index)


def test_what_the_text_does_not_give_is_said_and_not_filled_in(record):
    table = summary.table_one(record)
    assert table.at["Donor", "Case 2"] == summary.ABSENT
    assert table.at["Dose of blinatumomab", "Case 3"] == summary.ABSENT
    assert set(table.loc["Conditioning"]) == {summary.ABSENT}


def test_a_childs_discrepancies_are_its_own(record):
    assert "d08" in summary.discrepancies(record, "c2").index
    assert "d08" not in summary.discrepancies(record, "c1").index
    # About no child: the number of an approval.
    assert all("d27" not in summary.discrepancies(record, case).index for case in ("c1", "c2", "c3"))
    every = set(summary.discrepancies(record).index)
    assert every == set(record.discrepancies.index)


@pytest.mark.parametrize(
    ("fall", "text"),
    [
        (Bounds(-0.1, 2), "not proven"),
        (Bounds.unknown(), "not proven"),
        (Bounds.at_least(1.857), "at least 1.85"),
    ],
)
def test_a_fall_is_proven_or_not(fall, text):
    assert mrd.fall_text(fall) == text


def test_that_a_quantity_is_not_negative_is_no_knowledge_of_it():
    assert summary.level_text(Bounds.at_least(0)) == "not known"
    assert summary.level_text(Bounds.below(0.01, lower=0)) == "< 0.01%"
    assert summary.days_text(Bounds.at_least(0)) == "not known"
    assert summary.days_text(Bounds.at_least(3)) == "at least 3"
