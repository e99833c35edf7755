"""Simulated cohorts: the truth against closed forms, estimates against the truth, and the tables against the schema."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import ndtr

from casebook.cohort import record, scenario, simulate
from casebook.cohort.endpoints import DEATH, ENDPOINTS, RELAPSE, Endpoint, derive
from casebook.cohort.estimate import aalen_johansen, kaplan_meier
from casebook.cohort.readings import with_mrd_dates
from casebook.cohort.risktable import RiskTable, tabulate
from casebook.cohort.scenario import SCENARIO, AdverseEvent, Scenario, parameters
from casebook.cohort.simulate import DAYS_A_MONTH, STATES, truth
from casebook.errors import CasebookError
from casebook.trials import evidence

CONSTANT = Scenario(
    from_month=(0.0,),
    hsct=(0.3,),
    relapse_before_hsct=(0.05,),
    death_before_hsct=(0.02,),
    relapse_after_hsct=(0.03,),
    death_after_hsct=(0.01,),
    death_after_relapse=(0.1,),
)

# Rates that rise, fall, stop and begin again, so that every turn of the inversion is taken.
CHANGING = Scenario(
    from_month=(0.0, 2.0, 6.0, 12.0),
    hsct=(0.05, 0.4, 0.0, 0.1),
    relapse_before_hsct=(0.0, 0.08, 0.0, 0.05),
    death_before_hsct=(0.0, 0.02, 0.0, 0.03),
    relapse_after_hsct=(0.2, 0.01, 0.05, 0.0),
    death_after_hsct=(0.02, 0.0, 0.04, 0.01),
    death_after_relapse=(0.0, 0.2, 0.05, 0.1),
)

DAYS = [30, 61, 91, 183, 365, 730, 1095]
SCENARIOS = {"default": SCENARIO, "constant": CONSTANT, "changing": CHANGING}


@cache
def drawn(name: str) -> record.Cohort:
    return simulate.simulate(replace(SCENARIOS[name], n=20_000), seed=20240630)


def table_of(frame: pd.DataFrame, endpoint: Endpoint) -> RiskTable:
    return tabulate(frame["AVAL"], frame["CAUSE"], entry=frame["ENTRY"], causes=endpoint.causes)


# -- the truth ----------------------------------------------------------------------------------------------


def test_with_constant_rates_the_truth_is_the_closed_form():
    # Waiting ends at the rate a, remission after HSCT at the rate b, and P(transplanted) = h (e^-bt - e^-at) / (a - b);
    # relapse is the integral of its rate over both.
    h, a, b, t = 0.3, 0.3 + 0.05 + 0.02, 0.03 + 0.01, np.array(DAYS) / DAYS_A_MONTH
    waiting, transplanted = np.exp(-a * t), h * (np.exp(-b * t) - np.exp(-a * t)) / (a - b)
    spent_waiting = (1 - np.exp(-a * t)) / a
    spent_transplanted = h / (a - b) * ((1 - np.exp(-b * t)) / b - spent_waiting)
    found = truth(CONSTANT, DAYS)
    for column, expected in {
        "waiting": waiting,
        "transplanted": transplanted,
        "RFS": waiting + transplanted,
        "CIR": 0.05 * spent_waiting + 0.03 * spent_transplanted,
        "NRM": 0.02 * spent_waiting + 0.01 * spent_transplanted,
        "TTHSCT": h * spent_waiting,
    }.items():
        np.testing.assert_allclose(found[column], expected, rtol=1e-12, err_msg=column)


def test_survival_after_relapse_is_the_convolution_of_two_exponentials():
    # Without HSCT and death in remission: P(relapsed and alive) = r (e^-rt - e^-mt) / (m - r).
    one = replace(CONSTANT, hsct=(0.0,), death_before_hsct=(0.0,))
    t = np.array(DAYS) / DAYS_A_MONTH
    expected = 0.05 * (np.exp(-0.05 * t) - np.exp(-0.1 * t)) / (0.1 - 0.05)
    np.testing.assert_allclose(truth(one, DAYS)["relapsed, no HSCT"], expected, rtol=1e-12)


def test_with_changing_rates_the_truth_solves_the_forward_equations():
    def moves(month: float, state: np.ndarray) -> list[float]:
        piece = np.searchsorted(CHANGING.from_month, month, side="right") - 1
        h, r0, d0, r1, d1, m = (getattr(CHANGING, name)[piece] for name in scenario.RATES)
        waiting, transplanted, relapsed, relapsed_after = state[:4]
        return [
            -(h + r0 + d0) * waiting,
            h * waiting - (r1 + d1) * transplanted,
            r0 * waiting - m * relapsed,
            r1 * transplanted - m * relapsed_after,
            d0 * waiting,
            d1 * transplanted,
            m * relapsed,
            m * relapsed_after,
        ]

    months = np.array(DAYS) / DAYS_A_MONTH
    solved = solve_ivp(moves, (0, 40), np.eye(8)[0], t_eval=months, rtol=1e-9, atol=1e-11, max_step=0.05)
    np.testing.assert_allclose(truth(CHANGING, DAYS)[list(STATES)], solved.y.T, atol=1e-4)


def test_at_the_start_all_wait_and_states_always_sum_to_one():
    found = truth(CHANGING, [0, 5000, 61, 60.875])  # in any order; two months are 60.875 days
    assert found.loc[0, "waiting"] == 1
    assert found["time"].tolist() == [0, 5000, 61, 60.875]
    np.testing.assert_allclose(found[list(STATES)].sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(found["RFS"] + found["CIR"] + found["NRM"], 1, rtol=1e-12)
    assert truth(CHANGING, []).empty


@pytest.mark.parametrize(
    "times", [[-1], [math.nan], [math.inf], [[1, 2]], ["a"], [[1], [1, 2]], None, 30, [1e100]]
)
def test_times_without_a_probability_are_refused(times):
    with pytest.raises(CasebookError, match="expected a row of days from 0 to 1000000"):
        truth(SCENARIO, times)


# -- estimates find it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("paramcd", ["OS", "RFS", "CIR", "NRM", "TTHSCT"])
def test_estimates_from_twenty_thousand_patients_find_the_truth(name, paramcd):
    endpoint = ENDPOINTS[paramcd]
    table = table_of(derive(drawn(name).patients, endpoint), endpoint)
    free = paramcd in ("OS", "RFS")
    curve = kaplan_meier(table) if free else aalen_johansen(table)[endpoint.causes[0]]
    expected = truth(SCENARIOS[name], DAYS)[paramcd].to_numpy()
    estimate = curve.at(DAYS)["estimate"].to_numpy()
    variance = np.append(0, curve.variance)[np.searchsorted(curve.time, DAYS, side="right")]
    # The seed is fixed; of 105 such numbers, about one set in 20 would hold one beyond 3.5 standard errors. The term
    # beside it is for relapses that are moved to the day after HSCT.
    assert np.abs(estimate - expected).max() < 0.012
    assert (np.abs(estimate - expected) <= 3.5 * np.sqrt(variance) + 2e-4).all()


def test_an_earlier_cutoff_loses_patients_and_not_the_truth():
    endpoint = ENDPOINTS["CIR"]
    frame = derive(drawn("default").patients, endpoint, cutoff="2019-06-30")
    assert 0.7 < len(frame) / 20_000 < 0.8  # the cutoff is on day 546 of 730 days of accrual
    curve = aalen_johansen(table_of(frame, endpoint))["relapse"]
    expected = truth(SCENARIO, [183, 365])["CIR"]
    np.testing.assert_allclose(curve.at([183, 365])["estimate"], expected, atol=0.012)


def test_from_hsct_the_constant_rates_after_it_are_found():
    # From HSCT on all leave remission at 0.03 + 0.01 a month, of which three quarters relapse.
    endpoint = ENDPOINTS["CIRHSCT"]
    curve = aalen_johansen(table_of(derive(drawn("constant").patients, endpoint), endpoint))["relapse"]
    expected = 0.75 * (1 - np.exp(-0.04 * np.array(DAYS) / DAYS_A_MONTH))
    np.testing.assert_allclose(curve.at(DAYS)["estimate"], expected, atol=0.012)


def test_with_late_entry_at_hsct_the_same_rates_are_found_on_the_clock_of_the_start():
    # At risk are only those already transplanted; whoever enters later than they adds to the same constant rate.
    endpoint = Endpoint("RFSLATE", "From the start, entering at HSCT", "blinatumomab_start", (RELAPSE, DEATH))
    frame = derive(drawn("constant").patients, endpoint, entry="hsct_date")
    late = kaplan_meier(table_of(frame, endpoint))
    # From day 61 on, as at first hardly anybody is at risk.
    ratio = late.at(DAYS)["estimate"] / late.at([61])["estimate"].item()
    np.testing.assert_allclose(
        ratio[1:], np.exp(-0.04 * (np.array(DAYS[1:]) - 61) / DAYS_A_MONTH), atol=0.012
    )
    # Without late entry the wait for HSCT is counted as time free of events, and too many seem to be.
    naive = kaplan_meier(tabulate(frame["AVAL"], frame["CAUSE"], causes=endpoint.causes))
    assert naive.at([365])["estimate"].item() > math.exp(-0.04 * 12) + 0.03


# -- what is simulated --------------------------------------------------------------------------------------


EDGES = {
    "default": SCENARIO,
    "changing": CHANGING,
    "one patient": replace(SCENARIO, n=1),
    "no adverse event": replace(SCENARIO, adverse_events=()),
    "no visit": replace(SCENARIO, visits=()),
    "no HSCT": replace(SCENARIO, hsct=(0.0,) * 3),
    "nothing happens": replace(SCENARIO, **dict.fromkeys(scenario.RATES, (0.0,) * 3), drop_out=0.0),
    "cutoff on the last start": replace(SCENARIO, cutoff=dt.date(2019, 12, 31)),
}


@pytest.mark.parametrize("name", EDGES)
def test_simulated_tables_pass_the_schema_and_load_as_they_were(name, tmp_path):
    cohort = simulate.simulate(EDGES[name], seed=1)
    record.save(cohort, tmp_path / "cohort")
    loaded = record.load(tmp_path / "cohort", cutoff=EDGES[name].cutoff)
    assert loaded.simulated
    for table in ("patients", "assessments", "adverse_events"):
        pd.testing.assert_frame_equal(getattr(loaded, table), getattr(cohort, table))


def test_patients_are_followed_to_death_or_loss_or_the_cutoff_and_not_transplanted_after_relapse():
    patients = drawn("changing").patients
    last = patients["last_contact_date"]
    assert (patients["death_date"].isna() | (patients["death_date"] == last)).all()
    assert last.max() == pd.Timestamp(CHANGING.cutoff)
    assert not (patients["hsct_date"] >= patients["relapse_date"]).any()
    assert (patients[["hsct_date", "relapse_date"]].min(axis=1) > patients["blinatumomab_start"]).sum() > 1000
    assert patients["donor"].notna().equals(patients["hsct_date"].notna())


def test_with_no_event_and_no_drop_out_all_are_followed_to_the_cutoff():
    patients = simulate.simulate(EDGES["nothing happens"], seed=1).patients
    assert patients["last_contact_date"].eq(pd.Timestamp(SCENARIO.cutoff)).all()
    assert patients[["hsct_date", "relapse_date", "death_date"]].isna().all(axis=None)


def test_drop_out_is_found_at_its_rate():
    cohort = simulate.simulate(replace(EDGES["nothing happens"], n=20_000, drop_out=0.02), seed=1)
    followed = (cohort.patients["last_contact_date"] - cohort.patients["blinatumomab_start"]).dt.days
    # Nobody is followed for less than three years by the cutoff; 0.0035 is one binomial standard error at one half.
    for day in (365, 730):
        assert (followed <= day).mean() == pytest.approx(1 - math.exp(-0.02 * day / DAYS_A_MONTH), abs=0.012)


def test_a_seed_gives_one_cohort():
    one, same, other = (simulate.simulate(SCENARIO, seed=seed) for seed in (5, 5, 6))
    for table in ("patients", "assessments", "adverse_events"):
        pd.testing.assert_frame_equal(getattr(one, table), getattr(same, table))
        assert not getattr(one, table).equals(getattr(other, table))


def test_what_is_drawn_apart_does_not_change_the_rest():
    base = simulate.simulate(SCENARIO, seed=5)
    more = simulate.simulate(
        replace(SCENARIO, adverse_events=(*SCENARIO.adverse_events, AdverseEvent("Headache", 0.3, 0.1))),
        seed=5,
    )
    pd.testing.assert_frame_equal(more.patients, base.patients)
    pd.testing.assert_frame_equal(more.assessments, base.assessments)
    others = more.adverse_events[more.adverse_events["term"] != "Headache"].reset_index(drop=True)
    assert len(others) < len(more.adverse_events)
    pd.testing.assert_frame_equal(others, base.adverse_events.reset_index(drop=True))

    fewer_visits = simulate.simulate(replace(SCENARIO, visits=(0, 28), mrd_noise_sd=0.5), seed=5)
    pd.testing.assert_frame_equal(fewer_visits.patients, base.patients)
    pd.testing.assert_frame_equal(fewer_visits.adverse_events, base.adverse_events)

    lost = simulate.simulate(replace(SCENARIO, drop_out=0.05), seed=5).patients
    assert (lost["last_contact_date"] <= base.patients["last_contact_date"]).all()
    for column in ("relapse_date", "death_date", "hsct_date"):  # as before, where they are still seen
        seen = lost[column].notna()
        pd.testing.assert_series_equal(lost.loc[seen, column], base.patients.loc[seen, column])


# -- MRD ----------------------------------------------------------------------------------------------------


def test_without_noise_mrd_falls_in_a_line_and_grows_towards_relapse():
    # Baseline 0.1%, a fall of 1 log10 a month, 10% at relapse after growing 1 log10 a month; limits 0.001%.
    plain = replace(
        SCENARIO, mrd_baseline_sd=0.0, mrd_noise_sd=0.0, mrd_fall=1.0, detection_limit=-3.0, quantification_limit=-3.0,
        drop_out=0.0, n=2000,
    )  # fmt: skip
    cohort = simulate.simulate(plain, seed=2)
    readings = cohort.assessments.join(cohort.patients.drop(columns="note"), on="patient")
    day = (readings["date"] - readings["blinatumomab_start"]).dt.days
    assert readings.loc[day == 0, "value"].eq(0.1).mean() > 0.93  # but for relapses within two months
    before = (readings["relapse_date"] - readings["date"]).dt.days
    # With 2000 patients some relapse before the cutoff; unseen relapses grow as well, so these are asked for.
    near = before.between(1, 60)
    expected = np.maximum(-1 - day[near] / DAYS_A_MONTH, 1 - before[near] / DAYS_A_MONTH)
    np.testing.assert_allclose(np.log10(readings.loc[near, "value"]), expected, atol=1e-9)
    assert near.sum() > 100


def test_the_share_that_is_negative_after_the_infusion_is_that_of_the_trial():
    # 27 of 29 (locatelli2021-r35) by the derivation of mrd_fall; 0.0018 is one binomial standard error.
    no_relapse = replace(
        SCENARIO, n=20_000, relapse_before_hsct=(0.0,) * 3, relapse_after_hsct=(0.0,) * 3, drop_out=0.0
    )
    readings = simulate.simulate(no_relapse, seed=3).assessments
    day_28 = readings[readings["visit"] == "day 28"]
    assert day_28["result"].eq("negative").mean() == pytest.approx(27 / 29, abs=0.006)
    # Not quantifiable: from 10**-2 to 10**-1.5, a baseline of -1 less 1.956 x 28 / 30.4375, and the two errors together.
    mean, error = -1 - 1.956 * 28 / DAYS_A_MONTH, math.hypot(0.5, 0.2)
    expected = ndtr((-1.5 - mean) / error) - ndtr((-2 - mean) / error)
    assert day_28["result"].eq("not quantifiable").mean() == pytest.approx(expected, abs=0.006)


def test_freedom_from_mrd_can_be_derived_from_a_simulated_cohort():
    frame = derive(with_mrd_dates(drawn("default")), ENDPOINTS["MRDFREE"])
    assert set(frame["CAUSE"]) == {0, 1, 2, 3}
    assert len(frame) + len(frame.attrs["left_out"]) == 20_000


# -- adverse events -----------------------------------------------------------------------------------------


def test_adverse_events_are_as_frequent_as_the_scenario_says():
    cohort = simulate.simulate(replace(EDGES["nothing happens"], n=20_000), seed=4)
    events = cohort.adverse_events
    severe = events[events["grade"] >= 3]
    for event in SCENARIO.adverse_events:
        rate = (severe["term"] == event.term).sum() / 20_000
        assert rate == pytest.approx(event.severe, abs=0.012)  # 3.5 binomial standard errors at one half
    # One minus the product of what does not happen.
    none = math.prod(1 - event.severe for event in SCENARIO.adverse_events)
    assert severe["patient"].nunique() / 20_000 == pytest.approx(1 - none, abs=0.012)
    # 24.1% with a serious one (locatelli2021-r56), from which serious_if_severe is derived.
    assert events.loc[events["serious"], "patient"].nunique() / 20_000 == pytest.approx(0.241, abs=0.012)
    assert not events.loc[events["grade"] < 3, "serious"].any()
    onset = (events["onset_date"] - events["patient"].map(cohort.patients["blinatumomab_start"])).dt.days
    assert (onset.min(), onset.max()) == (0, 27)


# -- where the numbers come from ----------------------------------------------------------------------------


def test_rates_follow_from_the_published_ones():
    rates = evidence.load().rates
    printed = rates["printed"].astype(float) / 100

    # Before HSCT: disease-free survival at 24 months, shared out as 35 relapses and 12 deaths.
    total = -math.log(printed["brown2021-r034"]) / rates.at["brown2021-r034", "time_months"]
    relapses, deaths = rates.loc[["brown2021-r012", "brown2021-r015"], "events"]
    assert SCENARIO.relapse_before_hsct[0] == pytest.approx(total * relapses / (relapses + deaths), rel=1e-3)
    assert SCENARIO.death_before_hsct[0] == pytest.approx(total * deaths / (relapses + deaths), rel=1e-3)

    # The one late treatment failure (brown2021-r009) has no state: the loss is shared out between the other two alone.
    assert rates.at["brown2021-r009", "events"] == 1
    assert SCENARIO.relapse_before_hsct[0] + SCENARIO.death_before_hsct[0] == pytest.approx(total, rel=1e-3)

    # HSCT: 48 of 54 from month 1 to month 3 (the range) at one rate h beside that total r of relapse and death. Who is left
    # after month 1 leaves at h + r, a part h / (h + r) of them to be transplanted.
    share = rates.at["locatelli2021-r38", "events"] / rates.at["locatelli2021-r38", "denominator"]
    low, high = rates.loc["locatelli2021-r40", ["ci_lower", "ci_upper"]]

    def lacking(h: float) -> float:
        left = math.exp(-total * low)
        return left * h / (h + total) * (1 - math.exp(-(h + total) * (high - low))) - share

    assert SCENARIO.from_month == (0, low, high)
    assert SCENARIO.hsct == (0, pytest.approx(brentq(lacking, 0.1, 10), rel=1e-3), 0)

    # After: disease-free survival, and the part of its loss that is death without relapse.
    months = rates.at["algeri2025-r01", "time_months"]
    free, alive, died = printed[["algeri2025-r01", "algeri2025-r02", "algeri2025-r03"]]
    total = -math.log(free) / months
    death = total * died / (1 - free)
    assert SCENARIO.death_after_hsct[0] == pytest.approx(death, rel=1e-3)
    assert SCENARIO.relapse_after_hsct[0] == pytest.approx(total - death, rel=1e-3)

    # After relapse: alive in relapse are r (e^-at - e^-mt) / (m - a), which makes up survival.
    def missing(m: float) -> float:
        in_relapse = (total - death) * (math.exp(-total * months) - math.exp(-m * months)) / (m - total)
        return free + in_relapse - alive

    assert SCENARIO.death_after_relapse[0] == pytest.approx(brentq(missing, total + 1e-6, 1), rel=1e-3)


def test_as_many_are_transplanted_as_in_the_trial_although_some_relapse_or_die_first():
    # 48 of 54, as printed (locatelli2021-r38), and nobody before month 1 or after month 3.
    found = truth(SCENARIO, np.array([1, 3, 24]) * DAYS_A_MONTH)["TTHSCT"]
    assert found.tolist() == pytest.approx([0, 48 / 54, 48 / 54], abs=5e-5)
    hsct = table_of(derive(drawn("default").patients, ENDPOINTS["TTHSCT"]), ENDPOINTS["TTHSCT"])
    share = aalen_johansen(hsct)["HSCT"].at([120])["estimate"].item()
    assert share == pytest.approx(48 / 54, abs=0.008)  # 3.5 binomial standard errors of 20,000 patients


def test_ages_are_lognormal_and_their_description_says_what_that_misses():
    age = drawn("default").patients["age_years"]
    lower, middle, upper = age.quantile([0.25, 0.5, 0.75])
    printed = evidence.load().rates.loc["locatelli2021-r60"]
    assert middle == pytest.approx(float(printed["printed"]), abs=0.15)
    # By hand: 5 / sqrt(10.5 / 4) and 5 * sqrt(10.5 / 4); ages are kept to a tenth of a year.
    assert (lower, upper) == pytest.approx((3.086, 8.101), abs=0.15)
    said = parameters().set_index("parameter").at["age, ratio of the quartiles", "derivation"]
    assert "quartiles are then 3.1 and 8.1" in said
    assert f"the printed quartiles, {printed['ci_lower']:g} and {printed['ci_upper']:g}" in said


def test_other_parameters_follow_from_the_published_rates():
    rates = evidence.load().rates
    for event in SCENARIO.adverse_events:
        row = rates.loc[event.source]
        share = float(row["printed"]) / 100 if pd.isna(row["events"]) else row["events"] / row["denominator"]
        assert event.severe == pytest.approx(share, abs=0.0005), event.term

    def with_serious(share: float) -> float:
        return 1 - math.prod(1 - share * event.severe for event in SCENARIO.adverse_events)

    serious = float(rates.at["locatelli2021-r56", "printed"]) / 100
    assert with_serious(SCENARIO.serious_if_severe) == pytest.approx(serious, abs=0.0005)

    row = rates.loc["locatelli2021-r35"]
    level = SCENARIO.mrd_baseline - SCENARIO.mrd_fall * 28 / DAYS_A_MONTH
    error = math.hypot(SCENARIO.mrd_baseline_sd, SCENARIO.mrd_noise_sd)
    negative = ndtr((SCENARIO.detection_limit - level) / error)
    assert negative == pytest.approx(row["events"] / row["denominator"], abs=0.0005)

    assert float(rates.at["locatelli2021-r60", "printed"]) == scenario.AGE_MEDIAN
    assert tuple(rates.loc["locatelli2021-r60", ["ci_lower", "ci_upper"]]) == scenario.AGE_QUARTILES
    for _, _, count, source in scenario.GRAFTS:
        assert rates.at[source, "events"] == count


def test_every_parameter_has_a_source_that_exists():
    frame, known = parameters(), set(evidence.load().rates.index)
    for sources in frame["source"]:
        assert sources == "assumed" or set(sources.split(", ")) <= known, sources
    named = {field.name for field in fields(Scenario)} - {"from_month", "adverse_events"}
    assert named == set(scenario.SOURCES) <= set(frame["parameter"])
    assert frame.loc[frame["parameter"] == "hsct", "period"].tolist() == ["0 to 1", "1 to 3", "from 3"]


def test_a_parameter_that_was_changed_no_longer_claims_its_source():
    changed = parameters(
        replace(
            SCENARIO,
            mrd_fall=1.0,
            adverse_events=(
                SCENARIO.adverse_events[0]._replace(severe=0.5),
                AdverseEvent("Headache", 0.1, 0.1),
            ),
        )
    ).set_index("parameter")["source"]
    assert changed["mrd_fall"] == "set"
    assert changed["Cytokine release syndrome, grade 3 or 4"] == "set"
    assert changed["Headache, grade 3 or 4"] == "set"
    assert changed["serious_if_severe"] == "locatelli2021-r56"


# -- refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n": 0}, "found n=0; expected a whole number of 1 or more"),
        ({"n": 1.5}, "found n=1.5"),
        ({"from_month": ()}, "expected a tuple of months that ascend from 0"),
        ({"from_month": (1.0, 2.0, 3.0)}, "expected a tuple of months that ascend from 0"),
        ({"from_month": (0.0, 2.0, 2.0)}, "expected a tuple of months that ascend from 0"),
        ({"hsct": (0.1,)}, "expected a tuple of 3 rates of 0 or more, one for each from_month"),
        ({"hsct": (0.1, -0.1, 0.1)}, "found hsct=(0.1, -0.1, 0.1)"),
        ({"hsct": (0.1, math.nan, 0.1)}, "expected a tuple of 3 rates of 0 or more"),
        ({"drop_out": -1.0}, "found drop_out=-1.0; expected 0 or more"),
        ({"mrd_noise_sd": math.nan}, "found mrd_noise_sd=nan"),
        (
            {"cutoff": dt.date(2019, 12, 30)},
            "expected none before the last start, day 730 of accrual from 2018-01-01",
        ),
        ({"quantification_limit": -2.5}, "limit of detection not above that of quantification"),
        ({"visits": (28, 0)}, "expected a tuple of whole days of 0 or more that ascend"),
        (
            {"adverse_events": (AdverseEvent("Fever", 0.6, 0.6),)},
            "found the probabilities (0.6, 0.6) of Fever",
        ),
        ({"adverse_events": (AdverseEvent("Fever", 0.1, 0.1),) * 2}, "expected each term once"),
        ({"serious_if_severe": 1.1}, "of serious_if_severe; expected 0 to 1"),
        # What is no number, or no date, or no tuple of them.
        ({"n": math.nan}, "found n=nan; expected a whole number of 1 or more"),
        ({"n": "a"}, "found n='a'; expected a whole number"),
        ({"n": True}, "found n=True; expected a whole number"),
        ({"n": None}, "found n=None; expected a whole number"),
        ({"infusion_days": math.inf}, "found infusion_days=inf; expected a whole number"),
        ({"from_month": 0.0}, "found from_month=0.0; expected a tuple"),
        ({"hsct": 1.0}, "found hsct=1.0; expected a tuple of 3 rates"),
        ({"hsct": ("a", 1.0, 0.0)}, "found hsct=('a', 1.0, 0.0); expected a tuple of 3 rates"),
        ({"drop_out": "a"}, "found drop_out='a'; expected 0 or more"),
        ({"mrd_baseline": math.nan}, "found mrd_baseline=nan; expected a number"),
        ({"mrd_at_relapse": None}, "found mrd_at_relapse=None; expected a number"),
        ({"detection_limit": -math.inf}, "found detection_limit=-inf; expected a number"),
        ({"visits": 28}, "found visits=28; expected a tuple of whole days"),
        ({"visits": (0, math.inf)}, "found visits=(0, inf); expected a tuple of whole days"),
        ({"cutoff": "2022-12-31"}, "found cutoff='2022-12-31'; expected a datetime.date from 1900 to 2199"),
        ({"cutoff": pd.NaT}, "found cutoff=NaT; expected a datetime.date"),
        ({"accrual_start": dt.datetime(2018, 1, 1)}, "found accrual_start=datetime.datetime(2018"),
        ({"cutoff": dt.date.max}, "found cutoff=datetime.date(9999, 12, 31); expected a datetime.date"),
        ({"accrual_days": 10**12}, "expected none before the last start, day 1e+12 of accrual"),
        ({"adverse_events": None}, "found adverse_events=None; expected a tuple of AdverseEvent"),
        ({"adverse_events": (("Fever", 0.1, 0.1),)}, "expected a tuple of AdverseEvent"),
        (
            {"adverse_events": (AdverseEvent("Fever", "a", 0.1),)},
            "found the probabilities ('a', 0.1) of Fever",
        ),
        ({"serious_if_severe": math.nan}, "found the probabilities (nan,) of serious_if_severe"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(change, said):
    with pytest.raises(CasebookError, match=re.escape(said)):
        replace(SCENARIO, **change)


@pytest.mark.parametrize("seed", [-1, 1.0, "1", "a", None, True])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(CasebookError, match="expected a whole number of 0 or more"):
        simulate.simulate(SCENARIO, seed)


def test_what_is_no_scenario_is_refused():
    with pytest.raises(CasebookError, match="found the scenario 5; expected a Scenario"):
        simulate.simulate(5)
    with pytest.raises(CasebookError, match="found the scenario None; expected a Scenario"):
        truth(None, [30])
