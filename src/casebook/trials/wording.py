"""Wording: rates, limits and p values as texts, rounded to nearest with a half going up.

What is not certain is not written as certain: a rate above 0 is never 0%, and one below 1 never 100%.
"""

from __future__ import annotations

import math

from casebook.errors import CasebookError
from casebook.trials.rates import Interval

TIE = 1e-9
"""How far below a half a float may be that stands for a half: 0.825 is a little less than 82.5%."""


def percent(rate: float, digits: int = 1) -> str:
    """A fraction of 1 as a percentage: ``24.1%``, ``< 0.1%``, ``> 99.9%``."""
    value = _rounded(100 * _checked(rate), digits)
    if value <= 0 < rate:
        return f"< {10**-digits:.{digits}f}%"
    if value >= 100 > 100 * rate:
        return f"> {100 - 10**-digits:.{digits}f}%"
    return f"{value:g}%" if value in (0, 100) else f"{value:.{digits}f}%"


def whole(rate: float) -> str:
    """A fraction of 1 in whole percent, without the sign: ``83``, ``<1``, ``>99``."""
    return percent(rate, 0).removesuffix("%").replace(" ", "")


def span(limits: Interval, digits: int = 1) -> str:
    """Limits of a rate: ``0% to 70.8%``."""
    return f"{percent(limits.lower, digits)} to {percent(limits.upper, digits)}"


def limits(found: Interval) -> str:
    """Limits of a rate in whole percent, for a narrow column: ``(77–99)``."""
    return f"({whole(found.lower)}–{whole(found.upper)})"


def points(lower: float, upper: float) -> str:
    """Limits of a difference of rates in whole percentage points, signed: ``−37 to +34``."""
    return f"{_point(lower)} to {_point(upper)}"


def p_value(p: float) -> str:
    """A p value with as many digits as it can bear: ``1``, ``0.26``, ``0.089``, ``< 0.001``."""
    if _checked(p) < 0.001:
        return "< 0.001"
    if p >= 0.995:
        return "1" if p >= 1 - TIE else "> 0.99"
    return f"{_rounded(p, 2 if p >= 0.095 else 3):.{2 if p >= 0.095 else 3}f}"


def _point(difference: float) -> str:
    value = int(_rounded(abs(100 * difference), 0))
    if value >= 100 > abs(100 * difference):
        value = 99
    return "0" if value == 0 else f"{'−' if difference < 0 else '+'}{value}"


def _rounded(value: float, digits: int) -> float:
    return math.floor(value * 10**digits + 0.5 + TIE) / 10**digits


def _checked(value: float) -> float:
    if not 0 <= value <= 1:
        raise CasebookError(f"found {value!r}, expected a number from 0 to 1")
    return value
