"""The swimmer plot: one lane for each child, in layers of spans, points and arrows."""

from __future__ import annotations

from math import inf, isfinite

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from casebook.figures import _frames, style
from casebook.figures._marks import ARROW_POINTS, arrow
from casebook.figures._placement import place, tighten
from casebook.figures._swimmer_words import KEY_LINE, day_locator, draw_key, key_lines, key_of, write

LANE_INCHES = 0.74
GUTTER_GAP = 0.12

# colour, and height as a share of the lane
SPAN_KINDS = {"infusion": (style.ACCENT, 0.27), "follow_up": (style.MUTED, 0.075), "gap": (style.MUTED, 0.0)}
POINT_KINDS = ("hsct", "mrd_negative", "last_follow_up")
MARROW_SHIFT = 0.27  # lanes below the bar: the day of a marrow reading is apart from what was given

SPAN_COLUMNS = ("lane", "kind", "start_lower", "start_upper", "end_lower", "end_upper")
SPAN_DEFAULTS = {"length_lower": 0.0, "length_upper": inf, "label": "", "ongoing": False}
POINT_COLUMNS = ("lane", "kind", "lower", "upper")


def _lanes(lanes: pd.DataFrame) -> pd.DataFrame:
    lanes = _frames.require(lanes, "lanes", ("lane", "label"), {"sublabel": ""})
    _frames.unique(lanes, "lanes", "lane")
    return lanes


