"""No result is typed: a digit in the prose of the book is part of a name, or it comes from a cell."""

from __future__ import annotations

import re

import pytest

from casebook import notebooks
from casebook.paths import CHAPTERS

PAGES = {path.relative_to(CHAPTERS).as_posix(): path for path in notebooks.pages()}

NOT_PROSE = [
    re.compile(r"<!--.*?-->", re.S),
    re.compile(r"^(`{3,}|~{3,})(?!\{).*?^\1`*$", re.S | re.M),  # a block of code
    re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.S),  # a formula's constants are not results
    re.compile(r"\{[\w:-]+\}`[^`]*`"),  # a role: a reference, a citation, a glued text
    re.compile(r"`+[^`]*`+"),  # code
    re.compile(r"\{\{.*?\}\}"),
    re.compile(r"(?<=\])\([^)]*\)|<https?://[^>]*>|https?://\S+"),  # where a link leads
    re.compile(r"<[^<>]+>"),  # an HTML tag and its attributes
    re.compile(r"^\s*(?:`{3,}|:{3,})\{.*$", re.M),  # the opening line of a directive
    re.compile(r"^\s*:[\w-]+:.*$", re.M),  # an option of a directive
    re.compile(r"^\([\w-]+\)=$|\{#[^}]*\}", re.M),  # the name of a place
    re.compile(r"^\s*\d+\.(?=\s)", re.M),  # the number of a list's item
]

NAMES = {
    r"\b[Cc]ases? [123](?:, [123])*(?:,? (?:and|or|to) [123])?\b": "the children, as the report numbers them",
    r"\b(?:Figure|Table) [123]\b": "the report's own displays",
    r"\bCCCG-ALL-20(?:15|20)\b": "treatment protocols",
    r"\b(?:ETV6-RUNX1|KMT2A-AFF1|t\(4;11\)(?:\(q21;q23\))?)": "fusion genes, and the translocation behind one",
    r"\bCD(?:3|10|19|20|22|34)\b": "antigens",
    r"\bCTCAE v5\.0\b": "a vocabulary, with its version",
    r"\blog10\b": "a function",
    r"\bgrades? [1-5](?: (?:to|or|and) [1-5])?\b": "grades of CTCAE",
    r"\b(?:Algeri|Keating|Xie|Locatelli|van der Sluis) 20\d\d\b|\bJ Hematol 2025\b": "studies, by their year",
    r"\bAALL1331\b|\bMT103-205\b": "trials",
}
"""Digits that belong to a name and not to a result, and what they name."""


def typed_digits(text: str) -> list[str]:
    """Every digit of a Markdown text that is no name's, with the words around it."""
    for pattern in NOT_PROSE:
        text = pattern.sub(" ", text)
    for name in NAMES:
        text = re.sub(name, " ", text)
    return [text[max(0, found.start() - 30) : found.end() + 20] for found in re.finditer(r"\d[\d.,]*", text)]


def prose(path) -> list[str]:
    """The texts of a page that a reader reads and an author types."""
    if path.suffix == ".md":
        return [path.read_text(encoding="utf-8")]
    found = []
    for cell in notebooks.read(path).cells:
        settings = cell.metadata.get("mystnb", {})
        found.append(cell.source if cell.cell_type == "markdown" else "")
        found.append(settings.get("image", {}).get("alt", ""))
        found.append(settings.get("figure", {}).get("caption", ""))
    return found


@pytest.mark.parametrize("name", PAGES)
def test_no_number_is_typed(name):
    assert [digits for text in prose(PAGES[name]) for digits in typed_digits(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "The infusion lasted 15 days.",
        "MRD was < 0.01%.",
        "She matched 5/10.",
        "In 2022 he was transplanted.",
        "[15 days](case-1.ipynb) later",
        "| 12 | months |",
        "Case 4 is not in the report.",
        ":::{note}\nIt took 3 weeks.\n:::",
    ],
)
def test_a_typed_number_is_found(text):
    assert typed_digits(text)


@pytest.mark.parametrize(
    "text",
    [
        "Case 1 and cases 2, 3: {glue:text}`days_15` days, see {numref}`fig-case-2` and {cite}`locatelli2021`.",
        "The row `c2-i11`, [here](case-2.ipynb#mrd-2) and at <https://example.org/2021>.",
        "An event of grade 3 or more in AALL1331 and in Xie 2023.",
        "ETV6-RUNX1, t(4;11), CTCAE v5.0, CD19 and Figure 1 of the report under CCCG-ALL-2015.",
        ":::{figure} figure-1.svg\n:width: 640\n:name: fig-1\nA caption.\n:::",
        "```python\nx = 15\n```",
        "(place-2)=\n## A heading\n\n1. first\n2. second",
        "<!-- 3 things --><span id='x1'>text</span> and $2^{10}$",
    ],
)
def test_a_name_is_not_taken_for_a_number(text):
    assert typed_digits(text) == []
