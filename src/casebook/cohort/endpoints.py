"""Endpoints: how the dates of patients become times to events, with every exclusion named.

What the origin, the event, the competing event and the censoring of an endpoint are is data (:class:`Endpoint`); one
function (:func:`derive`) turns any of them into times. The columns of the result are those of a time-to-event
analysis dataset of CDISC ADaM (ADTTE: ``PARAMCD``, ``STARTDT``, ``ADT``, ``AVAL``, ``CNSR``, ``EVNTDESC``), and two more
that competing risks and late entry need (``CAUSE``, ``ENTRY``). The names are those in common use; the standard itself was
not read.

Conventions
-----------
* ``AVAL`` is the difference of two dates (the day of origin is day 0), as R's ``Surv`` is usually given it; ADaM's
  relative days, which count the day of origin as day 1, are one larger.
* A patient without an event is censored at ``censored_at``, or at the data cutoff if that is earlier. What happens after
  the cutoff is not seen. An event that was recorded counts, also after ``censored_at``: that is only the day up to which
  patients without an event are known to be without. Who has no such day, but an event after the cutoff, is censored at it.
* On one day an event counts before any censoring, and of several events the first by ``priority``.
* Who relapsed before the origin is not free of relapse at it: patients with an event, competing event or event that ends
  follow-up before the origin are left out, and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from casebook.cohort.dates import by_id, dated, day, in_words, some
from casebook.errors import CasebookError

Occurrence = tuple[str, str]
"""A column of dates, and what happened on them in words."""

RELAPSE: Occurrence = ("relapse_date", "relapse")
DEATH: Occurrence = ("death_date", "death")
HSCT: Occurrence = ("hsct_date", "HSCT")
MRD_POSITIVE: Occurrence = ("positive_reading_date", "MRD positive")

PRIORITY = ("relapse", "MRD positive", "HSCT", "death")
"""Which of several events on one day counts. Relapse before death, or death would hide what it may be due to; death last,
as nothing follows it."""

SAME_DAY = ("keep", "half", "error")
"""What becomes of an event on the day of origin: see :func:`derive`."""

CUTOFF = "data cutoff"


@dataclass(frozen=True)
class Endpoint:
    """The definition of a time to an event.

    Parameters
    ----------
    paramcd, param : str
        Short code (at most eight characters, as ADaM has it) and words.
    origin : str
        The column of dates from which days are counted.
    events, competing : tuple of (str, str)
        Column of dates and cause: the events of interest, and those after which they can no longer happen. Several
        columns may share one cause.
    censored_at : str
        The column of dates up to which a patient without an event is known to be without.
    censored_by : tuple of (str, str)
        Column of dates and words: what ends follow-up as censoring (such as transplantation, if times are to be
        censored at it).

    Raises
    ------
    CasebookError
        If there are no events, the code is too long, or a cause is both an event and competing.
    """

    paramcd: str
    param: str
    origin: str
    events: tuple[Occurrence, ...]
    competing: tuple[Occurrence, ...] = ()
    censored_at: str = "last_contact_date"
    censored_by: tuple[Occurrence, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.paramcd) <= 8:
            raise CasebookError(f"found the code {self.paramcd!r}; expected one of 1 to 8 characters")
        if not self.events:
            raise CasebookError(f"{self.paramcd}: found no events; expected at least one")
        both = sorted({cause for _, cause in self.events} & {cause for _, cause in self.competing})
        if both:
            raise CasebookError(
                f"{self.paramcd}: found {', '.join(both)} as event and as competing event; expected one of the two"
            )

    @property
    def causes(self) -> tuple[str, ...]:
        """What can end the time of a patient, events first: ``CAUSE`` i is the i-th of these."""
        return tuple(dict.fromkeys(cause for _, cause in (*self.events, *self.competing)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of dates that the endpoint needs, each once."""
        dated = (column for column, _ in (*self.events, *self.competing, *self.censored_by))
        return tuple(dict.fromkeys((self.origin, *dated, self.censored_at)))


def _from(origin: str, suffix: str, words: str) -> list[Endpoint]:
    return [
        Endpoint(f"OS{suffix}", f"Overall survival from {words}", origin, (DEATH,)),
        Endpoint(f"RFS{suffix}", f"Relapse-free survival from {words}", origin, (RELAPSE, DEATH)),
        Endpoint(f"CIR{suffix}", f"Relapse from {words}, death competing", origin, (RELAPSE,), (DEATH,)),
        Endpoint(
            f"NRM{suffix}",
            f"Death without relapse from {words}, relapse competing",
            origin,
            (DEATH,),
            (RELAPSE,),
        ),
    ]


