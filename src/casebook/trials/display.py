"""The published rates as the frames that figures take: percent, with how well each number is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from casebook.trials import rates
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


def whole(rate: float) -> str:
    """A fraction of 1 in whole percent, without the sign; what is not 0 or 1 is not written as 0 or 100."""
    percent = math.floor(100 * rate + 0.5)  # a half goes up: 82.5 is 83, as readers round
    if percent == 0 and rate > 0:
        return "<1"
    return ">99" if percent == 100 and rate < 1 else str(percent)


def limits_text(limits: rates.Interval) -> str:
    """Limits in whole percent: ``(77–99)``."""
    return f"({whole(limits.lower)}–{whole(limits.upper)})"


def estimate_text(events: int, n: int, limits: rates.Interval) -> str:
    """A count and its rate with limits in whole percent, for the column of numbers: ``27/29   93 (77–99)``."""
    return f"{events}/{n}   {whole(events / n)} {limits_text(limits)}"


def forest(evidence: Evidence, rows: Sequence[str], labels: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Rates with a count, as rows of a forest plot: Clopper-Pearson 95% limits, in percent.

    Parameters
    ----------
    rows
        Ids of rates with a count, read or inferred.
    labels
        Names to use instead of the study's, by id.

    Returns
    -------
    Columns ``label``, ``estimate``, ``lower``, ``upper`` (percent), ``text``, ``known``, ``inferred``, ``emphasis`` (False).
    """
    found = []
    for row in rows:
        rate, (events, n) = evidence.rate(row), evidence.count(row)
        label = (labels or {}).get(row, evidence.studies.at[rate["study"], "label"])
        found.append(_forest_row(label, events, n, rate["known"], bool(rate["inferred"])))
    return pd.DataFrame(found, index=list(rows))


def pooled(fit: Pooled) -> tuple[dict, dict]:
    """A synthesis as the diamond of a forest plot and as the bar for a new study, in percent."""
    middle = {
        "label": "median study",
        "estimate": 100 * fit.rate,
        "lower": 100 * fit.rate_interval.lower,
        "upper": 100 * fit.rate_interval.upper,
        "text": f"{whole(fit.rate)} {limits_text(fit.rate_interval)}",
    }
    limits = fit.prediction
    new = {"lower": 100 * limits.lower, "upper": 100 * limits.upper, "text": limits_text(limits)}
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
        "text": estimate_text(events, n, limits),
        "known": known,
        "inferred": inferred,
        "emphasis": False,
    }


def landscape(evidence: Evidence) -> pd.DataFrame:
    """Published percentages of children that have an outcome, as marks of the landscape.

    Studies of adults are left out, and percentages of nobody knows how many.

    Returns
    -------
    One row a rate, by group and outcome: ``group``, ``endpoint`` (the outcome's words), ``estimate`` (percent, as printed
    or from the count), ``n`` (patients), ``arm`` (:func:`arm`), ``known``, ``inferred``.
    """
    adults = evidence.studies.index[evidence.studies["ages"] == "adults"]
    table = evidence.rates[~evidence.rates["study"].isin(adults)]
    frames = []
    for group, outcomes in LANDSCAPE.items():
        for outcome in outcomes:
            rows = table[(table["outcome"] == outcome) & table["measure"].eq("proportion")]
            counted = 100 * rows["count"] / rows["of"]
            frames.append(
                pd.DataFrame(
                    {
                        "group": group,
                        "endpoint": OUTCOMES[outcome],
                        "outcome": outcome,
                        "estimate": counted.fillna(pd.to_numeric(rows["printed"])),
                        "n": rows["of"].fillna(rows["denominator"]),
                        "arm": rows["arm"].map(arm),
                        "known": rows["known"],
                        "inferred": rows["inferred"],
                    }
                )
            )
    return pd.concat(frames).dropna(subset="n")


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
