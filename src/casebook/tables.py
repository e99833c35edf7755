"""Tables: tidy CSV files, read strictly against a pandera schema, and set in type for the page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from casebook.errors import DataError, Problem

if TYPE_CHECKING:
    import pandera.pandas as pa
    from pandas.io.formats.style import Styler

HEADER_LINES = 1


def read(path: Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Read one CSV file and check all of it against ``schema``.

    Parameters
    ----------
    path
        A CSV file: UTF-8, one header row, comma-separated. Empty cells are missing values.
    schema
        Column types, allowed values and rules; a check's ``error`` says what was expected.

    Returns
    -------
    pandas.DataFrame
        The rows in file order, with the schema's types.

    Raises
    ------
    DataError
        Listing every problem with file, row (line of the file), column, found and expected.
    """
    name = "/".join(path.parts[-3:]) if path.is_absolute() else str(path)
    raw = _cells(path, name)
    problems = [
        Problem(name, HEADER_LINES, column, "no such column", "a column of this name")
        for column in schema.columns
        if column not in raw.columns
    ]
    problems += [
        Problem(name, HEADER_LINES, column, "an unknown column", f"only {', '.join(schema.columns)}")
        for column in raw.columns
        if column not in schema.columns
    ]
    if problems:
        raise DataError(problems)

    typed, problems = _typed(raw, schema, name)
    problems += _failures(typed, raw, schema, name)
    if problems:
        raise DataError(sorted(problems, key=lambda p: (p.row or 0, p.column or "")))
    return typed


def unknown_references(
    frame: pd.DataFrame, column: str, known: set[str], file: str, expected: str
) -> list[Problem]:
    """A problem for every cell of ``column`` whose ids (separated by spaces) are not all ``known``."""
    return [
        Problem(file, position + HEADER_LINES + 1, column, repr(reference), expected)
        for position, cell in enumerate(frame[column])
        if not pd.isna(cell)
        for reference in str(cell).split()
        if reference not in known
    ]


def typeset(
    frame: pd.DataFrame, key: str, caption: str, *, stack: bool = False, numeric: tuple[str, ...] = ()
) -> Styler:
    """A table as a reader sees it: captioned, with the row ids as row headers, and stable between builds.

    Parameters
    ----------
    frame
        Text cells, already formatted. The index holds the row ids; column names carry their units.
    key
        Stable id of the table on its page.
    caption
        Can be read alone.
    stack
        On a phone, set each row as a block with its labels, instead of scrolling sideways: for long texts.
    numeric
        Columns to align right.
    """
    labels = [
        {"selector": f"td.col{position}", "props": [("--label", f'"{column}"')]}
        for position, column in enumerate(frame.columns)
    ]
    aligned = [
        {"selector": f".col{frame.columns.get_loc(column)}", "props": [("text-align", "right")]}
        for column in numeric
    ]
    return (
        frame.fillna("").style.set_uuid(key)
        .set_caption(caption)
        .set_table_attributes(f'class="casebook-table{" stack" if stack else ""}"')
        .set_table_styles(labels + aligned)
        .format(escape="html")
        .format_index(escape="html")
    )


def _cells(path: Path, name: str) -> pd.DataFrame:
    """Every cell as text, or the DataError that says why the file cannot be read at all."""
    try:
        content = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise DataError([Problem(name, None, None, "no such file", "a CSV file")]) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        found = f"byte 0x{error.object[error.start]:02x}"
        raise DataError([Problem(name, line, None, found, "text in UTF-8")]) from None
    # The header is read as a row, so that a repeated column name is seen and not silently renamed.
    import csv
    import io

    rows = list(csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline=""), strict=True))
    if not rows:
        raise DataError([Problem(name, None, None, "an empty file", "a header row")])
    header = rows[0]
    repeated = sorted({column for column in header if header.count(column) > 1})
    problems = [Problem(name, 1, column, "the column twice", "each column once") for column in repeated]
    problems += [
        Problem(name, line, None, f"{len(row)} cells", f"{len(header)}, as in the header")
        for line, row in enumerate(rows[1:], start=2)
        if len(row) != len(header)
    ]
    if problems:
        raise DataError(problems)
    return pd.DataFrame(rows[1:], columns=header, dtype=str).replace("", None)


def _typed(
    raw: pd.DataFrame, schema: pa.DataFrameSchema, name: str
) -> tuple[pd.DataFrame, list[Problem]]:
    """The cells in the schema's types; an unreadable cell becomes a problem and a missing value."""
    typed, problems = raw.copy(), []
    for column, rule in schema.columns.items():
        kind = str(rule.dtype)
        if kind.startswith(("float", "int", "Int")):
            values, expected = pd.to_numeric(raw[column], errors="coerce"), "a number"
            values = values.astype("float64")
        elif kind.startswith("datetime"):
            values = pd.to_datetime(raw[column], format="%Y-%m-%d", errors="coerce")
            expected = "a date as YYYY-MM-DD"
        elif kind == "boolean":
            values, expected = raw[column].map({"yes": True, "no": False}).astype("boolean"), "yes or no"
        else:
            values, expected = raw[column].astype("object"), "text"
        for position in raw.index[raw[column].notna() & values.isna()]:
            found = repr(raw.at[position, column])
            problems.append(Problem(name, position + HEADER_LINES + 1, column, found, expected))
        typed[column] = values
    return typed, problems


def _failures(
    typed: pd.DataFrame, raw: pd.DataFrame, schema: pa.DataFrameSchema, name: str
) -> list[Problem]:
    from pandera.errors import SchemaErrors

    try:
        schema.validate(typed, lazy=True)
    except SchemaErrors as failed:
        cases: Mapping = failed.failure_cases
    else:
        return []
    problems = []
    for case in cases.drop_duplicates(["column", "check", "index"]).itertuples():
        row = None if pd.isna(case.index) else int(case.index)
        column = case.column if case.column in raw.columns else None
        expected = {"not_nullable": "a value", "field_uniqueness": "each id once"}.get(case.check, case.check)
        found = "nothing"
        if column is not None and row is not None and not pd.isna(raw.at[row, column]):
            found = repr(raw.at[row, column])
        elif column is None and row is not None:
            found = "cells that contradict"
        elif row is None:
            found = str(case.failure_case)
        # An unreadable cell is already a problem of its own; that it is now missing is not a second one.
        unreadable = column is not None and row is not None and pd.isna(typed.at[row, column]) and not (
            raw.at[row, column] is None or pd.isna(raw.at[row, column])
        )
        if not unreadable:
            problems.append(
                Problem(name, None if row is None else row + HEADER_LINES + 1, column, found, expected)
            )
    return problems
