"""Firth's penalised Cox model: by hand, against an independent maximum in R, and where ordinary fits have none."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import chdtri

from casebook.cohort import firth, models
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")
R = pd.read_csv(ORACLES / "benefit.csv")
"""Made by ``oracles/benefit.R`` (R 4.2.2, survival 3.5-3): the penalised likelihood of coxph's own parts, by optim."""
DATA = pd.read_csv(ORACLES / "benefit_data.csv").assign(
    low=lambda d: (d.level == "low") * 1, product=lambda d: d.treated * d.low
)
TERMS = ["treated", "low", "product"]
SETS = ["smooth", "tied", "late", "late_tied", "few", "separated"]


def patients(name: str) -> pd.DataFrame:
    return DATA[DATA.set == name].reset_index(drop=True)


def from_r(name: str, what: str) -> list[float]:
    rows = R[(R.set == name) & (R.what == what)].set_index("term").value
    return rows.loc[TERMS].tolist() if set(TERMS) <= set(rows.index) else rows.tolist()


@pytest.mark.parametrize("name", SETS)
def test_estimates_limits_and_tests_are_those_of_an_independent_maximum(name):
    fit = firth.cox(patients(name), "time", "event", TERMS, entry="entry")
    rows = fit.coefficients
    # optim and uniroot are good for some seven digits.
    assert rows.coefficient.tolist() == pytest.approx(from_r(name, "firth coefficient"), abs=1e-6)
    assert rows.standard_error.tolist() == pytest.approx(from_r(name, "firth error"), rel=1e-6)
    assert np.log(rows.lower).tolist() == pytest.approx(from_r(name, "firth lower"), abs=1e-6)
    assert np.log(rows.upper).tolist() == pytest.approx(from_r(name, "firth upper"), abs=1e-6)
    assert rows.statistic.tolist() == pytest.approx(from_r(name, "firth statistic"), abs=1e-6)
    found = [fit.log_likelihood, fit.log_likelihood_null]
    assert found == pytest.approx(from_r(name, "firth"), abs=1e-7)


@pytest.mark.parametrize("name", SETS)
def test_the_joint_test_of_two_coefficients_is_that_of_r(name):
    statistic, degrees, p = firth.likelihood_ratio(
        patients(name), "time", "event", TERMS, ["treated", "product"], entry="entry"
    )
    assert [statistic] == pytest.approx(from_r(name, "firth test"), abs=1e-6)
    # Chi-squared on two degrees of freedom has the tail exp(-x / 2).
    assert (degrees, p) == (2, pytest.approx(math.exp(-statistic / 2)))


def test_of_two_patients_the_first_to_fail_has_a_hazard_ratio_of_three():
    # By hand: with p = r / (1 + r) the likelihood is p and its information p (1 - p), so that p^1.5 (1 - p)^0.5 is to be
    # greatest: p = 3/4, r = 3. Without the penalty, p alone, r has no limit.
    two = pd.DataFrame({"time": [1, 2], "event": [1, 0], "x": [1, 0]})
    fit = firth.cox(two, "time", "event", ["x"])
    row = fit.coefficients.loc["x"]
    assert row.ratio == pytest.approx(3, rel=1e-8)
    assert row.standard_error == pytest.approx(1 / math.sqrt(3 / 16), rel=1e-8)

    def height(r):
        return 1.5 * math.log(r / (1 + r)) + 0.5 * math.log(1 / (1 + r))

    assert fit.log_likelihood == pytest.approx(height(3))
    assert fit.log_likelihood_null == pytest.approx(height(1))
    assert row.statistic == pytest.approx(2 * (height(3) - height(1)))
    for limit in (row.lower, row.upper):
        assert height(3) - height(limit) == pytest.approx(chdtri(1, 0.05) / 2, rel=1e-7)
    assert row.lower < 1 < row.upper
    with pytest.raises(CasebookError, match="no finite best coefficient"):
        models.cox(two, "time", "event", ["x"])


def test_two_who_fail_together_share_the_risk_by_efrons_method():
    # By hand, of three patients, x 1 and 0 failing at once and x 0 left: the first term has r + 2, the second, with half of
    # both gone, (r + 1) / 2 + 1. Their means of x are r / (r + 2) and r / (r + 3), their variances m (1 - m).
    three = pd.DataFrame({"time": [1, 1, 2], "event": [1, 1, 0], "x": [1, 0, 0]})
    fit = firth.cox(three, "time", "event", ["x"])

    def height(r):
        one, two = r / (r + 2), r / (r + 3)
        value = math.log(r) - math.log(r + 2) - math.log((r + 3) / 2)
        return value + math.log(one * (1 - one) + two * (1 - two)) / 2

    best = fit.coefficients.ratio["x"]
    assert fit.log_likelihood == pytest.approx(height(best))
    assert height(best) > max(height(best * 1.001), height(best / 1.001))


