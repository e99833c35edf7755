import math

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style
from casebook.figures.turnbull import turnbull

INF = math.inf


@pytest.fixture
def boxes():
    """By hand: survival falls by .2 between 30 and 60, by .3 at 90, by .1 between 100 and 150, and the rest after 150."""
    rows = [(30, 60, 0.2), (70, 80, 0.0), (90, 90, 0.3), (100, 150, 0.1), (150, INF, 0.4)]
    return pd.DataFrame(rows, columns=["left", "right", "mass"], dtype=float)


@pytest.fixture
def curves():
    late = pd.DataFrame(
        {"curve": "day of detection", "look": "shortcut", "time": [60.0, 150], "estimate": [0.8, 0.4]}
    )
    true = pd.DataFrame(
        {"curve": "truth", "look": "truth", "time": [0.0, 75, 150], "estimate": [1, 0.7, 0.45]}
    )
    return pd.concat([late, true], ignore_index=True)


@pytest.fixture
def limits():
    return pd.DataFrame({"time": [60.0, 120.0], "lower": [0.7, 0.3], "upper": [0.9, 0.6]})


def test_survival_falls_within_boxes_and_is_level_between_them(boxes, artist):
    ax = turnbull(boxes, until=200)
    corners = [path.vertices[:4].round(6).tolist() for path in artist(ax, "_boxes").get_paths()]
    assert corners == [
        [[30, 1], [60, 1], [60, 0.8], [30, 0.8]],
        [[100, 0.5], [150, 0.5], [150, 0.4], [100, 0.4]],
        [[150, 0.4], [200, 0.4], [200, 0], [150, 0]],
    ]
    x, y = artist(ax, "_level").get_data()
    known = [(a, round(b, 6)) for a, b in zip(x, y, strict=True) if not np.isnan(b)]
    # Level at 1 to day 30, at .8 from 60, down at once at 90 to .5, on to 100; from 150 on nothing is level.
    assert known[:6] == [(0, 1), (30, 1), (60, 0.8), (90, 0.8), (90, 0.8), (90, 0.5)]
    assert (100, 0.5) in known


def test_the_axis_ends_at_the_last_end_that_is_finite_or_where_it_is_cut(boxes):
    assert turnbull(boxes).get_xlim() == (0, 150)
    assert turnbull(boxes, until=95).get_xlim() == (0, 95)


def test_a_shortcut_is_a_step_and_the_truth_a_line(boxes, curves, artist):
    ax = turnbull(boxes, curves)
    steps = artist(ax, "_curve day of detection").get_xydata().tolist()
    assert steps[:4] == [[0, 1], [60, 1], [60, 0.8], [150, 0.8]]
    assert artist(ax, "_curve truth").get_xydata().tolist() == [[0, 1], [75, 0.7], [150, 0.45]]


def test_limits_stand_at_their_times(boxes, limits, artist):
    xy = artist(turnbull(boxes, limits=limits), "_limits").get_xydata()
    assert xy[~np.isnan(xy[:, 0])].tolist() == [[60, 0.7], [60, 0.9], [120, 0.3], [120, 0.6]]


def test_a_single_box_without_an_end_is_drawn(artist):
    ax = turnbull(pd.DataFrame({"left": [8.0], "right": [INF], "mass": [1.0]}), until=10)
    (path,) = artist(ax, "_boxes").get_paths()
    assert path.vertices[:4].tolist() == [[8, 1], [10, 1], [10, 0], [8, 0]]


@pytest.mark.parametrize(
    ("rows", "until", "end"),
    [
        pytest.param([(10.0, INF, 1.0)], None, 10, id="all censored"),
        pytest.param([(30.0, 60.0, 1.0)], 20, 20, id="cut before the first box"),
    ],
)
def test_where_nothing_fell_before_the_end_survival_is_level_at_1(rows, until, end, artist):
    ax = turnbull(pd.DataFrame(rows, columns=["left", "right", "mass"]), until=until, name="between")
    assert not artist(ax, "_boxes").get_paths()
    assert artist(ax, "_level").get_xydata().tolist() == [[0, 1], [end, 1]]
    (name,) = [text for text in ax.texts if text.get_text() == "between"]
    assert name.get_window_extent().y0 > ax.transData.transform((0, 0.8))[1]


