"""The printed phrases of the tables, looked for in the article's text, and the hashes of those that were found.

The text is not part of this repository, so that most machines cannot look. ``data/report/phrases.sha256`` says which
phrases were found in which section, and the tests hold the tables against it. With a copy of the text,

    CASEBOOK_SOURCE_TEXT=article.txt python tests/report/phrases.py

writes that file again: a hash of each phrase that stands in the section named for it, and of no other.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from casebook.paths import DATA

HASHES = DATA / "report" / "phrases.sha256"

PRINTED = {
    "cases": [
        "age_printed",
        "hla_printed",
        "diagnosis",
        "genetics",
        "fusion_gene",
        "protocols",
        "risk_group",
        "donor",
        "hla_match",
    ],
    "events": ["date_printed"],
    "intervals": ["printed"],
    "measurements": ["printed", "method", "sensitivity_printed"],
    "treatments": ["cycles_printed", "dose_printed"],
    "regimens": ["printed"],
    "adverse_events": ["printed", "grade_printed"],
    "claims": ["printed"],
}
"""Columns whose cells are said to stand in the text."""

SECTIONS = {
    "Abstract, background": ("Background Blinatumomab could", "Case presentation This"),
    "Abstract, case presentation": ("Case presentation This", "Conclusions Blinatumomab"),
    "Abstract, conclusions": ("Conclusions Blinatumomab", "Keywords"),
    "Background, paragraph 1": ("Background Acute", "Minimal residual disease (MRD), reflected"),
    "Background, paragraph 2": ("Minimal residual disease (MRD), reflected", "Blinatumomab is a US"),
    "Background, paragraph 3": ("Blinatumomab is a US", "Herein, we"),
    "Background, paragraph 4": ("Herein, we", "The study was approved"),
    "Background, paragraph 5": ("The study was approved", "Case presentation Case 1 was"),
    "Case presentation, case 1": ("Case 1 was a", "Case 2 was a"),
    "Case presentation, case 2": ("Case 2 was a", "Case 3 was a"),
    "Case presentation, case 3": ("Case 3 was a", "Up to 2022.05.15"),
    "Case presentation, last paragraph": ("Up to 2022.05.15", "Fig. 1 Variations"),
    "Fig. 1, legend": ("Fig. 1 Variations", "Discussion B-ALL"),
    "Discussion, paragraph 1": ("Discussion B-ALL", "In the international multicenter"),
    "Discussion, paragraph 2": ("In the international multicenter", "The efficacy of blinatumomab in children"),
    "Discussion, paragraph 3": ("The efficacy of blinatumomab in children", "It is obvious HSCT"),
    "Discussion, paragraph 4": ("It is obvious HSCT", "It was reported cytokine"),
    "Discussion, paragraph 5": ("It was reported cytokine", "Conclusions Although"),
    "Conclusions": ("Conclusions Although", None),
    "Fig. 2, legend": ("Fig. 2 Flowchart", "blinatumomab administration induced"),
}  # fmt: skip
"""Where each section named in a ``source`` cell begins and ends, by a few words."""


def plain(text: str) -> str:
    """Text without ligatures, line breaks and the hyphens, spaces and signs that typesetting varies."""
    text = unicodedata.normalize("NFKC", text).replace("μ", "u").replace("µ", "u")
    text = re.sub(r"(?<=\w)-\s*\n\s*", "-", text)
    return re.sub(r"\s+", " ", text).strip()


def tight_text(text: str) -> str:
    """For finding a phrase: without any space or hyphen, in lower case."""
    return re.sub(r"[\s\-]", "", plain(text)).lower()


def sections_of(article: str) -> dict[str, str]:
    text = plain(article)
    found = {}
    for name, (first, after) in SECTIONS.items():
        if text.count(first) != 1:
            raise ValueError(f"{name}: {first!r} stands {text.count(first)} times in the text; expected once")
        begin = text.index(first)
        found[name] = text[begin : text.index(after, begin) if after else len(text)]
    return found


def named_sections(source: str) -> list[str]:
    """The sections that a source cell names: ``Discussion, paragraphs 1 and 3`` is two."""
    names = []
    for part in source.split("; "):
        several = re.fullmatch(r"(.*), paragraphs (\d) and (\d)", part)
        names += [f"{several[1]}, paragraph {several[n]}" for n in (2, 3)] if several else [part]
    return names


def cells(columns: dict[str, list[str]]):
    for name, wanted in columns.items():
        frame = pd.read_csv(DATA / "report" / f"{name}.csv", dtype=str)
        for row in frame.itertuples():
            for column in wanted:
                cell = getattr(row, column)
                if not pd.isna(cell):
                    yield name, row.id, column, cell, getattr(row, "source", None)


def printed_cells() -> Iterator[tuple[str, str, str, str, str]]:
    """Table, row, column and cell of every printed phrase, once for each section that is named for it."""
    for name, row, column, cell, source in cells(PRINTED):
        for section in named_sections(source):
            yield name, row, column, cell, section


OTHER_FORMS = {
    ("2022.05.15", "Abstract, case presentation"): "May 15, 2022",
    ("between April 2019 and July 2021", "Abstract, case presentation"): "from April 2019 to July 2021",
}
"""What is printed in one of the sections named for a cell as the cell has it, and in this one in another form."""


def printed_form(cell: str, section: str) -> str:
    return OTHER_FORMS.get((cell, section), cell)


def stands_in(text: str, cell: str, section: str) -> bool:
    return tight_text(printed_form(cell, section)) in tight_text(text)


def hash_line(cell: str, section: str) -> str:
    """A line of the file of hashes: the hash of a phrase, normalised, and the section it was found in."""
    phrase = tight_text(printed_form(cell, section))
    return f"{hashlib.sha256(f'{section}: {phrase}'.encode()).hexdigest()}  {section}"


def hash_lines(sections: dict[str, str], phrases: Iterable[tuple]) -> tuple[list[str], list[tuple]]:
    """The lines of the phrases that stand in their section, sorted, and the phrases that do not."""
    phrases = list(phrases)
    found = [phrase for phrase in phrases if stands_in(sections[phrase[-1]], *phrase[-2:])]
    missing = [phrase for phrase in phrases if phrase not in found]
    return sorted({hash_line(*phrase[-2:]) for phrase in found}), missing


if __name__ == "__main__":
    if not os.environ.get("CASEBOOK_SOURCE_TEXT"):
        sys.exit("CASEBOOK_SOURCE_TEXT names no file: the article's text is needed")
    article = Path(os.environ["CASEBOOK_SOURCE_TEXT"]).read_text(encoding="utf-8")
    lines, missing = hash_lines(sections_of(article), printed_cells())
    HASHES.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"{len(lines)} phrases found")
    if missing:
        sys.exit(
            "\n  ".join(["not in the text, and not written:", *(", ".join(phrase) for phrase in missing)])
        )
