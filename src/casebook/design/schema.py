"""The schema of the table of scenarios: columns, units and descriptions of the fields, and the rules between them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, fields
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.pandas import Check, Column

from casebook.columns import of_row, table
from casebook.design.scenarios import RULES, Rule, Scenario
from casebook.tables import NUMBER

LIST = Check(lambda cells: cells.map(lambda cell: _numbers(cell) is not None), error="numbers parted by ;")


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

    def __getattr__(self, name: str) -> Any:
        raise Unknown(name)


def _holds(rule: Rule) -> Callable[[pd.Series], bool]:
    def holds(row: pd.Series) -> bool:
        found = {each.name: each.default for each in fields(Scenario) if each.default is not MISSING}
        found |= values(row)
        known = {name: value for name, value in found.items() if value is not None or pd.isna(row[name])}
        try:
            return bool(rule.holds(Row(**known)))
        except Unknown:
            return True

    return holds


SCENARIOS: pa.DataFrameSchema = table(
    {each.name: _column(each) for each in fields(Scenario)},
    *(of_row(_holds(rule), rule.expected) for rule in RULES),
    description="One row is a scenario: patients, hazards and analysis of a trial.",
)
