"""Single-arm designs: against R's enumerations, and what must hold of any."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom

from casebook.design import exact
from casebook.errors import CasebookError
from casebook.trials import rates

R = pd.read_csv(Path(__file__).with_name("oracles") / "exact.csv")
"""Made by ``oracles/exact.R`` (R 4.2.2, package stats), by enumeration."""


def rows(quantity: str) -> pd.DataFrame:
    return R[R.quantity == quantity]


# -- to show a rate -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", rows("single_arm").groupby(["a", "b", "c", "d"]).groups)
def test_the_fewest_children_and_those_from_which_on_the_power_stays_are_those_of_enumeration(plan):
    p0, p1, alpha, power = plan
    here = rows("single_arm")[["a", "b", "c", "d"]].eq(plan).all(axis=1)
    first, stays = rows("single_arm").loc[here, ["v1", "v2", "v3", "v4"]].to_numpy()
    assert exact.single_arm(p0, p1, alpha=alpha, power=power) == pytest.approx(first, rel=1e-10)
    assert exact.single_arm(p0, p1, alpha=alpha, power=power, stays=True) == pytest.approx(stays, rel=1e-10)


def test_power_falls_back_where_one_more_response_becomes_necessary():
    # exact.csv: 25 children are the first with 80%, and from 29 on all have it: between them 28 must have less.
    tests = exact.single_arm_tests(np.arange(25, 60), 0.1, 0.3)
    assert tests.n[tests.power < 0.8].tolist() == [28]
    falls = tests.power.diff() < 0
    assert falls.sum() > 3
    assert (tests.needed.diff()[falls] == 1).all()


@given(st.integers(1, 60), st.floats(0.02, 0.9), st.floats(0.005, 0.3))
def test_the_responses_needed_are_the_fewest_that_are_improbable_enough(n, p0, alpha):
    needed = exact.single_arm_tests([n], p0, (1 + p0) / 2, alpha=alpha).needed.item()
    assert binom.sf(needed - 1, n, p0) <= alpha * (1 + 1e-8)
    assert binom.sf(needed - 2, n, p0) > alpha


def test_a_study_too_small_to_refute_anything_needs_more_responses_than_it_has_children():
    # Of two children both respond with probability 1/4 at one half.
    (row,) = exact.single_arm_tests([2], 0.5, 0.9).itertuples(index=False)
    assert (row.needed, row.size, row.power) == (3, 0, 0)


def test_a_probability_of_just_alpha_is_alpha():
    # (3/10)^2 = 0.09, which floats make a little less or more.
    assert exact.single_arm_tests([2], 0.3, 0.9, alpha=0.09).needed.item() == 2


@given(st.floats(0.05, 0.8), st.floats(0.05, 0.18), st.sampled_from([0.8, 0.9]))
def test_from_the_number_that_ends_the_search_on_every_study_has_the_power(p0, rise, power):
    p1 = p0 + rise
    enough = exact._enough(p0, p1, 0.05, power)
    assume(enough < 3000)
    beyond = exact.single_arm_tests(np.arange(enough, enough + 500), p0, p1)
    assert beyond.power.min() >= power


def test_the_report_is_by_its_size_a_study_against_the_rate_of_chemotherapy():
    # Three of three at 6/25: .24^3 = .0138; at 27/29: (27/29)^3 = .807.
    found = exact.single_arm(6 / 25, 27 / 29)
    assert found == pytest.approx((3, 3, 0.24**3, (27 / 29) ** 3))


# -- to exclude a rate --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", list(rows("exclusion").itertuples()))
def test_children_to_exclude_a_rate_are_those_by_the_limits_of_binom_test(row):
    found = exact.exclusion(
        row.a, row.b, confidence=row.c, power=row.d, sided="upper" if row.kind == "less" else "two"
    )
    assert (found.n, found.events) == (row.v1, row.v2)
    assert found.power == pytest.approx(row.v3, rel=1e-10)


@given(st.floats(0.05, 0.6), st.floats(0.05, 0.9), st.sampled_from(["upper", "two"]))
def test_what_excludes_a_rate_is_the_upper_limit_of_its_count(rate, share, sided):
    found = exact.exclusion(rate, rate * share * 0.9, sided=sided)
    assert rates.clopper_pearson(found.events, found.n, sided=sided).upper < rate
    assert rates.clopper_pearson(found.events + 1, found.n, sided=sided).upper >= rate
    assert found.n >= rates.children_needed(rate, sided=sided)


def test_who_hopes_for_no_event_at_all_needs_as_many_as_the_limit_after_none():
    # At a true rate of one in a thousand, 11 and 14 children have none with a probability of .989 and .986.
    for sided, n in (("upper", 11), ("two", 14)):
        found = exact.exclusion(0.241, 0.001, sided=sided)
        assert (found.n, found.events) == (n, 0) == (rates.children_needed(0.241, sided=sided), 0)
        assert found.power == pytest.approx(0.999**n)


def test_a_limit_that_equals_the_rate_does_not_exclude_it():
    # None of two children: the upper limit with confidence 3/4 is one half, as 1/4 = (1/2)^2.
    assert exact.exclusion(0.5, 0.01, confidence=0.75).n == rates.children_needed(0.5, 0.75) == 3


# -- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: exact.single_arm(0, 0.3), "p0: found 0, expected a number strictly between 0 and 1"),
        (lambda: exact.single_arm(0.1, 1), "p1: found 1, expected a number strictly"),
        (lambda: exact.single_arm(0.1, math.nan), "p1: found nan, expected a number strictly"),
        (lambda: exact.single_arm("0.1", 0.3), "p0: found '0.1'"),
        (lambda: exact.single_arm(0.3, 0.3), "p1: found 0.3, expected more than p0, 0.3"),
        (lambda: exact.single_arm(0.4, 0.3), "p1: found 0.3, expected more than p0, 0.4"),
        (lambda: exact.single_arm(0.1, 0.3, alpha=0), "alpha: found 0, expected"),
        (lambda: exact.single_arm(0.1, 0.3, power=0.05), "power: found 0.05, expected more than alpha"),
        (
            lambda: exact.single_arm(0.01, 0.95),
            "power: found 0.95 with a single child, expected less than 0.8",
        ),
        (lambda: exact.single_arm(0.1, math.nextafter(0.1, 1)), "expected ones that at most 100000 children tell apart"),
        (lambda: exact.single_arm(0.2, 0.4, alpha=1 - 1e-10, power=1 - 1e-12), "alpha: found 0.9999999999, expected"),
        (lambda: exact.single_arm_tests([3], 0.1, 0.3, alpha=1 - 1e-16), "expected a number from 1e-20 to 0.999999"),
        (lambda: exact.single_arm(0.5, 0.5001), "expected ones that at most 100000 children tell apart"),
        (lambda: exact.single_arm_tests([0], 0.1, 0.3), "sizes: found [0], expected a row of whole numbers"),
        (lambda: exact.single_arm_tests([2.5], 0.1, 0.3), "sizes: found [2.5]"),
        (lambda: exact.exclusion(0.2, 0.3), "true_rate: found 0.3, expected less than the rate to exclude"),
        (lambda: exact.exclusion(0.2, 0.1, sided="lower"), "found the side 'lower'"),
        (lambda: exact.exclusion(0.2, 0.1, confidence=1), "found the confidence 1"),
        (lambda: exact.exclusion(0.99, 0.01), "with a single child"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(call, words):
    with pytest.raises(CasebookError) as error:
        call()
    assert words in str(error.value)
