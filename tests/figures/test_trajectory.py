import itertools

import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style, trajectory

LIMIT = 0.01


def test_every_reading_is_drawn_at_its_bounds(course, artist):
    panels, readings, _blocks = course
    axes = dict(zip(panels["panel"], trajectory(*course), strict=True))
    for reading in readings.itertuples():
        line = artist(axes[reading.panel], f"_{reading.analyte} {reading.Index}")
        x, y = line.get_xdata(), set(line.get_ydata())
        if len(x) == 2:
            assert tuple(x) == (reading.x_lower, reading.x_upper)
        else:
            # An interval narrower than a dot is drawn as one, in its middle.
            assert x[0] == (reading.x_lower + reading.x_upper) / 2
        if reading.y_lower > 0:
            assert y == {(reading.y_lower + reading.y_upper) / 2}
            assert tuple(
                artist(axes[reading.panel], f"_{reading.analyte} {reading.Index}, rounding").get_ydata()
            ) == (
                reading.y_lower,
                reading.y_upper,
            )
        elif reading.span:
            assert max(y) < LIMIT
        else:
            assert y == {LIMIT}


def test_a_reading_below_the_limit_is_open_and_points_down(course, artist):
    panels, readings, _ = course
    axes = dict(zip(panels["panel"], trajectory(*course), strict=True))
    below = readings[(readings["y_lower"] == 0) & ~readings["span"]]
    assert len(below)
    for reading in below.itertuples():
        name = f"_{reading.analyte} {reading.Index}"
        arrow = artist(axes[reading.panel], f"{name}, below")
        assert arrow.get_position()[1] < 0
        assert arrow.xy[1] == LIMIT
        line = artist(axes[reading.panel], name)
        assert line.get_marker() == "|" or line.get_markerfacecolor() == "none"


def test_readings_are_joined_by_lines_within_a_clock_and_by_dots_between(course):
    _panels, readings, _ = course
    drawn = [child.get_label() for ax in trajectory(*course) for child in ax.get_children()]
    points = readings[~readings["span"]]
    within = across = 0
    for _, mine in points.groupby("analyte"):
        for one, two in zip(mine.iloc[:-1].itertuples(), mine.iloc[1:].itertuples(), strict=True):
            if one.y_lower or two.y_lower:
                within, across = within + (one.panel == two.panel), across + (one.panel != two.panel)
    assert sum(str(label).endswith(", joined") for label in drawn) == within
    assert sum(str(label).endswith(", across") for label in drawn) == across


def test_clocks_are_apart_and_share_one_scale(course):
    panels, _, _ = course
    axes = trajectory(*course)
    assert isinstance(axes, np.ndarray)
    assert len({ax.get_ylim() for ax in axes}) == 1
    assert all(ax.get_yscale() == "log" for ax in axes)
    edges = [ax.get_position() for ax in axes]
    assert all(one.x1 < two.x0 for one, two in itertools.pairwise(edges))
    for panel, ax in zip(panels.itertuples(), axes, strict=True):
        assert ax.get_xlim() == (panel.lower, panel.upper)
        assert (len(ax.get_xticks()) == 0) == panel.ordered_only
        assert panel.label in {text.get_text().replace("\n", " ") for text in ax.texts}


def test_the_band_is_what_no_assay_could_see(course, artist):
    for ax in trajectory(*course):
        band = artist(ax, "_below the limit")
        assert band.get_y() + band.get_height() == pytest.approx(LIMIT)
        assert band.get_y() == pytest.approx(ax.get_ylim()[0])


def test_blocks_are_drawn_where_they_surely_and_possibly_were(course, artist):
    panels, _, blocks = course
    axes = dict(zip(panels["panel"], trajectory(*course), strict=True))
    for block in blocks[blocks["start_lower"] == blocks["start_upper"]].itertuples():
        mark = artist(axes[block.panel], f"_{block.kind} {block.label}")
        if block.kind == "hsct":
            assert list(mark.get_xdata()) == [block.start_lower] * 2
            continue
        assert (mark.get_x(), mark.get_x() + mark.get_width()) == pytest.approx(
            (block.start_upper, block.end_lower)
        )
        if block.end_lower < block.end_upper:
            maybe = artist(axes[block.panel], f"_{block.kind} {block.label}, possible")
            assert (maybe.get_x(), maybe.get_x() + maybe.get_width()) == pytest.approx(
                (block.end_lower, block.end_upper)
            )


