"""Posteriors: beta distributions and what is predicted from them, against R and by hand."""

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

from casebook.errors import CasebookError
from casebook.trials.posteriors import (
    ACCURACY,
    JEFFREYS,
    MOST_PREDICTED,
    PRIORS,
    UNIFORM,
    Beta,
    discounted,
    posterior,
    probability_below,
)

R = pd.read_csv(Path(__file__).with_name("oracles") / "posteriors.csv")
"""Made by ``oracles/posteriors.R`` (R 4.2.2)."""

betas = st.builds(Beta, st.floats(0.2, 200), st.floats(0.2, 200))


def from_r(quantity: str):
    rows = R[R.quantity == quantity]
    assert len(rows)
    for row in rows.itertuples():
        yield row, Beta(row.a, row.b)


# -- one distribution ---------------------------------------------------------------------------------------


def test_distribution_density_and_quantiles_are_those_of_r():
    for row, beta in from_r("below"):
        assert beta.below(row.at) == pytest.approx(row.value, rel=1e-10), row
    for row, beta in from_r("density"):
        assert beta.density(row.at) == pytest.approx(row.value, rel=1e-10), row
    for row, beta in from_r("quantile"):
        interval = beta.interval(0.95)
        assert (interval.lower if row.at < 0.5 else interval.upper) == pytest.approx(row.value, rel=1e-9), row


def test_predictive_probabilities_are_those_of_r():
    for row, beta in from_r("predictive"):
        assert beta.predictive(int(row.n))[int(row.k)] == pytest.approx(row.value, rel=1e-10), row


def test_no_event_in_three_is_predicted_from_the_serious_events_of_the_trial():
    # Computed with R's lbeta. By hand for the first: (41.5 42.5 43.5) / (55 56 57), as 54 + 1 children and 41 + 1/2.
    assert posterior(13, 54).predictive(3)[0] == pytest.approx(41.5 * 42.5 * 43.5 / (55 * 56 * 57), rel=1e-12)
    assert round(posterior(13, 54).predictive(3)[0], 5) == 0.43702
    assert round(posterior(22, 51).predictive(3)[0], 5) == 0.19044


@given(beta=betas, n=st.integers(1, 40))
def test_predictive_probabilities_add_up_and_have_the_mean_of_the_rate(beta, n):
    chances = beta.predictive(n)
    assert chances.shape == (n + 1,)
    assert chances.sum() == pytest.approx(1, rel=1e-9)
    assert chances @ np.arange(n + 1) == pytest.approx(n * beta.mean, rel=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "n"),
    [(1e9, 1e9, 100), (1e15, 3e14, 50), (1e-3, 1e6, 60), (0.5, 0.5, 100), (5e-324, 1, 3), (1e308, 1e308, 3)],
)
def test_predictive_probabilities_keep_their_digits_at_any_parameter(a, b, n):
    # Exact fractions: C(n, k) a (a + 1) ... (a + k - 1) b (b + 1) ... (b + n - k - 1), over their sum.
    ways = [
        math.comb(n, k)
        * math.prod((Fraction(a) + i for i in range(k)), start=Fraction(1))
        * math.prod((Fraction(b) + i for i in range(n - k)), start=Fraction(1))
        for k in range(n + 1)
    ]
    expected = [float(way / sum(ways)) for way in ways]
    assert Beta(a, b).predictive(n) == pytest.approx(expected, rel=1e-11)
    assert Beta(a, b).predictive(n).sum() == pytest.approx(1, rel=1e-14)


def test_predictive_probabilities_of_the_most_children_by_hand():
    # Beta(2, 2): 6 (k + 1) (n - k + 1) / ((n + 1) (n + 2) (n + 3)).
    n = MOST_PREDICTED
    k = np.arange(n + 1.0)
    expected = 6 * (k + 1) / (n + 1) * (n - k + 1) / (n + 2) / (n + 3)
    np.testing.assert_allclose(Beta(2, 2).predictive(n), expected, rtol=1e-10)


