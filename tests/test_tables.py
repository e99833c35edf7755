"""Bad input: every problem is listed at once, with the line it stands on, and nothing is overwritten."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest
from pandera.pandas import Check, Column

from casebook.errors import DataError, Problem
from casebook.paths import DATA
from casebook.report import record, wording
from casebook.tables import number, read, unknown_references

SCHEMA = pa.DataFrameSchema(
    {
        "id": Column(object, unique=True),
        "case": Column(object, Check.isin(["c1", "c2"], error="a case")),
        "low": Column("float64", Check.ge(0, error="0 or more"), nullable=True),
        "high": Column("float64", nullable=True),
        "day": Column("datetime64[ns]", nullable=True),
        "used": Column("boolean"),
        "note": Column(object, nullable=True),
    },
    checks=[
        Check(lambda frame: ~(frame["low"] > frame["high"]), error="low not above high", ignore_na=False)
    ],
)
HEADER = "id,case,low,high,day,used,note\n"
GOOD = "a,c1,1,2,2022-02-14,yes,\n"


@pytest.fixture
def found(tmp_path):
    """Write a table and give the problems that reading it lists."""

    def problems(content: str | bytes) -> list[tuple]:
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        before = path.read_bytes()
        with pytest.raises(DataError) as caught:
            read(path, SCHEMA)
        assert path.read_bytes() == before
        assert all(problem.file.endswith("table.csv") for problem in caught.value.problems)
        assert all(str(problem) in str(caught.value) for problem in caught.value.problems)
        return [(p.row, p.column, p.found, p.expected) for p in caught.value.problems]

    return problems


@pytest.fixture
def report(tmp_path) -> Path:
    """A copy of the report's tables, to be spoilt."""
    return Path(shutil.copytree(DATA / "report", tmp_path / "report"))


def spoil(path: Path, old: str, new: str) -> int:
    """Replace ``old``, which must occur once, and give the line it stood on."""
    text = path.read_bytes().decode()
    assert text.count(old) == 1, (path.name, text.count(old), old)
    path.write_bytes(text.replace(old, new).encode())
    return text[: text.index(old)].count("\n") + 1


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def rows(path: Path) -> list[dict]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


# -- one table ----------------------------------------------------------------------------------------------


