"""Hazard ratios under one another on a logarithmic axis, each with its limits, its numbers in words, and its truth if known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from casebook.errors import CasebookError
from casebook.figures import _columns, _evidence, _frames, _words, style
from casebook.figures._marks import arrow
from casebook.figures._watermark import watermark

COLUMNS = ("label", "estimate", "lower", "upper")
DEFAULTS = {"group": "", "text": "", "truth": None}
ROW, HEADING, TEXT_INCHES = 0.29, 0.3, 1.4  # heights of a row and of a heading; the widest words at the right
INDENT, GAP, EDGE, FOOT = 0.1, 0.12, 0.05, 0.05
MARK, TRUTH = 6.5, 15.0  # points: across an estimate, and along the mark of a truth
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
BETWEEN = 0.3  # inches between two ticks, at least


class Line(NamedTuple):
    """One line of the page: a heading, or a row of the frame; ``y`` is its middle in inches from the top."""

    words: str
    y: float
    row: object = None


def _checked(rows: pd.DataFrame, xlim: tuple[float, float]) -> pd.DataFrame:
    _frames.log_axis(xlim)
    rows = _frames.require(rows, "rows", COLUMNS, DEFAULTS)
    if rows.empty:
        raise CasebookError("rows: found no row, expected a hazard ratio")
    rows = _evidence.numbers(rows, "rows", *COLUMNS[1:], infinite=True)
    rows = _evidence.numbers(rows, "rows", "truth", missing=True)
    problems = []
    for row in rows.itertuples():
        if not 0 <= row.lower <= row.estimate <= row.upper:
            problems.append(
                f"row {row.Index!r}: found {row.estimate:g} with limits {row.lower:g} to {row.upper:g}, "
                "expected them in order and from 0 on"
            )
        for column in ("estimate", "truth"):
            value = getattr(row, column)
            if not np.isnan(value) and not xlim[0] <= value <= xlim[1]:
                problems.append(
                    f"row {row.Index!r}, column {column!r}: found {value:g}, expected a value on the axis, "
                    f"{xlim[0]:g} to {xlim[1]:g}"
                )
    _frames.fail("rows", problems)
    return rows


def _lines(rows: pd.DataFrame) -> tuple[list[Line], float]:
    """The lines of the page from the top, and the height of all."""
    lines, y = [], 0.0
    for group in dict.fromkeys(rows["group"]):
        if group:
            y += 0.07 if lines else 0.0
            lines.append(Line(group, y + HEADING / 2))
            y += HEADING
        for row in rows[rows["group"] == group].itertuples():
            lines.append(Line(row.label, y + ROW / 2, row))
            y += ROW
    return lines, y + FOOT


@style.styled
def hazard_ratios(
    rows: pd.DataFrame,
    *,
    ax: Axes | None = None,
    xlim: tuple[float, float] = (0.1, 10),
    xlabel: str = "hazard ratio",
    sides: tuple[str, str] = ("", ""),
    simulated: bool = False,
) -> Axes:
    """Draw hazard ratios under one another, with their limits, on a logarithmic axis.

    Parameters
    ----------
    rows : columns ``label``, ``estimate``, ``lower``, ``upper`` (above 0; a limit beyond the axis becomes an arrow). Optional
        ``group`` (headings, in order of appearance), ``text`` (at the right, as in :func:`casebook.figures.forest`),
        ``truth`` (an upright mark, where it is known because the patients were made).
    ax : the axes to draw on; without it a figure 4.6 inches wide is made, as high as the rows need. Labels hang in the
        margin left of the axes, texts in the one to the right.
    xlim : ends of the axis, above 0.
    xlabel : what the axis counts.
    sides : words under the axis for what lies below 1 and above it.
    simulated : print SIMULATED across the plot, large and pale.

    Returns
    -------
    The axes. An estimate is the mark labelled ``_estimate`` and its label, its limits the line ``_interval`` and its label,
    its truth the line ``_truth`` and its label; a row of a group is labelled by both, with a space between them.

    Raises
    ------
    CasebookError
        A column is missing, a value is no number, limits do not hold the estimate, or an estimate or truth lies beyond
        the axis; the message names every row and column.
    """
    rows = _checked(rows, xlim)
    lines, high = _lines(rows)
    ordered = [line.row.text for line in lines if line.row is not None]
    pieces, text_wide = _columns.align(ordered, TEXT_INCHES)
    indent = INDENT if any(line.row is None for line in lines) else 0.0
    label_wide = indent + max(style.text_width(line.words) for line in lines if line.row is not None)
    known = rows["truth"].notna().any()
    key = _words.key_rows([_truth_entry()], style.WIDTH - 0.1) if known else []
    under = _words.under(xlabel) + (_words.LINE if any(sides) else 0.0)
    if ax is None:
        left, right = label_wide + GAP + EDGE, (text_wide + GAP + EDGE) if text_wide else 0.2
        ax = style.new_axes(
            high, left=left, right=right, bottom=under + _words.key_height(key) + 0.03, top=0.06
        )
    wide, _ = _words.inches(ax)

    ax.set_xscale("log")
    ax.set_xlim(*xlim)
    ax.set_ylim(high, 0)
    per = wide / np.log(xlim[1] / xlim[0])
    ax.set_xticks(_ticks(xlim, per))
    ax.set_xticks([], minor=True)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    if simulated:
        watermark(ax)
    first = next(line.y for line in lines if line.row is not None) - ROW / 2
    ax.vlines(1, first, high, color=style.MUTED, lw=1.0, zorder=1, label="_one")
    texts = iter(pieces)
    for line in lines:
        _name(ax, line, label_wide + GAP, indent)
        if line.row is not None:
            _draw(ax, line, xlim)
            for piece in next(texts):
                at = style.points_from(ax.get_yaxis_transform(), ax.get_figure(), x=(GAP + piece.left) * 72)
                ax.text(1, line.y, piece.words, transform=at, fontsize=style.SMALL, va="center_baseline")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    if any(sides):
        _sides(ax, sides, per * np.log(1 / xlim[0]), wide)
    at = style.points_from(
        ax.transAxes, ax.get_figure(), x=wide / 2 * 72, y=-(18 + 72 * _words.LINE * any(sides))
    )
    ax.text(0, 0, xlabel, transform=at, ha="center", va="top")
    _words.draw_key(ax, key, under)
    return ax


def _ticks(xlim: tuple[float, float], per: float) -> list[float]:
    """1 and, on both sides of it, the next of the usual ticks that is far enough away."""
    inside = [tick for tick in TICKS if xlim[0] <= tick <= xlim[1]]
    kept = [tick for tick in inside if tick == 1]
    for side in (reversed([tick for tick in inside if tick < 1]), [tick for tick in inside if tick > 1]):
        last = 1.0
        for tick in side:
            if abs(np.log(tick / last)) * per >= BETWEEN:
                kept.append(tick)
                last = tick
    return sorted(kept)


def _name(ax: Axes, line: Line, left: float, indent: float) -> None:
    heading = line.row is None
    at = style.points_from(
        ax.get_yaxis_transform(), ax.get_figure(), x=(-left + (0.0 if heading else indent)) * 72
    )
    ax.text(
        0,
        line.y,
        line.words,
        transform=at,
        fontsize=style.SMALL if heading else style.BASE,
        color=style.MUTED if heading else style.INK,
        weight="bold" if heading else "normal",
        va="center_baseline",
    )


def _draw(ax: Axes, line: Line, xlim: tuple[float, float]) -> None:
    row = line.row
    name = f"{row.group} {row.label}".strip()
    lower, upper = max(row.lower, xlim[0]), min(row.upper, xlim[1])
    ax.plot(
        [lower, upper],
        [line.y] * 2,
        color=style.INK,
        lw=1.5,
        zorder=3,
        clip_on=False,
        label=f"_interval {name}",
    )
    for end, limit, points in ((lower, row.lower, -9), (upper, row.upper, 9)):
        if end != limit:
            at = style.points_from(ax.transData, ax.get_figure(), x=-points)
            arrow(ax, end, line.y, points, color=style.INK, width=1.5, transform=at, label=f"_beyond {name}")
    if not np.isnan(row.truth):
        ax.plot(
            [row.truth], [line.y], ls="none", marker="|", ms=TRUTH, mew=2.2, color=style.SECOND, zorder=4,
            label=f"_truth {name}",
        )  # fmt: skip
    ax.plot(
        [row.estimate], [line.y], ls="none", marker="o", ms=MARK, mew=0, color=style.INK, zorder=5,
        label=f"_estimate {name}",
    )  # fmt: skip


def _truth_entry() -> _words.Entry:
    def draw(ax: Axes, transform, label: str) -> None:
        ax.plot(
            [0], [0], ls="none", marker="|", ms=TRUTH * 0.8, mew=2.2, color=style.SECOND, transform=transform,
            clip_on=False, label=label,
        )  # fmt: skip

    return _words.Entry("the truth that the patients were made with", draw, 6.0, style.SECOND, high=13.0)


def _sides(ax: Axes, sides: tuple[str, str], one: float, wide: float) -> None:
    """What is below 1 and what above, on either side of it under the ticks."""
    for words, x, align in ((sides[0], one - 0.07, "right"), (sides[1], one + 0.07, "left")):
        at = style.points_from(ax.transAxes, ax.get_figure(), x=x * 72, y=-19)
        shown = {"right": f"\N{LEFTWARDS ARROW} {words}", "left": f"{words} \N{RIGHTWARDS ARROW}"}[align]
        if words:
            ax.text(0, 0, shown, transform=at, ha=align, va="top", fontsize=style.SMALL, color=style.MUTED)
