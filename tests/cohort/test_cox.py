"""Cox's hazard ratio from tables, and the survival it predicts along a path: against R, by hand, and against known truth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from casebook.cohort import models
from casebook.cohort.cox import hazard_ratio, path, survival_along
from casebook.cohort.risktable import tabulate
from casebook.cohort.timing import TIES, by_treatment, periods
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")
R = pd.read_csv(ORACLES / "timing.csv", keep_default_na=False, na_values=["NA"])
"""Made by ``oracles/timing.R`` (R 4.2.2, survival 3.5-3: survfit of coxph), of the cohorts in ``timing_data.csv``."""

DATA = pd.read_csv(ORACLES / "timing_data.csv")
MODELS = {"alone": ["treated"], "several": ["treated", "x", "z"]}


def fitted(data: str, ties: str, names: list[str]) -> tuple[pd.DataFrame, models.Fit]:
    cohort = DATA[DATA.data == data].reset_index(drop=True)
    rows = periods(cohort.time, cohort.event, cohort.switch, entry=cohort.entry, ties=ties)
    rows = rows.join(cohort[["x", "z"]], on="patient")
    return rows, models.cox_time_varying(rows, "patient", "start", "stop", "event", names)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("data", ["stanford", "tied"])
def test_the_hazard_ratio_from_tables_is_coxphs_with_efrons_ties(data, ties):
    found = hazard_ratio(by_treatment(fitted(data, ties, ["treated"])[0]))
    for quantity, value in [("coefficient", found.coefficient), ("error", found.standard_error)]:
        expected = R[(R.data == data) & (R.ties == ties) & (R.quantity == f"{quantity} efron")].value.item()
        assert value == pytest.approx(expected, abs=1e-10)
    assert found.estimate == pytest.approx(math.exp(found.coefficient))
    # 1.959964: the normal distribution, printed tables.
    assert math.log(found.upper / found.estimate) == pytest.approx(1.959964 * found.standard_error)
    assert found.lower * found.upper == pytest.approx(found.estimate**2)


def test_a_hazard_ratio_by_hand_and_one_without_limit():
    # At 1 fails the treated one of 2 and 2, at 2 an untreated of 1 and 2: r / (2 r + 2) / (r + 2) is greatest at r = sqrt 2.
    rows = periods([1, 2, 3, 4], [1, 1, 0, 0], [0, None, 0, None])
    assert hazard_ratio(by_treatment(rows)).estimate == pytest.approx(math.sqrt(2))
    with pytest.raises(CasebookError, match="found no failure untreated while others were at risk"):
        hazard_ratio(by_treatment(rows.assign(event=rows.event * rows.treated)))
    halves = {group: tabulate([1, 2], [1, 1], weights=[0.5, 1]) for group in ("untreated", "treated")}
    with pytest.raises(CasebookError, match="found parts of a patient"):
        hazard_ratio({**halves, "treated": tabulate([1, 2], [1, 1])})
    with pytest.raises(CasebookError, match="found nobody at risk treated"):
        hazard_ratio(by_treatment(periods([1, 2], [1, 1], [None, None])))
    with pytest.raises(CasebookError, match="found the confidence 95"):
        hazard_ratio(by_treatment(rows), confidence=95)


def test_who_fails_when_the_others_are_gone_is_compared_with_nobody():
    alone = {
        "untreated": tabulate([1, 2, 3], [1, 1, 1]),
        "treated": tabulate([5, 6], [1, 1], entry=[0.5, 0.5]),
    }
    with pytest.raises(CasebookError, match="found no failure treated while others were at risk"):
        hazard_ratio(alone)


@pytest.mark.parametrize(
    ("tables", "match"),
    [
        (None, "found a NoneType; expected tables of risk by group"),
        (
            {"untreated": None, "treated": 5},
            "found a NoneType; expected a table of risk of the untreated",
        ),
        (
            dict.fromkeys(("untreated", "treated"), tabulate([1, 2], [1, 1], weights=[1e13, 1e13])),
            "found 4e.13 failures; expected at most 10000000",
        ),
    ],
)
def test_tables_that_are_none_or_of_too_many_are_refused(tables, match):
    with pytest.raises(CasebookError, match=match):
        hazard_ratio(tables)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("data", ["stanford", "tied"])
def test_survival_along_a_path_is_that_of_survfit(data, ties, model):
    rows, fit = fitted(data, ties, MODELS[model])

    def in_r(part, switch):
        found = R[(R.data == data) & (R.ties == ties) & (R.quantity == f"path {model} {part}")]
        return found[found.group == switch]

    others = {"x": 1, "z": 0} if model == "several" else {}
    for switch in ("10", "30", "Inf"):
        day = None if switch == "Inf" else float(switch)
        curve = survival_along(rows, fit, path(rows.stop.max(), day, **others))
        survival, error = in_r("surv", switch), in_r("error by hand", switch)
        assert len(survival) >= 3
        # lifelines finds coefficients to some seven digits.
        np.testing.assert_allclose(curve.at(survival.argument).estimate, survival.value, rtol=2e-6)
        at = np.searchsorted(curve.time, error.argument)
        np.testing.assert_allclose(np.sqrt(curve.variance[at]) / curve.estimate[at], error.value, rtol=2e-6)
    # Without a change survfit's own limits are right as well.
    for part in ("lower", "upper"):
        limit = in_r(part, "Inf")
        assert len(limit) >= 3
        np.testing.assert_allclose(curve.at(limit.argument)[part], limit.value, rtol=2e-6, atol=1e-9)


def test_a_path_by_hand():
    # Three patients: treated from 0, failing at 1; waiting, failing at 2; treated at 1.5, failing at 3. At 1 there are 1 treated
    # of 3, at 2 is 1 of 2, at 3 all: with r = exp(b) the likelihood r / (r + 2) / (r + 1) is greatest where
    # 1 / r = 1 / (r + 2) + 1 / (r + 1), r = sqrt 2. Increments of the hazard of one who waits: 1/(r + 2), 1/(r + 1), 1/r.
    rows = periods([1, 2, 3], [1, 1, 1], [0, None, 1.5])
    fit = models.cox_time_varying(rows, "patient", "start", "stop", "event", ["treated"])
    r = math.sqrt(2)
    assert fit.coefficients.ratio["treated"] == pytest.approx(r, rel=1e-6)
    never = survival_along(rows, fit, path(3))
    hazard = [1 / (r + 2), 1 / (r + 1), 1 / r]
    assert never.estimate == pytest.approx(np.exp(-np.cumsum(hazard)), rel=1e-6)
    # Treated on day 2: at 2 still waiting, at 3 no more.
    switched = survival_along(rows, fit, path(3, 2))
    assert switched.estimate == pytest.approx(
        np.exp(-np.cumsum([hazard[0], hazard[1], r * hazard[2]])), rel=1e-6
    )
    always = survival_along(rows, fit, path(3, 0))
    assert always.estimate == pytest.approx(np.exp(-r * np.cumsum(hazard)), rel=1e-6)


def test_paths_in_a_large_cohort_find_the_truth():
    # Hazards of 1 a year while waiting, of .5 after: at a year, exp(-1) for never, exp(-s - (1 - s) / 2) for treatment at s.
    random = np.random.default_rng(3)
    n = 2000
    switch, waits, after = random.exponential(0.7, n), random.exponential(1, n), random.exponential(2, n)
    fails = np.where(waits < switch, waits, switch + after)
    time = np.minimum(fails, 1.5)
    rows = periods(time, (fails <= 1.5) * 1, np.where(switch < time, switch, np.nan))
    fit = models.cox_time_varying(rows, "patient", "start", "stop", "event", ["treated"])
    for day, truth in [(None, math.exp(-1)), (0, math.exp(-0.5)), (0.4, math.exp(-0.4 - 0.3))]:
        found = survival_along(rows, fit, path(1.5, day)).at([1]).iloc[0]
        assert found.lower < truth < found.upper
        assert found.upper - found.lower < 0.12


def test_limits_along_a_changing_path_cover_the_truth():
    # As above without an effect, in 200 cohorts of 80: treatment at .5, survival at 1. Monte Carlo error of the coverage 1.5%.
    random = np.random.default_rng(9)
    covered, runs, n = 0, 200, 80
    for _ in range(runs):
        fails, switch = random.exponential(1.0, n), random.exponential(0.5, n)
        time, event = np.minimum(fails, 1.5), (fails <= 1.5).astype(int)
        rows = periods(time, event, np.where(switch < time, switch, np.nan))
        # lifelines would take some ten seconds for as many fits; both are held against R above.
        ratio = hazard_ratio(by_treatment(rows))
        coefficients = pd.DataFrame(
            {"coefficient": [ratio.coefficient], "standard_error": [ratio.standard_error]}, index=["treated"]
        )
        fit = models.Fit("cox", coefficients, math.nan, math.nan, len(rows), int(event.sum()), 0.95)
        found = survival_along(rows, fit, path(1.2, 0.5)).at([1]).iloc[0]
        covered += found.lower <= math.exp(-1) <= found.upper
    assert 0.905 <= covered / runs <= 0.98


def test_a_path_is_known_no_longer_than_it_goes_or_anybody_was_followed():
    rows, fit = fitted("tied", "after", ["treated"])
    assert survival_along(rows, fit, path(9, 4)).until == 9
    last = rows.stop.max()
    assert survival_along(rows, fit, path(last + 50)).until == last
    with pytest.raises(CasebookError, match="found the time 10; expected at most 9"):
        survival_along(rows, fit, path(9)).at(10)
    first = rows.stop[rows.event == 1].min()
    with pytest.raises(CasebookError, match=f"expected one to the first event, at {first:g}, or beyond"):
        survival_along(rows, fit, path(first / 2))


def test_the_path_of_one_who_is_treated():
    assert path(9, 4, age=3).to_dict("list") == {
        "start": [0, 4],
        "stop": [4, 9],
        "treated": [0, 1],
        "age": [3, 3],
    }
    assert path(9).to_dict("list") == {"start": [0], "stop": [9], "treated": [0]}
    assert path(9, 0).to_dict("list") == {"start": [0], "stop": [9], "treated": [1]}
    assert path(9, 12).to_dict("list") == {"start": [0], "stop": [9], "treated": [0]}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"path": path(9, 4).assign(start=[0, 5])}, r"found the intervals \[\(0.0, 4.0\), \(5.0, 9.0\)\]"),
        ({"path": path(9, 4).iloc[1:]}, r"found the intervals \[\(4.0, 9.0\)\]"),
        ({"path": path(9).drop(columns="treated")}, "path: found no column 'treated'"),
        ({"path": path(9).assign(treated=np.nan)}, "path: found no row, or values that are no numbers"),
        ({"path": path(9).assign(treated="yes")}, "path: found values that are no numbers"),
        ({"confidence": 95}, "found the confidence 95"),
    ],
)
def test_paths_that_nobody_can_take_are_refused(change, match):
    rows, fit = fitted("tied", "after", ["treated"])
    with pytest.raises(CasebookError, match=match):
        survival_along(**({"rows": rows, "fit": fit, "path": path(9)} | change))


@pytest.mark.parametrize(
    ("until", "switch", "match"),
    [(0, None, "found until=0"), (9, -1, "found switch=-1"), (9, math.nan, "switch")],
)
def test_days_that_are_none_have_no_path(until, switch, match):
    with pytest.raises(CasebookError, match=match):
        path(until, switch)


@pytest.mark.parametrize(
    ("covariates", "match"),
    [
        ({"treated": 1}, "found the covariate 'treated'; expected another"),
        ({"start": 1}, "found the covariate 'start'"),
        ({"stop": 1}, "found the covariate 'stop'"),
        ({"age": [1, 2, 3]}, r"found age=\[1, 2, 3\]; expected a number"),
        ({"age": "old"}, "found age='old'; expected a number"),
        ({"age": math.nan}, "found age=nan; expected a number"),
    ],
)
def test_covariates_that_are_none_have_no_path(covariates, match):
    with pytest.raises(CasebookError, match=match):
        path(10, 5, **covariates)


def test_a_fit_of_other_rows_is_refused():
    rows, fit = fitted("tied", "after", ["treated"])
    with pytest.raises(CasebookError, match="expected the rows that were fitted"):
        survival_along(rows.iloc[1:], fit, path(9))
    shuffled = rows.assign(treated=rows.treated.to_numpy()[::-1])
    with pytest.raises(CasebookError, match="standard errors that are not those of these rows"):
        survival_along(shuffled, fit, path(9))
    weibull = models.parametric(rows, "stop", "event", "weibull", ["x"])
    with pytest.raises(CasebookError, match="a fit of the model 'weibull'"):
        survival_along(rows, weibull, path(9))
