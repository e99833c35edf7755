"""The states that patients go through: which there are, what moves a patient, and who was where from when to when.

Conventions
-----------
* Of several events on one day each moves the patient, in the order in which the course names them; the state at the end of
  the day is the one that counts, and who passed through another on the way was not in it. Events on the day of origin so
  give the state in which a patient begins.
* An event for which a state has no move changes nothing: who has relapsed is not followed into a transplant.
* A patient is followed to the last contact or the data cutoff, whichever is earlier. As in :mod:`casebook.cohort.endpoints`,
  what happens after the cutoff is not seen, and an event that was recorded counts also after the last contact.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from casebook.cohort.dates import dated, day, in_words, some
from casebook.cohort.endpoints import DEATH, HSCT, MRD_POSITIVE, RELAPSE, Occurrence
from casebook.cohort.risktable import COLUMNS, checked_times
from casebook.errors import CasebookError

ROWS = ("id", "from", "to", "start", "stop")
"""The columns of a frame of stretches: who was in which state after ``start`` up to ``stop``, and moved where to then."""

MRD_NEGATIVE: Occurrence = ("negative_reading_date", "MRD negative")


def _texts(given: object, count: int) -> bool:
    """Whether this is a tuple of so many texts."""
    return isinstance(given, tuple) and len(given) == count and all(isinstance(one, str) for one in given)


@dataclass(frozen=True)
class StateSpace:
    """The states that patients can be in, and the moves between them.

    Parameters
    ----------
    states : tuple of str
    moves : tuple of (str, str)
        From one state to another, each once. They may lead back: a state can be entered again.

    Raises
    ------
    CasebookError
        If states are not distinct names, or a move is none between two of them.
    """

    states: tuple[str, ...]
    moves: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if (
            not isinstance(self.states, tuple)
            or len(self.states) < 2
            or not all(isinstance(state, str) and state and state not in COLUMNS for state in self.states)
            or len(set(self.states)) < len(self.states)
        ):
            raise CasebookError(
                f"found the states {self.states!r}; expected two or more distinct names, none of {', '.join(COLUMNS)}"
            )
        if not isinstance(self.moves, tuple):
            raise CasebookError(f"found the moves {self.moves!r}; expected a tuple of them")
        for move in self.moves:
            if not _texts(move, 2) or not set(move) <= set(self.states) or move[0] == move[1]:
                raise CasebookError(f"found the move {move!r}; expected one from a state to another")
        if len(set(self.moves)) < len(self.moves):
            raise CasebookError(f"found moves twice among {self.moves!r}; expected each once")

    @cached_property
    def allowed(self) -> np.ndarray:
        """Whether there is a move from one state to another: shape (k, k), by position."""
        allowed = np.zeros((len(self.states),) * 2, bool)
        for origin, target in self.moves:
            allowed[self.states.index(origin), self.states.index(target)] = True
        return allowed

    @cached_property
    def reachable(self) -> np.ndarray:
        """Whether a patient can come from one state to another, at once or through others: shape (k, k), by position."""
        reached = self.allowed.copy()
        for via in range(len(self.states)):
            reached |= np.outer(reached[:, via], reached[via])
        return reached


@dataclass(frozen=True)
class Course:
    """What moves patients between states.

    Parameters
    ----------
    origin : str
        The column of dates from which days are counted.
    begin : str
        The state on the day of origin.
    events : tuple of (str, str)
        Columns of dates, or of days, and what happens then; in the order in which those of one day count.
    moves : tuple of (str, str, str)
        State, event, and the state that follows.
    censored_at : str
        The column of dates up to which a patient is known to be in the last state.

    Raises
    ------
    CasebookError
        If an event is no pair, an event or a move stands twice, a move is of no event, or leads from a state to itself.
    """

    origin: str
    begin: str
    events: tuple[Occurrence, ...]
    moves: tuple[tuple[str, str, str], ...]
    censored_at: str = "last_contact_date"

    def __post_init__(self) -> None:
        for name in ("events", "moves"):
            if not isinstance(getattr(self, name), tuple):
                raise CasebookError(f"found {name}={getattr(self, name)!r}; expected a tuple of them")
        for event in self.events:
            if not _texts(event, 2):
                raise CasebookError(f"found the event {event!r}; expected a column and what happens then")
        names = [event for _, event in self.events]
        if len(set(names)) < len(names) or len({column for column, _ in self.events}) < len(names):
            raise CasebookError(f"found the events {self.events!r}; expected each column and name once")
        for move in self.moves:
            if not _texts(move, 3) or move[1] not in names:
                raise CasebookError(f"found the move {move!r}; expected state, one of {names}, state")
        if len({move[:2] for move in self.moves}) < len(self.moves):
            raise CasebookError("found two moves of one state by one event; expected one")
        self.space.reachable  # noqa: B018  (the space checks the states)

    @property
    def states(self) -> tuple[str, ...]:
        """The states, in the order in which the moves name them."""
        named = (state for origin, _, target in self.moves for state in (origin, target))
        return tuple(dict.fromkeys((self.begin, *named)))

    @property
    def space(self) -> StateSpace:
        """The states with all moves that can be made within a day, by one event or by several."""
        direct = StateSpace(
            self.states, tuple(dict.fromkeys((origin, target) for origin, _, target in self.moves))
        )
        pairs = np.argwhere(direct.reachable & ~np.eye(len(self.states), dtype=bool))
        return StateSpace(self.states, tuple((self.states[i], self.states[j]) for i, j in pairs))


WAITING, WAITING_NEGATIVE = "waiting, MRD not negative", "waiting, MRD-negative"
TRANSPLANTED, TRANSPLANTED_NEGATIVE = "transplanted, MRD not negative", "transplanted, MRD-negative"
RELAPSED, RELAPSED_AFTER = "relapsed, no HSCT", "relapsed after HSCT"
DIED, DIED_AFTER = "died in remission, no HSCT", "died in remission after HSCT"
DIED_RELAPSED, DIED_RELAPSED_AFTER = "died after relapse, no HSCT", "died after relapse and HSCT"

BRIDGE = Course(
    origin="blinatumomab_start",
    begin=WAITING,
    # A reading of the day of HSCT was taken before it; a relapse of that day is one before it. Nothing follows death.
    events=(MRD_NEGATIVE, RELAPSE, MRD_POSITIVE, HSCT, DEATH),
    moves=(
        (WAITING, "MRD negative", WAITING_NEGATIVE),
        (WAITING_NEGATIVE, "MRD positive", WAITING),
        (WAITING_NEGATIVE, "HSCT", TRANSPLANTED_NEGATIVE),
        (WAITING, "HSCT", TRANSPLANTED),
        (WAITING_NEGATIVE, "relapse", RELAPSED),
        (WAITING, "relapse", RELAPSED),
        (WAITING_NEGATIVE, "death", DIED),
        (WAITING, "death", DIED),
        (RELAPSED, "death", DIED_RELAPSED),
        (TRANSPLANTED_NEGATIVE, "relapse", RELAPSED_AFTER),
        (TRANSPLANTED, "relapse", RELAPSED_AFTER),
        (TRANSPLANTED_NEGATIVE, "death", DIED_AFTER),
        (TRANSPLANTED, "death", DIED_AFTER),
        (RELAPSED_AFTER, "death", DIED_RELAPSED_AFTER),
    ),
)
"""From blinatumomab to HSCT and beyond; of :func:`casebook.cohort.readings.with_mrd_dates`, which gives the dates of MRD.

