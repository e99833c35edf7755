"""Endpoints: the dates of patients worked by hand into times, causes and reasons for having none."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebook.cohort import endpoints, record
from casebook.cohort.display import steps
from casebook.cohort.endpoints import ENDPOINTS, Endpoint, derive, left_out
from casebook.cohort.readings import with_mrd_dates
from casebook.cohort.risktable import tabulate
from casebook.errors import CasebookError

DATES = [
    "diagnosis_date",
    "blinatumomab_start",
    "hsct_date",
    "relapse_date",
    "death_date",
    "last_contact_date",
]


def patients(rows: dict[str, list[str | None]], columns: list[str] = DATES) -> pd.DataFrame:
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("id").reset_index()
    return frame.assign(**{column: frame[column].astype("datetime64[ns]") for column in columns})


SIX = patients(
    {
        # Days from the start on 2020-01-01 (2020 is a leap year: 1 March is day 60).
        # a: relapse on day 60, death on day 100, never transplanted.
        "a": ["2019-06-01", "2020-01-01", None, "2020-03-01", "2020-04-10", "2020-04-10"],
        # b: HSCT on day 45, death without relapse on day 200.
        "b": ["2019-06-01", "2020-01-01", "2020-02-15", None, "2020-07-19", "2020-07-19"],
        # c: HSCT on day 50, then nothing up to day 366.
        "c": ["2019-06-01", "2020-01-01", "2020-02-20", None, None, "2021-01-01"],
        # d: relapse and death on day 30.
        "d": ["2019-06-01", "2020-01-01", None, "2020-01-31", "2020-01-31", "2020-01-31"],
        # e: never began blinatumomab.
        "e": ["2019-06-01", None, None, None, None, "2020-06-01"],
        # f: HSCT on day 40, relapse on day 130, alive on day 305.
        "f": ["2019-06-01", "2020-01-01", "2020-02-10", "2020-05-10", None, "2020-11-01"],
    }
)

WORKED = {
    # Days, and the cause: 0 censored, else the i-th of the causes of the endpoint.
    "OS": {"a": (100, 1), "b": (200, 1), "c": (366, 0), "d": (30, 1), "f": (305, 0)},
    "RFS": {"a": (60, 1), "b": (200, 2), "c": (366, 0), "d": (30, 1), "f": (130, 1)},
    "EFS": {"a": (60, 1), "b": (200, 2), "c": (366, 0), "d": (30, 1), "f": (130, 1)},
    "CIR": {"a": (60, 1), "b": (200, 2), "c": (366, 0), "d": (30, 1), "f": (130, 1)},
    # Causes death, relapse: d's death on the day of relapse is one after relapse.
    "NRM": {"a": (60, 2), "b": (200, 1), "c": (366, 0), "d": (30, 2), "f": (130, 2)},
    # Causes HSCT, relapse, death.
    "TTHSCT": {"a": (60, 2), "b": (45, 1), "c": (50, 1), "d": (30, 2), "f": (40, 1)},
    # From HSCT: 200 - 45, 366 - 50, 305 - 40 or 130 - 40.
    "OSHSCT": {"b": (155, 1), "c": (316, 0), "f": (265, 0)},
    "RFSHSCT": {"b": (155, 2), "c": (316, 0), "f": (90, 1)},
    "CIRHSCT": {"b": (155, 2), "c": (316, 0), "f": (90, 1)},
    "NRMHSCT": {"b": (155, 1), "c": (316, 0), "f": (90, 2)},
}


def times(frame: pd.DataFrame) -> dict[str, tuple[float, int]]:
    return {row.USUBJID: (row.AVAL, row.CAUSE) for row in frame.itertuples()}


@pytest.mark.parametrize("paramcd", WORKED)
def test_six_patients_worked_by_hand(paramcd):
    frame = derive(SIX, ENDPOINTS[paramcd])
    assert times(frame) == WORKED[paramcd]
    assert set(left_out(frame)["USUBJID"]) == set("abcdef") - set(WORKED[paramcd])


def test_every_endpoint_of_the_book_is_worked_by_hand_here():
    assert set(ENDPOINTS) == {*WORKED, "MRDFREE"}
    assert all(code == endpoint.paramcd for code, endpoint in ENDPOINTS.items())


def test_a_row_holds_the_columns_of_a_time_to_event_dataset():
    row = derive(SIX, ENDPOINTS["NRM"]).iloc[0]
    assert row.to_dict() == {
        "USUBJID": "a",
        "PARAMCD": "NRM",
        "PARAM": "Death without relapse from start of blinatumomab, relapse competing",
        "STARTDT": pd.Timestamp("2020-01-01"),
        "ADT": pd.Timestamp("2020-03-01"),
        "AVAL": 60.0,
        "CNSR": 0,  # a competing event is no censoring
        "EVNTDESC": "relapse",
        "CAUSE": 2,
        "ENTRY": 0.0,
    }


def test_ids_may_be_the_index_as_a_record_has_them():
    pd.testing.assert_frame_equal(
        derive(SIX.set_index("id"), ENDPOINTS["RFS"]), derive(SIX, ENDPOINTS["RFS"])
    )


# -- censoring ----------------------------------------------------------------------------------------------


def test_what_follows_the_data_cutoff_is_not_seen():
    # The cutoff is day 100: a's death on that day counts; b's on day 200 and f's relapse on day 130 are not seen.
    frame = derive(SIX, ENDPOINTS["OS"], cutoff="2020-04-10")
    assert times(frame) == {"a": (100, 1), "b": (100, 0), "c": (100, 0), "d": (30, 1), "f": (100, 0)}
    assert dict(zip(frame["USUBJID"], frame["EVNTDESC"], strict=True)) == {
        "a": "death", "b": "data cutoff", "c": "data cutoff", "d": "death", "f": "data cutoff",
    }  # fmt: skip
    # One day earlier it does not.
    assert times(derive(SIX, ENDPOINTS["OS"], cutoff="2020-04-09"))["a"] == (99, 0)


def test_a_patient_lost_before_the_cutoff_is_censored_at_the_last_contact():
    frame = derive(SIX, ENDPOINTS["OS"], cutoff="2020-12-01").set_index("USUBJID")
    assert (frame.at["f", "AVAL"], frame.at["f", "EVNTDESC"]) == (305, "last contact")
    assert (frame.at["c", "AVAL"], frame.at["c", "EVNTDESC"]) == (335, "data cutoff")  # 1 November is day 305


def test_an_origin_after_the_cutoff_is_not_seen_either():
    frame = derive(SIX, ENDPOINTS["OSHSCT"], cutoff="2020-02-15")
    assert times(frame) == {"b": (0, 0), "f": (5, 0)}  # transplanted on days 45, the cutoff, and 40
    assert left_out(frame)["REASON"].unique().tolist() == ["no HSCT by the data cutoff"]
    assert left_out(frame)["USUBJID"].tolist() == ["a", "c", "d", "e"]


def test_times_can_be_censored_at_transplantation():
    untransplanted = Endpoint(
        "RFSNOTX", "RFS censored at HSCT", "blinatumomab_start", (endpoints.RELAPSE, endpoints.DEATH),
        censored_by=(endpoints.HSCT,),
    )  # fmt: skip
    frame = derive(SIX, untransplanted)
    assert times(frame) == {"a": (60, 1), "b": (45, 0), "c": (50, 0), "d": (30, 1), "f": (40, 0)}
    assert frame.loc[frame["CNSR"] == 1, "EVNTDESC"].unique().tolist() == ["HSCT"]


def test_an_event_on_the_day_that_ends_follow_up_counts():
    one = patients({"a": [None, "2020-01-01", "2020-02-01", "2020-02-01", None, "2020-02-01"]})
    censored = Endpoint("X", "x", "blinatumomab_start", (endpoints.RELAPSE,), censored_by=(endpoints.HSCT,))
    assert times(derive(one, censored, cutoff="2020-02-01")) == {"a": (31, 1)}


def test_a_recorded_event_counts_after_the_last_contact():
    one = patients({"a": [None, "2020-01-01", None, None, "2020-02-01", "2020-01-10"]})
    assert times(derive(one, ENDPOINTS["OS"])) == {"a": (31, 1)}
    # Not seen before the cutoff: then the last contact is all that is known.
    assert times(derive(one, ENDPOINTS["OS"], cutoff="2020-01-20")) == {"a": (9, 0)}


def test_who_has_an_event_needs_no_last_contact_and_who_has_none_does():
    open_end = patients({"a": [None, "2020-01-01", None, None, "2020-02-01", None]})
    assert times(derive(open_end, ENDPOINTS["OS"])) == {"a": (31, 1)}
    with pytest.raises(CasebookError, match="neither an event nor last_contact_date of a; expected one"):
        derive(open_end, Endpoint("X", "x", "blinatumomab_start", (endpoints.RELAPSE,)))


def test_who_dies_after_the_cutoff_was_followed_up_to_it_without_a_last_contact():
    one = patients({"a": [None, "2020-01-01", None, None, "2020-02-01", None]})
    assert times(derive(one, ENDPOINTS["OS"], cutoff="2020-01-20")) == {"a": (19, 0)}


# -- two on one day -----------------------------------------------------------------------------------------


def test_which_of_two_events_on_one_day_counts_is_the_priority():
    for code, relapse_first, death_first in (("CIR", 1, 2), ("NRM", 2, 1), ("RFS", 1, 2)):
        assert times(derive(SIX, ENDPOINTS[code]))["d"] == (30, relapse_first)
        swapped = derive(SIX, ENDPOINTS[code], priority=("death", "relapse"))
        assert times(swapped)["d"] == (30, death_first)
        assert times(swapped)["a"] == times(derive(SIX, ENDPOINTS[code]))["a"]  # 60 before 100 in any order


def test_the_default_priority_orders_every_cause_of_the_book():
    assert all(set(endpoint.causes) <= set(endpoints.PRIORITY) for endpoint in ENDPOINTS.values())


def test_a_priority_that_leaves_a_cause_out_is_refused():
    with pytest.raises(CasebookError, match="found the priority death; expected it to name relapse too"):
        derive(SIX, ENDPOINTS["CIR"], priority=("death",))


# -- the day of origin --------------------------------------------------------------------------------------


ON_DAY_ZERO = patients(
    {
        "a": [None, "2020-01-01", None, None, "2020-01-01", "2020-01-01"],  # died on the day of origin
        "b": [None, "2020-01-01", None, None, None, "2020-01-01"],  # last seen on it
        "c": [None, "2020-01-01", None, None, None, "2020-01-02"],
    }
)


def test_a_time_that_ends_on_the_day_of_origin_is_kept_halved_or_refused():
    endpoint = ENDPOINTS["OS"]
    assert times(derive(ON_DAY_ZERO, endpoint)) == {"a": (0, 1), "b": (0, 0), "c": (1, 0)}
    assert times(derive(ON_DAY_ZERO, endpoint, same_day="half")) == {
        "a": (0.5, 1),
        "b": (0.5, 0),
        "c": (1, 0),
    }
    with pytest.raises(CasebookError, match="end on the day of origin, of a, b; expected times above 0"):
        derive(ON_DAY_ZERO, endpoint, same_day="error")
    with pytest.raises(CasebookError, match="found same_day='drop'; expected one of keep, half, error"):
        derive(ON_DAY_ZERO, endpoint, same_day="drop")


# -- late entry and other exclusions ------------------------------------------------------------------------


FROM_DIAGNOSIS = Endpoint("OSDX", "Overall survival from diagnosis", "diagnosis_date", (endpoints.DEATH,))


def test_late_entry_counts_patients_from_the_day_they_come_under_observation():
    # From 2019-06-01 to 2020-01-01 are 214 days: 30 + 31 + 31 + 30 + 31 + 30 + 31.
    frame = derive(SIX, FROM_DIAGNOSIS, entry="hsct_date").set_index("USUBJID")
    assert frame["ENTRY"].to_dict() == {"b": 214 + 45, "c": 214 + 50, "f": 214 + 40}
    assert frame["AVAL"].to_dict() == {"b": 214 + 200, "c": 214 + 366, "f": 214 + 305}
    assert frame.attrs["left_out"] == {"a": "no HSCT", "d": "no HSCT", "e": "no HSCT"}


def test_who_is_followed_no_longer_than_to_the_entry_is_left_out_and_counted():
    rows = patients(
        {
            "on": [
                "2020-01-01",
                None,
                "2020-03-01",
                None,
                "2020-03-01",
                "2020-03-01",
            ],  # died on the day of entry
            "after": ["2020-01-01", None, "2020-03-01", None, "2020-03-02", "2020-03-02"],
            "before": [
                "2020-01-01",
                None,
                "2019-03-01",
                None,
                None,
                "2020-03-02",
            ],  # under observation already
        }
    )
    frame = derive(rows, FROM_DIAGNOSIS, entry="hsct_date")
    assert frame[["USUBJID", "ENTRY", "AVAL"]].to_numpy().tolist() == [["after", 60, 61], ["before", 0, 61]]
    assert frame.attrs["left_out"] == {"on": "followed no longer than to HSCT"}
    # The table of risk takes what is left.
    table = tabulate(frame["AVAL"], frame["CAUSE"], entry=frame["ENTRY"], causes=FROM_DIAGNOSIS.causes)
    assert (table.start, table.at_risk_at([60, 61]).tolist()) == (1, [1, 2])
    cut = derive(rows, FROM_DIAGNOSIS, entry="hsct_date", cutoff="2020-03-01")
    assert cut.attrs["left_out"]["after"] == "followed no longer than to HSCT"


def test_who_relapsed_before_the_transplant_is_at_risk_of_death_after_it_and_not_of_relapse():
    one = patients({"a": [None, "2020-01-01", "2020-04-01", "2020-02-01", None, "2020-06-01"]})
    assert times(derive(one, ENDPOINTS["OSHSCT"])) == {"a": (61, 0)}
    assert derive(one, ENDPOINTS["RFSHSCT"]).attrs["left_out"] == {"a": "relapse before HSCT"}


def test_nobody_with_the_origin_gives_an_empty_frame_of_the_same_types():
    frame = derive(SIX[SIX["id"] == "e"], ENDPOINTS["OS"])
    assert frame.empty
    assert frame.dtypes.astype(str).to_dict() == derive(SIX, ENDPOINTS["OS"]).dtypes.astype(str).to_dict()
    assert left_out(frame).to_numpy().tolist() == [["e", "no blinatumomab start"]]
    nobody = derive(SIX.iloc[:0], ENDPOINTS["OS"])
    assert (len(nobody), len(left_out(nobody))) == (0, 0)


# -- refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda p: p.drop(columns="death_date"), "found no column death_date; expected dates"),
        (lambda p: p.assign(death_date="2020-01-01"), "in death_date; expected dates (datetime64)"),
        (
            lambda p: p.assign(death_date=pd.Timestamp("2020-05-01 12:00")),
            "a time of day in death_date of a, b",
        ),
        (lambda p: pd.concat([p, p.iloc[:2]]), "more than one row of a, b; expected each patient once"),
        (lambda p: p.assign(last_contact_date=pd.Timestamp("2019-12-31")), "found last_contact_date before"),
    ],
)
def test_tables_that_give_no_times_are_refused(spoil, said):
    with pytest.raises(CasebookError, match=re.escape(said)):
        derive(spoil(SIX), ENDPOINTS["OS"])


@pytest.mark.parametrize(
    "cutoff", ["soon", pd.NaT, "2020-01-01 12:00", pd.Timestamp("2020-01-01", tz="UTC"), ["2020"]]
)
def test_a_cutoff_that_is_no_day_is_refused(cutoff):
    with pytest.raises(CasebookError, match="expected a day such as"):
        derive(SIX, ENDPOINTS["OS"], cutoff=cutoff)
    with pytest.raises(CasebookError, match="expected a day such as"):
        record.load(cutoff=cutoff)


def test_what_is_no_table_no_endpoint_and_no_priority_is_refused():
    for wrong in (None, "OS", ENDPOINTS):
        with pytest.raises(CasebookError, match=r"found the endpoint .*; expected an Endpoint"):
            derive(SIX, wrong)
    with pytest.raises(CasebookError, match="found patients of type NoneType; expected a DataFrame"):
        derive(None, ENDPOINTS["OS"])
    for wrong in ("relapse, death", None):
        with pytest.raises(CasebookError, match="expected a sequence of causes"):
            derive(SIX, ENDPOINTS["OS"], priority=wrong)


def test_a_definition_that_cannot_be_used_is_refused():
    with pytest.raises(CasebookError, match="found no events"):
        Endpoint("X", "x", "hsct_date", ())
    with pytest.raises(CasebookError, match="expected one of 1 to 8 characters"):
        Endpoint("NINECHARS", "x", "hsct_date", (endpoints.DEATH,))
    with pytest.raises(CasebookError, match="found death as event and as competing event"):
        Endpoint("X", "x", "hsct_date", (endpoints.DEATH,), (endpoints.DEATH,))


def test_a_frame_that_lost_who_was_left_out_says_so():
    with pytest.raises(CasebookError, match="does not say who was left out"):
        left_out(pd.DataFrame())


# -- against each patient alone, for any dates ---------------------------------------------------------------


day = st.one_of(st.none(), st.integers(0, 6))


@st.composite
def any_patients(draw) -> pd.DataFrame:
    """Patients with dates in any order in one week, so that most days hold more than one."""
    rows = {}
    for number in range(draw(st.integers(1, 6))):
        dates = [None if d is None else f"2020-01-0{d + 1}" for d in (draw(day) for _ in range(5))]
        rows[f"p{number}"] = [*dates, f"2020-01-0{draw(st.integers(7, 8))}"]
    return patients(rows)


def alone(row: pd.Series, endpoint: Endpoint, cutoff: pd.Timestamp):
    """The definition, read off one patient: (days, cause), or None."""
    seen = {
        what: row[column]
        for column, what in (*endpoint.events, *endpoint.competing)
        if pd.notna(row[column]) and row[column] <= cutoff
    }
    start = row[endpoint.origin]
    if pd.isna(start) or start > cutoff or any(date < start for date in seen.values()):
        return None
    if not seen:
        return (min(row["last_contact_date"], cutoff) - start).days, 0
    first = min(seen.values())
    what = next(one for one in endpoints.PRIORITY if seen.get(one) == first)
    return (first - start).days, endpoint.causes.index(what) + 1


@given(any_patients(), st.sampled_from(sorted(WORKED)), st.integers(1, 9))
def test_the_whole_table_agrees_with_each_patient_alone(frame, paramcd, last):
    cutoff, endpoint = pd.Timestamp(2020, 1, last), ENDPOINTS[paramcd]
    derived = derive(frame, endpoint, cutoff=cutoff)
    expected = {row["id"]: alone(row, endpoint, cutoff) for _, row in frame.iterrows()}
    assert times(derived) == {one: time for one, time in expected.items() if time is not None}
    assert set(left_out(derived)["USUBJID"]) == {one for one, time in expected.items() if time is None}


@given(any_patients())
def test_relapse_and_death_without_relapse_share_times_and_swap_causes(frame):
    relapse, death = (derive(frame, ENDPOINTS[code]) for code in ("CIR", "NRM"))
    assert relapse["AVAL"].tolist() == death["AVAL"].tolist()
    assert relapse["CAUSE"].tolist() == [{0: 0, 1: 2, 2: 1}[cause] for cause in death["CAUSE"]]


# -- freedom from MRD ---------------------------------------------------------------------------------------


def cohort(readings: list[tuple[str, str, str]], rows: pd.DataFrame = SIX) -> SimpleNamespace:
    assessments = pd.DataFrame(readings, columns=["patient", "date", "result"])
    assessments["date"] = assessments["date"].astype("datetime64[ns]")
    return SimpleNamespace(patients=rows, assessments=assessments.assign(analyte="MRD"))


READINGS = [
    # a: negative on the day of the start (before treatment), then on day 28 by one method and not by the other;
    # first negative on day 42 (12 February). Relapse on day 60.
    ("a", "2020-01-01", "negative"),
    ("a", "2020-01-29", "negative"), ("a", "2020-01-29", "positive"),
    ("a", "2020-02-12", "negative"),
    # b: negative on day 28, not quantifiable on day 60, positive on day 91 (1 April) and negative after it.
    ("b", "2020-01-29", "negative"), ("b", "2020-03-01", "not quantifiable"), ("b", "2020-04-01", "positive"),
    ("b", "2020-05-01", "negative"),
    # c: negative on days 28 and 91, no later reading though followed to day 366.
    ("c", "2020-01-29", "negative"), ("c", "2020-04-01", "negative"),
    # d: never negative. e: never treated.
    ("d", "2020-01-29", "positive"), ("e", "2020-01-29", "negative"),
]  # fmt: skip


def test_freedom_from_mrd_runs_from_the_first_negative_reading_to_the_first_positive_one():
    frame = derive(with_mrd_dates(cohort(READINGS), positive=("positive",)), ENDPOINTS["MRDFREE"])
    # a: from day 42 to relapse on day 60; b: from 28 to 91; c: censored at the last contact, from 28 to 366, as long as
    # an event would have been seen.
    assert times(frame) == {"a": (18, 2), "b": (63, 1), "c": (338, 0)}
    assert frame["EVNTDESC"].tolist() == ["relapse", "MRD positive", "last contact"]
    assert frame.attrs["left_out"] == dict.fromkeys("def", "no negative reading")


def test_what_cannot_be_quantified_is_positive_unless_it_is_said_not_to_be():
    strict = with_mrd_dates(cohort(READINGS))
    assert times(derive(strict, ENDPOINTS["MRDFREE"]))["b"] == (32, 1)  # from day 28 to day 60
    with pytest.raises(CasebookError, match="found negative as negative and positive"):
        with_mrd_dates(cohort(READINGS), positive=("positive", "negative"))


def test_readings_after_the_cutoff_are_not_seen():
    dated = with_mrd_dates(cohort(READINGS), positive=("positive",))
    frame = derive(dated, ENDPOINTS["MRDFREE"], cutoff="2020-03-31").set_index("USUBJID")
    # The cutoff is day 90: b's positive reading on day 91 is not seen. From day 28 to day 90 are 62 days.
    assert frame["AVAL"].to_dict() == {"a": 18, "b": 62, "c": 62}
    assert frame.loc[["b", "c"], "EVNTDESC"].unique().tolist() == ["data cutoff"]


def test_other_analytes_are_no_readings_of_mrd():
    other = cohort(READINGS)
    other.assessments["analyte"] = "fusion gene"
    dated = with_mrd_dates(other)
    assert dated["negative_reading_date"].isna().all()
    assert derive(dated, ENDPOINTS["MRDFREE"]).empty


def test_readings_of_nobody_in_the_cohort_are_refused():
    with pytest.raises(CasebookError, match="found readings of z; expected patients of the cohort"):
        with_mrd_dates(cohort([("z", "2020-01-29", "negative")]))


def test_readings_without_a_date_are_refused():
    undated = cohort(READINGS)
    undated.assessments.loc[[0, 3], "date"] = pd.NaT
    with pytest.raises(CasebookError, match="found 2 readings of MRD without a date"):
        with_mrd_dates(undated)


# -- in words -----------------------------------------------------------------------------------------------


def test_the_steps_of_one_patient_lead_to_the_result_in_words():
    said = steps(SIX, ENDPOINTS["NRM"], "a", cutoff="2020-04-01")
    assert said.to_numpy().tolist() == [
        ["origin", "2020-01-01", "day 0"],
        ["event: death", "2020-04-10", "after the data cutoff: not seen"],
        ["competing event: relapse", "2020-03-01", "competing event, day 60"],
        ["censoring: last contact", "2020-04-10", "after the data cutoff: not seen"],
        ["data cutoff", "2020-04-01", "nothing later is seen"],
        ["result", "2020-03-01", "event: relapse, day 60"],
    ]


def test_the_steps_say_why_a_patient_is_left_out_or_enters_late():
    assert steps(SIX, ENDPOINTS["OS"], "e").iloc[-1].tolist() == [
        "result", "none", "left out: no blinatumomab start",
    ]  # fmt: skip
    late = steps(SIX, FROM_DIAGNOSIS, "c", entry="hsct_date")
    assert late["reading"].tolist() == [
        "day 0",
        "at risk only after it, day 264",
        "no day recorded",
        "known to be without an event until then, day 580",
        "censored at last contact, day 580 (at risk from day 264)",
    ]
    with pytest.raises(CasebookError, match="found no patient 'z'"):
        steps(SIX, ENDPOINTS["OS"], "z")


def test_the_steps_show_an_origin_that_the_cutoff_hides():
    said = steps(SIX, ENDPOINTS["OSHSCT"], "c", cutoff="2020-02-01")
    assert said["reading"].iloc[0] == "after the data cutoff: not seen"
    assert said["reading"].iloc[-1] == "left out: no HSCT by the data cutoff"
