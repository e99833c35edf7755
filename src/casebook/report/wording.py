"""The wording of a report, turned into bounds by one stated convention.

``data/report/conventions.csv`` says, for each kind of wording ("30 months later", "day 323", "< 0.01%"), how much
earlier or later than the bare quantity it may mean, for a tight, the adopted and a loose convention. It is the one
place where the convention is changed; ``python -m casebook.report.wording data/report`` then writes the bounds that
follow into the tables.
"""

from __future__ import annotations

import calendar
import csv
import datetime as dt
import io
import math
import os
import re
import sys
from decimal import Decimal
from functools import cache
from pathlib import Path

import pandas as pd

from casebook.bounds import INFINITY, Bounds, date_text
from casebook.errors import CasebookError

PRINTED_DATE = re.compile(r"^(\d{4})[.\-/](\d{1,2})[.\-/](\d{1,2})\Z")
PRINTED_VALUE = re.compile(r"^(\d+(?:\.\d+)?)\s*%\Z")
PRINTED_LIMIT = re.compile(r"(?:<|below)\s*(\d+(?:\.\d+)?)\s*%")
PERIODIC = {"n_months", "about_n_months", "age", "n_weeks", "n_days", "day_n"}
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
NUMBER_WORDS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
YEARS_AND_MONTHS = re.compile(r"(\d+)[\s-]*years?(?:\W+(?:and\W+)?(\d+)[\s-]*months?)?", re.IGNORECASE)
DAYS_AT_LEAST = {"weeks": 7, "months": 28}
MOST_DAYS = 73_050
"""Two hundred years: no report tells of more, and a slip of the hand is soon larger."""


def slack(conventions: pd.DataFrame, wording: str, stretch: str = "adopted") -> tuple[float, float]:
    """How much less and how much more than the bare quantity a wording may mean.

    Returns ``(minus, plus)`` in the convention's own unit; infinite where the convention sets no limit.
    """
    return _slack(_convention(conventions, wording), stretch)


def _convention(conventions: pd.DataFrame, wording: str) -> pd.Series:
    rows = conventions.loc[conventions["id"] == wording]
    if rows.empty:
        known = ", ".join(conventions["id"])
        raise CasebookError(f"no convention for the wording {wording!r}; known: {known}")
    return rows.iloc[0]


def _slack(convention: pd.Series, stretch: str) -> tuple[float, float]:
    minus, plus = (convention[f"{side}_{stretch}"] for side in ("minus", "plus"))
    return tuple(INFINITY if pd.isna(value) else float(value) for value in (minus, plus))


def days(quantity: float, unit: str | None, minus: float, plus: float) -> Bounds:
    """Whole days that a printed quantity can mean.

    Parameters
    ----------
    quantity, unit
        The printed number, in ``days``, ``weeks`` or (calendar) ``months``. Missing: 0.
    minus, plus
        Slack in days, from :func:`slack`.

    Notes
    -----
    A number of months is as many days as the months it spans: 1 month is 28 to 31 days, taken over every
    possible first day of the Gregorian cycle.
    """
    if pd.isna(quantity):
        quantity = 0
    if quantity != int(quantity):
        raise CasebookError(f"a number of {unit or 'days'} must be whole, found {quantity:g}")
    if not 0 <= quantity <= MOST_DAYS // DAYS_AT_LEAST.get(unit, 1):
        raise CasebookError(f"{quantity:g} {unit or 'days'} are no time that a report tells of")
    if unit == "months":
        shortest, longest = _month_spans(int(quantity))
    else:
        shortest = longest = int(quantity) * DAYS_AT_LEAST.get(unit, 1)
    minus, plus = _whole_days(minus), _whole_days(plus)
    return Bounds(shortest - minus, longest + plus)


