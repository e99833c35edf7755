"""Summaries: the tables that chapters print, as text cells with the row ids they come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from casebook.bounds import INFINITY, Bounds, date_text
from casebook.errors import ChronologyError
from casebook.paths import DATA
from casebook.report import audit, mrd
from casebook.report.chronology import CALENDAR, Chronology
from casebook.report.course import DAYS_PER_MONTH
from casebook.report.record import Record, load
from casebook.report.schema import STRETCHES

ABSENT = "not in the text"
"""What a cell says where the text gives nothing."""

SPANS = {
    "Infusion": ("infusion_start", "infusion_end"),
    "End of infusion to transplant": ("infusion_end", "hsct"),
    "Transplant to end of follow-up": ("hsct", "last_follow_up"),
}


def between(
    record: Record, case: str, start: str, end: str, readings: Mapping[str, str] | None = None
) -> Bounds:
    """Days from one kind of event to another in a case, such as ``infusion_end`` to ``hsct``.

    ``readings`` maps phrases to readings to use instead of the adopted ones.
    """
    days = record.chronology(case, readings)
    return days.between(record.event(case, start), record.event(case, end))


def day(record: Record, case: str, kind: str, readings: Mapping[str, str] | None = None) -> str:
    """The day of an event of a case in words: ``2022-03-22``, or ``on or before 2021-02-16``."""
    return date_text(record.chronology(case, readings).day(record.event(case, kind)))


def age_at(record: Record, case: str, kind: str) -> str:
    """Age at an event, in years with one decimal, as far as it is known."""
    years = between(record, case, "birth", kind) / (12 * DAYS_PER_MONTH)
    return years.text("years", digits=1)


def level_text(level: Bounds) -> str:
    """A level in percent in words; that it is not negative is no knowledge of it."""
    return level.text("%") if level.upper < INFINITY else "not known"


def days_text(days: Bounds) -> str:
    """A number of days between two events in order; that it is not negative is no knowledge of it."""
    return days.text() if days.lower > 0 or days.upper < INFINITY else "not known"


def glance(record: Record) -> pd.DataFrame:
    """What happened to each child, one row a child: days, MRD before and after, its proven fall."""
    rows = {}
    for case in record.cases.index:
        found = mrd.around_blinatumomab(record, case)
        rows[record.cases.at[case, "label"]] = {
            f"{name} (days)": days_text(between(record, case, *events)) for name, events in SPANS.items()
        } | {
            "MRD before": found["before_printed"],
            "MRD after": found["after_printed"],
            "Fall (log10)": mrd.fall_text(found["reduction"]),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def chronology(record: Record, case: str) -> pd.DataFrame:
    """Every event of a case in order: its day, and the statements from which it is known. Index: event id."""
    days = record.chronology(case)
    rows = {}
    for event in days.order():
        if record.events.at[event, "case"] != case:
            continue
        lower, upper = days.because(CALENDAR, event)
        printed = record.events.at[event, "date_printed"]
        rows[event] = {
            "Event": record.events.at[event, "label"],
            "Printed": "" if pd.isna(printed) else printed,
            "Day": date_text(days.day(event)),
            "Known from": " ".join(dict.fromkeys((*lower, *upper))),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def readings(record: Record, case: str) -> pd.DataFrame:
    """Every reading of a case in order, as printed and as bounds. Index: measurement id."""
    rows = mrd.readings(record, case)
    return pd.DataFrame(
        {
            "When": record.events.loc[rows["event"], "label"].to_numpy(),
            "What": rows["analyte"],
            "Printed": rows["printed"],
            "Can mean": [level_text(bounds) for bounds in rows["bounds"]],
            "Source": rows["source"],
        }
    )


def treatments(record: Record, case: str) -> pd.DataFrame:
    """Every block of treatment of a case, as printed. Index: treatment id."""
    rows = record.treatments[record.treatments["case"] == case]
    agents = rows["agents"].str.replace("; ", ", ")
    return pd.DataFrame(
        {
            "Block": rows["block"].str.cat(rows["cycles_printed"], sep=", ", na_rep="").str.rstrip(", "),
            "Agents": agents.fillna(ABSENT).mask(rows["block"] == "HSCT", ""),
            "Dose": rows["dose_printed"].fillna(ABSENT).mask(rows["block"] == "HSCT", ""),
            "Route": rows["route"].fillna(ABSENT).mask(rows["block"] == "HSCT", ""),
            "Note": rows["note"].fillna(""),
        }
    )


def adverse_events(record: Record, case: str | None = None) -> pd.DataFrame:
    """Adverse events and their stated absence. Index: adverse event id."""
    rows = record.adverse_events
    if case is not None:
        rows = rows[rows["case"] == case]
    grades = [
        "" if pd.isna(low) else Bounds(int(low), int(high)).text()
        for low, high in zip(rows["grade_lower"], rows["grade_upper"], strict=True)
    ]
    return pd.DataFrame(
        {
            "Child": record.cases.loc[rows["case"], "label"].to_numpy(),
            "Term": rows["term"],
            "Occurred": rows["present"].map({True: "yes", False: "no"}),
            "Grade": grades,
            "Printed": rows["printed"],
            "Source": rows["source"],
        },
        index=rows.index,
    )


def table_one(record: Record) -> pd.DataFrame:
    """The children's characteristics, one column a child, rebuilt from the text alone."""
    columns = {}
    for case, row in record.cases.iterrows():
        found = mrd.around_blinatumomab(record, case)
        dose = record.treatments.query("case == @case and block == 'blinatumomab'")["dose_printed"].iloc[0]
        events = record.adverse_events[record.adverse_events["case"] == case]
        cells = {
            "Sex": row["sex"],
            "Age at diagnosis": row["age_printed"],
            "Age at transplant": age_at(record, case, "hsct"),
            "Diagnosis": row["diagnosis"],
            "Genetics": row["genetics"],
            "Protocol": row["protocols"],
            "Risk group": row["risk_group"],
            "MRD before blinatumomab": found["before_printed"],
            "Dose of blinatumomab": dose,
            "Infusion": between(record, case, *SPANS["Infusion"]).text("days"),
            "MRD after blinatumomab": found["after_printed"],
            "Adverse events": ", ".join(events.loc[events["present"].astype(bool), "printed"]),
            "Donor": row["donor"],
            "HLA match": row["hla_match"],
            "Conditioning": None,
            "Transplant": day(record, case, "hsct"),
            "End of follow-up": day(record, case, "last_follow_up"),
        }
        columns[row["label"]] = {name: ABSENT if pd.isna(cell) else cell for name, cell in cells.items()}
    return pd.DataFrame(columns)


