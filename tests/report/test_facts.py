"""What follows for the three children, worked by hand from the printed statements, and the tables against the text."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd
import pytest
from phrases import (
    HASHES,
    OTHER_FORMS,
    PRINTED,
    SECTIONS,
    cells,
    hash_line,
    hash_lines,
    named_sections,
    plain,
    printed_cells,
    printed_form,
    sections_of,
    stands_in,
    tight_text,
)

from casebook.bounds import Bounds
from casebook.paths import DATA, ROOT

# -- days worked by hand ------------------------------------------------------------------------------------


def between(record, case, start, end, **readings):
    return record.chronology(case, readings).between(f"{case}-{start}", f"{case}-{end}")


def latest(record, case, event, readings=None) -> str:
    bounds = record.chronology(case, readings).day(f"{case}-{event}")
    assert bounds.lower == -float("inf")  # nothing printed says how early
    return pd.Timestamp.fromordinal(bounds.upper).date().isoformat()


def test_the_infusions_lasted_about_15_days_twice_and_about_28_once(record):
    # 14 February to 28 February is 14 days, to 1 March (no 29th in 2022) 15.
    assert between(record, "c1", "infusion-start", "infusion-end") == Bounds(14, 15)
    # "28 days": 27 have passed if the first and the last are both counted.
    assert between(record, "c2", "infusion-start", "infusion-end") == Bounds(27, 28)
    # 8 December to 23 December.
    assert between(record, "c3", "infusion-start", "infusion-end") == Bounds.exactly(15)


def test_the_infusions_under_the_tight_and_the_loose_convention(tight, loose):
    assert between(tight, "c1", "infusion-start", "infusion-end") == Bounds(14, 15)
    assert between(tight, "c2", "infusion-start", "infusion-end") == Bounds.exactly(28)
    # Loose: 29 may be a misprint of 19, and 14 to 19 February is 5 days; 28 days may be 27 to 29.
    assert between(loose, "c1", "infusion-start", "infusion-end") == Bounds(5, 15)
    assert between(loose, "c2", "infusion-start", "infusion-end") == Bounds(27, 29)
    for record in (tight, loose):
        assert between(record, "c3", "infusion-start", "infusion-end") == Bounds.exactly(15)


def test_days_from_the_end_of_the_infusion_to_transplant(record):
    # 28 February to 22 March is 22 days, 1 March to 22 March 21.
    assert between(record, "c1", "infusion-end", "hsct") == Bounds(21, 22)
    # Only that the infusion came first is printed.
    assert between(record, "c2", "infusion-end", "hsct") == Bounds.at_least(0)
    # 23 December to 11 January: 8 + 11.
    assert between(record, "c3", "infusion-end", "hsct") == Bounds.exactly(19)


def test_days_from_transplant_to_last_follow_up(record, tight, loose):
    for chosen in (tight, record, loose):
        # 22 March to 15 May: 9 + 30 + 15. 21 March: one more. 11 January: 20 + 28 + 31 + 30 + 15.
        assert between(chosen, "c1", "hsct", "last-follow-up") == Bounds.exactly(54)
        assert between(chosen, "c2", "hsct", "last-follow-up") == Bounds.exactly(55)
        assert between(chosen, "c3", "hsct", "last-follow-up") == Bounds.exactly(124)


@pytest.mark.parametrize(
    ("convention", "readings", "infusion_start", "diagnosis"),
    [
        # Transplant on 2022-03-21, not before the infusion's 27 days were over: it began by 22 February.
        # Before it, at least 4 days (a week, rounded), 322 of maintenance (day 323, the first being day 1) and 45
        # (day 46) since treatment began: 371 days before 2022-02-22 is 2021-02-16.
        ("record", {}, "2022-02-22", "2021-02-16"),
        # To the day: 28 days before transplant, then 7 + 323 + 46 = 376 days before 2022-02-21.
        ("tight", {}, "2022-02-21", "2021-02-10"),
        # 27 days; then 1 (any days short of the week before) + 319 + 42 = 362 days before 2022-02-22.
        ("loose", {}, "2022-02-22", "2021-02-25"),
        # Day 323 of all treatment: 4 + 322 = 326 days before 2022-02-22.
        ("record", {"c2-day-323": "b"}, "2022-02-22", "2021-04-02"),
        ("tight", {"c2-day-323": "b"}, "2022-02-21", "2021-03-28"),  # 7 + 323 = 330 days before 2022-02-21
        ("loose", {"c2-day-323": "b"}, "2022-02-22", "2021-04-08"),  # 1 + 319 = 320 days before 2022-02-22
        # Only the marrow was at 28 days: it still came before transplant, so nothing moves.
        ("record", {"c2-28-days": "b"}, "2022-02-22", "2021-02-16"),
    ],
)
def test_the_latest_days_of_case_2_follow_from_the_printed_statements(
    request, convention, readings, infusion_start, diagnosis
):
    chosen = request.getfixturevalue(convention)
    assert latest(chosen, "c2", "infusion-start", readings) == infusion_start
    assert latest(chosen, "c2", "diagnosis", readings) == diagnosis


def test_the_statements_that_bound_the_diagnosis_of_case_2_are_those_of_the_sum(record):
    lower, upper = record.chronology("c2").because("calendar", "c2-diagnosis")
    assert lower == ()
    # Transplant's date, the marrow before it, 28 days, the marrow before the infusion, a week, day 323 of
    # maintenance, which followed CAT+, which followed day 46, and treatment after diagnosis.
    assert set(upper) >= {
        "c2-hsct",
        "c2-i12",
        "c2-i11",
        "c2-i09a",
        "c2-i07",
        "c2-i06",
        "c2-i05",
        "c2-i04",
        "c2-i02",
    }
    assert ("c2-i13" in upper and "c2-i91" in upper) or ("c2-i14a" in upper and "c2-i90" in upper)


@pytest.mark.parametrize(
    ("convention", "readings", "diagnosis"),
    [
        # Relapse was by 2022-02-14, when the infusion began; 30 months are at least 911 days, less half a month of
        # rounding: 896 days before is 2019-09-02.
        ("record", {}, "2019-09-02"),
        ("tight", {}, "2019-08-18"),  # 911 days before
        ("loose", {}, "2019-11-17"),  # a quarter of a year of rounding: 911 - 91 = 820 days before
        # Counted from the marrow of day 46, 45 days after treatment began.
        ("record", {"c1-30-months": "b"}, "2019-07-19"),
    ],
)
def test_the_latest_diagnosis_of_case_1(request, convention, readings, diagnosis):
    assert latest(request.getfixturevalue(convention), "c1", "diagnosis", readings) == diagnosis


def test_the_latest_diagnosis_of_case_3(record, tight):
    # Day 46 came before the infusion of 2021-12-08: 45 days before is 24 October, 46 days the 23rd.
    assert latest(record, "c3", "diagnosis") == "2021-10-24"
    assert latest(tight, "c3", "diagnosis") == "2021-10-23"
    # Forty-six days after CAT, which began after the marrow of day 19: 45 + 18 days before 8 December.
    assert latest(record, "c3", "diagnosis", {"c3-day-46": "b"}) == "2021-10-06"


def test_ages_at_transplant_are_bounded_below_only(record):
    # 13 months are at least 393 days; then the 371 + 27 days from diagnosis to transplant.
    assert between(record, "c2", "birth", "hsct") == Bounds.at_least(393 + 371 + 27)
    # 67 months are at least 2037 days (five years without a leap day, and 212); then 896, and 36 days from 14 February.
    assert between(record, "c1", "birth", "hsct") == Bounds.at_least(2037 + 896 + 36)


# -- the tables against the text ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def article() -> str:
    named = os.environ.get("CASEBOOK_SOURCE_TEXT")
    if not named:
        pytest.skip("the article's text is not part of this repository; CASEBOOK_SOURCE_TEXT can name a copy")
    if not Path(named).is_file():
        pytest.fail(f"CASEBOOK_SOURCE_TEXT names no file: {named}")
    return Path(named).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def sections(article) -> dict[str, str]:
    return sections_of(article)


def test_every_source_names_a_section_that_exists():
    for table, column in [(name, "source") for name in (*PRINTED, "regimens")] + [
        ("discrepancies", "sources")
    ]:
        frame = pd.read_csv(DATA / "report" / f"{table}.csv", dtype=str)
        unknown = {name for cell in frame[column] for name in named_sections(cell)} - set(SECTIONS)
        assert not unknown, (table, unknown)


def test_every_printed_phrase_stands_in_every_section_that_is_named_for_it(sections):
    missing = [
        (name, row, column, cell, section)
        for name, row, column, cell, section in printed_cells()
        if not stands_in(sections[section], cell, section)
    ]
    assert missing == []


def test_every_printed_phrase_was_found_in_the_text_and_no_other():
    # Without the text: the hashes were written by phrases.py, which writes only those of phrases that it found.
    found = HASHES.read_text(encoding="utf-8").splitlines()
    cells_by_line = {hash_line(cell, section): (*where, cell) for *where, cell, section in printed_cells()}
    assert [cell for line, cell in cells_by_line.items() if line not in set(found)] == []
    assert sorted(cells_by_line) == found


def test_a_phrase_that_the_text_does_not_hold_is_not_hashed():
    text = "In this section 28  days of thera-\npy are told."
    held = [
        ("t", "r1", "printed", "28 days of therapy", "A"),
        ("t", "r2", "printed", "29 days of therapy", "A"),
    ]
    lines, missing = hash_lines({"A": plain(text)}, held)
    assert lines == [hash_line("28 days of therapy", "A")]
    assert missing == held[1:]
    assert hash_line("28 days of therapy", "B") not in lines


def test_a_phrase_is_hashed_as_it_is_searched():
    assert hash_line("15 \u03bcg/m2/day", "A") == hash_line("15 \u00b5g / m2/day", "A")
    assert hash_line("CAT +", "A") == hash_line("CAT+", "A")
    assert hash_line("0.4%", "A") != hash_line("0.04%", "A")


def test_no_other_form_is_kept_that_is_not_needed(sections):
    used = {(cell, section) for *_, cell, section in printed_cells()}
    assert set(OTHER_FORMS) <= used
    assert all(tight_text(cell) not in tight_text(sections[section]) for cell, section in OTHER_FORMS)


def test_every_agent_stands_in_the_text_that_is_named_for_it(sections):
    for name, row, _, cell, source in cells({"treatments": ["agents"], "regimens": ["agents"]}):
        text = " ".join(sections[section] for section in named_sections(source))
        if row == "c3-t03":  # CAT+ is spelt out in case 2, as its note says
            text += sections["Case presentation, case 2"]
        for agent in cell.split("; "):
            assert tight_text(agent) in tight_text(text), (name, row, agent)


NUMBER = re.compile(
    r"\d{4}\.\d{2}\.\d{2}|\d+(?:\.\d+)?|\b(?:one|two|three|four|five|first|second)\b", re.IGNORECASE
)
NOT_OF_A_CHILD = [
    # Which child is meant, tables and figures, the version of the scale of adverse events, a citation.
    "Two cases (Cases 1 and 2)", "Cases 2 and 3", "Case 1", "Case 2", "Case 3", "Table 1", "Fig. 1", "Fig. 2", "v5.0",
    "et al. 2021",
]  # fmt: skip
TOLD_AGAIN = {"Abstract, case presentation": ("at days 19 and 46, respectively", "Case presentation, case 3")}
"""Numbers that a section repeats, for which the rows name the other section."""


@pytest.mark.parametrize(
    "section",
    [
        "Abstract, case presentation",
        *(f"Case presentation, case {n}" for n in (1, 2, 3)),
        "Case presentation, last paragraph",
    ],
)
def test_every_number_and_date_of_the_case_presentation_stands_in_the_tables(sections, section):
    def numbers(text: str) -> set[str]:
        return {number.lower() for number in NUMBER.findall(text)}

    def held(section: str) -> set[str]:
        held_here = [cell for *_, cell, named in printed_cells() if named == section]
        return set().union(*(numbers(plain(printed_form(cell, section))) for cell in held_here))

    text = sections[section]
    for name in NOT_OF_A_CHILD:
        text = text.replace(name, " ")
    if section in TOLD_AGAIN:
        phrase, other = TOLD_AGAIN[section]
        assert phrase in text
        assert numbers(phrase) <= held(other)
        text = text.replace(phrase, " ")
    assert numbers(text), "the section has no numbers, so this test could not fail"
    assert numbers(text) - held(section) == set()


def test_no_sentence_of_the_article_stands_in_the_repository(article):
    # A few words are a quotation that can be found again; twelve in a row would be the article's text.
    length = 12
    words = re.findall(r"\w+", plain(article).lower())
    runs = {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}
    for path in repository_texts():
        found = re.findall(r"\w+", plain(path.read_text(encoding="utf-8")).lower())
        copied = [" ".join(run) for i in range(len(found)) if (run := tuple(found[i : i + length])) in runs]
        assert not copied, (path.relative_to(ROOT), copied)


def repository_texts():
    for folder in ("data", "chapters", "src", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".csv", ".md", ".py", ".ipynb", ".bib", ".yml"} and "checkpoints" not in str(
                path
            ):
                yield path
    yield from sorted(ROOT.glob("*.md"))
