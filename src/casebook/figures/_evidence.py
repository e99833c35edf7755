"""How well a number is known, as its mark: the same in every figure, in colour and in greyscale.

A filled circle was read in the publication, a ring in its abstract, a hollow diamond in a secondary source. A stroke through
it says that the count was not printed but inferred from a percentage: cut out of a filled mark, drawn across a hollow one.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.path import Path

from casebook.figures import _frames, style
from casebook.figures._words import Entry

KNOWN = {
    "read": "from the publication",
    "abstract": "from an abstract",
    "secondary": "from a secondary source",
}
INFERRED = "count inferred from a percentage"
RING = 1.5  # points: the edge of a hollow mark
AS_LARGE = sqrt(pi / 2)  # a diamond this much wider than a circle has its area


def _struck(outline: Path, reach: float, half: float | None = None) -> Path:
    """The outline with a diagonal stroke from edge to edge, ``reach`` from the middle; cut out if it has a ``half`` width."""
    turn = np.array([[1, -1], [1, 1]]) / sqrt(2)
    if half is None:
        return Path.make_compound_path(outline, Path(np.array([(-reach, 0), (reach, 0)]) @ turn.T))
    # Clockwise, against the outline: what it encloses is a hole.
    slot = (
        np.array([(-reach, -half), (-reach, half), (reach, half), (reach, -half), (-reach, -half)]) @ turn.T
    )
    return Path.make_compound_path(outline, Path(slot, [1, 2, 2, 2, 79]))


CIRCLE = Path.unit_circle()
DIAMOND = Path([(0, -1), (1, 0), (0, 1), (-1, 0), (0, -1)], [1, 2, 2, 2, 79])
MARKERS = {
    ("read", False): CIRCLE,
    ("read", True): _struck(CIRCLE, 0.99, 0.17),
    ("abstract", False): CIRCLE,
    ("abstract", True): _struck(CIRCLE, 1.0),
    ("secondary", False): DIAMOND,
    ("secondary", True): _struck(DIAMOND, 0.7),
}


def checked(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """The frame with ``known`` and ``inferred``; where no ``known`` was given, every mark is the plain filled one."""
    rows = _frames.require(rows, name, (), {"inferred": False})
    _frames.members(rows, name, "inferred", (True, False))
    if "known" not in rows.columns:
        return rows.assign(known="read")
    _frames.members(rows, name, "known", KNOWN)
    return rows


def percents(frame: pd.DataFrame, name: str, *columns: str, missing: bool = False) -> pd.DataFrame:
    """The frame with these columns as percentages, 0 to 100; empty cells only where ``missing``."""
    frame = numbers(frame, name, *columns, missing=missing)
    _frames.fail(
        name,
        [
            f"row {row!r}, column {column!r}: found {value:g}, expected a percentage from 0 to 100"
            for column in columns
            for row, value in frame[column].items()
            if value < 0 or value > 100
        ],
    )
    return frame


def numbers(
    frame: pd.DataFrame, name: str, *columns: str, missing: bool = False, infinite: bool = False
) -> pd.DataFrame:
    """The frame with these columns as floats; empty cells only where ``missing``, limits that are not there as ``inf``."""
    problems = []
    for column in columns:
        values = pd.to_numeric(frame[column], errors="coerce").astype(float)
        bad = values.isna() & ~(frame[column].isna() & missing)
        if not infinite:
            bad |= np.isinf(values)
        problems += [
            f"row {row!r}, column {column!r}: found {frame.at[row, column]!s}, expected a number"
            for row in frame.index[bad]
        ]
        frame[column] = values
    _frames.fail(name, problems)
    return frame


def half_width(known: str, size: float) -> float:
    """Half the width in points of a mark with the area of a filled circle ``size`` points across."""
    return size / 2 * (AS_LARGE if known == "secondary" else 1.0)


def mark(
    ax: Axes,
    x: float,
    y: float,
    *,
    known: str,
    inferred: bool,
    color,
    size: float,
    label: str,
    tint: float = 1.0,
    **options,
) -> Line2D:
    """One mark, outlined where it is hollow or its filling is only a ``tint`` of this opacity."""
    hollow = known != "read"
    edge = RING if hollow else (0.9 if tint < 1 else 0.0)
    (line,) = ax.plot(
        [x],
        [y],
        ls="none",
        marker=MARKERS[known, bool(inferred)],
        ms=2 * half_width(known, size) - edge,
        mfc="none" if hollow else to_rgba(color, tint),
        mec=color if edge else "none",
        mew=edge,
        label=label,
        **{"zorder": 4, **options},
    )
    return line


def key(rows: pd.DataFrame, *, stated: bool, color=style.INK, size: float = 7.5) -> list[Entry]:
    """The kinds that occur among the rows, as entries of a key. ``stated``: the column ``known`` was given."""

    def drawn(known, inferred):
        def draw(ax, transform, label):
            mark(
                ax,
                0,
                0,
                known=known,
                inferred=inferred,
                color=color,
                size=size,
                label=label,
                transform=transform,
                clip_on=False,
            )

        return draw

    kinds = [known for known in KNOWN if stated and (rows["known"] == known).any()]
    entries = [Entry(KNOWN[known], drawn(known, False), 11.0) for known in kinds]
    inferred = [known for known in KNOWN if (rows["inferred"].astype(bool) & (rows["known"] == known)).any()]
    if inferred:
        entries.append(Entry(INFERRED, drawn(inferred[0], True), 11.0))
    return entries