@pytest.mark.parametrize("name", ["smooth", "tied"])
def test_without_the_penalty_it_is_the_ordinary_fit(name):
    data = patients(name)
    ordinary = models.cox(data, "time", "event", TERMS)
    likelihood = firth._likelihood(data, "time", "event", TERMS, None)
    best = firth._maximum(replace(likelihood, penalised=False))
    found = best.point / likelihood.scale
    assert found.tolist() == pytest.approx(ordinary.coefficients.coefficient.tolist(), abs=1e-8)
    assert best.value == pytest.approx(ordinary.log_likelihood, rel=1e-10)


def test_a_group_without_events_has_finite_limits_where_the_ordinary_fit_is_refused():
    data = patients("separated")
    assert data.query("treated == 1 and low == 1").event.sum() == 0
    with pytest.raises(CasebookError, match="no finite best coefficient"):
        models.cox(data, "time", "event", TERMS)
    row = firth.cox(data, "time", "event", TERMS).coefficients.loc["product"]
    assert 0 < row.lower < row.ratio < row.upper < 1


def test_a_patient_cut_into_intervals_says_what_it_said_in_one_piece():
    whole = patients("smooth")
    first = whole.assign(entry=0.0, time=whole.time / 2, event=0)
    second = whole.assign(entry=whole.time / 2)
    halves = firth.cox(pd.concat([second, first]), "time", "event", TERMS, entry="entry").coefficients
    pd.testing.assert_frame_equal(halves, firth.cox(whole, "time", "event", TERMS).coefficients, rtol=1e-7)


@pytest.mark.parametrize("unit", [2.0**600, 2.0**-600])
def test_a_unit_whose_square_is_no_number_changes_the_coefficient_by_itself(unit):
    data = patients("smooth")
    far = firth.cox(data.assign(treated=data.treated * unit), "time", "event", ["treated"]).coefficients
    near = firth.cox(data, "time", "event", ["treated"]).coefficients
    assert far.coefficient.treated * unit == near.coefficient.treated
    assert far.statistic.treated == near.statistic.treated


def test_coefficients_alone_are_those_of_the_whole_fit():
    data = patients("tied")
    alone = firth.coefficients(data, "time", "event", TERMS)
    some = firth.cox(data, "time", "event", TERMS, only=["low"]).coefficients
    pd.testing.assert_frame_equal(some, firth.cox(data, "time", "event", TERMS).coefficients.loc[["low"]])
    assert alone.tolist() == pytest.approx(
        firth.cox(data, "time", "event", TERMS).coefficients.coefficient.tolist()
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-4, 0.5, 1e5]))
def test_order_units_and_names_of_the_halves_do_not_matter(seed, unit):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 20))
    data = pd.DataFrame(
        {"time": rng.integers(1, 9, n), "event": rng.random(n) < 0.6, "x": rng.normal(size=n)}
    )
    data["y"] = np.arange(n) % 2
    data.loc[data.time.idxmin(), "event"] = True
    one = firth.cox(data, "time", "event", ["x", "y"])
    other = data.sample(frac=1, random_state=seed).assign(x=lambda d: d.x * unit, y=lambda d: 1 - d.y)
    two = firth.cox(other, "time", "event", ["x", "y"])
    a, b = one.coefficients, two.coefficients
    assert a.coefficient["x"] == pytest.approx(b.coefficient["x"] * unit, rel=1e-5, abs=1e-6)
    assert a.coefficient["y"] == pytest.approx(-b.coefficient["y"], rel=1e-5, abs=1e-6)
    assert a.lower["y"] == pytest.approx(1 / b.upper["y"], rel=1e-4)
    assert a.p.tolist() == pytest.approx(b.p.tolist(), abs=1e-6)
    # Half of the log-determinant of the information goes with the unit; the fall from the null does not.
    fall = [fit.log_likelihood - fit.log_likelihood_null for fit in (one, two)]
    assert fall[0] == pytest.approx(fall[1], abs=1e-7)


@pytest.mark.parametrize("confidence", [0.5, 0.99])
def test_limits_follow_the_confidence(confidence):
    data = patients("few")
    rows = firth.cox(data, "time", "event", TERMS, confidence=confidence).coefficients
    usual = firth.cox(data, "time", "event", TERMS).coefficients
    assert ((rows.upper < usual.upper) == (confidence < 0.95)).all()
    assert ((rows.lower > usual.lower) == (confidence < 0.95)).all()


