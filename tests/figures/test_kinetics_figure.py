import math

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style
from casebook.figures.kinetics import _evenly, kinetics

INF = math.inf


@pytest.fixture
def readings():
    """Two levels, one between two limits and two below the lower, on three days."""
    rows = [(0, -1, -1), (0, -0.5, -0.5), (7, -2, -1.5), (7, -INF, -2), (28, -INF, -2)]
    return pd.DataFrame(rows, columns=["time", "lower", "upper"], dtype=float)


@pytest.fixture
def lines():
    ends = [
        ("truth", "truth", -1, -2.8),
        ("likelihood", "estimate", -0.9, -2.8),
        ("half the limit", "shortcut", -1.1, -2.4),
    ]
    return pd.DataFrame(
        [
            (name, look, time, level)
            for name, look, *levels in ends
            for time, level in zip((0, 28), levels, strict=True)
        ],
        columns=["line", "look", "time", "level"],
    )


@pytest.fixture
def limits():
    return pd.DataFrame({"level": [-2.0, -1.5], "label": ["limit of detection", "limit of quantification"]})


def test_each_reading_is_the_mark_of_what_it_says(readings, lines, artist):
    ax = kinetics(readings, lines)
    assert artist(ax, "_found").get_ydata().tolist() == [-1, -0.5]
    assert artist(ax, "_below").get_ydata().tolist() == [-2, -2]
    assert artist(ax, "_between").get_ydata()[:2].tolist() == [-2, -1.5]


def test_readings_of_a_day_stand_side_by_side_near_it(readings, lines, artist):
    many = pd.concat([readings] * 40, ignore_index=True)
    x = artist(kinetics(many, lines), "_found").get_xdata()
    assert len(set(x)) == len(x)
    assert np.abs(x).max() < 3
    assert np.abs(x.mean()) < 0.1


def test_places_side_by_side_are_spread_evenly_however_many_there_are():
    # By hand, van der Corput in base 2: 1/2, 1/4, 3/4, 1/8.
    assert _evenly(np.arange(4)).tolist() == [0.5, 0.25, 0.75, 0.125]
    assert np.diff(np.sort(_evenly(np.arange(100)))).max() < 2.1 / 100


def test_lines_and_limits_are_where_they_were_given_and_named(readings, lines, limits, artist):
    ax = kinetics(readings, lines, limits=limits, xlabel="days")
    assert artist(ax, "_line likelihood").get_xydata().tolist() == [[0, -0.9], [28, -2.8]]
    assert set(artist(ax, "_limit limit of detection").get_ydata()) == {-2}
    words = {text.get_text().replace("\n", " ") for text in ax.texts}
    assert {
        "truth",
        "likelihood",
        "half the limit",
        "limit of detection",
        "limit of quantification",
        "days",
    } <= words


def test_the_accent_is_left_to_the_three_children(readings, lines, limits):
    ax = kinetics(readings, lines, limits=limits)
    assert all(mpl.colors.to_hex(line.get_color()) != style.ACCENT for line in ax.lines)


def test_words_are_clear_of_each_other(readings, lines, limits, assert_labels_clear):
    ax = kinetics(
        readings, lines, limits=limits, xlabel="days from start of blinatumomab", ylabel="MRD", simulated=True
    )
    assert_labels_clear(ax.figure)


def test_two_renders_are_the_same_bytes(readings, lines, limits):
    one, two = (
        style.to_svg(kinetics(readings, lines, limits=limits, simulated=True).figure) for _ in range(2)
    )
    assert one == two


def test_one_reading_and_given_axes_are_drawn(lines):
    given = style.new_axes(2, left=0.9, right=1.2, bottom=0.5, top=0.1)
    one = pd.DataFrame({"time": [0.0], "lower": [-INF], "upper": [-2.0]})
    assert kinetics(one, lines, ax=given) is given


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda r, li: (r.drop(columns="upper"), li), "readings: missing column 'upper'"),
        (lambda r, li: (r.iloc[:0], li), "readings: found no row"),
        (lambda r, li: (r, li.iloc[:0]), "lines: found no row"),
        (
            lambda r, li: (r.assign(upper=-3.0), li),
            "row 0, columns 'lower' and 'upper': -1 to -3 is no interval",
        ),
        (lambda r, li: (r.assign(upper=INF), li), "row 0, column 'upper': found inf"),
        (lambda r, li: (r.assign(time=np.nan), li), "row 0, column 'time'"),
        (lambda r, li: (r, li.assign(look="guess")), "row 0, column 'look': found 'guess'"),
        (lambda r, li: (r, li.assign(level="low")), "row 0, column 'level': found low"),
    ],
)
def test_frames_that_are_none_are_refused(readings, lines, change, expected):
    with pytest.raises(CasebookError, match=expected):
        kinetics(*change(readings, lines))
