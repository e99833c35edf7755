"""Treatment during follow-up: against R, hand-worked cases, and cohorts in which treatment does nothing."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casebook.cohort import comparison, models, reference
from casebook.cohort.cox import hazard_ratio
from casebook.cohort.risktable import tabulate, tabulate_by
from casebook.cohort.timing import (
    CENSORED,
    ENTERED_LATER,
    EVENT,
    TIES,
    Landmark,
    by_treatment,
    landmark,
    mantel_byar,
    periods,
    simon_makuch,
)
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")
R = pd.read_csv(ORACLES / "timing.csv", keep_default_na=False, na_values=["NA"])
"""Made by ``oracles/timing.R`` (R 4.2.2, survival 3.5-3), of the cohorts in ``timing_data.csv``."""

COHORTS = dict([*pd.read_csv(ORACLES / "timing_data.csv").groupby("data", sort=False)])
PAIRS = [(name, ties) for name in ("stanford", "tied") for ties in TIES]


def from_r(data: str, ties: str, quantity: str) -> pd.DataFrame:
    found = R[(R.data == data) & (R.ties == ties) & (R.quantity == quantity)]
    assert len(found)
    return found


def rows_of(data: str, ties: str) -> pd.DataFrame:
    cohort = COHORTS[data].reset_index(drop=True)
    rows = periods(cohort.time, cohort.event, cohort.switch, entry=cohort.entry, ties=ties)
    return rows.join(cohort[["x", "z"]], on="patient")


def cox(rows: pd.DataFrame, covariates=("treated",)) -> models.Fit:
    return models.cox_time_varying(rows, "patient", "start", "stop", "event", list(covariates))


def intervals(rows: pd.DataFrame) -> list[tuple]:
    return list(rows[["patient", "start", "stop", "event", "treated"]].itertuples(index=False, name=None))


# -- who waits, who has been treated ------------------------------------------------------------------------------

SIX = {"time": [5, 6, 4, 8, 3, 7], "event": [1, 0, 1, 1, 0, 1], "switch": [2, np.nan, 4, 0, 9, 4]}
"""Treated on day 2; never; on the day of the event; on day 0; after the end of follow-up; on day 4, when another fails."""


def test_a_patient_waits_and_then_is_treated():
    whole = [
        (0, 0, 2, 0, 0),
        (0, 2, 5, 1, 1),
        (1, 0, 6, 0, 0),
        (2, 0, 4, 1, 0),
        (3, 0, 8, 1, 1),
        (4, 0, 3, 0, 0),
    ]
    assert intervals(periods(**SIX, ties="before")) == [*whole, (5, 0, 4, 0, 0), (5, 4, 7, 1, 1)]


def test_a_treatment_that_precedes_the_events_of_its_day_stands_before_that_day_and_after_the_last():
    # By hand: before day 2 nothing happens but the start, so that it is moved to 1; before 4 there is the censoring on 3.
    after = intervals(periods(**SIX))
    assert after[:2] == [(0, 0, 1, 0, 0), (0, 1, 5, 1, 1)]
    assert after[3:5] == [(2, 0, 3.5, 0, 0), (2, 3.5, 4, 1, 1)]
    assert after[-2:] == [(5, 0, 3.5, 0, 0), (5, 3.5, 7, 1, 1)]
    # "own" moves the third patient's alone.
    own = intervals(periods(**SIX, ties="own"))
    assert own[:2] == [(0, 0, 2, 0, 0), (0, 2, 5, 1, 1)]
    assert own[3:5] == after[3:5]
    assert own[-2:] == [(5, 0, 4, 0, 0), (5, 4, 7, 1, 1)]


@pytest.mark.parametrize(
    ("ties", "at_4"), [("before", (1, 4, 0, 1)), ("after", (0, 3, 1, 2)), ("own", (0, 4, 1, 1))]
)
def test_who_is_at_risk_on_a_day_with_an_event_and_treatments(ties, at_4):
    # On day 4 the third patient fails and is treated, and the sixth is treated. At risk of the six are all but the fifth;
    # the first and the fourth are treated before, and the second never is. Waiting are so (before) the second, third and
    # sixth, (after) the second alone, (own) the second and sixth.
    tables = by_treatment(periods(**SIX, ties=ties))
    failed = {group: table.failed[table.time == 4].sum() for group, table in tables.items()}
    at_risk = {group: int(table.at_risk_at(4)) for group, table in tables.items()}
    waiting = {"before": 3, "after": 1, "own": 2}[ties]
    assert at_risk == {"untreated": waiting, "treated": 5 - waiting}
    assert failed == ({"untreated": 1, "treated": 0} if ties == "before" else {"untreated": 0, "treated": 1})


def test_treatment_at_entry_or_before_is_from_the_beginning_and_on_day_0_as_ties_say():
    rows = periods([5, 5, 0], [1, 1, 1], [2, 3, 0], entry=[3, 3, 0])
    assert intervals(rows) == [(0, 3, 5, 1, 1), (1, 3, 5, 1, 1), (2, 0, 0, 1, 1)]
    assert intervals(periods([0], [1], [0], ties="before")) == [(0, 0, 0, 1, 0)]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_a_missing_switch_is_never_in_whatever_way_it_is_missing(missing):
    assert periods([3, 4], [1, 0], [missing, 2], ties="before")["treated"].tolist() == [0, 0, 1]
    assert periods([3, 4], [1, 0], [missing, missing])["treated"].tolist() == [0, 0]
    assert periods([3], [1], pd.array([missing], dtype="Float64"))["treated"].tolist() == [0]


@st.composite
def cohorts(draw):
    """Few distinct days, so that events, entries and switches share them; two causes."""
    n = draw(st.integers(1, 10))
    time = np.array(draw(st.lists(st.integers(1, 6), min_size=n, max_size=n)), float)
    event = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    entry = np.array([draw(st.integers(0, int(t) - 1)) for t in time], float)
    days = st.none() | st.integers(0, 7)
    switch = np.array(
        [math.nan if s is None else s for s in draw(st.lists(days, min_size=n, max_size=n))], float
    )
    return time, event, entry, switch


@settings(max_examples=40)
@given(cohorts(), st.sampled_from(TIES))
def test_periods_share_out_time_and_events_and_nobody_is_lost(cohort, ties):
    time, event, entry, switch = cohort
    causes = ("first", "second")
    rows = periods(time, event, switch, entry=entry, ties=ties, causes=causes)
    each = rows.groupby("patient")
    assert each["start"].min().tolist() == entry.tolist()
    assert each["stop"].max().tolist() == time.tolist()
    assert each["event"].last().tolist() == event.tolist()
    assert (rows["stop"] - rows["start"]).groupby(rows["patient"]).sum().to_numpy() == pytest.approx(
        time - entry
    )
    assert each["treated"].is_monotonic_increasing.all()
    # At every time the two tables together are that of the cohort.
    tables = by_treatment(rows, causes)
    whole = tabulate(time, event, entry=entry, causes=causes)
    together = sum(table.at_risk_at(whole.time) for table in tables.values())
    assert together.tolist() == whole.at_risk.tolist()


@settings(max_examples=40)
@given(cohorts(), st.sampled_from(["after", "before"]))
def test_who_is_treated_on_a_day_with_events_is_told_by_the_day_alone(cohort, ties):
    # The definition itself, at each event time: treated is who switched before that day, or ("after") on it.
    time, event, entry, switch = cohort
    event = (event > 0).astype(int)
    tables = by_treatment(periods(time, event, switch, entry=entry, ties=ties))
    for day in time[event > 0]:
        at_risk = (entry < day) & (day <= time)
        switched = switch <= day if ties == "after" else (switch < day) | (switch <= entry)
        found = tables["treated"].at_risk_at(day) if "treated" in tables else 0
        assert found == (at_risk & switched).sum()


@pytest.mark.parametrize(("data", "ties"), [*PAIRS, *(("stanford_0", ties) for ties in TIES)])
def test_there_are_as_many_intervals_as_tmerge_makes(data, ties):
    assert len(rows_of(data, ties)) == from_r(data, ties, "intervals").value.item()


# -- Cox with a treatment that begins -------------------------------------------------------------------------------


def assert_is_coxph(fit: models.Fit, data: str, ties: str, model: str) -> None:
    names = {"x:treated": "x_treated", "z:treated": "z_treated"}
    for quantity, column in [("coefficient", "coefficient"), ("error", "standard_error")]:
        expected = from_r(data, ties, f"{quantity} {model}")
        found = fit.coefficients[column][[names.get(name, name) for name in expected.group]]
        np.testing.assert_allclose(found, expected.value, atol=1e-8)


@pytest.mark.parametrize(("data", "ties"), PAIRS)
def test_cox_on_periods_is_coxph_on_what_tmerge_makes(data, ties):
    rows = rows_of(data, ties)
    assert_is_coxph(cox(rows), data, ties, "efron")
    assert_is_coxph(cox(rows, ("treated", "x", "z")), data, ties, "efron several")


def test_the_stanford_hearts_as_lifelines_carries_them_are_the_patients_of_the_data_card():
    # lifelines' load_stanford_heart_transplants: transplant .1271411 (.3011411), hazard ratio 1.136.
    stanford = reference.load("stanford")
    rows = periods(
        stanford["end_days"] + 1, stanford["died"].astype(int), stanford["transplant_days"] + 1, ties="own"
    )
    row = cox(rows).coefficients.loc["treated"]
    assert (row.coefficient, row.standard_error) == pytest.approx((0.1271411, 0.3011411), abs=5e-8)
    assert round(row.ratio, 3) == 1.136


def test_one_day_of_ties_moves_the_result_of_the_hearts_more_than_their_method():
    # R: the day of transplant as transplanted for all 1.069, as waiting for all 1.039, for the one who died on it only 1.136.
    ratios = {ties: math.exp(from_r("stanford", ties, "coefficient efron").value.item()) for ties in TIES}
    assert {ties: round(ratio, 3) for ties, ratio in ratios.items()} == {
        "after": 1.069,
        "before": 1.039,
        "own": 1.136,
    }


def interactions(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    rows = rows.assign(x_treated=rows.x * rows.treated, z_treated=rows.z * rows.treated)
    return rows, ["x", "z", "treated", "x_treated", "z_treated"]


@pytest.mark.parametrize("ties", TIES)
def test_kalbfleisch_and_prentices_model_is_rs_with_efrons_ties(ties):
    assert_is_coxph(cox(*interactions(rows_of("stanford_0", ties))), "stanford_0", ties, "efron")


def breslow_score(
    rows: pd.DataFrame, names: list[str], coefficients: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Score and information of Breslow's likelihood, written out: each failure against all at risk."""
    x, score, information = rows[names].to_numpy(float), 0.0, 0.0
    for failed, time in zip(x[rows.event == 1], rows.stop[rows.event == 1], strict=True):
        here = x[(rows.start < time) & (time <= rows.stop)]
        weight = np.exp(here @ coefficients)
        mean = weight @ here / weight.sum()
        score = score + failed - mean
        information = information + (here.T * weight) @ here / weight.sum() - np.outer(mean, mean)
    return score, information


