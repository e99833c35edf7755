"""The table of risk: counted by hand, and against counting patient by patient."""

from __future__ import annotations

import functools
import operator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.cohort import risktable
from casebook.cohort.risktable import LARGEST, RiskTable, in_order, tabulate, tabulate_by
from casebook.errors import CasebookError

CAUSES = ("relapse", "death")


@st.composite
def cohorts(draw, least=1):
    """Rows of few distinct times, so that ties of every kind come up: time, event, entry, weights."""
    n = draw(st.integers(least, 12))
    time = np.array(draw(st.lists(st.integers(0, 8), min_size=n, max_size=n)), float)
    event = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    entry = np.array([draw(st.integers(0, max(int(t) - 1, 0))) for t in time], float)
    weights = np.array(draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)))
    return time, event, entry, weights


def assert_same(table: RiskTable, other: RiskTable) -> None:
    """To the last digit: whole weights are counted exactly, and others are held so that they are."""
    assert table.causes == other.causes
    assert table.start == other.start
    for column in ("time", "entered", "failed", "censored", "at_risk"):
        np.testing.assert_array_equal(getattr(table, column), getattr(other, column), err_msg=column)


# -- counting -----------------------------------------------------------------------------------------------------


def test_failures_censorings_and_entries_at_one_time_are_counted_in_that_order():
    # At 2: one of each kind leaves, all three at risk at it; another comes, at risk after it.
    table = tabulate([2, 2, 2, 5], [1, 2, 0, 0], entry=[0, 0, 1, 2], causes=CAUSES)
    assert table.start == 2
    assert table.n == 4
    assert table.frame().to_dict("list") == {
        "time": [1, 2, 5],
        "at_risk": [2, 3, 1],
        "entered": [1, 1, 0],
        "relapse": [0, 1, 0],
        "death": [0, 1, 0],
        "censored": [0, 1, 1],
    }


@given(cohorts())
def test_a_table_counts_what_is_counted_patient_by_patient(cohort):
    time, event, entry, weights = cohort
    table = tabulate(time, event, entry=entry, weights=weights, causes=CAUSES)
    times = sorted({*time, *entry[entry > 0]})
    assert table.time.tolist() == times
    assert table.start == weights[entry == 0].sum()
    assert table.n == weights.sum()
    for place, t in enumerate(times):
        # Without late entry a patient is at risk also at time 0.
        at_risk = ((entry < t) | (entry == 0)) & (time >= t)
        assert table.at_risk[place] == weights[at_risk].sum()
        assert table.entered[place] == weights[(entry == t) & (t > 0)].sum()
        assert table.censored[place] == weights[(time == t) & (event == 0)].sum()
        assert table.failed[place].tolist() == [weights[(time == t) & (event == c)].sum() for c in (1, 2)]


@given(cohorts(), st.floats(0, 9))
def test_at_risk_between_times_is_counted_patient_by_patient(cohort, t):
    time, event, entry, _ = cohort
    at_risk = (((entry < t) | (entry == 0)) & (time >= t)).sum()
    table = tabulate(time, event, entry=entry, causes=CAUSES)
    assert table.at_risk_at([t, 100]).tolist() == [at_risk, 0]
    assert table.at_risk_at(t) == at_risk


