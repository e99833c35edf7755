import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style
from casebook.figures.operating import operating

NAMES = [
    "No difference; one constant hazard",
    "Treatment cures more, and leaves the others as they are",
    "Late effect",
]
TESTS = ["log-rank", "milestone", "restricted mean"]


@pytest.fixture
def curves():
    """Exponential survival over five years, month by month, the treatment's hazard half that of the control."""
    time = np.arange(0, 61.0, 5)
    parts = [
        pd.DataFrame({"scenario": name, "arm": arm, "time": time, "survival": np.exp(-hazard * time)})
        for name in NAMES
        for arm, hazard in (("control", 0.04), ("treatment", 0.02))
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def shares():
    values = [0.05, 0.052, 0.049, 0.7, 0.58, 0.5, 0.97, 0.0, 1.0]
    rows = [(name, test) for name in NAMES for test in TESTS]
    return pd.DataFrame(rows, columns=["scenario", "test"]).assign(share=values)


def words(ax):
    return [text.get_text() for text in ax.texts]


def bars(ax):
    return {patch.get_label(): patch for patch in ax.patches}


def test_bars_are_as_long_as_their_shares(curves, shares):
    found = bars(operating(curves, shares))
    for row in shares.itertuples():
        assert found[f"_share {row.scenario}, {row.test}"].get_width() == row.share


def test_numbers_and_the_names_of_tests_stand_beside_the_bars(curves, shares):
    ax = operating(curves, shares, level=0.05)
    found = words(ax)
    # The first block names the tests; whole percent everywhere.
    assert {
        "5%   log-rank",
        "5%   milestone",
        "5%   restricted mean",
        "70%",
        "58%",
        "97%",
        "0%",
        "100%",
    } <= set(found)
    assert "level 5%" in found
    assert {name.replace("\n", " ") for name in found} >= set(NAMES)


def test_it_says_that_it_is_simulated(curves, shares):
    assert "SIMULATED" in words(operating(curves, shares))


def test_curves_are_drawn_beside_their_scenario(curves, shares):
    ax = operating(curves, shares, milestone=24)
    insets = {inset.get_label(): inset for inset in ax.child_axes}
    assert list(insets) == NAMES
    for name, inset in insets.items():
        lines = {line.get_label(): line for line in inset.lines}
        for arm in ("control", "treatment"):
            rows = curves[(curves["scenario"] == name) & (curves["arm"] == arm)]
            np.testing.assert_array_equal(lines[f"_curve {arm}"].get_xydata(), rows[["time", "survival"]])
        assert lines["_milestone"].get_xdata()[0] == 24
        assert lines["_curve control"].is_dashed()
        assert not lines["_curve treatment"].is_dashed()
        # The block of the curves is that of the bars.
        box, figure = inset.get_window_extent(), ax.figure
        figure.canvas.draw()
        middle = [bars(ax)[f"_share {name}, {test}"].get_window_extent() for test in TESTS][1]
        assert (box.y0 + box.y1) / 2 == pytest.approx((middle.y0 + middle.y1) / 2, abs=2)


def test_the_accent_is_left_to_the_three_children(curves, shares):
    ax = operating(curves, shares, level=0.05)
    colors = {patch.get_facecolor()[:3] for patch in ax.patches}
    assert style.ACCENT not in {
        "#" + "".join(f"{round(255 * part):02x}" for part in color) for color in colors
    }
    assert len(colors) == 3


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("level", [None, 0.05])
def test_labels_are_clear_of_each_other(curves, shares, count, level, assert_labels_clear):
    names = NAMES[:count]
    part = shares[shares["scenario"].isin(names)]
    assert_labels_clear(
        operating(curves[curves["scenario"].isin(names)], part, level=level, milestone=24).figure
    )


def test_two_renders_are_the_same_bytes(curves, shares):
    one, two = (style.to_svg(operating(curves, shares, level=0.05).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(curves, shares):
    given = style.new_axes(2.2, left=2.6, right=0.2, bottom=0.6, top=0.5)
    assert operating(curves, shares, ax=given) is given


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="share"), "missing column 'share'"),
        (lambda f: f.iloc[:0], "shares: found no row"),
        (lambda f: f.assign(share=1.2), "row 0, column 'share': found 1.2, expected a share from 0 to 1"),
        (lambda f: f.assign(share=None), "row 0, column 'share': found None, expected a number"),
        (lambda f: f.assign(test="one"), "row 1, column 'test': 'one' stands twice"),
        (lambda f: f.assign(test=[f"t{i % 4}" for i in range(9)], scenario=[NAMES[i // 4] for i in range(9)]), "4 tests"),
        (lambda f: f[f["scenario"] != NAMES[0]], "column 'scenario': found 'No difference; one constant hazard'"),
    ],
)  # fmt: skip
def test_bad_shares_are_refused(curves, shares, change, said):
    with pytest.raises(CasebookError) as error:
        operating(curves, change(shares))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="arm"), "missing column 'arm'"),
        (lambda f: f.assign(arm="other"), "row 0, column 'arm': found 'other'"),
        (lambda f: f.assign(survival=1.5), "expected a probability from 0 to 1"),
        (lambda f: f.assign(time=1.0), "row 1, expected a later time"),
        (lambda f: f.assign(survival=f["time"] / 100), "row 1, expected a later time and no higher survival"),
    ],
)
def test_bad_curves_are_refused(curves, shares, change, said):
    with pytest.raises(CasebookError) as error:
        operating(change(curves), shares)
    assert said in str(error.value)


@pytest.mark.parametrize("level", [0, 1, -0.1, "a", [], True, np.nan])
def test_a_level_that_is_none_is_refused(curves, shares, level):
    with pytest.raises(CasebookError, match="expected a probability between 0 and 1"):
        operating(curves, shares, level=level)


@pytest.mark.parametrize("milestone", [0, -1, np.inf, np.nan, "a", [], 1e308])
def test_a_milestone_that_no_curve_reaches_is_refused(curves, shares, milestone):
    with pytest.raises(
        CasebookError, match=r"milestone: found .* expected a time above 0 that all curves reach"
    ):
        operating(curves, shares, milestone=milestone)


def test_without_curves_a_milestone_is_not_drawn(curves, shares):
    ax = operating(curves.iloc[:0], shares, milestone=24)
    assert all(line.get_label() != "_milestone" for inset in ax.child_axes for line in inset.lines)
