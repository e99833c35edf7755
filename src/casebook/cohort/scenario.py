"""Scenarios: what a simulated cohort is drawn from, each number with where it comes from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from casebook.cohort import arguments
from casebook.errors import CasebookError


class AdverseEvent(NamedTuple):
    """How often one adverse event meets a patient in the course of the infusion: ``mild`` grade 1 or 2, ``severe`` 3 or 4."""

    term: str
    mild: float
    severe: float
    source: str = "set"


@dataclass(frozen=True)
class Scenario:
    """What a cohort is drawn from. The defaults, and where each comes from, are the rows of :func:`parameters`.

    Rates are per month since the start of blinatumomab; each has one value for every month in ``from_month``, from
    which on it holds. Levels of MRD are decimal logarithms of percent.

    Raises
    ------
    CasebookError
        If a value cannot be: what is no number where one is due, negative rates, probabilities that are none, months out
        of order, a cutoff within accrual.
    """

    n: int = 300

    from_month: tuple[float, ...] = (0.0, 1.0, 3.0)
    hsct: tuple[float, ...] = (0.0, 1.3007, 0.0)
    relapse_before_hsct: tuple[float, ...] = (0.01889,) * 3
    death_before_hsct: tuple[float, ...] = (0.006476,) * 3
    relapse_after_hsct: tuple[float, ...] = (0.0123,) * 3
    death_after_hsct: tuple[float, ...] = (0.001269,) * 3
    death_after_relapse: tuple[float, ...] = (0.0332,) * 3

    accrual_start: dt.date = dt.date(2018, 1, 1)
    accrual_days: int = 730
    cutoff: dt.date = dt.date(2022, 12, 31)
    drop_out: float = 0.005
    infusion_days: int = 28

    mrd_baseline: float = -1.0
    mrd_baseline_sd: float = 0.5
    mrd_fall: float = 1.956
    mrd_noise_sd: float = 0.2
    mrd_at_relapse: float = 1.0
    mrd_growth: float = 1.0
    detection_limit: float = -2.0
    quantification_limit: float = -1.5
    visits: tuple[int, ...] = (0, 28, 60, 90, 180, 270, 365, 545, 730)

    adverse_events: tuple[AdverseEvent, ...] = (
        AdverseEvent("Cytokine release syndrome", 0.15, 0.018, "rialto2022-r02"),
        AdverseEvent("Seizure", 0.02, 0.043, "beijing2022-r05"),
        AdverseEvent("Fever", 0.5, 0.059, "brown2021-r073"),
        AdverseEvent("Neutrophil count decreased", 0.1, 0.333, "brown2021-r081"),
        AdverseEvent("Platelet count decreased", 0.1, 0.078, "brown2021-r113"),
        AdverseEvent("Alanine aminotransferase increased", 0.2, 0.118, "brown2021-r065"),
    )
    serious_if_severe: float = 0.406

    def __post_init__(self) -> None:
        months = self.from_month
        if not _numbers(months) or not months or months[0] != 0 or not _ascend(months):
            raise CasebookError(f"found from_month={months!r}; expected a tuple of months that ascend from 0")
        for name in RATES:
            rates = getattr(self, name)
            if not _numbers(rates) or len(rates) != len(months) or min(rates) < 0:
                raise CasebookError(
                    f"found {name}={rates!r}; expected a tuple of {len(months)} rates of 0 or more, one for each from_month"
                )
        for name in ("n", "accrual_days", "infusion_days"):
            value = getattr(self, name)
            if not arguments.is_number(value) or value != int(value) or value < 1:
                raise CasebookError(f"found {name}={value!r}; expected a whole number of 1 or more")
        for name in ("drop_out", "mrd_baseline_sd", "mrd_fall", "mrd_noise_sd", "mrd_growth"):
            if not arguments.is_number(getattr(self, name)) or getattr(self, name) < 0:
                raise CasebookError(f"found {name}={getattr(self, name)!r}; expected 0 or more")
        for name in ("mrd_baseline", "mrd_at_relapse", "detection_limit", "quantification_limit"):
            if not arguments.is_number(getattr(self, name)):
                raise CasebookError(f"found {name}={getattr(self, name)!r}; expected a number")
        if not self.detection_limit <= self.quantification_limit < 2:
            raise CasebookError(
                f"found limits of 10^{self.detection_limit} and 10^{self.quantification_limit} percent; expected the limit "
                "of detection not above that of quantification, and that below 100 percent"
            )
        if (
            not _numbers(self.visits)
            or any(day % 1 or day < 0 for day in self.visits)
            or not _ascend(self.visits)
        ):
            raise CasebookError(
                f"found visits={self.visits!r}; expected a tuple of whole days of 0 or more that ascend"
            )
        self._check_dates()
        self._check_chances()

    def _check_dates(self) -> None:
        for name in ("accrual_start", "cutoff"):
            day = getattr(self, name)
            # A moment is a date to Python, but is not compared with one.
            if not isinstance(day, dt.date) or isinstance(day, dt.datetime) or not 1900 <= day.year < 2200:
                raise CasebookError(f"found {name}={day!r}; expected a datetime.date from 1900 to 2199")
        if (self.cutoff - self.accrual_start).days < self.accrual_days - 1:
            raise CasebookError(
                f"found the cutoff {self.cutoff}; expected none before the last start, day {self.accrual_days:g} of accrual "
                f"from {self.accrual_start}"
            )

    def _check_chances(self) -> None:
        events = self.adverse_events
        if not isinstance(events, tuple) or not all(isinstance(event, AdverseEvent) for event in events):
            raise CasebookError(f"found adverse_events={events!r}; expected a tuple of AdverseEvent")
        chances = {event.term: (event.mild, event.severe) for event in events}
        if len(chances) < len(events):
            raise CasebookError("found an adverse event twice; expected each term once")
        for name, values in (chances | {"serious_if_severe": (self.serious_if_severe,)}).items():
            if not _numbers(values) or min(values) < 0 or sum(values) > 1:
                raise CasebookError(
                    f"found the probabilities {values} of {name}; expected 0 to 1, also together"
                )


def _numbers(values: object) -> bool:
    return isinstance(values, tuple) and all(map(arguments.is_number, values))


def _ascend(values: tuple[float, ...]) -> bool:
    return all(one < next_one for one, next_one in pairwise(values))


RATES = (
    "hsct", "relapse_before_hsct", "death_before_hsct", "relapse_after_hsct", "death_after_hsct", "death_after_relapse",
)  # fmt: skip

A_MONTH, DAYS, LOG10, PROBABILITY = "per month", "days", "log10 of percent", "probability"
SOURCES = {
    "n": ("patients", "assumed", ""),
    "hsct": (
        A_MONTH,
        "locatelli2021-r38, locatelli2021-r40",
        "the rate by which 48 of 54 are transplanted between month 1 and month 3, although some relapse or die first at "
        "the two rates before HSCT; their median time is earlier than the printed one",
    ),
    "relapse_before_hsct": (
        A_MONTH,
        "brown2021-r034, brown2021-r012, brown2021-r015, brown2021-r009",
        "disease-free survival at 24 months as one constant rate, shared out as relapse and death were among first events; "
        "the one late treatment failure is no state here, so that what it adds to the rate falls to both; most of these "
        "patients were transplanted",
    ),
    "death_before_hsct": (
        A_MONTH,
        "brown2021-r034, brown2021-r012, brown2021-r015, brown2021-r009",
        "as relapse_before_hsct",
    ),
    "relapse_after_hsct": (
        A_MONTH,
        "algeri2025-r01, algeri2025-r03",
        "disease-free survival at 24 months as one constant rate, less the share of death without relapse",
    ),
    "death_after_hsct": (A_MONTH, "algeri2025-r01, algeri2025-r03", "as relapse_after_hsct"),
    "death_after_relapse": (
        A_MONTH,
        "algeri2025-r01, algeri2025-r02, algeri2025-r03",
        "the rate with which survival at 24 months is as printed, given the two rates after HSCT",
    ),
    "accrual_start": ("date", "assumed", ""),
    "accrual_days": (DAYS, "assumed", "starts spread evenly over them"),
    "cutoff": ("date", "assumed", ""),
    "drop_out": (A_MONTH, "assumed", ""),
    "infusion_days": (DAYS, "assumed", "one cycle"),
    "mrd_baseline": (LOG10, "assumed", "low-level MRD: the median is 0.1%"),
    "mrd_baseline_sd": (LOG10, "assumed", ""),
    "mrd_fall": (
        "log10 per month",
        "locatelli2021-r35",
        "the fall with which 27 of 29 are below 0.01% on day 28, given the baseline and the noise, and no relapse near",
    ),
    "mrd_noise_sd": (LOG10, "assumed", ""),
    "mrd_at_relapse": (LOG10, "assumed", "10% on the day of relapse"),
    "mrd_growth": ("log10 per month", "assumed", "so that MRD comes back some months before a relapse"),
    "detection_limit": (LOG10, "assumed", "0.01%"),
    "quantification_limit": (LOG10, "assumed", ""),
    "visits": (DAYS, "assumed", "days since the start on which MRD is measured"),
    "serious_if_severe": (
        PROBABILITY,
        "locatelli2021-r56",
        "the share with which 24.1% have a serious adverse event, given those of grade 3 or more",
    ),
}
"""Of every parameter but the adverse events: unit, where its default comes from (ids of published rates), and how."""

GRAFTS = (
    # Donors, match, patients of the trial with such a graft, and the row that says so.
    (("brother", "sister"), "10/10", 12, "locatelli2021-r48"),
    (("mother", "father"), "5/10", 13, "locatelli2021-r50"),
    (("unrelated",), "10/10", 17, "locatelli2021-r52"),
    (("unrelated",), "9/10", 6, "locatelli2021-r54"),
)
AGE_MEDIAN, AGE_QUARTILES, AGE_LIMITS = 5.0, (4.0, 10.5), (1.0, 17.9)
AGE_SPREAD = (AGE_QUARTILES[1] / AGE_QUARTILES[0]) ** 0.5
AGE_DERIVATION = (
    f"of a lognormal age, whose quartiles are then {AGE_MEDIAN / AGE_SPREAD:.1f} and {AGE_MEDIAN * AGE_SPREAD:.1f}: none "
    f"with the printed median has the printed quartiles, {AGE_QUARTILES[0]:g} and {AGE_QUARTILES[1]:g}"
)
DAYS_FROM_DIAGNOSIS = (60, 180)
GRADE_4_OF_SEVERE, DAYS_TO_RESOLVE = 0.25, 5

FIXED = (
    ("age, median", AGE_MEDIAN, "years", "locatelli2021-r60", "lognormal"),
    (
        "age, ratio of the quartiles",
        AGE_QUARTILES[1] / AGE_QUARTILES[0],
        "",
        "locatelli2021-r60",
        AGE_DERIVATION,
    ),
    ("age, least", AGE_LIMITS[0], "years", "assumed", ""),
    ("age, greatest", AGE_LIMITS[1], "years", "assumed", ""),
    ("days from diagnosis, fewest", DAYS_FROM_DIAGNOSIS[0], DAYS, "assumed", ""),
    ("days from diagnosis, most", DAYS_FROM_DIAGNOSIS[1], DAYS, "assumed", ""),
    ("female", 0.5, PROBABILITY, "assumed", ""),
    ("risk group high, not intermediate", 0.5, PROBABILITY, "assumed", ""),
    *(
        (f"graft: {' or '.join(donors)}, {match}", count / 48, PROBABILITY, source, "of those transplanted")
        for donors, match, count, source in GRAFTS
    ),
    ("grade 4 among grades 3 and 4", GRADE_4_OF_SEVERE, PROBABILITY, "assumed", ""),
    ("grade 2 among grades 1 and 2", 0.5, PROBABILITY, "assumed", ""),
    ("days until resolved, mean", DAYS_TO_RESOLVE, DAYS, "assumed", ""),
)
"""What every scenario has: nothing of it changes what is to be estimated."""

SCENARIO = Scenario()
"""Rates as published where they are; the three children are not among them."""


def parameters(scenario: Scenario = SCENARIO) -> pd.DataFrame:
    """Every number of a scenario with where it comes from.

    Returns
    -------
    DataFrame
        One row a number: ``parameter``, ``period`` (for rates; months since the start), ``value`` (float, or a date),
        ``unit``, ``source`` (ids of published rates; ``assumed``; ``set``, if it differs from the default) and
        ``derivation`` in words.
    """
    bounds = [f"{month:g}" for month in scenario.from_month]
    periods = [
        *(f"{start} to {end}" for start, end in pairwise(bounds)),
        f"from {bounds[-1]}",
    ]
    rows = []
    for name, (unit, source, derivation) in SOURCES.items():
        value = getattr(scenario, name)
        if value != getattr(SCENARIO, name) or (name in RATES and scenario.from_month != SCENARIO.from_month):
            source, derivation = "set", ""
        several = value if isinstance(value, tuple) else (value,)
        labels = periods if name in RATES else [""] * len(several)
        rows += [
            (name, label, one, unit, source, derivation) for label, one in zip(labels, several, strict=True)
        ]
    severe = {event.source: event.severe for event in SCENARIO.adverse_events}
    for event in scenario.adverse_events:
        mild_source = "assumed" if event in SCENARIO.adverse_events else "set"
        # A default that was changed is no longer what its source says.
        source = event.source if severe.get(event.source, event.severe) == event.severe else "set"
        rows.append((f"{event.term}, grade 1 or 2", "", event.mild, PROBABILITY, mild_source, ""))
        rows.append((f"{event.term}, grade 3 or 4", "", event.severe, PROBABILITY, source, ""))
    rows += [(name, "", *rest) for name, *rest in FIXED]
    return pd.DataFrame(rows, columns=["parameter", "period", "value", "unit", "source", "derivation"])