def test_all_who_fail_at_one_time_have_finite_limits():
    # Nobody fails before anybody else: by Efron's method the data hardly tell the halves apart.
    data = pd.DataFrame({"time": 3, "event": 1, "x": [0, 0, 0, 1, 1, 1]})
    row = firth.cox(data, "time", "event", ["x"]).coefficients.loc["x"]
    assert row.ratio == pytest.approx(1, abs=0.01)
    assert 0 < row.lower < 1 < row.upper < math.inf


# -- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "covariates", "options", "expected"),
    [
        (lambda d: None, TERMS, {}, "found data of type NoneType"),
        (lambda d: d, ["weight"], {}, "found no column 'weight'"),
        (lambda d: d, [], {}, "found the columns []"),
        (lambda d: d, ["low", "low"], {}, "each once"),
        (lambda d: d, ["level"], {}, "found 'level' of type"),
        (lambda d: d.assign(low=np.nan), TERMS, {}, "missing values of 'low'"),
        (lambda d: d.assign(low=np.inf), TERMS, {}, "infinite values of 'low'"),
        (lambda d: d.assign(low=1), TERMS, {}, "found 'low' constant"),
        (lambda d: d.assign(low=1 - d.treated), TERMS[:2], {}, "determine each other"),
        (lambda d: d.assign(event=2), TERMS, {}, "'event' with values other than 0 and 1"),
        (lambda d: d.assign(event=0), TERMS, {}, "found no event in 'event'"),
        (lambda d: d.assign(time=0), TERMS, {}, "found 'time' not after the entry"),
        (lambda d: d.assign(entry=d.time), TERMS, {"entry": "entry"}, "found 'time' not after the entry"),
        (lambda d: d, TERMS, {"only": ["age"]}, "found the covariates ['age']"),
        (lambda d: d, TERMS, {"confidence": 1}, "found the confidence 1"),
        (lambda d: d.iloc[:1].assign(event=1), TERMS, {}, "found a frame of 1 rows"),
        (lambda d: d.assign(low=0), TERMS, {}, "found 'low' constant"),
        (lambda d: pd.concat([d, d.low], axis=1), TERMS, {}, "found the column 'low' more than once"),
        (lambda d: d, 5, {}, "found 5 as names of columns"),
        # Alone at risk when he fails: nobody is compared with anybody.
        (lambda d: d.assign(event=(d.time == d.time.max()) * 1), TERMS, {}, "do not vary"),
    ],
)
def test_bad_input_is_refused(change, covariates, options, expected):
    with pytest.raises(CasebookError) as error:
        firth.cox(change(patients("smooth")), "time", "event", covariates, **options)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("tested", "expected"),
    [
        ([], "found the columns \\[\\]; expected 1 or more"),
        (["age"], "expected one or more of treated, low, product"),
    ],
)
def test_only_coefficients_of_the_model_are_tested(tested, expected):
    with pytest.raises(CasebookError, match=expected):
        firth.likelihood_ratio(patients("smooth"), "time", "event", TERMS, tested)


# -- known truth --------------------------------------------------------------------------------------------------


def test_profile_limits_of_few_events_cover_a_known_truth():
    """Of 150 cohorts of 60 with some 24 events, 95% limits of an interaction cover in 90 to 99% (Monte Carlo error 1.8%).

    A limit is on one side of the truth if the profile there has fallen by less than its height: no limit has to be found.
    """
    rng, runs, n, truth = np.random.default_rng(7), 150, 60, math.log(0.5)
    arm, level = np.arange(n) % 2, np.arange(n) // 2 % 2
    covered, events = 0, 0
    for _ in range(runs):
        time = rng.exponential(size=n) / (0.25 * np.exp(-0.5 * arm + 0.4 * level + truth * arm * level))
        censored = rng.uniform(1, 4, n)
        data = pd.DataFrame({"time": np.minimum(time, censored), "event": time <= censored})
        data = data.assign(treated=arm, low=level, product=arm * level)
        likelihood = firth._likelihood(data, "time", "event", TERMS, None)
        best = firth._maximum(likelihood)
        there = firth._maximum(likelihood, best.point, {2: truth * likelihood.scale[2]})
        covered += best.value - there.value <= chdtri(1, 0.05) / 2
        events += data.event.sum()
    assert 20 < events / runs < 28
    assert 0.9 <= covered / runs <= 0.99
