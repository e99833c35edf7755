"""Harrell's c: against R with ties of every kind, by counting every pair, and by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.cohort.concordance import harrell
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")
R = pd.read_csv(ORACLES / "benefit.csv").pivot_table(index=["set", "term"], columns="what", values="value")
R = R[R["c"].notna()]
"""Made by ``oracles/benefit.R`` (R 4.2.2, survival 3.5-3: concordance)."""
DATA = pd.read_csv(ORACLES / "benefit_data.csv")


def by_pairs(score, time, event, horizon=math.inf):
    """Concordant, discordant and tied pairs, one after the other."""
    found = [0, 0, 0]
    for i in range(len(time)):
        if not event[i] or time[i] > horizon:
            continue
        for j in range(len(time)):
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                found[0 if score[i] > score[j] else 1 if score[i] < score[j] else 2] += 1
    return found


@pytest.mark.parametrize(("name", "term"), R.index.tolist())
def test_pairs_c_and_its_error_are_those_of_r(name, term):
    data = DATA[DATA.set == name]
    which, horizon = term.split("|")
    scores = {
        "age": data.age,
        "coarse": (data.age / 5).round(),  # both R and NumPy round halves to even
        "level": (data.level == "low") * 1,
        "constant": data.age * 0,
    }
    found = harrell(scores[which], data.time, data.event, horizon=float(horizon))
    row = R.loc[(name, term)]
    assert [found.concordant, found.discordant, found.tied] == [row.concordant, row.discordant, row["tied.x"]]
    assert found.estimate == pytest.approx(row.c, rel=1e-10)
    assert found.standard_error == pytest.approx(row["c error"], rel=1e-8, abs=1e-12)


def test_five_patients_by_hand():
    # Times 1, 2, 2+, 3, 4+ (+ censored), scores 5, 1, 4, 4, 2. The first fails before all four, who have lower scores: 4
    # concordant. At 2 the second fails; the one censored at 2 counts as later: 3 pairs, discordant. At 3: against 4+, which
    # has the lower score: 1 concordant. 5 of 8.
    found = harrell([5, 1, 4, 4, 2], [1, 2, 2, 3, 4], [1, 1, 0, 1, 0])
    assert (found.concordant, found.discordant, found.tied) == (5, 3, 0)
    assert found.estimate == 5 / 8


def test_a_perfect_score_is_1_its_reverse_0_and_none_a_half():
    time, event = np.arange(1, 9), np.ones(8, dtype=int)
    for score, expected in ((-time, 1), (time, 0), (time * 0, 0.5)):
        found = harrell(score, time, event)
        assert (found.estimate, found.standard_error) == (expected, 0)
        assert (found.lower, found.upper) == (expected, expected)


columns = st.integers(2, 25).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 6), min_size=n, max_size=n),
        st.lists(st.integers(0, 6), min_size=n, max_size=n),
        st.lists(st.integers(0, 1), min_size=n, max_size=n),
        st.sampled_from([2, 4, math.inf]),
    )
)


@given(columns)
def test_it_is_the_count_of_all_pairs(data):
    score, time, event, horizon = data
    expected = by_pairs(score, time, event, horizon)
    if not sum(expected):
        with pytest.raises(CasebookError, match="found no pair of patients"):
            harrell(score, time, event, horizon=horizon)
        return
    found = harrell(score, time, event, horizon=horizon)
    assert [found.concordant, found.discordant, found.tied] == expected
    assert 0 <= found.lower <= found.estimate <= found.upper <= 1


@given(columns, st.randoms(use_true_random=False))
def test_only_the_order_of_scores_matters_and_that_of_rows_does_not(data, shuffler):
    score, time, event, _ = map(np.asarray, data)
    if not sum(by_pairs(score, time, event)):
        return
    order = np.array(shuffler.sample(range(len(time)), len(time)))
    one = harrell(score, time, event)
    two = harrell(np.exp(score[order] / 3.0) - 7, time[order], event[order])
    assert (one.concordant, one.discordant, one.tied) == (two.concordant, two.discordant, two.tied)
    assert one.standard_error == pytest.approx(two.standard_error, rel=1e-12)


def test_limits_cover_the_concordance_of_very_many_patients():
    """Of 400 cohorts of 200, 95% limits cover in 92 to 98% (Monte Carlo error 1.1%)."""
    rng, runs, n = np.random.default_rng(3), 400, 200

    def cohort(size):
        x = rng.normal(size=size)
        time, censored = rng.exponential(size=size) / np.exp(x), rng.exponential(2, size)
        return x, np.minimum(time, censored), (time <= censored).astype(int)

    truth = harrell(*cohort(100_000)).estimate
    found = [harrell(*cohort(n)) for _ in range(runs)]
    assert 0.92 <= np.mean([one.lower <= truth <= one.upper for one in found]) <= 0.98


@pytest.mark.parametrize(
    ("score", "time", "event", "options", "expected"),
    [
        ([1, 2], [1, 2], [0, 0], {}, "found no pair of patients"),
        ([1], [1], [1], {}, "found no pair of patients"),
        ([1, 2], [3, 3], [1, 1], {}, "found no pair of patients"),
        ([1, 2], [1, 2], [1, 0], {"horizon": 0.5}, "found no pair of patients"),
        ([1, 2], [1, 2], [1, 0], {"horizon": -1}, "found horizon=-1"),
        ([1, 2], [1, 2], [1, 0], {"confidence": 0}, "found the confidence 0"),
        ([1, 2, 3], [1, 2], [1, 0], {}, "found score of shape (3,), time of (2,)"),
        ([], [], [], {}, "found score of shape (0,)"),
        ([1, np.nan], [1, 2], [1, 0], {}, "score[1]: found nan; expected a number"),
        (["a", "b"], [1, 2], [1, 0], {}, "score: found what are no numbers"),
        ([1, 2], [1, -2], [1, 0], {}, "time[1]: found -2"),
        ([1, 2], [1, 2], [[1], [1, 0]], {}, "event: found rows that differ in length"),
        ([1, 2], [1, 2], [1, 0], {"horizon": np.nan}, "found horizon=nan; expected a time after 0"),
        ([1, 2], [1, 2], [1, 2], {}, "event: found values other than 0 and 1"),
        ([1, 2], [1, 2], [1.0, 0.0], {}, "event: found values other than 0 and 1"),
    ],
)
def test_bad_input_is_refused(score, time, event, options, expected):
    with pytest.raises(CasebookError) as error:
        harrell(score, time, event, **options)
    assert expected in str(error.value)