def test_a_shortcut_that_falls_after_the_end_is_level_and_a_truth_that_begins_there_is_refused(
    boxes, curves, artist
):
    ax = turnbull(boxes, curves, until=40)
    assert artist(ax, "_curve day of detection").get_xydata().tolist() == [[0, 1], [40, 1], [40, 1]]
    late = curves.assign(time=curves["time"] + 50)
    with pytest.raises(
        CasebookError, match=r"'truth': found its first point at 50, .* end of the axis at 40"
    ):
        turnbull(boxes, late, until=40)


def test_the_accent_is_left_to_the_three_children(boxes, curves, limits):
    ax = turnbull(boxes, curves, limits)
    assert all(mpl.colors.to_hex(line.get_color()) != style.ACCENT for line in ax.lines)


@pytest.mark.parametrize("ylim", [(0, 1), (0.35, 1)])
def test_words_are_clear_of_each_other(boxes, curves, limits, ylim, assert_labels_clear):
    ax = turnbull(
        boxes,
        curves,
        limits,
        name="between marrows",
        ylim=ylim,
        xlabel="days",
        ylabel="without relapse",
        simulated=True,
    )
    assert_labels_clear(ax.figure)
    assert {"between marrows", "day of detection", "truth"} <= {
        text.get_text().replace("\n", " ") for text in ax.texts
    }


def test_two_renders_are_the_same_bytes(boxes, curves, limits):
    one, two = (style.to_svg(turnbull(boxes, curves, limits, simulated=True).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(boxes):
    given = style.new_axes(2, left=0.9, right=1.2, bottom=0.5, top=0.1)
    assert turnbull(boxes, ax=given) is given


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (lambda b: b.drop(columns="mass"), {}, "missing column 'mass'"),
        (lambda b: b.iloc[:0], {}, "found masses of 0, expected 1"),
        (lambda b: b.iloc[:3], {}, "found masses of 0.5, expected 1"),
        (lambda b: b.assign(left=-1.0).iloc[-1:].assign(mass=1.0), {}, "found -1, expected 0 or more"),
        (lambda b: b.assign(left=[30.0, 50, 90, 100, 150]), {}, "row 1, column 'left': found 50, which is within"),
        (lambda b: b.assign(right=[20.0, 80, 90, 150, INF]), {}, "row 0, columns 'left' and 'right': 30 to 20"),
        (lambda b: b.assign(mass=[0.6, -0.3, 0.3, 0.1, 0.3]), {}, "row 1, column 'mass': found -0.3"),
        (lambda b: b, {"until": 0}, "until: found 0"),
        (lambda b: b, {"ylim": (0.5, 0.5)}, "ylim: found"),
        (lambda b: b, {"limits": pd.DataFrame({"time": [1], "lower": [0.9], "upper": [0.8]})}, "0.9 to 0.8 is no interval"),
        (lambda b: b, {"limits": pd.DataFrame({"time": [1], "lower": [0.9], "upper": [1.2]})}, "found 1.2, expected a prob"),
        (
            lambda b: b,
            {"curves": pd.DataFrame({"curve": ["x"], "time": [-1], "estimate": [1], "look": ["truth"]})},
            "column 'time': found -1, expected 0 or more",
        ),
        (
            lambda b: b,
            {"curves": pd.DataFrame({"curve": ["x"], "time": [1], "estimate": [1], "look": ["band"]})},
            "column 'look': found 'band'",
        ),
    ],
)  # fmt: skip
def test_frames_that_are_none_are_refused(boxes, change, options, expected):
    with pytest.raises(CasebookError, match=expected):
        turnbull(change(boxes), **options)
