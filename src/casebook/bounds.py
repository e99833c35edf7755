"""Bounds: a quantity of which only limits are known.

A report prints ``< 0.01%``, "about 1 month", or nothing at all. ``Bounds`` keeps what such a statement leaves
open through every calculation, by interval arithmetic (Moore, Interval Analysis, 1966): the result of an
operation holds every value that the operation can give for values within the operands. This is exact for integers
and fractions; floats round, so that a limit may be off in its last digit.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Rational, Real

from casebook.errors import CasebookError

INFINITY = math.inf


class Answer(enum.Enum):
    """The answer to a comparison of bounds. ``CANNOT_TELL`` refuses to be used as true or false."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"

    def __bool__(self) -> bool:
        if self is Answer.CANNOT_TELL:
            raise CasebookError("the bounds cannot tell: compare with Answer.YES or Answer.NO instead")
        return self is Answer.YES

    def __invert__(self) -> Answer:
        return {Answer.YES: Answer.NO, Answer.NO: Answer.YES}.get(self, self)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Bounds:
    """All that is known of a number: it lies between ``lower`` and ``upper``.

    Parameters
    ----------
    lower, upper : int, float or Fraction
        The limits, in whatever unit the quantity has; ``-inf`` and ``inf`` where there is none.
        Integers and fractions are kept exact; floats round as floats do.
    lower_closed, upper_closed : bool
        Whether the limit itself is possible. An infinite limit is never closed.

    Raises
    ------
    CasebookError
        If a limit is not a number, the limits are reversed, or nothing lies between them.

    Notes
    -----
    ``==`` asks whether two bounds are the same bounds; ``<``, ``<=``, ``>``, ``>=`` and :meth:`equals` ask about
    the quantities and give an :class:`Answer`. Operands are taken to vary independently, so ``x - x`` is not 0.
    """

    lower: float = -INFINITY
    upper: float = INFINITY
    lower_closed: bool = True
    upper_closed: bool = True

    def __post_init__(self) -> None:
        for limit in (self.lower, self.upper):
            if not isinstance(limit, Real) or isinstance(limit, bool) or limit != limit:
                raise CasebookError(f"a limit must be a number, found {limit!r}")
        if self.lower == INFINITY or self.upper == -INFINITY:
            raise CasebookError(f"no number lies between {self.lower} and {self.upper}")
        if self.lower > self.upper:
            raise CasebookError(f"reversed bounds: lower {self.lower} is above upper {self.upper}")
        # Frozen, so set through object: an infinite limit is normalised to open, which keeps == meaningful.
        if self.lower == -INFINITY:
            object.__setattr__(self, "lower_closed", False)
        if self.upper == INFINITY:
            object.__setattr__(self, "upper_closed", False)
        if self.lower == self.upper and not (self.lower_closed and self.upper_closed):
            raise CasebookError(f"no number lies between {self.lower} and {self.upper} with an open end")

    # -- making -------------------------------------------------------------------------------------------

    @classmethod
    def exactly(cls, value: float) -> Bounds:
        """A value that is known."""
        return cls(value, value)

    @classmethod
    def at_least(cls, value: float) -> Bounds:
        """``value`` or more."""
        return cls(value, INFINITY)

    @classmethod
    def at_most(cls, value: float) -> Bounds:
        """``value`` or less."""
        return cls(-INFINITY, value)

    @classmethod
    def below(cls, value: float, lower: float = -INFINITY) -> Bounds:
        """Less than ``value``, and not less than ``lower``."""
        return cls(lower, value, upper_closed=False)

    @classmethod
    def unknown(cls) -> Bounds:
        """Nothing is known."""
        return cls()

    # -- asking -------------------------------------------------------------------------------------------

    @property
    def is_exact(self) -> bool:
        """Whether a single value is left."""
        return self.lower == self.upper

    @property
    def is_bounded(self) -> bool:
        """Whether both limits are finite."""
        return self.lower != -INFINITY and self.upper != INFINITY

    @property
    def is_unknown(self) -> bool:
        """Whether neither limit is finite."""
        return self.lower == -INFINITY and self.upper == INFINITY

    @property
    def width(self) -> float:
        """Distance of the limits, in the quantity's unit; infinite if either is missing."""
        return _calculated(operator.sub, self.upper, self.lower) if self.is_bounded else INFINITY

    def __contains__(self, value: float) -> bool:
        above = self.lower < value or (self.lower_closed and self.lower == value)
        return above and (value < self.upper or (self.upper_closed and value == self.upper))

    def within(self, other: Bounds | float) -> bool:
        """Whether every value of these bounds is one of ``other``."""
        other = _bounds(other)
        lower = self.lower > other.lower or (
            self.lower == other.lower and other.lower_closed >= self.lower_closed
        )
        upper = self.upper < other.upper or (
            self.upper == other.upper and other.upper_closed >= self.upper_closed
        )
        return lower and upper

    # -- comparing: yes, no, or cannot tell ---------------------------------------------------------------

    def __lt__(self, other: Bounds | float) -> Answer:
        other = _bounds(other)
        if self.upper < other.lower or (
            self.upper == other.lower and not (self.upper_closed and other.lower_closed)
        ):
            return Answer.YES
        if self.lower >= other.upper:
            return Answer.NO
        return Answer.CANNOT_TELL

    def __gt__(self, other: Bounds | float) -> Answer:
        return _bounds(other) < self

    def __le__(self, other: Bounds | float) -> Answer:
        return ~(self > other)

    def __ge__(self, other: Bounds | float) -> Answer:
        return ~(self < other)

    def equals(self, other: Bounds | float) -> Answer:
        """Whether the two quantities are the same number."""
        other = _bounds(other)
        if self.is_exact and other.is_exact and self.lower == other.lower:
            return Answer.YES
        return Answer.CANNOT_TELL if self.meet(other) is not None else Answer.NO

    # -- combining ----------------------------------------------------------------------------------------

    def meet(self, other: Bounds | float) -> Bounds | None:
        """What both allow, or None if nothing does."""
        other = _bounds(other)
        lower, lower_open = max((self.lower, not self.lower_closed), (other.lower, not other.lower_closed))
        upper, upper_closed = min((self.upper, self.upper_closed), (other.upper, other.upper_closed))
        if lower > upper or (lower == upper and (lower_open or not upper_closed)):
            return None
        return Bounds(lower, upper, not lower_open, upper_closed)

    def hull(self, other: Bounds | float) -> Bounds:
        """The narrowest bounds that hold both."""
        other = _bounds(other)
        lower, lower_open = min((self.lower, not self.lower_closed), (other.lower, not other.lower_closed))
        upper, upper_closed = max((self.upper, self.upper_closed), (other.upper, other.upper_closed))
        return Bounds(lower, upper, not lower_open, upper_closed)

    def __neg__(self) -> Bounds:
        return Bounds(-self.upper, -self.lower, self.upper_closed, self.lower_closed)

    def __add__(self, other: Bounds | float) -> Bounds:
        other = _bounds(other)
        return _rounded(
            _calculated(operator.add, self.lower, other.lower),
            _calculated(operator.add, self.upper, other.upper),
            self.lower_closed and other.lower_closed,
            self.upper_closed and other.upper_closed,
        )

    __radd__ = __add__

    def __sub__(self, other: Bounds | float) -> Bounds:
        return self + (-_bounds(other))

    def __rsub__(self, other: float) -> Bounds:
        return _bounds(other) + (-self)

    def __mul__(self, other: Bounds | float) -> Bounds:
        other = _bounds(other)
        products = [
            _times(left, right)
            for left in ((self.lower, self.lower_closed), (self.upper, self.upper_closed))
            for right in ((other.lower, other.lower_closed), (other.upper, other.upper_closed))
        ]
        return _span(products)

    __rmul__ = __mul__

    def __truediv__(self, other: Bounds | float) -> Bounds:
        return self * _bounds(other).reciprocal()

    def __rtruediv__(self, other: float) -> Bounds:
        return _bounds(other) * self.reciprocal()

    def reciprocal(self) -> Bounds:
        """1 / x. The quantity must not be 0, though 0 may be its limit: 1 / (0, 2] is at least 0.5."""
        if self.lower < 0 < self.upper or 0 in self:
            raise CasebookError(f"cannot divide by a quantity that may be 0: {self}")

        def turn(limit: float, closed: bool, sign: int) -> tuple[float, bool]:
            if limit == 0:
                return sign * INFINITY, False
            if limit in (INFINITY, -INFINITY):
                return 0, False
            one = Fraction(1) if isinstance(limit, Rational) else 1.0
            return _calculated(operator.truediv, one, limit), closed

        sign = 1 if self.lower >= 0 else -1
        lower, lower_closed = turn(self.upper, self.upper_closed, sign)
        upper, upper_closed = turn(self.lower, self.lower_closed, sign)
        return _rounded(lower, upper, lower_closed, upper_closed)

    def log10(self) -> Bounds:
        """Decimal logarithm; the quantity must not be negative. A possible 0 has no lower limit."""
        if self.lower < 0 or self.upper == 0:
            raise CasebookError(f"no logarithm of a quantity that may be negative, or is 0: {self}")
        lower = -INFINITY if self.lower == 0 else _log10(self.lower)
        upper = INFINITY if self.upper == INFINITY else _log10(self.upper)
        return _rounded(lower, upper, self.lower_closed, self.upper_closed)

    # -- saying -------------------------------------------------------------------------------------------

    def text(self, unit: str = "", digits: int | None = None) -> str:
        """The bounds in words, as prose prints them.

        ``unit`` follows the number: a word (``"days"``, put in the singular after 1) or a sign (``"%"``, set
        close). ``digits`` (after the point) rounds *outwards*, lower limits down and upper limits up, so that what
        is printed still holds; without it only a fraction that has no short decimal is rounded so. Percentages
        below a limit read ``< 0.01%``.
        """
        sign = unit if unit and not unit[0].isalpha() else ""
        word = unit if unit and not sign else ""
        if self.is_unknown:
            return "not known"

        lower, lower_moved = _decimal(self.lower, digits, math.floor)
        upper, upper_moved = _decimal(self.upper, digits, math.ceil)

        def with_unit(number: str) -> str:
            if sign:
                return number + sign
            if word:
                plural = word.endswith("s") and not word.endswith("ss")
                return f"{number} {word[:-1] if number in ('1', '−1') and plural else word}"
            return number

        if self.is_exact and not lower_moved:
            return with_unit(lower)
        if self.upper == INFINITY:
            strict = not self.lower_closed and not lower_moved
            return ("more than " if strict else "at least ") + with_unit(lower)
        upper_strict = not self.upper_closed and not upper_moved
        if self.lower == -INFINITY or (self.lower == 0 and self.lower_closed and upper_strict):
            if sign:
                return ("< " if upper_strict else "≤ ") + with_unit(upper)
            return ("less than " if upper_strict else "at most ") + with_unit(upper)
        if lower == upper:
            return with_unit(lower)
        less = ("< " if sign else "less than ") if upper_strict else ""
        return f"{lower}{sign} to {less}{with_unit(upper)}"

    def __str__(self) -> str:
        left = "[" if self.lower_closed else "("
        right = "]" if self.upper_closed else ")"
        return f"{left}{self.lower}, {self.upper}{right}"


