"""The record of a cohort: its tables, read, checked, held together, and written whole or not at all."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from casebook.cohort import dates, schema
from casebook.errors import CasebookError, DataError, Problem
from casebook.paths import DATA
from casebook.tables import check, shown, unknown_references

SIMULATED = "SIMULATED"
"""The file that says, by being there, that the patients beside it do not exist."""

WORDS: Mapping[bool, str] = {True: "yes", False: "no"}


@dataclass(frozen=True, eq=False)  # == of tables is a table
class Cohort:
    """The tables of a cohort, one frame each, indexed by ``id``; the columns are those of :mod:`casebook.cohort.schema`.

    ``simulated`` is true of patients who do not exist.
    """

    patients: pd.DataFrame
    assessments: pd.DataFrame
    adverse_events: pd.DataFrame
    simulated: bool = False


def load(directory: Path | str = DATA / "cohort", *, cutoff: dt.date | None = None) -> Cohort:
    """Read and check the tables of a cohort.

    Parameters
    ----------
    directory
        Holds ``patients.csv``, ``assessments.csv`` and ``adverse_events.csv``, and a file ``SIMULATED`` if no patient
        in them exists.
    cutoff
        The day on which the data were cut; a later date in them is refused. None: any date is taken.

    Raises
    ------
    DataError
        Every problem of every table, with file, row, column, found and expected.
    CasebookError
        If the cutoff is no day.
    """
    last_day = None if cutoff is None else dates.day(cutoff)
    directory = Path(directory)
    frames, problems = {}, []
    files = {name: shown(directory / f"{name}.csv") for name in schema.TABLES}
    for name, rules in schema.TABLES.items():
        frame, found = check(directory / f"{name}.csv", rules)
        problems += found
        # A table that cannot be read is told of once; what the others say of each other is still checked.
        if frame is not None:
            frames[name] = frame
    problems += _strangers(frames, files) + _broken_rules(frames, files)
    if last_day is not None:
        problems += _after_cutoff(frames, files, last_day)
    if problems:
        raise DataError(problems)
    return Cohort(
        **{name: frame.set_index("id") for name, frame in frames.items()},
        simulated=(directory / SIMULATED).exists(),
    )


def save(cohort: Cohort, directory: Path, *, overwrite: bool = False) -> None:
    """Write the tables of a cohort to a folder, which then loads as the same cohort.

    The files are written beside the folder, read back and checked, and only then put in its place: it holds the whole
    cohort, or what it held before. Other files in it (a data card) stay.

    Parameters
    ----------
    cohort
        Its frames have the columns of the schema, in any order. Columns that may be empty may be absent.
    directory
        The folder; it is made, and its parents.
    overwrite
        Whether a folder that is there may be replaced.

    Raises
    ------
    CasebookError
        If the folder is there and must not be overwritten, or cannot be written.
    DataError
        If the tables would not load.
    """
    directory = Path(directory).resolve()  # where a link points to, so that the link itself stays
    if directory.exists() and not overwrite:
        raise CasebookError(f"found {shown(directory)} in place; expected a new folder, or overwrite=True")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as beside:
            new = Path(beside) / directory.name
            _prepare(cohort, new, directory)
            _put_in_place(new, directory, Path(beside) / "old")
    except UnicodeEncodeError as error:
        raise CasebookError(
            f"found {error.object[error.start : error.end]!r} in a cell; expected text in UTF-8"
        ) from error
    except OSError as error:
        why = error.strerror or error
        raise CasebookError(
            f"found {shown(directory)} not to be written ({why}); expected a folder that can be"
        ) from error


def _prepare(cohort: Cohort, new: Path, directory: Path) -> None:
    """Make the folder that is to take the place of another, with what it keeps of that one, and check it."""
    ours = {SIMULATED, *(f"{name}.csv" for name in schema.TABLES)}
    if directory.exists():
        # What has our names in a folder of the folder is not ours.
        shutil.copytree(
            directory,
            new,
            symlinks=True,
            ignore=lambda folder, _: ours if Path(folder) == directory else set(),
        )
    else:
        new.mkdir()
    _write(cohort, new)
    try:
        load(new)
    except DataError as error:
        files = {shown(new / f"{name}.csv"): shown(directory / f"{name}.csv") for name in schema.TABLES}
        raise DataError(replace(problem, file=files[problem.file]) for problem in error.problems) from None


def _put_in_place(new: Path, directory: Path, aside: Path) -> None:
    """Move the new folder to where it belongs; the one that stood there comes back if that fails."""
    stood = directory.exists()
    if stood:
        directory.rename(aside)
    try:
        new.rename(directory)
    except OSError:
        if stood:
            aside.rename(directory)
        raise


def _write(cohort: Cohort, directory: Path) -> None:
    for name, rules in schema.TABLES.items():
        frame = getattr(cohort, name)
        frame = frame if "id" in frame.columns else frame.rename_axis("id").reset_index()
        optional = [column for column, rule in rules.columns.items() if rule.nullable]
        frame = frame.assign(**{column: None for column in optional if column not in frame.columns})
        for column, rule in rules.columns.items():
            if str(rule.dtype) == "boolean" and column in frame.columns:
                frame[column] = frame[column].map(
                    lambda answer: WORDS.get(answer, answer), na_action="ignore"
                )
        known = [column for column in rules.columns if column in frame.columns]
        strange = [column for column in frame.columns if column not in rules.columns]
        # Python's writer puts no quotes around a carriage return, which would then end the row.
        texts = frame.select_dtypes("object").astype("string")
        returns = any(texts[column].str.contains("\r", regex=False).any() for column in texts)
        quoting = csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL
        # Dates without a time of day are written as dates; what else there is, reading refuses.
        frame[known + strange].to_csv(
            directory / f"{name}.csv", index=False, lineterminator="\n", quoting=quoting
        )
    if cohort.simulated:
        (directory / SIMULATED).write_text(
            "The patients in these tables are simulated: none of them exists.\n", encoding="utf-8"
        )


def _strangers(frames: Mapping[str, pd.DataFrame], files: Mapping[str, str]) -> list[Problem]:
    """Rows of a patient whom ``patients`` does not have."""
    if "patients" not in frames:
        return []
    known = set(frames["patients"]["id"].dropna())
    return [
        problem
        for name in schema.ACROSS
        if name in frames
        for problem in unknown_references(frames[name], "patient", known, files[name], schema.OF_PATIENT)
    ]


def _broken_rules(frames: Mapping[str, pd.DataFrame], files: Mapping[str, str]) -> list[Problem]:
    """Rows that cannot be, given the dates of their patient."""
    if "patients" not in frames:
        return []
    # Of an id that stands twice it cannot be said whose dates count.
    patients = frames["patients"].drop_duplicates("id", keep=False).set_index("id")
    patients = patients.loc[patients.index.notna(), list(schema.PATIENT_DATES)]
    problems = []
    for name, rules in schema.ACROSS.items():
        if name not in frames:
            continue
        joined = frames[name].join(patients, on="patient")
        joined = joined[joined["patient"].isin(patients.index)]
        for rule in rules:
            rows = joined.loc[rule.broken(joined), list(rule.columns)]
            problems += [
                Problem(files[name], line, rule.columns[0], ", ".join(map(_cell, cells)), rule.expected)
                for line, *cells in rows.itertuples(name=None)
            ]
    return problems


def _after_cutoff(
    frames: Mapping[str, pd.DataFrame], files: Mapping[str, str], cutoff: pd.Timestamp
) -> list[Problem]:
    expected = f"a day not after the data cutoff, {cutoff:%Y-%m-%d}"
    return [
        Problem(files[name], line, column, _cell(day), expected)
        for name, frame in frames.items()
        for column in frame.select_dtypes("datetime64[ns]")
        for line, day in frame.loc[frame[column] > cutoff, column].items()
    ]


def _cell(value: object) -> str:
    """A cell as a problem shows it."""
    if pd.isna(value):
        return "nothing"
    return repr(f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else f"{value:g}")
