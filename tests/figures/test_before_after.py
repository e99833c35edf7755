import numpy as np
import pytest

from casebook.errors import CasebookError
from casebook.figures import before_after, style


def test_marks_and_falls_are_at_their_readings(falls, artist):
    ax = before_after(falls)
    for x, row in enumerate(falls.itertuples()):
        middle = (row.before_lower + row.before_upper) / 2
        assert artist(ax, f"_before {row.label}").get_xydata().tolist() == [[x, middle]]
        assert list(artist(ax, f"_before {row.label}, rounding").get_ydata()) == [
            row.before_lower,
            row.before_upper,
        ]
        assert list(artist(ax, f"_fall {row.label}").get_ydata()) == [middle, row.after_upper]


def test_a_fall_below_the_limit_ends_in_an_arrow_and_a_measured_one_does_not(falls, artist, labels_with):
    falls["after_lower"] = falls["after_lower"].astype(float)
    falls.loc[0, ["after_lower", "after_upper"]] = [0.015, 0.025]
    ax = before_after(falls)
    assert labels_with(ax, ", below") == {"_after Case 2, below", "_after Case 3, below"}
    assert artist(ax, "_after Case 1").get_ydata()[0] == pytest.approx(0.02)
    assert artist(ax, "_after Case 2, below").get_position()[1] < 0


def test_labels_are_clear_of_each_other(falls, assert_labels_clear):
    ax = before_after(falls)
    assert_labels_clear(ax.figure)
    assert {text.get_text().replace("\n", " ") for text in ax.texts} >= {
        *falls["text"],
        *falls["label"],
        *falls["before_text"],
    }


def test_two_renders_are_the_same_bytes(falls):
    one, two = (style.to_svg(before_after(falls).figure) for _ in range(2))
    assert one == two


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="after_lower"), "missing column 'after_lower'"),
        (lambda f: f.assign(before_upper=0.001), "row 0, columns 'before_lower' and 'before_upper'"),
        (lambda f: f.assign(after_upper=np.inf), "row 0, column 'after_upper': found inf"),
        (lambda f: f.assign(after_lower=-1), "row 0, column 'after_lower': found -1"),
    ],
)
def test_a_bad_frame_is_refused_by_row_and_column(falls, change, words):
    with pytest.raises(CasebookError) as error:
        before_after(change(falls))
    assert words in str(error.value)
