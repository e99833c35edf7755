"""Pooling: the random-effects synthesis against R's metafor and lme4, integrals on dense grids, and by hand."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import expit, log_expit, logit

from casebook.errors import CasebookError
from casebook.trials import pooling

R = pd.read_csv(Path(__file__).with_name("oracles") / "pooling.csv")
"""Made by ``oracles/pooling.R`` (R 4.2.2, metafor 3.8-1, lme4 1.1-31)."""

DATA = {
    name: tuple(
        zip(*((int(x), int(n)) for x, n in (study.split("/") for study in counts.split())), strict=True)
    )
    for name, counts in R.groupby("data").counts.first().items()
}
"""``mrd``: nobody at 0 or full; ``zeros`` and ``full``: with such counts; ``mixed``: with 0, very different rates;
``pritz``: 14 studies of Pritz 1997, two of them full."""

HALF_CHI2 = stats.chi2.ppf(0.95, 1) / 2  # 1.9207: the fall of the log-likelihood at a 95% limit


def from_r(data: str, program: str) -> dict[str, float]:
    rows = R[(R.data == data) & (R.program == program)]
    assert len(rows)
    return dict(zip(rows.quantity, rows.value, strict=True))


Z = np.linspace(-9, 9, 3001)
DENSITY = stats.norm.pdf(Z)


def dense(x, n, mu, tau):
    """Log-likelihood by the trapezoid rule: 3001 points of z from -9 to 9, nothing adaptive."""
    x, n, eta = np.array(x)[:, None], np.array(n)[:, None], mu + abs(tau) * Z
    likelihood = np.exp(x * log_expit(eta) + (n - x) * log_expit(-eta))
    coefficients = sum(math.log(math.comb(total, count)) for count, total in zip(x.flat, n.flat, strict=True))
    return np.log(np.trapezoid(likelihood * DENSITY, Z, axis=1)).sum() + coefficients


def dense_maximum(x, n):
    starts = [(logit((sum(x) + 0.5) / (sum(n) + 1)), tau) for tau in (0.05, 0.5, 2.5)]
    options = {"xatol": 1e-8, "fatol": 1e-12}
    found = [minimize(lambda at: -dense(x, n, *at), s, method="Nelder-Mead", options=options) for s in starts]
    return max((-f.fun, f.x[0], abs(f.x[1])) for f in found)


def dense_profile(x, n, mu):
    """The likelihood's height at mu, tau free from 0 to 20: looked for in four pieces, as it may have several hills."""
    pieces = itertools.pairwise([0, 0.5, 2, 6, 20])
    best = (
        minimize_scalar(
            lambda tau: -dense(x, n, mu, tau), bounds=piece, method="bounded", options={"xatol": 1e-4}
        )
        for piece in pieces
    )
    return max(dense(x, n, mu, 0), *(-b.fun for b in best))


# -- against other programs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("program", ["metafor", "lme4"])
def test_estimates_agree_with_r(data, program):
    expected = from_r(data, program)
    found = pooling.fit(*DATA[data])
    for quantity in ("mu", "standard_error", "tau"):
        # Both use 25 nodes; with counts of 0 and tau above 2 the fifth digit is not settled by that.
        assert getattr(found, quantity) == pytest.approx(expected[quantity], rel=5e-5, abs=1e-6), quantity
    if program == "lme4":
        assert found.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-6)
        limits = (expected["prediction_lower"], expected["prediction_upper"])
        assert found.prediction == pytest.approx(limits, rel=1e-4)


@pytest.mark.parametrize("data", DATA)
def test_limits_agree_with_lme4_as_far_as_its_splines_go(data):
    expected = from_r(data, "lme4")
    found = pooling.fit(*DATA[data])
    assert logit(found.rate_interval) == pytest.approx((expected["mu_lower"], expected["mu_upper"]), abs=0.01)
    # The next test says which of the two is off: in `full`, the spline by 0.026.
    assert found.tau_interval == pytest.approx((expected["tau_lower"], expected["tau_upper"]), abs=0.03)


