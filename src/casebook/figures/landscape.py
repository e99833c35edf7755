"""What is published, endpoint by endpoint: every result a mark on a strip from 0 to 100%, as large as its number of patients."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _words, style
from casebook.figures._swarm import Item, Place, swarm

COLUMNS = ("endpoint", "estimate", "n", "arm")
DEFAULTS = {"label": "", "group": ""}
# Colour, and the opacity of a filled mark: dark, grey, and pale with an outline are told apart in greyscale too. The
# accent is the children's alone.
ARMS = {"blinatumomab": (style.INK, 1.0), "chemotherapy": (style.SECOND, 0.7), "other": (style.INK, 0.14)}
LARGEST, SMALLEST = 20.0, 6.4  # points across
LABEL_INCHES = 1.45
RIGHT = 0.22
PAD = 5.0  # points over and under the marks of a strip
BAR = 9.0  # points for the children's interval under them
HEADING = 0.25  # inches
CHILDREN = "these three children, exact 95% interval"


class Strip(NamedTuple):
    """One endpoint: its marks and their places, its words, and its middle, top and bottom in inches from the top."""

    endpoint: str
    words: str
    rows: pd.DataFrame
    places: list[Place]
    children: pd.DataFrame
    middle: float
    top: float
    bottom: float


def _checked(rows, children):
    rows = _evidence.checked(_frames.require(rows, "rows", COLUMNS, DEFAULTS), "rows")
    rows = _evidence.percents(rows, "rows", "estimate")
    rows = _evidence.numbers(rows, "rows", "n")
    _frames.members(rows, "rows", "arm", ARMS)
    if rows.empty:
        raise CasebookError("rows: found no row, expected a result")
    groups = rows.groupby("endpoint", sort=False)["group"].nunique()
    _frames.fail(
        "rows",
        [
            f"row {row!r}, column 'n': found {n:g}, expected more than 0 patients"
            for row, n in rows["n"].items()
            if n <= 0
        ]
        + [
            f"column 'group': {name!r} stands in {n} groups, expected one"
            for name, n in groups.items()
            if n > 1
        ],
    )
    if children is None:
        children = pd.DataFrame(columns=["endpoint", "lower", "upper", "estimate", "text"])
    children = _frames.require(
        children, "children", ("endpoint", "lower", "upper"), {"text": "", "estimate": None}
    )
    _frames.members(children, "children", "endpoint", groups.index)
    _frames.unique(children, "children", "endpoint")
    children = _frames.bounds(
        _evidence.percents(children, "children", "lower", "upper"), "children", ("lower", "upper")
    )
    children = _evidence.percents(children, "children", "estimate", missing=True)
    # 0 of n and n of n are at the end of their exact interval.
    ends = children["lower"].where(children["lower"] == 0, children["upper"].where(children["upper"] == 100))
    children["estimate"] = children["estimate"].where(children["estimate"].notna(), ends)
    outside = ~((children["lower"] <= children["estimate"]) & (children["estimate"] <= children["upper"]))
    _frames.fail(
        "children",
        [
            f"row {row!r}, column 'estimate': found {children.at[row, 'estimate']:g}, expected a value within the limits"
            for row in children.index[outside]
        ],
    )
    return rows, children


def _scale(n: pd.Series) -> float:
    """Points across for one patient: the area of a mark is its number of patients."""
    return LARGEST / sqrt(n.max())


def _size(n: float, scale: float) -> float:
    return max(scale * sqrt(n), SMALLEST)


@style.styled
def landscape(
    rows: pd.DataFrame,
    *,
    children: pd.DataFrame | None = None,
    xlabel: str = "% of patients",
    ax: Axes | None = None,
) -> Axes:
    """Draw published percentages by endpoint, each a strip, with marks moved aside so that none hides another.

    Parameters
    ----------
    rows : columns ``endpoint`` (strips from the top, in order of appearance), ``estimate`` (percent), ``n`` (patients:
        the area of the mark, down to the smallest that can be seen), ``arm`` ("blinatumomab", "chemotherapy" or "other").
        Optional ``known`` ("read", "abstract" or "secondary": where the number was read), ``inferred`` (bool: the count
        follows from a printed percentage), ``label`` (beside the mark), ``group`` (headings over endpoints).
    children : columns ``endpoint``, ``lower``, ``upper`` (percent), optional ``text`` and ``estimate`` (needed unless a
        limit is 0 or 100, where it then is): a thin bar under the marks of the endpoint.
    xlabel : what the axis counts.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made, as high as the strips need. Endpoints hang in
        the margin left of the axes.

    Returns
    -------
    The axes; its y ticks are the endpoints. A mark is labelled ``_mark``, its endpoint and the row of the frame.

    Raises
    ------
    CasebookError
        A column is missing, a percentage or kind is none, a number of patients is not above 0, an endpoint is unknown or
        stands in two groups, or limits are reversed or without their estimate; the message names every row and column.
    """
    stated = isinstance(rows, pd.DataFrame) and "known" in rows.columns
    rows, children = _checked(rows, children)
    scale = _scale(rows["n"])
    most = LABEL_INCHES if ax is None else -_words.margins(ax)[0] - 0.2
    names = [style.wrap(name, most) for name in rows["endpoint"].unique()]
    label_wide = max(style.text_width(name) for name in names)
    if ax is None:
        left = label_wide + 0.22
        wide, page = style.WIDTH - left - RIGHT, (-left, style.WIDTH - left)
    else:
        wide, page = _words.inches(ax)[0], _words.margins(ax)
    strips, headings, high = _strips(rows, children, scale, most, wide)
    keys = [
        _words.key_rows(entries, page[1] - page[0] - 0.1) for entries in _keys(rows, children, stated, scale)
    ]
    key = [row for part in keys for row in part]
    words = style.wrap(xlabel, page[1] - page[0] - 0.1)
    if ax is None:
        ax = style.new_axes(
            high, left=left, right=RIGHT, bottom=_words.under(words) + _words.key_height(key) + 0.06, top=0.05
        )

    ax.set_xlim(0, 100)
    ax.set_ylim(high, 0)
    edge = -(label_wide + 0.18) / wide
    for y, name in headings:
        at = style.points_from(ax.get_yaxis_transform(), ax.get_figure(), x=-(label_wide + 0.18) * 72)
        ax.text(
            0,
            y,
            name,
            transform=at,
            fontsize=style.SMALL,
            color=style.MUTED,
            weight="bold",
            va="center_baseline",
        )
    tops = {y for y, _ in headings}
    for strip in strips:
        ax.vlines(
            range(0, 101, 25), strip.top, strip.bottom, color=style.RULE, lw=0.6, zorder=0, label="_grid"
        )
        if strip.top and not any(strip.top - HEADING < y < strip.top for y in tops):
            ax.plot(
                (edge, 1),
                (strip.top, strip.top),
                transform=ax.get_yaxis_transform(),
                color=style.RULE,
                lw=0.6,
                zorder=0,
                clip_on=False,
                label="_rule",
            )
        _draw(ax, strip, scale, label_wide, wide)

    ax.set_xticks(range(0, 101, 25), [f"{x}%" for x in range(0, 101, 25)])
    ax.set_yticks([strip.middle for strip in strips])
    ax.tick_params(axis="y", length=0, labelleft=False)
    ax.spines["left"].set_visible(False)
    if words:
        _words.name_axis(ax, words)
    _words.draw_key(ax, key, _words.under(words) + 0.03)
    return ax


def _strips(rows, children, scale, most, wide):
    """The strips and headings from the top, and the height of it all, in inches."""
    strips, headings, y = [], [], 0.0
    for group in dict.fromkeys(rows["group"]):
        if group:
            y += 0.08 if strips else 0.0
            headings.append((y + HEADING / 2 - 0.02, group))
            y += HEADING
        for endpoint, mine in rows[rows["group"] == group].groupby("endpoint", sort=False):
            items = [
                Item(
                    row.estimate / 100 * wide * 72,
                    _evidence.half_width(row.known, _size(row.n, scale)),
                    style.text_width(row.label, style.SMALL) * 72 if row.label else 0.0,
                    11.0 if row.label else 0.0,
                )
                for row in mine.itertuples()
            ]
            places = swarm(items, 2.0, (wide + RIGHT - 0.04) * 72)
            reach = [max(item.half, item.words_high / 2) for item in items]
            above = max(place.across + half for place, half in zip(places, reach, strict=True))
            below = max(half - place.across for place, half in zip(places, reach, strict=True))
            theirs = children[children["endpoint"] == endpoint]
            bar = (BAR + (9.0 if (theirs["text"] != "").any() else 0.0)) if len(theirs) else 0.0
            words = style.wrap(endpoint, most)
            lines = (words.count("\n") + 1) * _words.LINE + 0.08
            tall = (above + below + bar + 2 * PAD) / 72
            spare = max(lines - tall, 0.0) / 2
            middle = y + spare + (PAD + above) / 72
            strips.append(Strip(endpoint, words, mine, places, theirs, middle, y, y + max(tall, lines)))
            y = strips[-1].bottom
    return strips, headings, y


def _draw(ax: Axes, strip: Strip, scale: float, label_wide: float, wide: float) -> None:
    """One strip: its words, its marks, and under them the children."""
    figure = ax.get_figure()
    lines = strip.words.split("\n")
    for i, line in enumerate(lines):
        up = ((len(lines) - 1) / 2 - i) * _words.LINE
        at = style.points_from(ax.get_yaxis_transform(), figure, x=-(label_wide + 0.18) * 72, y=up * 72)
        centre = (strip.top + strip.bottom) / 2
        ax.text(0, centre, line, transform=at, fontsize=style.BASE, color=style.INK, va="center_baseline")
    for row, place in zip(strip.rows.itertuples(), strip.places, strict=True):
        color, tint = ARMS[row.arm]
        y = strip.middle - place.across / 72
        _evidence.mark(
            ax,
            row.estimate,
            y,
            known=row.known,
            inferred=row.inferred,
            color=color,
            tint=tint,
            size=_size(row.n, scale),
            clip_on=False,
            label=f"_mark {row.endpoint}, {row.Index}",
        )
        if row.label:
            at = style.points_from(ax.transData, figure, x=place.words - row.estimate / 100 * wide * 72)
            ax.text(
                row.estimate,
                y,
                row.label,
                transform=at,
                fontsize=style.SMALL,
                color=style.MUTED
                if row.arm == "chemotherapy"
                else color,  # words need more contrast than marks
                va="center_baseline",
            )
    for row in strip.children.itertuples():
        text = 9.0 if row.text else 0.0
        y = strip.bottom - (PAD + text) / 72
        ax.plot(
            [row.lower, row.upper],
            [y, y],
            color=style.ACCENT,
            lw=1.6,
            zorder=3,
            clip_on=False,
            label=f"_children {row.endpoint}",
        )
        ax.plot(
            [row.estimate],
            [y],
            ls="none",
            marker="o",
            ms=5,
            color=style.ACCENT,
            zorder=4,
            clip_on=False,
            label=f"_children point {row.endpoint}",
        )
        if row.text:
            half = style.text_width(row.text, style.SMALL) / 2
            x = min(max((row.lower + row.upper) / 200 * wide, half), wide + RIGHT - 0.04 - half)
            at = style.points_from(ax.get_yaxis_transform(), figure, x=x * 72, y=-8)
            ax.text(
                0,
                y,
                row.text,
                transform=at,
                ha="center",
                fontsize=style.SMALL,
                color=style.ACCENT,
                va="center_baseline",
            )


def _keys(rows: pd.DataFrame, children: pd.DataFrame, stated: bool, scale: float) -> list[list[_words.Entry]]:
    """The entries of the key: arms and children, areas, and how well the numbers are known."""

    def drawn(color, tint, size):
        def draw(ax, transform, label):
            _evidence.mark(
                ax,
                0,
                0,
                known="read",
                inferred=False,
                color=color,
                tint=tint,
                size=size,
                label=label,
                transform=transform,
                clip_on=False,
            )

        return draw

    def interval(ax, transform, label):
        ax.plot(
            [0],
            [0],
            ls="none",
            marker="_",
            ms=16,
            mew=1.6,
            color=style.ACCENT,
            transform=transform,
            clip_on=False,
            label=label,
        )
        at = style.points_from(transform, ax.get_figure(), x=-8)
        ax.plot(
            [0],
            [0],
            ls="none",
            marker="o",
            ms=5,
            color=style.ACCENT,
            transform=at,
            clip_on=False,
            label=label,
        )

    arms = [_words.Entry(arm, drawn(*ARMS[arm], 9.0), 11.0) for arm in ARMS if (rows["arm"] == arm).any()]
    floor = (SMALLEST / scale) ** 2  # patients of the smallest mark
    areas = []
    for n in _examples(rows["n"], floor):
        size = _size(n, scale)
        words = f"{n:g}" if n else f"up to {floor:.0f}"
        areas.append(_words.Entry(words, drawn(style.MUTED, 0.14, size), max(size, 11.0), high=size))
    areas[-1] = replace(areas[-1], words=f"{areas[-1].words} patients")
    theirs = [_words.Entry(CHILDREN, interval, 20.0)] if len(children) else []
    return [arms, areas, theirs, _evidence.key(rows, stated=stated, size=8.0)]


def _examples(n: pd.Series, floor: float) -> list[float]:
    """Numbers of patients that show the areas: a round one near the largest, a third and a tenth of it, what is smallest."""
    round_ = [x * 10**power for power in range(6) for x in (1, 2, 3, 5)]
    largest = max((x for x in round_ if n.min() <= x <= n.max()), default=n.max())
    smaller = [max((x for x in round_ if x <= largest / part), default=0) for part in (10, 3)]
    known = [x for x in smaller if x > max(1.5 * floor, n.min())]
    return [*([0.0] if n.min() < floor else []), *dict.fromkeys([*known, largest])]
