"""The built site in a real browser: every page, both themes, on a phone, a tablet and a desk."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator

import pytest

from casebook import notebooks
from casebook.paths import CHAPTERS
from casebook.trials import panel

PAGES = [path.relative_to(CHAPTERS).with_suffix("").as_posix() for path in notebooks.pages()]
THEMES = ("light", "dark")
WIDTHS = (360, 768, 1440)
ARTICLE = "article.bd-article"
"""Where axe looks: the article is ours, the frame around it is the theme's."""

SEVERE = {"serious", "critical"}

NOT_OURS = {
    # docutils marks a bibliography up with the roles of digital publishing.
    "aria-required-children": 'class="citation-list"',
}
"""Rules that an element of others' making breaks, and what marks that element."""


BLANK = "Array.from(document.images).filter(image => !image.naturalWidth).map(image => image.src)"
"""The images that did not load."""

CUT_OFF = """
Array.from(document.querySelectorAll('article.bd-article :is(table, figure, pre, img)')).filter(element => {
    for (let box = element; !box.matches('article'); box = box.parentElement)
        if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX)) return false;
    return element.getBoundingClientRect().right > document.documentElement.clientWidth;
}).map(element => element.outerHTML.slice(0, 80))
"""
"""What reaches past the window, and stands in no box that scrolls: the theme hides it, and the page does not scroll."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: pytest shows what matters."""


@pytest.fixture(scope="session")
def address(built) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=built)
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def open_page(browser, address):
    """Open pages as a reader who chose a theme does, and hold every complaint of the browser and every outside request."""
    contexts = []

    def opener(theme: str, width: int = 1440):
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        context.add_init_script(f"for (const key of ['mode', 'theme']) localStorage.setItem(key, {theme!r})")
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(f"error: {error}"))
        page.on("requestfailed", lambda request: _note_failed(request, page.complaints))
        page.on("request", lambda request: _note_outside(request.url, address, page.complaints))
        page.on("console", lambda message: _note_console(message, page.complaints))
        return page

    yield opener
    for context in contexts:
        context.close()


def _note_failed(request, complaints: list[str]) -> None:
    if request.failure != "net::ERR_ABORTED":  # the reader went on before it had come
        complaints.append(f"failed: {request.url}: {request.failure}")


def _note_outside(url: str, address: str, complaints: list[str]) -> None:
    if not url.startswith((address, "data:", "blob:")):
        complaints.append(f"outside: {url}")


def _note_console(message, complaints: list[str]) -> None:
    if message.type in ("error", "warning"):
        complaints.append(f"{message.type}: {message.text}")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_complaint_and_fits_every_width(open_page, address, name, theme):
    page = open_page(theme)
    page.goto(f"{address}/chapters/{name}.html", wait_until="networkidle")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (
            f"scrolls sideways at {width} px"
        )
        assert page.evaluate(CUT_OFF) == [], f"cut off at {width} px"
    assert page.evaluate(BLANK) == []
    assert page.complaints == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible(open_page, address, name, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(theme)
    page.goto(f"{address}/chapters/{name}.html")
    found = Axe().run(page, context=ARTICLE).response["violations"]
    assert [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found
        if violation["impact"] in SEVERE
        for node in violation["nodes"]
        if NOT_OURS.get(violation["id"], "\0") not in node["html"]
    ] == []


def test_the_reader_can_walk_from_the_first_page_to_the_last(open_page, address):
    page = open_page("light")
    page.goto(f"{address}/index.html")
    page.wait_for_url("**/chapters/index.html")
    for name in PAGES[1:]:
        page.locator("a.right-next").click()
        page.wait_for_url(f"**/chapters/{name}.html")
    assert page.complaints == []


@pytest.mark.parametrize("width", [360, 1440])
def test_the_menu_leads_to_every_chapter(open_page, address, width):
    page = open_page("light", width)
    for name in PAGES[1:]:
        page.goto(f"{address}/chapters/index.html")
        if width < 992:  # below this width the theme folds the menu away
            page.locator("button.primary-toggle:visible").click()
        page.locator(f"nav.bd-links:visible a[href='{name}.html']").click()
        page.wait_for_url(f"**/chapters/{name}.html")


def test_there_is_one_search_field_and_it_finds_a_chapter(open_page, address):
    page = open_page("light")
    page.goto(f"{address}/chapters/index.html")
    assert (
        page.locator(
            ".search-button-field:visible, .search-button__button:visible, input[type=search]:visible"
        ).count()
        == 1
    )
    page.locator(".search-button-field:visible").click()
    page.locator("input[type=search]:visible").fill("transplant")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=transplant**")
    page.locator("#search-results ul.search li a").first.wait_for()
    assert page.complaints == []


def test_the_theme_switch_turns_the_page_dark(open_page, address):
    page = open_page("light")
    page.goto(f"{address}/chapters/index.html")
    for _ in range(3):  # light, dark, as the machine says
        page.locator("button.theme-switch-button:visible").first.click()
        if page.evaluate("document.documentElement.dataset.mode") == "dark":
            break
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_readers_panel_counts_on_its_own_page(open_page, address):
    page = open_page("light")
    page.goto(f"{address}/chapters/trials/safety.html")
    form = page.locator("form.casebook-panel")
    for events, children, rate in ((0, 3, 24.1), (0, 11, 24.1), (2, 30, 43.1)):
        for name, value in (("events", events), ("children", children), ("rate", rate)):
            form.locator(f"[data-sets={name}]").fill(str(value))
        expected = panel.values(events, children, rate)
        for name in ("sentence", "interval", "one_sided", "exactly", "needed_one_sided"):
            assert form.locator(f"[data-shows={name}]").first.text_content() == getattr(expected, name)
    assert page.complaints == []