@given(cohorts(), st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_rows_never_matters(cohort, random, fractions):
    time, event, entry, weights = cohort
    if fractions:
        weights = weights / 3 + 0.1
    order = list(range(time.size))
    random.shuffle(order)
    table = tabulate(time, event, entry=entry, weights=weights, causes=CAUSES)
    other = tabulate(time[order], event[order], entry=entry[order], weights=weights[order], causes=CAUSES)
    assert_same(table, other)


@given(cohorts())
def test_a_whole_weight_is_that_many_equal_rows(cohort):
    time, event, entry, weights = cohort
    repeated = [np.repeat(column, weights) for column in (time, event, entry)]
    assert_same(
        tabulate(time, event, entry=entry, weights=weights, causes=CAUSES),
        tabulate(repeated[0], repeated[1], entry=repeated[2], causes=CAUSES),
    )


@given(cohorts(least=2), st.data())
def test_the_tables_of_a_split_cohort_add_up_to_that_of_all(cohort, data):
    time, event, entry, weights = cohort
    cut = data.draw(st.integers(1, time.size - 1))

    def part(rows):
        return tabulate(time[rows], event[rows], entry=entry[rows], weights=weights[rows], causes=CAUSES)

    assert_same(part(slice(cut)) + part(slice(cut, None)), part(slice(None)))


def test_weights_that_no_float_adds_exactly_leave_nobody_at_risk_when_all_are_gone():
    # 0.1 + 0.2 - 0.3 is 5.6e-17 in floats. Here all leave before one comes.
    table = tabulate([1, 2, 3, 9], [0, 0, 0, 1], entry=[0, 0, 0, 5], weights=[0.1, 0.2, 0.3, 0.7])
    assert table.at_risk_at([4, 5]).tolist() == [0, 0]
    assert table.at_risk_at(9) == pytest.approx(0.7, rel=1e-14)


def test_a_million_continuous_times_are_counted_as_their_sorted_rows():
    random = np.random.default_rng(1)
    time, event = random.exponential(1000, 10**6), random.integers(0, 3, 10**6)
    order = np.argsort(time)
    table = tabulate(time, event, causes=CAUSES)
    np.testing.assert_array_equal(table.time, time[order])
    np.testing.assert_array_equal(table.at_risk, np.arange(10**6, 0, -1))
    np.testing.assert_array_equal(table.failed, event[order][:, None] == [1, 2])
    np.testing.assert_array_equal(table.censored, event[order] == 0)


def test_counts_may_be_greater_than_the_greatest_weight():
    table = tabulate([1, 1, 2], [1, 1, 0], weights=[LARGEST] * 3)
    assert table.failed[:, 0].tolist() == pytest.approx([2 * LARGEST, 0], rel=1e-14)
    assert table.at_risk.tolist() == pytest.approx([3 * LARGEST, LARGEST], rel=1e-14)


def test_nobody_is_left_at_risk_in_a_gap_of_eight_tables_added():
    # A table added to others has sums of up to three bits more than its own, and these are kept free.
    for seed in range(20):
        random = np.random.default_rng(seed)
        tables = [
            tabulate([1, 2, 3, 9, 10], [0, 0, 0, 1, 0], entry=[0, 0, 0, 5, 6], weights=random.random(5) + 0.5)
            for _ in range(8)
        ]
        assert functools.reduce(operator.add, tables).at_risk_at(5) == 0


@pytest.mark.parametrize("weights", [None, [1.0, 1.0, 1.0, 1.0]])
def test_a_negative_zero_and_the_least_float_are_times_like_others(weights):
    table = tabulate([5e-324, -0.0, 0.0, 1e100], [1, 1, 0, 0], weights=weights)
    assert table.time.tolist() == [0, 5e-324, 1e100]
    assert table.failed[:, 0].tolist() == [1, 1, 0]


@pytest.mark.parametrize("weights", [None, np.ones(5)])
def test_two_causes_are_counted_also_if_their_codes_do_not_fit_beside_the_times(weights):
    # From 0 to beyond 2 a float takes more than 62 of its 64 bits, and two causes need two more.
    table = tabulate([1e100, 0, 3, 3, 0], [1, 2, 1, 2, 0], weights=weights, causes=CAUSES)
    assert table.time.tolist() == [0, 3, 1e100]
    assert table.failed.tolist() == [[0, 1], [1, 1], [1, 0]]
    assert table.censored.tolist() == [1, 0, 0]
    assert table.at_risk.tolist() == [5, 3, 1]


@given(
    st.lists(
        st.tuples(st.one_of(st.floats(0, LARGEST), st.sampled_from([0.0, 1.0, 2.0])), st.integers(0, 4)),
        min_size=1,
    ),
    st.integers(5, 300),
)
def test_codes_stay_with_their_times(rows, kinds):
    times, codes = (np.array(column) for column in zip(*rows, strict=True))
    found = in_order(times, codes, kinds)
    assert found[0].tolist() == sorted(times.tolist())
    assert sorted(zip(*(column.tolist() for column in found), strict=True)) == sorted(rows)


def test_a_cohort_without_ties_is_counted_as_one_with_weights_of_one():
    random = np.random.default_rng(2)
    time, event = random.exponential(1, 50), random.integers(0, 3, 50)
    assert_same(
        tabulate(time, event, causes=CAUSES), tabulate(time, event, weights=np.ones(50), causes=CAUSES)
    )


def test_failing_of_any_cause_are_those_of_all_causes_together():
    two = tabulate([1, 1, 2, 3], [1, 2, 0, 1], causes=CAUSES)
    assert two.failing.tolist() == [2, 0, 1]
    assert tabulate([1, 1, 2, 3], [1, 1, 0, 1]).failing.tolist() == [2, 0, 1]


def test_long_columns_are_cut_into_parts_that_follow_each_other(monkeypatch):
    monkeypatch.setattr(risktable, "PART", 4)
    assert list(risktable.parts(10, 1)) == [slice(1, 5), slice(5, 9), slice(9, 10)]
    assert list(risktable.parts(3, 3)) == []


def test_an_event_may_be_a_truth_value_and_columns_may_be_pandas():
    frame = pd.DataFrame({"time": [3, 1], "failed": [True, False]}, index=[7, 7])
    table = tabulate(frame.time, frame.failed)
    assert table.failed.tolist() == [[0], [1]]
    assert table.n == 2


# -- groups -------------------------------------------------------------------------------------------------------


def test_each_group_has_the_table_of_its_rows_and_labels_are_sorted():
    time, event, entry = np.array([5, 3, 4, 2]), np.array([1, 1, 0, 0]), np.array([0, 1, 2, 0])
    weights = np.array([2, 1, 1, 3])
    tables = tabulate_by(["b", "a", "b", "a"], time, event, entry=entry, weights=weights)
    assert list(tables) == ["a", "b"]
    for label, rows in (("a", [1, 3]), ("b", [0, 2])):
        assert_same(
            tables[label], tabulate(time[rows], event[rows], entry=entry[rows], weights=weights[rows])
        )
    assert_same(tables["a"] + tables["b"], tabulate(time, event, entry=entry, weights=weights))


def test_labels_of_hundreds_of_groups_keep_their_rows():
    # More than a byte counts.
    labels = np.random.default_rng(3).permutation(1000)
    tables = tabulate_by(labels, labels + 1.0, np.ones(1000, int))
    assert list(tables) == list(range(1000))
    assert all(table.time.tolist() == [label + 1] for label, table in tables.items())


def test_categories_keep_their_order_and_one_without_patients_has_no_table():
    groups = pd.Categorical(["high", "low", "high"], categories=["low", "none", "high"])
    tables = tabulate_by(groups, [1, 2, 3], [1, 1, 0])
    assert [(label, table.n) for label, table in tables.items()] == [("low", 1), ("high", 2)]


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (["a", None, "b"], r"groups\[1\]: found no label"),
        (["a", "b"], "found 2 labels, expected one for each of 3"),
        (["a", 1, "b"], "labels that have no order"),
        ([[1], [2], [3]], "labels that have no order"),
        (None, "found 0 labels"),
        (5, "found 1 labels"),
        ({"a", "b", "c"}, "found a set; expected a label for each of 3 times"),
        (np.ones((3, 2)), "found a ndarray; expected a label for each of 3 times"),
    ],
)
def test_labels_that_are_missing_or_have_no_order_are_refused(groups, said):
    with pytest.raises(CasebookError, match=said):
        tabulate_by(groups, [1, 2, 3], [0, 0, 1])