def test_means_of_parameters_whose_sum_is_too_large_for_a_float():
    assert Beta(1e308, 1e308).mean == 0.5
    assert Beta(1e-300, 1e300).mean == 0
    assert Beta(1e300, 1e-300).mean == 1


@given(beta=betas, count=st.integers(1, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_children_one_by_one_say_what_they_say_together(beta, count):
    events, n = count
    together = beta.updated(events, n)
    one_by_one = beta
    for child in range(n):
        one_by_one = one_by_one.updated(int(child < events), 1)
    assert (together.a, together.b) == pytest.approx((one_by_one.a, one_by_one.b), rel=1e-12)


@given(beta=betas, confidence=st.floats(0.01, 0.99))
def test_an_interval_holds_its_probability_with_equal_tails(beta, confidence):
    lower, upper = beta.interval(confidence)
    assert beta.below(lower) == pytest.approx((1 - confidence) / 2, rel=1e-6)
    assert 1 - beta.below(upper) == pytest.approx((1 - confidence) / 2, rel=1e-6)


def test_a_uniform_prior_by_hand():
    # After 0 of 3: Beta(1, 4), P(rate < r) = 1 - (1 - r)^4, density 4 (1 - r)^3, mean 1/5.
    after = posterior(0, 3, UNIFORM)
    assert after == Beta(1, 4)
    assert after.mean == 0.2
    assert after.below(0.5) == pytest.approx(15 / 16, rel=1e-13)
    assert after.density(np.array([0, 0.5, 1])) == pytest.approx([4, 0.5, 0], rel=1e-13)
    assert after.interval(0.9).upper == pytest.approx(1 - 0.05**0.25, rel=1e-12)


def test_the_density_is_infinite_at_an_end_that_a_prior_favours():
    assert JEFFREYS.density(np.array([0, 1])).tolist() == [math.inf, math.inf]


def test_priors_are_symmetric_and_the_last_outweighs_three_children():
    assert all(prior.a == prior.b for prior in PRIORS.values())
    weights = {name: prior.a + prior.b for name, prior in PRIORS.items()}
    assert list(PRIORS) == ["Jeffreys", "uniform", "neutral", "extremes doubted"]
    assert [name for name, weight in weights.items() if weight > 3] == ["extremes doubted"]


def test_the_neutral_prior_puts_the_median_at_the_observed_rate_most_closely():
    # What it is chosen for (Kerman 2011), here at every count inside 3 to 10 children.
    def distance(prior):
        pairs = [(x, n) for n in range(3, 11) for x in range(1, n)]
        medians = [posterior(x, n, prior).interval(1e-9).lower for x, n in pairs]
        return max(abs(median - x / n) for median, (x, n) in zip(medians, pairs, strict=True))

    distances = {name: distance(prior) for name, prior in PRIORS.items()}
    assert min(distances, key=distances.get) == "neutral"


# -- borrowing ----------------------------------------------------------------------------------------------


def test_borrowing_goes_from_nothing_to_every_child_of_the_trial():
    assert discounted(13, 54, 0) == JEFFREYS
    assert discounted(13, 54, 1) == posterior(13, 54)
    # By hand: half of 13 and of 41, and 1/2 each.
    assert discounted(13, 54, 0.5) == Beta(7, 21)
    assert discounted(13, 54, 0.5, UNIFORM) == Beta(7.5, 21.5)


def test_the_more_is_borrowed_the_less_three_children_move_the_rate():
    weights = np.linspace(0, 1, 11)
    moved = [discounted(13, 54, w).mean - posterior(0, 3, discounted(13, 54, w)).mean for w in weights]
    assert all(later < earlier for earlier, later in itertools.pairwise(moved))


# -- two distributions --------------------------------------------------------------------------------------


def test_the_probability_of_one_rate_below_the_other_is_that_of_r():
    # There by adaptive quadrature over quantiles, to about 1e-9.
    for row, one in from_r("probability_below"):
        assert probability_below(one, Beta(row.other_a, row.other_b)) == pytest.approx(
            row.value, abs=ACCURACY
        ), row


@given(b=st.floats(0.5, 500), other=st.floats(0.5, 500))
def test_the_probability_between_two_minima_by_hand(b, other):
    # If the rate is Beta(1, b), -log(1 - rate) is exponential with rate b; of two such the first is the smaller
    # with probability b / (b + other).
    assert probability_below(Beta(1, b), Beta(1, other)) == pytest.approx(b / (b + other), abs=ACCURACY)
    # And the largest: Beta(a, 1) mirrors it.
    assert probability_below(Beta(b, 1), Beta(other, 1)) == pytest.approx(other / (b + other), abs=ACCURACY)


@given(one=betas, other=betas)
def test_one_rate_is_below_the_other_or_above_it(one, other):
    there, back = probability_below(one, other), probability_below(other, one)
    assert there + back == pytest.approx(1, abs=ACCURACY)
    assert probability_below(one, one) == pytest.approx(0.5, abs=ACCURACY)
    mirrored = probability_below(Beta(other.b, other.a), Beta(one.b, one.a))
    assert mirrored == pytest.approx(there, abs=ACCURACY)


def test_distributions_far_apart_or_of_very_different_width_are_told_apart():
    assert probability_below(Beta(2, 5000), Beta(5000, 2)) == pytest.approx(1, abs=ACCURACY)
    assert probability_below(Beta(5000, 2), Beta(2, 5000)) == pytest.approx(0, abs=ACCURACY)
    # One so narrow that it is nearly a number: P(.5 < rate), with rate uniform.
    assert probability_below(Beta(20000, 20000), UNIFORM) == pytest.approx(0.5, abs=ACCURACY)


def test_a_probability_that_quadrature_cannot_give_is_refused():
    # A tenth of a percent of the distribution lies below the smallest float.
    with pytest.raises(CasebookError, match="cannot be found"):
        probability_below(Beta(0.01, 0.01), Beta(0.01, 0.01))


# -- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [0, -1, math.inf, math.nan, True, "1", None, 10**400, Fraction(1, 10**400), np.array([1, 2])]
)
def test_what_is_no_beta_distribution_is_refused(value):
    for arguments in ((value, 1), (1, value)):
        with pytest.raises(CasebookError, match="expected a finite number above 0"):
            Beta(*arguments)


def test_parameters_are_kept_as_floats():
    third = Beta(Fraction(1, 3), np.int64(1))
    assert third == Beta(1 / 3, 1.0)
    assert [type(value) for value in (third.a, third.b)] == [float, float]
    # By hand: the distribution function of Beta(a, 1) is rate^a.
    assert third.interval(0.9) == pytest.approx((0.05**3, 0.95**3), rel=1e-12)


def test_what_is_no_prior_is_refused():
    for call in (
        lambda beta: posterior(0, 3, beta),
        lambda beta: discounted(0, 3, 0.5, beta),
        lambda beta: probability_below(beta, JEFFREYS),
        lambda beta: probability_below(JEFFREYS, beta),
    ):
        for beta in ("Jeffreys", None, (1, 1)):
            with pytest.raises(CasebookError, match="expected a beta distribution"):
                call(beta)


@pytest.mark.parametrize("weight", [-0.1, 1.1, math.nan, True, "1", None])
def test_what_is_no_weight_is_refused(weight):
    with pytest.raises(CasebookError, match="found the weight"):
        discounted(13, 54, weight)


def test_what_is_no_count_rate_or_confidence_is_refused():
    for call in (posterior, JEFFREYS.updated, lambda x, n: discounted(x, n, 0.5)):
        for count in ((4, 3), (0, 0), (1.0, 3), (True, 3)):
            with pytest.raises(CasebookError, match="expected a whole number"):
                call(*count)
    for n in (0, -1, 3.0, True, MOST_PREDICTED + 1):
        with pytest.raises(CasebookError, match="expected a whole number from 1 to 1000000"):
            JEFFREYS.predictive(n)
    for call in (JEFFREYS.below, JEFFREYS.density):
        with pytest.raises(CasebookError, match="found the rate"):
            call([0.5, 1.5])
    with pytest.raises(CasebookError, match="found the confidence"):
        JEFFREYS.interval(1)
