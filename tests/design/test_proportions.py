"""Two proportions in a randomised study: power against R's tables, hand-worked cases, and what must hold of any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.design import proportions
from casebook.errors import CasebookError
from casebook.trials import differences

R = pd.read_csv(Path(__file__).with_name("oracles") / "exact.csv")
"""Made by ``oracles/exact.R`` (R 4.2.2, package stats): fisher.test of every table, and Boschloo's p by a grid of rates."""

ALTERNATIVES = ("two-sided", "less", "greater")


@pytest.mark.parametrize(
    "row",
    list(R[R.quantity.isin(["fisher", "boschloo"])].itertuples()),
    ids=lambda row: f"{row.quantity}-{row.kind}-{row.a:.0f}-{row.b:.0f}-{row.c}",
)
def test_power_is_that_of_all_tables_in_r(row):
    alternative = row.kind.replace(".", "-")
    found = proportions.power(
        int(row.a), int(row.b), row.c, row.d, test=row.quantity, alternative=alternative
    )
    assert found == pytest.approx(row.v1, rel=1e-9, abs=1e-15)


def test_power_of_three_against_three_by_hand():
    # Only 3 of 3 against 0 of 3 can be refuted: one-sided p is 1/20, two-sided 2/20.
    p1, p2 = 0.9, 0.2
    assert proportions.power(3, 3, p1, p2, alternative="greater") == pytest.approx(p1**3 * (1 - p2) ** 3)
    assert proportions.power(3, 3, p1, p2) == 0
    both_ways = p1**3 * (1 - p2) ** 3 + (1 - p1) ** 3 * p2**3
    assert proportions.power(3, 3, p1, p2, alpha=0.1) == pytest.approx(both_ways)
    # Boschloo: 3 to 0 either way has at most 2 (1/4)^3 = 1/32, at a common rate of one half.
    assert proportions.power(3, 3, p1, p2, test="boschloo") == pytest.approx(both_ways)
    assert proportions.power(3, 3, p1, p2, test="boschloo", alpha=1 / 32) == pytest.approx(both_ways)
    assert proportions.power(3, 3, p1, p2, test="boschloo", alpha=0.031) == 0


def test_one_child_against_one_cannot_refute_anything():
    assert proportions.power(1, 1, 1, 0) == 0
    assert proportions.power(1, 1, 1, 0, test="boschloo") == 0


@given(st.integers(1, 25), st.integers(1, 25), st.sampled_from(ALTERNATIVES), st.data())
def test_p_values_of_all_tables_are_those_of_one_at_a_time(n1, n2, alternative, data):
    x1, x2 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
    one = differences.fisher(x1, n1, x2, n2, alternative)
    assert proportions._fisher_p(n1, n2, alternative)[x1, x2] == pytest.approx(one, rel=1e-10)


@given(st.integers(1, 14), st.integers(1, 14), st.sampled_from(ALTERNATIVES), st.data())
def test_boschloo_refutes_exactly_the_tables_whose_p_value_is_small_enough(n1, n2, alternative, data):
    x1, x2 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
    refuted = proportions._boschloo_region(n1, n2, 0.05, alternative)[x1, x2]
    assert refuted == (differences.boschloo(x1, n1, x2, n2, alternative) <= 0.05)


@given(st.integers(2, 30), st.integers(2, 30), st.sampled_from(ALTERNATIVES), st.sampled_from([0.01, 0.05]))
def test_the_type_i_error_is_never_above_alpha_and_boschloo_is_nearer_to_it(n1, n2, alternative, alpha):
    common = np.linspace(0, 1, 101)
    fisher, boschloo = (
        proportions.power(n1, n2, common, common, alpha=alpha, test=test, alternative=alternative)
        for test in ("fisher", "boschloo")
    )
    assert fisher.max() <= alpha + 1e-12
    assert boschloo.max() <= alpha + 1e-12
    assert (boschloo >= fisher - 1e-15).all()


@given(
    st.integers(1, 25),
    st.integers(1, 25),
    st.floats(0.02, 0.98),
    st.floats(0.02, 0.98),
    st.sampled_from(ALTERNATIVES),
)
def test_no_test_has_more_power_than_the_bound_that_passes_sizes_over(n1, n2, p1, p2, alternative):
    if alternative != "two-sided":
        p1, p2 = sorted((p1, p2), reverse=alternative == "greater")
    common = (p1 * n1 + p2 * n2) / (n1 + n2)
    both_ways = n1 == n2 and alternative == "two-sided"
    bound = proportions._best_power(n1, n2, p1, p2, common, 0.05, both_ways)
    found = proportions.power(n1, n2, p1, p2, test="boschloo", alternative=alternative)
    assert found <= bound + 1e-9


