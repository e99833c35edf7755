"""A stopping rule: the counts at which a study stops, and how far a few children have come on the way there."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _steps, _words, style
from casebook.figures._marks import Box

SIDES = ("upper", "lower")
PLOT_INCHES = 2.7
LEFT, GAP = 0.62, 0.08  # margins; GAP from the plot to the names of the rates
NAME_INCHES = 1.15  # the widest name
AREA = 0.13  # opacity of the counts that stop
DOT = 0.06  # inches, half of a child's mark with its clearance
WORDS = 0.17  # inches, the height of a line of words
BELOW = 0.7  # so much of a child under none: the marks of no event stand clear of the axis
COLUMN = 0.7  # width of a look's column, of the children from one look to the next


def _checked(limits, path, rates, side):
    if side not in SIDES:
        raise CasebookError(f"side: found {side!r}, expected 'upper' or 'lower'")
    limits = _evidence.numbers(_frames.require(limits, "limits", ("n", "limit")), "limits", "n")
    limits = _evidence.numbers(
        limits.assign(limit=limits["limit"].astype(object)), "limits", "limit", missing=True
    )
    if limits.empty:
        raise CasebookError("limits: found no row, expected a look")
    _frames.unique(limits, "limits", "n")
    _frames.fail("limits", _not_counts(limits, "limit", least=1))
    path = pd.DataFrame(columns=["n", "events"]) if path is None else path
    path = _evidence.numbers(
        _frames.require(path, "path", ("n", "events"), {"label": ""}), "path", "n", "events"
    )
    _frames.fail("path", _not_counts(path, "events", least=0))
    _frames.unique(path, "path", "n")
    path = path.sort_values("n")
    fewer = path["events"].diff() < 0
    _frames.fail(
        "path",
        [
            f"row {row!r}, column 'events': found {path.at[row, 'events']:g}, expected at least as many as before"
            for row in path.index[fewer]
        ],
    )
    rates = pd.DataFrame(columns=["rate", "label"]) if rates is None else rates
    rates = _evidence.percents(_frames.require(rates, "rates", ("rate", "label")), "rates", "rate")
    return limits.sort_values("n"), path, rates


def _not_counts(frame: pd.DataFrame, column: str, least: int) -> list[str]:
    """What is wrong with counts among n children, by row; a missing count is none."""
    n, count = frame["n"], frame[column].astype(float)
    faults = [
        (n, (n < least) | (n % 1 != 0), "n", f"expected a whole number of {least} or more"),
        (count, (count < 0) | (count > n) | (count % 1 > 0), column, "expected a count of at most n"),
    ]
    return [
        f"row {row!r}, column {name!r}: found {values[row]:g}, {expected}"
        for values, bad, name, expected in faults
        for row in frame.index[bad]
    ]


@style.styled
def stopping_rule(
    limits: pd.DataFrame,
    path: pd.DataFrame | None = None,
    *,
    rates: pd.DataFrame | None = None,
    side: str = "upper",
    stop: str = "stop",
    go_on: str = "go on",
    xlabel: str = "children",
    ylabel: str = "children with the event",
    ax: Axes | None = None,
) -> Axes:
    """Draw the counts at which a study stops as an area, look by look, and the way of a few children.

    Parameters
    ----------
    limits : columns ``n`` (children at a look, each once) and ``limit`` (the fewest events that stop the study, or with the side
        "lower" the most; missing where no count stops it). Each look is a column: with gaps where it is not after every child,
        as nothing stops between looks.
    path : columns ``n`` and ``events``: children of the report, one after the other, in the accent; optional ``label``, written
        once at the last.
    rates : columns ``rate`` (percent) and ``label``: what a rate makes of n children on average, as a line with its name.
    side : "upper" (many events stop the study) or "lower" (few do).
    stop, go_on : the words in the two areas.
    xlabel, ylabel : what the axes count.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made. Names of rates need a margin to the right.

    Returns
    -------
    The axes. The counts that stop are one area ``_stop`` and the n of its look each, the children the line ``_path``, a rate the
    line ``_rate`` and its name.

    Raises
    ------
    CasebookError
        A column is missing, a count is none or larger than n, a look or a child of the path stands twice, events
        fall along the path, a percentage is none, or the words at the last child are wider than the plot.
    """
    limits, path, rates = _checked(limits, path, rates, side)
    last = float(max(limits["n"].max(), path["n"].max() if len(path) else 0))
    names = [style.wrap(label, NAME_INCHES, style.SMALL) for label in rates["label"]]
    if ax is None:
        right = GAP + max((style.text_width(name, style.SMALL) for name in names), default=0.0) + 0.06
        ax = style.new_axes(PLOT_INCHES, left=LEFT, right=right, bottom=0.52, top=0.1)
    wide, high = _words.inches(ax)
    known = limits["limit"].max()
    counts = [path["events"].max() if len(path) else 0.0, 0.0 if np.isnan(known) else known]
    top = (
        last + 0.5
        if side == "lower"
        else min(last, max(*counts, last * rates["rate"].max() / 100 if len(rates) else 0)) + 2
    )
    apart = np.diff(limits["n"]).min(initial=last)
    half = 0.5 if apart == 1 else COLUMN * apart / 2
    end = last + half
    ax.set_xlim(0, end)
    ax.set_ylim(-BELOW, top)
    scale = np.array([wide / end, high / (top + BELOW)])

    areas = _draw_areas(ax, limits, side, half, scale)
    lines = _draw_rates(ax, rates, names, scale)
    dots = _draw_path(ax, path, scale, areas, lines)
    # Above the diagonal there are no counts.
    impossible = [
        Box(n * scale[0], (n + 0.5 + BELOW) * scale[1], (n + 1) * scale[0], high)
        for n in range(int(min(end, top)) + 1)
    ]
    _write_areas(ax, {stop: True, go_on: False}, areas, impossible, [*lines, *dots])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return ax


def _draw_areas(ax: Axes, limits: pd.DataFrame, side: str, half: float, scale: np.ndarray) -> list[Box]:
    """The counts that stop, as boxes in inches; an edge is half a child off, so that every count lies on one side of it."""
    top = ax.get_ylim()[1]
    boxes, edge = [], []
    for n, limit in limits[["n", "limit"]].dropna().itertuples(index=False):
        # No more events than children.
        low, high = (limit - 0.5, min(n + 0.5, top)) if side == "upper" else (-BELOW, limit + 0.5)
        ends = max(n - half, 0.0), n + half
        ax.fill_between(ends, low, high, color=style.INK, alpha=AREA, lw=0, zorder=1, label=f"_stop {n:g}")
        if edge and edge[-1][0] < ends[0]:
            edge.append((np.nan, np.nan))
        edge += [(end, low if side == "upper" else high) for end in ends]
        boxes.append(
            Box(ends[0] * scale[0], (low + BELOW) * scale[1], ends[1] * scale[0], (high + BELOW) * scale[1])
        )
    if edge:
        ax.plot(*np.transpose(edge), color=style.INK, lw=1.2, zorder=2, label="_edge")
    return boxes


def _draw_rates(ax: Axes, rates: pd.DataFrame, names: list[str], scale: np.ndarray) -> list[Box]:
    """Lines of the rates with their names in the right margin, from the highest down; what they cover in inches."""
    wide, high = _words.inches(ax)
    last, top = ax.get_xlim()[1], ax.get_ylim()[1]
    lines: list[Box] = []
    order = np.argsort(-rates["rate"].to_numpy(), kind="stable")
    ends = []
    for place in order:
        label, rate = rates["label"].iloc[place], rates["rate"].iloc[place] / 100
        until = min(last, top / rate) if rate else last
        x, y = np.array([0, until]), np.array([0, until * rate])
        ax.plot(x, y, color=style.SECOND, lw=1.0, ls=(0, (4, 2)), zorder=2.5, label=f"_rate {label}")
        lines += _words.along(x * scale[0], (y + BELOW) * scale[1], 0.02)
        ends.append((y[1] + BELOW) * scale[1])
    sizes = [_words.LINE * (names[place].count("\n") + 1) for place in order]
    for place, middle in zip(order, _steps.spread(ends, sizes, 0.0, high), strict=True):
        at = style.points_from(ax.transAxes, ax.get_figure(), x=(wide + GAP) * 72, y=middle * 72)
        ax.text(
            0,
            0,
            names[place],
            transform=at,
            fontsize=style.SMALL,
            color=style.SECOND,
            va="center",
            linespacing=1.1,
        )
    return lines


def _draw_path(
    ax: Axes, path: pd.DataFrame, scale: np.ndarray, areas: list[Box], lines: list[Box]
) -> list[Box]:
    """The children, from none on, and the words at the last; what both cover in inches."""
    if path.empty:
        return []
    x, y = (np.append(0.0, path[column]) for column in ("n", "events"))
    ax.plot(
        x,
        y,
        color=style.ACCENT,
        lw=1.8,
        marker="o",
        ms=5.5,
        markevery=range(1, len(x)),
        clip_on=False,
        zorder=5,
        label="_path",
    )
    taken = [
        Box(left - DOT, middle - DOT, left + DOT, middle + DOT)
        for left, middle in zip(x * scale[0], (y + BELOW) * scale[1], strict=True)
    ]
    taken += _words.along(x * scale[0], (y + BELOW) * scale[1], 0.03)
    words = str(path["label"].iloc[-1])
    if words:
        box = _nearest(ax, words, (x[-1] * scale[0], (y[-1] + BELOW) * scale[1]), [*taken, *lines, *areas])
        _words.write(ax, box, words, style.ACCENT, style.BASE)
        taken.append(box)
    return taken


def _nearest(ax: Axes, words: str, point: tuple[float, float], taken: list[Box]) -> Box:
    """The place for words nearest to a point that is clear of all else, or meets least of it."""
    (x, y), long = point, style.text_width(words)
    wide, high = _words.inches(ax)
    if long >= wide - 0.03:
        raise CasebookError(
            f"path: found the label {words!r}, {long:.2f} inches wide, expected one narrower than the plot, {wide:.2f}"
        )
    left, bottom = (
        grid.ravel()
        for grid in np.meshgrid(
            np.arange(0.03, wide - long, 0.04), [y - WORDS / 2, *np.arange(0.0, high - WORDS, 0.04)]
        )
    )
    away = np.hypot(
        np.maximum(left - x, x - left - long).clip(0), np.maximum(bottom - y, y - bottom - WORDS).clip(0)
    )
    met = _covered(left, bottom, long, taken).round(6)
    best = np.lexsort((away.round(6), met))[0]
    return Box(left[best], bottom[best], left[best] + long, bottom[best] + WORDS)


def _covered(
    left: np.ndarray, bottom: np.ndarray, long: float, boxes: list[Box], around: float = 0.0
) -> np.ndarray:
    """How much of places of this length, and of the room around them, each of the boxes covers: added up, in inches squared."""
    sides = (
        np.array([(box.left, box.bottom, box.right, box.top) for box in boxes]).reshape(-1, 4).T[:, None, :]
    )
    left, bottom = left[:, None] - around, bottom[:, None] - around
    wide = np.minimum(left + long + 2 * around, sides[2]) - np.maximum(left, sides[0])
    high = np.minimum(bottom + WORDS + 2 * around, sides[3]) - np.maximum(bottom, sides[1])
    return (wide.clip(0) * high.clip(0)).sum(axis=1)


def _write_areas(
    ax: Axes, words: dict[str, bool], areas: list[Box], impossible: list[Box], taken: list[Box]
) -> None:
    """The word of each area in the roomiest place inside it, clear of lines and children; none where nothing stops."""
    wide, high = _words.inches(ax)
    for text, inside in words.items():
        if not text or (inside and not areas):
            continue
        long = style.text_width(text, style.BASE)
        left, bottom = (
            grid.ravel()
            for grid in np.meshgrid(
                np.linspace(0.04, max(wide - 0.04 - long, 0.04), 80),
                np.linspace(0.04, high - 0.04 - WORDS, 40),
            )
        )

        def wrong(
            around: float, inside=inside, left=left, bottom=bottom, long=long, taken=taken
        ) -> np.ndarray:
            """What is of the other area, off the plot, or taken."""
            place = (long + 2 * around) * (WORDS + 2 * around)
            stops = _covered(left, bottom, long, areas, around)
            other = place - stops if inside else stops + _covered(left, bottom, long, impossible, around)
            beyond = place - _covered(left, bottom, long, [Box(0, 0, wide, high)], around)
            return (other + beyond + 3 * _covered(left, bottom, long, taken, around)).round(4)

        best = np.lexsort((wrong(0.25), wrong(0.1), wrong(0.02)))[0]
        box = Box(left[best], bottom[best], left[best] + long, bottom[best] + WORDS)
        _words.write(ax, box, text, style.INK, style.BASE)
        taken = [*taken, box]
