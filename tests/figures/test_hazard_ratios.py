import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style
from casebook.figures.hazard_ratios import hazard_ratios


@pytest.fixture
def rows():
    found = [
        ("low", 1.08, 0.72, 1.63, "level of MRD", 0.9),
        ("high", 0.32, 0.05, 0.52, "level of MRD", 0.4),
        ("late", 0.6, 0.4, np.inf, "first relapse", np.nan),
        ("early", 0.7, 0.4, 1.1, "first relapse", 0.6),
    ]
    frame = pd.DataFrame(found, columns=["label", "estimate", "lower", "upper", "group", "truth"])
    return frame.assign(
        text=[f"{row.estimate:.2f} ({row.lower:.2f}–{row.upper:.2f})" for row in frame.itertuples()]
    )


def test_marks_stand_at_estimates_limits_and_truths(rows, artist, labels_with):
    ax = hazard_ratios(rows)
    assert ax.get_xscale() == "log"
    assert artist(ax, "_estimate level of MRD low").get_xdata() == [1.08]
    assert artist(ax, "_interval level of MRD low").get_xdata().tolist() == [0.72, 1.63]
    assert artist(ax, "_truth level of MRD low").get_xdata() == [0.9]
    assert "_truth first relapse late" not in labels_with(ax, "late")
    one = artist(ax, "_estimate level of MRD low").get_ydata()[0]
    assert artist(ax, "_truth level of MRD low").get_ydata()[0] == one
    assert one < artist(ax, "_estimate level of MRD high").get_ydata()[0]


def test_a_limit_beyond_the_axis_is_an_arrow(rows, artist, labels_with):
    ax = hazard_ratios(rows, xlim=(0.1, 4))
    assert artist(ax, "_interval level of MRD high").get_xdata().tolist() == [0.1, 0.52]
    assert artist(ax, "_interval first relapse late").get_xdata().tolist() == [0.4, 4]
    beyond = labels_with(ax, "high") | labels_with(ax, "late") | labels_with(ax, "low")
    assert {label for label in beyond if "_beyond" in label} == {
        "_beyond level of MRD high",
        "_beyond first relapse late",
    }


@pytest.mark.parametrize("xlim", [(0.1, 4), (0.02, 50), (0.3, 2)])
def test_one_is_always_a_tick_and_ticks_keep_apart(rows, xlim):
    rows = rows.assign(lower=0.5, upper=1.2, estimate=0.7, truth=0.8)
    ax = hazard_ratios(rows, xlim=xlim)
    ticks = ax.get_xticks()
    assert 1 in ticks
    places = ax.transData.transform([(tick, 0) for tick in ticks])[:, 0]
    assert np.diff(places).min() >= 0.29 * ax.figure.dpi


@pytest.mark.parametrize("sides", [("", ""), ("blinatumomab better", "chemotherapy better")])
@pytest.mark.parametrize("grouped", [True, False])
def test_words_are_clear_of_each_other(rows, assert_labels_clear, sides, grouped):
    rows = rows if grouped else rows.drop(columns="group")
    ax = hazard_ratios(rows, sides=sides, xlabel="hazard ratio of relapse or death", simulated=True)
    assert_labels_clear(ax.figure)
    assert ("level of MRD" in [text.get_text() for text in ax.texts]) is grouped


def test_a_key_names_the_truth_only_where_there_is_one(rows, labels_with):
    with_truth, without = hazard_ratios(rows), hazard_ratios(rows.drop(columns="truth"))
    assert labels_with(with_truth, "made with") == {"_key the truth that the patients were made with"}
    assert labels_with(without, "made with") == set()


def test_nothing_is_in_the_accent_of_the_three_children(rows):
    assert style.ACCENT.encode() not in style.to_svg(hazard_ratios(rows, simulated=True).figure)


def test_two_renders_are_the_same_bytes(rows):
    one, two = (style.to_svg(hazard_ratios(rows, simulated=True).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(rows):
    given_axes = style.new_axes(2, left=1.2, right=1.4, bottom=0.8, top=0.2)
    assert hazard_ratios(rows, ax=given_axes) is given_axes


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (lambda f: f.drop(columns="upper"), {}, "missing column 'upper'"),
        (lambda f: f.iloc[:0], {}, "found no row"),
        (lambda f: f.assign(label=np.nan), {}, "row 0, column 'label': found none, expected a name"),
        (lambda f: f, {"xlim": ("a", 4)}, "xlim: found ('a', 4)"),
        (lambda f: f.assign(estimate="x"), {}, "row 0, column 'estimate': found x"),
        (lambda f: f.assign(lower=2.0), {}, "row 0: found 1.08 with limits 2 to 1.63"),
        (lambda f: f.assign(lower=-1.0), {}, "expected them in order and from 0 on"),
        (lambda f: f.assign(truth=20.0), {}, "row 0, column 'truth': found 20, expected a value on the axis"),
        (lambda f: f, {"xlim": (0.5, 4)}, "row 1, column 'estimate': found 0.32"),
        (lambda f: f, {"xlim": (0, 4)}, "xlim: found (0, 4)"),
    ],
)
def test_bad_input_is_refused(rows, change, options, expected):
    with pytest.raises(CasebookError) as error:
        hazard_ratios(change(rows), **options)
    assert expected in str(error.value)
