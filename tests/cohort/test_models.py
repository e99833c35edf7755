"""Regressions of times to an event: against R, by hand, and what must be refused."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.datasets import load_stanford_heart_transplants
from lifelines.statistics import proportional_hazard_test

from casebook.cohort import models
from casebook.cohort.proportionality import score_test
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")

R = pd.read_csv(ORACLES / "models.csv")
"""Made by ``oracles/models.R`` (R 4.2.2, survival 3.5-3: coxph and survreg)."""

BMT = pd.read_csv(ORACLES / "models_bmt.csv").assign(failed=lambda d: d.d2 + d.death)
"""137 transplants (Klein and Moeschberger): written by ``oracles/models.R`` from KMsurv."""

SIX = pd.DataFrame({"time": [9, 1, 1, 6, 6, 8], "status": [1, 1, 0, 1, 1, 0], "x": [0, 1, 1, 1, 0, 0]})
"""The six patients of Therneau's validation vignette."""


def simulated(name: str) -> pd.DataFrame:
    data = pd.read_csv(ORACLES / "comparison_data.csv").query("set == @name")
    return data.assign(b=(data.group == "b") * 1, failed=(data.event > 0) * 1)


def assert_is_r(fit: models.Fit, data: str, model: str, within: float = 1e-8) -> None:
    rows = R[(R.set == data) & (R.model == model)]
    assert len(rows) == len(fit.coefficients)
    assert fit.coefficients.coefficient.tolist() == pytest.approx(rows.coefficient.tolist(), abs=within)
    assert fit.coefficients.standard_error.tolist() == pytest.approx(rows.error.tolist(), abs=within)
    assert fit.log_likelihood == pytest.approx(rows.loglik.iloc[0], rel=1e-9)
    assert fit.log_likelihood_null == pytest.approx(rows.null.iloc[0], rel=1e-9)


# -- Cox ----------------------------------------------------------------------------------------------------------


def test_cox_of_six_patients_with_ties():
    fit = models.cox(SIX, "time", "status", ["x"])
    assert_is_r(fit, "six", "cox")
    # By hand, at a coefficient of 0: 1 of 6 at time 1; at 6, with half of each who fails gone for the second
    # (Efron), 1 of 4 and 1 of 3; at 9, alone.
    assert fit.log_likelihood_null == pytest.approx(-math.log(6 * 4 * 3), rel=1e-12)
    # The score of Efron's likelihood at r = exp(coefficient), by hand, is 0.
    r = math.exp(fit.coefficients.coefficient["x"])
    score = 1 + 1 - 3 * r / (3 * r + 3) - r / (r + 3) - r / 2 / (r / 2 + 2.5)
    assert score == pytest.approx(0, abs=1e-9)
    assert (fit.n, fit.events) == (6, 4)


def test_cox_limits_and_p_follow_from_coefficient_and_error():
    row = models.cox(SIX, "time", "status", ["x"], confidence=0.9).coefficients.loc["x"]
    # 1.6448536 and 0.9053, of the normal distribution: printed tables.
    assert row.ratio == pytest.approx(math.exp(row.coefficient))
    assert math.log(row.upper) - row.coefficient == pytest.approx(1.6448536 * row.standard_error)
    assert row.coefficient - math.log(row.lower) == pytest.approx(1.6448536 * row.standard_error)
    # 1.67685749 / 1.27761558 = 1.31249; twice the tail of the normal above it, by R's pnorm.
    assert row.p == pytest.approx(0.18935, abs=1e-5)


@pytest.mark.parametrize(("failure", "name"), [("d2", "relapse"), ("death", "death")])
def test_cox_of_one_cause_with_strata_is_r_with_efrons_ties(failure, name):
    assert_is_r(models.cox(BMT, "t2", failure, ["low", "high"], strata="wait"), f"bmt {name}", "efron")


