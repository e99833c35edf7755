"""The script of the reader's panel in a real browser: every text it shows is the one that Python shows."""

from __future__ import annotations

import random
from dataclasses import asdict

import pytest

from casebook.paths import CHAPTERS
from casebook.trials import panel

CORNERS = [
    (events, children, rate)
    for events, children in [(0, 3), (3, 3), (0, 1), (1, 1), (5, 300), (0, 1000)]
    for rate in (0.1, 24.1, 43.1, 82.4, 99.9)
]

EDGES = [
    (0, 1, 95.0),  # the one-sided limit is the rate
    (0, 1, 97.5),  # the two-sided limit is the rate
    (1, 1, 2.5),
    (0, 5, 50.0),  # a probability of 1/32: a half in the last place
    (1, 16, 50.0),  # 6.25% observed
    (0, 25, 8.8),  # a probability that rounds up to 0.100
    (0, 11, 24.1),  # the fewest that exclude by one limit, and one less
    (0, 10, 24.1),
    (0, 14, 24.1),  # by both, and one less
    (0, 13, 24.1),
    (2, 3, 57.4),
    (1, 30, 24.1),
    (1, 1000, 0.3),
    (999, 1000, 99.9),
    (1000, 1000, 99.9),
    (1000, 1000, 0.1),  # further above what is expected than a float can say
    (500, 1000, 50.0),
    (241, 1000, 24.1),
    (100, 200, 0.1),  # more children than are searched
    (500, 1000, 0.1),
    (500, 1000, 0.6),  # nearly as many
    (1000, 1000, 1.6),
]

_drawn = random.Random(3)
DRAWN = [
    (_drawn.randint(0, min(children, 30)), children, _drawn.randint(20, 999) / 10)
    for children in _drawn.choices(range(1, 80), k=60)
]

SET_AND_READ = """
states => states.map(([events, children, rate]) => {
    const form = document.querySelector("form.casebook-panel");
    const fields = {events, children, rate};
    for (const name in fields) form.querySelector(`[data-sets=${name}]`).value = String(fields[name]);
    form.querySelector("[data-sets=rate]").dispatchEvent(new Event("input", {bubbles: true}));
    const shown = Array.from(form.querySelectorAll("[data-shows]"), place => [place.dataset.shows, place.textContent]);
    for (const side of ["x", "x1", "x2", "cx"])
        for (const mark of form.querySelectorAll(`[data-${side}]`))
            shown.push([mark.getAttribute(`data-${side}`), mark.getAttribute(side)]);
    return [form.hasAttribute("data-stale"), shown];
})
"""
"""Every state in turn: whether the form took it, and every text and place of a mark with the name of what it shows."""

CUT_OFF = """
Array.from(document.querySelectorAll("form.casebook-panel, form.casebook-panel *"))
    .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth
        || (element.clientWidth && element.scrollWidth > element.clientWidth + 1 && !element.matches("select, svg, svg *")))
    .map(element => element.outerHTML.slice(0, 80))
"""


@pytest.fixture
def open_panel(browser):
    """Open a page that holds panels and the book's own style, and hold every complaint and every request."""
    contexts = []

    def opener(*panels: str, theme: str = "light", width: int = 1440, scripts: bool = True):
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(f"error: {error}"))
        page.on("request", lambda request: page.complaints.append(f"request: {request.url}"))
        page.on("console", lambda message: page.complaints.append(f"{message.type}: {message.text}"))
        style = (CHAPTERS / "_static" / "casebook.css").read_text(encoding="utf-8")
        # The grounds are the theme's.
        ground = {"light": "#ffffff", "dark": "#14181e"}[theme]
        page.set_content(
            f'<!doctype html><html lang="en" data-theme="{theme}"><head><title>Panel</title>'
            f'<meta name="viewport" content="width=device-width"><style>{style}</style>'
            f"<style>body {{ margin: 16px; background: {ground}; font-family: sans-serif; --pst-color-background: {ground} }}"
            f"</style></head><body><main>{''.join(panels or [panel.html()])}</main></body></html>"
        )
        return page

    yield opener
    for context in contexts:
        context.close()


def field(page, name: str):
    return page.locator(f"form.casebook-panel >> nth=0 >> [data-sets={name}]")


def texts(page) -> list[tuple[str, str]]:
    return page.eval_on_selector_all(
        "[data-shows]", "places => places.map(p => [p.dataset.shows, p.textContent])"
    )


def test_every_text_is_the_one_that_python_shows(open_panel):
    page = open_panel()
    states = CORNERS + EDGES + DRAWN
    for state, (stale, shown) in zip(states, page.evaluate(SET_AND_READ, states), strict=True):
        assert not stale, state
        expected = asdict(panel.values(*state))
        assert {name for name, _ in shown} == set(expected), state
        assert [(name, text, state) for name, text in shown if text != expected[name]] == []
    assert page.complaints == []


