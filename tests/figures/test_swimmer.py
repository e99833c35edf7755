import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style, swimmer
from casebook.figures._placement import place

INF = float("inf")


def test_solid_bars_are_the_days_that_every_reading_of_the_bounds_covers(
    lanes, spans, points, origin, artist
):
    ax = swimmer(lanes, spans, points)
    for span in spans[spans["kind"] != "gap"].itertuples():
        if span.start_lower == -INF or span.end_upper == INF:
            continue
        bar = artist(ax, f"_{span.kind} of {span.lane}")
        assert (bar.get_x(), bar.get_x() + bar.get_width()) == (span.start_upper, span.end_lower)
        assert bar.get_y() + bar.get_height() / 2 == list(lanes["lane"]).index(span.lane)


def test_a_day_of_doubt_is_drawn_paler_up_to_its_limit(lanes, spans, points, origin, artist):
    ax = swimmer(lanes, spans, points)
    pale = artist(ax, "_infusion of case-1, possible")
    first = {"transplant": -22, "infusion": 14}[origin]
    assert (pale.get_x(), pale.get_width()) == (first, 1)
    assert pale.get_alpha() == style.TINT
    assert list(artist(ax, "_infusion of case-1, limit").get_xdata()) == [first + 1] * 2


def test_a_span_bounded_on_one_side_is_an_outline_at_its_extreme_place_with_an_arrow(
    lanes, spans, points, origin, artist, labels_with
):
    ax = swimmer(lanes, spans, points)
    kind, side, low, high = {
        "transplant": ("infusion", "earlier", -27, 0),
        "infusion": ("follow_up", "later", 27, 82),
    }[origin]
    outline = artist(ax, f"_{kind} of case-2, extreme")
    assert (outline.get_x(), outline.get_x() + outline.get_width()) == (low, high)
    arrow = artist(ax, f"_{kind} of case-2, or {side}")
    assert arrow.xy[0] == {"transplant": -28, "infusion": 82}[origin]
    assert (arrow.get_position()[0] < 0) == (side == "earlier")
    # Nothing else in the figure is without a bound, but for the point that goes with it.
    point = {"transplant": "_mrd_negative", "infusion": "_hsct"}[origin]
    assert labels_with(ax, f", or {side}") == {
        f"_{kind} of case-2, or {side}",
        f"{point} of case-2, or {side}",
    }
    assert f"or {side}" in {text.get_text() for text in ax.texts}


def test_points_are_drawn_where_their_bounds_are(lanes, spans, points, origin, artist):
    ax = swimmer(lanes, spans, points)
    for point in points.itertuples():
        drawn = set(artist(ax, f"_{point.kind} of {point.lane}").get_xdata())
        assert drawn == {x for x in (point.lower, point.upper) if abs(x) < INF}


def test_follow_up_that_goes_on_ends_in_an_arrowhead(lanes, spans, points, origin, labels_with):
    expected = {"transplant": {"case-1", "case-2", "case-3"}, "infusion": {"case-1", "case-3"}}[origin]
    assert labels_with(swimmer(lanes, spans, points), "ongoing") == {
        f"_follow_up of {lane}, ongoing" for lane in expected
    }


def test_the_axis_holds_every_known_day(lanes, spans, points, origin):
    low, high = swimmer(lanes, spans, points).get_xlim()
    days = pd.concat(
        [
            spans[["start_lower", "start_upper", "end_lower", "end_upper"]].stack(),
            points[["lower", "upper"]].stack(),
        ]
    )
    days = days[days.abs() < INF]
    assert low < days.min() < days.max() < high
    assert swimmer(lanes, spans, points, xlim=(-100, 200)).get_xlim() == (-100, 200)


def test_labels_are_clear_of_each_other(lanes, spans, points, origin, assert_labels_clear):
    assert_labels_clear(swimmer(lanes, spans, points, xlabel="days from start of infusion").figure)


