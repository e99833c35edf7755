"""What tests find in simulated trials: for each scenario its two survival curves, and how often each test rejects."""

from __future__ import annotations

import math
from itertools import pairwise
from numbers import Real

import pandas as pd
from matplotlib.axes import Axes

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _words, style

ARMS = {"control": (style.MUTED, (0, (3, 1.6))), "treatment": (style.INK, "-")}
COLORS = (style.INK, style.SECOND, style.MUTED)
LANE, BAR = 0.17, 0.1  # inches from bar to bar, and of a bar
ROW_GAP = 0.17
NAME_INCHES, CURVE_INCHES, CURVE_HIGH, GAP = 1.36, 0.8, 0.42, 0.15
LEFT = 0.04 + NAME_INCHES + GAP / 2 + CURVE_INCHES + GAP
RIGHT, TOP, BOTTOM = 0.24, 0.44, 0.5


def _checked(curves, shares, level, milestone):
    curves = _frames.require(curves, "curves", ("scenario", "arm", "time", "survival"))
    curves = _evidence.numbers(curves, "curves", "time", "survival")
    _frames.members(curves, "curves", "arm", ARMS)
    shares = _frames.require(shares, "shares", ("scenario", "test", "share"))
    if shares.empty:
        raise CasebookError("shares: found no row, expected a scenario")
    shares = _evidence.numbers(shares, "shares", "share")
    problems = [
        f"row {row!r}, column 'share': found {share:g}, expected a share from 0 to 1"
        for row, share in shares["share"].items()
        if not 0 <= share <= 1
    ]
    twice = shares.duplicated(["scenario", "test"])
    problems += [
        f"row {row!r}, column 'test': {shares.at[row, 'test']!r} stands twice for its scenario"
        for row in shares.index[twice]
    ]
    _frames.fail("shares", problems)
    tests = list(dict.fromkeys(shares["test"]))
    if len(tests) > len(COLORS):
        raise CasebookError(f"shares: found {len(tests)} tests, expected {len(COLORS)} at most")
    _frames.members(curves, "curves", "scenario", set(shares["scenario"]))
    problems = []
    for _, part in curves.groupby(["scenario", "arm"], sort=False):
        for (_, before), (row, now) in pairwise(part.iterrows()):
            if now["time"] <= before["time"] or now["survival"] > before["survival"] + 1e-9:
                problems.append(
                    f"row {row!r}, expected a later time and no higher survival than the row before"
                )
    problems += [
        f"row {row!r}, column 'survival': found {value:g}, expected a probability from 0 to 1"
        for row, value in curves["survival"].items()
        if not 0 <= value <= 1
    ]
    _frames.fail("curves", problems)
    if level is not None and not (_is_number(level) and 0 < level < 1):
        raise CasebookError(f"level: found {level!r}, expected a probability between 0 and 1")
    # The shortest curves must reach it; without any it is not drawn.
    end = curves.groupby("scenario")["time"].max().min() if len(curves) else math.inf
    if milestone is not None and not (
        _is_number(milestone) and 0 < milestone <= end and milestone < math.inf
    ):
        raise CasebookError(f"milestone: found {milestone!r}, expected a time above 0 that all curves reach")
    return curves, shares, tests


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


