"""The dates of patients: taken from a table of them, checked, and named in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import suppress

import numpy as np
import pandas as pd

from casebook.errors import CasebookError


def by_id(patients: pd.DataFrame) -> pd.DataFrame:
    """The patients indexed by id, as text tables (a column) and as a record (the index) hold them.

    Raises CasebookError if this is no table, or an id stands in it twice.
    """
    if not isinstance(patients, pd.DataFrame):
        raise CasebookError(f"found patients of type {type(patients).__name__}; expected a DataFrame")
    indexed = patients.set_index("id") if "id" in patients.columns else patients
    twice = indexed.index[indexed.index.duplicated()].unique()
    if len(twice):
        raise CasebookError(
            f"found more than one row of {', '.join(map(str, twice[:5]))}; expected each patient once"
        )
    return indexed


def dated(patients: pd.DataFrame, columns: Iterable[str], purpose: str) -> pd.DataFrame:
    """These columns of dates, by id; CasebookError, beginning with ``purpose``, if one is missing or holds no plain dates."""
    found = by_id(patients)
    needed = list(dict.fromkeys(columns))
    lacking = [str(column) for column in needed if column not in found.columns]
    if lacking:
        raise CasebookError(
            f"{purpose}: found no column {', '.join(lacking)}; expected dates of the patients"
        )
    for column in needed:
        cells = found[column]
        if not pd.api.types.is_datetime64_dtype(cells):
            raise CasebookError(f"{purpose}: found {cells.dtype} in {column}; expected dates (datetime64)")
        timed = cells.notna() & (cells != cells.dt.normalize())
        if timed.any():
            raise CasebookError(
                f"{purpose}: found a time of day in {column} of {some(timed)}; expected dates alone"
            )
    return found[needed]


def day(date: pd.Timestamp | dt.date | np.datetime64 | str) -> pd.Timestamp:
    """The day that this is; CasebookError if it is none, or a moment of one."""
    found = pd.NaT
    if isinstance(date, dt.date | np.datetime64 | str):  # a number would be counted from 1970
        with suppress(ValueError, TypeError):
            found = pd.Timestamp(date)
    if pd.isna(found) or found.tzinfo is not None or found != found.normalize():
        raise CasebookError(f"found the date {date!r}; expected a day such as 2024-06-30")
    return found


def iso(date: pd.Timestamp) -> str:
    """A date as text, or "none"."""
    return "none" if pd.isna(date) else date.date().isoformat()


def in_words(column: str) -> str:
    """A column of dates as a reader names it: ``last_contact_date`` is the last contact."""
    words = column.removesuffix("_date").replace("_", " ")
    return words.replace("hsct", "HSCT")


def some(mask: pd.Series) -> str:
    """The first ids for which this holds, and how many more there are."""
    ids = [str(one) for one in mask.index[mask]]
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