def calendar_day(printed: str, wording: str, minus: float, plus: float) -> Bounds:
    """Ordinals of the days that a printed date can mean; a day that does not exist lies between two that do.

    Raises CasebookError where ``wording`` (``date``, ``impossible_date`` or ``month``) is not what is printed.
    """
    minus, plus = _whole_days(minus), _whole_days(plus)
    if wording == "month":
        try:
            first = dt.datetime.strptime(printed, "%B %Y").date()
        except ValueError:
            raise CasebookError(f"no month in {printed!r}; expected such as 'April 2019'") from None
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        return Bounds(first.toordinal() - minus, last.toordinal() + plus)
    real = real_date(printed)
    fitting = "impossible_date" if real is None else "date"
    if wording != fitting:
        is_none = "is no day of the calendar" if real is None else "is a day of the calendar"
        raise CasebookError(f"the wording {fitting!r}: {printed} {is_none}")
    if real is not None:
        return Bounds(real.toordinal() - minus, real.toordinal() + plus)
    year, month, day = _parts(printed)
    before, after = (_nearest(year, month, day, step) for step in (-1, 1))
    return Bounds(before.toordinal() - minus, after.toordinal() + plus)


def real_date(printed: str) -> dt.date | None:
    """The date that is printed as year.month.day, or None if the calendar has no such day."""
    try:
        return dt.date(*_parts(printed))
    except ValueError:
        return None


def value(printed: str, wording: str, minus: float, plus: float) -> Bounds:
    """What a printed reading can mean, in percent.

    A number stands for every value that is printed so: ``0.4%`` is 0.35 to 0.45 where half of the last printed
    place is allowed for; no share is below 0 or above 100. ``< 0.01%`` is [0, 0.01). A word such as "undetectable"
    is [0, ``plus``).
    """
    if wording == "negative":
        return Bounds.below(plus, lower=0)
    if wording == "below":
        found = PRINTED_LIMIT.search(printed)
        if not found:
            raise CasebookError(f"no limit in {printed!r}; expected such as '< 0.01%'")
        return Bounds.below(float(_percent(found[1])), lower=0)
    found = PRINTED_VALUE.match(printed)
    if not found:
        raise CasebookError(f"no reading in {printed!r}; expected such as '0.45%'")
    number = _percent(found[1])
    place = Decimal(1).scaleb(number.as_tuple().exponent)
    lower = max(number - place * Decimal(str(minus)), Decimal(0))
    upper = min(number + place * Decimal(str(plus)), Decimal(100))
    return Bounds(float(lower), float(upper))


def numbers(printed: str) -> list[float]:
    """The numbers of a phrase in order, in digits or in words (one to twelve); ``5 year, 7 month`` also as 67."""
    found = [(m.start(), float(m[0].replace(",", ""))) for m in NUMBER.finditer(printed)]
    found += [
        (m.start(), float(number))
        for number, word in enumerate(NUMBER_WORDS, start=1)
        for m in re.finditer(rf"\b{word}\b", printed, re.IGNORECASE)
    ]
    in_months = [12 * float(m[1]) + float(m[2] or 0) for m in YEARS_AND_MONTHS.finditer(printed)]
    return [number for _, number in sorted(found)] + in_months


def _percent(digits: str) -> Decimal:
    number = Decimal(digits)
    if number > 100:
        raise CasebookError(f"no share of {digits}%; expected at most 100%")
    return number


def _whole_days(slack: float) -> float:
    if slack == INFINITY:
        return slack
    if slack != int(slack):
        raise CasebookError(f"slack must be whole days, found {slack:g}")
    if slack > MOST_DAYS:
        raise CasebookError(f"slack of at most {MOST_DAYS} days, found {slack:g}")
    return int(slack)


@cache
def _month_spans(months: int) -> tuple[int, int]:
    """Shortest and longest number of days from a day to the same day some months later."""
    spans = []
    for start in range(400 * 12):  # the Gregorian calendar repeats after 400 years
        year, month = divmod(start, 12)
        later_year, later_month = divmod(start + months, 12)
        spans.append(
            (dt.date(later_year + 2000, later_month + 1, 1) - dt.date(year + 2000, month + 1, 1)).days
        )
    return min(spans), max(spans)


def _parts(printed: str) -> tuple[int, int, int]:
    found = PRINTED_DATE.match(printed)
    if not found:
        raise CasebookError(f"no date in {printed!r}; expected year.month.day, such as 2022.02.14")
    return tuple(map(int, found.groups()))


