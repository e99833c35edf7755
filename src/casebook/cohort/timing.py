"""Treatment that begins during follow-up, such as HSCT: who waits, who has had it, and what may be compared.

Who is transplanted has lived long enough for it. Counted as treated from the beginning, patients are given the time that
they waited, in which by definition nothing happened to them (immortal time). Here they change groups on the day of treatment
(:func:`periods`), or are sorted once, on a day that all of them have reached (:func:`landmark`).

What none of this repairs: who is treated, and when, is decided by people who know more than the table. Comparisons are of
those treated with those still waiting, and are effects of treatment only if the decision had nothing to do with the prospects.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from casebook.cohort import arguments
from casebook.cohort.estimate import Curve, Limits, kaplan_meier
from casebook.cohort.risktable import RiskTable, checked_table, checked_times, tabulate, tabulate_by
from casebook.errors import CasebookError

if TYPE_CHECKING:
    from casebook.cohort import comparison

TIES = ("after", "before", "own")
"""What an event on the day of treatment counts as: see :func:`periods`."""

GROUPS = ("untreated", "treated")

ENTERED_LATER, EVENT, CENSORED = "under observation later", "event by then", "censored by then"
"""Why a patient is not in a landmark analysis."""


# -- who waits, who has been treated ------------------------------------------------------------------------------


def periods(
    time: ArrayLike,
    event: ArrayLike,
    switch: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    ties: str = "after",
    causes: Sequence[str] = ("event",),
) -> pd.DataFrame:
    """Each patient's time in one or two rows, before and after treatment: what every comparison here is computed from.

    Parameters
    ----------
    time, event, entry, causes
        As of :func:`casebook.cohort.risktable.tabulate`, one value a patient.
    switch : array_like, shape (n,)
        When treatment begins, from 0, in the unit of ``time``; missing (NaN, None, NA) if it never does. One at entry or
        before is treatment from the beginning. One after ``time`` is not seen: the patient was never treated.
    ties : {"after", "before", "own"}
        What the day of treatment counts as, if there are events on it.
        ``"after"``: as treated; who is treated on a day is so when the events of that day are counted. So it is with death,
        after which nobody is transplanted.
        ``"before"``: as waiting; the events of a day come first, as in the intervals of R's ``tmerge``. So it is with a
        relapse that is found on the day of HSCT.
        ``"own"``: as treated for the patient whose time ends on that day, and as waiting for all others who are treated
        on it. R's ``heart`` and ``jasa1`` were made so, and numbers printed for them need it. Whether a patient counts as
        treated then depends on whether the patient fails, which is unfair to treatment: only who fails was at risk.

    Returns
    -------
    DataFrame
        ``patient`` (the position, from 0; order of the arguments), ``start``, ``stop`` (at risk after the one, and up to
        and at the other), ``event`` (0 where treatment ends the row), ``treated`` (0 or 1). Where treatment precedes the
        events of its day, it stands half the way back to the last moment at which anything happened to anybody.

    Raises
    ------
    CasebookError
        As ``tabulate``; if a switch is neither missing nor a time; or ties are none of the three.
    """
    if ties not in TIES:
        raise CasebookError(f"found the ties {ties!r}; expected one of {', '.join(map(repr, TIES))}")
    time, event, switch, entry = _patients(time, event, switch, entry, causes)
    moved = switch > entry
    if ties == "before":
        moved[:] = False
    elif ties == "own":
        moved &= switch == time
    moments = np.unique([0.0, *time, *entry, *switch[~np.isnan(switch)]])
    earlier = moments[np.searchsorted(moments, switch[moved]) - 1]
    begins = switch.copy()
    begins[moved] = (earlier + switch[moved]) / 2

    from_start = (begins <= entry) & ((begins < time) | (ties != "before"))
    changes = (begins > entry) & (begins < time)
    patient = np.arange(time.size)
    first = {
        "patient": patient,
        "start": entry,
        "stop": np.where(changes, begins, time),
        "event": np.where(changes, 0, event),
        "treated": from_start.astype(int),
    }
    second = {"patient": patient, "start": begins, "stop": time, "event": event, "treated": 1}
    rows = pd.concat([pd.DataFrame(first), pd.DataFrame(second)[changes]])
    return rows.sort_values(["patient", "start"], ignore_index=True)


def by_treatment(rows: pd.DataFrame, causes: Sequence[str] = ("event",)) -> dict[str, RiskTable]:
    """The tables of risk of ``"untreated"`` and ``"treated"``, the latter with late entry.

    A group in which nobody ever is has no table. Patients leave the first by being treated as if censored, and are in both:
    numbers of patients do not add up, numbers at risk at any time do.

    Parameters
    ----------
    rows : DataFrame
        As :func:`periods` gives them.
    causes : sequence of str
        The names of the causes.

    Raises
    ------
    CasebookError
        As :func:`casebook.cohort.risktable.tabulate`, or if a column is missing or holds what it must not.
    """
    rows = _rows(rows)
    groups = pd.Categorical.from_codes(rows["treated"].to_numpy(dtype=int), categories=GROUPS)
    return tabulate_by(groups, rows["stop"], rows["event"], entry=rows["start"], causes=causes)


def check_both(tables: Mapping[str, RiskTable]) -> None:
    """Raise CasebookError if one of the two groups is missing, or has no table of risk."""
    if not isinstance(tables, Mapping):
        raise CasebookError(f"found a {type(tables).__name__}; expected tables of risk by group")
    for group in GROUPS:
        if group not in tables:
            raise CasebookError(
                f"found nobody at risk {group}; expected patients at risk before treatment and after it"
            )
        checked_table(tables[group], f"a table of risk of the {group}")


# -- comparisons with all the time ----------------------------------------------------------------------------------


def mantel_byar(rows: pd.DataFrame) -> comparison.Test:
    """Mantel-Byar test that treatment does not change the hazard (Mantel and Byar 1974).

    The log-rank test of those who wait and those who have been treated, at each event as they are just then. Events of all
    causes count; for one cause, give the others the code 0. With few ties it is the score test of Cox's model with the
    treatment as a covariate that changes.

    Parameters
    ----------
    rows : DataFrame
        As :func:`periods` gives them.

    Raises
    ------
    CasebookError
        If nobody, or everybody from the beginning, is treated; or as :func:`casebook.cohort.comparison.log_rank`.
    """
    from casebook.cohort import comparison

    tables = by_treatment(_any_cause(rows))
    check_both(tables)
    return comparison.log_rank(tables)


def simon_makuch(
    rows: pd.DataFrame, *, since: float = 0, confidence: float = 0.95, limits: Limits = "log-log"
) -> dict[str, Curve]:
    """Curves of the untreated and the treated, who change from the one to the other (Simon and Makuch 1984).

    Kaplan-Meier estimates from :func:`by_treatment`. A curve is of no group of patients: it shows what would be seen if the
    hazards of those who are in a group at each time acted on one and the same patient. Early on few have been treated. If
    all of them fail then, the curve stays at 0, whoever is treated later: begin it at a day on which there are enough.

    Parameters
    ----------
    rows : DataFrame
        As :func:`periods` gives them. Events of all causes count.
    since : float
        The curves begin here at 1, with those who are followed beyond it. The time is counted as before.
    confidence, limits
        As of :func:`casebook.cohort.estimate.kaplan_meier`.

    Returns
    -------
    dict of str to Curve
        ``"untreated"`` and ``"treated"``; a group in which nobody is has none.

    Raises
    ------
    CasebookError
        If ``since`` is no time, or nobody is followed beyond it.
    """
    since = arguments.time("since", since)
    rows = _any_cause(rows)
    rows = rows[rows["stop"] > since] if since else rows
    if rows.empty:
        raise CasebookError(f"found nobody followed beyond {since:g}; expected an earlier time to begin at")
    tables = by_treatment(rows.assign(start=rows["start"].clip(lower=since)))
    return {
        group: kaplan_meier(table, confidence=confidence, limits=limits) for group, table in tables.items()
    }


# -- from a landmark on ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Landmark:
    """Patients sorted by whether they had been treated by a landmark, and those who cannot be.

    Parameters
    ----------
    at : float
        The landmark, in the unit of times.
    patients : DataFrame
        Who is under observation beyond it: ``patient`` (position), ``time`` (since the landmark), ``event``, ``treated`` (0 or
        1, by the landmark), ``later`` (treated after it, and counted as untreated).
    left_out : DataFrame
        The others: ``patient`` and ``reason``, one of :data:`EVENT`, :data:`CENSORED`, :data:`ENTERED_LATER`.
    """

    at: float
    patients: pd.DataFrame
    left_out: pd.DataFrame

    def counts(self) -> dict[str, int]:
        """How many patients: treated, untreated, of these treated later; and left out, by reason."""
        treated = self.patients["treated"] == 1
        reasons = self.left_out["reason"].value_counts()
        return {
            "treated": int(treated.sum()),
            "untreated": int((~treated).sum()),
            "later": int(self.patients["later"].sum()),
            **{reason: int(reasons.get(reason, 0)) for reason in (EVENT, CENSORED, ENTERED_LATER)},
        }

    def tables(self, causes: Sequence[str] = ("event",)) -> dict[str, RiskTable]:
        """The tables of risk of ``"untreated"`` and ``"treated"``; a group in which nobody is has none."""
        groups = pd.Categorical.from_codes(self.patients["treated"], categories=GROUPS)
        return tabulate_by(groups, self.patients["time"], self.patients["event"], causes=causes)


def landmark(
    time: ArrayLike,
    event: ArrayLike,
    switch: ArrayLike,
    at: float,
    *,
    entry: ArrayLike | None = None,
    causes: Sequence[str] = ("event",),
) -> Landmark:
    """Sort patients by whether they were treated by a landmark, on that day or before (Anderson, Cain and Gelber 1983).

    What happened by the landmark, on that day too, is left out; who is treated after it stays with the untreated. So the
    comparison is fair, of those who reach the landmark only, and of a treatment by then with one later or never.

    Parameters
    ----------
    time, event, switch, entry, causes
        As of :func:`periods`.
    at : float
        The landmark, to be chosen before looking.

    Raises
    ------
    CasebookError
        As :func:`periods`; if the landmark is no time; or nobody is under observation beyond it.
    """
    at = arguments.time("at", at)
    time, event, switch, entry = _patients(time, event, switch, entry, causes)
    reason = np.select(
        [(time <= at) & (event > 0), time <= at, entry > at], [EVENT, CENSORED, ENTERED_LATER], default=""
    )
    here = reason == ""
    if not here.any():
        counted = ", ".join(f"{(reason == why).sum()} {why}" for why in (EVENT, CENSORED, ENTERED_LATER))
        raise CasebookError(
            f"found nobody under observation at and beyond {at:g} ({counted}); expected another landmark"
        )
    patient = np.arange(time.size)
    patients = {
        "patient": patient,
        "time": time - at,
        "event": event,
        "treated": (switch <= at).astype(int),
        "later": (switch > at) & (switch <= time),
    }
    return Landmark(
        at,
        pd.DataFrame(patients)[here].reset_index(drop=True),
        pd.DataFrame({"patient": patient[~here], "reason": reason[~here]}),
    )


# -- what goes in ---------------------------------------------------------------------------------------------------


def _patients(
    time: ArrayLike, event: ArrayLike, switch: ArrayLike, entry: ArrayLike | None, causes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    tabulate(time, event, entry=entry, causes=causes)  # refuses what is no patient's time
    time, event = checked_times(time, "time"), np.asarray(event).astype(int)
    entry = np.zeros(time.size) if entry is None else checked_times(entry, "entry")
    try:
        column = pd.Series(switch)
    except (TypeError, ValueError):
        raise CasebookError(
            "switch: found what is no row of times; expected when treatment began, one for each"
        ) from None
    known = column.notna().to_numpy()
    # Whether somebody was ever treated is the one thing that must not be taken for a time.
    if column.dtype == bool or column.dtype == "boolean":
        raise CasebookError("switch: found true or false; expected when treatment began, missing if never")
    if known.size != time.size:
        raise CasebookError(f"switch: found {known.size} values; expected {time.size}, as of time")
    begins = np.full(time.size, np.nan)
    if known.any():
        begins[known] = checked_times(column[known].infer_objects(), "switch that are given")
    return time, event, begins, entry


def _rows(rows: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(rows, pd.DataFrame):
        raise CasebookError(f"found {type(rows).__name__}; expected rows as periods gives them")
    missing = [name for name in ("start", "stop", "event", "treated") if name not in rows.columns]
    if missing:
        raise CasebookError(
            f"found no column {', '.join(map(repr, missing))}; expected rows as periods gives them"
        )
    if rows.empty or not rows["treated"].isin([0, 1]).all():
        raise CasebookError(
            "found no rows, or 'treated' other than 0 and 1; expected rows as periods gives them"
        )
    for name in ("start", "stop"):
        checked_times(rows[name], name)
    if not pd.api.types.is_bool_dtype(rows["event"]):
        event = checked_times(rows["event"], "event")
        if (event % 1).any():
            raise CasebookError(
                f"event: found {event[event % 1 > 0][0]:g}; expected whole numbers, 0 for censored"
            )
    return rows


def _any_cause(rows: pd.DataFrame) -> pd.DataFrame:
    return _rows(rows).assign(event=(rows["event"] > 0).astype(int))
