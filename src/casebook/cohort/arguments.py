"""Arguments: whether a number, a name or a column that was given can be what it stands for.

True and false are no numbers here, and infinity is no time, unless it says that there is no end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, isfinite
from numbers import Real
from typing import TypeGuard

import numpy as np
import pandas as pd
from scipy.special import ndtri

from casebook.errors import CasebookError

# -- numbers ------------------------------------------------------------------------------------------------------


def is_number(value: object) -> TypeGuard[float]:
    """Whether this is one finite number."""
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:  # of a whole number that no float can hold
        return False


def deviations(confidence: float) -> float:
    """How many standard errors the limits of this confidence are away; CasebookError if it is not between 0 and 1."""
    if not is_number(confidence) or not 0 < confidence < 1:
        raise CasebookError(
            f"found the confidence {confidence!r}; expected a number between 0 and 1, as 0.95"
        )
    return float(ndtri((1 + confidence) / 2))


def time(name: str, value: float, *, after: float | None = None, endless: bool = False) -> float:
    """One time of 0 or more, or later than ``after``; infinity only if ``endless``. CasebookError if it is none."""
    given = is_number(value) or (endless and isinstance(value, Real) and value == inf)
    if not given or value < 0 or (after is not None and value <= after):
        expected = "of 0 or more" if after is None else f"after {after:g}"
        raise CasebookError(f"found {name}={value!r}; expected a time {expected}")
    return float(value)


# -- names and columns --------------------------------------------------------------------------------------------


def names(given: str | Sequence[str] | None, fewest: int = 1) -> list[str]:
    """Names of columns, each once; one name is a list of it, None one of nothing. CasebookError if they are none."""
    listed = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(listed, Iterable):
        raise CasebookError(f"found {given!r} as names of columns; expected a sequence of them")
    listed = list(listed)
    if not all(isinstance(name, str) for name in listed):
        raise CasebookError(f"found the columns {listed}; expected names, as text")
    if len(listed) < fewest or len(set(listed)) < len(listed):
        raise CasebookError(f"found the columns {listed}; expected {fewest} or more, each once")
    return listed


def columns(frame: pd.DataFrame, wanted: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    """These columns of a frame, those of ``numbers`` as floats, with rows counted from 0.

    Raises
    ------
    CasebookError
        If it is no frame of two rows or more, a column is missing, stands twice or has two roles, or a value is missing, or
        no finite number where one is due.
    """
    wanted = list(wanted)
    if not isinstance(frame, pd.DataFrame):
        raise CasebookError(f"found data of type {type(frame).__name__}; expected a DataFrame")
    if not all(isinstance(column, str) for column in wanted):
        raise CasebookError(f"found the columns {wanted}; expected names, as text")
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise CasebookError(f"found no column {', '.join(map(repr, missing))}; expected it in the frame")
    twice = frame.columns[frame.columns.duplicated()].intersection(wanted)
    if len(twice):
        raise CasebookError(f"found the column {twice[0]!r} more than once; expected it once")
    if len(set(wanted)) < len(wanted):
        raise CasebookError(f"found the columns {wanted}; expected each in one role")
    if len(frame) < 2:
        raise CasebookError(f"found a frame of {len(frame)} rows; expected two or more")
    data = frame[wanted].reset_index(drop=True)
    for column in wanted:
        if data[column].isna().any():
            raise CasebookError(
                f"found {data[column].isna().sum()} missing values of {column!r}; expected none: leave out the rows, and say so"
            )
        if column not in numbers:
            continue
        if not (pd.api.types.is_numeric_dtype(data[column]) or pd.api.types.is_bool_dtype(data[column])):
            raise CasebookError(f"found {column!r} of type {data[column].dtype}; expected numbers")
        data[column] = data[column].astype(float)
        if not np.isfinite(data[column]).all():
            raise CasebookError(f"found infinite values of {column!r}; expected numbers")
    return data
