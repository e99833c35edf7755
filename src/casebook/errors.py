"""The errors of casebook: one family, each naming what was wrong, where, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class CasebookError(Exception):
    """Any error that casebook raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One fault of a table: where it stands, what was found there, what was expected.

    ``row`` is the line of the file (the header is line 1), or None for a fault of the whole file.
    """

    file: str
    row: int | None
    column: str | None
    found: str
    expected: str

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.column is not None:
            place += f", column {self.column}"
        return f"{place}: found {self.found}; expected {self.expected}"


class DataError(CasebookError):
    """Tables that cannot be used, with every problem found in them (``problems``)."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        super().__init__("\n  ".join([f"{head} in the data:", *map(str, self.problems)]))


class ChronologyError(CasebookError):
    """Printed statements that cannot all hold, by their ids (``statements``)."""

    def __init__(self, message: str, statements: Iterable[str]):
        self.statements = tuple(statements)
        super().__init__(message)