# -- refusing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"time": [1, np.nan]}, r"time\[1\]: found nan; expected a number from 0"),
        ({"time": [np.inf, 1]}, r"time\[0\]: found inf"),
        ({"time": [1, -2]}, r"time\[1\]: found -2.0"),
        ({"time": ["1", "2"]}, "time: found values of type <U1; expected numbers"),
        ({"time": [[1, 2]]}, r"time: found shape \(1, 2\); expected a single row"),
        ({"time": [[1], [1, 2]]}, "time: found values of type object"),
        ({"time": [], "event": np.array([], int)}, r"time: found shape \(0,\).* at least one"),
        ({"event": [0]}, r"event: found shape \(1,\); expected \(2,\)"),
        ({"event": [0, 2]}, r"event\[1\]: found 2; expected a code from 0 to 1"),
        ({"event": [-1, 0]}, r"event\[0\]: found -1"),
        ({"event": [[0], [0, 1]]}, "event: found values of type object"),
        ({"event": None}, "event: found values of type object"),
        ({"time": None}, "time: found values of type object"),
        ({"event": [0.0, 1.0]}, "event: found values of type float64; expected whole numbers"),
        ({"entry": [0, 2]}, r"entry\[1\]: found 2.0; expected less than the time 2.0"),
        ({"entry": [0, -1]}, r"entry\[1\]: found -1.0; expected a number from 0"),
        ({"entry": [0]}, r"entry: found shape \(1,\)"),
        ({"weights": [1, 0]}, r"weights\[1\]: found 0.0; expected a number from 1e-100 to 1e\+100"),
        ({"weights": [np.nan, 1]}, r"weights\[0\]: found nan"),
        ({"weights": [1e-20, 1]}, r"weights\[0\]: found 1e-20; expected more than .* for their total"),
        ({"weights": [1, 1, 1]}, r"weights: found shape \(3,\)"),
        ({"causes": "event"}, "found the causes 'event'; expected distinct names"),
        ({"causes": ()}, "found the causes"),
        ({"causes": 5}, "found the causes 5"),
        ({"causes": None}, "found the causes None"),
        ({"causes": {"a", "b"}}, "found the causes {"),
        ({"causes": (["a"],)}, "found the causes"),
        ({"causes": ("a", "a")}, "found the causes"),
        ({"causes": ("time",)}, "none of time, at_risk, entered, censored"),
    ],
)
def test_rows_that_cannot_be_counted_are_refused_by_place(arguments, said):
    with pytest.raises(CasebookError, match=said):
        tabulate(**{"time": [1, 2], "event": [0, 1]} | arguments)


