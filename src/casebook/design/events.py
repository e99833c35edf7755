"""Events: how many a log-rank test needs, how many children it takes for them to come, and when they have come.

A study asks for events; children, time and losses decide whether it gets them. Children enter evenly over the accrual and
are followed until one day for all: accrual and follow-up after the last has entered. Where some are cured, the events may
never come at all, however long one waits, which is an error that says how many would.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from casebook.design.arms import Arm, checked_amount, checked_ratio, checked_times
from casebook.design.exact import checked_alpha, checked_errors, checked_inside
from casebook.errors import CasebookError

TIE = 1e-12
"""How far a number may be from another, relatively, and still be equal to it."""

UNEVEN = 1e3
"""Children in one arm for each in the other, at most."""

LEAST_CONFIDENCE = 1e-6
"""Limits of less confidence say nothing of how uncertain the estimate is."""


@dataclass(frozen=True)
class Plan:
    """A randomised study of two arms.

    Parameters
    ----------
    control, treatment : Arm
        What is thought true of each.
    accrual : float
        How long children enter, evenly; 0 if all do so at once.
    follow_up : float
        How long the last one to enter is followed.
    allocation : float
        Children in the treatment arm for each in the control arm, from 1 in :data:`UNEVEN` to that.

    Raises
    ------
    CasebookError
        If an arm is none, a duration is negative, both are 0, the allocation is not as said, or no event can be seen by the end.
    """

    control: Arm
    treatment: Arm
    accrual: float
    follow_up: float
    allocation: float = 1.0

    def __post_init__(self) -> None:
        for name in ("control", "treatment"):
            if not isinstance(arm := getattr(self, name), Arm):
                raise CasebookError(f"{name}: found {arm!r}, expected an Arm")
        for name in ("accrual", "follow_up"):
            object.__setattr__(self, name, checked_amount(getattr(self, name), name))
        treated_share(self.allocation)  # refuses what is none
        object.__setattr__(self, "allocation", float(self.allocation))
        if self.duration == 0:
            raise CasebookError("found neither accrual nor follow-up; expected one above 0")
        if self.event_probability == 0:
            raise CasebookError(f"found no event by the end, {self.duration:g}; expected some in either arm")

    @property
    def duration(self) -> float:
        """From the first child's entry to the analysis."""
        return self.accrual + self.follow_up

    @property
    def shares(self) -> tuple[tuple[Arm, float], ...]:
        """Each arm with its share of the children, control first."""
        treated = treated_share(self.allocation)
        return (self.control, 1 - treated), (self.treatment, treated)

    @property
    def event_probability(self) -> float:
        """The share of all children whose event is seen by the analysis."""
        return float(self.seen(self.duration))

    def seen(self, times: ArrayLike) -> np.ndarray:
        """Events seen by each calendar time, since the first entry, as a share of all children; in the shape of times."""
        times = checked_times(times)
        return sum(share * self._seen_of(arm, times) for arm, share in self.shares)

    def _seen_of(self, arm: Arm, times: np.ndarray) -> np.ndarray:
        if self.accrual == 0:
            return arm.seen(times)
        # Who entered at u of the accrual has been followed for t - u: the mean of seen over these.
        return (arm.seen_area(times) - arm.seen_area(np.maximum(times - self.accrual, 0))) / self.accrual


class Children(NamedTuple):
    """What a study takes: children in each arm as whole ones, and the exact number that they are rounded up from."""

    control: int
    treatment: int
    exact: float

    @property
    def n(self) -> int:
        """Of both arms together."""
        return self.control + self.treatment


# -- how many events ----------------------------------------------------------------------------------------------


