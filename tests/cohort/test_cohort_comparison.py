"""Tests of groups: log-rank tests and Gray's, against R, printed tables, and counting patient by patient."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lifelines.datasets import load_leukemia

from casebook.cohort import comparison, risktable
from casebook.cohort.risktable import tabulate, tabulate_by
from casebook.errors import CasebookError

ORACLES = Path(__file__).with_name("oracles")

R = pd.read_csv(ORACLES / "comparison.csv")
"""Made by ``oracles/comparison.R`` (R 4.2.2; survdiff and coxph of survival 3.5-3, cuminc of cmprsk 2.2-11; weighted forms
that no package has by their definition, failure time by failure time)."""

DATA = pd.read_csv(ORACLES / "comparison_data.csv")
"""The patients of it, from KMsurv and MASS, and simulated there."""


def tables(data: pd.DataFrame, causes: int | None = None):
    names = tuple(str(i + 1) for i in range(causes or data.event.max()))
    return tabulate_by(data.group, data.time, data.event, entry=data.entry, causes=names)


def rows(test: str):
    return [
        pytest.param(row, id=f"{row.set}-{row.weights}-{row.rho}-{row.stratified}-{row.cause}-{row.program}")
        for row in R[R.test == test].itertuples()
    ]


def simulated(n: int, seed: int, groups: int = 2) -> pd.DataFrame:
    """Patients whose group says nothing, entering late, with two causes."""
    random = np.random.default_rng(seed)
    entry = random.uniform(0, 0.3, n) * (random.random(n) < 0.5)
    time = entry + random.exponential(1, n)
    end = entry + random.exponential(1.5, n)
    event = np.where(time <= end, random.integers(1, 3, n), 0)
    return pd.DataFrame(
        {
            "group": random.integers(0, groups, n),
            "time": np.minimum(time, end),
            "event": event,
            "entry": entry,
        }
    )


# -- log-rank -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", rows("log-rank"))
def test_log_rank_is_that_of_r(row):
    data = DATA[DATA.set == row.set]
    causes = data.event.max()
    groups = [tables(d, causes) for _, d in data.groupby("stratum")] if row.stratified else tables(data)
    powers = {name: value for name in ("rho", "gamma") if not math.isnan(value := getattr(row, name))}
    found = comparison.log_rank(groups, weights=row.weights, **powers)
    assert found.statistic == pytest.approx(row.statistic, rel=1e-9, abs=1e-12)
    assert found.degrees_of_freedom == row.df
    assert found.p == pytest.approx(row.p, rel=1e-9)


def test_disease_free_survival_after_transplant():
    # 137 transplants of Klein and Moeschberger: 13.8037 on 2 degrees of freedom, by R's survdiff; p is exp(-13.8037 / 2).
    found = comparison.log_rank(tables(DATA[DATA.set == "bmt"]))
    assert round(found.statistic, 4) == 13.8037
    assert found.p == pytest.approx(math.exp(-13.8037 / 2), rel=1e-4)


@pytest.mark.parametrize(
    ("weights", "statistic"), [("wilcoxon", 16.2407), ("tarone-ware", 15.6529), ("peto", 15.7260)]
)
def test_weighted_tests_of_disease_free_survival_after_transplant(weights, statistic):
    # By R, whose survdiff has none of them: summed by their definition over failure times (``oracles/comparison.R``).
    found = comparison.log_rank(tables(DATA[DATA.set == "bmt"]), weights=weights)
    assert round(found.statistic, 4) == statistic
    assert found.degrees_of_freedom == 2


@pytest.mark.parametrize(
    ("weights", "printed"), [("wilcoxon", 13.457852), ("tarone-ware", 15.123575), ("peto", 14.084139)]
)
def test_weighted_tests_of_leukaemia_remissions(weights, printed):
    # Kleinbaum and Klein, Survival Analysis, as quoted in lifelines' own tests.
    data = load_leukemia()
    found = comparison.log_rank(tabulate_by(data.Rx, data.t, data.status), weights=weights)
    assert found.statistic == pytest.approx(printed, abs=1e-6)


def test_log_rank_of_four_children_by_hand():
    # a fails at 1 and 3, b at 2 and is censored at 4. Expected of a: 2/4 + 1/3 + 1/2 = 4/3; variance 1/4 + 2/9 + 1/4.
    groups = {"a": tabulate([1, 3], [1, 1]), "b": tabulate([2, 4], [1, 0])}
    found = comparison.log_rank(groups)
    assert found.observed == {"a": 2, "b": 1}
    assert found.expected == pytest.approx({"a": 4 / 3, "b": 5 / 3})
    assert found.statistic == pytest.approx((2 / 3) ** 2 / (13 / 18))


def test_two_children_one_against_one():
    # By hand: the one who fails first is either with probability 1/2; chi-squared is (1/2)^2 / (1/4).
    found = comparison.log_rank({"a": tabulate([1], [1]), "b": tabulate([2], [0])})
    assert found.statistic == pytest.approx(1)
    assert found.degrees_of_freedom == 1


@st.composite
def cohorts(draw):
    """Patients of few distinct times in two groups and two strata: (time, failed, entry, group, stratum)."""
    patients = []
    for _ in range(draw(st.integers(2, 14))):
        time = draw(st.integers(1, 6))
        patients.append(
            (
                time,
                draw(st.booleans()),
                draw(st.integers(0, time - 1)),
                *(draw(st.integers(0, 1)) for _ in range(2)),
            )
        )
    return patients


@given(cohorts())
def test_log_rank_counts_what_fractions_count_patient_by_patient(patients):
    # Without a table of risk, and without rounding.
    score = variance = Fraction(0)
    for stratum in (0, 1):
        part = [p for p in patients if p[4] == stratum]
        for t in {time for time, failed, *_ in part if failed}:
            at_risk = [p for p in part if p[2] < t <= p[0]]
            n, d = len(at_risk), sum(p[0] == t and p[1] for p in at_risk)
            share = Fraction(sum(p[3] == 0 for p in at_risk), n)
            score += sum(p[0] == t and p[1] and p[3] == 0 for p in at_risk) - d * share
            variance += d * share * (1 - share) * Fraction(n - d, max(n - 1, 1))
    columns = ["time", "event", "entry", "group", "stratum"]
    data = pd.DataFrame(patients, columns=columns).astype(int)
    strata = [tables(d, 1) for _, d in data.groupby("stratum")]
    assume(data.group.nunique() == 2)
    if variance == 0:
        with pytest.raises(CasebookError, match="no time at which somebody fails while others are at risk"):
            comparison.log_rank(strata)
        return
    found = comparison.log_rank(strata)
    assert found.statistic == pytest.approx(float(score**2 / variance), rel=1e-9, abs=1e-12)
    assert found.observed[0] - found.expected[0] == pytest.approx(float(score), abs=1e-12)


@pytest.mark.parametrize("weights", ["log-rank", "wilcoxon", "tarone-ware", "peto"])
def test_a_row_of_weight_three_is_three_patients(weights):
    data = simulated(40, seed=1, groups=3)
    thrice = data.loc[data.index.repeat(3)]
    weighted = tabulate_by(
        data.group, data.time, data.event, entry=data.entry, weights=np.full(40, 3.0), causes=("1", "2")
    )
    found, expected = (comparison.log_rank(g, weights=weights) for g in (weighted, tables(thrice)))
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-12)


def test_whole_weights_that_count_no_patients_reject_too_often():
    # Why only counts are taken: a weight of 1 or 2, drawn by lot, makes more of the same patients. Of 300 cohorts of 60
    # alike (seeds fixed), p is below .05 in about .05 without (standard error .013), and in about .14 with.
    def rejected(most: int) -> float:
        p = []
        for seed in range(300):
            random = np.random.default_rng(seed)
            time, weights = random.exponential(1, 60), random.integers(1, most + 1, 60)
            p.append(
                comparison.log_rank(tabulate_by(np.arange(60) % 2, time, np.ones(60, int), weights=weights)).p
            )
        return np.mean(np.array(p) < 0.05)

    assert rejected(1) < 0.05 + 3 * 0.013
    assert rejected(2) > 0.05 + 4 * 0.013


def test_hundreds_of_groups_share_out_all_failures():
    # More than a byte counts: what is expected in all groups together is what is observed.
    data = simulated(900, seed=4, groups=300)
    found = comparison.log_rank(tables(data))
    assert found.degrees_of_freedom == len(found.observed) - 1 > 255
    assert sum(found.expected.values()) == pytest.approx(sum(found.observed.values()))
    assert sum(found.observed.values()) == (data.event > 0).sum()


def test_a_test_summed_in_parts_is_that_summed_at_once(monkeypatch):
    groups = tables(DATA[DATA.set == "late"])
    at_once = comparison.log_rank(groups, weights="tarone-ware")
    monkeypatch.setattr(risktable, "PART", 4)
    found = comparison.log_rank(groups, weights="tarone-ware")
    assert found.statistic == pytest.approx(at_once.statistic, rel=1e-12)
    assert found.expected == pytest.approx(at_once.expected)


def test_groups_that_are_never_compared_cost_degrees_of_freedom():
    # c enters when the others are gone: it leaves the comparison of a and b as it is.
    pair = {"a": tabulate([1, 3], [1, 1]), "b": tabulate([2, 4], [1, 0])}
    late = pair | {"c": tabulate([6, 7, 8], [1, 1, 0], entry=[5, 5, 5])}
    found = comparison.log_rank(late)
    assert found.degrees_of_freedom == 1
    assert found.statistic == pytest.approx(comparison.log_rank(pair).statistic)
    assert found.observed["c"] == found.expected["c"] == 2


def test_strata_that_share_no_group_add_up():
    # Two comparisons that nothing joins: the sum of both, on two degrees of freedom although there are four groups.
    pair = {"a": tabulate([1, 3], [1, 1]), "b": tabulate([2, 4], [1, 0])}
    other = {"c": tabulate([1, 2, 2], [1, 1, 0]), "d": tabulate([2, 5], [1, 0])}
    found = comparison.log_rank([pair, other])
    assert found.degrees_of_freedom == 2
    assert found.statistic == pytest.approx(
        sum(comparison.log_rank(groups).statistic for groups in (pair, other))
    )


def test_a_stratum_with_one_group_compares_nothing():
    pair = {"a": tabulate([1, 3], [1, 1]), "b": tabulate([2, 4], [1, 0])}
    with_alone = comparison.log_rank([pair, {"a": tabulate([1, 2], [1, 1])}])
    assert with_alone.statistic == pytest.approx(comparison.log_rank(pair).statistic)


# -- Gray's test --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", rows("gray"))
def test_gray_is_that_of_cmprsk(row):
    groups = tables(DATA[DATA.set == row.set])
    found = comparison.gray(groups, str(int(row.cause)), rho=row.rho)
    assert found.statistic == pytest.approx(row.statistic, rel=1e-9)
    assert found.degrees_of_freedom == row.df
    assert found.p == pytest.approx(row.p, rel=1e-9)


@pytest.mark.parametrize(
    ("cause", "statistic", "p"), [("1", 11.9228820, 0.0025762), ("2", 0.1374108, 0.9336017)]
)
def test_gray_of_relapse_and_of_death_after_transplant(cause, statistic, p):
    # Printed by PSI CAMIS: 137 transplants of Klein and Moeschberger, cause 1 relapse, 2 death in remission.
    found = comparison.gray(tables(DATA[DATA.set == "bmt"]), cause)
    assert (round(found.statistic, 7), round(found.p, 7)) == (statistic, p)


def test_gray_of_one_cause_expects_what_the_log_rank_test_does():
    # Then 1 - F is S, and those at risk are weighed by themselves. Observed are failures of that cause.
    data = DATA[(DATA.set == "tied")].assign(event=lambda d: d.event.clip(upper=1))
    gray, log_rank = comparison.gray(tables(data), "1"), comparison.log_rank(tables(data))
    assert gray.expected == pytest.approx(log_rank.expected)
    assert gray.observed == log_rank.observed


def test_gray_does_not_depend_on_the_order_of_groups_nor_on_the_scale_of_time():
    data = DATA[DATA.set == "many"]
    groups = tables(data)
    turned = dict(reversed(groups.items()))
    slower = tables(data.assign(time=data.time**2))
    for cause in "123":
        found = comparison.gray(groups, cause)
        for same in (turned, slower):
            assert comparison.gray(same, cause).statistic == pytest.approx(found.statistic, rel=1e-10)


@pytest.mark.parametrize("compare", [comparison.log_rank, lambda groups: comparison.gray(groups, "1")])
def test_among_patients_whose_group_says_nothing_p_is_uniform(compare):
    # With late entry, for which cmprsk has no number: 400 cohorts of 150, seeds fixed. Of uniform p values, a share below
    # .05 of 400 has a standard error of .011, below .5 of .025, and their mean one of .0144: three of each are allowed.
    p = np.array([compare(tables(simulated(150, seed), 2)).p for seed in range(400)])
    assert abs(p.mean() - 0.5) < 0.043
    assert abs((p < 0.05).mean() - 0.05) < 0.033
    assert abs((p < 0.5).mean() - 0.5) < 0.075


def test_a_group_that_wholly_fails_first_is_compared_while_it_lasts():
    # a fails wholly at 1, when 4 of 8 do; afterwards nothing is compared. cmprsk's cuminc gives 7, as Mantel's test of
    # the one table: (4 - 2)^2 / (4 * 4 * 4 * 4 / (8 * 8 * 7)).
    groups = {"a": tabulate([1] * 4, [1] * 4), "b": tabulate([2, 3, 4, 5], [1] * 4)}
    assert comparison.gray(groups, "event").statistic == pytest.approx(7)
    assert comparison.log_rank(groups).statistic == pytest.approx(7)


# -- what is refused ----------------------------------------------------------------------------------------------

PAIR = {"a": tabulate([1, 3], [1, 1]), "b": tabulate([2, 4], [1, 0])}


@pytest.mark.parametrize(
    ("groups", "match"),
    [
        ({}, "found 0 groups"),
        ({"a": PAIR["a"]}, "found 1 groups"),
        (PAIR | {"c": None}, "a NoneType as 'c'"),
        (
            PAIR | {"c": tabulate([1, 2], [1, 0], weights=[0.5, 1.5])},
            "parts of a patient in the table of 'c'",
        ),
        (
            PAIR | {"c": tabulate([1, 2], [1, 0], weights=[2.0**53, 2.0**53])},
            "1.80144e[+]16 patients in the table of 'c'",
        ),
        (None, "groups in a NoneType"),
        (5, "groups in a int"),
        (PAIR | {"c": tabulate([1], [1], causes=("death",))}, "expected the same in all"),
    ],
)
def test_groups_that_cannot_be_compared_are_refused_by_both(groups, match):
    with pytest.raises(CasebookError, match=match):
        comparison.log_rank(groups)
    with pytest.raises(CasebookError, match=match):
        comparison.gray(groups, "event")


def test_groups_without_failures_say_that_nothing_can_be_compared():
    none = {"a": tabulate([1, 3], [0, 0]), "b": tabulate([2, 4], [0, 0])}
    with pytest.raises(CasebookError, match="no time at which somebody fails"):
        comparison.log_rank(none)
    with pytest.raises(CasebookError, match="variance is singular"):
        comparison.gray(none, "event")


@pytest.mark.parametrize(
    ("choice", "match"),
    [
        ({"weights": "breslow"}, "the weights 'breslow'; expected one of 'log-rank', 'wilcoxon'"),
        ({"weights": ["peto"]}, r"the weights \['peto'\]"),
        ({"weights": None}, "the weights None"),
        ({"weights": "fleming-harrington", "rho": "1"}, "found rho '1'"),
        ({"weights": "peto", "rho": 1}, "rho or gamma with the weights 'peto'"),
        ({"weights": "fleming-harrington"}, "found rho None"),
        ({"weights": "fleming-harrington", "rho": 1, "gamma": -1}, "found gamma -1"),
        ({"weights": "fleming-harrington", "rho": math.nan}, "found rho nan"),
    ],
)
def test_weights_that_are_none_are_refused(choice, match):
    with pytest.raises(CasebookError, match=match):
        comparison.log_rank(PAIR, **choice)


def test_strata_must_be_mappings():
    with pytest.raises(CasebookError, match="groups in a RiskTable"):
        comparison.log_rank([PAIR["a"], PAIR["b"]])
    with pytest.raises(CasebookError, match="groups in a NoneType"):
        comparison.log_rank([None])
    with pytest.raises(CasebookError, match="found 0 groups"):
        comparison.log_rank([])


def test_strata_of_different_causes_are_not_added():
    other = {label: tabulate([1, 3], [1, 1], causes=("death",)) for label in PAIR}
    with pytest.raises(CasebookError, match="expected the same in all"):
        comparison.log_rank([PAIR, other])


def test_gray_refuses_what_it_cannot_say():
    with pytest.raises(CasebookError, match="the cause 'relapse'; expected one of 'event'"):
        comparison.gray(PAIR, "relapse")
    with pytest.raises(CasebookError, match="the cause None"):
        comparison.gray(PAIR, None)
    with pytest.raises(CasebookError, match="found rho -1"):
        comparison.gray(PAIR, "event", rho=-1)
    again = {
        "a": tabulate([1, 1, 5, 6], [1, 1, 1, 0], entry=[0, 0, 2, 2]),
        "b": tabulate([3, 5, 6], [1, 1, 0]),
    }
    with pytest.raises(CasebookError, match="of 'a' at risk at time 3"):
        comparison.gray(again, "event")


def test_gray_refuses_a_common_incidence_that_runs_out():
    # By hand: at 1 all 10 of a fail, among 20; at 2 all but 2 of the 10 left: 1/2 + 8/10 is above 1, with b and c still
    # at risk at 3.
    groups = {
        "a": tabulate([1] * 10, [1] * 10),
        "b": tabulate([2, 2, 2, 2, 3], [1] * 5),
        "c": tabulate([2, 2, 2, 2, 4], [1] * 5),
    }
    with pytest.raises(CasebookError, match="common cumulative incidence of 1 before time 3"):
        comparison.gray(groups, "event")
