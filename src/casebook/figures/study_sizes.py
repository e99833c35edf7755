"""How many children studies need, by the difference that each looks for: curves of designs, dots of questions."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _words, style
from casebook.figures._marks import Box, dot

PLOT_INCHES = 3.1
LEFT, RIGHT, BOTTOM, TOP = 0.7, 0.12, 0.56, 0.12
LINE = 0.15  # inches, the height of a line of small words
STYLES = ((style.INK, "-"), (style.MUTED, (0, (4, 1.6))))
WIDEST = 1.45  # inches of a label


def _checked(curves, questions, children):
    curves = _evidence.numbers(
        _frames.require(curves, "curves", ("curve", "difference", "n")), "curves", "difference", "n"
    )
    questions = _evidence.numbers(
        _frames.require(questions, "questions", ("label", "difference", "n")), "questions", "difference", "n"
    )
    for name, frame in (("curves", curves), ("questions", questions)):
        _frames.fail(
            name,
            [
                f"row {row!r}, column {column!r}: found {value:g}, expected a number above 0"
                for column in ("difference", "n")
                for row, value in frame[column].items()
                if value <= 0
            ],
        )
    if curves["curve"].nunique() > len(STYLES):
        raise CasebookError(
            f"curves: found {curves['curve'].nunique()}, expected at most {len(STYLES)}, which can be told apart"
        )
    if curves.empty and questions.empty:
        raise CasebookError("found neither a curve nor a question, expected one to draw")
    if not isinstance(children, Real) or isinstance(children, bool) or not 0 < children < math.inf:
        raise CasebookError(f"children: found {children!r}, expected a number above 0")
    return curves, questions


@style.styled
def study_sizes(
    curves: pd.DataFrame,
    questions: pd.DataFrame,
    *,
    children: float = 3,
    words: str = "the report’s three",
    xlabel: str = "difference looked for, percentage points",
    ylabel: str = "children",
    ax: Axes | None = None,
) -> Axes:
    """Draw the children that a study needs against the difference that it looks for, both on logarithmic scales.

    Parameters
    ----------
    curves : columns ``curve`` (its name, written beside it), ``difference`` (percentage points) and ``n`` (children in all);
        at most two curves.
    questions : columns ``label``, ``difference`` and ``n``: dots with their words and their number of children.
    children : how many children the report has, a line in the accent.
    words : what is written at that line.
    xlabel, ylabel : what the axes count.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made.

    Returns
    -------
    The axes. A curve is labelled ``_curve`` and its name, a dot ``_question`` and its label, the line ``_these``.

    Raises
    ------
    CasebookError
        A column is missing, a number is not above 0, there are more than two curves, or there is nothing to draw.
    """
    curves, questions = _checked(curves, questions, children)
    if ax is None:
        ax = style.new_axes(PLOT_INCHES, left=LEFT, right=RIGHT, bottom=BOTTOM, top=TOP)
    differences = pd.concat([curves["difference"], questions["difference"]])
    sizes = pd.concat([curves["n"], questions["n"], pd.Series([children])])
    _scale(ax.xaxis, differences.min() / 1.12, differences.max() * 1.25)
    _scale(ax.yaxis, sizes.min() / 1.7, sizes.max() * 1.6)
    place = _places(ax)

    lines: list[Box] = []
    ax.axhline(children, color=style.ACCENT, lw=1.6, zorder=2, label="_these")
    _, level = place(1, children)
    wide, high = _words.inches(ax)
    lines.append(Box(0, level - 0.02, wide, level + 0.02))
    paths = {}
    for (name, rows), (color, dash) in zip(curves.groupby("curve", sort=False), STYLES, strict=False):
        rows = rows.sort_values("difference")
        ax.plot(rows["difference"], rows["n"], color=color, ls=dash, lw=1.5, zorder=3, label=f"_curve {name}")
        paths[name] = (place(rows["difference"], rows["n"]), color)
        lines += _words.along(*paths[name][0], 0.03)
    for row in questions.itertuples():
        dot(ax, row.difference, row.n, 6.5, color=style.SECOND, label=f"_question {row.label}", zorder=4)

    page = Box(0.04, 0.02, wide, high - 0.01)
    size = style.text_width(words, style.SMALL)
    taken = [Box(0.06, level + 0.04, 0.06 + size, level + 0.04 + LINE)]
    _words.write(ax, taken[0], words, style.ACCENT)
    dots = [place(row.difference, row.n) for row in questions.itertuples()]
    taken += [Box(x - 0.06, y - 0.06, x + 0.06, y + 0.06) for x, y in dots]
    for row, (x, y) in zip(questions.itertuples(), dots, strict=True):
        _beside(
            ax,
            f"{row.label}: {row.n:.0f}",
            [(x, y)],
            style.SECOND,
            taken,
            lines,
            page,
        )
    for name, ((x, y), color) in paths.items():
        along = np.linspace(x[0], x[-1], 25)
        points = list(zip(along, np.interp(along, x, y), strict=True))
        _beside(ax, name, points, color, taken, lines, page, falling=True)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return ax


def _scale(axis, low: float, high: float) -> None:
    """A logarithmic axis with ticks at few round numbers; at more of them where it spans little."""
    steps = (1, 2, 5) if high > 12 * low else (1, 1.5, 2, 3, 5, 7)
    axis.axes.set(**{f"{axis.axis_name}scale": "log", f"{axis.axis_name}lim": (low, high)})
    ticks = [step * 10**power for power in range(-3, 7) for step in steps if low <= step * 10**power <= high]
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_minor_locator(NullLocator())


def _places(ax: Axes):
    """From data to inches from the lower left of the axes."""
    wide, high = _words.inches(ax)
    (left, right), (bottom, top) = np.log(ax.get_xlim()), np.log(ax.get_ylim())

    def place(x, y):
        x, y = np.asarray(x, float), np.asarray(y, float)
        return (
            (np.log(x) - left) / (right - left) * wide,
            (np.log(y) - bottom) / (top - bottom) * high,
        )

    return place


def _beside(ax, words, points, color, taken, lines, page, falling=False) -> None:
    """Words beside one of these points, in one line or more, clear of other words and of lines; of a falling curve, under it."""
    places = []
    for widest in (WIDEST, WIDEST / 1.6):
        text = style.wrap(words, widest, style.SMALL)
        size = style.text_width(text, style.SMALL), LINE * (text.count("\n") + 1)
        for x, y in points:
            boxes = _words.around(x, y, *size, off=0.1)
            places += [(box, text) for box in ([boxes[5], boxes[4]] if falling else boxes)]
    box, text = places[_words.clearest([box for box, _ in places], taken, lines, page)]
    taken.append(box)
    _words.write(ax, box, text, color)
