"""What numbers, names and columns must be, wherever they are given; and Efron's turns."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from casebook.cohort import arguments, efron
from casebook.errors import CasebookError


def test_the_deviations_of_95_percent_are_those_of_printed_tables():
    assert arguments.deviations(0.95) == pytest.approx(1.959964)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, math.nan, "0.95", None, True, [0.95], 10**400])
def test_a_confidence_is_between_0_and_1(confidence):
    with pytest.raises(CasebookError, match="found the confidence"):
        arguments.deviations(confidence)


@pytest.mark.parametrize("value", [True, -1, "1", None, math.nan, math.inf, -math.inf, [1], 10**400])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(CasebookError, match=r"found at=.*; expected a time of 0 or more"):
        arguments.time("at", value)


def test_times_are_after_another_or_without_end_where_that_is_said():
    assert arguments.time("at", np.float32(2)) == 2
    assert arguments.time("at", math.inf, endless=True) == math.inf
    assert arguments.time("at", 0) == 0
    for value in (0, -math.inf, math.nan, True):
        with pytest.raises(CasebookError, match="expected a time after 0"):
            arguments.time("at", value, after=0, endless=True)


def test_a_name_is_a_list_of_it():
    assert arguments.names("age") == arguments.names(["age"]) == ["age"]
    assert arguments.names(None, fewest=0) == []


def test_columns_are_numbers_where_they_are_due_and_leave_the_frame_as_it_is():
    frame = pd.DataFrame({"x": [True, False], "group": ["a", "b"], "other": [1, None]}, index=[5, 5])
    found = arguments.columns(frame, ["x", "group"], numbers=["x"])
    assert found.to_dict("list") == {"x": [1.0, 0.0], "group": ["a", "b"]}
    assert frame["x"].dtype == bool


def test_of_three_who_fail_at_once_the_second_sees_a_third_gone():
    each, gone = efron.turns(np.array([1, 3, 2]))
    assert each.tolist() == [0, 1, 1, 1, 2, 2]
    assert gone.tolist() == [0, 0, 1 / 3, 2 / 3, 0, 1 / 2]


def test_sums_from_each_row_on_by_hand():
    assert efron.sums_from(np.array([1.0, 2, 4])).tolist() == [7, 6, 4, 0]
    assert efron.sums_from(np.array([[1.0, 0], [2, 5]])).tolist() == [[3, 5], [2, 5], [0, 0]]
