"""Readings before and after, on one log scale: an arrow down to the detection limit says at least how far the level fell."""

from __future__ import annotations

from math import isfinite, log10

import pandas as pd
from matplotlib.axes import Axes

from casebook.errors import CasebookError
from casebook.figures import _frames, style
from casebook.figures._levels import draw_levels, name_band
from casebook.figures._marks import arrow

COLUMNS = ("label", "before_lower", "before_upper", "after_lower", "after_upper")
PLOT_INCHES = 2.2
SHIFT = 0.3  # of a column: the mark stands left of its middle, its words to the right


@style.styled
def before_after(rows: pd.DataFrame, *, ax: Axes | None = None, detection_limit: float = 0.01) -> Axes:
    """Draw for each row the reading before, the reading after, and the fall between them.

    A fall to below the detection limit is drawn as a line to the limit, which is certain, and an arrow into the band below it.

    Parameters
    ----------
    rows : columns ``label`` (the child), ``before_lower``, ``before_upper``, ``after_lower``, ``after_upper``
        (percent; 0 as the lower bound of a reading that says only "below"); optional ``text`` (the reduction in
        words), ``before_text``, ``after_text`` (the readings as printed), ``note`` (under the label). Drawn from the
        left.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made.
    detection_limit : percent; the upper edge of the band.

    Returns
    -------
    The axes; rows are at 0, 1, 2, … from the left.

    Raises
    ------
    CasebookError
        A column is missing, an interval is reversed, or a percentage is below 0; the message names every row and
        column.
    """
    rows = _frames.require(
        rows, "rows", COLUMNS, dict.fromkeys(("text", "before_text", "after_text", "note"), "")
    )
    rows = _frames.bounds(
        rows, "rows", ("before_lower", "before_upper"), ("after_lower", "after_upper"), finite=True
    )
    if not (isfinite(detection_limit) and detection_limit > 0):
        raise CasebookError(f"detection_limit: found {detection_limit!r}, expected a percentage above 0")
    _frames.fail(
        "rows",
        [
            f"row {row!r}, column {column!r}: found {value:g}, expected a percentage of 0 or more"
            for column in ("before_lower", "after_lower")
            for row, value in rows[column].items()
            if value < 0
        ],
    )
    top = max([10 * detection_limit, *(2.4 * rows["before_upper"]), *(2.4 * rows["after_upper"])])
    if ax is None:
        wide = (style.WIDTH - 0.62) / max(len(rows), 1)
        notes = [style.wrap(note, wide - 0.1, style.SMALL) if note else "" for note in rows["note"]]
        lines = max((note.count("\n") + 1 if note else 0 for note in notes), default=0)
        ax = style.new_axes(PLOT_INCHES, left=0.56, right=0.06, bottom=0.28 + 0.16 * lines, top=0.05)
    figure = ax.get_figure()
    wide = ax.get_position().width * figure.get_figwidth() / max(len(rows), 1)

    draw_levels(ax, detection_limit, top)
    name_band(ax, detection_limit)
    ax.set_xlim(-0.5, max(len(rows), 1) - 0.5)
    ax.tick_params(axis="x", length=0)
    ax.set_xticks(range(len(rows)), [""] * len(rows))
    for x, row in enumerate(rows.itertuples()):
        at = style.points_from(ax.transData, figure, x=-wide * 72 * SHIFT)
        ends = {
            side: (upper if lower <= 0 else (lower + upper) / 2, lower, upper)
            for side, lower, upper in (
                ("before", row.before_lower, row.before_upper),
                ("after", row.after_lower, row.after_upper),
            )
        }
        for side, (y, lower, upper) in ends.items():
            name = f"_{side} {row.label}"
            if lower > 0 or side == "before":
                face = style.ACCENT if lower > 0 else "none"
                ax.plot(
                    [x],
                    [y],
                    ls="none",
                    marker="o",
                    ms=7,
                    mfc=face,
                    mec=style.ACCENT,
                    mew=1.3,
                    transform=at,
                    zorder=4,
                    label=name,
                )
            if 0 < lower < upper:
                ax.plot(
                    [x, x],
                    [lower, upper],
                    color=style.ACCENT,
                    lw=1.3,
                    transform=at,
                    zorder=3,
                    label=f"{name}, rounding",
                )
        start, (stop, low, _) = ends["before"][0], ends["after"]
        ax.plot(
            [x, x],
            [start, stop],
            color=style.ACCENT,
            lw=1.8,
            transform=at,
            zorder=2,
            label=f"_fall {row.label}",
        )
        if low <= 0:
            ax.plot(
                [x],
                [stop],
                ls="none",
                marker="_",
                ms=9,
                mew=1.3,
                color=style.ACCENT,
                transform=at,
                zorder=3,
                label=f"_after {row.label}",
            )
            arrow(
                ax,
                x,
                stop,
                0,
                -19,
                color=style.ACCENT,
                width=1.5,
                transform=at,
                label=f"_after {row.label}, below",
            )
        _write(ax, x, row, start, stop, wide)
    return ax