# -- how many children --------------------------------------------------------------------------------------------


def test_children_to_tell_the_rates_of_serious_events_apart():
    # exact.csv, rates of .24 and .43: Fisher's test has 79.9% with 105 in each group, and 80.5% with 106.
    powers = R[(R.quantity == "fisher") & (R.c == 0.24) & (R.d == 0.43) & (R.a >= 103)].set_index("a").v1
    first = powers.index[powers >= 0.8][0]
    assert powers[first - 1] < 0.8
    found = proportions.needed(0.24, 0.43)
    assert (found.n1, found.n2, found.n) == (first, first, 2 * first)
    assert found.power == pytest.approx(powers[first], rel=1e-10)


@pytest.mark.parametrize("test", ["fisher", "boschloo"])
@pytest.mark.parametrize("ratio", [1, 2, 0.5])
def test_the_fewest_children_are_the_first_of_all_sizes_with_the_power(test, ratio):
    found = proportions.needed(27 / 29, 6 / 25, ratio=ratio, power=0.9, test=test)
    powers = [
        proportions.power(int(np.ceil(ratio * n)), n, 27 / 29, 6 / 25, test=test)
        for n in range(1, found.n2 + 1)
    ]
    assert max(powers[:-1]) < 0.9 <= powers[-1] == pytest.approx(found.power)
    assert found.n1 == np.ceil(ratio * found.n2)


@pytest.mark.parametrize("test", ["fisher", "boschloo"])
def test_the_fewest_from_which_on_the_power_stays(test):
    once, stays = (proportions.needed(0.95, 0.4, test=test, stays=stays) for stays in (False, True))
    powers = {n: proportions.power(n, n, 0.95, 0.4, test=test) for n in range(once.n2, 2 * once.n2)}
    below = [n for n, found in powers.items() if found < 0.8]
    assert stays.n2 == max(below, default=once.n2 - 1) + 1
    assert stays.power == pytest.approx(powers[stays.n2])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: proportions.power(0, 3, 0.1, 0.2), "n1: found 0, expected a whole number from 1 to 1500"),
        (lambda: proportions.power(3, 3.0, 0.1, 0.2), "n2: found 3.0, expected a whole number"),
        (lambda: proportions.power(3, 3, 1.1, 0.2), "found the rate 1.1"),
        (lambda: proportions.power(3, 3, 0.1, 0.2, alpha=1), "alpha: found 1"),
        (lambda: proportions.power(3, 3, 0.1, 0.2, test="chi"), "found the test 'chi'"),
        (lambda: proportions.power(3, 3, 0.1, 0.2, alternative="both"), "found the alternative 'both'"),
        (lambda: proportions.needed(0.1, 0.2, alternative="both"), "found the alternative 'both'"),
        (lambda: proportions.needed(0.2, 0.2), "found the rates 0.2 and 0.2; expected two that differ"),
        (lambda: proportions.needed(0.3, 0.2, alternative="less"), "found the rates 0.3 and 0.2"),
        (lambda: proportions.needed(0.2, 0.3, alternative="greater"), "found the rates 0.2 and 0.3"),
        (lambda: proportions.needed(0, 0.3), "p1: found 0, expected a number strictly between"),
        (lambda: proportions.needed(0.1, 0.3, ratio=0), "ratio: found 0, expected a number above 0"),
        (lambda: proportions.needed(0.1, 0.3, power=0.04), "power: found 0.04, expected more than alpha"),
        (lambda: proportions.needed(0.2, 0.8, alpha=1 - 1e-13, power=1 - 1e-14), "alpha: found 0.9999999999999, expected"),
        (lambda: proportions.power(3, 3, 0.1, 0.2, alpha=1e-300), "alpha: found 1e-300, expected a number from"),
        (lambda: proportions.needed(0.5, 0.51, ratio=100), "groups of at most 600 tell apart"),
        (lambda: proportions.needed(0.01, 0.99, ratio=50), "with a single child, expected less than 0.8"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(call, words):
    with pytest.raises(CasebookError) as error:
        call()
    assert words in str(error.value)


def test_the_bound_of_a_test_with_all_the_error_is_all_the_power():
    # The probabilities of all tables may add up to a little less than 1.
    for n in range(2, 40):
        assert proportions._best_power(n, n, 0.2, 0.8, 0.5, 1.0, False) == pytest.approx(1)