def date_text(day: Bounds) -> str:
    """Bounds on a calendar day (proleptic ordinals, as ``datetime.date.toordinal``) in words, ISO dates.

    Raises CasebookError for an ordinal that is not whole or lies outside the years 1 to 9999.
    """
    if day.is_unknown:
        return "not known"
    if day.lower == -INFINITY:
        return f"on or before {_date(day.upper)}"
    if day.upper == INFINITY:
        return f"on or after {_date(day.lower)}"
    if day.is_exact:
        return _date(day.lower)
    return f"{_date(day.lower)} to {_date(day.upper)}"


def _date(ordinal: float) -> str:
    if not 1 <= ordinal <= dt.date.max.toordinal() or ordinal != int(ordinal):
        raise CasebookError(
            f"no date has the ordinal {ordinal}; expected a whole one, in the years 1 to 9999"
        )
    return dt.date.fromordinal(int(ordinal)).isoformat()


def _bounds(value: Bounds | float) -> Bounds:
    return value if isinstance(value, Bounds) else Bounds(value, value)


def _times(left: tuple[float, bool], right: tuple[float, bool]) -> tuple[float, bool]:
    (a, a_closed), (b, b_closed) = left, right
    # 0 times an infinite limit is 0: the infinite limit itself is never reached. A closed 0 gives a closed 0.
    if a == 0 or b == 0:
        return 0, (a == 0 and a_closed) or (b == 0 and b_closed)
    return _calculated(operator.mul, a, b), a_closed and b_closed


