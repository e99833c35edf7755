import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.errors import CasebookError
from casebook.figures import _steps, style, survival

NAMES = ["standard chemotherapy", "blinatumomab, low MRD", "transplant in CR2", "no further treatment at all"]


@pytest.fixture
def curves():
    """Kaplan-Meier by hand of 2, 3+, 5, 7+, 7+ and of 1, 4, 6+ (+ censored): 4/5, then 2/3 of it; 2/3, then half of it."""
    rows = [
        ("one", 2.0, 0.8, 0.2, 0.97),
        ("one", 3.0, 0.8, 0.2, 0.97),
        ("one", 5.0, 0.8 * 2 / 3, 0.1, 0.85),
        ("two", 1.0, 2 / 3, 0.05, 0.95),
        ("two", 4.0, 1 / 3, 0.01, 0.77),
    ]
    return pd.DataFrame(rows, columns=["curve", "time", "estimate", "lower", "upper"])


@pytest.fixture
def censored():
    return pd.DataFrame({"curve": ["one", "one", "two"], "time": [3.0, 7.0, 6.0]})


@pytest.fixture
def at_risk():
    rows = [("one", 0, 5, 0), ("one", 4, 3, 1), ("two", 0, 3, 0), ("two", 4, 2, 1)]
    return pd.DataFrame(rows, columns=["curve", "time", "n", "events"])


def words(ax):
    return [text.get_text() for text in ax.texts]


def four(ends_alike=False, early=False, seed=0):
    """Four curves of ten steps each, with limits, to different ends or to one."""
    rng = np.random.default_rng(seed)
    frames = []
    for i, name in enumerate(NAMES):
        time = np.linspace(20, 200 + 200 * i if early else 800, 10)
        estimate = 1 - np.cumsum(rng.dirichlet(np.ones(11))[:10]) * (0.9 - 0.15 * i)
        if ends_alike:
            estimate[-1] = estimate[-1] * 0 + 0.05
        frames.append(
            pd.DataFrame(
                {
                    "curve": name,
                    "time": time,
                    "estimate": estimate,
                    "lower": np.clip(estimate - 0.1, 0, 1),
                    "upper": np.clip(estimate + 0.1, 0, 1),
                }
            )
        )
    return pd.concat(frames)


