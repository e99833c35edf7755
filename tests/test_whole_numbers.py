"""Arguments: what is a whole number, and what is shown of that which is none."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from casebook import arguments
from casebook.errors import CasebookError


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3)])
def test_whole_numbers_of_numpy_are_whole_numbers_of_python(value):
    found = arguments.whole(value, "seed", least=3, most=3)
    assert (found, type(found)) == (3, int)


@pytest.mark.parametrize(
    "value", [True, np.bool_(True), 1.0, np.float64(1), "1", None, math.nan, [1], Fraction(1), -1]
)
def test_what_is_no_whole_number_of_0_or_more_is_refused(value):
    with pytest.raises(CasebookError, match=r"^seed: found .*, expected a whole number of 0 or more$"):
        arguments.whole(value, "seed")


def test_the_limits_are_said():
    with pytest.raises(CasebookError, match=r"^workers: found 0, expected a whole number of 1 or more$"):
        arguments.whole(np.int64(0), "workers", least=1)
    with pytest.raises(CasebookError, match=r"^trials: found 11, expected a whole number from 1 to 10$"):
        arguments.whole(11, "trials", least=1, most=10)


@pytest.mark.parametrize("value", [10**20, -(10**20), 10**5000, -(10**5000)], ids=range(4))
def test_the_longest_numbers_are_not_written_out(value):
    with pytest.raises(CasebookError, match=r"^n: found a number of more than 20 digits, expected"):
        arguments.whole(value, "n", least=0, most=9)
    assert arguments.shown(10**20 - 1) == "9" * 20


def test_what_is_shown_stands_on_one_line_and_is_short():
    assert arguments.shown([10**5000]) == "something of type list"
    assert arguments.shown(np.zeros((2, 2))) == "array([[0., 0.], [0., 0.]])"
    assert arguments.shown("x" * 1000) == f"'{'x' * 76}..."
    assert arguments.shown(True) == "True"
