"""Simulated trials: their random numbers, patients against their distributions, analyses against lifelines and R."""

from __future__ import annotations

import hashlib
import math
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test
from scipy import stats

from casebook.cohort import comparison, estimate, models
from casebook.cohort.risktable import tabulate, tabulate_by
from casebook.design import _kernels, trialsim
from casebook.design.scenarios import Scenario
from casebook.design.truth import survival, truth
from casebook.errors import CasebookError

ORACLES = Path(__file__).parent / "oracles"
DATA = pd.read_csv(ORACLES / "trialsim_data.csv")
FROM_R = pd.read_csv(ORACLES / "trialsim.csv")

PLAIN = Scenario(
    id="plain",
    control=50,
    treatment=50,
    accrual=24.0,
    followup=24.0,
    hazard=(0.04,),
    hazard_ratio=(0.6,),
    drop_out=0.005,
    milestone=24.0,
    horizon=24.0,
)
ALIKE = replace(PLAIN, id="alike", hazard_ratio=(1.0,))
# Everything at once, so that every path of the kernels is taken.
WHOLE = replace(
    PLAIN,
    id="whole",
    control=40,
    treatment=60,
    hazard_from=(0.0, 3.0, 12.0),
    hazard=(0.03, 0.08, 0.02),
    hazard_ratio=(1.0, 0.5, 0.7),
    cured_control=0.2,
    cured_treatment=0.35,
    hsct_control=(0.0, 0.1, 0.02),
    hsct_treatment=(0.0, 0.2, 0.02),
    hsct_ratio=0.4,
    hsct_mortality=0.01,
    stratum_share=(0.3, 0.7),
    stratum_ratio=(1.0, 1.8),
    stratified=True,
)
LOOKED = replace(
    PLAIN, id="looked", events=60, looks=(0.5,), look_by="fraction", critical=(2.963, 1.969), futility=(0.0,)
)
SINGLE = replace(PLAIN, id="single", control=0, null_survival=0.5)
SCENARIOS = {one.id: one for one in (PLAIN, ALIKE, WHOLE, LOOKED, SINGLE)}


def statistics(rows: np.ndarray, look: int = -1) -> pd.DataFrame:
    return pd.DataFrame(rows[:, look])


