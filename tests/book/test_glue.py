"""Every number that a cell hands to the prose is used there, and every one that the prose asks for is handed over."""

from __future__ import annotations

import re
from collections import Counter

import nbformat
import pytest

from casebook import notebooks
from casebook.paths import CHAPTERS

ROLE = re.compile(r"\{glue(?::\w+)?\}`([^`:]+)(?::[^`]*)?`")
DIRECTIVE = re.compile(r"^\s*(?:`{3,}|:{3,})\{glue(?::\w+)?\}\s*(\S+)", re.M)


def glued(notebook) -> list[str]:
    """The keys that the cells of a notebook have glued."""
    return [
        output.metadata["scrapbook"]["name"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "scrapbook" in output.get("metadata", {})
    ]


def used(notebook) -> set[str]:
    """The keys that the text and the captions of a notebook ask for."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    texts += [cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "") for cell in notebook.cells]
    return {key for text in texts for pattern in (ROLE, DIRECTIVE) for key in pattern.findall(text)}


@pytest.mark.parametrize("path", notebooks.chapters(), ids=lambda path: path.relative_to(CHAPTERS).as_posix())
def test_what_is_glued_is_used_and_what_is_used_is_glued(path):
    chapter = notebooks.read(path)
    assert set(glued(chapter)) == used(chapter)


def test_a_key_is_glued_once_in_the_book():
    # Pages share one name space as soon as one page shows a number of another.
    counts = Counter(key for path in notebooks.chapters() for key in glued(notebooks.read(path)))
    assert [key for key, count in counts.items() if count > 1] == []


def test_every_way_to_ask_for_a_number_is_known():
    text = "{glue}`a` {glue:text}`b` {glue:text}`c:.2f`\n\n```{glue:figure} d\n:name: x\n```\n\n:::{glue} e\n:::\n"
    figure = nbformat.v4.new_code_cell(metadata={"mystnb": {"figure": {"caption": "{glue:text}`f`"}}})
    assert used(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text), figure])) == set(
        "abcdef"
    )


def test_what_a_cell_glues_is_read_from_its_outputs():
    scrap = nbformat.v4.new_output(
        "display_data", metadata={"scrapbook": {"name": "days", "mime_prefix": ""}}
    )
    plain = nbformat.v4.new_output("display_data", data={"text/plain": "15"})
    assert glued(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[scrap, plain])])) == [
        "days"
    ]