@pytest.mark.parametrize("data", ["mrd", "zeros", "full", "mixed"])
def test_estimates_and_limits_agree_with_dense_quadrature(data):
    x, n = DATA[data]
    found = pooling.fit(x, n)
    peak, mu, tau = dense_maximum(x, n)
    assert found.log_likelihood == pytest.approx(peak, abs=1e-8)
    assert found.mu == pytest.approx(mu, rel=1e-5)
    assert found.tau == pytest.approx(tau, rel=1e-5, abs=1e-3)  # at 0 the likelihood is level in tau

    # From the limits out and in by a ten-thousandth: one is excluded, the other is not.
    for limit, inwards in zip(logit(found.rate_interval), (1, -1), strict=True):
        shift = 1e-4 * abs(limit) * inwards
        assert dense_profile(x, n, limit + shift) > peak - HALF_CHI2 > dense_profile(x, n, limit - shift)

    def over_mu(at: float) -> float:
        return (
            -minimize_scalar(lambda m: -dense(x, n, m, at), bracket=(mu - 1, mu + 1)).fun - peak + HALF_CHI2
        )

    upper = brentq(over_mu, tau + 0.1, 10)
    assert found.tau_interval.upper == pytest.approx(upper, rel=1e-5)
    assert (found.tau_interval.lower == 0) == (over_mu(0) >= 0)
    if found.tau_interval.lower:
        assert found.tau_interval.lower == pytest.approx(brentq(over_mu, 0.1, tau), rel=1e-5)


def test_the_mean_rate_and_the_next_study_by_dense_quadrature():
    found = pooling.fit(*DATA["mixed"])
    rate = expit(found.mu + found.tau * Z)
    assert found.mean_rate == pytest.approx(np.trapezoid(rate * DENSITY, Z), rel=1e-8)
    expected = [np.trapezoid(stats.binom.pmf(x, 3, rate) * DENSITY, Z) for x in range(4)]
    assert found.predictive(3) == pytest.approx(expected, rel=1e-8)
    assert found.rate < found.mean_rate < 0.5


# -- edges ------------------------------------------------------------------------------------------------------


def test_a_rate_from_no_event_in_three_studies_has_an_upper_limit():
    found = pooling.fit([0, 0, 0], [3, 10, 20])
    assert (found.rate, found.mean_rate, found.tau, found.log_likelihood) == (0, 0, 0, 0)
    # tau = 0 explains no event best, so that (1 - rate)^33 = exp(-1.9207) at the limit.
    assert found.rate_interval == pytest.approx((0, 1 - math.exp(-HALF_CHI2 / 33)), abs=1e-8)
    assert found.tau_interval == (0, math.inf)
    assert found.prediction == (0, 1)
    assert found.mu == -math.inf
    assert found.standard_error == math.inf


@pytest.mark.parametrize(
    ("totals", "upper"), [([3], 1), ([110, 39], 1), ([1, 1, 1], 1 - math.exp(-HALF_CHI2 / 3))]
)
def test_one_or_two_studies_without_event_bound_no_median_rate(totals, upper):
    # With mu held and tau growing each has probability 1/2: 1/4 for two, which is above exp(-1.9207) = 0.147; for three
    # it is 1/8, below.
    assert pooling.fit([0] * len(totals), totals).rate_interval == pytest.approx((0, upper), abs=1e-8)


def test_two_studies_without_event_bound_the_rate_at_a_lower_confidence():
    # At 80% the fall is 0.8212, less than 2 ln 2.
    upper = pooling.fit([0, 0], [110, 39], confidence=0.8).rate_interval.upper
    assert upper == pytest.approx(1 - math.exp(-stats.chi2.ppf(0.8, 1) / 2 / 149), rel=1e-6)


def test_full_counts_mirror_counts_of_0():
    full, none = pooling.fit([3, 10, 20], [3, 10, 20]), pooling.fit([0, 0, 0], [3, 10, 20])
    assert (full.rate, full.mean_rate, full.mu, full.events) == (1, 1, math.inf, (3, 10, 20))
    assert full.rate_interval == pytest.approx((1 - none.rate_interval.upper, 1))
    assert (full.tau_interval, full.prediction) == (none.tau_interval, none.prediction)


def test_one_study_gives_its_own_rate_and_limits_wider_than_binomial_ones():
    found = pooling.fit([27], [29])
    assert found.rate == pytest.approx(27 / 29)
    assert found.tau == 0
    assert found.log_likelihood == pytest.approx(stats.binom.logpmf(27, 29, 27 / 29))
    assert found.prediction == (0, 1)

    def binomial(p: float) -> float:
        return stats.binom.logpmf(27, 29, p) - stats.binom.logpmf(27, 29, 27 / 29) + HALF_CHI2

    assert 0 < found.rate_interval.lower < brentq(binomial, 0.5, 27 / 29)
    assert brentq(binomial, 27 / 29, 0.9999) < found.rate_interval.upper < 1