def _calculated(operation: Callable, a: float, b: float) -> float:
    try:
        return operation(a, b)
    except OverflowError:  # an exact number meets a float that cannot hold it
        raise CasebookError("the limits are too large to be calculated with as floats") from None


def _log10(limit: float) -> float:
    try:
        return math.log10(limit)
    except (OverflowError, ValueError):  # a fraction too large for a float, or as a float 0
        return math.log10(limit.numerator) - math.log10(limit.denominator)


def _span(products: list[tuple[float, bool]]) -> Bounds:
    lower, lower_open = min((value, not closed) for value, closed in products)
    upper, upper_closed = max(products)
    return _rounded(lower, upper, not lower_open, upper_closed)


def _rounded(lower: float, upper: float, lower_closed: bool, upper_closed: bool) -> Bounds:
    """Bounds from a calculation, in which floats may have rounded two open ends onto one number."""
    if lower == INFINITY or upper == -INFINITY:
        raise CasebookError("the result is too large for a float")
    if lower == upper:
        return Bounds(lower, upper)
    return Bounds(lower, upper, lower_closed, upper_closed)


def _decimal(value: float, digits: int | None, rounding: Callable) -> tuple[str, bool]:
    """``value`` as text, and whether rounding (``math.floor`` or ``math.ceil``) moved it."""
    if value in (INFINITY, -INFINITY):
        return str(value), False
    # repr of a float is the shortest decimal that stands for it, so .285 rounds as it reads.
    number = Fraction(value) if isinstance(value, Rational) else Fraction(repr(float(value)))
    places = _places(value, number) if digits is None else digits
    exact = number * 10**places
    shown = rounding(exact)
    text = str(abs(shown)).rjust(places + 1, "0")
    if places:
        text = f"{text[:-places]}.{text[-places:]}"
        if digits is None:
            text = text.rstrip("0").rstrip(".")
    # No sign for 0: -0.001 rounded up is 0.00.
    return ("−" if shown < 0 else "") + text, shown != exact


SHORT_PLACES, SIGNIFICANT = 12, 6
"""A fraction is written out if its decimal has no more places; else it is cut after so many significant digits."""


def _places(value: float, number: Fraction) -> int:
    if not isinstance(value, Rational):
        return max(0, -Decimal(repr(float(value))).as_tuple().exponent)
    if 10**SHORT_PLACES % number.denominator == 0:
        return SHORT_PLACES
    return max(0, SIGNIFICANT - 1 - (Decimal(number.numerator) / Decimal(number.denominator)).adjusted())