def test_printed_coefficients_of_the_hearts_are_where_breslows_score_is_0():
    # R survival's own tests print .01386 -.54652 .11572 .03473 -.29037. lifelines has no Breslow ties; so the score is
    # written out here, and one step of Newton's from what is printed must stay within its last digit.
    rows, names = interactions(rows_of("stanford_0", "own"))
    printed = np.array([0.01386, -0.54652, 0.11572, 0.03473, -0.29037])
    score, information = breslow_score(rows, names, printed)
    better = printed + np.linalg.solve(information, score)
    np.testing.assert_allclose(better, printed, atol=5e-6)
    in_r = from_r("stanford_0", "own", "coefficient breslow")
    np.testing.assert_allclose(better, in_r.value, atol=1e-7)
    # Efron's differ from the second figure on.
    efron = cox(rows, names).coefficients.coefficient.to_numpy()
    assert 1e-4 < np.abs(efron - printed).max() < 2e-3


def test_ever_treated_from_the_beginning_is_the_error_that_is_made_of_it():
    # The same patients: .266 by what they will have had, 1.136 by what they have had (R).
    cohort = COHORTS["stanford"].assign(ever=lambda d: d.switch.notna().astype(int))
    row = models.cox(cohort, "time", "event", ["ever"]).coefficients.loc["ever"]
    assert row.coefficient == pytest.approx(from_r("stanford", "", "naive").value.item(), abs=1e-8)
    assert round(row.ratio, 3) == 0.266


