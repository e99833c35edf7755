"""The children beside published rates: the numbers of a comparison, and the frames and tables made of it.

Numbers marked R were computed with R 4.2.2 (``oracles/rates.R`` and ``oracles/differences.R``); the others are exact
arithmetic, worked beside them.
"""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from casebook.bounds import Bounds
from casebook.errors import CasebookError
from casebook.trials import comparison, display, evidence, pooling, rates, summary, wording

SERIOUS = ["locatelli2021-r56", "locatelli2021-r57"]
SEVERE = ["locatelli2021-r58", "locatelli2021-r59"]


@pytest.fixture(scope="module")
def published():
    return evidence.load()


@pytest.fixture(scope="module")
def serious(published):
    return comparison.against(0, 3, published, SERIOUS)


def test_no_serious_event_in_three_beside_both_arms(serious):
    # P(0 of 3): (1 - .241)^3 and (1 - .431)^3. Predictive after 13/54 and 22/51 under Jeffreys' prior, and Fisher: R.
    assert serious["probability"].tolist() == pytest.approx([0.4372, 0.1842], abs=5e-5)
    assert serious["predictive"].tolist() == pytest.approx([0.43702, 0.19044], abs=5e-6)
    assert serious["fisher"].tolist() == pytest.approx([1, 0.26205], abs=5e-6)
    assert serious["count"].tolist() == [13, 22]
    assert serious["of"].tolist() == [54, 51]
    assert serious["inferred"].all()


def test_no_severe_event_in_three_beside_both_arms(published):
    # (1 - .574)^3 and (1 - .824)^3; Fisher: R.
    severe = comparison.against(0, 3, published, SEVERE)
    assert severe["probability"].tolist() == pytest.approx([0.0773, 0.00545], abs=5e-5)
    assert severe["fisher"].tolist() == pytest.approx([0.08886, 0.00887], abs=5e-6)


def test_three_of_three_negative_beside_all_four_arms(published):
    # (44/49)^3, (26/48)^3, (27/29)^3, (6/25)^3; Fisher against 27/29 and 6/25: R.
    rows = ["locatelli2021-r29", "locatelli2021-r30", "locatelli2021-r35", "locatelli2021-r36"]
    found = comparison.against(3, 3, published, rows)
    assert found["probability"].tolist() == pytest.approx([0.7241, 0.1589, 0.8070, 0.0138], abs=5e-5)
    assert found["fisher"].tolist()[2:] == pytest.approx([1, 0.02564], abs=5e-6)
    assert not found["inferred"].any()


def test_a_rate_without_its_count_is_taken_as_printed_and_one_with_it_from_the_count(published):
    assert comparison.point(published.rate("locatelli2021-r56")) == 0.241  # not 13/54
    assert comparison.point(published.rate("locatelli2021-r35")) == 27 / 29  # not 93%


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("locatelli2021-r08", "found the measure 'hazard ratio', expected a proportion"),
        ("nobody-r1", "has no row 'nobody-r1'"),
    ],
)
def test_what_is_no_proportion_is_refused(published, row, message):
    with pytest.raises(CasebookError, match=message):
        comparison.point(published.rate(row))


def test_a_rate_whose_count_nobody_knows_is_not_compared(published):
    with pytest.raises(CasebookError, match="mt103_205-r21"):
        comparison.against(0, 3, published, ["mt103_205-r21"])


# -- as tables --------------------------------------------------------------------------------------------------


def test_the_table_names_the_row_and_says_that_the_count_is_inferred(serious):
    table = summary.comparison(serious, 0, 3)
    column = table["Locatelli 2021, chemotherapy"]
    assert column["Row"] == "locatelli2021-r57"
    assert column["Rate"] == "43.1%"
    assert column["Count"] == "22/51, inferred"
    assert column["Known from"] == "a secondary source"
    assert column["Chance of 0 of 3 at that rate"] == "18.4%"
    assert column["Fisher's exact test, p"] == "0.26"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.0004, "< 0.1%"),
        (0.9996, "> 99.9%"),
        (0.241, "24.1%"),
        (0.7075982, "70.8%"),
    ],
)
def test_what_is_not_certain_is_not_printed_as_certain(rate, text):
    assert wording.percent(rate) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [(1.0, "1"), (0.26205, "0.26"), (0.08886, "0.089"), (0.00887, "0.009"), (0.0004, "< 0.001")],
)
def test_p_values_keep_the_digits_that_they_can_bear(p, text):
    assert wording.p_value(p) == text


