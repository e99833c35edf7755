"""The reader's panel as Python makes it; tests/book/test_panel_script.py holds its script to the same texts in a browser."""

from __future__ import annotations

import csv
import re
from dataclasses import asdict
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from casebook.errors import CasebookError
from casebook.paths import DATA
from casebook.trials import panel

with (Path(__file__).parent / "oracles" / "panel.csv").open(encoding="utf-8") as lines:
    FROM_R = list(csv.DictReader(lines))  # made by panel.R: binom.test, dbinom, pbinom

SCRIPT = files("casebook.trials").joinpath("panel.js").read_text(encoding="utf-8")


def as_percent(fraction: str) -> str:
    if fraction in ("0", "1"):
        return {"0": "0%", "1": "100%"}[fraction]
    return f"{(100 * Decimal(fraction)).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"


def as_probability(text: str) -> str:
    probability = Decimal(text)
    if probability < Decimal("0.0001"):
        return "< 0.0001"
    if Decimal("0.9995") <= probability < 1:
        return "> 0.999"
    if probability == 1:
        return "1"
    return f"{probability.quantize(Decimal(1).scaleb(probability.adjusted() - 2), ROUND_HALF_UP)}"


@pytest.mark.parametrize(
    "row", FROM_R, ids=lambda row: f"{row['events']}/{row['children']} at {row['rate']}%"
)
def test_the_numbers_shown_are_those_of_r(row):
    shown = panel.values(int(row["events"]), int(row["children"]), float(row["rate"]))
    assert (shown.lower, shown.upper) == (as_percent(row["lower"]), as_percent(row["upper"]))
    assert shown.interval == f"{shown.lower} to {shown.upper}"
    assert shown.one_sided == as_percent(row["one_sided"])
    assert shown.exactly == as_probability(row["exactly"])
    assert shown.at_most == as_probability(row["at_most"])
    assert shown.needed_one_sided == f"{int(row['needed_one_sided']):,}"
    assert shown.needed_two_sided == f"{int(row['needed_two_sided']):,}"


# The probabilities, limits and numbers needed are those of panel.csv; the three rows of a single child have the limits
# 0.95 and 0.975, because 1 - p = 0.05 and 0.025 there.
@pytest.mark.parametrize(
    ("events", "children", "rate", "sentence"),
    [
        (
            0,
            3,
            24.1,
            "3 children without an event cannot exclude 24.1%: at that rate, no event in 3 children has a probability of 0.437.",
        ),
        (
            0,
            1,
            60,
            "1 child without an event cannot exclude 60.0%: at that rate, no event in 1 child has a probability of 0.400.",
        ),
        (
            1,
            8,
            24.1,
            "1 event in 8 children cannot exclude 24.1%: at that rate, at most 1 event in 8 children has a probability of 0.390.",
        ),
        (
            2,
            40,
            10,
            "2 events in 40 children cannot exclude 10.0%: at that rate, at most 2 events in 40 children has a probability of"
            " 0.223.",
        ),
        (
            1,
            1,
            60,
            "1 event in 1 child cannot exclude 60.0%: where every child had an event, no upper limit is below 100%.",
        ),
        (
            0,
            12,
            24.1,
            "12 children without an event exclude 24.1% by the one-sided limit, but not by the two-sided interval.",
        ),
        (
            0,
            1,
            96,
            "1 child without an event excludes 96.0% by the one-sided limit, but not by the two-sided interval.",
        ),
        (
            0,
            14,
            24.1,
            "14 children without an event exclude 24.1%: the whole two-sided interval lies below it.",
        ),
        (0, 1, 99, "1 child without an event excludes 99.0%: the whole two-sided interval lies below it."),
        (1, 30, 24.1, "1 event in 30 children excludes 24.1%: the whole two-sided interval lies below it."),
        (
            3,
            3,
            24.1,
            "3 events in 3 children point to a rate above 24.1%: the whole two-sided interval lies above it.",
        ),
        (
            1,
            1,
            2,
            "1 event in 1 child points to a rate above 2.0%: the whole two-sided interval lies above it.",
        ),
    ],
)
def test_the_sentence_says_what_the_numbers_mean(events, children, rate, sentence):
    assert panel.values(events, children, rate).sentence == sentence