def test_a_good_table_is_read_with_its_types_and_the_line_of_each_row(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(HEADER + GOOD + "b,c2,,,,no,\n")
    frame = read(path, SCHEMA)
    assert list(frame.index) == [2, 3]
    assert [str(kind) for kind in frame.dtypes[["low", "day", "used"]]] == [
        "float64",
        "datetime64[ns]",
        "boolean",
    ]
    assert (frame.at[2, "low"], frame.at[2, "day"].isoformat()) == (1, "2022-02-14T00:00:00")
    assert frame.loc[3, ["low", "high", "day", "note"]].isna().all()
    assert not frame.at[3, "used"]


def test_every_problem_of_a_table_is_listed_with_row_column_found_and_expected(found):
    assert found(
        HEADER + "a,c1,one,2,14.02.2022,yes,\n" + "a,c9,-1,2,,maybe,\n" + ",,3,2,2022-02-29,,\n"
    ) == [
        (2, "day", "'14.02.2022'", "a date as YYYY-MM-DD"),
        (2, "id", "'a'", "each id once"),
        (2, "low", "'one'", "a number"),
        (3, "case", "'c9'", "a case"),
        (3, "id", "'a'", "each id once"),
        (3, "low", "'-1'", "0 or more"),
        (3, "used", "'maybe'", "yes or no"),
        (4, "case", "nothing", "a value"),
        (4, "day", "'2022-02-29'", "a date as YYYY-MM-DD"),
        (4, "id", "nothing", "a value"),
        (4, "low, high", "'3', '2'", "low not above high"),
        (4, "used", "nothing", "a value"),
    ]


def test_a_missing_and_an_unknown_column_are_listed_beside_the_faults_of_the_other_columns(found):
    problems = found("id,case,low,day,used,note,hihg\na,c1,x,,yes,,2\na,c9,1,,yes,,2\n")
    assert [(row, column) for row, column, *_ in problems] == [
        (1, "high"), (1, "hihg"), (2, "id"), (2, "low"), (3, "case"), (3, "id"),
    ]  # fmt: skip
    assert problems[0][2:] == ("no such column", "a column of this name")
    assert problems[1][2] == "an unknown column"


def test_several_missing_columns_are_named_in_one_line(found):
    assert found("id,case,low,day,note\na,c1,1,,\n") == [
        (1, "high, used", "no such columns", "a column of this name for each")
    ]


def test_a_column_that_may_be_left_out_is_one_of_empty_cells(tmp_path):
    schema = pa.DataFrameSchema(
        SCHEMA.columns | {"high": Column("float64", nullable=True, required=False)}, SCHEMA.checks
    )
    path = tmp_path / "table.csv"
    path.write_text("id,case,low,day,used,note\na,c1,1,,yes,\n")
    frame = read(path, schema)
    assert frame["high"].isna().all()
    assert str(frame["high"].dtype) == "float64"
    path.write_text("id,case,low,day,used,note,hihg\na,c1,1,,yes,,2\n")
    with pytest.raises(DataError, match="column hihg: found an unknown column"):
        read(path, schema)


@pytest.mark.parametrize("line", ["sep=,", "sep=;", "SEP=\t"])
def test_a_line_for_spreadsheets_before_the_header_is_named_as_the_fault(found, line):
    ((row, column, what, expected),) = found(f"{line}\n" + HEADER + GOOD)
    assert (row, column, expected) == (1, None, "the header row")
    assert repr(line) in what


def test_empty_rows_that_follow_each_other_are_one_problem(found):
    expected = "a value, in rows of 7 cells as in the header"
    blank = "," * 6 + "\n"
    assert found(
        HEADER + GOOD + blank * 3 + "b,c9,1,2,,yes,\n" + blank + "\n" * 500 + "c,c1,1,2,,yes,\n\n"
    ) == [
        (3, None, "3 empty rows", expected),
        (6, "case", "'c9'", "a case"),
        (7, None, "501 empty rows", expected),
        (509, None, "an empty row", expected),
    ]


def test_a_ragged_row_is_listed_beside_the_faults_of_the_other_rows(found):
    assert found(HEADER + "a,c1,1\n" + "b,c9,1,2,,yes,\n" + "c,c1,1,2,,yes,,\n") == [
        (2, None, "3 cells", "7, as in the header"),
        (3, "case", "'c9'", "a case"),
        (4, None, "8 cells", "7, as in the header"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" +1.5e1 ", 15.0), (".5", 0.5), ("0.0e-999", 0.0), ("-0", 0.0), ("1e-320", 1e-320),
        ("1e999", None), ("-1e999", None), ("1e-999", None), ("nan", None), ("1_0", None), ("٢", None), ("", None),
    ],
)  # fmt: skip
def test_a_text_is_a_number_that_a_float_holds_or_none(text, found):
    assert number(text) == found


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1,5", "1.5%", "½", "--"])
def test_what_is_not_a_finite_number_is_unreadable(found, number):
    assert found(HEADER + f'a,c1,1,"{number}",,yes,\n') == [(2, "high", repr(number), "a number")]


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u200b", " \u00a0 "])
def test_a_cell_of_blanks_is_no_text(found, blank):
    assert found(HEADER + f"{blank},c1,1,2,,yes,{blank}\n") == [
        (2, "id", repr(blank), "text, or an empty cell"),
        (2, "note", repr(blank), "text, or an empty cell"),
    ]


def references(cell: str, **several) -> list[str]:
    frame = pd.DataFrame({"ids": [cell, None]}, index=[2, 3])
    return [p.found for p in unknown_references(frame, "ids", {"a", "b"}, "table.csv", "an id", **several)]


