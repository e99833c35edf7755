"""The audit: its findings and discrepancies.csv hold each other up, and every rule can find and can fall silent."""

from __future__ import annotations

import dataclasses
import re

import pandas as pd
import pytest

from casebook.bounds import Answer, Bounds
from casebook.errors import ChronologyError
from casebook.report import audit, mrd
from casebook.report import record as records


def spoilt(record, table: str, row: str, **cells) -> records.Record:
    """The record with some cells of one row changed."""
    frame = getattr(record, table).copy()
    for column, cell in cells.items():
        frame[column] = frame[column].astype(object)
        frame.at[row, column] = cell
    return dataclasses.replace(record, **{table: frame})


def without(record, table: str, *rows: str) -> records.Record:
    return dataclasses.replace(record, **{table: getattr(record, table).drop(list(rows))})


def statements(rule, record) -> set[frozenset[str]]:
    return {finding.statements for finding in rule(record)}


# -- findings and discrepancies.csv -------------------------------------------------------------------------


def test_every_finding_is_a_discrepancy_and_every_discrepancy_of_a_rule_is_found(record):
    assert audit.unexplained(record, audit.audit(record)) == ([], [])


def test_every_discrepancy_names_rules_that_exist_or_a_reader(record):
    names = {rule.__name__ for rule in audit.RULES}
    for row in record.discrepancies.itertuples():
        found_by = set(row.found_by.split())
        assert found_by <= names | {audit.READ}, row.Index
        ids = row.statements.split()
        assert len(ids) == len(set(ids))


def test_every_rule_finds_something_in_the_report(record):
    # Of the adopted readings none contradicts the dates: that is how they were adopted.
    silent = {"order_against_dates"}
    assert {finding.rule for finding in audit.audit(record)} == {
        rule.__name__ for rule in audit.RULES
    } - silent


def test_a_discrepancy_that_no_rule_finds_any_more_and_one_that_is_missing_are_both_noticed(record):
    mended = spoilt(record, "events", "c1-infusion-end", date_printed="2022.02.28")
    assert audit.unexplained(mended, audit.audit(mended)) == ([], ["d01"])
    (left,), wrong = audit.unexplained(without(record, "discrepancies", "d01"), audit.audit(record))
    assert (left.rule, left.statements, wrong) == ("impossible_dates", frozenset({"c1-infusion-end"}), [])


def test_a_discrepancy_that_names_a_statement_too_many_or_a_wrong_rule_is_noticed(record):
    findings = audit.audit(record)
    more = spoilt(record, "discrepancies", "d04", statements="s01 c1-m03 c1-m04")
    assert audit.unexplained(more, findings) == ([], ["d04"])
    more_rules = spoilt(record, "discrepancies", "d04", found_by="values_outside_ranges differing_agents")
    assert audit.unexplained(more_rules, findings) == ([], ["d04"])


# -- each rule: something new, and something mended ---------------------------------------------------------


def test_impossible_dates(record):
    assert statements(audit.impossible_dates, record) == {frozenset({"c1-infusion-end"})}
    worse = spoilt(record, "events", "c3-hsct", date_printed="2022.04.31")
    assert frozenset({"c3-hsct"}) in statements(audit.impossible_dates, worse)
    better = spoilt(record, "events", "c1-infusion-end", date_printed="2022.02.28")
    assert statements(audit.impossible_dates, better) == set()


def test_outside_window(record):
    (found,) = statements(audit.outside_window, record)
    # Case 2's infusion has no date, and a latest day after the window: it is not certainly outside.
    assert found == {
        "study-window-start", "study-window-end", "c1-infusion-start", "c1-infusion-end", "c1-hsct", "c2-hsct",
        "c3-infusion-start", "c3-infusion-end", "c3-hsct",
    }  # fmt: skip
    longer = spoilt(
        record, "events", "study-window-end", bounds=Bounds.exactly(pd.Timestamp("2021-12-31").toordinal())
    )
    (fewer,) = statements(audit.outside_window, longer)
    assert found - fewer == {"c3-infusion-start", "c3-infusion-end"}
    whole = spoilt(
        record, "events", "study-window-end", bounds=Bounds.exactly(pd.Timestamp("2022-05-15").toordinal())
    )
    assert statements(audit.outside_window, whole) == set()
    before = spoilt(
        record, "events", "study-window-start", bounds=Bounds.exactly(pd.Timestamp("2022-05-16").toordinal())
    )
    assert {"c1-hsct", "c2-infusion-start"} <= next(iter(statements(audit.outside_window, before)))


