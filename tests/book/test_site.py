"""The built site holds together: checked offline, in its files, without a browser."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from casebook import notebooks
from casebook.paths import CHAPTERS, ROOT

PAGES = [path.relative_to(CHAPTERS).with_suffix("").as_posix() for path in notebooks.pages()]

REFERENCES = {
    "a": "href",
    "link": "href",
    "img": "src",
    "script": "src",
    "source": "src",
    "iframe": "src",
    "object": "data",
}

PAGE_WEIGHT_BUDGET = 800_000
"""Bytes of a page's own HTML and images, before compression: twice what the fullest chapter needs."""

IMAGE_WEIGHT_BUDGET = 200_000
"""Bytes of one figure: an SVG that draws every patient as a path grows past this, and should be drawn otherwise."""

UNRESOLVED = re.compile(
    r"\{(glue|cite|numref|ref|term|doc)[:}]|\bKeyError\b|\bundefined\b|\bnan\b|np\.(float|int)\d*\("
)
"""Marks of a role that was not understood, or of a number that was glued before it was formatted."""


@cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def anchors(path: Path) -> set[str]:
    return {
        tag.get("id") or tag.get("name")
        for tag in soup(path).find_all(lambda tag: tag.get("id") or tag.get("name"))
    }


def broken_references(page: Path, site: Path) -> list[str]:
    """What a page refers to inside the site, and is not there."""
    broken = []
    for tag in soup(page).find_all(REFERENCES.keys()):
        reference = tag.get(REFERENCES[tag.name])
        if reference is None:
            continue
        parts = urlsplit(reference)
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if target.is_dir():
            target /= "index.html"
        if not target.is_file() or not target.is_relative_to(site):
            broken.append(f"{reference}: no such file")
        elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in anchors(target):
            broken.append(f"{reference}: no such place on the page")
    return broken


@pytest.fixture(params=PAGES)
def page(request, built) -> Path:
    return built / "chapters" / f"{request.param}.html"


@pytest.fixture
def article(page):
    return soup(page).select_one("article.bd-article")


def test_every_internal_link_image_script_and_stylesheet_exists(page, built):
    assert broken_references(page, built) == []


def test_the_first_page_leads_to_the_first_chapter(built):
    refresh = soup(built / "index.html").find("meta", attrs={"http-equiv": "refresh"})
    assert (built / refresh["content"].partition("url=")[2]).is_file()


def test_nothing_is_loaded_from_outside(page):
    loaded = [tag for tag in soup(page).find_all(REFERENCES.keys()) if tag.name != "a"]
    outside = [str(tag) for tag in loaded if urlsplit(tag.get(REFERENCES[tag.name]) or "").netloc]
    # A canonical address is a statement, not a request.
    assert [tag for tag in outside if 'rel="canonical"' not in tag] == []


def test_every_image_says_what_it_shows(article):
    silent = [str(image)[:200] for image in article.find_all("img") if not (image.get("alt") or "").strip()]
    assert silent == []
    # The default text of an image that was given none is the path of its file.
    assert [
        image["alt"] for image in article.find_all("img") if re.search(r"[/\\]|\.svg", image["alt"])
    ] == []


def test_a_page_has_one_title_and_no_level_is_skipped(article):
    levels = [int(heading.name[1]) for heading in article.find_all(re.compile(r"^h[1-6]$"))]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels))


def test_nothing_is_left_unresolved(article):
    for code in article.select("pre, code, div.highlight"):
        code.decompose()  # code may say nan
    assert UNRESOLVED.findall(article.get_text(" ")) == []
    assert [str(span) for span in article.select(".pasted-text") if not span.get_text(strip=True)] == []
    assert article.select(".problematic, .system-message") == []


def test_a_page_is_light(page, built):
    images = {(page.parent / image["src"]).resolve() for image in soup(page).select("article.bd-article img")}
    heavy = {
        image.name: image.stat().st_size for image in images if image.stat().st_size > IMAGE_WEIGHT_BUDGET
    }
    assert heavy == {}
    assert page.stat().st_size + sum(image.stat().st_size for image in images) <= PAGE_WEIGHT_BUDGET


def test_no_page_knows_the_machine_it_was_built_on(page):
    text = page.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert str(Path.home()) + "/" not in text


@pytest.mark.parametrize("path", notebooks.chapters(), ids=lambda path: path.relative_to(CHAPTERS).as_posix())
def test_the_notebook_offered_is_the_chapter_as_it_ran_here(path, built):
    assert (built / "_sources" / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


def test_the_navigation_of_every_page_lists_every_chapter(page, built):
    listed = {
        (page.parent / urlsplit(link["href"]).path).resolve()
        for link in soup(page).select("nav.bd-links a[href]")
    }
    listed.add(page)  # a page's own entry is "#"
    assert {built / "chapters" / f"{name}.html" for name in PAGES} <= listed


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="gone.html">x</a>', "gone.html: no such file"),
        ('<a href="#nowhere">x</a>', "#nowhere: no such place on the page"),
        ('<a href="other.html#nowhere">x</a>', "other.html#nowhere: no such place on the page"),
        ('<img src="gone.svg">', "gone.svg: no such file"),
        ('<script src="../outside.js"></script>', "../outside.js: no such file"),
    ],
)
def test_a_broken_reference_is_found(tmp_path, html, fault):
    (tmp_path / "outside.js").touch()
    site = tmp_path / "site"
    site.mkdir()
    (site / "other.html").write_text("<p id='here'></p>", encoding="utf-8")
    page = site / "page.html"
    page.write_text(
        html + '<a href="other.html#here">x</a><a href="https://example.org/">y</a>', encoding="utf-8"
    )
    assert broken_references(page, site.resolve()) == [fault]
