"""Words around a plot: over its vertical lines, beside its curves, under its axis, and the key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

import numpy as np
from matplotlib.axes import Axes

from casebook.figures import style
from casebook.figures._marks import Box

LINE = 0.165  # inches from one line of text to the next
KEY_GAP = 0.16  # between two entries
CALLOUT_WIDTH = 1.75


def inches(ax: Axes) -> tuple[float, float]:
    """Width and height of the axes on the page."""
    box, figure = ax.get_position(), ax.get_figure()
    return box.width * figure.get_figwidth(), box.height * figure.get_figheight()


def margins(ax: Axes) -> tuple[float, float]:
    """From the left of the axes, in inches, the left and the right end of the page."""
    wide, left = ax.get_figure().get_figwidth(), ax.get_position().x0 * ax.get_figure().get_figwidth()
    return -left, wide - left


# -- over vertical lines ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Callout:
    """Words over a vertical line: its ``x``, the ends of the words in inches, and their ``row`` counted from the plot."""

    words: str
    x: float
    left: float
    right: float
    row: int


def callouts(spots: Sequence[tuple[float, str]], left: float, right: float) -> list[Callout]:
    """Words over each line, in as few rows as they need; the line up to a higher row passes beside the words under it.

    ``spots`` are the place of a line and its words, ``left`` and ``right`` the room for them; all in inches.
    """
    gap = 0.07
    widest = min(CALLOUT_WIDTH, right - left)
    wanted = sorted((x, i, style.wrap(text, widest, style.SMALL)) for i, (x, text) in enumerate(spots))
    wide = {words: style.text_width(words, style.SMALL) for _, _, words in wanted}

    def at(x: float, words: str, start: float, row: int) -> Callout:
        start = max(min(start, right - wide[words]), left)
        return Callout(words, x, start, start + wide[words], row)

    def clear(one: Callout, two: Callout) -> bool:
        if one.row == two.row:
            return one.left >= two.right + gap or two.left >= one.right + gap
        low, over = sorted((one, two), key=lambda callout: callout.row)
        return not low.left - gap < over.x < low.right + gap

    def place(done: list[Callout], rows: int) -> list[Callout] | None:
        if len(done) == len(wanted):
            return done
        x, _, words = wanted[len(done)]
        for row in range(rows):
            for start in (x - wide[words] / 2, x - 0.05, x - wide[words] + 0.05):
                tried = at(x, words, start, row)
                if all(clear(tried, other) for other in done):
                    found = place([*done, tried], rows)
                    if found:
                        return found
        return None

    tries = (place([], rows) for rows in range(1, len(spots) + 1))
    found = next((placed for placed in tries if placed), None)
    if (
        found is None
    ):  # lines so close that none passes beside the words of another: each has a row of its own
        found = [at(x, words, x - 0.05, len(wanted) - 1 - row) for row, (x, _, words) in enumerate(wanted)]
    return [
        callout
        for _, callout in sorted(zip([i for _, i, _ in wanted], found, strict=True), key=itemgetter(0))
    ]


def callout_height(placed: Sequence[Callout]) -> float:
    """Height in inches of the room that callouts need over the plot."""
    if not placed:
        return 0.0
    return 0.04 + (max(c.row for c in placed) + 1) * _pitch(placed)


def _pitch(placed: Sequence[Callout]) -> float:
    return LINE * max(c.words.count("\n") + 1 for c in placed)


def draw_callouts(ax: Axes, placed: Sequence[Callout], colors: Sequence, label: str = "_to") -> None:
    """Write the callouts over the axes, and lead a line up to those in a higher row."""
    figure, (_, high) = ax.get_figure(), inches(ax)
    pitch = _pitch(placed) if placed else 0.0
    for callout, color in zip(placed, colors, strict=True):
        up = callout.row * pitch
        at = style.points_from(ax.transAxes, figure, x=callout.left * 72, y=5.5 + up * 72)
        ax.text(
            0,
            1,
            callout.words,
            transform=at,
            fontsize=style.SMALL,
            color=color,
            va="baseline",
            linespacing=1.15,
        )
        if callout.row:
            at = style.points_from(ax.transAxes, figure, x=callout.x * 72)
            ends = (1, 1 + (up + 0.03) / high)
            ax.plot(
                [0, 0],
                ends,
                transform=at,
                color=color,
                lw=0.8,
                alpha=0.6,
                clip_on=False,
                label=f"{label} {callout.words}",
            )


# -- beside curves ------------------------------------------------------------------------------------------


def along(x: Sequence[float], y: Sequence[float], half: float, step: float = 0.06) -> list[Box]:
    """Boxes that cover a line through these points, in inches, and ``half`` an inch fraction on either side."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    run = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    at = np.linspace(0.0, run[-1], max(2, int(run[-1] / step) + 2))
    points = [*zip(np.interp(at, run, x), np.interp(at, run, y), strict=True)]
    return [
        Box(min(a, c) - half, min(b, d) - half, max(a, c) + half, max(b, d) + half)
        for (a, b), (c, d) in pairwise(points)
    ]


