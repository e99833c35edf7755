"""Decision curves: the net benefit of treating by a prediction, beside treating everybody and nobody."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _words, style
from casebook.figures._marks import Box
from casebook.figures._watermark import watermark

COLUMNS = ("strategy", "threshold", "net_benefit")
LOOKS = ((style.INK, "-", 2.0), (style.SECOND, (0, (5, 2)), 1.6), (style.MUTED, (0, (1.5, 1.5)), 1.6))
PLOT_INCHES, LEFT, RIGHT = 2.5, 0.74, 0.2
BELOW = 0.12  # how far below 0 the axis goes, as a share of its upper end
SPOTS = 50  # places along a curve that are tried for its name


def _checked(curves: pd.DataFrame) -> pd.DataFrame:
    curves = _frames.require(curves, "curves", COLUMNS)
    curves = _evidence.numbers(curves, "curves", *COLUMNS[1:])
    if curves["strategy"].nunique() > len(LOOKS):
        raise CasebookError(
            f"curves, column 'strategy': found {curves['strategy'].nunique()} of them, expected at most {len(LOOKS)}"
        )
    problems = [
        f"row {row!r}, column 'threshold': found {value:g}, expected one from 0 to below 1"
        for row, value in curves["threshold"].items()
        if not 0 <= value < 1
    ]
    problems += [
        f"row {row!r}, column 'threshold': found {curves.at[row, 'threshold']:g}, which the strategy has twice"
        for row in curves.index[curves.duplicated(["strategy", "threshold"])]
    ]
    sizes = curves.groupby("strategy").size()
    problems += [
        f"the strategy {name!r}: found one row, expected two or more" for name in sizes.index[sizes < 2]
    ]
    _frames.fail("curves", problems)
    if curves.empty or curves["net_benefit"].max() <= 0:
        raise CasebookError("curves: found no net benefit above 0, expected a strategy that has some")
    return curves


@style.styled
def net_benefit(
    curves: pd.DataFrame,
    *,
    ax: Axes | None = None,
    xlabel: str = "threshold of the predicted risk",
    ylabel: str = "net benefit",
    simulated: bool = False,
) -> Axes:
    """Draw net benefits over the threshold, each with its name beside it; that of treating nobody is the line at 0.

    Parameters
    ----------
    curves : columns ``strategy`` (its name; at most three), ``threshold`` (0 to below 1), ``net_benefit``.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made.
    xlabel, ylabel : what the axes count; thresholds are printed in percent.
    simulated : print SIMULATED across the plot, large and pale.

    Returns
    -------
    The axes, which end a little below 0: what falls deeper is cut. A curve is the line labelled ``_curve`` and its strategy;
    the name of one that is nowhere on the axes stands at their lower end, and says so.

    Raises
    ------
    CasebookError
        A column is missing, a value is no number or no threshold, a strategy has a threshold twice or only one, there are
        more than three, or none ever has a net benefit above 0.
    """
    frame = _checked(curves)
    if ax is None:
        ax = style.new_axes(PLOT_INCHES, left=LEFT, right=RIGHT, bottom=_words.under(xlabel) + 0.03, top=0.1)
    top = 1.08 * frame["net_benefit"].max()
    ax.set_xlim(frame["threshold"].min(), frame["threshold"].max())
    ax.set_ylim(-BELOW * top, top)
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(lambda x, _: f"{100 * x:.3g}%")
    ax.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:.3g}".replace("-", "\N{MINUS SIGN}"))
    ax.grid(axis="y")
    if simulated:
        watermark(ax)
    ax.axhline(0, color=style.INK, lw=1.0, zorder=2, label="_nobody")
    paths = {}
    for (name, rows), (color, dash, width) in zip(frame.groupby("strategy", sort=False), LOOKS, strict=False):
        rows = rows.sort_values("threshold", kind="stable")
        x, y = rows["threshold"].to_numpy(), rows["net_benefit"].to_numpy()
        ax.plot(x, y, color=color, ls=dash, lw=width, zorder=3, label=f"_curve {name}")
        paths[name] = (*_on_page(ax, x, y), color)
    _name(ax, paths)
    _words.name_axis(ax, xlabel)
    ax.set_ylabel(ylabel)
    return ax


def _on_page(ax: Axes, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of a curve that the axes show, in inches from their lower left, close together."""
    wide, high = _words.inches(ax)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    at = np.linspace(x[0], x[-1], 4 * SPOTS)
    value = np.interp(at, x, y)
    shown = value >= bottom
    return (at[shown] - left) / (right - left) * wide, (value[shown] - bottom) / (top - bottom) * high


def _name(ax: Axes, paths: dict) -> None:
    """Every name beside its curve, and "treat nobody" over the line at 0, clear of lines and of each other."""
    wide, high = _words.inches(ax)
    nought = high * BELOW / (1 + BELOW)
    for name, (x, _, color) in [*paths.items()]:
        if not x.size:
            del paths[name]
            paths[f"{name}: all below"] = np.array([0.0, wide]), np.zeros(2), color
    paths = paths | {"treat nobody": (np.array([0.0, wide]), np.array([nought, nought]), style.INK)}
    lines = {name: _words.along(x, y, 0.03) for name, (x, y, _) in paths.items()}
    page, taken = Box(0.03, 0.03, wide, high), []
    for name, (x, y, color) in paths.items():
        words = style.wrap(name, 1.7, style.SMALL)
        size = style.text_width(words, style.SMALL), _words.LINE * (words.count("\n") + 1)
        at = np.linspace(x[0], x[-1], SPOTS)
        spots = sorted(zip(at, np.interp(at, x, y), strict=True), key=lambda spot: abs(spot[0] - 0.6 * wide))
        places = [box for off in (0.06, 0.12) for spot in spots for box in _words.around(*spot, *size, off)]
        others = [box for other, boxes in lines.items() for box in boxes]
        near = [
            box for other, (a, b, _) in paths.items() if other != name for box in _words.along(a, b, 0.09)
        ]
        box = places[_words.clearest(places, taken, others + near, page)]
        taken.append(box)
        _words.write(ax, box, words, color)