# -- Mantel-Byar, Simon-Makuch ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "ties"), PAIRS)
def test_mantel_byar_is_the_score_test_of_the_exact_likelihood(data, ties):
    test = mantel_byar(rows_of(data, ties))
    assert test.statistic == pytest.approx(from_r(data, ties, "mantel_byar").value.item(), rel=1e-9)
    assert test.degrees_of_freedom == 1


FOUR = {"time": [2, 4, 5, 6], "event": [1, 1, 1, 0], "switch": [np.nan, 3, 1, np.nan]}
"""Failing at 2 while waiting; treated at 3, failing at 4; treated at 1, failing at 5; waiting until 6."""


def test_mantel_byar_by_hand():
    # At 2 there wait 3 and 1 is treated, one waiting fails: expected among the treated 1/4, variance 3/16.
    # At 4 there waits 1 and 2 are treated, one treated fails: 2/3, 2/9. At 5, 1 and 1: 1/2, 1/4.
    # Observed 2 less expected 17/12 is 7/12; variance 27/144 + 32/144 + 36/144 = 95/144: (49/144) / (95/144) = 49/95.
    test = mantel_byar(periods(**FOUR))
    assert test.statistic == pytest.approx(49 / 95)
    assert test.observed == {"untreated": 1, "treated": 2}
    assert test.expected == pytest.approx({"untreated": 3 - 17 / 12, "treated": 17 / 12})