def _nearest(year: int, month: int, day: int, step: int) -> dt.date:
    """The last real day before (step -1) or the first after (step 1) a day that does not exist."""
    if not (year >= 1 and 1 <= month <= 12 and 28 < day <= 31):
        raise CasebookError(f"{year}.{month:02}.{day:02} is no date, and no day near it can be told")
    after = dt.date(year + month // 12, month % 12 + 1, 1)
    return after if step > 0 else after - dt.timedelta(days=1)


# -- writing the bounds into the tables ----------------------------------------------------------------------


def derived(name: str, row: dict, conventions: pd.DataFrame, stretch: str) -> Bounds | None:
    """The bounds that follow from a row's wording, or None if the row names no wording.

    ``name`` is the table: ``events`` (ordinals of days), ``intervals`` (days) or ``measurements`` (percent).
    """
    if pd.isna(row["wording"]):
        return None
    convention = _convention(conventions, row["wording"])
    minus, plus = _slack(convention, stretch)
    if convention["of"] != name:
        raise CasebookError(f"a wording of {name}; {row['wording']!r} is one of {convention['of']}")
    needed = {"events": "date_printed", "measurements": "printed"}.get(name)
    if name == "intervals" and row["wording"] in PERIODIC:
        needed = "quantity"
    if needed is not None and pd.isna(row[needed]):
        raise CasebookError(f"nothing in {needed}; the wording {row['wording']!r} needs it")
    if name == "events":
        return calendar_day(row["date_printed"], row["wording"], minus, plus)
    if name == "intervals":
        return days(row["quantity"], row["unit"], minus, plus)
    return value(row["printed"], row["wording"], minus, plus)


COLUMNS = {
    "events": ("earliest", "latest"),
    "intervals": ("min_days", "max_days"),
    "measurements": ("lower", "upper"),
}


def cells(name: str, bounds: Bounds) -> tuple[str, str]:
    """The bounds as the two cells of table ``name``; empty where there is no limit.

    Raises CasebookError for a day of ``events`` outside the years 1 to 9999.
    """

    def cell(limit: float) -> str:
        if math.isinf(limit):
            return ""
        if name == "events":
            return date_text(Bounds.exactly(limit))
        return f"{limit:.10g}"

    return cell(bounds.lower), cell(bounds.upper)


def rewrite(directory: Path) -> list[str]:
    """Write the bounds that the adopted convention gives into the tables of ``directory``.

    Returns the ids of the rows that changed. Each file is replaced whole, or not at all; one in which no bound
    changes is left as it is.
    """
    from casebook.report import schema
    from casebook.tables import read

    conventions = read(directory / "conventions.csv", schema.CONVENTIONS)
    changed, written = [], {}
    for name, columns in COLUMNS.items():
        path = directory / f"{name}.csv"
        typed = read(path, schema.TABLES[name]).to_dict("records")
        content = path.read_bytes().decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(content, newline=""))
        rows, header, before = list(reader), reader.fieldnames, len(changed)
        for row, values in zip(rows, typed, strict=True):
            bounds = derived(name, values, conventions, "adopted")
            if (
                bounds is not None
                and (new := dict(zip(columns, cells(name, bounds), strict=True))).items() - row.items()
            ):
                row.update(new)
                changed.append(row["id"])
        if len(changed) == before:
            continue
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, header, lineterminator="\r\n" if "\r\n" in content else "\n")
        writer.writeheader()
        writer.writerows(rows)
        written[path] = text.getvalue()
    for path, text in written.items():
        beside = path.with_suffix(".csv.new")
        beside.write_text(text, encoding="utf-8", newline="")
        os.replace(beside, path)
    return changed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m casebook.report.wording DIRECTORY")
    try:
        rows = rewrite(Path(sys.argv[1]))
    except CasebookError as error:
        sys.exit(str(error))
    print(f"{len(rows)} rows changed" + (f": {' '.join(rows)}" if rows else ""))
