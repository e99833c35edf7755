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
from casebook.tables import check, shown, unknown_references

STUDY = "all"
"""The ``case`` of what is said of all children at once."""


@dataclass(frozen=True, eq=False)  # == of tables is a table
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

    def event(self, case: str, kind: str, *, missing_ok: bool = False) -> str | None:
        """Id of the one event of a kind (such as ``hsct``) that a case has.

        Raises CasebookError if there is none (unless ``missing_ok``: then None) or more than one.
        """
        self._known_case(case)
        found = self.events.index[(self.events["case"] == case) & (self.events["event"] == kind)]
        if len(found) == 1:
            return found[0]
        if missing_ok and found.empty:
            return None
        raise CasebookError(f"{case} has {len(found)} events of the kind {kind!r}; expected one")

    def phrases(self, case: str | None = None) -> pd.DataFrame:
        """The readings of every phrase about days that has more than one.

        Columns ``phrase``, ``case``, ``reading``, ``adopted``, ``printed``, ``reads_as``, ``source``.
        """
        rows = self.intervals.dropna(subset="phrase")
        if case is not None:
            rows = rows[rows["case"] == case]
        columns = ["phrase", "case", "reading", "adopted", "printed", "reads_as", "source"]
        return rows.drop_duplicates(["phrase", "reading"])[columns].reset_index(drop=True)

    @staticmethod
    def used(rows: pd.DataFrame, readings: Mapping[str, str] | None = None) -> pd.Series:
        """Which of some rows of ``intervals`` or ``measurements`` are in use, as a boolean mask.

        A row is, if it belongs to the reading that ``readings`` names for its phrase, or else if it is adopted.
        """
        chosen = rows["phrase"].map(dict(readings or {}))
        return rows["adopted"].astype(bool).where(chosen.isna(), rows["reading"] == chosen)

    def statements(self, case: str, readings: Mapping[str, str] | None = None) -> list[chronology.Statement]:
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
        events = self.events[self.events["case"].isin([case, STUDY])]
        return [
            chronology.Statement(
                row.Index, chronology.CALENDAR, row.Index, row.bounds, row.date_printed or ""
            )
            for row in events.itertuples()
        ] + [
            chronology.Statement(row.Index, row.from_event, row.to_event, row.bounds, row.printed)
            for row in rows[self.used(rows, chosen)].itertuples()
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
    frames, problems, sound = {}, [], set()
    for name, rules in schema.TABLES.items():
        frame, found = check(directory / f"{name}.csv", rules)
        problems += found
        # A table that cannot be read is told of once; what the others say of each other is still checked.
        if frame is not None:
            frames[name] = frame
            sound |= {name} if not found else set()
    files = {name: shown(directory / f"{name}.csv") for name in schema.TABLES}
    problems += _untold(_loose_ends(frames, files), problems)
    problems += _untold(_ties(frames, files), problems)
    for name in wording.COLUMNS:
        if name in frames and "conventions" in sound:
            found = _add_bounds(name, frames[name], frames["conventions"], stretch, files[name])
            problems += _untold(found, problems)
    if problems:
        raise DataError(problems)
    return Record(**{name: frame.set_index("id") for name, frame in frames.items()}, stretch=stretch)


def _untold(found: list[Problem], problems: list[Problem]) -> list[Problem]:
    """What was found in cells of which no problem tells yet."""

    def cells(problem: Problem) -> set[tuple]:
        return {(problem.file, problem.row, column) for column in (problem.column or "").split(", ")}

    told = set().union(*map(cells, problems))
    return [problem for problem in found if not cells(problem) & told]


def _add_bounds(
    name: str, frame: pd.DataFrame, conventions: pd.DataFrame, stretch: str, file: str
) -> list[Problem]:
    """Put the column ``bounds`` into a table, and hold the bounds that stand in the file against the convention."""
    columns, problems, bounds = wording.COLUMNS[name], [], []
    for line, row in zip(frame.index, frame.to_dict("records"), strict=True):
        if row[columns[0]] > row[columns[1]]:
            bounds.append(Bounds.unknown())  # reversed: the schema has told of it
            continue
        stated = _stated(row, columns)
        try:
            adopted = wording.derived(name, row, conventions, "adopted")
            found = wording.derived(name, row, conventions, stretch)
            expected = None if adopted is None else wording.cells(name, adopted)
        except CasebookError as error:
            problems.append(Problem(file, line, "wording", str(row["wording"]), str(error)))
            bounds.append(stated)
            continue
        bounds.append(stated if found is None else found)
        # Empty cells are left to the convention; filled ones must say what it says.
        if expected is not None and not stated.is_unknown:
            written = wording.cells(name, stated)
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


def _loose_ends(frames: dict[str, pd.DataFrame], files: dict[str, str]) -> list[Problem]:
    """References to a case, event or statement that no table has, and ids or readings that do not fit together."""

    def ids(*names: str) -> set[str] | None:
        # None where one of the tables could not be read: what is missing is then not known.
        if not set(names) <= set(frames):
            return None
        return set().union(*(frames[name]["id"].dropna() for name in names))

    cases, events, statements = ids("cases"), ids("events"), ids(*files)
    all_cases = None if cases is None else cases | {STUDY}
    references = [
        ("events", "case", all_cases, "a case of cases.csv, or all"),
        ("intervals", "case", cases, "a case of cases.csv"),
        ("intervals", "from_event", events, "an event of events.csv"),
        ("intervals", "to_event", events, "an event of events.csv"),
        ("measurements", "case", cases, "a case of cases.csv"),
        ("measurements", "event", events, "an event of events.csv"),
        ("treatments", "case", cases, "a case of cases.csv"),
        ("treatments", "start_event", events, "an event of events.csv"),
        ("treatments", "end_event", events, "an event of events.csv"),
        ("adverse_events", "case", cases, "a case of cases.csv"),
    ]
    lists = [
        ("claims", "cases", cases, "cases of cases.csv"),
        ("not_reported", "cases", all_cases, "cases of cases.csv, or all"),
        ("discrepancies", "statements", statements, "ids of rows of these tables"),
    ]
    problems = [
        problem
        for several, rules in ((False, references), (True, lists))
        for table, column, known, expected in rules
        if table in frames and known is not None
        for problem in unknown_references(
            frames[table], column, known, files[table], expected, several=several
        )
    ]
    if events is not None:
        problems += _foreign_events(frames, files)
    for table in ("intervals", "measurements"):
        if table in frames:
            problems += _adoptions(frames[table], files[table])
    if {"events", "intervals"} <= set(frames):
        # Dates and intervals are statements of one chronology.
        both = frames["intervals"]["id"]
        problems += [
            Problem(files["intervals"], line, "id", repr(name), "an id that events.csv does not have")
            for line, name in both[both.isin(frames["events"]["id"])].dropna().items()
        ]
    return problems


def _foreign_events(frames: dict[str, pd.DataFrame], files: dict[str, str]) -> list[Problem]:
    """Rows of one case that name an event of another."""
    owner = dict(zip(frames["events"]["id"], frames["events"]["case"], strict=True))
    return [
        Problem(files[table], line, column, repr(event), f"an event of {case}")
        for table, columns in (
            ("intervals", ("from_event", "to_event")),
            ("measurements", ("event",)),
            ("treatments", ("start_event", "end_event")),
        )
        if table in frames
        for column in columns
        for line, case, event in zip(
            frames[table].index, frames[table]["case"], frames[table][column], strict=True
        )
        if event in owner and case in owner.values() and owner[event] not in (case, STUDY)
    ]


def _adoptions(frame: pd.DataFrame, file: str) -> list[Problem]:
    """Phrases of which not exactly one reading is adopted."""
    problems = []
    for phrase, rows in frame.dropna(subset=["phrase", "reading", "adopted"]).groupby("phrase", sort=False):
        adopted = rows.groupby("reading")["adopted"].agg(["all", "any"])
        if adopted["all"].sum() != 1 or adopted["any"].sum() != 1:
            found = f"{adopted['any'].sum()} readings of {phrase!r} adopted, in whole or in part"
            problems.append(Problem(file, rows.index[0], "adopted", found, "one reading, in all its rows"))
    return problems


def _ties(frames: dict[str, pd.DataFrame], files: dict[str, str]) -> list[Problem]:
    """What one table says in the words, or the numbers, of another."""
    problems = []
    if {"cases", "events", "intervals"} <= set(frames):
        problems += _ages(frames, files["cases"])
    if {"cases", "measurements"} <= set(frames):
        problems += _analytes(frames["measurements"], "case", frames["cases"], files["measurements"])
    if {"cases", "claims"} <= set(frames):
        problems += _analytes(frames["claims"], "cases", frames["cases"], files["claims"])
    if {"claims", "events", "measurements"} <= set(frames):
        problems += _claims(frames, files["claims"])
    return problems


def _ages(frames: dict[str, pd.DataFrame], file: str) -> list[Problem]:
    """Ages at diagnosis that are not those of the adopted intervals: from so many months to below one more."""
    kinds = dict(frames["events"][["id", "event"]].to_numpy())
    rows = frames["intervals"]
    rows = rows[
        rows["from_event"].map(kinds).eq("birth")
        & rows["to_event"].map(kinds).eq("diagnosis")
        & rows["unit"].eq("months")
        & rows["adopted"].fillna(False).astype(bool)
    ]
    problems = []
    for line, row in frames["cases"].iterrows():
        lower, upper = row["age_months_lower"], row["age_months_upper"]
        ages = sorted(set(rows.loc[rows["case"] == row["id"], "quantity"].dropna()))
        if (upper == lower + 1 and lower in ages) if ages else (pd.isna(lower) and pd.isna(upper)):
            continue
        found = ", ".join("nothing" if pd.isna(age) else f"'{age:g}'" for age in (lower, upper))
        wanted = " or ".join(f"{age:g} and {age + 1:g}" for age in ages) or "nothing"
        expected = f"{wanted}, as the intervals from birth to diagnosis that are adopted"
        problems.append(Problem(file, line, "age_months_lower, age_months_upper", found, expected))
    return problems


def _analytes(frame: pd.DataFrame, column: str, cases: pd.DataFrame, file: str) -> list[Problem]:
    """Analytes that are none, or the fusion gene of another case than those in ``column``."""
    genes = dict(cases[["id", "fusion_gene"]].dropna().to_numpy())
    return [
        Problem(
            file, line, "analyte", repr(analyte), f"{', '.join(schema.ANALYTES)}, or the case's fusion gene"
        )
        for line, analyte, ids in frame[["analyte", column]].dropna().itertuples()
        if analyte not in {*schema.ANALYTES, *(genes[name] for name in ids.split() if name in genes)}
    ]


def _claims(frames: dict[str, pd.DataFrame], file: str) -> list[Problem]:
    """Claims about an event that none of their cases has, or of no response where there is no reading to tell."""
    events = set(frames["events"]["id"].dropna())
    readings = {*frames["measurements"][["event", "analyte"]].itertuples(index=False, name=None)}
    problems = []
    for line, row in frames["claims"].dropna(subset="cases").iterrows():
        cases = row["cases"].split()
        if not pd.isna(row["event"]) and not any(f"{case}-{row['event']}" in events for case in cases):
            expected = "the id of an event of these cases, without the case"
            problems.append(Problem(file, line, "event", repr(row["event"]), expected))
        elif row["kind"] == "no_response" and len(cases) != 1:
            problems.append(Problem(file, line, "cases", repr(row["cases"]), "one case"))
        elif row["kind"] == "no_response" and (f"{cases[0]}-{row['event']}", row["analyte"]) not in readings:
            expected = "an event with a reading of the analyte"
            problems.append(Problem(file, line, "event", repr(row["event"]), expected))
    return problems
