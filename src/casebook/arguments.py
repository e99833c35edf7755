"""Arguments: whether what a function was given can be what it stands for."""

from __future__ import annotations

from numbers import Integral

from casebook.errors import CasebookError

LONGEST = 20
"""Digits of a number that is written out in a message; Python refuses to write out those of thousands."""

WIDEST = 80
"""Characters of anything else that is."""


def whole(value: object, what: str, *, least: int = 0, most: int | None = None) -> int:
    """``value`` as a Python integer; ``what`` names it in the error. Integers of NumPy are whole numbers, True is none.

    Raises
    ------
    CasebookError
        Unless it is a whole number from ``least`` to ``most``, or of ``least`` or more.
    """
    fits = isinstance(value, Integral) and not isinstance(value, bool) and value >= least
    if not fits or (most is not None and value > most):
        expected = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise CasebookError(f"{what}: found {shown(value)}, expected a whole number {expected}")
    return int(value)


def shown(value: object) -> str:
    """What was given, as a message shows it: on one line, and never longer than a reader takes in."""
    if isinstance(value, Integral) and abs(int(value)) >= 10**LONGEST:
        return f"a number of more than {LONGEST} digits"
    if isinstance(value, Integral) and not isinstance(value, bool):
        value = int(value)  # NumPy would write its type, too
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # as a list of numbers of thousands of digits
        text = f"something of type {type(value).__name__}"
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."