def test_simon_makuch_by_hand():
    # Waiting: 1 of 3 fails at 2. Treated: 1 of 2 at 4, then 1 of 1 at 5.
    curves = simon_makuch(periods(**FOUR))
    assert curves["untreated"].at([1, 2, 6]).estimate.tolist() == pytest.approx([1, 2 / 3, 2 / 3])
    assert curves["treated"].at([3, 4, 5]).estimate.tolist() == pytest.approx([1, 1 / 2, 0])
    # Greenwood: S^2 d / (n (n - d)) = (4/9) / (3 x 2) at 2.
    assert curves["untreated"].variance[curves["untreated"].time == 2] == pytest.approx(4 / 54)
    # Beginning at 2, after the first failure, nobody waiting fails.
    later = simon_makuch(periods(**FOUR), since=2)
    assert later["untreated"].at([2, 6]).estimate.tolist() == [1, 1]
    assert later["treated"].at([4]).estimate.item() == pytest.approx(1 / 2)


@pytest.mark.parametrize(("data", "ties"), PAIRS)
@pytest.mark.parametrize(("quantity", "since"), [("survival", 0), ("since", 20)])
def test_simon_makuch_curves_are_those_of_survfit_on_intervals(data, ties, quantity, since):
    curves = simon_makuch(rows_of(data, ties), since=since)
    for number, group in enumerate(("untreated", "treated")):
        for part, column in [("surv", "estimate"), ("lower", "lower"), ("upper", "upper")]:
            expected = from_r(data, ties, f"{quantity} {part}")
            expected = expected[expected.group == str(number)]
            found = curves[group].at(expected.argument)
            has = expected.value.notna().to_numpy()
            # R has no limits where S is 0 or 1.
            assert has.tolist() == (found.estimate.between(1e-12, 1 - 1e-12) | (part == "surv")).tolist()
            np.testing.assert_allclose(found[column][has], expected.value[has], rtol=1e-9, atol=1e-14)


