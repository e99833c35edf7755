"""What a log-rank test finds, also of hazards that are not proportional: against Schoenfeld's formula and simulated trials."""

from __future__ import annotations

import math

import numpy as np
import pytest

from casebook.cohort.comparison import log_rank
from casebook.cohort.risktable import tabulate_by
from casebook.design import events, logrank
from casebook.design.arms import Arm
from casebook.design.events import Plan
from casebook.errors import CasebookError

CURED = Plan(Arm([0.1], cured=0.5, dropout=0.005), Arm([0.05], cured=0.5), 12, 24)
LATE = Plan(Arm([0.06]), Arm([0.06, 0.01], [0, 6], dropout=0.01), 24, 12, allocation=2)
PLATEAU = Plan(Arm([0.08, 0], [0, 12]), Arm([0.08, 0], [0, 12]).times(0.5), 0, 30)


def trial(planned: Plan, n: int, random: np.random.Generator):
    """The log-rank test of n simulated children."""
    treated = random.random(n) < planned.shares[1][1]
    goal = random.standard_exponential(n)
    cured, lost_by, event_by = np.empty((3, n))
    for (arm, _), who in zip(planned.shares, (~treated, treated), strict=True):
        starts, hazards = np.array(arm.starts), np.array(arm.hazards)
        begun = np.concatenate([[0], np.cumsum(hazards[:-1] * np.diff(starts))])
        place = np.searchsorted(begun, goal[who], side="right") - 1
        with np.errstate(divide="ignore"):
            event_by[who] = starts[place] + (goal[who] - begun[place]) / hazards[place]
        cured[who], lost_by[who] = arm.cured, arm.dropout
    event_by[random.random(n) < cured] = np.inf
    with np.errstate(divide="ignore"):
        lost = random.standard_exponential(n) / lost_by
    end = np.minimum(lost, planned.duration - random.uniform(0, planned.accrual, n))
    return log_rank(tabulate_by(treated, np.minimum(event_by, end), (event_by <= end).astype(int)))


@pytest.mark.parametrize("planned", [CURED, LATE, PLATEAU], ids=["cured", "late", "plateau"])
def test_what_is_expected_of_each_child_is_what_half_a_million_simulated_ones_give(planned):
    # Seed 1. The excess has the standard error sqrt(variance / n), events at most sqrt(1/4 / n).
    n = 500_000
    expected, found = logrank.drift(planned), trial(planned, n, np.random.default_rng(1))
    excess = found.observed[True] - found.expected[True]
    assert excess / n == pytest.approx(expected.excess, abs=4 * math.sqrt(expected.variance / n))
    assert excess**2 / found.statistic / n == pytest.approx(expected.variance, rel=0.01)
    assert sum(found.observed.values()) / n == pytest.approx(expected.events, abs=2 / math.sqrt(n))
    assert expected.events == pytest.approx(planned.event_probability, rel=1e-9)


@pytest.mark.parametrize("planned", [CURED, LATE, PLATEAU], ids=["cured", "late", "plateau"])
def test_power_is_that_of_simulated_trials(planned):
    # 500 trials, seed 2: within four standard errors and two points for the normal approximation.
    n, trials, random = 150, 500, np.random.default_rng(2)
    power = logrank.power(planned, n)
    found = np.mean([trial(planned, n, random).p <= 0.05 for _ in range(trials)])
    assert 0.25 < power < 0.95
    assert abs(found - power) < 4 * math.sqrt(power * (1 - power) / trials) + 0.02


def test_near_a_ratio_of_one_it_is_schoenfelds_formula():
    control = Arm([0.06])
    planned = Plan(control, control.times(0.97), 12, 12)
    assert logrank.drift(planned).ratio == pytest.approx(0.97, abs=1e-4)
    exact = logrank.children(planned, power=0.9).exact
    assert exact == pytest.approx(
        events.children(planned, events.schoenfeld(0.97, power=0.9)).exact, rel=1e-3
    )


