"""How many children measure a rate: widths of intervals against R, and what must hold of any."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from casebook.design import precision
from casebook.errors import CasebookError
from casebook.trials import rates

R = pd.read_csv(Path(__file__).with_name("oracles") / "exact.csv").query("quantity == 'width'")
"""Made by ``oracles/exact.R`` (R 4.2.2, package stats): binom.test and prop.test of every count."""


@pytest.mark.parametrize("row", list(R.itertuples()))
def test_widths_are_those_of_every_count_in_r(row):
    found = precision._widths_by_size(int(row.b), row.a, row.c, 0.025, row.kind).iloc[-1]
    assert found.tolist() == pytest.approx([row.v1, row.v2, row.v3], rel=1e-9)


def test_as_many_children_as_make_the_mean_width_small_enough():
    # exact.csv: 76 children have a mean width of .2008, 77 of .1995.
    assert precision.needed(0.241, 0.2).n == 77


@pytest.mark.parametrize("method", ["clopper-pearson", "wilson"])
def test_more_is_asked_for_the_surer_the_width_is_to_be(method):
    plans = [
        precision.needed(0.241, 0.2, method=method, **more)
        for more in ({}, {"assurance": 0.8}, {"assurance": 0.95}, {"assurance": 1})
    ]
    assert [plan.n for plan in plans] == sorted({plan.n for plan in plans})
    assert plans[0].mean <= 0.2 < plans[0].widest
    assert plans[1].assurance >= 0.8
    assert plans[3].widest <= 0.2


@pytest.mark.parametrize("method", ["clopper-pearson", "wilson"])
@given(n=st.integers(1, 120), confidence=st.sampled_from([0.8, 0.95]))
def test_the_interval_is_widest_at_half_and_within_the_width_that_ends_the_search(method, n, confidence):
    interval = {"clopper-pearson": rates.clopper_pearson, "wilson": rates.wilson}[method]
    widths = [interval(x, n, confidence).upper - interval(x, n, confidence).lower for x in range(n + 1)]
    tail = (1 - confidence) / 2
    widest = precision._WIDTHS[method](np.array([n // 2]), np.array([n]), tail)[0]
    assert widest == pytest.approx(max(widths), rel=1e-9)
    z = norm.isf(tail)
    bound = math.sqrt(-2 * math.log(tail) / n) if method == "clopper-pearson" else z / math.hypot(z, n**0.5)
    assert widest <= bound * (1 + 1e-12)


def test_the_number_from_which_on_a_width_stays_may_be_larger():
    once, always = (precision.needed(0.05, 0.25, assurance=0.7, stays=stays).n for stays in (False, True))
    assert once < always
    # Between the two some number of children has less than the assurance.
    table = precision._widths_by_size(always, 0.05, 0.25, 0.025, "clopper-pearson").assurance
    assert table[once - 1] >= 0.7 > table[once : always - 1].min()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: precision.needed(0.2, 0), "width: found 0"),
        (
            lambda: precision.needed(0.2, 0.01),
            "width: found 0.01, expected one that 3000 children surely reach",
        ),
        (
            lambda: precision.needed(0.2, 1e-308),
            "width: found 1e-308, expected one that 3000 children surely reach",
        ),
        (lambda: precision.needed(0.2, 1e-308, method="wilson"), "width: found 1e-308, expected one"),
        (lambda: precision.needed(0.2, 0.2, method=[]), "found the method []"),
        (lambda: precision.needed(0.2, 0.99), "width: found 0.99, which one child reaches"),
        (lambda: precision.needed(0.2, 0.2, assurance=0), "assurance: found 0"),
        (lambda: precision.needed(0.2, 0.2, method="wald"), "found the method 'wald'"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(call, words):
    with pytest.raises(CasebookError) as error:
        call()
    assert words in str(error.value)
