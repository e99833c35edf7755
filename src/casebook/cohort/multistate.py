"""Where patients are over time: the hazards of moving between states, and the probability of being in each.

Every state is a cohort of its own, which patients enter late and leave towards one of several others: its hazards are read
off a table of risk. The probabilities are their product integral (Aalen and Johansen 1978), all moves of one time at once.

They hold where a patient's next move depends on what came before, and not only on the present state (Datta and Satten
2001), as long as neither being censored nor coming late tells what will be. Greenwood's variance does not hold there. Here the
variance is the infinitesimal jackknife: the sum over patients of the squared derivative of the
estimate by the patient's weight. Let V(u) be what is still to come, of what is estimated, for a patient in each state just
after u: the probability of some state at t, or the time in it up to t. A patient at risk in state j then adds, at u::

    p(j, u-) / n(j, u) * (the change of V by the patient's move, if one is made, - its mean over all at risk in j)

Without censoring that gives the variance of a share, p (1 - p) / n. With two states, and nobody late, it is Greenwood's.
R's ``survfit`` has the same if all are followed from the beginning. With late entry it takes the shares at the beginning
as known, unless it is told ``start.time``; here they are estimated.

Papers are named here as where a method comes from. They were not read. Of R, survival 3.5 was run, and its output compared.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from casebook.cohort import arguments
from casebook.cohort.risktable import checked_times, tabulate_by
from casebook.cohort.states import StateSpace, Stretches, stretches_of
from casebook.errors import CasebookError

ROUNDING = 1e-12
"""How near to 0 or 1 a probability is one of them: products of hazards are not exact."""

Groups = Mapping[str, Sequence[str]]


@dataclass(frozen=True, eq=False)
class Process:
    """How patients move between k states: hazards at the m times at which anybody moves, and the probabilities.

    Parameters
    ----------
    space : StateSpace
    since : float
        The time from which on probabilities are given.
    time : ndarray, shape (m,)
        The distinct times at which anybody moves, ascending, all after ``since``.
    at_risk : ndarray, shape (m, k)
        In each state just before that time.
    matrix : ndarray, shape (m, k, k)
        From row to column: the share of those at risk who move at that time (the increments of Nelson-Aalen estimates), and
        on the diagonal who stays. 1 there where nobody is at risk.
    probability : ndarray, shape (m + 1, k)
        Of each state, from ``since`` on and from each time on: the product of the matrices.
    until : ndarray, shape (k,)
        For each state, the time at which the last patient was seen in it; infinite if nobody can be left there unseen.
    stretches : Stretches
        The rows from which the hazards are, cut at ``since``.
    known : bool
        Whether the state at ``since`` was given, and not estimated.
    """

    space: StateSpace
    since: float
    time: np.ndarray
    at_risk: np.ndarray
    matrix: np.ndarray
    probability: np.ndarray
    until: np.ndarray
    stretches: Stretches
    known: bool

    def at(self, times: ArrayLike) -> pd.DataFrame:
        """The probabilities at some times, as :func:`casebook.cohort.simulate.truth` has them: ``time``, and a column a state.

        Raises
        ------
        CasebookError
            As :func:`occupation`.
        """
        times = _after(self, times)
        _check_until(self, np.eye(len(self.space.states)), self.space.states, times.max(initial=self.since))
        place = np.searchsorted(self.time, times, side="right")
        return pd.DataFrame(self.probability[place], columns=list(self.space.states)).assign(time=times)[
            ["time", *self.space.states]
        ]


def process(
    rows: pd.DataFrame,
    space: StateSpace,
    *,
    since: float = 0.0,
    given: str | None = None,
    markov: bool = False,
) -> Process:
    """The hazards of all moves, and the probabilities of the states, of a cohort.

    Parameters
    ----------
    rows : DataFrame
        A row a stretch: ``id`` of the patient; ``from``, the state that the patient is in after ``start`` and up to ``stop``
        (times in any unit, from 0); and ``to``, the state entered at ``stop``, empty if the patient is not seen longer. The
        stretches of a patient follow each other without gaps, in any order of rows. Who comes under observation late begins
        above 0. A stretch from 0 to 0, censored, says in which state somebody began of whom no more is known.
    space : StateSpace
    since : float
        A landmark: probabilities are of those under observation then, who are in the state that they enter at it. R's
        ``start.time`` instead counts the moves of that very time as made after it, and finds others.
    given : str, optional
        The state at ``since``, so that the probabilities are those of transition from it. Without, its probabilities at
        ``since`` are the shares of those under observation.
    markov : bool
        With ``given``: take the hazards from all patients, as one may if they depend on nothing but state and time. Else
        from those alone who were in the state at the landmark, which is right also if the past matters (Putter and Spitoni 2018).

    Returns
    -------
    Process

    Raises
    ------
    CasebookError
        If columns are missing or hold no numbers, a state or move is not of the space, stretches have no length, overlap or
        leave gaps, or nobody is under observation at ``since`` (in the state, if one is given).

    Notes
    -----
    A state that is empty for a time keeps whom it has, as nothing is known of those who would leave it. R does the same.
    """
    stretches = stretches_of(rows, space)
    since = arguments.time("since", since)
    if given is not None and given not in space.states:
        raise CasebookError(f"found the state {given!r}; expected one of {', '.join(space.states)}")
    if markov and given is None:
        raise CasebookError("found markov=True without a state; expected one given")
    # Who moves at the landmark is in the state that follows.
    stretches = stretches.part((stretches.stop > since) | (stretches.start == since))
    stretches = stretches._replace(start=np.maximum(stretches.start, since))
    k = len(space.states)
    present = stretches.start == since
    if given is not None:
        present = present & (stretches.origin == space.states.index(given))
        if not markov:
            stretches = stretches.part(np.isin(stretches.patient, stretches.patient[present]))
    if not present.any():
        where = "" if given is None else f" in {given!r}"
        raise CasebookError(f"found nobody under observation{where} at {since:g}; expected somebody")
    begin = (
        np.bincount(stretches.origin[present], minlength=k)
        if given is None
        else np.equal(space.states, given)
    )
    time, at_risk, matrix = _hazards(stretches, space)
    probability = np.empty((time.size + 1, k))
    probability[0] = begin / begin.sum()
    for step, moving in enumerate(matrix):
        probability[step + 1] = probability[step] @ moving
    until = _last_seen(stretches, space, probability[-1])
    return Process(
        space, since, time, at_risk, matrix, probability, until, stretches, known=given is not None
    )


def occupation(
    found: Process, times: ArrayLike, *, groups: Groups | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """The probability of being in each state at some times, with limits.

    Parameters
    ----------
    found : Process
    times : array_like
        From ``found.since`` on, in any order. Each costs a pass over all patients.
    groups : mapping of str to sequence of str, optional
        States to be taken together, by the name of each group; a state may be in several. Without, each is by itself.
    confidence : float
        Of each pair of limits.

    Returns
    -------
    DataFrame
        A row for each time and state (or group), in the order given: ``time``, ``state``, ``estimate``, ``standard_error``
        (infinitesimal jackknife), ``lower``, ``upper``, symmetric on the logit scale, which treats a state and all
        others alike. Where the estimate is 0 or 1 both limits are, which says nothing: nobody or everybody was seen there.

    Raises
    ------
    CasebookError
        If a time is before ``found.since``, or after the last patient was seen in a state that still holds somebody and from
        which the asked one can change; a group is of no states; or the confidence is not between 0 and 1.
    """
    names, members = _members(found.space, groups)
    times, z = _after(found, times), arguments.deviations(confidence)
    _check_until(found, members, names, times.max(initial=found.since))
    tables = []
    for time in times:
        seen = np.searchsorted(found.time, time, side="right")
        estimate, error = _estimated(found, np.zeros(seen), members, time, ends=True)
        tables.append(_table(names, estimate, error, 1.0, z).assign(time=time))
    columns = ["time", "state", "estimate", "standard_error", "lower", "upper"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def mean_times(
    found: Process, horizon: float, *, groups: Groups | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """The expected time in each state from ``found.since`` to a horizon: the area of its probability.

    Parameters
    ----------
    found : Process
    horizon : float
        After ``found.since``.
    groups, confidence
        As of :func:`occupation`.

    Returns
    -------
    DataFrame
        A row a state (or group): ``state``, ``estimate``, ``standard_error`` (infinitesimal jackknife; R's ``rmean`` of
        several states), ``lower``, ``upper``, as of :func:`occupation`, of the share of the time. All states add up to that time.

    Raises
    ------
    CasebookError
        As :func:`occupation`, with the horizon for its times.
    """
    names, members = _members(found.space, groups)
    horizon, z = arguments.time("horizon", horizon, after=found.since), arguments.deviations(confidence)
    _check_until(found, members, names, horizon)
    seen = np.searchsorted(found.time, horizon, side="right")
    widths = np.diff(np.concatenate([[found.since], found.time[:seen], [horizon]]))
    estimate, error = _estimated(found, widths, members, horizon, ends=False)
    return _table(names, estimate, error, horizon - found.since, z)


# -- hazards ------------------------------------------------------------------------------------------------------


def _hazards(stretches: Stretches, space: StateSpace) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct times of moves, who is at risk in each state, and the matrix of the shares that move; off tables of risk."""
    k = len(space.states)
    tables = tabulate_by(
        pd.Categorical.from_codes(stretches.origin, categories=space.states),
        stretches.stop,
        stretches.target + 1,
        entry=stretches.start,
        causes=space.states,
    )
    left = {state: table.failed.any(axis=1) for state, table in tables.items()}
    time = np.unique(np.concatenate([table.time[left[state]] for state, table in tables.items()]))
    at_risk = np.zeros((time.size, k))
    matrix = np.tile(np.eye(k), (time.size, 1, 1))
    for state, table in tables.items():
        j, here = space.states.index(state), np.searchsorted(time, table.time[left[state]])
        at_risk[:, j] = table.at_risk_at(time)
        n, moved = at_risk[here, j], table.failed[left[state]]
        matrix[here, j] = moved / n[:, None]
        # Counted, so that it is exactly 0 where all leave.
        matrix[here, j, j] = (n - moved.sum(axis=1)) / n
    return time, at_risk, matrix


