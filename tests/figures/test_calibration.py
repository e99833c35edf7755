import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style
from casebook.figures.calibration import calibration


@pytest.fixture
def groups():
    one = pd.DataFrame(
        {
            "predicted": [0.1, 0.3, 0.6],
            "observed": [0.05, 0.35, 0.7],
            "lower": [0.01, 0.2, 0.55],
            "upper": [0.12, 0.5, 0.82],
            "series": "the children of the fit",
        }
    )
    return pd.concat(
        [one, one.assign(predicted=one["predicted"] + 0.05, series="new children")], ignore_index=True
    )


def test_groups_and_limits_stand_at_their_values(groups, artist):
    ax = calibration(groups)
    np.testing.assert_allclose(
        artist(ax, "_groups new children").get_xydata(), [(0.15, 0.05), (0.35, 0.35), (0.65, 0.7)]
    )
    below, above = (child for child in ax.collections if child.get_label() == "_limits new children")
    ends = [(0.15, 0.01), (0.35, 0.2), (0.65, 0.55)], [(0.15, 0.12), (0.35, 0.5), (0.65, 0.82)]
    np.testing.assert_allclose([segment[0] for segment in below.get_segments()], ends[0])
    np.testing.assert_allclose([segment[1] for segment in above.get_segments()], ends[1])


def test_both_axes_end_alike_and_the_line_joins_their_corners(groups, artist):
    ax = calibration(groups)
    assert ax.get_xlim() == ax.get_ylim() == (0, 1)
    np.testing.assert_allclose(artist(ax, "_perfect").get_xydata(), [(0, 0), (1, 1)])
    low = calibration(
        groups.assign(**{name: groups[name] / 3 for name in ("predicted", "observed", "lower", "upper")})
    )
    assert low.get_xlim() == low.get_ylim() == (0, pytest.approx(0.4))


def test_the_plot_is_square(groups):
    ax = calibration(groups)
    box = ax.get_window_extent()
    assert box.width == pytest.approx(box.height, rel=1e-6)


def test_limits_leave_a_hollow_mark_free(groups):
    ax = calibration(groups)
    below, above = (child for child in ax.collections if child.get_label() == "_limits new children")
    for low, up, observed in zip(below.get_segments(), above.get_segments(), [0.05, 0.35, 0.7], strict=True):
        assert low[1][1] < observed < up[0][1]


def test_words_are_clear_of_each_other(groups, assert_labels_clear):
    assert_labels_clear(calibration(groups, xlabel="predicted risk by two years", simulated=True).figure)
    assert_labels_clear(calibration(groups.drop(columns="series").iloc[:3]).figure)


def test_one_series_without_a_name_has_no_key(groups):
    ax = calibration(groups.iloc[:3].drop(columns="series"))
    assert not [line for line in ax.lines if str(line.get_label()).startswith("_key")]


def test_two_renders_are_the_same_bytes_without_the_accent(groups):
    one, two = (style.to_svg(calibration(groups, simulated=True).figure) for _ in range(2))
    assert one == two
    assert style.ACCENT.encode() not in one


def test_it_draws_on_given_axes(groups):
    given_axes = style.new_axes(2.5, left=0.8, right=1, bottom=0.9, top=0.2)
    assert calibration(groups, ax=given_axes) is given_axes


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: f.drop(columns="observed"), "missing column 'observed'"),
        (lambda f: f.iloc[:0], "found no row"),
        (lambda f: f.assign(predicted=1.2), "row 0, column 'predicted': found 1.2, expected a probability"),
        (lambda f: f.assign(lower=0.5), "row 0: found 0.05 with limits 0.5 to 0.12"),
        (lambda f: f.assign(upper=np.nan), "row 0, column 'upper': found nan"),
        (lambda f: f.assign(series=range(6)), "found 6 of them, expected at most 2"),
    ],
)
def test_bad_input_is_refused(groups, change, expected):
    with pytest.raises(CasebookError) as error:
        calibration(change(groups))
    assert expected in str(error.value)
