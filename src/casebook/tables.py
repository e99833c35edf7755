"""Tables: tidy CSV files, read strictly against a pandera schema, and set in type for the page."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from casebook.errors import DataError, Problem

if TYPE_CHECKING:
    import pandera.pandas as pa
    from pandas.io.formats.style import Styler

HEADER_LINES = 1
BLOCK = 4096
"""Rows that are put into an array at once."""
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?\s*", re.ASCII | re.IGNORECASE)


def read(path: Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Read one CSV file and check all of it against ``schema``.

    Parameters
    ----------
    path
        A CSV file: UTF-8, one header row, comma-separated. Empty cells are missing values.
    schema
        Column types, allowed values and rules; a check's ``error`` says what was expected. A column with ``required=False``
        may be left out of the file, and then is one of empty cells.

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
    lacking = [column for column, rule in schema.columns.items() if rule.required and column not in present]
    if len(lacking) == 1:
        problems.append(Problem(name, HEADER_LINES, lacking[0], "no such column", "a column of this name"))
    elif lacking:
        # One line for all: a header that is none would have as many as the table has columns.
        place = ", ".join(lacking)
        problems.append(
            Problem(name, HEADER_LINES, place, "no such columns", "a column of this name for each")
        )
    problems += [
        Problem(name, HEADER_LINES, column, "an unknown column", f"only {', '.join(schema.columns)}")
        for column in raw.columns
        if column not in schema.columns
    ]
    if lacking:
        # The columns that are there can still be checked, each on its own.
        schema = type(schema)(present)
    else:
        raw = raw.assign(**{column: None for column in schema.columns if column not in present})
    typed, unreadable = _typed(raw, schema, name)
    problems += unreadable + _failures(typed, raw, schema, name)
    return None if lacking else typed, sorted(problems, key=lambda p: (p.row or 0, p.column or ""))


def shown(path: Path) -> str:
    """The path as a problem names it: no more of where somebody keeps the file than tells it from another."""
    return "/".join(path.parts[-3:]) if path.is_absolute() else str(path)


def number(text: str) -> float | None:
    """The float nearest to what is written; None for what is no number, one too large, and one that would become 0."""
    match = NUMBER.fullmatch(text)
    if match is None:
        return None
    value = float(text)
    return None if math.isinf(value) or (value == 0 and match[1].strip("0.")) else value


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
    except OSError as error:
        return None, [Problem(name, None, None, f"no readable file ({error.strerror})", "a CSV file")]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = f"byte 0x{error.object[error.start]:02x}"
        return None, [Problem(name, line, None, found, "text in UTF-8: save the file as CSV UTF-8")]
    # The header is read as a row, so that a repeated column name is seen and not silently renamed.
    import csv
    import io

    reader = csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline=""), strict=True)
    begins = HEADER_LINES
    try:
        header = next(reader, [])
        if not any(header):
            return None, [Problem(name, None, None, "an empty file", "a header row")]
        if header[0].lower().startswith("sep="):
            found = f"the line {','.join(header)!r}, which only spreadsheets read"
            return None, [Problem(name, HEADER_LINES, None, found, "the header row")]
        for separator in ";\t":
            if len(header) == 1 and separator in header[0]:
                found = f"columns separated by {separator!r}"
                return None, [Problem(name, HEADER_LINES, None, found, "columns separated by ','")]
        repeated = sorted({column for column in header if header.count(column) > 1})
        problems = [
            Problem(name, HEADER_LINES, column, "the column twice", "each column once") for column in repeated
        ]
        # A ragged row is a problem already; its cells cannot be told apart, so it is left out of what is checked next.
        blocks, block, lines, empty = [], [], [], []
        begins = reader.line_num + 1  # a quoted cell may hold a line break, so a row is not always one line
        for row in reader:
            if not any(row):
                empty.append(begins)
            elif len(row) == len(header):
                lines.append(begins)
                block.append(row)
            else:
                found = f"{len(row)} cells"
                problems.append(Problem(name, begins, None, found, f"{len(header)}, as in the header"))
            begins = reader.line_num + 1
            # A million rows held as lists would take Python many times as long as arrays of some.
            if len(block) == BLOCK:
                blocks.append(_columns(block, header))
                block = []
        blocks.append(_columns(block, header))
        problems += _empty_rows(empty, header, name)
    except csv.Error as error:
        return None, [
            Problem(name, begins, None, f"no CSV ({error})", "a quote closed and doubled inside a cell")
        ]
    if repeated:
        return None, problems
    index = pd.Index(lines, dtype="int64", name="line")
    return pd.DataFrame(np.concatenate(blocks, axis=1).T, index, header, dtype="object"), problems


def _empty_rows(lines: list[int], header: list[str], name: str) -> list[Problem]:
    """One problem for rows without a value that follow each other, as spreadsheets leave them by the hundred."""
    expected = f"a value, in rows of {len(header)} cells as in the header"
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][-1] + 1:
            runs[-1].append(line)
        else:
            runs.append([line])
    return [
        Problem(name, run[0], None, "an empty row" if len(run) == 1 else f"{len(run)} empty rows", expected)
        for run in runs
    ]


def _columns(rows: list[list[str]], header: list[str]) -> np.ndarray:
    """The cells of some rows, column by column, an empty one as None."""
    cells = np.array(rows, dtype="object").reshape(len(rows), len(header)).T
    return np.where(cells == "", None, cells)


def _typed(raw: pd.DataFrame, schema: pa.DataFrameSchema, name: str) -> tuple[pd.DataFrame, list[Problem]]:
    """The cells in the schema's types; an unreadable cell becomes a problem and a missing value."""
    typed, problems = raw.copy(), []
    for column, rule in schema.columns.items():
        kind = str(rule.dtype)
        if kind.startswith(("float", "int", "Int")):
            values, expected = _each(raw[column], _numbers).astype("float64"), "a number"
        elif kind.startswith("datetime"):
            values, expected = _each(raw[column], _dates).astype(kind), "a date as YYYY-MM-DD"
        elif kind == "boolean":
            values, expected = raw[column].map({"yes": True, "no": False}).astype("boolean"), "yes or no"
        else:
            values, expected = _each(raw[column], _words), "text, or an empty cell"
            values = values.where(values.notna(), None)
        for line in raw.index[raw[column].notna() & values.isna()]:
            problems.append(Problem(name, line, column, repr(raw.at[line, column]), expected))
        typed[column] = values
    return typed, problems