# -- random numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    # Philox4x32-10 in the known-answer tests of Random123 (file kat_vectors).
    [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_its_published_words(counter, key, expected):
    found = _kernels.philox(*map(np.uint64, counter + key))
    assert " ".join(f"{int(word):08x}" for word in found) == expected


def test_uniforms_are_inside_and_uniform():
    one, two = np.empty((2, 200_000))
    _kernels.uniforms(np.array([1, 2], np.uint64), np.uint64(7), np.uint64(0), one, two)
    for values in (one, two):
        assert 0 < values.min() < values.max() < 1
        assert stats.kstest(values, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.01  # the standard error is 0.0022


@given(st.floats(1e-300, 1e300))
def test_the_logarithm_is_right_to_two_units(x):
    # Of Python's own, which is right to one unit: from 2**-52 on, relatively.
    assert _kernels.log(x) == pytest.approx(math.log(x), rel=2**-51, abs=2**-1000)


@given(st.floats(-600, 600))
def test_the_exponential_is_right_to_two_units(x):
    assert _kernels.exp(x) == pytest.approx(math.exp(x), rel=2**-51)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_trial_does_not_depend_on_its_batch(name):
    whole = trialsim.batch(SCENARIOS[name], 3, 0, 60)
    parts = [trialsim.batch(SCENARIOS[name], 3, first, count) for first, count in ((0, 1), (1, 22), (23, 37))]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_seed_scenario_and_number_each_give_another_trial():
    base = trialsim.batch(PLAIN, 1, 0, 1).tobytes()
    assert trialsim.batch(PLAIN, 2, 0, 1).tobytes() != base
    assert trialsim.batch(PLAIN, 1, 1, 1).tobytes() != base
    assert trialsim.batch(replace(PLAIN, id="other"), 1, 0, 1).tobytes() != base
    assert trialsim.batch(PLAIN, 1, 2**40, 1).tobytes() != base  # numbers beyond one word


def test_threads_and_another_process_give_the_same_bits(monkeypatch):
    monkeypatch.setattr(trialsim, "BATCH", 50)
    alone = trialsim.run(WHOLE, 5, 420)
    assert trialsim.run(WHOLE, 5, 420, threads=3) == alone
    assert trialsim.run(WHOLE, 5, 300, first=120) + trialsim.run(WHOLE, 5, 120) == alone
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = pool.submit(trialsim.batch, WHOLE, 5, 100, 30).result()
    assert elsewhere.tobytes() == trialsim.batch(WHOLE, 5, 100, 30).tobytes()


def test_bits_are_those_of_every_machine():
    # Made by this program with numba set to compile for the machine's own processor (with AVX-512) and for NUMBA_CPU_NAME
    # "generic": the same. No function of a library, whose last digit may differ, is in the way to these numbers.
    rows = b"".join(trialsim.batch(scenario, 1, 0, 200).tobytes() for scenario in SCENARIOS.values())
    assert hashlib.sha256(rows).hexdigest()[:16] == "5cbb23cfae010139"


def test_what_is_not_drawn_changes_nothing_else():
    # Drop-out has numbers of its own: without it the same patients enter and fail at the same times.
    lost, kept = (trialsim.patients(one, 1, 0) for one in (PLAIN, replace(PLAIN, drop_out=0.0)))
    pd.testing.assert_series_equal(lost["entry"], kept["entry"])
    failed = lost["event"]
    assert 0 < failed.sum() < kept["event"].sum()
    pd.testing.assert_series_equal(lost.loc[failed, "time"], kept.loc[failed, "time"])


# -- patients ---------------------------------------------------------------------------------------------------------


@cache
def crowd(name: str) -> pd.DataFrame:
    """One trial of 40,000 patients, all followed for long, none lost."""
    return trialsim.patients(
        replace(SCENARIOS[name], control=20_000, treatment=20_000, drop_out=0.0, accrual=12.0, followup=60.0),
        1,
        0,
    )


@pytest.mark.parametrize("name", ["plain", "whole"])
@pytest.mark.parametrize("arm", ["control", "treatment"])
def test_patients_fail_as_the_truth_says(name, arm):
    found = crowd(name)
    times = found.loc[found["arm"] == arm, "time"].where(found["event"], np.inf)
    months = np.array([1, 3, 6, 12, 13, 24, 48])
    free = (times.to_numpy()[:, None] > months).mean(axis=0)
    # Five binomial standard errors of 20,000.
    np.testing.assert_allclose(free, survival(SCENARIOS[name], arm, months), atol=5 * 0.5 / math.sqrt(20_000))


def test_entries_are_even_and_strata_hold_their_share_of_each_arm():
    found = trialsim.patients(WHOLE, 1, 0)
    # 0.3 and 0.7 of 40 and of 60.
    assert found.groupby(["arm", "stratum"], observed=True).size().tolist() == [12, 28, 18, 42]
    assert stats.kstest(crowd("plain")["entry"] / 12, "uniform").pvalue > 0.01


def test_drop_out_and_hsct_come_at_their_rates():
    # Nobody fails in 20 months but for a hazard of a millionth: those lost are 1 - exp(-0.02 t).
    still = replace(PLAIN, hazard=(1e-6,), drop_out=0.02, control=20_000, treatment=20_000, accrual=0.0)
    found = trialsim.patients(still, 1, 0)
    assert (found["time"] <= 20).mean() == pytest.approx(1 - math.exp(-0.4), abs=0.012)
    # HSCT before failure at the constant rates 0.1 and 0.05: 2/3 of those of whom either is seen.
    bridged = replace(
        still, hazard=(0.05,), hazard_ratio=(1.0,), hsct_control=(0.1,), hsct_treatment=(0.1,), drop_out=0.0
    )
    found = trialsim.patients(bridged, 1, 0)
    first = found["hsct"].notna()
    assert first.mean() == pytest.approx(2 / 3 * (1 - math.exp(-0.15 * 24)), abs=0.012)


def test_a_trial_censored_at_hsct_ends_there():
    follow, censor = (trialsim.patients(replace(WHOLE, at_hsct=what), 1, 0) for what in ("follow", "censor"))
    had = follow["hsct"].notna()
    assert had.sum() > 10
    np.testing.assert_array_equal(censor.loc[had, "time"], follow.loc[had, "hsct"])
    assert not censor.loc[had, "event"].any()
    pd.testing.assert_frame_equal(censor[~had], follow[~had])


# -- analyses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row", list(FROM_R.itertuples()), ids=lambda row: f"{row.set}-{row.stratified}-{row.name}"
)
def test_analyses_are_those_of_r(row):
    data = DATA[DATA["set"] == row.set]
    strata = data["stratum"] if row.stratified else None
    found = trialsim.analyse(
        data["time"], data["event"], data["treatment"], strata, milestone=row.milestone, horizon=row.horizon
    )
    assert found[row.name] == pytest.approx(row.value, rel=1e-9)


@pytest.fixture(scope="module")
def two_hundred():
    """Trials of three kinds: rows of the batch, and the patients, who are analysed elsewhere."""
    kinds = [
        PLAIN,
        replace(PLAIN, id="cured", cured_control=0.3, cured_treatment=0.5),
        replace(PLAIN, id="small", control=15, treatment=15, hazard=(0.1,)),
    ]
    found = []
    for one, count in zip(kinds, (80, 60, 60), strict=True):
        rows = trialsim.batch(one, 11, 0, count)[:, 0]
        found += [(row, trialsim.patients(one, 11, trial)) for trial, row in enumerate(rows)]
    return found


def test_log_rank_of_two_hundred_trials_is_that_of_lifelines(two_hundred):
    for row, found in two_hundred:
        first = found["arm"] == "control"
        other = logrank_test(
            found["time"][first], found["time"][~first], found["event"][first], found["event"][~first]
        )
        assert row["chi_square"] == pytest.approx(other.test_statistic, rel=1e-10, abs=1e-12)
        assert row["events"] == found["event"].sum()


def test_cox_of_two_hundred_trials_is_that_of_lifelines(two_hundred):
    for row, found in two_hundred:
        frame = found[["time", "event"]].assign(treatment=(found["arm"] == "treatment").astype(float))
        fit = CoxPHFitter().fit(frame, "time", "event", fit_options=models.PRECISION)
        assert row["coefficient"] == pytest.approx(fit.params_["treatment"], abs=1e-6)
        assert row["variance"] == pytest.approx(fit.variance_matrix_.iloc[0, 0], rel=1e-6)


def test_survival_of_two_hundred_trials_is_that_of_lifelines(two_hundred):
    for trial, (row, found) in enumerate(two_hundred):
        arm = ("control", "treatment")[trial % 2]
        here = found[found["arm"] == arm]
        curve = KaplanMeierFitter().fit(here["time"], here["event"])
        if np.isnan(row[f"survival_{arm}"]):
            assert here["time"].max() < 24
            continue
        assert row[f"survival_{arm}"] == pytest.approx(curve.predict(24), abs=1e-12)


@st.composite
def trials(draw):
    """Patients of few distinct times in two arms and two strata: (time, event, treatment, stratum)."""
    one = st.tuples(st.integers(1, 8), st.booleans(), st.integers(0, 1), st.integers(0, 1))
    return draw(st.lists(one, min_size=1, max_size=40))


@given(trials())
def test_analyses_are_those_of_the_cohort_estimators(patients):
    # The same patients through casebook.cohort, which is held against R and lifelines in its own tests.
    time, event, treatment, stratum = (np.array(column) for column in zip(*patients, strict=True))
    found = trialsim.analyse(time, event, treatment, stratum, milestone=4, horizon=6)
    for code, arm in enumerate(("control", "treatment")):
        here = treatment == code
        if not here.any() or (time[here].max() < 4 and np.isnan(found[f"survival_{arm}"])):
            assert np.isnan(found[f"survival_{arm}"])
            continue
        table = tabulate(time[here], event[here].astype(int))
        curve = estimate.kaplan_meier(table)
        assert found[f"survival_{arm}"] == pytest.approx(curve.at([4])["estimate"].item(), abs=1e-12)
        variance = np.append(0, curve.variance)[np.searchsorted(curve.time, 4, side="right")]
        assert found[f"survival_variance_{arm}"] == pytest.approx(variance, abs=1e-12)
        if curve.until < 6:
            assert np.isnan(found[f"mean_{arm}"])
            continue
        mean = estimate.restricted_mean(table, 6)
        assert found[f"mean_{arm}"] == pytest.approx(mean.estimate, rel=1e-12)
        assert found[f"mean_variance_{arm}"] == pytest.approx(mean.standard_error**2, abs=1e-12)
    groups = [
        tabulate_by(treatment[here], time[here], event[here].astype(int))
        for code in (0, 1)
        if (here := stratum == code).any()
    ]
    try:
        test = comparison.log_rank(groups)
    except CasebookError:  # nobody fails while both arms are at risk, or there is one arm
        assert np.isnan(found["chi_square"])
        assert np.isnan(found["z"])
        return
    assert found["chi_square"] == pytest.approx(test.statistic, rel=1e-9, abs=1e-12)
    # Above 0 where treatment has fewer failures than expected.
    assert math.copysign(1, found["z"]) == math.copysign(1, test.expected[1] - test.observed[1]) or (
        abs(found["z"]) < 1e-6
    )


def test_patients_in_any_order_are_the_same_trial():
    # Alike but for the order of sums, of which there are none across patients: equal to the last bit, also where so many
    # times lie together that they are sorted in another way.
    random = np.random.default_rng(1)
    for time in (
        random.exponential(10, 300),
        np.append(random.uniform(1, 1.001, 299), 5000.0),
        np.full(300, 3.0),
    ):
        event, arm = random.integers(0, 2, (2, 300))
        found = trialsim.analyse(time, event, arm, milestone=2, horizon=2)
        for _ in range(3):
            order = random.permutation(300)
            again = trialsim.analyse(time[order], event[order], arm[order], milestone=2, horizon=2)
            np.testing.assert_equal(again, found)


def test_a_likelihood_without_maximum_is_said():
    def side(time, event, arm):
        found = trialsim.analyse(time, event, arm, milestone=1, horizon=1)
        assert np.isnan(found["coefficient"]) == np.isnan(found["variance"]) == (found["monotone"] != 0)
        return found["monotone"]

    # Only controls fail, then only the treated; treatment fails wholly before control; nobody; one arm left.
    assert side([1, 2, 3, 4], [1, 0, 1, 0], [0, 1, 0, 1]) == -1
    assert side([1, 2, 3, 4], [0, 1, 0, 1], [0, 1, 0, 1]) == 1
    assert side([1, 2, 3, 4], [1, 1, 1, 1], [1, 1, 0, 0]) == 1
    assert side([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 1, 1]) == -1
    assert side([1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 1, 1]) == 2
    assert side([1, 2, 3, 4], [0, 0, 1, 1], [0, 0, 1, 1]) == 2
    assert side([1, 2, 3, 4], [1, 1, 1, 0], [0, 1, 0, 1]) == 0


def test_cox_of_four_children_by_hand():
    # Control fails at 1 and 3, treatment at 2 and 4. With r the hazard ratio, treatment's shares of the four failures are
    # r/(1+r), 2r/(1+2r), r/(1+r) and 1, and add up to the two it had: 4r^2 + r - 1 = 0, r = (sqrt 17 - 1) / 8.
    found = trialsim.analyse([1, 2, 3, 4], [1, 1, 1, 1], [0, 1, 0, 1], milestone=2, horizon=2)
    r = (math.sqrt(17) - 1) / 8
    assert found["coefficient"] == pytest.approx(math.log(r), abs=1e-14)
    shares = np.array([r / (1 + r), 2 * r / (1 + 2 * r), r / (1 + r)])
    assert found["variance"] == pytest.approx(1 / (shares * (1 - shares)).sum(), rel=1e-9)
    # Of each arm one of two is left after month 2; up to it, control loses a child at month 1: 1 + 1/2.
    assert (found["survival_control"], found["survival_treatment"]) == (0.5, 0.5)
    assert (found["mean_control"], found["mean_treatment"]) == (1.5, 2.0)


def test_strong_effects_converge():
    # 400 patients of whom one control survives longest, one of treatment fails first: far from where Newton begins.
    for n in (20, 400, 4000):
        time = np.arange(1, n + 1.0)
        arm = (time > n / 2).astype(int)
        arm[0], arm[-1] = 1, 0
        found = trialsim.analyse(time, np.ones(n), arm, milestone=2, horizon=2)
        assert found["monotone"] == 0
        left = np.column_stack([(arm == 0)[::-1].cumsum()[::-1], (arm == 1)[::-1].cumsum()[::-1]])
        share = left[:, 1] * math.exp(found["coefficient"])
        share = share / (left[:, 0] + share)
        assert share.sum() == pytest.approx(arm.sum(), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time": []}, "expected one row of patients"),
        ({"event": [1]}, "expected one row of patients"),
        ({"time": [1.0, 0.0, 2.0]}, "expected months above 0"),
        ({"time": [1.0, math.nan, 2.0]}, "expected months above 0"),
        ({"event": [0, 2, 1]}, "other than 0 and 1"),
        ({"stratum": [0, -1, 0]}, "expected whole numbers from 0"),
        ({"stratum": [0.0, 1.0, 0.0]}, "expected whole numbers from 0"),
        ({"milestone": 0}, "expected both above 0"),
        ({"horizon": math.inf}, "expected both above 0"),
        ({"milestone": None}, "expected both above 0"),
        ({"milestone": "a"}, "expected both above 0"),
        ({"horizon": [1]}, "expected both above 0"),
        ({"horizon": math.nan}, "expected both above 0"),
        ({"time": ["a", "b", "c"]}, "time: found .* expected a row of numbers"),
        ({"time": {}}, "time: found {}; expected a row of numbers"),
        ({"time": None}, "time: found None; expected a row of numbers"),
        ({"time": [[1], [1, 2]]}, "time: found .* expected a row of numbers"),
        ({"event": [None, 0, 1]}, "event: found .* expected a row of numbers"),
        ({"treatment": ["0", "1", "1"]}, "treatment: found .* expected a row of numbers"),
        ({"stratum": ["a", "b", "c"]}, "stratum: found .* expected a row of numbers"),
    ],
)
def test_patients_that_cannot_be_are_refused(change, said):
    given_ = {
        "time": [1.0, 2.0, 3.0],
        "event": [1, 1, 0],
        "treatment": [0, 1, 1],
        "milestone": 1,
        "horizon": 1,
    }
    with pytest.raises(CasebookError, match=said):
        trialsim.analyse(**(given_ | change))


