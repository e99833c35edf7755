"""Arms of a planned study: when events come and children are lost, by hazards that are constant on stretches of time.

A share ``cured`` never has the event. The others have it at a hazard that changes at the starts of the stretches, so that
``S(t) = cured + (1 - cured) exp(-H(t))``, H the hazard added up. Every child, cured or not, may be lost to follow-up at a
constant rate. All integrals below are exact, stretch by stretch.

A plateau can be had in two ways that differ in what a treatment does. With a last hazard of 0 all children have one hazard,
and multiplying it by a ratio raises the plateau: hazards are proportional. With a cured share a ratio only delays the events
of the others: the curves meet again at the plateau, and hazards are not proportional.

Times are in one unit, chosen by the caller, hazards and losses per that unit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import exprel, hyp1f1

from casebook.errors import CasebookError
from casebook.trials.rates import as_array

LARGEST = 1e12
"""No amount may be larger, and none that must be above 0 smaller than one in so many: no integral then overflows."""

LATEST = 1e60
"""No time may be later at which something is asked."""


@dataclass(frozen=True)
class Arm:
    """One arm: hazards of the event, the share who never have it, and losses.

    Parameters
    ----------
    hazards : sequence of float, length k
        Of those who are not cured, in each stretch; 0 or more.
    starts : sequence of float, length k
        When each stretch begins: 0 first, ascending.
    cured : float
        The share who never have the event: 0 or more, below 1.
    dropout : float
        The hazard of being lost, 0 or more.

    Raises
    ------
    CasebookError
        If a value is not as said, by its field.
    """

    hazards: Sequence[float]
    starts: Sequence[float] = (0.0,)
    cured: float = 0.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("hazards", "starts"):
            if not np.iterable(value := getattr(self, name)):
                raise CasebookError(f"{name}: found {value!r}, expected a number for each stretch, as [0.1]")
        hazards = tuple(checked_amount(value, f"hazards[{i}]") for i, value in enumerate(self.hazards))
        starts = tuple(checked_amount(value, f"starts[{i}]") for i, value in enumerate(self.starts))
        if not hazards or len(hazards) != len(starts):
            raise CasebookError(
                f"found {len(hazards)} hazards and {len(starts)} starts; expected as many, one or more"
            )
        if starts[0] != 0 or any(late <= early for early, late in itertools.pairwise(starts)):
            raise CasebookError(f"starts: found {starts}, expected 0 first and then later ones, ascending")
        cured = checked_amount(self.cured, "cured")
        if cured >= 1:
            raise CasebookError(f"cured: found {cured:g}, expected a share below 1")
        dropout = checked_amount(self.dropout, "dropout")
        for name, value in (("hazards", hazards), ("starts", starts), ("cured", cured), ("dropout", dropout)):
            object.__setattr__(self, name, value)

    def times(self, ratio: float) -> Arm:
        """The arm with every hazard multiplied: that of a treatment with this hazard ratio, if nobody is cured.

        Raises
        ------
        CasebookError
            If the ratio is not above 0.
        """
        ratio = checked_ratio(ratio)
        return replace(self, hazards=tuple(ratio * hazard for hazard in self.hazards))

    def survival(self, times: ArrayLike) -> np.ndarray:
        """The share without the event at each of the times, if nobody were lost; in their shape.

        Raises
        ------
        CasebookError
            If a time is not a number of 0 or more.
        """
        return self.cured + (1 - self.cured) * np.exp(-self._added_up(checked_times(times)))

    def density(self, times: ArrayLike) -> np.ndarray:
        """Events per unit of time at each of the times, of all who entered and if nobody were lost; in their shape.

        Raises
        ------
        CasebookError
            If a time is not a number of 0 or more.
        """
        times = checked_times(times)
        hazards = self._stretches[1][self._place(times)]
        return (1 - self.cured) * hazards * np.exp(-self._added_up(times))

    def seen(self, times: ArrayLike) -> np.ndarray:
        """The share whose event is seen by each time since their entry: before they are lost; in the shape of times.

        Raises
        ------
        CasebookError
            If a time is not a number of 0 or more.
        """
        return self._integrals(checked_times(times))[0]

    def seen_area(self, times: ArrayLike) -> np.ndarray:
        """The integral of :meth:`seen` from 0 to each time: events of one child entering per unit of time.

        Raises
        ------
        CasebookError
            If a time is not a number of 0 or more.
        """
        return self._integrals(checked_times(times))[1]

    @property
    def ever_seen(self) -> float:
        """The share whose event would be seen if all were followed for ever."""
        starts, hazards, begun, seen, _ = self._stretches
        rate = hazards[-1] + self.dropout
        last = hazards[-1] / rate * math.exp(-begun[-1] - self.dropout * starts[-1]) if rate else 0.0
        return float(seen[-1] + (1 - self.cured) * last)

    @cached_property
    def _stretches(self) -> tuple[np.ndarray, ...]:
        """By stretch: its start and hazard; and where it begins the hazard added up, and both integrals."""
        starts, hazards = np.array(self.starts), np.array(self.hazards)
        begun = np.concatenate([[0.0], np.cumsum(hazards[:-1] * np.diff(starts))])
        seen, area = np.zeros((2, starts.size))
        for i, wide in enumerate(np.diff(starts)):
            first, second = self._step(hazards[i], starts[i], begun[i], wide)
            seen[i + 1] = seen[i] + first
            area[i + 1] = area[i] + seen[i] * wide + second
        return starts, hazards, begun, seen, area

    def _added_up(self, times: np.ndarray) -> np.ndarray:
        starts, hazards, begun, _, _ = (column[self._place(times)] for column in self._stretches)
        return begun + hazards * (times - starts)

    def _step(self, hazard, start, begun, wide):
        """The growth of :meth:`seen` over a width from the start of a stretch, and the integral of that growth."""
        rate = (hazard + self.dropout) * wide
        density = (1 - self.cured) * hazard * np.exp(-begun - self.dropout * start)
        # (1 - exp(-x)) / x and (x - 1 + exp(-x)) / x**2, which have no jump at 0.
        return density * wide * exprel(-rate), density * wide**2 * hyp1f1(1, 3, -rate) / 2

    def _integrals(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place = self._place(times)
        starts, hazards, begun, seen, area = (column[place] for column in self._stretches)
        wide = times - starts
        first, second = self._step(hazards, starts, begun, wide)
        return seen + first, area + seen * wide + second

    def _place(self, times: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.starts, times, side="right") - 1


def hazard_of(survival: float, time: float, cured: float = 0.0) -> float:
    """The constant hazard of those not cured with which a share ``survival`` of all has had no event by a time.

    Of a median it is ``hazard_of(0.5, median)``.

    Raises
    ------
    CasebookError
        If the time is not above 0, the cured share not 0 or more, the survival not above it and below 1, or the hazard
        higher than an arm may have.
    """
    time, cured = checked_amount(time, "time"), checked_amount(cured, "cured")
    if time == 0:
        raise CasebookError("time: found 0, expected one above 0")
    if not isinstance(survival, Real) or not cured < survival < 1:
        raise CasebookError(
            f"survival: found {survival!r}, expected a share below 1 and above that of the cured, {cured:g}"
        )
    hazard = -math.log((survival - cured) / (1 - cured)) / time
    if hazard > LARGEST:
        raise CasebookError(f"time: found {time:g}, expected one at which the hazard is at most {LARGEST:g}")
    return hazard


# -- what numbers must be -----------------------------------------------------------------------------------------


def checked_amount(value: object, what: str) -> float:
    """``value`` as a float; ``what`` names it in the error.

    Raises
    ------
    CasebookError
        Unless it is a number from 0 to :data:`LARGEST`.
    """
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise CasebookError(f"{what}: found {value!r}, expected a number of 0 or more")
    if value > LARGEST:  # not shown: Python refuses to write out the longest
        raise CasebookError(f"{what}: found a number beyond {LARGEST:g}, expected one of at most that")
    return float(value)


def checked_ratio(value: object, what: str = "ratio") -> float:
    """``value`` as a float; ``what`` names it in the error.

    Raises
    ------
    CasebookError
        Unless it is a number above 0, from 1 in :data:`LARGEST` to that.
    """
    if checked_amount(value, what) == 0:
        raise CasebookError(f"{what}: found 0, expected a number above 0")
    if value < 1 / LARGEST:
        raise CasebookError(f"{what}: found {float(value):g}, expected a number of at least {1 / LARGEST:g}")
    return float(value)


def checked_times(times: ArrayLike) -> np.ndarray:
    """Times as an array of floats in their shape.

    Raises
    ------
    CasebookError
        Unless all are numbers from 0 to :data:`LATEST`.
    """
    column = as_array(times)
    if column.dtype.kind not in "iuf" or not np.all((column >= 0) & (column <= LATEST)):
        raise CasebookError(f"times: found {times!r}, expected numbers of 0 or more, at most {LATEST:g}")
    return column.astype(float)
