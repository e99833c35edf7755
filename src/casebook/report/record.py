"""The record: every table of a report, read, checked and held together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from casebook.bounds import INFINITY, Bounds
from casebook.errors import CasebookError, DataError, Problem
from casebook.paths import DATA
from casebook.report import chronology, schema, wording
from casebook.tables import HEADER_LINES, read, unknown_references

STUDY = "all"
"""The ``case`` of what is said of all children at once."""


@dataclass(frozen=True)
class Record:
    """The tables of ``data/report/``, one frame each, indexed by ``id``.

    ``events``, ``intervals`` and ``measurements`` carry a column ``bounds`` (:class:`~casebook.bounds.Bounds`; days
    as ordinals, days, percent) by the convention named in ``stretch``.
    """

    cases: pd.DataFrame
    conventions: pd.DataFrame
    events: pd.DataFrame
    intervals: pd.DataFrame
    measurements: pd.DataFrame
    treatments: pd.DataFrame
    regimens: pd.DataFrame
    adverse_events: pd.DataFrame
    claims: pd.DataFrame
    discrepancies: pd.DataFrame
    not_reported: pd.DataFrame
    stretch: str

    def phrases(self, case: str | None = None) -> pd.DataFrame:
        """The readings of every phrase that has more than one.

        Columns ``phrase``, ``case``, ``reading``, ``adopted``, ``printed``, ``reads_as``, ``source``.
        """
        rows = self.intervals.dropna(subset="phrase")
        if case is not None:
            rows = rows[rows["case"] == case]
        columns = ["phrase", "case", "reading", "adopted", "printed", "reads_as", "source"]
        return rows.drop_duplicates(["phrase", "reading"])[columns].reset_index(drop=True)

    def statements(
        self, case: str, readings: Mapping[str, str] | None = None
    ) -> list[chronology.Statement]:
        """The printed statements about one case, dates and intervals, as the solver takes them.

        ``readings`` maps a phrase to the reading to use instead of the adopted one.
        """
        self._known_case(case)
        chosen = dict(readings or {})
        rows = self.intervals[self.intervals["case"] == case]
        for phrase, reading in chosen.items():
            if not ((rows["phrase"] == phrase) & (rows["reading"] == reading)).any():
                known = rows.dropna(subset="phrase").groupby("phrase")["reading"].unique()
                options = "; ".join(f"{name}: {', '.join(letters)}" for name, letters in known.items())
                raise CasebookError(
                    f"{case} has no reading {reading!r} of the phrase {phrase!r}; there are {options}"
                )
        used = [
            row.reading == chosen[row.phrase] if row.phrase in chosen else bool(row.adopted)
            for row in rows.itertuples()
        ]
        events = self.events[self.events["case"].isin([case, STUDY])]
        return [
            chronology.Statement(row.Index, chronology.CALENDAR, row.Index, row.bounds, row.date_printed or "")
            for row in events.itertuples()
        ] + [
            chronology.Statement(row.Index, row.from_event, row.to_event, row.bounds, row.printed)
            for row in rows[used].itertuples()
        ]

    def chronology(self, case: str, readings: Mapping[str, str] | None = None) -> chronology.Chronology:
        """The solved chronology of one case, with the adopted readings or others (:meth:`statements`)."""
        return chronology.solve(self.statements(case, readings))

    def _known_case(self, case: str) -> None:
        if case not in self.cases.index:
            raise CasebookError(f"unknown case {case!r}; known: {', '.join(self.cases.index)}")


def load(directory: Path = DATA / "report", stretch: str = "adopted") -> Record:
    """Read and check the tables of a report.

    Parameters
    ----------
    directory
        Holds the CSV files described in its README.md.
    stretch
        The convention for wordings: ``tight``, ``adopted`` or ``loose``.

    Raises
    ------
    DataError
        Every problem of every table, with file, row, column, found and expected.
    """
    if stretch not in schema.STRETCHES:
        raise CasebookError(f"unknown convention {stretch!r}; known: {', '.join(schema.STRETCHES)}")
    frames, problems = {}, []
    for name, rules in schema.TABLES.items():
        try:
            frames[name] = read(directory / f"{name}.csv", rules)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    problems = _loose_ends(frames)
    for name in wording.COLUMNS:
        problems += _add_bounds(name, frames[name], frames["conventions"], stretch)
    if problems:
        raise DataError(problems)
    return Record(**{name: frame.set_index("id") for name, frame in frames.items()}, stretch=stretch)


def _add_bounds(name: str, frame: pd.DataFrame, conventions: pd.DataFrame, stretch: str) -> list[Problem]:
    """Put the column ``bounds`` into a table, and hold the bounds that stand in the file against the convention."""
    file, columns, problems, bounds = f"{name}.csv", wording.COLUMNS[name], [], []
    for position, row in enumerate(frame.to_dict("records")):
        line = position + HEADER_LINES + 1
        stated = _stated(row, columns)
        try:
            adopted = wording.derived(name, row, conventions, "adopted")
            found = wording.derived(name, row, conventions, stretch)
        except CasebookError as error:
            problems.append(Problem(file, line, "wording", str(row["wording"]), str(error)))
            bounds.append(stated)
            continue
        bounds.append(stated if found is None else found)
        # Empty cells are left to the convention; filled ones must say what it says.
        if adopted is not None and not stated.is_unknown:
            written = wording.cells(name, stated)
            expected = wording.cells(name, adopted)
            problems += [
                Problem(file, line, column, repr(cell), f"{want!r} by conventions.csv (make data)")
                for column, cell, want in zip(columns, written, expected, strict=True)
                if cell != want
            ]
    frame["bounds"] = bounds
    return problems


def _stated(row: dict, columns: tuple[str, str]) -> Bounds:
    def limit(value: object, missing: float) -> float:
        if pd.isna(value):
            return missing
        return value.toordinal() if isinstance(value, pd.Timestamp) else value

    return Bounds(limit(row[columns[0]], -INFINITY), limit(row[columns[1]], INFINITY))


def _loose_ends(frames: dict[str, pd.DataFrame]) -> list[Problem]:
    """References to a case, event or statement that no table has."""
    cases = set(frames["cases"]["id"])
    events = set(frames["events"]["id"])
    statements = set().union(*(frame["id"] for frame in frames.values()))
    references = [
        ("events", "case", cases | {STUDY}, "a case of cases.csv, or all"),
        ("intervals", "case", cases, "a case of cases.csv"),
        ("intervals", "from_event", events, "an event of events.csv"),
        ("intervals", "to_event", events, "an event of events.csv"),
        ("measurements", "case", cases, "a case of cases.csv"),
        ("measurements", "event", events, "an event of events.csv"),
        ("treatments", "case", cases, "a case of cases.csv"),
        ("treatments", "start_event", events, "an event of events.csv"),
        ("treatments", "end_event", events, "an event of events.csv"),
        ("adverse_events", "case", cases, "a case of cases.csv"),
        ("claims", "cases", cases, "cases of cases.csv"),
        ("not_reported", "cases", cases | {STUDY}, "cases of cases.csv, or all"),
        ("discrepancies", "statements", statements, "ids of rows of these tables"),
    ]
    return [
        problem
        for table, column, known, expected in references
        for problem in unknown_references(frames[table], column, known, f"{table}.csv", expected)
    ]