def _each(cells: pd.Series, read: Callable[[Sequence[str]], pd.Series]) -> pd.Series:
    """What ``read`` makes of the cells; a text that stands in many is read once."""
    positions, texts = pd.factorize(cells)
    return read(texts).reindex(positions).set_axis(cells.index)


def _numbers(texts: Sequence[str]) -> pd.Series:
    """The nearest floats, as :func:`number` gives them."""
    # Not pandas.to_numeric: it is off in the last digit of many numbers.
    return pd.Series([number(text) for text in texts], dtype="float64")


def _dates(texts: Sequence[str]) -> pd.Series:
    # By form first: pandas takes "today" for a date, and digits of any script.
    formed = pd.Series([text if DATE.fullmatch(text) else None for text in texts], dtype="object")
    return pd.to_datetime(formed, format="%Y-%m-%d", errors="coerce")


def _words(texts: Sequence[str]) -> pd.Series:
    # What shows no mark on the page says nothing, though it is not empty.
    return pd.Series([text if _shows(text) else None for text in texts], dtype="object")


def _shows(cell: str) -> bool:
    return any(character.isprintable() and not character.isspace() for character in cell)


def _failures(typed: pd.DataFrame, raw: pd.DataFrame, schema: pa.DataFrameSchema, name: str) -> list[Problem]:
    from pandera.errors import SchemaErrors

    problems = []
    try:
        type(schema)(schema.columns).validate(typed, lazy=True)
    except SchemaErrors as failed:
        cases = failed.failure_cases.drop_duplicates(["column", "check", "index"])
        problems += [
            Problem(name, None, case.column, str(case.failure_case), case.check)
            for case in cases[cases["index"].isna()].itertuples()
        ]
        for (column, words), found in cases.dropna(subset="index").groupby(["column", "check"], sort=False):
            expected = {"not_nullable": "a value", "field_uniqueness": "each id once"}.get(words, words)
            problems += _refused(found["index"], [column], expected, typed, raw, name)
    # Rules about whole rows are asked one by one: pandera tells of a broken one once for every column, and at length.
    for rule in schema.checks:
        broken = ~rule(typed).check_output.astype(bool)
        if not broken.any():
            continue
        columns = [word for word in rule.error.split() if word in raw.columns]
        problems += _refused(typed.index[broken], columns, rule.error, typed, raw, name)
    return problems


def _refused(
    lines: Sequence[int], columns: list[str], expected: str, typed: pd.DataFrame, raw: pd.DataFrame, name: str
) -> list[Problem]:
    """A problem for each of these lines, which shows the cells of these columns as they stand in the file."""
    rows = raw.index.get_indexer(lines)
    cells, values = raw[columns].iloc[rows], typed[columns].iloc[rows]
    # An unreadable cell is already a problem of its own; that it is now missing is not a second one.
    readable = ~(cells.notna() & values.isna()).any(axis=1)
    place = ", ".join(columns)
    return [
        Problem(
            name,
            line,
            place,
            ", ".join("nothing" if cell is None else repr(cell) for cell in found),
            expected,
        )
        for line, *found in cells[readable].itertuples(name=None)
    ]
