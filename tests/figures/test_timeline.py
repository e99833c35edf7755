import pandas as pd
import pytest
from matplotlib.dates import date2num

from casebook.errors import CasebookError
from casebook.figures import style, timeline


def test_days_are_dots_and_intervals_bars_at_their_dates(chronology, artist):
    ax = timeline(chronology)
    for row, y in zip(chronology.itertuples(), ax.get_yticks(), strict=True):
        days = [day for day in (row.earliest, row.latest) if not pd.isna(day)]
        if not days:
            continue
        mark = artist(ax, f"_{row.kind} {row.event}")
        exact = len(days) == 2 and days[0] == days[1]
        assert list(mark.get_xdata()) == [date2num(day) for day in (days[:1] if exact else days)]
        assert set(mark.get_ydata()) == {y}
        assert (mark.get_marker() == "o") == exact


def test_one_bound_is_a_stroke_with_an_arrow_to_the_possible_side(chronology, artist, labels_with):
    ax = timeline(chronology)
    before = artist(ax, "_derived Relapse, MRD 1.5%, bone marrow examined, unbounded")
    after = artist(ax, "_derived Last follow-up, unbounded")
    assert before.get_position()[0] < 0 < after.get_position()[0]
    assert len(labels_with(ax, "unbounded")) == 2


def test_an_event_without_bounds_has_words_and_no_mark(chronology, labels_with):
    ax = timeline(chronology)
    assert not labels_with(ax, "Donor found")
    assert {"Donor found", "no date follows"} <= {text.get_text() for text in ax.texts}


def test_the_dates_are_written_beside_the_events(chronology):
    words = {text.get_text() for text in timeline(chronology).texts}
    assert {
        "on or before 2022-02-14",
        "2022-02-28 to 2022-03-01",
        "2022-03-22",
        "on or after 2022-05-15",
    } <= words
    assert "printed as 2022.02.29" in words


def test_labels_are_clear_of_each_other(chronology, assert_labels_clear):
    assert_labels_clear(timeline(chronology).figure)


def test_two_renders_are_the_same_bytes(chronology):
    one, two = (style.to_svg(timeline(chronology).figure) for _ in range(2))
    assert one == two


def test_it_draws_what_has_no_date_at_all(chronology):
    assert timeline(chronology.iloc[-1:]).get_yticks().size == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="latest"), "missing column 'latest'"),
        (lambda f: f.assign(kind="guessed"), "row 0, column 'kind': found 'guessed'"),
        (
            lambda f: f.assign(latest="2022-02-29"),
            "row 0, column 'latest': found '2022-02-29', expected a date",
        ),
        (
            lambda f: f.assign(latest=pd.Timestamp("2019-01-01")),
            "row 1, columns 'earliest' and 'latest': 2022-02-14 to 2019-01-01",
        ),
    ],
)
def test_a_bad_frame_is_refused_by_row_and_column(chronology, change, words):
    with pytest.raises(CasebookError) as error:
        timeline(change(chronology))
    assert words in str(error.value)
