"""The simulated children in whom who benefits is known: hazards as set, streams apart, nothing after the end of follow-up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from casebook.cohort import firth
from casebook.cohort.population import ASSESSMENTS, GENETICS, POPULATION, Population, intervals, simulate
from casebook.errors import CasebookError

LARGE = Population(n=15_000)


@pytest.fixture(scope="module")
def large():
    return simulate(LARGE, seed=5)


def test_a_model_with_all_that_was_set_finds_what_was_set(large):
    rows = intervals(large)
    rows["modified"] = rows["blinatumomab"] * rows["high_mrd"]
    rows["transplanted_early"] = rows["transplanted"] * rows["early"]
    truth = {
        "high_mrd": LARGE.high_mrd_ratio,
        "early": LARGE.early_ratio,
        "intermediate": LARGE.genetics_ratios[1],
        "unfavourable": LARGE.genetics_ratios[2],
        "blinatumomab": LARGE.blinatumomab_ratios[0],
        "modified": LARGE.blinatumomab_ratios[1] / LARGE.blinatumomab_ratios[0],
        "transplanted": LARGE.hsct_ratios[0],
        "transplanted_early": LARGE.hsct_ratios[1] / LARGE.hsct_ratios[0],
    }
    found = firth.coefficients(rows, "stop", "event", list(truth), entry="start")
    # Some 9,000 events: standard errors between .02 and .07.
    assert (found - np.log(pd.Series(truth))).abs().max() < 0.15


def test_without_any_effect_the_hazard_is_events_over_time():
    flat = replace(
        LARGE,
        high_mrd_ratio=1.0,
        early_ratio=1.0,
        genetics_ratios=(1.0, 1.0, 1.0),
        blinatumomab_ratios=(1.0, 1.0),
        hsct_ratios=(1.0, 1.0),
    )
    cohort = simulate(flat, seed=2)
    events = cohort["event"].sum()
    # The rate has a standard error of itself over the root of events.
    assert events / cohort["months"].sum() == pytest.approx(flat.hazard, rel=4 / np.sqrt(events))


def test_transplants_wait_for_their_first_month_and_come_at_their_rate(large):
    # In children who neither fail nor leave for three years, 1 - exp(-0.3 (6 - 1)) are transplanted by month 6.
    long = large[large["months"] > 30]
    assert large["hsct_month"].min() > LARGE.hsct_from
    expected = 1 - np.exp(-LARGE.hsct_rate * 5)
    assert (long["hsct_month"] <= 6).mean() == pytest.approx(expected, abs=0.04)


def test_nothing_is_recorded_after_the_end_of_follow_up(large):
    for column in ("hsct_month", "negative_month"):
        known = large[column].notna()
        assert (large.loc[known, column] < large.loc[known, "months"]).all()
    assert set(large["negative_month"].dropna()) == set(ASSESSMENTS)
    assert large["months"].max() <= LARGE.cutoff
    assert large["months"].min() > 0


def test_shares_are_those_set(large):
    assert large["blinatumomab"].mean() == pytest.approx(0.5, abs=0.02)
    assert large["early"].mean() == pytest.approx(0.4, abs=0.02)
    shares = large["genetics"].value_counts(normalize=True)[list(GENETICS)]
    assert shares.tolist() == pytest.approx(list(LARGE.genetics), abs=0.02)
    assert ((large["mrd"] >= LARGE.mrd_cut) == large["high_mrd"]).all()


def test_a_seed_gives_the_same_children_and_another_gives_others():
    pd.testing.assert_frame_equal(simulate(POPULATION, 3), simulate(POPULATION, 3))
    assert not simulate(POPULATION, 3).equals(simulate(POPULATION, 4))
    assert simulate(POPULATION, 3).attrs["simulated"] is True


def test_another_effect_leaves_who_they_are_as_it_was():
    one = simulate(POPULATION, 3)
    other = simulate(replace(POPULATION, blinatumomab_ratios=(0.1, 0.1), drop_out=0.1), 3)
    same = ["id", "blinatumomab", "mrd", "high_mrd", "genetics", "early"]
    pd.testing.assert_frame_equal(one[same], other[same])
    assert (
        other.loc[other["blinatumomab"] == 1, "event"].mean()
        < one.loc[one["blinatumomab"] == 1, "event"].mean()
    )


def test_intervals_of_a_child_meet_at_the_transplant():
    cohort = simulate(POPULATION, 1)
    rows = intervals(cohort)
    assert len(rows) == len(cohort) + cohort["hsct_month"].notna().sum()
    assert rows["event"].sum() == cohort["event"].sum()
    assert (rows["stop"] - rows["start"]).groupby(rows["id"]).sum().tolist() == pytest.approx(
        cohort["months"].tolist()
    )
    assert (
        rows.loc[rows["transplanted"] == 1, "start"] == rows.loc[rows["transplanted"] == 1, "hsct_month"]
    ).all()


@pytest.mark.parametrize("rate", [0.0, 1e9])
def test_nobody_or_everybody_is_transplanted(rate):
    rows = intervals(simulate(replace(POPULATION, hsct_rate=rate, hsct_from=1e-6), 1))
    assert rows["transplanted"].sum() == (300 if rate else 0)


@pytest.mark.parametrize("hazard", [1e-9, 1e9])
def test_hazards_at_the_ends_of_what_is_taken_give_a_cohort_without_a_warning(hazard):
    found = simulate(Population(hazard=hazard, drop_out=1e-320, blinatumomab_ratios=(hazard, hazard)), 0)
    assert found["event"].all() == (hazard > 1)
    assert np.isfinite(found["months"]).all()


def test_one_child_is_a_cohort():
    assert len(simulate(Population(n=1), 0)) == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"n": 0}, "n: found 0"),
        ({"n": 2.5}, "n: found 2.5"),
        ({"n": True}, "n: found True"),
        ({"hazard": 0.0}, "found hazard=0.0; expected above 0"),
        ({"hazard": "much"}, "found hazard='much'"),
        ({"hazard": np.nan}, "found hazard=nan"),
        ({"hazard": "0.1"}, "found hazard='0.1'; expected numbers"),
        ({"hazard": 1e-300}, "found hazard=1e-300; expected at least 1e-09"),
        ({"hazard": 1e300}, "found hazard=1e+300; expected numbers of shape (), of at most 1e+09"),
        ({"mrd_sd": 1e300}, "of at most 1e+09"),
        ({"hsct_ratios": (1e-300, 1.0)}, "expected at least 1e-09"),
        ({"hsct_ratios": ("1", "2")}, "expected numbers of shape (2,)"),
        ({"response": ((0.3,), (0.7, 0.5))}, "expected numbers of shape (2, 2)"),
        ({"early": 1.2}, "found early=1.2; expected at most 1"),
        ({"drop_out": -1.0}, "found drop_out=-1.0; expected 0 or more"),
        ({"genetics": (0.5, 0.5, 0.5)}, "shares that sum to 1"),
        ({"genetics": (0.5, 0.5)}, "numbers of shape (3,)"),
        ({"blinatumomab_ratios": (0.0, 1.0)}, "expected above 0"),
        ({"response": ((0.1, 0.2), (0.3, 1.4))}, "expected at most 1"),
        ({"accrual": 50.0}, "before the cutoff"),
    ],
)
def test_a_population_that_cannot_be_is_refused(options, expected):
    with pytest.raises(CasebookError) as error:
        Population(**options)
    assert expected in str(error.value)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True, None])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(CasebookError, match="seed: found "):
        simulate(POPULATION, seed)
