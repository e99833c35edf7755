"""One child's MRD over the clocks of a report: one panel for each, and a break where nothing ties two together."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from casebook.errors import CasebookError
from casebook.figures import _frames, style
from casebook.figures._blocks import draw_blocks, label_rows
from casebook.figures._levels import draw_levels, floor_of, name_band
from casebook.figures._readings import Page, draw_readings, join, looks_of, write_labels

PLOT_INCHES = 2.35
BREAK_INCHES = 0.17
LINE_INCHES = 0.165
LEFT, RIGHT = 0.56, 0.06

PANEL_COLUMNS = ("panel", "label", "lower", "upper")
PANEL_DEFAULTS = {"width_share": 1.0, "ordered_only": False}
READING_COLUMNS = ("panel", "analyte", "x_lower", "x_upper", "y_lower", "y_upper")
READING_DEFAULTS = {"label": "", "span": False}
BLOCK_COLUMNS = ("panel", "start_lower", "start_upper", "end_lower", "end_upper", "label", "kind")
BLOCK_KINDS = ("treatment", "infusion", "hsct")


def _checked(panels, readings, blocks, detection_limit):
    if not (isfinite(detection_limit) and detection_limit > 0):
        raise CasebookError(f"detection_limit: found {detection_limit!r}, expected a percentage above 0")
    panels = _frames.require(panels, "panels", PANEL_COLUMNS, PANEL_DEFAULTS)
    _frames.unique(panels, "panels", "panel")
    panels = _frames.bounds(panels, "panels", ("lower", "upper"), finite=True)
    _frames.fail(
        "panels",
        [
            f"row {row!r}, columns 'lower' and 'upper': an axis from {x:g} to {x:g}"
            for row, x, y in zip(panels.index, panels["lower"], panels["upper"], strict=True)
            if x == y
        ],
    )
    readings = _frames.require(readings, "readings", READING_COLUMNS, READING_DEFAULTS)
    _frames.members(readings, "readings", "panel", panels["panel"])
    readings = _frames.bounds(readings, "readings", ("x_lower", "x_upper"))
    readings = _frames.bounds(readings, "readings", ("y_lower", "y_upper"), finite=True)
    _frames.fail(
        "readings",
        [
            f"row {row!r}, column 'y_lower': found {y:g}, expected a percentage of 0 or more"
            for row, y in readings["y_lower"].items()
            if y < 0
        ],
    )
    blocks = _frames.require(
        pd.DataFrame(columns=list(BLOCK_COLUMNS)) if blocks is None else blocks, "blocks", BLOCK_COLUMNS
    )
    _frames.members(blocks, "blocks", "panel", panels["panel"])
    _frames.members(blocks, "blocks", "kind", BLOCK_KINDS)
    blocks = _frames.bounds(blocks, "blocks", ("start_lower", "start_upper"), ("end_lower", "end_upper"))
    return panels, readings, blocks


def _number(x: float) -> str:
    return f"{round(x, 1):g}".replace("-", "\N{MINUS SIGN}")


def _wishes(panel, readings: pd.DataFrame, blocks: pd.DataFrame) -> list[tuple[float, float, int]]:
    """What a panel's axis would mark, as (from, to, rank): days tie it down, intervals say more, ends give a scale."""
    mine, given = readings[readings["panel"] == panel.panel], blocks[blocks["panel"] == panel.panel]
    lasting = mine["span"].astype(bool)
    days = [*mine.loc[~lasting, ["x_lower", "x_upper"]].itertuples(index=False, name=None)]
    days += [*given[["start_lower", "start_upper"]].itertuples(index=False, name=None)]
    days += [
        *given.loc[given["kind"] != "hsct", ["end_lower", "end_upper"]].itertuples(index=False, name=None)
    ]
    days += [(x, x) for x in mine.loc[lasting, "x_upper"]]
    days = [*dict.fromkeys((x, y) for x, y in days if panel.lower <= x and y <= panel.upper)]
    wishes = [(x, y, int(x < y)) for x, y in days]
    # One interval or two days give a scale already.
    if len(days) < 2 and not any(x < y for x, y in days):
        wishes += [(x, x, 2) for x in (panel.lower, panel.upper)]
    return wishes


