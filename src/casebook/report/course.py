"""The course of the children, as the tidy frames that the figures take.

Positions are days on a chosen origin, as bounds; infinite where nothing printed bounds them. Levels are percent. All
raise CasebookError for a case or an event that the record does not have, and ChronologyError if its statements cannot
all hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from casebook.bounds import Bounds
from casebook.report import mrd
from casebook.report.chronology import Chronology
from casebook.report.record import Record

DAYS_PER_MONTH = 365.25 / 12
WIDEST_POSITION_DAYS = 120
"""A reading less well placed than this is shown in its order only."""
UNDATED_KINDS = ("birth", "block_start", "block_end")
"""Kinds of event left out of the calendar figure, which shows what was found and decided; the table has all."""
QUIET = ("CSF", "morphology")
"""Analytes without a level, left out of the flow of treatment."""


@dataclass(frozen=True)
class Clock:
    """Something that days are counted from: an event's kind, what its axis says, and its unit in days."""

    event: str
    label: str
    unit_days: float = 1


CLOCKS = (
    Clock("treatment_start", "days of treatment"),
    Clock("diagnosis", "months after diagnosis", DAYS_PER_MONTH),
    Clock("maintenance_start", "days of maintenance"),
    Clock("infusion_start", "days from start of infusion"),
    Clock("hsct", "days from transplant"),
)
ORDER = Clock("", "order only")


def lanes(record: Record) -> pd.DataFrame:
    """One lane a child: ``lane``, ``label``, ``sublabel`` (sex)."""
    return pd.DataFrame(
        {
            "lane": record.cases.index,
            "label": record.cases["label"].to_numpy(),
            "sublabel": record.cases["sex"].to_numpy(),
        }
    )


def age_text(months: float) -> str:
    """An age in completed months, as ``5 years 7 months``; in months alone under two years."""
    years, rest = divmod(int(months), 12)
    if years < 2:
        return f"{int(months)} months"
    return f"{years} years {rest} month{'' if rest == 1 else 's'}"


def spans(record: Record, origin: str) -> pd.DataFrame:
    """Infusion and follow-up of each child, in days from ``origin`` (``infusion_start`` or ``hsct``)."""
    rows = []
    for case in record.cases.index:
        days = record.chronology(case)
        zero = record.event(case, origin)
        for kind, first, last, ongoing in (
            ("infusion", "infusion_start", "infusion_end", False),
            ("follow_up", "hsct", "last_follow_up", True),
        ):
            start, end = record.event(case, first), record.event(case, last)
            length = days.between(start, end)
            rows.append(
                {"lane": case, "kind": kind}
                | _limits("start", days.between(zero, start))
                | _limits("end", days.between(zero, end))
                | _limits("length", length)
                | {"label": length.text("days"), "ongoing": ongoing}
            )
    return pd.DataFrame(rows)


def points(record: Record, origin: str) -> pd.DataFrame:
    """Transplant and the first negative marrow after the infusion, in days from ``origin``."""
    rows = []
    for case in record.cases.index:
        days = record.chronology(case)
        zero = record.event(case, origin)
        negative = record.measurements.at[mrd.around_blinatumomab(record, case)["after_id"], "event"]
        for kind, event in (("mrd_negative", negative), ("hsct", record.event(case, "hsct"))):
            day = days.between(zero, event)
            rows.append({"lane": case, "kind": kind, "lower": day.lower, "upper": day.upper})
    return pd.DataFrame(rows)


def timeline(record: Record, case: str) -> pd.DataFrame:
    """The main events of a case in order: ``id``, ``event`` (its name), ``earliest``, ``latest``, ``kind``.

    ``kind`` is ``printed`` for a day that the text gives, ``derived`` for one that follows from other statements.
    """
    days = record.chronology(case)
    own = [
        event
        for event in days.order()
        if record.events.at[event, "case"] == case and record.events.at[event, "event"] not in UNDATED_KINDS
    ]
    frame = days.days().set_index("event").loc[own]
    events = record.events.loc[own]
    return pd.DataFrame(
        {
            "id": own,
            "event": events["label"].to_numpy(),
            "earliest": frame["earliest"].to_numpy(),
            "latest": frame["latest"].to_numpy(),
            "kind": np.where(events["wording"].eq("date"), "printed", "derived"),
        }
    )


