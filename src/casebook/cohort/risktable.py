"""The table of risk: who is at risk, fails or is censored at each time, which is all that estimates and tests need.

Conventions, where patients share a time: who fails at a time, or is censored at it, is still at risk at it, and who
enters at it is not yet. Failures so come before censorings, and both before entries. Patients who enter at 0 are at risk
from the very beginning, also at time 0 itself.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from casebook.errors import CasebookError

LARGEST = 1e100
"""The longest time and the greatest weight; its inverse is the least weight. Squares stay far within floats."""

PART = 2**14
"""How many rows of long columns are worked on at once."""

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
        If columns are no arrays of 64-bit numbers of at least 0 (times up to :data:`LARGEST`) or their shapes disagree, times
        do not ascend, causes are no tuple of distinct words, not all who come also leave, or somebody leaves before coming.
    """

    start: float
    time: np.ndarray
    entered: np.ndarray
    failed: np.ndarray
    censored: np.ndarray
    causes: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_columns(self)
        if not np.all(self.time[1:] > self.time[:-1]):
            raise CasebookError(
                "found times of a table of risk that do not ascend; expected distinct ones, in order"
            )
        gone = self.failed.sum() + self.censored.sum()
        if not math.isclose(self.n, gone, rel_tol=1e-9):
            raise CasebookError(
                f"found {self.n} who come and {gone} who fail or are censored; expected as many"
            )
        # Who enters at a time is still there at the next.
        if self.entered.any() and (np.append(self.at_risk[1:], 0) - self.entered).min() < -1e-9 * gone:
            raise CasebookError(
                "found more who leave a table of risk than have come; expected all to come first"
            )

    @property
    def n(self) -> float:
        """All who were ever at risk."""
        return (self.start + self.entered.sum()).item()

    @cached_property
    def failing(self) -> np.ndarray:
        """Failing of any cause at each time, shape (m,)."""
        return self.failed[:, 0] if len(self.causes) == 1 else self.failed.sum(axis=1)

    @cached_property
    def at_risk(self) -> np.ndarray:
        """At risk at each time, shape (m,): all with entry < time <= exit."""
        leaving = self.failing + self.censored - self.entered
        # From the end, where they are few: what rounding leaves cannot outlast the last of them.
        return np.cumsum(leaving[::-1], out=leaving[::-1])[::-1]

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


def checked_table(table: object, what: str = "a table of risk") -> RiskTable:
    """The same, if it is a table of risk; ``what`` names what was expected in the error.

    Raises
    ------
    CasebookError
        If it is anything else.
    """
    if not isinstance(table, RiskTable):
        raise CasebookError(f"found a {type(table).__name__}; expected {what}")
    return table


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
    causes = _checked_causes(causes)
    return _table(_checked(time, event, entry, weights, len(causes)), causes)


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
    causes = _checked_causes(causes)
    rows = _checked(time, event, entry, weights, len(causes))
    labels, codes = _coded(groups, rows.time.size)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(labels)))
    places = zip(labels, np.split(order, ends[:-1]), strict=True)
    return {label: _table(rows.part(place), causes) for label, place in places if place.size}


# -- long columns -------------------------------------------------------------------------------------------------


def parts(end: int, begin: int = 0) -> Iterator[slice]:
    """Slices of :data:`PART` rows from begin to end: what is computed on one stays in the processor's cache."""
    for first in range(begin, end, PART):
        yield slice(first, min(first + PART, end))


