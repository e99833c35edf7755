"""The estimates in these tables stand for themselves: any would do, and none is a result."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style
from casebook.figures.estimates import estimates

GROUPS = ("HSCT halves the hazard", "HSCT does nothing, but goes to those at risk")
METHODS = ("ever transplanted", "from the day of HSCT", "a method whose name goes over two lines")


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    rows = [
        pd.DataFrame({"group": group, "method": method, "estimate": np.exp(rng.normal(-0.5, 0.3, 60))})
        for group in GROUPS
        for method in METHODS
    ]
    return pd.concat(rows, ignore_index=True)


@pytest.fixture
def truth():
    return pd.DataFrame({"group": GROUPS, "truth": [0.5, 1.0]})


def test_every_estimate_is_a_dot_no_further_from_its_place_than_its_width(frame, artist):
    ax = estimates(frame)
    for group in GROUPS:
        for method in METHODS:
            x = artist(ax, f"_dots {group} {method}").get_xdata()
            values = frame[(frame.group == group) & (frame.method == method)].estimate
            assert len(x) == 60
            # A dot is at most .055 inches wide, and the plot, 2.6 inches, has factors of 40: 8% more or less.
            np.testing.assert_allclose(x, values, rtol=0.08)


def test_dots_of_a_strip_do_not_cover_each_other(frame, artist):
    ax = estimates(frame)
    ax.figure.canvas.draw()
    line = artist(ax, f"_dots {GROUPS[0]} {METHODS[0]}")
    points = ax.transData.transform(line.get_xydata()) / ax.figure.dpi * 72
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)) + 100 * np.eye(60)
    assert apart.min() > line.get_markersize()


def test_the_mean_is_that_of_logarithms_and_the_truth_an_upright_line_through_its_group(frame, truth, artist):
    # By hand: the geometric mean of 1/2 and 2 is 1.
    two = pd.DataFrame({"method": "a", "estimate": [0.5, 2.0]})
    assert artist(estimates(two), "_mean a").get_xdata() == pytest.approx([1])
    ax = estimates(frame, truth)
    for group, value in zip(GROUPS, (0.5, 1.0), strict=True):
        line = artist(ax, f"_truth {group}")
        assert list(line.get_xdata()) == [value, value]
        top, bottom = line.get_ydata()
        for method in METHODS:
            y = artist(ax, f"_dots {group} {method}").get_ydata()
            assert top <= y.min() < y.max() <= bottom


def test_many_cohorts_have_smaller_dots_within_their_strip(artist):
    sizes = []
    for n in (20, 200):
        values = np.exp(np.random.default_rng(1).normal(0, 0.2, n))
        line = artist(estimates(pd.DataFrame({"method": "a", "estimate": values})), "_dots a")
        sizes.append(line.get_markersize())
        assert np.ptp(line.get_ydata()) <= 0.37
    assert sizes[1] < sizes[0]


def test_one_cohort_is_drawn(artist):
    ax = estimates(pd.DataFrame({"method": ["a"], "estimate": [1.0]}), pd.DataFrame({"truth": [1.0]}))
    assert artist(ax, "_mean a").get_xdata() == pytest.approx([1])


@pytest.mark.parametrize("value", [0.12, 0.5, 1.0, 3.5])
def test_words_are_clear_of_each_other_wherever_the_truth_is(frame, value, assert_labels_clear):
    truth = pd.DataFrame({"group": GROUPS, "truth": [value, 1.0]})
    assert_labels_clear(estimates(frame, truth, simulated=True).figure)


def test_what_is_simulated_says_so_under_all_else(frame, artist):
    patch = artist(estimates(frame, simulated=True), "_simulated")
    assert patch.get_zorder() < min(line.get_zorder() for line in patch.axes.lines)
    assert "_simulated" not in {child.get_label() for child in estimates(frame).get_children()}


def test_the_accent_is_the_childrens_alone(frame, truth):
    ax = estimates(frame, truth, simulated=True)
    colors = {mpl.colors.to_hex(line.get_color()) for line in ax.lines}
    assert style.ACCENT not in colors


def test_two_renders_are_the_same_bytes(frame, truth):
    one, two = (style.to_svg(estimates(frame, truth, simulated=True).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(frame):
    given_axes = style.new_axes(3, left=1.7, right=0.2, bottom=0.6, top=0.3)
    assert estimates(frame, ax=given_axes) is given_axes


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (lambda f: f.drop(columns="method"), {}, "missing column 'method'"),
        (lambda f: f.iloc[:0], {}, "found no row"),
        (lambda f: f.assign(method=[None, *f.method[1:]]), {}, "row 0, column 'method': found none, expected a name"),
        (lambda f: f, {"xlim": (0.1, np.inf)}, "xlim: found (0.1, inf)"),
        (lambda f: f, {"xlim": 4}, "xlim: found 4"),
        (lambda f: f.assign(estimate=0).iloc[:1], {}, "row 0, column 'estimate': found 0, expected it on the axis, 0.1 to 4"),
        (lambda f: f.assign(estimate=np.nan).iloc[:1], {}, "row 0, column 'estimate': found nan, expected a number"),
        (lambda f: f, {"xlim": (0, 4)}, "xlim: found (0, 4)"),
        (lambda f: f, {"truth": pd.DataFrame({"group": ["x"], "truth": [1]})}, "truth: row 0, column 'group': found 'x'"),
        (lambda f: f, {"truth": pd.DataFrame({"group": GROUPS[:1] * 2, "truth": 1})}, "stands twice"),
        (lambda f: f, {"truth": pd.DataFrame({"group": GROUPS[:1], "truth": 9})}, "truth: row 0, column 'truth': found 9"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(frame, change, options, expected):
    with pytest.raises(CasebookError) as error:
        estimates(change(frame), **options)
    assert expected in str(error.value)
