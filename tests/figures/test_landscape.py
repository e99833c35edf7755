"""The results in these tables stand for themselves: any would do, and none is a published one."""

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.errors import CasebookError
from casebook.figures import _evidence, landscape, style
from casebook.figures._swarm import Item, swarm
from casebook.figures.landscape import ARMS

ENDPOINTS = {
    "Serious adverse events": "Safety",
    "Neurologic events, any grade": "Safety",
    "MRD-negative": "Response",
    "2-year event-free survival": "",
}


@pytest.fixture
def results():
    rng = np.random.default_rng(20)
    rows = [
        (endpoint, group, round(rng.uniform(0, 100), 1), int(rng.choice([3, 25, 54, 108, 300])))
        for endpoint, group in ENDPOINTS.items()
        for _ in range(7)
    ]
    frame = pd.DataFrame(rows, columns=["endpoint", "group", "estimate", "n"])
    frame["arm"] = (["blinatumomab", "chemotherapy", "other"] * 10)[: len(frame)]
    frame["known"] = (["read", "read", "abstract", "secondary"] * 10)[: len(frame)]
    frame["inferred"] = frame.index % 5 == 0
    frame["label"] = ""
    frame.loc[[1, 8, 9], "label"] = ["First author 2021", "Another", "A third, adults"]
    return frame


@pytest.fixture
def children():
    rows = [("Serious adverse events", 0, 70.8, "0 of 3"), ("MRD-negative", 29.2, 100, "3 of 3")]
    return pd.DataFrame(rows, columns=["endpoint", "lower", "upper", "text"])


def drawn(ax, rows):
    """The marks with their rows."""
    by_label = {line.get_label(): line for line in ax.lines}
    return [(row, by_label[f"_mark {row.endpoint}, {row.Index}"]) for row in rows.itertuples()]


def test_every_mark_is_at_its_estimate_on_its_strip(results):
    ax = landscape(results)
    middles = dict(zip(ENDPOINTS, ax.get_yticks(), strict=True))
    edges = sorted(middles.values())
    for row, mark in drawn(ax, results):
        ((x, y),) = mark.get_xydata()
        assert x == row.estimate
        nearest = min(edges, key=lambda edge: abs(edge - y))
        assert nearest == middles[row.endpoint]


def test_area_is_the_number_of_patients():
    rows = pd.DataFrame(
        {"endpoint": "A", "estimate": [20, 60, 90], "n": [400, 100, 1], "arm": "blinatumomab"}
    )
    sizes = [mark.get_markersize() for _, mark in drawn(landscape(rows), rows)]
    assert sizes[0] ** 2 / sizes[1] ** 2 == pytest.approx(4)
    # The smallest is no smaller than can be seen, and the key says up to what number.
    assert sizes[2] > 6


def test_a_diamond_has_the_area_of_a_circle_with_as_many_patients():
    # Circle: pi r^2. Diamond with half diagonal d: 2 d^2. Outer edges, so that the ring counts.
    r, d = _evidence.half_width("read", 10), _evidence.half_width("secondary", 10)
    assert 2 * d**2 == pytest.approx(np.pi * r**2)


def test_no_mark_hides_another(results):
    ax = landscape(results)
    ax.figure.canvas.draw()
    discs = []
    for _, mark in drawn(ax, results):
        (x, y) = mark.get_transform().transform(mark.get_xydata())[0]
        discs.append((x, y, (mark.get_markersize() + mark.get_markeredgewidth()) / 2 * ax.figure.dpi / 72))
    for (a, b, r), (c, d, s) in itertools.combinations(discs, 2):
        assert np.hypot(a - c, b - d) > r + s


@given(
    st.lists(
        st.tuples(st.floats(0, 200), st.floats(2, 12), st.sampled_from([0.0, 20.0, 90.0])),
        min_size=1,
        max_size=10,
    )
)
def test_a_swarm_keeps_marks_and_words_apart_and_on_the_page(rows):
    items = [Item(x, half, wide, 11.0 if wide else 0.0) for x, half, wide in rows]
    places = swarm(items, 0, 210)
    boxes = []
    for item, place in zip(items, places, strict=True):
        boxes.append((item.x - item.half, item.x + item.half, place.across, item.half))
        if item.words_wide:
            assert place.words >= 0
            assert place.words + item.words_wide <= 210
            boxes.append((place.words, place.words + item.words_wide, place.across, item.words_high / 2))
    for (one, here), (two, there) in itertools.combinations(zip(items, places, strict=True), 2):
        assert np.hypot(one.x - two.x, here.across - there.across) >= one.half + two.half
    for (a, b, y, high), (c, d, z, tall) in itertools.combinations(boxes, 2):
        words = (high == 5.5) + (tall == 5.5)
        same = y == z and words == 1
        assert words == 0 or same or b <= c or d <= a or abs(y - z) >= high + tall


