"""Rates: limits, probabilities, likelihoods and numbers of children, against R and by hand."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from casebook.errors import CasebookError
from casebook.trials import rates

R = pd.read_csv(Path(__file__).with_name("oracles") / "rates.csv", dtype={"events": "Int64", "n": "Int64"})
"""Made by ``oracles/rates.R`` (R 4.2.2)."""

INTERVALS = [rates.clopper_pearson, rates.wilson, rates.jeffreys]


@st.composite
def counts(draw, most: int = 60):
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


def from_r(quantity: str) -> pd.DataFrame:
    rows = R[R.quantity == quantity]
    assert len(rows)
    return rows


# -- intervals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", INTERVALS)
def test_limits_are_those_of_r_at_every_side_and_edge(method):
    for row in from_r(method.__name__).itertuples():
        interval = method(row.events, row.n, row.confidence, sided=row.sided)
        assert getattr(interval, row.limit) == pytest.approx(row.value, rel=1e-10, abs=1e-12), row


def test_limits_after_none_and_all_of_three():
    # Computed with R: binom.test, prop.test(correct = FALSE), qbeta(.975, .5, 3.5). By hand: with 0 of 3 the
    # Clopper-Pearson limit is 1 - .025^(1/3) two-sided, 1 - .05^(1/3) one-sided; Wilson's is z^2 / (3 + z^2).
    assert rates.clopper_pearson(0, 3).upper == pytest.approx(0.7075982, abs=5e-8)
    assert rates.clopper_pearson(0, 3).upper == pytest.approx(1 - 0.025 ** (1 / 3), rel=1e-13)
    assert rates.clopper_pearson(0, 3, sided="upper").upper == pytest.approx(0.6315968, abs=1e-7)
    assert rates.wilson(0, 3).upper == pytest.approx(0.5614970, abs=5e-8)
    assert rates.wilson(0, 3).upper == pytest.approx(
        1.959963984540054**2 / (3 + 1.959963984540054**2), rel=1e-13
    )
    assert rates.jeffreys(0, 3).upper == pytest.approx(0.5355832, abs=5e-8)
    assert rates.clopper_pearson(3, 3).lower == pytest.approx(0.2924018, abs=5e-8)


@pytest.mark.parametrize("method", INTERVALS)
@given(count=counts(), confidence=st.floats(0.01, 0.999), sided=st.sampled_from(["two", "upper", "lower"]))
def test_limits_hold_the_observed_rate_mirror_each_other_and_end_with_the_scale(
    method, count, confidence, sided
):
    events, n = count
    lower, upper = method(events, n, confidence, sided=sided)
    assert 0 <= lower <= upper <= 1
    if sided == "two" and method is not rates.jeffreys:  # a low credible interval can miss it
        assert lower <= events / n <= upper
    other_side = {"two": "two", "upper": "lower", "lower": "upper"}[sided]
    mirrored = method(n - events, n, confidence, sided=other_side)
    assert (1 - mirrored.upper, 1 - mirrored.lower) == pytest.approx((lower, upper), abs=1e-9)
    assert (lower == 0) == (events == 0 or sided == "upper")
    assert (upper == 1) == (events == n or sided == "lower")


@given(count=counts(), confidence=st.floats(0.5, 0.999))
def test_clopper_pearson_limits_are_the_rates_at_which_a_tail_is_what_is_left_over(count, confidence):
    events, n = count
    lower, upper = rates.clopper_pearson(events, n, confidence)
    if events:
        # So many with the event are as few without it.
        assert rates.at_most(n - events, n, 1 - lower) == pytest.approx((1 - confidence) / 2, rel=1e-8)
    if events < n:
        assert rates.at_most(events, n, upper) == pytest.approx((1 - confidence) / 2, rel=1e-8)


@pytest.mark.parametrize("sided", ["two", "upper", "lower"])
def test_clopper_pearson_covers_every_rate_and_wilson_only_most(sided):
    n, grid = 12, np.linspace(0.005, 0.995, 199)
    coverage = {}
    for method in INTERVALS:
        limits = [method(events, n, sided=sided) for events in range(n + 1)]
        held = np.array([(low <= grid) & (grid <= high) for low, high in limits])
        chances = np.array([rates.probability(events, n, grid) for events in range(n + 1)])
        coverage[method] = (held * chances).sum(axis=0)
    assert coverage[rates.clopper_pearson].min() >= 0.95
    assert coverage[rates.wilson].min() < 0.95
    assert coverage[rates.wilson].mean() == pytest.approx(0.95, abs=0.02)


# -- probabilities and likelihoods --------------------------------------------------------------------------


@pytest.mark.parametrize("function", [rates.probability, rates.at_most])
def test_probabilities_of_counts_are_those_of_r(function):
    for row in from_r(function.__name__).itertuples():
        assert function(row.events, row.n, row.rate) == pytest.approx(row.value, rel=1e-10, abs=1e-300), row


@pytest.mark.parametrize(
    ("rate", "printed"), [(0.241, 0.4372), (0.431, 0.1842), (0.574, 0.0773), (0.824, 0.00545)]
)
def test_probability_of_no_event_in_three(rate, printed):
    # Exact arithmetic: (1 - rate)^3.
    assert rates.probability(0, 3, rate) == pytest.approx((1 - rate) ** 3, rel=1e-13)
    assert round(rates.probability(0, 3, rate), 5 if printed < 0.01 else 4) == printed


@pytest.mark.parametrize(
    ("x", "n", "printed"), [(44, 49, 0.7241), (26, 48, 0.1589), (27, 29, 0.8070), (6, 25, 0.0138)]
)
def test_probability_of_three_in_three(x, n, printed):
    # Exact arithmetic: (x / n)^3.
    assert rates.probability(3, 3, x / n) == pytest.approx(float(Fraction(x, n) ** 3), rel=1e-13)
    assert round(rates.probability(3, 3, x / n), 4) == printed


@given(count=counts(), rate=st.floats(0, 1))
def test_both_tails_share_just_the_count_itself(count, rate):
    events, n = count
    # So many with the event are as few without it.
    both = rates.at_most(events, n, rate) + rates.at_most(n - events, n, 1 - rate)
    assert both == pytest.approx(1 + rates.probability(*count, rate), rel=1e-12)


@pytest.mark.parametrize("function", [rates.probability, rates.at_most, rates.relative_likelihood])
def test_an_array_of_rates_gives_the_values_of_its_rates(function):
    grid = np.array([[0, 0.2], [0.7, 1]])
    values = function(1, 4, grid)
    assert values.shape == grid.shape
    assert values.ravel().tolist() == [function(1, 4, rate) for rate in grid.ravel()]


def test_likelihood_ratios_of_the_two_arms_after_no_event_in_three():
    # Exact arithmetic: ((1 - .241) / (1 - .431))^3 and ((1 - .574) / (1 - .824))^3; and as printed from R.
    assert rates.likelihood_ratio(0, 3, 0.241, 0.431) == pytest.approx((0.759 / 0.569) ** 3, rel=1e-12)
    assert round(rates.likelihood_ratio(0, 3, 0.241, 0.431), 3) == 2.373
    assert round(rates.likelihood_ratio(0, 3, 0.574, 0.824), 2) == 14.18
    for row in from_r("likelihood_ratio").itertuples():
        assert rates.likelihood_ratio(row.events, row.n, row.rate, row.other) == pytest.approx(
            row.value, rel=1e-12
        )


def test_likelihood_ratios_at_rates_of_none_and_all():
    assert rates.likelihood_ratio(0, 3, 0.5, 1) == math.inf
    assert rates.likelihood_ratio(0, 3, 1, 0.5) == 0
    assert rates.likelihood_ratio(0, 3, 0, 0.5) == pytest.approx(8, rel=1e-14)
    with pytest.raises(CasebookError, match="impossible at both rates"):
        rates.likelihood_ratio(1, 3, 0, 1)
    with pytest.raises(CasebookError, match="too large for a float"):
        rates.likelihood_ratio(1000, 1000, 0.9, 0.0001)
    with pytest.raises(CasebookError, match="a single one"):
        rates.likelihood_ratio(0, 3, [0.1, 0.2], 0.3)


@given(count=counts(), rate=st.floats(0, 1))
@example(count=(1, 2), rate=0.499999999)  # rounds to above the likelihood of 1/2
def test_no_rate_is_likelier_than_the_observed_one(count, rate):
    events, n = count
    assert 0 <= rates.relative_likelihood(events, n, rate) <= 1
    assert rates.relative_likelihood(events, n, events / n) == 1


@given(count=counts(), rate=st.floats(0.01, 0.99))
def test_relative_likelihood_is_a_ratio_of_likelihoods(count, rate):
    events, n = count
    ratio = rates.likelihood_ratio(events, n, rate, events / n)
    assert rates.relative_likelihood(events, n, rate) == pytest.approx(ratio, rel=1e-10)


def test_likelihood_intervals_are_those_of_r():
    for row in from_r("likelihood_interval").itertuples():
        interval = rates.likelihood_interval(row.events, row.n)
        assert getattr(interval, row.limit) == pytest.approx(row.value, abs=1e-12), row


def test_likelihood_interval_after_none_of_three_by_hand():
    # (1 - p)^3 = 1/8 at p = 1/2; (1 - p)^3 = 1/27 at p = 2/3.
    assert rates.likelihood_interval(0, 3) == pytest.approx((0, 1 / 2), abs=1e-12)
    assert rates.likelihood_interval(0, 3, ratio=1 / 27) == pytest.approx((0, 2 / 3), abs=1e-12)
    assert rates.likelihood_interval(3, 3) == pytest.approx((1 / 2, 1), abs=1e-12)


@given(count=counts(), ratio=st.floats(0.001, 1))
def test_limits_of_a_likelihood_interval_have_just_that_relative_likelihood(count, ratio):
    events, n = count
    lower, upper = rates.likelihood_interval(events, n, ratio)
    assert lower <= events / n <= upper
    if events:
        assert rates.relative_likelihood(events, n, lower) == pytest.approx(ratio, rel=1e-9)
    if events < n:
        assert rates.relative_likelihood(events, n, upper) == pytest.approx(ratio, rel=1e-9)


# -- children needed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "sided", "needed"),
    [(0.241, "upper", 11), (0.241, "two", 14), (0.431, "upper", 6), (0.431, "two", 7)],
)
def test_children_without_event_needed_to_get_below_the_rates_of_the_trial(rate, sided, needed):
    # By hand: .759^11 = .0482 < .05 < .0635 = .759^10; .759^14 = .0211 < .025 < .0278 = .759^13.
    # .569^6 = .0339 < .05 < .0596 = .569^5; .569^7 = .0193 < .025 < .0339 = .569^6.
    assert rates.children_needed(rate, sided=sided) == needed


def test_children_needed_are_those_counted_up_in_r():
    for row in from_r("children_needed").itertuples():
        needed = rates.children_needed(row.rate, row.confidence, sided=row.sided, events=int(row.events))
        assert needed == row.value, row


@given(
    rate=st.integers(1, 99).map(lambda percent: percent / 100),
    events=st.integers(0, 3),
    sided=st.sampled_from(["two", "upper"]),
)
def test_one_child_fewer_than_needed_is_not_enough(rate, events, sided):
    needed = rates.children_needed(rate, sided=sided, events=events)
    assert rates.clopper_pearson(events, needed, sided=sided).upper < rate
    if needed > max(events, 1):
        assert rates.clopper_pearson(events, needed - 1, sided=sided).upper >= rate


def needed_in_fractions(rate, confidence, sided, events):
    """Counted up from the first that can be enough, with the binomial sum in whole numbers: nothing rounds."""
    exact, tail = Fraction(repr(rate)), (1 - Fraction(repr(confidence))) / {"two": 2, "upper": 1}[sided]
    event, none, whole = exact.numerator, exact.denominator - exact.numerator, exact.denominator
    n = events + 1
    while sum(math.comb(n, k) * event**k * none ** (n - k) for k in range(events + 1)) >= tail * whole**n:
        n += 1
    return n


@given(
    rate=st.one_of(st.integers(20, 1000).map(lambda thousandths: thousandths / 1000), st.floats(0.02, 1)),
    confidence=st.one_of(
        st.sampled_from([0.05, 0.5, 0.75, 0.8, 0.9, 0.95, 0.975, 0.99]), st.floats(0.01, 0.999)
    ),
    sided=st.sampled_from(["two", "upper"]),
    events=st.integers(0, 4),
)
@example(rate=0.95, confidence=0.95, sided="upper", events=0)  # .05 is left over, and is what one child has
@example(rate=0.975, confidence=0.95, sided="two", events=0)
@example(rate=0.05, confidence=0.05, sided="upper", events=0)
@example(rate=0.5, confidence=0.5, sided="upper", events=1)  # 3/4 of two, 1/2 of three
@example(rate=0.5, confidence=0.5, sided="upper", events=4)  # 1/2 of nine
@example(rate=0.9999999999999999, confidence=0.95, sided="upper", events=2)
def test_children_needed_are_those_counted_up_in_fractions(rate, confidence, sided, events):
    found = rates.children_needed(rate, confidence, sided=sided, events=events)
    assert found == needed_in_fractions(rate, confidence, sided, events)


@pytest.mark.parametrize(("rate", "confidence", "needed"), [(0.5, 0.75, 3), (0.9, 0.99, 3), (0.9, 0.9, 2)])
def test_a_limit_that_equals_the_rate_is_not_below_it(rate, confidence, needed):
    # (1 - .5)^2 = .25, (1 - .9)^2 = .01, (1 - .9)^1 = .1: equal to what is left over, so one child more is needed.
    # In floats 1 - .99 is above .01, and 1 - .9 below .1.
    assert rates.children_needed(rate, confidence) == needed


def test_any_child_without_the_event_shows_that_the_rate_is_not_one():
    assert rates.children_needed(1) == 1
    assert rates.children_needed(1, events=2) == 3


def test_children_needed_for_a_rare_event():
    # The rule of three: about 3 / rate; exactly log(.05) / log(.999) = 2994.2.
    assert rates.children_needed(0.001) == 2995


def test_the_rarest_events_end_in_a_number_or_in_an_error():
    # By hand: the first n with (1 - rate)^n < .05, from logarithms that a float has to 16 digits.
    assert rates.children_needed(3e-15) == pytest.approx(math.log(0.05) / math.log1p(-3e-15), abs=2)
    for rate in (1e-16, 1e-300, 5e-324):
        with pytest.raises(CasebookError, match=r"found the rate .* expected one that 2\*\*53 children"):
            rates.children_needed(rate)


def test_integers_and_floats_of_numpy_are_taken_for_children_needed():
    assert rates.children_needed(np.float64(0.241), events=np.int64(1)) == rates.children_needed(
        0.241, events=1
    )


# -- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "n"),
    [
        (-1, 3),
        (4, 3),
        (0, 0),
        (0, -1),
        (True, 3),
        (0, True),
        (1.0, 3),
        (1, 3.0),
        (np.bool_(True), 3),
        ("1", 3),
        (None, 3),
    ],
)
def test_what_is_no_count_is_refused_by_all(events, n):
    calls = [
        rates.checked_count,
        *INTERVALS,
        rates.likelihood_interval,
        *(lambda x, n, f=f: f(x, n, 0.5) for f in (rates.probability, rates.at_most)),
        lambda x, n: rates.relative_likelihood(x, n, 0.5),
        lambda x, n: rates.likelihood_ratio(x, n, 0.5, 0.4),
    ]
    for call in calls:
        with pytest.raises(CasebookError, match="expected a whole number"):
            call(events, n)


def test_whole_numbers_beyond_those_of_floats_are_refused():
    for large in (2**53 + 1, 10**5000, -(10**5000)):
        for count in ((0, large), (large, 3)):
            with pytest.raises(
                CasebookError, match=r"found a number (beyond 2\*\*53|of more than 20 digits)|from 0 to 3$"
            ):
                rates.checked_count(*count)
    assert rates.checked_count(2**53, 2**53) == (2**53, 2**53)


def test_an_error_names_the_number_and_what_it_can_be():
    assert rates.checked_whole(np.uint8(3), "children", least=3, most=3) == 3
    with pytest.raises(CasebookError, match=r"^children: found 2, expected a whole number of 3 or more$"):
        rates.checked_whole(2, "children", least=3)
    with pytest.raises(CasebookError, match=r"^children: found 4\.0, expected a whole number from 3 to 5$"):
        rates.checked_whole(4.0, "children", least=3, most=5)


def test_integers_of_numpy_are_counts():
    checked = rates.checked_count(np.int64(1), np.uint8(3))
    assert checked == (1, 3)
    assert [type(value) for value in checked] == [int, int]
    assert rates.wilson(np.int64(1), np.int32(3)) == rates.wilson(1, 3)


@pytest.mark.parametrize(
    "rate",
    [-0.1, 1.1, math.nan, "0.5", True, None, [0.5, 2], [0.5, math.nan], [[0.1], [0.2, 0.3]], [0.5, 10**400]],
)
def test_what_is_no_rate_is_refused(rate):
    for call in (rates.probability, rates.at_most, rates.relative_likelihood):
        with pytest.raises(CasebookError, match="expected a number from 0 to 1"):
            call(0, 3, rate)
    with pytest.raises(CasebookError, match="expected a number from 0 to 1"):
        rates.children_needed(rate)


@pytest.mark.parametrize(
    "confidence",
    [0, 1, 95, -0.5, math.nan, "0.95", None, True, [0.95], 1 - Fraction(1, 10**30), Fraction(1, 10**400)],
)
def test_what_is_no_confidence_is_refused(confidence):
    for call in (*INTERVALS, lambda _events, _n, confidence: rates.children_needed(0.5, confidence)):
        with pytest.raises(CasebookError, match="found the confidence"):
            call(0, 3, confidence)


def test_what_is_no_side_no_ratio_and_no_limit_is_refused():
    for method in INTERVALS:
        for sided in ("both", None, ["two"], np.array(["two", "upper"])):
            with pytest.raises(CasebookError, match="expected one of 'two', 'upper', 'lower'"):
                method(0, 3, sided=sided)
    for ratio in (0, -1, 1.1, 8, math.nan, "1/8"):
        with pytest.raises(CasebookError, match="found the likelihood ratio"):
            rates.likelihood_interval(0, 3, ratio)
    with pytest.raises(CasebookError, match="expected one above 0"):
        rates.children_needed(0)
    with pytest.raises(CasebookError, match="which have an upper limit"):
        rates.children_needed(0.5, sided="lower")
    for events in (-1, True, 0.0, rates.MOST_EVENTS + 1):
        with pytest.raises(CasebookError, match="expected a whole number from 0 to 10000"):
            rates.children_needed(0.5, events=events)
    with pytest.raises(CasebookError, match="a single one"):
        rates.children_needed([0.1, 0.2])
