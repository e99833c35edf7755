"""One child's chronology on the calendar: a dot for a day, a bar for an interval, an arrow where one side has no bound."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

from casebook.figures import _frames, style
from casebook.figures._marks import arrow

COLUMNS = ("event", "earliest", "latest", "kind")
COLORS = {"printed": style.ACCENT, "derived": style.MUTED}
KINDS = tuple(COLORS)
TEXT_INCHES = 1.9
LINE_INCHES = 0.16
GAP_INCHES = 0.13
ARROW_POINTS = 20


def when(earliest: pd.Timestamp, latest: pd.Timestamp) -> str:
    """The bounds of a day in words; NaT where there is no bound."""
    first, last = (None if pd.isna(day) else f"{day:%Y-%m-%d}" for day in (earliest, latest))
    if first and last:
        return first if first == last else f"{first} to {last}"
    if last:
        return f"on or before {last}"
    return f"on or after {first}" if first else "no date follows"


def _limits(rows: pd.DataFrame, inches: float) -> tuple[float, float]:
    """First and last day of the axis, with room for the marks at the ends and for arrows that point outwards."""
    days = pd.concat([rows["earliest"], rows["latest"]]).dropna()
    if days.empty:
        return 0.0, 1.0
    numbers = date2num(days.to_numpy())
    low, high = float(numbers.min()), float(numbers.max())
    span = max(high - low, 30.0)
    before = 0.09 + (ARROW_POINTS / 72 if (rows["earliest"].isna() & rows["latest"].notna()).any() else 0)
    after = 0.09 + (ARROW_POINTS / 72 if (rows["latest"].isna() & rows["earliest"].notna()).any() else 0)
    scale = span / (inches - before - after)
    return low - before * scale, low + span + after * scale


@style.styled
def timeline(rows: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw one child's events on the calendar, one row for each, from the top in the order of the rows.

    Parameters
    ----------
    rows : columns ``event`` (what happened), ``earliest``, ``latest`` (dates; NaT where nothing bounds that side),
        ``kind`` ("printed": the dates are those of the report; "derived": they follow from other statements);
        optional ``note``, written under the dates.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made, as high as the rows need. The rows' text
        hangs in the margin left of the axes, 1.9 inches wide.

    Returns
    -------
    The axes; its y ticks are the rows.

    Raises
    ------
    CasebookError
        A column is missing, a kind is unknown, a date is none, or an interval is reversed; the message names every
        row and column.
    """
    rows = _frames.require(rows, "rows", COLUMNS, {"note": ""})
    _frames.members(rows, "rows", "kind", KINDS)
    rows = _frames.dates(rows, "rows", "earliest", "latest")

    text = []
    for row in rows.itertuples():
        lines = [(line, style.BASE, style.INK) for line in style.wrap(row.event, TEXT_INCHES).split("\n")]
        lines += [
            (line, style.SMALL, style.MUTED)
            for line in style.wrap(when(row.earliest, row.latest), TEXT_INCHES, style.SMALL).split("\n")
        ]
        if row.note:
            lines += [
                (line, style.SMALL, style.MUTED)
                for line in style.wrap(row.note, TEXT_INCHES, style.SMALL).split("\n")
            ]
        text.append(lines)
    heights = [LINE_INCHES * len(lines) + GAP_INCHES for lines in text] or [1.0]
    edges = np.concatenate([[0.0], np.cumsum(heights)])
    middles = (edges[:-1] + edges[1:]) / 2
    if ax is None:
        ax = style.new_axes(edges[-1], left=TEXT_INCHES + 0.1, right=0.1, bottom=0.34, top=0.04)
    figure = ax.get_figure()
    inches = ax.get_position().width * figure.get_figwidth()
    ax.set_ylim(edges[-1], 0)
    ax.set_xlim(*_limits(rows, inches))

    margin = TEXT_INCHES + 0.06
    for y, top, row, lines in zip(middles, edges, rows.itertuples(), text, strict=False):
        _mark(ax, y, row)
        for i, (words, size, color) in enumerate(lines):
            middle = (len(lines) - 1) / 2 - i
            at = style.points_from(
                ax.get_yaxis_transform(), figure, x=-margin * 72, y=middle * LINE_INCHES * 72
            )
            ax.text(0, y, words, transform=at, fontsize=size, color=color, va="center_baseline")
        if top:
            ends = (-margin / inches, 1)
            ax.plot(
                ends,
                (top, top),
                transform=ax.get_yaxis_transform(),
                color=style.RULE,
                lw=0.6,
                zorder=0,
                clip_on=False,
                label="_rule",
            )
    _key(ax, [kind for kind in KINDS if kind in set(rows["kind"])], margin)

    locator = AutoDateLocator(minticks=2, maxticks=5)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    ax.grid(axis="x")
    ax.set_yticks(middles[: len(rows)], [""] * len(rows))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def _key(ax: Axes, kinds: list[str], margin: float) -> None:
    """Which colour is which, under the text and beside the years."""
    x = -margin * 72 + 4
    for kind in kinds:
        at = style.points_from(ax.transAxes, ax.get_figure(), x=x, y=-11.5)
        ax.plot(
            [0],
            [0],
            ls="none",
            marker="o",
            ms=5.2,
            color=COLORS[kind],
            transform=at,
            clip_on=False,
            label=f"_key {kind}",
        )
        at = style.points_from(ax.transAxes, ax.get_figure(), x=x + 8, y=-11.5)
        ax.text(0, 0, kind, transform=at, fontsize=style.SMALL, color=COLORS[kind], va="center_baseline")
        x += 8 + style.text_width(kind, style.SMALL) * 72 + 14


def _mark(ax: Axes, y: float, row) -> None:
    """A dot for a day, a bar for an interval, a stroke and an arrow for one bound, nothing for none."""
    color = COLORS[row.kind]
    name = f"_{row.kind} {row.event}"
    days = [day for day in (row.earliest, row.latest) if not pd.isna(day)]
    if not days:
        return
    x = date2num(np.array(days, dtype="datetime64[ns]"))
    if len(days) == 2 and days[0] == days[1]:
        face = color if row.kind == "printed" else "none"
        ax.plot(x[:1], [y], ls="none", marker="o", ms=6.4, mfc=face, mec=color, mew=1.3, zorder=3, label=name)
    elif len(days) == 2:
        ax.plot(x, [y, y], color=color, lw=5, alpha=1 if row.kind == "printed" else 0.5, zorder=2, label=name)
        ax.plot(
            x, [y, y], ls="none", marker="|", ms=8.5, mew=1.3, color=color, zorder=3, label=f"{name}, limits"
        )
    else:
        ax.plot(x, [y], ls="none", marker="|", ms=10, mew=1.5, color=color, zorder=3, label=name)
        arrow(
            ax,
            x[0],
            y,
            ARROW_POINTS if pd.isna(row.latest) else -ARROW_POINTS,
            color=color,
            width=1.3,
            label=f"{name}, unbounded",
        )
