"""The axis of levels: percent on a log scale, and the band below the detection limit in which nothing more is known."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from casebook.figures import style

BAND_DECADES = 0.62
"""Height of the band below the detection limit: enough for an arrow and for a lasting state."""


def floor_of(detection_limit: float) -> float:
    """Find the lower end of the axis, in percent."""
    return detection_limit * 10**-BAND_DECADES


def draw_levels(ax: Axes, detection_limit: float, top: float) -> None:
    """Set the axis from the band's floor to ``top`` (percent), with a line for each power of ten above the limit."""
    floor = floor_of(detection_limit)
    ax.set_yscale("log")
    ax.set_ylim(floor, top)
    ax.axhspan(floor, detection_limit, fc=style.INK, alpha=0.08, lw=0, zorder=0, label="_below the limit")
    ax.yaxis.set_major_locator(
        FixedLocator([10.0**k for k in range(-6, 3) if detection_limit <= 10.0**k <= top])
    )
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}%"))
    ax.grid(axis="y")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def name_band(ax: Axes, detection_limit: float) -> None:
    """Write what the band is, where the labels of the axis stand."""
    at = style.points_from(ax.get_yaxis_transform(), ax.get_figure(), x=-3.5)
    middle = (floor_of(detection_limit) * detection_limit) ** 0.5
    ax.text(
        0, middle, "below", transform=at, ha="right", va="center", fontsize=style.SMALL, color=style.MUTED
    )
