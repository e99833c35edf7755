"""What was given, drawn behind the readings of a trajectory, and the rows of its labels above them."""

from __future__ import annotations

from math import inf, isfinite

import pandas as pd
from matplotlib.axes import Axes

from casebook.figures import style
from casebook.figures._marks import arrow, rows_of
from casebook.figures._placement import place


def label_rows(blocks: pd.DataFrame, panels: pd.DataFrame, widths: dict) -> list[tuple[int, float, float]]:
    """For each block: the row of its label above the panel, and where block and label begin, in inches from the panel's left.

    Rows are given out from the right, so that the line up to a label in a higher row passes left of the labels under it.
    """
    placed = {}
    for panel in panels.itertuples():
        wide, spots = widths[panel.panel], []
        for block in blocks[blocks["panel"] == panel.panel].itertuples():
            known = [
                x
                for x in (block.start_lower, block.start_upper, block.end_lower, block.end_upper)
                if isfinite(x)
            ]
            first = min(max(known[0] if known else panel.lower, panel.lower), panel.upper)
            start = (first - panel.lower) / (panel.upper - panel.lower) * wide
            long = style.text_width(block.label, style.SMALL)
            left = max(min(start, wide + 0.06 - long), 0.0)
            spots.append((start, left, left + long, block.Index))
        spots.sort(key=lambda spot: spot[:2], reverse=True)
        for (start, left, _, index), row in zip(
            spots, rows_of([spot[1:3] for spot in spots], 0.07), strict=True
        ):
            placed[index] = (row, start, left)
    return [placed[index] for index in blocks.index]


def draw_blocks(ax: Axes, blocks: pd.DataFrame) -> None:
    """What was given, behind the readings: surely in the darker tint, possibly in the lighter; a transplant as a line."""
    for block in blocks.itertuples():
        name = f"_{block.kind} {block.label}"
        start, end = (block.start_lower, block.start_upper), (block.end_lower, block.end_upper)
        if block.kind == "hsct":
            days = [x for x in start if isfinite(x)]
            if len(days) == 2 and days[0] < days[1]:
                ax.axvspan(*days, fc=style.INK, alpha=0.10, lw=0, zorder=0.5, label=name)
            for x in dict.fromkeys(days):
                ax.axvline(
                    x,
                    color=style.INK,
                    lw=1.1,
                    ls="-" if start[0] == start[1] else (0, (3, 2)),
                    zorder=1,
                    label=name,
                )
            if len(days) == 1:
                arrow(
                    ax,
                    days[0],
                    1,
                    15 if start[1] == inf else -15,
                    color=style.INK,
                    transform=ax.get_xaxis_transform(),
                    label=name,
                )
            continue
        color, opacity = (style.ACCENT, 0.20) if block.kind == "infusion" else (style.INK, 0.11)
        where = place(start, end)
        pieces = [
            (where.certain, opacity, ""),
            *((pair, opacity / 2.2, ", possible") for pair in where.possible),
            (where.outline, opacity / 2.2, ", extreme"),
        ]
        for pair, alpha, words in pieces:
            if pair:
                ax.axvspan(*pair, fc=color, alpha=alpha, ec="none", lw=0, zorder=0.5, label=name + words)
        # The arrow to the left stands before the label, the one to the right under it.
        ink = style.ACCENT if block.kind == "infusion" else style.MUTED
        for x, dx, dy in ((where.open_left, -15, 7.5), (where.open_right, 15, -5)):
            if x is not None:
                at = style.points_from(ax.get_xaxis_transform(), ax.get_figure(), x=-3 if dx < 0 else 0, y=dy)
                arrow(ax, x, 1, dx, color=ink, transform=at, label=name)
