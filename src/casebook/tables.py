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
    frame, problems = check(path, schema)
    if problems:
        raise DataError(problems)
    return frame


def check(path: Path, schema: pa.DataFrameSchema) -> tuple[pd.DataFrame | None, list[Problem]]:
    """The table as :func:`read` gives it, and every problem found in it.

    With problems the frame holds what could be read, an unreadable cell as a missing value; it is None where the
    file could not be read, or lacks a column. The index is the line of the file on which each row begins.
    """
    name = shown(path)
    raw, problems = _cells(path, name)
    if raw is None:
        return None, problems
    present = {column: rule for column, rule in schema.columns.items() if column in raw.columns}
    lacking = [
        Problem(name, HEADER_LINES, column, "no such column", "a column of this name")
        for column in schema.columns
        if column not in present
    ]
    problems += lacking
    problems += [
        Problem(name, HEADER_LINES, column, "an unknown column", f"only {', '.join(schema.columns)}")
        for column in raw.columns
        if column not in schema.columns
    ]
    if lacking:
        # The columns that are there can still be checked, each on its own.
        schema = type(schema)(present)
    typed, unreadable = _typed(raw, schema, name)
    problems += unreadable + _failures(typed, raw, schema, name)
    return None if lacking else typed, sorted(problems, key=lambda p: (p.row or 0, p.column or ""))


def shown(path: Path) -> str:
    """The path as a problem names it: no more of where somebody keeps the file than tells it from another."""
    return "/".join(path.parts[-3:]) if path.is_absolute() else str(path)


def unknown_references(
    frame: pd.DataFrame, column: str, known: set[str], file: str, expected: str, *, several: bool = False
) -> list[Problem]:
    """A problem for every cell of ``column`` that is not one ``known`` id.

    With ``several`` a cell may hold more than one, with one space between two of them; none of them twice.
    """
    problems = []
    for line, cell in frame[column].dropna().items():
        # Not split(): it would take any blank for a space, and an empty list for one without faults.
        ids = cell.split(" ") if several else [cell]
        if several and ("" in ids or len(set(ids)) < len(ids)):
            problems.append(
                Problem(file, line, column, repr(cell), f"{expected}, each once, with single spaces between")
            )
        else:
            problems += [
                Problem(file, line, column, repr(name), expected) for name in ids if name not in known
            ]
    return problems