def discrepancies(record: Record, case: str | None = None) -> pd.DataFrame:
    """Statements that cannot be or contradict another; of one case if given. Index: discrepancy id."""
    rows = record.discrepancies
    if case is not None:
        rows = rows[[case in _cases(record, statements) for statements in rows["statements"]]]
    return pd.DataFrame(
        {
            "What": rows["title"],
            "Where": rows["sources"],
            "Reading used": rows["reading"],
            "What it changes": rows["effect"],
            "Kind, and found by": [
                f"{kind}: {', '.join('a reader' if by == audit.READ else by.replace('_', ' ') for by in found_by.split())}"
                for kind, found_by in zip(rows["kind"], rows["found_by"], strict=True)
            ],
        }
    )


def not_reported(record: Record, case: str | None = None) -> pd.DataFrame:
    """What the text does not give; of one case if given. Index: id."""
    rows = record.not_reported
    if case is not None:
        rows = rows[[case in cases.split() for cases in rows["cases"]]]
    labels = dict(record.cases["label"]) | {"all": "The report"}
    return pd.DataFrame(
        {
            "Of": [", ".join(labels[name] for name in cases.split()) for cases in rows["cases"]],
            "Not in the text": rows["item"],
            "It points to": rows["pointed_to"].fillna(""),
            "What follows": rows["effect"],
        },
        index=rows.index,
    ).drop(columns=[] if case is None else ["Of"])


def phrase_effects(record: Record, case: str | None = None) -> pd.DataFrame:
    """Each phrase with two readings, and what each reading that is not used would change."""
    rows = []
    for row in record.phrases(case).itertuples():
        effect = "used" if row.adopted else changes(record, row.case, {row.phrase: row.reading})
        rows.append((f"{row.phrase} {row.reading}", row.printed, row.reads_as, effect))
    rows += _level_effects(record, case)
    frame = pd.DataFrame(rows, columns=["id", "Printed", "Read as", "What changes"])
    return frame.set_index("id")