def test_unbounded_readings_and_blocks_have_arrows(course, labels_with):
    panels, readings, blocks = course
    readings["x_lower"] = readings["x_lower"].astype(float)
    readings.loc[0, "x_lower"] = -np.inf
    blocks.loc[len(blocks)] = ["A", 20, 20, 30, np.inf, "still given", "treatment"]
    ax = trajectory(panels, readings, blocks)[0]
    assert labels_with(ax, "unbounded") == {f"_{readings.loc[0, 'analyte']} 0, unbounded"}
    assert sum(child.get_label() == "_treatment still given" for child in ax.get_children()) == 2


def test_labels_are_clear_of_each_other(course, assert_labels_clear):
    assert_labels_clear(trajectory(*course)[0].figure)


def test_every_label_is_written_as_printed(course):
    _, readings, blocks = course
    written = {text.get_text() for ax in trajectory(*course) for text in ax.texts}
    assert {*readings["label"], *blocks["label"], *readings["analyte"]} - {""} <= written


def test_two_renders_are_the_same_bytes(course):
    one, two = (style.to_svg(trajectory(*course)[0].figure) for _ in range(2))
    assert one == two


def test_it_draws_without_blocks_and_on_given_axes(course):
    import matplotlib.pyplot as plt

    panels, readings, _ = course
    _, axes = plt.subplots(1, len(panels))
    assert list(trajectory(panels, readings, axes=axes)) == list(axes)
    with pytest.raises(CasebookError, match="axes: found 2"):
        trajectory(panels, readings, axes=axes[:2] if len(panels) != 2 else axes[:1])


@pytest.mark.parametrize(
    ("which", "change", "words"),
    [
        (0, lambda f: f.drop(columns="upper"), "panels: missing column 'upper'"),
        (0, lambda f: f.assign(upper=f["lower"]), "panels:"),
        (0, lambda f: f.assign(panel="A"), "row 1, column 'panel': 'A' stands twice"),
        (1, lambda f: f.assign(panel="Z"), "row 0, column 'panel': found 'Z'"),
        (1, lambda f: f.assign(y_upper=-1), "row 0, columns 'y_lower' and 'y_upper'"),
        (1, lambda f: f.assign(y_lower=-1), "row 0, column 'y_lower': found -1"),
        (1, lambda f: f.assign(x_upper="day 19"), "row 0, column 'x_upper': found 'day 19'"),
        (1, lambda f: f.assign(y_upper=np.inf), "row 0, column 'y_upper': found inf"),
        (2, lambda f: f.assign(kind="rest"), "row 0, column 'kind': found 'rest'"),
        (2, lambda f: f.assign(end_upper=-100), "row 0, columns 'end_lower' and 'end_upper'"),
    ],
)
def test_a_bad_frame_is_refused_by_row_and_column(course, which, change, words):
    frames = [*course]
    frames[which] = change(frames[which])
    with pytest.raises(CasebookError) as error:
        trajectory(*frames)
    assert words in str(error.value)


def test_all_bad_rows_are_named_at_once(course):
    panels, readings, blocks = course
    with pytest.raises(CasebookError) as error:
        trajectory(panels, readings.assign(panel="Z"), blocks)
    assert str(error.value).count("found 'Z'") == len(readings)


def test_a_detection_limit_of_nothing_is_refused(course):
    with pytest.raises(CasebookError, match="detection_limit"):
        trajectory(*course, detection_limit=0)


def test_the_frames_stay_as_they_were(course):
    before = [frame.copy() for frame in course]
    trajectory(*course)
    for one, two in zip(before, course, strict=True):
        pd.testing.assert_frame_equal(one, two)