def test_a_cell_for_one_id_holds_just_one_that_is_known():
    assert references("a") == []
    for cell in ("c", "a b", "a ", " a", "a\u00a0b", "a\n", " "):
        assert references(cell) == [repr(cell)]


def test_a_cell_for_several_ids_holds_them_with_single_spaces_and_each_once():
    assert references("a", several=True) == references("b a", several=True) == []
    assert references("a c d", several=True) == ["'c'", "'d'"]
    for cell in ("a  b", " a", "a ", " ", "a\u00a0b", "a a"):
        assert references(cell, several=True) == [repr(cell)]


def test_a_repeated_column_is_seen_and_not_renamed(found):
    assert found("id,case,low,low,day,used,note\na,c1,1,2,,yes,\n") == [
        (1, "low", "the column twice", "each column once")
    ]


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_file_is_a_problem(found, content):
    assert found(content) == [(None, None, "an empty file", "a header row")]


def test_a_missing_file_is_a_problem(tmp_path):
    with pytest.raises(DataError) as caught:
        read(tmp_path / "table.csv", SCHEMA)
    assert caught.value.problems == (
        Problem(
            f"{tmp_path.parent.name}/{tmp_path.name}/table.csv", None, None, "no such file", "a CSV file"
        ),
    )


def test_a_wrong_encoding_is_named_with_its_byte_and_line(found):
    assert found((HEADER + GOOD).encode() + "b,c2,,,,no,Zürich\n".encode("latin-1")) == [
        (3, None, "byte 0xfc", "text in UTF-8: save the file as CSV UTF-8")
    ]


def test_an_unclosed_quote_is_a_problem_and_not_a_crash(found):
    ((row, _, what, _),) = found(HEADER + GOOD + 'b,c2,,,,no,"open\n' + GOOD)
    assert (row, what.startswith("no CSV")) == (3, True)


def test_a_row_after_a_cell_with_a_line_break_is_named_by_its_line_in_the_file(found):
    assert found(HEADER + 'a,c1,1,2,,yes,"two\nlines"\n' + "b,c9,1,2,,yes,\n") == [
        (4, "case", "'c9'", "a case")
    ]