def in_order(times: np.ndarray, codes: np.ndarray, kinds: int) -> tuple[np.ndarray, np.ndarray]:
    """Times ascending, and the code of each; those that share a time in any order.

    Parameters
    ----------
    times : ndarray of float, shape (n,)
        From 0 to :data:`LARGEST`.
    codes : ndarray of int or bool, shape (n,)
        From 0 to ``kinds - 1``.
    kinds : int
        How many codes there may be.

    Returns
    -------
    times : ndarray of float, shape (n,)
    codes : ndarray of an unsigned integer type that holds ``kinds``, shape (n,)

    Notes
    -----
    Floats of 0 or more are in the order of their bits read as whole numbers. Less the least of them, these seldom fill
    their 64 bits: shifted, they leave room for the code at the end, and a plain sort takes it along, which is several times
    faster than finding the order of the times. Two codes always fit.
    """
    small = np.min_scalar_type(kinds)
    codes = codes.astype(small, copy=False)
    keys = (times + 0.0).view(np.uint64)  # a copy, in which -0.0 is 0.0
    least, width = keys.min(), (kinds - 1).bit_length()
    keys -= least
    if int(keys.max()).bit_length() + width > 64:
        order = np.argsort(times)
        return times[order], codes[order]
    keys <<= width
    keys |= codes
    keys.sort()
    codes = np.empty(keys.size, small)
    np.bitwise_and(keys, (1 << width) - 1, out=codes, casting="unsafe")
    keys >>= width
    keys += least
    return keys.view(float), codes


def firsts(ordered: np.ndarray) -> np.ndarray:
    """Whether each of some ordered values is the first of those alike: of bool, in their shape (n,)."""
    first = np.empty(ordered.size, dtype=bool)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first


def _check_columns(table: RiskTable) -> None:
    if not isinstance(table.causes, tuple):
        raise CasebookError(f"found causes in a {type(table.causes).__name__}; expected a tuple of names")
    _checked_causes(table.causes)
    columns = {name: getattr(table, name) for name in ("time", "entered", "censored", "failed")}
    for name, column in columns.items():
        if not isinstance(column, np.ndarray) or column.dtype not in (np.int64, np.float64):
            kind = getattr(column, "dtype", type(column).__name__)
            raise CasebookError(
                f"{name}: found a column of type {kind}; expected an array of int64 or float64"
            )
    m, k = table.time.size, len(table.causes)
    shapes = [column.shape for column in columns.values()]
    if m == 0 or shapes != [(m,), (m,), (m,), (m, k)]:
        raise CasebookError(
            f"found a table of risk of shapes {shapes}; expected one time or more, and failed of shape ({m}, {k})"
        )
    for name, column in columns.items():
        # Counts add up weights, and may so be greater than the greatest of them.
        _check_range(column, name, 0, LARGEST if name == "time" else np.finfo(float).max)
    if not isinstance(table.start, (int, float, np.integer)) or not 0 <= table.start < math.inf:
        raise CasebookError(f"start: found {table.start!r}; expected a number of at least 0")


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
    column = _array(values)
    if column.dtype.kind not in "iuf":
        raise CasebookError(f"{what}: found values of type {column.dtype}; expected numbers")
    column = column.astype(float, copy=False)
    _check_range(column, what, least, LARGEST)
    return column


def _check_range(column: np.ndarray, what: str, least: float, most: float) -> None:
    # Of the least and the greatest, as nan fails both; the array of single verdicts only if one is needed.
    if column.size and not (column.min() >= least and column.max() <= most):
        wrong = np.argwhere(~((column >= least) & (column <= most)))[0]
        place = what + "".join(f"[{i}]" for i in wrong)
        raise CasebookError(f"{place}: found {column[*wrong]}; expected a number from {least:g} to {most:g}")


