"""A forest plot: results of studies under one another, each with its interval, how well it is known, and its numbers in words."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite, isnan
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from casebook.errors import CasebookError
from casebook.figures import _columns, _evidence, _frames, _words, style
from casebook.figures._marks import arrow

COLUMNS = ("label", "estimate", "lower", "upper")
DEFAULTS = {"text": "", "group": "", "emphasis": False, "note": ""}
LABEL_INCHES, PLOT_INCHES, TEXT_INCHES = 1.5, 1.3, 1.5  # labels at most, plot at least, sentences at most
GAP_INCHES = 0.12  # between rows, and between plot and text
MARK = 8.0  # points across
BOLD = 1.15  # how much wider bold letters are
NEW_STUDY = "new study"


class Slot(NamedTuple):
    """One row of the page: ``head`` and ``note`` are its words at the left, ``y`` (inches from the top) its middle."""

    kind: str  # "heading", "row", "pooled" or "prediction"
    row: object
    head: str
    note: str
    text: list
    y: float
    bottom: float
    color: str


def _limits(frame: pd.DataFrame, name: str, xlim: tuple[float, float], percent: bool) -> pd.DataFrame:
    """Estimates and limits as floats: both limits or none, in order, an estimate within them and on the axis."""
    columns = COLUMNS[1:]
    if percent:
        frame = _evidence.percents(frame, name, *columns, missing=True)
    frame = _evidence.numbers(frame, name, *columns, missing=True, infinite=True)
    problems = []
    for row, estimate, lower, upper in frame[list(columns)].itertuples(name=None):
        if isnan(lower) != isnan(upper):
            problems.append(
                f"row {row!r}, columns 'lower' and 'upper': found one of them, expected both or none"
            )
        elif lower > upper or lower == inf or upper == -inf:
            problems.append(
                f"row {row!r}, columns 'lower' and 'upper': {lower:g} to {upper:g} is no interval"
            )
        elif estimate < lower or estimate > upper:
            problems.append(
                f"row {row!r}, column 'estimate': found {estimate:g}, expected a value within its limits {lower:g} to {upper:g}"
            )
        elif isnan(estimate) and (lower > xlim[1] or upper < xlim[0]):
            problems.append(
                f"row {row!r}, columns 'lower' and 'upper': {lower:g} to {upper:g} lies beyond the axis"
            )
        if not isnan(estimate) and not xlim[0] <= estimate <= xlim[1]:
            problems.append(
                f"row {row!r}, column 'estimate': found {estimate:g}, expected a value on the axis, {xlim[0]:g} to {xlim[1]:g}"
            )
    _frames.fail(name, problems)
    return frame


def _checked(rows, pooled, prediction, marks, xlim, percent):
    if len(xlim) != 2 or not all(map(isfinite, xlim)) or xlim[0] >= xlim[1]:
        raise CasebookError(f"xlim: found {xlim!r}, expected two finite numbers, the lower first")
    rows = _evidence.checked(_frames.require(rows, "rows", COLUMNS, DEFAULTS), "rows")
    _frames.members(rows, "rows", "emphasis", (True, False))
    rows = _limits(rows, "rows", xlim, percent)
    empty = rows["estimate"].isna() & rows["lower"].isna() & (rows["text"] == "")
    _frames.fail(
        "rows",
        [
            f"row {row!r}: found no estimate, limits or text, expected one of them"
            for row in rows.index[empty]
        ],
    )
    if pooled is not None:
        if not isinstance(pooled, (Mapping, pd.Series)):
            raise CasebookError(f"pooled: found {type(pooled).__name__}, expected a dict or Series")
        pooled = _frames.require(pd.DataFrame([dict(pooled)]), "pooled", COLUMNS, {"text": ""})
        pooled = _limits(pooled, "pooled", xlim, percent)
        if pooled[list(COLUMNS[1:])].isna().any(axis=None):
            raise CasebookError("pooled: found an empty estimate or limit, expected all three")
    if prediction is not None:
        if not isinstance(prediction, (Mapping, pd.Series)):
            raise CasebookError(f"prediction: found {type(prediction).__name__}, expected a dict or Series")
        ends = pd.DataFrame([{"label": NEW_STUDY, "estimate": None} | dict(prediction)])
        prediction = _frames.require(ends, "prediction", COLUMNS, {"text": ""})
        prediction = _limits(prediction, "prediction", xlim, percent)
        if prediction["lower"].isna().any():
            raise CasebookError("prediction: found an empty limit, expected two numbers")
    for name, frame in (("pooled", pooled), ("prediction", prediction)):
        if frame is not None and not (xlim[0] <= frame.at[0, "lower"] and frame.at[0, "upper"] <= xlim[1]):
            raise CasebookError(
                f"{name}: found limits beyond the axis, expected them from {xlim[0]:g} to {xlim[1]:g}"
            )
    if marks is not None:
        marks = _evidence.numbers(_frames.require(marks, "marks", ("x", "label")), "marks", "x")
        _frames.fail(
            "marks",
            [
                f"row {row!r}, column 'x': found {x:g}, expected a value on the axis, {xlim[0]:g} to {xlim[1]:g}"
                for row, x in marks["x"].items()
                if not xlim[0] <= x <= xlim[1]
            ],
        )
    return rows, pooled, prediction, marks


def _slots(
    rows, pooled, prediction, wide: float, heading: float, texts: list
) -> tuple[list[Slot], float, float]:
    """Every row of the page from the top, the height of it all, and where the studies end; labels ``wide`` inches at most."""
    slots: list[Slot] = []
    y, texts = 0.0, iter(texts)

    def add(kind, row, label, note, text, color):
        nonlocal y
        head = (
            style.wrap(label, wide) if kind != "heading" else style.wrap(label, heading / BOLD, style.SMALL)
        )
        note = style.wrap(note, wide, style.SMALL) if note else ""
        high = head.count("\n") + 1
        lines = max([high, *(piece.words.count("\n") + 1 for piece in text)])
        middle = y + GAP_INCHES / 2 + lines * _words.LINE / 2
        below = (note.count("\n") + 1) * _words.LINE if note else 0.0
        y = middle + max(lines / 2 * _words.LINE, high / 2 * _words.LINE + below) + GAP_INCHES / 2
        slots.append(Slot(kind, row, head, note, text, middle, y, color))

    for group in dict.fromkeys(rows["group"]):
        if group:
            y += 0.06 if slots else 0.0
            add("heading", None, group, "", [], style.MUTED)
        for row in rows[rows["group"] == group].itertuples():
            add("row", row, row.label, row.note, next(texts), style.ACCENT if row.emphasis else style.INK)
    studies = y
    if pooled is not None or prediction is not None:
        y += 0.05
    if pooled is not None:
        row = next(pooled.itertuples())
        add("pooled", row, row.label, "", next(texts), style.INK)
    if prediction is not None:
        add("prediction", next(prediction.itertuples()), NEW_STUDY, "", next(texts), style.MUTED)
    return slots, max(y, 0.3), studies


@style.styled
def forest(
    rows: pd.DataFrame,
    *,
    pooled: Mapping | pd.Series | None = None,
    prediction: Mapping | pd.Series | None = None,
    marks: pd.DataFrame | None = None,
    ax: Axes | None = None,
    xlabel: str = "",
    xlim: tuple[float, float] = (0, 100),
    unit: str = "%",
) -> Axes:
    """Draw results under one another: the label at the left, the estimate with its interval, the numbers in words at the right.

    Parameters
    ----------
    rows : columns ``label``, ``estimate``, ``lower``, ``upper`` (in ``unit``). Without limits the mark stands alone, without
        an estimate the range has ends and no mark; an infinite limit, or one beyond the axis, becomes an arrow. Optional
        ``text`` (at the right; two spaces, or one before a bracket, part it into columns), ``group`` (headings, in order
        of appearance), ``known`` ("read", "abstract" or "secondary": where the number was read), ``inferred`` (bool: the
        count follows from a printed percentage), ``emphasis`` (bool: in the accent), ``note`` (under the label).
    pooled : ``label``, ``estimate``, ``lower``, ``upper`` and optionally ``text``; drawn as a diamond.
    prediction : ``lower``, ``upper`` and optionally ``text``: limits for a new study; drawn as a thin bar under the diamond.
    marks : columns ``x`` and ``label``; vertical lines with their words over the plot.
    ax : the axes to draw on; without it a figure 4.6 inches wide is made, as high as the rows need. Labels hang in the
        margin left of the axes, texts in the one to the right.
    xlabel : what the axis counts; a unit in words is added to it.
    xlim : ends of the axis.
    unit : "%" stands on the ticks, and values must then be percentages; any other is a word.

    Returns
    -------
    The axes; its y ticks are the rows, from the top, with the pooled result and the prediction last.

    Raises
    ------
    CasebookError
        A column is missing, a value is no number or no percentage, a kind is unknown, limits are reversed, half given or
        without the estimate, or an estimate or mark lies beyond the axis; the message names every row and column.
    """
    stated = isinstance(rows, pd.DataFrame) and "known" in rows.columns
    percent = unit == "%"
    rows, pooled, prediction, marks = _checked(rows, pooled, prediction, marks, xlim, percent)
    # The texts in the order in which the rows are drawn.
    texts = [
        text for group in dict.fromkeys(rows["group"]) for text in rows.loc[rows["group"] == group, "text"]
    ]
    texts += [*pooled["text"]] if pooled is not None else []
    texts += [*prediction["text"]] if prediction is not None else []
    pieces, text_wide = _columns.align(texts, TEXT_INCHES)

    heads = [*rows["label"], *(pooled["label"] if pooled is not None else ())]
    notes = [*rows["note"]]
    right = text_wide + GAP_INCHES + 0.04 if text_wide else 0.24
    most = max(min(LABEL_INCHES if text_wide else 2.0, style.WIDTH - right - PLOT_INCHES - 0.2), 0.8)
    if ax is not None:
        most = -_words.margins(ax)[0] - GAP_INCHES
    label_wide = max(
        [0.5, *(style.text_width(style.wrap(head, most)) for head in heads)]
        + [style.text_width(style.wrap(note, most, style.SMALL), style.SMALL) for note in notes if note]
    )
    # A heading may run across the plot, which has no lines there, unless the lines of the marks go through.
    heading = (
        most
        if marks is not None
        else 0.9 * (style.WIDTH if ax is None else sum(map(abs, _words.margins(ax))))
    )
    slots, high, studies = _slots(rows, pooled, prediction, most, heading, pieces)
    words = ", ".join(filter(None, (xlabel, "" if percent else unit)))
    if ax is None:
        left = label_wide + GAP_INCHES + 0.06
        plot = style.WIDTH - left - right
        words = style.wrap(words, plot + min(right, left))
        key = _words.key_rows(_evidence.key(rows, stated=stated), style.WIDTH - 0.1)
        spots = [] if marks is None else [(_at(x, xlim) * plot, w) for x, w in marks[["x", "label"]].values]
        over = _words.callouts(spots, -left + 0.04, style.WIDTH - left - 0.04)
        ax = style.new_axes(
            high,
            left=left,
            right=right,
            bottom=_words.under(words) + _words.key_height(key) + 0.03,
            top=0.06 + _words.callout_height(over),
        )
    else:
        plot, _ = _words.inches(ax)
        page = _words.margins(ax)
        words = style.wrap(words, plot + min(-page[0], page[1] - plot))
        key = _words.key_rows(_evidence.key(rows, stated=stated), page[1] - page[0] - 0.1)
        spots = [] if marks is None else [(_at(x, xlim) * plot, w) for x, w in marks[["x", "label"]].values]
        over = _words.callouts(spots, page[0] + 0.04, page[1] - 0.04)

    ax.set_ylim(high, 0)
    ax.set_xlim(*xlim)
    for slot in slots:
        _write(ax, slot, label_wide + GAP_INCHES, plot)
        if slot.kind in ("row", "pooled", "prediction"):
            {"row": _result, "pooled": _diamond, "prediction": _new_study}[slot.kind](ax, slot, xlim, plot)
    if pooled is not None or prediction is not None:
        _rule(ax, studies + 0.025, label_wide + GAP_INCHES, plot, text_wide)
    if marks is not None:
        for row in marks.itertuples():
            ax.axvline(row.x, color=style.MUTED, lw=1.0, ls=(0, (3, 2)), zorder=1, label=f"_mark {row.label}")
        _words.draw_callouts(ax, over, [style.MUTED] * len(over))

    ax.xaxis.set_major_locator(MaxNLocator(max(2, min(int(plot / 0.42), 5)), steps=[1, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(
        lambda x, _: f"{x:g}".replace("-", "\N{MINUS SIGN}") + ("%" if percent else "")
    )
    _grid(ax, slots)
    ax.set_yticks([slot.y for slot in slots if slot.kind != "heading"])
    ax.tick_params(axis="y", length=0, labelleft=False)
    ax.spines["left"].set_visible(False)
    if words:
        _words.name_axis(ax, words)
    _words.draw_key(ax, key, _words.under(words))
    return ax


def _at(x: float, xlim: tuple[float, float]) -> float:
    return (x - xlim[0]) / (xlim[1] - xlim[0])


def _write(ax: Axes, slot: Slot, left: float, plot: float) -> None:
    """The words of one row, about its middle."""
    figure, side = ax.get_figure(), ax.get_yaxis_transform()
    size = style.SMALL if slot.kind in ("heading", "prediction") else style.BASE
    lines = slot.head.split("\n")
    for i, line in enumerate(lines):
        up = (len(lines) - 1) / 2 - i
        at = style.points_from(side, figure, x=-left * 72, y=up * _words.LINE * 72)
        ax.text(
            0,
            slot.y,
            line,
            transform=at,
            fontsize=size,
            color=slot.color,
            va="center_baseline",
            weight="bold" if slot.kind == "heading" else "normal",
        )
    for i, line in enumerate(slot.note.split("\n") if slot.note else ()):
        up = -(len(lines) + 1) / 2 - i
        at = style.points_from(side, figure, x=-left * 72, y=up * _words.LINE * 72)
        ax.text(0, slot.y, line, transform=at, fontsize=style.SMALL, color=style.MUTED, va="center_baseline")
    for piece in slot.text:
        lines = piece.words.split("\n")
        for i, line in enumerate(lines):
            up = (len(lines) - 1) / 2 - i
            at = style.points_from(side, figure, x=(GAP_INCHES + piece.left) * 72, y=up * _words.LINE * 72)
            ax.text(
                1, slot.y, line, transform=at, fontsize=style.SMALL, color=slot.color, va="center_baseline"
            )


def _result(ax: Axes, slot: Slot, xlim: tuple[float, float], plot: float) -> None:
    """One study: its mark, and its interval, which leaves the mark free so that a hollow one stays hollow."""
    row, color, y = slot.row, slot.color, slot.y
    if not isnan(row.lower):
        _interval(ax, slot, xlim, plot)
    if not isnan(row.estimate):
        _evidence.mark(
            ax,
            row.estimate,
            y,
            known=row.known,
            inferred=row.inferred,
            color=color,
            size=MARK,
            clip_on=False,
            label=f"_estimate {row.label}",
        )


def _interval(ax: Axes, slot: Slot, xlim: tuple[float, float], plot: float) -> None:
    row, color, y = slot.row, slot.color, slot.y
    lower, upper = max(row.lower, xlim[0]), min(row.upper, xlim[1])
    x = [lower, upper]
    if not isnan(row.estimate):
        # Up to the mark on either side; a limit within the mark has no line.
        free = (_evidence.half_width(row.known, MARK) - 0.3) / 72 / plot * (xlim[1] - xlim[0])
        left = [lower, row.estimate - free] if lower < row.estimate - free else []
        right = [row.estimate + free, upper] if upper > row.estimate + free else []
        x = [*left, float("nan"), *right]
    ax.plot(x, [y] * len(x), color=color, lw=1.5, zorder=3, clip_on=False, label=f"_interval {row.label}")
    if isnan(row.estimate):
        ends = [end for end, limit in ((lower, row.lower), (upper, row.upper)) if end == limit]
        ax.plot(
            ends,
            [y] * len(ends),
            ls="none",
            marker="|",
            ms=7.5,
            mew=1.5,
            color=color,
            zorder=3,
            clip_on=False,
            label=f"_ends {row.label}",
        )
    for end, limit, dx in ((lower, row.lower, -9), (upper, row.upper, 9)):
        if end != limit:
            # Its head stands within the axis: beyond it are the words.
            at = style.points_from(ax.transData, ax.get_figure(), x=-dx)
            arrow(ax, end, y, dx, color=color, width=1.5, transform=at, label=f"_beyond {row.label}")


def _diamond(ax: Axes, slot: Slot, xlim: tuple[float, float], plot: float) -> None:
    row, half = slot.row, 0.068
    (shape,) = ax.fill(
        [row.lower, row.estimate, row.upper, row.estimate],
        [slot.y, slot.y - half, slot.y, slot.y + half],
        fc=slot.color,
        lw=0,
        zorder=4,
        clip_on=False,
    )
    shape.set_label(f"_pooled {row.label}")


def _new_study(ax: Axes, slot: Slot, xlim: tuple[float, float], plot: float) -> None:
    ax.plot(
        [slot.row.lower, slot.row.upper],
        [slot.y] * 2,
        color=slot.color,
        lw=3.2,
        zorder=3,
        clip_on=False,
        label="_prediction",
    )


def _grid(ax: Axes, slots: list[Slot]) -> None:
    """Grid lines behind the rows, and none behind the headings."""
    ticks = [x for x in ax.get_xticks() if ax.get_xlim()[0] <= x <= ax.get_xlim()[1]]
    tops = [0.0, *(slot.bottom for slot in slots)]
    blocks: list[list[float]] = []
    for slot, top in zip(slots, tops, strict=False):
        if slot.kind == "heading":
            continue
        if blocks and blocks[-1][1] == top:
            blocks[-1][1] = slot.bottom
        else:
            blocks.append([top, slot.bottom])
    for top, bottom in blocks:
        ax.vlines(ticks, top, bottom, color=style.RULE, lw=0.6, zorder=0, label="_grid")


def _rule(ax: Axes, y: float, left: float, plot: float, text: float) -> None:
    """A line across the page, over what is pooled."""
    ends = (-left / plot, 1 + ((GAP_INCHES + text) / plot if text else 0))
    ax.plot(
        ends,
        [y, y],
        transform=ax.get_yaxis_transform(),
        color=style.RULE,
        lw=0.8,
        zorder=0,
        clip_on=False,
        label="_rule",
    )