def test_windows_line_ends_a_byte_order_mark_and_quotes_are_read(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(
        b"\xef\xbb\xbf" + (HEADER + 'a,"c1",1,2,,yes,"say ""no"", once"\n').replace("\n", "\r\n").encode()
    )
    frame = read(path, SCHEMA)
    assert frame.at[2, "note"] == 'say "no", once'
    assert frame.at[2, "case"] == "c1"


def test_windows_line_ends_do_not_shift_the_rows(found):
    assert found((HEADER + GOOD + "b,c9,1,2,,yes,\n").replace("\n", "\r\n")) == [
        (3, "case", "'c9'", "a case")
    ]


def test_an_error_names_no_more_of_a_path_than_its_last_folders(tmp_path):
    with pytest.raises(DataError) as caught:
        read(tmp_path / "table.csv", SCHEMA)
    assert str(tmp_path.parents[1]) not in str(caught.value)


def test_a_header_alone_is_an_empty_table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(HEADER)
    assert read(path, SCHEMA).empty


# -- all tables of a report ---------------------------------------------------------------------------------


def test_the_problems_of_all_tables_come_in_one_error_and_no_file_is_touched(report):
    spoilt = [
        ("cases.csv", ",67,68,", ",68,67,", "age_months_lower, age_months_upper", "'68', '67'"),
        ("claims.csv", "s03,range,c1 c2 c3", "s03,range,c1 c7 c3", "cases", "'c7'"),
        ("conventions.csv", "that day,days,0,", "that day,days,none,", "minus_tight", "'none'"),
        (
            "events.csv",
            ",2022.03.22,date,2022-03-22,",
            ",2022.03.22,date,22 March,",
            "earliest",
            "'22 March'",
        ),
        ("intervals.csv", "c2-i11,c2,c2-relapse", "c2-i11,c2,c2-relapsed", "from_event", "'c2-relapsed'"),
        ("intervals.csv", "c2-i13,c2,", "c2-i12,c2,", "id", "'c2-i12'"),
        ("measurements.csv", "c2-m06,c2,", "c2-m06,c9,", "case", "'c9'"),
        ("not_reported.csv", "n06,c2,First and last day of blinatumomab", "n06,c2,", "item", "nothing"),
    ]
    expected = [
        (name, spoil(report / name, old, new), column, found) for name, old, new, column, found in spoilt
    ]
    # Both rows of an id that occurs twice are named.
    expected.append(
        ("intervals.csv", line_of(report / "intervals.csv", "c2-i12,c2,c2-marrow"), "id", "'c2-i12'")
    )
    spoil(report / "adverse_events.csv", "term,present", "terms,present")
    expected += [
        ("adverse_events.csv", 1, "term", "no such column"),
        ("adverse_events.csv", 1, "terms", "an unknown column"),
    ]
    (report / "regimens.csv").unlink()
    expected.append(("regimens.csv", None, None, "no such file"))
    path = report / "treatments.csv"
    dose = line_of(path, "c1-t04")
    path.write_bytes(path.read_bytes().replace("μ".encode(), b"\xb5"))
    expected.append(("treatments.csv", dose, None, "byte 0xb5"))

    before = contents(report)
    with pytest.raises(DataError) as caught:
        record.load(report)
    place = f"{report.parent.name}/report/"
    assert sorted((p.file, p.row or 0, p.column or "", p.found) for p in caught.value.problems) == sorted(
        (place + name, row or 0, column or "", found) for name, row, column, found in expected
    )
    assert contents(report) == before


def line_of(path: Path, start: str) -> int:
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(start))


