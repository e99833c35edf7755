"""The truth of scenarios: closed forms, forward equations, and very large trials."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.stats import multivariate_normal

from casebook.design import trialsim, truth
from casebook.design.scenarios import Scenario
from casebook.errors import CasebookError

PLAIN = Scenario(
    id="plain", control=50, treatment=50, accrual=24, followup=24, hazard=(0.04,), hazard_ratio=(0.6,), drop_out=0.005,
    milestone=24, horizon=24,
)  # fmt: skip
WHOLE = replace(
    PLAIN, id="whole", control=40, treatment=60, hazard_from=(0, 3, 12), hazard=(0.03, 0.08, 0.02), hazard_ratio=(1, 0.5, 0.7),
    cured_control=0.2, cured_treatment=0.35, hsct_control=(0, 0.1, 0.02), hsct_treatment=(0, 0.2, 0.02), hsct_ratio=0.4,
    hsct_mortality=0.01, stratum_share=(0.3, 0.7), stratum_ratio=(1, 1.8), stratified=True,
)  # fmt: skip
MONTHS = np.array([0, 1, 3, 5, 12, 20, 30, 48.0])


def test_an_exponential_is_its_closed_form():
    np.testing.assert_allclose(truth.survival(PLAIN, "control", MONTHS), np.exp(-0.04 * MONTHS), rtol=1e-12)
    np.testing.assert_allclose(
        truth.survival(PLAIN, "treatment", MONTHS), np.exp(-0.024 * MONTHS), rtol=1e-12
    )
    # The integral of exp(-h t) to 24.
    assert truth.restricted_mean(PLAIN, "control") == pytest.approx((1 - math.exp(-0.96)) / 0.04, rel=1e-12)


@pytest.mark.parametrize("steep", [1.0, 19.0, 21.0, 100.0, 3600.0, 12000.0, 1e5])
def test_a_steep_hazard_over_a_long_time_is_its_closed_form(steep):
    rate = steep / 1200
    long = replace(
        PLAIN,
        accrual=0,
        followup=1200,
        horizon=1200,
        milestone=1,
        hazard=(rate,),
        hazard_ratio=(0.001,),
        drop_out=0,
    )
    # (1 - exp(-h t)) / h, also of the arm in which little happens.
    assert truth.restricted_mean(long, "control") == pytest.approx(-math.expm1(-steep) / rate, rel=1e-10)
    slow = steep / 1000
    assert truth.restricted_mean(long, "treatment") == pytest.approx(
        -math.expm1(-slow) / slow * 1200, rel=1e-10
    )
    # 50 (1 - exp(-h t)) of each arm.
    events = -50 * (math.expm1(-steep) + math.expm1(-slow))
    assert truth.expected_events(long, 1200) == pytest.approx(events, rel=1e-10)
    assert truth.log_hazard_ratio(long) == pytest.approx(math.log(0.001), rel=1e-8)
    # A steep piece after a flat one, with HSCT and drop-out as steep: by hand, 600 exp(-6) is left to fail at 'rate'.
    late = replace(long, hazard=(0.01, rate), hazard_from=(0, 600))
    expected = -math.expm1(-6) / 0.01 + math.exp(-6) * -math.expm1(-steep / 2) / rate
    assert truth.restricted_mean(late, "control") == pytest.approx(expected, rel=1e-10)
    # Of those who fail or drop out at the same rate, half fail.
    dropped = replace(long, drop_out=rate, hazard_ratio=(1.0,))
    assert truth.expected_events(dropped, 1200) == pytest.approx(-50 * math.expm1(-2 * steep), rel=1e-10)
    # Where drop-out or HSCT, after which nobody fails, is a thousand times as fast, one in 1001 fails.
    for change in (
        {"drop_out": rate},
        {"hsct_control": (rate,), "hsct_treatment": (rate,), "hsct_ratio": 0.0},
    ):
        few = replace(long, hazard=(rate / 1000,), hazard_ratio=(1.0,), **change)
        expected = -100 / 1001 * math.expm1(-1.001 * steep)
        assert truth.expected_events(few, 1200) == pytest.approx(expected, rel=1e-10)


def test_the_fastest_hazard_that_a_scenario_may_have_is_its_closed_form():
    fast = replace(PLAIN, hazard=(1e4,), hazard_ratio=(1.0,), drop_out=1e4)
    assert truth.restricted_mean(fast, "control") == pytest.approx(1e-4, rel=1e-10)
    # Half fail before they drop out.
    assert truth.expected_events(fast, 48) == pytest.approx(50, rel=1e-10)


def test_a_cured_share_is_a_plateau():
    cured = replace(PLAIN, cured_control=0.3)
    np.testing.assert_allclose(
        truth.survival(cured, "control", MONTHS), 0.3 + 0.7 * np.exp(-0.04 * MONTHS), rtol=1e-12
    )
    # As does a last piece without hazard, under which hazards stay proportional.
    flat = replace(PLAIN, hazard=(0.04, 0.0), hazard_from=(0, 12))
    free = {arm: truth.survival(flat, arm, [12, 30, 48]) for arm in truth.ARMS}
    assert free["control"].tolist() == [free["control"][0]] * 3
    np.testing.assert_allclose(free["treatment"], free["control"] ** 0.6, rtol=1e-12)


@pytest.mark.parametrize("arm", truth.ARMS)
def test_cure_and_hsct_together_solve_the_forward_equations(arm):
    months = np.array([1, 3, 5, 12, 20, 30, 48.0])
    numbers = truth.sizes(WHOLE)[:, truth.ARMS.index(arm)]
    expected = 0
    for stratum, n in enumerate(numbers):
        h = truth.hazards(WHOLE, arm, stratum)

        def moves(t, state, h=h):
            piece = np.searchsorted(WHOLE.hazard_from, t, side="right") - 1
            waiting, transplanted, well, well_transplanted = state
            before, after, rate, death = h.before[piece], h.after[piece], h.to_hsct[piece], h.mortality[piece]
            return [
                -(before + rate) * waiting,
                rate * waiting - after * transplanted,
                -rate * well,
                rate * well - death * well_transplanted,
            ]

        start = [1 - h.cured, 0, h.cured, 0]
        solved = solve_ivp(moves, (0, 48), start, t_eval=months, rtol=1e-9, atol=1e-12, max_step=0.05)
        expected = expected + n / numbers.sum() * solved.y.sum(axis=0)
    # The equations turn at months 3 and 12, between two steps of the solver: that is its error.
    np.testing.assert_allclose(truth.survival(WHOLE, arm, months), expected, atol=2e-4)


def test_hazards_that_end_the_wait_as_fast_as_what_follows_are_no_exception():
    # Leaving the wait at 0.04 + 0.06 and failing after HSCT at 0.1: the two exponentials are one, times t.
    alike = replace(PLAIN, hazard_ratio=(1,), hsct_control=(0.06,), hsct_ratio=2.5)
    expected = np.exp(-0.1 * MONTHS) * (1 + 0.06 * MONTHS)
    np.testing.assert_allclose(truth.survival(alike, "control", MONTHS), expected, rtol=1e-12)
    near = replace(alike, hsct_ratio=2.5 + 1e-9)
    np.testing.assert_allclose(truth.survival(near, "control", MONTHS), expected, rtol=1e-7)


def test_numbers_by_stratum_add_up_in_each_arm():
    thirds = replace(
        WHOLE, stratum_share=(1 / 3, 1 / 3, 1 / 3), stratum_ratio=(1, 1, 1), control=50, treatment=7
    )
    assert truth.sizes(thirds).sum(axis=0).tolist() == [50, 7]
    assert truth.sizes(thirds)[:, 0].tolist() == [17, 16, 17]
    assert truth.sizes(replace(PLAIN, control=0, null_survival=0.5)).tolist() == [[0, 50]]


def test_expected_events_are_their_closed_form():
    # Entries even over A, drop-out g: h/(h+g) (1 - (exp(-(h+g)(T-A)) - exp(-(h+g)T)) / ((h+g) A)) of each arm.
    def share(h: float, g: float = 0.005, accrual: float = 24, end: float = 48) -> float:
        k = h + g
        return h / k * (1 - (math.exp(-k * (end - accrual)) - math.exp(-k * end)) / (k * accrual))

    assert truth.expected_events(PLAIN, 48) == pytest.approx(50 * (share(0.04) + share(0.024)), rel=1e-10)
    # Within accrual: by quadrature over the time of entry.
    found = truth.expected_events(PLAIN, 10)
    by_hand = sum(
        50 * quad(lambda e, h=h: h / (h + 0.005) * (1 - math.exp(-(h + 0.005) * (10 - e))) / 24, 0, 10)[0]
        for h in (0.04, 0.024)
    )
    assert found == pytest.approx(by_hand, rel=1e-10)
    at_once = replace(PLAIN, accrual=0, followup=20, milestone=20, horizon=20, drop_out=0)
    assert truth.expected_events(at_once, 20) == pytest.approx(50 * (2 - math.exp(-0.8) - math.exp(-0.48)))


def test_events_of_simulated_trials_are_as_expected():
    rows = trialsim.batch(WHOLE, 1, 0, 4000)["events"]
    error = rows.std() / math.sqrt(rows.size)
    assert rows.mean() == pytest.approx(truth.expected_events(WHOLE, WHOLE.end), abs=3.5 * error)


def test_with_proportional_hazards_cox_estimates_their_ratio_whatever_the_follow_up():
    for change in (
        {},
        {"followup": 6},
        {"accrual": 0},
        {"events": 30},
        {"hazard": (0.04, 0.0), "hazard_from": (0, 12)},
        {"stratum_share": (0.5, 0.5), "stratum_ratio": (1, 4), "stratified": True},
        {"control": 90, "treatment": 10, "drop_out": 0.05},
    ):
        assert truth.log_hazard_ratio(replace(PLAIN, **change)) == pytest.approx(math.log(0.6), abs=1e-9), (
            change
        )


def test_strata_left_aside_draw_the_ratio_towards_one():
    # Frailty of the strata: a known property of hazard ratios, which are not collapsible.
    mixed = replace(PLAIN, stratum_share=(0.5, 0.5), stratum_ratio=(1, 4))
    assert math.log(0.6) + 0.03 < truth.log_hazard_ratio(mixed) < 0


@pytest.mark.parametrize("name", ["late", "cured", "whole"])
def test_without_proportional_hazards_a_very_large_trial_finds_the_limit(name):
    changes = {
        "late": {"hazard": (0.04, 0.04), "hazard_from": (0, 6), "hazard_ratio": (1, 0.3)},
        "cured": {"cured_control": 0.2, "cured_treatment": 0.5},
    }
    small = WHOLE if name == "whole" else replace(PLAIN, id=name, **changes[name])
    large = replace(small, control=small.control * 2000, treatment=small.treatment * 2000)
    row = trialsim.batch(large, 1, 0, 1)[0, 0]
    limit = truth.log_hazard_ratio(small)
    assert row["coefficient"] == pytest.approx(limit, abs=4 * math.sqrt(row["variance"]))
    # The limit is another with another follow-up.
    if name == "late":
        short = truth.log_hazard_ratio(replace(small, accrual=6, followup=18, milestone=12, horizon=12))
        assert short > limit + 0.05


def test_the_end_by_events_is_when_they_are_expected():
    late = replace(PLAIN, hazard=(0.04, 0.04), hazard_from=(0, 6), hazard_ratio=(1, 0.3))
    end = truth.expected_events(late, 30)
    by_events = truth.log_hazard_ratio(replace(late, control=500, treatment=500, events=round(10 * end)))
    by_month = truth.log_hazard_ratio(replace(late, accrual=24, followup=6))
    assert by_events == pytest.approx(by_month, abs=1e-2)
    # More than are ever expected: the last month.
    assert truth.log_hazard_ratio(replace(late, events=100)) == truth.log_hazard_ratio(late)


def test_events_expected_at_once_end_the_trial_at_once():
    # 2e6 patients fail at 5000 a month: after 1e-9 of 1200 months, 0.006 of them have.
    swift = replace(
        PLAIN,
        control=10**6,
        treatment=10**6,
        accrual=0,
        followup=1200,
        hazard=(5e3,),
        hazard_ratio=(0.5,),
        events=1,
        milestone=1e-10,
        horizon=1e-10,
    )
    assert truth.log_hazard_ratio(swift) == pytest.approx(math.log(0.5), abs=1e-9)


def test_what_is_given_is_shown_as_other_messages_show_it():
    for call in (
        lambda given: truth.hazards(PLAIN, "control", given),
        lambda given: truth.expected_events(PLAIN, given),
        lambda given: truth.hazards(PLAIN, given),
    ):
        with pytest.raises(CasebookError, match=r"found .*a number of more than 20 digits"):
            call(10**5000)
    with pytest.raises(CasebookError) as error:
        truth.survival(PLAIN, "control", [-1.0] * 1000)
    assert len(str(error.value)) < 200


LOOKED = replace(PLAIN, events=60, looks=(0.5,), look_by="fraction", critical=(2.963, 1.969))


@pytest.mark.parametrize(
    ("looks", "critical", "expected"),
    [
        # Armitage, McPherson and Rowe (1969): two tests at 1.96 reject 8.3%, at 2.178 5%, as do Pocock's bounds.
        ((0.5,), (1.96, 1.96), 0.083),
        ((0.5,), (2.178, 2.178), 0.050),
        # O'Brien and Fleming's by the spending function of Lan and DeMets, as rpact has them.
        ((0.5,), (2.963, 1.969), 0.050),
        # By scipy 1.16's multivariate_normal: 1 - P(|Z1| < 3, |Z2| < 3, |Z3| < 1.96), correlations sqrt(s/t).
        ((1 / 3, 2 / 3), (3.0, 3.0, 1.96), None),
    ],
)
def test_the_level_of_bounds_is_how_often_they_are_passed_without_effect(looks, critical, expected):
    found = truth.level(replace(LOOKED, looks=looks, critical=critical, futility=(0.0,) * len(looks)))
    if expected is not None:
        assert found == pytest.approx(expected, abs=0.0005)
    t = np.array([*looks, 1.0])
    covariance = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    inside = multivariate_normal(cov=covariance, seed=1).cdf(critical, lower_limit=-np.array(critical))
    assert found == pytest.approx(1 - inside, abs=2e-5)


def test_the_level_of_bounds_is_that_at_the_events_of_the_looks():
    # Half of 5 events is held at the third: with looks nearer to each other, fewer pass.
    few = replace(LOOKED, events=5)
    assert few.look_counts == (3,)
    assert truth.level(few) == truth.level(replace(LOOKED, looks=(0.6,)))
    assert truth.level(few) < truth.level(LOOKED)


@pytest.mark.parametrize(
    "change",
    [
        {"critical": ()},
        {"looks": (12,), "look_by": "month"},
        {"control": 0, "null_survival": 0.4, "events": 30},
        # One of 10,000 events apart.
        {
            "control": 10**4,
            "treatment": 10**4,
            "events": 10**4,
            "looks": (0.5, 0.5001),
            "critical": (3, 3, 2),
        },
    ],
)
def test_where_it_is_not_known_how_much_a_look_knows_bounds_have_no_level(change):
    assert truth.level(replace(LOOKED, **change)) is None


def test_what_is_not_there_is_refused():
    single = replace(PLAIN, control=0, null_survival=0.5)
    with pytest.raises(CasebookError, match="found one arm in scenario plain"):
        truth.log_hazard_ratio(single)
    with pytest.raises(CasebookError, match="found the arm 'control'"):
        truth.survival(single, "control", [1])
    with pytest.raises(CasebookError, match="expected months of 0 or more"):
        truth.survival(PLAIN, "control", [-1])
    with pytest.raises(CasebookError, match="expected it above 0, and at most 48"):
        truth.expected_events(PLAIN, 49)
    assert truth.truth(single).log_hazard_ratio is None
    for arm in (None, "both", ["control"]):
        for call in (truth.restricted_mean, lambda s, arm: truth.survival(s, arm, [1])):
            with pytest.raises(
                CasebookError, match=r"found the arm .*; expected one that scenario plain has"
            ):
                call(PLAIN, arm)
    for stratum in (9, -1, None, 0.0, True):
        with pytest.raises(CasebookError, match=r"stratum: found .*, expected a whole number from 0 to 0"):
            truth.hazards(PLAIN, "control", stratum)
    for times in ("a", {}, ["a"], None, [[1], [1, 2]]):
        with pytest.raises(CasebookError, match="expected months of 0 or more"):
            truth.survival(PLAIN, "control", times)
    for month in (None, "a", [1], math.nan, True):
        with pytest.raises(CasebookError, match="expected it above 0, and at most 48"):
            truth.expected_events(PLAIN, month)
    unlike = replace(PLAIN)
    object.__setattr__(unlike, "hazard_ratio", (1e-14,))  # no scenario may have it, as this is asked of it
    with pytest.raises(CasebookError, match="found no failure in one arm of scenario plain"):
        truth.log_hazard_ratio(unlike)
