"""Counts that can stand behind printed percentages: what a rounded percentage says of the patients it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext

import pandas as pd

from casebook.errors import CasebookError

ROUNDINGS = {"half up": ROUND_HALF_UP, "half even": ROUND_HALF_EVEN}
"""How a percentage may have been rounded: a tie goes up, or to the even digit."""

DIGITS = 60  # of a quotient: far beyond what a percentage prints, so that a tie is a tie


def behind(printed: str, n: int) -> list[int]:
    """Every count x for which x of ``n`` rounds to the printed percentage.

    Parameters
    ----------
    printed
        A percentage as text, such as ``"24.1"``: its number of decimals is part of what it says.
    n
        Patients, 1 or more.

    Returns
    -------
    Counts from 0 to ``n``, ascending; a tie may have been rounded up or to the even digit (:data:`ROUNDINGS`). Empty if
    no count gives the percentage.

    Raises
    ------
    CasebookError
        ``printed`` is no percentage from 0 to 100, or ``n`` is no whole number of 1 or more.
    """
    value = percentage(printed)
    if isinstance(n, bool) or n != int(n) or n < 1:
        raise CasebookError(f"n: found {n!r}, expected a whole number of 1 or more")
    # Nothing further than one unit of the last digit can round to it.
    middle, reach = float(value) * n / 100, float(Decimal(1).scaleb(value.as_tuple().exponent)) * n / 100
    nearby = range(max(0, int(middle - reach) - 1), min(int(n), int(middle + reach) + 2) + 1)
    return [x for x in nearby if value in {rounded(x, n, printed, way) for way in ROUNDINGS.values()}]


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
    """
    rows = ((n, [behind(text, n) for text in printed]) for n in denominators)
    fits = [(n, *counts) for n, counts in rows if all(counts)]
    return pd.DataFrame(fits, columns=["n", *range(len(printed))])


def contradiction(printed: str, n: int, count: int | None = None) -> str:
    """How a printed percentage came from ``count`` of ``n`` if not by rounding, or nothing if rounding gives it.

    Without a count: whether any count of ``n`` gives the percentage.

    Returns
    -------
    ``""`` where rounding gives what is printed; otherwise ``"rounded twice"`` (first to one digit more, then again),
    ``"cut off"`` (the further digits dropped), or ``"no rounding gives it"``. Without a count the first of these that
    some count explains.
    """
    if (count in behind(printed, n)) if count is not None else behind(printed, n):
        return ""
    tried = [count] if count is not None else range(n + 1)
    value = percentage(printed)
    finer = printed + "0" if "." in printed else printed + ".0"
    if any(
        rounded_decimal(rounded(x, n, finer, ROUND_HALF_UP), printed, ROUND_HALF_UP) == value for x in tried
    ):
        return "rounded twice"
    if any(rounded(x, n, printed, ROUND_DOWN) == value for x in tried):
        return "cut off"
    return "no rounding gives it"


def percentage(printed: str) -> Decimal:
    """A printed percentage as an exact number, from 0 to 100, with its decimals."""
    try:
        value = Decimal(printed)
    except (InvalidOperation, TypeError, ValueError):
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= 100:
        raise CasebookError(f"printed: found {printed!r}, expected a percentage from 0 to 100 such as '24.1'")
    return value


def rounded(count: int, n: int, like: str, rounding: str) -> Decimal:
    """The percentage ``count`` of ``n`` with as many decimals as the text ``like``, by a rounding of :mod:`decimal`."""
    with localcontext(prec=DIGITS):
        return rounded_decimal(Decimal(100 * count) / Decimal(n), like, rounding)


def rounded_decimal(value: Decimal, like: str, rounding: str) -> Decimal:
    """An exact number with as many decimals as the text ``like``."""
    with localcontext(prec=DIGITS):
        return value.quantize(Decimal(1).scaleb(Decimal(like).as_tuple().exponent), rounding=rounding)