def test_arms_are_told_apart_in_greyscale():
    def grey(arm):
        ink, tint = ARMS[arm]
        *rgb, alpha = mpl.colors.to_rgba(ink)
        shade = np.dot(rgb, [0.2126, 0.7152, 0.0722])
        return 1 - min(alpha, tint) * (1 - shade)

    shades = sorted(grey(arm) for arm in ARMS)
    assert min(np.diff(shades)) > 0.15


def test_marks_follow_what_is_known(results):
    for row, mark in drawn(landscape(results), results):
        assert mark.get_marker() is _evidence.MARKERS[row.known, row.inferred]
        assert (mark.get_markerfacecolor() == "none") == (row.known != "read")


def test_the_children_are_a_bar_with_its_point_at_the_end(results, children, artist):
    ax = landscape(results, children=children)
    bar = artist(ax, "_children Serious adverse events")
    assert list(bar.get_xdata()) == [0, 70.8]
    assert artist(ax, "_children point Serious adverse events").get_xdata() == [0]
    assert artist(ax, "_children point MRD-negative").get_xdata() == [100]
    lowest = max(
        mark.get_ydata()[0] for row, mark in drawn(ax, results) if row.endpoint == "Serious adverse events"
    )
    assert bar.get_ydata()[0] > lowest  # the axis runs downwards: the bar is under the marks
    assert {"0 of 3", "3 of 3"} <= {text.get_text() for text in ax.texts}


def test_labels_are_clear_of_each_other(results, children, assert_labels_clear):
    assert_labels_clear(landscape(results, children=children).figure)
    assert_labels_clear(landscape(results.drop(columns=["known", "group"])).figure)
    assert_labels_clear(landscape(results.iloc[:1]).figure)
    piled = [
        (
            f"An endpoint with a rather long name, number {i}",
            (0, 100, 50)[i % 3],
            (10, 300)[k % 2],
            ARM[k % 3],
        )
        for i in range(12)
        for k in range(10)
    ]
    frame = pd.DataFrame(piled, columns=["endpoint", "estimate", "n", "arm"])
    frame["label"] = ["A study" if i % 4 == 0 else "" for i in frame.index]
    assert_labels_clear(landscape(frame.assign(known="abstract")).figure)


ARM = list(ARMS)


def test_two_renders_are_the_same_bytes(results, children):
    one, two = (style.to_svg(landscape(results, children=children).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(results):
    given = style.new_axes(4, left=1.6, right=0.2, bottom=1.4, top=0.1)
    assert landscape(results, ax=given) is given


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="arm"), "missing column 'arm'"),
        (lambda f: f.assign(estimate=100.1), "row 0, column 'estimate': found 100.1"),
        (lambda f: f.assign(estimate=np.nan), "row 0, column 'estimate': found nan, expected a number"),
        (lambda f: f.assign(n=0), "row 0, column 'n': found 0"),
        (lambda f: f.assign(arm="placebo"), "row 0, column 'arm': found 'placebo'"),
        (lambda f: f.assign(known="heard"), "row 0, column 'known': found 'heard'"),
        (lambda f: f.assign(group=[*"ab", *f["group"][2:]]), "'Serious adverse events' stands in 3 groups"),
        (lambda f: f.iloc[:0], "found no row"),
    ],
)
def test_a_bad_frame_is_refused_by_row_and_column(results, change, words):
    with pytest.raises(CasebookError) as error:
        landscape(change(results))
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(endpoint="Mood"), "row 0, column 'endpoint': found 'Mood'"),
        (
            lambda f: f.assign(endpoint="MRD-negative"),
            "row 1, column 'endpoint': 'MRD-negative' stands twice",
        ),
        (lambda f: f.assign(upper=-3), "row 0, column 'upper': found -3"),
        (lambda f: f.assign(lower=80), "row 0, columns 'lower' and 'upper': 80 to 70.8"),
        (lambda f: f.assign(lower=10, upper=60), "row 0, column 'estimate': found nan"),
        (lambda f: f.assign(estimate=90), "row 0, column 'estimate': found 90, expected a value within"),
    ],
)
def test_bad_children_are_refused(results, children, change, words):
    with pytest.raises(CasebookError) as error:
        landscape(results, children=change(children))
    assert words in str(error.value)
