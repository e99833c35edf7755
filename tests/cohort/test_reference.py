import re
import shutil

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, CoxTimeVaryingFitter, KaplanMeierFitter, datasets
from lifelines.statistics import logrank_test, multivariate_logrank_test

from casebook.cohort import comparison, estimate, models, reference, risktable
from casebook.errors import CasebookError, DataError
from casebook.paths import DATA
from casebook.report import record
from casebook.tables import read
from casebook.trials import schema

FOLDER = DATA / "reference"


@pytest.fixture(scope="module")
def published():
    return reference.load("published")


def row(published, **wanted):
    """The one number of R that is described so."""
    rows = published[published["origin"].str.startswith("R")].fillna({"group": ""})
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    (found,) = rows.itertuples()
    return found


def agrees(found, value):
    return abs(found.value - value) <= 0.51 * 10**-found.digits


def curve(weeks, event):
    return KaplanMeierFitter().fit(weeks, event)


@pytest.mark.parametrize("name", reference.SCHEMAS)
def test_every_table_is_read_and_described_on_the_card(name):
    frame = reference.load(name)
    assert len(frame)
    card = (FOLDER / "README.md").read_text()
    section = card.split(f"## `{name}.csv`")[1].split("\n## ")[0]
    assert [column for column in frame.columns if f"`{column}`" not in section] == []


def test_the_transplants_are_counted_as_the_book_counts_them():
    bmt = reference.load("bmt")
    # Klein and Moeschberger: 38 ALL, 54 AML low risk, 45 AML high risk. Of the 83 failures 42 are relapses, so that
    # 41 died in remission.
    assert bmt["group"].value_counts().to_dict() == {"AML low risk": 54, "AML high risk": 45, "ALL": 38}
    assert bmt["relapsed_or_died"].sum() == 83
    assert bmt["relapsed"].sum() == 42
    assert (bmt["died"] & ~bmt["relapsed"]).sum() == 41


def test_the_card_names_the_one_row_that_cannot_be():
    bmt = reference.load("bmt")
    late = bmt[bmt["chronic_gvhd_days"] > bmt["death_days"]]
    (words,) = [f"patient {row.patient:g} died on day {row.death_days:g}" for row in late.itertuples()]
    assert words in (FOLDER / "README.md").read_text()


def test_lifelines_finds_in_the_transplants_what_r_found(published):
    bmt = reference.load("bmt")
    event = bmt["relapsed_or_died"].astype(int)
    found = multivariate_logrank_test(bmt["disease_free_days"], bmt["group"], event)
    wanted = {"data": "bmt", "endpoint": "relapse or death"}
    assert agrees(row(published, **wanted, method="log-rank", quantity="chi-squared"), found.test_statistic)
    for group, rows in bmt.groupby("group"):
        km = curve(rows["disease_free_days"], event[rows.index])
        for day in (365, 730, 1095):
            assert agrees(
                row(published, **wanted, group=group, time=day, quantity="survival"), km.predict(day)
            )
        assert row(published, **wanted, group=group, quantity="median").value == km.median_survival_time_


def test_lifelines_finds_in_the_leukaemias_what_r_and_the_textbook_found(published):
    frame = reference.load("leukemia")
    event, drug = frame["relapsed"].astype(int), frame["treatment"] == "6-MP"
    arms = frame["weeks"][drug], frame["weeks"][~drug], event[drug], event[~drug]
    for method, weights in [
        ("log-rank", None),
        ("wilcoxon", "wilcoxon"),
        ("tarone-ware", "tarone-ware"),
        ("peto", "peto"),
    ]:
        statistic = logrank_test(*arms, weightings=weights).test_statistic
        rows = published[
            (published["data"] == "leukemia")
            & (published["method"] == method)
            & (published["quantity"] == "chi-squared")
        ]
        assert len(rows) == (1 if method == "log-rank" else 2)
        assert all(agrees(found, statistic) for found in rows.itertuples())


