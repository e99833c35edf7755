"""Survival curves and cumulative incidences: steps with their limits, who was censored, and how many were at risk."""

from __future__ import annotations

from itertools import cycle
from math import inf
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _risk_table, _steps, _words, style
from casebook.figures._marks import Box
from casebook.figures._watermark import watermark

COLUMNS = ("curve", "time", "estimate")
STARTS = {"survival": 1.0, "incidence": 0.0}
OTHERS = ((style.INK, "-"), (style.SECOND, "-"), (style.MUTED, (0, (5, 2))), (style.INK, (0, (1.5, 1.5))))
ROUNDING = 1e-9
PLOT_INCHES = 2.3
LEFT, RIGHT, GAP = 0.74, 0.24, 0.1  # margins; GAP from the plot to the names
NAME_INCHES = 1.05  # the widest name
TICK_INCHES = 0.045  # half of a censoring mark
TICKS_APART = 1 / 60  # inches between two censoring marks, at least
BAND, AREA = 0.13, 0.22  # opacity of limits and of stacked areas
MARKS = ("time", "label")


class Curve(NamedTuple):
    """One curve from time 0 to its end; ``lower`` and ``upper`` are None without limits."""

    name: str
    time: np.ndarray
    estimate: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    censored: np.ndarray
    color: str
    dash: object
    width: float


def _checked(curves, censored, marks, medians, kind, until):
    if kind not in STARTS:
        raise CasebookError(f"kind: found {kind!r}, expected one of {', '.join(map(repr, STARTS))}")
    _frames.cut(until)
    curves = _frames.require(curves, "curves", COLUMNS, {"emphasis": False})
    if curves.empty:
        raise CasebookError("curves: found no row, expected a curve")
    _frames.members(curves, "curves", "emphasis", (True, False))
    limits = [column for column in ("lower", "upper") if column in curves.columns]
    if len(limits) == 1:
        raise CasebookError(f"curves: found the column {limits[0]!r} alone, expected both limits or none")
    curves = _evidence.numbers(curves, "curves", "time", "estimate")
    curves = _evidence.numbers(
        curves.assign(**{} if limits else {"lower": None, "upper": None}),
        "curves",
        "lower",
        "upper",
        missing=True,
    )
    curves["curve"] = curves["curve"].astype(str)
    names = list(dict.fromkeys(curves["curve"]))
    curves = curves.sort_values("time", kind="stable")
    _frames.fail("curves", _curve_problems(curves, kind))

    def points(frame, name, columns, defaults=None):
        frame = pd.DataFrame(columns=columns) if frame is None else frame
        frame = _evidence.numbers(
            _frames.require(frame, name, columns, defaults), name, "time", infinite=name == "medians"
        )
        _frames.fail(
            name,
            [
                f"row {row!r}, column 'time': found {time:g}, expected 0 or more"
                for row, time in frame["time"].items()
                if time < 0
            ],
        )
        return frame

    censored = points(censored, "censored", ("curve", "time"))
    marks = points(marks, "marks", MARKS, {"curve": "", "text": ""})
    medians = points(medians, "medians", ("curve", "time"), {"text": ""})
    _frames.members(censored, "censored", "curve", names)
    _frames.members(marks, "marks", "curve", ("", *names))
    _frames.members(medians, "medians", "curve", names)
    return curves, names, censored, marks, medians