# -- looks ------------------------------------------------------------------------------------------------------------


def test_a_look_by_fraction_is_held_at_its_event():
    looked = replace(LOOKED, futility=(), critical=())
    rows = trialsim.batch(looked, 4, 0, 40)
    for trial in range(40):
        found = trialsim.patients(looked, 4, trial)
        calendar = np.sort((found["entry"] + found["time"])[found["event"]])
        half, end = rows[trial]
        assert half["time"] == calendar[29]  # the 30th of 60
        assert half["events"] == 30
        assert end["time"] == (calendar[59] if calendar.size >= 60 else 48)
        at = found[found["entry"] < half["time"]]
        time = np.minimum(at["time"], half["time"] - at["entry"])
        event = at["event"] & (at["entry"] + at["time"] <= half["time"])
        again = trialsim.analyse(time, event, at["arm"] == "treatment", milestone=24, horizon=24)
        assert half["patients"] == len(at)
        assert half["z"] == pytest.approx(again["z"], rel=1e-12)
        assert half["coefficient"] == pytest.approx(again["coefficient"], rel=1e-9)


def test_a_look_by_month_sees_who_has_entered():
    by_month = replace(PLAIN, looks=(6.0, 12.0), look_by="month")
    rows = trialsim.batch(by_month, 4, 0, 50)
    assert (rows["time"] == [6, 12, 48]).all()
    assert (rows["held"] == 1).all()
    # Entries are even over 24 months: a quarter and a half of 100, with binomial standard errors of 0.6 and 0.7.
    np.testing.assert_allclose(rows["patients"].mean(axis=0), [25, 50, 100], atol=3)
    assert trialsim.batch(PLAIN, 4, 0, 1)["patients"] == 100