def test_a_limit_that_meets_the_rate_does_not_exclude_it():
    # One child without an event: the one-sided limit is 0.95 and the two-sided 0.975, exactly; of two they are
    # 1 - sqrt(0.05) = 0.776 and 1 - sqrt(0.025) = 0.842.
    meets_one, meets_two = panel.values(0, 1, 95), panel.values(0, 1, 97.5)
    assert (meets_one.one_sided, meets_one.needed_one_sided) == ("95.0%", "2")
    assert "cannot exclude 95.0%" in meets_one.sentence
    assert (meets_two.upper, meets_two.needed_two_sided) == ("97.5%", "2")
    assert "not by the two-sided interval" in meets_two.sentence
    # The mirror image: one event in one child, lower limit 0.025.
    assert panel.values(1, 1, 2.5).lower == "2.5%"
    assert "cannot exclude 2.5%" in panel.values(1, 1, 2.5).sentence


def test_halves_round_up():
    assert panel.values(0, 5, 50).exactly == "0.0313"  # 1/32 = 0.03125; to the even digit it would be 0.0312
    assert panel.values(1, 16, 50).observed == "6.3%"  # 6.25%
    assert panel.values(5, 80, 50).observed == "6.3%"


def test_three_digits_stay_three_where_a_probability_rounds_up_to_the_next_place():
    # By R: 0.464^3 = 0.0998973 and 0.912^25 = 0.0999703. By hand: 0.1^2, and 1 - 0.999, which as a float is not 0.001.
    assert panel.values(0, 3, 53.6).exactly == "0.0999"
    assert panel.values(0, 25, 8.8).exactly == "0.100"
    assert panel.values(0, 2, 90).exactly == "0.0100"
    assert panel.values(0, 1, 99.9).exactly == "0.00100"


def test_the_search_for_children_ends_and_says_so():
    # With no event n children bring the one-sided limit below a rate p if (1 - p)^n < 0.05: at 0.1% 2995 do (in panel.csv).
    # With 100 events at 0.1%, 100,000 children have 100 expected: nowhere near.
    shown = panel.values(100, 200, 0.1)
    assert shown.needed_one_sided == shown.needed_two_sided == "more than 100,000"


def test_the_search_for_many_children_ends_with_their_number():
    # The numbers are those of rates.csv, found there with pbinom alone.
    many = panel.values(1000, 1000, 1.6), panel.values(500, 1000, 0.6)
    assert [(shown.needed_one_sided, shown.needed_two_sided) for shown in many] == [
        ("65,824", "66,465"),
        ("89,711", "90,946"),
    ]


@given(st.integers(0, 4), st.integers(1, 60), st.integers(30, 980))
def test_the_sentence_the_limits_and_the_number_of_children_agree(events, children, tenths):
    events = min(events, children)
    shown = panel.values(events, children, tenths / 10)
    excluded = "exclude" in shown.sentence and "cannot exclude" not in shown.sentence
    assert excluded == (children >= int(shown.needed_one_sided.replace(",", "")))
    wholly = "lies below" in shown.sentence
    assert wholly == (children >= int(shown.needed_two_sided.replace(",", "")))


