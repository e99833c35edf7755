"""Effects within levels and their ratio: against R, by hand, how often limits and tests are right, and events needed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from casebook.cohort import benefit, models
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")
R = pd.read_csv(ORACLES / "benefit.csv").set_index(["set", "what", "term"]).value
"""Made by ``oracles/benefit.R`` (R 4.2.2, survival 3.5-3: coxph)."""
DATA = pd.read_csv(ORACLES / "benefit_data.csv")
EVEN = benefit.TWO_ARMS_IN_TWO_LEVELS


def patients(name: str) -> pd.DataFrame:
    return DATA[DATA.set == name].reset_index(drop=True).rename_axis("id").reset_index()


def of(name: str, **options) -> benefit.Interaction:
    late = {"entry": "entry", "id": "id"} if name.startswith("late") else {}
    return benefit.interaction(patients(name), "time", "event", "treated", "level", **(late | options))


# -- within levels and between them -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["smooth", "tied", "late", "late_tied", "bmt"])
def test_hazard_ratios_within_levels_and_their_ratio_are_the_contrasts_of_r(name):
    found = of(name, covariates=["age"])
    rows = pd.concat([found.levels[["ratio", "lower", "upper"]], found.ratios.set_axis(["ratio"])])
    z = ndtri(0.975)
    for term, row in rows.iterrows():
        contrast, error = R[name, "interaction", term], R[name, "interaction error", term]
        assert math.log(row.ratio) == pytest.approx(contrast, abs=1e-7)
        assert math.log(row.lower) == pytest.approx(contrast - z * error, abs=1e-6)
        assert math.log(row.upper) == pytest.approx(contrast + z * error, abs=1e-6)
    assert found.statistic == pytest.approx(R[name, "interaction test", "statistic"], abs=1e-7)
    # Chi-squared on one degree of freedom: twice the normal tail beyond its root.
    assert found.degrees_of_freedom == 1
    assert found.p == pytest.approx(math.erfc(math.sqrt(found.statistic / 2)))


def test_the_ratio_of_hazard_ratios_is_their_ratio_also_of_three_levels():
    data = patients("smooth").assign(
        third=lambda d: pd.cut(d.age, [-99, 6, 10, 99], labels=["young", "middle", "old"])
    )
    found = benefit.interaction(data, "time", "event", "treated", "third")
    assert list(found.levels.index) == ["young", "middle", "old"]
    expected = found.levels.ratio / found.levels.ratio["young"]
    assert found.ratios.ratio.tolist() == pytest.approx(expected[1:].tolist(), rel=1e-6)
    assert found.degrees_of_freedom == 2
    # Without a common covariate the model within each level is not that of the level alone: the baseline hazard is shared.
    assert found.levels[["n", "events"]].sum().tolist() == [len(data), data.event.sum()]


def test_counts_are_of_patients_also_of_intervals():
    whole = patients("smooth")
    first = whole.assign(entry=0.0, time=whole.time / 2, event=0, treated=0)
    rows = pd.concat([first, whole.assign(entry=whole.time / 2)])
    found = benefit.interaction(rows, "time", "event", "treated", "level", entry="entry", id="id")
    by = whole.groupby("level")
    assert found.levels.n.tolist() == by.size().tolist()
    assert found.levels.treated.tolist() == by.treated.sum().tolist()
    assert found.levels.events.tolist() == by.event.sum().tolist()


def test_the_penalised_test_of_patients_cut_into_intervals_is_that_of_the_patients():
    whole = patients("smooth")
    first = whole.assign(entry=0.0, time=whole.time / 2, event=0)
    rows = pd.concat([first, whole.assign(entry=whole.time / 2)])
    arguments = "time", "event", "treated", "level"
    cut = benefit.interaction(rows, *arguments, entry="entry", id="id", penalised=True)
    piece = benefit.interaction(whole, *arguments, penalised=True)
    assert cut.statistic == pytest.approx(piece.statistic, rel=1e-6)
    assert cut.ratios.ratio.tolist() == pytest.approx(piece.ratios.ratio.tolist(), rel=1e-6)


def test_one_covariate_may_be_named_without_a_sequence():
    data = patients("smooth").assign(age=lambda d: np.sin(d.id))
    arguments = data, "time", "event", "treated", "level"
    one, two = (benefit.interaction(*arguments, covariates=names) for names in ("age", ["age"]))
    pd.testing.assert_frame_equal(one.ratios, two.ratios)


def test_where_nobody_fails_in_a_part_only_the_penalised_fit_has_an_estimate():
    with pytest.raises(
        CasebookError, match=r"no event where 'level' is 'low' and 'treated' is 1.*penalised=True"
    ):
        of("separated")
    found = of("separated", penalised=True)
    # As in R: the product of oracles/benefit.R, which has the level "high" as its first.
    assert math.log(found.ratios.ratio["low"]) == pytest.approx(
        R["separated", "firth coefficient", "product"], abs=1e-6
    )
    assert math.log(found.ratios.lower["low"]) == pytest.approx(
        R["separated", "firth lower", "product"], abs=1e-6
    )
    assert found.statistic == pytest.approx(R["separated", "firth statistic", "product"], abs=1e-6)
    row = found.levels.loc["low"]
    assert 0 < row.lower < row.ratio < row.upper < math.inf


def test_a_level_in_which_nobody_fails_at_all_has_wide_limits():
    data = patients("smooth").assign(event=lambda d: d.event.where(d.level == "high", 0))
    found = benefit.interaction(data, "time", "event", "treated", "level", penalised=True)
    assert found.levels.loc["low", "events"] == 0
    row = found.levels.loc["low"]
    assert row.lower < 0.05 < 20 < row.upper


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (lambda d: [d], {}, "found data of type list"),
        (lambda d: d.drop(columns="level"), {}, "found no column 'level'"),
        (lambda d: d.assign(level="low"), {}, "found 1 level of 'level'; expected two or more"),
        (lambda d: d.assign(level=None), {}, "missing values of 'level'"),
        (lambda d: d.assign(level=["a", 1] * 60), {}, "have no order"),
        (lambda d: d.assign(treated=2), {}, "'treated' with values other than 0 and 1"),
        (lambda d: d.assign(event=2), {}, "'event' with values other than 0 and 1"),
        (
            lambda d: d[(d.level == "low") | (d.treated == 1)],
            {},
            "only rows with 'treated' 1 where 'level' is 'high'",
        ),
        (
            lambda d: d.assign(event=d.event * d.treated),
            {},
            "no event where 'level' is 'high' and 'treated' is 0",
        ),
        (lambda d: d.assign(event=0), {}, "no event where 'level' is 'high' and 'treated' is 0"),
        (lambda d: d.assign(event=0), {"penalised": True}, "found no event in 'event'"),
        (lambda d: d, {"entry": "entry"}, "found entry='entry' with id=None; expected both or neither"),
        (
            lambda d: d.assign(id=1),
            {"entry": "entry", "id": "id"},
            "several levels of 'level' in one patient",
        ),
        (
            lambda d: d.assign(id=[np.nan, *d.id[1:]]),
            {"entry": "entry", "id": "id", "penalised": True},
            "found 1 missing values of 'id'",
        ),
        (
            lambda d: pd.concat([d, d.iloc[:1]]),
            {"entry": "entry", "id": "id", "penalised": True},
            "found intervals that overlap of id 0",
        ),
        (lambda d: pd.concat([d, d.level], axis=1), {}, "found the column 'level' more than once"),
        (lambda d: d, {"covariates": "weight"}, "found no column 'weight'"),
        (lambda d: d, {"covariates": 5}, "found 5 as names of columns"),
        (lambda d: d, {"confidence": 2}, "found the confidence 2"),
    ],
)
def test_bad_input_is_refused(change, options, expected):
    whole = patients("smooth").assign(entry=0.0)
    with pytest.raises(CasebookError) as error:
        benefit.interaction(change(whole), "time", "event", "treated", "level", **options)
    assert expected in str(error.value)


# -- how many events ----------------------------------------------------------------------------------------------


def test_events_for_a_hazard_ratio_are_schoenfelds():
    # R's rpact (statistics of the design): hazard ratio .5, two-sided 5%, power 90%: 87.5 events. By hand:
    # 4 (1.959964 + 1.281552)^2 / log(2)^2 = 4 x 10.50742 / 0.480453 = 87.479.
    assert benefit.events_needed(0.5, power=0.9) == pytest.approx(87.479, abs=1e-3)
    assert benefit.events_needed(2.0, power=0.9) == pytest.approx(87.479, abs=1e-3)


def test_an_interaction_needs_four_times_the_events_of_an_effect_as_large():
    # Of four equal cells the inverse shares sum to 16, of two arms to 4.
    assert benefit.events_needed(0.5, EVEN) == pytest.approx(4 * benefit.events_needed(0.5))
    # Peterson and George's sum by hand, for cells of .4, .1, .4, .1: 2.5 + 10 + 2.5 + 10 = 25.
    assert benefit.events_needed(0.5, (0.4, 0.1, 0.4, 0.1)) == pytest.approx(
        25 / 4 * benefit.events_needed(0.5)
    )


@given(st.floats(1.05, 20), st.floats(0.06, 0.94), st.floats(0.1, 0.99))
def test_detectable_ratio_and_power_are_the_same_formula_turned_round(ratio, share, power):
    cells = (share / 2, share / 2, (1 - share) / 2, (1 - share) / 2)
    events = benefit.events_needed(ratio, cells, power=power)
    assert benefit.detectable_ratio(events, cells, power=power) == pytest.approx(ratio)
    assert benefit.power(ratio, events, cells) == pytest.approx(power)
    assert benefit.power(1 / ratio, events, cells) == pytest.approx(power)


def test_of_exponential_times_the_interaction_is_found_as_often_as_planned():
    """Power of the test of rates within 1% of the 80% planned, of 40,000 trials (Monte Carlo error 0.2%).

    With d events in each cell the total time is gamma distributed, and the variance of the log ratio is the sum of 1 / d.
    """
    ratio, cells = 2.0, (0.3, 0.2, 0.35, 0.15)
    events = np.rint(benefit.events_needed(ratio, cells) * np.array(cells))
    rates = np.array([1.0, 0.8, 1.5, 1.5 * 0.8 * ratio])
    time = np.random.default_rng(1).gamma(events, 1 / rates, size=(40_000, 4))
    log_rates = np.log(events / time)
    statistic = log_rates @ [1, -1, -1, 1] / np.sqrt((1 / events).sum())
    assert (statistic > ndtri(0.975)).mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: benefit.events_needed(1), "found the ratio 1"),
        (lambda: benefit.events_needed(0), "found the ratio 0"),
        (lambda: benefit.events_needed("a"), "found the ratio 'a'"),
        (lambda: benefit.events_needed(math.inf), "found the ratio inf"),
        (lambda: benefit.events_needed(2, (0.5, 0.4)), "shares above 0 that sum to 1"),
        (lambda: benefit.events_needed(2, (1.0, 0.0)), "shares above 0 that sum to 1"),
        (lambda: benefit.events_needed(2, ("a", "b")), "two or more shares"),
        (lambda: benefit.events_needed(2, (0.5, math.nan)), "two or more shares"),
        (lambda: benefit.events_needed(2, (1.0,)), "two or more shares"),
        (lambda: benefit.events_needed(2, power=1), "power: found 1"),
        (lambda: benefit.events_needed(2, alpha=0), "alpha: found 0"),
        (lambda: benefit.events_needed(2, power=0.02), "chance does not give"),
        (lambda: benefit.detectable_ratio(0), "found 0 events"),
        (lambda: benefit.power(2, -1), "found -1 events"),
        (lambda: benefit.power(2, 10, alpha=2), "alpha: found 2"),
    ],
)
def test_plans_that_cannot_be_are_refused(call, expected):
    with pytest.raises(CasebookError) as error:
        call()
    assert expected in str(error.value)


def test_with_hardly_an_event_nothing_is_detectable():
    assert benefit.detectable_ratio(1, EVEN) > 1e4
    assert benefit.detectable_ratio(1e-9, EVEN) == math.inf


# -- known truth --------------------------------------------------------------------------------------------------


def trials(rng: np.random.Generator, runs: int, events: int, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Times (runs, events) of patients followed until all failed, and their treated, low, product (events, 3)."""
    arm, level = np.arange(events) % 2, np.arange(events) // 2 % 2
    design = np.column_stack([arm, level, arm * level]).astype(float)
    hazard = np.exp(design @ [-0.4, 0.5, math.log(ratio)])
    return rng.exponential(size=(runs, events)) / hazard, design