def _array(values: ArrayLike) -> np.ndarray:
    """Values as an array; as one of the type object if their rows differ in length."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.asarray(None)


def _checked(
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None,
    weights: ArrayLike | None,
    kinds: int,
) -> _Rows:
    """Rows, with events of ``kinds`` causes."""
    time = checked_times(time, "time")
    if time.ndim != 1 or time.size == 0:
        raise CasebookError(f"time: found shape {time.shape}; expected a single row of times, at least one")
    event = _array(event)
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
    if event.min() < 0 or event.max() > kinds:
        wrong = np.flatnonzero((event < 0) | (event > kinds))[0]
        raise CasebookError(f"event[{wrong}]: found {event[wrong]}; expected a code from 0 to {kinds}")
    if entry is not None:
        late = (entry > 0) & (entry >= time)
        if late.any():
            wrong = np.argmax(late)
            raise CasebookError(
                f"entry[{wrong}]: found {entry[wrong]}; expected less than the time {time[wrong]}"
            )
    return _Rows(time, event, entry, None if weights is None else _summable(weights))


def _checked_causes(causes: Sequence[str]) -> tuple[str, ...]:
    try:
        # A set has no order for codes to count in.
        names = () if isinstance(causes, (str, Set)) else tuple(causes)
    except TypeError:
        names = ()
    if (
        not names
        or not all(isinstance(name, str) and name and name not in COLUMNS for name in names)
        or len(set(names)) < len(names)
    ):
        raise CasebookError(
            f"found the causes {causes!r}; expected distinct names, none of {', '.join(COLUMNS)}"
        )
    return names


def _coded(groups: ArrayLike, n: int) -> tuple[list[Hashable], np.ndarray]:
    """The labels of groups in their order, and for each of n rows the place of its label among them."""
    try:
        column = pd.Series(groups, copy=False)
    except (TypeError, ValueError):
        raise CasebookError(
            f"groups: found a {type(groups).__name__}; expected a label for each of {n} times"
        ) from None
    if len(column) != n:
        raise CasebookError(f"groups: found {len(column)} labels, expected one for each of {n} times")
    if isinstance(column.dtype, pd.CategoricalDtype):
        labels, codes = column.cat.categories.tolist(), column.cat.codes.to_numpy()
    else:
        try:
            codes, labels = pd.factorize(column)
            labels = labels.tolist()
            order = sorted(range(len(labels)), key=labels.__getitem__)
        except TypeError:
            raise CasebookError(
                "groups: found labels that have no order; expected all numbers or all texts"
            ) from None
        labels = [labels[place] for place in order]
        places = np.append(np.argsort(order), -1)  # the last for rows without a label, whose code is -1
        # A stable sort of small whole numbers is one by digits, which is fast.
        codes = places.astype(np.min_scalar_type(-len(places)))[codes]
    if codes.min() < 0:
        raise CasebookError(f"groups[{codes.argmin()}]: found no label; expected one")
    return labels, codes


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
    k = len(causes)
    moments, codes, weights = rows.time, rows.event, rows.weights
    everyone = moments.size if weights is None else weights.sum().item()
    late = np.empty(0, dtype=int) if rows.entry is None else np.flatnonzero(rows.entry)
    if late.size:
        # An entry is counted as one more kind of event, at its own time.
        moments = np.concatenate([moments, rows.entry[late]])
        codes = np.concatenate([codes, np.full(late.size, k + 1)])
        weights = None if weights is None else np.concatenate([weights, weights[late]])
    time, counts = _counted(moments, codes, k + 2 if late.size else k + 1, weights)
    # Where nobody enters late, a single 0 stands for all.
    entered = counts[k + 1] if late.size else np.broadcast_to(counts.dtype.type(0), time.shape)
    return RiskTable(everyone - entered.sum().item(), time, entered, counts[1 : k + 1].T, counts[0], causes)


def _counted(
    moments: np.ndarray, codes: np.ndarray, kinds: int, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The m distinct moments, ascending, and how many rows of each kind are at each, or their weight: of (kinds, m)."""
    if weights is None:
        moments, codes = in_order(moments, codes, kinds)
    else:
        order = np.argsort(moments)
        moments, codes, weights = moments[order], codes[order], weights[order]
    first = firsts(moments)
    if weights is None and first.all():
        return moments, np.array([codes == kind for kind in range(kinds)], dtype=np.int64)
    time = moments[first]
    place = np.cumsum(first)
    place -= 1
    place += np.multiply(codes, time.size, dtype=np.intp)
    return time, np.bincount(place, weights, minlength=kinds * time.size).reshape(kinds, time.size)
