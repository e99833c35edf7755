"""Survival that is known from intervals: boxes within which it falls, beside curves that claim to know more."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from casebook.errors import CasebookError
from casebook.figures import _ends, _evidence, _frames, _steps, _words, style
from casebook.figures._watermark import watermark

PLOT_INCHES = 2.5
LEFT = 0.74
ROUNDING = 1e-9
LEAST = 1e-6
"""Less mass than this is not drawn."""

LOOKS = {"shortcut": (style.SECOND, 1.6, 1.0), "truth": (style.INK, 6.0, 0.2)}
"""Colour, width and opacity: the truth is a pale band, which others may lie on and both be seen."""


@style.styled
def turnbull(
    boxes: pd.DataFrame,
    curves: pd.DataFrame | None = None,
    limits: pd.DataFrame | None = None,
    *,
    name: str = "between examinations",
    ax: Axes | None = None,
    xlabel: str = "days",
    ylabel: str = "",
    until: float | None = None,
    ylim: tuple[float, float] = (0.0, 1.0),
    simulated: bool = False,
) -> Axes:
    """Draw survival as boxes in which it falls, joined by lines where it is level.

    Parameters
    ----------
    boxes : columns ``left``, ``right`` (which may be infinite) and ``mass``: survival falls by the mass after left and not after
        right, nobody knows how. Where they are alike it is a step.
    curves : columns ``curve`` (its name), ``time``, ``estimate`` and ``look``: "shortcut", drawn as steps from 1 at time 0, or
        "truth", a line through its points.
    limits : columns ``time``, ``lower`` and ``upper``: an upright line with the limits of confidence at that time.
    name : of what the boxes show.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made. Names need a margin to the right of the axes.
    xlabel, ylabel : what the axes count; the y axis is printed in percent.
    until : the time at which to cut the axis; else the last end of a box.
    ylim : from where to where, of 0 to 1; the axis says when it does not begin at 0.
    simulated : print SIMULATED across the plot, large and pale.

    Returns
    -------
    The axes. Boxes are the collection labelled ``_boxes``, the line between them ``_level``, a curve ``_curve`` and its name,
    limits ``_limits``.

    Raises
    ------
    CasebookError
        A column is missing, a value is no number, boxes are reversed, overlap or do not add up to 1, a probability or time is
        none, a look is none of the two, or a truth begins beyond the axis; the message names every row and column.
    """
    boxes, curves, limits = _checked(boxes, curves, limits)
    _frames.cut(until)
    if not 0 <= ylim[0] < ylim[1] <= 1:
        raise CasebookError(f"ylim: found {ylim!r}, expected two rising numbers from 0 to 1")
    ends = boxes[["left", "right"]].to_numpy().ravel()
    last = float(until or ends[np.isfinite(ends)].max() or 1.0)
    _check_reached(curves, last)
    words = style.wrap(xlabel, style.WIDTH - 0.2)
    if ax is None:
        right = _ends.right_margin([name, *curves["curve"]])
        ax = style.new_axes(PLOT_INCHES, left=LEFT, right=right, bottom=_words.under(words) + 0.04, top=0.12)
    wide, _ = _words.inches(ax)
    ax.set_xlim(0, last)
    ax.set_ylim(*ylim)
    ax.xaxis.set_major_locator(MaxNLocator(max(2, min(int(wide / 0.5), 6)), steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:.10g}")
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(lambda y, _: f"{100 * y:.10g}%")
    ax.grid(axis="y")
    if simulated:
        watermark(ax)
    found = [_draw_boxes(ax, boxes, name, last)]
    for curve, rows in curves.groupby("curve", sort=False):
        found.append(_draw_curve(ax, curve, rows, last))
    _draw_limits(ax, limits[limits["time"] <= last])
    _ends.name_ends(ax, found)
    _words.name_axis(ax, words)
    if ylabel:
        ax.set_ylabel(ylabel)
    return ax


def _checked(boxes, curves, limits) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    boxes = _frames.require(boxes, "boxes", ("left", "right", "mass"))
    boxes = _evidence.numbers(boxes, "boxes", "left", "mass")
    boxes = _frames.bounds(boxes, "boxes", ("left", "right")).sort_values(["left", "right"], kind="stable")
    if boxes.empty or abs(boxes["mass"].sum() - 1) > LEAST:
        raise CasebookError(f"boxes: found masses of {boxes['mass'].sum():g}, expected 1")
    faults = [
        (boxes["mass"] < -ROUNDING, "mass", "expected 0 or more"),
        (boxes["left"] < 0, "left", "expected 0 or more"),
        (boxes["left"] < boxes["right"].shift(fill_value=0.0), "left", "which is within the box before it"),
    ]
    _frames.fail(
        "boxes",
        [
            f"row {row!r}, column {column!r}: found {boxes.at[row, column]:g}, {what}"
            for bad, column, what in faults
            for row in boxes.index[bad]
        ],
    )
    curves = pd.DataFrame(columns=["curve", "time", "estimate", "look"]) if curves is None else curves
    curves = _frames.require(curves, "curves", ("curve", "time", "estimate", "look"))
    _frames.members(curves, "curves", "look", LOOKS)
    limits = pd.DataFrame(columns=["time", "lower", "upper"]) if limits is None else limits
    limits = _frames.require(limits, "limits", ("time", "lower", "upper"))
    frames = []
    for frame, what, columns in ((curves, "curves", ("estimate",)), (limits, "limits", ("lower", "upper"))):
        frame = _evidence.numbers(frame, what, "time", *columns)
        _frames.fail(
            what,
            [
                f"row {row!r}, column 'time': found {time:g}, expected 0 or more"
                for row, time in frame["time"].items()
                if time < 0
            ]
            + [
                f"row {row!r}, column {column!r}: found {value:g}, expected a probability from 0 to 1"
                for column in columns
                for row, value in frame[column].items()
                if not -ROUNDING <= value <= 1 + ROUNDING
            ],
        )
        frames.append(frame)
    limits = _frames.bounds(frames[1], "limits", ("lower", "upper"))
    return boxes, frames[0].assign(curve=frames[0]["curve"].astype(str)), limits


def _check_reached(curves: pd.DataFrame, last: float) -> None:
    lines = curves[curves["look"] == "truth"]
    first = lines.groupby("curve", sort=False)["time"].min()
    _frames.fail(
        "curves",
        [
            f"{name!r}: found its first point at {time:g}, expected one up to the end of the axis at {last:g}"
            for name, time in first[first > last].items()
        ],
    )


def _draw_boxes(ax: Axes, boxes: pd.DataFrame, name: str, last: float) -> _ends.End:
    """The boxes, and the line where survival is known; its end at the last time, or the middle of a box there."""
    rows = boxes[(boxes["mass"] > LEAST) & (boxes["left"] < last)]
    left, right, mass = (rows[column].to_numpy() for column in ("left", "right", "mass"))
    level = np.append(1.0, np.clip(1 - np.cumsum(mass), 0, 1))
    before, after = level[:-1], level[1:]
    right = np.minimum(right, last)
    corners = [
        [(a, high), (b, high), (b, low), (a, low)]
        for a, b, high, low in zip(left, right, before, after, strict=True)
        if a < b
    ]
    ax.add_collection(
        PolyCollection(
            corners,
            fc=(*to_rgb(style.INK), 0.2),
            ec=style.INK,
            lw=0.5,
            zorder=2.4,
            label="_boxes",
        )
    )
    # Level to the left end of a box, and on from its right end: from corner to corner through nothing.
    x = np.concatenate([[0.0], np.column_stack([left, right, right]).ravel(), [last]])
    y = np.concatenate(
        [[1.0], np.column_stack([before, np.where(left < right, np.nan, before), after]).ravel(), level[-1:]]
    )
    ax.plot(x, y, color=style.INK, lw=1.8, zorder=3, clip_on=False, label="_level")
    open_end = len(rows) and rows["right"].iloc[-1] > last
    end = (before[-1] + after[-1]) / 2 if open_end else y[-1]
    return _ends.End(name, last, float(end), style.INK)


def _draw_curve(ax: Axes, name: str, rows: pd.DataFrame, last: float) -> _ends.End:
    look = rows["look"].iloc[0]
    color, width, alpha = LOOKS[look]
    rows = rows.sort_values("time", kind="stable")
    time, value = rows["time"].to_numpy(), rows["estimate"].to_numpy()
    inside = time <= last
    time, value = time[inside], value[inside]
    if look == "shortcut":
        level = np.append(1.0, value)
        time, value = _steps.corners(np.concatenate([[0.0], time, [last]]), np.append(level, level[-1]))
    ax.plot(
        time, value, color=color, lw=width, alpha=alpha, zorder=3.2, clip_on=False, label=f"_curve {name}"
    )
    return _ends.End(name, float(time[-1]), float(value[-1]), color if alpha == 1 else style.MUTED)


def _draw_limits(ax: Axes, limits: pd.DataFrame) -> None:
    gap = np.full(len(limits), np.nan)
    ax.plot(
        np.column_stack([limits["time"], limits["time"], gap]).ravel(),
        np.column_stack([limits["lower"], limits["upper"], gap]).ravel(),
        color=style.INK,
        lw=1.0,
        zorder=3.4,
        marker="_",
        ms=5,
        mew=1.0,
        label="_limits",
    )
