"""The table of risk: who is at risk, fails or is censored at each time, which is all that estimates and tests need.

Conventions, where patients share a time: who fails at a time, or is censored at it, is still at risk at it, and who
enters at it is not yet. Failures so come before censorings, and both before entries. Patients who enter at 0 are at risk
from the very beginning, also at time 0 itself.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from casebook.errors import CasebookError

LARGEST = 1e100
"""The longest time and the greatest weight; its inverse is the least weight. Squares stay far within floats."""

COLUMNS = ("time", "at_risk", "entered", "censored")
"""The columns of :meth:`RiskTable.frame` beside those of the causes."""


@dataclass(frozen=True, eq=False)
class RiskTable:
    """Who enters, fails and is censored at each time; m times, k causes of failure.

    Counts are of patients, or of their weights. ``table + other`` is the table of both parts of a cohort together.

    Parameters
    ----------
    start : int or float
        At risk from the very beginning.
    time : ndarray of float, shape (m,)
        The distinct times, ascending, at which anybody enters late, fails or is censored.
    entered : ndarray, shape (m,)
        Entering late at that time: at risk only after it.
    failed : ndarray, shape (m, k)
        Failing of each cause at that time.
    censored : ndarray, shape (m,)
        Censored at that time: at risk at it.
    causes : tuple of str, length k
        The names of the causes.

    Raises
    ------
    CasebookError
        If the shapes disagree, times do not ascend, causes are not distinct words, or not all who come also leave.
    """

    start: float
    time: np.ndarray
    entered: np.ndarray
    failed: np.ndarray
    censored: np.ndarray
    causes: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_causes(self.causes)
        m, k = len(self.time), len(self.causes)
        shapes = [column.shape for column in (self.time, self.entered, self.censored, self.failed)]
        if m == 0 or shapes != [(m,), (m,), (m,), (m, k)]:
            raise CasebookError(
                f"found a table of risk of shapes {shapes}; expected one time or more, and failed of shape ({m}, {k})"
            )
        if not np.all(self.time[1:] > self.time[:-1]):
            raise CasebookError(
                "found times of a table of risk that do not ascend; expected distinct ones, in order"
            )
        gone = self.failed.sum() + self.censored.sum()
        if not math.isclose(self.n, gone, rel_tol=1e-9):
            raise CasebookError(
                f"found {self.n} who come and {gone} who fail or are censored; expected as many"
            )

    @property
    def n(self) -> float:
        """All who were ever at risk."""
        return (self.start + self.entered.sum()).item()

    @cached_property
    def at_risk(self) -> np.ndarray:
        """At risk at each time, shape (m,): all with entry < time <= exit."""
        # From the end, where they are few: what rounding leaves cannot outlast the last of them.
        leaving = self.failed.sum(axis=1) + self.censored - self.entered
        return np.cumsum(leaving[::-1])[::-1]

    def at_risk_at(self, times: ArrayLike) -> np.ndarray:
        """At risk at any times, as below a figure: all with entry < time <= exit; in the shape of ``times``.

        Raises
        ------
        CasebookError
            If a time is not a number from 0 to :data:`LARGEST`.
        """
        # Between two times of the table nobody comes or goes: those at risk at the later are so all the while.
        place = np.searchsorted(self.time, checked_times(times, "times"), side="left")
        return np.append(self.at_risk, 0)[place]

    def __add__(self, other: RiskTable) -> RiskTable:
        if not isinstance(other, RiskTable):
            return NotImplemented
        if self.causes != other.causes:
            raise CasebookError(
                f"found tables of the causes {self.causes} and {other.causes}; expected the same"
            )
        time = np.union1d(self.time, other.time)
        places = [np.searchsorted(time, table.time) for table in (self, other)]

        def together(mine: np.ndarray, others: np.ndarray) -> np.ndarray:
            total = np.zeros((time.size, *mine.shape[1:]), np.result_type(mine, others), order="F")
            total[places[0]] += mine
            total[places[1]] += others
            return total

        return RiskTable(
            self.start + other.start,
            time,
            together(self.entered, other.entered),
            together(self.failed, other.failed),
            together(self.censored, other.censored),
            self.causes,
        )

    def frame(self) -> pd.DataFrame:
        """A row for each time: time, at_risk, entered, a column for each cause by its name, censored."""
        causes = {cause: self.failed[:, place] for place, cause in enumerate(self.causes)}
        return pd.DataFrame(
            {"time": self.time, "at_risk": self.at_risk, "entered": self.entered}
            | causes
            | {"censored": self.censored}
        )


def tabulate(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    causes: Sequence[str] = ("event",),
) -> RiskTable:
    """The table of risk of a cohort, a row of the arguments a patient (or a stretch of one).

    Parameters
    ----------
    time : array_like, shape (n,)
        When the patient fails or is censored, from 0, in any unit.
    event : array_like of int or bool, shape (n,)
        0 censored, i failing of the i-th of ``causes``.
    entry : array_like, shape (n,), optional
        After which time the patient is at risk (late entry); 0 from the very beginning. Without it, all are.
    weights : array_like, shape (n,), optional
        How many patients a row stands for, whole or not. They are held to 2**-50 of their total, so that sums of them are
        exact, and the order of rows cannot matter.
    causes : sequence of str
        The names of the causes.

    Raises
    ------
    CasebookError
        If there is no row, lengths differ, a time is not a number from 0 to :data:`LARGEST`, an entry above 0 is not
        before its time, an event is no code of a cause, a weight is not a number above 0 that the total can hold, or the
        causes are not distinct words. The first place that is wrong is named, counted from 0.

    Notes
    -----
    Takes n log n steps. Without weights, only the times themselves are sorted, which is several times faster than finding
    their order: a time of 0 or more leaves the sign bit of a float free, and there the mark of a cause fits.
    """
    return _table(_checked(time, event, entry, weights, causes), tuple(causes))


def tabulate_by(
    groups: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    causes: Sequence[str] = ("event",),
) -> dict[Hashable, RiskTable]:
    """The table of risk of each group of a cohort; parameters as of :func:`tabulate`.

    Parameters
    ----------
    groups : array_like, shape (n,)
        The label of each row's group. Tables come in the order of the categories if it is a pandas Categorical, else
        sorted. A category without rows has no table.
    time, event, entry, weights, causes
        As of :func:`tabulate`.

    Raises
    ------
    CasebookError
        As :func:`tabulate`; and if a label is missing, or labels cannot be sorted.
    """
    rows = _checked(time, event, entry, weights, causes)
    labels = pd.Series(groups, copy=False)
    if len(labels) != rows.time.size:
        raise CasebookError(
            f"groups: found {len(labels)} labels, expected one for each of {rows.time.size} times"
        )
    if labels.isna().any():
        raise CasebookError(f"groups[{labels.isna().argmax()}]: found no label; expected one")
    if not isinstance(labels.dtype, pd.CategoricalDtype):
        try:
            labels = pd.Series(pd.Categorical(labels, categories=sorted(labels.unique())))
        except TypeError:
            raise CasebookError(
                "groups: found labels that have no order; expected all numbers or all texts"
            ) from None
    codes = labels.cat.codes.to_numpy()
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(labels.cat.categories)))
    parts = zip(labels.cat.categories.tolist(), np.split(order, ends[:-1]), strict=True)
    return {label: _table(rows.part(part), tuple(causes)) for label, part in parts if part.size}


# -- what rows must be --------------------------------------------------------------------------------------------


class _Rows(NamedTuple):
    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray | None
    weights: np.ndarray | None

    def part(self, places: np.ndarray) -> _Rows:
        return _Rows(*(None if column is None else column[places] for column in self))


def checked_times(values: ArrayLike, what: str, *, least: float = 0) -> np.ndarray:
    """Values as an array of floats, of any shape; ``what`` names them in the error.

    Raises
    ------
    CasebookError
        If one is not a number from ``least`` to :data:`LARGEST`.
    """
    try:
        column = np.asarray(values)
    except ValueError:  # rows of different lengths
        column = np.asarray(None)
    if column.dtype.kind not in "iuf":
        raise CasebookError(f"{what}: found values of type {column.dtype}; expected numbers")
    column = column.astype(float, copy=False)
    # Of the least and the greatest, as nan fails both; the array of single verdicts only if one is needed.
    if column.size and not (column.min() >= least and column.max() <= LARGEST):
        wrong = np.argwhere(~((column >= least) & (column <= LARGEST)))[0]
        place = what + "".join(f"[{i}]" for i in wrong)
        raise CasebookError(
            f"{place}: found {column[*wrong]}; expected a number from {least:g} to {LARGEST:g}"
        )
    return column


def _checked(
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None,
    weights: ArrayLike | None,
    causes: Sequence[str],
) -> _Rows:
    _check_causes(causes)
    time = checked_times(time, "time")
    if time.ndim != 1 or time.size == 0:
        raise CasebookError(f"time: found shape {time.shape}; expected a single row of times, at least one")
    event = np.asarray(event)
    if event.dtype.kind not in "iub":
        raise CasebookError(
            f"event: found values of type {event.dtype}; expected whole numbers, 0 for censored"
        )
    if entry is not None:
        entry = checked_times(entry, "entry")
    if weights is not None:
        weights = checked_times(weights, "weights", least=1 / LARGEST)
    for what, column in (("event", event), ("entry", entry), ("weights", weights)):
        if column is not None and column.shape != time.shape:
            raise CasebookError(f"{what}: found shape {column.shape}; expected {time.shape}, as of time")
    if event.min() < 0 or event.max() > len(causes):
        wrong = np.flatnonzero((event < 0) | (event > len(causes)))[0]
        raise CasebookError(f"event[{wrong}]: found {event[wrong]}; expected a code from 0 to {len(causes)}")
    if entry is not None:
        late = (entry > 0) & (entry >= time)
        if late.any():
            wrong = np.argmax(late)
            raise CasebookError(
                f"entry[{wrong}]: found {entry[wrong]}; expected less than the time {time[wrong]}"
            )
    return _Rows(time, event, entry, None if weights is None else _summable(weights))


def _check_causes(causes: Sequence[str]) -> None:
    if (
        isinstance(causes, str)
        or len(causes) == 0
        or not all(isinstance(cause, str) and cause and cause not in COLUMNS for cause in causes)
        or len(set(causes)) < len(causes)
    ):
        raise CasebookError(
            f"found the causes {causes!r}; expected distinct names, none of {', '.join(COLUMNS)}"
        )


def _summable(weights: np.ndarray) -> np.ndarray:
    """Weights as multiples of one power of 2, of which all sums and differences are exact in floats.

    With late entry, those at risk are a difference of sums: where nobody is left, rounding would leave somebody.
    Whole weights stay as they are. Three bits are left free, for tables to be added.
    """
    unit = math.ldexp(1.0, math.frexp(weights.sum())[1] - 50)
    held = np.rint(weights / unit) * unit
    if held.min() == 0:
        wrong = np.argmin(held)
        raise CasebookError(
            f"weights[{wrong}]: found {weights[wrong]}; expected more than {unit / 2:g}, for their total"
        )
    return held


# -- counting -----------------------------------------------------------------------------------------------------


def _table(rows: _Rows, causes: tuple[str, ...]) -> RiskTable:
    moments, codes, weights = rows.time, rows.event, rows.weights
    late = None if rows.entry is None else np.flatnonzero(rows.entry)
    marked = list(range(1, len(causes) + 1))
    if late is not None and late.size:
        # An entry is counted as one more kind of event, at its own time.
        moments = np.concatenate([moments, rows.entry[late]])
        codes = np.concatenate([codes, np.full(late.size, len(causes) + 1)])
        weights = None if weights is None else np.concatenate([weights, weights[late]])
        marked.append(len(causes) + 1)
    if weights is None:
        time, counts = _counted(moments, codes, marked)
    else:
        time, counts = _weighed(moments, codes, marked, weights)
    everything, *counts = counts
    failed = np.array(counts[: len(causes)]).T
    entered = counts[-1] if len(marked) > len(causes) else np.zeros_like(everything)
    censored = everything - sum(counts)
    start = everything.sum() - 2 * entered.sum()  # each who enters late is counted twice, coming and going
    return RiskTable(start.item(), time, entered, failed, censored, causes)


def _counted(
    moments: np.ndarray, codes: np.ndarray, marked: Sequence[int]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The distinct moments, ascending; the number of rows at each, and of those with each of the marked codes."""
    counts = []
    # Floats of 0 or more are in the order of their bits read as whole numbers. The first bit, the sign, is 0 (or -0.0's):
    # shifted out, it leaves room at the end for a mark that a plain sort takes along.
    bits = moments.view(np.uint64) << np.uint64(1)
    for code in marked:
        keys = bits | (codes == code)
        keys.sort()
        if not counts:
            time, first = _distinct((keys >> np.uint64(1)).view(float))
            counts.append(np.diff(first, append=moments.size))
        keys &= np.uint64(1)
        counts.append(np.add.reduceat(keys, first).astype(np.int64))
    return time, counts


def _weighed(
    moments: np.ndarray, codes: np.ndarray, marked: Sequence[int], weights: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """As :func:`_counted`, with the sums of weights for numbers of rows."""
    order = np.argsort(moments)
    time, first = _distinct(moments[order])
    codes, weights = codes[order], weights[order]
    counts = [np.add.reduceat(np.where(codes == code, weights, 0.0), first) for code in marked]
    return time, [np.add.reduceat(weights, first), *counts]


def _distinct(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values, and where each comes first."""
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return ordered[first], first
