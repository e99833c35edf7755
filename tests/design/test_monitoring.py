"""Stopping rules: against R, against going through every path, and hand-worked cases."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from casebook.design import exact, monitoring, stopping
from casebook.design.stopping import Boundary
from casebook.errors import CasebookError
from casebook.trials.posteriors import JEFFREYS, UNIFORM, Beta, discounted, posterior, probability_below

R = pd.read_csv(Path(__file__).with_name("oracles") / "monitoring.csv")
"""Made by ``oracles/monitoring.R`` (R 4.2.2, package stats)."""

PLAN = ["rule", "from", "to", "by", "limit", "threshold", "a", "b"]
PLANS = {" ".join(map(str, key)): rows for key, rows in R.groupby(PLAN, sort=False)}


def ours(rows: pd.DataFrame) -> Boundary:
    first = rows.iloc[0]
    looks = range(first["from"], first["to"] + 1, first["by"])
    threshold, prior = float(first.threshold), Beta(first.a, first.b)
    if first.rule == "predictive":
        return monitoring.predictive_futility(looks, looks[-1], int(first.limit), threshold, prior=prior)
    rule = {"toxicity": monitoring.toxicity, "futility": monitoring.futility}[first.rule]
    return rule(looks, float(first.limit), threshold, prior=prior)


@st.composite
def boundaries(draw, side=None):
    """Any counts at any looks among few children, not only those of a rule."""
    looks = sorted(draw(st.sets(st.integers(1, 7), min_size=1, max_size=5)))
    side = side or draw(st.sampled_from(["upper", "lower"]))
    lowest, beyond = (0, 1) if side == "upper" else (-1, 0)
    return Boundary(looks, [draw(st.integers(lowest, n + beyond)) for n in looks], side)


# -- rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLANS)
def test_limits_and_probabilities_of_stopping_at_each_look_are_those_of_r(name):
    boundary = ours(PLANS[name])
    for rate, rows in PLANS[name].groupby("rate"):
        assert boundary.looks == tuple(rows.n)
        assert boundary.limits == tuple(rows.events)
        found = stopping.stopping_times(boundary, rate)
        np.testing.assert_allclose(found[rows.n.to_numpy() - 1], rows.stops, rtol=1e-9, atol=1e-13)
        assert found.sum() == pytest.approx(rows.stops.sum(), abs=1e-12)


def test_the_first_limits_by_hand():
    # Uniform prior: P(rate > 1/2) after 1 of 1 is 1 - 1/4 = .75, after 2 of 2 1 - 1/8 = .875, after 2 of 3 11/16 = .6875.
    assert monitoring.toxicity([1, 2, 3], 0.5, 0.8, prior=UNIFORM).limits == (2, 2, 3)
    assert monitoring.toxicity([1, 2, 3], 0.5, 0.7, prior=UNIFORM).limits == (1, 2, 3)
    # "above" the threshold: .75 is not above .75, and one half, which floats make a little more of, not above one half.
    assert monitoring.toxicity([2], 0.5, 0.5).limits == (2,)
    assert monitoring.toxicity([1], 0.5, 0.75, prior=UNIFORM).limits == (2,)
    # From the other end: P(rate > 1/2) after none of 1 is .25, after none of 2 .125, after none of 3 .0625.
    assert monitoring.futility([1, 2, 3], 0.5, 0.2, prior=UNIFORM).limits == (-1, 0, 0)
    assert monitoring.futility([1], 0.5, 0.25, prior=UNIFORM).limits == (-1,)


def test_what_cannot_stop_is_missing_from_the_frame():
    frame = monitoring.toxicity([1, 2, 3], 0.5, 0.8, prior=UNIFORM).frame()
    assert frame.n.tolist() == [1, 2, 3]
    assert frame.limit.isna().tolist() == [True, False, False]
    assert monitoring.futility([1, 2], 0.5, 0.2, prior=UNIFORM).frame().limit.isna().tolist() == [True, False]


@given(st.floats(0.05, 0.9), st.floats(0.5, 0.99), st.sampled_from([JEFFREYS, UNIFORM, Beta(3.1, 8.7)]))
@settings(max_examples=40)
def test_every_limit_is_the_first_count_whose_posterior_passes_the_threshold(rate, threshold, prior):
    looks = [1, 2, 3, 7, 20, 21, 60]
    upper = monitoring.toxicity(looks, rate, threshold, prior=prior)
    for n, limit in zip(upper.looks, upper.limits, strict=True):
        above = beta.sf(rate, prior.a + np.arange(n + 1), prior.b + n - np.arange(n + 1))
        assume(np.abs(above - threshold).min() > 1e-9)
        assert (above > threshold).tolist() == (np.arange(n + 1) >= limit).tolist()


def test_a_limit_known_from_a_count_is_passed_later_than_one_known_exactly():
    looks = range(1, 31)
    standard = posterior(13, 54)
    exactly, roughly = (monitoring.toxicity(looks, limit, 0.95) for limit in (standard.mean, standard))
    assert all(one <= other for one, other in zip(exactly.limits, roughly.limits, strict=True))
    assert exactly.limits != roughly.limits
    n, limit = roughly.looks[19], roughly.limits[19]
    assert probability_below(standard, posterior(limit, n)) > 0.95
    assert probability_below(standard, posterior(limit - 1, n)) <= 0.95


def test_the_predictive_rule_stops_at_the_end_exactly_where_too_few_responded():
    boundary = monitoring.predictive_futility([10, 20], 20, 14, 0.05)
    assert boundary.limits[1] == 13
    # After 10 children with x responses 14 - x of the other 10 must respond: by scipy.
    from scipy.stats import betabinom

    chances = [betabinom.sf(13 - x, 10, 0.5 + x, 0.5 + 10 - x) for x in range(11)]
    assert boundary.limits[0] == max(x for x in range(11) if chances[x] < 0.05)


def test_a_study_may_have_a_last_look_before_its_end():
    boundary = monitoring.predictive_futility([10], 40, 20, 0.05)
    found = stopping.operating(boundary, [0.2], n=40)
    # It stops after 10 or treats 40.
    p = found.stops.item()
    assert found.early.item() == p
    assert found.mean_n.item() == pytest.approx(10 * p + 40 * (1 - p))


# -- calibration --------------------------------------------------------------------------------------------------


def test_the_calibrated_threshold_is_the_lowest_of_its_decimals_that_keeps_the_level():
    def rule(threshold: float) -> Boundary:
        return monitoring.toxicity(range(1, 31), 0.241, threshold)

    found = monitoring.calibrated(rule, 0.241, 0.1, decimals=3)
    false_alarms = [stopping.stopping_times(rule(k / 1000), 0.241).sum() for k in range(900, 1000)]
    lowest = 900 + next(k for k, p in enumerate(false_alarms) if p <= 0.1)
    assert found.threshold == lowest / 1000
    assert found.boundary == rule(found.threshold)
    assert found.probability == pytest.approx(false_alarms[lowest - 900])
    assert 0.05 < found.probability <= 0.1


def test_for_futility_it_is_the_highest():
    def rule(threshold: float) -> Boundary:
        return monitoring.futility(range(5, 31, 5), 0.7, threshold)

    found = monitoring.calibrated(rule, 0.9, 0.05, decimals=2)
    kept = [k for k in range(1, 100) if stopping.stopping_times(rule(k / 100), 0.9).sum() <= 0.05]
    assert found.threshold == max(kept) / 100
    assert kept == list(range(1, max(kept) + 1))


def test_where_any_threshold_keeps_the_level_the_most_lenient_is_given():
    # Of one child only the event stops, with 1/5: with a uniform prior P(rate > .9) is .01 without it, not above .01.
    found = monitoring.calibrated(
        lambda t: monitoring.toxicity([1], 0.9, t, prior=UNIFORM), 0.2, 0.5, decimals=2
    )
    assert (found.threshold, found.boundary.limits) == (0.01, (1,))
    assert found.probability == pytest.approx(0.2)


# -- operating characteristics ------------------------------------------------------------------------------------


@given(boundaries(), st.lists(st.floats(0, 1), min_size=7, max_size=7))
@settings(max_examples=60)
def test_probabilities_are_those_of_going_through_every_path(boundary, rates):
    n = boundary.n
    expected = np.zeros(n)
    for path in itertools.product((0, 1), repeat=n):
        chance = math.prod(rate if event else 1 - rate for rate, event in zip(rates, path, strict=False))
        for look, seen in enumerate(boundary.looks):
            count = sum(path[:seen])
            limit = boundary.limits[look]
            if count >= limit if boundary.side == "upper" else count <= limit:
                expected[seen - 1] += chance
                break
    found = stopping.stopping_times(boundary, [rates[:n]])
    np.testing.assert_allclose(found[0], expected, atol=1e-14)


@given(boundaries("upper"), boundaries("lower"), st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 20))
@settings(max_examples=15)
def test_two_rules_are_those_of_going_through_every_path(harm, futile, event, response, ratio):
    n = max(harm.n, futile.n)
    if n > 5:
        n, harm, futile = 5, Boundary([2, 5], [2, 3], "upper"), Boundary([3, 5], [0, 2], "lower")
    table = stopping.joint_table(event, response, ratio)
    expected, mean = np.zeros(3), 0.0
    for path in itertools.product(np.ndindex(2, 2), repeat=n):
        chance = math.prod(table[cell] for cell in path)
        for seen in range(1, n + 1):
            events, responses = np.sum(path[:seen], axis=0)
            harmed = seen in harm.looks and events >= harm.limits[harm.looks.index(seen)]
            failed = seen in futile.looks and responses <= futile.limits[futile.looks.index(seen)]
            if harmed or failed:
                expected += chance * np.array(
                    [harmed and not failed, failed and not harmed, harmed and failed]
                )
                break
        mean += chance * seen
    found = stopping.operating_both(harm, futile, [(event, response)], odds_ratio=ratio).iloc[0]
    assert found[["for_harm", "for_futility", "for_both"]].tolist() == pytest.approx(expected, abs=1e-12)
    assert found.mean_n == pytest.approx(mean)


def test_independent_endpoints_are_the_limit_of_dependent_ones():
    harm = monitoring.toxicity(range(1, 31), 0.241, 0.95)
    futile = monitoring.futility(range(5, 31, 5), 0.5, 0.1)
    pairs = [(0.241, 0.93), (0.431, 0.24), (0.2, 0.5), (0, 1), (1, 0)]
    one, near = (stopping.operating_both(harm, futile, pairs, odds_ratio=r) for r in (1.0, 1 + 1e-12))
    np.testing.assert_allclose(one.to_numpy(), near.to_numpy(), atol=1e-9)
    assert (one.for_harm + one.for_futility + one.for_both).tolist() == pytest.approx(one.stops)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1e-6, 1e6))
def test_the_joint_table_has_its_margins_and_its_odds_ratio(event, response, ratio):
    table = stopping.joint_table(event, response, ratio)
    assert table.min() >= 0
    assert table.sum(axis=1) == pytest.approx([1 - event, event], abs=1e-12)
    assert table.sum(axis=0) == pytest.approx([1 - response, response], abs=1e-12)
    if table.min() > 1e-6:
        assert table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0]) == pytest.approx(ratio, rel=1e-4)


def test_the_joint_table_by_hand():
    # Both 1/2 and odds ratio 4: the cells on the diagonal are 1/3, the others 1/6.
    assert stopping.joint_table(0.5, 0.5, 4).tolist() == [
        pytest.approx([1 / 3, 1 / 6]),
        pytest.approx([1 / 6, 1 / 3]),
    ]
    assert stopping.joint_table(0.3, 0.2)[1, 1] == pytest.approx(0.06)


def test_without_looks_in_between_stopping_is_a_binomial_tail():
    found = stopping.operating(Boundary([40], [15]), [0.241, 0.431])
    assert found.stops.tolist() == pytest.approx(binom.sf(14, 40, [0.241, 0.431]))
    assert found.early.tolist() == [0, 0]
    assert found.mean_n.tolist() == [40, 40]


def test_nobody_or_everybody_with_the_event():
    boundary = monitoring.toxicity(range(1, 21), 0.241, 0.95)
    first = next(n for n, limit in zip(boundary.looks, boundary.limits, strict=True) if limit <= n)
    found = stopping.operating(boundary, [0, 1])
    assert found.stops.tolist() == [0, 1]
    assert found.mean_n.tolist() == [20, first]


def test_one_child():
    found = stopping.operating(Boundary([1], [1]), [0.3])
    assert found.iloc[0].tolist() == pytest.approx([0.3, 0.3, 0, 1])


def test_a_single_rate_gives_a_single_row_of_times():
    boundary = Boundary([2, 3], [2, 2])
    times = stopping.stopping_times(boundary, 0.5)
    # Two of two: 1/4; one of two and then one more: 1/2 times 1/2.
    assert times.tolist() == [0, 0.25, 0.25]
    assert stopping.stopping_times(boundary, [0.5]).shape == (1, 3)
    assert stopping.stopping_times(boundary, 0.5, n=5).tolist() == [0, 0.25, 0.25, 0, 0]


def test_who_enters_while_reports_are_awaited_is_treated():
    boundary = Boundary([2, 3], [2, 2])
    found = stopping.operating(boundary, [0.5], n=5, delay=1)
    # 3 and 4 children with 1/4 each, else 5.
    assert found.mean_n.item() == pytest.approx(0.25 * 3 + 0.25 * 4 + 0.5 * 5)
    assert found.early.item() == 0.5
    # With a delay of two the second stop comes when all have entered.
    late = stopping.operating(boundary, [0.5], n=5, delay=2)
    assert (late.early.item(), late.stops.item()) == (0.25, 0.5)


def test_a_rate_that_changes_is_named_by_its_mean():
    found = stopping.operating(Boundary([2], [2]), [[0.2, 0.4]])
    assert found.rate.item() == pytest.approx(0.3)
    assert found.stops.item() == pytest.approx(0.08)


def test_a_fixed_test_after_every_child_alarms_more_often_the_longer_it_goes_on():
    # A binomial test of 5% after each of n children at the very rate it tests: its false alarms only add up.
    n = np.arange(1, 201)
    needed = exact.single_arm_tests(n, 13 / 54, 0.5).needed
    alarms = stopping.stopping_times(Boundary(n.tolist(), needed.tolist()), 13 / 54).cumsum()
    assert binom.sf(needed - 1, n, 13 / 54).max() <= 0.05
    assert alarms[-1] > 0.2 > alarms[9] > 0.05
    # By simulation.
    rng = np.random.default_rng(7)
    counts = np.cumsum(rng.random((20_000, n.size)) < 13 / 54, axis=1)
    share = np.mean((counts >= needed.to_numpy()).any(axis=1))
    assert share == pytest.approx(alarms[-1], abs=4 * math.sqrt(alarms[-1] * (1 - alarms[-1]) / 20_000))


def test_a_thousand_children_and_a_look_after_each():
    boundary = monitoring.toxicity(range(1, 1001), 0.241, 0.975)
    # R looks after every 90th of 1000; between looks more stop.
    found = stopping.operating(boundary, [0.2, 0.241, 0.3])
    sparse = PLANS["toxicity 10 1000 90 0.241 0.975 0.5 0.5"].groupby("rate").stops.sum()
    assert (found.stops.to_numpy() > sparse.to_numpy()).all()
    assert found.stops.is_monotonic_increasing


@given(st.floats(0.01, 0.98), st.floats(0.001, 0.01))
@settings(max_examples=30)
def test_the_higher_the_rate_the_sooner_it_stops_for_harm_and_the_later_for_futility(rate, more):
    harm = monitoring.toxicity(range(1, 25), 0.3, 0.9, prior=discounted(13, 54, 0.2))
    futile = monitoring.futility(range(4, 25, 4), 0.6, 0.1)
    low, high = (stopping.operating(harm, [r]).iloc[0] for r in (rate, rate + more))
    assert low.stops <= high.stops + 1e-12
    assert low.mean_n >= high.mean_n - 1e-9
    low, high = (stopping.operating(futile, [r]).iloc[0] for r in (rate, rate + more))
    assert low.stops >= high.stops - 1e-12
    assert low.mean_n <= high.mean_n + 1e-9


@pytest.mark.parametrize(("event", "response"), [(0.9, 0.9), (0.3, 0.9), (0.2, 0.3)])
@pytest.mark.parametrize("ratio", [1e-12, 1e12])
def test_the_furthest_odds_ratios_leave_as_few_or_as_many_with_both_as_there_can_be(event, response, ratio):
    both = stopping.joint_table(event, response, ratio)[1, 1]
    assert both == pytest.approx(
        min(event, response) if ratio > 1 else max(event + response - 1, 0), abs=2e-6
    )


# -- what is refused ----------------------------------------------------------------------------------------------

HARM, FUTILE = Boundary([2], [2]), Boundary([2], [0], "lower")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Boundary([], []), "looks: found [], expected one or more numbers of children, ascending"),
        (lambda: Boundary(5, [1]), "looks: found 5, expected one or more numbers of children"),
        (lambda: Boundary([2], 1), "limits: found 0 for 1 looks"),
        (lambda: Boundary([2, 2], [1, 1]), "looks: found [2, 2], expected"),
        (lambda: Boundary([0], [0]), "looks: found 0, expected a whole number from 1 to 5000"),
        (lambda: Boundary([2.5], [1]), "looks: found 2.5, expected a whole number"),
        (lambda: Boundary([2], [1, 2]), "limits: found 2 for 1 looks, expected one for each"),
        (lambda: Boundary([2], [4]), "the limit after 2: found 4, expected a whole number from 0 to 3"),
        (lambda: Boundary([2], [-2], "lower"), "the limit after 2: found -2, expected a whole number from -1 to 2"),
        (lambda: Boundary([2], [1], "two"), "side: found 'two', expected 'upper' or 'lower'"),
        (lambda: monitoring.toxicity([1], 0, 0.9), "limit: found 0, expected a number strictly between 0 and 1"),
        (lambda: monitoring.futility([1], 1.2, 0.9), "target: found 1.2, expected a number strictly"),
        (lambda: monitoring.toxicity([1], 0.2, 1), "threshold: found 1, expected"),
        (lambda: monitoring.toxicity([1], 0.2, 0.9, prior=(1, 1)), "found (1, 1); expected a beta distribution"),
        (lambda: monitoring.predictive_futility([5], 4, 2, 0.1), "looks: found one after 5, expected at most 4"),
        (lambda: monitoring.predictive_futility([5], 5, 6, 0.1), "needed: found 6, expected a whole number from 1 to 5"),
        (lambda: stopping.stopping_times(HARM, 1.1), "found the rate 1.1; expected a number from 0 to 1"),
        (lambda: stopping.stopping_times(HARM, []), "rates: found the shape (0,)"),
        (lambda: stopping.stopping_times(HARM, [[0.1, 0.2, 0.3]]), "rates: found the shape (1, 3), expected one rate"),
        (lambda: stopping.stopping_times(HARM, 0.1, n=1), "n: found 1, expected a whole number from 2 to 5000"),
        (lambda: stopping.operating(HARM, 0.1, delay=-1), "delay: found -1, expected a whole number of 0 or more"),
        (lambda: stopping.operating_both(FUTILE, HARM, [(0, 1)]), "harm: found a boundary with the side 'lower'"),
        (lambda: stopping.operating_both(HARM, HARM, [(0, 1)]), "futile: found a boundary with the side 'upper'"),
        (lambda: stopping.operating_both(HARM, FUTILE, [0, 1]), "rates: found the shape (2,), expected pairs"),
        (lambda: stopping.operating_both(HARM, FUTILE, [(0, 1)], odds_ratio=0), "odds_ratio: found 0"),
        (lambda: stopping.joint_table(0.1, 2), "found the rate 2"),
        (lambda: stopping.joint_table([0.1, 0.2], 0.5), "found the rate [0.1, 0.2]; expected a single number from 0 to 1"),
        (lambda: stopping.joint_table(0.1, 0.5, 1e308), "odds_ratio: found a number beyond 1e+12"),
        (
            lambda: stopping.operating_both(HARM, FUTILE, [(0, 1)], n=1001, odds_ratio=2),
            "n: found 1001, expected at most 1000 where the odds ratio is not 1",
        ),
        (lambda: monitoring.calibrated(lambda t: HARM, 0.5, 0.1), "level: found 0.1, but with the strictest threshold, 0.9999"),
        (lambda: monitoring.calibrated(lambda t: HARM, 0, 0.1), "rate: found 0, expected"),
        (lambda: monitoring.calibrated(lambda t: HARM, 0.5, 2), "level: found 2, expected"),
        (lambda: monitoring.calibrated(lambda t: HARM, 0.5, 0.3, decimals=0), "decimals: found 0, expected"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(call, words):
    with pytest.raises(CasebookError) as error:
        call()
    assert words in str(error.value)