def test_two_studies_are_pooled_but_predict_nothing():
    found = pooling.fit([14, 21], [15, 26])
    peak, mu, tau = dense_maximum([14, 21], [15, 26])
    assert (found.mu, found.log_likelihood) == pytest.approx((mu, peak), rel=1e-6)
    assert found.tau == pytest.approx(tau, abs=1e-3)
    assert found.prediction == (0, 1)


def test_a_study_of_one_patient_counts_as_it_is():
    found = pooling.fit([0, 1, 3, 8], [1, 1, 9, 10])
    peak, mu, tau = dense_maximum([0, 1, 3, 8], [1, 1, 9, 10])
    assert (found.mu, found.tau, found.log_likelihood) == pytest.approx((mu, tau, peak), rel=1e-5)


@pytest.mark.parametrize(
    ("events", "totals"), [([0, 30], [15, 30]), ([0, 1, 0], [15, 1, 1]), ([0, 1], [1, 1])]
)
def test_nothing_but_none_and_all_has_no_finite_estimate(events, totals):
    with pytest.raises(CasebookError, match="no finite maximum"):
        pooling.fit(events, totals)


def test_almost_nothing_but_none_and_all_has_a_large_finite_tau():
    # One study with both outcomes makes the likelihood fall as 1 / tau, and so bounds it.
    found = pooling.fit([0, 0, 30, 30, 1], [15, 15, 30, 30, 2])
    assert 5 < found.tau < found.tau_interval.upper < math.inf
    assert found.tau_interval.lower > 1


def test_the_higher_of_two_hills_over_tau_is_taken_and_0_if_neither_is_higher():
    def hills(low: float, high: float):
        return lambda tau: (
            low * np.exp(-((tau - 0.2) ** 2) * 50) + high * np.exp(-((np.log(tau + 1e-9) - 2) ** 2))
        )

    n = np.array([100])
    assert pooling._over_tau(hills(1, 2), n) == pytest.approx((math.exp(2), 2), rel=1e-4)
    assert pooling._over_tau(hills(2, 1), n)[0] == pytest.approx(0.2, rel=1e-3)
    assert pooling._over_tau(lambda tau: -(tau**2), n) == (0, 0)
    assert pooling._over_tau(np.zeros_like, n) == (0, 0)


# -- properties -------------------------------------------------------------------------------------------------


@st.composite
def studies(draw):
    """2 to 5 studies, at least one of them with both outcomes."""
    totals = draw(st.lists(st.integers(2, 60), min_size=2, max_size=5))
    events = [draw(st.integers(0, n)) for n in totals]
    events[0] = draw(st.integers(1, totals[0] - 1))
    return events, totals


@settings(max_examples=3)
@given(studies(), st.randoms(use_true_random=False))
def test_the_order_of_studies_does_not_matter(counts, random):
    pairs = list(zip(*counts, strict=True))
    random.shuffle(pairs)
    one, other = pooling.fit(*counts), pooling.fit(*zip(*pairs, strict=True))
    assert other.rate == pytest.approx(one.rate, abs=1e-6)
    assert other.rate_interval == pytest.approx(one.rate_interval, abs=1e-6)
    assert other.prediction == pytest.approx(one.prediction, abs=1e-6)


@settings(max_examples=2)
@given(studies())
def test_counting_those_without_the_event_mirrors_everything(counts):
    events, totals = counts
    one, other = (
        pooling.fit(events, totals),
        pooling.fit([n - x for x, n in zip(*counts, strict=True)], totals),
    )
    assert other.tau == pytest.approx(one.tau, rel=1e-4, abs=1e-4)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-8)
    assert (other.rate, other.mean_rate) == pytest.approx((1 - one.rate, 1 - one.mean_rate), abs=1e-5)
    for interval in ("rate_interval", "prediction"):
        lower, upper = getattr(one, interval)
        assert getattr(other, interval) == pytest.approx((1 - upper, 1 - lower), abs=1e-5)
    assert other.predictive(4) == pytest.approx(one.predictive(4)[::-1], abs=1e-5)


@settings(max_examples=3)
@given(studies(), st.sampled_from([0.5, 0.8, 0.95]))
def test_limits_contain_their_estimates_and_widen_with_confidence(counts, confidence):
    found, wider = pooling.fit(*counts, confidence=confidence), pooling.fit(*counts, confidence=0.99)
    assert wider.rate_interval.lower < found.rate_interval.lower < found.rate
    assert found.rate < found.rate_interval.upper <= wider.rate_interval.upper
    assert wider.tau_interval.lower <= found.tau_interval.lower <= found.tau
    assert found.tau < found.tau_interval.upper < wider.tau_interval.upper
    assert found.prediction.lower <= found.rate <= found.prediction.upper


