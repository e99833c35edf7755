"""Events, children and calendar time: against rpact, quadrature, simulation and hand-worked cases."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad

from casebook.design import events
from casebook.design.arms import Arm, hazard_of
from casebook.design.events import Plan
from casebook.errors import CasebookError

R = pd.read_csv(Path(__file__).with_name("oracles") / "events.csv")
"""Made by ``oracles/events.R`` (R 4.2.2, rpact 3.3.4). rpact integrates numerically, also across jumps of the hazard, which
leaves it off by up to 1e-4 at some times; there the closed form is held against quadrature that stops at each jump."""


def plan(hazards, starts, ratio, accrual, lost=(0, 0), allocation=1.0, follow_up=12.0):
    """A plan of ``oracles/events.R``; ``lost`` by 12 months, control first."""
    control, treatment = (Arm(hazards, starts, dropout=-math.log1p(-share) / 12) for share in lost)
    return Plan(control, treatment.times(ratio), accrual, follow_up, allocation)


PLANS = {
    "exponential": plan([math.log(2) / 12], [0], 0.5, 12),
    "piecewise": plan([0.05, 0.02, 0.004], [0, 6, 24], 0.7, 36, lost=(0.05, 0.1)),
    "unequal": plan([0.08, 0.01], [0, 10], 0.6, 20, lost=(0.05, 0.05), allocation=2),
}
RATIOS = {"exponential": 0.5, "piecewise": 0.7, "unequal": 0.6}
TESTS = {
    "plain": {"power": 0.9},
    "one_sided": {"sides": 1, "alpha": 0.025},
    "unequal": {"allocation": 2},
}


def rows(quantity: str):
    return [
        pytest.param(row, id=f"{row.plan}-{row.argument:g}") for row in R[R.quantity == quantity].itertuples()
    ]


def needed(name: str) -> float:
    return events.schoenfeld(RATIOS[name], allocation=PLANS[name].allocation)


@st.composite
def arms(draw):
    widths = draw(st.lists(st.floats(0.1, 30), max_size=3))
    hazards = draw(
        st.lists(st.sampled_from([0, 0.001, 0.05, 2]), min_size=len(widths) + 1, max_size=len(widths) + 1)
    )
    starts = np.concatenate([[0], np.cumsum(widths)])
    return Arm(hazards, starts, draw(st.sampled_from([0, 0.3, 0.9])), draw(st.sampled_from([0, 1e-9, 0.02])))


def simulated(arm: Arm, n: int, random: np.random.Generator) -> np.ndarray:
    """Times to the event of n children, infinite for those who are lost before it or are cured."""
    starts, hazards = np.array(arm.starts), np.array(arm.hazards)
    begun = np.concatenate([[0], np.cumsum(hazards[:-1] * np.diff(starts))])
    goal = random.standard_exponential(n)
    place = np.searchsorted(begun, goal, side="right") - 1
    with np.errstate(divide="ignore"):
        time = starts[place] + (goal - begun[place]) / hazards[place]
    lost = random.exponential(1 / arm.dropout, n) if arm.dropout else np.inf
    return np.where((random.random(n) < arm.cured) | (lost < time), np.inf, time)


# -- how many events ----------------------------------------------------------------------------------------------


def test_a_halved_hazard_takes_87_and_a_half_events_and_168_children():
    # rpact: HR .5, two-sided 5%, power 90%, median 12, accrual 12, follow-up 12.
    wanted = events.schoenfeld(0.5, power=0.9)
    assert round(wanted, 1) == 87.5
    found = events.children(PLANS["exponential"], wanted)
    assert (round(found.exact, 1), found.control, found.treatment, found.n) == (167.9, 84, 84, 168)


@pytest.mark.parametrize("row", rows("events"))
def test_events_are_those_of_rpact(row):
    assert events.schoenfeld(row.argument, **TESTS[row.plan]) == pytest.approx(row.value, rel=1e-10)


@given(st.floats(0.2, 0.95), st.floats(0.3, 0.99), st.floats(0.2, 5), st.sampled_from([1, 2]))
def test_events_power_and_ratio_are_the_same_formula_turned_round(ratio, power, allocation, sides):
    more = {"sides": sides, "allocation": allocation}
    wanted = events.schoenfeld(ratio, power=power, **more)
    assert events.power_of(wanted, ratio, **more) == pytest.approx(power)
    assert events.detectable(wanted, power=power, **more) == pytest.approx(ratio)
    # The other way round, the same events.
    other = events.schoenfeld(1 / ratio, power=power, sides=sides, allocation=1 / allocation)
    assert wanted == pytest.approx(other)


def test_without_events_there_is_only_the_type_i_error():
    assert events.power_of(0, 0.5) == pytest.approx(0.025)
    assert events.power_of(0, 0.5, sides=1) == pytest.approx(0.05)


def test_with_the_ratio_uncertain_the_power_is_that_of_studies_of_ratios_drawn_from_its_limits():
    # A million draws, seed 3, of the ratio .70 (.47 to 1.03), each with its own study of 247 events.
    random, error = np.random.default_rng(3), math.log(1.03 / 0.47) / (2 * 1.959964)
    true = math.log(0.70) + error * random.standard_normal(1_000_000)
    statistic = true * math.sqrt(247 / 4) + random.standard_normal(1_000_000)
    found = events.assurance(247, 0.70, (0.47, 1.03))
    assert found == pytest.approx((statistic < -1.959964).mean(), abs=0.002)
    assert found < events.power_of(247, 0.70)
    assert events.assurance(247, 1 / 0.70, (1 / 1.03, 1 / 0.47)) == pytest.approx(found)
    # Known almost exactly, it is the power.
    assert events.assurance(247, 0.70, (0.6999999, 0.7000001)) == pytest.approx(events.power_of(247, 0.70))


# -- when events come ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", rows("seen"))
def test_events_by_calendar_time_are_those_of_rpact(row):
    exact = row.plan == "exponential"
    assert PLANS[row.plan].seen(row.argument) == pytest.approx(row.value, rel=1e-10 if exact else 3e-5)


@pytest.mark.parametrize("row", rows("children"))
def test_children_are_those_of_rpact(row):
    assert events.children(PLANS[row.plan], needed(row.plan)).exact == pytest.approx(row.value, rel=1e-7)


@pytest.mark.parametrize("row", rows("time"))
def test_at_the_time_of_rpacts_analysis_the_events_have_come(row):
    assert PLANS[row.plan].seen(row.value) == pytest.approx(needed(row.plan) / row.argument, rel=1e-4)
    found = events.analysis_time(PLANS[row.plan], row.argument, needed(row.plan))
    assert found == pytest.approx(row.value, rel=2e-4)


def test_one_hazard_and_losses_by_hand():
    # .05 of .06 leave by the event: 5/6 (1 - exp(-.06 t)), of those not cured; its integral from 0.
    arm = Arm([0.05], cured=0.4, dropout=0.01)
    assert arm.seen(10) == pytest.approx(0.6 * 5 / 6 * (1 - math.exp(-0.6)))
    assert arm.seen_area(10) == pytest.approx(0.6 * 5 / 6 * (10 - (1 - math.exp(-0.6)) / 0.06))
    assert arm.ever_seen == pytest.approx(0.5)
    assert arm.survival(10) == pytest.approx(0.4 + 0.6 * math.exp(-0.5))
    assert arm.density(10) == pytest.approx(0.6 * 0.05 * math.exp(-0.5))


def test_a_hazard_of_nothing_adds_nothing_and_one_that_begins_late_waits():
    arm = Arm([0, 0.1], [0, 5])
    assert arm.seen([0, 3, 5]).tolist() == arm.seen_area([0, 3, 5]).tolist() == [0, 0, 0]
    assert arm.seen(7) == pytest.approx(1 - math.exp(-0.2))
    assert Arm([0.1, 0], [0, 5]).ever_seen == pytest.approx(1 - math.exp(-0.5))


@given(arms(), st.floats(0, 100))
def test_closed_forms_are_the_integrals_that_they_stand_for(arm, time):
    def integral(function) -> float:
        stops = [0.0, *(start for start in arm.starts if 0 < start < time), time]
        return sum(quad(function, a, b, epsabs=1e-13, epsrel=1e-12)[0] for a, b in itertools.pairwise(stops))

    assert arm.seen(time) == pytest.approx(
        integral(lambda u: arm.density(u) * math.exp(-arm.dropout * u)), rel=1e-9, abs=1e-11
    )
    assert arm.seen_area(time) == pytest.approx(integral(arm.seen), rel=1e-9, abs=1e-11)
    assert 1 - arm.survival(time) == pytest.approx(integral(arm.density), rel=1e-9, abs=1e-11)
    assert 0 <= arm.seen(time) <= arm.ever_seen * (1 + 1e-12) <= 1 + 1e-12


@given(arms(), arms(), st.sampled_from([0, 0.5, 24]), st.floats(0.1, 60), st.floats(0.5, 3))
def test_events_over_calendar_time_only_rise_to_all_that_ever_come(
    control, treatment, accrual, follow_up, allocation
):
    assume(control.seen(follow_up) + treatment.seen(follow_up) > 0)
    planned = Plan(control, treatment, accrual, follow_up, allocation)
    seen = planned.seen(np.linspace(0, 1000, 400))
    assert seen[0] == 0
    assert (np.diff(seen) >= -1e-11).all()
    most = (control.ever_seen + allocation * treatment.ever_seen) / (1 + allocation)
    assert seen[-1] <= most + 1e-11


def test_events_over_calendar_time_are_those_of_simulated_children():
    # 400,000 children, seed 1: within five standard errors at each time.
    planned = plan([0.08, 0.02, 0.005], [0, 6, 24], 0.6, 30, lost=(0.1, 0.2), allocation=2)
    random, n = np.random.default_rng(1), 400_000
    treated = random.random(n) < 2 / 3
    control, treatment = (simulated(arm, n, random) for arm, _ in planned.shares)
    event = random.uniform(0, planned.accrual, n) + np.where(treated, treatment, control)
    for time in (3, 12, 30, 42, 100):
        found, share = (event <= time).mean(), planned.seen(time)
        assert abs(found - share) < 5 * math.sqrt(share * (1 - share) / n)


def test_those_who_all_enter_at_once_are_the_limit_of_a_short_accrual():
    at_once, soon = (
        Plan(Arm([0.1], cured=0.2), Arm([0.05]), accrual, 10).event_probability for accrual in (0, 1e-5)
    )
    assert at_once == pytest.approx(0.5 * (0.8 * (1 - math.exp(-1)) + 1 - math.exp(-0.5)))
    assert soon == pytest.approx(at_once, rel=1e-5)


def test_events_of_n_children_at_any_times():
    found = events.expected_events(PLANS["exponential"], 100, [[6, 12], [24, 0]])
    assert found.shape == (2, 2)
    assert found[1, 1] == 0
    # rpact, rounded: 5.918 after 6 months, 21.677 after 12.
    assert found[0] == pytest.approx([5.91842501528, 21.6770645486])


@pytest.mark.parametrize("name", PLANS)
def test_the_analysis_is_when_the_events_are_expected(name):
    for wanted in (1, 20, 40):
        time = events.analysis_time(PLANS[name], 100, wanted)
        assert events.expected_events(PLANS[name], 100, time) == pytest.approx(wanted)


@pytest.mark.parametrize("name", PLANS)
def test_accrual_lasts_until_the_events_are_expected_at_the_end(name):
    found = events.accrual_time(PLANS[name], 150, per_time=4)
    planned = PLANS[name]
    again = Plan(planned.control, planned.treatment, found, planned.follow_up, planned.allocation)
    assert events.children(again, 150).exact == pytest.approx(4 * found)


def test_accrual_twice_as_slow_lasts_less_than_twice_as_long():
    # Who enters early is followed for longer, and fewer children are needed.
    fast, slow = (events.accrual_time(PLANS["piecewise"], 100, rate) for rate in (10, 5))
    assert fast < slow < 2 * fast


@given(st.floats(0.05, 0.95), st.floats(0.5, 100), st.floats(0, 0.9))
def test_the_hazard_of_a_survival_gives_that_survival(survival, time, share):
    cured = share * survival
    assert Arm([hazard_of(survival, time, cured)], cured=cured).survival(time) == pytest.approx(survival)


def test_a_ratio_of_hazards_raises_a_plateau_and_only_delays_the_uncured():
    plateau, cured = Arm([0.1, 0], [0, 10]), Arm([0.1], cured=math.exp(-1))
    assert plateau.times(0.5).survival(1000) == pytest.approx(math.exp(-0.5))
    assert cured.times(0.5).survival(1000) == pytest.approx(math.exp(-1))


# -- what is refused ----------------------------------------------------------------------------------------------

FAST = Arm([0.1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Arm([-0.1]), "hazards[0]: found -0.1, expected a number of 0 or more"),
        (lambda: Arm([0.1, math.inf], [0, 1]), "hazards[1]: found inf"),
        (lambda: Arm(0.1), "hazards: found 0.1, expected a number for each stretch, as [0.1]"),
        (lambda: Arm([0.1], 0), "starts: found 0, expected a number for each stretch"),
        (lambda: Arm([10**400]), "hazards[0]: found a number beyond 1e+12"),
        (lambda: Arm([0.1], dropout=1e13), "dropout: found a number beyond 1e+12"),
        (lambda: FAST.times(5e-324), "ratio: found 4.94066e-324, expected a number of at least 1e-12"),
        (lambda: FAST.seen(1e308), "times: found 1e+308, expected numbers of 0 or more, at most 1e+60"),
        (lambda: FAST.seen([[1], [1, 2]]), "times: found [[1], [1, 2]], expected numbers"),
        (lambda: hazard_of(0.5, 5e-324), "time: found 4.94066e-324, expected one at which the hazard is at most 1e+12"),
        (lambda: Plan(FAST, 0.1, 12, 12), "treatment: found 0.1, expected an Arm"),
        (lambda: Plan(FAST, FAST, 1e308, 12), "accrual: found a number beyond 1e+12"),
        (lambda: Plan(FAST, FAST, 12, 12, 1e-4), "allocation: found 0.0001, expected a number from 0.001 to 1000"),
        (lambda: events.schoenfeld(0.5, allocation=1e4), "allocation: found 10000, expected a number from 0.001 to 1000"),
        (lambda: events.detectable(100, allocation=1e4), "allocation: found 10000"),
        (lambda: events.schoenfeld(10**400), "ratio: found a number beyond 1e+12"),
        (lambda: events.schoenfeld(0.5, alpha=5e-324), "alpha: found 5e-324, expected a number from 1e-20 to 0.999999"),
        (lambda: events.power_of(9, 0.5, alpha=5e-324), "alpha: found 5e-324"),
        (lambda: events.schoenfeld(0.5, sides=np.array([1, 2])), "sides: found array([1, 2]), expected 1 or 2"),
        (lambda: events.assurance(9, 0.5, None), "limits: found None, expected a lower and an upper one"),
        (lambda: events.assurance(9, 0.5, (0.3,)), "limits: found (0.3,), expected a lower and an upper one"),
        (lambda: events.assurance(9, 0.5, (0.2, 0.9), confidence=1e-17), "confidence: found 1e-17, expected 1e-06 or more"),
        (lambda: events.assurance(9, 0.5, (0.2, 0.9), alpha=5e-324), "alpha: found 5e-324"),
        (lambda: Arm([]), "found 0 hazards and 1 starts"),
        (lambda: Arm([0.1, 0.2]), "found 2 hazards and 1 starts; expected as many"),
        (lambda: Arm([0.1], [1]), "starts: found (1.0,), expected 0 first"),
        (lambda: Arm([0.1, 0.2], [0, 0]), "starts: found (0.0, 0.0), expected 0 first and then later ones"),
        (lambda: Arm([0.1], cured=1), "cured: found 1, expected a share below 1"),
        (lambda: Arm([0.1], cured=-0.1), "cured: found -0.1"),
        (lambda: Arm([0.1], dropout=math.nan), "dropout: found nan"),
        (lambda: FAST.times(0), "ratio: found 0, expected a number above 0"),
        (lambda: FAST.seen([-1, 2]), "times: found [-1, 2], expected numbers of 0 or more"),
        (lambda: FAST.survival([math.inf]), "times: found [inf]"),
        (
            lambda: hazard_of(1, 12),
            "survival: found 1, expected a share below 1 and above that of the cured, 0",
        ),
        (lambda: hazard_of(0.3, 12, 0.4), "survival: found 0.3, expected a share below 1 and above"),
        (lambda: hazard_of(0.5, 0), "time: found 0, expected one above 0"),
        (lambda: Plan(FAST, FAST, -1, 12), "accrual: found -1, expected a number of 0 or more"),
        (lambda: Plan(FAST, FAST, 12, -1), "follow_up: found -1"),
        (lambda: Plan(FAST, FAST, 0, 0), "found neither accrual nor follow-up"),
        (lambda: Plan(FAST, FAST, 12, 12, 0), "allocation: found 0"),
        (lambda: Plan(Arm([0]), Arm([0]), 12, 12), "found no event by the end, 24"),
        (lambda: Plan(Arm([0, 1], [0, 30]), Arm([0]), 12, 12), "found no event by the end, 24"),
        (lambda: events.schoenfeld(1), "ratio: found 1, expected another"),
        (lambda: events.schoenfeld(-0.5), "ratio: found -0.5"),
        (lambda: events.schoenfeld(0.5, sides=3), "sides: found 3, expected 1 or 2"),
        (lambda: events.schoenfeld(0.5, sides=True), "sides: found True"),
        (lambda: events.schoenfeld(0.5, power=0.05), "power: found 0.05, expected more than alpha"),
        (lambda: events.schoenfeld(0.5, allocation=-1), "allocation: found -1"),
        (lambda: events.power_of(-1, 0.5), "events: found -1"),
        (lambda: events.assurance(9, 0.5, (0.6, 0.9)), "limits: found 0.6 and 0.9, expected one below 0.5"),
        (lambda: events.assurance(9, 0.5, (0, 0.9)), "limits: found 0, expected"),
        (lambda: events.assurance(9, 0.5, (0.2, 0.9), confidence=1), "confidence: found 1"),
        # (1.96 + 0.84)**2 / (log(1e-9)**2 / 4) = 7.849 / 107.4.
        (lambda: events.schoenfeld(1e-9), "ratio: found 1e-09, for which 0.073 events were enough; expected one nearer 1"),
        (lambda: events.schoenfeld(1e9), "ratio: found 1e+09, for which 0.073 events were enough"),
        (lambda: events.children(PLANS["exponential"], 0.07), "events: found 0.07, expected 1 or more"),
        (lambda: events.detectable(0.07), "events: found 0.07, expected 1 or more"),
        (lambda: events.detectable(0), "events: found 0"),
        (lambda: events.children(PLANS["exponential"], 0), "events: found 0"),
        (lambda: events.expected_events(PLANS["exponential"], 0, 1), "n: found 0"),
        (lambda: events.accrual_time(PLANS["exponential"], 10, 0), "per_time: found 0"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(call, words):
    with pytest.raises(CasebookError) as error:
        call()
    assert words in str(error.value)


def test_events_that_never_come_are_refused_with_those_that_do():
    # Half are cured, and of the others 5 in 6 have the event before they are lost: 41.67 of 100.
    arm = Arm([0.05], cured=0.5, dropout=0.01)
    planned = Plan(arm, arm, 12, 24)
    with pytest.raises(
        CasebookError, match=r"found 42 events of 100 children; expected fewer than 41\.67, which"
    ):
        events.analysis_time(planned, 100, 42)
    assert events.analysis_time(planned, 100, 41.6) > 100


@pytest.mark.filterwarnings("error")
def test_the_largest_hazards_and_durations_have_all_their_events():
    most = Arm([1e12], dropout=1e12)
    assert Plan(most, most, 1e12, 1e12).event_probability == pytest.approx(0.5)
    assert Arm([1e12]).seen_area(1e60) == pytest.approx(1e60)
