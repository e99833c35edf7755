"""Counts that can stand behind printed percentages: what a rounded percentage says of the patients it was made from.

All is exact: percentages are fractions, and a tie is a tie.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

import pandas as pd

from casebook.errors import CasebookError
from casebook.trials.rates import checked_count


def behind(printed: str, n: int) -> list[int]:
    """Every count x for which x of ``n`` rounds to the printed percentage.

    Parameters
    ----------
    printed
        A percentage as text, such as ``"24.1"``: its number of decimals is part of what it says. At most 20.
    n
        Patients, 1 or more.

    Returns
    -------
    Counts from 0 to ``n``, ascending; a tie may have been rounded up or to the even digit. Empty if no count gives the
    percentage.

    Raises
    ------
    CasebookError
        ``printed`` is no percentage from 0 to 100, or ``n`` is no whole number of 1 or more.
    """
    value, unit = _percentage(printed)
    _, n = checked_count(0, n)
    return list(_rounding(value, unit, n))


def common(printed: Sequence[str], denominators: Iterable[int]) -> pd.DataFrame:
    """Every common denominator that can stand behind several percentages, and the counts that it gives them.

    Parameters
    ----------
    printed
        Percentages as text, all of the same patients.
    denominators
        Numbers of patients to try, each 1 or more.

    Returns
    -------
    One row for each denominator that fits: ``n``, and for each percentage, in a column named by its position from 0,
    the list of counts that give it.

    Raises
    ------
    CasebookError
        As :func:`behind`.
    """
    rows = ((n, [behind(text, n) for text in printed]) for n in denominators)
    fits = [(n, *counts) for n, counts in rows if all(counts)]
    return pd.DataFrame(fits, columns=["n", *range(len(printed))])


def contradiction(printed: str, n: int, count: int | None = None) -> str:
    """How a printed percentage came from ``count`` of ``n`` if not by rounding, or nothing if rounding gives it.

    Without a count: whether any count of ``n`` gives the percentage.

    Returns
    -------
    ``""`` where rounding gives what is printed; otherwise ``"rounded twice"`` (first to one digit more, then again, ties
    up), ``"cut off"`` (the further digits dropped), or ``"no rounding gives it"``. Without a count the first of these that
    some count explains.

    Raises
    ------
    CasebookError
        As :func:`behind`, or ``count`` is no whole number from 0 to ``n``.
    """
    value, unit = _percentage(printed)
    x, n = checked_count(0 if count is None else count, n)
    explained = {
        "": _rounding(value, unit, n),
        # To a tenth of the unit first: what is 0.45 of it above rounds to 0.5, and goes on to the next.
        "rounded twice": _within(value - unit * Fraction(55, 100), value + unit * Fraction(45, 100), n),
        "cut off": _within(value, value + unit, n),
    }
    for how, counts in explained.items():
        if counts if count is None else x in counts:
            return how
    return "no rounding gives it"


def _percentage(printed: str) -> tuple[Fraction, Fraction]:
    """A printed percentage, and the unit of its last digit."""
    if (
        not isinstance(printed, str)
        or not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,20})?", printed)
        or Fraction(printed) > 100
    ):
        raise CasebookError(f"printed: found {printed!r}, expected a percentage from 0 to 100 such as '24.1'")
    return Fraction(printed), Fraction(1, 10 ** len(printed.partition(".")[2]))


def _rounding(value: Fraction, unit: Fraction, n: int) -> range:
    """The counts whose percentage rounds to ``value``. Ties go up, or to the even digit: then from above too."""
    even = value / unit % 2 == 0
    return _within(value - unit / 2, value + unit / 2, n, closed=even)


def _within(lower: Fraction, upper: Fraction, n: int, *, closed: bool = False) -> range:
    """The counts from 0 to ``n`` that are from ``lower`` to ``upper`` percent of it; at ``upper`` only if ``closed``."""
    first, beyond = math.ceil(lower * n / 100), math.ceil(upper * n / 100)
    if closed and beyond == upper * n / 100:
        beyond += 1
    return range(max(0, first), min(n + 1, beyond))
