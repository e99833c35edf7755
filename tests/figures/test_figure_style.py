import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from casebook.figures import style

NOTEBOOK_CELL = """
from casebook.figures import style
style.use()
import matplotlib.pyplot as plt
figure, ax = plt.subplots()
ax.plot([1, 2, 3], label="x")
ax.set_title("a title")
"""


def test_use_sets_the_style_and_is_harmless_outside_a_notebook():
    with mpl.rc_context():
        style.use()
        assert mpl.rcParams["svg.hashsalt"] == "casebook"
        assert mpl.rcParams["svg.fonttype"] == "path"
        assert mpl.rcParams["figure.facecolor"] == "none"


def test_drawing_does_not_change_the_readers_settings():
    before = mpl.rcParams.copy()

    @style.styled
    def draw():
        assert mpl.rcParams["font.size"] == style.BASE

    draw()
    assert mpl.rcParams == before


def test_a_notebook_shows_svg_without_a_date_and_the_same_each_time():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")

    def render():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK_CELL)])
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
        (data,) = [
            output["data"]
            for output in notebook.cells[0].outputs
            if "image/svg+xml" in output.get("data", {})
        ]
        assert "image/png" not in data
        return data["image/svg+xml"]

    one, two = render(), render()
    assert one == two
    assert "<dc:date>" not in one


def test_a_text_is_measured_as_it_is_drawn():
    figure = plt.figure()
    text = figure.text(0, 0, "girl, 5 y 1 mo", fontsize=style.SMALL)
    drawn = text.get_window_extent().width / figure.dpi
    assert style.text_width("girl, 5 y 1 mo", style.SMALL) == pytest.approx(drawn, rel=0.05)


def test_wrapped_lines_are_no_wider_than_asked():
    lines = style.wrap("months after diagnosis, as the report counts them", 1.0, style.SMALL).split("\n")
    assert len(lines) > 1
    assert all(style.text_width(line, style.SMALL) <= 1.0 for line in lines)


@pytest.mark.parametrize("color", [style.INK, style.MUTED, style.ACCENT, style.SECOND])
def test_inks_are_read_on_white_and_inverted_on_dark(color):
    def luminance(rgb):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert 1.05 / (luminance(mpl.colors.to_rgb(color)) + 0.05) >= 4.5


def test_importing_the_package_alone_does_not_load_matplotlib():
    code = "import sys, casebook; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