@pytest.mark.parametrize("state", [(0, 3, 24.1), (3, 3, 82.4), (0, 5, 50.0), (7, 1000, 12.3)])
def test_the_script_changes_nothing_until_the_reader_does(open_panel, state):
    before, after = (open_panel(panel.html(*state), scripts=scripts) for scripts in (False, True))
    # A page without scripts can still be read from outside.
    fields = "input:enabled, select:enabled"
    assert (before.locator(fields).count(), after.locator(fields).count()) == (0, 4)
    assert before.locator(".casebook-panel-still").is_visible()
    assert after.locator(".casebook-panel-still").is_hidden()
    assert texts(before) == texts(after)
    assert before.locator("svg").evaluate("s => s.outerHTML") == after.locator("svg").evaluate(
        "s => s.outerHTML"
    )


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("events", "4"),
        ("events", "-1"),
        ("events", "0.5"),
        ("events", ""),
        ("children", "0"),
        ("children", "1001"),
        ("children", "2.5"),
        ("children", ""),
        ("rate", "0"),
        ("rate", "100"),
        ("rate", "0.04"),
        ("rate", "99.96"),
        ("rate", "24.15"),
        ("rate", "-24.1"),
        ("rate", ""),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_the_last_numbers_stay(open_panel, name, typed):
    page = open_panel()
    before = texts(page)
    field(page, name).fill(typed)
    line = page.locator(f"#{field(page, name).get_attribute('aria-describedby')}")
    assert field(page, name).get_attribute("aria-invalid") == "true"
    assert line.inner_text() == f"Expected: {panel.EXPECTED[name]}."
    assert page.locator(".casebook-panel-problem:visible").count() == 1
    assert page.locator("form[data-stale]").count() == 1
    assert texts(page) == before
    # And all is well again when it is.
    field(page, name).fill({"events": "0", "children": "3", "rate": "24.1"}[name])
    assert page.locator(".casebook-panel-problem:visible, [aria-invalid], [data-stale]").count() == 0
    assert texts(page) == before
    assert page.complaints == []


def test_more_events_than_children_is_laid_to_the_events_and_solved_from_either_side(open_panel):
    page = open_panel()
    field(page, "events").fill("5")
    assert page.locator("[aria-invalid]").get_attribute("data-sets") == "events"
    field(page, "children").fill("5")
    assert page.locator("[aria-invalid]").count() == 0
    field(page, "children").fill("4")
    assert page.locator("[aria-invalid]").get_attribute("data-sets") == "events"


def test_letters_are_no_number(open_panel):
    page = open_panel()
    field(page, "children").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("e")  # the one letter that a number field lets in
    assert field(page, "children").get_attribute("aria-invalid") == "true"
    assert "NaN" not in page.inner_text("body")


def test_the_keyboard_does_it_all(open_panel):
    page = open_panel()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    for _ in range(2):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert dict(texts(page))["sentence"] == panel.values(1, 5, 24.0).sentence
    assert field(page, "preset").locator("option:checked").inner_text() == "Another rate"
    page.keyboard.press("Tab")
    page.keyboard.type("Serious adverse events, c")
    assert field(page, "rate").input_value() == "43.1"
    assert dict(texts(page))["sentence"] == panel.values(1, 5, 43.1).sentence
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # sends no form: the page stays, with its numbers
    assert dict(texts(page))["sentence"] == panel.values(1, 5, 43.1).sentence
    assert page.complaints == []


def test_the_choice_of_rates_and_the_rate_follow_each_other(open_panel):
    page = open_panel()
    for name, rate in panel.PRESETS.items():
        field(page, "preset").select_option(label=f"{name}: {rate}%")
        assert field(page, "rate").input_value() == f"{rate}"
        assert dict(texts(page))["sentence"] == panel.values(0, 3, rate).sentence
    for name, rate in panel.PRESETS.items():
        field(page, "rate").fill(f"{rate}")
        assert field(page, "preset").locator("option:checked").inner_text() == f"{name}: {rate}%"
    field(page, "rate").fill("")
    assert field(page, "preset").locator("option:checked").inner_text() == "Another rate"
    field(page, "rate").fill("30")
    field(page, "preset").select_option(label="Another rate")
    assert field(page, "rate").input_value() == "30"


def test_panels_on_one_page_do_not_touch_each_other(open_panel):
    page = open_panel(panel.html(key="one"), panel.html(3, 3, 82.4, key="two", presets={}))
    sentences = page.locator("[data-shows=sentence]")
    field(page, "children").fill("14")
    assert sentences.all_inner_texts() == [
        panel.values(0, 14, 24.1).sentence,
        panel.values(3, 3, 82.4).sentence,
    ]
    page.locator("#casebook-panel-two-rate").fill("24.1")
    assert sentences.all_inner_texts() == [
        panel.values(0, 14, 24.1).sentence,
        panel.values(3, 3, 24.1).sentence,
    ]
    assert page.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", ["first", "invalid", "without script"])
def test_the_panel_is_accessible(open_panel, theme, state):
    from axe_playwright_python.sync_playwright import Axe

    page = open_panel(panel.html() if state != "without script" else _still(panel.html()), theme=theme)
    if state == "invalid":
        field(page, "events").fill("4")
        field(page, "rate").fill("")
    found = Axe().run(page, context="main").response["violations"]
    assert [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]] == []


def _still(html: str) -> str:
    """The panel as it stands where its script does not run; axe itself is one, so that the page must allow them."""
    return html.partition("<script>")[0]


@pytest.mark.parametrize("state", [(0, 3, 24.1), (999, 1000, 99.9), (100, 1000, 0.1)])
def test_nothing_overflows_a_phone(open_panel, state):
    page = open_panel(panel.html(*state), width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate(CUT_OFF) == []
    field(page, "events").fill("")
    field(page, "children").fill("")
    field(page, "rate").fill("")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate(CUT_OFF) == []