def _last_seen(stretches: Stretches, space: StateSpace, left: np.ndarray) -> np.ndarray:
    """When the last patient was seen in each state; infinite for one that cannot be left, or holds nobody at the end."""
    until = np.full(len(space.states), math.inf)
    for j in range(until.size):
        if left[j] > 0 and space.reachable[j].any():
            seen = (stretches.origin == j) | (stretches.target == j)
            until[j] = stretches.stop[seen].max()
    return until


# -- estimates ----------------------------------------------------------------------------------------------------


def _estimated(
    found: Process, widths: np.ndarray, members: np.ndarray, time: float, *, ends: bool
) -> tuple[np.ndarray, np.ndarray]:
    """An estimate for each group and its standard error: the probability at ``time`` (if ``ends``), or the mean time to it."""
    seen = np.searchsorted(found.time, time, side="right")
    k, groups = members.shape
    # What a patient in each state at since, and just after each time, will have added by the end: backwards from it.
    value = np.empty((seen + 1, k, groups))
    value[seen] = members if ends else widths[seen] * members
    for step in range(seen - 1, -1, -1):
        np.matmul(found.matrix[step], value[step + 1], out=value[step])
        if not ends:
            value[step] += widths[step] * members
    influence = _influence(found, value, time)
    return found.probability[0] @ value[0], np.sqrt((influence**2).sum(axis=0))


