"""Columns of data tables: what schemas are put together from, with errors that say what was expected."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pandera.pandas as pa
from pandera.pandas import Check, Column

# \Z, as $ would let a line break pass.
IDS = Check.str_matches(r"^\S+\Z", error="an id without spaces")
NOT_NEGATIVE = Check.ge(0, error="0 or more")
WHOLE = Check(lambda cells: cells % 1 == 0, error="a whole number")
PERCENT = Check.in_range(0, 100, error="a percentage from 0 to 100")


def table(columns: dict[str, Column], *checks: Check, description: str | None = None) -> pa.DataFrameSchema:
    """The schema of one file: its columns, and rules about whole rows."""
    return pa.DataFrameSchema(columns, checks=list(checks), description=description)


def key(description: str | None = None) -> Column:
    """The ids of the rows: each once, without spaces."""
    return Column(object, IDS, unique=True, description=description)


def text(*checks: Check, required: bool = True, description: str | None = None) -> Column:
    """Cells of text that pass these checks."""
    return Column(object, list(checks), nullable=not required, description=description)


def one_of(*values: str, required: bool = True, description: str | None = None) -> Column:
    """Cells that hold one of these words."""
    allowed = Check.isin(values, error=f"one of {', '.join(values)}")
    return text(allowed, required=required, description=description)


def number(*checks: Check, description: str | None = None, unit: str | None = None) -> Column:
    """Numbers that pass these checks; a cell may be empty."""
    metadata = None if unit is None else {"unit": unit}
    return Column("float64", list(checks), nullable=True, description=description, metadata=metadata)


def date(*, required: bool = False, description: str | None = None) -> Column:
    """Days of the calendar."""
    return Column("datetime64[ns]", nullable=not required, description=description)


def yes_or_no(*, required: bool = True, description: str | None = None) -> Column:
    """Cells that hold yes or no."""
    return Column("boolean", nullable=not required, description=description)


def not_reversed(lower: str, upper: str) -> Check:
    """In no row is one column above the other."""
    return Check(
        lambda frame: ~(frame[lower] > frame[upper]), error=f"{lower} not above {upper}", ignore_na=False
    )


def not_after(first: str, second: str) -> Check:
    """In no row is the date of one column after that of the other; two on one day are in order."""
    return Check(
        lambda frame: ~(frame[first] > frame[second]), error=f"{first} not after {second}", ignore_na=False
    )


def together(*columns: str) -> Check:
    """Each row has all of these columns, or none."""
    return Check(
        lambda frame: frame[list(columns)].notna().sum(axis=1).isin([0, len(columns)]),
        error=f"{' and '.join(columns)} or none of them",
        ignore_na=False,
    )


def needs(column: str, needed: str) -> Check:
    """Where one column is given, so is another."""
    return Check(
        lambda frame: frame[column].isna() | frame[needed].notna(),
        error=f"{needed} beside {column}",
        ignore_na=False,
    )


def of_kind(kinds: tuple[str, ...], needed: str, column: str = "kind") -> Check:
    """Rows of these kinds (by default of the column ``kind``) have the needed column."""
    return Check(
        lambda frame: ~frame[column].isin(kinds) | frame[needed].notna(),
        error=f"{needed} with the {column} {' or '.join(kinds)}",
        ignore_na=False,
    )


def of_row(agrees: Callable[[pd.Series], bool], error: str) -> Check:
    """A rule that looks at one row at a time."""
    return Check(
        lambda frame: pd.Series([agrees(row) for _, row in frame.iterrows()], frame.index, dtype=bool),
        error=error,
        ignore_na=False,
    )