def test_published_coefficients_are_those_of_breslows_ties():
    # PSI CAMIS, stratified by waiting category. With Efron's ties they are others in the fourth decimal.
    published = {"relapse": [-0.9453, 0.6162], "death": [-0.3987, 0.1273]}
    for name, printed in published.items():
        breslow = R[(R.set == f"bmt {name}") & (R.model == "breslow")].coefficient
        assert breslow.round(4).tolist() == printed
        failure = "d2" if name == "relapse" else "death"
        fit = models.cox(BMT, "t2", failure, ["low", "high"], strata="wait")
        assert fit.coefficients.coefficient.round(4).tolist() != printed
        assert fit.coefficients.coefficient.tolist() == pytest.approx(printed, abs=2e-3)


@pytest.mark.parametrize("name", ["late", "late_smooth"])
@pytest.mark.parametrize("strata", [None, ["stratum"]])
def test_cox_with_late_entry_is_r(name, strata):
    fit = models.cox(simulated(name), "time", "failed", ["b"], entry="entry", strata=strata)
    assert_is_r(fit, name + (" strata" if strata else ""), "cox")


def test_two_strata_columns_are_their_combinations():
    data = simulated("tied").assign(half=lambda d: np.arange(len(d)) % 2 == 0)
    data["both"] = data.stratum + data.half.astype(str)
    two = models.cox(data, "time", "failed", ["b"], strata=["stratum", "half"])
    one = models.cox(data, "time", "failed", ["b"], strata="both")
    pd.testing.assert_frame_equal(two.coefficients, one.coefficients)


@pytest.mark.parametrize(
    ("covariates", "name"),
    [(["transplant"], "heart"), (["age", "year", "surgery", "transplant"], "heart all")],
)
def test_time_varying_cox_of_heart_transplants_is_r(covariates, name):
    heart = load_stanford_heart_transplants()
    assert_is_r(models.cox_time_varying(heart, "id", "start", "stop", "event", covariates), name, "cox")


def test_a_covariate_that_never_changes_gives_the_same_in_intervals():
    # Each follow-up cut in two at half its length says what it said in one piece.
    whole = simulated("smooth").reset_index(drop=True).rename_axis("id").reset_index()
    first = whole.assign(start=0.0, stop=whole.time / 2, failed=0)
    second = whole.assign(start=whole.time / 2, stop=whole.time)
    halves = models.cox_time_varying(
        pd.concat([second, first]), "id", "start", "stop", "failed", ["b"]
    ).coefficients
    pd.testing.assert_frame_equal(halves, models.cox(whole, "time", "failed", ["b"]).coefficients, rtol=1e-8)


# -- proportional hazards -----------------------------------------------------------------------------------------

ZPH = pd.read_csv(ORACLES / "proportionality.csv")
"""Made by ``oracles/proportionality.R`` (R 4.2.2, survival 3.5-3: cox.zph)."""


@pytest.mark.parametrize("transform", ["km", "identity", "log"])
@pytest.mark.parametrize(
    ("name", "data", "covariates"),
    [
        ("bmt", BMT, ["low", "high", "z1"]),
        ("bmt groups", BMT.assign(all=1 - BMT.low - BMT.high), ["all", "high"]),
        *((name, simulated(name), ["b"]) for name in ("tied", "smooth", "late", "late_smooth")),
    ],
)
def test_score_tests_of_proportional_hazards_are_those_of_r(name, data, covariates, transform):
    duration = "t2" if name.startswith("bmt") else "time"
    entry = "entry" if name.startswith("late") else None
    found = score_test(data, duration, "failed", covariates, transform=transform, entry=entry)
    rows = ZPH[(ZPH.set == name) & (ZPH["transform"] == transform)].set_index("term")
    assert found.index.tolist() == rows.index.tolist() == [*covariates, "together"]
    for column, theirs in (("statistic", "statistic"), ("degrees_of_freedom", "df"), ("p", "p")):
        assert found[column].tolist() == pytest.approx(rows[theirs].tolist(), rel=1e-7)


def test_what_lifelines_tests_is_something_else():
    # lifelines takes the variance of the covariates to be the same at all times, as R did before survival 3.0.
    data = BMT.assign(all=1 - BMT.low - BMT.high)[["t2", "failed", "all", "high"]]
    fitted = CoxPHFitter().fit(data, "t2", "failed", fit_options=models.PRECISION)
    theirs = proportional_hazard_test(fitted, data, time_transform="identity").summary["p"]
    ours = score_test(data, "t2", "failed", ["all", "high"], transform="identity")["p"]
    assert theirs["high"] < 0.02 < 0.045 < ours["high"]