def test_looks_that_the_end_overtakes_are_not_held():
    # The 20th event of 100 patients comes long before month 47; all events hardly come at all.
    overtaken = replace(PLAIN, events=20, looks=(47.0,), look_by="month", milestone=12.0, horizon=12.0)
    rows = trialsim.batch(overtaken, 4, 0, 20)
    assert (rows["held"] == [0, 1]).all()
    assert (rows["events"][:, 1] == 20).all()
    never = replace(PLAIN, events=100, looks=(0.99,), look_by="fraction")
    rows = trialsim.batch(never, 4, 0, 20)
    assert (rows["held"] == [0, 1]).all()
    assert (rows["time"] == 48).all()


def test_a_look_before_anybody_entered_finds_nothing():
    early = replace(PLAIN, control=1, treatment=1, looks=(1e-6,), look_by="month")
    row = trialsim.batch(early, 1, 0, 1)[0, 0]
    assert row["patients"] == row["events"] == 0
    assert row["monotone"] == 2
    assert np.isnan([row["z"], row["survival_control"], row["mean_treatment"]]).all()


# -- operating characteristics ----------------------------------------------------------------------------------------


@cache
def summary(scenario: Scenario, trials: int) -> pd.DataFrame:
    return trialsim.summarise(scenario, trialsim.run(scenario, 20240611, trials)).set_index(
        ["analysis", "measure"]
    )