@style.styled
def operating(
    curves: pd.DataFrame,
    shares: pd.DataFrame,
    *,
    level: float | None = None,
    milestone: float | None = None,
    unit: str = "months",
    xlabel: str = "trials in which the test rejects",
    ax: Axes | None = None,
) -> Axes:
    """Draw the operating characteristics of tests: a block for each scenario, its curves on the left, a bar for each test.

    It says SIMULATED, always.

    Parameters
    ----------
    curves : columns ``scenario``, ``arm`` ("control" or "treatment"), ``time`` (ascending), ``survival`` (0 to 1, never
        rising): the truth that was simulated.
    shares : columns ``scenario`` (the words of its block; blocks stand in the order of the rows), ``test`` (three at most),
        ``share`` (0 to 1): how many of the trials reject.
    level : the level of the tests, a dotted line.
    milestone : a time that is marked in the curves.
    unit : of the times.
    xlabel : what the bars count.
    ax : the axes to draw the bars on; without it a figure 4.6 inches wide is made. Names and curves need a margin of
        2.5 inches on their left.

    Returns
    -------
    The axes of the bars. A bar is labelled ``_share``, its scenario and test. The curves are on axes inside these, one for
    each scenario and labelled with it, as lines labelled ``_curve`` and the arm.

    Raises
    ------
    CasebookError
        A column is missing, a share or survival is no probability, times do not ascend, a test stands twice for a scenario
        or is a fourth, curves are of a scenario without shares, the level is no probability, or a curve ends before the
        milestone; the message names every row and column.
    """
    curves, shares, tests = _checked(curves, shares, level, milestone)
    scenarios = list(dict.fromkeys(shares["scenario"]))
    words = {name: style.wrap(name, NAME_INCHES, style.SMALL) for name in scenarios}
    lines = {name: words[name].count("\n") + 1 for name in scenarios}
    heights = [max(LANE * len(tests), CURVE_HIGH, lines[name] * _words.LINE) + ROW_GAP for name in scenarios]
    if ax is None:
        ax = style.new_axes(sum(heights), left=LEFT, right=RIGHT, bottom=BOTTOM, top=TOP)
    wide, high = _words.inches(ax)
    scale = high / sum(heights)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, high)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    ax.grid(axis="x")
    _words.name_axis(ax, xlabel)
    if level is not None:
        ax.axvline(level, color=style.INK, lw=0.9, ls=(0, (1, 2)), zorder=2.5, label="_level")
    _head(ax, high, level, wide)
    bottom = high
    for place, (name, height) in enumerate(zip(scenarios, heights, strict=True)):
        top, bottom = bottom, bottom - height * scale
        middle = (top + bottom) / 2
        _at(ax, 0.04 - LEFT, middle, words[name], va="center")
        _curves(
            ax,
            curves[curves["scenario"] == name],
            name,
            middle,
            milestone,
            last=place == len(scenarios) - 1,
            unit=unit,
        )
        if place:
            ax.plot(
                [(0.04 - LEFT) / wide, 1],
                [top, top],
                color=style.RULE,
                lw=0.6,
                clip_on=False,
                zorder=1,
                label="_rule",
            )
        rows = shares[shares["scenario"] == name].set_index("test")["share"]
        for lane, test in enumerate(tests):
            if test in rows.index:
                y = middle + ((len(tests) - 1) / 2 - lane) * LANE
                named = f"   {test}" if not place else ""
                _bar(ax, rows[test], y, COLORS[lane], wide, named, f"_share {name}, {test}")
    return ax


def _at(ax: Axes, x: float, y: float, words: str, color=style.INK, **options) -> None:
    """Words at a place in inches from the lower left of the axes."""
    at = style.points_from(ax.transAxes, ax.get_figure(), x=x * 72, y=y * 72)
    ax.text(0, 0, words, transform=at, fontsize=style.SMALL, color=color, linespacing=1.15, **options)


def _head(ax: Axes, high: float, level: float | None, wide: float) -> None:
    _at(ax, 0.04 - LEFT, high + 0.16, "SIMULATED", fontweight="bold", va="center")
    start = -GAP - CURVE_INCHES
    for up, (arm, (color, dash)) in zip((0.26, 0.09), reversed(ARMS.items()), strict=True):
        ends = [start / wide, (start + 0.2) / wide]
        ax.plot(ends, [high + up] * 2, color=color, ls=dash, lw=1.4, clip_on=False, label=f"_key {arm}")
        _at(ax, start + 0.25, high + up, arm, color, va="center")
    if level is not None:
        _at(ax, level * wide, high + 0.09, f"level {100 * level:g}%", va="center", ha="left")


def _curves(
    ax: Axes, rows: pd.DataFrame, name: str, middle: float, milestone: float | None, *, last: bool, unit: str
) -> None:
    wide, high = _words.inches(ax)
    milestone = milestone if len(rows) else None
    inset = ax.inset_axes(
        [
            -(GAP + CURVE_INCHES) / wide,
            (middle - CURVE_HIGH / 2) / high,
            CURVE_INCHES / wide,
            CURVE_HIGH / high,
        ]
    )
    inset.set_label(name)
    inset.set_facecolor("none")
    end = rows["time"].max() if len(rows) else 1.0
    inset.set_xlim(0, end)
    inset.set_ylim(0, 1.02)
    inset.set_yticks([])
    inset.tick_params(axis="x", length=0, pad=2)
    ticks = sorted({0.0, end, *([milestone] if milestone is not None else [])})
    inset.set_xticks(ticks, [f"{t:g}" for t in ticks] if last else [""] * len(ticks))
    if milestone is not None:
        inset.axvline(milestone, color=style.RULE, lw=0.8, label="_milestone")
    for arm, (color, dash) in ARMS.items():
        part = rows[rows["arm"] == arm]
        inset.plot(
            part["time"], part["survival"], color=color, ls=dash, lw=1.4, clip_on=False, label=f"_curve {arm}"
        )
    if last:
        _at(ax, -GAP - CURVE_INCHES / 2, -18 / 72, unit, ha="center", va="top")


def _bar(ax: Axes, share: float, y: float, color, wide: float, named: str, label: str) -> None:
    ax.barh(y, share, height=BAR, color=color, lw=0, zorder=2)
    ax.patches[-1].set_label(label)
    words = f"{100 * share:.0f}%{named}"
    inside = share * wide + 0.05 + style.text_width(words, style.SMALL) > wide
    x = share * wide + (-0.05 if inside else 0.05)
    _at(ax, x, y, words, "white" if inside else color, va="center_baseline", ha="right" if inside else "left")
