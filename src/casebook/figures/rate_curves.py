"""Curves over a true rate: how likely each rate makes what was seen, or how probable it is after it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _words, style
from casebook.figures._marks import Box

COLUMNS = ("curve", "rate", "y")
MARK_DEFAULTS = {"curve": "", "text": ""}
PLOT_INCHES = 2.3
LEFT, BARE, RIGHT = 0.62, 0.2, 0.24  # margins; BARE is the left one without a y axis
OTHERS = ((style.INK, "-"), (style.SECOND, "-"), (style.MUTED, (0, (5, 2))), (style.INK, (0, (1.5, 1.5))))
WORDS = 0.15  # inches, the height of a line of small words


class Curve(NamedTuple):
    """One curve, sorted by rate, and how it is drawn."""

    name: str
    rate: np.ndarray
    y: np.ndarray
    color: str
    dash: object
    width: float
    emphasis: bool


def _checked(curves, marks, band):
    curves = _frames.require(curves, "curves", COLUMNS, {"emphasis": False})
    curves = _evidence.percents(curves, "curves", "rate")
    curves = _evidence.numbers(curves, "curves", "y")
    _frames.members(curves, "curves", "emphasis", (True, False))
    _frames.fail(
        "curves",
        [
            f"row {row!r}, column 'y': found {y:g}, expected 0 or more"
            for row, y in curves["y"].items()
            if y < 0
        ],
    )
    sizes = curves.groupby("curve", sort=False)["rate"].nunique()
    _frames.fail(
        "curves",
        [
            f"column 'curve': {name!r} has one rate, expected two or more"
            for name, n in sizes.items()
            if n < 2
        ],
    )
    if curves.empty:
        raise CasebookError("curves: found no row, expected a curve")
    marks = pd.DataFrame(columns=["rate", "label"]) if marks is None else marks
    marks = _frames.require(marks, "marks", ("rate", "label"), MARK_DEFAULTS)
    marks = _evidence.percents(marks, "marks", "rate")
    _frames.members(marks, "marks", "curve", ("", *sizes.index))
    ends = curves.groupby("curve")["rate"].agg(["min", "max"])
    _frames.fail(
        "marks",
        [
            f"row {row!r}, column 'rate': found {rate:g}, expected a rate on the curve {name!r}, "
            f"{ends.at[name, 'min']:g} to {ends.at[name, 'max']:g}"
            for row, rate, name in marks[["rate", "curve"]].itertuples(name=None)
            if name and not ends.at[name, "min"] <= rate <= ends.at[name, "max"]
        ],
    )
    if band is not None:
        ends = pd.DataFrame([band], columns=["lower", "upper", "label"])
        ends = _frames.bounds(_evidence.percents(ends, "band", "lower", "upper"), "band", ("lower", "upper"))
        band = next(ends.itertuples(index=False))
    return curves, marks, band


def _curves(frame: pd.DataFrame) -> list[Curve]:
    """The curves in order of appearance; a single one is in the accent, as are those with emphasis."""
    found, others = [], iter(OTHERS * (frame["curve"].nunique() // len(OTHERS) + 1))
    for name, rows in frame.groupby("curve", sort=False):
        rows = rows.sort_values("rate", kind="stable")
        emphasis = bool(rows["emphasis"].any()) or frame["curve"].nunique() == 1
        color, dash = (style.ACCENT, "-") if emphasis else next(others)
        values = rows["rate"].to_numpy(), rows["y"].to_numpy()
        found.append(Curve(name, *values, color, dash, 2.2 if emphasis else 1.5, emphasis))
    return found


@style.styled
def rate_curves(
    curves: pd.DataFrame,
    *,
    marks: pd.DataFrame | None = None,
    band: tuple[float, float, str] | None = None,
    xlabel: str = "true rate, %",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw curves over a rate from 0 to 100%, each with its name beside it, and read them off at marked rates.

    Parameters
    ----------
    curves : columns ``curve`` (its name, written beside it if there are several), ``rate`` (percent), ``y`` (0 or more);
        optional ``emphasis`` (bool: in the accent, with a tint under it; a single curve always is).
    marks : columns ``rate`` and ``label``: a vertical line with its words over the plot. Optional ``curve``, to be read
        off at that rate: a dot, with its value to two decimals or the words in ``text``.
    band : lower, upper and words of an interval on the x axis.
    xlabel, ylabel : what the axes count. Without ``ylabel`` there is no y axis: of densities only the shape is read.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made.

    Returns
    -------
    The axes. A curve is the line labelled ``_curve`` and its name; a value read off is a dot labelled ``_read`` and the
    words of its mark.

    Raises
    ------
    CasebookError
        A column is missing, a rate is no percentage, a value is negative or no number, a curve has fewer than two rates,
        a mark names no curve or lies off it, or the band is reversed; the message names every row and column.
    """
    frame, marks, band = _checked(curves, marks, band)
    drawn = _curves(frame)
    key = [[_band_entry(band)]] if band is not None else []
    if ax is None:
        left = LEFT if ylabel else BARE
        wide = style.WIDTH - left - RIGHT
        page = (-left, style.WIDTH - left)
    else:
        wide, page = _words.inches(ax)[0], _words.margins(ax)
    over = _words.callouts(
        [(rate / 100 * wide, label) for rate, label in marks[["rate", "label"]].values],
        page[0] + 0.04,
        page[1] - 0.04,
    )
    words = style.wrap(xlabel, page[1] - page[0] - 0.1)
    if ax is None:
        bottom, top = _words.under(words) + _words.key_height(key) + 0.03, 0.08 + _words.callout_height(over)
        ax = style.new_axes(PLOT_INCHES, left=left, right=RIGHT, bottom=bottom, top=top)

    ax.set_xlim(0, 100)
    ax.set_ylim(0, 1.06 * max(curve.y.max() for curve in drawn) or 1.0)
    ax.set_xticks(range(0, 101, 20))
    if band is not None:
        ax.axvspan(band.lower, band.upper, fc=style.ACCENT, alpha=0.07, lw=0, zorder=0, label="_band tint")
        ax.plot(
            [band.lower, band.upper],
            [0, 0],
            color=style.ACCENT,
            lw=3.4,
            zorder=4,
            clip_on=False,
            label="_band",
        )
    for curve in drawn:
        if curve.emphasis and band is None:
            ax.fill_between(curve.rate, curve.y, color=curve.color, alpha=0.10, lw=0, zorder=1)
        ax.plot(
            curve.rate,
            curve.y,
            color=curve.color,
            lw=curve.width,
            ls=curve.dash,
            zorder=3 if curve.emphasis else 2.5,
            clip_on=False,
            label=f"_curve {curve.name}",
        )
    for row in marks.itertuples():
        ax.axvline(row.rate, color=style.MUTED, lw=1.0, ls=(0, (3, 2)), zorder=1, label=f"_mark {row.label}")
    _words.draw_callouts(ax, over, [style.INK] * len(over))
    _name(ax, drawn, marks)

    if words:
        _words.name_axis(ax, words)
    if ylabel:
        ax.set_ylabel(ylabel)
        ax.grid(axis="y")
    else:
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    _words.draw_key(ax, key, _words.under(words))
    return ax