def test_a_ratio_that_changes_is_found_and_the_unit_of_time_does_not_matter():
    # Of 400, those with x fail at the rate 3 up to month 1 and 1/3 after it, the others at 1.
    random = np.random.default_rng(3)
    x = np.arange(400) % 2
    wait = random.exponential(size=400)
    time = np.where(x == 0, wait, np.where(wait < 3, wait / 3, 1 + (wait - 3) * 3))
    data = pd.DataFrame({"time": time, "days": 30 * time, "failed": 1, "x": x})
    for transform in ("km", "identity", "log"):
        months, days = (
            score_test(data, unit, "failed", "x", transform=transform) for unit in ("time", "days")
        )
        assert months.at["x", "p"] < 1e-4
        assert days["statistic"].tolist() == pytest.approx(months["statistic"].tolist(), rel=1e-9)


def test_too_few_times_to_tell_a_change_are_refused():
    # One time of events; and two, at the second of which those at risk no longer differ.
    once = pd.DataFrame({"time": [1, 1, 2, 2], "failed": [1, 1, 0, 0], "x": [1, 0, 0, 1]})
    later = pd.DataFrame({"time": [1, 1, 3, 4], "failed": [1, 1, 1, 0], "x": [1, 0, 0, 0]})
    for data in (once, later):
        with pytest.raises(CasebookError, match=r"at too few of . times of events; expected two or more"):
            score_test(data, "time", "failed", "x")


def test_transforms_and_names_that_cannot_be_are_refused():
    for wrong in ("rank", None, ["km"]):
        with pytest.raises(CasebookError, match="expected one of 'km', 'identity', 'log'"):
            score_test(SIX, "time", "status", "x", transform=wrong)
    with pytest.raises(CasebookError, match="'together'; expected another name"):
        score_test(SIX.rename(columns={"x": "together"}), "time", "status", "together")
    with pytest.raises(CasebookError, match="expected a DataFrame"):
        score_test(None, "time", "status", "x")


# -- parametric ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "in_r"),
    [
        ("exponential", "exponential"),
        ("weibull", "weibull"),
        ("log-normal", "lognormal"),
        ("log-logistic", "loglogistic"),
    ],
)
def test_parametric_models_are_those_of_r(distribution, in_r):
    fit = models.parametric(BMT, "t2", "failed", distribution, ["low", "high", "z1"])
    assert_is_r(fit, "bmt", in_r, within=2e-6)
    assert_is_r(models.parametric(BMT, "t2", "failed", distribution), "bmt null", in_r, within=2e-6)


def test_exponential_rate_is_events_over_time():
    # By hand: the mean is time over events, and the error of its logarithm 1 / sqrt(events).
    row = models.parametric(SIX, "time", "status", "exponential").coefficients.loc[("location", "Intercept")]
    assert row.ratio == pytest.approx(31 / 4, rel=1e-6)
    assert row.standard_error == pytest.approx(1 / 2, rel=1e-6)


def test_exponential_with_late_entry_counts_the_time_at_risk_only():
    # By hand: patients with x 1 are at risk 1 + 1 + 3 = 5 for 2 events, the others 9 + 4 + 8 = 21 for 2.
    data = SIX.assign(entry=[0, 0, 0, 3, 2, 0])
    rows = models.parametric(data, "time", "status", "exponential", ["x"], entry="entry").coefficients
    assert rows.ratio[("location", "Intercept")] == pytest.approx(21 / 2, rel=1e-5)
    assert rows.ratio[("location", "x")] == pytest.approx(5 / 21, rel=1e-5)


# -- what is refused ----------------------------------------------------------------------------------------------


def frame(**columns) -> pd.DataFrame:
    random = np.random.default_rng(5)
    data = pd.DataFrame({"time": random.exponential(size=40) + 0.1, "failed": 1, "x": random.normal(size=40)})
    return data.assign(arm=np.arange(40) % 2, **columns)