def _curve_problems(frame: pd.DataFrame, kind: str) -> list[str]:
    """What is wrong with curves in the order of time, by row."""
    lower, estimate, upper = frame["lower"], frame["estimate"], frame["upper"]
    before = frame.groupby("curve")["estimate"].shift(fill_value=STARTS[kind])
    turned = estimate > before + ROUNDING if kind == "survival" else estimate < before - ROUNDING
    partly = frame["curve"].map(lower.isna().groupby(frame["curve"]).nunique() > 1)
    faults = [
        (frame["time"] < 0, "time", "expected 0 or more"),
        (frame.duplicated(["curve", "time"]), "time", "which the curve has twice; expected it once"),
        ((estimate < 0) | (estimate > 1), "estimate", "expected a probability from 0 to 1"),
        (turned, "estimate", f"expected no {'rise' if kind == 'survival' else 'fall'} of a curve of {kind}"),
        (lower.isna() != upper.isna(), "lower", "expected both limits or none"),
        (partly & lower.isna(), "lower", "expected limits throughout the curve or nowhere"),
        (
            (lower < -ROUNDING) | (lower > estimate + ROUNDING),
            "lower",
            "expected a limit from 0 to the estimate",
        ),
        (
            (upper > 1 + ROUNDING) | (upper < estimate - ROUNDING),
            "upper",
            "expected a limit from the estimate to 1",
        ),
    ]
    return [
        f"row {row!r}, column {column!r}: found {frame.at[row, column]:g}, {expected}"
        for bad, column, expected in faults
        for row in frame.index[bad]
    ]


def _curves(frame, names, censored, kind, until) -> list[Curve]:
    """Every curve from 0 to the last time at which anybody is known to have been under observation."""
    found, others = [], cycle(OTHERS)
    for name in names:
        rows = frame[frame["curve"] == name]
        marks = np.sort(censored.loc[censored["curve"] == name, "time"].to_numpy())
        time = rows["time"].to_numpy()
        end = min(max(time[-1], marks[-1] if len(marks) else 0.0), inf if until is None else until)
        inside = time <= end
        grid = np.concatenate(
            [
                [0.0] if time[0] > 0 else [],
                time[inside],
                [end] if time[inside].max(initial=-1.0) < end else [],
            ]
        )

        def on_grid(column, grid=grid, time=time, rows=rows):
            values = np.append(STARTS[kind], rows[column].to_numpy())
            return _steps.value_at(np.append(-1.0, time), values, grid)

        emphasis = len(names) == 1 or bool(rows["emphasis"].any())
        color, dash = (style.ACCENT, "-") if emphasis else next(others)
        limits = [None, None] if rows["lower"].isna().any() else [on_grid("lower"), on_grid("upper")]
        found.append(
            Curve(
                name,
                grid,
                on_grid("estimate"),
                *limits,
                marks[marks <= end],
                color,
                dash,
                2.0 if emphasis else 1.5,
            )
        )
    return found


