"""Tallies of trials: exact sums, stopping by hand, and Monte Carlo errors."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.design import trialsim
from casebook.design.scenarios import Scenario
from casebook.design.tally import Tally, exact_sum, summarise, tally
from casebook.design.truth import truth
from casebook.errors import CasebookError

PLAIN = Scenario(
    id="plain", control=50, treatment=50, accrual=24, followup=24, hazard=(0.04,), hazard_ratio=(0.6,), milestone=24, horizon=24
)  # fmt: skip
LOOKED = replace(
    PLAIN, id="looked", events=60, looks=(0.5,), look_by="fraction", critical=(3.0, 2.0), futility=(0.0,)
)
SINGLE = replace(PLAIN, id="single", control=0, null_survival=0.4)
UNIT = Fraction(1, 2**1074)


def rows(scenario: Scenario, *trials: list[dict[str, float]]) -> np.ndarray:
    """Trials by hand: a dict a look; what is not given is 0, and time 1, 2, ..."""
    found = np.zeros((len(trials), len(trials[0])), trialsim.FIELDS)
    found["held"] = 1
    for i, looks in enumerate(trials):
        for j, look in enumerate(looks):
            found[i, j]["time"] = j + 1
            for name, value in look.items():
                found[i, j][name] = value
    return found


def read(scenario: Scenario, found: np.ndarray) -> dict[tuple[str, str], float]:
    return summarise(scenario, tally(scenario, found)).set_index(["analysis", "measure"])["value"].to_dict()


# -- sums -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30))
def test_a_sum_is_exact(values):
    assert exact_sum(np.array(values, dtype=float)) * UNIT == sum(map(Fraction, values), Fraction(0))


def test_a_sum_of_what_is_no_number_is_refused():
    with pytest.raises(CasebookError, match="no finite number"):
        exact_sum(np.array([1.0, math.nan]))


def test_tallies_add_in_any_order_and_to_nothing():
    parts = [tally(PLAIN, trialsim.batch(PLAIN, 1, first, 13)) for first in (0, 13, 26)]
    whole = tally(PLAIN, trialsim.batch(PLAIN, 1, 0, 39))
    assert parts[0] + parts[1] + parts[2] == whole
    assert parts[2] + (parts[0] + parts[1]) == whole
    assert whole + Tally("plain") == whole
    assert whole.trials == 39


def test_tallies_of_two_scenarios_do_not_add():
    with pytest.raises(CasebookError, match="expected one scenario"):
        Tally("one") + Tally("two")
    with pytest.raises(TypeError):
        Tally("one") + 1


def test_a_tally_can_be_written_and_read():
    whole = tally(LOOKED, trialsim.batch(LOOKED, 1, 0, 20))
    assert Tally(**json.loads(json.dumps(asdict(whole)))) == whole


# -- stopping -------------------------------------------------------------------------------------------------------


def test_trials_stop_at_the_first_bound_they_pass():
    found = rows(
        LOOKED,
        [{"z": 3.0}, {"z": 1.0}],  # for treatment at the look: just reached
        [{"z": -4.0}, {"z": 9.0}],  # against treatment at the look, not futile
        [{"z": -0.5}, {"z": 2.5}],  # futile at the look: what came later does not count
        [{"z": 1.0}, {"z": 2.0}],  # at the end
        [{"z": 1.0}, {"z": 1.9}],  # never
        [{"z": math.nan}, {"z": -2.5}],  # no test at the look; against treatment at the end
        [{"z": 5.0, "held": 0}, {"z": 0.0}],  # the look was overtaken
    )
    values = read(LOOKED, found)
    assert values["log-rank", "power"] == 4 / 7
    assert values["log-rank", "rejected for treatment"] == 2 / 7
    assert values["trial", "look 1: held"] == 6 / 7
    assert values["trial", "look 1: difference"] == 2 / 7
    assert values["trial", "look 1: futility"] == 1 / 7
    assert values["trial", "look 2: held"] == 4 / 7
    assert values["trial", "look 2: difference"] == 2 / 7
    assert values["trial", "months"] == (3 * 1 + 4 * 2) / 7


def test_without_bounds_only_the_end_counts():
    open_ = replace(LOOKED, critical=(), futility=())
    values = read(open_, rows(open_, [{"z": 9.0}, {"z": 1.95}], [{"z": 0.0}, {"z": -1.97}]))
    assert values["log-rank", "power"] == 0.5  # 1.96 lies between
    assert values["trial", "months"] == 2


def test_with_bounds_only_the_test_that_has_them_is_counted():
    look = {
        "coefficient": -9.0,
        "variance": 0.01,
        "survival_treatment": 0.9,
        "survival_variance_treatment": 0.001,
    }
    found = summarise(LOOKED, tally(LOOKED, rows(LOOKED, [look, look])))
    tested = found[found["measure"].isin(["power", "type I error", "rejected for treatment"])]
    assert set(tested["analysis"]) == {"log-rank"}
    assert {"bias", "coverage"} <= set(found.loc[found["analysis"] == "Cox", "measure"])
    # Looks that stop nothing leave all tests at the end; of one arm, the test at the milestone has the bounds.
    for one, analyses in (
        (replace(LOOKED, critical=(), futility=()), {"log-rank", "Cox", "milestone", "restricted mean"}),
        (replace(LOOKED, control=0, null_survival=0.4, events=30, futility=()), {"milestone"}),
    ):
        found = summarise(one, tally(one, rows(one, [look, look])))
        assert set(found.loc[found["measure"] == "power", "analysis"]) == analyses


def test_with_futility_alone_a_trial_that_stopped_rejects_nothing():
    futile = replace(LOOKED, critical=())
    far = {
        "coefficient": -9.0, "variance": 0.01, "survival_treatment": 0.9, "survival_variance_treatment": 0.001,
        "mean_treatment": 9.0, "mean_variance_treatment": 0.01,
    }  # fmt: skip
    found = rows(
        futile,
        [{"z": -9.0, **far}, {"z": 9.0, **far}],  # stopped, beyond every bound against treatment
        [{"z": 0.0, **far}, {"z": 9.0, **far}],  # stopped just at the bound
        [{"z": 9.0, **far}, {"z": 1.97, **far}],  # no bound for a difference at the look; 1.96 at the end
        [{"z": 9.0, **far}, {"z": 1.95}],
        [{"z": math.nan}, {"z": -2.0, **far}],  # at the end, against treatment by the log-rank test
    )
    values = read(futile, found)
    for analysis in ("log-rank", "Cox", "milestone", "restricted mean"):
        assert values[analysis, "power"] == 2 / 5
        assert values[analysis, "rejected for treatment"] == (1 if analysis == "log-rank" else 2) / 5
    assert values["trial", "look 1: futility"] == 2 / 5
    assert values["trial", "look 1: difference"] == 0
    assert values["trial", "months"] == (2 * 1 + 3 * 2) / 5
    # The estimates of all are kept.
    assert values["Cox", "estimable"] == 1


# -- estimates ------------------------------------------------------------------------------------------------------


def test_estimates_are_summed_by_hand():
    beta = truth(PLAIN).log_hazard_ratio
    found = rows(
        PLAIN,
        [{"coefficient": beta + 0.1, "variance": 0.04, "survival_treatment": 0.6, "survival_control": 0.5}],
        [{"coefficient": beta - 0.5, "variance": 0.01, "survival_treatment": 0.4, "survival_control": 0.5}],
        [{"coefficient": math.nan, "variance": math.nan, "monotone": -1, "survival_treatment": math.nan}],
    )
    values = read(PLAIN, found)
    assert values["Cox", "estimable"] == values["milestone", "estimable"] == 2 / 3
    assert values["Cox", "runs off"] == 1 / 3
    assert values["Cox", "bias"] == pytest.approx(-0.2)
    # 0.1 is within 1.96 * 0.2 of the truth, 0.5 not within 1.96 * 0.1.
    assert values["Cox", "coverage"] == 0.5
    # -0.51 + 0.1 is beyond 1.96 * 0.2 on the side of treatment, and so is the other.
    assert values["Cox", "power"] == values["Cox", "rejected for treatment"] == 2 / 3
    assert values["Cox", "empirical standard error"] == pytest.approx(math.sqrt(2 * 0.3**2))
    assert values["Cox", "model standard error"] == pytest.approx(math.sqrt(0.025))
    assert values["milestone", "mean estimate"] == pytest.approx(0.0, abs=1e-16)
    # Without a variance there is no test.
    assert values["milestone", "power"] == 0


def test_the_error_of_an_empirical_standard_error_by_hand():
    # Deviations of -0.1, 0, 0.1 from the mean: s = sqrt(0.02 / 2) = 0.1, and its error 0.1 / sqrt(2 * (3 - 1)) = 0.05.
    beta = [{"coefficient": value, "variance": 0.01} for value in (-0.4, -0.5, -0.6)]
    found = summarise(PLAIN, tally(PLAIN, rows(PLAIN, *([look] for look in beta))))
    found = found.set_index(["analysis", "measure"]).loc[("Cox", "empirical standard error")]
    assert found["value"] == pytest.approx(0.1)
    assert found["monte_carlo_error"] == pytest.approx(0.05)


def test_an_estimate_of_nothing_without_variance_does_not_reject():
    # Survival of 1 in both arms: 0 apart with variance 0, and so would be coefficients.
    alike = {"survival_treatment": 1.0, "survival_control": 1.0}
    values = read(PLAIN, rows(PLAIN, [alike], [alike]))
    for analysis in ("milestone", "restricted mean", "Cox"):
        assert values[analysis, "estimable"] == 1
        assert values[analysis, "power"] == values[analysis, "rejected for treatment"] == 0


def test_the_least_level_has_a_bound():
    # norm.isf(5e-16) of SciPy is 8.0269; the quantile of 1 - 5e-16, which is rounded, 8.0140.
    least = replace(PLAIN, alpha=1e-15)
    values = read(least, rows(least, [{"z": 8.02}], [{"z": 8.03}]))
    assert values["log-rank", "power"] == 0.5
    for analysis in ("Cox", "milestone"):
        assert values[analysis, "power"] == 0


def test_monte_carlo_errors_are_those_of_many_runs():
    # 60 runs of 200 trials: the spread of a measure over runs is its error, to 4 * 1/sqrt(120).
    runs = [summarise(PLAIN, trialsim.run(PLAIN, 1, 200, first=200 * i)) for i in range(60)]
    for row in range(len(runs[0])):
        values = np.array([run["value"].iloc[row] for run in runs])
        errors = np.array([run["monte_carlo_error"].iloc[row] for run in runs])
        if values.std() == 0:
            continue
        name = tuple(runs[0].loc[row, ["analysis", "measure"]])
        assert values.std(ddof=1) == pytest.approx(np.sqrt((errors**2).mean()), rel=0.37), name


def test_a_share_of_none_or_all_has_an_error():
    found = summarise(PLAIN, tally(PLAIN, rows(PLAIN, [{"z": 0.0}], [{"z": 0.0}]))).iloc[0]
    # By hand: p = 0.5 / 3, sqrt(p (1 - p) / 4).
    assert (found["value"], found["monte_carlo_error"]) == (0, pytest.approx(math.sqrt(1 / 6 * 5 / 6 / 4)))


def test_what_rests_on_too_few_trials_is_missing():
    one = summarise(PLAIN, tally(PLAIN, rows(PLAIN, [{"coefficient": math.nan, "variance": math.nan}])))
    one = one.set_index(["analysis", "measure"])
    assert one.loc[("Cox", "bias"), ["value", "monte_carlo_error"]].isna().all()
    assert one.loc[("Cox", "bias"), "trials"] == 0
    assert one.loc[("trial", "months"), "value"] == 1
    assert math.isnan(one.loc[("trial", "months"), "monte_carlo_error"])


def test_one_arm_is_tested_on_the_log_log_scale():
    # log(-log S) of 0.5 less that of 0.4, over 0.1 / (0.5 * log 2): by hand 0.2790 / 0.2885 = 0.967.
    look = {"survival_treatment": 0.5, "survival_variance_treatment": 0.01}
    assert read(replace(SINGLE, alpha=0.33), rows(SINGLE, [look]))["milestone", "power"] == 0
    assert read(replace(SINGLE, alpha=0.34), rows(SINGLE, [look]))["milestone", "power"] == 1
    # |z| of 0.967 has p 0.3334.
    assert read(replace(SINGLE, alpha=0.34), rows(SINGLE, [look]))["milestone", "rejected for treatment"] == 1
    for s in (0.0, 1.0):
        edge = {"survival_treatment": s, "survival_variance_treatment": 0.0}
        assert read(SINGLE, rows(SINGLE, [edge]))["milestone", "power"] == 0


def test_a_tally_of_another_scenario_or_of_nothing_is_refused():
    with pytest.raises(CasebookError, match="found a tally of 0 trials"):
        summarise(PLAIN, Tally("plain"))
    with pytest.raises(CasebookError, match="of scenario other; expected one or more of plain"):
        summarise(PLAIN, Tally("other", 1))