_START = "start of blinatumomab"
ENDPOINTS = {
    endpoint.paramcd: endpoint
    for endpoint in (
        *_from("blinatumomab_start", "", _START),
        *_from("hsct_date", "HSCT", "HSCT"),
        # EFS counts, beyond RFS, patients who reach no remission, second malignancies and (after HSCT) graft failure.
        # The tables of a cohort have no columns for these, so that the two have the same events.
        Endpoint("EFS", f"Event-free survival from {_START}", "blinatumomab_start", (RELAPSE, DEATH)),
        Endpoint(
            "TTHSCT",
            f"HSCT from {_START}, relapse and death competing",
            "blinatumomab_start",
            (HSCT,),
            (RELAPSE, DEATH),
        ),
        Endpoint(
            "MRDFREE",
            "Freedom from MRD from the first negative reading after blinatumomab",
            "negative_reading_date",
            (MRD_POSITIVE, RELAPSE, DEATH),
        ),
    )
}
"""The endpoints of the book, by code.

``MRDFREE`` needs the columns that :func:`casebook.cohort.readings.with_mrd_dates` adds. All its patients are followed to
their last contact, those with an event and those without alike; after the last reading MRD is taken as absent, so that
where readings stop early it is optimistic. (Censored at the last reading instead, only patients without an event would
leave the risk set there.)
"""

COLUMNS = {
    "USUBJID": "object",
    "PARAMCD": "object",
    "PARAM": "object",
    "STARTDT": "datetime64[ns]",
    "ADT": "datetime64[ns]",
    "AVAL": "float64",
    "CNSR": "int64",
    "EVNTDESC": "object",
    "CAUSE": "int64",
    "ENTRY": "float64",
}
"""The columns of :func:`derive`, and their types."""


def derive(
    patients: pd.DataFrame,
    endpoint: Endpoint,
    *,
    cutoff: pd.Timestamp | str | None = None,
    entry: str | None = None,
    priority: Sequence[str] = PRIORITY,
    same_day: str = "keep",
) -> pd.DataFrame:
    """The time of each patient to one endpoint.

    Parameters
    ----------
    patients : DataFrame
        One row a patient: ``id`` (column or index) and the columns of dates that the endpoint names (datetime64 without
        a time of day; NaT where it has not happened, or is not known to have).
    endpoint : Endpoint
        One of :data:`ENDPOINTS`, or another.
    cutoff : Timestamp or str, optional
        The last day that is seen. An event on it counts; what follows is not seen, and follow-up ends on it.
    entry : str, optional
        A column of dates on which patients come under observation, if that is after the origin (late entry, left
        truncation). Who entered on the day of origin or before is at risk from the origin.
    priority : sequence of str
        The causes, by which of two on one day counts. Must name all of the endpoint; may name others.
    same_day : {"keep", "half", "error"}
        Times that end on the day of origin: kept as 0 (R's ``survfit`` takes them as well), set to half a day (events
        and censorings alike, so that their order stays), or refused, naming the patients. A table of risk counts at time
        0 all who enter at 0.

    Returns
    -------
    DataFrame
        The columns of :data:`COLUMNS`, a row for each patient who has the endpoint, in the order of ``patients``. ``AVAL``
        and ``ENTRY`` are days from ``STARTDT``; ``CNSR`` is 0 for an event of any cause, also a competing one, and 1 for
        a censored time; ``CAUSE`` is i for the i-th of ``endpoint.causes`` and 0 if censored; ``EVNTDESC`` is the cause,
        or what the time was censored at. Patients without a row stand, with the reason, in ``attrs["left_out"]`` (a dict
        by id): ask with :func:`left_out`.

    Raises
    ------
    CasebookError
        For missing columns, columns that hold no dates, ids given twice, a priority that does not name every cause, a
        patient without an event who has no date of censoring or one before the origin, and, if asked for, times of 0.
    """
    _check_options(endpoint, priority, same_day)
    dates = dated(patients, (*endpoint.columns, *([] if entry is None else [entry])), endpoint.paramcd)
    last_day = None if cutoff is None else day(cutoff)
    if last_day is not None:
        dates = dates.where(dates <= last_day)

    origin = dates[endpoint.origin]
    excluded = pd.Series(None, dates.index, dtype="object")
    unseen = "" if cutoff is None else " by the data cutoff"
    excluded[origin.isna()] = f"no {in_words(endpoint.origin)}{unseen}"
    for column, what in (*endpoint.events, *endpoint.competing, *endpoint.censored_by):
        excluded[excluded.isna() & (dates[column] < origin)] = f"{what} before {in_words(endpoint.origin)}"

    end = _end(dates, _seen_until(patients, endpoint, last_day), endpoint, priority)
    _check_followed(dates, end, endpoint, excluded.isna())
    days = (end["ADT"] - origin).dt.days.astype("float64")
    entered = pd.Series(0.0, dates.index)
    if entry is not None:
        entered = (dates[entry] - origin).dt.days.astype("float64").clip(lower=0)
        excluded[excluded.isna() & entered.isna()] = f"no {in_words(entry)}{unseen}"
        excluded[excluded.isna() & (entered > 0) & (days <= entered)] = (
            f"followed no longer than to {in_words(entry)}"
        )

    here = excluded.isna()
    at_origin = here & (days == 0)
    if same_day == "error" and at_origin.any():
        raise CasebookError(
            f"{endpoint.paramcd}: found times that end on the day of origin, of {some(at_origin)}; "
            "expected times above 0 (or same_day='keep' or 'half')"
        )
    if same_day == "half":
        days = days.mask(at_origin, 0.5)

    frame = pd.DataFrame(
        {
            "USUBJID": dates.index,
            "PARAMCD": endpoint.paramcd,
            "PARAM": endpoint.param,
            "STARTDT": origin.to_numpy(),
            "ADT": end["ADT"].to_numpy(),
            "AVAL": days.to_numpy(),
            "CNSR": (end["CAUSE"] == 0).to_numpy(),
            "EVNTDESC": end["EVNTDESC"].to_numpy(),
            "CAUSE": end["CAUSE"].to_numpy(),
            "ENTRY": entered.to_numpy(),
        }
    )
    frame = frame[here.to_numpy()].reset_index(drop=True).astype(COLUMNS)
    frame.attrs["left_out"] = excluded[~here].to_dict()
    return frame


