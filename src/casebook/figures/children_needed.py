"""How many children without an event it takes before the upper limit of the rate passes below a published rate."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from casebook.errors import CasebookError
from casebook.figures import _evidence, _frames, _words, style
from casebook.figures._marks import Box, dot

KINDS = {"two-sided": (style.INK, "-"), "one-sided": (style.MUTED, (0, (4, 1.6)))}
THESE, THESE_WORDS = 3, "these three"
PLOT_INCHES = 2.6
LEFT, RIGHT = 0.7, 0.12
WORDS = 0.15  # inches, the height of a line of small words


def _checked(limits, rates, crossings):
    limits = _frames.require(limits, "limits", ("n", "limit", "kind"))
    _frames.members(limits, "limits", "kind", KINDS)
    limits = _evidence.percents(_evidence.numbers(limits, "limits", "n"), "limits", "limit")
    twice = limits.duplicated(["n", "kind"])
    _frames.fail(
        "limits",
        [
            f"row {row!r}, column 'n': found {n:g}, expected a whole number of 1 or more"
            for row, n in limits["n"].items()
            if n < 1 or n != int(n)
        ]
        + [
            f"row {row!r}, column 'n': {n:g} stands twice for its kind"
            for row, n in limits.loc[twice, "n"].items()
        ],
    )
    if not (limits["n"] == THESE).any():
        raise CasebookError(
            f"limits, column 'n': found no row with {THESE}, expected one: the children of the report"
        )
    rates = _evidence.percents(_frames.require(rates, "rates", ("rate", "label")), "rates", "rate")
    if crossings is None:
        crossings = pd.DataFrame(columns=["rate", "kind", "n"])
    crossings = _frames.require(crossings, "crossings", ("rate", "kind", "n"))
    crossings = _evidence.numbers(crossings, "crossings", "rate", "n")
    _frames.members(crossings, "crossings", "rate", rates["rate"])
    _frames.members(crossings, "crossings", "kind", set(limits["kind"]))
    return limits, rates, _on_curve(limits, crossings)


def _on_curve(limits: pd.DataFrame, crossings: pd.DataFrame) -> pd.DataFrame:
    """The crossings with the ``limit`` there: the first below the rate, as the word crossing promises."""
    by_kind = {kind: rows.set_index("n")["limit"].sort_index() for kind, rows in limits.groupby("kind")}
    problems, values = [], []
    for row in crossings.itertuples():
        below = by_kind[row.kind][by_kind[row.kind] < row.rate]
        values.append(float(below.iloc[0]) if len(below) else float("nan"))
        if below.empty or below.index[0] != row.n:
            first = f"{below.index[0]:g}, the first" if len(below) else "no crossing: no"
            problems.append(
                f"row {row.Index!r}, column 'n': found {row.n:g}, expected {first} with a {row.kind} limit below {row.rate:g}"
            )
    _frames.fail("crossings", problems)
    return crossings.assign(limit=values)


@style.styled
def children_needed(
    limits: pd.DataFrame,
    rates: pd.DataFrame,
    *,
    crossings: pd.DataFrame | None = None,
    xlabel: str = "children, none with the event",
    ylabel: str = "upper 95% limit of the rate",
    ax: Axes | None = None,
) -> Axes:
    """Draw the upper limit of a rate as it falls with the number of children without an event, against published rates.

    Parameters
    ----------
    limits : columns ``n`` (children, whole numbers), ``limit`` (percent), ``kind`` ("one-sided" or "two-sided"); a line
        for each kind, with its point at three children in the accent.
    rates : columns ``rate`` (percent) and ``label``; horizontal lines with their words.
    crossings : columns ``rate`` (one of ``rates``), ``kind``, ``n``: the first number of children with a limit below the
        rate; a dot on the line, with the number.
    xlabel, ylabel : what the axes count.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made.

    Returns
    -------
    The axes. A line is labelled ``_limit`` and its kind, a dot ``_crossing``, its rate and kind.

    Raises
    ------
    CasebookError
        A column is missing, a percentage is none, a kind is unknown, a number of children is not whole or stands twice,
        none is three, or a crossing is not where the limits cross; the message names every row and column.
    """
    limits, rates, crossings = _checked(limits, rates, crossings)
    if ax is None:
        top = 0.06 + _words.callout_height(_words.callouts([(0.0, THESE_WORDS)], 0.0, style.WIDTH))
        ax = style.new_axes(PLOT_INCHES, left=LEFT, right=RIGHT, bottom=0.52, top=top)
    wide, high = _words.inches(ax)
    last = limits["n"].max()
    ax.set_xlim(0, last + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_ylim(0, 100)
    scale = (wide / (last + 0.5), high / 100)

    lines: list[Box] = []
    for rate in dict.fromkeys(rates["rate"]):
        ax.axhline(rate, color=style.SECOND, lw=1.0, zorder=1, label=f"_rate {rate:g}")
        lines.append(Box(0, rate * scale[1] - 0.015, wide, rate * scale[1] + 0.015))
    these = limits[limits["n"] == THESE]
    ax.plot([THESE, THESE], [0, 100], color=style.ACCENT, lw=1.4, zorder=2, label="_these")
    lines.append(Box(THESE * scale[0] - 0.03, 0, THESE * scale[0] + 0.03, high))
    over = _words.callouts([(THESE * scale[0], THESE_WORDS)], 0, wide)
    _words.draw_callouts(ax, over, [style.ACCENT])
    paths = {}
    for kind, (color, dash) in KINDS.items():
        rows = limits[limits["kind"] == kind].sort_values("n")
        if len(rows):
            ax.plot(
                rows["n"],
                rows["limit"],
                color=color,
                lw=1.6,
                ls=dash,
                zorder=3,
                clip_on=False,
                label=f"_limit {kind}",
            )
            paths[kind] = (rows["n"].to_numpy() * scale[0], rows["limit"].to_numpy() * scale[1])
            lines += _words.along(*paths[kind], 0.025)
    _dots(ax, these, crossings)
    _write(ax, rates, crossings, these, paths, lines, scale)

    ax.set_yticks(range(0, 101, 20), [f"{y}%" for y in range(0, 101, 20)])
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return ax


def _dots(ax: Axes, these: pd.DataFrame, crossings: pd.DataFrame) -> None:
    for row in these.itertuples():
        dot(ax, row.n, row.limit, 8, color=style.ACCENT, label=f"_these {row.kind}", zorder=5)
    for row in crossings.itertuples():
        name = f"_crossing {row.rate:g}, {row.kind}"
        dot(ax, row.n, row.limit, 5.5, color=KINDS[row.kind][0], label=name, zorder=4.5)


def _write(ax, rates, crossings, these, paths, lines, scale) -> None:
    """Numbers beside the dots, names of the lines and rates, clear of each other and of the lines."""
    wide, high = _words.inches(ax)
    page = Box(0.03, 0.02, wide, high - 0.01)
    dots = [
        Box(x * scale[0] - 0.05, y * scale[1] - 0.05, x * scale[0] + 0.05, y * scale[1] + 0.05)
        for x, y in [*these[["n", "limit"]].values, *crossings[["n", "limit"]].values]
    ]
    taken = dots

    def settle(places: list[tuple[Box, str]], color, size=style.SMALL):
        box, words = places[_words.clearest([box for box, _ in places], taken, lines, page)]
        taken.append(box)
        _words.write(ax, box, words, color, size)

    def beside(x, y, words, size, off):
        return [(box, words) for box in _words.around(x, y, style.text_width(words, size), WORDS, off)]

    for row in these.itertuples():
        places = beside(row.n * scale[0], row.limit * scale[1], f"{row.limit:.0f}%", style.BASE, 0.1)
        settle(places, style.ACCENT, style.BASE)
    for row in rates.sort_values("rate", ascending=False).itertuples():
        settle(_over_line(row.label, row.rate * scale[1], wide), style.SECOND)
    # Of three children the line already says so.
    for row in crossings[crossings["n"] != THESE].itertuples():
        places = beside(row.n * scale[0], row.limit * scale[1], f"{row.n:.0f}", style.BASE, 0.07)
        if row.kind == "one-sided":  # the lower line: its numbers stand under it, where they can
            places = [*places[4:6], places[7], *places[:4], places[6]]
        settle(places, KINDS[row.kind][0], style.BASE)
    for kind, (x, y) in paths.items():
        ends = range(len(x) - 1, -1, -1)
        settle([place for i in ends for place in beside(x[i], y[i], kind, style.SMALL, 0.07)], KINDS[kind][0])


def _over_line(label: str, y: float, wide: float) -> list[tuple[Box, str]]:
    """Places for the words of a rate at its line, in inches: above or under it, from the right, in one line or in more."""
    places = []
    for share in (0.7, 0.45):
        words = style.wrap(label, share * wide, style.SMALL)
        size = style.text_width(words, style.SMALL), WORDS * (words.count("\n") + 1)
        places += [
            (Box(right - size[0], bottom, right, bottom + size[1]), words)
            for right in (wide - 0.03 - 0.1 * i for i in range(max(1, int((wide - size[0]) / 0.1))))
            for bottom in (y + 0.025, y - 0.025 - size[1])
        ]
    # One line where it fits at the right end; rather two there than one further left.
    return sorted(places, key=lambda place: -round(place[0].right, 1))
