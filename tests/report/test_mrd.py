"""MRD: the order of readings, falls worked by hand, and the vocabulary of responses."""

from __future__ import annotations

import dataclasses
import math

import pytest

from casebook.bounds import INFINITY, Bounds
from casebook.errors import CasebookError
from casebook.report import mrd
from casebook.report.mrd import Response

BELOW = Bounds.below(0.01, lower=0)
COMPLETE, INTERMEDIATE, FAILURE = Response.COMPLETE, Response.INTERMEDIATE, Response.FAILURE


@pytest.mark.parametrize(
    ("convention", "case", "before", "after", "least"),
    [
        # Before: what is printed, with half of its last place. After: below 0.01%. log10 by hand (common logarithms):
        ("record", "c1", Bounds(0.025, 0.035), "became negative again", 0.398),  # log10 2.5
        ("record", "c2", Bounds(0.715, 0.725), "undetectable", 1.854),  # log10 71.5
        ("record", "c3", Bounds(0.115, 0.125), "below 0.01%", 1.061),  # log10 11.5
        ("tight", "c1", Bounds.exactly(0.03), "became negative again", 0.477),  # log10 3
        ("tight", "c2", Bounds.exactly(0.72), "undetectable", 1.857),  # log10 72
        ("tight", "c3", Bounds.exactly(0.12), "below 0.01%", 1.079),  # log10 12
        # Loose: "negative" is below 1%, so a rise from 0.02% or 0.71% could be; case 3's limit is printed.
        ("loose", "c1", Bounds(0.02, 0.04), "became negative again", -1.699),  # log10 0.02
        ("loose", "c2", Bounds(0.71, 0.73), "undetectable", -0.149),  # log10 0.71
        ("loose", "c3", Bounds(0.11, 0.13), "below 0.01%", 1.041),  # log10 11
    ],
)
def test_falls_of_mrd_around_blinatumomab_are_those_worked_by_hand(
    request, convention, case, before, after, least
):
    found = mrd.around_blinatumomab(request.getfixturevalue(convention), case)
    assert found["before"] == before
    assert found["after_printed"] == after
    assert found["reduction"].lower == pytest.approx(least, abs=0.0005)
    # To a level of which only an upper limit is known the fall is "more than".
    assert found["reduction"].upper == INFINITY
    assert not found["reduction"].lower_closed


def test_the_fall_of_the_fusion_gene_of_case_2_has_no_limit_because_none_is_printed_for_undetectable(record):
    found = mrd.around_blinatumomab(record, "c2", "KMT2A-AFF1")
    assert (found["before_printed"], found["after_printed"]) == ("2.31%", "undetectable")
    assert found["before"] == Bounds(2.305, 2.315)
    assert found["reduction"].is_unknown


def test_a_fall_between_two_known_levels_is_bounded_on_both_sides():
    fall = mrd.reduction(Bounds(1, 10), Bounds(0.01, 0.1))
    assert (fall.lower, fall.upper) == pytest.approx((1, 3))
    assert mrd.reduction(Bounds.exactly(1), Bounds.exactly(0.1)).lower == pytest.approx(1)


@pytest.mark.parametrize(
    ("level", "negative", "sensitivity", "possible"),
    [
        # MRD failure: 0.01% or more.
        (Bounds.exactly(0.01), None, None, {FAILURE}),
        (Bounds(0.02, 0.04), False, 0.01, {FAILURE}),
        # MRD-CR: negative, with a sensitivity of at least 0.01%.
        (BELOW, True, 0.01, {COMPLETE}),
        (BELOW, True, 0.001, {COMPLETE}),
        # Intermediate: positive below 0.01%; negative with insufficient sensitivity.
        (Bounds(0, 0.01, False, False), False, 0.001, {INTERMEDIATE}),
        (BELOW, False, None, {INTERMEDIATE}),
        (Bounds.below(0.1, lower=0), True, 0.1, {INTERMEDIATE}),
        # Not said: whether negative, or by which sensitivity.
        (BELOW, True, None, {COMPLETE, INTERMEDIATE}),
        (BELOW, None, None, {COMPLETE, INTERMEDIATE}),
        (BELOW, None, 0.01, {COMPLETE, INTERMEDIATE}),
        (BELOW, None, 0.1, {INTERMEDIATE}),
        # Positive, and not known on which side of 0.01%.
        (Bounds(0.005, 0.015), False, 0.001, {INTERMEDIATE, FAILURE}),
        (Bounds.below(1, lower=0), None, None, {COMPLETE, INTERMEDIATE, FAILURE}),
    ],
)
def test_responses_are_those_of_the_vocabulary(level, negative, sensitivity, possible):
    assert set(mrd.possible_responses(level, negative=negative, sensitivity=sensitivity)) == possible


