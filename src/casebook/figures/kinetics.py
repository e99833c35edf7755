"""Levels over time of which some are only known to be below a limit, or between two, and lines fitted to them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.path import Path

from casebook.errors import CasebookError
from casebook.figures import _ends, _evidence, _frames, _words, style
from casebook.figures._watermark import watermark

PLOT_INCHES = 2.7
LEFT = 0.86
SPREAD = 0.36  # inches over which readings of one time stand side by side
LOOKS = {
    "estimate": (style.INK, 1.8, 1.0),
    "shortcut": (style.SECOND, 1.8, 1.0),
    "truth": (style.INK, 7.0, 0.2),
}
"""Colour, width and opacity: the truth is a pale band, which a line may lie on and both be seen."""

DOWN = Path([(0, 0), (0, -1), (-0.42, -0.5), (0, -1), (0.42, -0.5)], [1, 2, 1, 2, 2])
"""An arrow down from where a level is known to be below."""


@style.styled
def kinetics(
    readings: pd.DataFrame,
    lines: pd.DataFrame,
    *,
    limits: pd.DataFrame | None = None,
    ax: Axes | None = None,
    xlabel: str = "days",
    ylabel: str = "",
    simulated: bool = False,
) -> Axes:
    """Draw readings as what they say, and lines through them, each with its name at its end.

    Parameters
    ----------
    readings : columns ``time``, ``lower`` and ``upper`` (log10 of percent): a dot where they are alike, a stroke between two
        limits, a small arrow down from the upper one where there is no lower one. Those of one time stand side by side.
    lines : columns ``line`` (its name), ``time``, ``level`` (log10 of percent) and ``look``: "estimate", "shortcut" or "truth".
    limits : columns ``level`` and ``label``: a dotted line across, named at its end.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made. Names need a margin to the right of the axes.
    xlabel, ylabel : what the axes count; the y axis is logarithmic, printed in percent.
    simulated : print SIMULATED across the plot, large and pale.

    Returns
    -------
    The axes. Dots are the line labelled ``_found``, strokes ``_between``, arrows ``_below``; a line is labelled ``_line`` and its
    name, a limit ``_limit`` and its label.

    Raises
    ------
    CasebookError
        A column is missing, a value is no number, limits of a reading are reversed or the upper one is missing, there is no
        reading or line, or a look is none of the three; the message names every row and column.
    """
    readings, lines, limits = _checked(readings, lines, limits)
    names = [*lines["line"].unique(), *limits["label"]]
    words = style.wrap(xlabel, style.WIDTH - 0.2)
    if ax is None:
        right = _ends.right_margin(names)
        ax = style.new_axes(PLOT_INCHES, left=LEFT, right=right, bottom=_words.under(words) + 0.04, top=0.1)
    wide, _ = _words.inches(ax)
    times = np.append(readings["time"], lines["time"])
    # Inches to the left and the right for readings that stand side by side.
    pad = (times.max() - times.min() or 1.0) * (SPREAD / 2 + 0.06) / (wide - SPREAD - 0.12)
    ax.set_xlim(times.min() - pad, times.max() + pad)
    seen = np.concatenate([readings["upper"], lines["level"], limits["level"]])
    low, top = seen.min(), seen.max()
    ax.set_ylim(low - 0.09 * (top - low or 1.0), top + 0.05 * (top - low or 1.0))
    ax.set_xticks(_ticks(readings["time"], wide))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:.10g}")
    whole = np.arange(np.ceil(ax.get_ylim()[0]), ax.get_ylim()[1])
    ax.set_yticks(whole)
    ax.yaxis.set_major_formatter(lambda y, _: f"{10**y:.10g}%")
    if simulated:
        watermark(ax)
    for row in limits.itertuples():
        ax.axhline(
            row.level, color=style.MUTED, lw=0.9, ls=(0, (1, 2)), zorder=1.5, label=f"_limit {row.label}"
        )
    _draw_readings(ax, readings)
    ends = []
    for name, rows in lines.groupby("line", sort=False):
        color, width, alpha = LOOKS[rows["look"].iloc[0]]
        rows = rows.sort_values("time", kind="stable")
        ax.plot(
            rows["time"], rows["level"], color=color, lw=width, alpha=alpha, zorder=4, label=f"_line {name}"
        )
        ends.append(
            _ends.End(
                name, rows["time"].iloc[-1], rows["level"].iloc[-1], color if alpha == 1 else style.MUTED
            )
        )
    ends += [_ends.End(row.label, ax.get_xlim()[1], row.level, style.MUTED) for row in limits.itertuples()]
    _ends.name_ends(ax, ends)
    _words.name_axis(ax, words)
    if ylabel:
        ax.set_ylabel(ylabel)
    return ax


def _checked(readings, lines, limits) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    readings = _frames.require(readings, "readings", ("time", "lower", "upper"))
    readings = _evidence.numbers(readings, "readings", "time", "upper")
    readings = _frames.bounds(readings, "readings", ("lower", "upper"))
    lines = _frames.require(lines, "lines", ("line", "time", "level", "look"))
    lines = _evidence.numbers(lines, "lines", "time", "level")
    _frames.members(lines, "lines", "look", LOOKS)
    for frame, name in ((readings, "readings"), (lines, "lines")):
        if frame.empty:
            raise CasebookError(f"{name}: found no row, expected one or more")
    limits = pd.DataFrame(columns=["level", "label"]) if limits is None else limits
    limits = _evidence.numbers(_frames.require(limits, "limits", ("level", "label")), "limits", "level")
    return (
        readings,
        lines.assign(line=lines["line"].astype(str)),
        limits.assign(label=limits["label"].astype(str)),
    )


def _ticks(times: pd.Series, wide: float) -> list[float]:
    """The times of readings, without those too near to the one before."""
    kept: list[float] = []
    span = times.max() - times.min() or 1.0
    for time in sorted(set(times)):
        if not kept or (time - kept[-1]) / span * wide > 0.3:
            kept.append(time)
    return kept


def _draw_readings(ax: Axes, readings: pd.DataFrame) -> None:
    wide, _ = _words.inches(ax)
    inch = (ax.get_xlim()[1] - ax.get_xlim()[0]) / wide
    kinds = np.select(
        [readings["lower"] == readings["upper"], np.isinf(readings["lower"])], ["found", "below"], "between"
    )
    place = readings.groupby(["time", pd.Series(kinds, index=readings.index)]).cumcount().to_numpy()
    x = readings["time"].to_numpy() + (_evenly(place) - 0.5) * SPREAD * inch
    lower, upper = readings["lower"].to_numpy(), readings["upper"].to_numpy()
    dots = {"ls": "none", "marker": "o", "ms": 3.2, "mew": 0, "alpha": 0.42}
    arrows = {"ls": "none", "marker": DOWN, "ms": 8, "mew": 0.7, "mfc": "none", "alpha": 0.36}
    for kind, look, zorder in (("found", dots, 2.6), ("below", arrows, 2.5)):
        here = kinds == kind
        if here.any():
            ax.plot(
                x[here], upper[here], color=style.INK, zorder=zorder, label=f"_{kind}", clip_on=False, **look
            )
    here = kinds == "between"
    if here.any():
        gap = np.full(here.sum(), np.nan)
        ax.plot(
            np.column_stack([x[here], x[here], gap]).ravel(),
            np.column_stack([lower[here], upper[here], gap]).ravel(),
            color=style.INK,
            lw=0.8,
            alpha=0.42,
            zorder=2.5,
            label="_between",
        )


def _evenly(place: np.ndarray) -> np.ndarray:
    """Numbers from 0 to 1 that are spread evenly however many are taken (van der Corput's, in base 2)."""
    result, share = np.zeros(place.shape), 0.5
    rest = place + 1
    while rest.any():
        result += share * (rest % 2)
        rest, share = rest // 2, share / 2
    return result
