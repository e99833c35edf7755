"""Scenarios: what a simulated trial assumes and how it is analysed, one a row of a table.

What each field means and its unit stand in :class:`Scenario`; what may be together stands in
:mod:`casebook.design.rules`. The schema of the table (:mod:`casebook.design.schema`) is made from both, so that a row and
an object are refused for the same reasons.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, field, fields
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from casebook.arguments import shown
from casebook.errors import CasebookError, DataError, Problem
from casebook.paths import DATA

if TYPE_CHECKING:
    import pandas as pd

    from casebook.design.rules import Rule

MONTHS, PER_MONTH, PATIENTS, SHARE = "months", "per month", "patients", "share"
AT_HSCT = ("follow", "censor")
LOOK_BY = ("month", "fraction")


def _field(description: str, unit: str | None = None, default: Any = MISSING) -> Any:
    metadata = {"description": description, "unit": unit}
    return field(metadata=metadata) if default is MISSING else field(metadata=metadata, default=default)


@dataclass(frozen=True)
class Scenario:
    """One row of the table of scenarios: patients, hazards and analysis of a trial with one arm or two.

    Times are in months since entry, except accrual, follow-up and looks, which are of the calendar. Hazards are per month
    and constant within pieces. Every patient who is not cured fails at the hazard of the arm; who is transplanted first
    goes on at that hazard times ``hsct_ratio`` plus ``hsct_mortality``; who is cured fails of the latter only. Entries are
    spread evenly over accrual, and drop-out is exponential. Strata hold the same share of each arm.

    Raises
    ------
    CasebookError
        Naming every rule that the fields break.
    """

    id: str = _field("Id of the scenario; the random numbers of its trials depend on it")
    treatment: int = _field("Patients in the treatment arm", PATIENTS)
    accrual: float = _field("From the first entry allowed to the last; 0 if all enter at once", MONTHS)
    followup: float = _field("From the end of accrual to the end of the trial", MONTHS)
    hazard: tuple[float, ...] = _field(
        "Of failing in the control arm, of those not cured and not transplanted: for each month in hazard_from, parted by ;",
        PER_MONTH,
    )
    milestone: float = _field(
        "At which Kaplan-Meier estimates are read; beyond followup only those who entered early are seen so long",
        MONTHS,
    )
    horizon: float = _field("Up to which the mean time without failure is taken", MONTHS)
    control: int = _field("Patients in the control arm; 0 for a trial of one arm", PATIENTS, 0)
    hazard_from: tuple[float, ...] = _field("From which each hazard holds, parted by ;", MONTHS, (0.0,))
    hazard_ratio: tuple[float, ...] = _field(
        "Hazard in the treatment arm over that in the control arm: one for all time, or one for each month in hazard_from",
        "ratio",
        (1.0,),
    )
    cured_control: float = _field("Of the control arm that never fails without HSCT", SHARE, 0.0)
    cured_treatment: float = _field("Of the treatment arm that never fails without HSCT", SHARE, 0.0)
    drop_out: float = _field("Of leaving follow-up", PER_MONTH, 0.0)
    hsct_control: tuple[float, ...] = _field(
        "Rate of HSCT in the control arm for each month in hazard_from; empty for none", PER_MONTH, ()
    )
    hsct_treatment: tuple[float, ...] = _field(
        "Rate of HSCT in the treatment arm for each month in hazard_from; empty for none", PER_MONTH, ()
    )
    hsct_ratio: float = _field("Hazard after HSCT over that before, of those not cured", "ratio", 1.0)
    hsct_mortality: float = _field("Hazard that HSCT adds, for all who had it", PER_MONTH, 0.0)
    at_hsct: str = _field(f"What the analysis does at HSCT: {' or '.join(AT_HSCT)}", default="follow")
    stratum_share: tuple[float, ...] = _field("Share of patients in each stratum, parted by ;", SHARE, (1.0,))
    stratum_ratio: tuple[float, ...] = _field(
        "What hazards in each stratum are multiplied by", "ratio", (1.0,)
    )
    stratified: bool = _field("Whether log-rank test and Cox model keep the strata apart", default=False)
    alpha: float = _field(
        "Two-sided level of every test that is done once, at the end; critical has the level that follows from it",
        "probability",
        0.05,
    )
    null_survival: float | None = _field(
        "Of a trial with one arm: the share without failure at the milestone that is tested", SHARE, None
    )
    events: int | None = _field("Number of events at which the trial ends, if it is reached", "events", None)
    looks: tuple[float, ...] = _field(
        "Interim looks: calendar months since accrual began, or fractions of events", default=()
    )
    look_by: str | None = _field(f"What looks are counted in: {' or '.join(LOOK_BY)}", default=None)
    critical: tuple[float, ...] = _field(
        "At each interim look and at the end: |z| from which the trial stops for a difference. Taken as given: with looks by "
        "fraction of two arms it can be computed which level they have, and by month it is not known beforehand how much "
        "information a look has. Without it the test at the end is at alpha",
        "z",
        (),
    )
    futility: tuple[float, ...] = _field(
        "At each interim look: z in favour of treatment at or below which the trial stops; with critical or without",
        "z",
        (),
    )
    note: str | None = _field("What the scenario stands for; for readers only", default=None)

    def __post_init__(self) -> None:
        from casebook.design.rules import COMPARES, RULES

        for each in fields(self):
            value = getattr(self, each.name)
            if each.type.startswith("tuple") and isinstance(value, np.ndarray) and value.ndim == 1:
                object.__setattr__(self, each.name, tuple(value.tolist()))
        _refuse(self, _ill_typed(self) or _broken(self, RULES))
        for each in fields(self):  # so that equal scenarios are also written alike
            value = getattr(self, each.name)
            if each.type in TYPES and value is not None:
                object.__setattr__(self, each.name, TYPES[each.type](value))
        if self.note == "":  # as its empty cell is read
            object.__setattr__(self, "note", None)
        _refuse(self, _broken(self, [COMPARES]))

    @property
    def end(self) -> float:
        """The calendar month at which the trial ends at the latest."""
        return self.accrual + self.followup

    @property
    def look_counts(self) -> tuple[int, ...]:
        """The number of events at each interim look by fraction, rounded up."""
        if self.look_by != "fraction" or self.events is None:
            return ()
        return tuple(math.ceil(round(float(fraction) * float(self.events), 9)) for fraction in self.looks)

    @property
    def null(self) -> bool:
        """Whether patients of both arms fail alike, or those of the one arm just as its null hypothesis says.

        They do if arms of the numbers drawn have the same hazards until the end in the same proportions: shares of strata
        are rounded to patients in each arm apart, so that arms of unlike sizes may differ. HSCT in one arm only is no
        difference if it does nothing, and the analysis goes on after it.
        """
        from casebook.design.truth import ARMS, hazards, sizes, survival

        if not self.control:
            return math.isclose(
                survival(self, "treatment", [self.milestone])[0], self.null_survival, rel_tol=1e-9
            )
        seen = sum(start < self.end for start in self.hazard_from)
        patients: dict[tuple, list[int]] = {}
        for stratum, numbers in enumerate(sizes(self)):
            for arm, n in enumerate(numbers.tolist()):
                found = hazards(self, ARMS[arm], stratum)
                rates = [tuple(rate[:seen].tolist()) for rate in found[:4]]
                before, after, _, mortality = rates
                if self.at_hsct == "follow" and before == after and not any(mortality):
                    rates = [before]
                patients.setdefault((found.cured, *rates), [0, 0])[arm] += n
        return all(one * self.treatment == other * self.control for one, other in patients.values())


TYPES: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "int | None": int,
    "float": float,
    "float | None": float,
    "bool": bool,
    "tuple[float, ...]": lambda values: tuple(float(value) for value in values),
}


def _refuse(scenario: Scenario, wrong: list[tuple[str, str]]) -> None:
    if wrong:
        name = f"scenario {scenario.id}" if _is_text(scenario.id) else "a scenario"
        faults = "; ".join(f"found {found}, expected {what}" for found, what in wrong)
        raise CasebookError(f"{name}: {faults}")


def _is_text(value: object) -> bool:
    """Whether it is a text that a file can hold: half a surrogate pair is none."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _broken(scenario: Scenario, rules: Iterable[Rule]) -> list[tuple[str, str]]:
    """What is found and what was expected, of each of these rules that the scenario breaks."""
    return [
        rule.explained(
            scenario, ", ".join(f"{name}={shown(getattr(scenario, name))}" for name in rule.columns)
        )
        for rule in rules
        if not rule.holds(scenario)
    ]


