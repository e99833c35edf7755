"""Curves that are steps: thinned to what the page can show, as outlines, stacked, and their names spread apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CELLS = 150
"""Cells to the inch: two for each pixel of a figure 4.6 inches wide that is read at 360 pixels."""


def value_at(time: np.ndarray, value: np.ndarray, at) -> np.ndarray:
    """The value of a step function at these times; each step holds from its own time on, none before the first."""
    return value[np.searchsorted(time, at, side="right") - 1]


def thin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Positions (in order) of the steps that have to be drawn, of steps at ``x`` to the height ``y``, both in inches.

    What is left out changes the line by less than a cell: of the steps in one column of cells the last is kept, and the
    highest and lowest where the line went there and back; of the steps within one row, the first. Few steps are all kept.
    """
    if len(x) <= CELLS:
        return np.arange(len(x))
    column, row = np.floor(x * CELLS), np.floor(y * CELLS)
    last = np.flatnonzero(np.append(column[1:] != column[:-1], True))
    first = np.append(0, last[:-1] + 1)
    before = y[np.maximum(first - 1, 0)]
    order = np.lexsort((y, column))  # within each column from the lowest to the highest
    lowest, highest = order[first], order[last]
    aside = [
        lowest[y[lowest] < np.minimum(before, y[last])],
        highest[y[highest] > np.maximum(before, y[last])],
    ]
    kept = np.unique(np.concatenate([[0], last, *aside]))
    moved = np.append(True, row[kept][1:] != row[kept][:-1])
    moved[-1] = True  # the line ends where it ends
    return kept[moved]


def corners(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners of a line that steps to the height ``y`` at ``x``."""
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]


def stacked(times: Sequence[np.ndarray], values: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Step functions put on each other: their common times (m,), and the sum up to each of them (k, m).

    A function is as high after its last time as at it.
    """
    time = np.unique(np.concatenate(times))
    return time, np.cumsum([value_at(t, v, time) for t, v in zip(times, values, strict=True)], axis=0)


def spread(wanted: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Middles near those ``wanted`` (from the highest down) at which things of these ``sizes`` do not overlap.

    They stay between ``low`` and ``high`` if there is room for all; else they begin at ``high``.
    """
    middles, top = [], high
    for middle, size in zip(wanted, sizes, strict=True):
        middles.append(min(middle, top - size / 2))
        top = middles[-1] - size / 2
    # What was pushed below the bottom moves up again, and pushes what is over it.
    bottom = min(low, high - sum(sizes)) if sum(sizes) > high - low else low
    for i in reversed(range(len(middles))):
        middles[i] = max(middles[i], bottom + sizes[i] / 2)
        bottom = middles[i] + sizes[i] / 2
    return middles
