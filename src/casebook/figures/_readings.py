"""The readings of a trajectory: their marks, the lines that join them, and what is written beside them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, log10, sqrt

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import ConnectionPatch

from casebook.figures import style
from casebook.figures._marks import Box, arrow, first_clear

DOT_POINTS = 5.6


@dataclass(frozen=True)
class Look:
    color: str
    marker: str
    dodge: float  # points, so that two readings of one day are both seen; the data stay where they are


def looks_of(analytes: Sequence[str]) -> dict[str, Look]:
    """MRD in the accent, each fusion gene in the second hue and another shape."""
    others = [analyte for analyte in dict.fromkeys(analytes) if analyte != "MRD"]
    looks = {"MRD": Look(style.ACCENT, "o", -3.2 if others else 0.0)} if "MRD" in set(analytes) else {}
    markers = ("D", "s", "^", "v")
    for i, analyte in enumerate(others):
        looks[analyte] = Look(style.SECOND, markers[i % len(markers)], 3.2 if looks else 0.0)
    return looks


def draw_readings(ax: Axes, readings: pd.DataFrame, looks: dict, limit: float, floor: float) -> None:
    """The readings of one panel: a dot for a day, a bar for an interval, open and with an arrow down when below the limit."""
    figure = ax.get_figure()
    for reading in readings.itertuples():
        look = looks[reading.analyte]
        name = f"_{reading.analyte} {reading.Index}"
        censored = reading.y_lower <= 0
        y = reading.y_upper if censored else (reading.y_lower + reading.y_upper) / 2
        ends = [x for x in (reading.x_lower, reading.x_upper) if isfinite(x)]
        if not ends:
            continue
        # Two dots of one day stand side by side, two bars over the same days one above the other.
        dodge = look.dodge if _is_dot(ax, ends) else 0.0
        lift = 0.0 if dodge or not censored else -look.dodge / 2
        at = style.points_from(ax.transData, figure, x=dodge, y=lift)
        if reading.span:
            # A state that lasts is no reading of a day: it runs inside the band.
            y = sqrt(floor * limit) if censored else y
            at = style.points_from(ax.transData, figure, y=-look.dodge)
            thick = 4.5 if not look.dodge else 3.4
            ax.plot(
                ends,
                [y] * len(ends),
                color=look.color,
                lw=thick,
                alpha=0.5,
                zorder=2.5,
                label=name,
                transform=at,
            )
            ax.plot(
                ends,
                [y] * len(ends),
                color=look.color,
                lw=0,
                marker="|",
                ms=thick + 2.5,
                mew=1.1,
                zorder=2.6,
                label=f"{name}, ends",
                transform=at,
            )
        elif not _is_dot(ax, ends):
            ax.plot(
                ends,
                [y, y],
                color=look.color,
                lw=1.4,
                marker="|",
                ms=6.5,
                mew=1.4,
                zorder=3,
                label=name,
                transform=at,
            )
        else:
            face = "none" if censored else look.color
            ax.plot(
                [sum(ends) / len(ends)],
                [y],
                ls="none",
                marker=look.marker,
                ms=DOT_POINTS,
                mfc=face,
                mec=look.color,
                mew=1.2,
                zorder=4,
                label=name,
                transform=at,
            )
        middle = sum(ends) / len(ends)
        if censored and not reading.span:
            start = style.points_from(ax.transData, figure, x=look.dodge, y=-3 if _is_dot(ax, ends) else lift)
            arrow(ax, middle, y, 0, -13, color=look.color, transform=start, label=f"{name}, below")
        elif not censored and reading.y_lower < reading.y_upper:
            ax.plot(
                [middle] * 2,
                [reading.y_lower, reading.y_upper],
                color=look.color,
                lw=1.1,
                zorder=3,
                label=f"{name}, rounding",
                transform=at,
            )
        for unbounded, x, dx in (
            (reading.x_lower == -inf, ends[0], -15),
            (reading.x_upper == inf, ends[-1], 15),
        ):
            if unbounded:
                arrow(ax, x, y, dx, color=look.color, label=f"{name}, unbounded", transform=at)


def _is_dot(ax: Axes, ends: list[float]) -> bool:
    """Whether these days are drawn as a dot: one day, or an interval that a dot would cover."""
    low, high = ax.get_xlim()
    width = (max(ends) - min(ends)) / (high - low) * ax.get_position().width * ax.get_figure().get_figwidth()
    return width < DOT_POINTS / 72


def _knots(readings: pd.DataFrame, looks: dict, axes: dict) -> dict[str, list[tuple]]:
    """For each analyte its readings in order as (panel, x, y, dodge, censored): where the joining lines pass."""
    knots: dict[str, list[tuple]] = {analyte: [] for analyte in looks}
    for reading in readings.itertuples():
        ends = [x for x in (reading.x_lower, reading.x_upper) if isfinite(x)]
        if not ends or reading.span:
            continue
        censored = reading.y_lower <= 0
        y = reading.y_upper if censored else (reading.y_lower + reading.y_upper) / 2
        dodge = looks[reading.analyte].dodge if _is_dot(axes[reading.panel], ends) else 0.0
        knots[reading.analyte].append((reading.panel, sum(ends) / len(ends), y, dodge, censored))
    return knots


def join(axes: dict, readings: pd.DataFrame, looks: dict, figure) -> list[tuple]:
    """Join consecutive readings: a line within a panel, dashed where an end is only bounded, thin dots across a break."""
    drawn = []
    for analyte, knots in _knots(readings, looks, axes).items():
        for one, two in itertools.pairwise(knots):
            if one[4] and two[4]:
                continue
            (ax1, ax2), color = (axes[one[0]], axes[two[0]]), looks[analyte].color
            same = one[0] == two[0]
            line = ConnectionPatch(
                one[1:3],
                two[1:3],
                style.points_from(ax1.transData, figure, x=one[3]),
                style.points_from(ax2.transData, figure, x=two[3]),
                axesA=ax1,
                axesB=ax2,
                color=color,
                lw=1.1 if same else 0.8,
                ls=((0, (4, 2)) if one[4] or two[4] else "-") if same else (0, (1, 2.4)),
                alpha=0.85 if same else 0.55,
                shrinkA=4,
                shrinkB=4,
                zorder=1.5,
                label=f"_{analyte}, {'joined' if same else 'across'}",
            )
            line.set_clip_on(False)
            ax1.add_artist(line)
            drawn.append((one, two))
    return drawn


@dataclass(frozen=True)
class Page:
    """Where data lie on the page, in inches: panels by name to (left, width, first x, last x), and the shared log axis."""

    panels: dict[str, tuple[float, float, float, float]]
    height: float
    floor: float
    top: float

    def x(self, panel: str, x: float) -> float:
        left, width, low, high = self.panels[panel]
        return left + (x - low) / (high - low) * width

    def y(self, y: float) -> float:
        return log10(y / self.floor) / log10(self.top / self.floor) * self.height


def _candidates(x: float, y: float, wide: float, high: float, censored: bool) -> list[Box]:
    """Where a reading's label may stand, the best first: above, then beside, below, and further off."""
    up, down, middle, under = y + 0.085, y - 0.085 - high, x - wide / 2, y - 0.245 - high
    spots = [(middle + dx, up) for dx in (0, 0.1, -0.1, 0.2, -0.2)]
    spots += [(x - 0.05, up), (x + 0.05 - wide, up), (x + 0.1, y - high / 2), (x - 0.1 - wide, y - high / 2)]
    # Directly below a censored reading is its arrow.
    spots += [(middle + dx, under) for dx in (0, 0.1, -0.1)] if censored else []
    spots += [(middle, down), (x - 0.05, down), (x + 0.05 - wide, down)]
    spots += [(middle + dx, up) for dx in (0.35, -0.35, 0.45, -0.45, 0.55, -0.55)]
    spots += [
        (middle + dx, y + dy)
        for dy in (0.17, 0.26, 0.35, -0.3, -0.4)
        for dx in (-0.35, -0.25, -0.15, 0, 0.15, 0.25, 0.35)
    ]
    return [Box(left, bottom, left + wide, bottom + high) for left, bottom in spots]


