"""Days on which readings begin and end freedom from MRD: what is refused. What they give is in ``test_endpoints.py``."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from casebook.cohort.dates import day
from casebook.cohort.readings import with_mrd_dates
from casebook.errors import CasebookError

COHORT = SimpleNamespace(
    patients=pd.DataFrame({"id": ["a"], "blinatumomab_start": pd.to_datetime(["2020-01-01"])}),
    assessments=pd.DataFrame(
        {
            "patient": ["a", "a"],
            "date": pd.to_datetime(["2020-01-29", "2020-03-01"]),
            "analyte": "MRD",
            "result": ["negative", "positive"],
        }
    ),
)


def test_results_are_named_in_a_sequence():
    found = with_mrd_dates(COHORT, negative=["negative"], positive={"positive"})
    assert found["negative_reading_date"].tolist() == [pd.Timestamp("2020-01-29")]
    assert found["positive_reading_date"].tolist() == [pd.Timestamp("2020-03-01")]


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({"negative": "negative"}, "found negative='negative'; expected a sequence of results"),
        ({"positive": "positive"}, "found positive='positive'; expected a sequence of results"),
        ({"positive": None}, "found positive=None; expected a sequence"),
        ({"negative": ("negativ",)}, "found 'negativ' as negative; expected results, of positive, negative"),
        ({"positive": ("positive", 1)}, "found 1 as positive"),
    ],
)
def test_results_that_are_none_are_refused(results, message):
    with pytest.raises(CasebookError, match=message):
        with_mrd_dates(COHORT, **results)


@pytest.mark.parametrize(
    "given", ["2020-01-29", dt.date(2020, 1, 29), pd.Timestamp("2020-01-29"), np.datetime64("2020-01-29")]
)
def test_a_day_is_a_date_or_its_text(given):
    assert day(given) == pd.Timestamp("2020-01-29")


@pytest.mark.parametrize(
    "given", [0, 1.5, True, np.int64(20200129), None, pd.NaT, "soon", "2020-01-29 12:00"]
)
def test_a_number_or_a_moment_is_no_day(given):
    with pytest.raises(CasebookError, match="expected a day such as 2024-06-30"):
        day(given)
