"""Chronology: the earliest and latest day of every event that printed statements allow.

Each statement bounds the number of days from one event to another. That is a simple temporal problem (Dechter,
Meiri and Pearl, Temporal constraint networks, Artificial Intelligence 1991;49:61-95): with an arc of length
``max_days`` from the first event to the second and one of length ``-min_days`` back, the shortest path from i to j
is the most days that can pass from i to j, and a cycle of negative length is a contradiction. A calendar date is a
statement about the days that have passed since day 0 of the proleptic Gregorian ordinals.

The solver knows no medicine. Days are whole days; all limits are closed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csgraph

from casebook.bounds import INFINITY, Bounds, date_text
from casebook.errors import CasebookError, ChronologyError

CALENDAR = "calendar"
"""The event from which calendar days are counted: ordinal 0, the day before 0001-01-01."""

EXACT_DAYS = 2**53
"""Days are added up as floats, which hold whole numbers exactly up to here."""


@dataclass(frozen=True)
class Statement:
    """``to_event`` comes ``days`` (bounds, in days) after ``from_event``; ``printed`` is the wording."""

    id: str
    from_event: str
    to_event: str
    days: Bounds
    printed: str = ""


@dataclass(frozen=True, eq=False)  # == of arrays is an array
class Chronology:
    """The solved network.

    Attributes
    ----------
    events : tuple of str
        Every event, in the order of first mention, without :data:`CALENDAR`.
    statements : dict of str to Statement
        By id.
    """

    events: tuple[str, ...]
    statements: dict[str, Statement]
    _index: dict[str, int]
    _most: np.ndarray  # (n, n): the most days from event i to event j
    _previous: np.ndarray  # (n, n): the event before j on the shortest path from i
    _reason: dict[tuple[int, int], str]  # the statement that gives the arc i -> j

    def between(self, start: str, end: str) -> Bounds:
        """Bounds on the days from ``start`` to ``end``."""
        i, j = self._position(start), self._position(end)
        return Bounds(_whole(-self._most[j, i]), _whole(self._most[i, j]))

    def day(self, event: str) -> Bounds:
        """Bounds on the calendar day of an event, as proleptic ordinals (``date.toordinal``)."""
        return self.between(CALENDAR, event)

    def because(self, start: str, end: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Ids of the statements that set the lower and the upper bound of :meth:`between`, in their order.

        A tuple is empty where nothing bounds that side.
        """
        i, j = self._position(start), self._position(end)
        return tuple(reversed(self._chain(j, i))), tuple(self._chain(i, j))

    def days(self) -> pd.DataFrame:
        """One row an event: ``event``, ``earliest``, ``latest`` (dates, NaT where unbounded).

        Raises CasebookError for a day outside the years 1 to 9999.
        """
        rows = []
        for event in self.events:
            day = self.day(event)
            rows.append((event, _timestamp(day.lower), _timestamp(day.upper)))
        return pd.DataFrame(rows, columns=["event", "earliest", "latest"])

    def order(self, events: Iterable[str] | None = None) -> list[str]:
        """The events so that none stands before one it cannot precede; otherwise as given."""
        waiting = list(self.events if events is None else events)
        position = {event: self._position(event) for event in waiting}
        not_after = self._most <= 0  # [j, i]: at most 0 days from j to i, so i is not after j
        first = not_after.T & ~not_after  # [i, j]: i is not after j, and j may be after i: i comes first
        ordered = []
        while waiting:
            free = next(j for j in waiting if not any(first[position[i], position[j]] for i in waiting))
            waiting.remove(free)
            ordered.append(free)
        return ordered

    def clocks(self) -> dict[str, int]:
        """Which events are tied to each other: a number for each event, equal where days between are bounded.

        Being bounded on both sides is an equivalence relation, so the printed statements themselves say which
        events can stand on one axis. Events on the calendar share a clock with :data:`CALENDAR`, number 0.
        """
        tied = np.isfinite(self._most) & np.isfinite(self._most.T)
        _, labels = csgraph.connected_components(tied, directed=False)
        order = {label: number for number, label in enumerate(dict.fromkeys(labels))}
        return {event: order[labels[self._index[event]]] for event in (CALENDAR, *self.events)}

    def _position(self, event: str) -> int:
        if event not in self._index:
            raise CasebookError(f"unknown event {event!r}; known: {', '.join(self.events)}")
        return self._index[event]

    def _chain(self, i: int, j: int) -> list[str]:
        if i == j or not np.isfinite(self._most[i, j]):
            return []
        arcs = []
        while j != i:
            k = int(self._previous[i, j])
            arcs.append(self._reason[k, j])
            j = k
        return list(dict.fromkeys(reversed(arcs)))