def around(x: float, y: float, wide: float, high: float, off: float = 0.08) -> list[Box]:
    """Places for words this large beside a point, in inches: right above, right, left above, left, and so on."""
    corners = [
        (x + off * 0.7, y + off * 0.4),
        (x + off, y - high / 2),
        (x - wide - off * 0.7, y + off * 0.4),
        (x + off * 0.7, y - high - off * 0.4),
        (x - wide - off, y - high / 2),
        (x - wide - off * 0.7, y - high - off * 0.4),
        (x - wide / 2, y + off),
        (x - wide / 2, y - high - off),
    ]
    return [Box(left, bottom, left + wide, bottom + high) for left, bottom in corners]


def clearest(places: Sequence[Box], words: Sequence[Box], lines: Sequence[Box], page: Box) -> int:
    """The first place on the page that meets no words and least of the lines; failing that, the one that meets least."""

    def sides(boxes: Sequence[Box]) -> list[np.ndarray]:
        return [
            np.array([getattr(box, side) for box in boxes]) for side in ("left", "bottom", "right", "top")
        ]

    def met(others: Sequence[Box]) -> np.ndarray:
        left, bottom, right, top = (side[:, None] for side in sides(places))
        lefts, bottoms, rights, tops = sides(others)
        wide = np.clip(np.minimum(right, rights) - np.maximum(left, lefts), 0, None)
        high = np.clip(np.minimum(top, tops) - np.maximum(bottom, bottoms), 0, None)
        return (wide * high).sum(axis=1)

    hard = met(words) + [box.outside(page) for box in places]
    return int(np.lexsort((np.arange(len(places)), met(lines).round(6), hard.round(6)))[0])


def write(ax: Axes, box: Box, words: str, color, size: float = style.SMALL) -> None:
    """Words in a box that was chosen for them, in inches from the lower left of the axes."""
    at = style.points_from(ax.transAxes, ax.get_figure(), x=box.left * 72, y=(box.bottom + box.top) / 2 * 72)
    ax.text(0, 0, words, transform=at, fontsize=size, color=color, va="center", linespacing=1.15)


# -- under the axis -----------------------------------------------------------------------------------------


def name_axis(ax: Axes, words: str) -> None:
    """What the axis counts, under its middle, or as near to that as the page allows."""
    wide, _ = inches(ax)
    left, right = margins(ax)
    half = style.text_width(words) / 2
    middle = min(max(wide / 2, left + 0.04 + half), right - 0.04 - half)
    at = style.points_from(ax.transAxes, ax.get_figure(), x=middle * 72, y=-18)
    ax.text(0, 0, words, transform=at, ha="center", va="top", fontsize=style.BASE, linespacing=1.15)


@dataclass(frozen=True)
class Entry:
    """One entry of a key: its words, how its mark is drawn about the origin of a transform, the mark's size in points."""

    words: str
    draw: Callable
    width: float
    color: str = style.INK
    high: float = 10.0

    @property
    def inches(self) -> float:
        """Width of mark and words."""
        return (self.width + 4) / 72 + style.text_width(self.words, style.SMALL)


def key_rows(entries: Sequence[Entry], wide: float) -> list[list[Entry]]:
    """The entries in rows no wider than ``wide`` inches."""
    rows: list[list[Entry]] = []
    used = 0.0
    for entry in entries:
        if rows and used + KEY_GAP + entry.inches <= wide:
            rows[-1].append(entry)
            used += KEY_GAP + entry.inches
        else:
            rows.append([entry])
            used = entry.inches
    return rows


def _key_pitch(row: Sequence[Entry]) -> float:
    return max(LINE * 1.1, (max(entry.high for entry in row) + 2) / 72)


def key_height(rows: Sequence[Sequence[Entry]]) -> float:
    """Height in inches of the room that a key needs under the words of the axis."""
    return sum(map(_key_pitch, rows)) + (0.04 if rows else 0.0)


def draw_key(ax: Axes, rows: Sequence[Sequence[Entry]], down: float) -> None:
    """The rows of a key, from ``down`` inches under the axes, at the left of the page."""
    figure = ax.get_figure()
    start = margins(ax)[0] + 0.04
    for row in rows:
        x, y = start * 72, -(down + _key_pitch(row) / 2) * 72
        down += _key_pitch(row)
        for entry in row:
            at = style.points_from(ax.transAxes, figure, x=x + entry.width / 2, y=y)
            entry.draw(ax, at, f"_key {entry.words}")
            at = style.points_from(ax.transAxes, figure, x=x + entry.width + 4, y=y)
            ax.text(
                0, 0, entry.words, transform=at, fontsize=style.SMALL, color=entry.color, va="center_baseline"
            )
            x += (entry.inches + KEY_GAP) * 72


def under(words: str) -> float:
    """Height in inches that tick labels and these words take under the axes."""
    return 0.27 + ((words.count("\n") + 1) * LINE + 0.06 if words else 0.0)