@pytest.mark.parametrize(
    ("name", "old", "new", "column", "expected"),
    [
        (
            "discrepancies.csv",
            "values_outside_ranges,s01 c1-m03",
            "values_outside_ranges,s99 c1-m03",
            "statements",
            "ids of rows of these tables",
        ),
        ("intervals.csv", "c2-i11,c2,", "c2-i11,c9,", "case", "a case of cases.csv"),
        ("intervals.csv", "c2-i11,c2,c2-relapse,", "c2-i11,c2,c1-relapse,", "from_event", "an event of c2"),
        ("intervals.csv", "c2-i11,c2,", "c2-hsct,c2,", "id", "an id that events.csv does not have"),
        (
            "intervals.csv",
            "c2-i09a,c2,c2-maintenance-start,c2-relapse,323,days",
            "c2-i09a,c2,c2-maintenance-start,c2-relapse,323,fortnights",
            "unit",
            "one of days, weeks, months",
        ),
        (
            "intervals.csv",
            ",1,weeks,n_weeks,4,10,",
            ",1.5,weeks,n_weeks,4,10,",
            "wording",
            "a number of weeks must be whole, found 1.5",
        ),
        (
            "intervals.csv",
            ",1,weeks,n_weeks,4,10,",
            ",,weeks,n_weeks,4,10,",
            "wording",
            "nothing in quantity; the wording 'n_weeks' needs it",
        ),
        (
            "intervals.csv",
            ",1,weeks,n_weeks,4,10,",
            ",1,weeks,weekish,4,10,",
            "wording",
            "no convention for the wording 'weekish'",
        ),
        ("events.csv", "c1-hsct,c1,", "c1-hsct,c1 c2,", "case", "a case id such as c1, or all"),
        ("events.csv", "c1-hsct,c1,", "c1-hsct,c1\u00a0,", "case", "a case id such as c1, or all"),
        (
            "events.csv",
            "2022.03.22,date,2022-03-22,2022-03-22,",
            "2022.03.22,,,,",
            "wording, date_printed",
            "wording beside",
        ),
        (
            "events.csv",
            "2022.03.22,date,",
            "2022.02.30,date,",
            "wording",
            "the wording 'impossible_date': 2022.02.30",
        ),
        (
            "events.csv",
            "2022.02.29,impossible_date,",
            "2022.02.28,impossible_date,",
            "wording",
            "the wording 'date': 2022.02.28",
        ),
        (
            "events.csv",
            "2022.03.22,date,",
            "2022.03.22,n_days,",
            "wording",
            "a wording of events; 'n_days' is one of intervals",
        ),
        (
            "intervals.csv",
            "c2-i11,c2,c2-relapse,c2-m",
            "c2-i11,c2,c2-relapse c2-hsct,c2-m",
            "from_event",
            "an event of events.csv",
        ),
        (
            "intervals.csv",
            "c2-i11,c2,c2-relapse,c2-m",
            "c2-i11,c2,c2-relapse\u00a0,c2-m",
            "from_event",
            "an event of events.csv",
        ),
        (
            "intervals.csv",
            ",1,weeks,n_weeks,4,10,",
            ",1,weeks,,4,10,",
            "wording, quantity",
            "wording beside quantity",
        ),
        (
            "intervals.csv",
            ",1,weeks,n_weeks,4,10,",
            ",1,,n_weeks,4,10,",
            "unit, quantity",
            "unit beside quantity",
        ),
        (
            "intervals.csv",
            ",1,weeks,n_weeks,4,10,",
            ",1,weeks,value,4,10,",
            "wording",
            "a wording of intervals; 'value' is one of measurements",
        ),
        (
            "intervals.csv",
            ",1,weeks,n_weeks,4,10,",
            ",2,weeks,n_weeks,11,17,",
            "quantity, printed",
            "quantity among the numbers of printed",
        ),
        (
            "intervals.csv",
            ",1,weeks,n_weeks,4,10,",
            ",1e9,weeks,n_weeks,4,10,",
            "wording",
            "1e+09 weeks are no time",
        ),
        ("intervals.csv", ",1,weeks,n_weeks,4,10,", ",1,weeks,n_weeks,4.5,10,", "min_days", "a whole number"),
        (
            "intervals.csv",
            ",c2-day-323,a,yes",
            ",c2-day-323,,yes",
            "phrase, reading",
            "phrase and reading or none",
        ),
        ("intervals.csv", ",c2-day-323,a,yes", ",,a,yes", "phrase, reading", "phrase and reading or none"),
        (
            "measurements.csv",
            "c1-m04,c1,c1-marrow-before,",
            "c1-m04,c1,c1-marrow-before c1-relapse,",
            "event",
            "an event of events.csv",
        ),
        (
            "measurements.csv",
            ",0.03%,value,0.025,0.035,",
            ",0.03%,,0.025,0.035,",
            "wording, printed",
            "wording for the percentage in printed",
        ),
        (
            "measurements.csv",
            "below 0.01%,below,0,0.01",
            "below 0.01%,,0,0.01",
            "wording, printed",
            "wording for the percentage in printed",
        ),
        (
            "measurements.csv",
            ",0.03%,value,",
            ",0.03%,month,",
            "wording",
            "a wording of measurements; 'month' is one of events",
        ),
        ("measurements.csv", ",0.03%,value,0.025,0.035,", ",103%,value,,,", "wording", "no share of 103%"),
        (
            "measurements.csv",
            ",0.03%,value,0.025,0.035,",
            ",0.03%,value,0.025,135,",
            "upper",
            "a percentage from 0 to 100",
        ),
        (
            "measurements.csv",
            "c1-m04,c1,c1-marrow-before,MRD,",
            "c1-m04,c1,c1-marrow-before,mrd,",
            "analyte",
            "MRD, CSF, morphology, fusion gene",
        ),
        (
            "measurements.csv",
            "c2-m05,c2,c2-relapse,KMT2A-AFF1,",
            "c2-m05,c2,c2-relapse,ETV6-RUNX1,",
            "analyte",
            "MRD, CSF, morphology, fusion gene",
        ),
        (
            "measurements.csv",
            ",0.03%,value,0.025,0.035,percent,,",
            ",0.03%,value,0.025,0.035,percent,about 0.01,",
            "sensitivity_printed",
            "a percentage such as 0.01%",
        ),
        (
            "treatments.csv",
            "c1-hsct,c1-hsct,",
            "c1-hsct,c1-hsct c1-relapse,",
            "end_event",
            "an event of events.csv",
        ),
        (
            "treatments.csv",
            "15,15,ug/m2/day",
            "51,51,ug/m2/day",
            "dose_lower, dose_printed",
            "dose_lower equal to the first number",
        ),
        (
            "treatments.csv",
            "15,15,ug/m2/day",
            ",15,ug/m2/day",
            "dose_lower, dose_upper, dose_unit",
            "dose_lower and dose_upper and dose_unit",
        ),
        (
            "treatments.csv",
            "15,15,ug/m2/day",
            "15,,ug/m2/day",
            "dose_lower, dose_upper, dose_unit",
            "dose_lower and dose_upper and dose_unit",
        ),
        (
            "treatments.csv",
            "15,15,ug/m2/day",
            "15,15,",
            "dose_lower, dose_upper, dose_unit",
            "dose_lower and dose_upper and dose_unit",
        ),
        (
            "adverse_events.csv",
            "c1-a01,c1,fever,yes,,1,2",
            "c1-a01,c1,fever,yes,,1,",
            "grade_lower, grade_upper",
            "grade_lower and grade_upper or none",
        ),
        (
            "adverse_events.csv",
            "c1-a01,c1,fever,yes,,1,2",
            "c1-a01,c1,fever,yes,,1.5,2",
            "grade_lower",
            "a whole number",
        ),
        (
            "cases.csv",
            ",67,68,",
            ",68,69,",
            "age_months_lower, age_months_upper",
            "67 and 68, as the intervals",
        ),
        ("cases.csv", ",67,68,", ",,,", "age_months_lower, age_months_upper", "67 and 68, as the intervals"),
        (
            "cases.csv",
            ",67,68,",
            ",67,69,",
            "age_months_lower, age_months_upper",
            "67 and 68, as the intervals",
        ),
        (
            "claims.csv",
            "s03,range,c1 c2 c3,",
            "s03,range,c1  c2 c3,",
            "cases",
            "cases of cases.csv, each once",
        ),
        ("claims.csv", "s03,range,c1 c2 c3,", "s03,range,c1\u00a0c2 c3,", "cases", "cases of cases.csv"),
        (
            "claims.csv",
            "s03,range,c1 c2 c3,MRD,marrow-before,",
            "s03,range,c1 c2 c3,MRD,marrow-befour,",
            "event",
            "the id of an event of these cases",
        ),
        (
            "claims.csv",
            "s03,range,c1 c2 c3,MRD,",
            "s03,range,c1 c2 c3,MDR,",
            "analyte",
            "MRD, CSF, morphology, fusion gene",
        ),
        (
            "claims.csv",
            "s03,range,c1 c2 c3,MRD,",
            "s03,range,c1 c2 c3,,",
            "analyte, kind",
            "analyte with the kind range",
        ),
        ("claims.csv", "s09,no_response,c3,", "s09,no_response,c2 c3,", "cases", "one case"),
        (
            "claims.csv",
            "s09,no_response,c3,MRD,marrow-day19,",
            "s09,no_response,c3,MRD,hsct,",
            "event",
            "an event with a reading of the analyte",
        ),
        (
            "conventions.csv",
            "day_n,intervals,",
            "day_n,interval,",
            "of",
            "one of events, intervals, measurements",
        ),
        (
            "conventions.csv",
            "day_n,intervals,day 323,that many days after the first day,days,0,0,1,",
            "day_n,intervals,day 323,that many days after the first day,days,0,0,1e300,",
            "minus_adopted",
            "a number from 0 to 73050",
        ),
        (
            "discrepancies.csv",
            "values_outside_ranges,s01 c1-m03",
            "values_outside_ranges,s01  c1-m03",
            "statements",
            "ids of rows of these tables, each once",
        ),
        ("events.csv", "2022.02.29,", "29 Feb,", "wording", "no date in '29 Feb'"),
        ("events.csv", "April 2019,", "spring 2019,", "wording", "no month in 'spring 2019'"),
        (
            "measurements.csv",
            "c1-relapse,MRD,,1.5%,",
            "c1-relapse,MRD,,about 1.5,",
            "wording",
            "no reading in 'about 1.5'",
        ),
        (
            "measurements.csv",
            "c3-marrow-after,MRD,,below 0.01%,",
            "c3-marrow-after,MRD,,low,",
            "wording",
            "no limit in 'low'",
        ),
    ],
)
def test_what_the_tables_say_of_each_other_is_checked(report, name, old, new, column, expected):
    line = spoil(report / name, old, new)
    with pytest.raises(DataError) as caught:
        record.load(report)
    here = [p for p in caught.value.problems if p.file.endswith(name) and (p.row, p.column) == (line, column)]
    assert len(here) == 1
    assert here[0].expected.startswith(expected)


