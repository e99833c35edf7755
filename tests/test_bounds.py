"""Bounds: what is known of a number, through arithmetic, comparison and prose."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import operator
import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from casebook.bounds import INFINITY, Answer, Bounds, date_text
from casebook.errors import CasebookError

HALVES = [Fraction(n, 2) for n in range(-5, 6)]
"""The values that the small bounds below are compared by: their limits, and a point between any two of them."""

SMALL = [
    Bounds(lower, upper, left, right)
    for lower, upper in itertools.combinations_with_replacement((-INFINITY, -1, 0, 1, INFINITY), 2)
    for left in (True, False)
    for right in (True, False)
    if not (lower == upper and (math.isinf(lower) or not (left and right)))
    if (left or not math.isinf(lower)) and (right or not math.isinf(upper))
]
"""Every kind of bounds with limits at -1, 0, 1 or none: infinite ones once each."""

fractions = st.fractions(min_value=-50, max_value=50, max_denominator=12)


@st.composite
def bounds_with_value(draw, positive: bool = False):
    """Bounds, exact in arithmetic, and a value within them."""
    value = draw(fractions)
    if positive:
        value = abs(value) + Fraction(1, 12)
    below, above = (
        draw(st.one_of(st.just(0), st.none(), st.fractions(0, 60, max_denominator=12))) for _ in range(2)
    )
    lower = -INFINITY if below is None else value - below
    upper = INFINITY if above is None else value + above
    left, right = below == 0 or draw(st.booleans()), above == 0 or draw(st.booleans())
    if positive and lower <= 0:
        lower, left = 0, False
    return Bounds(lower, upper, left, right), value


# -- making -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lower", "upper", "closed", "said"),
    [
        (2, 1, (True, True), "reversed bounds: lower 2 is above upper 1"),
        (math.nan, 1, (True, True), "must be a number"),
        ("1", 2, (True, True), "must be a number"),
        (None, 2, (True, True), "must be a number"),
        (True, 2, (True, True), "must be a number"),
        (Decimal("0.1"), 2, (True, True), "must be a number"),  # a Decimal does not add to a float
        (1, 1, (True, False), "with an open end"),
        (1, 1, (False, False), "with an open end"),
        (INFINITY, INFINITY, (True, True), "no number lies between"),
        (-INFINITY, -INFINITY, (True, True), "no number lies between"),
    ],
)
def test_limits_that_hold_no_number_are_refused(lower, upper, closed, said):
    with pytest.raises(CasebookError, match=re.escape(said)):
        Bounds(lower, upper, *closed)


def test_an_infinite_limit_is_never_closed_so_equal_bounds_compare_equal():
    assert Bounds(0, INFINITY, True, True) == Bounds(0, INFINITY, True, False)
    assert Bounds.unknown() == Bounds(lower_closed=False, upper_closed=False)
    assert INFINITY not in Bounds.at_least(0)


def test_each_constructor_holds_just_what_its_name_says():
    assert (2 in Bounds.exactly(2), 3 in Bounds.exactly(2)) == (True, False)
    assert (2 in Bounds.at_least(2), 1 in Bounds.at_least(2)) == (True, False)
    assert (2 in Bounds.at_most(2), 3 in Bounds.at_most(2)) == (True, False)
    assert (2 in Bounds.below(2), 1 in Bounds.below(2)) == (False, True)
    assert (-1 in Bounds.below(2, lower=0), 0 in Bounds.below(2, lower=0)) == (False, True)
    assert (-1e300 in Bounds.unknown(), Bounds.unknown().is_unknown) == (True, True)


def test_width_and_kind_of_closed_half_open_and_unbounded_bounds():
    assert (Bounds(1, 4).width, Bounds.at_least(1).width) == (3, INFINITY)
    assert (Bounds(1, 1).is_exact, Bounds(1, 2).is_exact) == (True, False)
    assert (Bounds(1, 2).is_bounded, Bounds.at_most(2).is_bounded) == (True, False)
    assert (Bounds.at_most(2).is_unknown, Bounds().is_unknown) == (False, True)


def test_a_value_is_contained_at_a_closed_end_and_not_at_an_open_one():
    for bounds in SMALL:
        for value in HALVES:
            above = value >= bounds.lower if bounds.lower_closed else value > bounds.lower
            below = value <= bounds.upper if bounds.upper_closed else value < bounds.upper
            assert (value in bounds) == (above and below), (value, bounds)


# -- arithmetic: Moore's inclusion property -----------------------------------------------------------------


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul])
@given(left=bounds_with_value(), right=bounds_with_value())
def test_the_result_of_an_operation_holds_the_result_for_every_value(operation, left, right):
    (x, value_x), (y, value_y) = left, right
    assert operation(value_x, value_y) in operation(x, y)
    assert operation(value_x, value_y) in operation(x, value_y)
    assert operation(value_x, value_y) in operation(value_x, y)


@given(left=bounds_with_value(), right=bounds_with_value(positive=True), sign=st.sampled_from([1, -1]))
def test_a_quotient_holds_the_quotient_of_every_value(left, right, sign):
    (x, value_x), (y, value_y) = left, right
    assert value_x / (sign * value_y) in x / (sign * y)
    if value_x:
        assume(0 not in x and not x.lower < 0 < x.upper)
        assert 3 / value_x in 3 / x


@given(bounds_with_value(positive=True))
def test_a_logarithm_holds_the_logarithm_of_every_value(pair):
    bounds, value = pair
    # In floats a value next to an open end can have the logarithm of the end itself.
    logarithm = bounds.log10()
    assert logarithm.lower <= math.log10(value) <= logarithm.upper


def points(bounds: Bounds) -> list[Fraction]:
    """Values of bounds, some of them next to the limits: enough to show that a result is not too wide."""
    tiny = Fraction(1, 1000)
    lower = -1000 if math.isinf(bounds.lower) else bounds.lower
    upper = 1000 if math.isinf(bounds.upper) else bounds.upper
    return [v for v in (lower, lower + tiny, Fraction(lower + upper) / 2, upper - tiny, upper) if v in bounds]


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul])
def test_a_result_is_no_wider_than_the_values_make_it(operation):
    for x, y in itertools.product(SMALL, repeat=2):
        result = operation(x, y)
        values = [operation(a, b) for a, b in itertools.product(points(x), points(y))]
        for limit, extreme, closed in (
            (result.lower, min(values), result.lower_closed),
            (result.upper, max(values), result.upper_closed),
        ):
            if math.isinf(limit):
                assert abs(extreme) >= Fraction(999, 1000), (x, y, result)
            else:
                # An open limit is approached to a few thousandths times the largest value here; a closed one is met.
                assert extreme == limit if closed else 0 < abs(extreme - limit) <= 2, (x, y, result)


def test_a_product_with_zero_is_closed_where_a_zero_is_possible():
    open_at_zero = Bounds(0, 1, lower_closed=False)
    assert open_at_zero * Bounds(0, 1) == Bounds(0, 1)  # 0.5 x 0
    assert open_at_zero * open_at_zero == open_at_zero
    assert Bounds(0, 1) * Bounds.unknown() == Bounds.unknown()
    assert Bounds.exactly(0) * Bounds.unknown() == Bounds.exactly(0)


def test_open_ends_stay_open_through_sums_and_swap_in_negation():
    half_open = Bounds(1, 2, lower_closed=False)
    assert half_open + Bounds(1, 1) == Bounds(2, 3, lower_closed=False)
    assert -half_open == Bounds(-2, -1, upper_closed=False)
    assert 3 - half_open == Bounds(1, 2, upper_closed=False)
    assert half_open - half_open == Bounds(-1, 1, False, False)


def test_a_reciprocal_of_bounds_that_begin_at_an_open_zero_has_no_upper_limit():
    assert Bounds(0, 2, lower_closed=False).reciprocal() == Bounds.at_least(Fraction(1, 2))
    assert Bounds(-2, 0, upper_closed=False).reciprocal() == Bounds.at_most(Fraction(-1, 2))
    assert Bounds.at_least(2).reciprocal() == Bounds(0, Fraction(1, 2), lower_closed=False)


@pytest.mark.parametrize(
    "calculation",
    [
        lambda: Bounds.exactly(10**400) + 0.5,
        lambda: 0.5 - Bounds.exactly(Fraction(10**400)),
        lambda: Bounds.exactly(10**400) * 0.5,
        lambda: Bounds.exactly(1e308) + 1e308,
        lambda: Bounds.exactly(-1e308) * 10.0,
        lambda: 1 / Bounds.exactly(1e-320),
        lambda: Bounds(0.5, 10**400).width,
    ],
)
def test_a_result_that_no_float_holds_is_refused(calculation):
    with pytest.raises(CasebookError, match="too large"):
        calculation()


def test_a_limit_that_outgrows_floats_on_its_own_side_is_no_limit():
    assert Bounds(0, 1e308) + Bounds(0, 1e308) == Bounds.at_least(0)


@pytest.mark.parametrize("divisor", [Bounds(0, 1), Bounds(-1, 0), Bounds(-1, 1), Bounds.unknown(), 0])
def test_a_quantity_that_may_be_zero_divides_nothing(divisor):
    with pytest.raises(CasebookError, match="may be 0"):
        Bounds(1, 2) / divisor


def test_integers_are_divided_exactly():
    # In floats 49 x (1 / 49) is 0.9999999999999999.
    assert (Bounds.exactly(49) / 49).equals(1) is Answer.YES


def test_a_logarithm_of_a_possible_zero_has_no_lower_limit():
    assert Bounds.below(100, lower=0).log10() == Bounds(-INFINITY, 2, upper_closed=False)
    assert Bounds.at_least(1000).log10() == Bounds.at_least(3)


def test_fractions_that_no_float_holds_have_logarithms():
    assert Bounds(Fraction(1, 10**400), Fraction(10**400)).log10() == Bounds(-400, 400)


@pytest.mark.parametrize("bounds", [Bounds(-1, 1), Bounds.exactly(0), Bounds.unknown(), Bounds(-2, -1)])
def test_a_quantity_that_may_be_negative_or_is_zero_has_no_logarithm(bounds):
    with pytest.raises(CasebookError, match="no logarithm"):
        bounds.log10()


# -- comparing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_a_comparison_says_yes_or_no_just_where_all_values_agree(compare):
    # Limits are whole or missing, so halves (and values beyond them) decide as all real numbers would.
    for x, y in itertools.product(SMALL, repeat=2):
        values = {
            compare(a, b)
            for a, b in itertools.product((v for v in quarters if v in x), (v for v in quarters if v in y))
        }
        expected = {(True,): Answer.YES, (False,): Answer.NO}.get(tuple(values), Answer.CANNOT_TELL)
        assert compare(x, y) is expected, (x, y)


quarters = [Fraction(n, 4) for n in range(-9, 10)]
"""Two values strictly between any two whole limits, so that either of two equal open bounds can be the larger."""


def test_equality_of_quantities_is_told_from_equality_of_bounds():
    assert Bounds(1, 2) == Bounds(1, 2)
    assert Bounds(1, 2).equals(Bounds(1, 2)) is Answer.CANNOT_TELL
    assert Bounds.exactly(1).equals(1) is Answer.YES
    assert Bounds(1, 2).equals(3) is Answer.NO
    assert Bounds(1, 2, upper_closed=False).equals(2) is Answer.NO
    for x, y in itertools.product(SMALL, repeat=2):
        values = {
            a == b
            for a, b in itertools.product((v for v in quarters if v in x), (v for v in quarters if v in y))
        }
        expected = {(True,): Answer.YES, (False,): Answer.NO}.get(tuple(values), Answer.CANNOT_TELL)
        assert x.equals(y) is expected, (x, y)


def test_an_answer_that_cannot_tell_refuses_to_be_a_truth_value():
    assert bool(Answer.YES) is True
    assert bool(Answer.NO) is False
    with pytest.raises(CasebookError, match="cannot tell"):
        bool(Bounds(1, 3) < 2)
    assert (~Answer.YES, ~Answer.NO, ~Answer.CANNOT_TELL) == (Answer.NO, Answer.YES, Answer.CANNOT_TELL)
    assert [str(answer) for answer in Answer] == ["yes", "no", "cannot tell"]


# -- combining ----------------------------------------------------------------------------------------------


def test_meet_hull_and_within_agree_with_the_values_they_hold():
    for x, y in itertools.product(SMALL, repeat=2):
        meet, hull = x.meet(y), x.hull(y)
        for value in quarters:
            assert (value in x and value in y) == (meet is not None and value in meet), (x, y)
            if value in x or value in y:
                assert value in hull, (x, y)
        assert {hull.lower, hull.upper} <= {x.lower, x.upper, y.lower, y.upper}
        inside = all(value in y for value in [*quarters, 10**6, -(10**6)] if value in x)
        assert x.within(y) == inside, (x, y)


def test_a_number_is_combined_as_the_bounds_that_hold_it_alone():
    assert Bounds(1, 3).meet(2) == Bounds.exactly(2)
    assert Bounds(1, 3).meet(4) is None
    assert Bounds(1, 3).hull(5) == Bounds(1, 5)
    assert Bounds.exactly(5).within(5)
    assert not Bounds(1, 5).within(5)


# -- saying -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "unit", "digits", "said"),
    [
        (Bounds(15, 16), "days", None, "15 to 16 days"),
        (Bounds.exactly(28), "days", None, "28 days"),
        (Bounds.exactly(1), "days", None, "1 day"),
        (Bounds.exactly(-1), "days", None, "−1 day"),
        (Bounds.exactly(0), "days", None, "0 days"),
        (Bounds.exactly(21), "days", None, "21 days"),
        (Bounds.exactly(1), "process", None, "1 process"),
        (Bounds.exactly(Fraction(1, 2)), "days", None, "0.5 days"),
        (Bounds.exactly(Fraction(5, 1)), "days", None, "5 days"),
        (Bounds.exactly(Fraction(1, 128)), "", None, "0.0078125"),
        # A fraction without a short decimal is cut after six digits, outwards.
        (Bounds.exactly(Fraction(1, 3)), "", None, "0.333333 to 0.333334"),
        (Bounds(Fraction(-2, 3), 1), "", None, "−0.666667 to 1"),
        (Bounds.below(Fraction(1, 3)), "", None, "at most 0.333334"),
        (Bounds.at_least(Fraction(1, 3 * 10**7)), "", None, "at least 0.0000000333333"),
        (Bounds.at_least(Fraction(10**30, 3)), "", None, "at least " + "3" * 30),
        (Bounds.exactly(1e30), "", 1, "1" + "0" * 30 + ".0"),
        (Bounds.at_least(1), "days", None, "at least 1 day"),
        (Bounds.at_most(3), "days", None, "at most 3 days"),
        (Bounds.below(3), "days", None, "less than 3 days"),
        (Bounds(3, INFINITY, lower_closed=False), "days", None, "more than 3 days"),
        (Bounds(27, 29, upper_closed=False), "days", None, "27 to less than 29 days"),
        (Bounds.below(0.01, lower=0), "%", None, "< 0.01%"),
        (Bounds.below(1.0, lower=0), "%", None, "< 1%"),
        (Bounds.at_most(0.01), "%", None, "≤ 0.01%"),
        (Bounds(0.35, 0.45), "%", None, "0.35% to 0.45%"),
        (Bounds.exactly(0.4), "%", None, "0.4%"),
        (Bounds(0, 0.01, False, False), "%", None, "0% to < 0.01%"),
        (Bounds.unknown(), "days", None, "not known"),
        (Bounds.exactly(5.0), "", None, "5"),
        (Bounds.exactly(100), "", None, "100"),
        (Bounds.exactly(1e-7), "", None, "0.0000001"),
        (Bounds.exactly(1e22), "", None, "10000000000000000000000"),
        # log10(0.715) - log10(0.01) = 1.8543 is above 1.85, so "at least 1.85" holds; 1.86 would not.
        (Bounds(1.8543060418010806, INFINITY, lower_closed=False), "", 2, "at least 1.85"),
        (Bounds.at_most(1.851), "", 2, "at most 1.86"),
        (Bounds.exactly(1.854), "", 2, "1.85 to 1.86"),
        (Bounds.exactly(1.85), "", 2, "1.85"),
        (Bounds.exactly(0.285), "", 3, "0.285"),  # the float is 0.28499999999999998
        (Bounds(-0.001, 0.5), "", 2, "−0.01 to 0.50"),
        (Bounds(-3, -0.001), "", 2, "−3.00 to 0.00"),
    ],
)
def test_bounds_are_said_as_prose_says_them(bounds, unit, digits, said):
    assert bounds.text(unit, digits) == said


@given(bounds_with_value(), st.one_of(st.none(), st.integers(0, 3)))
def test_rounded_text_still_holds_every_value(pair, digits):
    bounds, value = pair
    said = bounds.text(digits=digits).replace("−", "-")
    numbers = [Fraction(number) for number in re.findall(r"-?\d+(?:\.\d+)?", said)]
    if said == "not known":
        assert bounds.is_unknown
    elif said.startswith("at least "):
        assert value >= numbers[0]
    elif said.startswith("more than "):
        assert value > numbers[0]
    elif said.startswith("at most "):
        assert value <= numbers[0]
    elif said.startswith("less than "):
        assert value < numbers[0]
    elif " to less than " in said:
        assert numbers[0] <= value < numbers[1]
    elif " to " in said:
        assert numbers[0] <= value <= numbers[1]
    else:
        assert [value] == numbers
    # Outwards, but by less than one in the last place: without digits the sixth, of numbers up to 110.
    step = Fraction(1, 1000) if digits is None else Fraction(1, 10**digits)
    assert all(min(abs(n - limit) for limit in (bounds.lower, bounds.upper)) < step for n in numbers)


def test_a_fraction_a_hair_above_a_decimal_is_not_rounded_inwards():
    # As a float 1/2 + 10**-30 is 0.5, and "at most 0.5" would be false.
    assert Bounds.at_most(Fraction(1, 2) + Fraction(1, 10**30)).text(digits=1) == "at most 0.6"


def test_mathematical_notation_shows_open_and_closed_ends():
    assert str(Bounds(1, 2, lower_closed=False)) == "(1, 2]"
    assert str(Bounds.at_least(1)) == "[1, inf)"


def test_bounds_on_a_day_are_said_as_iso_dates():
    first, last = dt.date(2022, 2, 28).toordinal(), dt.date(2022, 3, 1).toordinal()
    assert date_text(Bounds(first, last)) == "2022-02-28 to 2022-03-01"
    assert date_text(Bounds.exactly(last)) == "2022-03-01"
    assert date_text(Bounds.at_most(last)) == "on or before 2022-03-01"
    assert date_text(Bounds.at_least(first)) == "on or after 2022-02-28"
    assert date_text(Bounds.unknown()) == "not known"


@pytest.mark.parametrize("day", [0, -5, dt.date.max.toordinal() + 1, 10**30, 738000.5])
def test_a_day_that_the_calendar_does_not_have_is_refused(day):
    for bounds in (Bounds.exactly(day), Bounds.at_least(day), Bounds.at_most(day)):
        with pytest.raises(CasebookError, match="no date has the ordinal"):
            date_text(bounds)