def test_lifelines_finds_in_the_maintenance_trial_what_r_found(published):
    aml = reference.load("aml")
    frame = pd.DataFrame(
        {
            "weeks": aml["weeks"],
            "event": aml["relapsed"].astype(int),
            "not_maintained": 1 - aml["maintained"].astype(int),
        }
    )
    # lifelines stops its search at a step of 1e-7 in the log-likelihood, about five digits of the coefficient.
    found = CoxPHFitter().fit(frame, "weeks", "event").params_["not_maintained"]
    assert found == pytest.approx(
        row(published, data="aml", method="Cox, Efron", quantity="coefficient").value, abs=1e-5
    )
    for maintained, group in [(True, "maintained"), (False, "not maintained")]:
        rows = frame[aml["maintained"] == maintained]
        median = curve(rows["weeks"], rows["event"]).median_survival_time_
        assert row(published, data="aml", group=group, quantity="median").value == median


def periods(stanford):
    """Waiting, and the time after transplant, counting the first day as 1 (see the data card)."""
    rows = []
    for one in stanford.itertuples():
        about = {
            "age": one.age_days / 365.25 - 48,
            "year": one.accepted_day / 365.25,
            "surgery": int(one.surgery),
            "id": one.patient,
        }
        end, change = one.end_days + 1, one.transplant_days + 1
        if not one.transplanted:
            rows.append({"start": 0, "stop": end, "event": int(one.died), "transplant": 0, **about})
            continue
        change -= 0.5 * (change == end)
        rows.append({"start": 0, "stop": change, "event": 0, "transplant": 0, **about})
        rows.append({"start": change, "stop": end, "event": int(one.died), "transplant": 1, **about})
    return pd.DataFrame(rows)


def test_the_periods_that_lifelines_carries_follow_from_the_patients():
    theirs = datasets.load_stanford_heart_transplants()
    ours = periods(reference.load("stanford"))[theirs.columns]
    assert len(ours) == 172
    np.testing.assert_allclose(ours.astype(float), theirs.astype(float), atol=1e-9)


def test_lifelines_finds_of_the_hearts_what_r_found(published):
    frame = periods(reference.load("stanford"))[["start", "stop", "event", "transplant", "id"]]
    model = CoxTimeVaryingFitter().fit(
        frame, id_col="id", start_col="start", stop_col="stop", event_col="event"
    )
    wanted = row(
        published,
        method="Cox, Efron, first day 1, transplant alone",
        group="transplant",
        quantity="coefficient",
    )
    assert model.params_["transplant"] == pytest.approx(wanted.value, abs=1e-5)


# -- heart attacks: others printed what they found in years to two decimals ---------------------------------


@pytest.fixture(scope="module")
def heart_attacks():
    frame = reference.load("whas500")
    # 500 patients, 215 deaths: as the documentation of scikit-survival counts them; 78 with atrial fibrillation: counted in R.
    assert (len(frame), frame["died"].sum(), frame["atrial_fibrillation"].sum()) == (500, 215, 78)
    group = frame["atrial_fibrillation"].map({True: "atrial fibrillation", False: "no atrial fibrillation"})
    died, without = frame["died"].astype(int), 1 - frame["atrial_fibrillation"].astype(int)
    return frame.assign(group=group, died=died, without=without, years=(frame["days"] / 365.25).round(2))


def in_unit(published, unit, method):
    return published[(published["data"] == "whas500") & (published["method"] == f"{method}, {unit}")]


UNITS = {"years to two decimals": "years", "days": "days"}


def test_our_curves_of_heart_attacks_are_those_printed_and_those_of_r(published, heart_attacks):
    tables = risktable.tabulate_by(heart_attacks["group"], heart_attacks["years"], heart_attacks["died"])
    rows = in_unit(published, "years to two decimals", "Kaplan-Meier, log-log limits")
    assert rows["origin"].str[:4].value_counts().to_dict() == {"read": 6, "R su": 6}
    for one in rows.itertuples():
        (found,) = estimate.kaplan_meier(tables[one.group]).at([one.time]).itertuples()
        assert agrees(one, found.estimate)
        if one.origin.startswith("R"):
            limits = (one.lower, one.upper)
            assert (found.lower, found.upper) == pytest.approx(limits, abs=0.51 * 10**-one.digits)