@pytest.mark.parametrize(
    ("data", "covariates", "match"),
    [
        (frame(failed=0), ["x"], "no event in 'failed'"),
        (frame(failed=2), ["x"], "values other than 0 and 1"),
        (frame(x=1.0), ["x", "arm"], "'x' constant"),
        (frame(y=lambda d: 2 * d.x - d.arm), ["x", "arm", "y"], r"determine each other \(x, arm, y\)"),
        (frame(x=[np.nan] + [1.0] * 39), ["x"], "1 missing values of 'x'"),
        (frame(x=[np.inf] + [1.0] * 39), ["x"], "infinite values of 'x'"),
        (frame(x="low"), ["x"], "'x' of type object"),
        (frame(time=0), ["x"], "0 as 'time'"),
        (frame(), ["z"], "no column 'z'"),
        (frame(), ["x", "x"], "each once"),
        (frame(), ["time"], "each in one role"),
        (frame().iloc[:1], ["x"], "a frame of 1 rows"),
        (frame(failed=lambda d: d.arm), ["x", "arm"], "coefficient of 'arm' .no event where arm is 0"),
    ],
)
def test_what_no_model_can_use_is_refused_by_all_with_the_reason(data, covariates, match):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CasebookError, match=match):
            models.cox(data, "time", "failed", covariates)
        with pytest.raises(CasebookError, match=match):
            models.parametric(data, "time", "failed", "weibull", covariates)


def test_a_covariate_that_foretells_the_order_of_failures_has_no_hazard_ratio():
    data = frame().sort_values("time").assign(x=np.arange(40) ** 2)
    with pytest.raises(CasebookError, match="no finite best coefficient of 'x'"):
        models.cox(data, "time", "failed", ["x"])


def test_a_covariate_that_never_fails_first_in_intervals_is_named():
    rows = pd.DataFrame({"id": [1, 1, 2, 3], "start": [0, 2, 0, 0], "stop": [2, 5, 3, 4], "x": [0, 1, 0, 0]})
    with pytest.raises(CasebookError, match="no event where x is 0"):
        models.cox_time_varying(rows.assign(failed=[0, 1, 0, 0]), "id", "start", "stop", "failed", ["x"])


def test_a_rare_trait_without_event_is_found_too():
    # 10 of 2000: the step of the fit, in standard deviations of the trait, is then small at the end.
    random = np.random.default_rng(8)
    rare = np.arange(2000) < 10
    data = pd.DataFrame({"time": random.exponential(size=2000), "failed": ~rare, "rare": rare})
    with pytest.raises(CasebookError, match="no event where rare is 1"):
        models.cox(data, "time", "failed", ["rare"])


def test_few_patients_with_a_finite_hazard_ratio_are_fitted():
    data = pd.DataFrame({"time": [1, 2, 3, 4], "failed": [1, 1, 0, 0], "x": [1, 0, 1, 0]})
    row = models.cox(data, "time", "failed", ["x"]).coefficients.loc["x"]
    # By hand: at risk are two of each at 1; one with x and two without at 2. The likelihood r / (2 r + 2) / (r + 2) is greatest
    # where 1 / r = 1 / (r + 1) + 1 / (r + 2), r = sqrt 2.
    assert row.ratio == pytest.approx(math.sqrt(2), rel=1e-9)


def test_a_covariate_constant_within_strata_is_refused():
    data = frame(stratum=lambda d: d.arm)
    with pytest.raises(CasebookError, match="'arm' constant within the strata"):
        models.cox(data, "time", "failed", ["x", "arm"], strata="stratum")


def test_a_scale_that_shrinks_to_nothing_is_refused():
    data = pd.DataFrame({"time": [3.0, 5.0, 4.0], "failed": [1, 1, 0], "x": [0, 1, 1]})
    with pytest.raises(CasebookError, match="2 events that 2 location parameters fit exactly"):
        models.parametric(data, "time", "failed", "log-normal", ["x"])
    # The exponential has no scale that could: 3 months for one event, 9 for one.
    rows = models.parametric(data, "time", "failed", "exponential", ["x"]).coefficients
    assert rows.ratio[("location", "x")] == pytest.approx(3, rel=1e-5)