def write_labels(
    axes: dict[str, Axes],
    readings: pd.DataFrame,
    looks: dict,
    joins: list,
    lines: list[tuple[str, float]],
    page: Page,
    limit: float,
) -> None:
    """Write what was printed beside each reading, clear of the marks, the joins, the upright ``lines`` and each other."""
    high = style.SMALL / 72 * 0.98
    taken = [Box(page.x(panel, x) - 0.045, 0.0, page.x(panel, x) + 0.045, page.height) for panel, x in lines]
    for one, two in joins:
        (x1, y1), (x2, y2) = ((page.x(k[0], k[1]) + k[3] / 72, page.y(k[2])) for k in (one, two))
        steps = 24
        for i in range(steps + 1):
            x, y = x1 + (x2 - x1) * i / steps, y1 + (y2 - y1) * i / steps
            taken.append(Box(x - 0.012, y - 0.012, x + 0.012, y + 0.012))
    wishes = []
    for reading in readings.itertuples():
        ends = [x for x in (reading.x_lower, reading.x_upper) if isfinite(x)]
        if not ends:
            continue
        censored = reading.y_lower <= 0
        value = reading.y_upper if censored else (reading.y_lower + reading.y_upper) / 2
        y = page.y(sqrt(page.floor * limit) if reading.span and censored else value)
        dodge = looks[reading.analyte].dodge / 72 if _is_dot(axes[reading.panel], ends) else 0.0
        left, right = page.x(reading.panel, ends[0]) + dodge, page.x(reading.panel, ends[-1]) + dodge
        taken.append(
            Box(
                left - 0.055, y - (0.24 if censored and not reading.span else 0.055), right + 0.055, y + 0.055
            )
        )
        wishes.append((reading, (left + right) / 2, y))
    # Levels first, the highest before all: it has free space above it, which a lower neighbour's label would take.
    for reading, x, y in sorted(
        wishes, key=lambda wish: (wish[0].y_lower <= 0, -wish[2] * (wish[0].y_lower > 0))
    ):
        if not reading.label:
            continue
        start, width, _low, _ = page.panels[reading.panel]
        # A label may reach into half of the break on either side, and no further.
        inside = Box(start - 0.08, 0.02, start + width + 0.08, page.height)
        wide = style.text_width(reading.label, style.SMALL)
        spots = _candidates(x, y, wide, high, reading.y_lower <= 0)
        box = spots[first_clear(spots, taken, inside)]
        taken.append(Box(box.left - 0.02, box.bottom, box.right + 0.02, box.top))
        axes[reading.panel].text(
            (box.left - start) / width,
            (box.bottom + 0.022) / page.height,
            reading.label,
            transform=axes[reading.panel].transAxes,
            color=looks[reading.analyte].color,
            fontsize=style.SMALL,
            zorder=5,
        )