@style.styled
def survival(
    curves: pd.DataFrame,
    at_risk: pd.DataFrame | None = None,
    censored: pd.DataFrame | None = None,
    *,
    ax: Axes | None = None,
    xlabel: str = "days",
    ylabel: str = "",
    kind: str = "survival",
    stacked: bool = False,
    marks: pd.DataFrame | None = None,
    medians: pd.DataFrame | None = None,
    until: float | None = None,
    ylim: float = 1.0,
    simulated: bool = False,
) -> Axes:
    """Draw survival curves or cumulative incidences as steps, each with its name at its end, and the numbers at risk below.

    Parameters
    ----------
    curves : columns ``curve`` (its name), ``time`` (0 or more; one row a step), ``estimate`` (0 to 1); optional ``lower`` and
        ``upper`` (0 to 1, throughout a curve or empty throughout it), ``emphasis`` (bool: in the accent; a single curve always
        is). A curve begins at time 0 with 1 (survival) or 0 (incidence), there without limits unless a row has the time 0, and
        ends at its last row or censoring: where nobody was observed nothing is drawn.
    at_risk : columns ``curve``, ``time``, ``n``; optional ``events`` and ``censored``, each a block of its own. Its times
        become the ticks, and every number stands under its tick.
    censored : columns ``curve`` and ``time``: a small upright mark on the curve.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made. Names need a margin to the right of the axes,
        and the table one under it.
    xlabel, ylabel : what the axes count; the y axis is printed in percent.
    kind : "survival" (never rises) or "incidence" (never falls).
    stacked : draw incidences on top of each other, as areas without limits, so that the top is the probability of any.
    marks : columns ``time`` and ``label``: a vertical line with its words over the plot. Optional ``curve``, to be read off
        there: a dot, with the estimate in whole percent or the words in ``text``. Rows of one time and label share a line.
    medians : columns ``curve`` and ``time``, and optionally ``text``: lines from one half to the curve and down to the axis.
        A median that is infinite was not reached and has none.
    until : the time at which to cut the axis; what lies beyond it is left out.
    ylim : the upper end of the y axis, above 0 and at most 1.
    simulated : print SIMULATED across the plot, large and pale.

    Returns
    -------
    The axes. A curve is the line labelled ``_curve`` and its name, its limits the area ``_limits`` and its name, its
    censoring marks the line ``_censored`` and its name, a median the line ``_median`` and its name.

    Raises
    ------
    CasebookError
        A column is missing, a value is no number or no probability, a curve turns back or has a time twice, limits do not
        hold the estimate, a name is of no curve, incidences stack above 1, or numbers at risk stand too close; the message
        names every row and column.
    """
    frame, names, censored, marks, medians = _checked(curves, censored, marks, medians, kind, until)
    if not 0 < ylim <= 1:
        raise CasebookError(f"ylim: found {ylim!r}, expected a number above 0 and at most 1")
    if stacked and kind != "incidence":
        raise CasebookError(f"stacked: found the kind {kind!r}, expected 'incidence'")
    drawn = _curves(frame, names, censored, kind, until)
    if stacked:
        drawn = _stacked(drawn)
    if at_risk is not None:
        at_risk = _risk_table.checked(at_risk, names)
        if until is not None:
            at_risk = at_risk[at_risk["time"] <= until]
    ticks = sorted(set(at_risk["time"])) if at_risk is not None else []
    last = until or max([*(curve.time[-1] for curve in drawn), *ticks, *marks["time"]]) or 1.0
    marks, medians = marks[marks["time"] <= last], medians[medians["time"] <= last]

    several = len(drawn) > 1
    colors = {curve.name: curve.color for curve in drawn}
    words = {name: style.wrap(name, NAME_INCHES, style.SMALL) if several else "" for name in names}
    table, table_high = _risk_table.rows(at_risk, words) if at_risk is not None else ([], 0.0)
    gap = max(GAP, _risk_table.widest(table) / 2 + 0.09) if several else 0.0
    name_wide = max(style.text_width(name, style.SMALL) for name in words.values())
    if ax is None:
        left = LEFT if ylabel else LEFT - 0.22
        right = gap + name_wide + 0.05 if several else max(RIGHT, _risk_table.widest(table) / 2 + 0.05)
        wide, page = style.WIDTH - left - right, (-left, style.WIDTH - left)
    else:
        wide, page = _words.inches(ax)[0], _words.margins(ax)
    _risk_table.fits(table, ticks, wide / last)
    lines = marks.drop_duplicates(list(MARKS))
    spots = [(time / last * wide, label) for time, label in lines[list(MARKS)].values]
    over = _words.callouts(spots, page[0] + 0.04, page[1] - 0.04)
    axis_words = style.wrap(xlabel, page[1] - page[0] - 0.1)
    if ax is None:
        bottom, top = _words.under(axis_words) + table_high + 0.04, 0.1 + _words.callout_height(over)
        ax = style.new_axes(PLOT_INCHES, left=left, right=right, bottom=bottom, top=top)

    ax.set_xlim(0, last)
    ax.set_ylim(0, ylim)
    if ticks:
        ax.set_xticks(ticks)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(max(2, min(int(wide / 0.5), 6)), steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:.10g}")
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(lambda y, _: f"{100 * y:.10g}%")
    ax.grid(axis="y")
    if simulated:
        watermark(ax)
    below = np.zeros(1)
    for curve in drawn:
        _draw(ax, curve, below if stacked else None)
        below = curve.estimate
    for row in lines.itertuples():
        ax.axvline(row.time, color=style.MUTED, lw=1.0, ls=(0, (3, 2)), zorder=1, label=f"_mark {row.label}")
    _words.draw_callouts(ax, over, [style.INK] * len(over))
    _medians(ax, medians, colors)
    _read_off(ax, drawn, marks, medians)
    if several:
        _name_ends(ax, drawn, words, gap, stacked=stacked)
    if axis_words:
        _words.name_axis(ax, axis_words)
    if ylabel:
        ax.set_ylabel(ylabel)
    _risk_table.draw(ax, table, _words.under(axis_words), words, colors, wide + gap)
    return ax