def _band_entry(band) -> _words.Entry:
    def draw(ax, transform, label):
        ax.plot(
            [0],
            [0],
            ls="none",
            marker="_",
            ms=18,
            mew=3.4,
            color=style.ACCENT,
            transform=transform,
            clip_on=False,
            label=label,
        )

    return _words.Entry(band.label, draw, 18.0, style.ACCENT)


def _name(ax: Axes, curves: list[Curve], marks: pd.DataFrame) -> None:
    """Read the curves off at the marks, and write values and names where they are clear of lines and of each other."""
    wide, high = _words.inches(ax)
    top = ax.get_ylim()[1]
    page = Box(-0.02, 0.03, wide + RIGHT - 0.06, high + 0.02)
    paths = {curve.name: (curve.rate / 100 * wide, curve.y / top * high, curve) for curve in curves}
    lines = [box for x, y, _ in paths.values() for box in _words.along(x, y, 0.025)]
    lines += [Box(x - 0.02, 0, x + 0.02, high) for x in marks["rate"] / 100 * wide]
    taken: list[Box] = []

    read = marks[marks["curve"] != ""]
    for row in read.itertuples():
        x, y, curve = paths[row.curve]
        value = float(np.interp(row.rate, curve.rate, curve.y))
        ax.plot(
            [row.rate],
            [value],
            ls="none",
            marker="o",
            ms=7,
            color=curve.color,
            zorder=5,
            clip_on=False,
            label=f"_read {row.label}",
        )
        spot = row.rate / 100 * wide, value / top * high
        taken.append(Box(spot[0] - 0.055, spot[1] - 0.055, spot[0] + 0.055, spot[1] + 0.055))
    for row in read.itertuples():
        _, _, curve = paths[row.curve]
        value = float(np.interp(row.rate, curve.rate, curve.y))
        words = str(row.text) or f"{value:.2f}"
        size = style.text_width(words), WORDS
        places = _words.around(row.rate / 100 * wide, value / top * high, *size, 0.09)
        box = places[_words.clearest(places, taken, lines, page)]
        taken.append(box)
        _words.write(ax, box, words, curve.color, style.BASE)

    if len(curves) == 1:
        return
    for name, (x, y, curve) in paths.items():
        # From the peak outwards: there a curve stands alone most often.
        spots = np.argsort(np.abs(np.arange(len(x)) - int(np.argmax(y))), kind="stable")
        words = style.wrap(name, 1.95, style.SMALL)
        size = style.text_width(words, style.SMALL), WORDS * (words.count("\n") + 1)
        spots = spots[:: max(1, len(x) // 60)]
        places = [box for i in spots for off in (0.07, 0.16) for box in _words.around(x[i], y[i], *size, off)]
        # Nearer to its own curve than to any other.
        others = [
            box for other, (a, b, _) in paths.items() if other != name for box in _words.along(a, b, 0.07)
        ]
        box = places[_words.clearest(places, taken, lines + others, page)]
        taken.append(box)
        _words.write(ax, box, words, curve.color)