def test_a_row_that_no_reading_uses_is_refused(report):
    line = spoil(
        report / "intervals.csv",
        'One week later,"Case presentation, case 2",,,yes',
        'One week later,"Case presentation, case 2",,,no',
    )
    with pytest.raises(DataError) as caught:
        record.load(report)
    assert [(p.row, p.expected) for p in caught.value.problems] == [(line, "phrase where adopted is no")]


def test_the_age_of_a_case_is_that_of_the_reading_that_is_adopted(report):
    spoil(report / "intervals.csv", ",c1-age,a,yes,", ",c1-age,a,no,")
    spoil(report / "intervals.csv", ",c1-age,b,no,", ",c1-age,b,yes,")
    with pytest.raises(DataError) as caught:
        record.load(report)
    assert [(p.column, p.found, p.expected.split(",")[0]) for p in caught.value.problems] == [
        ("age_months_lower, age_months_upper", "'67', '68'", "nothing")
    ]
    spoil(report / "cases.csv", ",67,68,", ",,,")
    assert record.load(report).cases.loc["c1", "age_months_lower"] != 67


def test_a_dose_that_is_a_range_need_not_be_its_first_number(report):
    spoil(report / "treatments.csv", "15 μg/m2/day,15,15,", "up to 15 μg/m2/day,5,15,")
    assert record.load(report).treatments.at["c1-t04", "dose_lower"] == 5


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        (",c1-30-months,a,yes,", ",c1-30-months,a,no,", 0),
        (",c1-30-months,b,no,", ",c1-30-months,b,yes,", 2),
        # One of the two rows of reading b.
        (",c1-during,b,no,", ",c1-during,b,yes,", 2),
    ],
)
def test_a_phrase_with_no_adopted_reading_or_two_is_refused(report, old, new, count):
    spoil(report / "intervals.csv", old, new)
    with pytest.raises(DataError) as caught:
        record.load(report)
    (problem,) = caught.value.problems
    assert problem.found.startswith(f"{count} readings of ")
    assert problem.expected == "one reading, in all its rows"