def left_out(frame: pd.DataFrame) -> pd.DataFrame:
    """The patients for whom :func:`derive` gave no time: columns ``USUBJID`` and ``REASON``, in the order of the patients.

    Raises CasebookError if the frame does not say (some operations of pandas lose ``attrs``).
    """
    if "left_out" not in frame.attrs:
        raise CasebookError(
            "found a frame that does not say who was left out; expected one as derive gives it"
        )
    found = frame.attrs["left_out"]
    return pd.DataFrame({"USUBJID": list(found), "REASON": list(found.values())}, dtype="object")


# -- the parts of derive ------------------------------------------------------------------------------------


def _check_options(endpoint: Endpoint, priority: Sequence[str], same_day: str) -> None:
    if not isinstance(endpoint, Endpoint):
        raise CasebookError(f"found the endpoint {endpoint!r}; expected an Endpoint, such as ENDPOINTS['OS']")
    if isinstance(priority, str) or not isinstance(priority, Sequence):
        raise CasebookError(f"found the priority {priority!r}; expected a sequence of causes")
    missing = [cause for cause in endpoint.causes if cause not in priority]
    if missing:
        raise CasebookError(
            f"{endpoint.paramcd}: found the priority {', '.join(priority)}; expected it to name {', '.join(missing)} too"
        )
    if same_day not in SAME_DAY:
        raise CasebookError(f"found same_day={same_day!r}; expected one of {', '.join(SAME_DAY)}")


def _seen_until(patients: pd.DataFrame, endpoint: Endpoint, last_day: pd.Timestamp | None) -> pd.DataFrame:
    """The day on which follow-up without an event ends (``ADT``), and why (``EVNTDESC``)."""
    found = by_id(patients)
    dated = [column for column, _ in (*endpoint.events, *endpoint.competing)]
    # A record may end with the event, without a last contact: until then the patient was followed.
    known = found[endpoint.censored_at].fillna(found[dated].max(axis=1))
    if last_day is None:
        return pd.DataFrame({"ADT": known, "EVNTDESC": in_words(endpoint.censored_at)})
    cut = known > last_day
    return pd.DataFrame(
        {"ADT": known.mask(cut, last_day), "EVNTDESC": np.where(cut, CUTOFF, in_words(endpoint.censored_at))}
    )


def _end(
    dates: pd.DataFrame, seen_until: pd.DataFrame, endpoint: Endpoint, priority: Sequence[str]
) -> pd.DataFrame:
    """When and how the time of each patient ends: ``ADT``, ``EVNTDESC``, ``CAUSE``."""
    occurrences = sorted((*endpoint.events, *endpoint.competing), key=lambda one: priority.index(one[1]))
    end = pd.DataFrame({"ADT": pd.NaT, "EVNTDESC": None, "CAUSE": 0}, index=dates.index).astype(
        {"ADT": "datetime64[ns]", "EVNTDESC": "object"}
    )

    def take(happened: pd.Series, what: pd.Series | str, cause: int, open_only: bool = False) -> None:
        first = end["ADT"].isna() if open_only else end["ADT"].isna() | (happened < end["ADT"])
        first &= happened.notna()
        end.loc[first, "ADT"] = happened[first]
        end.loc[first, "EVNTDESC"] = what if isinstance(what, str) else what[first]
        end.loc[first, "CAUSE"] = cause

    # Only an earlier day displaces what stands, so that on one day the first of these counts: events by priority, what
    # ends follow-up, and last, for patients with nothing of either, the end of what is known.
    for column, cause in occurrences:
        take(dates[column], cause, endpoint.causes.index(cause) + 1)
    for column, what in endpoint.censored_by:
        take(dates[column], what, 0)
    take(seen_until["ADT"], seen_until["EVNTDESC"], 0, open_only=True)
    return end


def _check_followed(dates: pd.DataFrame, end: pd.DataFrame, endpoint: Endpoint, here: pd.Series) -> None:
    unknown = here & end["ADT"].isna()
    if unknown.any():
        raise CasebookError(
            f"{endpoint.paramcd}: found neither an event nor {endpoint.censored_at} of {some(unknown)}; "
            "expected one of them"
        )
    before = here & (end["ADT"] < dates[endpoint.origin])
    if before.any():
        raise CasebookError(
            f"{endpoint.paramcd}: found {endpoint.censored_at} before {endpoint.origin} of {some(before)}; "
            "expected it on or after"
        )
