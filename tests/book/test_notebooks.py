"""The committed chapters: every cell has run, in order, and what it left behind may be published."""

from __future__ import annotations

import re
import statistics

import nbformat
import pytest
from bs4 import BeautifulSoup

from casebook import notebooks
from casebook.paths import CHAPTERS

CHAPTERS_BY_NAME = {path.relative_to(CHAPTERS).as_posix(): path for path in notebooks.chapters()}

LEAKS = {
    "a path of somebody's machine": re.compile(
        r"/(?:home|Users|root|tmp|private|var/folders)/\w|[A-Za-z]:\\+Users"
    ),
    "a traceback": re.compile(r"Traceback \(most recent call last\)"),
    "a warning": re.compile(r"\b\w*Warning: "),
    "the address of an object": re.compile(r"\bat 0x[0-9a-f]{6,}"),
}

HIDDEN = {"remove-cell", "remove-input", "hide-cell", "hide-input"}
"""Tags of cells whose code a reader does not meet unasked."""

LONGEST_VISIBLE_CELL = 10
MEDIAN_VISIBLE_CELL = 6

ALT_TEXT_AT_LEAST = 40
CAPTION_AT_LEAST = 60

HTML_CHART = ".casebook-flow"


def order_faults(notebook) -> list[str]:
    """Code cells that have not run, or not in the order in which they stand. nbval passes a cell that has never run."""
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"execution counts are {counts}"]


def output_faults(notebook) -> list[str]:
    """Outputs that must not be published."""
    faults = []
    for number, _, output in outputs(notebook):
        if output.output_type == "error":
            faults.append(f"cell {number}: {output.ename}")
        if output.output_type == "stream" and output.name == "stderr":
            faults.append(f"cell {number}: printed to stderr: {output.text[:80]!r}")
        if set(output.get("data", {})) & {"image/png", "image/jpeg"}:
            faults.append(f"cell {number}: an image in pixels, which no test compares")
        for text in texts(output):
            faults += [f"cell {number}: {leak}" for leak, pattern in LEAKS.items() if pattern.search(text)]
    return faults


def figure_faults(notebook) -> list[str]:
    """Figures that a reader who cannot see them, or sees nothing but them, could not use."""
    faults = []
    for number, cell, output in outputs(notebook):
        faults += [f"cell {number}: {fault}" for fault in html_figure_faults(output)]
        if "image/svg+xml" not in output.get("data", {}):
            continue
        settings = cell.metadata.get("mystnb", {})
        figure = settings.get("figure", {})
        alt, caption = settings.get("image", {}).get("alt", ""), figure.get("caption", "")
        if len(alt.strip()) < ALT_TEXT_AT_LEAST:
            faults.append(f"cell {number}: the alt text says too little: {alt!r}")
        if len(caption.strip()) < CAPTION_AT_LEAST:
            faults.append(f"cell {number}: the caption cannot be read alone: {caption!r}")
        if not figure.get("name"):
            faults.append(f"cell {number}: the figure has no name to refer to it by")
    return faults


def html_figure_faults(output) -> list[str]:
    """Charts made of HTML: they bring their own words, in a ``<figure>``."""
    faults = []
    for chart in BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser").select(HTML_CHART):
        figure = chart.find_parent("figure")
        caption = figure.find("figcaption") if figure else None
        words = caption.get_text(" ", strip=True) if caption else ""
        if len(words) < CAPTION_AT_LEAST:
            faults.append(f"the caption cannot be read alone: {words!r}")
        if not chart.get("aria-label", "").strip():
            faults.append("the chart has no label to be announced by")
    return faults