def _ticks(
    panels, readings: pd.DataFrame, blocks: pd.DataFrame, lefts: dict, widths: dict
) -> dict[str, dict[float, str]]:
    """For each panel, ticks where something is known to have happened, as far as no two labels in the figure meet."""
    wishes = [
        (rank, high - low, panel, low, high)
        for panel in panels.itertuples()
        if not panel.ordered_only
        for low, high, rank in _wishes(panel, readings, blocks)
    ]
    ticks: dict[str, dict[float, str]] = {panel: {} for panel in panels["panel"]}
    taken: list[tuple[float, float]] = []
    for _, _, panel, low, high in sorted(wishes, key=lambda wish: wish[:2]):
        middle = (low + high) / 2
        words = _number(low) if low == high else f"{_number(low)}–{_number(high)}"
        at = lefts[panel.panel] + (middle - panel.lower) / (panel.upper - panel.lower) * widths[panel.panel]
        half = style.text_width(words, style.SMALL) / 2 + 0.035
        if all(at + half <= left or at - half >= right for left, right in taken):
            ticks[panel.panel][middle] = words
            taken.append((at - half, at + half))
    return ticks


def _title(ax: Axes, looks: dict, lift: float) -> None:
    """The analytes by their marks, ``lift`` inches above the first panel: the unit stands on the axis."""
    figure = ax.get_figure()
    x = -LEFT * 72 + 6
    for analyte, look in looks.items():
        at = style.points_from(ax.transAxes, figure, x=x, y=lift * 72)
        ax.plot(
            [0],
            [1],
            marker=look.marker,
            ms=5.6,
            mfc=look.color,
            mec=look.color,
            ls="none",
            transform=at,
            clip_on=False,
            label=f"_key {analyte}",
        )
        at = style.points_from(ax.transAxes, figure, x=x + 8, y=lift * 72)
        ax.text(0, 1, analyte, color=look.color, fontsize=style.BASE, va="center_baseline", transform=at)
        x += 8 + style.text_width(analyte, style.BASE) * 72 + 16


def _break(ax: Axes, side: float) -> None:
    """Two strokes at the end of an axis: here the clock stops, and another begins."""
    figure = ax.get_figure()
    at = style.points_from(ax.transAxes, figure, x=-0.6 if side else 0.6)
    ax.plot(
        [side],
        [0],
        marker=[(-0.5, -1), (0.5, 1)],
        ms=9,
        mew=0.9,
        color=style.MUTED,
        ls="none",
        transform=at,
        clip_on=False,
        label="_break",
    )