def test_differences_are_signed_points():
    assert wording.points(-0.371, 0.337) == "−37 to +34"
    assert wording.points(-0.697, 0.0028) == "−70 to 0"


def test_no_comparator_is_lost_and_two_of_one_name_are_refused(published):
    rows = [
        "locatelli2021-r29",
        "locatelli2021-r35",
    ]  # one arm, all evaluable and those without remission at baseline
    found = comparison.against(3, 3, published, rows)
    with pytest.raises(CasebookError, match="expected all different"):
        summary.comparison(found, 3, 3)
    table = summary.comparison(found, 3, 3, {rows[0]: "all", rows[1]: "without remission"})
    assert table.loc["Row"].to_dict() == {"all": rows[0], "without remission": rows[1]}


@pytest.mark.parametrize(
    ("lower", "upper", "text"), [(-0.001, 0.001, "0 to 0"), (-0.996, 1.0, "−99 to +100")]
)
def test_a_difference_is_never_minus_nought_nor_whole_without_being_it(lower, upper, text):
    assert wording.points(lower, upper) == text


@pytest.mark.parametrize("value", [float("nan"), -0.1, 1.1])
def test_what_is_no_fraction_is_not_put_in_words(value):
    for say in (wording.percent, wording.p_value):
        with pytest.raises(CasebookError, match="expected a number from 0 to 1"):
            say(value)


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ("a", "a"),
        ("a b c", "a, b, c"),
        ("a b c d", "a, b, c and 1 more"),
        ("a b c d e", "a, b, c and 2 more"),
    ],
)
def test_a_long_list_of_rows_is_cut(published, ids, text):
    row = published.disagreements.iloc[:1].assign(rates=ids)
    table = summary.disagreements(dataclasses.replace(published, disagreements=row))
    assert table["Rows"].tolist() == [text]


def test_what_nothing_bounds_is_said_so():
    # All counts 0: tau has no upper limit.
    table = summary.pooled({"none": pooling.fit([0, 0], [5, 9])})
    assert table.at["none", "Limits of tau"] == "0.00 to no limit"


def test_the_limits_of_a_rate_by_each_method():
    # R: binom.test, prop.test without correction, qbeta. See oracles/rates.R.
    table = summary.intervals(0, 3)
    assert table["Two-sided"].to_dict() == {
        "Clopper-Pearson": "0% to 70.8%",
        "Wilson": "0% to 56.1%",
        "Jeffreys": "0% to 53.6%",
    }
    assert table.at["Clopper-Pearson", "One-sided"] == "at most 63.2%"
    assert summary.intervals(3, 3).at["Clopper-Pearson", "Two-sided"] == "29.2% to 100%"


def test_three_reported_of_more_treated_are_less_evidence():
    # N = 3: .759^3 = .437, .569^3 = .184, ratio 2.37. N = 4: q^4 + 4 q^3 p = .753 and .422, by hand.
    table = summary.selected(3, (3, 4), {"one": 0.241, "other": 0.431})
    assert table.loc["3"].tolist() == ["43.7%", "18.4%", "2.37", "0% to 0%", "70.8%"]
    assert table.loc["4"].tolist()[:4] == ["75.3%", "42.2%", "1.78", "0% to 25%"]


def test_every_study_is_in_the_table_with_its_numbers(published):
    table = summary.studies(published)
    assert table["Numbers here"].astype(int).sum() == len(published.rates)
    assert list(table.index) == list(published.studies.index)


def test_read_levels_add_up(published):
    table = summary.read_levels(published)
    assert table["Numbers"].astype(int).sum() == len(published.rates)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("algeri2025-r05", "72/78 (92.3%)"),
        ("algeri2025-r01", "72.2% at 24 months"),
        ("keating2019-r07", "14 (range 1 to 35)"),
        ("locatelli2021-r08", "0.33 (95% 0.18 to 0.61)"),
    ],
)
def test_one_published_number_in_words(published, row, text):
    assert summary.value(published.rate(row)) == text


# -- as frames of figures ---------------------------------------------------------------------------------------


