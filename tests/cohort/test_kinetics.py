"""Levels of MRD of which some are only known to be below a limit: against R, integrals, and simulated truths."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from casebook.cohort import simulate, tobit
from casebook.cohort.kinetics import normal, profile, random_intercept, readings
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")
R = pd.read_csv(ORACLES / "kinetics.csv")
"""Made by ``oracles/kinetics.R`` (R 4.2.2, survival 3.5-3, lme4 1.1-31), of the readings in ``kinetics_data.csv``."""

DATA = pd.read_csv(ORACLES / "kinetics_data.csv")
MIXED = pd.read_csv(ORACLES / "kinetics_mixed.csv")
"""Made by ``oracles/kinetics_mixed.R`` (R 4.2.2: integrate, nlminb), of the readings in ``kinetics_mixed_data.csv``."""

SURVREG = R[R.program == "survreg"][["set", "model"]].drop_duplicates().itertuples(index=False, name=None)
MODELS = [pytest.param(*case, id=" ".join(case)) for case in SURVREG]


def of(name: str) -> pd.DataFrame:
    return DATA[DATA["set"] == name]


def terms(model: str) -> list[str]:
    return [] if model == "1" else model.split(" + ")


def from_r(name: str, model: str, quantity: str, program: str = "survreg") -> np.ndarray:
    rows = R[(R["set"] == name) & (R.model == model) & (R.quantity == quantity) & (R.program == program)]
    return rows.value.to_numpy()


def frame(lower, upper, **columns) -> pd.DataFrame:
    return pd.DataFrame({"lower": np.asarray(lower, float), "upper": np.asarray(upper, float), **columns})


def seen(level, limit: float, quantified: float | None = None) -> pd.DataFrame:
    """What a method sees of true levels."""
    level = np.asarray(level, float)
    between = (level >= limit) & (level < (limit if quantified is None else quantified))
    lower = np.where(level < limit, -math.inf, np.where(between, limit, level))
    upper = np.where(level < limit, limit, np.where(between, quantified or limit, level))
    return frame(lower, upper)


# -- against R ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "model"), MODELS)
def test_coefficients_covariance_and_likelihood_are_those_of_survreg(name, model):
    fit = normal(of(name), terms(model))
    estimates = fit.coefficients.estimate.to_numpy()
    found = np.append(estimates[:-1], math.log(estimates[-1]))
    np.testing.assert_allclose(found, from_r(name, model, "coefficient"), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(
        fit.covariance.ravel(), from_r(name, model, "covariance"), rtol=1e-8, atol=1e-11
    )
    assert fit.log_likelihood == pytest.approx(from_r(name, model, "loglik").item(), abs=1e-8)


@pytest.mark.parametrize("name", sorted(set(DATA["set"])))
def test_limits_by_profile_are_those_of_the_likelihood_ratio_in_r(name):
    limits = profile(normal(of(name), ["month"]), "month")
    np.testing.assert_allclose(limits, from_r(name, "month", "profile"), rtol=1e-8)


@pytest.mark.parametrize("program", ["survreg", "differences"])
@pytest.mark.parametrize("model", ["1", "month", "month + group"])
@pytest.mark.parametrize("name", ["censored", "left", "found", "limits", "above"])
def test_sandwich_errors_are_those_of_scores_by_differences_and_of_survreg_where_it_is_right(
    name, model, program
):
    expected = from_r(name, model, "robust", program)
    if program == "survreg" and name not in ("found", "left"):
        assert expected.size == 0  # readings between two limits: survreg 3.5-3 has a sign wrong there
        return
    fit = normal(of(name), terms(model), patient="patient")
    tolerance = 1e-9 if program == "survreg" else 1e-7
    np.testing.assert_allclose(fit.covariance.ravel(), expected, rtol=tolerance, atol=1e-10)
    assert fit.patients == 24


@pytest.mark.parametrize(
    ("name", "program", "tolerance"),
    [("found", "lmer", 1e-8), ("found", "mixed", 1e-6), ("censored", "mixed", 3e-5)],
)
def test_a_random_intercept_is_that_of_lmer_and_of_integrals_patient_by_patient(name, program, tolerance):
    fit = random_intercept(of(name), ["month"])
    assert fit.coefficients.index.tolist() == ["Intercept", "month", "sd", "sd between"]
    np.testing.assert_allclose(
        fit.coefficients.estimate, from_r(name, "month", "coefficient", program), rtol=tolerance
    )
    assert fit.log_likelihood == pytest.approx(from_r(name, "month", "loglik", program).item(), abs=1e-7)
    if program == "mixed":
        errors = fit.coefficients.standard_error / [1, 1, *fit.coefficients.estimate[2:]]
        np.testing.assert_allclose(errors, from_r(name, "month", "error", program), rtol=1e-5)


def from_integrals(name: str, quantity: str) -> np.ndarray:
    return MIXED[(MIXED["set"] == name) & (MIXED.quantity == quantity)].value.to_numpy()


@pytest.mark.parametrize("name", ["ratio 3", "ratio 5"])
def test_a_random_intercept_is_that_of_integrals_where_half_the_patients_are_all_below_the_limit(name):
    rows = pd.read_csv(ORACLES / "kinetics_mixed_data.csv").query("set == @name")
    assert np.isinf(rows.lower).groupby(rows.patient).all().mean() >= 0.5
    fit = random_intercept(rows, ["month"])
    # nlminb stops where the log-likelihood no longer changes in its last digits, optimHess takes differences of it.
    np.testing.assert_allclose(fit.coefficients.estimate, from_integrals(name, "coefficient"), rtol=2e-5)
    errors = fit.coefficients.standard_error / [1, 1, *fit.coefficients.estimate[2:]]
    np.testing.assert_allclose(errors, from_integrals(name, "error"), rtol=2e-5)
    assert fit.log_likelihood == pytest.approx(from_integrals(name, "loglik").item(), abs=1e-8)


@pytest.mark.parametrize("name", sorted(MIXED[MIXED.program == "patient"]["set"].unique()))
def test_the_likelihood_of_a_patient_all_below_the_limit_is_the_integral_of_a_step(name):
    ratio, k = float(name.split()[0]), int(name.split()[1])
    below = tobit.Data(
        np.full(k, -math.inf), np.zeros(k), np.ones((k, 1)), ("Intercept",), np.zeros(k, dtype=int)
    )
    for shift, expected in zip((-1, 1), from_integrals(name, "loglik"), strict=True):
        theta = np.array([shift * ratio / 2, 1.0, ratio])
        found = tobit.mixed_likelihood(below, theta)
        assert found.value == pytest.approx(expected, abs=1e-9)
        gradient, hessian = differences(lambda t: tobit.mixed_likelihood(below, t), theta)
        np.testing.assert_allclose(found.gradient, gradient, atol=1e-8)
        np.testing.assert_allclose(found.hessian, hessian, atol=1e-8)


# -- by hand, and by differences ------------------------------------------------------------------------------------


def test_without_censoring_it_is_the_mean_and_the_root_mean_square():
    # Levels -1, 0, 3: mean 2/3; squares 25/9 + 4/9 + 49/9 = 26/3, over 3: variance 26/9. Errors sd / sqrt(n), sd / sqrt(2 n).
    fit = normal(seen([-1, 0, 3], -9))
    sd = math.sqrt(26 / 9)
    assert fit.coefficients.estimate.tolist() == pytest.approx([2 / 3, sd])
    assert fit.coefficients.standard_error.tolist() == pytest.approx([sd / math.sqrt(3), sd / math.sqrt(6)])
    assert fit.coefficients.loc["sd", ["lower", "upper"]].tolist() == pytest.approx(
        [sd / math.exp(1.959963985 / math.sqrt(6)), sd * math.exp(1.959963985 / math.sqrt(6))]
    )
    assert fit.log_likelihood == pytest.approx(norm(2 / 3, sd).logpdf([-1, 0, 3]).sum())
    assert fit.counts == (3, 0, 0, 0)


def test_two_intervals_that_halve_the_readings_put_the_mean_between_them():
    # Of ten, five from -2 to -1 and five from -1 to 0: by symmetry the mean is -1. 1 in 2 within a standard normal's 0 to 1/sd
    # is approached only by an ever smaller sd: so two more, each one further out, at -2.5 and 0.5.
    fit = normal(frame([-2] * 5 + [-1] * 5 + [-2.5, 0.5], [-1] * 5 + [0] * 5 + [-2.5, 0.5]))
    assert fit.coefficients.at["Intercept", "estimate"] == pytest.approx(-1)
    assert fit.counts == (2, 10, 0, 0)


def test_half_below_the_limit_of_a_known_spread_give_a_mean_at_the_limit():
    # Symmetric about -2: every reading above has its mirror image below, of which only "below -2" is seen.
    above = -2 + norm.ppf((np.arange(200) + 0.5) / 400 + 0.5)
    fit = normal(seen(np.concatenate([above, np.full(200, -3)]), -2))
    # As many quantiles of a normal as patients: off by less than the spacing of them.
    assert fit.coefficients.estimate.tolist() == pytest.approx([-2, 1], abs=0.02)


@st.composite
def theta_and_data(draw):
    n = draw(st.integers(3, 9))
    level = np.array(draw(st.lists(st.floats(-3, 1), min_size=n, max_size=n)))
    kind = np.array(draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)))
    lower = np.select([kind == 1, kind == 2], [level - 0.5, -math.inf], level)
    upper = np.select([kind == 1, kind == 3, kind == 4], [level + 0.3, math.inf, level + 1e-3], level)
    design = np.column_stack([np.ones(n), np.linspace(-1, 1, n)])
    patient = np.arange(n) // 2
    theta = np.array(
        [draw(st.floats(-3, 3)), draw(st.floats(-2, 2)), draw(st.floats(0.3, 3)), draw(st.floats(0.1, 2))]
    )
    return tobit.Data(lower, upper, design, ("Intercept", "x"), patient), theta


def differences(function, theta):
    steps = 1e-5 * np.eye(theta.size)
    ends = [(function(theta + step), function(theta - step)) for step in steps]
    gradient = np.array([(up.value - down.value) / 2e-5 for up, down in ends])
    hessian = np.array([(up.gradient - down.gradient) / 2e-5 for up, down in ends])
    return gradient, hessian


@settings(max_examples=60, deadline=None, derandomize=True)
@given(theta_and_data())
def test_gradients_and_hessians_are_those_of_differences(case):
    data, theta = case
    for function, at, close in (
        (lambda t: tobit.likelihood(data, t), theta[:3], 1e-6),
        (lambda t: tobit.mixed_likelihood(data, t), theta, 1e-6),
    ):
        found = function(at)
        gradient, hessian = differences(function, at)
        scale = 1 + np.abs(found.hessian).max()
        np.testing.assert_allclose(found.gradient, gradient, atol=close * scale)
        np.testing.assert_allclose(found.hessian, hessian, atol=close * scale)
        np.testing.assert_allclose(found.parts.sum(axis=0), found.gradient, atol=1e-9 * scale)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(theta_and_data())
def test_the_likelihood_of_independent_readings_is_concave(case):
    data, theta = case
    bends = np.linalg.eigvalsh(tobit.likelihood(data, theta[:3]).hessian)
    assert bends.max() <= 1e-9 * max(1, np.abs(bends).max())


def test_probabilities_far_out_keep_their_digits():
    # 40 standard deviations above the limit: the probability is 1e-350, below floats; its logarithm by the asymptotic series
    # -z**2/2 - log(z sqrt(2 pi)) - 1/z**2 + ...
    data = tobit.Data(np.array([-math.inf]), np.array([0.0]), np.ones((1, 1)), ("Intercept",))
    value = tobit.likelihood(data, np.array([40.0, 1.0])).value
    assert value == pytest.approx(-800 - math.log(40 * math.sqrt(2 * math.pi)) - 1 / 1600, abs=1e-5)
    between = tobit.Data(np.array([40.0]), np.array([41.0]), np.ones((1, 1)), ("Intercept",))
    assert tobit.likelihood(between, np.array([0.0, 1.0])).value == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("width", [1e-4, 1e-8, 1e-12])
def test_intervals_as_narrow_as_rounding_are_levels_whose_probability_is_density_times_width(width):
    levels = np.random.default_rng(0).normal(-1, 1, 60)
    exact, narrow = normal(frame(levels, levels)), normal(frame(levels - width / 2, levels + width / 2))
    columns = ["estimate", "standard_error"]
    np.testing.assert_allclose(narrow.coefficients[columns], exact.coefficients[columns], rtol=1e-8)
    # Ends are rounded at 1e-16 each.
    assert narrow.log_likelihood == pytest.approx(
        exact.log_likelihood + 60 * math.log(width), abs=1e-7 + 60 * 4e-16 / width
    )


@pytest.mark.parametrize("mean", [-15.0, -1.0, 0.3, 15.0])
def test_narrow_intervals_and_others_agree_where_one_passes_into_the_other(mean):
    # At a width of .1 both keep their digits.
    ends = np.array([0.2]), np.array([0.2 + tobit.NARROW / 2]), np.array([mean]), 2.0
    np.testing.assert_allclose(tobit._of_narrow(*ends), tobit._of_intervals(*ends), rtol=1e-9)


@pytest.mark.parametrize("fitted", [normal, random_intercept])
def test_a_year_of_the_calendar_has_the_slope_of_the_years_since_another(fitted):
    random = np.random.default_rng(2)
    levels, year = random.normal(-1, 1, 60), random.integers(2015, 2024, 60).astype(float)
    rows = seen(levels, -1.5).assign(
        year=year, since=year - 2019, huge=1e6 * year, patient=np.repeat(np.arange(20), 3)
    )
    one, other, scaled = (fitted(rows, [name]) for name in ("year", "since", "huge"))
    columns = ["estimate", "standard_error", "lower", "upper"]
    np.testing.assert_allclose(
        one.coefficients.iloc[1:][columns], other.coefficients.iloc[1:][columns], rtol=1e-7
    )
    np.testing.assert_allclose(
        1e6 * scaled.coefficients.loc["huge", columns], other.coefficients.loc["since", columns], rtol=1e-7
    )
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-9)
    intercept, slope = one.coefficients.estimate.iloc[:2]
    assert intercept + 2019 * slope == pytest.approx(other.coefficients.estimate.iloc[0])
    # The variance of the mean in 2019 by both covariances.
    at = np.array([1.0, 2019.0])
    assert at @ one.covariance[:2, :2] @ at == pytest.approx(other.covariance[0, 0], rel=1e-5)
    if fitted is normal:
        assert profile(one, "year") == pytest.approx(profile(other, "since"))


def test_a_shift_and_a_change_of_unit_move_the_fit_along():
    few = of("few")
    fit = normal(few, ["month"])
    moved = normal(few.assign(lower=2 + 3 * few.lower, upper=2 + 3 * few.upper), ["month"])
    assert moved.coefficients.estimate.tolist() == pytest.approx(
        (3 * fit.coefficients.estimate + [2, 0, 0]).tolist()
    )


def test_profile_limits_of_few_readings_reach_further_where_less_is_seen():
    fit = normal(of("few"), ["month"])
    limits = profile(fit, "Intercept")
    estimate, _, lower, upper = fit.coefficients.loc["Intercept"]
    assert limits.lower < lower < estimate < upper
    assert estimate - limits.lower > limits.upper - estimate
    narrow = profile(fit, "Intercept", confidence=0.5)
    assert limits.lower < narrow.lower < estimate < narrow.upper < limits.upper


# -- a random intercept ---------------------------------------------------------------------------------------------


def test_patients_who_do_not_differ_have_no_spread_between_them():
    # Each patient has the same four levels, so that there is less between patients than chance would leave.
    levels = np.tile([-1.0, -0.5, 0.5, 1.0], 6)
    rows = seen(levels, -9).assign(patient=np.repeat(np.arange(6), 4))
    fit = random_intercept(rows)
    plain = normal(rows)
    assert fit.coefficients.loc["sd between", ["estimate", "lower", "upper"]].tolist() == [0, 0, 0]
    assert fit.log_likelihood == plain.log_likelihood
    pd.testing.assert_frame_equal(fit.coefficients.iloc[:2], plain.coefficients)


def test_the_order_of_readings_and_names_of_patients_do_not_matter():
    rows = of("censored")
    shuffled = rows.sample(frac=1, random_state=3).assign(patient=lambda f: f.patient.map("p{}".format))
    first, second = (random_intercept(one, ["month"]).coefficients for one in (rows, shuffled))
    pd.testing.assert_frame_equal(first, second, rtol=1e-7)


@pytest.mark.parametrize("ratio", [3, 7])
@pytest.mark.parametrize("limit", [-math.inf, 0, 0.7])
def test_patients_who_differ_much_more_than_their_readings_are_fitted(ratio, limit):
    for seed in range(2):
        random = np.random.default_rng(seed)
        level = np.repeat(random.normal(0, 1, 50), 6) + random.normal(0, 1 / ratio, 300)
        rows = seen(level, limit).assign(patient=np.repeat(np.arange(50), 6))
        found = random_intercept(rows, confidence=0.999).coefficients
        assert (found.standard_error > 0).all()
        assert found.at["sd between", "lower"] < 1 < found.at["sd between", "upper"]


def test_a_patient_who_would_need_too_many_points_counts_as_impossible(monkeypatch):
    data = tobit.Data(
        np.array([-math.inf] * 2), np.zeros(2), np.ones((2, 1)), ("Intercept",), np.zeros(2, int)
    )
    assert math.isfinite(tobit.mixed_likelihood(data, np.array([0.0, 1, 50])).value)
    monkeypatch.setattr(tobit, "MOST_NODES", 500)
    assert tobit.mixed_likelihood(data, np.array([0.0, 1, 50])).value == -math.inf


def test_a_sample_missing_because_the_last_was_low_misleads_the_mean_of_all_and_not_the_random_intercept():
    # Two readings of each patient about a level of their own, sd 1 between and 0.3 within; the second is only taken if the first
    # was above 0. Its mean is that of all, 0. Regressing on "second" alone sees those who were high: their mean is near 0.74.
    random = np.random.default_rng(0)
    own = random.normal(0, 1, 2000)
    first, second = own + random.normal(0, 0.3, (2, 2000))
    taken = first > 0
    rows = seen(np.append(first, second[taken]), -0.5).assign(
        patient=np.append(np.arange(2000), np.flatnonzero(taken)),
        second=np.repeat([0.0, 1.0], [2000, taken.sum()]),
    )
    misled = normal(rows, ["second"], patient="patient").coefficients.loc["second"]
    right = random_intercept(rows, ["second"]).coefficients.loc["second"]
    assert misled.lower > 0.5
    assert right.upper > 0 > right.lower
    assert abs(right.estimate) < 0.05


# -- truth that is known ----------------------------------------------------------------------------------------------


RUNS, N = 500, 60
MEAN, SPREAD, LIMIT = -1.8, 0.6, -2.0


@pytest.fixture(scope="module")
def estimates():
    """Of 500 samples of 60, 37% below the limit: mean by likelihood with its limits, and by half the limit."""
    levels = np.random.default_rng(7).normal(MEAN, SPREAD, (RUNS, N))
    rows = []
    for sample in levels:
        found = normal(seen(sample, LIMIT)).coefficients.loc["Intercept"]
        half = np.where(sample < LIMIT, LIMIT + math.log10(0.5), sample)
        rows.append((found.estimate, found.lower, found.upper, half.mean(), half.std()))
    return np.array(rows)


def test_the_mean_by_likelihood_is_unbiased_and_its_limits_hold_their_confidence(estimates):
    bias = estimates[:, 0] - MEAN
    # The error of a mean of 500 such estimates is some .004.
    assert abs(bias.mean()) < 4 * bias.std() / math.sqrt(RUNS)
    covered = ((estimates[:, 1] <= MEAN) & (estimates[:, 2] >= MEAN)).mean()
    # The error of a share of .95 in 500 runs is .01.
    assert 0.92 <= covered <= 0.98


def test_half_the_limit_for_readings_below_it_is_biased_in_mean_and_spread_and_more_patients_do_not_help(
    estimates,
):
    # By hand: 37% below -2, where the mean is -1.8 - .6 phi(z)/Phi(z), z = -1/3, so -2.413; half the limit is -2.301.
    z = (LIMIT - MEAN) / SPREAD
    below = norm.cdf(z)
    expected = below * (LIMIT + math.log10(0.5)) + (1 - below) * (MEAN + SPREAD * norm.pdf(z) / (1 - below))
    error = estimates[:, 3].std() / math.sqrt(RUNS)
    assert estimates[:, 3].mean() == pytest.approx(expected, abs=4 * error)
    assert expected - MEAN > 0.04
    assert estimates[:, 4].mean() < 0.9 * SPREAD


def test_the_fall_is_found_where_half_the_limit_flattens_it():
    # 20 samples of 50 patients, a fall of 2 log10 in a month that begins at -1: at the end most are below -2.
    random = np.random.default_rng(1)
    month = np.tile(np.linspace(0, 1, 5), 50)
    slopes = []
    for _ in range(20):
        level = -1 + np.repeat(random.normal(0, 0.5, 50), 5) - 2 * month + random.normal(0, 0.2, 250)
        rows = seen(level, -2, -1.5).assign(month=month, patient=np.repeat(np.arange(50), 5))
        low = np.where(np.isinf(rows.lower), rows.upper + math.log10(0.5), (rows.lower + rows.upper) / 2)
        slopes.append(
            (
                random_intercept(rows, ["month"]).coefficients.at["month", "estimate"],
                normal(rows, ["month"]).coefficients.at["month", "estimate"],
                np.polyfit(month, low, 1)[0],
            )
        )
    mean, error = np.mean(slopes, axis=0), np.std(slopes, axis=0) / math.sqrt(20)
    assert (np.abs(mean[:2] + 2) < 4 * error[:2]).all()
    assert mean[2] > -1.5


# -- from assessments -----------------------------------------------------------------------------------------------


def assessments(**changes) -> pd.DataFrame:
    columns = {
        "patient": ["p1", "p1", "p2"],
        "date": pd.to_datetime(["2020-01-01", "2020-02-01", "2020-01-05"]),
        "analyte": "MRD",
        "result": ["positive", "negative", "not quantifiable"],
        "value": [0.1, None, None],
        "detection_limit": [0.01, 0.01, 0.01],
        "sensitivity": [0.01, 0.001, None],
    }
    return pd.DataFrame(columns | changes, index=["m1", "m2", "m3"])


def test_readings_are_bounds_a_level_below_the_sensitivity_of_the_sample_or_between_two_limits():
    found = readings(assessments(), quantification_limit=0.05)
    np.testing.assert_allclose(found.lower, [-1, -math.inf, -2])
    np.testing.assert_allclose(found.upper, [-1, -3, math.log10(0.05)])
    assert found.columns.tolist() == ["patient", "date", "lower", "upper"]
    unknown = readings(assessments(detection_limit=None), quantification_limit=0.05)
    assert unknown.lower.tolist() == [-1, -math.inf, -math.inf]


def test_readings_of_a_simulated_cohort_say_what_its_limits_allow():
    scenario = simulate.SCENARIO
    cohort = simulate.simulate(scenario, seed=2)
    found = readings(cohort.assessments, 10**scenario.quantification_limit)
    known = found.lower == found.upper
    assert known.sum() == cohort.assessments.result.eq("positive").sum()
    assert found.lower[known].min() >= scenario.quantification_limit
    assert found.upper[np.isinf(found.lower)].unique() == pytest.approx([scenario.detection_limit])
    between = ~known & ~np.isinf(found.lower)
    assert between.sum() == cohort.assessments.result.eq("not quantifiable").sum()


@pytest.mark.parametrize(
    ("changes", "limit", "message"),
    [
        ({"analyte": ["MRD", "MRD", "fusion"]}, 0.05, "readings of 2 analytes"),
        ({"sensitivity": [0.01, None, None]}, 0.05, "m2: .* expected the sensitivity of a negative"),
        ({"value": [None, None, None]}, 0.05, "m1: .* expected a value above 0"),
        ({}, None, "m3: .* expected a limit of quantification"),
        ({}, 0.01, "m3: .* expected a limit of quantification above"),
        ({"result": ["positive", "negative", "unsure"]}, 0.05, "m3: found the result 'unsure'"),
        ({"result": ["positive", "negative", None]}, 0.05, "m3: found the result None"),
        ({"value": [math.inf, None, None]}, 0.05, "m1: found an infinite 'value'"),
        ({"sensitivity": [0.01, math.inf, None]}, 0.05, "m2: found an infinite 'sensitivity'"),
        ({"detection_limit": [0.01, 0.01, math.inf]}, 0.05, "m3: found an infinite 'detection_limit'"),
        ({"value": ["much", None, None]}, 0.05, "found 'value' with what is no number"),
        ({}, "0.05", "found the quantification limit '0.05'"),
        ({}, math.inf, "found the quantification limit inf"),
        ({}, -0.05, "found the quantification limit -0.05"),
    ],
)
def test_readings_that_say_nothing_are_refused(changes, limit, message):
    with pytest.raises(CasebookError, match=message):
        readings(assessments(**changes), limit)


def test_what_lacks_a_column_or_is_no_table_is_refused():
    for column in assessments().columns:
        with pytest.raises(CasebookError, match=f"found no column '{column}'"):
            readings(assessments().drop(columns=column), 0.05)
    with pytest.raises(CasebookError, match="found readings of type NoneType; expected a DataFrame"):
        readings(None)


def test_a_model_does_not_bring_what_checks_tables():
    code = (
        "import sys, casebook.cohort.kinetics, casebook.cohort.readings; sys.exit('pandera' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- no maximum -----------------------------------------------------------------------------------------------------


def test_all_below_their_limits_have_no_mean_and_the_error_says_what_they_bound():
    # 1 - .05**(1/3) = .6316: the one-sided limit of Clopper and Pearson for none of three.
    with pytest.raises(
        CasebookError, match=r"all 3 readings below .* at most 63.2% .* highest limit, 10\^-2 percent"
    ):
        normal(frame([-math.inf] * 3, [-2, -3, -2]))


def test_readings_all_beyond_limits_have_no_spread():
    with pytest.raises(CasebookError, match="without any level"):
        normal(frame([-math.inf, 1], [-2, math.inf]))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(frame([-1], [-1]), id="one"),
        pytest.param(frame([-1] * 4, [-1] * 4), id="alike"),
        pytest.param(frame([-1, -math.inf], [-1, 0]), id="a level and a limit above it"),
        pytest.param(frame([-2, -1.5], [-1, 0]), id="intervals that share a level"),
    ],
)
def test_readings_that_one_level_explains_have_no_spread(rows):
    with pytest.raises(
        CasebookError, match="means of Intercept go through, so that their spread shrinks to 0"
    ):
        normal(rows)


def test_readings_in_line_have_no_spread_about_it_and_one_below_the_line_has():
    line = frame([0, -1, -2, -math.inf], [0, -1, -2, -2.5], month=[0.0, 1, 2, 3])
    with pytest.raises(CasebookError, match="spread shrinks to 0"):
        normal(line, ["month"])
    assert normal(line.assign(upper=[0, -1, -2, -3.5]), ["month"]).coefficients.at["sd", "estimate"] > 0


def test_a_group_that_is_all_below_the_limit_has_no_finite_coefficient():
    rows = frame([-1, -1.5, -0.5, -math.inf, -math.inf], [-1, -1.5, -0.5, -2, -2], treated=[0, 0, 0, 1, 1])
    with pytest.raises(CasebookError, match="2 readings beyond a limit whose mean no level holds"):
        normal(rows, ["treated"])
    # A group below on one side and above on the other is held between them.
    between = frame(
        [-1, -1.5, -0.5, -math.inf, -0.7], [-1, -1.5, -0.5, -2, math.inf], treated=[0, 0, 0, 1, 1]
    )
    assert normal(between, ["treated"]).coefficients.at["treated", "estimate"] == pytest.approx(
        -0.35, abs=0.2
    )


def test_patients_whose_readings_lie_on_parallel_lines_leave_no_spread_within():
    rows = frame([0, -1, -0.5, -1.5], [0, -1, -0.5, -1.5], month=[0, 1, 0, 1], patient=[1, 1, 2, 2])
    with pytest.raises(
        CasebookError,
        match="means of Intercept, month and each patient go through, so that their spread shrinks to 0",
    ):
        random_intercept(rows, ["month"])


def of_one(value: float, slope: float, bend: float) -> tobit.Likelihood:
    return tobit.Likelihood(value, np.array([slope]), np.array([[-bend]]), np.empty((0, 1)))


def test_a_search_ends_where_rounding_hides_what_is_left_and_not_before():
    # A value that no longer moves: a slope of 3e-6 promises 9e-12, one of 3e-4 still 9e-8.
    here, _ = tobit.maximise(lambda t: of_one(-1.0, 3e-6, 1.0), np.zeros(1))
    assert here.tolist() == [0]
    with pytest.raises(CasebookError, match=r"found no maximum .*\(a step would still gain 9e-08\)"):
        tobit.maximise(lambda t: of_one(-1.0, 3e-4, 1.0), np.zeros(1))


@pytest.mark.parametrize("bend", [0.0, -1.0, math.nan])
def test_where_the_likelihood_does_not_bend_down_there_is_no_error_to_state(bend):
    with pytest.raises(CasebookError, match="flat, or bends upwards"):
        tobit.covariance(of_one(0.0, 0.0, bend))
    alike = tobit.Likelihood(0.0, np.zeros(2), -np.ones((2, 2)), np.empty((0, 2)))
    with pytest.raises(CasebookError, match="flat, or bends upwards"):
        tobit.covariance(alike)


# -- refusing -------------------------------------------------------------------------------------------------------


GOOD = of("few")


@pytest.mark.parametrize(
    ("rows", "covariates", "message"),
    [
        (GOOD.iloc[:0], [], "no reading"),
        (GOOD, ["age"], "no column 'age'"),
        (GOOD, ["month", "month"], "each once"),
        (GOOD, ["lower"], "none of them Intercept or a limit"),
        (None, [], "found readings of type NoneType; expected a DataFrame"),
        (GOOD.assign(month=2.0), ["month"], "determine each other"),
        (GOOD.iloc[:1], ["month"], "determine each other"),
        (GOOD.assign(twice=2 * GOOD.month), ["month", "twice"], "determine each other"),
        (GOOD.assign(month="a"), ["month"], "'month' with what is no number"),
        (GOOD.assign(month=math.inf), ["month"], "infinite"),
        (GOOD.assign(upper=math.nan), [], "'upper' with what is no number"),
        (GOOD.assign(upper=-9.0), [], "expected lower not above upper"),
        (GOOD.assign(lower=-math.inf, upper=math.inf), [], "one of them finite"),
        (GOOD.assign(lower=math.inf, upper=math.inf), [], "one of them finite"),
    ],
)
def test_frames_that_are_none_are_refused(rows, covariates, message):
    with pytest.raises(CasebookError, match=message):
        normal(rows, covariates)


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan, "0.95"])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(CasebookError, match="found the confidence"):
        normal(GOOD, confidence=confidence)
    with pytest.raises(CasebookError, match="found the confidence"):
        profile(normal(GOOD), "Intercept", confidence=confidence)


def test_few_patients_are_refused_for_a_sandwich_single_readings_for_an_intercept_and_nobodys_for_both():
    with pytest.raises(CasebookError, match="found 2 patients; expected more than the 3 parameters"):
        normal(GOOD.assign(patient=[1, 2] * 6), ["month"], patient="patient")
    with pytest.raises(CasebookError, match="found 3 patients; expected more than the 3 parameters"):
        normal(GOOD.assign(patient=[1, 2, 3] * 4), ["month"], patient="patient")
    assert normal(GOOD.assign(patient=[1, 2, 3, 4] * 3), ["month"], patient="patient").patients == 4
    with pytest.raises(CasebookError, match="found no patient who was read twice"):
        random_intercept(GOOD)
    with pytest.raises(CasebookError, match="12 readings of nobody"):
        random_intercept(GOOD.assign(patient=None))
    with pytest.raises(CasebookError, match="found no column of patients"):
        random_intercept(GOOD, patient=None)


def test_profile_limits_are_of_a_term_of_independent_readings():
    with pytest.raises(CasebookError, match="found the term 'age'; expected one of Intercept, month"):
        profile(normal(GOOD, ["month"]), "age")
    with pytest.raises(CasebookError, match="expected one of independent readings"):
        profile(normal(of("censored"), patient="patient"), "Intercept")
