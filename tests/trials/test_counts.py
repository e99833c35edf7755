"""Counts behind printed percentages, against long division by hand and against trying every count with fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.errors import CasebookError
from casebook.trials import counts


def test_the_serious_events_of_the_trial_can_be_only_13_of_54_and_22_of_51():
    # Origin: exact arithmetic; 13/54 = 24.07%, 31/54 = 57.41%, 22/51 = 43.14%, 42/51 = 82.35%. The next that fit are
    # the doubles, 108 and 102 patients, beyond either arm and all others up to there.
    blinatumomab = counts.common(["24.1", "57.4"], range(1, 108))
    assert blinatumomab.to_numpy().tolist() == [[54, [13], [31]]]
    chemotherapy = counts.common(["43.1", "82.4"], range(1, 102))
    assert chemotherapy.to_numpy().tolist() == [[51, [22], [42]]]


def test_one_percentage_alone_has_many_denominators():
    # 24.1% is already 7 of 29 (24.14%).
    fits = counts.common(["24.1"], range(1, 55))
    assert fits.iloc[0].tolist() == [29, [7]]
    assert len(fits) > 1


@pytest.mark.parametrize(
    ("printed", "n", "fitting"),
    [
        ("0", 3, [0]),
        ("100", 3, [3]),
        ("33", 3, [1]),
        ("67", 3, [2]),
        ("66", 3, []),  # 66.67 is not 66 by any rounding
        ("33.3", 9, [3]),
        (
            "50",
            1000,
            [495, 496, 497, 498, 499, 500, 501, 502, 503, 504, 505],
        ),  # 49.5 and 50.5 are ties: see below
        ("12", 8, [1]),  # 12.5: to the even digit
        ("13", 8, [1]),  # 12.5: up
        ("37", 8, []),  # 37.5 goes to 38 both ways
        ("38", 8, [3]),
        ("0.0", 70, [0]),
    ],
)
def test_counts_that_round_to_a_percentage(printed, n, fitting):
    # By hand. 495 of 1000 is 49.5: up to 50, to even 50. 505 of 1000 is 50.5: to even 50.
    assert counts.behind(printed, n) == fitting


@given(st.integers(0, 1000), st.integers(1, 400))
def test_behind_finds_every_count_and_no_other(tenths, n):
    printed = f"{tenths // 10}.{tenths % 10}"
    value, half = Fraction(tenths, 10), Fraction(1, 20)

    def rounds(x):
        exact = Fraction(100 * x, n)
        tie_to_even = exact == value + half and tenths % 2 == 0
        return value - half <= exact < value + half or tie_to_even

    assert counts.behind(printed, n) == [x for x in range(n + 1) if rounds(x)]


@given(st.data())
def test_the_true_count_is_always_behind_its_own_percentage(data):
    n = data.draw(st.integers(1, 5000))
    x = data.draw(st.integers(0, n))
    printed = f"{float(round(Fraction(100 * x, n), 1)):.1f}"  # Fraction rounds half to even
    assert x in counts.behind(printed, n)


@pytest.mark.parametrize(
    ("printed", "n", "count", "why"),
    [
        ("24.1", 54, 13, ""),
        ("76", 102, 77, "rounded twice"),  # 75.490 -> 75.5 -> 76, as AALL1331 prints it
        ("75", 102, 77, ""),
        ("88.8", 9, 8, "cut off"),  # 88.888...
        ("15", 78, 8, "no rounding gives it"),  # 10.3
        ("96.1", 26, None, "cut off"),  # 25 of 26 is 96.15
        ("96.2", 26, None, ""),
        ("50", 3, None, "no rounding gives it"),
    ],
)
def test_how_a_percentage_came_about(printed, n, count, why):
    assert counts.contradiction(printed, n, count) == why


@pytest.mark.parametrize("printed", ["", "a few", "-1", "101", "nan", "Infinity", None, "24,1"])
def test_what_is_no_percentage_is_refused(printed):
    with pytest.raises(CasebookError, match="expected a percentage from 0 to 100"):
        counts.behind(printed, 54)


@pytest.mark.parametrize("n", [0, -3, 2.5, True])
def test_what_is_no_number_of_patients_is_refused(n):
    with pytest.raises(CasebookError, match="expected a whole number of 1 or more"):
        counts.behind("24.1", n)