# -- the bounds in the files --------------------------------------------------------------------------------

DERIVED = {
    "events": {"earliest", "latest"},
    "intervals": {"min_days", "max_days"},
    "measurements": {"lower", "upper"},
}


def test_bounds_that_the_convention_does_not_give_are_refused_with_their_row(report):
    line = spoil(report / "intervals.csv", ",1,weeks,n_weeks,4,10,", ",1,weeks,n_weeks,5,10,")
    with pytest.raises(DataError) as caught:
        record.load(report)
    (problem,) = caught.value.problems
    assert (problem.row, problem.column, problem.found) == (line, "min_days", "'5'")
    assert problem.expected.startswith("'4' by conventions.csv")


def test_a_bound_beside_an_unreadable_one_is_told_of_once(report):
    line = spoil(report / "intervals.csv", ",1,weeks,n_weeks,4,10,", ",1,weeks,n_weeks,four,10,")
    with pytest.raises(DataError) as caught:
        record.load(report)
    assert [(p.row, p.column, p.found) for p in caught.value.problems] == [(line, "min_days", "'four'")]


def test_the_files_are_as_rewriting_leaves_them(report):
    before = contents(report)
    assert wording.rewrite(report) == []
    assert contents(report) == before


def test_one_changed_convention_changes_what_is_derived_and_nothing_else(report):
    # A week rounded to the nearest week is 4 to 10 days; rounded by no more than a day, 6 to 8.
    spoil(report / "conventions.csv", "that many weeks,days,0,0,3,3,6,6", "that many weeks,days,0,0,1,1,6,6")
    with pytest.raises(DataError) as caught:
        record.load(report)
    line = line_of(report / "intervals.csv", "c2-i11")
    assert {(p.row, p.column, p.found) for p in caught.value.problems} == {
        (line, "min_days", "'4'"), (line, "max_days", "'10'"),
    }  # fmt: skip

    old = {name: rows(report / f"{name}.csv") for name in DERIVED}
    others = {name: content for name, content in contents(report).items() if name[:-4] not in DERIVED}
    assert wording.rewrite(report) == ["c2-i11"]
    for name, columns in DERIVED.items():
        for was, now in zip(old[name], rows(report / f"{name}.csv"), strict=True):
            changed = {column for column in now if was[column] != now[column]}
            assert changed == ({"min_days", "max_days"} if now["id"] == "c2-i11" else set())
            assert changed <= columns
    assert {name: content for name, content in contents(report).items() if name[:-4] not in DERIVED} == others
    assert wording.rewrite(report) == []

    # Diagnosis is then two days earlier at the latest: 6 days instead of 4 lie between the two marrows.
    days = record.load(report).chronology("c2").day("c2-diagnosis")
    assert days.upper == record.load().chronology("c2").day("c2-diagnosis").upper - 2


