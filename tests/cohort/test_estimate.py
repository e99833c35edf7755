"""Survival, quantiles, restricted means and cumulative incidence: against R, published figures and hand-worked cases."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.cohort import risktable
from casebook.cohort.estimate import Curve, aalen_johansen, kaplan_meier, quantile, restricted_mean
from casebook.cohort.risktable import RiskTable, tabulate
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")
R = pd.read_csv(ORACLES / "estimate.csv")
"""Made by ``oracles/estimate.R`` (R 4.2.2, survival 3.5-3, cmprsk 2.2-11), of the cohorts in ``estimate_data.csv``."""

CAUSES = ("first", "second")
TABLES = {
    name: tabulate(rows.time, rows.event, entry=rows.entry, weights=rows.weight, causes=CAUSES)
    for name, rows in pd.read_csv(ORACLES / "estimate_data.csv").groupby("data", sort=False)
}
SCALES = [("log-log", 0.95), ("log-log", 0.8), ("log", 0.95), ("plain", 0.95)]


def from_r(data: str, quantity: str, **where) -> tuple[np.ndarray, np.ndarray]:
    """Arguments and values of a quantity; without values, R has no such curve (nobody fails of the cause)."""
    rows = R[(R.data == data) & (R.quantity == quantity)]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows.argument.to_numpy(), rows.value.to_numpy()


@st.composite
def cohorts(draw):
    """Few distinct times, so that there are ties of every kind; two causes; late entry."""
    n = draw(st.integers(1, 12))
    time = np.array(draw(st.lists(st.integers(1, 8), min_size=n, max_size=n)), float)
    event = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    entry = np.array([draw(st.integers(0, int(t) - 1)) for t in time], float)
    return time, event, entry


def values(curve: Curve) -> np.ndarray:
    return curve.frame().to_numpy()


# -- survival -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_survival_and_its_variance_are_those_of_survfit(name):
    curve = kaplan_meier(TABLES[name])
    times, survival = from_r(name, "survival")
    np.testing.assert_allclose(curve.at(times).estimate, survival, rtol=1e-10, atol=1e-15)
    times, variance = from_r(name, "variance")
    found = np.append(0.0, curve.variance)[np.searchsorted(curve.time, times, side="right")]
    # Where S is 0 survfit has no variance, and here it is 0.
    np.testing.assert_allclose(found, np.nan_to_num(variance), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("scale", "confidence"), SCALES)
@pytest.mark.parametrize("name", TABLES)
def test_limits_of_survival_are_those_of_survfit_where_it_has_any(name, scale, confidence):
    curve = kaplan_meier(TABLES[name], limits=scale, confidence=confidence)
    times, lower = from_r(name, "lower", limits=scale, confidence=confidence)
    _, upper = from_r(name, "upper", limits=scale, confidence=confidence)
    found = curve.at(times)
    has = ~np.isnan(lower)
    assert has.tolist() == [0 < s < 1 or (s == 1 and scale != "log-log") for s in found.estimate]
    np.testing.assert_allclose(found.lower[has], lower[has], rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(found.upper[has], upper[has], rtol=1e-9)


@pytest.mark.parametrize("scale", ["log-log", "log", "plain"])
def test_a_curve_that_has_come_to_0_keeps_its_upper_limit_and_one_at_1_has_no_width(scale):
    # Four patients: one censored at 1, failures at 2, 3 and 4. R has NA at 4, and log-log also at 1.
    curve = kaplan_meier(tabulate([1, 2, 3, 4], [0, 1, 1, 1]), limits=scale)
    assert curve.estimate == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert (curve.lower[0], curve.upper[0]) == (1, 1)
    assert (curve.lower[3], curve.upper[3]) == (0, curve.upper[2])
    assert curve.upper[2] > 1 / 3


def test_a_single_patient_who_fails_leaves_everything_open_and_one_censored_nothing_known():
    failed = kaplan_meier(tabulate([4], [1]))
    assert values(failed).tolist() == [[4, 0, 0, 0, 1]]
    assert failed.until == math.inf
    censored = kaplan_meier(tabulate([4], [0]))
    assert values(censored).tolist() == [[4, 1, 0, 1, 1]]
    assert censored.until == 4


def test_weights_so_small_that_limits_lose_their_meaning_still_have_limits():
    # The standard error of log S is some 1e10, so that exp of it is beyond floats.
    curve = kaplan_meier(tabulate([1, 2], [1, 0], weights=[1e-20, 1e-20]))
    assert values(curve)[0].tolist() == [1, 0.5, pytest.approx(0.25 / 2e-20), 0, 1]


def test_disease_free_survival_after_transplant_is_as_reported():
    # KMsurv bmt, R: 365 days .549 .778 .378 by group; medians 418, 2204, 183. R aml: medians 31 and 23.
    groups = ["bmt_all", "bmt_low", "bmt_high"]
    at_a_year = [kaplan_meier(TABLES[group]).at(365).estimate.item() for group in groups]
    assert at_a_year == pytest.approx([0.549, 0.778, 0.378], abs=5e-4)
    medians = [
        quantile(kaplan_meier(TABLES[name])).estimate for name in [*groups, "aml_maintained", "aml_not"]
    ]
    assert medians == [418, 2204, 183, 31, 23]


def test_milestones_come_in_the_order_asked_and_before_the_first_time_nobody_has_failed():
    curve = kaplan_meier(tabulate([2, 4, 6], [1, 1, 0]), limits="plain")
    found = curve.at([5, 0, 2, 6])
    assert found.columns.tolist() == ["time", "estimate", "lower", "upper"]
    assert found.estimate.tolist() == pytest.approx([1 / 3, 1, 2 / 3, 1 / 3])
    assert found.iloc[1].tolist() == [0, 1, 1, 1]
    # 2/3 - 1.96 sqrt(2/27) = 0.1332, and the upper limit 1.2 is cut.
    assert found.iloc[2].tolist() == pytest.approx([2, 2 / 3, 0.13323, 1], abs=1e-5)


def test_what_comes_after_the_last_patient_was_seen_is_not_told_unless_all_have_failed():
    with pytest.raises(CasebookError, match="found the time 7; expected at most 6"):
        kaplan_meier(tabulate([2, 6], [1, 0])).at([1, 7])
    assert kaplan_meier(tabulate([2, 6], [1, 1])).at(7).estimate.item() == 0
    first, second = aalen_johansen(tabulate([2, 6], [1, 2], causes=CAUSES)).values()
    assert first.at(7).estimate.item() == second.at(7).estimate.item() == 0.5


def test_after_all_at_risk_have_failed_who_enters_later_changes_nothing():
    # As survfit. At 2 and 3 the first two fail, and from 4 on there are others at risk.
    curve = kaplan_meier(TABLES["emptied"])
    assert curve.at([2, 3, 8, 9]).estimate.tolist() == [0.5, 0, 0, 0]
    assert curve.until == math.inf


# -- quantiles ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "confidence"), SCALES)
@pytest.mark.parametrize("name", TABLES)
def test_quantiles_and_their_limits_are_those_of_survfit(name, scale, confidence):
    curve = kaplan_meier(TABLES[name], limits=scale, confidence=confidence)
    where = {"limits": scale, "confidence": confidence}
    shares, estimates = from_r(name, "quantile", **where)
    limits = zip(
        from_r(name, "quantile_lower", **where)[1], from_r(name, "quantile_upper", **where)[1], strict=True
    )
    for p, estimate, (lower, upper) in zip(shares, estimates, limits, strict=True):
        found = quantile(curve, p)
        assert found.estimate == pytest.approx(math.inf if np.isnan(estimate) else estimate)
        assert found.upper == pytest.approx(math.inf if np.isnan(upper) else upper)
        if (name, scale, confidence) == ("late", "log-log", 0.95):
            # The lower limit of S, .054 at 5, rises to .058 at 6. R looks it up by value and finds 6, which is above the
            # estimate of the first quartile, 5; here it is passed where it is passed first.
            assert (lower, found.lower) == (6, 5)
        elif not np.isnan(lower):
            assert found.lower == pytest.approx(lower)
        elif curve.estimate[-1] == 0:
            # R has no lower limit of a curve that ends at 0; here it is passed where the curve ends.
            assert found.lower == curve.time[np.argmax(curve.estimate == 0)]
        else:
            assert found.lower == math.inf


def test_a_curve_level_at_the_share_gives_the_middle_and_one_not_reached_infinity():
    # Four failures at 1, 2, 3, 4: S is 1/2 from 2 to 3, so the median is 2.5.
    assert quantile(kaplan_meier(tabulate([1, 2, 3, 4], [1, 1, 1, 1]))).estimate == 2.5
    # S ends at 1/2 from 2 to 9, the last time.
    assert quantile(kaplan_meier(tabulate([1, 2, 5, 9], [1, 1, 0, 0]))).estimate == 5.5
    assert quantile(kaplan_meier(tabulate([1, 2, 3], [1, 0, 0]))).estimate == math.inf
    assert quantile(kaplan_meier(tabulate([4], [1]))) == (4, 4, math.inf)
    assert quantile(kaplan_meier(tabulate([4], [0]))) == (math.inf, math.inf, math.inf)


def test_a_share_that_rounding_misses_still_counts_as_reached():
    # After 3 of 7 failures S is 4/7, which the product of 6/7, 5/6 and 4/5 is above, by 6e-17.
    curve = kaplan_meier(tabulate(np.arange(1, 8), np.ones(7, int)))
    assert 1 - curve.estimate[2] < 3 / 7
    assert quantile(curve, 3 / 7).estimate == 3.5


def test_a_quantile_of_a_cumulative_incidence_is_when_that_share_has_failed_of_the_cause():
    # Of four, the first cause takes those at 1 and 3, the second those at 2 and 4: F is .25 from 1, .5 from 3.
    first, second = aalen_johansen(tabulate([1, 2, 3, 4], [1, 2, 1, 2], causes=CAUSES)).values()
    assert quantile(first, 0.4).estimate == 3
    assert quantile(second, 0.4).estimate == 4
    assert quantile(first, 0.6).estimate == math.inf


# -- restricted mean ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_restricted_means_and_their_errors_are_those_survfit_prints(name):
    horizons, means = from_r(name, "mean")
    _, errors = from_r(name, "mean_error")
    assert len(horizons) == 3
    for horizon, mean, error in zip(horizons, means, errors, strict=True):
        found = restricted_mean(TABLES[name], horizon)
        assert found[:2] == pytest.approx((mean, error), rel=1e-9, abs=1e-12)


def test_limits_of_a_restricted_mean_are_cut_to_what_a_mean_can_be():
    # By hand, failures at 1 and 3 of three, one censored at 4; to 4: 1 + 2 x 2/3 + 1/3 = 8/3. The areas from 1 and 3 are
    # 5/3 and 1/3: variance (25/9)(1/6) + (1/9)(1/2) = 14/27.
    found = restricted_mean(tabulate([1, 3, 4], [1, 1, 0]), 4)
    assert found[:2] == pytest.approx((8 / 3, math.sqrt(14 / 27)))
    assert found.lower == pytest.approx(8 / 3 - 1.959963985 * math.sqrt(14 / 27))
    assert found.upper == 4
    assert restricted_mean(tabulate([4], [0]), 2) == (2, 0, 2, 2)
    assert restricted_mean(tabulate([4], [1]), 9) == (4, 0, 4, 4)


def test_a_mean_beyond_what_was_seen_is_refused_unless_all_have_failed():
    with pytest.raises(CasebookError, match="found the horizon 6; expected at most 5"):
        restricted_mean(tabulate([1, 5], [1, 0]), 6)
    assert restricted_mean(tabulate([1, 5], [1, 1]), 6).estimate == 3


@given(cohorts(), st.floats(0.1, 1))
def test_without_censoring_the_restricted_mean_is_the_mean_of_the_shorter_times(cohort, share):
    time, event, _ = cohort
    horizon = share * float(time.max())
    found = restricted_mean(tabulate(time, np.ones_like(event)), horizon)
    assert found.estimate == pytest.approx(np.minimum(time, horizon).mean())
    # And Greenwood's sum is then the variance of that mean, but for those who all fail together at the end.
    assert found.standard_error == pytest.approx(np.minimum(time, horizon).std() / math.sqrt(time.size))


# -- cumulative incidence -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", TABLES)
def test_cumulative_incidence_is_that_of_cuminc_and_of_survfit(name, place):
    curve = aalen_johansen(TABLES[name])[CAUSES[place]]
    times, incidence = from_r(name, "incidence", cause=place + 1)
    if times.size == 0:  # cuminc leaves out causes of which nobody fails
        assert not TABLES[name].failed[:, place].any()
        assert not values(curve)[:, 1:].any()
        return
    np.testing.assert_allclose(curve.at(times).estimate, np.nan_to_num(incidence), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", sorted(set(R[R.quantity == "incidence_variance"].data)))
def test_variance_and_limits_of_cumulative_incidence_are_those_of_cuminc(name, place):
    curve = aalen_johansen(TABLES[name])[CAUSES[place]]
    times, variance = from_r(name, "incidence_variance", cause=place + 1)
    found = np.append(0.0, curve.variance)[np.searchsorted(curve.time, times, side="right")]
    np.testing.assert_allclose(found, variance, rtol=1e-9, atol=1e-14)
    for limit in ("lower", "upper"):
        _, expected = from_r(name, f"incidence_{limit}", cause=place + 1)
        has = ~np.isnan(expected)
        np.testing.assert_allclose(curve.at(times)[limit][has], expected[has], rtol=1e-9)


def test_relapse_after_transplant_for_low_risk_is_as_published():
    # KMsurv bmt, AML low risk, as the comparison of R and SAS by PSI CAMIS prints it: 1 year .0741 (.0234-.1646),
    # 2 years .1481, 3 years .1667. The limits are symmetric on log(-log F); on log(-log(1 - F)) they are (.0282-.1873).
    relapse = aalen_johansen(TABLES["bmt_low"])["first"].at([365.25, 730.5, 1095.75])
    assert relapse.estimate.tolist() == pytest.approx([0.0741, 0.1481, 0.1667], abs=5e-5)
    assert relapse.iloc[0, 2:].tolist() == pytest.approx([0.0234, 0.1646], abs=5e-5)


def test_failures_of_two_causes_at_one_time_are_shared_exactly():
    # Four fail at once, three of one cause: F is 3/4 and 1/4. The variance is d (n - d) / (n - 1) / n**2: 1/16 for both.
    first, second = aalen_johansen(tabulate([5] * 4, [1, 2, 1, 1], causes=CAUSES)).values()
    assert first.estimate.tolist() == [0.75]
    assert second.estimate.tolist() == [0.25]
    assert first.variance.tolist() == pytest.approx([3 / 48])
    assert second.variance.tolist() == pytest.approx([1 / 16])


def test_a_cause_that_takes_all_ends_at_exactly_1_and_keeps_its_lower_limit():
    # 1/49 added up 49 times in floats is not 1.
    curve = aalen_johansen(tabulate(np.arange(1, 50), np.ones(49, int)))["event"]
    assert curve.estimate[-1] == curve.upper[-1] == 1
    assert curve.lower[-1] == curve.lower[-2] < curve.estimate[-2]


@given(cohorts())
def test_survival_and_cumulative_incidences_add_up_to_1_and_keep_their_limits(cohort):
    time, event, entry = cohort
    table = tabulate(time, event, entry=entry, causes=CAUSES)
    for scale in ("log-log", "log", "plain"):
        curves = [kaplan_meier(table, limits=scale), *aalen_johansen(table, limits=scale).values()]
        assert sum(curve.estimate for curve in curves) == pytest.approx(np.ones(table.time.size))
        for curve in curves:
            assert np.isfinite(values(curve)).all()
            assert (curve.variance >= 0).all()
            assert (curve.lower >= 0).all()
            assert (curve.lower <= curve.estimate + 1e-15).all()
            assert (curve.estimate <= curve.upper + 1e-15).all()
            assert (curve.upper <= 1).all()


@given(cohorts())
def test_with_one_cause_cumulative_incidence_is_what_survival_lacks_of_1(cohort):
    time, event, entry = cohort
    table = tabulate(time, event > 0, entry=entry)
    np.testing.assert_array_equal(aalen_johansen(table)["event"].estimate, 1 - kaplan_meier(table).estimate)


@given(cohorts(), st.integers(2, 5))
def test_weights_are_equal_rows_for_every_estimate(cohort, times):
    time, event, entry = cohort
    weighted = tabulate(time, event, entry=entry, weights=np.full(time.size, times), causes=CAUSES)
    time, event, entry = (np.repeat(column, times) for column in cohort)
    repeated = tabulate(time, event, entry=entry, causes=CAUSES)
    for estimate in (kaplan_meier, lambda table: aalen_johansen(table)["first"]):
        np.testing.assert_array_equal(values(estimate(weighted)), values(estimate(repeated)))
    assert restricted_mean(weighted, 1) == restricted_mean(repeated, 1)


def variance_as_written(table: RiskTable, place: int) -> list[float]:
    """The variance of cumulative incidence as a double sum, straight from the formula of the docstring."""
    n, d = table.at_risk, table.failed.sum(axis=1)
    survival = np.cumprod(1 - d / n)
    before = np.append(1.0, survival[:-1])
    own = table.failed[:, place]
    incidence = np.cumsum(before * own / n)
    sums = []
    for t in range(n.size):
        total = 0.0
        for u in range(t + 1):
            way = (incidence[t] - incidence[u]) / survival[u] if survival[u] > 1e-12 else 0.0
            for count, size in ((own[u], 1 - way), (d[u] - own[u], way)):
                total += (
                    before[u] ** 2 / n[u] ** 2 * count * (1 - max(count - 1, 0) / max(n[u] - 1, 1)) * size**2
                )
        sums.append(total)
    return sums


@given(cohorts())
def test_the_variance_of_cumulative_incidence_is_its_double_sum(cohort):
    time, event, _ = cohort
    table = tabulate(time, event, causes=CAUSES)
    for place, curve in enumerate(aalen_johansen(table).values()):
        assert curve.variance == pytest.approx(variance_as_written(table, place), rel=1e-9, abs=1e-14)


def test_the_variance_keeps_its_digits_where_nearly_all_have_failed():
    # Without censoring, the last but one time of n: S is 1/n, and of the terms usually summed, some are as large as 1,
    # where the variance is 1 / (4 n). Here each term of the double sum is taken at that time alone: nothing cancels.
    n = 10**6
    event = np.random.default_rng(5).integers(1, 3, n)
    curve = aalen_johansen(tabulate(np.arange(n), event, causes=CAUSES))["first"]
    left, own = np.arange(n - 1, 0, -1), event[:-1] == 1  # after each time up to that one; none of them tied
    way = (own.sum() - np.cumsum(own)) / left
    terms = np.where(own, (1 - way) ** 2, way**2) / n**2
    assert curve.variance[-2] == pytest.approx(math.fsum(terms), rel=1e-12)


def test_curves_worked_out_in_parts_are_those_worked_out_at_once(monkeypatch):
    at_once = {name: [kaplan_meier(table), *aalen_johansen(table).values()] for name, table in TABLES.items()}
    monkeypatch.setattr(risktable, "PART", 3)
    for name, table in TABLES.items():
        for curve, same in zip(
            [kaplan_meier(table), *aalen_johansen(table).values()], at_once[name], strict=True
        ):
            np.testing.assert_allclose(values(curve), values(same), rtol=1e-12, atol=1e-15)


# -- refusing -----------------------------------------------------------------------------------------------------

TABLE = tabulate([1, 2, 3], [1, 0, 1])


@pytest.mark.parametrize("estimate", [kaplan_meier, aalen_johansen])
def test_a_confidence_or_limits_that_are_none_are_refused(estimate):
    for confidence in (0, 1, 95, math.nan, "0.95", "a", None, [0.95]):
        with pytest.raises(CasebookError, match="found the confidence"):
            estimate(TABLE, confidence=confidence)
    with pytest.raises(
        CasebookError, match="found the limits 'arcsin'; expected one of 'log-log', 'log', 'plain'"
    ):
        estimate(TABLE, limits="arcsin")
    for limits in (["log"], None, 1):
        with pytest.raises(CasebookError, match="found the limits"):
            estimate(TABLE, limits=limits)


@pytest.mark.parametrize("table", [None, {"a": TABLE}, pd.DataFrame()])
def test_what_is_no_table_of_risk_has_no_estimate(table):
    for estimate in (kaplan_meier, aalen_johansen, lambda table: restricted_mean(table, 1)):
        with pytest.raises(CasebookError, match=f"found a {type(table).__name__}; expected a table of risk"):
            estimate(table)


@pytest.mark.parametrize("curve", [None, TABLE, aalen_johansen(TABLE)])
def test_what_is_no_curve_has_no_quantile(curve):
    with pytest.raises(CasebookError, match=f"found a {type(curve).__name__}; expected a curve"):
        quantile(curve)


@pytest.mark.parametrize("p", [0, 1, -0.5, math.nan, "0.5"])
def test_a_share_that_is_none_is_refused(p):
    with pytest.raises(CasebookError, match="found the share"):
        quantile(kaplan_meier(TABLE), p)


@pytest.mark.parametrize("horizon", [0, -1, math.nan, math.inf, "1"])
def test_a_horizon_that_is_none_is_refused(horizon):
    with pytest.raises(CasebookError, match="found the horizon"):
        restricted_mean(TABLE, horizon)


def test_a_confidence_that_is_none_is_refused_for_the_restricted_mean():
    with pytest.raises(CasebookError, match="found the confidence 2"):
        restricted_mean(TABLE, 1, confidence=2)


@pytest.mark.parametrize("times", [[-1], [math.nan], ["1"]])
def test_a_milestone_that_is_no_time_is_refused(times):
    with pytest.raises(CasebookError, match="times"):
        kaplan_meier(TABLE).at(times)