def test_type_one_error_is_nominal():
    # 150 an arm, for which the tests' theory should hold; within three Monte Carlo errors of 0.05.
    found = summary(replace(ALIKE, control=150, treatment=150), 20_000).loc[(slice(None), "type I error"), :]
    assert len(found) == 4
    assert (np.abs(found["value"] - 0.05) < 3 * found["monte_carlo_error"]).all()


def test_type_one_error_of_a_stratified_trial_with_cure_and_hsct_is_nominal():
    one = replace(
        WHOLE,
        id="whole-alike",
        control=150,
        treatment=150,
        hazard_ratio=(1.0,),
        cured_treatment=0.2,
        hsct_treatment=WHOLE.hsct_control,
    )
    found = summary(one, 10_000).loc[(slice(None), "type I error"), :]
    assert len(found) == 4
    assert (np.abs(found["value"] - 0.05) < 3 * found["monte_carlo_error"]).all()


def test_bounds_of_o_brien_and_fleming_keep_the_type_one_error_of_two_looks():
    # Bounds of the spending function of Lan and DeMets (1983) in the manner of O'Brien and Fleming: half of 5% information
    # 2.963, all of it 1.969. Without them, two looks at 1.96 reject 8.3% (Armitage, McPherson and Rowe 1969).
    one = replace(ALIKE, id="looks", control=100, treatment=100, events=100, looks=(0.5,), look_by="fraction")
    kept = summary(replace(one, critical=(2.963, 1.969)), 10_000).loc[("log-rank", "type I error")]
    assert kept["value"] == pytest.approx(0.05, abs=3 * kept["monte_carlo_error"])
    spent = summary(replace(one, critical=(1.96, 1.96)), 10_000).loc[("log-rank", "type I error")]
    assert spent["value"] == pytest.approx(0.083, abs=3 * spent["monte_carlo_error"])