@pytest.mark.parametrize(
    ("events", "children", "rate", "found"),
    [
        (4, 3, 24.1, "events: found 4, expected a whole number from 0 to 3"),
        (-1, 3, 24.1, "events: found -1"),
        (0.0, 3, 24.1, "events: found 0.0"),
        (True, 3, 24.1, "events: found True"),
        (0, 0, 24.1, "children: found 0, expected a whole number from 1 to 1000"),
        (0, 1001, 24.1, "children: found 1001"),
        (0, None, 24.1, "children: found None"),
        (0, 3, 0, "rate: found 0, expected a percentage from 0.1 to 99.9"),
        (0, 3, 0.04, "rate: found 0.04"),
        (0, 3, 100, "rate: found 100"),
        (0, 3, 99.96, "rate: found 99.96"),
        (0, 3, 24.15, "rate: found 24.15"),
        (0, 3, float("nan"), "rate: found nan"),
        (0, 3, float("inf"), "rate: found inf"),
        (0, 3, "24.1", "rate: found '24.1'"),
        (0, 3, True, "rate: found True"),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_expected(events, children, rate, found):
    for ask in (panel.values, panel.html):
        with pytest.raises(CasebookError, match=re.escape(found)):
            ask(events, children, rate)


def test_numbers_of_numpy_are_numbers():
    assert panel.values(np.int64(0), np.int64(3), np.float64(24.1)) == panel.values(0, 3, 24.1)
    assert panel.html(np.int64(0), np.int64(3), np.float64(24.1)) == panel.html(0, 3, 24.1)


# -- the html -----------------------------------------------------------------------------------------------


def parsed(**arguments) -> BeautifulSoup:
    return BeautifulSoup(panel.html(**arguments), "html.parser")


@pytest.mark.parametrize(("events", "children", "rate"), [(0, 3, 24.1), (3, 3, 82.4), (5, 1000, 0.1)])
def test_the_panel_reads_right_without_its_script(events, children, rate):
    page = parsed(events=events, children=children, rate=rate)
    shown = asdict(panel.values(events, children, rate))
    places = page.select("[data-shows]")
    assert {place["data-shows"] for place in places} == set(shown) - {
        "lower",
        "upper",
    }  # which the bar alone has
    assert [place.text for place in places] == [shown[place["data-shows"]] for place in places]
    for mark in page.select("svg *"):
        for side in ("x", "x1", "x2", "cx"):
            if f"data-{side}" in mark.attrs:
                assert mark[side] == shown[mark[f"data-{side}"]]
    assert page.fieldset.has_attr("disabled")
    assert page.select_one(".casebook-panel-still").text
    assert [field["value"] for field in page.select("input")] == [str(events), str(children), f"{rate:.1f}"]


def test_every_field_has_its_label_and_its_line_for_what_is_expected():
    page = parsed()
    fields = page.select("input, select")
    assert [field["data-sets"] for field in fields] == ["events", "children", "rate", "preset"]
    for field in fields:
        assert page.find("label", attrs={"for": field["id"]}).text
    for field in page.select("input"):
        line = page.find(id=f"{field['id']}-problem")
        assert panel.EXPECTED[field["data-sets"]] in line.text
        assert line.has_attr("hidden")


def test_one_text_alone_is_read_out_when_the_numbers_change():
    outputs = parsed().select("output")
    assert [place["data-shows"] for place in outputs if place["aria-live"] == "polite"] == ["sentence"]
    assert {place["aria-live"] for place in outputs} == {"polite", "off"}


def test_two_panels_share_no_id():
    one, two = (
        {element["id"] for element in parsed(key=key).select("[id]")} for key in ("safety", "safety-3")
    )
    assert one
    assert two
    assert not one & two


@pytest.mark.parametrize("key", ["", "Safety", "3", "a b", 'a"b', "a\n"])
def test_a_key_that_no_id_can_hold_is_refused(key):
    with pytest.raises(CasebookError, match="key: found"):
        panel.html(key=key)


def test_the_choice_of_rates_shows_the_one_that_is_set():
    def chosen(**arguments):
        return [option.text for option in parsed(**arguments).select("option[selected]")]

    assert chosen() == ["Serious adverse events, blinatumomab: 24.1%"]
    assert chosen(rate=24.2) == ["Another rate"]
    assert chosen(rate=30, presets={"one": 30, "the same": 30}) == ["one: 30.0%"]
    assert parsed(presets={}).select("select") == []


def test_names_of_rates_are_text_and_nothing_else():
    page = parsed(presets={"<b>5 < 6</b> & more": 24.1})
    assert page.select("b") == []
    assert page.option.text == "<b>5 < 6</b> & more: 24.1%"


def test_a_preset_that_is_no_rate_is_refused():
    with pytest.raises(CasebookError, match="rate: found 100, expected"):
        panel.html(presets={"all": 100})


def test_the_presets_are_the_rates_in_the_data():
    with (DATA / "trials" / "rates.csv").open(encoding="utf-8") as lines:
        printed = {
            (row["outcome"], row["arm"]): float(row["printed"])
            for row in csv.DictReader(lines)
            if row["study"] == "locatelli2021" and row["outcome"] in ("serious_ae", "grade3_ae")
        }
    outcomes = {
        "Serious adverse events": "serious_ae",
        "Adverse events of grade 3 or higher": "grade3_ae",
    }
    named = (name.rsplit(", ", 1) for name in panel.PRESETS)
    assert {
        (outcomes[outcome], arm): rate
        for (outcome, arm), rate in zip(named, panel.PRESETS.values(), strict=True)
    } == printed


def test_the_script_is_small_alone_and_writes_text_only():
    assert len(SCRIPT.encode()) < 8000
    assert SCRIPT.count('"use strict"') == 1
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|fetch|import|https?:|</", SCRIPT
    )
    assert f"TIE = {panel.TIE:g};".replace("e-09", "e-9") in SCRIPT
    assert panel.html().endswith(f"<script>\n{SCRIPT}</script>")
