"""Simulated cohorts whose truth is known: patients who do not exist, to try methods on.

A patient starts blinatumomab in remission and waits; transplantation, relapse and death compete, with other rates of
relapse and death after transplantation, and one of death after relapse. That is a Markov process in the time since the
start, with rates constant between given months, so that its state probabilities are products of matrix exponentials
(:func:`truth`) and its times are found by inverting cumulative rates (:func:`simulate`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.linalg import expm

from casebook.arguments import whole
from casebook.cohort import schema
from casebook.cohort.record import Cohort
from casebook.cohort.scenario import (
    AGE_LIMITS,
    AGE_MEDIAN,
    AGE_QUARTILES,
    DAYS_FROM_DIAGNOSIS,
    DAYS_TO_RESOLVE,
    GRADE_4_OF_SEVERE,
    GRAFTS,
    SCENARIO,
    Scenario,
)
from casebook.errors import CasebookError

DAYS_A_MONTH = schema.DAYS_A_YEAR / 12

STREAMS = ("accrual", "course", "drop-out", "background", "readings", "adverse events")
"""What is drawn apart: each from a stream of its own, so that changing one leaves the others as they were."""

NEVER = np.inf

LONGEST = 1e6
"""Days for which :func:`truth` is told. Matrix exponentials of much longer times overflow."""

STATES = (
    "waiting", "transplanted",
    "relapsed, no HSCT", "relapsed after HSCT",
    "died in remission, no HSCT", "died in remission after HSCT",
    "died after relapse, no HSCT", "died after relapse and HSCT",
)  # fmt: skip
MOVES = {
    "hsct": ((0, 1),),
    "relapse_before_hsct": ((0, 2),),
    "death_before_hsct": ((0, 4),),
    "relapse_after_hsct": ((1, 3),),
    "death_after_hsct": ((1, 5),),
    "death_after_relapse": ((2, 6), (3, 7)),
}
"""Between which states (by position) each rate moves patients."""


def truth(scenario: Scenario, times: Sequence[float]) -> pd.DataFrame:
    """The probabilities that estimates from a cohort of this scenario are to find.

    Parameters
    ----------
    scenario : Scenario
    times : sequence of float
        Days since the start of blinatumomab, from 0 to :data:`LONGEST`, in any order.

    Returns
    -------
    DataFrame
        ``time``; the probability of each of :data:`STATES`, which sum to 1; and, by the codes of
        :data:`casebook.cohort.endpoints.ENDPOINTS`, the survivals ``OS`` and ``RFS`` and the cumulative incidences ``CIR``,
        ``NRM`` and ``TTHSCT`` of their events of interest.

    Raises
    ------
    CasebookError
        If this is no scenario, or a time is no number from 0 to :data:`LONGEST`.

    Notes
    -----
    With rates that are constant between break points the transition matrix is the product of the exponentials of the
    rate matrices times the lengths of the pieces (the solution of Kolmogorov's forward equations).
    """
    _check(scenario)
    try:
        days = np.asarray(times, dtype=float)
    except (TypeError, ValueError):
        days = np.array(np.nan)
    if days.ndim != 1 or not ((days >= 0) & (days <= LONGEST)).all():
        raise CasebookError(f"found the times {times!r}; expected a row of days from 0 to {LONGEST:.0f}")
    months, starts = days / DAYS_A_MONTH, np.asarray(scenario.from_month)
    generators = _generators(scenario)
    probabilities = np.empty((days.size, len(STATES)))
    at_start = np.eye(len(STATES))[0]
    piece = np.searchsorted(starts, months, side="right") - 1
    for number, start in enumerate(starts):
        here = piece == number
        if here.any():
            within = expm(generators[number] * (months[here] - start)[:, None, None])
            probabilities[here] = at_start @ within
        if number + 1 < starts.size:
            at_start = at_start @ expm(generators[number] * (starts[number + 1] - start))
    frame = pd.DataFrame({"time": days} | dict(zip(STATES, probabilities.T, strict=True)))
    relapsed_or_died = frame[list(STATES[2:])].sum(axis=1)
    died_in_remission = frame[list(STATES[4:6])].sum(axis=1)
    died = frame[list(STATES[4:])].sum(axis=1)
    return frame.assign(
        OS=1 - died,
        RFS=1 - relapsed_or_died,
        CIR=relapsed_or_died - died_in_remission,
        NRM=died_in_remission,
        TTHSCT=frame[list(STATES[1::2])].sum(axis=1),
    )


def simulate(scenario: Scenario = SCENARIO, seed: int = 0) -> Cohort:
    """A cohort drawn from a scenario.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        0 or more. The same scenario and seed give the same cohort.

    Returns
    -------
    Cohort
        Three tables with all columns of :mod:`casebook.cohort.schema`, and ``simulated`` true. A moment within day d after
        the start falls on day d, so that none falls on day 0 and cumulative incidences on whole days are those of
        :func:`truth`; only a relapse on the day of HSCT is moved to the day after. Nothing is recorded after the last
        contact, which is death, drop-out or the cutoff, whichever comes first. No patient is transplanted after relapse.

    Raises
    ------
    CasebookError
        If this is no scenario, or the seed is no whole number of 0 or more.
    """
    _check(scenario)
    seed = whole(seed, "seed")
    n = int(scenario.n)
    start = np.datetime64(scenario.accrual_start, "D") + _stream(seed, "accrual").integers(
        scenario.accrual_days, size=n
    )
    course = _course(scenario, _stream(seed, "course"))
    lost = _days(
        _reach(
            np.zeros(1),
            np.full(1, scenario.drop_out),
            np.zeros(n),
            _stream(seed, "drop-out").standard_exponential(n),
        )
    )
    to_cutoff = (np.datetime64(scenario.cutoff, "D") - start).astype(float)
    followed = np.minimum(np.minimum(to_cutoff, lost), course["death"])
    ids = _ids("p", n)

    def on(days: np.ndarray) -> np.ndarray:
        return _dates(start, np.where(days <= followed, days, NEVER))

    infusion_end = np.minimum.reduce([np.full(n, float(scenario.infusion_days)), *course.values()])
    background = _background(scenario, _stream(seed, "background"), course["hsct"] <= followed)
    patients = background | {
        "id": ids,
        "diagnosis_date": _dates(start, -background["days_from_diagnosis"]),
        "blinatumomab_start": _dates(start, np.zeros(n)),
        "blinatumomab_end": on(infusion_end),
        "hsct_date": on(course["hsct"]),
        "relapse_date": on(course["relapse"]),
        "death_date": on(course["death"]),
        "last_contact_date": _dates(start, followed),
    }
    return Cohort(
        patients=_frame("patients", patients),
        assessments=_frame(
            "assessments", _readings(scenario, _stream(seed, "readings"), ids, start, followed, course)
        ),
        adverse_events=_frame(
            "adverse_events", _adverse_events(scenario, _stream(seed, "adverse events"), ids, start, followed)
        ),
        simulated=True,
    )


def _check(scenario: Scenario) -> None:
    if not isinstance(scenario, Scenario):
        raise CasebookError(f"found the scenario {scenario!r}; expected a Scenario")


# -- courses ------------------------------------------------------------------------------------------------


def _generators(scenario: Scenario) -> np.ndarray:
    """The rate matrices, one for each piece: (pieces, states, states)."""
    generators = np.zeros((len(scenario.from_month), len(STATES), len(STATES)))
    for name, moves in MOVES.items():
        for origin, target in moves:
            generators[:, origin, target] = getattr(scenario, name)
            generators[:, origin, origin] -= getattr(scenario, name)
    return generators


def _course(scenario: Scenario, stream: np.random.Generator) -> dict[str, np.ndarray]:
    """Days from the start to ``hsct``, ``relapse`` and ``death`` of every patient, as they truly happen; inf for never."""
    n, starts = int(scenario.n), np.asarray(scenario.from_month)
    waits, chances = stream.standard_exponential((3, n)), stream.random((2, n))

    def leave(names: tuple[str, ...], since: np.ndarray, wait: np.ndarray, chance: np.ndarray):
        """When patients leave a state, and by which of these rates (by position)."""
        rates = np.array([getattr(scenario, name) for name in names])
        moment = _reach(starts, rates.sum(axis=0), since, wait)
        there = rates[:, np.searchsorted(starts, moment, side="right") - 1]
        way = (np.cumsum(there, axis=0) <= chance * there.sum(axis=0)).sum(axis=0)
        return moment, np.where(np.isfinite(moment), way, len(names))

    first, way = leave(
        ("hsct", "relapse_before_hsct", "death_before_hsct"), np.zeros(n), waits[0], chances[0]
    )
    hsct = np.where(way == 0, first, NEVER)
    second, after = leave(("relapse_after_hsct", "death_after_hsct"), hsct, waits[1], chances[1])
    relapse = np.where(way == 1, first, np.where((way == 0) & (after == 0), second, NEVER))
    remission_death = np.where(way == 2, first, np.where((way == 0) & (after == 1), second, NEVER))
    relapse_death, _ = leave(("death_after_relapse",), relapse, waits[2], np.zeros(n))
    days = {
        "hsct": _days(hsct),
        "relapse": _days(relapse),
        "death": np.minimum(_days(remission_death), _days(relapse_death)),
    }
    # A relapse on the day of HSCT would read as one before it; a death follows it.
    days["relapse"] += days["relapse"] == days["hsct"]
    days["death"] = np.where(
        np.isfinite(days["relapse"]), np.maximum(days["death"], days["relapse"]), days["death"]
    )
    return days


def _reach(starts: np.ndarray, rates: np.ndarray, since: np.ndarray, wait: np.ndarray) -> np.ndarray:
    """The months at which the cumulative rate has grown by ``wait`` since the months ``since``; inf for never."""
    total = np.concatenate([[0.0], np.cumsum(rates[:-1] * np.diff(starts))])
    begun = np.isfinite(since)
    months = np.where(begun, since, 0.0)
    piece = np.searchsorted(starts, months, side="right") - 1
    goal = total[piece] + rates[piece] * (months - starts[piece]) + wait
    piece = np.searchsorted(total, goal, side="right") - 1
    reached = np.full(goal.shape, NEVER)
    np.divide(goal - total[piece], rates[piece], out=reached, where=begun & (rates[piece] > 0))
    return starts[piece] + reached


def _days(months: np.ndarray) -> np.ndarray:
    return np.maximum(np.ceil(months * DAYS_A_MONTH), 1.0)


# -- tables -------------------------------------------------------------------------------------------------


def _background(
    scenario: Scenario, stream: np.random.Generator, transplanted: np.ndarray
) -> dict[str, np.ndarray]:
    """What is known of patients beside their course; nothing of it changes the course."""
    n = transplanted.size
    grafts = [(donor, match, count / len(donors)) for donors, match, count, _ in GRAFTS for donor in donors]
    weights = np.array([weight for _, _, weight in grafts])
    graft = stream.choice(len(grafts), size=n, p=weights / weights.sum())
    # The quartiles of a normal distribution are 1.349 standard deviations apart.
    age = AGE_MEDIAN * (AGE_QUARTILES[1] / AGE_QUARTILES[0]) ** (stream.standard_normal(n) / 1.349)

    def of_graft(part: int) -> np.ndarray:
        return np.where(transplanted, np.array([one[part] for one in grafts], dtype=object)[graft], None)

    return {
        "sex": stream.choice(np.array(schema.SEXES, dtype=object), size=n),
        "age_years": np.round(np.clip(age, *AGE_LIMITS), 1),
        "risk_group": stream.choice(np.array(("intermediate", "high"), dtype=object), size=n),
        "days_from_diagnosis": stream.integers(*DAYS_FROM_DIAGNOSIS, size=n, endpoint=True).astype(float),
        "donor": of_graft(0),
        "match": of_graft(1),
        "indication": np.full(n, "persistent MRD", dtype=object),
    }


def _readings(
    scenario: Scenario,
    stream: np.random.Generator,
    ids: np.ndarray,
    start: np.ndarray,
    followed: np.ndarray,
    course: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """MRD on the days of visits up to the end of follow-up or relapse: it falls in a line, and grows towards a relapse."""
    days = np.asarray(scenario.visits, dtype=float)
    baseline = scenario.mrd_baseline + scenario.mrd_baseline_sd * stream.standard_normal(ids.size)
    noise = scenario.mrd_noise_sd * stream.standard_normal((ids.size, days.size))
    level = baseline[:, None] - scenario.mrd_fall * days / DAYS_A_MONTH
    to_relapse = course["relapse"][:, None] - days
    # A relapse grows whether or not follow-up lasts until it; who never relapses is an infinite time before one.
    with np.errstate(invalid="ignore"):
        grown = np.where(
            np.isfinite(to_relapse),
            scenario.mrd_at_relapse - scenario.mrd_growth * to_relapse / DAYS_A_MONTH,
            -np.inf,
        )
    measured = np.minimum(np.maximum(level, grown) + noise, 2.0)
    who, visit = np.nonzero((days <= followed[:, None]) & (to_relapse > 0))
    found = measured[who, visit]
    positive = found >= scenario.quantification_limit
    # By position in RESULTS: positive, negative, not quantifiable.
    result = np.where(positive, 0, np.where(found < scenario.detection_limit, 1, 2))
    limit = 10.0**scenario.detection_limit
    names = np.array(
        ["before blinatumomab" if day == 0 else f"day {day}" for day in scenario.visits], dtype=object
    )
    return {
        "id": _ids("m", who.size),
        "patient": ids[who],
        "date": _dates(start[who], days[visit]),
        "visit": names[visit],
        "analyte": np.full(who.size, schema.MRD, dtype=object),
        "method": np.full(who.size, "flow cytometry", dtype=object),
        "value": np.where(positive, 10.0**found, np.nan),
        "result": np.array(schema.RESULTS, dtype=object)[result],
        "detection_limit": np.full(who.size, limit),
        "sensitivity": np.full(who.size, limit),
    }


def _adverse_events(
    scenario: Scenario, stream: np.random.Generator, ids: np.ndarray, start: np.ndarray, followed: np.ndarray
) -> dict[str, np.ndarray]:
    """At most one of each kind in a patient, on a day of the infusion; kinds are independent of each other."""
    parts = [(np.empty(0, dtype=int), np.empty(0, dtype=object), *np.empty((4, 0)))]
    for event in scenario.adverse_events:
        chance, grading, serious = stream.random((3, ids.size))
        onset = stream.integers(scenario.infusion_days, size=ids.size).astype(float)
        lasts = stream.geometric(1 / DAYS_TO_RESOLVE, size=ids.size)
        severe = chance < event.severe
        grade = np.where(severe, 3 + (grading < GRADE_4_OF_SEVERE), 1 + (grading < 0.5)).astype(float)
        who = np.flatnonzero((chance < event.severe + event.mild) & (onset <= followed))
        over = np.where(onset + lasts <= followed, onset + lasts, NEVER)
        is_serious = severe & (serious < scenario.serious_if_severe)
        parts.append(
            (
                who,
                np.full(who.size, event.term, dtype=object),
                grade[who],
                is_serious[who],
                onset[who],
                over[who],
            )
        )
    who, term, grade, serious, onset, over = map(np.concatenate, zip(*parts, strict=True))
    order = np.lexsort((onset, who))
    who, term, grade, serious, onset, over = (
        part[order] for part in (who, term, grade, serious, onset, over)
    )
    return {
        "id": _ids("ae", who.size),
        "patient": ids[who],
        "term": term,
        "ctcae_version": np.full(who.size, "5.0", dtype=object),
        "grade": grade,
        "serious": serious.astype(bool),
        "onset_date": _dates(start[who], onset),
        "resolved_date": _dates(start[who], over),
    }


def _stream(seed: int, purpose: str) -> np.random.Generator:
    sequence = np.random.SeedSequence(seed, spawn_key=(STREAMS.index(purpose),))
    return np.random.Generator(np.random.PCG64(sequence))


def _dates(start: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Days after the start as dates; inf as NaT."""
    happened = np.isfinite(days)
    dates = start + np.where(happened, days, 0).astype("timedelta64[D]")
    return np.where(happened, dates, np.datetime64("NaT")).astype("datetime64[ns]")


def _ids(prefix: str, count: int) -> np.ndarray:
    width = len(str(count))
    return np.array([f"{prefix}{number:0{width}d}" for number in range(1, count + 1)], dtype=object)


def _frame(table: str, columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """A table with the columns and types of the schema, in its order; those that are not simulated are empty."""
    rules = schema.TABLES[table].columns
    nothing = np.full(columns["id"].size, None, dtype=object)
    typed = {
        name: pd.array(columns.get(name, nothing), dtype=str(rule.dtype), copy=False)
        for name, rule in rules.items()
        if name != "id"
    }
    return pd.DataFrame(typed, index=pd.Index(columns["id"], name="id", dtype="object"), copy=False)
