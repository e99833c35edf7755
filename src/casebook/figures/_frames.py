"""Checks of the data frames that figures are drawn from. Every problem is reported at once, with its row and column."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from numbers import Real

import numpy as np
import pandas as pd

from casebook.errors import CasebookError

NAMES = ("curve", "label", "line", "method", "state", "strategy")
"""Columns that say what a row is of, or what to write beside it: where they are required, no row is without."""


def require(
    frame: pd.DataFrame, name: str, columns: Collection[str], defaults: dict | None = None
) -> pd.DataFrame:
    """A copy of the frame that has these columns, with all names, and the optional ones filled in with their defaults."""
    if not isinstance(frame, pd.DataFrame):
        raise CasebookError(f"{name}: expected a data frame, found {type(frame).__name__}")
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise CasebookError(
            f"{name}: missing column {', '.join(map(repr, missing))}; found {', '.join(map(repr, map(str, frame.columns)))}"
        )
    # A row is named by its index label, so that has to name one row only.
    frame = frame.copy() if frame.index.is_unique else frame.reset_index(drop=True)
    fail(
        name,
        [
            f"row {row!r}, column {column!r}: found none, expected a name"
            for column in columns
            if column in NAMES
            for row in frame.index[frame[column].isna()]
        ],
    )
    for column, value in (defaults or {}).items():
        if column not in frame.columns:
            frame[column] = value
        elif not pd.api.types.is_datetime64_any_dtype(frame[column]):
            frame[column] = frame[column].astype(object).where(frame[column].notna(), value).infer_objects()
    return frame


def _shown(value: object) -> str:
    """The value as a reader would write it, not as numpy does."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def fail(name: str, problems: list[str]) -> None:
    """Raise one error that lists these problems, if there are any."""
    if problems:
        raise CasebookError(
            "\n  ".join([f"{name}:", *problems]) if len(problems) > 1 else f"{name}: {problems[0]}"
        )


def cut(until: float | None) -> None:
    """The time at which to cut an axis is one, if it is given."""
    if until is not None and (not _is_number(until) or until <= 0):
        raise CasebookError(f"until: found {until!r}, expected a time above 0")


def log_axis(xlim: Sequence[float]) -> None:
    """The ends of a logarithmic axis."""
    if (
        not isinstance(xlim, Sequence)
        or len(xlim) != 2
        or not all(map(_is_number, xlim))
        or not 0 < xlim[0] < xlim[1]
    ):
        raise CasebookError(f"xlim: found {xlim!r}, expected two numbers above 0, the lower first")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and bool(np.isfinite(value))


def probabilities(frame: pd.DataFrame, name: str, *columns: str, rounding: float = 0.0) -> None:
    """The numbers of these columns are probabilities, but for rounding."""
    fail(
        name,
        [
            f"row {row!r}, column {column!r}: found {value:g}, expected a probability from 0 to 1"
            for column in columns
            for row, value in frame[column].items()
            if not -rounding <= value <= 1 + rounding
        ],
    )


def members(frame: pd.DataFrame, name: str, column: str, allowed: Collection) -> None:
    """Every value of the column is one of those allowed."""
    allowed = list(allowed)
    fail(
        name,
        [
            f"row {row!r}, column {column!r}: found {_shown(value)}, expected one of {', '.join(map(repr, allowed))}"
            for row, value in frame[column].items()
            if value not in allowed
        ],
    )


def unique(frame: pd.DataFrame, name: str, column: str) -> None:
    """No value of the column stands twice."""
    twice = frame[column].duplicated()
    fail(
        name,
        [
            f"row {row!r}, column {column!r}: {value!r} stands twice"
            for row, value in frame.loc[twice, column].items()
        ],
    )


def bounds(frame: pd.DataFrame, name: str, *pairs: tuple[str, str], finite: bool = False) -> pd.DataFrame:
    """The frame with these pairs of columns as floats, lower not above upper; a bound may be infinite unless ``finite``."""
    problems = []
    for column in [column for pair in pairs for column in pair]:
        numbers = pd.to_numeric(frame[column], errors="coerce").astype(float)
        bad = numbers.isna() | (np.isinf(numbers) if finite else False)
        expected = "a finite number" if finite else "a number (-inf or inf where there is no bound)"
        problems += [
            f"row {r!r}, column {column!r}: found {_shown(frame.at[r, column])}, expected {expected}"
            for r in frame.index[bad]
        ]
        frame[column] = numbers
    for lower, upper in pairs:
        reversed_ = (frame[lower] > frame[upper]) | (frame[lower] == np.inf) | (frame[upper] == -np.inf)
        problems += [
            f"row {r!r}, columns {lower!r} and {upper!r}: {frame.at[r, lower]:g} to {frame.at[r, upper]:g} is no interval"
            for r in frame.index[reversed_]
        ]
    fail(name, problems)
    return frame


def dates(frame: pd.DataFrame, name: str, lower: str, upper: str) -> pd.DataFrame:
    """The frame with these two columns as days, NaT where there is no bound, lower not after upper."""
    problems = []
    for column in (lower, upper):
        days = pd.to_datetime(frame[column], errors="coerce", format="ISO8601")
        bad = days.isna() & frame[column].notna()
        problems += [
            f"row {r!r}, column {column!r}: found {_shown(frame.at[r, column])}, expected a date"
            for r in frame.index[bad]
        ]
        frame[column] = days
    late = frame[lower] > frame[upper]
    problems += [
        f"row {r!r}, columns {lower!r} and {upper!r}: {frame.at[r, lower].date()} to {frame.at[r, upper].date()} is no interval"
        for r in frame.index[late]
    ]
    fail(name, problems)
    return frame
