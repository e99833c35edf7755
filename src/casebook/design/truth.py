"""The truth of a scenario: what its trials estimate, by formula and quadrature instead of by simulation.

A patient who is not cured waits until failure or HSCT compete to end the wait, and then fails at another hazard; one who
is cured can fail only after HSCT. Within a piece of time all hazards are constant, and the probabilities of waiting and
of being transplanted without failure are sums of exponentials.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from casebook.arguments import shown, whole
from casebook.design.scenarios import Scenario
from casebook.errors import CasebookError

ARMS = ("control", "treatment")
NODES = 48
"""Points of Gauss and Legendre for each piece of time, in which every integrand is smooth."""

FARTHEST = 30.0
"""A log hazard ratio beyond which it is taken for infinite."""

CACHED = 4096
"""Scenarios of which what was computed is kept."""

STEEPEST = 20.0
"""A piece is as long as this over its fastest rate, or stands behind others that are, where what falls so fast is gone."""


class Hazards(NamedTuple):
    """The hazards of one arm in one stratum for each of p pieces of time, per month."""

    before: np.ndarray
    """Of failing before HSCT, of those not cured; shape (p,), as all."""

    after: np.ndarray
    """Of failing after it, of those not cured."""

    to_hsct: np.ndarray

    mortality: np.ndarray
    """Of failing after HSCT, of those cured."""

    cured: float


def hazards(scenario: Scenario, arm: str, stratum: int = 0) -> Hazards:
    """The hazards of an arm (``"control"`` or ``"treatment"``) in a stratum, counted from 0.

    Raises
    ------
    CasebookError
        If the scenario has no such arm or stratum.
    """
    _check_arm(scenario, arm)
    stratum = whole(stratum, "stratum", most=len(scenario.stratum_share) - 1)
    pieces = len(scenario.hazard_from)
    before = np.array(scenario.hazard) * scenario.stratum_ratio[stratum]
    if arm == "treatment":
        before = before * np.array(scenario.hazard_ratio)
    rates = scenario.hsct_treatment if arm == "treatment" else scenario.hsct_control
    return Hazards(
        before,
        before * scenario.hsct_ratio + scenario.hsct_mortality,
        np.array(rates) if rates else np.zeros(pieces),
        np.full(pieces, scenario.hsct_mortality),
        scenario.cured_treatment if arm == "treatment" else scenario.cured_control,
    )


def _check_arm(scenario: Scenario, arm: object) -> None:
    if not isinstance(arm, str) or arm not in ARMS[0 if scenario.control else 1 :]:
        raise CasebookError(f"found the arm {shown(arm)}; expected one that scenario {scenario.id} has")


def sizes(scenario: Scenario) -> np.ndarray:
    """Patients by stratum and arm, shape (s, 2): shares of each arm, rounded so that they add up."""
    bounds = np.append(0, np.cumsum(scenario.stratum_share) / sum(scenario.stratum_share))
    return np.column_stack(
        [np.diff(np.floor(bounds * n + 0.5)).astype(int) for n in (scenario.control, scenario.treatment)]
    )


# -- one patient ----------------------------------------------------------------------------------------------------


def _states(found: Hazards, starts: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probability of being free of failure at each time, and the density of failing there."""
    free, density = np.zeros(times.size), np.zeros(times.size)
    kinds = (
        (1 - found.cured, found.before, found.after),
        (found.cured, np.zeros(starts.size), found.mortality),
    )
    for share, before, after in kinds:
        waiting, transplanted = share, 0.0
        for piece, start in enumerate(starts):
            leave = before[piece] + found.to_hsct[piece]
            end = starts[piece + 1] if piece + 1 < starts.size else np.inf
            here = (times >= start) & (times < end)

            t = np.append(times[here], end if end < np.inf else start) - start
            came = found.to_hsct[piece] * waiting * _both(after[piece], leave, t)
            transplanted = transplanted * np.exp(-after[piece] * t) + came
            waiting = waiting * np.exp(-leave * t)
            free[here] += (waiting + transplanted)[:-1]
            density[here] += (before[piece] * waiting + after[piece] * transplanted)[:-1]
            waiting, transplanted = waiting[-1], transplanted[-1]
    return free, density


def _both(one: float, other: float, t: np.ndarray) -> np.ndarray:
    """The integral over u from 0 to t of ``exp(-other u) exp(-one (t - u))``, also where the two hazards are alike."""
    low, apart = min(one, other), abs(one - other)
    return np.exp(-low * t) * (t if apart == 0 else -np.expm1(-apart * t) / apart)