@settings(max_examples=40)
@given(cohorts())
def test_without_any_treatment_the_curve_is_kaplan_meiers(cohort):
    time, event, entry, _ = cohort
    nobody = np.full(time.size, np.nan)
    (table,) = by_treatment(periods(time, (event > 0) * 1, nobody, entry=entry)).values()
    pd.testing.assert_frame_equal(table.frame(), tabulate(time, (event > 0) * 1, entry=entry).frame())


@settings(max_examples=40)
@given(cohorts())
def test_treatment_on_day_0_for_some_is_a_comparison_of_two_groups(cohort):
    # Nobody changes then: Mantel-Byar is the log-rank test.
    time, event, _, switch = cohort
    event, group = (event > 0).astype(int), ~np.isnan(switch)
    rows = periods(time, event, np.where(group, 0, np.nan))
    if group.all() or not group.any():
        with pytest.raises(CasebookError, match="found nobody at risk"):
            mantel_byar(rows)
        return
    try:
        expected = comparison.log_rank(tabulate_by(group, time, event))
    except CasebookError:
        with pytest.raises(CasebookError, match="no time at which somebody fails"):
            mantel_byar(rows)
        return
    assert mantel_byar(rows).statistic == pytest.approx(expected.statistic)


# -- landmark -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [5, 10, 20, 31, 40])
@pytest.mark.parametrize("data", ["stanford", "tied"])
def test_a_landmark_has_the_patients_and_the_hazard_ratio_that_r_finds(data, at):
    cohort = COHORTS[data].reset_index(drop=True)
    found = landmark(cohort.time, cohort.event, cohort.switch, at, entry=cohort.entry)
    counts = found.counts()
    expected = (
        R[(R.data == data) & (R.argument == at) & R.quantity.str.startswith("landmark")]
        .set_index("quantity")
        .value
    )
    assert [counts["untreated"], counts["treated"]] == expected["landmark n"].tolist()
    assert counts["later"] == expected["landmark later"]
    assert sum(counts.values()) - counts["later"] == len(cohort)
    row = models.cox(found.patients, "time", "event", ["treated"]).coefficients.loc["treated"]
    assert row.coefficient == pytest.approx(expected["landmark coefficient"], abs=1e-7)
    assert row.standard_error == pytest.approx(expected["landmark error"], abs=1e-7)


def test_the_published_landmark_of_the_hearts():
    # Day 30 from acceptance: 43 waiting, 35 transplanted, hazard ratio .915 (R).
    stanford = reference.load("stanford")
    found = landmark(stanford["end_days"], stanford["died"].astype(int), stanford["transplant_days"], 30)
    assert found.counts() == {
        "treated": 35,
        "untreated": 43,
        "later": 28,
        # Of 103, the 25 others died or were censored by day 30; two were censored, patients 101 and 102.
        EVENT: 23,
        CENSORED: 2,
        ENTERED_LATER: 0,
    }
    assert (
        round(models.cox(found.patients, "time", "event", ["treated"]).coefficients.ratio["treated"], 3)
        == 0.915
    )


def test_who_is_left_out_of_a_landmark_and_why():
    # By day 3: one failed on it, one was censored on it, one enters on day 4; treated on day 3 counts, on day 4 is later;
    # after the own end, never.
    found = landmark(
        [3, 3, 9, 7, 7, 7, 7], [1, 0, 1, 1, 0, 2, 1], [1, None, 1, 3, 4, None, 8], 3, entry=[0, 0, 4, 3, 0, 0, 0],
        causes=("relapse", "death"),
    )  # fmt: skip
    assert isinstance(found, Landmark)
    assert found.left_out.to_dict("list") == {
        "patient": [0, 1, 2],
        "reason": [EVENT, CENSORED, ENTERED_LATER],
    }
    assert found.patients.to_dict("list") == {
        "patient": [3, 4, 5, 6],
        "time": [4, 4, 4, 4],
        "event": [1, 0, 2, 1],
        "treated": [1, 0, 0, 0],
        "later": [False, True, False, False],
    }
    tables = found.tables(("relapse", "death"))
    assert {group: table.n for group, table in tables.items()} == {"untreated": 3, "treated": 1}


