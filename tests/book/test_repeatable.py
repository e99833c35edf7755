"""A build depends on its sources and on nothing else: not on the machine, the folder, the day, or an earlier build."""

from __future__ import annotations

import hashlib
import shutil
import socket
from pathlib import Path

import nbformat
import pytest

from casebook import notebooks, site
from casebook.errors import CasebookError

OLD, NEW = "90210902109021", "31337313373133"
"""Results that stand nowhere else in the site, so that every file of it can be searched for them."""

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
    (book.root / "data" / "probe.txt").write_text(OLD, encoding="utf-8")
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
    """Write the notebook as it was committed: run once, with the old result."""
    path = book.root / "chapters" / "cells.ipynb"
    cells = [
        nbformat.v4.new_markdown_cell("# Cells", id="title"),
        nbformat.v4.new_code_cell(source, id="only", execution_count=1),
    ]
    cells[1].outputs = [nbformat.v4.new_output("stream", text=OLD)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def page(book, name: str) -> str:
    return (book.html / "chapters" / f"{name}.html").read_text(encoding="utf-8")


def test_an_unchanged_book_is_not_built_again(small_book):
    before = digests(small_book.html)
    done = small_book.run("casebook.site", "build")
    assert "Nothing has changed" in done.stdout
    assert digests(small_book.html) == before


def holding(folder: Path, text: str) -> set[str]:
    """The files of a folder in which a text stands."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    }


def test_a_change_in_the_data_reaches_the_page_and_the_download(small_book):
    shown = {"chapters/cells.html", "_sources/chapters/cells.ipynb"}
    assert shown <= holding(small_book.html, OLD)
    (small_book.root / "data" / "probe.txt").write_text(NEW, encoding="utf-8")
    small_book.run("casebook.site", "build")
    assert shown <= holding(small_book.html, NEW)
    assert holding(small_book.html, OLD) == set()
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


def test_bad_data_is_told_of_once_and_before_any_chapter_runs(small_book):
    table = small_book.root / "data" / "report" / "cases.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("id,", "name,", 1), encoding="utf-8")
    chapter = small_book.root / "chapters" / "cells.ipynb"
    before = digests(small_book.html), chapter.read_bytes()
    for command in (("casebook.site", "build"), ("casebook.notebooks",)):
        done = small_book.run(*command)
        assert done.returncode == 1
        assert done.stderr.count("in the data:") == 1
        assert "Traceback" not in done.stderr
        assert "Executing" not in done.stdout
    assert (digests(small_book.html), chapter.read_bytes()) == before


@pytest.fixture
def two_sites(tmp_path, monkeypatch):
    """A site that stands, and a new one that is to take its place."""
    monkeypatch.setattr(site, "SITE", tmp_path / "html")
    monkeypatch.setattr(site, "ASIDE", tmp_path / "html-before")
    for folder in ("html", "new"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "index.html").write_text(folder, encoding="utf-8")
    return tmp_path


def standing(folder: Path) -> str:
    assert not site.ASIDE.exists()
    return (folder / "html" / "index.html").read_text(encoding="utf-8")


def test_a_new_site_takes_the_place_of_the_old(two_sites):
    site._swap_in(two_sites / "new")
    assert standing(two_sites) == "new"


def test_a_site_that_cannot_be_replaced_stands(two_sites):
    with pytest.raises(FileNotFoundError):
        site._swap_in(two_sites / "nowhere")
    assert standing(two_sites) == "html"


@pytest.mark.parametrize(("reached", "stands"), [("old set aside", "html"), ("new in place", "new")])
def test_a_swap_that_was_killed_is_settled_by_the_next_build(two_sites, reached, stands):
    site.SITE.rename(site.ASIDE)
    if reached == "new in place":
        (two_sites / "new").rename(site.SITE)
    site._settle()
    assert standing(two_sites) == stands


def test_a_port_that_cannot_be_used_is_told_of_in_a_sentence(monkeypatch):
    monkeypatch.setattr(site, "build", lambda: pytest.fail("built before the port was known to be free"))
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CasebookError, match=f"Port {port} cannot be used"):
            site.main(["serve", str(port)])
    for port in ("web", "-1", "65536"):
        with pytest.raises(CasebookError, match=f"no port {port}"):
            site.main(["serve", port])


def test_a_file_that_is_no_notebook_is_told_of_in_a_sentence(tmp_path):
    for name, text in {"README.md": "# casebook", "list.ipynb": "[]", "cut.ipynb": '{"cells": ['}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(CasebookError, match=rf"{name} is not a notebook\.$"):
            notebooks.main([str(tmp_path / name)])


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
