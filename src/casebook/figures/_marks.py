"""Marks that the figures share: the arrow that stands for a side without a bound, and text that keeps clear of other text."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.text import Annotation

ARROW_POINTS = 17.0


def arrow(
    ax: Axes,
    x,
    y,
    dx: float = 0.0,
    dy: float = 0.0,
    *,
    color,
    label: str,
    width=1.1,
    transform=None,
    zorder=3,
) -> Annotation:
    """An arrow from (x, y), in data or ``transform``, by (dx, dy) points: its length means nothing, only its direction does."""
    mark = ax.annotate(
        "",
        xy=(x, y),
        xycoords=transform or ax.transData,
        xytext=(dx, dy),
        textcoords="offset points",
        # The head belongs at the far end, which is the annotation's text.
        arrowprops={
            "arrowstyle": "<|-,head_length=0.42,head_width=0.17",
            "color": color,
            "linewidth": width,
            "shrinkA": 0,
            "shrinkB": 0,
            "joinstyle": "miter",
        },
        annotation_clip=False,
        zorder=zorder,
    )
    mark.set_label(label)
    return mark


def dot(ax: Axes, x: float, y: float, size: float, *, color, label: str, zorder: float) -> None:
    """A round mark, ``size`` points wide, that tests find by its label."""
    ax.plot([x], [y], ls="none", marker="o", ms=size, color=color, zorder=zorder, label=label)


@dataclass(frozen=True)
class Box:
    """A rectangle on the page, in inches."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: Box) -> float:
        """The area shared with another box."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)

    def outside(self, other: Box) -> float:
        """How far, in inches, this box reaches beyond another."""
        return (
            max(other.left - self.left, 0.0)
            + max(self.right - other.right, 0.0)
            + max(other.bottom - self.bottom, 0.0)
            + max(self.top - other.top, 0.0)
        )


def first_clear(candidates: list[Box], taken: list[Box], inside: Box) -> int:
    """The first candidate that is inside and meets nothing; failing that, the one that does least harm."""
    harm = [sum(box.overlap(other) for other in taken) + box.outside(inside) for box in candidates]
    clear = next((i for i, value in enumerate(harm) if value < 1e-9), None)
    return clear if clear is not None else min(range(len(harm)), key=harm.__getitem__)


def rows_of(intervals: list[tuple[float, float]], gap: float) -> list[int]:
    """For each interval in turn, the lowest row in which it is clear of those before it."""
    rows: list[int] = []
    for left, right in intervals:
        met = {
            row
            for row, (low, high) in zip(rows, intervals, strict=False)
            if left < high + gap and right > low - gap
        }
        rows.append(next(row for row in range(len(met) + 1) if row not in met))
    return rows