def _influence(found: Process, value: np.ndarray, time: float) -> np.ndarray:
    """The derivative of an estimate by the weight of each patient, (n, groups); ``value`` is V, (m + 1, k, groups)."""
    steps, rows = len(value) - 1, found.stretches
    weight = np.divide(
        found.probability[:steps],
        found.at_risk[:steps],
        out=np.zeros_like(found.at_risk[:steps]),
        where=found.at_risk[:steps] > 0,
    )
    # What those at risk gain in the mean at each time, summed up to it: a stretch takes the difference of its two ends.
    mean_gain = np.zeros((steps + 1, *value.shape[1:]))
    np.cumsum(weight[:, :, None] * (found.matrix[:steps] @ value[1:] - value[1:]), axis=0, out=mean_gain[1:])
    first = np.searchsorted(found.time[:steps], rows.start, side="right")
    last = np.searchsorted(found.time[:steps], rows.stop, side="right")
    gain = mean_gain[first, rows.origin] - mean_gain[last, rows.origin]
    moved = (rows.target >= 0) & (rows.stop <= time)
    step, origin, target = last[moved], rows.origin[moved], rows.target[moved]
    gain[moved] += weight[step - 1, origin][:, None] * (value[step, target] - value[step, origin])
    if not found.known:
        present = rows.start == found.since
        own = value[0, rows.origin[present]]
        gain[present] += (own - found.probability[0] @ value[0]) / present.sum()
    return np.add.reduceat(gain, np.flatnonzero(np.diff(rows.patient, prepend=-1)), axis=0)


