"""Curves and tables of risk as frames and as text: worked by hand, and the limits of a cohort without an event from R."""

from __future__ import annotations

import math

import pytest

from casebook.cohort import display, endpoints, estimate, risktable
from casebook.errors import CasebookError

FOUR = risktable.tabulate([1, 2, 2, 4], [1, 0, 1, 1])
"""S(1) = 3/4; at 2 one of three fails: S(2) = 1/2; the last fails: S(4) = 0."""


def test_a_curve_becomes_steps_from_time_0():
    frame = display.curves({"four": estimate.kaplan_meier(FOUR)})
    assert frame["time"].tolist() == [0, 1, 2, 4]
    assert frame["estimate"].tolist() == pytest.approx([1, 0.75, 0.5, 0])
    assert set(frame["curve"]) == {"four"}


def test_a_horizon_cuts_a_curve_and_keeps_its_value_there():
    frame = display.curves({"four": estimate.kaplan_meier(FOUR)}, horizon=3)
    assert frame[["time", "estimate"]].to_numpy().tolist() == [[0, 1], [1, 0.75], [2, 0.5], [3, 0.5]]


def test_a_curve_ends_where_the_last_patient_was_seen():
    table = risktable.tabulate([1, 5], [1, 0])
    assert display.curves({"two": estimate.kaplan_meier(table)}, horizon=9)["time"].max() == 5


def test_numbers_at_risk_and_censorings():
    frame = display.at_risk({"four": FOUR}, [0, 2, 3])
    assert frame["n"].tolist() == [4, 3, 1]
    assert display.censored({"four": FOUR})["time"].tolist() == [2]
    assert display.censored({"four": FOUR}, horizon=1).empty


def test_without_an_event_the_lower_limit_is_that_of_who_was_followed_so_long():
    # Eight children as published, days 52 to 1015. R: binom.test(n, n, alternative = "greater") has the lower limit
    # .05^(1/n): .6876560 for 8, .3684031 for 3, .05 for 1.
    days = [54, 55, 124, 1015, 899, 177, 59, 52]
    frame = display.event_free(risktable.tabulate(days, [0] * 8)).set_index("time")
    assert frame.loc[52, ["n", "lower"]].tolist() == pytest.approx([8, 0.6876560], abs=5e-8)
    assert frame.loc[177, ["n", "lower"]].tolist() == pytest.approx([3, 0.3684031], abs=5e-8)
    assert frame.loc[1015, ["n", "lower"]].tolist() == pytest.approx([1, 0.05])


def test_a_cohort_with_an_event_has_no_such_limit():
    with pytest.raises(CasebookError, match="found 3 events"):
        display.event_free(FOUR)


def test_who_entered_late_was_not_followed_from_the_beginning():
    late = risktable.tabulate([5, 6, 20], [0, 0, 0], entry=[0, 3, 8])
    with pytest.raises(CasebookError, match="enter late"):
        display.event_free(late)


def test_a_curve_at_time_0_alone_has_one_row_there():
    frame = display.curves({"all at 0": estimate.kaplan_meier(risktable.tabulate([0, 0], [1, 1]))})
    assert frame["time"].tolist() == [0]


def test_milestones_in_percent_and_what_is_not_reached():
    curve = estimate.kaplan_meier(risktable.tabulate([1, 5], [1, 0]))
    table = display.milestones({"two": curve}, (1, 9))
    assert table.at["two", "1 days"].startswith("50.0 (")
    assert table.at["two", "9 days"] == "not reached"


TWO = estimate.kaplan_meier(risktable.tabulate([1, 5], [1, 0]))


@pytest.mark.parametrize("draw", [display.curves, lambda given: display.milestones(given, (1,))])
def test_no_curve_or_two_that_read_alike_are_refused(draw):
    with pytest.raises(CasebookError, match="found no Curve; expected one or more, by name"):
        draw({})
    with pytest.raises(CasebookError, match=r"found names that read alike .1, '1'.; expected each once"):
        draw({1: TWO, "1": TWO})
    for wrong in (None, [TWO], {"table": FOUR}):
        with pytest.raises(CasebookError, match="expected a mapping of names to them"):
            draw(wrong)


@pytest.mark.parametrize("draw", [lambda given: display.at_risk(given, [1]), display.censored])
def test_no_table_or_two_that_read_alike_are_refused(draw):
    with pytest.raises(CasebookError, match="found no RiskTable; expected one or more, by name"):
        draw({})
    with pytest.raises(CasebookError, match="found names that read alike"):
        draw({1: FOUR, "1": FOUR})
    with pytest.raises(CasebookError, match="expected a mapping of names to them"):
        draw({"curve": TWO})


def test_times_and_horizons_that_are_none_are_refused():
    for wrong in (-1, "soon", math.nan, [1, 2]):
        with pytest.raises(CasebookError, match="horizon"):
            display.curves({"two": TWO}, wrong)
        with pytest.raises(CasebookError, match="horizon"):
            display.censored({"four": FOUR}, wrong)
    with pytest.raises(CasebookError, match="times"):
        display.milestones({"two": TWO}, ("soon",))
    with pytest.raises(CasebookError, match=r"found times that read alike .1 days, 1 days."):
        display.milestones({"two": TWO}, (1, 1.0000001))
    assert display.censored({"four": FOUR}, math.inf).equals(display.censored({"four": FOUR}))


def test_a_median_that_is_not_reached_is_said_so():
    assert display.quantile_text(estimate.Quantile(418.0, 192.0, math.inf)) == "418 (192 to not reached)"


def test_every_endpoint_is_defined_in_words():
    table = display.definitions(endpoints.ENDPOINTS)
    assert list(table.index) == list(endpoints.ENDPOINTS)
    assert table.at["CIR", "Competing"] == "death"