@pytest.mark.parametrize(("unit", "column"), UNITS.items())
def test_our_log_rank_test_of_heart_attacks_is_that_printed_and_that_of_r(
    published, heart_attacks, unit, column
):
    tables = risktable.tabulate_by(heart_attacks["group"], heart_attacks[column], heart_attacks["died"])
    found = comparison.log_rank(tables)
    ours = {"chi-squared": found.statistic, "degrees of freedom": found.degrees_of_freedom, "p": found.p}
    rows = in_unit(published, unit, "log-rank")
    assert rows["origin"].str.startswith("read").sum() == (column == "years")
    assert all(agrees(one, ours[one.quantity]) for one in rows.itertuples())


def test_our_cox_model_of_heart_attacks_is_that_of_r_and_prints_what_was_printed(published, heart_attacks):
    fitted = models.cox(heart_attacks, "days", "died", ["without"]).coefficients.loc["without"]
    ours = {
        "coefficient": fitted["coefficient"],
        "standard error of the coefficient": fitted["standard_error"],
        "hazard ratio": fitted["ratio"],
    }
    rows = in_unit(published, "days", "Cox, Efron")
    assert len(rows) == 3
    assert all(agrees(one, ours[one.quantity]) for one in rows.itertuples())
    # The model takes no time of 0, which rounding to years makes of day 1; the printed digits are not touched by it.
    rounded = in_unit(published, "years to two decimals", "Cox, Efron")
    (printed,) = rounded[rounded["origin"].str.startswith("read")].itertuples()
    assert (printed.value, printed.lower, printed.upper) == (0.583, 0.421, 0.806)
    for value, name in ((printed.value, "ratio"), (printed.lower, "lower"), (printed.upper, "upper")):
        assert round(fitted[name], 3) == value
    with pytest.raises(CasebookError, match="found 0 as 'years'; expected times above 0"):
        models.cox(heart_attacks, "years", "died", ["without"])


def test_the_card_says_what_years_to_two_decimals_do_to_the_heart_attacks(heart_attacks):
    card = (FOLDER / "README.md").read_text()
    without = heart_attacks[heart_attacks["without"] == 1]
    at = {}
    for unit, time in (("years", 3), ("days", 3 * 365.25)):
        curve = estimate.kaplan_meier(risktable.tabulate(without[unit], without["died"]))
        at[unit] = curve.at([time])["estimate"].item()
    assert f"is {at['years']:.3f} instead of {at['days']:.3f}" in card
    first = heart_attacks["days"] == 1
    assert (heart_attacks.loc[first, "died"].sum(), heart_attacks.loc[first, "years"].max()) == (8, 0)
    # A whole number of days is never half way between two such years (1461 * odd / 800 is none), so that NumPy's rounding
    # half to even and any other way agree.
    hundredths = heart_attacks["days"] * 100 / 365.25
    assert (abs(hundredths % 1 - 0.5) > 1e-4).all()


def test_the_leukaemias_are_those_that_lifelines_carries():
    theirs, ours = datasets.load_leukemia(), reference.load("leukemia")
    pairs = {"t": "weeks", "status": "relapsed", "logWBC": "log_white_cells", "sex": "male"}
    for column, name in pairs.items():
        assert theirs[column].tolist() == ours[name].astype(float).tolist()
    assert (ours["treatment"] == "placebo").tolist() == (theirs["Rx"] == 1).tolist()


def test_numbers_read_and_numbers_computed_agree_in_every_printed_digit(published):
    same = ["data", "method", "endpoint", "group", "time", "quantity"]
    rows = published.fillna({"group": "", "time": -1})
    read_, computed = (rows[rows["origin"].str.startswith(word)] for word in ("read", "R"))
    both = read_.merge(computed, on=same, suffixes=("", "_r"))
    # Gray's two tests with their p values, three incidences, and three weighted log-rank tests; of the heart attacks six
    # survivals, a log-rank p and a hazard ratio.
    assert len(both) == 18
    for column in ("value", "lower", "upper"):
        pair = both[[column, f"{column}_r"]].assign(half=0.51 * 10.0 ** -both["digits"]).dropna()
        assert ((pair[column] - pair[f"{column}_r"]).abs() <= pair["half"]).all()


def test_no_number_stands_twice(published):
    about = ["data", "method", "endpoint", "group", "time", "quantity", "origin"]
    assert not published.duplicated(about).any()


