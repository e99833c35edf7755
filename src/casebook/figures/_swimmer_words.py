"""What is written in a swimmer plot: labels beside their marks, and the key that explains the marks."""

from __future__ import annotations

from math import isfinite

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator
from matplotlib.transforms import ScaledTranslation

from casebook.figures import style
from casebook.figures._marks import ARROW_POINTS

LABEL_POINTS = 11.0  # above the lane's middle
BELOW_POINTS = -27.5
KEY_LINE = 0.2  # inches
KEY_MARK = 0.29
KEY = {
    "infusion": "blinatumomab",
    "possible": "possibly",
    "extreme": "only bounded on one side",
    "hsct": "HSCT",
    "mrd_negative": "marrow negative in here",
    "follow_up": "follow-up goes on",
}


def write(ax: Axes, lanes: pd.DataFrame, spans: pd.DataFrame, points: pd.DataFrame) -> None:
    """Write each label above its mark, or below where others stand already."""
    figure = ax.get_figure()
    inches = ax.get_position().width * figure.get_figwidth()
    low, high = ax.get_xlim()

    def text(x, y, words, shift, color, ha="left", va="baseline", dx=0.0):
        move = style.points_from(ax.transData, figure, x=dx, y=shift)
        ax.text(x, y, words, color=color, fontsize=style.SMALL, ha=ha, va=va, transform=move)

    for y, lane in enumerate(lanes["lane"]):
        above: list[tuple[float, float]] = []
        below: list[tuple[float, float]] = []
        mine = spans[(spans["lane"] == lane) & (spans["kind"] != "gap")]
        for span in mine.itertuples():
            color = style.ACCENT if span.kind == "infusion" else style.MUTED
            if span.place.open_left is not None:
                text(
                    span.place.open_left,
                    y,
                    "or earlier",
                    0,
                    color,
                    "right",
                    "center_baseline",
                    -ARROW_POINTS - 4,
                )
            if span.place.open_right is not None:
                text(
                    span.place.open_right,
                    y,
                    "or later",
                    0,
                    color,
                    "left",
                    "center_baseline",
                    ARROW_POINTS + 4,
                )
        wishes = []
        for span in mine.itertuples():
            if span.label and span.place.extent:
                start = (span.place.extent[0] - low) / (high - low) * inches
                wishes.append(
                    (start, span.label, style.ACCENT if span.kind == "infusion" else style.MUTED, above)
                )
        for point in points[points["lane"] == lane].itertuples():
            ends = [x for x in (point.lower, point.upper) if isfinite(x)]
            if point.label and ends:
                middle = (sum(ends) / len(ends) - low) / (high - low) * inches
                row = below if point.kind == "mrd_negative" else above
                wishes.append(
                    (middle - style.text_width(point.label, style.SMALL) / 2, point.label, style.INK, row)
                )
        for span in spans[(spans["lane"] == lane) & (spans["kind"] == "gap")].itertuples():
            if span.label and span.place.extent:
                middle = (sum(span.place.extent) / 2 - low) / (high - low) * inches
                wishes.append(
                    (middle - style.text_width(span.label, style.SMALL) / 2, span.label, style.MUTED, below)
                )
        for left, words, color, row in sorted(wishes, key=lambda wish: (wish[0], wish[1])):
            wide = style.text_width(words, style.SMALL)
            left = max(left, max((end + 0.09 for _, end in row), default=0.0))
            left = max(min(left, inches - wide), 0.0) if not row else left
            row.append((left, left + wide))
            shift = LABEL_POINTS if row is above else BELOW_POINTS
            text(low + left / inches * (high - low), y, words, shift, color)


def key_lines(kinds: list[str], names: dict[str, str]) -> list[list[tuple[str, str, float]]]:
    """The entries of the key as lines of (kind, words, inches from the left), none wider than the page."""
    lines: list[list[tuple[str, str, float]]] = []
    x = 0.0
    for kind in kinds:
        words = names.get(kind, KEY[kind])
        wide = KEY_MARK + style.text_width(words, style.SMALL)
        if not lines or x + wide > style.WIDTH - 0.04:
            lines.append([])
            x = 0.0
        lines[-1].append((kind, words, x))
        x += wide + 0.15
    return lines


def draw_key(ax: Axes, lines: list[list[tuple[str, str, float]]], below: float) -> None:
    """What the marks mean, in the marks themselves, ``below`` inches under the axes."""
    figure = ax.get_figure()
    corner = figure.dpi_scale_trans + ScaledTranslation(0, 0, ax.transAxes)
    left = -ax.get_position().x0 * figure.get_figwidth() + 0.02
    for i, line in enumerate(lines):
        y = -below - i * KEY_LINE
        for kind, words, x in line:
            for mark in _glyph(kind, left + x, y):
                mark.set(transform=corner, clip_on=False)
                ax.add_artist(mark)
            ax.text(
                left + x + KEY_MARK,
                y,
                words,
                fontsize=style.SMALL,
                color=style.MUTED,
                va="center_baseline",
                transform=corner,
            )


def _glyph(kind: str, x: float, y: float) -> list:
    a, h = style.ACCENT, 0.055
    if kind == "infusion":
        return [Rectangle((x, y - h), 0.22, 2 * h, fc=a, ec="none", lw=0)]
    if kind == "possible":
        return [
            Rectangle((x, y - h), 0.22, 2 * h, fc=a, ec="none", alpha=style.TINT, lw=0),
            Line2D([x + 0.22] * 2, [y - h, y + h], color=a, lw=1),
        ]
    if kind == "extreme":
        return [Rectangle((x, y - h), 0.22, 2 * h, fc="none", ec=a, lw=1.1, ls=(0, (3, 2)))]
    if kind == "hsct":
        return [Line2D([x + 0.11], [y], marker="D", ms=5.4, mfc=style.INK, mec=style.INK, ls="none")]
    if kind == "mrd_negative":
        return [Line2D([x, x + 0.22], [y, y], marker="|", ms=6.5, mew=1.1, lw=1.1, color=style.INK)]
    return [
        Rectangle((x, y - 0.025), 0.15, 0.05, fc=style.MUTED, ec="none", lw=0),
        Line2D([x + 0.19], [y], marker=">", ms=4.4, mfc=style.MUTED, mec="none", ls="none"),
    ]


def key_of(spans: pd.DataFrame, points: pd.DataFrame) -> list[str]:
    """The kinds of marks that these spans and points need, in the order of the key."""
    infusions = spans[spans["kind"] == "infusion"]
    kinds = {*spans["kind"], *points["kind"]}
    if any(place.possible and place.certain for place in infusions["place"]):
        kinds.add("possible")
    if any(place.outline for place in spans["place"]):
        kinds.add("extreme")
    return [kind for kind in KEY if kind in kinds]


def day_locator(limits: tuple[float, float]) -> MultipleLocator:
    """Ticks at weeks on a short axis and at months of 30 days on a long one."""
    span = limits[1] - limits[0]
    return MultipleLocator(next((step for step in (7, 14, 30, 60, 90, 180) if span / step <= 8), 360))
