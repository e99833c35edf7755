"""The published rates as the frames that figures take: percent, with how well each number is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from casebook.bounds import Bounds
from casebook.errors import CasebookError
from casebook.trials import rates, summary, wording
from casebook.trials.evidence import Evidence
from casebook.trials.pooling import Pooled
from casebook.trials.schema import OUTCOMES

LANDSCAPE = {
    "response": ("mrd_response", "mrd_before_hsct", "remission"),
    "harm": ("serious_ae", "grade3_ae", "fever", "fever_grade3", "crs", "crs_grade3", "neuro_grade3"),
    "course": ("hsct", "relapse"),
}
"""Outcomes of the landscape, by group."""


def arm(name: str) -> str:
    """The kind of an arm: ``blinatumomab`` (alone or with others), ``chemotherapy``, or ``other``."""
    kinds = [kind for kind in ("blinatumomab", "chemotherapy") if name.startswith(kind)]
    return kinds[0] if kinds else "other"


def forest(evidence: Evidence, rows: Sequence[str], labels: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Rates with a count, as rows of a forest plot: Clopper-Pearson 95% limits, in percent.

    Parameters
    ----------
    rows
        Ids of rates with a count, read or inferred.
    labels
        Names to use instead of the study's, by id. A study with several rows here is else cut at its first comma and
        named with its arm.

    Returns
    -------
    Columns ``label``, ``estimate``, ``lower``, ``upper`` (percent), ``text``, ``known``, ``inferred``, ``emphasis`` (False).

    Raises
    ------
    CasebookError
        A rate is unknown, no proportion, or without a count.
    """
    found = []
    studies = [evidence.rate(row)["study"] for row in rows]
    for row in rows:
        rate, (events, n) = evidence.rate(row), evidence.count(row)
        study = evidence.studies.at[rate["study"], "label"]
        name = study if studies.count(rate["study"]) == 1 else f"{study.split(',')[0]}, {rate['arm']}"
        found.append(
            _forest_row((labels or {}).get(row, name), events, n, rate["known"], bool(rate["inferred"]))
        )
    return pd.DataFrame(found, index=list(rows))


def pooled(fit: Pooled) -> tuple[dict, dict]:
    """A synthesis as the diamond of a forest plot and as the bar for a new study, in percent."""
    middle = {
        "label": "median study",
        "estimate": 100 * fit.rate,
        "lower": 100 * fit.rate_interval.lower,
        "upper": 100 * fit.rate_interval.upper,
        "text": f"{wording.whole(fit.rate)} {wording.limits(fit.rate_interval)}",
    }
    limits = fit.prediction
    new = {"lower": 100 * limits.lower, "upper": 100 * limits.upper, "text": wording.limits(limits)}
    return middle, new


def children(label: str, events: int, n: int) -> pd.DataFrame:
    """The children of the report as one row of a forest plot, emphasised."""
    row = _forest_row(label, events, n, "read", inferred=False) | {"emphasis": True}
    return pd.DataFrame([row], index=["children"])


def _forest_row(label: str, events: int, n: int, known: str, inferred: bool) -> dict:
    limits = rates.clopper_pearson(events, n)
    return {
        "label": label,
        "estimate": 100 * events / n,
        "lower": 100 * limits.lower,
        "upper": 100 * limits.upper,
        "text": f"{events}/{n}   {wording.whole(events / n)} {wording.limits(limits)}",
        "known": known,
        "inferred": inferred,
        "emphasis": False,
    }