def test_children_are_those_with_the_power():
    for sides in (1, 2):
        found = logrank.children(CURED, power=0.85, sides=sides)
        assert logrank.power(CURED, found.exact, sides=sides) == pytest.approx(0.85)
        assert found.control == found.treatment == math.ceil(found.exact / 2)


def test_the_power_is_the_same_whichever_arm_is_called_treatment():
    exchanged = Plan(LATE.treatment, LATE.control, LATE.accrual, LATE.follow_up, 0.5)
    assert logrank.power(exchanged, 200) == pytest.approx(logrank.power(LATE, 200))
    assert logrank.drift(exchanged).ratio == pytest.approx(1 / logrank.drift(LATE).ratio)


def test_a_ratio_among_the_uncured_is_diluted_and_one_that_raises_the_plateau_is_not():
    # The longer the follow-up, the more of the uncured have had their event in either arm.
    control = Arm([0.1], cured=0.5)
    ratios = [logrank.drift(Plan(control, control.times(0.5), 12, wait)).ratio for wait in (1, 24, 120)]
    assert 0.5 < ratios[0] < ratios[1] < ratios[2] < 1
    assert logrank.drift(PLATEAU).ratio == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "planned",
    [
        Plan(Arm([5000]), Arm([2500]), 24, 24),
        Plan(Arm([1e9]), Arm([0.1]), 24, 24),
        Plan(Arm([0.1, 1e5], [0, 7]), Arm([0.1, 3e4], [0, 7]), 0, 24),
        Plan(Arm([0.1], dropout=1e6), Arm([0.05], dropout=1e6), 24, 24),
        Plan(Arm([1e-9]), Arm([5e-10]), 24, 24),
    ],
)
def test_events_that_come_in_a_moment_or_hardly_ever_are_not_missed(planned):
    assert logrank.drift(planned).events == pytest.approx(planned.event_probability, rel=1e-9)


def test_the_unit_of_time_does_not_matter():
    # Hazards of 5000 and 2500 for 48 months are those of 5 and 2.5 for 48000.
    high, low = (Plan(Arm([2 * h]), Arm([h]), 24 * 2500 / h, 24 * 2500 / h) for h in (2500, 2.5))
    assert logrank.power(high, 100) == pytest.approx(logrank.power(low, 100))
    assert logrank.children(high).n == logrank.children(low).n


def test_an_integration_that_misses_events_is_refused(monkeypatch):
    monkeypatch.setattr(logrank, "SPREAD", ())
    with pytest.raises(CasebookError, match=r"events a child by integration; expected 1:"):
        logrank.drift(Plan(Arm([5000]), Arm([2501]), 24, 24))


def test_arms_that_are_never_at_risk_together_are_refused():
    # All of one arm are lost before the other has its first event.
    planned = Plan(Arm([0, 0.1], [0, 12]), Arm([0], dropout=1e6), 0, 24)
    with pytest.raises(CasebookError, match="no event while both arms have children at risk"):
        logrank.power(planned, 100)


def test_arms_without_a_difference_are_refused():
    arm = Arm([0.1])
    with pytest.raises(CasebookError, match="arms that the log-rank test cannot tell apart"):
        logrank.children(Plan(arm, arm, 12, 12))
    assert logrank.power(Plan(arm, arm, 12, 12), 100) == pytest.approx(0.025)


def test_arms_so_unlike_that_not_one_event_is_enough_are_refused():
    # A thousand treated for each control: what is expected of one event is far beyond any critical value.
    control = Arm([0.1])
    with pytest.raises(CasebookError, match=r"with 0\.00\d+ events were enough; expected arms more alike"):
        logrank.children(Plan(control, control.times(1e-11), 12, 24, 1000))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: logrank.power(CURED, 0), "n: found 0"),
        (lambda: logrank.power(CURED, 10, alpha=0), "alpha: found 0"),
        (lambda: logrank.power(CURED, 10, sides=0), "sides: found 0"),
        (lambda: logrank.children(CURED, power=1), "power: found 1"),
    ],
)
def test_a_question_that_cannot_be_is_refused(call, words):
    with pytest.raises(CasebookError) as error:
        call()
    assert words in str(error.value)