``MRD not negative`` is also MRD that was not looked at yet. Transplanted patients are told apart by their last state before.
"""


def histories(
    patients: pd.DataFrame, course: Course = BRIDGE, *, cutoff: pd.Timestamp | dt.date | str | None = None
) -> pd.DataFrame:
    """Which states each patient was in, from the dates of events.

    Parameters
    ----------
    patients : DataFrame
        One row a patient: ``id`` (column or index) and the columns of dates that the course names (datetime64, NaT where it
        has not happened).
    course : Course
    cutoff : date, optional
        The last day that is seen.

    Returns
    -------
    DataFrame
        The columns of :data:`ROWS`, a row a stretch, times in days from the origin. Patients without a row stand, with the
        reason, in ``attrs["left_out"]``: ask with :func:`casebook.cohort.endpoints.left_out`.

    Raises
    ------
    CasebookError
        For missing columns, columns that hold no dates, ids given twice, and patients who have neither an event nor a last
        contact, or have it before the origin; or if all are left out.
    """
    columns = [column for column, _ in course.events]
    found = dated(patients, (course.origin, *columns, course.censored_at), "course")
    # A record may end with an event, without a last contact: until then the patient was followed.
    known = found[course.censored_at].fillna(found[columns].max(axis=1))
    unseen = ""
    if cutoff is not None:
        last, unseen = day(cutoff), " by the data cutoff"
        known = known.mask(known > last, last)
        found = found.where(found <= last)
    origin = found[course.origin]
    excluded = pd.Series(None, found.index, dtype="object")
    excluded[origin.isna()] = f"no {in_words(course.origin)}{unseen}"
    for column, event in course.events:
        excluded[excluded.isna() & (found[column] < origin)] = f"{event} before {in_words(course.origin)}"
    here = excluded.isna()
    if not here.any():
        counted = ", ".join(f"{count} {reason}" for reason, count in excluded.value_counts().items())
        raise CasebookError(f"found no patient to follow ({counted or 'of none'}); expected one or more")
    unknown, early = here & known.isna(), here & (known < origin)
    if unknown.any():
        raise CasebookError(
            f"found neither an event nor {course.censored_at} of {some(unknown)}; expected one of them"
        )
    if early.any():
        raise CasebookError(f"found {course.censored_at} before {course.origin} of {some(early)}")

    days = found.loc[here, columns].sub(origin[here], axis=0).apply(lambda column: column.dt.days)
    frame = paths(days.astype(float), (known - origin)[here].dt.days.astype(float), course)
    frame.attrs["left_out"] = excluded[~here].to_dict()
    return frame


def paths(days: pd.DataFrame, followed: pd.Series, course: Course) -> pd.DataFrame:
    """Which states each patient was in, from the times of events.

    Parameters
    ----------
    days : DataFrame
        One row a patient, indexed by id: for each event of the course the column that it names, with the time at which it
        happened, from 0 in any unit; empty if it did not.
    followed : Series
        By the same ids, the time up to which the patient was seen; an event after it counts, and is then the end.
    course : Course

    Returns
    -------
    DataFrame
        The columns of :data:`ROWS`, as :func:`casebook.cohort.multistate.process` takes them: patients in the order given,
        ``to`` empty at the end of what was seen. Who was seen at 0 alone has a stretch without length.

    Raises
    ------
    CasebookError
        If there is no patient, a column is missing, ids differ or stand twice, or a time is negative.
    """
    lacking = [column for column, _ in course.events if column not in days.columns]
    if lacking:
        raise CasebookError(f"found no column {', '.join(lacking)}; expected times of every event")
    if days.index.has_duplicates or not days.index.equals(followed.index):
        raise CasebookError("found ids that differ or stand twice; expected those of followed, each once")
    states, n = course.states, len(days)
    if not n:
        raise CasebookError("found no patient; expected one or more")
    events = days[[column for column, _ in course.events]].to_numpy(float)
    checked_times(np.where(np.isnan(events), 0, events), "days")
    events = np.where(np.isnan(events), np.inf, events)

    # By state and event, the state that follows: without a move, the same.
    follows = np.tile(np.arange(len(states))[:, None], len(course.events))
    names = [event for _, event in course.events]
    for origin, event, target in course.moves:
        follows[states.index(origin), names.index(event)] = states.index(target)
    order = np.argsort(events, axis=1, kind="stable")
    time = np.column_stack([np.zeros(n), np.take_along_axis(events, order, axis=1)])
    state = np.zeros(time.shape, int)
    for step in range(order.shape[1]):
        state[:, step + 1] = follows[state[:, step], order[:, step]]

    # Of each patient the state at the end of each day with an event, if it is not that of the day before.
    whole_day = np.isfinite(time)
    whole_day[:, :-1] &= time[:, 1:] > time[:, :-1]
    who, step = np.nonzero(whole_day)
    code, start = state[who, step], time[who, step]
    changed = np.append(True, (who[1:] != who[:-1]) | (code[1:] != code[:-1]))
    who, code, start = who[changed], code[changed], start[changed]

    end = np.fmax(
        checked_times(followed.to_numpy(float), "followed"),
        np.where(np.isfinite(time), time, 0).max(axis=1, initial=0),
    )
    ongoing = np.append(who[1:] == who[:-1], False)
    names = np.array([*states, None], dtype=object)
    rows = pd.DataFrame(
        {
            "id": days.index.to_numpy()[who],
            "from": names[code],
            "to": names[np.where(ongoing, np.roll(code, -1), len(states))],
            "start": start,
            "stop": np.where(ongoing, np.roll(start, -1), end[who]),
        }
    )
    # Who was not seen after entering a state has no time in it, but for those who begin in it.
    return rows[(rows["stop"] > rows["start"]) | (rows["start"] == 0)].reset_index(drop=True)


# -- the rows as arrays -------------------------------------------------------------------------------------------


class Stretches(NamedTuple):
    """Checked rows as arrays, in the order of patients and times.

    ``patient``, codes of the ids; ``origin`` and ``target``, positions of states, -1 for censored; ``start`` and ``stop``.
    """

    patient: np.ndarray
    origin: np.ndarray
    target: np.ndarray
    start: np.ndarray
    stop: np.ndarray

    def part(self, mask: np.ndarray) -> Stretches:
        """The rows for which this holds."""
        return Stretches(*(column[mask] for column in self))


def stretches_of(rows: pd.DataFrame, space: StateSpace) -> Stretches:
    """The rows of a cohort, checked: see :func:`casebook.cohort.multistate.process`, which says what they must be."""
    if not isinstance(rows, pd.DataFrame) or not set(ROWS) <= set(rows.columns) or rows.empty:
        held = f"{len(rows)} rows of {list(rows)}" if isinstance(rows, pd.DataFrame) else type(rows).__name__
        raise CasebookError(f"found {held}; expected a DataFrame with rows and the columns {', '.join(ROWS)}")
    if rows["id"].isna().any():
        raise CasebookError("found a row without id; expected that of its patient")
    start, stop = (checked_times(rows[name].to_numpy(), name) for name in ("start", "stop"))
    codes, ids = pd.factorize(rows["id"])
    origin, target = (
        pd.Categorical(rows[name], categories=space.states).codes.astype(int) for name in ("from", "to")
    )
    moves = rows["to"].notna().to_numpy()

    def refuse(wrong: np.ndarray, expected: str) -> None:
        if wrong.any():
            row = rows.iloc[int(np.argmax(wrong))]
            to = "censored" if pd.isna(row["to"]) else f"to {row['to']!r}"
            raise CasebookError(
                f"patient {row['id']}: found {row['from']!r} {to} from {row['start']:g} to {row['stop']:g}; expected {expected}"
            )

    refuse((origin < 0) | (moves & (target < 0)), f"states of {', '.join(space.states)}")
    refuse(moves & ~space.allowed[origin, target], "a move of the space")
    refuse((stop <= start) & (moves | (stop != 0)), "a stop after the start (or both 0, censored)")

    # Patients in the order of their ids: the order of rows then changes no sum, not even by rounding.
    rank = np.argsort(np.argsort(np.asarray(ids).astype(str), kind="stable"), kind="stable")[codes]
    order = np.lexsort((stop, start, rank))
    before, now = order[:-1], order[1:]
    arrives = np.where(moves[before], target[before], origin[before])
    broken = np.zeros(len(rows), bool)
    broken[now] = (rank[before] == rank[now]) & ((stop[before] != start[now]) | (arrives != origin[now]))
    refuse(broken, "the state and the time with which the patient's row before ends")
    return Stretches(rank[order], origin[order], target[order], start[order], stop[order])