def _level_effects(record: Record, case: str | None) -> list[tuple[str, str, str, str]]:
    """The readings of phrases about levels; what they change is the level itself, and so each fall to it."""
    rows = record.measurements.dropna(subset="phrase")
    if case is not None:
        rows = rows[rows["case"] == case]
    effects = []
    for row in rows.itertuples():
        level = level_text(row.bounds)
        reads_as = f"{row.analyte} after transplant {level}"
        before = mrd.around_blinatumomab(record, row.case)["before"] if row.analyte == "MRD" else None
        fall = (
            ""
            if before is None
            else f"; fall of MRD until then: {mrd.fall_text(mrd.reduction(before, row.bounds))}"
        )
        effect = "used" if row.adopted else f"level: {level}{fall}"
        effects.append((f"{row.phrase} {row.reading}", row.printed, reads_as, effect))
    return effects


def contradicted(record: Record, case: str, readings: Mapping[str, str]) -> tuple[str, ...]:
    """Ids of the statements of a case that cannot all hold if phrases are read so; none if they can."""
    try:
        record.chronology(case, readings)
    except ChronologyError as error:
        return error.statements
    return ()


def changes(record: Record, case: str, readings: Mapping[str, str]) -> str:
    """What other readings of phrases would change in a case, in words."""
    if statements := contradicted(record, case, readings):
        return f"contradicts {', '.join(statements)}"
    other = _quantities(record, case, record.chronology(case, readings))
    used = _quantities(record, case, record.chronology(case))
    different = [f"{name}: {other[name]} (used: {used[name]})" for name in used if used[name] != other[name]]
    return "; ".join(different) or "none of the days and numbers in use"


def conventions(record: Record) -> pd.DataFrame:
    """The convention for wordings: how much less and more than the bare quantity each may mean. Index: id."""

    def cell(row: pd.Series, stretch: str) -> str:
        minus, plus = (
            "no limit" if pd.isna(row[f"{side}_{stretch}"]) else f"{row[f'{side}_{stretch}']:g}"
            for side in ("minus", "plus")
        )
        if minus == plus:
            return minus if minus in ("0", "no limit") else f"± {minus}"
        return f"− {minus}, + {plus}"

    rows = record.conventions
    return pd.DataFrame(
        {"Such as": rows["example"], "Means": rows["meaning"], "Unit of slack": rows["unit"]}
        | {stretch.capitalize(): [cell(row, stretch) for _, row in rows.iterrows()] for stretch in STRETCHES}
        | {"Why": rows["why"]}
    )


def convention_effects(directory: Path = DATA / "report") -> pd.DataFrame:
    """What the tight, the adopted and the loose convention make of the quantities of each case."""
    columns = {}
    for stretch in STRETCHES:
        record = load(directory, stretch)
        columns[stretch.capitalize()] = {
            f"{record.cases.at[case, 'label']}: {name}": text
            for case in record.cases.index
            for name, text in (
                _quantities(record, case, record.chronology(case))
                | {"fall of MRD (log10)": mrd.fall_text(mrd.around_blinatumomab(record, case)["reduction"])}
            ).items()
        }
    frame = pd.DataFrame(columns)
    return frame[frame.nunique(axis=1) > 1]


def _quantities(record: Record, case: str, days: Chronology) -> dict[str, str]:
    def event(kind: str) -> str:
        return record.event(case, kind)

    return {
        "diagnosis": date_text(days.day(event("diagnosis"))),
        "MRD relapse": date_text(days.day(event("relapse")))
        if record.event(case, "relapse", missing_ok=True)
        else "",
        "start of infusion": date_text(days.day(event("infusion_start"))),
        "infusion": days.between(event("infusion_start"), event("infusion_end")).text("days"),
        "end of infusion to transplant": days.between(event("infusion_end"), event("hsct")).text("days"),
        "age at transplant": (days.between(event("birth"), event("hsct")) / (12 * DAYS_PER_MONTH)).text(
            "years", digits=1
        ),
    }


def _cases(record: Record, statements: str) -> set[str]:
    """The cases whose own rows, or treatments, some statements are; none if they are about all children at once."""
    names = statements.split()
    own = {
        case for case in record.cases.index for name in names if name == case or name.startswith(f"{case}-")
    }
    regimens = set(record.regimens.loc[record.regimens.index.intersection(names), "regimen"])
    own |= set(record.treatments.loc[record.treatments["block"].isin(regimens), "case"])
    claims = record.claims.loc[record.claims.index.intersection(names), "cases"]
    return own or {cases for cases in claims if " " not in cases}
