"""A build depends on its sources and on nothing else: not on the machine, the folder, the day, or an earlier build."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import nbformat
import pytest

from casebook import site

MINIMAL_PAGE = "# A page\n\nIts text.\n"


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_clean_build_elsewhere_is_the_same_byte_for_byte(built, copy_of_book):
    # Other folder, other order of hashes, other time zone, every cell executed anew: nothing of the machine or of an earlier
    # build may have reached a page. No file of the site is excluded.
    book = copy_of_book("another place")
    done = book.run("casebook.site", "build", PYTHONHASHSEED="1", TZ="Asia/Shanghai")
    assert done.returncode == 0, done.stdout + done.stderr
    here, elsewhere = digests(built), digests(book.html)
    assert any(name.endswith(".html") for name in here), "there is no page"
    assert {name for name in here.keys() | elsewhere.keys() if here.get(name) != elsewhere.get(name)} == set()


@pytest.fixture(scope="module")
def small_book_once(copy_of_book):
    """A book of one page of text and one notebook, in a folder whose name has a space, built once."""
    book = copy_of_book("a small book")
    book.keep_chapters("text", "cells")
    (book.root / "chapters" / "text.md").write_text(MINIMAL_PAGE, encoding="utf-8")
    write_notebook(book, "from casebook.paths import DATA\nprint((DATA / 'probe.txt').read_text())")
    (book.root / "data" / "probe.txt").write_text("the old number", encoding="utf-8")
    done = book.run("casebook.site", "build")
    assert done.returncode == 0, done.stdout + done.stderr
    return book


@pytest.fixture
def small_book(small_book_once, tmp_path):
    """The small book, built, for a test to spoil."""
    root = tmp_path / "a spoilt book"
    shutil.copytree(small_book_once.root, root)
    return type(small_book_once)(root)


def write_notebook(book, source: str) -> Path:
    path = book.root / "chapters" / "cells.ipynb"
    cells = [
        nbformat.v4.new_markdown_cell("# Cells", id="title"),
        nbformat.v4.new_code_cell(source, id="only"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def page(book, name: str) -> str:
    return (book.html / "chapters" / f"{name}.html").read_text(encoding="utf-8")


def test_an_unchanged_book_is_not_built_again(small_book):
    before = digests(small_book.html)
    done = small_book.run("casebook.site", "build")
    assert "Nothing has changed" in done.stdout
    assert digests(small_book.html) == before


def test_a_change_in_the_data_reaches_the_page(small_book):
    assert "the old number" in page(small_book, "cells")
    (small_book.root / "data" / "probe.txt").write_text("the new number", encoding="utf-8")
    small_book.run("casebook.site", "build")
    assert "the new number" in page(small_book, "cells")
    assert "the old number" not in page(small_book, "cells")
    assert len(list((small_book.root / "_build" / "executed").iterdir())) == 1, "the old results are deleted"


def test_a_change_in_the_package_executes_again(small_book):
    (small_book.root / "src" / "casebook" / "probe.py").write_text("ANSWER = 1\n", encoding="utf-8")
    assert "Executing 1 chapter" in small_book.run("casebook.site", "build").stdout


def test_a_change_in_the_text_executes_nothing(small_book):
    (small_book.root / "chapters" / "text.md").write_text(MINIMAL_PAGE + "\nMore text.\n", encoding="utf-8")
    done = small_book.run("casebook.site", "build")
    assert "Executing" not in done.stdout
    assert "More text." in page(small_book, "text")


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("raise ValueError('no such reading')", "ValueError: no such reading"),
        ("import os; os._exit(1)", "Kernel died"),
    ],
)
def test_a_failing_cell_fails_the_build_and_leaves_the_site(small_book, fault, complaint):
    before = digests(small_book.html)
    write_notebook(small_book, fault)
    done = small_book.run("casebook.site", "build")
    assert done.returncode != 0
    assert complaint in done.stderr
    assert digests(small_book.html) == before


def test_warnings_fail_the_build_and_leave_the_site(small_book):
    before = digests(small_book.html)
    faults = {
        "a number that no cell glues": "{glue:text}`nothing-glued`",
        "a link to no page": "[a link](no-such-page.md)",
        "a citation of nobody": "{cite}`nobody1900`",
        "a reference to no figure": "{numref}`no-such-figure`",
    }
    spoilt = MINIMAL_PAGE + "\n" + "\n\n".join(faults.values())
    (small_book.root / "chapters" / "text.md").write_text(spoilt, encoding="utf-8")
    for _ in range(2):  # left to itself, Sphinx complains once and lets the second build pass
        done = small_book.run("casebook.site", "build")
        assert done.returncode != 0
        for named in ("nothing-glued", "no-such-page.md", "nobody1900", "no-such-figure"):
            assert named in done.stderr
    assert digests(small_book.html) == before
    assert not list((small_book.root / "_build").glob("new-*")), "nothing half-built is left"


def test_the_fingerprint_knows_names_and_contents(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1", encoding="utf-8")
    first = site.fingerprint(["data"], tmp_path)
    (tmp_path / "data" / "__pycache__").mkdir()
    (tmp_path / "data" / "__pycache__" / "a.pyc").write_text("noise", encoding="utf-8")
    assert site.fingerprint(["data"], tmp_path) == first
    (tmp_path / "data" / "a.csv").write_text("2", encoding="utf-8")
    second = site.fingerprint(["data"], tmp_path)
    (tmp_path / "data" / "a.csv").rename(tmp_path / "data" / "b.csv")
    assert len({first, second, site.fingerprint(["data"], tmp_path)}) == 3
