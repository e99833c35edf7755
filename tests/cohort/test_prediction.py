"""Calibration, optimism and decision curves: by hand, by counting, and on noise in which there is nothing to predict."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.cohort import concordance, firth
from casebook.cohort.prediction import baseline_hazard, calibration, calibration_slope, corrected, net_benefit
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")
MODELS = pd.read_csv(ORACLES / "models.csv")
"""Made by ``oracles/models.R`` (R 4.2.2, survival 3.5-3)."""

RISK = [0.1, 0.1, 0.2, 0.8, 0.9, 0.9]
TIME = [5, 7, 9, 1, 2, 8]
EVENT = [0, 0, 1, 1, 1, 0]
"""Six patients. By time 6 the fourth and fifth failed, and the first was censored at 5."""


# -- risks --------------------------------------------------------------------------------------------------------


def test_the_baseline_hazard_of_four_patients_by_hand():
    # Hazards of 1, 2, 1 and 3; failing at 1 (of 7 in all), two at 2 (of 6), and one censored at 4: 1/7 + 2/6.
    score = np.log([1, 2, 1, 3])
    assert baseline_hazard(score, [1, 2, 2, 4], [1, 1, 1, 0], 3) == pytest.approx(1 / 7 + 2 / 6)
    assert baseline_hazard(score, [1, 2, 2, 4], [1, 1, 1, 0], 1.5) == pytest.approx(1 / 7)
    assert baseline_hazard(score, [1, 2, 2, 4], [1, 1, 1, 0], 0.5) == 0
    # Who fails at the horizon has failed by it.
    assert baseline_hazard(score, [1, 2, 2, 4], [1, 1, 1, 0], 2) == pytest.approx(1 / 7 + 2 / 6)


def test_what_the_scores_are_counted_from_does_not_change_the_risks():
    rng = np.random.default_rng(0)
    score, time, event = rng.normal(size=40), rng.integers(1, 9, 40), rng.integers(0, 2, 40)
    one, two = (baseline_hazard(score + shift, time, event, 5) * math.exp(shift) for shift in (0, 3))
    assert one == pytest.approx(two)


@pytest.mark.parametrize("high", [0, 30, 34, 200])
def test_a_baseline_hazard_does_not_depend_on_how_far_apart_scores_are(high):
    # At 1 fails the one with the high score, at 2 the one left, with exp(.2): 1 / (exp(high) + exp(.2)) + 1 / exp(.2).
    expected = 1 / (math.exp(high) + math.exp(0.2)) + math.exp(-0.2)
    assert baseline_hazard([high, 0.2], [1, 2], [1, 1], 2) == pytest.approx(expected, rel=1e-14)


def test_the_baseline_hazard_of_scores_at_both_ends_of_the_range():
    # At 1 fails one of 3, with exp(20) and next to nothing; at 2 one with exp(-20) of two, the other with exp(3).
    expected = 1 / (math.exp(20) + math.exp(-20) + math.exp(3)) + 1 / (math.exp(-20) + math.exp(3))
    assert baseline_hazard([-20, 20, 3], [2, 1, 3], [1, 1, 0], 3) == pytest.approx(expected, rel=1e-14)
    assert baseline_hazard([200, -200], [1, 2], [1, 1], 2) == pytest.approx(math.exp(200))


@pytest.mark.parametrize(
    ("score", "horizon", "expected"),
    [
        ([0.0, 1.0], 0, "found horizon=0"),
        ([0.0, 1.0], 3, "found the horizon 3; expected at most 2"),
        ([0.0, 900.0], 1, "found a score of 900"),
        ([0.0], 1, "found score of shape (1,)"),
    ],
)
def test_a_baseline_hazard_that_is_not_known_is_refused(score, horizon, expected):
    with pytest.raises(CasebookError) as error:
        baseline_hazard(score, [1, 2], [1, 0], horizon)
    assert expected in str(error.value)


# -- calibration --------------------------------------------------------------------------------------------------


def test_six_patients_in_two_groups_by_hand():
    found = calibration(RISK, TIME, EVENT, 6, groups=2)
    assert found.n.tolist() == [3, 3]
    assert found.events.tolist() == [0, 2]
    assert found.predicted.tolist() == pytest.approx([0.4 / 3, 2.6 / 3])
    # Nobody of the lower three fails by 6; of the upper, one of three and then one of two: 1 - 2/3 x 1/2.
    assert found.observed.tolist() == pytest.approx([0, 2 / 3])
    assert found[["lower", "upper"]].loc[1].tolist() == [0, 0]
    assert 0 < found.lower[2] < 2 / 3 < found.upper[2] < 1


def test_one_group_compares_the_means_of_all():
    found = calibration(RISK, TIME, EVENT, 6, groups=1).loc[1]
    # Kaplan-Meier of six: 5/6 x 4/5.
    assert (found.predicted, found.observed) == (pytest.approx(0.5), pytest.approx(1 - 4 / 6))


def test_equal_predictions_stay_together():
    found = calibration([0.1] * 5 + [0.2, 0.3], [9] * 7, [0] * 7, 4, groups=2)
    assert found.n.tolist() == [5, 2]


def test_a_group_in_which_all_fail_is_observed_at_one():
    found = calibration([0.1, 0.1, 0.9, 0.9], [8, 8, 1, 2], [0, 0, 1, 1], 6, groups=2)
    assert found.observed.tolist() == [0, 1]
    assert found.upper[2] == 1


def test_of_many_patients_the_true_risks_are_calibrated():
    rng, n, horizon = np.random.default_rng(1), 5_000, 2.0
    rate = np.exp(rng.normal(-1, 0.8, n))
    time, censored = rng.exponential(size=n) / rate, rng.uniform(1, 6, n)
    risk = 1 - np.exp(-rate * horizon)
    seen, event = np.minimum(time, censored), (time <= censored).astype(int)
    found = calibration(risk, seen, event, horizon, groups=10)
    # Of ten 95% limits all hold here; by chance one in twenty would not.
    assert ((found.lower <= found.predicted) & (found.predicted <= found.upper)).sum() >= 8
    slope = calibration_slope(np.log(rate), seen, event)
    assert slope.lower < 1 < slope.upper
    # Predictions twice as extreme as they should be have half the slope.
    assert calibration_slope(2 * np.log(rate), seen, event).slope == pytest.approx(slope.slope / 2, rel=1e-6)


def test_the_slope_is_the_cox_coefficient_of_r():
    # R's aml: the hazard ratio of Nonmaintained to Maintained.
    row = MODELS[(MODELS.set == "aml")].iloc[0]
    weeks = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161, 5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45]
    event = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    found = calibration_slope([0] * 11 + [1] * 12, weeks, event)
    assert found.slope == pytest.approx(row.coefficient, abs=1e-7)
    assert found.upper - found.slope == pytest.approx(1.959964 * row.error, rel=1e-6)


def test_a_perfect_prediction_has_no_slope():
    with pytest.raises(CasebookError, match="no finite best coefficient"):
        calibration_slope([5, 4, 3, 2, 1], [1, 2, 3, 4, 5], [1, 1, 1, 1, 0])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"horizon": 0}, "found horizon=0"),
        ({"horizon": math.inf}, "found horizon=inf"),
        ({"horizon": 8.5}, "group 2: found the horizon 8.5; expected at most 8"),
        ({"groups": 0}, "groups: found 0"),
        ({"groups": True}, "groups: found True"),
        ({"groups": 5}, "found 4 distinct risks that do not part into 5 groups"),
        ({"risk": [0.1] * 6}, "found 1 distinct risks"),
        ({"risk": [0.1, 1.2, *RISK[2:]]}, "risk[1]: found 1.2; expected a probability"),
        ({"risk": RISK[:5]}, "found risk of shape (5,)"),
        ({"event": [2] * 6}, "event: found values other than 0 and 1"),
        ({"confidence": 0}, "found the confidence 0"),
    ],
)
def test_calibration_refuses(change, expected):
    arguments = {"risk": RISK, "time": TIME, "event": EVENT, "horizon": 6, "groups": 2} | change
    with pytest.raises(CasebookError) as error:
        calibration(**arguments)
    assert expected in str(error.value)


# -- optimism -----------------------------------------------------------------------------------------------------

NOISE = [f"x{i}" for i in range(8)]


def cohort(rng: np.random.Generator, n: int, effect: float) -> pd.DataFrame:
    """Eight covariates, of which the first has this log hazard ratio, and a third of the patients censored or so."""
    data = pd.DataFrame(rng.normal(size=(n, 8)), columns=NOISE)
    time, censored = rng.exponential(size=n) / np.exp(effect * data.x0), rng.exponential(2, n)
    return data.assign(time=np.minimum(time, censored), event=(time <= censored).astype(int))


def fit(data: pd.DataFrame):
    weights = firth.coefficients(data, "time", "event", NOISE)
    return lambda new: new[NOISE].to_numpy() @ weights.to_numpy()


def c(score: np.ndarray, data: pd.DataFrame) -> float:
    return concordance.harrell(score, data.time, data.event).estimate


def test_where_there_is_nothing_to_predict_most_of_what_there_seems_to_be_is_taken_away():
    """Eight cohorts of 120 patients and eight covariates of noise: apparent c well above one half, corrected near it.

    Of 30 such cohorts the means were 0.586 and 0.521 (standard error 0.005): a little optimism stays, more of it where
    there are fewer patients (of 60: 0.636 and 0.540).
    """
    rng = np.random.default_rng(4)
    found = [corrected(cohort(rng, 120, 0.0), fit, c, resamples=16, seed=i) for i in range(8)]
    apparent, left = (np.mean([getattr(one, name) for one in found]) for name in ("apparent", "corrected"))
    assert apparent > 0.57
    assert left == pytest.approx(0.5, abs=0.035)
    assert left - 0.5 < (apparent - 0.5) / 2
    for one in found:
        assert one.corrected == one.apparent - one.optimism


def test_what_is_left_is_what_fits_are_worth_in_other_patients():
    rng = np.random.default_rng(5)
    fresh = cohort(rng, 5_000, 1.0)
    samples = [cohort(rng, 100, 1.0) for _ in range(6)]
    found = [corrected(data, fit, c, resamples=16) for data in samples]
    worth = np.mean([c(fit(data)(fresh), fresh) for data in samples])
    # The standard deviation of c between cohorts of some 65 events is about 0.03, over the root of six.
    assert np.mean([one.corrected for one in found]) == pytest.approx(worth, abs=0.025)
    assert np.mean([one.optimism for one in found]) > 0.02


def test_a_score_that_was_not_fitted_has_no_optimism():
    data = cohort(np.random.default_rng(6), 80, 1.0)
    found = corrected(data, lambda drawn: lambda new: new.x0.to_numpy(), c, resamples=120)
    # The mean of 120 differences of c between resamples and all, each with a standard deviation of about 0.03.
    assert found.optimism == pytest.approx(0, abs=0.01)


def test_a_seed_gives_the_same():
    data = cohort(np.random.default_rng(7), 50, 1.0)
    one, two, other = (corrected(data, fit, c, resamples=5, seed=seed) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_a_resample_without_an_event_is_named():
    data = cohort(np.random.default_rng(8), 40, 0.0)
    data["event"] = (data.time == data.time.min()).astype(int)
    with pytest.raises(CasebookError, match=r"resample \d+: found no event in 'event'"):
        corrected(data, fit, c, resamples=50)


@pytest.mark.parametrize("resamples", [1, 2.5, True])
def test_too_few_resamples_are_refused(resamples):
    with pytest.raises(CasebookError, match=r"resamples: found .*, expected a whole number of 2 or more"):
        corrected(cohort(np.random.default_rng(9), 40, 0.0), fit, c, resamples=resamples)


def test_a_statistic_that_is_no_number_is_refused_with_its_resample():
    data = cohort(np.random.default_rng(10), 30, 0.0)
    data["first"] = np.arange(30) == 0
    with pytest.raises(CasebookError, match=r"^found the statistic nan; expected a number"):
        corrected(data, fit, lambda *_: math.nan, resamples=2)
    with pytest.raises(CasebookError, match=r"^resample \d+: found the statistic nan"):
        corrected(data, fit, lambda _, new: 0.5 if new["first"].any() else math.nan, resamples=50)


@pytest.mark.parametrize("seed", [-1, "a", 1.5, None])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(CasebookError, match="seed: found "):
        corrected(cohort(np.random.default_rng(9), 40, 0.0), fit, c, resamples=2, seed=seed)


# -- decisions ----------------------------------------------------------------------------------------------------


def test_six_patients_at_four_thresholds_by_hand():
    found = net_benefit(RISK, TIME, EVENT, 6, [0, 0.2, 0.5, 0.95])
    assert found.treated.tolist() == [1, 4 / 6, 0.5, 0]
    expected = [
        1 / 3,  # all: 1 - 5/6 x 4/5, and nothing for those treated in vain
        4 / 6 * (1 / 2 - 1 / 2 * 0.25),  # four from 0.2 on: S = 3/4 x 2/3 = 1/2, at odds of 1/4
        3 / 6 * (2 / 3 - 1 / 3 * 1),  # three from 0.5 on: S = 2/3 x 1/2 = 1/3, at odds of 1
        0,  # nobody
    ]
    assert found.model.tolist() == pytest.approx(expected)
    # Everybody: S = 2/3, at odds of 0, 1/4, 1 and 19.
    assert found["all"].tolist() == pytest.approx([1 / 3, 1 / 3 - 2 / 3 / 4, -1 / 3, 1 / 3 - 2 / 3 * 19])


def test_censored_patients_are_counted_by_kaplan_meier():
    # Of four at or above the threshold, one fails at 1, one is censored at 2, one fails at 3: S = 3/4 x 1/2 at time 4.
    found = net_benefit([0.5] * 4, [1, 2, 3, 5], [1, 0, 1, 0], 4, [0.25]).iloc[0]
    assert found.model == pytest.approx(5 / 8 - 3 / 8 / 3)
    assert found.model == found["all"]


@given(
    st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=20),
    st.integers(0, 9),
)
def test_without_censoring_it_counts_who_is_treated_in_time_and_in_vain(patients, tenths):
    risk = np.array([risk for risk, _ in patients]) / 10
    fails = np.array([fails for _, fails in patients])
    threshold = tenths / 10
    found = net_benefit(risk, np.where(fails, 1, 5), fails, 3, [threshold]).iloc[0]
    treated = risk >= threshold
    n, weight = len(patients), threshold / (1 - threshold)
    assert found.model == pytest.approx((treated & fails).sum() / n - weight * (treated & ~fails).sum() / n)


def test_a_perfect_prediction_has_the_benefit_of_all_events_at_every_threshold():
    found = net_benefit([0, 0, 1, 1], [9, 9, 1, 2], [0, 0, 1, 1], 5, [0.01, 0.5, 0.99])
    assert found.model.tolist() == pytest.approx([0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"thresholds": [0.5, 1]}, "found the thresholds [0.5, 1]; expected one or more from 0 to below 1"),
        ({"thresholds": []}, "found the thresholds []"),
        ({"thresholds": [-0.1]}, "thresholds[0]: found -0.1"),
        ({"horizon": 10, "event": [0] * 6}, "all patients: found the horizon 10; expected at most 9"),
        ({"horizon": 8.5}, "those from 0.5 on: found the horizon 8.5; expected at most 8"),
        ({"risk": [-0.1, *RISK[1:]]}, "risk[0]: found -0.1"),
    ],
)
def test_net_benefit_refuses(change, expected):
    arguments = {"risk": RISK, "time": TIME, "event": EVENT, "horizon": 6, "thresholds": [0.5]} | change
    with pytest.raises(CasebookError) as error:
        net_benefit(**arguments)
    assert expected in str(error.value)
