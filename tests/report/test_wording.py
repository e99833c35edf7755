"""Wording into bounds, against sums worked by hand and against python-dateutil."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from casebook.bounds import INFINITY, Bounds
from casebook.errors import CasebookError
from casebook.report import wording


def limits(bounds: Bounds) -> tuple:
    return bounds.lower, bounds.upper


def dates(bounds: Bounds) -> tuple[str, str]:
    return tuple(dt.date.fromordinal(limit).isoformat() for limit in limits(bounds))


# -- days, weeks, months ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "unit", "shortest", "longest"),
    [
        (28, "days", 28, 28),
        (1, "weeks", 7, 7),
        (3, "weeks", 21, 21),
        (1, "months", 28, 31),  # a February; a January
        (2, "months", 59, 62),  # January and February; July and August
        # Two years and six months: 365 + 365 + 181 (January to June), or with a leap day 366 + 365 + 184 (March to August).
        (30, "months", 911, 915),
        (13, "months", 393, 397),  # 365 + 28; 366 + 31
        # Five years and seven months: no leap day from 1 February 1897 to 1 February 1902, then 212 days to
        # 1 September; or two leap days in five years (1827), then 215 days, such as from 1 July to 1 February.
        (67, "months", 1825 + 212, 1827 + 215),
        (0, "months", 0, 0),
    ],
)
def test_a_number_of_days_weeks_or_months_spans_the_days_that_the_calendar_allows(
    quantity, unit, shortest, longest
):
    assert limits(wording.days(quantity, unit, 0, 0)) == (shortest, longest)


@given(
    start=st.dates(dt.date(1800, 1, 1), dt.date(2300, 1, 1)),
    months=st.sampled_from([1, 2, 6, 13, 30, 61, 67]),
)
def test_months_hold_every_span_that_dateutil_gives(start, months):
    assert (start + relativedelta(months=months) - start).days in wording.days(months, "months", 0, 0)


@pytest.mark.parametrize("months", [1, 2, 6, 13, 30, 61, 67])
def test_months_are_no_wider_than_the_spans_that_dateutil_gives(months):
    # Every day of the Gregorian cycle would be slow; the extremes are reached from firsts of months.
    starts = [dt.date(year, month, 1) for year in range(1880, 2120) for month in range(1, 13)]
    spans = {(start + relativedelta(months=months) - start).days for start in starts}
    assert limits(wording.days(months, "months", 0, 0)) == (min(spans), max(spans))


def test_slack_widens_and_missing_slack_removes_a_limit():
    assert wording.days(323, "days", 1, 0) == Bounds(322, 323)
    assert wording.days(1, "weeks", 3, 3) == Bounds(4, 10)
    assert wording.days(30, "months", 15, 30) == Bounds(911 - 15, 915 + 30)
    assert wording.days(math.nan, None, 0, INFINITY) == Bounds.at_least(0)
    assert wording.days(math.nan, None, INFINITY, INFINITY) == Bounds.unknown()


@pytest.mark.parametrize("unit", ["days", "weeks", "months"])
def test_a_fraction_of_a_unit_is_refused_and_not_cut_off(unit):
    with pytest.raises(CasebookError, match=rf"a number of {unit} must be whole, found 1\.5"):
        wording.days(1.5, unit, 0, 0)


@pytest.mark.parametrize(
    ("quantity", "unit"), [(1e300, "days"), (1e6, "months"), (-1, "days"), (73_051, "days")]
)
def test_a_time_longer_than_any_report_tells_of_is_refused(quantity, unit):
    with pytest.raises(CasebookError, match="no time that a report tells of"):
        wording.days(quantity, unit, 0, 0)
    assert wording.days(73_050, "days", 0, 0) == Bounds.exactly(73_050)


def test_so_is_slack_of_more_than_any_time():
    with pytest.raises(CasebookError, match="at most 73050 days"):
        wording.days(7, "days", 1e300, 0)


def test_slack_of_half_a_day_is_refused_and_not_cut_off():
    with pytest.raises(CasebookError, match=r"whole days, found 0\.5"):
        wording.days(7, "days", 0.5, 0)
    with pytest.raises(CasebookError, match=r"whole days, found 0\.5"):
        wording.calendar_day("2022.02.14", "date", 0.5, 0)


# -- dates --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "minus", "plus", "first", "last"),
    [
        ("2022.02.14", 0, 0, "2022-02-14", "2022-02-14"),
        ("2022-02-14", 0, 0, "2022-02-14", "2022-02-14"),
        ("2022/2/4", 1, 2, "2022-02-03", "2022-02-06"),
        ("2024.02.29", 0, 0, "2024-02-29", "2024-02-29"),  # a leap year has the day
        ("2022.02.29", 0, 0, "2022-02-28", "2022-03-01"),
        ("2022.02.31", 0, 0, "2022-02-28", "2022-03-01"),
        ("2100.02.29", 0, 0, "2100-02-28", "2100-03-01"),  # no leap year, though 4 divides it
        ("2021.04.31", 0, 0, "2021-04-30", "2021-05-01"),
        ("2022.02.29", 9, 0, "2022-02-19", "2022-03-01"),
    ],
)
def test_a_printed_day_is_that_day_or_lies_between_the_two_real_days_beside_it(
    printed, minus, plus, first, last
):
    kind = "date" if wording.real_date(printed) else "impossible_date"
    assert dates(wording.calendar_day(printed, kind, minus, plus)) == (first, last)


@pytest.mark.parametrize(
    ("printed", "first", "last"),
    [
        ("April 2019", "2019-04-01", "2019-04-30"),
        ("July 2021", "2021-07-01", "2021-07-31"),
        ("February 2020", "2020-02-01", "2020-02-29"),
        ("December 2021", "2021-12-01", "2021-12-31"),
    ],
)
def test_a_printed_month_is_any_of_its_days(printed, first, last):
    assert dates(wording.calendar_day(printed, "month", 0, 0)) == (first, last)


@pytest.mark.parametrize("printed", ["2022.13.01", "2022.00.10", "2022.04.32", "2022.02.00", "2022.13.31"])
def test_a_day_far_from_any_real_day_is_refused(printed):
    with pytest.raises(CasebookError, match="no day near it can be told"):
        wording.calendar_day(printed, "impossible_date", 0, 0)


@pytest.mark.parametrize("printed", ["14.02.2022", "2022.02", "14 Feb 2022", "20220214", "2022.02.14 or so"])
def test_what_is_no_year_month_day_is_refused(printed):
    with pytest.raises(CasebookError, match=r"expected year\.month\.day"):
        wording.calendar_day(printed, "date", 0, 0)


@pytest.mark.parametrize(
    ("printed", "kind", "said"),
    [
        ("2022.02.28", "impossible_date", "the wording 'date': 2022.02.28 is a day of the calendar"),
        ("2022.02.29", "date", "the wording 'impossible_date': 2022.02.29 is no day of the calendar"),
    ],
)
def test_a_date_is_worded_by_whether_the_calendar_has_it(printed, kind, said):
    with pytest.raises(CasebookError, match=said):
        wording.calendar_day(printed, kind, 0, 0)


def test_the_ends_of_the_calendar_are_days_and_nothing_is_beyond_them():
    assert dates(wording.calendar_day("December 9999", "month", 0, 0)) == ("9999-12-01", "9999-12-31")
    with pytest.raises(CasebookError, match="no day near it can be told"):
        wording.calendar_day("0000.02.30", "impossible_date", 0, 0)
    with pytest.raises(CasebookError, match="years 1 to 9999"):
        wording.cells("events", wording.calendar_day("9999.12.31", "date", 0, 1))


def test_what_is_no_month_is_refused():
    with pytest.raises(CasebookError, match="expected such as 'April 2019'"):
        wording.calendar_day("2019", "month", 0, 0)


def test_a_real_date_is_told_from_an_impossible_one():
    assert wording.real_date("2022.02.28") == dt.date(2022, 2, 28)
    assert wording.real_date("2022.02.29") is None


# -- readings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "kind", "minus", "plus", "expected"),
    [
        ("0.4%", "value", 0.5, 0.5, Bounds(0.35, 0.45)),
        ("0.45%", "value", 0.5, 0.5, Bounds(0.445, 0.455)),
        ("1.5%", "value", 0.5, 0.5, Bounds(1.45, 1.55)),
        ("9.88%", "value", 0.5, 0.5, Bounds(9.875, 9.885)),
        ("0.03%", "value", 0.5, 0.5, Bounds(0.025, 0.035)),
        ("0.03%", "value", 0, 0, Bounds.exactly(0.03)),
        ("0.03%", "value", 1, 1, Bounds(0.02, 0.04)),
        ("2%", "value", 0.5, 0.5, Bounds(1.5, 2.5)),
        ("0.00%", "value", 0.5, 0.5, Bounds(0, 0.005)),  # no share is below 0
        ("100%", "value", 0.5, 0.5, Bounds(99.5, 100)),  # or above 100
        ("< 0.01%", "below", 0, 0, Bounds(0, 0.01, upper_closed=False)),
        ("below 0.01%", "below", 0, 0, Bounds(0, 0.01, upper_closed=False)),
        ("undetectable (< 1%)", "below", 0, 0, Bounds(0, 1, upper_closed=False)),
        ("undetectable", "negative", 0, 0.01, Bounds(0, 0.01, upper_closed=False)),
        ("became negative again", "negative", 0, 1, Bounds(0, 1, upper_closed=False)),
    ],
)
def test_a_printed_reading_stands_for_every_value_that_is_printed_so(printed, kind, minus, plus, expected):
    assert wording.value(printed, kind, minus, plus) == expected


@given(st.decimals(0, 100, places=2))
def test_a_value_that_is_rounded_to_what_is_printed_lies_within_its_bounds(number):
    for shift in ("-0.0049", "0", "0.0049"):
        true = min(max(float(number) + float(shift), 0.0), 100.0)
        assert true in wording.value(f"{number}%", "value", 0.5, 0.5)


@pytest.mark.parametrize(
    ("printed", "kind"),
    [
        ("about 1%", "value"),
        ("0.4", "value"),
        ("0,4%", "value"),
        ("0.4%\n", "value"),
        ("> 1%", "below"),
        ("low", "below"),
    ],
)
def test_a_reading_that_is_not_printed_as_its_wording_says_is_refused(printed, kind):
    with pytest.raises(CasebookError, match="expected such as"):
        wording.value(printed, kind, 0.5, 0.5)


@pytest.mark.parametrize(("printed", "kind"), [("101%", "value"), ("< 150%", "below")])
def test_a_share_of_more_than_all_is_refused(printed, kind):
    with pytest.raises(CasebookError, match="expected at most 100%"):
        wording.value(printed, kind, 0.5, 0.5)


@pytest.mark.parametrize(
    ("printed", "numbers"),
    [
        ("at both 19 and 46 days", [19, 46]),
        ("One week later", [1]),
        ("two cycles of 3", [2, 3]),
        ("5 year, 7 month-old", [5, 7, 67]),
        ("5 year and 1 month-old", [5, 1, 61]),
        ("13-month-old", [13]),
        ("2 years", [2, 24]),
        ("1,250.5 mg", [1250.5]),
        ("someone often phoned", []),
        ("then", []),
    ],
)
def test_the_numbers_of_a_phrase(printed, numbers):
    assert wording.numbers(printed) == numbers


# -- the convention -----------------------------------------------------------------------------------------


def test_an_unknown_wording_is_refused_with_those_that_are_known(record):
    with pytest.raises(CasebookError, match="no convention for the wording 'fortnight'; known: date, month"):
        wording.slack(record.conventions.reset_index(), "fortnight")


def test_a_wording_of_another_table_is_refused(record):
    row = {"wording": "n_days", "printed": "0.4%"}
    with pytest.raises(CasebookError, match="a wording of measurements; 'n_days' is one of intervals"):
        wording.derived("measurements", row, record.conventions.reset_index(), "adopted")


def test_slack_that_is_left_empty_is_without_limit(record):
    conventions = record.conventions.reset_index()
    assert wording.slack(conventions, "order") == (0, INFINITY)
    assert wording.slack(conventions, "no_bound") == (INFINITY, INFINITY)
    assert wording.slack(conventions, "n_months", "tight") == (0, 0)


def test_a_looser_convention_allows_all_that_a_tighter_one_does(record, tight, loose):
    for table in ("events", "intervals", "measurements"):
        for narrow, wide in ((tight, record), (record, loose)):
            pairs = zip(getattr(narrow, table)["bounds"], getattr(wide, table)["bounds"], strict=True)
            assert all(inner.within(outer) for inner, outer in pairs)


def test_every_wording_in_use_is_a_convention_and_every_convention_is_in_use(record):
    used = set().union(*(getattr(record, table)["wording"].dropna() for table in wording.COLUMNS))
    assert used == set(record.conventions.index)


def test_cells_are_written_as_the_files_have_them():
    assert wording.cells("intervals", Bounds.at_least(0)) == ("0", "")
    assert wording.cells("measurements", Bounds(0.445, 0.455)) == ("0.445", "0.455")
    day = dt.date(2022, 3, 1).toordinal()
    assert wording.cells("events", Bounds.at_most(day)) == ("", "2022-03-01")


def test_a_row_without_a_wording_derives_nothing():
    row = {"wording": pd.NA, "quantity": 3, "unit": "days"}
    assert wording.derived("intervals", row, pd.DataFrame({"id": []}), "adopted") is None
