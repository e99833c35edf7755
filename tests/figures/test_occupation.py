from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style
from casebook.figures.occupation import occupation

NAMES = [
    "waiting, MRD not negative",
    "waiting, MRD-negative",
    "transplanted, in remission",
    "relapsed or died after HSCT",
    "relapsed or died before HSCT",
]


def stacked(time, **probabilities) -> pd.DataFrame:
    return pd.concat(
        [pd.DataFrame({"state": s, "time": time, "probability": p}) for s, p in probabilities.items()],
        ignore_index=True,
    )


@pytest.fixture
def areas():
    """Three states by hand: at 0 all wait; from 2 on a half, from 5 on a quarter; the rest is transplanted, and relapsed."""
    return stacked([0.0, 2, 5], waiting=[1, 0.5, 0.25], transplanted=[0, 0.5, 0.5], relapsed=[0, 0, 0.25])


def random_areas(seed: int, states: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    time = np.append(0, np.sort(rng.uniform(0, 12, 60)))
    # A mixture that goes from one random state of affairs to another.
    ends = rng.dirichlet(np.full(states, 0.7), 2)
    share = np.linspace(0, 1, time.size)[:, None]
    table = (1 - share) * ends[0] + share * ends[1]
    return stacked(time, **dict(zip(NAMES, table.T, strict=False)))


def words(ax):
    return [text.get_text().replace("\n", " ") for text in ax.texts]


# -- what is drawn ------------------------------------------------------------------------------------------


def test_areas_stand_on_each_other_and_step_at_their_times(areas, artist):
    ax = occupation(areas, until=8)
    # Waiting ends at 1, .5 and .25; transplanted at 1, 1 and .75.
    np.testing.assert_allclose(
        artist(ax, "_top waiting").get_xydata(),
        [(0, 1), (2, 1), (2, 0.5), (5, 0.5), (5, 0.25), (8, 0.25), (8, 0.25)],
    )
    corners = {tuple(corner) for corner in np.round(artist(ax, "_area transplanted").get_xy(), 6)}
    assert {(2, 0.5), (5, 0.5), (5, 0.25), (8, 0.25), (8, 0.75), (5, 1)} <= corners
    assert artist(ax, "_area relapsed").get_xy()[:, 1].max() == 1
    assert ax.get_ylim() == (0, 1)
    assert ax.get_xlim() == (0, 8)


def test_the_order_of_rows_within_a_state_changes_nothing(areas):
    shuffled = areas.iloc[[2, 0, 1, 3, 5, 4, 6, 7, 8]]
    assert style.to_svg(occupation(areas).figure) == style.to_svg(occupation(shuffled).figure)


def test_every_state_has_its_name_once(areas):
    assert sorted(set(words(occupation(areas))) & {"waiting", "transplanted", "relapsed"}) == [
        "relapsed", "transplanted", "waiting",
    ]  # fmt: skip


def test_a_state_in_which_nobody_ever_is_has_no_name(areas):
    nobody = stacked([0.0, 2, 5], nobody=[0, 0, 0])
    assert "nobody" not in words(occupation(pd.concat([areas, nobody], ignore_index=True)))


def test_areas_grow_darker_from_the_bottom_up_and_are_all_ink(artist):
    ax = occupation(random_areas(1))
    colors = [artist(ax, f"_area {name}").get_facecolor() for name in NAMES]
    assert all(mpl.colors.to_hex(color) == style.INK for color in colors)
    shades = [color[3] for color in colors]
    assert shades == sorted(shades)
    assert all(b - a > 0.05 for a, b in pairwise(shades))


def test_a_name_within_an_area_is_read_on_it():
    def luminance(rgb):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for states in range(1, 9):
        # Each state alone for a third of the time, so that every name is in its area.
        time = np.arange(states, dtype=float)
        table = {f"state {i}": (time == i).astype(float) for i in range(states)}
        ax = occupation(stacked(time, **table), until=float(states))
        for i in range(states):
            (area,) = [patch for patch in ax.patches if patch.get_label() == f"_area state {i}"]
            (text,) = [text for text in ax.texts if text.get_text().replace("\n", " ") == f"state {i}"]
            shade = area.get_facecolor()[3]
            ground = luminance([shade * c + 1 - shade for c in mpl.colors.to_rgb(style.INK)])
            light, dark = sorted([ground, luminance(mpl.colors.to_rgb(text.get_color()))], reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_truth_is_dashed_where_it_is(areas, artist):
    truth = pd.DataFrame({"state": "waiting", "time": [4.0, 0, 2], "top": [0.3, 1, 0.6]})
    line = artist(occupation(areas, truth=truth), "_truth waiting")
    assert line.get_xydata().tolist() == [[0, 1], [2, 0.6], [4, 0.3]]
    assert line.is_dashed()


def test_what_is_simulated_says_so(areas, artist, labels_with):
    assert artist(occupation(areas, simulated=True), "_simulated").get_alpha() < 0.2
    assert not labels_with(occupation(areas), "_simulated")


def test_until_cuts_the_areas(areas, artist):
    ax = occupation(areas, until=3)
    assert artist(ax, "_top waiting").get_xydata().tolist()[-1] == [3, 0.5]
    assert ax.get_xlim() == (0, 3)


def test_a_single_time_is_drawn_as_it_is(artist):
    ax = occupation(stacked([0.0], waiting=[0.25], transplanted=[0.75]))
    assert set(artist(ax, "_top waiting").get_ydata()) == {0.25}


# -- its words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_names_are_clear_of_each_other_and_of_the_edges(assert_labels_clear, seed):
    ax = occupation(random_areas(seed), xlabel="months from start of blinatumomab", ylabel="children")
    assert_labels_clear(ax.figure)
    ax.figure.canvas.draw()
    tops = [ax.lines[i].get_xydata() for i in range(len(NAMES) - 1)]
    for text in ax.texts:
        box = text.get_window_extent()
        if text.get_ha() != "center" or text.get_va() != "center":
            continue
        (x0, y0), (x1, y1) = ax.transData.inverted().transform([(box.x0, box.y0), (box.x1, box.y1)])
        for top in tops:
            under = top[(top[:, 0] >= x0) & (top[:, 0] <= x1), 1]
            assert not ((under > y0) & (under < y1)).any()


def test_a_tall_narrow_area_has_its_name_upright():
    ax = occupation(stacked([0.0, 1], **{NAMES[0]: [1, 0], NAMES[2]: [0, 1]}), until=8)
    (text,) = [text for text in ax.texts if text.get_text() == NAMES[0]]
    assert text.get_rotation() == 90


def test_a_thin_area_has_its_name_beside_the_plot_tied_to_its_end(artist):
    ax = occupation(stacked([0.0, 4], well=[1, 0.97], relapsed=[0, 0.03]))
    tie = artist(ax, "_tie relapsed")
    assert tie.get_ydata()[0] == pytest.approx(0.985)
    assert tie.get_xdata()[0] > 1


def test_two_renders_are_the_same_bytes(areas):
    one, two = (style.to_svg(occupation(areas, simulated=True).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(areas):
    ax = style.new_axes(2.5, left=0.7, right=1.2, bottom=0.5, top=0.1)
    assert occupation(areas, ax=ax) is ax


def test_a_hundred_thousand_times_stay_below_150_kilobytes():
    time = np.linspace(0, 12, 100_000)
    gone = 1 - np.exp(-time / 4)
    areas = stacked(time, waiting=1 - gone, transplanted=0.7 * gone, relapsed=0.3 * gone)
    assert len(style.to_svg(occupation(areas).figure)) < 150_000


# -- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (lambda f: f.drop(columns="time"), {}, "areas: missing column 'time'"),
        (lambda f: f.iloc[:0], {}, "areas: found no row"),
        (lambda f: f.assign(state=[None, *f["state"][1:]]), {}, "row 0, column 'state': found none, expected a name"),
        (lambda f: f, {"until": "a"}, "until: found 'a', expected a time above 0"),
        (lambda f: f.assign(probability="x"), {}, "row 0, column 'probability': found x, expected a number"),
        (lambda f: f.assign(probability=1.2), {}, "row 0, column 'probability': found 1.2, expected a probability from 0 to 1"),
        (lambda f: f.assign(time=f["time"] - 1), {}, "row 0, column 'time': found -1, expected 0 or more"),
        (lambda f: f.assign(time=0.0), {}, "row 1, column 'time': found 0, which the state has twice"),
        (lambda f: f.iloc[:-1], {}, "found no row of 'relapsed' at 5, expected all states at each time"),
        (lambda f: f.assign(time=f["time"] + 1), {}, "found the first time 1, expected 0"),
        (lambda f: f.assign(probability=0.2), {}, "found probabilities that add up to 0.6 at 0, expected 1"),
        (lambda f: f, {"until": 0}, "until: found 0, expected a time above 0"),
        (lambda f: f, {"truth": pd.DataFrame({"state": ["x"], "time": [1], "top": [0.5]})}, "column 'state': found 'x'"),
        (lambda f: f, {"truth": pd.DataFrame({"state": ["waiting"], "time": [1], "top": [2]})}, "found 2 at 1, expected 0 to 1"),
    ],
)  # fmt: skip
def test_a_bad_frame_is_refused(areas, change, options, expected):
    with pytest.raises(CasebookError) as error:
        occupation(change(areas), **options)
    assert expected in str(error.value)


def test_a_state_that_comes_and_goes_without_room_for_its_name_is_refused():
    brief = stacked([0.0, 1, 1.1], waiting=[1, 0.95, 0], briefly=[0, 0.05, 0], transplanted=[0, 0, 1])
    with pytest.raises(CasebookError, match="no room for the name of 'briefly', which is gone at the end"):
        occupation(brief, until=12)