def test_contradicting_readings(record):
    found = statements(audit.contradicting_readings, record)
    # Relapse about a month after maintenance stopped, and before it stopped.
    assert frozenset({"c1-i08a", "c1-i09b"}) in found
    assert any("c1-i94b2" in ids for ids in found)
    assert any("c3-i94b2" in ids for ids in found)
    assert not any(name.startswith("c2") for ids in found for name in ids)
    # If day 323 were to be counted back from relapse it would contradict that maintenance came first.
    worse = spoilt(record, "intervals", "c2-i09b", bounds=Bounds(-323, -322))
    assert any("c2-i09b" in ids for ids in statements(audit.contradicting_readings, worse))
    # If maintenance had stopped at relapse, nothing would contradict.
    better = spoilt(record, "intervals", "c1-i08a", bounds=Bounds(0, 46))
    assert not any("c1-i09b" in ids for ids in statements(audit.contradicting_readings, better))


def test_a_phrase_with_two_readings_of_which_no_discrepancy_tells_is_noticed(record):
    assert audit.unlisted_phrases(record) == []
    assert audit.unlisted_phrases(without(record, "discrepancies", "d08", "d11")) == [
        "c2-day-323",
        "c3-day-46",
    ]


def test_order_against_dates(record):
    assert statements(audit.order_against_dates, record) == set()
    # Transplant two days after the infusion began, and before it ended.
    early = pd.Timestamp("2022-02-16").toordinal()
    worse = spoilt(record, "events", "c1-hsct", bounds=Bounds.exactly(early))
    assert statements(audit.order_against_dates, worse) == {
        frozenset({"c1-hsct", "c1-infusion-end", "c1-i90"})
    }
    # The other rules go on with the other children.
    findings = audit.audit(worse)
    assert {finding.rule for finding in findings} >= {
        "order_against_dates",
        "outside_window",
        "dose_magnitudes",
    }
    assert any("c3-infusion-start" in finding.statements for finding in findings)


@pytest.mark.parametrize(
    ("lower", "upper", "unit", "wrong"),
    [
        # The labelled range of 5 to 28 ug/m2/day, by ten: 0.5 to 280.
        (15, 15, "ug/m2/day", False),
        (280, 280, "ug/m2/day", False),
        (281, 281, "ug/m2/day", True),
        (0.5, 0.5, "ug/m2/day", False),
        (0.4, 0.4, "ug/m2/day", True),
        (0.2, 0.28, "mg/m2/day", False),
        (15, 15, "mg/m2/day", True),
    ],
)
def test_dose_magnitudes(record, lower, upper, unit, wrong):
    doses = spoilt(record, "treatments", "c2-t04", dose_lower=lower, dose_upper=upper, dose_unit=unit)
    assert statements(audit.dose_magnitudes, doses) == ({frozenset({"c1-t04", "c2-t04"})} if wrong else set())


def test_values_outside_ranges(record):
    # 1.5% against < 1%; 0.03% against >= 0.1%; 0.72% and 0.12% against < 0.1%.
    others = {frozenset({"s03", "c1-m04"}), frozenset({"s17", "c2-m06"}), frozenset({"s17", "c3-m04"})}
    found = statements(audit.values_outside_ranges, record)
    assert found == {frozenset({"s01", "c1-m03"})} | others
    mended = spoilt(record, "measurements", "c1-m03", bounds=Bounds(0.85, 0.95))
    assert statements(audit.values_outside_ranges, mended) == others
    # A reading that may lie within is not said to lie outside: 0.95 to 1.05, and below 1.
    maybe = spoilt(record, "measurements", "c1-m03", bounds=Bounds(0.95, 1.05))
    assert frozenset({"s01", "c1-m03"}) not in statements(audit.values_outside_ranges, maybe)
    worse = spoilt(record, "measurements", "c2-m04", bounds=Bounds(1, 1.5))
    assert frozenset({"s01", "c2-m04"}) in statements(audit.values_outside_ranges, worse)


def test_claims_without_readings(record):
    found = statements(audit.claims_without_readings, record)
    assert found == {frozenset({"s04", "c3"}), frozenset({"s05", "c1", "c3"}), frozenset({"s06", "c1", "c3"})}
    read = spoilt(record, "measurements", "c3-m06", source="Case presentation, case 3")
    assert statements(audit.claims_without_readings, read) == {
        frozenset({"s05", "c1"}),
        frozenset({"s06", "c1"}),
    }
    bare = without(
        record, "measurements", *record.measurements.index[record.measurements["analyte"] == "KMT2A-AFF1"]
    )
    assert frozenset({"s04", "c2", "c3"}) in statements(audit.claims_without_readings, bare)


def test_wide_negatives(record):
    assert statements(audit.wide_negatives, record) == {frozenset({"s07", "s08"})}
    assert statements(audit.wide_negatives, spoilt(record, "claims", "s07", upper=0.01)) == set()
    third = record.claims.copy()
    third.loc["s99"] = {**record.claims.loc["s08"].to_dict(), "upper": 0.1}
    more = statements(audit.wide_negatives, dataclasses.replace(record, claims=third))
    assert more == {frozenset({"s07", "s08"}), frozenset({"s07", "s99"}), frozenset({"s08", "s99"})}