def test_one_event_between_censored_times_has_a_weibull():
    # All events lie on one line, but a patient censored later holds the scale up. With times 1 and 2 the likelihood of the
    # shape k, the other parameter at its best, is k / (1 + 2^k): greatest where 1 + 2^k = k 2^k log 2.
    data = pd.DataFrame({"time": [1.0, 2.0], "failed": [1, 0]})
    scale = models.parametric(data, "time", "failed", "weibull").coefficients.ratio[
        ("log scale", "Intercept")
    ]
    shape = 1 / scale
    assert 1 + 2**shape == pytest.approx(shape * 2**shape * math.log(2), rel=1e-5)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"start": [0, 1, 0]}, "intervals that overlap of id 1"),
        ({"failed": [1, 1, 1]}, "an interval after the event of id 1"),
        ({"start": [0, 5, 0]}, "not before 'stop'"),
    ],
)
def test_intervals_that_no_patient_can_have_are_refused(change, match):
    rows = pd.DataFrame({"id": [1, 1, 2], "start": [0, 2, 0], "stop": [2, 5, 3], "failed": [0, 1, 1]})
    with pytest.raises(CasebookError, match=match):
        models.cox_time_varying(
            rows.assign(x=[0, 1, 0]).assign(**change), "id", "start", "stop", "failed", ["x"]
        )


def test_entry_confidence_and_distribution_are_checked():
    with pytest.raises(CasebookError, match="0 <= entry < time"):
        models.cox(frame(entry=lambda d: d.time), "time", "failed", ["x"], entry="entry")
    with pytest.raises(CasebookError, match="found the confidence 95"):
        models.cox(frame(), "time", "failed", ["x"], confidence=95)
    with pytest.raises(CasebookError, match=r"found .*e\+200 as 'x'; expected at most 1e\+100"):
        models.cox(frame().assign(x=lambda d: (d.x + 1) * 1e200), "time", "failed", ["x"])
    with pytest.raises(CasebookError, match="the distribution 'gompertz'"):
        models.parametric(frame(), "time", "failed", "gompertz")
    with pytest.raises(CasebookError, match="'Intercept'; expected another name"):
        models.parametric(frame(Intercept=1), "time", "failed", "weibull", ["Intercept"])


FITS = {
    "cox": lambda data, names: models.cox(data, "time", "failed", names),
    "cox_time_varying": lambda data, names: models.cox_time_varying(
        data, "id", "start", "time", "failed", names
    ),
    "parametric": lambda data, names: models.parametric(data, "time", "failed", "weibull", names),
}


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_calls_without_a_table_or_names_are_refused(fit):
    data = frame(id=range(40), start=0.0)
    for wrong in (None, {"time": [1, 2]}, "bmt"):
        with pytest.raises(CasebookError, match="expected a DataFrame"):
            fit(wrong, ["x"])
    with pytest.raises(CasebookError, match="found 5 as names of columns; expected a sequence"):
        fit(data, 5)
    for wrong in ([["x"]], [None], [3]):
        with pytest.raises(CasebookError, match="expected names, as text"):
            fit(data, wrong)
    with pytest.raises(CasebookError, match="found the column 'x' more than once"):
        fit(pd.concat([data, data[["x"]]], axis=1), ["x"])


def test_roles_that_are_no_names_are_refused():
    for wrong in (None, ["time"], 0):
        with pytest.raises(CasebookError, match="expected names, as text"):
            models.cox(frame(), wrong, "failed", ["x"])
        with pytest.raises(CasebookError, match="the distribution"):
            models.parametric(frame(), "time", "failed", wrong)
    for wrong in ("95%", None, math.nan):
        with pytest.raises(CasebookError, match="found the confidence"):
            models.cox(frame(), "time", "failed", ["x"], confidence=wrong)


def test_names_with_spaces_are_names():
    data = frame().rename(columns={"x": "marrow blasts"})
    for distribution in models.DISTRIBUTIONS:
        models.parametric(data, "time", "failed", distribution, ["marrow blasts"])
    assert models.cox(data, "time", "failed", ["marrow blasts"]).coefficients.index.tolist() == [
        "marrow blasts"
    ]
