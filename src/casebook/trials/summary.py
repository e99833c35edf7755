"""The tables that chapters print: text cells, with the ids of rows as their index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isinf

import pandas as pd

from casebook.errors import CasebookError
from casebook.trials import evidence as _evidence
from casebook.trials import posteriors, rates, schema, selection, wording
from casebook.trials.evidence import Evidence
from casebook.trials.pooling import Pooled

NEARLY_CERTAIN = 1 - 1e-12
METHODS = {"Clopper-Pearson": rates.clopper_pearson, "Wilson": rates.wilson, "Jeffreys": rates.jeffreys}


def count_text(row: pd.Series) -> str:
    """The count behind a rate, as ``13/54, inferred``; nothing where none is known."""
    if pd.isna(row["count"]):
        return ""
    return f"{row['count']:.0f}/{row['of']:.0f}" + (", inferred" if row["inferred"] else "")


def studies(evidence: Evidence) -> pd.DataFrame:
    """Every study, with how many of its numbers stand here and how deeply it was read."""
    table, rows = evidence.studies, evidence.rates.groupby("study").size()
    return pd.DataFrame(
        {
            "Study": table["label"],
            "Population": table["population"] + table["ages"].map(lambda ages: f"; {ages}"),
            "Patients": table["n"].map(lambda n: "" if pd.isna(n) else f"{n:.0f}"),
            "Numbers here": rows.reindex(table.index).map(str),
            "Read": table["read_level"],
            "Note": table["note"],
        },
        index=table.index,
    )


def read_levels(evidence: Evidence) -> pd.DataFrame:
    """How many of the numbers were read how deeply, and of how many studies."""
    groups = evidence.rates.groupby("read_level")["study"].agg(["size", "nunique"])
    groups = groups.reindex([level for level in schema.READ_LEVELS if level in groups.index])
    share = groups["size"] / groups["size"].sum()
    return pd.DataFrame(
        {
            "Numbers": groups["size"].map(str),
            "Share": share.map(lambda part: wording.percent(part, 0)),
            "Studies": groups["nunique"].map(str),
        }
    )


def contradictions(evidence: Evidence) -> pd.DataFrame:
    """Printed percentages that their counts contradict."""
    found = _evidence.contradictions(evidence.rates)
    rows = evidence.rates.loc[found.index]
    return pd.DataFrame(
        {
            "Study": evidence.studies["label"].reindex(rows["study"]).to_numpy(),
            "What": rows["endpoint"] + "; " + rows["arm"],
            "Printed": found["printed"] + "%",
            "Count": found["count"],
            "Computed": found["computed"].map(lambda text: f"{text}%" if text else ""),
            "How": found["why"],
        },
        index=found.index,
    )


def disagreements(evidence: Evidence) -> pd.DataFrame:
    """Printed numbers that cannot all hold, or mean different things."""
    table = evidence.disagreements
    return pd.DataFrame(
        {
            "What": table["title"],
            "Reading": table["reading"],
            "Effect here": table["effect"],
            "Kind": table["kind"],
            "Rows": table["rates"].map(_shortened),
        },
        index=table.index,
    )


def _shortened(ids: str, shown: int = 3) -> str:
    first, *others = ids.split(" ")
    return ", ".join([first, *others][:shown]) + (
        f" and {len(others) + 1 - shown} more" if len(others) >= shown else ""
    )


def value(rate: pd.Series) -> str:
    """One published number in words: ``72/78 (92.3%)``, ``72.2% at 24 months``, ``14 (range 1 to 35)``.

    A count that was not read stands behind what is printed: ``24.1% (13/54 inferred)``.
    """
    if rate["inferred"]:  # of proportions only
        text = f"{rate['printed']}% ({count_text(rate).replace(',', '')})"
    elif pd.notna(rate["count"]):
        text = f"{rate['count']:.0f}/{rate['of']:.0f} ({wording.percent(rate['count'] / rate['of'])})"
    elif pd.isna(rate["printed"]):
        raise CasebookError(f"{rate.name}: found neither a count nor a printed number, expected one of them")
    else:
        text = rate["printed"] + ("%" if rate["measure"] in schema.PERCENT_MEASURES else "")
    if pd.notna(rate["time_months"]):
        text += f" at {rate['time_months']:g} months"
    if pd.notna(rate["ci_lower"]) and pd.notna(rate["ci_upper"]):
        text += f" ({rate['interval']} {rate['ci_lower']:g} to {rate['ci_upper']:g})"
    return text


def numbers(evidence: Evidence, rows: Mapping[str, str]) -> pd.DataFrame:
    """Published numbers under one another, each with what it is and how deeply it was read.

    Parameters
    ----------
    rows
        By the id of the rate: what the number is, in words.
    """
    rates = evidence.rates.loc[list(rows)]
    return pd.DataFrame(
        {
            "Study": evidence.studies["label"].reindex(rates["study"]).to_numpy(),
            "What": list(rows.values()),
            "Number": [value(rate) for _, rate in rates.iterrows()],
            "Read": rates["read_level"],
        },
        index=rates.index,
    )


def intervals(events: int, n: int, confidence: float = 0.95) -> pd.DataFrame:
    """The limits of one rate by each method, two-sided and one-sided (the side away from the count)."""
    side = "upper" if events < n else "lower"

    def one_sided(limits: rates.Interval) -> str:
        return (
            f"at most {wording.percent(limits.upper)}"
            if side == "upper"
            else f"at least {wording.percent(limits.lower)}"
        )

    return pd.DataFrame(
        {
            "Two-sided": {
                name: wording.span(method(events, n, confidence)) for name, method in METHODS.items()
            },
            "One-sided": {
                name: one_sided(method(events, n, confidence, sided=side)) for name, method in METHODS.items()
            },
        }
    )


def comparison(
    frame: pd.DataFrame, events: int, n: int, headings: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The children beside published rates, one column a rate, from :func:`casebook.trials.comparison.against`.

    Parameters
    ----------
    headings
        Headings to use, by the id of the rate, instead of study and arm.

    Raises
    ------
    CasebookError
        Two rates would have one heading, and one of them would be lost.
    """
    headings = {row.Index: f"{row.label}, {row.arm}" for row in frame.itertuples()} | dict(headings or {})
    if len(set(headings.values())) < len(frame):
        raise CasebookError(f"found the headings {list(headings.values())}, expected all different")
    columns = {
        headings[row.Index]: {
            "Row": row.Index,
            "Rate": wording.percent(row.rate),
            "Count": count_text(pd.Series(row._asdict())),
            "Known from": KNOWN[row.known],
            f"Chance of {events} of {n} at that rate": wording.percent(row.probability),
            "The same, with the count uncertain (Jeffreys)": wording.percent(row.predictive),
            "Fisher's exact test, p": wording.p_value(row.fisher),
            "Boschloo's exact test, p": wording.p_value(row.boschloo),
            "Difference in points, Miettinen-Nurminen": wording.points(row.lower, row.upper),
            "Difference in points, Newcombe": wording.points(row.newcombe_lower, row.newcombe_upper),
        }
        for row in frame.itertuples()
    }
    return pd.DataFrame(columns)


