"""Scenarios: the committed table against what it says it is, tables read back, and what is refused by row and field."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import quad

from casebook.design import scenarios, schema, truth
from casebook.design.scenarios import Scenario
from casebook.design.schema import SCENARIOS
from casebook.errors import CasebookError, DataError
from casebook.trials import evidence

PLAIN = Scenario(
    id="plain", control=50, treatment=50, accrual=24, followup=24, hazard=(0.04,), milestone=24, horizon=24
)
SINGLE = replace(PLAIN, control=0, null_survival=0.4)
LOOKED = replace(PLAIN, events=60, looks=(0.5,), look_by="fraction", critical=(2.963, 1.969), futility=(0.0,))


@pytest.fixture
def table(tmp_path):
    """A function that writes rows over a good table and gives the file."""

    def write(*changes: dict[str, str]):
        frame = scenarios.frame([replace(LOOKED, id=f"row-{i}") for i in range(len(changes))])
        for row, change in enumerate(changes):
            for column, cell in change.items():
                frame.loc[row, column] = cell
        path = tmp_path / "scenarios.csv"
        frame.to_csv(path, index=False)
        return path

    return write


# -- the committed table ----------------------------------------------------------------------------------------------


def test_scenarios_of_the_book_fail_by_two_years_as_was_published():
    rates = evidence.load().rates
    control, treatment = (float(rates.at[f"brown2021-{row}", "printed"]) / 100 for row in ("r035", "r034"))
    assert set(rates.loc[["brown2021-r034", "brown2021-r035"], "time_months"]) == {24}
    for one in scenarios.read().values():
        found = {arm: truth.survival(one, arm, [24]).item() for arm in truth.ARMS}
        assert found["control"] == pytest.approx(control, abs=0.0005), one.id
        same = one.null or one.id == "delay"
        assert found["treatment"] == pytest.approx(control if same else treatment, abs=0.0005), one.id
        assert one.milestone == 24


def test_the_bridge_of_the_book_brings_as_many_to_hsct_as_was_published():
    rates = evidence.load().rates
    one = scenarios.read()["bridge"]
    for arm, row in (("control", "r028"), ("treatment", "r027")):
        found = truth.hazards(one, arm)
        # From month 1 to month 6 at a constant rate, of those who have not failed before.
        leave = found.before[1] + found.to_hsct[1]
        share = (
            math.exp(-found.before[0])
            * quad(lambda t, g=found, k=leave: g.to_hsct[1] * math.exp(-k * t), 0, 5)[0]
        )
        published = rates.at[f"brown2021-{row}", "events"] / rates.at[f"brown2021-{row}", "denominator"]
        assert share == pytest.approx(published, abs=0.0005)
    assert one.hazard_ratio == (1.0,)


def test_scenarios_of_the_book_are_what_their_ids_say():
    found = scenarios.read()
    assert [one.id for one in found.values() if one.null] == ["alike", "alike-cured", "alike-looked"]
    assert (
        replace(found["bridge"], id="bridge-censored", at_hsct="censor", note=found["bridge-censored"].note)
        == (found["bridge-censored"])
    )
    assert all(one.note for one in found.values())
    # As many failures cumulated by month 24: 12 months at a quarter, 12 at seven quarters.
    assert found["delay"].hazard_ratio == (0.25, 1.75)


# -- the table --------------------------------------------------------------------------------------------------------


def test_a_table_that_was_written_is_read_back(tmp_path):
    rows = [
        LOOKED,
        replace(
            PLAIN, id="all", hazard=(0.1, 1 / 3), hazard_from=(0, 7.5), hazard_ratio=(1, 0.4), cured_control=0.1,
            cured_treatment=0.2, drop_out=0.01, hsct_control=(0.1, 0), hsct_treatment=(0.2, 0.1), hsct_ratio=0.5,
            hsct_mortality=0.02, at_hsct="censor", stratum_share=(0.25, 0.75), stratum_ratio=(1, 3), stratified=True,
            alpha=0.1, events=70, looks=(6, 12), look_by="month", critical=(3, 3, 2), futility=(-1, 0.5), note="a, b",
        ),
        replace(SINGLE, id="single"),
    ]  # fmt: skip
    path = tmp_path / "scenarios.csv"
    scenarios.frame(rows).to_csv(path, index=False)
    assert list(scenarios.read(path).values()) == rows
    assert list(scenarios.read(path)) == ["plain", "all", "single"]


def test_equal_scenarios_are_written_alike():
    # 24 or 24.0, a list or a tuple: cached and compared as one.
    one = replace(PLAIN, accrual=24.0, treatment=50.0, hazard=[np.float64(0.04)])
    assert repr(one) == repr(PLAIN)
    assert hash(one) == hash(PLAIN)


def test_an_empty_note_is_none(tmp_path):
    path = tmp_path / "scenarios.csv"
    scenarios.frame([replace(PLAIN, note="")]).to_csv(path, index=False)
    assert scenarios.read(path) == {"plain": replace(PLAIN, note="")} == {"plain": PLAIN}


def test_every_column_has_a_description_and_what_counts_a_unit():
    assert list(SCENARIOS.columns) == [each.name for each in fields(Scenario)]
    for name, column in SCENARIOS.columns.items():
        assert column.description, name
        if str(column.dtype) == "float64":
            assert column.metadata["unit"], name


def test_every_problem_of_a_table_is_named_at_once(table):
    path = table(
        {"hazard": "-0.1", "accrual": "-3"},
        {"milestone": "100", "hazard_ratio": "0.5;x"},
        {},
        {"treatment": "", "stratified": "maybe", "id": "row-2"},
        {"looks": "0.5;0.4", "critical": "1;2;3"},
    )
    with pytest.raises(DataError) as error:
        scenarios.read(path)
    found = {(problem.row, problem.column.split(", ")[0]) for problem in error.value.problems}
    assert found == {
        (2, "hazard"), (2, "accrual"), (2, "milestone"), (2, "horizon"), (3, "milestone"), (3, "hazard_ratio"), (4, "id"),
        (5, "treatment"), (5, "stratified"), (5, "id"), (6, "looks"), (6, "futility"),
    }  # fmt: skip
    said = (
        "row 3, column milestone, accrual, followup: found '100', '24', '24'; expected milestone above 0 and below 48 months, "
        "as nobody is followed so long"
    )
    assert said in str(error.value)


def test_a_table_may_have_looks_that_stop_for_futility_alone(table):
    path = table({"critical": ""}, {"critical": "3;1.96"})
    assert [one.critical for one in scenarios.read(path).values()] == [(), (3, 1.96)]


def test_the_rules_of_a_table_are_asked_once_of_each_row(table, monkeypatch):
    # Each rule apart, and all of them once more for what comes of a whole row, they took three times as long as the rest.
    path = table({}, {"accrual": "23"}, {"hazard": "0.05"})
    asked = []
    known = schema._known
    monkeypatch.setattr(schema, "_known", lambda row: asked.append(row["id"]) or known(row))
    truth._last_month.cache_clear()
    truth.truth.cache_clear()
    read = scenarios.read(path)
    assert asked == list(read)
    # The month at which events are expected is found once for a row, by its rule, its scenario and its truth.
    for one in read.values():
        truth.truth(one)
    assert truth._last_month.cache_info().misses == 3


@pytest.mark.parametrize("cell", ["1e999", "0.04;-1e999", "1e-999", "nan", "inf", "0.04;"])
def test_a_list_of_what_is_no_float_is_named_by_row_and_column(table, cell):
    with pytest.raises(DataError) as error:
        scenarios.read(table({}, {"hazard": cell}))
    found = [(problem.row, problem.column, problem.expected) for problem in error.value.problems]
    assert found == [(3, "hazard", "numbers with a decimal point, parted by ;")]


@pytest.mark.parametrize("cell", ["1,000", "0,039", "1'000", "1\u00a0000", "1.000,5"])
def test_a_decimal_comma_or_thousands_set_apart_are_told_how_to_be_written(table, cell):
    with pytest.raises(DataError) as error:
        scenarios.read(table({"accrual": cell, "hazard": cell}))
    found = {
        problem.column: (problem.row, problem.found, problem.expected) for problem in error.value.problems
    }
    assert found == {
        "accrual": (2, repr(cell), "a number with a decimal point and without a separator of thousands"),
        "hazard": (2, repr(cell), "numbers with a decimal point, parted by ;"),
    }


def test_a_list_may_hold_zeros(table):
    path = table({"hazard": "0.04;0.0;0e-999", "hazard_from": "0;1;2"})
    assert scenarios.read(path)["row-0"].hazard == (0.04, 0.0, 0.0)


def test_a_table_without_a_column_or_row_is_refused(table, tmp_path):
    path = tmp_path / "lacking.csv"
    scenarios.frame([PLAIN]).drop(columns="hazard").to_csv(path, index=False)
    with pytest.raises(DataError, match="column hazard: found no such column"):
        scenarios.read(path)
    with pytest.raises(DataError, match="found no row; expected a scenario"):
        scenarios.read(table())
    with pytest.raises(DataError, match="no such file"):
        scenarios.read(tmp_path / "none.csv")
    for path in (None, 1, []):
        with pytest.raises(CasebookError, match=r"found the path .*; expected that of a CSV file"):
            scenarios.read(path)


def test_columns_with_a_default_may_be_left_out(tmp_path):
    path = tmp_path / "short.csv"
    path.write_text(
        "id,treatment,accrual,followup,hazard,milestone,horizon,control\nplain,50,24,24,0.04,24,24,50\n"
    )
    assert scenarios.read(path) == {"plain": PLAIN}
    # Rules know the defaults: a trial of one arm needs its null hypothesis.
    path.write_text("id,treatment,accrual,followup,hazard,milestone,horizon\nplain,50,24,24,0.04,24,24\n")
    with pytest.raises(DataError, match="row 2, column null_survival, control: found nothing, nothing"):
        scenarios.read(path)
    path.write_text("id,treatment,acrual,followup,hazard,milestone\nplain,50,24,24,0.04,24\n")
    with pytest.raises(DataError) as error:
        scenarios.read(path)
    assert [problem.column for problem in error.value.problems] == ["accrual, horizon", "acrual"]


@pytest.mark.parametrize(
    ("change", "columns", "found"),
    [
        (
            {"hazard": "1e5"},
            "hazard, hazard_ratio, stratum_ratio, hsct_ratio, hsct_mortality",
            "'1e5', nothing, nothing, nothing, nothing (100000 per month)",
        ),
        (
            {"hazard": "0", "hsct_treatment": "0.1", "hsct_mortality": "0.05"},
            "hazard, hsct_mortality, hsct_control, hsct_treatment, at_hsct",
            "'0', '0.05', nothing, '0.1', nothing",
        ),
        (
            {"hazard_ratio": "1e-14"},
            "control, treatment, hazard, hazard_ratio, hsct_control, hsct_treatment, hsct_mortality, stratified",
            "'50', '50', '0.04', '1e-14', nothing, nothing, nothing, nothing",
        ),
    ],
)
def test_what_would_fail_in_the_middle_of_a_campaign_is_refused_by_row_and_field(
    table, change, columns, found
):
    with pytest.raises(DataError) as error:
        scenarios.read(table({}, change))
    (problem,) = error.value.problems
    assert (problem.row, problem.column) == (3, columns)
    assert problem.found == found


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "change", "said"),
    [
        (PLAIN, {"id": "a b"}, "id without spaces"),
        (PLAIN, {"id": ""}, "id without spaces"),
        (PLAIN, {"treatment": 0}, "treatment a whole number from 1"),
        (PLAIN, {"treatment": 1.5}, "treatment a whole number from 1"),
        (PLAIN, {"control": -1}, "control a whole number from 0"),
        (PLAIN, {"control": 10**7}, "control a whole number from 0 to 1000000"),
        (PLAIN, {"accrual": -1}, "accrual of 0 months or more"),
        (PLAIN, {"followup": 0}, "followup above 0"),
        (PLAIN, {"followup": 1180}, "1200 months together at most"),
        (PLAIN, {"drop_out": -0.1}, "drop_out of 0 or more"),
        (PLAIN, {"drop_out": 1e5}, "drop_out of 0 or more, and 10000 at most"),
        (PLAIN, {"hazard": (1e5,)}, "stratum_ratio of 10000 per month at most"),
        (PLAIN, {"hazard": (9e3,), "hazard_ratio": (2,)}, "(18000 per month)"),
        (PLAIN, {"hazard": (10, 10), "hazard_from": (0, 6), "hazard_ratio": (1, 2000)}, "(20000 per month)"),
        (PLAIN, {"stratum_share": (0.5, 0.5), "stratum_ratio": (1, 1e6)}, "(40000 per month)"),
        (PLAIN, {"hsct_control": (0.1,), "hsct_ratio": 1e6}, "(40000 per month)"),
        (PLAIN, {"hsct_control": (0.1,), "hsct_mortality": 2e4}, "(20000 per month)"),
        (PLAIN, {"hsct_control": (0.1,), "hazard": (1e300,), "hsct_ratio": 1e300}, "(inf per month)"),
        (PLAIN, {"hsct_treatment": (2e4,)}, "hsct_treatment of 10000 per month at most"),
        (PLAIN, {"hsct_control": (2e4,)}, "hsct_control of 10000 per month at most"),
        (PLAIN, {"hazard": (0.0,), "hsct_treatment": (0.1,), "hsct_mortality": 0.05}, "nothing happens in an arm"),
        (PLAIN, {"hazard": (0.0, 0.0), "hazard_from": (0, 48), "hsct_control": (0, 0.1), "hsct_treatment": (0.1, 0),
                 "hsct_mortality": 0.05}, "nothing happens in an arm"),
        # Who can fail after HSCT only is not seen to do so.
        (PLAIN, {"hazard": (0.0,), "hsct_control": (0.1,), "hsct_treatment": (0.2,), "hsct_mortality": 0.01,
                 "at_hsct": "censor", "events": 30}, "with at_hsct follow, as nothing happens in an arm otherwise"),
        (PLAIN, {"hazard_ratio": (1e-14,)}, "of which both fail while the other is at risk"),
        # One arm has events only after the other's have ended the trial.
        (PLAIN, {"hazard": (0.0, 0.0), "hazard_from": (0, 40), "hsct_control": (1, 1), "hsct_treatment": (0, 1),
                 "hsct_mortality": 0.5, "events": 20, "milestone": 1, "horizon": 1}, "of which both fail"),
        # Thirds of one patient and of two: one in the second stratum, two in the first and third.
        (PLAIN, {"control": 1, "treatment": 2, "stratum_share": (1 / 3, 1 / 3, 1 / 3), "stratum_ratio": (1, 1, 1),
                 "stratified": True}, "in one stratum if stratified"),
        (PLAIN, {"hazard": ()}, "hazard of 0 or more for each month in hazard_from"),
        (PLAIN, {"hazard": (0.1, 0.1)}, "hazard of 0 or more for each month in hazard_from"),
        (PLAIN, {"hazard": (-0.1,)}, "hazard of 0 or more"),
        (PLAIN, {"hazard": (0.0,)}, "nothing happens"),
        (PLAIN, {"hazard": (0.0, 0.1), "hazard_from": (0, 48)}, "nothing happens"),
        (PLAIN, {"hazard": (0.1, 0.1), "hazard_from": (0, 0)}, "hazard_from ascending from 0"),
        (PLAIN, {"hazard_from": (1,)}, "hazard_from ascending from 0"),
        (PLAIN, {"hazard_from": (), "hazard": ()}, "hazard_from ascending from 0"),
        (PLAIN, {"hazard_ratio": (0,)}, "hazard_ratio above 0"),
        (PLAIN, {"hazard_ratio": (1, 1)}, "one or one for each month"),
        (PLAIN, {"cured_control": 1}, "cured_control from 0 to below 1"),
        (PLAIN, {"cured_treatment": -0.1}, "cured_treatment from 0 to below 1"),
        (PLAIN, {"hsct_control": (0.1, 0.1)}, "hsct_control of 0 or more for each month"),
        (PLAIN, {"hsct_treatment": (-0.1,)}, "hsct_treatment of 0 or more for each month"),
        (PLAIN, {"hsct_ratio": -1}, "hsct_ratio of 0 or more"),
        (PLAIN, {"hsct_mortality": -1}, "hsct_mortality of 0 or more"),
        (PLAIN, {"at_hsct": "stop"}, "at_hsct follow or censor"),
        (PLAIN, {"hsct_ratio": 0.5},
         "hsct_ratio only where hsct_control or hsct_treatment is given: give a rate of 0 where nobody has HSCT"),
        (PLAIN, {"hsct_mortality": 0.5}, "hsct_mortality only where hsct_control or hsct_treatment is given"),
        (PLAIN, {"at_hsct": "censor"}, "at_hsct only where hsct_control or hsct_treatment is given"),
        (SINGLE, {"cured_control": 0.3}, "cured_control only with a control arm"),
        (SINGLE, {"hsct_control": (0.1,)}, "hsct_control only with a control arm"),
        (SINGLE, {"stratum_share": (0.5, 0.5), "stratum_ratio": (1, 2), "stratified": True},
         "stratified only with a control arm"),
        (PLAIN, {"stratum_share": (0.5, 0.4), "stratum_ratio": (1, 1)}, "together 1"),
        (PLAIN, {"stratum_share": (0.5, 0.5)}, "one for each stratum_share"),
        (PLAIN, {"stratum_share": (1.5, -0.5), "stratum_ratio": (1, 1)}, "stratum_share above 0"),
        (PLAIN, {"stratified": True}, "stratified only with strata"),
        (PLAIN, {"alpha": 0}, "alpha between 0 and 1"),
        (PLAIN, {"alpha": 1}, "alpha between 0 and 1"),
        (PLAIN, {"alpha": 1e-17}, "alpha between 0 and 1, and not below 1e-15"),
        (PLAIN, {"milestone": 49}, "milestone above 0 and below 48 months, as nobody is followed so long"),
        (PLAIN, {"accrual": 12, "milestone": 36},
         "found milestone=36, accrual=12, followup=24.0, expected milestone above 0 and below 36 months, as nobody is followed"),
        (PLAIN, {"horizon": Fraction(48), "accrual": Fraction(24)}, "horizon above 0 and below 48 months"),
        (PLAIN, {"accrual": 0, "milestone": 24.5}, "milestone above 0 and at most 24 months, as nobody is followed longer"),
        (PLAIN, {"horizon": 0}, "horizon above 0"),
        (PLAIN, {"null_survival": 0.4}, "null_survival between 0 and 1 if control is 0, and nothing otherwise"),
        (SINGLE, {"null_survival": None}, "null_survival between 0 and 1 if control is 0"),
        (SINGLE, {"null_survival": 1}, "null_survival between 0 and 1"),
        (PLAIN, {"events": 101}, "not above control and treatment together"),
        (PLAIN, {"events": 0}, "events a whole number of 1 or more"),
        (PLAIN, {"looks": (6,)}, "looks together with look_by"),
        (PLAIN, {"look_by": "month"}, "looks together with look_by"),
        (PLAIN, {"looks": (6,), "look_by": "week"}, "look_by of month or fraction"),
        (PLAIN, {"looks": (12, 6), "look_by": "month"}, "looks by month in order"),
        (PLAIN, {"looks": (48,), "look_by": "month"}, "before accrual and followup are over"),
        (PLAIN, {"looks": (0.5,), "look_by": "fraction"}, "looks by fraction"),
        (LOOKED, {"looks": (1.0,)}, "looks by fraction in order, above 0 and below 1"),
        (LOOKED, {"events": 1}, "of a number of events in which they differ"),
        (LOOKED, {"critical": (2,)}, "critical above 0 for each of looks and the end"),
        (LOOKED, {"critical": (2, 0)}, "critical above 0"),
        (PLAIN, {"critical": (0.1,)}, "critical only with looks"),
        (SINGLE, {"looks": (12, 30), "look_by": "month"},
         "found looks=(12, 30), milestone=24.0, control=0, expected looks by month after milestone where control is 0"),
        (SINGLE, {"looks": (24,), "look_by": "month"}, "looks by month after milestone where control is 0"),
        (LOOKED, {"futility": (3.0,)}, "futility for each of looks and below critical"),
        (LOOKED, {"futility": (0.0, 0.0)}, "futility for each of looks"),
        (PLAIN, {"futility": (0.0,)}, "futility for each of looks"),
        (LOOKED, {"critical": (), "futility": (0.0, 0.0)}, "futility for each of looks"),
        (PLAIN, {"accrual": "12"}, "expected a number"),
        (PLAIN, {"accrual": math.nan}, "expected a number"),
        (PLAIN, {"hazard": 0.1}, "expected a list of numbers"),
        (PLAIN, {"hazard": (math.inf,)}, "expected a list of numbers"),
        (PLAIN, {"hazard": np.array([math.inf])}, "expected a list of numbers"),
        (PLAIN, {"hazard": np.array(0.04)}, "found hazard=array(0.04), expected a list of numbers"),
        (PLAIN, {"hazard": np.array([[0.04]])}, "expected a list of numbers"),
        (PLAIN, {"hazard": np.array(["0.04"])}, "expected a list of numbers"),
        (PLAIN, {"hazard": np.array([True])}, "expected a list of numbers"),
        (PLAIN, {"hazard": np.array([0.04, 0.04])}, "found hazard=(0.04, 0.04), hazard_from=(0.0,), expected"),
        # Shown as all messages show what is long.
        (PLAIN, {"hazard": (0.125,) * 100}, "found hazard=(" + "0.125, " * 10 + "0.125,..., hazard_from=(0.0,), expected"),
        (PLAIN, {"stratified": "yes"}, "expected True or False"),
        (PLAIN, {"stratified": np.array([True, False])}, "expected True or False"),
        (PLAIN, {"stratified": []}, "expected True or False"),
        (PLAIN, {"note": 1}, "expected a text"),
        (PLAIN, {"treatment": 10**5000}, "found treatment=a number of more than 20 digits, expected a number"),
        (PLAIN, {"accrual": 10**400}, "found accrual=a number of more than 20 digits, expected a number"),
        (PLAIN, {"hazard": (10**5000,)}, "found hazard=something of type tuple, expected a list of numbers"),
        (PLAIN, {"id": 10**5000}, "found id=a number of more than 20 digits, expected a text"),
        (PLAIN, {"stratum_share": (10**308, 10**308)}, "stratum_share above 0, together 1"),
        (PLAIN, {"id": "a\ud800"}, r"a scenario: found id='a\ud800', expected a text in UTF-8"),
        (PLAIN, {"note": "\ud800"}, r"found note='\ud800', expected a text in UTF-8"),
    ],
)  # fmt: skip
def test_a_scenario_that_cannot_be_is_refused(base, change, said):
    with pytest.raises(CasebookError, match=re.escape(said)) as error:
        replace(base, **change)
    assert str(error.value).encode()


@pytest.mark.parametrize(
    "change",
    [
        {"milestone": 47.9, "horizon": 47.9},
        {"accrual": 0, "milestone": 24, "horizon": 24},
        # The null row of a design: most trials end before, and its results say of how many.
        {"events": 40, "milestone": 40, "horizon": 40},
        # One column over the rows of a table, in some of which nobody has HSCT.
        {"hsct_control": (0.0,), "hsct_treatment": (0.0,), "hsct_ratio": 0.5, "hsct_mortality": 0.01},
        {"control": 0, "null_survival": 0.4, "looks": (24.5, 30), "look_by": "month", "critical": (3, 3, 2)},
        {"control": 0, "null_survival": 0.4, "accrual": 0, "followup": 36, "looks": (24,), "look_by": "month"},
        {"hazard": (1e4,), "hsct_treatment": (1e4,), "drop_out": 1e4},
        {"hazard": (0.0,), "hsct_control": (0.1,), "hsct_treatment": (0.1,), "hsct_mortality": 0.05},
        {"hazard": (Fraction(1, 25),)},
        {"control": 0, "null_survival": 0.4, "hazard_ratio": (0.5,)},
        # Bounds of Haybittle and Peto, two tests at 1.96 to show what they do, and a stop for futility alone.
        {"events": 60, "looks": (0.25, 0.5), "look_by": "fraction", "critical": (3.0, 3.0, 1.96)},
        {"events": 60, "looks": (0.5,), "look_by": "fraction", "critical": (1.96, 1.96)},
        {"looks": (12,), "look_by": "month", "critical": (3.0, 1.9)},
        {"events": 60, "looks": (0.5,), "look_by": "fraction", "futility": (0.0,)},
        {"alpha": 1e-15},
        {"stratified": np.False_},
        {"accrual": 0},
        {"control": 1, "treatment": 1},
        {"events": 100},
    ],
)  # fmt: skip
def test_what_is_just_possible_is_not_refused(change):
    replace(PLAIN, **change)


def test_arrays_of_numbers_are_lists_of_them():
    found = replace(PLAIN, hazard=np.array([0.04]), hazard_from=np.array([0]), critical=np.array([]))
    assert found == PLAIN
    assert repr(found) == repr(PLAIN)


def test_all_that_is_wrong_with_a_scenario_is_said_at_once():
    with pytest.raises(CasebookError) as error:
        replace(PLAIN, accrual=-1, cured_control=2.0, alpha=3)
    for found in ("accrual=-1", "cured_control=2.0", "alpha=3"):
        assert found in str(error.value)


def test_a_scenario_is_made_without_what_only_its_analysis_needs():
    # What finds roots and draws tables takes most of a second to import.
    code = (
        "import sys; from casebook.design.scenarios import Scenario;"
        "Scenario(id='a', control=50, treatment=50, accrual=24, followup=24, hazard=(0.04,), milestone=24, horizon=24);"
        "print(*{'scipy.optimize', 'pandas'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_events_at_looks_are_rounded_up():
    assert replace(LOOKED, events=61, looks=(0.25, 0.5), critical=(), futility=()).look_counts == (16, 31)
    # 0.07 of 100 is 7, though 0.07 * 100 is a little more in floats.
    assert replace(LOOKED, events=100, looks=(0.07,), critical=(3, 2), futility=()).look_counts == (7,)
    assert PLAIN.look_counts == ()


def test_a_null_scenario_is_known_by_its_hazards():
    assert PLAIN.null
    assert not replace(PLAIN, hazard_ratio=(0.9,)).null
    assert not replace(PLAIN, cured_treatment=0.1).null
    assert not replace(PLAIN, hsct_treatment=(0.1,), hsct_ratio=0.5).null
    assert not replace(PLAIN, cured_control=0.1).null
    # What the trial does not last to see.
    beyond = replace(PLAIN, hazard=(0.04, 0.04), hazard_from=(0, 48), hazard_ratio=(1, 0.5))
    assert beyond.null
    assert not replace(beyond, hazard_from=(0, 47)).null
    # Half of 101 are 51 in the first stratum: arms of 50 and 50 and of 51 and 50 have not the same survival.
    odd = replace(PLAIN, control=100, treatment=101, stratum_share=(0.5, 0.5), stratum_ratio=(1, 5))
    assert truth.truth(odd).milestone != 0
    assert not odd.null
    assert not replace(odd, stratified=True).null
    for same in (
        replace(odd, treatment=100),
        replace(odd, treatment=200),
        replace(odd, stratum_ratio=(1, 1)),
    ):
        assert same.null
        assert truth.truth(same).milestone == pytest.approx(0, abs=1e-15)
    # Rates of 0 are none; HSCT that does nothing is no difference, unless the analysis ends there.
    assert replace(PLAIN, hsct_treatment=(0.0,)).null
    idle = replace(PLAIN, hsct_treatment=(0.1,), hsct_ratio=1.0, cured_control=0.2, cured_treatment=0.2)
    assert idle.null
    assert truth.truth(idle) == pytest.approx((0, 0, 0), abs=1e-12)
    for change in ({"hsct_ratio": 0.5}, {"hsct_mortality": 0.01}, {"at_hsct": "censor"}):
        assert not replace(idle, **change).null
        assert replace(idle, hsct_control=(0.1,), **change).null
    assert not SINGLE.null
    assert replace(SINGLE, null_survival=math.exp(-0.04 * 24)).null
