"""Predicted against observed risks: groups of patients with their limits, beside the line on which both are the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _words, style
from casebook.figures._marks import Box
from casebook.figures._watermark import watermark

COLUMNS = ("predicted", "observed", "lower", "upper")
PLOT_INCHES, LEFT, RIGHT = 3.1, 0.74, 0.5
SERIES = ((style.INK, style.INK, "o"), (style.SECOND, "none", "s"))
"""Edge and fill of the marks of the first series and of the second."""
MARK = 6.5
PERFECT = "as predicted"


def _checked(groups: pd.DataFrame) -> pd.DataFrame:
    groups = _frames.require(groups, "groups", COLUMNS, {"series": ""})
    if groups.empty:
        raise CasebookError("groups: found no row, expected a group of patients")
    groups = _evidence.numbers(groups, "groups", *COLUMNS)
    if groups["series"].nunique() > len(SERIES):
        raise CasebookError(
            f"groups, column 'series': found {groups['series'].nunique()} of them, expected at most {len(SERIES)}"
        )
    _frames.probabilities(groups, "groups", *COLUMNS)
    problems = [
        f"row {row.Index!r}: found {row.observed:g} with limits {row.lower:g} to {row.upper:g}, expected them in order"
        for row in groups.itertuples()
        if not row.lower <= row.observed <= row.upper
    ]
    _frames.fail("groups", problems)
    return groups


@style.styled
def calibration(
    groups: pd.DataFrame,
    *,
    ax: Axes | None = None,
    xlabel: str = "predicted",
    ylabel: str = "observed",
    simulated: bool = False,
) -> Axes:
    """Draw the observed risk of groups of patients over the predicted one.

    Parameters
    ----------
    groups : columns ``predicted``, ``observed``, ``lower``, ``upper`` (probabilities; a row a group, as
        :func:`casebook.cohort.prediction.calibration` gives them); optional ``series``, at most two, each with its name in
        the key. The marks of the second are hollow.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made.
    xlabel, ylabel : what the axes count; both are printed in percent, to the same end.
    simulated : print SIMULATED across the plot, large and pale.

    Returns
    -------
    The axes. The groups of a series are the marks labelled ``_groups`` and its name, their limits below and above these the
    lines ``_limits`` and its name; the line of perfect calibration is ``_perfect``.

    Raises
    ------
    CasebookError
        A column is missing, a value is no probability, limits do not hold what was observed, or there are more than two
        series; the message names every row and column.
    """
    groups = _checked(groups)
    names = list(dict.fromkeys(groups["series"]))
    looks = dict(zip(names, SERIES, strict=False))
    key = _words.key_rows([_entry(name, *looks[name]) for name in names if name], style.WIDTH - 0.1)
    if ax is None:
        side = min(PLOT_INCHES, style.WIDTH - LEFT - RIGHT)
        margin = style.WIDTH - LEFT - side
        bottom = _words.under(xlabel) + _words.key_height(key) + 0.04
        ax = style.new_axes(side, left=LEFT, right=margin, bottom=bottom, top=0.12)
    end = min(1.0, np.ceil(groups[["predicted", "upper"]].to_numpy().max() * 5 + 1e-9) / 5)
    ax.set_xlim(0, end)
    ax.set_ylim(0, end)
    ticks = np.linspace(0, end, round(end / 0.2) + 1)
    ax.set_xticks(ticks)
    ax.set_yticks(ticks)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{100 * value:.3g}%")
    ax.grid(axis="y")
    if simulated:
        watermark(ax)
    ax.plot([0, end], [0, end], color=style.MUTED, lw=1.0, ls=(0, (4, 2.5)), zorder=1.5, label="_perfect")
    for name, (edge, fill, marker) in looks.items():
        rows = groups[groups["series"] == name].sort_values("predicted", kind="stable")
        # Up to the mark from either side, so that a hollow one stays hollow.
        _, high = _words.inches(ax)
        free = (MARK / 2 + 0.7) / 72 / high * end
        for low, up in (
            (rows["lower"], np.maximum(rows["observed"] - free, rows["lower"])),
            (np.minimum(rows["observed"] + free, rows["upper"]), rows["upper"]),
        ):
            ax.vlines(rows["predicted"], low, up, color=edge, lw=1.3, zorder=2.5, label=f"_limits {name}")
        ax.plot(
            rows["predicted"], rows["observed"], ls="none", marker=marker, ms=MARK, mew=1.4, mec=edge,
            mfc=edge if fill != "none" else "none", zorder=3, clip_on=False, label=f"_groups {name}",
        )  # fmt: skip
    _name_the_line(ax, groups, end)
    _words.name_axis(ax, xlabel)
    ax.set_ylabel(ylabel)
    _words.draw_key(ax, key, _words.under(xlabel))
    return ax


def _name_the_line(ax: Axes, groups: pd.DataFrame, end: float) -> None:
    """The words of the line, above or below it, where they are clear of the marks and their limits."""
    wide, high = _words.inches(ax)
    long = style.text_width(PERFECT, style.SMALL)
    taken = [
        Box(x * wide / end - 0.06, low * high / end - 0.05, x * wide / end + 0.06, up * high / end + 0.05)
        for x, low, up in groups[["predicted", "lower", "upper"]].values
    ]
    diagonal = _words.along([0, wide], [0, high], 0.02)
    places = [
        box
        for share in np.linspace(0.95, 0.1, 35)
        for box in (
            Box(share * wide - long - 0.08, share * high, share * wide - 0.08, share * high + _words.LINE),
            Box(share * wide + 0.1, share * high - _words.LINE, share * wide + 0.1 + long, share * high),
        )
    ]
    page = Box(0.03, 0.03, wide, high)
    box = places[_words.clearest(places, taken, diagonal, page)]
    _words.write(ax, box, PERFECT, style.MUTED)


def _entry(name: str, edge: str, fill: str, marker: str) -> _words.Entry:
    def draw(ax: Axes, transform, label: str) -> None:
        ax.plot(
            [0], [0], ls="none", marker=marker, ms=MARK, mew=1.4, mec=edge, mfc=edge if fill != "none" else "none",
            transform=transform, clip_on=False, label=label,
        )  # fmt: skip

    return _words.Entry(name, draw, MARK + 2, edge)
