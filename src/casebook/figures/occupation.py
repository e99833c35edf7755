"""Where patients are over time: the probabilities of all states on top of each other, from nobody to everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _steps, _words, style
from casebook.figures._watermark import watermark

COLUMNS = ("state", "time", "probability")
ROUNDING = 1e-6
PLOT_INCHES = 2.9
LEFT, RIGHT, GAP = 0.74, 0.2, 0.14  # margins; GAP from the plot to names beside it
NAME_INCHES = 1.05  # the widest name beside the plot
PALEST, DARKEST = 0.05, 0.84  # opacity of the first area and of the last
BEND = 1.6  # so that the pale ones are the more
PAPER = "#ffffff"
READ_IN_INK, READ_IN_PAPER = 0.53, 0.61  # opacities up to which, and from which, a name has a contrast of 4.5
DASHES = (0, (3, 1.8))
CLEAR = 0.05  # inches between a name and the edges of its area
CELLS = 50  # places to the inch that are tried for a name


class Stack(NamedTuple):
    """Areas from the bottom up: k states, m times from which ``edges`` (k + 1, m) hold, 0 below the first."""

    states: list[str]
    time: np.ndarray
    edges: np.ndarray


class Name(NamedTuple):
    """A name in its area: its words, and their middle in inches from the lower left of the plot; upright or not."""

    words: str
    x: float
    y: float
    upright: bool


@style.styled
def occupation(
    areas: pd.DataFrame,
    *,
    truth: pd.DataFrame | None = None,
    ax: Axes | None = None,
    xlabel: str = "months",
    ylabel: str = "",
    until: float | None = None,
    simulated: bool = False,
) -> Axes:
    """Draw the probability of being in each state over time, stacked, each area with its name.

    Parameters
    ----------
    areas : columns ``state``, ``time`` (from 0, the same of every state) and ``probability``, which holds from its time on;
        those of one time add up to 1. States stand in the order of the frame: the first at the bottom, and palest.
    truth : columns ``state``, ``time`` and ``top``, the height at which the area of that state truly ends: in dashes. Any states.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made. Names that have no room in their area stand to the
        right of the axes, and need a margin there.
    xlabel, ylabel : what the axes count; the y axis is printed in percent.
    until : the time at which to cut the axis.
    simulated : print SIMULATED across the plot, large and pale.

    Returns
    -------
    The axes. An area is the polygon labelled ``_area`` and its state, the line on top of it (but of the last) is labelled
    ``_top`` and its state, and the dashes ``_truth`` and its state.

    Raises
    ------
    CasebookError
        A column is missing, a value is no number or no probability, states have different times or one twice, or do not
        add up to 1; the message names the rows. Or a state has room for its name nowhere, and is gone at the end: it has
        to be taken together with another.
    """
    stack = _stack(areas, "areas")
    truth = _true(truth, stack)
    _frames.cut(until)
    stack = _cut(stack, float(until or stack.time[-1] or 1.0))
    axis_words = style.wrap(xlabel, style.WIDTH - 0.2)
    if ax is None:
        left = LEFT if ylabel else LEFT - 0.22
        names, right = _names(stack, style.WIDTH - left - RIGHT, PLOT_INCHES), RIGHT
        if None in names.values():
            # Names beside the plot make it narrower, so that others may lose their room too.
            right = GAP + NAME_INCHES + 0.05
            names = _names(stack, style.WIDTH - left - right, PLOT_INCHES)
        bottom = _words.under(axis_words) + 0.04
        ax = style.new_axes(PLOT_INCHES, left=left, right=right, bottom=bottom, top=0.1)
    else:
        names = _names(stack, *_words.inches(ax))

    ax.set_xlim(0, stack.time[-1])
    ax.set_ylim(0, 1)
    ticks = max(2, min(int(_words.inches(ax)[0] / 0.4), 6))
    ax.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 3, 6, 10]))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:.10g}")
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(lambda y, _: f"{100 * y:.10g}%")
    if simulated:
        watermark(ax)
    shades = _shades(len(stack.states))
    for place, name in enumerate(stack.states):
        _draw(ax, stack, place, shades[place])
        if names[name] is not None:
            _write(ax, names[name], style.INK if shades[place] <= READ_IN_INK else PAPER)
    # Dashes with a rim of paper, so that they are seen on ink as well.
    rim = [withStroke(linewidth=2.6, foreground=PAPER, alpha=0.75)]
    dashes = {"color": style.INK, "lw": 1.2, "ls": DASHES, "path_effects": rim, "zorder": 3}
    for name, line in truth.groupby("state", sort=False):
        ax.plot(line["time"], line["top"], label=f"_truth {name}", **dashes)
    _name_ends(ax, stack, [name for name in stack.states if names[name] is None])
    _words.name_axis(ax, axis_words)
    if ylabel:
        ax.set_ylabel(ylabel)
    return ax


# -- the frame ----------------------------------------------------------------------------------------------


def _stack(frame: pd.DataFrame, what: str) -> Stack:
    frame = _evidence.numbers(_frames.require(frame, what, COLUMNS), what, "time", "probability")
    if frame.empty:
        raise CasebookError(f"{what}: found no row, expected a state")
    _frames.probabilities(frame, what, "probability", rounding=ROUNDING)
    states = frame["state"].astype(str)
    order = list(dict.fromkeys(states))
    faults = [
        (frame["time"] < 0, "time", "expected 0 or more"),
        (pd.DataFrame({"s": states, "t": frame["time"]}).duplicated(), "time", "which the state has twice"),
    ]
    _frames.fail(
        what,
        [
            f"row {row!r}, column {column!r}: found {frame.at[row, column]:g}, {expected}"
            for wrong, column, expected in faults
            for row in frame.index[wrong]
        ],
    )
    table = frame.assign(state=states).pivot(index="time", columns="state", values="probability")[order]
    if table.isna().any(axis=None):
        state = table.columns[table.isna().any()][0]
        raise CasebookError(
            f"{what}: found no row of {state!r} at {table.index[table[state].isna()][0]:g}, expected all states at each time"
        )
    total = table.sum(axis=1)
    wrong = (total - 1).abs() > ROUNDING
    if wrong.any():
        raise CasebookError(
            f"{what}: found probabilities that add up to {total[wrong].iloc[0]:g} at {total.index[wrong][0]:g}, expected 1"
        )
    if table.index[0] != 0:
        raise CasebookError(f"{what}: found the first time {table.index[0]:g}, expected 0")
    edges = np.vstack([np.zeros(len(table)), np.cumsum(table.to_numpy().T, axis=0)])
    return Stack(order, table.index.to_numpy(), np.clip(edges, 0, 1))


def _true(frame: pd.DataFrame | None, stack: Stack) -> pd.DataFrame:
    columns = ("state", "time", "top")
    frame = _frames.require(pd.DataFrame(columns=columns) if frame is None else frame, "truth", columns)
    frame = _evidence.numbers(frame, "truth", "time", "top").assign(state=frame["state"].astype(str))
    _frames.members(frame, "truth", "state", stack.states)
    wrong = ~frame["top"].between(-ROUNDING, 1 + ROUNDING) | (frame["time"] < 0)
    _frames.fail(
        "truth",
        [
            f"row {row!r}: found {frame.at[row, 'top']:g} at {frame.at[row, 'time']:g}, expected 0 to 1 at 0 or later"
            for row in frame.index[wrong]
        ],
    )
    return frame.sort_values("time", kind="stable")


def _cut(stack: Stack, last: float) -> Stack:
    """The stack up to this time, at which its last row stands."""
    seen = stack.time < last
    at_last = stack.edges[:, stack.time <= last][:, -1:]
    return Stack(stack.states, np.append(stack.time[seen], last), np.hstack([stack.edges[:, seen], at_last]))


# -- areas --------------------------------------------------------------------------------------------------


def _shades(count: int) -> np.ndarray:
    """Opacities of areas from the bottom up: ever darker, and none between those on which ink and on which paper is read."""
    shades = PALEST + (DARKEST - PALEST) * np.linspace(0, 1, count) ** BEND
    return np.where((shades > READ_IN_INK) & (shades < READ_IN_PAPER), READ_IN_INK, shades)


def _draw(ax: Axes, stack: Stack, place: int, shade: float) -> None:
    wide, high = _words.inches(ax)
    x, name = stack.time / stack.time[-1] * wide, stack.states[place]
    outlines = []
    for edge in stack.edges[place : place + 2]:
        kept = _steps.thin(x, edge * high)
        outlines.append(_steps.corners(stack.time[kept], edge[kept]))
    (low_x, low), (top_x, top) = outlines
    # The ink itself is transparent: an opaque grey would not turn with the dark theme.
    ax.fill(
        np.append(low_x, top_x[::-1]),
        np.append(low, top[::-1]),
        fc=mpl.colors.to_rgba(style.INK, shade),
        lw=0,
        zorder=1,
        label=f"_area {name}",
    )
    if place + 1 < len(stack.states):
        ax.plot(top_x, top, color=style.INK, lw=0.7, zorder=2, label=f"_top {name}")


def _names(stack: Stack, wide: float, high: float) -> dict[str, Name | None]:
    """Where each name has most room in its area, on a plot of this size; None if it has none but the area is there at the end."""
    grid = np.arange(int(wide * CELLS) + 1) / CELLS / wide * stack.time[-1]
    edges = np.stack([_steps.value_at(stack.time, edge, grid) for edge in stack.edges]) * high
    return {name: _room(name, *edges[i : i + 2]) for i, name in enumerate(stack.states)}


def _room(name: str, low: np.ndarray, top: np.ndarray) -> Name | None:
    """The middle of the most roomy place between two edges (inches, at each cell), in as few lines as fit; else upright."""
    widths = dict.fromkeys(style.wrap(name, inches, style.SMALL) for inches in (9, 2, 1.5, 1.2, 0.9, 0.6))
    tries = [(words, False) for words in widths] + [(name, True)]
    for words, upright in tries:
        across = style.text_width(words, style.SMALL), _words.LINE * (words.count("\n") + 1)
        needs, tall = across[::-1] if upright else across
        window = int(np.ceil((needs + 2 * CLEAR) * CELLS)) + 1
        if window > low.size:
            continue
        floor = np.lib.stride_tricks.sliding_window_view(low, window).max(axis=1)
        room = np.lib.stride_tricks.sliding_window_view(top, window).min(axis=1) - floor
        best = int(np.argmax(room))
        if room[best] >= tall + 2 * CLEAR:
            return Name(words, (best + (window - 1) / 2) / CELLS, floor[best] + room[best] / 2, upright)
    if top[-1] - low[-1] <= 0 < (top - low).max():
        raise CasebookError(
            f"areas: found no room for the name of {name!r}, which is gone at the end; expected it together with another state"
        )
    return None


def _write(ax: Axes, name: Name, color: str) -> None:
    at = style.points_from(ax.transAxes, ax.get_figure(), x=name.x * 72, y=name.y * 72)
    ax.text(
        0, 0, name.words, transform=at, fontsize=style.SMALL, color=color, ha="center", va="center",
        linespacing=1.15, rotation=90 if name.upright else 0, zorder=5,
    )  # fmt: skip


def _name_ends(ax: Axes, stack: Stack, names: Sequence[str]) -> None:
    """Names beside the plot, from the top down, each at the end of its area or tied to it."""
    wide, high = _words.inches(ax)
    ends = stack.edges[:, -1] * high
    middles = {name: float(ends[i : i + 2].mean()) for i, name in enumerate(stack.states)}
    gone = {name for i, name in enumerate(stack.states) if ends[i] == ends[i + 1]}
    order = [name for name in reversed(stack.states) if name in names and name not in gone]
    words = {name: style.wrap(name, NAME_INCHES, style.SMALL) for name in order}
    sizes = [_words.LINE * (words[name].count("\n") + 1) + 0.03 for name in order]
    placed = _steps.spread([middles[name] for name in order], sizes, -0.1, high + 0.06)
    for name, middle in zip(order, placed, strict=True):
        at = style.points_from(ax.transAxes, ax.get_figure(), x=(wide + GAP) * 72, y=middle * 72)
        ax.text(
            0, 0, words[name], transform=at, fontsize=style.SMALL, color=style.INK, va="center", linespacing=1.15
        )  # fmt: skip
        ax.plot(
            np.array([0.01, 0.05, GAP - 0.03]) / wide + 1,
            np.array([middles[name], middles[name], middle]) / high,
            transform=ax.transAxes, color=style.INK, lw=0.8, clip_on=False, label=f"_tie {name}",
        )  # fmt: skip