def test_denied_responses(record):
    assert statements(audit.denied_responses, record) == {
        frozenset({"s09", "c3-m01", "c3-m04"}), frozenset({"s10", "c1-m03", "c1-m04"}),
    }  # fmt: skip
    # From 9.88% to 1% is 0.99 log10, which is no clear fall; from 1.5% to 0.1% may be one or not.
    poor = spoilt(record, "measurements", "c3-m04", bounds=Bounds.exactly(1.0))
    assert statements(audit.denied_responses, poor) == {frozenset({"s10", "c1-m03", "c1-m04"})}
    unsure = spoilt(record, "measurements", "c1-m04", bounds=Bounds(0.14, 0.16))
    assert statements(audit.denied_responses, unsure) == {frozenset({"s09", "c3-m01", "c3-m04"})}
    denied = record.claims.copy()
    denied.loc["s99"] = {**record.claims.loc["s09"].to_dict(), "event": "marrow-day46"}
    # From 1.225% or more to 0.125% or less is not yet ten times: 0.991 log10.
    assert not any(
        "s99" in ids for ids in statements(audit.denied_responses, dataclasses.replace(record, claims=denied))
    )
    deeper = spoilt(
        dataclasses.replace(record, claims=denied), "measurements", "c3-m04", bounds=Bounds.exactly(0.1)
    )
    assert frozenset({"s99", "c3-m02", "c3-m04"}) in statements(audit.denied_responses, deeper)


def test_absences_with_events(record):
    assert statements(audit.absences_with_events, record) == {frozenset({"c1-a01", "c1-a02"})}
    # "No other adverse reaction" contradicts no fever; "no adverse reaction" does.
    worse = spoilt(record, "adverse_events", "c3-a02", term="any adverse reaction")
    assert frozenset({"c3-a01", "c3-a02"}) in statements(audit.absences_with_events, worse)
    assert statements(audit.absences_with_events, without(record, "adverse_events", "c1-a01")) == set()


def test_differing_agents(record):
    assert statements(audit.differing_agents, record) == {frozenset({"r06", "r07"})}
    same = spoilt(record, "regimens", "r07", agents=record.regimens.at["r06", "agents"])
    assert statements(audit.differing_agents, same) == set()
    worse = spoilt(record, "regimens", "r09", agents="prednisolone; vincristine")
    assert frozenset({"r08", "r09"}) in statements(audit.differing_agents, worse)


# -- what discrepancies.csv says of the effect --------------------------------------------------------------


def latest(record, case, event, **readings) -> str:
    upper = record.chronology(case, readings).day(f"{case}-{event}").upper
    return pd.Timestamp.fromordinal(upper).date().isoformat()


def test_d01_the_impossible_day_costs_no_more_than_a_day(record):
    days = record.chronology("c1")
    assert days.between("c1-infusion-start", "c1-infusion-end").width == 1
    assert days.between("c1-infusion-end", "c1-hsct").width == 1


def test_d02_all_three_can_have_been_diagnosed_but_two_not_treated_inside_the_window(record):
    for case in ("c1", "c2", "c3"):
        record.chronology(case, {f"{case}-window": "c"})  # raises ChronologyError if it cannot be
    for case in ("c1", "c3"):
        with pytest.raises(ChronologyError):
            record.chronology(case, {f"{case}-window": "b"})
    # Case 2, infused by 31 July 2021 at the latest, was transplanted on 21 March 2022: 233 days or more later.
    days = record.chronology("c2", {"c2-window": "b"})
    assert days.between("c2-infusion-end", "c2-hsct").lower == 233


def test_d05_the_abstract_s_reading_contradicts_the_case_presentation(record):
    with pytest.raises(ChronologyError) as caught:
        record.chronology("c1", {"c1-during": "b"})
    assert set(caught.value.statements) == {"c1-i08a", "c1-i09b"}


def test_d06_the_other_reading_agrees_with_the_abstract_and_puts_maintenance_close_to_relapse(record, loose):
    both = {"c1-about-1-month": "b", "c1-during": "b"}
    for chosen in (record, loose):
        days = chosen.chronology("c1", both)
        assert days.between("c1-maintenance-start", "c1-relapse").upper <= 62  # two months, 31 days each


def test_d07_d08_d11_the_other_readings_move_the_latest_diagnosis_as_they_say(record):
    assert latest(record, "c1", "diagnosis", **{"c1-30-months": "b"}) < latest(record, "c1", "diagnosis")
    assert latest(record, "c2", "diagnosis", **{"c2-day-323": "b"}) > latest(record, "c2", "diagnosis")
    assert latest(record, "c3", "diagnosis", **{"c3-day-46": "b"}) < latest(record, "c3", "diagnosis")