def typeset(
    frame: pd.DataFrame,
    key: str,
    caption: str,
    *,
    stack: bool = False,
    words: bool = False,
    numeric: tuple[str, ...] = (),
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
    words
        The row headers are words, which may be broken over lines, and not ids.
    numeric
        Columns to align right.
    """
    classes = ["casebook-table", *(["stack"] if stack else []), *(["words"] if words else [])]
    labels = [
        {"selector": f"td.col{position}", "props": [("--label", f'"{column}"')]}
        for position, column in enumerate(frame.columns)
    ]
    aligned = [
        {"selector": f".col{frame.columns.get_loc(column)}", "props": [("text-align", "right")]}
        for column in numeric
    ]
    return (
        frame.fillna("")
        .rename_axis(None)
        .style.set_uuid(key)
        .set_caption(caption)
        .set_table_attributes(f'class="{" ".join(classes)}"')
        .set_table_styles(labels + aligned)
        .format(escape="html")
        .format_index(escape="html")
    )


def _cells(path: Path, name: str) -> tuple[pd.DataFrame | None, list[Problem]]:
    """Every cell as text, indexed by line, and what keeps the file from being a table (then often None)."""
    try:
        content = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None, [Problem(name, None, None, "no such file", "a CSV file")]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = f"byte 0x{error.object[error.start]:02x}"
        return None, [Problem(name, line, None, found, "text in UTF-8")]
    # The header is read as a row, so that a repeated column name is seen and not silently renamed.
    import csv
    import io

    reader = csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline=""), strict=True)
    rows, begins = [], 1  # a quoted cell may hold a line break, so a row is not always one line
    try:
        for row in reader:
            rows.append((begins, row))
            begins = reader.line_num + 1
    except csv.Error as error:
        return None, [
            Problem(name, begins, None, f"no CSV ({error})", "a quote closed and doubled inside a cell")
        ]
    if not rows or not any(rows[0][1]):
        return None, [Problem(name, None, None, "an empty file", "a header row")]
    header, rows = rows[0][1], rows[1:]
    repeated = sorted({column for column in header if header.count(column) > 1})
    problems = [
        Problem(name, HEADER_LINES, column, "the column twice", "each column once") for column in repeated
    ]
    problems += [
        Problem(name, line, None, f"{len(row)} cells", f"{len(header)}, as in the header")
        for line, row in rows
        if len(row) != len(header)
    ]
    if repeated:
        return None, problems
    # A ragged row is a problem already; its cells cannot be told apart, so it is left out of what is checked next.
    whole = [(line, row) for line, row in rows if len(row) == len(header)]
    index = pd.Index([line for line, _ in whole], dtype="int64", name="line")
    raw = pd.DataFrame([row for _, row in whole], columns=header, index=index, dtype=str)
    return raw.replace("", None), problems


def _typed(raw: pd.DataFrame, schema: pa.DataFrameSchema, name: str) -> tuple[pd.DataFrame, list[Problem]]:
    """The cells in the schema's types; an unreadable cell becomes a problem and a missing value."""
    typed, problems = raw.copy(), []
    for column, rule in schema.columns.items():
        kind = str(rule.dtype)
        if kind.startswith(("float", "int", "Int")):
            values, expected = pd.to_numeric(raw[column], errors="coerce"), "a number"
            values = values.astype("float64").where(lambda numbers: numbers.abs() != float("inf"))
        elif kind.startswith("datetime"):
            values = pd.to_datetime(raw[column], format="%Y-%m-%d", errors="coerce")
            expected = "a date as YYYY-MM-DD"
        elif kind == "boolean":
            values, expected = raw[column].map({"yes": True, "no": False}).astype("boolean"), "yes or no"
        else:
            # What shows no mark on the page says nothing, though it is not empty.
            said = [None if pd.isna(cell) or not _shows(cell) else cell for cell in raw[column]]
            values, expected = pd.Series(said, raw.index, dtype="object"), "text, or an empty cell"
        for line in raw.index[raw[column].notna() & values.isna()]:
            problems.append(Problem(name, line, column, repr(raw.at[line, column]), expected))
        typed[column] = values
    return typed, problems


def _shows(cell: str) -> bool:
    return any(character.isprintable() and not character.isspace() for character in cell)


def _failures(typed: pd.DataFrame, raw: pd.DataFrame, schema: pa.DataFrameSchema, name: str) -> list[Problem]:
    from pandera.errors import SchemaErrors

    try:
        schema.validate(typed, lazy=True)
    except SchemaErrors as failed:
        cases: Mapping = failed.failure_cases
    else:
        return []
    # A rule about whole rows fails for every column alike; it is one problem, of the columns that it names.
    whole_rows = cases["schema_context"] == "DataFrameSchema"
    cases = cases.assign(column=cases["column"].mask(whole_rows, None))
    problems = []
    for case in cases.drop_duplicates(["column", "check", "index"]).itertuples():
        line = None if pd.isna(case.index) else int(case.index)
        expected = {"not_nullable": "a value", "field_uniqueness": "each id once"}.get(case.check, case.check)
        columns = (
            [case.column]
            if case.column in raw.columns
            else [w for w in case.check.split() if w in raw.columns]
        )
        if line is None:
            problems.append(Problem(name, None, case.column, str(case.failure_case), expected))
            continue
        cells = raw.loc[line, columns]
        # An unreadable cell is already a problem of its own; that it is now missing is not a second one.
        if (cells.notna() & typed.loc[line, columns].isna()).any():
            continue
        found = ", ".join("nothing" if pd.isna(cell) else repr(cell) for cell in cells)
        problems.append(Problem(name, line, ", ".join(columns), found, expected))
    return problems
