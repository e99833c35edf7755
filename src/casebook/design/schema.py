"""The schema of the table of scenarios: columns, units and descriptions of the fields, and the rules between them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.pandas import Check, Column

from casebook.columns import of_row, table
from casebook.design.rules import RULES, WHOLE, Rule
from casebook.design.scenarios import Scenario
from casebook.errors import Problem
from casebook.tables import NUMBER

LIST = Check(
    lambda cells: cells.map(lambda cell: _numbers(cell) is not None),
    error="numbers with a decimal point, parted by ;",
)

SEPARATED = re.compile(r"[0-9](?:[,'\u2019 ]|\\xa0|\\u202f)[0-9]")
"""What is shown of a number as many countries write it: with a decimal comma, or with thousands set apart."""


def _numbers(cell: str) -> tuple[float, ...] | None:
    """The numbers of a list; None if one is no number, too large for a float, or would become 0."""
    found = []
    for part in cell.split(";"):
        match = NUMBER.fullmatch(part)
        if match is None or math.isinf(float(part)) or (float(part) == 0 and match[1].strip("0.")):
            return None
        found.append(float(part))
    return tuple(found)


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


def values(row: pd.Series) -> dict[str, Any]:
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


def _known(row: pd.Series) -> Row:
    found = {each.name: each.default for each in fields(Scenario) if each.default is not MISSING}
    found |= values(row)
    return Row(**{name: value for name, value in found.items() if value is not None or pd.isna(row[name])})


def _kept(rule: Rule, known: Row) -> bool:
    try:
        return bool(rule.holds(known))
    except Unknown:
        return True


def _holds(rule: Rule) -> Callable[[pd.Series], bool]:
    def holds(row: pd.Series) -> bool:
        known = _known(row)
        if rule in WHOLE and not all(_kept(first, known) for first in RULES):
            return True
        return _kept(rule, known)

    return holds


def explained(problem: Problem, frame: pd.DataFrame | None) -> Problem:
    """A problem of the table, with what its cells come to if they do not show it, and how a number is written."""
    if problem.expected == "a number" and SEPARATED.search(problem.found):
        return replace(problem, expected="a number with a decimal point and without a separator of thousands")
    comes_to = COMES_TO.get(problem.expected)
    if comes_to is None or frame is None:
        return problem
    return replace(problem, found=f"{problem.found} ({comes_to(_known(frame.loc[problem.row]))})")


COMES_TO = {rule.expected: rule.comes_to for rule in (*RULES, *WHOLE) if rule.comes_to}


SCENARIOS: pa.DataFrameSchema = table(
    {each.name: _column(each) for each in fields(Scenario)},
    *(of_row(_holds(rule), rule.expected) for rule in (*RULES, *WHOLE)),
    description="One row is a scenario: patients, hazards and analysis of a trial.",
)