def landscape(evidence: Evidence) -> pd.DataFrame:
    """Published percentages that have an outcome, as marks of the landscape.

    Studies of adults are left out, and percentages of nobody knows how many.

    Returns
    -------
    One row a rate, by group and outcome: ``group``, ``endpoint`` (the outcome's words), ``outcome``, ``estimate`` (percent,
    from the count, or as printed without one), ``n`` (patients), ``arm`` (:func:`arm`), ``known``, ``inferred``.
    """
    frames = []
    for group, outcomes in LANDSCAPE.items():
        for outcome in outcomes:
            rows = evidence.outcome(outcome)
            counted = 100 * rows["count"] / rows["of"]
            marks = {
                "group": group,
                "endpoint": OUTCOMES[outcome],
                "outcome": outcome,
                "estimate": counted.fillna(pd.to_numeric(rows["printed"])),
                "n": rows["of"].fillna(rows["denominator"]),
                "arm": rows["arm"].map(arm),
            }
            frames.append(pd.DataFrame(marks | dict(rows[["known", "inferred"]].items())))
    return pd.concat(frames).dropna(subset="n")


def bars(children: pd.DataFrame) -> pd.DataFrame:
    """The children of the report as bars of the landscape: exact 95% limits, in percent.

    Parameters
    ----------
    children
        Indexed by outcome: ``events`` (:class:`~casebook.bounds.Bounds`, exact) and ``n``. Outcomes that the landscape does not
        have are left out.

    Raises
    ------
    CasebookError
        The number of children with an outcome is not known exactly.
    """
    shown = [outcome for outcomes in LANDSCAPE.values() for outcome in outcomes if outcome in children.index]
    found = []
    for outcome in shown:
        events, n = children.at[outcome, "events"], int(children.at[outcome, "n"])
        if not events.is_exact:
            raise CasebookError(
                f"{outcome}: found {events.text()} of {n} children, expected a count known exactly"
            )
        limits = rates.clopper_pearson(int(events.lower), n)
        found.append(
            {
                "endpoint": OUTCOMES[outcome],
                "lower": 100 * limits.lower,
                "upper": 100 * limits.upper,
                "text": f"{events.lower}/{n}",
            }
        )
    return pd.DataFrame(found, index=shown)


def medians(evidence: Evidence, rows: Sequence[str]) -> pd.DataFrame:
    """Published medians with their ranges, where these are known, as rows of a forest plot in their own unit.

    Raises CasebookError if a rate is unknown or no median.
    """
    found = []
    for row in rows:
        rate = evidence.rate(row)
        if rate["measure"] != "median":
            raise CasebookError(f"{row}: found the measure {rate['measure']!r}, expected a median")
        found.append(
            {
                "label": evidence.studies.at[rate["study"], "label"],
                "estimate": float(rate["printed"]),
                "lower": rate["ci_lower"],
                "upper": rate["ci_upper"],
                "text": summary.value(rate),
                "known": rate["known"],
                "emphasis": False,
            }
        )
    return pd.DataFrame(found, index=list(rows))


def bounded(values: Mapping[str, Bounds], text: Callable[[Bounds], str] = str) -> pd.DataFrame:
    """Quantities of the children as rows of a forest plot: a mark where one is exact, else its two limits."""
    found = [
        {
            "label": label,
            "estimate": value.lower if value.is_exact else None,
            "lower": value.lower,
            "upper": value.upper,
            "text": text(value),
            "known": "read",
            "emphasis": True,
        }
        for label, value in values.items()
    ]
    return pd.DataFrame(found, index=list(values))


def followed(days: Mapping[str, float], group: str, *, emphasis: bool) -> pd.DataFrame:
    """Follow-up without an event, in days, as lines of a forest plot that begin at 0."""
    return pd.DataFrame(
        {
            "label": list(days),
            "estimate": None,
            "lower": 0,
            "upper": list(days.values()),
            "text": [f"{value:.0f} days" for value in days.values()],
            "group": group,
            "emphasis": emphasis,
        }
    )


def upper_limits(children_numbers: Sequence[int], confidence: float = 0.95) -> pd.DataFrame:
    """Upper Clopper-Pearson limits after no event in so many children: ``n``, ``limit`` (percent), ``kind``."""
    sides = {"one-sided": "upper", "two-sided": "two"}
    return pd.DataFrame(
        [
            {"n": n, "limit": 100 * rates.clopper_pearson(0, n, confidence, sided=side).upper, "kind": kind}
            for kind, side in sides.items()
            for n in children_numbers
        ]
    )