# -- the eight children -------------------------------------------------------------------------------------


def test_the_bridged_children_of_the_report_are_as_the_report_has_them():
    report = record.load()
    ours = reference.load("bridged").set_index("id")
    ours = ours[ours["study"] == "zhou_case_report"]
    assert list(ours.index) == list(report.cases.index)
    for case, child in ours.iterrows():
        days = report.chronology(case).between(
            report.event(case, "hsct"), report.event(case, "last_follow_up")
        )
        assert days.is_exact
        assert days.lower == child["days"]
        hsct, end, marrow, gap = child["sources"].split(" ")
        assert (hsct, end) == (report.event(case, "hsct"), report.event(case, "last_follow_up"))
        # What stands for the absence of relapse and death: marrows negative after transplant, and nothing else told.
        assert report.measurements.at[marrow, "event"] == f"{case}-marrow-post-hsct"
        assert report.measurements.at[marrow, "bounds"].upper <= 0.01
        assert case in report.not_reported.at[gap, "cases"].split(" ")
        assert "No death or relapse is reported" in report.not_reported.at[gap, "effect"]
        assert not child["relapse"]
        assert not child["death"]


def test_the_other_bridged_children_are_as_their_table_has_them():
    theirs = read(DATA / "trials" / "patients.csv", schema.PATIENTS).set_index("id")
    ours = reference.load("bridged").set_index("id")
    ours = ours[ours["study"] != "zhou_case_report"]
    assert list(ours.index) == list(theirs.index)
    assert (ours["sources"] == ours.index).all()
    for column in ("study", "days"):
        assert ours[column].tolist() == theirs[column].tolist()
    for column in ("relapse", "death"):
        assert ours[column].tolist() == theirs[column].map({"yes": True, "no": False}).tolist()


def test_every_study_of_the_bridged_children_is_in_the_references():
    keys = (DATA.parent / "references.bib").read_text()
    assert all(f"{{{study}," in keys for study in reference.load("bridged")["study"].unique())


# -- spoiled files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rossi", ["bmt"], None, 1])
def test_a_name_that_is_none_is_refused(name):
    words = f"found the name {name!r}, expected one of bmt, stanford"
    with pytest.raises(CasebookError, match=re.escape(words)):
        reference.load(name)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("bmt", "1,ALL,2081,", "1,CLL,2081,", "row 2, column group: found 'CLL'; expected one of ALL"),
        (
            "bmt",
            "1,ALL,2081,no,2081,no,no",
            "1,ALL,2081,no,2081,no,yes",
            "relapsed_or_died as relapsed or died",
        ),
        ("bmt", "1,ALL,2081,no,2081", "1,ALL,2081,no,2082", "disease_free_days not above death_days"),
        ("stanford", "1,45,11266,no,no,,49", "1,45,11266,no,no,7,49", "transplant_days where transplanted"),
        ("aml", "1,9,yes,yes\n", "", "found 22 rows; expected 23"),
        ("aml", "1,9,yes,yes", "1,9,1,yes", "row 2, column relapsed: found '1'; expected yes or no"),
        ("leukemia", "1,35,no,6-MP", "2,35,no,6-MP", "column patient"),
        (
            "whas500",
            "1,2178,no,yes",
            "1,2178.5,no,yes",
            "column days: found '2178.5'; expected a whole number",
        ),
        ("whas500", "\n1,2178,no,yes", "", "found 499 rows; expected 500"),
        ("published", ",0.54919908,", ",inf,", "found 'inf'; expected a number"),
        ("published", ",0.54919908,", ",0.99,", "value not above upper"),
        ("bridged", "c1,zhou_case_report,54", "c1,zhou_case_report,", "column days: found nothing"),
    ],
)
def test_a_spoiled_file_is_refused(tmp_path, name, old, new, words):
    shutil.copy(FOLDER / f"{name}.csv", tmp_path)
    path = tmp_path / f"{name}.csv"
    content = path.read_text()
    assert content.count(old) == 1
    path.write_text(content.replace(old, new))
    with pytest.raises(DataError) as error:
        reference.load(name, tmp_path)
    assert words in str(error.value)
