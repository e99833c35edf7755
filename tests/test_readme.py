"""The README keeps its promises: its commands exist, its example runs, its figure is the book's."""

import re

import pytest

from casebook import notebooks
from casebook.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_make_command_named_is_a_target():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)) <= targets


EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_what_its_last_comment_says(example):
    # The last line is an expression, and its comment its value.
    code = example.rstrip()
    head, last = code.rsplit("\n", 1)
    expression, comment = last.split("#")
    names = {}
    exec(head, names)
    assert repr(eval(expression, names)) == comment.strip()


def test_the_figure_is_that_of_the_first_chapter():
    figure = notebooks.readme_figure(notebooks.read(notebooks.chapters()[0]))
    assert notebooks.README_FIGURE.read_text(encoding="utf-8") == figure
    assert notebooks.README_FIGURE.relative_to(ROOT).as_posix() in README


def test_every_file_linked_exists():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