def _write(ax: Axes, x: int, row, start: float, stop: float, wide: float) -> None:
    """The words of one row: the reading over its mark, the fall beside its line, the child under the axis."""
    figure = ax.get_figure()
    shift = -wide * 72 * SHIFT

    def at(dx=0.0, dy=0.0, transform=ax.transData):
        return style.points_from(transform, figure, x=shift + dx, y=dy)

    if row.before_text:
        # Over the mark, unless a grid line would cross the words there.
        inches = (
            ax.get_position().height * figure.get_figheight() / log10(ax.get_ylim()[1] / ax.get_ylim()[0])
        )
        crossed = any(0.06 < log10(y / start) * inches < 0.26 for y in ax.get_yticks())
        place = (
            {"transform": at(9), "va": "center_baseline"}
            if crossed
            else {"transform": at(0, 7), "ha": "center"}
        )
        ax.text(x, start, row.before_text, fontsize=style.BASE, color=style.INK, **place)
    if row.text:
        words = style.wrap(row.text, wide * (0.5 + SHIFT) - 0.16, style.SMALL)
        y = _between(ax, start, stop, (words.count("\n") + 1) * 0.15)
        ax.text(
            x,
            y,
            words,
            transform=at(9),
            va="center",
            fontsize=style.SMALL,
            color=style.ACCENT,
            linespacing=1.2,
        )
    if row.after_text:
        y = stop if row.after_lower > 0 else (ax.get_ylim()[0] * stop) ** 0.5
        ax.text(
            x,
            y,
            row.after_text,
            transform=at(9),
            va="center_baseline",
            fontsize=style.SMALL,
            color=style.MUTED,
        )
    under = ax.get_xaxis_transform()
    ax.text(x, 0, row.label, transform=at(-4, -6, under), va="top", fontsize=style.BASE, color=style.INK)
    if row.note:
        note = style.wrap(row.note, wide - 0.1, style.SMALL)
        ax.text(
            x,
            0,
            note,
            transform=at(-4, -20, under),
            va="top",
            fontsize=style.SMALL,
            color=style.MUTED,
            linespacing=1.2,
        )


def _between(ax: Axes, start: float, stop: float, high: float) -> float:
    """A level between two for words ``high`` inches high: in the middle, or as near to it as no grid line crosses them."""
    inches = ax.get_position().height * ax.get_figure().get_figheight()
    floor, top = (log10(y) for y in ax.get_ylim())
    scale = inches / (top - floor)
    lines = [log10(y) * scale for y in ax.get_yticks()]
    low, high_end, half = log10(min(start, stop)) * scale, log10(max(start, stop)) * scale, high / 2
    middle = (low + high_end) / 2
    tries = [middle + sign * step * 0.02 for step in range(40) for sign in (1, -1)]
    clear = [
        y
        for y in tries
        if low + half <= y <= high_end - half and all(abs(y - line) >= half for line in lines)
    ]
    return 10 ** ((clear or [middle])[0] / scale)
