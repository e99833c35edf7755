"""The data dictionary: what each column of some tables means and allows, generated from their schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import pandera.pandas as pa
from pandera.pandas import Check, Column

from casebook.cohort.schema import OF_PATIENT, Rule
from casebook.columns import WHOLE
from casebook.errors import CasebookError

TYPES = {"object": "text", "float64": "number", "datetime64[ns]": "date (YYYY-MM-DD)", "boolean": "yes or no"}
COLUMNS = ("table", "column", "type", "unit", "required", "allowed values", "description", "rules")


def dictionary(
    schema_tables: Mapping[str, pa.DataFrameSchema], across: Mapping[str, Sequence[Rule]] | None = None
) -> pd.DataFrame:
    """The data dictionary of some tables.

    Parameters
    ----------
    schema_tables
        The schema of each table, by its name, such as :data:`casebook.cohort.schema.TABLES`.
    across
        The rules that tie the rows of a table to their patient, such as :data:`casebook.cohort.schema.ACROSS`.

    Returns
    -------
    DataFrame
        A row a column of a table, in their order: ``table``, ``column``, ``type``, ``unit``, ``required`` (yes or no),
        ``allowed values`` (separated by semicolons; empty if no list of words is meant), ``description``, ``rules`` (what a
        value must be, alone or beside others; separated by semicolons). All text; empty where there is nothing to say.

    Raises
    ------
    CasebookError
        If a column has no description, or a type that has no word here.
    """
    rows = []
    for name, schema in schema_tables.items():
        beside = [check.error for check in schema.checks]
        of_patient = (across or {}).get(name, ())
        for column, rule in schema.columns.items():
            if not rule.description:
                raise CasebookError(f"{name}: found no description of the column {column}; expected one")
            rows.append(
                (
                    name,
                    column,
                    _type(name, column, rule),
                    (rule.metadata or {}).get("unit", ""),
                    "no" if rule.nullable else "yes",
                    "; ".join(word for check in rule.checks for word in _allowed(check)),
                    rule.description,
                    "; ".join(
                        [
                            *_own_rules(rule),
                            *(words for words in beside if column in words.split()),
                            *(tie.expected for tie in of_patient if tie.columns[0] == column),
                            *([OF_PATIENT] if of_patient and column == "patient" else []),
                        ]
                    ),
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="object")


def _type(table: str, column: str, rule: Column) -> str:
    kind = str(rule.dtype)
    if kind not in TYPES:
        raise CasebookError(f"{table}: found the type {kind} of {column}; expected {', '.join(TYPES)}")
    return "whole number" if WHOLE in rule.checks else TYPES[kind]


def _allowed(check: Check) -> Sequence[str]:
    return tuple((check.statistics or {}).get("allowed_values", ()))


def _own_rules(rule: Column) -> list[str]:
    """The rules of the column alone, but for what its type and its allowed values say."""
    own = [check.error for check in rule.checks if not _allowed(check) and check != WHOLE]
    return own + (["each once"] if rule.unique else [])