def schoenfeld(
    ratio: float, *, alpha: float = 0.05, power: float = 0.8, sides: int = 2, allocation: float = 1.0
) -> float:
    """Events that a log-rank test needs to show a hazard ratio, not rounded (Schoenfeld 1981, 1983).

    ``(z_a + z_b)**2 / (p1 p2 log(ratio)**2)``, p1 and p2 the shares of the arms. It holds for proportional hazards, and best
    for ratios near 1. Where it gives a few events only, it is far outside its validity: in arms of one size, large beside
    that number, a two-sided test at 5% cannot reject with fewer than four. Less than one event is refused.

    Parameters
    ----------
    ratio : float
        Of the hazards, treatment to control.
    alpha : float
        The type I error, in all.
    power : float
        The probability of finding the ratio if it is true.
    sides : int
        Of the test: 1 or 2.
    allocation : float
        Children in the treatment arm for each in the control arm.

    Raises
    ------
    CasebookError
        If the ratio is not above 0 or is 1, the allocation not from 1 in :data:`UNEVEN` to that, the sides are not 1 or 2,
        alpha and power are not strictly between 0 and 1, power the higher, or less than one event would be enough.
    """
    alpha, power = checked_errors(alpha, power)
    deviations = -critical(alpha, sides) + float(ndtri(power))
    events = deviations**2 / _information(ratio, allocation)
    if events < 1:
        raise CasebookError(
            f"ratio: found {ratio:g}, for which {events:.2g} events were enough; expected one nearer 1, that takes one or more"
        )
    return events


def power_of(
    events: float, ratio: float, *, alpha: float = 0.05, sides: int = 2, allocation: float = 1.0
) -> float:
    """The power of a log-rank test with this many events: :func:`schoenfeld` turned round; parameters as there.

    Raises
    ------
    CasebookError
        As :func:`schoenfeld`; and if events are not 0 or more.
    """
    events = checked_amount(events, "events")
    deviations = critical(checked_alpha(alpha), sides)
    return float(ndtr(deviations + math.sqrt(events * _information(ratio, allocation))))


def detectable(
    events: float, *, alpha: float = 0.05, power: float = 0.8, sides: int = 2, allocation: float = 1.0
) -> float:
    """The hazard ratio below 1 that this many events show with this power; parameters as of :func:`schoenfeld`.

    Raises
    ------
    CasebookError
        As :func:`schoenfeld`; and if events are not 1 or more.
    """
    alpha, power = checked_errors(alpha, power)
    deviations = -critical(alpha, sides) + float(ndtri(power))
    treated = treated_share(allocation)
    return math.exp(-deviations / math.sqrt(_checked_events(events) * treated * (1 - treated)))


def assurance(
    events: float,
    ratio: float,
    limits: tuple[float, float],
    *,
    confidence: float = 0.95,
    alpha: float = 0.05,
    sides: int = 2,
    allocation: float = 1.0,
) -> float:
    """The probability that a study of so many events finds an effect, with the hazard ratio as uncertain as an estimate of it.

    The power, averaged over a normal distribution of the logarithm of the ratio whose confidence limits are those printed
    (Spiegelhalter and Freedman 1986; O'Hagan, Stevens and Campbell 2005). An effect the other way is not counted.

    Parameters
    ----------
    events : float
        Of the new study.
    ratio : float
        The estimate, of which only the side of 1 that it is on and its distance from 1 matter.
    limits : tuple of float
        Its lower and upper limit.
    confidence : float
        Of these limits.
    alpha, sides, allocation
        As of :func:`schoenfeld`, for the new study.

    Raises
    ------
    CasebookError
        As :func:`power_of`; and if the limits are not two above 0 with the ratio between them, or the confidence is not from
        :data:`LEAST_CONFIDENCE` to below 1.
    """
    limits = tuple(limits) if np.iterable(limits) else limits
    if not isinstance(limits, tuple) or len(limits) != 2:
        raise CasebookError(f"limits: found {limits!r}, expected a lower and an upper one")
    lower, upper = (checked_ratio(limit, "limits") for limit in limits)
    if not lower < checked_ratio(ratio) < upper:
        raise CasebookError(
            f"limits: found {lower:g} and {upper:g}, expected one below {ratio:g} and one above"
        )
    information = checked_amount(events, "events") * _information(ratio, allocation) / math.log(ratio) ** 2
    beyond = (1 - _checked_confidence(confidence)) / 2
    error = math.log(upper / lower) / (-2 * float(ndtri(beyond)))
    reached = critical(checked_alpha(alpha), sides) + abs(math.log(ratio)) * math.sqrt(information)
    return float(ndtr(reached / math.sqrt(1 + information * error**2)))


def critical(alpha: float, sides: int) -> float:
    """The deviation below which a standard normal statistic is significant: -1.96 for 5% and two sides.

    Raises
    ------
    CasebookError
        If sides are not 1 or 2.
    """
    if not isinstance(sides, Real) or isinstance(sides, bool) or sides not in (1, 2):
        raise CasebookError(f"sides: found {sides!r}, expected 1 or 2")
    return float(ndtri(alpha / sides))