def many(n, seed=0):
    """A curve of n steps, and as many censored."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.exponential(500, n))
    estimate = np.exp(-time / 400)
    frame = pd.DataFrame({"curve": "all", "time": time, "estimate": estimate})
    return frame.assign(lower=estimate * 0.97, upper=np.minimum(estimate * 1.03, 1)), frame[["curve", "time"]]


# -- what is drawn ------------------------------------------------------------------------------------------


def test_a_curve_steps_at_its_times_from_one_to_its_last_observation(curves, censored, artist):
    ax = survival(curves, censored=censored)
    xy = artist(ax, "_curve two").get_xydata()
    # 1 until day 1, 2/3 until day 4, 1/3 to the censoring on day 6.
    expected = [(0, 1), (1, 1), (1, 2 / 3), (4, 2 / 3), (4, 1 / 3), (6, 1 / 3), (6, 1 / 3)]
    np.testing.assert_allclose(xy, expected)


def test_an_incidence_begins_at_none(artist):
    frame = pd.DataFrame({"curve": "relapse", "time": [3.0, 9.0], "estimate": [0.1, 0.3]})
    xy = artist(survival(frame, kind="incidence"), "_curve relapse").get_xydata()
    np.testing.assert_allclose(xy, [(0, 0), (3, 0), (3, 0.1), (9, 0.1), (9, 0.3)])


def test_the_limits_are_a_tint_about_the_curve(curves, artist):
    area = artist(survival(curves), "_limits two")
    assert area.get_alpha() < 0.3
    corners = {tuple(corner) for corner in np.round(area.get_xy(), 6)}
    # Lower .05 from day 1 to 4, then .01; upper .95 and .77.
    assert {(1, 0.05), (4, 0.05), (4, 0.01), (1, 0.95), (4, 0.95), (4, 0.77)} <= corners


def test_a_curve_without_limits_has_no_tint(curves, labels_with):
    ax = survival(curves.drop(columns=["lower", "upper"]))
    assert not [label for name in ("one", "two") for label in labels_with(ax, name) if "_limits" in label]


def test_censored_are_marked_on_the_curve(curves, censored, artist):
    x, y = artist(survival(curves, censored=censored), "_censored one").get_data()
    assert x[~np.isnan(x)].tolist() == [3, 3, 7, 7]
    middles = np.nanmean(np.reshape(y, (-1, 3)), axis=1)
    np.testing.assert_allclose(middles, [0.8, 0.8 * 2 / 3])


def test_eight_children_without_an_event_are_a_line_at_one_over_what_is_not_excluded(artist):
    # The exact 95% interval of n of n (Clopper-Pearson) begins at .025^(1/n).
    n = np.array([8, 5, 2, 1])
    frame = pd.DataFrame({"curve": "eight", "time": [0.0, 55, 177, 899], "estimate": 1.0, "upper": 1.0})
    frame["lower"] = 0.025 ** (1 / n)
    ax = survival(frame, censored=pd.DataFrame({"curve": "eight", "time": [55, 177, 899, 1015.0]}))
    assert set(artist(ax, "_curve eight").get_ydata()) == {1.0}
    assert artist(ax, "_curve eight").get_xdata()[-1] == 1015
    assert artist(ax, "_limits eight").get_xy()[:, 1].min() == pytest.approx(0.025)
    assert ax.get_ylim() == (0, 1)


def test_one_patient_is_drawn(artist):
    ax = survival(pd.DataFrame({"curve": ["one"], "time": [54], "estimate": [1.0]}))
    np.testing.assert_allclose(artist(ax, "_curve one").get_xydata(), [(0, 1), (54, 1), (54, 1)])


def test_numbers_at_risk_stand_under_their_ticks(curves, at_risk):
    ax = survival(curves, at_risk)
    assert ax.get_xticks().tolist() == [0, 4]
    assert "at risk" in words(ax)
    assert "events so far" in words(ax)
    ax.figure.canvas.draw()
    for time, numbers in {0: ["5", "3", "0", "0"], 4: ["3", "2", "1", "1"]}.items():
        under = [text for text in ax.texts if text.get_position()[0] == time and text.get_text().isdigit()]
        assert [text.get_text() for text in under] == numbers
        tick = ax.transData.transform((time, 0))[0]
        for text in under:
            box = text.get_window_extent()
            assert (box.x0 + box.x1) / 2 == pytest.approx(tick, abs=1.5)
            assert box.y1 < ax.get_window_extent().y0


def test_numbers_at_risk_may_rise_and_need_not_be_whole(curves, at_risk):
    ax = survival(curves, at_risk.assign(n=[1, 2.5, 3, 4]).drop(columns="events"))
    assert {"1", "2.5", "3", "4"} <= set(words(ax))


def test_a_mark_reads_the_curves_off_and_is_named_once(curves, artist):
    marks = pd.DataFrame({"time": 4, "label": "day four", "curve": ["one", "two"]})
    ax = survival(curves, marks=marks)
    assert words(ax).count("day four") == 1
    assert artist(ax, "_read one").get_xydata().tolist() == [[4, 0.8]]
    assert {"80%", "33%"} <= set(words(ax))


def test_nothing_is_read_off_after_the_end_of_a_curve(curves, labels_with):
    ax = survival(curves, marks=pd.DataFrame({"time": [4.5], "label": ["late"], "curve": ["two"]}))
    assert "_read two" not in labels_with(ax, "two")


def test_a_median_goes_from_one_half_to_the_axis_and_one_not_reached_is_not_drawn(
    curves, artist, labels_with
):
    medians = pd.DataFrame({"curve": ["one", "two"], "time": [np.inf, 4], "text": ["not reached", "4 days"]})
    ax = survival(curves, medians=medians)
    assert artist(ax, "_median two").get_xydata().tolist() == [[0, 0.5], [4, 0.5], [4, 0]]
    assert "_median one" not in labels_with(ax, "one")
    assert "4 days" in words(ax)
    assert "not reached" not in words(ax)


def test_only_a_single_curve_and_what_has_emphasis_are_in_the_accent(curves, artist):
    ax = survival(curves.assign(emphasis=curves["curve"] == "two"))
    assert artist(ax, "_curve two").get_color() == style.ACCENT
    assert artist(ax, "_curve one").get_color() != style.ACCENT
    assert artist(survival(curves[curves["curve"] == "one"]), "_curve one").get_color() == style.ACCENT


def test_stacked_incidences_add_up_to_the_first_end(artist):
    relapse = pd.DataFrame({"curve": "relapse", "time": [1.0, 5.0], "estimate": [0.1, 0.4]})
    death = pd.DataFrame({"curve": "death", "time": [3.0, 8.0], "estimate": [0.2, 0.25]})
    ax = survival(pd.concat([relapse, death]), kind="incidence", stacked=True)
    # By hand: death on relapse is 0, .1 (day 1), .1 + .2 (day 3), .4 + .2 (day 5), where relapse ends.
    xy = artist(ax, "_curve death").get_xydata()
    np.testing.assert_allclose(xy[0::2], [(0, 0), (1, 0.1), (3, 0.3), (5, 0.6)])
    assert artist(ax, "_area death").get_xy()[:, 1].max() == pytest.approx(0.6)


def test_until_cuts_curve_marks_and_table(curves, censored, at_risk, artist):
    ax = survival(curves, at_risk, censored, until=3.5)
    assert ax.get_xlim() == (0, 3.5)
    assert artist(ax, "_curve two").get_xdata().max() == 3.5
    assert ax.get_xticks().tolist() == [0]
    x = artist(ax, "_censored one").get_xdata()
    assert np.nanmax(x) == 3


def test_what_is_simulated_says_so_under_all_else(curves, artist):
    patch = artist(survival(curves, simulated=True), "_simulated")
    assert patch.get_alpha() <= 0.12
    others = [line.get_zorder() for line in patch.axes.lines]
    assert patch.get_zorder() < min(others)
    axes = patch.axes.get_window_extent()
    box = patch.get_window_extent()
    assert box.width > 0.5 * axes.width or box.height > 0.5 * axes.height
    assert axes.x0 <= box.x0 < box.x1 <= axes.x1
    assert axes.y0 <= box.y0 < box.y1 <= axes.y1


# -- its words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("ends_alike", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_names_and_numbers_are_clear_of_each_other(assert_labels_clear, early, ends_alike, seed):
    frame = four(ends_alike, early, seed)
    table = pd.DataFrame(
        [(name, time, 60 - time / 20) for name in NAMES for time in (0, 200, 400, 600, 800)],
        columns=["curve", "time", "n"],
    )
    marks = pd.DataFrame({"time": [100.0, 365.0], "label": ["hundred days", "one year"], "curve": NAMES[:2]})
    medians = pd.DataFrame({"curve": NAMES[:1], "time": [300.0], "text": ["300 days"]})
    ax = survival(
        frame,
        table.assign(events=1),
        xlabel="days from transplant",
        ylabel="alive",
        marks=marks,
        medians=medians,
    )
    assert_labels_clear(ax.figure)


def test_names_of_curves_that_end_alike_stand_in_the_order_of_the_curves():
    frame = pd.DataFrame(
        {
            "curve": ["low"] * 2 + ["high"] * 2,
            "time": [10, 90, 50, 90],
            "estimate": [0.6, 0.4, 0.9, 0.4],
        }
    )
    ax = survival(frame)
    ax.figure.canvas.draw()
    low, high = (
        next(text for text in ax.texts if text.get_text() == name).get_window_extent()
        for name in ("low", "high")
    )
    assert high.y0 >= low.y1 - 3.5


def test_two_renders_are_the_same_bytes(curves, at_risk, censored):
    one, two = (style.to_svg(survival(curves, at_risk, censored, simulated=True).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(curves, at_risk):
    given_axes = style.new_axes(2, left=0.7, right=0.6, bottom=1.6, top=0.2)
    assert survival(curves, at_risk, ax=given_axes) is given_axes


# -- many steps ---------------------------------------------------------------------------------------------


def test_a_hundred_thousand_steps_stay_below_a_hundred_kilobytes():
    curve, censored = many(100_000)
    assert len(style.to_svg(survival(curve, censored=censored).figure)) < 100_000


def test_few_steps_are_all_drawn():
    x = np.sort(np.random.default_rng(0).uniform(0, 3, _steps.CELLS))
    assert _steps.thin(x, np.linspace(2, 0, len(x))).tolist() == list(range(len(x)))


@given(st.integers(0, 10_000), st.integers(_steps.CELLS + 1, 4000), st.booleans())
def test_thinned_steps_cover_the_cells_of_all_steps(seed, n, there_and_back):
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.uniform(0, 3, n)), -np.sort(-rng.uniform(0, 2.3, n))
    if there_and_back:
        y = rng.uniform(0, 2.3, n)
    kept = _steps.thin(x, y)
    assert kept[0] == 0
    assert kept[-1] == n - 1
    assert len(kept) <= (3 if there_and_back else 1) * 3 * _steps.CELLS + 2
    cell = 1 / _steps.CELLS
    # Every step is within a cell, across and up, of a part of the line that is drawn.
    for i in rng.integers(0, n, 25):
        near = (x[kept] > x[i] - cell) & (x[kept] < x[i] + cell)
        heights = np.append(y[kept][near], _steps.value_at(x[kept], y[kept], [x[i], max(x[i] - cell, x[0])]))
        assert heights.min() - cell <= y[i] <= heights.max() + cell


@given(
    st.lists(st.floats(0, 2.3), min_size=1, max_size=6),
    st.lists(st.sampled_from([0.165, 0.33]), min_size=6, max_size=6),
)
def test_spread_names_do_not_overlap_and_stay_on_the_page(wanted, sizes):
    wanted, sizes = sorted(wanted, reverse=True), sizes[: len(wanted)]
    middles = _steps.spread(wanted, sizes, 0.0, 2.3)
    for i in range(len(middles) - 1):
        assert middles[i] - sizes[i] / 2 >= middles[i + 1] + sizes[i + 1] / 2 - 1e-9
    assert middles[0] + sizes[0] / 2 <= 2.3 + 1e-9
    assert middles[-1] - sizes[-1] / 2 >= -1e-9


def test_names_with_room_stay_where_they_are_wanted():
    assert _steps.spread([2.0, 1.0], [0.2, 0.2], 0, 2.3) == [2.0, 1.0]


# -- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (lambda f: f.drop(columns="estimate"), {}, "missing column 'estimate'"),
        (lambda f: f.iloc[:0], {}, "found no row"),
        (lambda f: f.assign(curve=None), {}, "row 0, column 'curve': found none, expected a name"),
        (lambda f: f, {"until": "a"}, "until: found 'a', expected a time above 0"),
        (lambda f: f.assign(time=-1.0).iloc[:1], {}, "row 0, column 'time': found -1, expected 0 or more"),
        (lambda f: f.assign(estimate=1.2, upper=1.2), {}, "expected a probability from 0 to 1"),
        (lambda f: f.assign(estimate=np.nan), {}, "row 0, column 'estimate': found nan, expected a number"),
        (lambda f: f.assign(time=1.0), {}, "row 1, column 'time': found 1, which the curve has twice"),
        (lambda f: f.assign(estimate=[0.8, 0.9, 0.9, 0.6, 0.3]), {}, "row 1, column 'estimate': found 0.9, expected no rise"),
        (lambda f: f, {"kind": "incidence"}, "expected no fall of a curve of incidence"),
        (lambda f: f.assign(lower=0.9), {}, "row 0, column 'lower': found 0.9, expected a limit from 0 to the estimate"),
        (lambda f: f.assign(upper=0.0), {}, "column 'upper': found 0, expected a limit from the estimate to 1"),
        (lambda f: f.drop(columns="upper"), {}, "found the column 'lower' alone"),
        (lambda f: f.assign(lower=[None, 0.2, 0.1, 0, 0]), {}, "row 0, column 'lower': found nan, expected both limits"),
        (
            lambda f: f.assign(lower=[None, 0.2, 0.1, 0, 0], upper=[None, 1, 1, 1, 1]),
            {},
            "expected limits throughout the curve or nowhere",
        ),
        (lambda f: f.assign(emphasis="x"), {}, "column 'emphasis': found 'x'"),
        (lambda f: f, {"kind": "hazard"}, "kind: found 'hazard', expected one of 'survival', 'incidence'"),
        (lambda f: f, {"stacked": True}, "stacked: found the kind 'survival'"),
        (lambda f: f, {"until": 0}, "until: found 0, expected a time above 0"),
        (lambda f: f, {"ylim": 1.5}, "ylim: found 1.5"),
        (lambda f: f, {"censored": pd.DataFrame({"curve": ["x"], "time": [1]})}, "censored: row 0, column 'curve': found 'x'"),
        (lambda f: f, {"censored": pd.DataFrame({"curve": ["one"], "time": [-1]})}, "censored: row 0, column 'time': found -1"),
        (lambda f: f, {"marks": pd.DataFrame({"time": [np.inf], "label": ["x"]})}, "marks: row 0, column 'time': found inf"),
        (lambda f: f, {"medians": pd.DataFrame({"curve": ["x"], "time": [1]})}, "medians: row 0, column 'curve'"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(curves, change, options, expected):
    with pytest.raises(CasebookError) as error:
        survival(change(curves), **options)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: f.assign(curve="x"), "row 0, column 'curve': found 'x'"),
        (lambda f: f.assign(n=-1), "row 0, column 'n': found -1, expected 0 or more"),
        (lambda f: f.assign(time=0), "the curve 'one' at 0 stands twice"),
        (lambda f: f.assign(time=[0, 0.1, 0, 0.1]), "found 0 and 0.1, which stand too close"),
    ],
)
def test_a_bad_table_is_refused(curves, at_risk, change, expected):
    with pytest.raises(CasebookError) as error:
        survival(curves, change(at_risk))
    assert expected in str(error.value)


def test_incidences_that_add_up_to_more_than_one_are_not_stacked():
    frame = pd.DataFrame({"curve": ["a", "b"], "time": [1.0, 2.0], "estimate": [0.6, 0.7]})
    with pytest.raises(CasebookError, match=r"stacked they reach 1\.3"):
        survival(frame, kind="incidence", stacked=True)


def test_every_mark_survives_the_inversion_of_the_dark_theme(curves, censored, at_risk):
    """The theme inverts lightness: what is opaque must be dark, what is pale must be transparent."""
    ax = survival(curves, at_risk, censored, simulated=True)
    for artist in [*ax.lines, *ax.patches]:
        rgb = mpl.colors.to_rgb(
            artist.get_color() if hasattr(artist, "get_color") else artist.get_facecolor()
        )
        assert max(rgb) < 0.8
