import numpy as np
import pandas as pd
import pytest

from casebook.errors import CasebookError
from casebook.figures import style
from casebook.figures.study_sizes import study_sizes


@pytest.fixture
def curves():
    """Twice and ten times the inverse square of the difference, as sample sizes nearly go."""
    difference = np.array([10.0, 15, 20, 30, 40])
    frames = [
        pd.DataFrame({"curve": name, "difference": difference, "n": factor * 1e4 / difference**2})
        for name, factor in (("two groups, randomised", 10), ("one group, against a fixed rate", 2))
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.fixture
def questions():
    rows = [("hazard ratio 0.70", 12.7, 464), ("serious events", 19.0, 212), ("MRD-negative", 69.1, 18)]
    return pd.DataFrame(rows, columns=["label", "difference", "n"])


def words(ax):
    return {text.get_text().replace("\n", " ") for text in ax.texts}


def test_curves_and_questions_are_at_their_numbers(curves, questions, artist):
    ax = study_sizes(curves, questions)
    for name, rows in curves.groupby("curve"):
        assert artist(ax, f"_curve {name}").get_xydata().tolist() == rows[["difference", "n"]].values.tolist()
    for row in questions.itertuples():
        assert artist(ax, f"_question {row.label}").get_xydata().tolist() == [[row.difference, row.n]]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert {"hazard ratio 0.70: 464", "MRD-negative: 18", "two groups, randomised"} <= words(ax)


def test_the_accent_is_the_three_childrens_alone(curves, questions, artist):
    ax = study_sizes(curves, questions)
    line = artist(ax, "_these")
    assert set(line.get_ydata()) == {3}
    assert line.get_color() == style.ACCENT
    others = [other for other in ax.lines if other is not line]
    assert style.ACCENT not in {other.get_color() for other in others}
    assert "the report’s three" in words(ax)


def test_curves_are_told_apart_without_colour(curves, questions, artist):
    ax = study_sizes(curves, questions)
    assert not artist(ax, "_curve two groups, randomised").is_dashed()
    assert artist(ax, "_curve one group, against a fixed rate").is_dashed()


def test_all_marks_are_inside_whatever_their_order(curves, questions):
    ax = study_sizes(curves.sample(frac=1, random_state=1), questions.assign(n=[4000, 2, 90000]))
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < 10 < 69.1 < right
    assert bottom < 2 < 90000 < top
    assert "hazard ratio 0.70: 4000" in words(ax)


@pytest.mark.parametrize("shift", [0.5, 1, 2])
@pytest.mark.parametrize("label", ["MRD", "children without a serious adverse event"])
def test_labels_are_clear_of_each_other(curves, questions, shift, label, assert_labels_clear):
    questions = pd.concat(
        [questions, pd.DataFrame({"label": [label], "difference": [24.1], "n": [11]})], ignore_index=True
    )
    assert_labels_clear(study_sizes(curves, questions.assign(n=shift * questions["n"])).figure)


def test_questions_or_curves_alone_are_drawn(curves, questions, artist):
    assert artist(study_sizes(curves.iloc[:0], questions), "_question MRD-negative")
    assert artist(study_sizes(curves, questions.iloc[:0]), "_curve two groups, randomised")


def test_two_renders_are_the_same_bytes(curves, questions):
    one, two = (style.to_svg(study_sizes(curves, questions).figure) for _ in range(2))
    assert one == two


def test_it_draws_on_given_axes(curves, questions):
    given = style.new_axes(2, left=0.7, right=0.2, bottom=0.6, top=0.3)
    assert study_sizes(curves, questions, ax=given) is given


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c, q: (c.drop(columns="n"), q), "curves: missing column 'n'"),
        (lambda c, q: (c, q.drop(columns="label")), "questions: missing column 'label'"),
        (lambda c, q: (c.assign(n=0), q), "row 0, column 'n': found 0, expected a number above 0"),
        (lambda c, q: (c, q.assign(difference=-1)), "row 0, column 'difference': found -1"),
        (lambda c, q: (c, q.assign(n="many")), "column 'n': found many, expected a number"),
        (lambda c, q: (c.assign(curve=list("aabbccddee")), q), "curves: found 5, expected at most 2"),
        (lambda c, q: (c.iloc[:0], q.iloc[:0]), "found neither a curve nor a question"),
    ],
)
def test_bad_frames_are_refused(curves, questions, change, words):
    with pytest.raises(CasebookError) as error:
        study_sizes(*change(curves, questions))
    assert words in str(error.value)


@pytest.mark.parametrize("children", [0, None, "a", np.inf, np.nan, True])
def test_children_are_a_number_above_0(curves, questions, children):
    with pytest.raises(CasebookError, match=f"children: found {children!r}, expected a number above 0"):
        study_sizes(curves, questions, children=children)
