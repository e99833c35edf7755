"""Readings of MRD: from which day on a patient is free of it, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from casebook.cohort.dates import by_id
from casebook.errors import CasebookError

if TYPE_CHECKING:
    from casebook.cohort.record import Cohort


def with_mrd_dates(
    cohort: Cohort,
    *,
    negative: Sequence[str] = ("negative",),
    positive: Sequence[str] = ("positive", "not quantifiable"),
) -> pd.DataFrame:
    """The patients with the dates that readings of MRD give, for the endpoint ``MRDFREE``.

    Parameters
    ----------
    cohort
        Its ``patients`` and ``assessments`` are used; of these the rows with the analyte ``MRD``.
    negative, positive : sequence of str
        Which results count as which. One in neither begins no freedom from MRD and ends none: leave ``not quantifiable``
        out of both (it is positive, but below what can be measured) if it is too little to end it.

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
        If a result is none, or said to be both, or a reading is of a patient who is not there, or has no date (only a visit).
    """
    from casebook.cohort.schema import MRD, RESULTS  # here, as it brings pandera, which nothing else wants

    for name, results in (("negative", negative), ("positive", positive)):
        if isinstance(results, str) or not isinstance(results, Iterable):
            raise CasebookError(f"found {name}={results!r}; expected a sequence of results, as ({name!r},)")
        unknown = [result for result in results if result not in RESULTS]
        if unknown:
            raise CasebookError(
                f"found {', '.join(map(repr, unknown))} as {name}; expected results, of {', '.join(RESULTS)}"
            )
    both = sorted(set(negative) & set(positive))
    if both:
        raise CasebookError(f"found {', '.join(both)} as negative and positive; expected each result once")
    patients = by_id(cohort.patients)
    readings = cohort.assessments[cohort.assessments["analyte"] == MRD]
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