@settings(max_examples=6)
@given(st.integers(2, 60).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))), st.integers(2, 6))
def test_equal_studies_show_no_heterogeneity(study, copies):
    x, n = study
    found, more = pooling.fit([x] * copies, [n] * copies), pooling.fit([x] * 2 * copies, [n] * 2 * copies)
    assert found.tau == 0
    assert found.tau_interval.lower == 0
    assert found.rate == pytest.approx(x / n)
    # Information of a binomial logit: 1 / variance = N p (1 - p).
    assert found.standard_error == pytest.approx(1 / math.sqrt(copies * n * x / n * (1 - x / n)))
    assert more.tau_interval.upper < found.tau_interval.upper
    assert found.rate_interval.lower < more.rate_interval.lower < x / n
    assert x / n < more.rate_interval.upper < found.rate_interval.upper
    assert found.predictive(5) == pytest.approx(stats.binom.pmf(range(6), 5, x / n))


# -- leaving out ------------------------------------------------------------------------------------------------


def test_each_row_is_the_synthesis_of_the_other_studies():
    x, n = DATA["zeros"]
    table = pooling.leave_one_out(x, n, ["A", "B", "C", "D"], confidence=0.9)
    assert table.index.tolist() == ["A", "B", "C", "D"]
    assert table.index.name == "left_out"
    rest = pooling.fit(x[:1] + x[2:], n[:1] + n[2:], confidence=0.9)
    expected = [rest.rate, *rest.rate_interval, rest.tau, *rest.prediction]
    assert table.loc["B"].tolist() == expected
    assert table.columns.tolist() == ["rate", "lower", "upper", "tau", "prediction_lower", "prediction_upper"]
    # Without D tau is 0, and the rate that of 4 events in 110 + 33 + 39.
    assert table.loc["D", "rate"] == pytest.approx(4 / 182)
    assert not table.isna().any(axis=None)


def test_a_remainder_without_estimate_names_the_study_left_out():
    with pytest.raises(CasebookError, match=r"without B: .*no finite maximum"):
        pooling.leave_one_out([0, 3, 5], [10, 9, 5], ["A", "B", "C"])


@pytest.mark.parametrize(
    ("labels", "events", "totals", "message"),
    [
        (["A", "A"], [1, 2], [3, 4], "expected all different"),
        (["A"], [1, 2], [3, 4], "2 events, 2 totals, 1 studies"),
        (["A"], [1], [3], "expected 2 or more"),
        (["A", "B"], [1, 5], [3, 4], "events of B: found 5, expected at most its 4 patients"),
    ],
)
def test_what_cannot_be_left_out_is_named(labels, events, totals, message):
    with pytest.raises(CasebookError, match=message):
        pooling.leave_one_out(events, totals, labels)


# -- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "totals", "message"),
    [
        ([], [], "found no study"),
        ([1, 2], [3], "2 events, 1 totals"),
        ([1, 5], [3, 4], "events of study 2: found 5, expected at most its 4 patients"),
        ([-1, 2], [3, 4], "events of study 1: found -1, expected a whole number of 0 or more"),
        ([1, 2.5], [3, 4], "events of study 2: found 2.5"),
        ([1, math.nan], [3, 4], "events of study 2: found nan"),
        ([True, 2], [3, 4], "events of study 1: found True"),
        (["1", 2], [3, 4], "events of study 1: found '1'"),
        ([1, 0], [3, 0], "patients of study 2: found 0, expected a whole number of 1 or more"),
    ],
)
def test_counts_that_cannot_be_are_named(events, totals, message):
    with pytest.raises(CasebookError, match=message):
        pooling.fit(events, totals)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, math.nan, "0.95", True])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(CasebookError, match="confidence"):
        pooling.fit([1, 2], [3, 4], confidence=confidence)


@pytest.mark.parametrize("n", [0, -1, 2.5, math.inf])
def test_a_new_study_needs_a_whole_number_of_patients(n):
    with pytest.raises(CasebookError, match="patients of a new study"):
        pooling.fit([1, 2], [3, 4]).predictive(n)


def test_a_rate_of_0_predicts_no_certainty():
    with pytest.raises(CasebookError, match="no predictive distribution"):
        pooling.fit([0, 0, 0], [3, 10, 20]).predictive(3)


def test_columns_of_a_table_are_taken_as_lists_are():
    x, n = DATA["mrd"]
    assert pooling.fit(pd.Series(x, index=[7, 3, 9, 1]), np.array(n)) == pooling.fit(x, n)
