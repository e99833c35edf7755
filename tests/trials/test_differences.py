"""Differences: exact tests and score intervals of two counts, against R, SciPy, published tables and by hand."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from casebook.errors import CasebookError
from casebook.trials import differences, rates

R = pd.read_csv(Path(__file__).with_name("oracles") / "differences.csv")
"""Made by ``oracles/differences.R`` (R 4.2.2): Boschloo by its definition, table by table; the score interval by
``uniroot``, with the likeliest rates found numerically."""

ALTERNATIVES = ["two-sided", "less", "greater"]
INTERVALS = [differences.miettinen_nurminen, differences.newcombe]


@st.composite
def two_counts(draw, most: int = 20):
    n1, n2 = draw(st.integers(1, most)), draw(st.integers(1, most))
    return draw(st.integers(0, n1)), n1, draw(st.integers(0, n2)), n2


def from_r(quantity: str):
    rows = R[R.quantity == quantity]
    assert len(rows)
    for row in rows.itertuples():
        yield row, (row.x1, row.n1, row.x2, row.n2)


def every_table(n1: int, n2: int):
    return ((x1, n1, x2, n2) for x1, x2 in itertools.product(range(n1 + 1), range(n2 + 1)))


# -- Fisher -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "printed", "digits"),
    [
        ((0, 3, 13, 54), 1.000, 3),
        ((0, 3, 22, 51), 0.26205, 5),
        ((0, 3, 31, 54), 0.08886, 5),
        ((0, 3, 42, 51), 0.00887, 5),
        ((3, 3, 6, 25), 0.02564, 5),
        ((3, 3, 27, 29), 1.000, 3),
        ((3, 4, 1, 4), 0.4857143, 7),  # Fisher's tea: 34/70
    ],
)
def test_fisher_of_the_report_against_the_trials(counts, printed, digits):
    # Computed with R's fisher.test.
    assert round(differences.fisher(*counts), digits) == printed


def test_fisher_of_the_tea_one_sided():
    # By hand: (16 + 1) / 70 arrangements are as good as three of four.
    assert differences.fisher(3, 4, 1, 4, "greater") == pytest.approx(17 / 70, rel=1e-14)


def test_fisher_is_that_of_r():
    for row, counts in from_r("fisher"):
        assert differences.fisher(*counts, row.alternative) == pytest.approx(row.value, rel=1e-11), row


@given(two_counts(), st.sampled_from(ALTERNATIVES))
def test_fisher_adds_up_exact_fractions(counts, alternative):
    # Of the tables with the same margins, in whole numbers, where nothing rounds and a tie is a tie.
    x1, n1, x2, n2 = counts
    total = x1 + x2
    ways = {a: comb(n1, a) * comb(n2, total - a) for a in range(max(0, total - n2), min(n1, total) + 1)}
    extreme = {
        "two-sided": [w for w in ways.values() if w <= ways[x1]],
        "less": [w for a, w in ways.items() if a <= x1],
        "greater": [w for a, w in ways.items() if a >= x1],
    }[alternative]
    expected = float(Fraction(sum(extreme), comb(n1 + n2, total)))
    assert differences.fisher(*counts, alternative) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_fisher_is_that_of_scipy(alternative):
    for x1, n1, x2, n2 in every_table(3, 25):
        expected = stats.fisher_exact([[x1, n1 - x1], [x2, n2 - x2]], alternative).pvalue
        assert differences.fisher(x1, n1, x2, n2, alternative) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(
    "counts", [(10, 20_000, 20, 20_000), (10, 2**52, 20, 2**52), (2, 10**6, 9, 10**6), (0, 3, 5000, 10_000)]
)
def test_fisher_of_few_events_in_large_groups_adds_up_exact_fractions(counts):
    x1, n1, x2, n2 = counts
    total = x1 + x2
    ways = {a: comb(n1, a) * comb(n2, total - a) for a in range(max(0, total - n2), min(n1, total) + 1)}
    expected = Fraction(sum(w for w in ways.values() if w <= ways[x1]), comb(n1 + n2, total))
    assert differences.fisher(*counts) == pytest.approx(float(expected), rel=1e-13)


# -- Boschloo -----------------------------------------------------------------------------------------------


def test_boschloo_of_all_against_none_of_three_by_hand():
    # Only 3/3 v 0/3 and 0/3 v 3/3 have Fisher's p of 2/20, so the sum is 2 p^3 (1 - p)^3, greatest at p = 1/2.
    assert differences.boschloo(3, 3, 0, 3) == pytest.approx(1 / 32, rel=1e-12)
    assert differences.boschloo(3, 3, 0, 3, "greater") == pytest.approx(1 / 64, rel=1e-12)
    assert differences.boschloo(3, 3, 0, 3, "less") == 1


def test_boschloo_of_one_against_none_of_one_by_hand():
    # One-sided only the table itself is as extreme: p (1 - p), greatest at 1/2. Two-sided Fisher's p is 1.
    assert differences.boschloo(1, 1, 0, 1, "greater") == pytest.approx(1 / 4, rel=1e-12)
    assert differences.boschloo(1, 1, 0, 1) == 1


def test_boschloo_is_that_of_its_definition_in_r():
    for row, counts in from_r("boschloo"):
        assert differences.boschloo(*counts, row.alternative) == pytest.approx(row.value, rel=1e-8), row


@pytest.mark.parametrize(
    ("counts", "alternative", "p"),
    [
        # Read in SciPy's own tests (scipy/stats/tests/test_hypotests.py), made there with R's Exact::exact.test,
        # method "Boschloo"; the groups are columns there.
        ((2, 10, 7, 9), "less", 0.009886142),
        ((5, 25, 16, 41), "less", 0.05827348),
        ((7, 15, 12, 15), "less", 0.03410916),
        ((10, 35, 24, 61), "less", 0.1512882),
        ((0, 3, 1, 3), "less", 0.34375),
        ((43, 53, 40, 79), "greater", 0.0001615562),
        ((5, 15, 1, 11), "greater", 0.09008534),
        ((5, 6, 0, 4), "greater", 0.006865367),
        ((2, 10, 7, 9), "greater", 0.9918327),
    ],
)
def test_boschloo_is_that_of_the_package_exact(counts, alternative, p):
    # Printed to seven digits; and that package searched all but 1e-8 of where the rate can be (beta).
    assert differences.boschloo(*counts, alternative) == pytest.approx(p, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("alternative", ["less", "greater"])
@pytest.mark.parametrize("sizes", [(3, 7), (5, 6)])
def test_one_sided_boschloo_is_that_of_scipy(alternative, sizes):
    for x1, n1, x2, n2 in every_table(*sizes):
        if 0 < x1 + x2 < n1 + n2:  # elsewhere SciPy gives no number
            found = differences.boschloo(x1, n1, x2, n2, alternative)
            expected = stats.boschloo_exact([[x1, x2], [n1 - x1, n2 - x2]], alternative, n=64).pvalue
            assert found == pytest.approx(expected, abs=1e-8), (x1, x2)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("sizes", [(1, 1), (3, 54), (12, 12)])
def test_boschloo_never_exceeds_fisher_nor_falls_below_the_table_itself(alternative, sizes):
    for counts in every_table(*sizes):
        x1, n1, x2, n2 = counts
        p = differences.boschloo(*counts, alternative)
        conditional = differences.fisher(*counts, alternative)
        assert p <= conditional
        assert (p == 1) == (conditional == 1)
        pooled = (x1 + x2) / (n1 + n2)
        assert p >= rates.probability(x1, n1, pooled) * rates.probability(x2, n2, pooled) * (1 - 1e-12)


def test_boschloo_does_not_exceed_a_fisher_that_is_nearly_one():
    # Fisher's p is 1 - 1 / C(30, 15) = 1 - 6.4e-9: nearer to 1 than probabilities that count as tied.
    nearly_one = differences.fisher(14, 15, 1, 15, "less")
    assert nearly_one == pytest.approx(1 - 1 / comb(30, 15), abs=1e-13)
    assert differences.boschloo(14, 15, 1, 15, "less") <= nearly_one < 1


@given(two_counts(12), st.sampled_from(ALTERNATIVES))
def test_neither_test_minds_which_group_comes_first_or_which_outcome_is_counted(counts, alternative):
    x1, n1, x2, n2 = counts
    other = {"two-sided": "two-sided", "less": "greater", "greater": "less"}[alternative]
    for test in (differences.fisher, differences.boschloo):
        p = pytest.approx(test(x1, n1, x2, n2, alternative), rel=1e-9)
        assert test(x2, n2, x1, n1, other) == p
        assert test(n1 - x1, n1, n2 - x2, n2, other) == p


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("counts", [(0, 3, 0, 54), (3, 3, 54, 54), (0, 1, 0, 1)])
def test_groups_without_or_full_of_events_do_not_differ(counts, alternative):
    assert differences.fisher(*counts, alternative) == 1
    assert differences.boschloo(*counts, alternative) == 1


# -- intervals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", INTERVALS)
def test_limits_of_the_difference_are_those_of_r(method):
    for row, counts in from_r(method.__name__):
        # uniroot stops 1e-6 short of the ends, and its likeliest rates are good to half the digits.
        assert getattr(method(*counts, row.confidence), row.limit) == pytest.approx(row.value, abs=5e-8), row


@pytest.mark.parametrize(
    ("counts", "score", "hybrid"),
    [
        # Four contrasts of the comparison in Newcombe (1998), as read in the tests of R's DescTools (BinomDiffCI,
        # methods "mn" and "score"), which name a paper of the WUSS conference 2016; the article itself was not read.
        ((56, 70, 48, 80), (0.0528, 0.3382), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1700, 0.8406), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.7156, 1), (0.6791, 1)),
        ((84, 101, 89, 105), (-0.1191, 0.0860), (-0.1177, 0.0851)),
        # Read in the tests of R's contingencytables (Fagerland, Lydersen and Laake): one method each.
        ((0, 16, 15, 72), (-0.3164, -0.0056), None),
        ((7, 34, 1, 34), None, (0.0189, 0.3404)),
    ],
)
def test_limits_of_the_difference_are_the_published_ones(counts, score, hybrid):
    for method, expected in zip(INTERVALS, (score, hybrid), strict=True):
        if expected is not None:
            assert tuple(round(limit, 4) for limit in method(*counts)) == expected


@pytest.mark.parametrize(("n1", "n2"), [(10, 20), (3, 54), (1, 1)])
def test_the_score_interval_without_any_event_by_hand(n1, n2):
    # For a difference d > 0 the likeliest rates are d and 0, so d^2 = k d (1 - d) with k = z^2 N / (n1 (N - 1)).
    z, n = 1.959963984540054, n1 + n2
    first, second = (z * z * n / (n_i * (n - 1)) for n_i in (n1, n2))
    expected = (-second / (1 + second), first / (1 + first))
    assert differences.miettinen_nurminen(0, n1, 0, n2) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", INTERVALS)
@given(counts=two_counts(60), confidence=st.floats(0.5, 0.999))
@example(counts=(0, 3, 13, 54), confidence=0.95)
@example(counts=(3, 3, 0, 25), confidence=0.95)
@example(counts=(0, 10, 0, 20), confidence=0.95)
@example(counts=(0, 1, 1, 1), confidence=0.95)
@example(counts=(1, 1, 0, 1), confidence=0.95)
def test_an_interval_exists_holds_the_difference_and_turns_round_with_the_groups(method, counts, confidence):
    x1, n1, x2, n2 = counts
    lower, upper = method(*counts, confidence)
    assert -1 <= lower <= x1 / n1 - x2 / n2 <= upper <= 1
    assert lower < upper
    assert method(x2, n2, x1, n1, confidence) == pytest.approx((-upper, -lower), abs=1e-9)
    assert method(n1 - x1, n1, n2 - x2, n2, confidence) == pytest.approx((-upper, -lower), abs=1e-9)
    wider = method(*counts, (1 + confidence) / 2)
    assert wider.lower <= lower
    assert upper <= wider.upper


def test_the_score_interval_excludes_no_difference_just_where_the_pooled_test_refutes_it():
    # At difference 0 the likeliest rates are the pooled one: chi-squared without correction, times (N - 1) / N.
    # Its quantile at 95% is 3.841 (any table of chi-squared).
    for x1, n1, x2, n2 in every_table(7, 11):
        if 0 < x1 + x2 < n1 + n2:
            chi = stats.chi2_contingency([[x1, n1 - x1], [x2, n2 - x2]], correction=False).statistic
            lower, upper = differences.miettinen_nurminen(x1, n1, x2, n2)
            assert (lower <= 0 <= upper) == (chi * (n1 + n2 - 1) / (n1 + n2) <= 3.841458820694124)


# -- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "counts", [(4, 3, 1, 2), (1, 2, 4, 3), (0, 0, 1, 2), (1.0, 2, 1, 2), (1, 2, True, 2)]
)
@pytest.mark.parametrize("call", [differences.fisher, differences.boschloo, *INTERVALS])
def test_what_is_no_count_is_refused(call, counts):
    with pytest.raises(CasebookError, match="expected a whole number"):
        call(*counts)


def test_what_is_no_alternative_and_no_confidence_is_refused():
    for test in (differences.fisher, differences.boschloo):
        for alternative in ("two.sided", None, ["less"], np.array(["less", "greater"])):
            with pytest.raises(CasebookError, match="expected one of 'two-sided', 'less', 'greater'"):
                test(1, 2, 1, 2, alternative)
    for method in INTERVALS:
        with pytest.raises(CasebookError, match="found the confidence 95"):
            method(1, 2, 1, 2, 95)


def test_groups_too_large_for_a_test_are_refused():
    # 3163 times 3163 is 10,004,569.
    with pytest.raises(
        CasebookError, match="groups of 3163 and 3163; expected at most 10000000 as their product"
    ):
        differences.boschloo(1, 3163, 1, 3163)
    with pytest.raises(CasebookError, match=r"groups of 1 and 10000; expected .* 10000 together"):
        differences.boschloo(1, 1, 1, 10_000)
    with pytest.raises(CasebookError, match="found 10000001 tables with these margins"):
        differences.fisher(0, 10**8, 10**7, 10**8)
