"""Names of lines at their ends: in the right margin, moved apart, each tied to what it names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from casebook.figures import _steps, _words, style

GAP = 0.1  # inches from the plot to the names
NAME_INCHES = 0.9  # the widest name


class End(NamedTuple):
    """A name and where what it names ends, in data."""

    name: str
    x: float
    y: float
    color: object


def right_margin(names: Sequence[str]) -> float:
    """Inches that these names need to the right of the plot."""
    return (
        GAP
        + max(style.text_width(style.wrap(name, NAME_INCHES, style.SMALL), style.SMALL) for name in names)
        + 0.05
    )


def name_ends(ax: Axes, ends: Sequence[End]) -> None:
    """Write every name at the height of its end; of ends alike, in the order given."""
    wide, high = _words.inches(ax)
    (left, right), (low, top) = ax.get_xlim(), ax.get_ylim()
    ends = sorted(ends, key=lambda end: -round(end.y, 6))
    words = [style.wrap(end.name, NAME_INCHES, style.SMALL) for end in ends]
    heights = [float(np.clip((end.y - low) / (top - low), 0, 1)) * high for end in ends]
    sizes = [_words.LINE * (name.count("\n") + 1) for name in words]
    middles = _steps.spread(heights, sizes, -0.08, high + 0.1)
    for end, name, height, middle in zip(ends, words, heights, middles, strict=True):
        at = style.points_from(ax.transAxes, ax.get_figure(), x=(wide + GAP) * 72, y=middle * 72)
        ax.text(
            0, 0, name, transform=at, fontsize=style.SMALL, color=end.color, va="center", linespacing=1.15
        )
        x = (end.x - left) / (right - left) * wide
        if wide + GAP - x > 0.3 or abs(middle - height) > 0.04:
            first = [x + 0.03] if x < wide - 0.05 else []
            path = [*first, wide + 0.015, wide + GAP - 0.025]
            ax.plot(
                np.array(path) / wide,
                np.array([height] * (len(path) - 1) + [middle]) / high,
                transform=ax.transAxes,
                color=end.color,
                lw=0.8,
                ls=(0, (1, 2)),
                zorder=2,
                clip_on=False,
                label=f"_tie {end.name}",
            )
