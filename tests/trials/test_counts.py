"""Counts behind printed percentages, against long division by hand and against trying every count with fractions."""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
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


@given(st.integers(1, 400), st.data())
def test_every_way_to_a_percentage_is_the_one_that_decimal_goes(n, data):
    # The decimals of Python's own module, which round digit by digit; 60 of them, so that a tie is a tie.
    x = data.draw(st.integers(0, n))
    exact = (Decimal(100 * x) / Decimal(n)).quantize(Decimal(1).scaleb(-20), ROUND_DOWN)

    def to(places, value, how):
        return value.quantize(Decimal(1).scaleb(-places), how)

    places = data.draw(st.integers(0, 3))
    printed = data.draw(
        st.sampled_from([to(places, exact, ROUND_DOWN), to(places, exact, ROUND_HALF_UP), exact + 1])
    )
    printed = min(to(places, printed, ROUND_DOWN), Decimal(100))
    why = counts.contradiction(f"{printed:.{places}f}", n, x)
    if printed in (to(places, exact, ROUND_HALF_UP), to(places, exact, ROUND_HALF_EVEN)):
        assert why == ""
    elif printed == to(places, to(places + 1, exact, ROUND_HALF_UP), ROUND_HALF_UP):
        assert why == "rounded twice"
    elif printed == to(places, exact, ROUND_DOWN):
        assert why == "cut off"
    else:
        assert why == "no rounding gives it"


def test_a_million_patients_take_no_time():
    # By hand: 50.000% is from 49.9995 on, 499995 of a million, and to the tie 50.0005, 500005, whose even digit is 0.
    # Of an odd number of patients no count is half: the nearest is 5 / 10^14 percent away.
    assert counts.behind("50.000", 10**6) == list(range(499_995, 500_006))
    assert counts.behind("50." + 20 * "0", 10**15) == [5 * 10**14]
    assert counts.contradiction("50", 10**15) == ""
    assert counts.contradiction("50." + 20 * "0", 10**15 + 1) == "no rounding gives it"


NO_TEXT = [None, 24.1, 24, (0, (2, 4), 0), Decimal("24.1")]
NO_NUMBER = ["", "a few", "-1", "-0", "nan", "Infinity", "1e1", "24,1", "24.", ".1", " 24.1", "24.1\n", "٢٤"]
NO_PERCENTAGE = ["101", "100.1", "0." + 21 * "0", "0" * 60]


@pytest.mark.parametrize("printed", NO_TEXT + NO_NUMBER + NO_PERCENTAGE)
def test_what_is_no_percentage_is_refused(printed):
    for ask in (counts.behind, counts.contradiction, lambda text, n: counts.common([text], [n])):
        with pytest.raises(CasebookError, match="expected a percentage from 0 to 100"):
            ask(printed, 54)


@pytest.mark.parametrize("n", [0, -3, 2.5, True, None, math.nan, math.inf, "54", 2**53 + 1])
def test_what_is_no_number_of_patients_is_refused(n):
    for ask in (counts.behind, counts.contradiction, lambda text, n: counts.common([text], [n])):
        with pytest.raises(CasebookError, match="expected a whole number of 1 or more"):
            ask("24.1", n)


@pytest.mark.parametrize("count", [-1, 55, 13.0, math.nan, True, "13"])
def test_what_is_no_count_of_the_patients_is_refused(count):
    with pytest.raises(CasebookError, match=r"events: found .*, expected a whole number from 0 to 54"):
        counts.contradiction("24.1", 54, count)


def test_integers_of_numpy_are_counts():
    assert counts.behind("24.1", np.int64(54)) == [13]
    assert counts.contradiction("24.1", np.int64(54), np.int64(13)) == ""