@style.styled
def trajectory(
    panels: pd.DataFrame,
    readings: pd.DataFrame,
    blocks: pd.DataFrame | None = None,
    *,
    detection_limit: float = 0.01,
    axes: Sequence[Axes] | None = None,
) -> np.ndarray:
    """Draw one child's MRD and fusion gene on a log scale, one panel for each clock that the readings were dated by.

    Parameters
    ----------
    panels : columns ``panel`` (id, unique), ``label`` (what the axis counts, with its unit), ``lower``, ``upper``
        (ends of the axis); optional ``width_share`` (default 1), ``ordered_only`` (bool: places give an order, no
        ticks). Drawn from the left.
    readings : columns ``panel``, ``analyte`` ("MRD" or the name of a fusion gene), ``x_lower``, ``x_upper`` (on the
        panel's clock; -inf or inf where nothing bounds a side), ``y_lower``, ``y_upper`` (percent; ``y_lower`` 0:
        below ``y_upper``, no more is known); optional ``label`` (as printed), ``span`` (bool: a state that lasts from
        ``x_lower`` to ``x_upper``). In order of time.
    blocks : columns ``panel``, ``start_lower``, ``start_upper``, ``end_lower``, ``end_upper`` (on the panel's clock),
        ``label``, ``kind`` ("treatment", "infusion" or "hsct"; of a transplant only the start is used).
    detection_limit : percent; the band below it is where no assay here could see.
    axes : one Axes for each panel; without them a figure 4.6 inches wide is made.

    Returns
    -------
    An array of the Axes, one for each panel.

    Raises
    ------
    CasebookError
        A column is missing, a panel or kind is unknown, an interval is reversed, a percentage is below 0; or the
        number of axes is not that of the panels. The message names every such row and column.
    """
    panels, readings, blocks = _checked(panels, readings, blocks, detection_limit)
    if axes is not None and len(axes) != len(panels):
        raise CasebookError(f"axes: found {len(axes)}, expected {len(panels)}, one for each row of panels")
    looks = looks_of(readings["analyte"])
    top = max([10 * detection_limit, *(2.6 * readings["y_upper"])])
    floor = floor_of(detection_limit)

    if axes is None:
        room = style.WIDTH - LEFT - RIGHT - BREAK_INCHES * (len(panels) - 1)
        widths = dict(
            zip(panels["panel"], room * panels["width_share"] / panels["width_share"].sum(), strict=True)
        )
        rows = label_rows(blocks, panels, widths)
        clocks = [
            style.wrap(label, widths[panel] + 0.1)
            for panel, label in zip(panels["panel"], panels["label"], strict=True)
        ]
        lines = max((clock.count("\n") + 1 for clock in clocks), default=1)
        above = 0.06 + LINE_INCHES * (max((row for row, _, _ in rows), default=-1) + 1)
        bottom, height = 0.27 + LINE_INCHES * lines, PLOT_INCHES
        figure = style.new_figure(bottom + height + above + 0.24)
        axes, left = [], LEFT
        for wide in widths.values():
            box = (
                left / style.WIDTH,
                bottom / figure.get_figheight(),
                wide / style.WIDTH,
                height / figure.get_figheight(),
            )
            axes.append(figure.add_axes(box))
            left += wide + BREAK_INCHES
    else:
        figure = axes[0].get_figure()
        widths = {
            name: ax.get_position().width * figure.get_figwidth()
            for name, ax in zip(panels["panel"], axes, strict=True)
        }
        rows = label_rows(blocks, panels, widths)
        clocks = [
            style.wrap(label, widths[panel] + 0.1)
            for panel, label in zip(panels["panel"], panels["label"], strict=True)
        ]
        above = 0.06 + LINE_INCHES * (max((row for row, _, _ in rows), default=-1) + 1)

    edge = axes[0].get_position().x0
    lefts = {
        name: (ax.get_position().x0 - edge) * figure.get_figwidth()
        for name, ax in zip(panels["panel"], axes, strict=True)
    }
    ticks = _ticks(panels, readings, blocks, lefts, widths)
    by_panel = dict(zip(panels["panel"], axes, strict=True))
    for i, (panel, ax) in enumerate(zip(panels.itertuples(), axes, strict=True)):
        draw_levels(ax, detection_limit, top)
        ax.set_xlim(panel.lower, panel.upper)
        ax.tick_params(axis="y", labelleft=not i)
        ax.set_xticks(list(ticks[panel.panel]), list(ticks[panel.panel].values()))
        ax.set_xlabel("")
        ax.annotate(
            clocks[i],
            (0.5, 0),
            (0, -18),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=style.SMALL,
            color=style.MUTED,
            linespacing=1.15,
        )
        if i:
            _break(ax, 0)
        if i < len(panels) - 1:
            _break(ax, 1)
        draw_blocks(ax, blocks[blocks["panel"] == panel.panel])
        draw_readings(ax, readings[readings["panel"] == panel.panel], looks, detection_limit, floor)

    first = axes[0]
    name_band(first, detection_limit)
    _title(first, looks, above + 0.1)
    for block, (row, start, left) in zip(blocks.itertuples(), rows, strict=True):
        ax = by_panel[block.panel]
        color = {"infusion": style.ACCENT, "hsct": style.INK}.get(block.kind, style.MUTED)
        at = style.points_from(ax.transAxes, figure, x=left * 72, y=4 + row * LINE_INCHES * 72)
        ax.text(0, 1, block.label, transform=at, color=color, fontsize=style.SMALL)
        if row:
            up = 1 + (2 + row * LINE_INCHES * 72) / 72 / (ax.get_position().height * figure.get_figheight())
            at = style.points_from(ax.transAxes, figure, x=start * 72)
            ax.plot(
                [0, 0],
                [1, up],
                transform=at,
                color=color,
                lw=0.7,
                alpha=0.6,
                clip_on=False,
                label=f"_to {block.label}",
            )

    spots = {
        panel.panel: (lefts[panel.panel], widths[panel.panel], panel.lower, panel.upper)
        for panel in panels.itertuples()
    }
    page = Page(spots, first.get_position().height * figure.get_figheight(), floor, top)
    joins = join(by_panel, readings, looks, figure)
    lines = [
        (block.panel, x)
        for block in blocks.itertuples()
        if block.kind == "hsct"
        for x in (block.start_lower, block.start_upper)
        if isfinite(x)
    ]
    write_labels(by_panel, readings, looks, joins, lines, page, detection_limit)
    return np.array(axes, dtype=object)