KNOWN = {"read": "the publication", "abstract": "an abstract", "secondary": "a secondary source"}
"""Words for how well a number is known."""


def priors(events: int, n: int, marks: Mapping[str, float], confidence: float = 0.95) -> pd.DataFrame:
    """The posterior of a rate after ``events`` of ``n`` under each prior, and the chance that it is below each mark."""
    rows = {}
    for name, prior in posteriors.PRIORS.items():
        after = posteriors.posterior(events, n, prior)
        rows[name] = {
            "Prior": f"Beta({prior.a:.2g}, {prior.b:.2g})",
            "Mean before": wording.percent(prior.mean, 0),
            "Mean after": wording.percent(after.mean),
            f"{confidence:.0%} interval": wording.span(after.interval(confidence)),
            **{
                f"Chance below {label}": wording.percent(float(after.below(rate)), 0)
                for label, rate in marks.items()
            },
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def borrowed(
    events: int, n: int, count: int, of: int, weights: Sequence[float], confidence: float = 0.95
) -> pd.DataFrame:
    """The posterior after ``events`` of ``n`` if a trial's count is borrowed at these weights."""
    rows = {}
    for weight in weights:
        after = posteriors.discounted(count, of, weight).updated(events, n)
        rows[wording.percent(weight, 0)] = {
            "Children borrowed": f"{weight * of:.1f}",
            "Mean after": wording.percent(after.mean),
            f"{confidence:.0%} interval": wording.span(after.interval(confidence)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def selected(reported: int, treated: Sequence[int], chances: Mapping[str, float]) -> pd.DataFrame:
    """What "so many reported of N treated" says of two rates, for each N.

    *Without a model* are the bounds of the share of the treated who had the event; *worst case* is the 95% upper limit of
    its rate if all who were not reported had it.

    Parameters
    ----------
    reported
        Children reported, all without the event.
    treated
        Numbers of children who may have been treated.
    chances
        Two rates of the event, the one that the report favours first, by the heading of their column.
    """
    one, other = chances.values()
    return pd.DataFrame.from_dict(
        {
            str(n): {
                **{
                    # Never certain, though the nearest float may be 1.
                    heading: wording.percent(min(selection.reportable(reported, n, rate), NEARLY_CERTAIN))
                    for heading, rate in chances.items()
                },
                "Ratio": f"{selection.reported_likelihood_ratio(reported, n, one, other):.2f}",
                "Without a model": f"0% to {wording.percent(float(selection.bounds(reported, n).upper), 0)}",
                "Worst case": wording.percent(selection.worst_case(reported, n).upper),
            }
            for n in treated
        },
        orient="index",
    )


def denominators(fits: Mapping[str, pd.DataFrame], headings: Sequence[str]) -> pd.DataFrame:
    """The common denominators behind the percentages of each arm, from :func:`casebook.trials.counts.common`.

    Parameters
    ----------
    fits
        By arm.
    headings
        What the percentages of an arm are of, in their order.
    """
    rows = {
        f"{arm}, {row['n']}": {
            heading: " or ".join(f"{x}/{row['n']}" for x in row[position])
            for position, heading in enumerate(headings)
        }
        for arm, fit in fits.items()
        for _, row in fit.iterrows()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def pooled(fits: Mapping[str, Pooled]) -> pd.DataFrame:
    """Several syntheses, one row each."""
    return pd.DataFrame.from_dict(
        {
            name: {
                "Studies": str(fit.n_studies),
                "Patients": str(sum(fit.totals)),
                "Median study": wording.percent(fit.rate),
                "95% limits": wording.span(fit.rate_interval),
                "tau": f"{fit.tau:.2f}",
                "Limits of tau": f"{fit.tau_interval.lower:.2f} to "
                + ("no limit" if isinf(fit.tau_interval.upper) else f"{fit.tau_interval.upper:.2f}"),
                "A new study": wording.span(fit.prediction),
            }
            for name, fit in fits.items()
        },
        orient="index",
    )


def left_out(frame: pd.DataFrame) -> pd.DataFrame:
    """A synthesis without each study in turn, from :func:`casebook.trials.pooling.leave_one_out`.

    Without its predictions: on the few degrees of freedom that are left they say more of the t distribution than of studies.
    """
    return pd.DataFrame(
        {
            "Median study": frame["rate"].map(wording.percent),
            "95% limits": [wording.span(rates.Interval(row.lower, row.upper)) for row in frame.itertuples()],
            "tau": frame["tau"].map("{:.2f}".format),
        },
        index=frame.index,
    )