def test_rewriting_leaves_no_file_half_done_when_a_wording_cannot_be_read(report):
    spoil(report / "conventions.csv", "that many weeks,days,0,0,3,3,6,6", "that many weeks,days,0,0,1,1,6,6")
    spoil(report / "measurements.csv", "c1-relapse,MRD,,1.5%,", "c1-relapse,MRD,,about 1.5,")
    before = contents(report)
    shown = subprocess.run(
        [sys.executable, "-m", "casebook.report.wording", str(report)], capture_output=True, text=True
    )
    assert shown.returncode == 1
    assert "about 1.5" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert contents(report) == before


def test_rewriting_keeps_windows_line_ends_and_reads_past_a_byte_order_mark(report):
    path = report / "intervals.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    spoil(path, ",1,weeks,n_weeks,4,10,", ",1,weeks,n_weeks,,,")
    assert wording.rewrite(report) == ["c2-i11"]
    assert path.read_bytes().count(b"\r\n") == path.read_bytes().count(b"\n")
    assert rows(path) == rows(DATA / "report" / "intervals.csv")


def test_an_encoder_may_leave_the_bounds_to_the_convention(report):
    spoil(report / "intervals.csv", ",1,weeks,n_weeks,4,10,", ",1,weeks,n_weeks,,,")
    bounds = record.load(report).intervals.at["c2-i11", "bounds"]
    assert (bounds.lower, bounds.upper) == (4, 10)