def _members(space: StateSpace, groups: Groups | None) -> tuple[tuple[str, ...], np.ndarray]:
    """The names of groups of states, and who is in which: (k, groups) of 0 and 1."""
    if groups is None:
        return space.states, np.eye(len(space.states))
    if not isinstance(groups, Mapping):
        raise CasebookError(f"found the groups {groups!r}; expected a mapping of names to states")
    members = np.zeros((len(space.states), len(groups)))
    for column, (name, states) in enumerate(groups.items()):
        if (
            isinstance(states, str)
            or not isinstance(states, Collection)
            or not states
            or not set(states) <= set(space.states)
        ):
            raise CasebookError(
                f"group {name!r}: found {states!r}; expected states of {', '.join(space.states)}"
            )
        members[[space.states.index(state) for state in states], column] = 1
    return tuple(groups), members


def _check_until(found: Process, members: np.ndarray, names: Sequence[str], time: float) -> None:
    """Refuse a time after which it was not seen who leaves a state, if that changes what is asked for."""
    for j in np.flatnonzero(found.until < time):
        changes = (members[found.space.reachable[j]] != members[j]).any(axis=0)
        if changes.any():
            raise CasebookError(
                f"{names[int(np.argmax(changes))]}: found the time {time:g}; expected at most {found.until[j]:g}, when the "
                f"last patient was seen in {found.space.states[j]!r}"
            )


def _table(
    names: Sequence[str], estimate: np.ndarray, error: np.ndarray, whole: float, z: float
) -> pd.DataFrame:
    """Estimates of parts of a whole, with limits that are symmetric on the logit scale."""
    share, error = estimate / whole, error / whole
    share = np.where(np.abs(share - np.rint(share)) < ROUNDING, np.rint(share), share)
    inside = (share > 0) & (share < 1)
    error = np.where(inside, error, 0.0)
    lower, upper = share.copy(), share.copy()
    odds = share[inside] / (1 - share[inside])
    with np.errstate(over="ignore"):  # so wide that a limit is 0 or 1
        factor = np.exp(z * error[inside] / (share[inside] * (1 - share[inside])))
        lower[inside], upper[inside] = 1 / (1 + factor / odds), 1 / (1 + 1 / (odds * factor))
    columns = {"estimate": share, "standard_error": error, "lower": lower, "upper": upper}
    return pd.DataFrame({"state": list(names)} | {name: whole * value for name, value in columns.items()})


def _after(found: Process, times: ArrayLike) -> np.ndarray:
    return np.atleast_1d(checked_times(times, "times", least=found.since))
