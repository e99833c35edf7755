"""The frames of the figures say what the text says; every expectation is worked by hand from the printed days."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from casebook import figures
from casebook.report import course

INF = float("inf")
CASES = ("c1", "c2", "c3")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def limits(row, *names):
    return tuple(row[f"{name}_{side}"] for name in names for side in ("lower", "upper"))


def span(frame, case, kind):
    return frame[(frame["lane"] == case) & (frame["kind"] == kind)].iloc[0]


@pytest.mark.parametrize(
    ("case", "start", "end"),
    [
        ("c1", (-36, -36), (-22, -21)),  # 14 February and 28 February or 1 March to 22 March 2022
        ("c2", (-INF, -27), (-INF, 0)),  # some day before 21 March, 27 or 28 days long
        ("c3", (-34, -34), (-19, -19)),  # 8 and 23 December 2021 to 11 January 2022
    ],
)
def test_infusions_counted_from_transplant(record, case, start, end):
    row = span(course.spans(record, "hsct"), case, "infusion")
    assert limits(row, "start", "end") == (*start, *end)


@pytest.mark.parametrize(("case", "days"), [("c1", 54), ("c2", 55), ("c3", 124)])
def test_follow_up_is_one_ongoing_span_from_transplant_to_15_may_2022(record, case, days):
    row = span(course.spans(record, "hsct"), case, "follow_up")
    assert limits(row, "start", "end", "length") == (0, 0, days, days, days, days)
    assert row["ongoing"]
    assert row["label"] == f"{days} days"


def test_from_the_start_of_the_infusion_only_case_2_has_no_day_of_transplant(record):
    points = course.points(record, "infusion_start").set_index(["lane", "kind"])
    assert tuple(points.loc[("c1", "hsct"), ["lower", "upper"]]) == (36, 36)
    assert tuple(points.loc[("c2", "hsct"), ["lower", "upper"]]) == (27, INF)
    assert tuple(points.loc[("c3", "hsct"), ["lower", "upper"]]) == (34, 34)
    # The marrow after blinatumomab lies between the end of the infusion and transplant.
    assert tuple(points.loc[("c1", "mrd_negative"), ["lower", "upper"]]) == (14, 36)
    assert tuple(points.loc[("c2", "mrd_negative"), ["lower", "upper"]]) == (27, 28)
    assert tuple(points.loc[("c3", "mrd_negative"), ["lower", "upper"]]) == (15, 34)


def test_readings_stand_on_the_clock_that_places_them(record):
    clocks = {}
    for case in CASES:
        panels, readings, _ = course.trajectory(record, case)
        names = panels.set_index("panel")["label"]
        clocks |= {row.id: (names[row.panel], row.x_lower, row.x_upper) for row in readings.itertuples()}
    assert clocks["c1-m01"] == ("days of treatment", 18, 19)
    # 30 months after diagnosis: 911 to 915 days, 15 less to 30 more; a month is 365.25 / 12 days.
    assert clocks["c1-m03"][0] == "months after diagnosis"
    assert clocks["c1-m03"][1:] == pytest.approx((896 / 30.4375, 945 / 30.4375))
    assert clocks["c1-m04"][0] == "order only"
    assert clocks["c1-m21a"] == ("days from start of infusion", 36, 90)
    assert clocks["c2-m04"] == ("days of maintenance", 322, 323)
    assert clocks["c2-m06"] == ("days of maintenance", 322 + 4, 323 + 10)  # one week: 4 to 10 days
    assert clocks["c2-m21a"] == ("days from transplant", 0, 55)  # nothing ties her transplant to her infusion
    assert clocks["c3-m05"] == ("days from start of infusion", 15, 34)
    assert clocks["c3-m21a"] == ("days from start of infusion", 34, 158)


def test_a_reading_with_neither_day_nor_level_is_not_drawn(record):
    _, readings, _ = course.trajectory(record, "c2")
    assert "c2-m03" not in set(readings["id"])


@pytest.mark.parametrize("case", CASES)
def test_every_level_of_mrd_is_drawn_with_its_bounds(record, case):
    _, readings, _ = course.trajectory(record, case)
    rows = record.measurements
    expected = rows[(rows["case"] == case) & (rows["analyte"] == "MRD") & rows["adopted"].astype(bool)]
    drawn = readings[readings["analyte"] == "MRD"].set_index("id")
    assert set(drawn.index) == set(expected.index)
    for name, bounds in expected["bounds"].items():
        assert (drawn.at[name, "y_lower"], drawn.at[name, "y_upper"]) == (bounds.lower, bounds.upper)


@pytest.mark.parametrize("case", CASES)
def test_the_calendar_marks_as_printed_just_the_days_that_are(record, case):
    rows = course.timeline(record, case)
    printed = rows[rows["kind"] == "printed"]
    assert (printed["earliest"] == printed["latest"]).all()
    # 2022.02.29 is printed, but is no day.
    count = {"c1": 3, "c2": 2, "c3": 4}[case]
    assert len(printed) == count
    assert rows["id"].is_unique


def test_the_flow_tells_the_blocks_in_the_order_of_the_text(record):
    steps = course.flow(record)
    blocks = steps[steps["kind"].isin(["chemotherapy", "infusion", "transplant"])]
    told = {case: list(rows["title"]) for case, rows in blocks.groupby("case")}
    assert told["Case 1"] == ["CCCG-ALL-2015", "Maintenance", "DEAL", "CAT", "Blinatumomab", "Transplant"]
    assert told["Case 2"] == ["CCCG-ALL-2020", "CAT+", "Maintenance", "Blinatumomab", "Transplant"]
    assert told["Case 3"] == ["PVDL", "CAT", "CAT+", "HDMTX", "Blinatumomab", "Transplant"]
    titles = list(steps.loc[steps["case"] == "Case 2", "title"])
    assert titles.index("Last negative fusion gene before relapse") < titles.index("Maintenance")


@pytest.mark.parametrize(
    ("months", "text"), [(67, "5 years 7 months"), (61, "5 years 1 month"), (13, "13 months")]
)
def test_ages(months, text):
    assert course.age_text(months) == text


@pytest.mark.parametrize("case", CASES)
def test_the_words_in_a_childs_figures_are_clear_of_each_other(record, case, assert_labels_clear):
    assert_labels_clear(figures.trajectory(*course.trajectory(record, case))[0].figure)
    assert_labels_clear(figures.timeline(course.timeline(record, case)).figure)


@pytest.mark.parametrize("origin", ["hsct", "infusion_start"])
def test_the_words_in_the_swimmer_plots_are_clear_of_each_other(record, origin, assert_labels_clear):
    ax = figures.swimmer(course.lanes(record), course.spans(record, origin), course.points(record, origin))
    assert_labels_clear(ax.figure)


def test_the_words_in_the_figure_of_falls_are_clear_of_each_other(record, assert_labels_clear):
    assert_labels_clear(figures.before_after(course.before_after(record)).figure)


def test_no_frame_loses_a_child(record):
    frames = [
        course.lanes(record)["label"],
        course.flow(record)["case"],
        course.before_after(record)["label"],
    ]
    assert all(set(frame) == {"Case 1", "Case 2", "Case 3"} for frame in frames)
    assert isinstance(course.lanes(record), pd.DataFrame)


def test_two_infusions_lasted_about_half_as_long_as_the_third(record):
    # Said so in the words of a caption and of the data card; "about half" is taken as between two fifths and three fifths.
    lengths = course.spans(record, "infusion_start").query("kind == 'infusion'").set_index("lane")
    for case in ("c1", "c3"):
        shortest = lengths.at[case, "length_lower"] / lengths.at["c2", "length_upper"]
        longest = lengths.at[case, "length_upper"] / lengths.at["c2", "length_lower"]
        assert 0.4 < shortest <= longest < 0.6


def test_a_fall_that_is_not_proven_is_said_to_be_so_on_the_figure_too(record, loose):
    assert list(course.before_after(record)["text"]) == [
        f"at least {fall} log10" for fall in ("0.39", "1.85", "1.06")
    ]
    # If negative may mean anything below 1%, only the level printed as below 0.01% proves a fall: log10(.11 / .01).
    assert list(course.before_after(loose)["text"]) == ["not proven", "not proven", "at least 1.04 log10"]
