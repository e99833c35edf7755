import numpy as np
import pandas as pd
import pytest
from scipy import stats

from casebook.errors import CasebookError
from casebook.figures import rate_curves, style

RATE = np.linspace(0, 100, 1001)


@pytest.fixture
def likelihood():
    """Relative likelihood after none of three: (1 - p)^3, 1 at its maximum, where p is 0."""
    return pd.DataFrame({"curve": "likelihood", "rate": RATE, "y": (1 - RATE / 100) ** 3})


@pytest.fixture
def posteriors():
    """Beta densities after none of three, after 13 of 54 and after 22 of 51, from a flat prior."""
    shapes = {
        "after 0 of 3": (1, 4),
        "blinatumomab arm, 13 of 54": (14, 42),
        "chemotherapy arm, 22 of 51": (23, 30),
    }
    frames = [
        pd.DataFrame(
            {"curve": name, "rate": RATE, "y": stats.beta(*ab).pdf(RATE / 100), "emphasis": ab[0] == 1}
        )
        for name, ab in shapes.items()
    ]
    return pd.concat(frames)


@pytest.fixture
def arms():
    labels = ["blinatumomab arm 24.1%", "chemotherapy arm 43.1%"]
    return pd.DataFrame({"rate": [24.1, 43.1], "label": labels, "curve": "likelihood"})


def test_a_curve_is_its_frame_in_order_of_the_rate(likelihood, artist):
    ax = rate_curves(likelihood.sample(frac=1, random_state=0), ylabel="relative likelihood")
    line = artist(ax, "_curve likelihood")
    assert line.get_xdata().tolist() == RATE.tolist()
    assert line.get_ydata().tolist() == likelihood["y"].tolist()
    assert line.get_color() == style.ACCENT


def test_the_likelihood_is_read_off_at_the_arms(likelihood, arms, artist):
    ax = rate_curves(likelihood, marks=arms, ylabel="relative likelihood")
    # By hand: 0.759^3 = 0.4372, 0.569^3 = 0.1842.
    for row, value, words in zip(arms.itertuples(), (0.4372, 0.1842), ("0.44", "0.18"), strict=True):
        ((x, y),) = artist(ax, f"_read {row.label}").get_xydata()
        assert (x, y) == (row.rate, pytest.approx(value, abs=5e-5))
        assert set(artist(ax, f"_mark {row.label}").get_xdata()) == {row.rate}
        assert words in {text.get_text() for text in ax.texts}


def test_words_given_stand_for_the_value(likelihood, arms):
    ax = rate_curves(likelihood, marks=arms.assign(text=["less than half", None]), ylabel="y")
    words = {text.get_text() for text in ax.texts}
    assert {"less than half", "0.18"} <= words
    assert "0.44" not in words


def test_only_what_has_emphasis_is_in_the_accent(posteriors, artist):
    ax = rate_curves(posteriors)
    colors = {name: artist(ax, f"_curve {name}").get_color() for name in posteriors["curve"].unique()}
    assert [name for name, color in colors.items() if color == style.ACCENT] == ["after 0 of 3"]
    assert len(set(colors.values())) == 3
    assert set(colors) <= {text.get_text() for text in ax.texts}


def test_without_a_label_there_is_no_y_axis(posteriors):
    ax = rate_curves(posteriors)
    assert not len(ax.get_yticks())
    assert not ax.spines["left"].get_visible()


def test_a_band_lies_on_the_axis(likelihood, artist):
    ax = rate_curves(likelihood, band=(0, 70.8, "exact 95% interval"), ylabel="y")
    assert artist(ax, "_band").get_xydata().tolist() == [[0, 0], [70.8, 0]]
    assert "exact 95% interval" in {text.get_text() for text in ax.texts}


@pytest.mark.parametrize(
    "rates", [[], [24.1, 43.1], [0, 100], [24.1, 43.1, 57.4, 82.4], [1, 2, 3], [50, 50.5]]
)
def test_labels_are_clear_of_each_other(likelihood, posteriors, rates, assert_labels_clear):
    marks = pd.DataFrame({"rate": rates, "label": [f"an arm of a trial {i}" for i, _ in enumerate(rates)]})
    marks = marks.astype({"rate": float})
    band = (0, 70.8, "exact 95% interval after none of three")
    for curves in (likelihood, posteriors):
        name = curves["curve"].iloc[0]
        for options in ({}, {"band": band, "ylabel": "density", "xlabel": "true rate of serious events, %"}):
            assert_labels_clear(rate_curves(curves, marks=marks.assign(curve=name), **options).figure)


def test_two_renders_are_the_same_bytes(posteriors, arms):
    marks = arms.assign(curve="after 0 of 3")
    one, two = (style.to_svg(rate_curves(posteriors, marks=marks).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(likelihood, arms):
    given = style.new_axes(2, left=0.6, right=0.2, bottom=0.6, top=0.5)
    assert rate_curves(likelihood, marks=arms, ylabel="y", ax=given) is given


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="y"), "missing column 'y'"),
        (lambda f: f.assign(rate=120), "row 0, column 'rate': found 120, expected a percentage"),
        (lambda f: f.assign(y=-1), "row 0, column 'y': found -1, expected 0 or more"),
        (lambda f: f.assign(y=np.inf), "row 0, column 'y': found inf, expected a number"),
        (lambda f: f.assign(emphasis="x"), "row 0, column 'emphasis'"),
        (lambda f: f.iloc[:1], "'likelihood' has one rate"),
        (lambda f: f.iloc[:0], "found no row"),
    ],
)
def test_a_bad_curve_is_refused(likelihood, change, words):
    with pytest.raises(CasebookError) as error:
        rate_curves(change(likelihood))
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(curve="another"), "row 0, column 'curve': found 'another'"),
        (lambda f: f.assign(rate=-1), "row 0, column 'rate': found -1"),
        (
            lambda f: f.assign(rate=5.0),
            "row 0, column 'rate': found 5, expected a rate on the curve 'likelihood', 20 to",
        ),
    ],
)
def test_a_bad_mark_is_refused(likelihood, arms, change, words):
    with pytest.raises(CasebookError) as error:
        rate_curves(likelihood[likelihood["rate"] >= 20], marks=change(arms))
    assert words in str(error.value)


def test_a_bad_band_is_refused(likelihood):
    with pytest.raises(CasebookError, match="'lower' and 'upper': 70 to 10"):
        rate_curves(likelihood, band=(70, 10, "x"))
    with pytest.raises(CasebookError, match="column 'upper': found 170"):
        rate_curves(likelihood, band=(70, 170, "x"))
