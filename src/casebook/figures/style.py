"""One style for every figure: ink, one accent, one second hue, and an SVG that is the same byte for byte each time."""

from __future__ import annotations

import functools
import io
import sys

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

# Narrow first: 4.6 inches is the 360 px of a phone, where 9.5 points are still read.
WIDTH = 4.6
BASE = 9.5
SMALL = 9.0

# The dark theme inverts a figure's lightness. Dark inks and transparent tints survive that; pale opaque fills would vanish.
INK = "#1b1f24"
MUTED = "#57606a"
ACCENT = "#00628f"  # Okabe-Ito blue, deepened: dark enough to stand for ink in a greyscale print
SECOND = "#c4500b"  # Okabe-Ito vermilion, deepened until small text in it has a contrast of 4.5 on white

RULE = (*mpl.colors.to_rgb(INK), 0.16)  # grid lines and tracks
TINT = 0.28  # opacity of what may be, beside what is

RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same shapes on every machine
    "font.size": BASE,
    "axes.labelsize": BASE,
    "axes.titlesize": BASE,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": mpl.cycler(color=[ACCENT, SECOND, MUTED, INK]),
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.edgecolor": "none",
    "savefig.pad_inches": 0.04,
    "figure.figsize": (WIDTH, 3.2),
    "figure.dpi": 100,
    "grid.color": INK,
    "grid.alpha": 0.16,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "butt",
    "legend.frameon": False,
    "text.usetex": False,
    "axes.unicode_minus": True,
    "svg.fonttype": "path",  # a reader needs no font
    "svg.hashsalt": "casebook",  # element ids would be random otherwise
}

# What savefig needs, beyond RC, for the same bytes each time.
PRINT = {"metadata": {"Date": None}, "bbox_inches": "tight"}


def use() -> None:
    """Make this style the default and, in a notebook, show figures as SVG without a date. Harmless outside IPython."""
    mpl.rcParams.update(RC)
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    # Only a kernel shows figures inline; a terminal's IPython has nothing to set up.
    if shell is None or not hasattr(shell, "kernel"):
        return
    import matplotlib.pyplot  # noqa: F401  (activates the inline backend, which would otherwise reset its formats later)
    from matplotlib_inline.backend_inline import set_matplotlib_formats
    from matplotlib_inline.config import InlineBackend

    config = InlineBackend.instance(parent=shell)
    config.figure_formats = {"svg"}
    config.print_figure_kwargs = dict(PRINT)
    set_matplotlib_formats("svg", **PRINT)


def styled(draw):
    """Decorator: draw in this style whatever the reader's own settings are."""

    @functools.wraps(draw)
    def wrapper(*args, **kwargs):
        with mpl.rc_context(RC):
            return draw(*args, **kwargs)

    return wrapper


def to_svg(figure: Figure) -> bytes:
    """The figure as SVG: the same bytes for the same figure, on any day."""
    buffer = io.BytesIO()
    with mpl.rc_context(RC):
        figure.savefig(buffer, format="svg", **PRINT)
    return buffer.getvalue()


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """A figure of this size in inches, known to pyplot so that a notebook shows it."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height))


def new_axes(height: float, *, left: float, right: float, bottom: float, top: float):
    """Axes ``height`` inches high in a new figure of the standard width, with these margins in inches."""
    total = bottom + height + top
    figure = new_figure(total)
    return figure.add_axes((left / WIDTH, bottom / total, (WIDTH - left - right) / WIDTH, height / total))


def text_width(text: str, size: float = BASE, weight: str = "normal") -> float:
    """Width in inches of the widest line, from the font's own outlines, so that a layout does not depend on a renderer."""
    font = FontProperties(family="sans-serif", size=size, weight=weight)
    with mpl.rc_context(RC):
        widths = [
            text_to_path.get_text_width_height_descent(line, font, ismath=False)[0]
            for line in str(text).split("\n")
        ]
    return max(widths, default=0.0) / 72


def wrap(text: str, width: float, size: float = BASE) -> str:
    """The text with line breaks at spaces so that no line is wider than ``width`` inches, where its words allow."""
    lines: list[str] = []
    for word in str(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def points_from(artist_transform, figure, x: float = 0.0, y: float = 0.0):
    """The transform moved by x and y points (1/72 inch) on the page."""
    from matplotlib.transforms import offset_copy

    return offset_copy(artist_transform, figure, x=x, y=y, units="points")
