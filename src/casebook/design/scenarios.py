"""Scenarios: what a simulated trial assumes and how it is analysed, one a row of a table.

What each field means and its unit stand in :class:`Scenario`; what may be together stands in :data:`RULES`. The schema of
the table (:mod:`casebook.design.schema`) is made from both, so that a row and an object are refused for the same reasons.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, field, fields
from itertools import pairwise
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from casebook.errors import CasebookError, DataError, Problem
from casebook.paths import DATA

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 1200.0
"""Months that a trial may last."""

MOST = 10**6
"""Patients that an arm may have."""

MOST_STRATA = 100

LEAST_ALPHA = 1e-15
"""A level of which the quantile is known, and no test is done at."""

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
    milestone: float = _field("At which Kaplan-Meier estimates are read", MONTHS)
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
    alpha: float = _field("Two-sided level of every test", "probability", 0.05)
    null_survival: float | None = _field(
        "Of a trial with one arm: the share without failure at the milestone that is tested", SHARE, None
    )
    events: int | None = _field("Number of events at which the trial ends, if it is reached", "events", None)
    looks: tuple[float, ...] = _field(
        "Interim looks: calendar months since accrual began, or fractions of events", default=()
    )
    look_by: str | None = _field(f"What looks are counted in: {' or '.join(LOOK_BY)}", default=None)
    critical: tuple[float, ...] = _field(
        "At each interim look and at the end: |z| from which the trial stops for a difference", "z", ()
    )
    futility: tuple[float, ...] = _field(
        "At each interim look: z in favour of treatment at or below which the trial stops", "z", ()
    )
    note: str | None = _field("What the scenario stands for; for readers only", default=None)

    def __post_init__(self) -> None:
        wrong = _ill_typed(self) or [
            (", ".join(f"{name}={getattr(self, name)!r}" for name in rule.columns), rule.expected)
            for rule in RULES
            if not rule.holds(self)
        ]
        if wrong:
            raise CasebookError(
                f"scenario {self.id}: "
                + "; ".join(f"found {found}, expected {what}" for found, what in wrong)
            )
        for each in fields(self):  # so that equal scenarios are also written alike
            value = getattr(self, each.name)
            if each.type in TYPES and value is not None:
                object.__setattr__(self, each.name, TYPES[each.type](value))
        if self.note == "":  # as its empty cell is read
            object.__setattr__(self, "note", None)

    @property
    def end(self) -> float:
        """The calendar month at which the trial ends at the latest."""
        return self.accrual + self.followup

    @property
    def look_counts(self) -> tuple[int, ...]:
        """The number of events at each interim look by fraction, rounded up."""
        if self.look_by != "fraction" or self.events is None:
            return ()
        return tuple(math.ceil(round(fraction * self.events, 9)) for fraction in self.looks)

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


def _ill_typed(scenario: Scenario) -> list[tuple[str, str]]:
    """Fields that hold something else than their type says, each with what was expected; infinite is no number."""

    def number(value: object) -> bool:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)

    def fits(value: object, kind: str) -> bool:
        if value is None:
            return kind.endswith("None")
        if kind.startswith("tuple"):
            return isinstance(value, tuple | list) and all(map(number, value))
        if kind.startswith("str"):
            return isinstance(value, str)
        return isinstance(value, Real | np.bool_) and value in (0, 1) if kind == "bool" else number(value)

    words = {"tuple": "a list of numbers", "str": "a text", "bool": "True or False"}
    return [
        (
            f"{each.name}={getattr(scenario, each.name)!r}",
            words.get(each.type.split("[")[0].split()[0], "a number"),
        )
        for each in fields(scenario)
        if not fits(getattr(scenario, each.name), each.type)
    ]


# -- what cannot be -------------------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """What the fields of every scenario fulfil; ``expected`` names them as words, which places the problem in a table."""

    columns: tuple[str, ...]
    holds: Callable[[Any], bool]
    expected: str


def _rule(expected: str, holds: Callable[[Any], bool]) -> Rule:
    names = {each.name for each in fields(Scenario)}
    return Rule(tuple(dict.fromkeys(word for word in expected.split() if word in names)), holds, expected)


def _ascends(values: Iterable[float]) -> bool:
    return all(one < other for one, other in pairwise(values))


def _something_happens(s: Any) -> bool:
    """Whether anybody can fail before the end, or be transplanted and fail then."""
    pieces = len(s.hazard_from)
    rates = [s.hazard, *([s.hsct_control, s.hsct_treatment] if s.hsct_mortality > 0 else [])]
    seen = [start < s.accrual + s.followup for start in s.hazard_from]
    return any(
        len(rate) == pieces and any(r != 0 for r, here in zip(rate, seen, strict=True) if here)
        for rate in rates
    )


def _pieces(name: str, *, may_be_empty: bool = False) -> Callable[[Any], bool]:
    def holds(s: Any) -> bool:
        rates = getattr(s, name)
        return (may_be_empty and not rates) or (
            len(rates) == len(s.hazard_from) and all(rate >= 0 for rate in rates)
        )

    return holds


RULES: tuple[Rule, ...] = (
    _rule("id without spaces", lambda s: bool(s.id) and not any(c.isspace() for c in s.id)),
    _rule(
        f"treatment a whole number from 1 to {MOST}",
        lambda s: 1 <= s.treatment <= MOST and s.treatment % 1 == 0,
    ),
    _rule(
        f"control a whole number from 0 to {MOST}", lambda s: 0 <= s.control <= MOST and s.control % 1 == 0
    ),
    _rule("accrual of 0 months or more", lambda s: s.accrual >= 0),
    _rule("followup above 0 months", lambda s: s.followup > 0),
    _rule(
        f"accrual and followup of {LONGEST:g} months together at most",
        lambda s: s.accrual + s.followup <= LONGEST,
    ),
    _rule("drop_out of 0 or more", lambda s: s.drop_out >= 0),
    _rule(
        "hazard_from ascending from 0",
        lambda s: len(s.hazard_from) > 0 and s.hazard_from[0] == 0 and _ascends(s.hazard_from),
    ),
    _rule("hazard of 0 or more for each month in hazard_from", _pieces("hazard")),
    _rule("hazard above 0 in a month before the end, as nothing happens otherwise", _something_happens),
    _rule(
        "hazard_ratio above 0, one or one for each month in hazard_from",
        lambda s: (
            len(s.hazard_ratio) in {1, len(s.hazard_from)} and all(ratio > 0 for ratio in s.hazard_ratio)
        ),
    ),
    *(
        _rule(f"{name} from 0 to below 1", lambda s, name=name: 0 <= getattr(s, name) < 1)
        for name in ("cured_control", "cured_treatment")
    ),
    *(
        _rule(
            f"{name} of 0 or more for each month in hazard_from or nothing",
            _pieces(name, may_be_empty=True),
        )
        for name in ("hsct_control", "hsct_treatment")
    ),
    _rule("hsct_ratio of 0 or more", lambda s: s.hsct_ratio >= 0),
    _rule("hsct_mortality of 0 or more", lambda s: s.hsct_mortality >= 0),
    _rule(f"at_hsct {' or '.join(AT_HSCT)}", lambda s: s.at_hsct in AT_HSCT),
    _rule(
        f"stratum_share above 0, together 1, of {MOST_STRATA} strata at most",
        lambda s: (
            0 < len(s.stratum_share) <= MOST_STRATA
            and all(share > 0 for share in s.stratum_share)
            and math.isclose(sum(s.stratum_share), 1, abs_tol=1e-6)
        ),
    ),
    _rule(
        "stratum_ratio above 0, one for each stratum_share",
        lambda s: (
            len(s.stratum_ratio) == len(s.stratum_share) and all(ratio > 0 for ratio in s.stratum_ratio)
        ),
    ),
    _rule(
        "stratified only with strata in stratum_share", lambda s: not s.stratified or len(s.stratum_share) > 1
    ),
    _rule(f"alpha between 0 and 1, and not below {LEAST_ALPHA:g}", lambda s: LEAST_ALPHA <= s.alpha < 1),
    *(
        _rule(
            f"{name} above 0 and not beyond the longest follow-up, accrual and followup together",
            lambda s, name=name: 0 < getattr(s, name) <= s.accrual + s.followup,
        )
        for name in ("milestone", "horizon")
    ),
    _rule(
        "null_survival between 0 and 1 if control is 0, and nothing otherwise",
        lambda s: (
            s.null_survival is None if s.control else s.null_survival is not None and 0 < s.null_survival < 1
        ),
    ),
    _rule(
        "events a whole number of 1 or more, not above control and treatment together",
        lambda s: s.events is None or (1 <= s.events <= s.control + s.treatment and s.events % 1 == 0),
    ),
    _rule(
        f"looks together with look_by of {' or '.join(LOOK_BY)}",
        lambda s: s.look_by in LOOK_BY if s.looks else s.look_by is None,
    ),
    _rule(
        "looks by month in order, after 0 and before accrual and followup are over",
        lambda s: s.look_by != "month" or (_ascends((0, *s.looks, s.accrual + s.followup))),
    ),
    _rule(
        "looks by fraction in order, above 0 and below 1, of a number of events in which they differ",
        lambda s: (
            s.look_by != "fraction"
            or (
                s.events is not None
                and _ascends((0, *s.looks, 1))
                and _ascends((0, *Scenario.look_counts.fget(s), s.events))
            )
        ),
    ),
    _rule(
        "critical above 0 for each of looks and the end, or nothing",
        lambda s: len(s.critical) in {0, len(s.looks) + 1} and all(z > 0 for z in s.critical),
    ),
    _rule(
        "futility for each of looks and below critical there, or nothing",
        lambda s: (
            not s.futility
            or (
                len(s.futility) == len(s.looks) == len(s.critical) - 1
                and all(z < bound for z, bound in zip(s.futility, s.critical, strict=False))
            )
        ),
    ),
)


# -- the table ------------------------------------------------------------------------------------------------------


def read(path: Path | str = DATA / "design" / "scenarios.csv") -> dict[str, Scenario]:
    """The scenarios of a table, by id, in its order.

    Parameters
    ----------
    path
        A CSV file with the columns of :class:`Scenario`. An empty cell stands for the default; lists are parted by ``;``.

    Raises
    ------
    DataError
        Every problem of every row, with file, row, column, found and expected.
    CasebookError
        If the path is none.
    """
    from casebook.design import schema
    from casebook.tables import check, shown

    if not isinstance(path, str | PathLike):
        raise CasebookError(f"found the path {path!r}; expected that of a CSV file")
    path = Path(path)
    frame, problems = check(path, schema.SCENARIOS)
    if frame is not None and frame.empty and not problems:
        problems = [Problem(shown(path), None, None, "no row", "a scenario")]
    if problems:
        raise DataError(problems)
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
