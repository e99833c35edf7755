"""Selection: what a report of successes says under each model of who is written up, against R and by hand."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.bounds import Bounds
from casebook.errors import CasebookError
from casebook.trials import rates, selection

R = pd.read_csv(Path(__file__).with_name("oracles") / "selection.csv")
"""Made by ``oracles/selection.R`` (R 4.2.2)."""


def from_r(quantity: str):
    rows = R[R.quantity == quantity]
    assert len(rows)
    return rows.itertuples()


# -- so many reported of so many treated --------------------------------------------------------------------


def test_the_probability_of_a_report_is_that_of_r():
    for row in from_r("reportable"):
        found = selection.reportable(int(row.reported), int(row.treated), row.rate)
        assert found == pytest.approx(row.value, rel=1e-12, abs=1e-300), row


def test_the_probability_of_a_report_adds_up_every_course_of_four_children():
    # Each of the 16 courses, with its own probability, counted if at least three children are without the event.
    rate = Fraction(1, 4)
    total = sum(
        math.prod(rate if event else 1 - rate for event in course)
        for course in itertools.product((False, True), repeat=4)
        if course.count(False) >= 3
    )
    assert selection.reportable(3, 4, 0.25) == pytest.approx(float(total), rel=1e-14)


def test_all_treated_reported_is_the_plain_likelihood_after_no_event():
    for rate in (0, 0.241, 0.9):
        assert selection.reportable(3, 3, rate) == pytest.approx(rates.probability(0, 3, rate), rel=1e-13)
    # 2.373, as without selection.
    plain = rates.likelihood_ratio(0, 3, 0.241, 0.431)
    assert selection.reported_likelihood_ratio(3, 3, 0.241, 0.431) == pytest.approx(plain, rel=1e-13)


def test_what_a_report_says_of_the_rate_is_that_of_r_and_vanishes_with_the_treated():
    for row in from_r("reported_likelihood_ratio"):
        found = selection.reported_likelihood_ratio(int(row.reported), int(row.treated), row.rate, row.other)
        assert found == pytest.approx(row.value, rel=1e-12), row
    ratios = selection.reported_likelihood_ratio(3, np.arange(3, 200), 0.241, 0.431)
    assert np.all(np.diff(ratios) <= 0)
    assert np.all(np.diff(ratios[:20]) < 0)
    assert ratios[-1] == pytest.approx(1, abs=1e-12)


def test_treated_and_rates_broadcast():
    treated, rate = np.array([[3], [5]]), np.array([0, 0.3, 1])
    table = selection.reportable(3, treated, rate)
    assert table.shape == (2, 3)
    for (row, column), value in np.ndenumerate(table):
        assert value == selection.reportable(3, int(treated[row, 0]), float(rate[column]))
    assert selection.reported_likelihood_ratio(3, treated, rate, 0.5).shape == (2, 3)
    assert selection.reported_likelihood_ratio(3, 3, 0.5, np.array([0, 0.5, 1])).tolist() == [
        1 / 8,
        1,
        math.inf,
    ]
    assert selection.reported_likelihood_ratio(3, 3, rate, 0.5) == pytest.approx(8 * (1 - rate) ** 3)


def test_a_rate_at_which_nobody_could_be_reported():
    assert selection.reportable(3, 10, 1) == 0
    assert selection.reported_likelihood_ratio(3, 10, 0.5, 1) == math.inf
    assert selection.reported_likelihood_ratio(3, 10, 1, 0.5) == 0
    # By hand: infinite, and (.8 / .5)^3.
    mixed = selection.reported_likelihood_ratio(3, 3, [0.1, 0.2], [1, 0.5])
    assert mixed.tolist() == pytest.approx([math.inf, 4.096])
    with pytest.raises(CasebookError, match="both rates 1"):
        selection.reported_likelihood_ratio(3, 10, 1, 1)
    with pytest.raises(CasebookError, match="too small for a float"):
        selection.reported_likelihood_ratio(300, 300, 0.5, 0.99)


def test_without_a_model_the_events_are_none_to_all_of_those_not_reported():
    assert selection.bounds(3, 3) == Bounds.exactly(0)
    assert selection.bounds(3, 10) == Bounds(0, Fraction(7, 10))


def test_the_worst_case_has_the_limits_after_every_event_that_could_be():
    assert selection.worst_case(3, 10) == rates.clopper_pearson(7, 10)
    assert selection.worst_case(3, 3) == rates.clopper_pearson(0, 3)
    # By hand: after 9 of 10 the upper limit is where 1 - p^10 = .05, at 90% two-sided.
    assert selection.worst_case(1, 10, 0.9).upper == pytest.approx(0.95**0.1, rel=1e-12)
    assert selection.worst_case(3, 10, 0.9) == rates.clopper_pearson(7, 10, 0.9)


# -- success written up more readily ------------------------------------------------------------------------


def test_preference_is_that_of_r():
    for row in from_r("preferential"):
        found = selection.preferential(int(row.reported), int(row.treated), row.rate, row.odds)
        assert found == pytest.approx(row.value, rel=1e-11, abs=1e-300), row
    for row in from_r("preferential_upper_limit"):
        found = selection.preferential_upper_limit(int(row.treated), row.odds)
        assert found == pytest.approx(row.value, rel=1e-10), row


@given(n=st.integers(1, 30), rate=st.floats(0, 1), odds=st.floats(0.01, 100))
def test_all_written_up_without_the_event_have_the_power_that_the_model_says(n, rate, odds):
    without = (1 - rate) * odds / ((1 - rate) * odds + rate)
    assert selection.preferential(n, n, rate, odds) == pytest.approx(without**n, rel=1e-9, abs=1e-300)


def test_without_preference_the_count_is_plainly_binomial():
    grid = np.linspace(0, 1, 11)
    for k in range(4):
        assert selection.preferential(k, 3, grid, 1) == pytest.approx(
            rates.probability(3 - k, 3, grid), abs=1e-14
        )
    for n in (1, 3, 50):
        plain = rates.clopper_pearson(0, n, sided="upper").upper
        assert selection.preferential_upper_limit(n, 1) == pytest.approx(plain, rel=1e-12)


@given(n=st.integers(1, 100), odds=st.floats(0.01, 100), confidence=st.floats(0.01, 0.999))
def test_at_the_upper_limit_the_report_has_just_the_probability_left_over(n, odds, confidence):
    limit = selection.preferential_upper_limit(n, odds, confidence)
    assert 0 < limit < 1
    assert selection.preferential(n, n, limit, odds) == pytest.approx(1 - confidence, rel=1e-8)


def test_the_more_success_is_preferred_the_less_is_excluded():
    # By hand, three children at 87.5%: s = .125^(1/3) = 1/2, so the limit is odds / (1 + odds).
    odds = np.array([1, 2, 9])
    assert selection.preferential_upper_limit(3, odds, 0.875) == pytest.approx(
        [1 / 2, 2 / 3, 9 / 10], rel=1e-13
    )


# -- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reported", "treated"),
    [
        (4, 3),
        (0, 3),
        (-1, 3),
        (1.0, 3),
        (True, 3),
        (3, 3.0),
        (3, "4"),
        (3, True),
        (3, []),
        (3, [[3], [4, 5]]),
    ],
)
def test_reports_of_more_than_were_treated_or_of_nobody_are_refused(reported, treated):
    for call in (
        lambda r, n: selection.reportable(r, n, 0.5),
        lambda r, n: selection.reported_likelihood_ratio(r, n, 0.5, 0.4),
        selection.bounds,
        selection.worst_case,
    ):
        with pytest.raises(CasebookError, match="expected"):
            call(reported, treated)


def test_one_impossible_number_in_an_array_of_treated_is_refused():
    with pytest.raises(CasebookError, match="expected"):
        selection.reportable(3, [5, 2], 0.5)


def test_treated_beyond_what_floats_count_are_refused():
    with pytest.raises(CasebookError, match="treated: found a number beyond"):
        selection.reportable(3, [5, 2**60], 0.5)


def test_arrays_whose_shapes_do_not_broadcast_are_refused_with_their_shapes():
    two, three = [0.1, 0.2], [3, 4, 5]
    for call in (
        lambda: selection.reportable(3, three, two),
        lambda: selection.reported_likelihood_ratio(3, three, two, 0.5),
        lambda: selection.reported_likelihood_ratio(3, three, 0.5, two),
        lambda: selection.reported_likelihood_ratio(3, 3, two, [0.1, 0.2, 0.3]),
        lambda: selection.preferential(3, 3, two, three),
    ):
        with pytest.raises(CasebookError, match=r"of shape \(.*expected shapes that broadcast"):
            call()


@pytest.mark.parametrize("odds", [0, -1, math.inf, math.nan, True, "2", [1, 0], [[1], [2, 3]]])
def test_what_is_no_odds_is_refused(odds):
    with pytest.raises(CasebookError, match="found the odds"):
        selection.preferential(3, 3, 0.5, odds)
    with pytest.raises(CasebookError, match="found the odds"):
        selection.preferential_upper_limit(3, odds)


def test_what_is_no_rate_count_or_confidence_is_refused():
    with pytest.raises(CasebookError, match="found the rate"):
        selection.reportable(3, 3, 2)
    with pytest.raises(CasebookError, match="found the rate"):
        selection.preferential(3, 3, -0.1, 1)
    with pytest.raises(CasebookError, match="expected a whole number from 0 to 3"):
        selection.preferential(4, 3, 0.5, 1)
    for n in (0, 3.0):
        with pytest.raises(CasebookError, match="expected a whole number of 1 or more"):
            selection.preferential_upper_limit(n, 2)
    for call in (
        selection.worst_case,
        lambda _r, n, c: selection.preferential_upper_limit(n, 1, c),
    ):
        with pytest.raises(CasebookError, match="found the confidence"):
            call(3, 3, 95)
