import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style
from casebook.figures.stopping_rule import stopping_rule


@pytest.fixture
def limits():
    """Stop at more than half of the children, from the third on."""
    n = np.arange(1, 41)
    limit = np.where(n < 3, np.nan, n // 2 + 1)
    return pd.DataFrame({"n": n, "limit": limit})


@pytest.fixture
def sparse():
    return pd.DataFrame({"n": [5, 10, 20, 40], "limit": [None, 1, 4, 15]})


@pytest.fixture
def path():
    return pd.DataFrame({"n": [1, 2, 3], "events": 0, "label": "these three"})


@pytest.fixture
def rates():
    return pd.DataFrame({"rate": [24.1, 43.1], "label": ["24.1%, blinatumomab", "43.1%, chemotherapy"]})


def words(ax):
    return {text.get_text().replace("\n", " ") for text in ax.texts}


def corners(area):
    """Left, bottom, right and top of an area."""
    x, y = area.get_paths()[0].vertices.T
    return [x.min(), y.min(), x.max(), y.max()]


def test_every_count_that_stops_lies_in_its_area_and_no_other(limits, artist, labels_with):
    ax = stopping_rule(limits)
    # Of 10 children 6 or more: from 5.5, so that 5 is outside, to 10.5, as there are no more than 10.
    assert corners(artist(ax, "_stop 10")) == [9.5, 5.5, 10.5, 10.5]
    assert corners(artist(ax, "_stop 3")) == [2.5, 1.5, 3.5, 3.5]
    assert not labels_with(ax, "_stop 2")
    assert {"stop", "go on"} <= words(ax)


def test_few_responses_stop_from_below_and_only_at_looks(sparse, artist, labels_with):
    ax = stopping_rule(sparse, side="lower", stop="give up", go_on="continue")
    left, bottom, right, top = corners(artist(ax, "_stop 20"))
    # Looks are at least 5 apart: seven tenths of that around 20; up to 4 of the children.
    assert (left, right, top) == (18.25, 21.75, 4.5)
    assert bottom == ax.get_ylim()[0]
    assert not labels_with(ax, "_stop 5")
    assert {"give up", "continue"} <= words(ax)


def test_the_three_children_are_on_their_way_in_the_accent(limits, path, artist):
    ax = stopping_rule(limits, path)
    line = artist(ax, "_path")
    assert line.get_xydata().tolist() == [[0, 0], [1, 0], [2, 0], [3, 0]]
    assert line.get_color() == style.ACCENT
    assert "these three" in words(ax)
    assert style.ACCENT not in {other.get_color() for other in ax.lines if other is not line}


def test_a_rate_is_the_line_of_what_is_expected(limits, rates, artist):
    ax = stopping_rule(limits, rates=rates)
    x, y = artist(ax, "_rate 24.1%, blinatumomab").get_data()
    assert y == pytest.approx(0.241 * x)
    assert x[1] == ax.get_xlim()[1]
    assert set(rates["label"]) <= words(ax)


def test_a_rule_that_never_stops_has_no_area_and_no_word_for_it(limits):
    ax = stopping_rule(limits.assign(limit=np.nan))
    assert words(ax) == {"go on"}
    assert not [child for child in ax.get_children() if str(child.get_label()).startswith("_stop")]


def test_a_single_look_after_one_child_is_drawn(artist):
    ax = stopping_rule(pd.DataFrame({"n": [1], "limit": [1]}))
    assert corners(artist(ax, "_stop 1"))[1::2] == [0.5, 1.5]


@pytest.mark.parametrize("side", ["upper", "lower"])
@pytest.mark.parametrize("events", [[0, 0, 0], [1, 2, 3]])
@pytest.mark.parametrize("values", [[24, 54, 93], [0, 50, 100], [40, 41]])
def test_labels_are_clear_of_each_other(limits, sparse, path, side, events, values, assert_labels_clear):
    rates = pd.DataFrame({"rate": values, "label": [f"{value}%, an arm of a trial" for value in values]})
    for frame in (limits, sparse):
        ax = stopping_rule(
            frame, path.assign(events=events), rates=rates, side=side, xlabel="children", ylabel="events"
        )
        assert_labels_clear(ax.figure)


def test_the_words_stand_in_their_areas(limits, path, rates):
    ax = stopping_rule(limits, path, rates=rates)
    ax.figure.canvas.draw()
    places = {}
    for text in ax.texts:
        box = text.get_window_extent()
        places[text.get_text()] = ax.transData.inverted().transform([(box.x0, box.y0), (box.x1, box.y1)])
    (left, bottom), (right, top) = places["stop"]
    # Above the boundary at its right end, below the diagonal at its left one.
    assert bottom > right // 2 + 0.5
    assert top < left
    (left, bottom), (right, top) = places["go on"]
    assert top < left / 2


def test_two_renders_are_the_same_bytes(limits, path, rates):
    one, two = (style.to_svg(stopping_rule(limits, path, rates=rates).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(limits, path):
    given = style.new_axes(2, left=0.7, right=0.6, bottom=0.6, top=0.2)
    assert stopping_rule(limits, path, ax=given) is given


def test_what_stops_survives_the_inversion_of_the_dark_theme(limits, path, artist):
    ax = stopping_rule(limits, path)
    assert artist(ax, "_stop 10").get_alpha() < 0.3


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (lambda f: f.drop(columns="limit"), {}, "missing column 'limit'"),
        (lambda f: f.iloc[:0], {}, "found no row, expected a look"),
        (lambda f: f.assign(n=1), {}, "row 1, column 'n': 1.0 stands twice"),
        (lambda f: f.assign(n=f["n"] - 1), {}, "row 0, column 'n': found 0, expected a whole number of 1 or more"),
        (lambda f: f.assign(n=f["n"] + 0.5), {}, "row 0, column 'n': found 1.5, expected a whole number"),
        (lambda f: f.assign(limit=-1), {}, "row 0, column 'limit': found -1, expected a count of at most n"),
        (lambda f: f.assign(limit=2.0), {}, "row 0, column 'limit': found 2, expected a count of at most n"),
        (lambda f: f.assign(limit="x"), {}, "column 'limit': found x, expected a number"),
        (lambda f: f, {"side": "two"}, "side: found 'two', expected 'upper' or 'lower'"),
        (lambda f: f, {"path": pd.DataFrame({"n": [3], "events": [4]})}, "path: row 0, column 'events': found 4"),
        (lambda f: f, {"path": pd.DataFrame({"n": [3, 3], "events": [0, 1]})}, "path: row 1, column 'n': 3.0 stands twice"),
        (lambda f: f, {"path": pd.DataFrame({"n": [3, 2], "events": [0, 1]})}, "path: row 0, column 'events': found 0, expected"),
        (lambda f: f, {"path": pd.DataFrame({"n": [3], "events": [0], "label": "long " * 40})}, "inches wide, expected one"),
        (lambda f: f, {"path": pd.DataFrame({"n": [3]})}, "path: missing column 'events'"),
        (lambda f: f, {"rates": pd.DataFrame({"rate": [101], "label": "x"})}, "rates: row 0, column 'rate': found 101"),
    ],
)  # fmt: skip
def test_bad_frames_are_refused(limits, change, options, expected):
    with pytest.raises(CasebookError) as error:
        stopping_rule(change(limits), **options)
    assert expected in str(error.value)