def treated_share(allocation: float) -> float:
    """The share of the children in the treatment arm, of whom there are so many for each in the control arm.

    Raises
    ------
    CasebookError
        If the allocation is not a number from 1 in :data:`UNEVEN` to that.
    """
    allocation = checked_ratio(allocation, "allocation")
    if not 1 / UNEVEN <= allocation <= UNEVEN:
        raise CasebookError(
            f"allocation: found {allocation:g}, expected a number from {1 / UNEVEN:g} to {UNEVEN:g}"
        )
    return allocation / (1 + allocation)


def _checked_confidence(confidence: float) -> float:
    found = checked_inside(confidence, "confidence")
    if found < LEAST_CONFIDENCE:
        raise CasebookError(f"confidence: found {found:g}, expected {LEAST_CONFIDENCE:g} or more, as 0.95")
    return found


def _checked_events(events: float) -> float:
    if (found := checked_ratio(events, "events")) < 1:
        raise CasebookError(f"events: found {found:g}, expected 1 or more")
    return found


def _information(ratio: float, allocation: float) -> float:
    """What one event adds to the square of the expected test statistic."""
    if checked_ratio(ratio) == 1:
        raise CasebookError("ratio: found 1, expected another: there is then nothing to find")
    treated = treated_share(allocation)
    return treated * (1 - treated) * math.log(ratio) ** 2


# -- how many children, and when ----------------------------------------------------------------------------------


def children(plan: Plan, events: float) -> Children:
    """The children with whom so many events are expected by the analysis.

    Raises
    ------
    CasebookError
        If events are not 1 or more.
    """
    return rounded(plan, _checked_events(events) / plan.event_probability)


def rounded(plan: Plan, n: float) -> Children:
    """So many children as whole ones of each arm; a number that is whole but for rounding of floats is whole."""
    (_, control), (_, treated) = plan.shares
    return Children(math.ceil(n * control * (1 - TIE)), math.ceil(n * treated * (1 - TIE)), n)


def expected_events(plan: Plan, n: float, times: ArrayLike) -> np.ndarray:
    """Events expected by each calendar time since the first entry, of n children in all; in the shape of times.

    Raises
    ------
    CasebookError
        If n is not above 0, or a time not 0 or more.
    """
    return checked_ratio(n, "n") * plan.seen(times)


def analysis_time(plan: Plan, n: float, events: float) -> float:
    """When so many events are expected of n children, from the first entry on; follow-up then ends when they have come.

    Raises
    ------
    CasebookError
        If n or events are not above 0, or so many events never come: then with how many do.
    """
    share = checked_ratio(events, "events") / checked_ratio(n, "n")
    most = sum(part * arm.ever_seen for arm, part in plan.shares)
    if share >= most * (1 - TIE):
        raise CasebookError(
            f"found {events:g} events of {n:g} children; expected fewer than {n * most:.4g}, which is all that ever come: the "
            "others are cured or lost"
        )
    late = plan.duration
    while plan.seen(late) < share:
        late *= 2
    from scipy.optimize import brentq

    return float(brentq(lambda time: float(plan.seen(time)) - share, 0.0, late, xtol=1e-12, rtol=1e-14))


def accrual_time(plan: Plan, events: float, per_time: float) -> float:
    """How long children must enter at this rate until so many events are expected at the end of the plan's follow-up.

    The plan's own accrual does not matter.

    Raises
    ------
    CasebookError
        If events or the rate are not above 0.
    """
    events, per_time = checked_ratio(events, "events"), checked_ratio(per_time, "per_time")

    def expected(accrual: float) -> float:
        ends = np.array([plan.follow_up, plan.follow_up + accrual])
        return per_time * float(sum(share * np.diff(arm.seen_area(ends))[0] for arm, share in plan.shares))

    from scipy.optimize import brentq

    # One more child adds events, and the longer the accrual the more each of the first adds: expected has no bound.
    late = plan.duration
    while expected(late) < events:
        late *= 2
    return float(brentq(lambda accrual: expected(accrual) - events, 0.0, late, xtol=1e-12, rtol=1e-14))