def products(time: np.ndarray, design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The product's coefficient and error in each run, by Newton's steps on the partial likelihood of all runs at once."""
    x = design[np.argsort(-time, axis=1)]  # from the last: those at risk are all before, and oneself
    one, two = np.triu_indices(3)
    squares = x[..., one] * x[..., two]
    best = np.zeros((len(time), 3))
    information = np.zeros((len(time), 3, 3))
    for _ in range(8):
        risk = np.exp(np.einsum("rnp,rp->rn", x, best))[..., None]
        total = np.cumsum(risk, axis=1)
        mean = np.cumsum(risk * x, axis=1) / total
        second = np.cumsum(risk * squares, axis=1) / total - mean[..., one] * mean[..., two]
        information[:, one, two] = information[:, two, one] = second.sum(axis=1)
        best += np.linalg.solve(information, (x - mean).sum(axis=1)[..., None])[..., 0]
    return best[:, 2], np.sqrt(np.linalg.inv(information)[:, 2, 2])


def test_the_fast_fit_is_that_of_the_package():
    time, design = trials(np.random.default_rng(0), 2, 120, 0.5)
    data = pd.DataFrame(design, columns=["treated", "low", "product"]).assign(time=time[1], event=1)
    row = models.cox(data, "time", "event", ["treated", "low", "product"]).coefficients.loc["product"]
    found = [column[1] for column in products(time, design)]
    assert found == pytest.approx([row.coefficient, row.standard_error], abs=1e-8)


@pytest.mark.parametrize(("ratio", "seed"), [(1.0, 11), (0.4, 12)])
def test_limits_of_the_ratio_cover_it_and_the_test_has_its_power(ratio, seed):
    """Of 3000 trials of 152 events: limits cover in 93 to 97% (Monte Carlo error 0.4%); so the size of the test is 3 to 7%.

    With a ratio of 0.4 the power planned by Peterson and George's formula is 80.7% (Monte Carlo error 0.7%).
    """
    events = 152
    coefficient, error = products(*trials(np.random.default_rng(seed), 3000, events, ratio))
    z = ndtri(0.975)
    assert 0.93 <= (np.abs(coefficient - math.log(ratio)) <= z * error).mean() <= 0.97
    assert coefficient.mean() == pytest.approx(math.log(ratio), abs=0.05)
    if ratio != 1:
        planned = benefit.power(ratio, events, EVEN)
        assert planned == pytest.approx(0.807, abs=0.001)
        assert (coefficient < -z * error).mean() == pytest.approx(planned, abs=0.025)