def _stacked(curves: list[Curve]) -> list[Curve]:
    """The curves put on each other, to the time at which the first of them ends."""
    time, tops = _steps.stacked([c.time for c in curves], [c.estimate for c in curves])
    inside = time <= min(curve.time[-1] for curve in curves)
    if tops[-1].max() > 1 + ROUNDING:
        raise CasebookError(
            f"curves, column 'estimate': stacked they reach {tops[-1].max():g}, expected 1 at most"
        )
    none = np.array([])
    return [
        curve._replace(time=time[inside], estimate=top[inside], lower=None, upper=None, censored=none)
        for curve, top in zip(curves, tops, strict=True)
    ]


def _on_page(ax: Axes, time: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    wide, high = _words.inches(ax)
    return time / ax.get_xlim()[1] * wide, value / ax.get_ylim()[1] * high


def _outline(ax: Axes, time: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners of a step function, no more of them than the page can show."""
    kept = _steps.thin(*_on_page(ax, time, value))
    return _steps.corners(time[kept], value[kept])


def _draw(ax: Axes, curve: Curve, below: np.ndarray | None) -> None:
    """One curve with its limits and censoring marks; ``below`` is what a stacked one stands on."""
    lower, upper = (
        (curve.lower, curve.upper)
        if below is None
        else (np.broadcast_to(below, curve.time.shape), curve.estimate)
    )
    if lower is not None:
        (x, y), (x_up, y_up) = _outline(ax, curve.time, lower), _outline(ax, curve.time, upper)
        (area,) = ax.fill(
            np.append(x, x_up[::-1]),
            np.append(y, y_up[::-1]),
            fc=curve.color,
            alpha=BAND if below is None else AREA,
            lw=0,
            zorder=1.5,
        )
        area.set_label(f"_limits {curve.name}" if below is None else f"_area {curve.name}")
    x, y = _outline(ax, curve.time, curve.estimate)
    ax.plot(
        x,
        y,
        color=curve.color,
        lw=curve.width,
        ls=curve.dash,
        zorder=3,
        clip_on=ax.get_ylim()[1] < 1,
        label=f"_curve {curve.name}",
    )
    if len(curve.censored):
        wide, high = _words.inches(ax)
        column = np.floor(curve.censored / ax.get_xlim()[1] * wide / TICKS_APART)
        times = curve.censored[np.append(True, column[1:] != column[:-1])]
        values = _steps.value_at(curve.time, curve.estimate, times)
        half = TICK_INCHES / high * ax.get_ylim()[1]
        # One path for all of them: a marker each would be most of the file.
        x = np.column_stack([times, times, np.full(len(times), np.nan)]).ravel()
        y = np.column_stack([values - half, values + half, np.full(len(times), np.nan)]).ravel()
        ax.plot(x, y, color=curve.color, lw=0.9, zorder=3.2, clip_on=False, label=f"_censored {curve.name}")


def _medians(ax: Axes, medians: pd.DataFrame, colors: dict) -> None:
    for row in medians.itertuples():
        ax.plot(
            [0, row.time, row.time],
            [0.5, 0.5, 0],
            color=colors[row.curve],
            lw=0.9,
            ls=(0, (1, 2)),
            zorder=2,
            label=f"_median {row.curve}",
        )


def _read_off(ax: Axes, curves: list[Curve], marks: pd.DataFrame, medians: pd.DataFrame) -> None:
    """Values at the marks, and words beside the medians' lines, where they are clear of the curves and of each other."""
    wide, high = _words.inches(ax)
    by_name = {curve.name: curve for curve in curves}
    lines = [
        box
        for curve in curves
        for box in _words.along(*_on_page(ax, *_outline(ax, curve.time, curve.estimate)), 0.02)
    ]
    half = 0.5 / ax.get_ylim()[1] * high
    uprights = [(time / ax.get_xlim()[1] * wide, high) for time in marks["time"]]
    uprights += [(time / ax.get_xlim()[1] * wide, half) for time in medians["time"]]
    lines += [Box(x - 0.02, 0, x + 0.02, top) for x, top in uprights]
    lines += [Box(0, half - 0.02, x, half + 0.02) for x, _ in uprights[len(marks) :]]
    page, taken, wanted = Box(0.02, 0.03, wide, high), [], []
    for row in marks[marks["curve"] != ""].itertuples():
        curve = by_name[row.curve]
        if row.time > curve.time[-1]:
            continue  # nobody of this curve was observed for so long
        value = float(_steps.value_at(curve.time, curve.estimate, row.time))
        ax.plot(
            [row.time],
            [value],
            ls="none",
            marker="o",
            ms=5.5,
            color=curve.color,
            zorder=5,
            clip_on=False,
            label=f"_read {row.curve}",
        )
        x, y = row.time / ax.get_xlim()[1] * wide, value / ax.get_ylim()[1] * high
        taken.append(Box(x - 0.045, y - 0.045, x + 0.045, y + 0.045))
        words = str(row.text) or f"{100 * value:.0f}%"
        size = style.text_width(words, style.SMALL), _words.LINE
        places = [box for off in (0.08, 0.16, 0.3) for box in _words.around(x, y, *size, off)]
        wanted.append((words, curve.color, places))
    for row in medians[medians["text"] != ""].itertuples():
        x, size = row.time / ax.get_xlim()[1] * wide, style.text_width(row.text, style.SMALL)
        # On the right of its line from the axis upwards, or on the left.
        places = [
            Box(left, y, left + size, y + _words.LINE)
            for left in (x + 0.05, x - size - 0.05)
            for y in np.arange(0.05, half - _words.LINE, 0.06)
        ]
        wanted.append((row.text, by_name[row.curve].color, places))
    for words, color, places in wanted:
        box = places[_words.clearest(places, taken, lines, page)]
        taken.append(box)
        _words.write(ax, box, words, color)


def _name_ends(ax: Axes, curves: list[Curve], words: dict[str, str], gap: float, *, stacked: bool) -> None:
    """Every name in the right margin at the height of its curve's end, moved apart, and tied to the end by a dotted line."""
    wide, high = _words.inches(ax)

    def height(i: int) -> float:
        ends = curves[i].estimate[-1]
        if stacked:
            ends = (ends + (curves[i - 1].estimate[-1] if i else 0.0)) / 2  # the middle of its area
        return float(min(ends / ax.get_ylim()[1], 1.0) * high)

    # Of curves that end alike, the one that ran higher is named first.
    order = sorted(range(len(curves)), key=lambda i: (-round(height(i), 6), -_mean(curves[i])))
    if stacked:
        order = list(reversed(range(len(curves))))
    sizes = [_words.LINE * (words[curves[i].name].count("\n") + 1) for i in order]
    middles = _steps.spread([height(i) for i in order], sizes, -0.08, high + 0.1)
    for i, middle in zip(order, middles, strict=True):
        curve = curves[i]
        at = style.points_from(ax.transAxes, ax.get_figure(), x=(wide + gap) * 72, y=middle * 72)
        ax.text(
            0,
            0,
            words[curve.name],
            transform=at,
            fontsize=style.SMALL,
            color=curve.color,
            va="center",
            linespacing=1.15,
        )
        end = curve.time[-1] / ax.get_xlim()[1] * wide
        if wide + gap - end > 0.3 or abs(middle - height(i)) > 0.04:
            x = (
                [end + 0.03, wide + 0.02, wide + gap - 0.03]
                if end < wide - 0.05
                else [wide + 0.02, wide + gap - 0.03]
            )
            y = [height(i)] * (len(x) - 1) + [middle]
            ax.plot(
                np.array(x) / wide, np.array(y) / high, transform=ax.transAxes, color=curve.color, lw=0.8, ls=(0, (1, 2)),
                zorder=2, clip_on=False, label=f"_tie {curve.name}",
            )  # fmt: skip


def _mean(curve: Curve) -> float:
    """The mean height of a curve over its time."""
    spans = np.diff(curve.time)
    return (
        float((curve.estimate[:-1] * spans).sum() / spans.sum()) if spans.sum() else float(curve.estimate[-1])
    )