def test_power_is_that_of_schoenfeld():
    # 88 events, ratio 0.5: power 90% at two-sided 5% (rpact: 87.5 events). One of 1,000 trials may end with fewer.
    one = replace(
        PLAIN, id="schoenfeld", control=100, treatment=100, hazard=(0.06,), hazard_ratio=(0.5,), events=88
    )
    found = summary(one, 10_000)
    assert found.loc[("trial", "events"), "value"] == pytest.approx(88, abs=0.1)
    assert found.loc[("log-rank", "power"), "value"] == pytest.approx(0.9, abs=0.012)


@pytest.mark.parametrize("name", ["plain", "whole"])
def test_estimates_find_the_truth(name):
    one = replace(SCENARIOS[name], control=200, treatment=200)
    found = summary(one, 5000)
    known = truth(one)
    for analysis, true in (
        ("Cox", known.log_hazard_ratio),
        ("milestone", known.milestone),
        ("restricted mean", known.restricted_mean),
    ):
        assert found.loc[(analysis, "mean estimate"), "truth"] == true
        bias, error, spread = found.loc[
            [(analysis, m) for m in ("bias", "bias", "empirical standard error")], "value"
        ].to_numpy()[[0, 1, 2]]
        error = found.loc[(analysis, "bias"), "monte_carlo_error"]
        # A twentieth of a standard error is left for what fewer patients than infinitely many give.
        assert abs(bias) < 3 * error + 0.05 * spread, analysis
        coverage = found.loc[(analysis, "coverage")]
        assert abs(coverage["value"] - 0.95) < 3 * coverage["monte_carlo_error"] + 0.004, analysis