def test_d08_relapse_comes_earlier_in_her_course_if_counted_from_treatment(record):
    def course(**readings):
        return record.chronology("c2", readings).between("c2-treatment-start", "c2-relapse")

    assert course(**{"c2-day-323": "b"}) == Bounds(322, 323)
    assert course().lower == 45 + 322  # after the marrow of day 46


def test_d09_her_infusion_may_then_have_been_as_short_as_the_others(record):
    def length(case, **readings):
        return record.chronology(case, readings).between(f"{case}-infusion-start", f"{case}-infusion-end")

    assert (length("c2") > length("c1")) is Answer.YES
    assert (length("c2") > length("c3")) is Answer.YES
    other = length("c2", **{"c2-28-days": "b"})
    assert length("c1").within(other)
    assert length("c3").within(other)


def test_d10_d29_no_other_day_depends_on_them(record):
    used, other = record.chronology("c2"), record.chronology("c2", {"c2-until": "b"})
    for event in set(used.events) - {"c2-last-negative"}:
        assert used.day(event) == other.day(event)


def test_d12_below_1_percent_proves_no_fall_to_the_marrows_after_transplant(record):
    for case in ("c1", "c2", "c3"):
        before = mrd.around_blinatumomab(record, case)["before"]
        assert (before < 1) is Answer.YES
        after = record.measurements.at[f"{case}-m21b", "bounds"]
        assert (mrd.reduction(before, after) > 0) is Answer.CANNOT_TELL
        assert (mrd.reduction(before, record.measurements.at[f"{case}-m21a", "bounds"]) > 0) is Answer.YES


def test_d15_d16_a_fall_of_more_than_one_log10_came_before_blinatumomab(record, tight, loose):
    for chosen in (tight, record, loose):
        for case, first in (("c3", "c3-m01"), ("c1", "c1-m03")):
            start = chosen.measurements.at[first, "bounds"]
            before = mrd.around_blinatumomab(chosen, case)
            assert before["before_id"] == f"{case}-m04"
            assert (mrd.reduction(start, before["before"]) > 1) is Answer.YES


def test_d17_three_of_three_had_an_adverse_event_and_none_a_serious_one(record):
    happened = record.adverse_events[record.adverse_events["present"].astype(bool)]
    assert set(happened["case"]) == {"c1", "c2", "c3"}
    assert not happened["serious"].astype(bool).any()
    denied = record.adverse_events[record.adverse_events["serious"].astype(bool)]
    assert set(denied["case"]) == {"c1", "c2", "c3"}
    assert not denied["present"].astype(bool).any()


def test_d19_only_case_1_was_treated_below_the_level_of_the_approval(record):
    levels = {case: mrd.around_blinatumomab(record, case)["before"] for case in ("c1", "c2", "c3")}
    assert [case for case, level in levels.items() if (level < 0.1) is Answer.YES] == ["c1"]
    assert all((levels[case] >= 0.1) is Answer.YES for case in ("c2", "c3"))


def test_d24_the_response_of_case_3_is_complete_or_intermediate(record):
    assert {r.value for r in mrd.around_blinatumomab(record, "c3")["responses"]} == {
        "MRD-CR",
        "MRD intermediate",
    }


def test_every_number_in_the_words_of_discrepancies_and_gaps_is_a_printed_one(record):
    # A number that the report does not print would have been typed from nowhere.
    printed = [
        *record.cases[["age_printed", "hla_match"]].to_numpy().ravel(),
        *record.events["date_printed"],
        *record.treatments["dose_printed"],
        *(
            text
            for table in ("intervals", "measurements", "claims")
            for text in getattr(record, table)["printed"]
        ),
    ]
    text = " ".join(str(cell) for cell in printed)
    known = {*re.findall(r"\d+(?:\.\d+)?", text), *re.findall(r"\d+", text)}
    grades = {"1", "2", "3"}  # of CTCAE: the report prints none, which is what is said of them
    names = re.compile(r"[Cc]ases? \d(?: and \d)?|log10|mg/m2|μg/m2")
    said = {
        name: " ".join(map(str, row))
        for table, columns in (
            ("discrepancies", ["title", "reading", "effect"]),
            ("not_reported", ["item", "effect"]),
        )
        for name, row in getattr(record, table)[columns].iterrows()
    }
    unknown = {
        name: set(re.findall(r"\d+(?:\.\d+)?", names.sub("", words))) - known - grades
        for name, words in said.items()
    }
    assert {name: numbers for name, numbers in unknown.items() if numbers} == {}
