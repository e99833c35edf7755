"""Estimates from many cohorts: every cohort a dot, a strip for each method, under one another beside the truth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _words, style
from casebook.figures._watermark import watermark

COLUMNS = ("method", "estimate")
DEFAULTS = {"group": ""}
LABEL_INCHES = 1.5
RIGHT = 0.2
STRIP = 0.42  # inches, the height of a strip
HEADING = 0.27
TALLEST = 0.36  # inches, the most that the dots of a strip may reach across
LARGEST = 0.055  # inches, the width of a dot at most
GAP = 0.12  # from the words to the plot


class Strip(NamedTuple):
    """One method in one group: its words, its estimates, and its middle in inches from the top."""

    group: str
    words: str
    values: np.ndarray
    middle: float


def _checked(frame, truth, xlim):
    _frames.log_axis(xlim)
    frame = _evidence.numbers(_frames.require(frame, "estimates", COLUMNS, DEFAULTS), "estimates", "estimate")
    if frame.empty:
        raise CasebookError("estimates: found no row, expected an estimate")
    _frames.fail(
        "estimates",
        [
            f"row {row!r}, column 'estimate': found {value:g}, expected it on the axis, {xlim[0]:g} to {xlim[1]:g}"
            for row, value in frame["estimate"].items()
            if not xlim[0] <= value <= xlim[1]
        ],
    )
    truth = pd.DataFrame({"truth": []}) if truth is None else truth
    truth = _evidence.numbers(_frames.require(truth, "truth", ("truth",), DEFAULTS), "truth", "truth")
    _frames.members(truth, "truth", "group", dict.fromkeys(frame["group"]))
    _frames.unique(truth, "truth", "group")
    _frames.fail(
        "truth",
        [
            f"row {row!r}, column 'truth': found {value:g}, expected it on the axis, {xlim[0]:g} to {xlim[1]:g}"
            for row, value in truth["truth"].items()
            if not xlim[0] <= value <= xlim[1]
        ],
    )
    return frame, truth.set_index("group")["truth"]


def _strips(frame: pd.DataFrame, widest: float) -> tuple[list[Strip], dict[str, tuple[float, float]], float]:
    """The strips from the top, the top and bottom of each group in inches, and the height of it all."""
    strips, spans, y = [], {}, 0.0
    for group, rows in frame.groupby("group", sort=False):
        y += (HEADING if group else 0.0) + (0.06 if strips else 0.0)
        top = y
        for method, some in rows.groupby("method", sort=False):
            words = style.wrap(method, widest, style.SMALL)
            high = max(STRIP, _words.LINE * (words.count("\n") + 1) + 0.08)
            strips.append(Strip(group, words, some["estimate"].to_numpy(), y + high / 2))
            y += high
        spans[group] = top, y
    return strips, spans, y


def _stacked(places: np.ndarray, width: float) -> np.ndarray:
    """How far across, in dots, each of these places along the strip is moved: dots of a column lie about its middle."""
    column = np.floor(places / width)
    order = np.lexsort((places, column))
    across = np.empty(places.size)
    for members in np.split(order, np.flatnonzero(np.diff(column[order])) + 1):
        # From the middle outwards and in turns, so that a column is as even as its number allows.
        across[members] = np.arange(members.size) - (members.size - 1) / 2
    return across


@style.styled
def estimates(
    frame: pd.DataFrame,
    truth: pd.DataFrame | None = None,
    *,
    ax: Axes | None = None,
    xlabel: str = "hazard ratio",
    xlim: tuple[float, float] = (0.1, 4.0),
    ticks: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0, 2.0),
    simulated: bool = False,
) -> Axes:
    """Draw estimates of a ratio from many cohorts as dots, a strip for each method, with their mean and the truth.

    Parameters
    ----------
    frame : columns ``method`` and ``estimate`` (above 0; one row a cohort), and optionally ``group`` (a heading).
    truth : columns ``truth`` and, if there are groups, ``group``: an upright line through the strips of the group.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made, as high as the strips need. Methods are named in
        the margin left of the axes.
    xlabel : what the axis counts.
    xlim, ticks : ends and ticks of the axis, which is logarithmic.
    simulated : print SIMULATED across the plot, large and pale.

    Returns
    -------
    The axes. The dots of a strip are the line ``_dots group method``, the mean of their logarithms is ``_mean group method``,
    the truth ``_truth group``; y is in inches from the top.

    Raises
    ------
    CasebookError
        A column is missing, a value is no number or not on the axis, or a truth is of no group; the message names every row.
    """
    frame, truths = _checked(frame, truth, xlim)
    strips, spans, high = _strips(frame, LABEL_INCHES if ax is None else -_words.margins(ax)[0] - GAP)
    if ax is None:
        label = max(style.text_width(strip.words, style.SMALL) for strip in strips)
        ax = style.new_axes(
            high, left=label + GAP + 0.1, right=RIGHT, bottom=_words.under(xlabel) + 0.03, top=0.22
        )
    wide, tall = _words.inches(ax)
    left = -_words.margins(ax)[0]
    ax.set_xscale("log")
    ax.set_xlim(*xlim)
    ax.set_ylim(high, 0)
    ax.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if xlim[0] <= tick <= xlim[1]]))
    ax.xaxis.set_minor_locator(FixedLocator([]))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    if simulated:
        watermark(ax)

    def along(values):
        return np.log(np.asarray(values) / xlim[0]) / np.log(xlim[1] / xlim[0]) * wide

    width = _dot(strips, along)
    for group, (top, bottom) in spans.items():
        ax.vlines(ax.get_xticks(), top, bottom, color=style.RULE, lw=0.6, zorder=0, label=f"_grid {group}")
        if group:
            at = style.points_from(ax.get_yaxis_transform(), ax.get_figure(), x=-(left - 0.04) * 72)
            ax.text(
                0, top - 0.12, group, transform=at, fontsize=style.SMALL, color=style.MUTED, weight="bold",
                va="center_baseline",
            )  # fmt: skip
        if group in truths.index:
            ax.plot(
                [truths[group]] * 2,
                [top, bottom],
                color=style.SECOND,
                lw=1.4,
                zorder=2,
                label=f"_truth {group}",
            )
    for strip in strips:
        x = along(strip.values)
        # Centres of columns, so that the dots of one stand on each other.
        centre = (np.floor(x / width) + 0.5) * width
        values = xlim[0] * (xlim[1] / xlim[0]) ** (centre / wide)
        name = f"{strip.group} {strip.words}".replace("\n", " ").strip()
        step = high / tall * width
        ax.plot(
            values, strip.middle + _stacked(x, width) * step,
            ls="none", marker="o", ms=0.86 * width * 72, color=style.INK, mec="none", alpha=0.55, zorder=3, clip_on=False,
            label=f"_dots {name}",
        )  # fmt: skip
        mean = float(np.exp(np.log(strip.values).mean()))
        ax.plot(
            [mean], [strip.middle], ls="none", marker="|", ms=TALLEST * 72, mew=1.8, color=style.INK, zorder=4,
            label=f"_mean {name}",
        )  # fmt: skip
        at = style.points_from(ax.get_yaxis_transform(), ax.get_figure(), x=-GAP * 72)
        ax.text(
            0, strip.middle, strip.words, transform=at, fontsize=style.SMALL, color=style.INK, va="center", ha="right",
            linespacing=1.15,
        )  # fmt: skip
    if len(truths):
        _name_truth(ax, truths, spans, along(truths.iloc[0]), left)
    _words.name_axis(ax, xlabel)
    return ax


def _name_truth(ax: Axes, truths: pd.Series, spans: dict, x: float, left: float) -> None:
    """The word over the first line, beside the heading of its group if that ends before it, or else over the plot."""
    group, half = truths.index[0], style.text_width("truth", style.SMALL) / 2
    beside = group and style.text_width(group, style.SMALL, "bold") - left + 0.15 < x - half
    at = style.points_from(ax.get_yaxis_transform(), ax.get_figure(), x=x * 72)
    y = spans[group][0] - 0.05 if beside else -0.06
    ax.text(0, y, "truth", transform=at, fontsize=style.SMALL, color=style.SECOND, ha="center", va="baseline")


def _dot(strips: list[Strip], along) -> float:
    """The width of a dot with which no strip's tallest column reaches too far across."""
    width = LARGEST
    while width > 0.004:
        tallest = max(
            np.unique(np.floor(along(s.values) / width), return_counts=True)[1].max() for s in strips
        )
        if tallest * width <= TALLEST:
            break
        width *= 0.92
    return width