def _spans(lanes: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    spans = _frames.require(spans, "spans", SPAN_COLUMNS, SPAN_DEFAULTS)
    _frames.members(spans, "spans", "lane", lanes["lane"])
    _frames.members(spans, "spans", "kind", SPAN_KINDS)
    pairs = (("start_lower", "start_upper"), ("end_lower", "end_upper"), ("length_lower", "length_upper"))
    spans = _frames.bounds(spans, "spans", *pairs)
    starts, ends, lengths = ([*zip(spans[lower], spans[upper], strict=True)] for lower, upper in pairs)
    _frames.fail(
        "spans",
        [
            f"row {row!r}, columns 'start_…', 'end_…' and 'length_…': {start}, {end} and {length} contradict"
            for row, start, end, length in zip(spans.index, starts, ends, lengths, strict=True)
            if tighten(start, end, length) is None
        ],
    )
    spans["place"] = [place(*bounds) for bounds in zip(starts, ends, lengths, strict=True)]
    return spans


def _points(lanes: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    points = _frames.require(points, "points", POINT_COLUMNS, {"label": ""})
    _frames.members(points, "points", "lane", lanes["lane"])
    _frames.members(points, "points", "kind", POINT_KINDS)
    return _frames.bounds(points, "points", ("lower", "upper"))


def _position(lanes: pd.DataFrame) -> dict:
    return {lane: i for i, lane in enumerate(lanes["lane"])}


def _bar(ax: Axes, left: float, right: float, bottom: float, height: float, **look) -> None:
    ax.add_patch(Rectangle((left, bottom), right - left, height, **{"ec": "none", "lw": 0} | look))


def draw_spans(lanes: pd.DataFrame, spans: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw the bars: solid where the span surely is, pale where it may be, outlined where only one side bounds it.

    Columns and errors as in :func:`swimmer`.
    """
    lanes = _lanes(lanes)
    y = _position(lanes)
    for span in _spans(lanes, spans).itertuples():
        color, height = SPAN_KINDS[span.kind]
        name = f"_{span.kind} of {span.lane}"
        if span.kind == "gap":
            if span.place.extent:
                ax.plot(
                    span.place.extent,
                    (y[span.lane],) * 2,
                    color=color,
                    lw=0.9,
                    dashes=(1.2, 2),
                    label=name,
                    zorder=1,
                )
            continue
        bottom = y[span.lane] - height / 2
        for left, right in span.place.possible:
            _bar(ax, left, right, bottom, height, fc=color, alpha=style.TINT, label=f"{name}, possible")
            # The limits stay visible however narrow the tint is.
            outer = [x for x in (left, right) if span.place.certain is None or x not in span.place.certain]
            for x in outer:
                ends = (bottom, bottom + height)
                ax.plot((x, x), ends, color=color, lw=1.0, zorder=2, label=f"{name}, limit")
        if span.place.certain:
            _bar(ax, *span.place.certain, bottom, height, fc=color, zorder=2, label=name)
        if span.place.outline:
            left, right = span.place.outline
            _bar(ax, left, right, bottom, height, fc=color, alpha=0.12, label=f"{name}, extreme fill")
            dashed = {"fc": "none", "ec": color, "lw": 1.1, "ls": (0, (3, 2)), "zorder": 2}
            _bar(ax, left, right, bottom, height, **dashed, label=f"{name}, extreme")
    return ax


def draw_points(lanes: pd.DataFrame, points: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw the days: a mark where a day is known, a bracket where it lies between two, a mark and an arrow where one bounds it.

    Columns and errors as in :func:`swimmer`.
    """
    lanes = _lanes(lanes)
    position = _position(lanes)
    for point in _points(lanes, points).itertuples():
        name = f"_{point.kind} of {point.lane}"
        y = position[point.lane] + (MARROW_SHIFT if point.kind == "mrd_negative" else 0)
        ends = [x for x in (point.lower, point.upper) if isfinite(x)]
        exact = len(ends) == 2 and ends[0] == ends[1]
        if point.kind == "hsct" and ends:
            face = style.INK if exact else "none"
            shown = ends[:1] if len(ends) == 1 or exact else ends
            ax.plot(
                shown,
                [y] * len(shown),
                ls="-",
                lw=1.0,
                marker="D",
                ms=6.2,
                mfc=face,
                mec=style.INK,
                mew=1.1,
                color=style.INK,
                zorder=4,
                label=name,
            )
        elif point.kind == "last_follow_up" and ends:
            ax.plot(
                ends,
                [y] * len(ends),
                lw=1.0,
                marker="|",
                ms=8,
                mew=1.2,
                color=style.MUTED,
                zorder=3,
                label=name,
            )
        elif point.kind == "mrd_negative" and exact:
            ax.plot(
                ends[:1],
                [y],
                ls="none",
                marker="o",
                ms=4.6,
                mfc="none",
                mec=style.INK,
                mew=1.1,
                zorder=3,
                label=name,
            )
        elif ends:
            ax.plot(
                ends,
                [y] * len(ends),
                lw=1.1,
                marker="|",
                ms=6.5,
                mew=1.1,
                color=style.INK,
                zorder=3,
                label=name,
            )
    return ax


def draw_arrows(lanes: pd.DataFrame, spans: pd.DataFrame, points: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw the arrows: where a side has no bound, and where a span is ongoing at its last known day.

    Columns and errors as in :func:`swimmer`.
    """
    lanes = _lanes(lanes)
    position = _position(lanes)
    for span in _spans(lanes, spans).itertuples():
        y, color = position[span.lane], SPAN_KINDS[span.kind][0]
        name = f"_{span.kind} of {span.lane}"
        if span.place.open_left is not None and span.kind != "gap":
            arrow(ax, span.place.open_left, y, -ARROW_POINTS, color=color, label=f"{name}, or earlier")
        if span.place.open_right is not None and span.kind != "gap":
            arrow(ax, span.place.open_right, y, ARROW_POINTS, color=color, label=f"{name}, or later")
        elif span.ongoing and span.place.extent:
            at = style.points_from(ax.transData, ax.get_figure(), x=4)
            ax.plot(
                [span.place.extent[1]],
                [y],
                marker=">",
                ms=8.5,
                mfc=color,
                mec="none",
                ls="none",
                transform=at,
                clip_on=False,
                label=f"{name}, ongoing",
            )
    for point in _points(lanes, points).itertuples():
        y = position[point.lane] + (MARROW_SHIFT if point.kind == "mrd_negative" else 0)
        name = f"_{point.kind} of {point.lane}"
        # A transplant lies on the bar, where its arrow would be lost.
        lower = style.points_from(ax.transData, ax.get_figure(), y=-7.5) if point.kind == "hsct" else None
        if point.lower == -inf and isfinite(point.upper):
            arrow(
                ax,
                point.upper,
                y,
                -2 * ARROW_POINTS,
                color=style.INK,
                label=f"{name}, or earlier",
                transform=lower,
            )
        if point.upper == inf and isfinite(point.lower):
            arrow(
                ax,
                point.lower,
                y,
                2 * ARROW_POINTS,
                color=style.INK,
                label=f"{name}, or later",
                transform=lower,
            )
    return ax


def _room(spans: pd.DataFrame, points: pd.DataFrame, inches: float) -> tuple[float, float]:
    """Limits of the day axis, ``inches`` wide, that leave room for the arrows and for what is written beside them."""
    reach = [(x, 0.04, 0.04) for x in [*points["lower"], *points["upper"]] if isfinite(x)]
    beside = (ARROW_POINTS + 4) / 72
    for span in spans.itertuples():
        if span.place.extent is None:
            continue
        left, right = span.place.extent
        earlier = (
            beside + style.text_width("or earlier", style.SMALL) if span.place.open_left is not None else 0.04
        )
        later = (
            beside + style.text_width("or later", style.SMALL) if span.place.open_right is not None else 0.2
        )
        reach += [(left, earlier, 0.0), (right, 0.0, later)]
    if not reach:
        return 0.0, 1.0
    low, high = min(x for x, _, _ in reach), max(x for x, _, _ in reach)
    first, last = low, high if high > low else low + 1
    # The room is in inches and the scale depends on it: a few rounds settle both.
    for _ in range(30):
        scale = (high - low) / inches if high > low else 1 / inches
        low = min(x - before * scale for x, before, _ in reach)
        high = max(max(x + after * scale for x, _, after in reach), low + (last - first))
    return low, high


@style.styled
def swimmer(
    lanes: pd.DataFrame,
    spans: pd.DataFrame,
    points: pd.DataFrame,
    *,
    ax: Axes | None = None,
    xlabel: str = "days",
    xlim: tuple[float, float] | None = None,
    key: bool | dict[str, str] = True,
) -> Axes:
    """Draw one lane for each child: what was given, for how long, and on which days what was found.

    Parameters
    ----------
    lanes : columns ``lane`` (id, unique), ``label``; optional ``sublabel``. Drawn from the top in the order of the
        rows.
    spans : columns ``lane``, ``kind`` ("infusion", "follow_up" or "gap"), ``start_lower``, ``start_upper``,
        ``end_lower``, ``end_upper``; optional ``length_lower``, ``length_upper`` (default 0 and inf), ``label``,
        ``ongoing`` (bool: an arrow at the end). All in days on one origin; -inf or inf where nothing bounds a side.
    points : columns ``lane``, ``kind`` ("hsct", "mrd_negative" or "last_follow_up"), ``lower``, ``upper`` (days, as
        above); optional ``label``.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made. The lanes' labels hang in the margin left
        of the axes.
    xlabel : what the days are counted from.
    xlim : first and last day of the axis; without it, all that is known and room for the arrows.
    key : whether to explain the marks under the axes; or other words for its entries ("infusion", "possible",
        "extreme", "hsct", "mrd_negative", "follow_up").

    Returns
    -------
    The axes.

    Raises
    ------
    CasebookError
        A column is missing, a lane or kind is unknown, an interval is reversed, or the bounds of a span contradict
        each other; the message names every such row and column.
    """
    lanes = _lanes(lanes)
    placed, days = _spans(lanes, spans), _points(lanes, points)
    labels = [*lanes["label"], *lanes["sublabel"]]
    gutter = max(
        (
            style.text_width(words, size)
            for words, size in zip(
                labels, [style.BASE] * len(lanes) + [style.SMALL] * len(lanes), strict=True
            )
        ),
        default=0.0,
    )
    gutter += GUTTER_GAP
    keys = key_lines(key_of(placed, days) if key else [], key if isinstance(key, dict) else {})
    if ax is None:
        inches = style.WIDTH - gutter - 0.1
        ax = style.new_axes(
            LANE_INCHES * len(lanes),
            left=gutter + 0.03,
            right=0.07,
            bottom=0.56 + KEY_LINE * len(keys),
            top=0.06,
        )
    inches = ax.get_position().width * ax.get_figure().get_figwidth()
    ax.set_xlim(xlim or _room(placed, days, inches))
    ax.set_ylim(len(lanes) - 0.5, -0.5)

    draw_spans(lanes, spans, ax=ax)
    draw_points(lanes, points, ax=ax)
    draw_arrows(lanes, spans, points, ax=ax)
    write(ax, lanes, placed, days)

    for y, lane in enumerate(lanes.itertuples()):
        for words, shift, size, color in (
            (lane.label, 2.5, style.BASE, style.INK),
            (lane.sublabel, -10, style.SMALL, style.MUTED),
        ):
            move = style.points_from(ax.get_yaxis_transform(), ax.get_figure(), x=-gutter * 72, y=shift)
            ax.text(0, y, words, transform=move, fontsize=size, color=color)
        if y:
            ax.plot(
                (0, 1),
                (y - 0.5,) * 2,
                transform=ax.get_yaxis_transform(),
                color=style.RULE,
                lw=0.6,
                zorder=0,
                label="_rule",
            )
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(day_locator(ax.get_xlim()))
    ax.set_xlabel(xlabel, labelpad=3)
    draw_key(ax, keys, below=0.64)
    return ax