def test_a_row_of_a_forest_plot_is_the_count_with_its_exact_limits(published):
    row = display.forest(published, ["locatelli2021-r35"]).iloc[0]
    limits = rates.clopper_pearson(27, 29)
    assert row["label"] == "Locatelli 2021"
    assert [row["estimate"], row["lower"], row["upper"]] == pytest.approx(
        [100 * 27 / 29, 100 * limits.lower, 100 * limits.upper]
    )
    assert row["text"] == "27/29   93 (77–99)"  # R: binom.test(27, 29) gives .7723 to .9915
    assert (row["known"], row["inferred"], row["emphasis"]) == ("read", False, False)


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0"), (0.002, "<1"), (0.825, "83"), (0.996, ">99"), (1, "100"), (0.005, "1")],
)
def test_whole_percents_round_as_readers_do_and_never_to_certainty(rate, text):
    assert wording.whole(rate) == text


def test_the_arm_is_named_where_a_study_has_several_rows(published):
    frame = display.forest(published, ["brown2021-r041", "brown2021-r043", "mt103_205-r01"])
    assert frame["label"].tolist() == ["AALL1331, blinatumomab", "AALL1331, chemotherapy", "MT103-205"]


def test_the_landscape_has_no_adults_and_nobody_of_unknown_number(published):
    frame = display.landscape(published)
    assert not frame.index.str.startswith("blast2018").any()
    assert frame["n"].notna().all()
    assert "mt103_205-r21" not in frame.index
    assert set(frame["arm"]) == {"blinatumomab", "chemotherapy"}
    assert frame.at["locatelli2021-r56", "estimate"] == pytest.approx(100 * 13 / 54)


def test_a_synthesis_becomes_a_diamond_and_a_bar():
    # R: glmer and metafor on 27/29, 14/15, 33/40, 21/26 give 86.4%. See oracles/pooling.R.
    middle, new = display.pooled(pooling.fit([27, 14, 33, 21], [29, 15, 40, 26]))
    assert middle["estimate"] == pytest.approx(86.36, abs=0.005)
    assert middle["text"] == "86 (79–94)"
    assert new["lower"] < middle["lower"]


def test_the_children_are_bars_only_where_their_count_is_exact():
    counted = pd.DataFrame({"events": [Bounds(0, 0), Bounds(3, 3)], "n": 3}, index=["serious_ae", "hsct"])
    frame = display.bars(counted)
    # R: binom.test(0, 3) and binom.test(3, 3).
    assert frame.loc["serious_ae", ["lower", "upper"]].tolist() == pytest.approx([0, 70.75982], abs=1e-5)
    assert frame.loc["hsct", ["lower", "upper"]].tolist() == pytest.approx([29.24018, 100], abs=1e-5)
    open_count = pd.DataFrame({"events": [Bounds(0, 1)], "n": 3}, index=["serious_ae"])
    with pytest.raises(CasebookError, match="expected a count known exactly"):
        display.bars(open_count)


def test_published_medians_and_bounded_days_are_rows(published):
    row = display.medians(published, ["keating2019-r07"]).iloc[0]
    assert row[["estimate", "lower", "upper"]].tolist() == [14, 1, 35]
    with pytest.raises(CasebookError, match="expected a median"):
        display.medians(published, ["keating2019-r01"])
    days = display.bounded({"Case 1": Bounds(21, 22), "Case 3": Bounds(19, 19)})
    assert days["estimate"].isna().tolist() == [True, False]


def test_upper_limits_fall_and_the_one_sided_is_lower():
    frame = display.upper_limits([3, 11, 14]).pivot(index="n", columns="kind", values="limit")
    # R: binom.test(0, n), both ways.
    assert frame.loc[3].to_dict() == pytest.approx({"one-sided": 63.15968, "two-sided": 70.75982}, abs=1e-5)
    assert frame.loc[11, "one-sided"] < 24.1 < frame.loc[11, "two-sided"]
    assert frame.loc[14, "two-sided"] < 24.1


def test_an_arm_is_named_by_what_was_given():
    names = ["blinatumomab 14 d", "chemotherapy", "reinduction"]
    assert pd.Series(names).map(display.arm).tolist() == ["blinatumomab", "chemotherapy", "other"]