def solve(statements: Iterable[Statement]) -> Chronology:
    """Find the earliest and latest day of every event, or the statements that cannot all hold.

    Raises
    ------
    ChronologyError
        Naming a smallest set of statements that contradict: a negative cycle of the fewest arcs.
    CasebookError
        If two statements share an id, a limit is not a whole number of days that is itself possible, or the
        limits add up to more days than can be counted exactly (:data:`EXACT_DAYS`).
    """
    by_id: dict[str, Statement] = {}
    total = 0
    for statement in statements:
        if statement.id in by_id:
            raise CasebookError(f"two statements with the id {statement.id!r}")
        days = statement.days
        ends = ((days.lower, days.lower_closed), (days.upper, days.upper_closed))
        finite = [(limit, closed) for limit, closed in ends if abs(limit) != INFINITY]
        if any(limit != int(limit) or not closed for limit, closed in finite):
            raise CasebookError(f"{statement.id}: found {days} days; expected whole days with closed limits")
        total += sum(abs(int(limit)) for limit, _ in finite)
        if total > EXACT_DAYS:
            raise CasebookError(
                f"{statement.id}: found {days} days; expected limits that add up to no more than 2**53 days"
            )
        by_id[statement.id] = statement
    events = tuple(
        dict.fromkeys(
            event
            for statement in by_id.values()
            for event in (statement.from_event, statement.to_event)
            if event != CALENDAR
        )
    )
    index = {event: position for position, event in enumerate((CALENDAR, *events))}

    arcs = np.full((len(index), len(index)), INFINITY)
    reason: dict[tuple[int, int], str] = {}
    for statement in by_id.values():
        i, j = index[statement.from_event], index[statement.to_event]
        for tail, head, length in ((i, j, statement.days.upper), (j, i, -statement.days.lower)):
            if length < arcs[tail, head]:
                arcs[tail, head] = length
                reason[tail, head] = statement.id

    loops = np.flatnonzero(np.diag(arcs) < 0)
    if loops.size:
        raise _contradiction([reason[loops[0], loops[0]]], by_id)
    np.fill_diagonal(arcs, 0)
    # A zero in a dense matrix would mean "no arc" to scipy: missing arcs are named as infinite instead.
    graph = csgraph.csgraph_from_dense(arcs, null_value=INFINITY)
    try:
        longest, previous = csgraph.floyd_warshall(graph, return_predecessors=True)
    except csgraph.NegativeCycleError:
        raise _contradiction([reason[arc] for arc in _negative_cycle(arcs)], by_id) from None
    return Chronology(events, by_id, index, longest, previous, reason)


def _negative_cycle(arcs: np.ndarray) -> list[tuple[int, int]]:
    """The arcs of a negative cycle with as few arcs as any has.

    Shortest walks of exactly k arcs, k = 1, 2, ...; the first closed walk that is negative visits no event twice,
    for a part of it would else have been a shorter negative cycle.
    """
    arcs = arcs.copy()
    np.fill_diagonal(arcs, INFINITY)
    heads, tails = np.nonzero(np.isfinite(arcs.T))  # in order of their heads, for reduceat
    lengths = arcs[tails, heads]
    reached, begins = np.unique(heads, return_index=True)

    def longer(walks: np.ndarray) -> np.ndarray:
        """Walks (rows: from where, columns: to where) with one arc more."""
        after = np.full_like(walks, INFINITY)
        after[:, reached] = np.minimum.reduceat(walks[:, tails] + lengths, begins, axis=1)
        return after

    walks = arcs
    for _ in range(len(arcs)):
        walks = longer(walks)
        closed = np.flatnonzero(np.diag(walks) < 0)
        if closed.size:
            break
    else:
        raise AssertionError("no negative cycle")  # solve() calls this only when there is one
    # Only the walks from one event are kept, to find the way back: those from all would fill the memory.
    start = here = int(closed[0])
    steps = [arcs[[start]]]
    while not steps[-1][0, start] < 0:
        steps.append(longer(steps[-1]))
    cycle = []
    for before, after in zip(steps[-2::-1], steps[:0:-1], strict=True):
        into = heads == here
        on_way = before[0, tails[into]] + lengths[into] == after[0, here]  # whole numbers: no rounding
        tail = int(tails[into][on_way][0])
        cycle.append((tail, here))
        here = tail
    return [(start, here), *reversed(cycle)]


def _contradiction(ids: list[str], by_id: dict[str, Statement]) -> ChronologyError:
    ids = list(dict.fromkeys(ids))
    lines = []
    for statement in (by_id[name] for name in ids):
        said = _said(statement)
        # The date of an event has the event's own id.
        line = said if said.startswith(f"{statement.id} ") else f"{statement.id}: {said}"
        lines.append(line + (f" ({statement.printed})" if statement.printed else ""))
    return ChronologyError("\n  ".join(["these statements cannot all hold:", *lines]), ids)


def _said(statement: Statement) -> str:
    if statement.from_event == CALENDAR:
        try:
            day = date_text(statement.days)
        except CasebookError:  # no day that a calendar has: said as the number that it is
            pass
        else:
            return f"{statement.to_event} {'on ' if statement.days.is_exact else ''}{day}"
    return f"{statement.from_event} to {statement.to_event}: {statement.days.text('days')}"


def _whole(days: float) -> float:
    return int(days) if np.isfinite(days) else float(days)


def _timestamp(ordinal: float) -> pd.Timestamp:
    if not np.isfinite(ordinal):
        return pd.NaT
    if not 1 <= ordinal <= dt.date.max.toordinal():
        raise CasebookError(f"no date has the ordinal {ordinal}; expected one in the years 1 to 9999")
    return pd.Timestamp.fromordinal(ordinal)