def _of_arm(scenario: Scenario, arm: str, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _check_arm(scenario, arm)
    n = sizes(scenario)[:, ARMS.index(arm)]
    starts = np.array(scenario.hazard_from)
    parts = [_states(hazards(scenario, arm, stratum), starts, times) for stratum in range(n.size)]
    free, density = (np.tensordot(n / n.sum(), [part[which] for part in parts], 1) for which in (0, 1))
    return free, density


def survival(scenario: Scenario, arm: str, times: ArrayLike) -> np.ndarray:
    """The probability of being free of failure at some months since entry, over all strata of the arm.

    Raises
    ------
    CasebookError
        If the scenario has no such arm, or a time is negative or no finite number.
    """
    given = times
    try:
        times = np.atleast_1d(np.asarray(given, dtype=float))
    except (TypeError, ValueError):
        raise CasebookError(f"found the times {shown(given)}; expected months of 0 or more") from None
    if not (np.isfinite(times) & (times >= 0)).all():
        raise CasebookError(f"found the times {shown(times.tolist())}; expected months of 0 or more")
    return _of_arm(scenario, arm, times)[0]


def restricted_mean(scenario: Scenario, arm: str) -> float:
    """The mean time free of failure up to the horizon, in months."""
    times, widths = _grid(scenario, scenario.horizon)
    return float(survival(scenario, arm, times) @ widths)


def _grid(scenario: Scenario, end: float, *breaks: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of a quadrature from 0 to ``end``, piece by piece, parted also at the breaks.

    A piece so long that hazards fall steeply in it is parted again: first as long as :data:`STEEPEST` allows, and then
    twice as long each time, as there only what falls slower is left.
    """
    starts = np.array(scenario.hazard_from)
    ends = np.unique([0.0, end, *(t for t in (*starts, *breaks) if 0 < t < end)])
    fastest = _fastest(scenario)
    parts = []
    for start, stop in pairwise(ends):
        rate = fastest[np.searchsorted(starts, start, side="right") - 1]
        parts.append(start)
        width = STEEPEST / rate if rate * (stop - start) > STEEPEST else stop - start
        while start + width < stop:
            parts.append(start + width)
            width *= 2
    ends = np.unique([*parts, end])
    points, weights = _nodes()
    halves = np.diff(ends) / 2
    times = (ends[:-1] + halves)[:, None] + halves[:, None] * points
    return times.ravel(), (halves[:, None] * weights).ravel()


@lru_cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    # Once: finding them takes as long as all the rest.
    return np.polynomial.legendre.leggauss(NODES)


def _fastest(scenario: Scenario) -> np.ndarray:
    """The greatest total rate at which patients leave any state, for each piece of time."""
    found = [
        hazards(scenario, arm, stratum)
        for arm in ARMS[0 if scenario.control else 1 :]
        for stratum in range(len(scenario.stratum_share))
    ]
    return scenario.drop_out + np.max([np.maximum(h.before + h.to_hsct, h.after) for h in found], axis=0)


# -- the trial ------------------------------------------------------------------------------------------------------


def _followed(scenario: Scenario, month: float, times: np.ndarray) -> np.ndarray:
    """The probability that a patient, if free of failure, is still seen so long after entry at this calendar month."""
    span = month - times
    entered = np.clip(span / scenario.accrual, 0, 1) if scenario.accrual else (span >= 0).astype(float)
    return entered * np.exp(-scenario.drop_out * times)


def expected_events(scenario: Scenario, month: float) -> float:
    """How many have failed under observation by a calendar month since accrual began.

    Patients whom the analysis censors at HSCT are counted as if it did not.
    """
    if isinstance(month, bool) or not isinstance(month, Real) or not 0 < month <= scenario.end:
        raise CasebookError(
            f"found the month {shown(month)}; expected it above 0, and at most {scenario.end:g}"
        )
    times, widths = _grid(scenario, month, month - scenario.accrual)
    seen = _followed(scenario, month, times) * widths
    return sum(
        n * float(_of_arm(scenario, arm, times)[1] @ seen)
        for arm, n in zip(ARMS, (scenario.control, scenario.treatment), strict=True)
        if n
    )


@lru_cache(maxsize=CACHED)
def _last_month(scenario: Scenario) -> float:
    """The end, or the month at which the number of events is expected that ends the trial."""
    if scenario.events is None or expected_events(scenario, scenario.end) <= scenario.events:
        return scenario.end
    from scipy.optimize import brentq

    first = 1e-9 * scenario.end
    if expected_events(scenario, first) >= scenario.events:
        return first
    return brentq(lambda month: expected_events(scenario, month) - scenario.events, first, scenario.end)


def comparable(scenario: Scenario) -> bool:
    """Whether patients of both arms fail while the other is at risk, so that there is a ratio for Cox's model to estimate.

    Raises CasebookError if there is one arm.
    """
    score = _score(scenario)
    return score(-FARTHEST) > 0 > score(FARTHEST)


@lru_cache(maxsize=CACHED)
def log_hazard_ratio(scenario: Scenario) -> float:
    """What Cox's model of the arms estimates, in trials so large that chance is gone.

    With proportional hazards, the logarithm of their ratio. Otherwise an average over the time of follow-up, and so
    another number for other accrual, follow-up and drop-out (Struthers and Kalbfleisch 1986): the root of the expected
    score. It is that of the last analysis, with patients followed beyond HSCT.

    Raises
    ------
    CasebookError
        If there is one arm, or the ratio is 0 or infinite.
    """
    score = _score(scenario)
    if not score(-FARTHEST) > 0 > score(FARTHEST):
        raise CasebookError(
            f"found no failure in one arm of scenario {scenario.id} while the other is at risk; expected a ratio of hazards"
        )
    from scipy.optimize import brentq

    return brentq(score, -FARTHEST, FARTHEST, xtol=1e-13)


def _score(scenario: Scenario) -> Callable[[float], float]:
    """What is expected of the score of Cox's model, by the log hazard ratio."""
    if not scenario.control:
        raise CasebookError(f"found one arm in scenario {scenario.id}; expected two to compare")
    month = _last_month(scenario)
    times, widths = _grid(scenario, month, month - scenario.accrual)
    seen = _followed(scenario, month, times) * widths
    starts = np.array(scenario.hazard_from)
    n = sizes(scenario)
    at_risk, failing = np.zeros((2, len(n), 2, times.size))
    for stratum, arm in np.ndindex(n.shape):
        free, density = _states(hazards(scenario, ARMS[arm], stratum), starts, times)
        at_risk[stratum, arm], failing[stratum, arm] = (
            n[stratum, arm] * free,
            n[stratum, arm] * density * seen,
        )
    if not scenario.stratified:
        at_risk, failing = at_risk.sum(axis=0, keepdims=True), failing.sum(axis=0, keepdims=True)
    everyone = failing.sum(axis=1)

    def score(beta: float) -> float:
        treated = at_risk[:, 1] * np.exp(beta)
        share = np.divide(treated, at_risk[:, 0] + treated, out=np.zeros_like(treated), where=treated > 0)
        return float(failing[:, 1].sum() - (everyone * share).sum())

    return score


class Truth(NamedTuple):
    """What estimates of a scenario are to find, whatever its analysis does at HSCT; ``None`` of what one arm does not have."""

    log_hazard_ratio: float | None
    milestone: float
    """Survival at the milestone: of treatment less that of control, or of the only arm."""

    restricted_mean: float
    """Mean months up to the horizon: of treatment less that of control, or of the only arm."""


@lru_cache(maxsize=CACHED)
def truth(scenario: Scenario) -> Truth:
    """The truth of what every trial of a scenario is summarised by."""

    def values(arm: str) -> np.ndarray:
        return np.array([survival(scenario, arm, [scenario.milestone])[0], restricted_mean(scenario, arm)])

    if not scenario.control:
        return Truth(None, *map(float, values("treatment")))
    return Truth(log_hazard_ratio(scenario), *map(float, values("treatment") - values("control")))


# -- bounds ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=CACHED)
def level(scenario: Scenario) -> float | None:
    """The two-sided level of the bounds for a difference: how probably one is passed where there is no effect.

    That of a Brownian motion at the fractions of events, rounded up, at which looks are held, and so of a log-rank test in
    large trials that reach their ``events``. What futility stops is not counted: the level is kept if a trial goes on
    against its futility bounds.

    Returns
    -------
    float or None
        None without ``critical``; of one arm or with looks by month, as it is not known beforehand how much information a
        look has; and where there are more looks, or looks closer to each other, than
        :class:`casebook.design.sequential.Boundaries` takes.
    """
    if not (scenario.critical and scenario.control and scenario.look_by == "fraction"):
        return None
    from casebook.design.sequential import Boundaries, crossing

    events = [*scenario.look_counts, scenario.events]
    try:
        bounds = Boundaries(
            [n / scenario.events for n in events], scenario.critical, [-z for z in scenario.critical]
        )
    except CasebookError:
        return None
    found = crossing(bounds, 0.0)
    return float(found.upper.sum() + found.lower.sum())
