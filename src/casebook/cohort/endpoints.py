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
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from casebook.cohort import schema
from casebook.errors import CasebookError

if TYPE_CHECKING:
    from casebook.cohort.record import Cohort

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

``MRDFREE`` needs the columns that :func:`with_mrd_dates` adds. All its patients are followed to their last contact, those
with an event and those without alike; after the last reading MRD is taken as absent, so that where readings stop early it
is optimistic. (Censored at the last reading instead, only patients without an event would leave the risk set there.)
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
    dates = _dates(patients, endpoint, entry)
    _check_options(endpoint, priority, same_day)
    last_day = None if cutoff is None else _day(cutoff)
    if last_day is not None:
        dates = dates.where(dates <= last_day)

    origin = dates[endpoint.origin]
    excluded = pd.Series(None, dates.index, dtype="object")
    unseen = "" if cutoff is None else " by the data cutoff"
    excluded[origin.isna()] = f"no {_words(endpoint.origin)}{unseen}"
    for column, what in (*endpoint.events, *endpoint.competing, *endpoint.censored_by):
        excluded[excluded.isna() & (dates[column] < origin)] = f"{what} before {_words(endpoint.origin)}"

    end = _end(dates, _seen_until(patients, endpoint, last_day), endpoint, priority)
    _check_followed(dates, end, endpoint, excluded.isna())
    days = (end["ADT"] - origin).dt.days.astype("float64")
    entered = pd.Series(0.0, dates.index)
    if entry is not None:
        entered = (dates[entry] - origin).dt.days.astype("float64").clip(lower=0)
        excluded[excluded.isna() & entered.isna()] = f"no {_words(entry)}{unseen}"
        excluded[excluded.isna() & (entered > 0) & (days <= entered)] = (
            f"followed no longer than to {_words(entry)}"
        )

    here = excluded.isna()
    at_origin = here & (days == 0)
    if same_day == "error" and at_origin.any():
        raise CasebookError(
            f"{endpoint.paramcd}: found times that end on the day of origin, of {_names(at_origin)}; "
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


def with_mrd_dates(
    cohort: Cohort,
    *,
    negative: Sequence[str] = ("negative",),
    positive: Sequence[str] = ("positive", "not quantifiable"),
    cutoff: pd.Timestamp | str | None = None,
) -> pd.DataFrame:
    """The patients with the dates that readings of MRD give.

    Parameters
    ----------
    cohort
        Its ``patients`` and ``assessments`` are used; of these the rows with the analyte ``MRD``.
    negative, positive : sequence of str
        Which results count as which. One in neither begins no freedom from MRD and ends none: leave ``not quantifiable``
        out of both (it is positive, but below what can be measured) if it is too little to end it.
    cutoff : Timestamp or str, optional
        The last day that is seen: later readings are left out, as :func:`derive` with the same cutoff leaves out their dates.

    Returns
    -------
    DataFrame
        ``patients`` with two columns of dates more. ``negative_reading_date``: the first day after the start of
        blinatumomab with readings that are all negative. ``positive_reading_date``: the first later day with a positive
        reading. NaT where there is none.
        The day of the start is before treatment. Freedom from MRD ends between two readings; here it ends at the later
        one, as it does in trials, so that how often is looked matters.

    Raises
    ------
    CasebookError
        If a result is said to be both, or a reading is of a patient who is not there, or has no date (only a visit).
    """
    both = sorted(set(negative) & set(positive))
    if both:
        raise CasebookError(f"found {', '.join(both)} as negative and positive; expected each result once")
    patients = _by_id(cohort.patients)
    readings = cohort.assessments[cohort.assessments["analyte"] == schema.MRD]
    strangers = set(readings["patient"]) - set(patients.index)
    if strangers:
        raise CasebookError(
            f"found readings of {', '.join(sorted(strangers)[:5])}; expected patients of the cohort"
        )
    undated = readings["date"].isna()
    if undated.any():
        raise CasebookError(
            f"found {undated.sum()} readings of MRD without a date; expected dates (leave out the rows without one)"
        )
    if cutoff is not None:
        readings = readings[readings["date"] <= _day(cutoff)]
    start = readings["patient"].map(patients["blinatumomab_start"])
    readings = readings[readings["date"] > start]
    days = (
        pd.DataFrame(
            {
                "patient": readings["patient"],
                "date": readings["date"],
                "negative": readings["result"].isin(negative),
                "positive": readings["result"].isin(positive),
            }
        )
        .groupby(["patient", "date"], sort=False)
        .agg(negative=("negative", "all"), positive=("positive", "any"))
        .reset_index()
    )
    first = days[days["negative"]].groupby("patient")["date"].min()
    since = days[days["date"] >= days["patient"].map(first)]
    again = since[since["positive"]].groupby("patient")["date"].min()
    found = {"negative_reading_date": first, "positive_reading_date": again}
    return cohort.patients.assign(
        **{column: dates.reindex(patients.index).to_numpy() for column, dates in found.items()}
    )


def steps(
    patients: pd.DataFrame,
    endpoint: Endpoint,
    patient: str,
    *,
    cutoff: pd.Timestamp | str | None = None,
    entry: str | None = None,
    priority: Sequence[str] = PRIORITY,
    same_day: str = "keep",
) -> pd.DataFrame:
    """How the dates of one patient become the endpoint, step by step.

    Takes what :func:`derive` takes, and the id of a patient.

    Returns
    -------
    DataFrame
        Columns ``step`` (what is asked), ``date`` (ISO, or "none") and ``reading`` (what it means for the endpoint), as
        text. The last row is the result; it comes from :func:`derive` itself.

    Raises
    ------
    CasebookError
        If there is no such patient, and where :func:`derive` does.
    """
    found = _by_id(patients)
    if patient not in found.index:
        raise CasebookError(f"found no patient {patient!r}; expected an id of the patients")
    one = found.loc[[patient]].rename_axis("id").reset_index()
    result = derive(one, endpoint, cutoff=cutoff, entry=entry, priority=priority, same_day=same_day)
    row = one.iloc[0]
    origin = row[endpoint.origin]
    last_day = None if cutoff is None else _day(cutoff)

    def reading(date: pd.Timestamp, meaning: str) -> str:
        if pd.isna(date):
            return "no day recorded"
        if last_day is not None and date > last_day:
            return "after the data cutoff: not seen"
        if pd.isna(origin):
            return meaning
        return f"{meaning}, day {(date - origin).days}"

    rows = [
        (
            "origin",
            endpoint.origin,
            "day 0" if pd.notna(origin) else "no day recorded: no time can be counted",
        )
    ]
    if pd.notna(origin) and last_day is not None and origin > last_day:
        rows = [("origin", endpoint.origin, "after the data cutoff: not seen")]
    if entry is not None:
        rows.append(("entry", entry, reading(row[entry], "at risk only after it")))
    for kind, occurrences in (
        ("event", endpoint.events),
        ("competing event", endpoint.competing),
        ("ends follow-up", endpoint.censored_by),
    ):
        rows += [(f"{kind}: {what}", column, reading(row[column], kind)) for column, what in occurrences]
    rows.append(
        (
            f"censoring: {_words(endpoint.censored_at)}",
            endpoint.censored_at,
            "not known"
            if pd.isna(row[endpoint.censored_at])
            else reading(row[endpoint.censored_at], "known to be without an event until then"),
        )
    )
    said = [(step, _iso(row[column]), meaning) for step, column, meaning in rows]
    if last_day is not None:
        said.append(("data cutoff", _iso(last_day), "nothing later is seen"))
    if result.empty:
        said.append(("result", "none", f"left out: {result.attrs['left_out'][patient]}"))
    else:
        end = result.iloc[0]
        outcome = "censored at" if end["CNSR"] else "event:"
        since = f" (at risk from day {end['ENTRY']:g})" if entry is not None else ""
        said.append(("result", _iso(end["ADT"]), f"{outcome} {end['EVNTDESC']}, day {end['AVAL']:g}{since}"))
    return pd.DataFrame(said, columns=["step", "date", "reading"])


# -- the parts of derive ------------------------------------------------------------------------------------


def _by_id(patients: pd.DataFrame) -> pd.DataFrame:
    """The patients indexed by id, as text tables and as a record hold them."""
    indexed = patients.set_index("id") if "id" in patients.columns else patients
    twice = indexed.index[indexed.index.duplicated()].unique()
    if len(twice):
        raise CasebookError(
            f"found more than one row of {', '.join(map(str, twice[:5]))}; expected each patient once"
        )
    return indexed


def _dates(patients: pd.DataFrame, endpoint: Endpoint, entry: str | None) -> pd.DataFrame:
    """The columns of dates that are needed, checked, by id; without the date of censoring, which is no happening."""
    found = _by_id(patients)
    needed = dict.fromkeys((*endpoint.columns, *([] if entry is None else [entry])))
    lacking = [column for column in needed if column not in found.columns]
    if lacking:
        raise CasebookError(
            f"{endpoint.paramcd}: found no column {', '.join(lacking)}; expected dates of the patients"
        )
    for column in needed:
        cells = found[column]
        if not pd.api.types.is_datetime64_dtype(cells):
            raise CasebookError(
                f"{endpoint.paramcd}: found {cells.dtype} in {column}; expected dates (datetime64)"
            )
        timed = cells.notna() & (cells != cells.dt.normalize())
        if timed.any():
            raise CasebookError(
                f"{endpoint.paramcd}: found a time of day in {column} of {_names(timed)}; expected dates alone"
            )
    return found[list(needed)]


def _check_options(endpoint: Endpoint, priority: Sequence[str], same_day: str) -> None:
    missing = [cause for cause in endpoint.causes if cause not in priority]
    if missing:
        raise CasebookError(
            f"{endpoint.paramcd}: found the priority {', '.join(priority)}; expected it to name {', '.join(missing)} too"
        )
    if same_day not in SAME_DAY:
        raise CasebookError(f"found same_day={same_day!r}; expected one of {', '.join(SAME_DAY)}")


def _seen_until(patients: pd.DataFrame, endpoint: Endpoint, last_day: pd.Timestamp | None) -> pd.DataFrame:
    """The day on which follow-up without an event ends (``ADT``), and why (``EVNTDESC``)."""
    found = _by_id(patients)
    dated = [column for column, _ in (*endpoint.events, *endpoint.competing)]
    # A record may end with the event, without a last contact: until then the patient was followed.
    known = found[endpoint.censored_at].fillna(found[dated].max(axis=1))
    if last_day is None:
        return pd.DataFrame({"ADT": known, "EVNTDESC": _words(endpoint.censored_at)})
    cut = known > last_day
    return pd.DataFrame(
        {"ADT": known.mask(cut, last_day), "EVNTDESC": np.where(cut, CUTOFF, _words(endpoint.censored_at))}
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
            f"{endpoint.paramcd}: found neither an event nor {endpoint.censored_at} of {_names(unknown)}; "
            "expected one of them"
        )
    before = here & (end["ADT"] < dates[endpoint.origin])
    if before.any():
        raise CasebookError(
            f"{endpoint.paramcd}: found {endpoint.censored_at} before {endpoint.origin} of {_names(before)}; "
            "expected it on or after"
        )


# -- words --------------------------------------------------------------------------------------------------


def _day(date: pd.Timestamp | str) -> pd.Timestamp:
    try:
        day = pd.Timestamp(date)
    except (ValueError, TypeError):
        day = pd.NaT
    if pd.isna(day) or day.tzinfo is not None or day != day.normalize():
        raise CasebookError(f"found the date {date!r}; expected a day such as 2024-06-30")
    return day


def _iso(date: pd.Timestamp) -> str:
    return "none" if pd.isna(date) else date.date().isoformat()


def _words(column: str) -> str:
    """A column of dates as a reader names it: ``last_contact_date`` is the last contact."""
    words = column.removesuffix("_date").replace("_", " ")
    return words.replace("hsct", "HSCT")


def _names(mask: pd.Series) -> str:
    ids = [str(one) for one in mask.index[mask]]
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