def test_tables_of_different_causes_are_not_added():
    with pytest.raises(CasebookError, match="expected the same"):
        tabulate([1], [1]) + tabulate([1], [1], causes=("other",))


@pytest.mark.parametrize("times", [[np.nan], [-1], "soon"])
def test_those_at_risk_at_what_is_no_time_are_not_counted(times):
    with pytest.raises(CasebookError, match="times"):
        tabulate([1], [1]).at_risk_at(times)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time": [2.0, 1.0]}, "do not ascend"),
        ({"start": 3}, "found 3 who come and 2 who fail or are censored"),
        ({"start": None}, "start: found None"),
        ({"start": np.inf}, "start: found inf"),
        ({"entered": [0]}, "shapes"),
        (
            {"entered": None},
            "entered: found a column of type NoneType; expected an array of int64 or float64",
        ),
        ({"censored": ["0", "1"]}, "censored: found a column of type <U1"),
        ({"censored": [-1, 2]}, r"censored\[0\]: found -1"),
        ({"censored": [np.nan, 1.0]}, r"censored\[0\]: found nan"),
        ({"time": [1.0, np.inf]}, r"time\[1\]: found inf"),
        ({"start": 1, "entered": [0, 1]}, "more who leave a table of risk than have come"),
        ({"causes": ("a", "b")}, r"failed of shape \(2, 2\)"),
        ({"causes": None}, "causes in a NoneType; expected a tuple"),
        ({"causes": (1,)}, "found the causes"),
    ],
)
def test_a_table_made_by_hand_must_hold_together(change, said):
    whole = {"start": 2, "time": [1.0, 2.0], "entered": [0, 0], "failed": [[1], [0]], "censored": [0, 1]}
    columns = whole | {"causes": ("a",)} | change
    arrays = {k: np.array(v) if isinstance(v, list) else v for k, v in columns.items()}
    with pytest.raises(CasebookError, match=said):
        RiskTable(**arrays)