# -- where there is nothing to compare ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "group", "other"), [([None] * 3, "untreated", "treated"), ([0, 0, 0], "treated", "untreated")]
)
def test_nobody_or_everybody_treated_has_a_curve_and_no_comparison(switch, group, other):
    rows = periods([2, 3, 5], [1, 1, 0], switch)
    assert simon_makuch(rows)[group].at([3]).estimate.item() == pytest.approx(1 / 3)
    assert list(by_treatment(rows)) == [group]
    with pytest.raises(CasebookError, match=f"found nobody at risk {other}"):
        mantel_byar(rows)
    with pytest.raises(CasebookError, match="'treated' constant"):
        cox(rows)
    assert list(landmark([2, 3, 5], [1, 1, 0], switch, 1).tables()) == [group]


def test_a_landmark_that_nobody_reaches_says_what_became_of_them():
    with pytest.raises(
        CasebookError, match=r"beyond 5 \(2 event by then, 1 censored by then, 0 under observation later\)"
    ):
        landmark([2, 3, 5], [1, 1, 0], [1, None, 2], 5)
    with pytest.raises(CasebookError, match="found nobody followed beyond 5"):
        simon_makuch(periods([2, 3, 5], [1, 1, 0], [1, None, 2]), since=5)


def test_one_distinct_time_is_compared_if_anybody_has_been_treated_by_then():
    # By hand: at 4 fail 2 of 4, of the 2 treated 1: nothing differs.
    rows = periods([4, 4, 4, 4], [1, 0, 1, 0], [1, 1, None, None])
    assert mantel_byar(rows).statistic == 0
    with pytest.raises(CasebookError, match="no time at which somebody fails"):
        mantel_byar(periods([4, 4], [0, 0], [1, None]))


def test_one_patient():
    rows = periods([4], [1], [2])
    assert {
        group: curve.at([4]).estimate.item()
        for group, curve in simon_makuch(rows).items()
        if group == "treated"
    } == {"treated": 0}
    with pytest.raises(CasebookError, match="no time at which somebody fails"):
        mantel_byar(rows)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"switch": [True, False]}, "switch: found true or false; expected when treatment began"),
        ({"switch": [1]}, "switch: found 1 values; expected 2"),
        ({"switch": np.ones((2, 2))}, "switch: found what is no row of times"),
        ({"switch": {1, 2}}, "switch: found what is no row of times"),
        ({"switch": [-1, None]}, r"switch that are given\[0\]: found -1"),
        ({"switch": ["soon", None]}, "switch that are given: found values of type object"),
        ({"switch": [np.inf, None]}, "switch that are given.*found inf"),
        ({"time": [3, -4]}, r"time\[1\]: found -4"),
        ({"event": [2, 0]}, r"event\[0\]: found 2"),
        ({"entry": [3, 0]}, r"entry\[0\]: found 3"),
        ({"ties": "half"}, "found the ties 'half'"),
    ],
)
def test_what_no_patient_can_have_is_refused(change, match):
    with pytest.raises(CasebookError, match=match):
        periods(**({"time": [3, 4], "event": [1, 0], "switch": [1, None]} | change))


def test_rows_that_are_no_periods_and_days_that_are_none_are_refused():
    rows = periods([3, 4], [1, 0], [1, None])
    with pytest.raises(CasebookError, match="no column 'treated'"):
        by_treatment(rows.drop(columns="treated"))
    with pytest.raises(CasebookError, match="'treated' other than 0 and 1"):
        mantel_byar(rows.assign(treated=2))
    with pytest.raises(CasebookError, match="found since=-1"):
        simon_makuch(rows, since=-1)
    with pytest.raises(CasebookError, match="found at=inf"):
        landmark([3, 4], [1, 0], [1, None], math.inf)