def outputs(notebook):
    """Every output, with its cell and the cell's number among those of code."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [(number, cell, output) for number, cell in enumerate(code, start=1) for output in cell.outputs]


def texts(output) -> list[str]:
    return [
        output.get("text", ""),
        *(text for text in output.get("data", {}).values() if isinstance(text, str)),
    ]


def visible_lengths(notebook) -> list[int]:
    return [
        len(cell.source.strip().splitlines())
        for cell in notebook.cells
        if cell.cell_type == "code" and not HIDDEN.intersection(cell.metadata.get("tags", []))
    ]


@pytest.fixture(params=CHAPTERS_BY_NAME)
def chapter(request):
    return notebooks.read(CHAPTERS_BY_NAME[request.param])


def test_every_cell_has_run_in_order(chapter):
    assert order_faults(chapter) == []


def test_no_output_leaks_or_warns(chapter):
    assert output_faults(chapter) == []


def test_every_figure_has_an_alt_text_a_caption_and_a_name(chapter):
    assert figure_faults(chapter) == []


def test_a_chapter_opens_with_its_title(chapter):
    assert chapter.cells[0].cell_type == "markdown"
    assert chapter.cells[0].source.startswith("# ")


@pytest.mark.parametrize("name", CHAPTERS_BY_NAME)
def test_a_chapter_is_stored_as_make_notebooks_writes_it(name):
    path = CHAPTERS_BY_NAME[name]
    assert path.read_text(encoding="utf-8") == notebooks.normalised(notebooks.read(path))


def test_visible_cells_are_short():
    lengths = {name: visible_lengths(notebooks.read(path)) for name, path in CHAPTERS_BY_NAME.items()}
    assert {
        name: longest
        for name, found in lengths.items()
        if (longest := max(found, default=0)) > LONGEST_VISIBLE_CELL
    } == {}
    everywhere = [length for found in lengths.values() for length in found]
    assert not everywhere or statistics.median(everywhere) < MEDIAN_VISIBLE_CELL


# The guards themselves, on small bad examples.


def cell_with(*outputs, count=1, **metadata):
    made = nbformat.v4.new_code_cell("1", execution_count=count, metadata=metadata)
    made.outputs = list(outputs)
    return nbformat.v4.new_notebook(cells=[made])


def result(**data):
    return nbformat.v4.new_output(
        "display_data", data={kind.replace("_", "/"): text for kind, text in data.items()}
    )


@pytest.mark.parametrize("count", [None, 2])
def test_a_cell_out_of_order_is_found(count):
    assert order_faults(cell_with(count=count))


@pytest.mark.parametrize(
    "output",
    [
        result(text_plain="PosixPath('/home/ada/casebook/data')"),
        result(text_html=r"<p>C:\Users\ada</p>"),
        result(text_plain="<object object at 0x7f3a2b1c>"),
        result(image_png="aGVsbG8="),
        nbformat.v4.new_output("stream", name="stderr", text="anything at all"),
        nbformat.v4.new_output("stream", name="stdout", text="FutureWarning: soon"),
        nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[]),
    ],
)
def test_an_output_that_must_not_be_published_is_found(output):
    assert output_faults(cell_with(output))


def test_an_ordinary_output_is_left_alone():
    fine = [result(text_plain="at least 19 days; see data/report/events.csv", text_html="<p>15 to 16</p>")]
    assert output_faults(cell_with(*fine)) == []


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"image": {"alt": "a plot"}, "figure": {"caption": "c" * 60, "name": "n"}},
        {"image": {"alt": "a" * 40}, "figure": {"caption": "MRD", "name": "n"}},
        {"image": {"alt": "a" * 40}, "figure": {"caption": "c" * 60}},
    ],
)
def test_a_figure_without_words_is_found(settings):
    drawn = nbformat.v4.new_output("display_data", data={"image/svg+xml": "<svg/>"})
    assert figure_faults(cell_with(drawn, mystnb=settings))


CAPTION = f"<figcaption>{'c' * CAPTION_AT_LEAST}</figcaption>"
CHART = '<div class="casebook-flow" aria-label="Flow"></div>'


@pytest.mark.parametrize(
    "html",
    [
        CHART,
        CHART + CAPTION,
        f"<figure>{CHART}</figure>",
        f"<figure>{CHART}<figcaption>Flow</figcaption></figure>",
        f"<figure>{CHART.replace('Flow', '')}{CAPTION}</figure>",
        f"<figure>{CHART.replace('aria-label', 'title')}{CAPTION}</figure>",
    ],
)
def test_a_chart_of_html_without_words_is_found(html):
    assert figure_faults(cell_with(result(text_html=html)))


def test_a_chart_of_html_with_words_and_a_table_are_left_alone():
    fine = [result(text_html=f"<figure>{CHART}{CAPTION}</figure>"), result(text_html="<table></table>")]
    assert figure_faults(cell_with(*fine)) == []