def test_two_renders_are_the_same_bytes(lanes, spans, points, origin):
    one, two = (style.to_svg(swimmer(lanes, spans, points).figure) for _ in range(2))
    assert one == two
    assert b"<dc:date>" not in one


def test_it_draws_on_given_axes(lanes, spans, points, origin):
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    assert swimmer(lanes, spans, points, ax=ax, key=False) is ax


def test_the_key_names_only_what_is_drawn_in_the_words_asked_for(lanes, spans, points, origin):
    words = {text.get_text() for text in swimmer(lanes, spans, points, key={"infusion": "the drug"}).texts}
    assert {"the drug", "only bounded on one side", "HSCT"} <= words
    assert "blinatumomab" not in words
    alone = spans[spans["kind"] == "follow_up"].iloc[:1]
    assert "HSCT" not in {text.get_text() for text in swimmer(lanes, alone, points.iloc[:0]).texts}


def test_it_leaves_the_frames_as_they_were(lanes, spans, points, origin):
    before = spans.copy(), points.copy(), lanes.copy()
    swimmer(lanes, spans, points)
    for one, two in zip(before, (spans, points, lanes), strict=True):
        pd.testing.assert_frame_equal(one, two)


def test_nothing_is_drawn_where_nothing_is_known(lanes, spans, points, origin):
    unknown = spans.iloc[:1].assign(start_lower=-INF, start_upper=INF, end_lower=-INF, end_upper=INF)
    ax = swimmer(lanes, unknown, points.iloc[:0], key=False)
    assert not ax.patches
    assert not [line for line in ax.lines if line.get_label() != "_rule"]


@pytest.mark.parametrize(
    ("frame", "change", "words"),
    [
        ("spans", lambda f: f.drop(columns="end_upper"), "missing column 'end_upper'"),
        (
            "spans",
            lambda f: f.assign(lane=f["lane"].replace("case-2", "case-9")),
            "row 3, column 'lane': found 'case-9'",
        ),
        ("spans", lambda f: f.assign(kind="sleep"), "row 0, column 'kind': found 'sleep'"),
        ("spans", lambda f: f.assign(start_upper=-400), "row 0, columns 'start_lower' and 'start_upper'"),
        ("spans", lambda f: f.assign(end_lower="soon"), "row 0, column 'end_lower': found 'soon'"),
        (
            "spans",
            lambda f: f.assign(length_lower=200, length_upper=201),
            "row 0, columns 'start_…', 'end_…' and",
        ),
        ("points", lambda f: f.drop(columns=["lower", "kind"]), "missing column 'kind', 'lower'"),
        ("points", lambda f: f.assign(lower=f["upper"] + 1), "row 0, columns 'lower' and 'upper'"),
        ("lanes", lambda f: f.assign(lane="case-1"), "row 1, column 'lane': 'case-1' stands twice"),
    ],
)
@pytest.mark.parametrize("origin", ["transplant"], indirect=True)
def test_a_bad_frame_is_refused_by_row_and_column(lanes, spans, points, origin, frame, change, words):
    frames = {"lanes": lanes, "spans": spans, "points": points}
    frames[frame] = change(frames[frame])
    with pytest.raises(CasebookError) as error:
        swimmer(**frames)
    assert words in str(error.value)
    assert str(error.value).startswith(frame)


@pytest.mark.parametrize(
    ("start", "end", "length", "certain", "left", "right"),
    [
        ((0, 0), (5, 5), (0, INF), (0, 5), None, None),
        ((-INF, 0), (5, 5), (0, INF), (0, 5), 0, None),
        ((0, 0), (5, INF), (0, INF), (0, 5), None, 5),
        ((-INF, 0), (5, INF), (0, INF), (0, 5), 0, 5),
        ((0, 0), (-INF, INF), (7, 7), (0, 7), None, None),
        ((-INF, 3), (-INF, 3), (0, INF), None, 3, None),
    ],
)
def test_place_draws_no_more_than_is_known(start, end, length, certain, left, right):
    where = place(start, end, length)
    assert (where.certain, where.open_left, where.open_right) == (certain, left, right)