def test_one_arm_is_tested_at_its_milestone():
    # Survival at 24 months is exp(-0.04 * 0.6 * 24) = 0.562.
    exact = math.exp(-0.04 * 0.6 * 24)
    one = replace(SINGLE, treatment=150, null_survival=exact)
    found = summary(one, 10_000)
    assert one.null
    error = found.loc[("milestone", "type I error")]
    assert error["value"] == pytest.approx(0.05, abs=3 * error["monte_carlo_error"] + 0.003)
    assert ("log-rank", "power") not in found.index
    assert summary(replace(one, null_survival=0.4), 2000).loc[("milestone", "power"), "value"] > 0.9


def test_patients_of_one_arm_only_have_no_comparison():
    row = trialsim.batch(SINGLE, 1, 0, 1)[0, 0]
    assert row["monotone"] == 2
    assert np.isnan([row["chi_square"], row["coefficient"], row["survival_control"]]).all()
    assert 0 < row["survival_treatment"] < 1


def test_a_trial_of_one_patient_runs():
    one = replace(SINGLE, treatment=1)
    found = trialsim.summarise(one, trialsim.run(one, 1, 10)).set_index(["analysis", "measure"])
    assert found.loc[("trial", "patients"), "value"] == 1
    assert (
        found.loc[("milestone", "power"), "value"] == 0
    )  # of one patient survival is 0 or 1, and nothing is tested


def test_what_is_sent_to_a_worker_comes_back_alike():
    assert pickle.loads(pickle.dumps(WHOLE)) == WHOLE
    tally = trialsim.run(PLAIN, 1, 10)
    assert pickle.loads(pickle.dumps(tally)) == tally


@pytest.mark.parametrize(
    "numbers",
    [
        (-1, 0, 1), (1.0, 0, 1), (True, 0, 1), (1, -1, 1), (1, 0, 0), (1, 0, 1.5), (1, 2**63 - 1, 2), (2**63, 0, 1),
        (10**5000, 0, 1), (-(10**5000), 0, 1), (1, 10**5000, 1), (1, 0, 10**15), (1, 0, 10**5000), (1, 0, 10**7 + 1),
        (1, np.int64(2**63 - 1), np.int64(2)),
    ],
)  # fmt: skip
def test_numbers_that_are_none_are_refused(numbers):
    with pytest.raises(CasebookError, match="expected"):
        trialsim.batch(PLAIN, *numbers)


def test_the_last_trial_is_one_like_others():
    assert np.isfinite(trialsim.batch(PLAIN, 2**63 - 1, 2**63 - 1, 1)["z"]).all()
    assert len(trialsim.patients(PLAIN, 2**63 - 1, 2**63 - 1)) == 100


@pytest.mark.parametrize("trial", [2**63, 2**64, pytest.param(10**5000, id="long"), -1, 0.0])
def test_a_trial_without_a_number_has_no_patients(trial):
    with pytest.raises(CasebookError, match=r"trial: found .*expected a whole number"):
        trialsim.patients(PLAIN, 1, trial)


def test_trials_beyond_the_last_number_are_refused_before_the_first_is_run(monkeypatch):
    monkeypatch.setattr(trialsim, "batch", None)
    for trials, first in ((10**30, 0), (2, 2**63 - 1), (2**63, 0)):
        with pytest.raises(CasebookError, match="expected"):
            trialsim.run(PLAIN, 1, trials, first=first)


def test_a_batch_of_more_looks_than_are_held_is_refused():
    looked = replace(PLAIN, looks=(6, 12), look_by="month")
    with pytest.raises(CasebookError, match="found 4000000 trials of 3 looks each; expected 10000000 looks"):
        trialsim.batch(looked, 1, 0, 4 * 10**6)


def test_no_threads_or_trials_are_refused():
    with pytest.raises(CasebookError, match="threads: found 0"):
        trialsim.run(PLAIN, 1, 10, threads=0)
    with pytest.raises(CasebookError, match="trials: found 0"):
        trialsim.run(PLAIN, 1, 0)