def trajectory(record: Record, case: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Panels, readings and blocks of a case for the MRD figure.

    Each reading is placed on the clock from which its day is best known; readings that no clock places within
    ``WIDEST_POSITION_DAYS`` are shown in their order. Neighbours on one clock share a panel, so the printed
    statements themselves decide which readings stand on one axis. A reading with neither a day nor a level is left out.
    """
    days = record.chronology(case)
    readings = mrd.readings(record, case)
    readings = readings[readings["analyte"].isin(["MRD", record.cases.at[case, "fusion_gene"]])]
    order = list(readings["event"].unique())

    panels, rows, place = [], [], 0
    for event in order:
        # Marrows on unknown days are said of all the time from transplant to the end of follow-up.
        lasting = record.events.at[event, "event"] == "marrow_period"
        first, last = (
            (record.event(case, "hsct"), record.event(case, "last_follow_up")) if lasting else (event, event)
        )
        clock, zero = _best_clock(record, days, case, first)
        found = readings[readings["event"] == event]
        if zero is None:
            # With neither a day nor a level there is nothing to draw.
            found = found[[bounds.is_bounded for bounds in found["bounds"]]]
            if found.empty:
                continue
        if not panels or panels[-1]["clock"] is not clock:
            panels.append({"panel": f"p{len(panels)}", "clock": clock, "ends": []})
            place = 0
        place += 1
        if zero is None:
            lower = upper = place
        else:
            lower = days.between(zero, first).lower / clock.unit_days
            upper = days.between(zero, last).upper / clock.unit_days
        panels[-1]["ends"] += [lower, upper]
        for row in found.itertuples():
            rows.append(
                {
                    "panel": panels[-1]["panel"],
                    "analyte": row.analyte,
                    "x_lower": lower,
                    "x_upper": upper,
                    "y_lower": row.bounds.lower,
                    # A gene below a limit that is not printed has no level; it is set in the band, the caption says so.
                    "y_upper": row.bounds.upper if row.bounds.is_bounded else mrd.THRESHOLD_PERCENT,
                    # A hollow mark below the limit says so by itself: words are kept for levels.
                    "label": row.printed if row.wording == "value" else "",
                    "span": lasting,
                    "id": row.Index,
                }
            )
    blocks = _blocks(record, days, case, panels)
    return _panel_frame(panels), pd.DataFrame(rows), blocks


def flow(record: Record) -> pd.DataFrame:
    """The treatment of the three children, step by step, as the text tells it.

    Columns ``case`` (label), ``order``, ``title``, ``detail`` (agents), ``reading``, ``kind``, ``when``.
    """
    rows = []
    for case in record.cases.index:
        days = record.chronology(case)
        steps = [(record.event(case, "diagnosis"), "Diagnosis", _diagnosis(record, case), "", "diagnosis")]
        for row in record.treatments[record.treatments["case"] == case].itertuples():
            kind = {"blinatumomab": "infusion", "HSCT": "transplant"}.get(row.block, "chemotherapy")
            steps.append((row.start_event, _title(row.block), _detail(record, days, row), "", kind))
        readings = mrd.readings(record, case)
        for event, group in readings.groupby("event", sort=False):
            said = [f"{row.analyte} {row.printed}" for row in group.itertuples() if row.analyte not in QUIET]
            steps.append((event, record.events.at[event, "label"], "", "; ".join(said), "reading"))
        end = record.event(case, "last_follow_up")
        steps.append((end, "End of follow-up", "", "", "follow_up"))
        # Where the order is open, that of the table of events, which is that of the text.
        told = sorted((step[0] for step in steps), key=record.events.index.get_loc)
        order = days.order(told)
        steps.sort(key=lambda step: order.index(step[0]))
        rows += [
            {
                "case": record.cases.at[case, "label"],
                "order": number,
                "title": title,
                "detail": detail,
                "reading": reading,
                "kind": kind,
                "when": record.events.at[event, "date_printed"] or "",
            }
            for number, (event, title, detail, reading, kind) in enumerate(steps, start=1)
        ]
    return pd.DataFrame(rows).fillna("")


def before_after(record: Record) -> pd.DataFrame:
    """MRD of each child before and after blinatumomab (percent) and its fall, for the figure."""
    rows = []
    for case in record.cases.index:
        found = mrd.around_blinatumomab(record, case)
        rows.append(
            {
                "label": record.cases.at[case, "label"],
                "before_lower": found["before"].lower,
                "before_upper": found["before"].upper,
                "after_lower": found["after"].lower,
                "after_upper": found["after"].upper,
                "note": found["after_printed"],
                "text": _fall(found["reduction"]),
            }
        )
    return pd.DataFrame(rows)


def _fall(fall: Bounds) -> str:
    return f"{mrd.fall_text(fall)} log10" if fall.lower > 0 else mrd.fall_text(fall)


def _best_clock(record: Record, days: Chronology, case: str, event: str) -> tuple[Clock, str | None]:
    """The clock from which the event's day is best known, and the event it counts from."""
    best = (ORDER, None)
    narrowest = WIDEST_POSITION_DAYS
    for clock in CLOCKS:
        zero = record.event(case, clock.event, missing_ok=True)
        if zero is None:
            continue
        width = days.between(zero, event).width
        if width < narrowest:  # strictly: of equal clocks the earlier one, so that panels are few
            best, narrowest = (clock, zero), width
    return best


def _blocks(record: Record, days: Chronology, case: str, panels: list[dict]) -> pd.DataFrame:
    """Infusion and transplant on every clock that places them."""
    rows = []
    for panel in panels:
        clock = panel["clock"]
        if clock is ORDER:
            continue
        zero = record.event(case, clock.event)
        for kind, label, first, last in (
            ("infusion", "blinatumomab", "infusion_start", "infusion_end"),
            ("hsct", "HSCT", "hsct", "hsct"),
        ):
            start = days.between(zero, record.event(case, first))
            end = days.between(zero, record.event(case, last))
            if start.is_bounded and end.is_bounded and start.width < WIDEST_POSITION_DAYS:
                unit = clock.unit_days
                rows.append(
                    {"panel": panel["panel"]}
                    | _limits("start", start, unit)
                    | _limits("end", end, unit)
                    | {"label": label, "kind": kind}
                )
                panel["ends"] += [start.lower / unit, end.upper / unit]
    columns = ["panel", "start_lower", "start_upper", "end_lower", "end_upper", "label", "kind"]
    return pd.DataFrame(rows, columns=columns)


def _panel_frame(panels: list[dict]) -> pd.DataFrame:
    """The panels with the ends of their axes: what they hold, and room beside it."""
    rows = []
    for panel in panels:
        clock, ends = panel["clock"], panel["ends"]
        # These clocks start with something to see; the others start far from any reading.
        from_zero = clock.event in ("infusion_start", "hsct")
        if from_zero:
            ends = [*ends, 0]
        lower, upper = min(ends), max(ends)
        room = 0.1 * (upper - lower) if from_zero else max(0.32 * (upper - lower), 1.5)
        room = 0.6 if clock is ORDER else room
        # A panel that holds follow-up is the widest; one with a single reading needs little.
        single = len(panel["ends"]) == 2
        if clock is ORDER:
            share = 0.5 if single else 1.3
        elif upper - lower > 90:
            share = 1.7
        elif clock.event in ("treatment_start", "maintenance_start"):
            share = 1.55  # room for two marks, and for ticks that are intervals
        else:
            share = 0.8 if single else 1.15
        rows.append(
            {
                "panel": panel["panel"],
                "label": clock.label,
                "lower": lower - room,
                "upper": upper + room,
                "width_share": share,
                "ordered_only": clock is ORDER,
            }
        )
    return pd.DataFrame(rows)


def _diagnosis(record: Record, case: str) -> str:
    row = record.cases.loc[case]
    parts = [row["diagnosis"], row["fusion_gene"], row["risk_group"]]
    return ", ".join(part for part in parts if not pd.isna(part))


def _title(block: str) -> str:
    return {"blinatumomab": "Blinatumomab", "HSCT": "Transplant"}.get(block, block[0].upper() + block[1:])


def _detail(record: Record, days: Chronology, row: tuple) -> str:
    if row.block == "HSCT":
        donor = record.cases.at[row.case, "donor"]
        return (
            "donor not printed"
            if pd.isna(donor)
            else f"{donor}, HLA {record.cases.at[row.case, 'hla_match']}"
        )
    if row.block == "blinatumomab":
        length = days.between(row.start_event, row.end_event).text("days")
        dose = "dose not printed" if pd.isna(row.dose_printed) else f"{row.dose_printed} as printed"
        return f"{length}; {dose}"
    agents = "agents not printed" if pd.isna(row.agents) else row.agents.replace("; ", ", ")
    return agents if pd.isna(row.cycles_printed) else f"{agents}, {row.cycles_printed}"


def _limits(name: str, bounds: Bounds, unit: float = 1) -> dict[str, float]:
    return {f"{name}_lower": bounds.lower / unit, f"{name}_upper": bounds.upper / unit}