def _ill_typed(scenario: Scenario) -> list[tuple[str, str]]:
    """Fields that hold something else than their type says, each with what was expected; infinite is no number."""

    def number(value: object) -> bool:
        try:
            return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        except OverflowError:  # whole, and too large for a float
            return False

    def fits(value: object, kind: str) -> bool:
        if value is None:
            return kind.endswith("None")
        if kind.startswith("tuple"):
            return isinstance(value, tuple | list) and all(map(number, value))
        if kind.startswith("str"):
            return _is_text(value)
        return isinstance(value, Real | np.bool_) and value in (0, 1) if kind == "bool" else number(value)

    words = {"tuple": "a list of numbers", "str": "a text in UTF-8", "bool": "True or False"}
    return [
        (
            f"{each.name}={shown(getattr(scenario, each.name))}",
            words.get(each.type.split("[")[0].split()[0], "a number"),
        )
        for each in fields(scenario)
        if not fits(getattr(scenario, each.name), each.type)
    ]


# -- the table ------------------------------------------------------------------------------------------------------


def read(path: Path | str = DATA / "design" / "scenarios.csv") -> dict[str, Scenario]:
    """The scenarios of a table, by id, in its order.

    Parameters
    ----------
    path
        A CSV file with the columns of :class:`Scenario`. An empty cell stands for the default, and a column with a default
        may be left out; lists are parted by ``;``.

    Raises
    ------
    DataError
        Every problem of every row, with file, row, column, found and expected.
    CasebookError
        If the path is none.
    """
    from casebook import tables
    from casebook.design import schema

    if not isinstance(path, str | PathLike):
        raise CasebookError(f"found the path {shown(path)}; expected that of a CSV file")
    path = Path(path)
    frame, problems = tables.check(path, schema.SCENARIOS)
    if frame is not None and frame.empty and not problems:
        problems = [Problem(tables.shown(path), None, None, "no row", "a scenario")]
    if problems:
        raise DataError([schema.explained(problem, frame) for problem in problems])
    return {row["id"]: Scenario(**schema.values(row)) for _, row in frame.iterrows()}


def frame(scenarios: Iterable[Scenario]) -> pd.DataFrame:
    """Scenarios as the table that :func:`read` reads back: texts, with an empty cell for what is the default."""
    import pandas as pd

    def number(value: float) -> str:
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)

    def cell(value: Any, default: Any) -> str:
        if value == default:
            return ""
        if isinstance(value, tuple):
            return ";".join(map(number, value))
        if isinstance(value, bool):
            return "yes" if value else "no"
        return value if isinstance(value, str) else number(value)

    columns = fields(Scenario)
    return pd.DataFrame(
        [[cell(getattr(scenario, each.name), each.default) for each in columns] for scenario in scenarios],
        columns=[each.name for each in columns],
    )
