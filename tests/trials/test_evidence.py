"""The tables of published rates: what is refused, what is flagged, and what may be inferred from what is printed."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from casebook.errors import CasebookError, DataError
from casebook.paths import DATA, ROOT
from casebook.trials import evidence, schema


@pytest.fixture(scope="module")
def read():
    return evidence.load()


@pytest.fixture
def tables(tmp_path):
    """A copy of the tables that a test may spoil."""
    shutil.copytree(DATA / "trials", tmp_path / "trials")
    return tmp_path / "trials"


def spoil(directory, table, row, **cells):
    """Change cells of one row, found by its id, and give the line of the file on which it stands."""
    path = directory / f"{table}.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    key = frame.columns[0]
    position = frame.index[frame[key] == row][0]
    for column, value in cells.items():
        frame.loc[position, column] = value
    frame.to_csv(path, index=False)
    return position + 2


def refused(directory):
    with pytest.raises(DataError) as caught:
        evidence.load(directory)
    return caught.value.problems


@pytest.mark.parametrize(
    ("table", "row", "cells", "column", "expected"),
    [
        ("rates", "keating2019-r01", {"events": "16"}, "events, denominator", "events not above denominator"),
        ("rates", "keating2019-r01", {"study": "keating"}, "study", "an id of studies.csv"),
        ("rates", "keating2019-r01", {"events": "13.5"}, "events", "a whole number"),
        ("rates", "keating2019-r01", {"events": "-1"}, "events", "0 or more"),
        ("rates", "keating2019-r01", {"denominator": "0", "events": ""}, "denominator", "1 or more"),
        ("rates", "keating2019-r01", {"printed": "93.3%"}, "printed", "a number as printed, such as 24.1"),
        (
            "rates",
            "keating2019-r01",
            {"printed": "193"},
            "printed, ci_lower, ci_upper, measure",
            "from 0 to 100",
        ),
        ("rates", "keating2019-r01", {"read_level": "heard of"}, "read_level", "one of full table"),
        ("rates", "keating2019-r01", {"read_level": ""}, "read_level", "a value"),
        ("rates", "keating2019-r01", {"source": ""}, "source", "a value"),
        ("rates", "mt103_205-r19", {"ci_lower": "60"}, "ci_lower, ci_upper", "ci_lower not above ci_upper"),
        ("rates", "mt103_205-r19", {"interval": ""}, "interval, ci_lower", "interval beside ci_lower"),
        ("rates", "keating2019-r01", {"denominator": "9" * 20}, "denominator", "at most 1000000"),
        (
            "rates",
            "cohort38-r03",
            {"printed": "150"},
            "printed, ci_lower, ci_upper, measure",
            "from 0 to 100",
        ),
        ("rates", "locatelli2021-r01", {"events": ""}, "events", "the size of the arm"),
        ("rates", "locatelli2021-r02", {"arm": "blinatumomab"}, "arm", "one row with the size of an arm"),
        ("pools", "p-crs-2", {"rate": "locatelli2021-r01"}, "rate", "a proportion with a count"),
        ("studies", "keating2019", {"read_level": ""}, "read_level", "a value"),
        ("pools", "p-crs-2", {"rate": "xie2023-r99"}, "rate", "an id of rates.csv"),
        ("pools", "p-crs-2", {"rate": "hogan2023-r13"}, "rate", "a proportion with a count"),
        (
            "pools",
            "p-crs-2",
            {"rate": "keating2019-r01"},
            "rate",
            "patients who are not in this pool already",
        ),
        ("disagreements", "t09", {"rates": "keating2019-r05 nobody"}, "rates", "ids of rates.csv"),
        ("patients", "jh2132-p1", {"study": "nobody"}, "study", "an id of studies.csv"),
    ],
)
def test_a_wrong_table_is_refused_with_row_and_reason(tables, table, row, cells, column, expected):
    line = spoil(tables, table, row, **cells)
    found = [(p.file, p.row, p.column) for p in refused(tables) if expected in p.expected]
    assert (f"{tables.parent.name}/trials/{table}.csv", line, column) in found


def test_every_problem_of_every_table_is_told_at_once(tables):
    spoil(tables, "rates", "keating2019-r01", events="16")
    spoil(tables, "rates", "xie2023-r06", study="nobody")
    spoil(tables, "pools", "p-crs-1", rate="nothing")
    found = {(problem.file.rsplit("/")[-1], problem.column) for problem in refused(tables)}
    assert found >= {
        ("rates.csv", "events, denominator"),
        ("rates.csv", "study"),
        ("pools.csv", "rate"),
    }


def test_a_percentage_that_its_count_contradicts_is_flagged_and_kept(tables):
    spoil(tables, "rates", "keating2019-r01", printed="93.4")  # 14 of 15 is 93.33
    found = evidence.contradictions(evidence.load(tables).rates).loc["keating2019-r01"]
    assert found.tolist() == ["93.4", "14 of 15", "93.33", "no rounding gives it"]
    assert evidence.load(tables).rate("keating2019-r01")["printed"] == "93.4"


def test_an_estimate_outside_its_interval_is_flagged(tables):
    spoil(tables, "rates", "locatelli2021-r08", printed="0.63")
    found = evidence.contradictions(evidence.load(tables).rates)
    assert found.loc["locatelli2021-r08", "why"] == "outside its own interval, 0.18 to 0.61"


def test_the_rules_find_what_the_table_of_disagreements_says_they_find(read):
    stated = read.disagreements.query("found_by == 'percentages'")["rates"].str.split().explode()
    assert set(stated) == set(evidence.contradictions(read.rates).index)


def test_nine_percentages_of_aall1331_are_rounded_twice(read):
    # Origin: a second reading of the article's tables by hand, against the counts; 77/102 = 75.49 is printed 76.
    flagged = evidence.contradictions(read.rates)
    brown = flagged[flagged.index.str.startswith("brown2021")]
    assert len(brown) == 9
    assert set(brown["why"]) == {"rounded twice"}


@pytest.mark.parametrize(
    ("row", "count"),
    [
        ("locatelli2021-r56", (13, 54)),
        ("locatelli2021-r57", (22, 51)),
        ("locatelli2021-r58", (31, 54)),
        ("locatelli2021-r59", (42, 51)),
        ("zhang2025-r01", (33, 40)),  # 82.5% of 40, exactly
        ("beneduce2022-r08", (21, 26)),  # 80.77%, printed 81
    ],
)
def test_a_count_that_only_follows_is_marked_as_inferred(read, row, count):
    assert read.count(row) == count
    assert read.rate(row)["inferred"]
    assert pd.isna(read.rate(row)["events"])  # the table itself keeps what was read


def test_a_count_that_was_read_is_not_inferred(read):
    assert read.count("locatelli2021-r35") == (27, 29)
    assert not read.rate("locatelli2021-r35")["inferred"]


@pytest.mark.parametrize(
    "row",
    [
        "hogan2023-r13",  # whole percentages of one arm of 127: many denominators fit
        "mt103_205-r21",  # 17% of nobody knows how many
        "xie2023-r08",  # 96.1% of 26: no count gives it
    ],
)
def test_no_count_is_inferred_where_more_than_one_or_none_fits(read, row):
    with pytest.raises(CasebookError, match=row):
        read.count(row)


def test_a_count_and_its_denominator_are_known_together_or_not_at_all(read):
    assert read.rates["count"].isna().equals(read.rates["of"].isna())


def test_no_number_is_known_better_than_it_was_read(read):
    secondary = read.rates[read.rates["read_level"] == "secondary source"]
    assert set(secondary["known"]) == {"secondary"}
    quoted = read.rates[read.rates["source"].str.contains("quoted from Locatelli 2021")]
    assert len(quoted) == 4
    assert set(quoted["known"]) == {"secondary"}


def test_every_study_has_rates_and_every_reference_an_entry(read):
    assert set(read.rates["study"]) == set(read.studies.index)
    entries = (ROOT / "references.bib").read_text(encoding="utf-8")
    missing = [name for name in read.studies["reference"].dropna() if f"{{{name}," not in entries]
    assert missing == []


def test_every_outcome_has_words_and_every_word_an_outcome(read):
    assert set(read.rates["outcome"].dropna()) == set(schema.OUTCOMES)


def test_a_pool_holds_each_patient_once_and_names_its_studies(read):
    pool = read.pool("mrd_response")
    assert pool[["label", "count", "of"]].to_numpy().tolist() == [
        ["Locatelli 2021", 27, 29],
        ["Keating 2019", 14, 15],
        ["Zhang 2025", 33, 40],
        ["Beneduce 2022", 21, 26],
    ]
    with pytest.raises(CasebookError, match="no pool 'nothing'"):
        read.pool("nothing")


def test_the_five_children_are_followed_without_relapse_or_death(read):
    # Origin: Table 1 of J Hematol 2025;14(6):307-313, read in full.
    children = read.patients
    assert children["days"].tolist() == [1015, 899, 177, 59, 52]
    assert set(children["relapse"]) == set(children["death"]) == {"no"}