def test_no_child_has_a_proven_complete_response_for_no_sensitivity_is_printed(record, loose):
    for case in ("c1", "c2", "c3"):
        assert set(mrd.around_blinatumomab(record, case)["responses"]) == {COMPLETE, INTERMEDIATE}
    # Were "undetectable" no more than below 1%, failure could not be excluded where only that word is printed.
    assert FAILURE in mrd.around_blinatumomab(loose, "c1")["responses"]
    assert FAILURE in mrd.around_blinatumomab(loose, "c2")["responses"]
    assert FAILURE not in mrd.around_blinatumomab(loose, "c3")["responses"]


@pytest.mark.parametrize(
    ("case", "analyte", "ids"),
    [
        ("c1", "MRD", ["c1-m01", "c1-m02", "c1-m03", "c1-m04", "c1-m05", "c1-m21a"]),
        ("c2", "MRD", ["c2-m01", "c2-m02", "c2-m04", "c2-m06", "c2-m08", "c2-m21a"]),
        ("c2", "KMT2A-AFF1", ["c2-m03", "c2-m05", "c2-m07", "c2-m09", "c2-m22a"]),
        ("c3", "MRD", ["c3-m01", "c3-m02", "c3-m03", "c3-m04", "c3-m05", "c3-m21a"]),
        ("c3", "ETV6-RUNX1", ["c3-m06", "c3-m22a"]),
    ],
)
def test_readings_stand_in_the_order_that_the_text_tells(record, case, analyte, ids):
    assert list(mrd.readings(record, case, analyte).index) == ids


def test_the_order_of_readings_is_one_that_the_chronology_allows(record):
    for case in record.cases.index:
        days, events = record.chronology(case), list(mrd.readings(record, case)["event"])
        for position, before in enumerate(events):
            assert all(days.between(before, after).upper >= 0 for after in events[position + 1 :])


def test_the_order_does_not_depend_on_that_of_the_file(record):
    turned = dataclasses.replace(record, measurements=record.measurements.iloc[::-1])
    assert list(mrd.readings(turned, "c3", "MRD").index) == list(mrd.readings(record, "c3", "MRD").index)


def test_another_reading_of_a_phrase_replaces_the_adopted_measurement(record):
    rows = mrd.readings(record, "c1", "MRD", phrases={"c1-post-hsct-1": "b"})
    assert rows.index[-1] == "c1-m21b"
    assert "c1-m21a" not in rows.index
    assert rows.iloc[-1]["bounds"] == Bounds.below(1.0, lower=0)


@pytest.mark.parametrize("phrases", [{"c1-post-hsct-1": "z"}, {"c1-post-hsct": "a"}, {"c2-day-323": "b"}])
def test_a_reading_that_a_phrase_of_the_case_does_not_have_is_refused(record, phrases):
    with pytest.raises(CasebookError, match="c1 has no reading"):
        mrd.readings(record, "c1", phrases=phrases)


def test_an_analyte_that_was_not_read_is_refused_with_those_that_were(record):
    with pytest.raises(CasebookError, match="c2 has no reading of 'BCR-ABL1'; it has MRD, KMT2A-AFF1"):
        mrd.readings(record, "c2", "BCR-ABL1")


def test_a_gene_without_a_reading_before_the_infusion_has_no_fall(record):
    with pytest.raises(CasebookError, match="on both sides of the infusion"):
        mrd.around_blinatumomab(record, "c3", "ETV6-RUNX1")


def test_the_threshold_and_the_terms_are_those_of_the_vocabulary():
    assert math.isclose(mrd.THRESHOLD_PERCENT, 0.01)
    assert [response.value for response in Response] == ["MRD-CR", "MRD intermediate", "MRD failure"]
