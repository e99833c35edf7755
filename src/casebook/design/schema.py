"""The schema of the table of scenarios: columns, units and descriptions of the fields, and the rules between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.pandas import Check, Column

from casebook.columns import table
from casebook.design.rules import COMPARES, RULES, Rule
from casebook.design.scenarios import Scenario
from casebook.errors import CasebookError, Problem
from casebook.tables import number

NAMES = [each.name for each in fields(Scenario)]

LIST = Check(
    lambda cells: cells.map(lambda cell: _numbers(cell) is not None),
    error="numbers with a decimal point, parted by ;",
)

SEPARATED = re.compile(r"[0-9](?:[,'\u2019 ]|\\xa0|\\u202f)[0-9]")
"""What is shown of a number as many countries write it: with a decimal comma, or with thousands set apart."""


def _numbers(cell: str) -> tuple[float, ...] | None:
    """The numbers of a list; None if one is none."""
    found = tuple(map(number, cell.split(";")))
    return None if None in found else found


def _column(each: Any) -> Column:
    kind, checks, unique = "float64", [], False
    if each.type.startswith("tuple"):
        kind, checks = object, [LIST]
    elif each.type.startswith("str"):
        kind, unique = object, each.name == "id"
    elif each.type == "bool":
        kind = "boolean"
    return Column(
        kind,
        checks,
        nullable=each.default is not MISSING,
        unique=unique,
        required=each.default is MISSING,
        description=each.metadata["description"],
        metadata={"unit": each.metadata["unit"]},
    )


def values(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row that are given, lists as tuples."""
    given = {}
    for each in fields(Scenario):
        cell = row[each.name]
        if not pd.isna(cell):
            given[each.name] = _numbers(cell) if each.type.startswith("tuple") else cell
    return given


class Unknown(AttributeError):
    """A cell is missing, or could not be read: a problem of its own, because of which no rule is broken."""


class Row(SimpleNamespace):
    """The fields of a row that are known."""

    end, look_counts = Scenario.end, Scenario.look_counts

    def __getattr__(self, name: str) -> Any:
        raise Unknown(name)


def _known(row: Mapping[str, Any]) -> Row:
    found = {each.name: each.default for each in fields(Scenario) if each.default is not MISSING}
    found |= values(row)
    return Row(**{name: value for name, value in found.items() if value is not None or pd.isna(row[name])})


def _kept(rule: Rule, known: Row) -> bool:
    try:
        return bool(rule.holds(known))
    except Unknown:
        return True


def _broken(row: Mapping[str, Any]) -> set[Rule]:
    """The rules that a row breaks."""
    known = _known(row)
    broken = {rule for rule in RULES if not _kept(rule, known)}
    if broken or len(vars(known)) < len(NAMES):
        return broken
    try:
        # The scenario itself, so that what is found here is known when it is made again.
        Scenario(**values(row))
    except CasebookError:
        return {COMPARES}
    return set()


@lru_cache(maxsize=1)
def _broken_by_rows(rows: tuple[tuple, ...]) -> list[set[Rule]]:
    # One rule is asked after the other, of the same table.
    return [_broken(dict(zip(NAMES, cells, strict=True))) for cells in rows]


def _holds(rule: Rule) -> Check:
    def holds(frame: pd.DataFrame) -> pd.Series:
        cells = frame[NAMES].to_numpy(dtype=object, copy=True)
        cells[frame[NAMES].isna().to_numpy()] = None  # which is equal to itself
        broken = _broken_by_rows(tuple(map(tuple, cells)))
        return pd.Series([rule not in of_row for of_row in broken], frame.index, dtype=bool)

    return Check(holds, error=rule.expected, ignore_na=False)


def explained(problem: Problem, frame: pd.DataFrame | None) -> Problem:
    """A problem of the table, with what its cells come to and the limit that follows from them, and how a number is written."""
    if problem.expected == "a number" and SEPARATED.search(problem.found):
        return replace(problem, expected="a number with a decimal point and without a separator of thousands")
    rule = EXPLAINED.get(problem.expected)
    if rule is None or frame is None:
        return problem
    found, expected = rule.explained(_known(frame.loc[problem.row]), problem.found)
    return replace(problem, found=found, expected=expected)


EXPLAINED = {rule.expected: rule for rule in RULES if rule.comes_to or rule.limit}


SCENARIOS: pa.DataFrameSchema = table(
    {each.name: _column(each) for each in fields(Scenario)},
    *(_holds(rule) for rule in (*RULES, COMPARES)),
    description="One row is a scenario: patients, hazards and analysis of a trial.",
)
