"""The numbers of studies in these tables stand for themselves: any would do, and none is a result."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casebook.errors import CasebookError
from casebook.figures import _columns, _evidence, forest, style

POOLED = {"label": "Pooled", "estimate": 80, "lower": 70, "upper": 88, "text": "80% (70–88)"}
PREDICTION = {"lower": 41, "upper": 97, "text": "(41–97)"}
COLUMNS = ["label", "estimate", "lower", "upper", "text", "group", "known", "inferred", "emphasis", "note"]


@pytest.fixture
def studies():
    children, others, none = "Children, MRD before transplant", "Adults", np.nan
    rows = [
        ("These three", 100, 29.2, 100, "3/3  100% (29–100)", children, "read", False, True, "exact limits"),
        ("A trial, its first arm", 93.1, 77.2, 99.2, "27/29  93% (77–99)", children, "read", True, False, ""),
        ("A trial, its other arm", 24, 9.4, 45.1, "6/25  24% (9–45)", children, "read", False, False, ""),
        ("One study", 75, 64, 84, "56/75  75% (64–84)", others, "abstract", False, False, "first cycle"),
        ("Second study", 78, 70, 85, "88/113  78% (70–85)", others, "abstract", True, False, ""),
        ("A registry with a very long name", 60, none, none, "60%", others, "secondary", False, False, ""),
        ("None", 0, 0, 21.8, "0/15  0% (0–22)", others, "secondary", True, False, ""),
        ("A range", none, 40, 80, "no estimate printed", others, "secondary", False, False, ""),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_marks_and_intervals_are_at_their_numbers(studies, artist):
    ax = forest(studies)
    for row, y in zip(studies.itertuples(), ax.get_yticks(), strict=True):
        if not np.isnan(row.estimate):
            assert artist(ax, f"_estimate {row.label}").get_xydata().tolist() == [[row.estimate, y]]
        if not np.isnan(row.lower):
            x = artist(ax, f"_interval {row.label}").get_xdata()
            # A limit that is the estimate has no line: the mark is there.
            ends = {end for end in (row.lower, row.upper) if end != row.estimate}
            assert ends == {end for end in (x[0], x[-1]) if not np.isnan(end)}


@pytest.mark.parametrize("lower", [0, 30, 44, 49.9, 50])
def test_an_interval_ends_at_its_limits_and_leaves_the_mark_free(lower, artist):
    row = pd.DataFrame(
        {"label": ["A"], "estimate": [50], "lower": [lower], "upper": [90], "known": "abstract"}
    )
    *left, gap, outer, right = artist(forest(row), "_interval A").get_xdata()
    assert right == 90
    assert np.isnan(gap)
    assert 50 < outer < 53
    if lower < 45:
        assert left[0] == lower
        assert 47 < left[1] < 50
    else:  # within the mark
        assert not left


def test_an_estimate_without_limits_is_a_mark_and_a_range_without_estimate_has_ends(
    studies, labels_with, artist
):
    ax = forest(studies)
    assert labels_with(ax, "A registry with a very long name") == {
        "_estimate A registry with a very long name"
    }
    assert labels_with(ax, "A range") == {"_interval A range", "_ends A range"}
    assert list(artist(ax, "_ends A range").get_xdata()) == [40, 80]


def test_a_limit_beyond_the_axis_is_an_arrow_to_its_end(artist, labels_with):
    rows = pd.DataFrame({"label": ["A", "B"], "estimate": [2, 12], "lower": [1, 8], "upper": [5, np.inf]})
    ax = forest(rows, unit="days", xlim=(0, 30), xlabel="onset")
    assert labels_with(ax, "A") == {"_estimate A", "_interval A"}
    assert artist(ax, "_interval B").get_xdata()[-1] == 30
    assert artist(ax, "_beyond B").xy == (30, ax.get_yticks()[1])
    assert "onset, days" in {text.get_text() for text in ax.texts}


def test_how_well_a_number_is_known_is_seen_without_colour():
    looks = [
        (path.vertices.tobytes(), kind != "read") for (kind, _), path in _evidence.MARKERS.items()
    ]  # shape, hollow
    assert len(set(looks)) == len(_evidence.MARKERS) == 6


def test_marks_follow_known_and_inferred_and_the_key_names_those_that_occur(studies, artist, labels_with):
    ax = forest(studies)
    read, ring = artist(ax, "_estimate These three"), artist(ax, "_estimate One study")
    assert read.get_markerfacecolor() == pytest.approx((0, 0x62 / 255, 0x8F / 255, 1))  # style.ACCENT
    assert ring.get_markerfacecolor() == "none"
    assert ring.get_markeredgewidth() == _evidence.RING
    words = {text.get_text() for text in ax.texts}
    assert {*_evidence.KNOWN.values(), _evidence.INFERRED} <= words
    plain = forest(studies.drop(columns=["known", "inferred"]))
    assert not words & {text.get_text() for text in plain.texts} & {*_evidence.KNOWN.values()}


def test_pooled_is_a_diamond_and_a_new_study_a_bar_under_it(studies, artist):
    ax = forest(studies, pooled=pd.Series(POOLED), prediction=PREDICTION)
    corners = artist(ax, "_pooled Pooled").get_xy()
    y = ax.get_yticks()
    assert [corners[:, 0].min(), corners[:, 0].max()] == [70, 88]
    assert corners[corners[:, 1].argmin(), 0] == corners[corners[:, 1].argmax(), 0] == 80
    bar = artist(ax, "_prediction")
    assert list(bar.get_xdata()) == [41, 97]
    assert set(bar.get_ydata()) == {y[-1]}
    assert y[-1] > y[-2] == pytest.approx(corners[:-1, 1].mean())
    assert {"new study", "(41–97)"} <= {text.get_text() for text in ax.texts}


def test_groups_head_their_rows_in_order_of_appearance(studies):
    order = [3, 0, 4, 1, 2, 5, 6, 7]
    ax = forest(studies.iloc[order])
    at = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert at["Adults"] < at["One study"] < at["Second study"] < at["None"]
    assert at["None"] < at["Children, MRD before transplant"] < at["These three"]


def many(n):
    frame = pd.DataFrame({"label": [f"Study {i}" for i in range(n)], "estimate": np.linspace(0, 100, n)})
    frame["lower"], frame["upper"] = (frame["estimate"] - 12).clip(0), (frame["estimate"] + 9).clip(upper=100)
    return frame.assign(
        known=(["read", "abstract", "secondary"] * n)[:n], text="17/170  10% (6–16)", note="a note"
    )


@pytest.mark.parametrize("xs", [[], [50], [24.1, 43.1], [47, 50], [0, 100], [1, 2, 3, 4], [96, 98, 99]])
def test_labels_are_clear_of_each_other(studies, xs, assert_labels_clear):
    marks = pd.DataFrame({"x": xs, "label": [f"arm {i} of a trial, {x}%" for i, x in enumerate(xs)]})
    marks = marks.astype({"x": float})
    long = "MRD-negative at the end of the first cycle, % of patients (exact 95% interval)"
    for rows in (studies, studies.iloc[:1], many(14)):
        assert_labels_clear(
            forest(
                rows,
                pooled=POOLED,
                prediction={"lower": 1, "upper": 99, "text": "(1–99)"},
                marks=marks,
                xlabel=long,
            ).figure
        )


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 999), st.integers(1, 999), st.integers(0, 100), st.integers(0, 100)),
        min_size=1,
        max_size=14,
    )
)
def test_counts_percentages_and_brackets_stand_in_columns(rows):
    placed, wide = _columns.align([f"{x}/{n}  {p}% ({low}–100)" for x, n, p, low in rows], 1.5)
    ends = [
        [piece.left + style.text_width(piece.words, style.SMALL) for piece in pieces] for pieces in placed
    ]
    for i in (0, 1):
        assert max(end[i] for end in ends) == pytest.approx(min(end[i] for end in ends))
    assert len({pieces[2].left for pieces in placed}) == 1
    assert max(end[2] for end in ends) == pytest.approx(wide)
    for pieces, end in zip(placed, ends, strict=True):
        assert pieces[0].left >= -1e-9
        assert end[0] < pieces[1].left
        assert end[1] < pieces[2].left


def test_two_renders_are_the_same_bytes(studies):
    one, two = (style.to_svg(forest(studies, pooled=POOLED, prediction=PREDICTION).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(studies):
    given = style.new_axes(3, left=1.8, right=1.6, bottom=0.8, top=0.1)
    assert forest(studies, ax=given) is given


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="upper"), "missing column 'upper'"),
        (lambda f: f.assign(estimate=101), "row 0, column 'estimate': found 101, expected a percentage"),
        (lambda f: f.assign(lower=-1), "row 0, column 'lower': found -1, expected a percentage"),
        (lambda f: f.assign(upper=np.inf), "row 0, column 'upper': found inf, expected a number"),
        (lambda f: f.assign(estimate="most"), "row 0, column 'estimate': found most, expected a number"),
        (lambda f: f.assign(upper=5.0), "row 0, columns 'lower' and 'upper': 29.2 to 5 is no interval"),
        (lambda f: f.assign(lower=np.nan), "row 0, columns 'lower' and 'upper': found one of them"),
        (
            lambda f: f.assign(estimate=3.0),
            "row 0, column 'estimate': found 3, expected a value within its limits",
        ),
        (lambda f: f.assign(known="heard"), "row 0, column 'known': found 'heard'"),
        (lambda f: f.assign(known=None), "row 0, column 'known': found None"),
        (lambda f: f.assign(inferred="no"), "row 0, column 'inferred': found 'no'"),
        (lambda f: f.assign(emphasis="yes"), "row 0, column 'emphasis': found 'yes'"),
        (
            lambda f: f.assign(estimate=np.nan, lower=np.nan, upper=np.nan, text=""),
            "row 0: found no estimate",
        ),
    ],
)
def test_a_bad_frame_is_refused_by_row_and_column(studies, change, words):
    with pytest.raises(CasebookError) as error:
        forest(change(studies))
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"xlim": (100, 0)}, "xlim: found (100, 0)"),
        ({"xlim": (0, 90)}, "row 0, column 'estimate': found 100, expected a value on the axis"),
        ({"pooled": 80}, "pooled: found int"),
        ({"pooled": {**POOLED, "lower": None, "upper": None}}, "pooled: found an empty"),
        ({"pooled": {**POOLED, "lower": 85}}, "pooled: row 0, column 'estimate'"),
        (
            {"prediction": {"lower": 90, "upper": 10}},
            "prediction: row 0, columns 'lower' and 'upper': 90 to 10",
        ),
        ({"pooled": {**POOLED, "upper": 150}, "unit": "days"}, "pooled: found limits beyond the axis"),
        (
            {"prediction": {"lower": 10, "upper": np.inf}, "unit": "days"},
            "prediction: found limits beyond the axis",
        ),
        ({"prediction": (41, 97)}, "prediction: found tuple"),
        ({"prediction": {"lower": None, "upper": None}}, "prediction: found an empty limit"),
        ({"marks": pd.DataFrame({"x": [120], "label": ["x"]})}, "marks: row 0, column 'x': found 120"),
    ],
)
def test_a_bad_option_is_refused(studies, options, words):
    with pytest.raises(CasebookError) as error:
        forest(studies, **options)
    assert words in str(error.value)