@pytest.mark.parametrize(
    ("column", "values", "match"),
    [
        ("event", [1, np.nan], r"event\[1\]: found nan"),
        ("event", [1, -1], r"event\[1\]: found -1"),
        ("event", [0.5, 1], "event: found 0.5; expected whole numbers"),
        ("event", ["1", "0"], "event: found values of type object"),
        ("start", [0, np.nan], r"start\[1\]: found nan"),
        ("stop", ["3", "4"], "stop: found values of type object"),
        ("stop", [3, -4], r"stop\[1\]: found -4"),
    ],
)
@pytest.mark.parametrize("of", [by_treatment, mantel_byar, simon_makuch])
def test_rows_that_hold_what_they_must_not_are_refused(of, column, values, match):
    rows = periods([3, 4], [1, 1], [None, 0]).assign(**{column: values})
    with pytest.raises(CasebookError, match=match):
        of(rows)
    with pytest.raises(CasebookError, match="found NoneType; expected rows as periods gives them"):
        of(None)


def test_events_that_are_true_or_false_are_counted():
    rows = periods([3, 4], [1, 1], [None, 0])
    found = [simon_makuch(one)["treated"].estimate.tolist() for one in (rows, rows.assign(event=True))]
    assert found[0] == found[1] == [0]


# -- cohorts in which treatment does nothing ----------------------------------------------------------------------


RUNS, PATIENTS = 400, 60


@pytest.fixture(scope="module")
def without_effect():
    """400 cohorts of 60: failing at a rate of 1 a year, treated at a rate of 2 while free, followed for 1 to 3 years.

    A row a cohort: the coefficient of the treatment as it changes with its error, of ever treated, and Mantel-Byar's p.
    """
    random = np.random.default_rng(20240607)
    n = RUNS * PATIENTS
    fails, switch = random.exponential(1.0, n), random.exponential(0.5, n)
    time = np.minimum(fails, random.uniform(1, 3, n))
    event = (fails <= time).astype(int)
    switch[switch >= time] = np.nan
    # All cohorts at once: they do not share a moment, so that none moves a switch of another.
    rows = periods(time, event, switch)
    ends = np.searchsorted(rows["patient"], np.arange(0, n + 1, PATIENTS))
    found = []
    for run, (first, last) in enumerate(pairwise(ends)):
        tables = by_treatment(rows.iloc[first:last])
        here = slice(run * PATIENTS, (run + 1) * PATIENTS)
        ever = np.where(np.isnan(switch[here]), "untreated", "treated")
        naive = hazard_ratio(tabulate_by(ever, time[here], event[here])).coefficient
        found.append((*hazard_ratio(tables)[3:], naive, comparison.log_rank(tables).p))
    return pd.DataFrame(found, columns=["coefficient", "error", "naive", "p"])


def test_without_effect_the_limits_of_the_changing_treatment_cover_the_truth(without_effect):
    # 400 runs: the Monte Carlo error of a coverage of 95% is 1.1%, of a mean coefficient (sd .3) .015.
    covered = (without_effect.coefficient.abs() <= 1.959964 * without_effect.error).mean()
    assert 0.92 <= covered <= 0.98
    assert abs(without_effect.coefficient.mean()) < 0.05


def test_without_effect_mantel_byar_rejects_as_often_as_it_says(without_effect):
    # Monte Carlo error 1.1%.
    assert 0.02 <= (without_effect.p < 0.05).mean() <= 0.08


def test_without_effect_ever_treated_seems_to_lower_the_hazard_in_every_tenth_cohort_and_more(without_effect):
    # Treated are those who live until then: the hazard ratio, 1 in truth, is found below a half on average.
    assert math.exp(without_effect.naive.mean()) < 0.5
    assert (without_effect.naive < 0).mean() > 0.99


def test_without_effect_a_landmark_finds_none():
    # 250 cohorts of 100, as above, at .3 years: Monte Carlo error of the mean coefficient about .02.
    random = np.random.default_rng(7)
    found = []
    for _ in range(250):
        fails, switch = random.exponential(1.0, 100), random.exponential(0.5, 100)
        time = np.minimum(fails, random.uniform(1, 3, 100))
        event = (fails <= time).astype(int)
        found.append(hazard_ratio(landmark(time, event, switch, 0.3).tables())[3:])
    coefficient, error = np.array(found).T
    assert abs(coefficient.mean()) < 0.05
    assert 0.93 <= (np.abs(coefficient) <= 1.959964 * error).mean() <= 0.98
