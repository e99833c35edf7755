"""The numbers under a survival curve: how many were at risk, had failed or were censored at each tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _words, style

HEADINGS = {"n": "at risk", "events": "events so far", "censored": "censored so far"}
GAP = 0.06  # inches, over a heading
BETWEEN = 0.08  # inches, at least, between two numbers


class Row(NamedTuple):
    """One line of the table, ``y`` inches under its top: a heading, or the numbers of a curve."""

    heading: str
    curve: str
    cells: list[tuple[float, str]]
    y: float


def checked(at_risk: pd.DataFrame, curves: Sequence[str]) -> pd.DataFrame:
    """The frame with times and numbers as floats, one row a curve and time, only of these curves."""
    frame = _frames.require(at_risk, "at_risk", ("curve", "time", "n"))
    columns = [column for column in HEADINGS if column in frame.columns]
    _frames.members(frame, "at_risk", "curve", curves)
    frame = _evidence.numbers(frame, "at_risk", "time", *columns)
    _frames.fail(
        "at_risk",
        [
            f"row {row!r}, column {column!r}: found {value:g}, expected 0 or more"
            for column in ("time", *columns)
            for row, value in frame.loc[frame[column] < 0, column].items()
        ]
        + [
            f"row {row!r}: the curve {frame.at[row, 'curve']!r} at {frame.at[row, 'time']:g} stands twice"
            for row in frame.index[frame.duplicated(["curve", "time"])]
        ],
    )
    return frame


def number(value: float) -> str:
    """A number of patients; weights that are not whole have one decimal."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def rows(frame: pd.DataFrame, names: Mapping[str, str]) -> tuple[list[Row], float]:
    """The lines of the table and its height in inches; ``names`` are the words of each curve, with their line breaks."""
    found, y = [], 0.0
    for column, heading in HEADINGS.items():
        if column not in frame.columns:
            continue
        y += GAP if found else 0.0
        found.append(Row(heading, "", [], y + _words.LINE / 2))
        y += _words.LINE
        for curve, words in names.items():
            mine = frame[frame["curve"] == curve].sort_values("time")
            high = _words.LINE * (words.count("\n") + 1)
            cells = [(time, number(value)) for time, value in mine[["time", column]].itertuples(index=False)]
            found.append(Row("", curve, cells, y + high / 2))
            y += high
    return found, y


def widest(table: Sequence[Row]) -> float:
    """Width in inches of the widest number."""
    return max((style.text_width(text, style.SMALL) for row in table for _, text in row.cells), default=0.0)


def fits(table: Sequence[Row], ticks: Sequence[float], inch: float) -> None:
    """Raise CasebookError if numbers or ticks, ``inch`` inches to a unit of time, would run into each other."""
    labels = (style.text_width(f"{tick:.10g}", style.SMALL) for tick in ticks)
    need = max(widest(table), *labels, 0.0) + BETWEEN
    close = [(a, b) for a, b in pairwise(ticks) if (b - a) * inch < need]
    if close:
        a, b = close[0]
        raise CasebookError(
            f"at_risk, column 'time': found {a:g} and {b:g}, which stand too close for their numbers; "
            f"expected {need / inch:.3g} or more between two times"
        )


def draw(
    ax: Axes,
    table: Sequence[Row],
    down: float,
    names: Mapping[str, str],
    colors: Mapping[str, object],
    right: float,
) -> None:
    """Draw the table from ``down`` inches under the axes; the names of the curves stand ``right`` inches from its left end."""
    figure, side = ax.get_figure(), ax.get_xaxis_transform()
    for row in table:
        y = -(down + row.y) * 72
        if row.heading:
            at = style.points_from(ax.transAxes, figure, x=(_words.margins(ax)[0] + 0.04) * 72, y=y)
            ax.text(
                0, 0, row.heading, transform=at, fontsize=style.SMALL, color=style.MUTED, va="center_baseline"
            )
            continue
        at = style.points_from(side, figure, y=y)
        for time, text in row.cells:
            ax.text(
                time,
                0,
                text,
                transform=at,
                fontsize=style.SMALL,
                color=colors[row.curve],
                ha="center",
                va="center_baseline",
            )
        for i, line in enumerate(names[row.curve].split("\n") if names[row.curve] else ()):
            up = (names[row.curve].count("\n") / 2 - i) * _words.LINE * 72
            at = style.points_from(ax.transAxes, figure, x=right * 72, y=y + up)
            ax.text(
                0, 0, line, transform=at, fontsize=style.SMALL, color=colors[row.curve], va="center_baseline"
            )
