"""The tables that chapters print: text cells, with the ids of rows as their index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from casebook.errors import CasebookError
from casebook.trials import evidence as _evidence
from casebook.trials import posteriors, rates, schema, selection
from casebook.trials.evidence import Evidence
from casebook.trials.pooling import Pooled

METHODS = {"Clopper-Pearson": rates.clopper_pearson, "Wilson": rates.wilson, "Jeffreys": rates.jeffreys}


def percent(rate: float, digits: int = 1) -> str:
    """A fraction of 1 as a percentage. What is not 0 or 1 is not printed as 0% or 100%."""
    text = f"{100 * rate:.{digits}f}%"
    least, most = f"{0:.{digits}f}%", f"{100:.{digits}f}%"
    if rate > 0 and text == least:
        return f"< {10**-digits:.{digits}f}%"
    if rate < 1 and text == most:
        return f"> {100 - 10**-digits:.{digits}f}%"
    return {least: "0%", most: "100%"}.get(text, text)


def span(interval: rates.Interval, digits: int = 1) -> str:
    """Two limits, as ``0% to 70.8%``."""
    return f"{percent(interval.lower, digits)} to {percent(interval.upper, digits)}"


def points(lower: float, upper: float) -> str:
    """Limits of a difference of rates in percentage points, signed."""
    low, high = (f"{100 * value:+.0f}".replace("-", "−").replace("+0", "0") for value in (lower, upper))
    return f"{low} to {high}"


def p_value(p: float) -> str:
    """A p value with as many digits as it can bear."""
    if p >= 0.9995:
        return "1"
    return f"{p:.2f}" if p >= 0.095 else f"{p:.3f}" if p >= 0.00095 else "< 0.001"


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
            "Share": share.map(lambda part: percent(part, 0)),
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
    """One published number in words: ``72/78 (92.3%)``, ``72.2% at 24 months``, ``14 (range 1 to 35)``."""
    if pd.notna(rate["count"]):
        text = f"{rate['count']:.0f}/{rate['of']:.0f} ({percent(rate['count'] / rate['of'])})"
    elif pd.isna(rate["printed"]):
        raise CasebookError(f"{rate.name}: found neither a count nor a printed number, expected one of them")
    else:
        text = rate["printed"] + ("%" if rate["measure"] in schema.PERCENT_MEASURES else "")
    if pd.notna(rate["time_months"]):
        text += f" at {rate['time_months']:g} months"
    if pd.notna(rate["ci_lower"]) and pd.notna(rate["ci_upper"]):
        text += f" ({rate['interval']} {rate['ci_lower']:g} to {rate['ci_upper']:g})"
    return text


def side_by_side(evidence: Evidence, cells: Mapping[str, Mapping[str, Sequence[str]]]) -> pd.DataFrame:
    """Studies beside each other: for each study and column the numbers of these rows, in words.

    Parameters
    ----------
    cells
        By study, then by column: ids of rates, whose numbers are joined by semicolons.
    """
    table = {
        study: {
            "Study": evidence.studies.at[study, "label"],
            **{
                column: "; ".join(value(evidence.rate(row)) for row in rows)
                for column, rows in columns.items()
            },
            "Read": evidence.studies.at[study, "read_level"],
        }
        for study, columns in cells.items()
    }
    return pd.DataFrame.from_dict(table, orient="index")


def intervals(events: int, n: int, confidence: float = 0.95) -> pd.DataFrame:
    """The limits of one rate by each method, two-sided and one-sided (the side away from the count)."""
    side = "upper" if events < n else "lower"

    def one_sided(limits: rates.Interval) -> str:
        return f"at most {percent(limits.upper)}" if side == "upper" else f"at least {percent(limits.lower)}"

    return pd.DataFrame(
        {
            "Two-sided": {name: span(method(events, n, confidence)) for name, method in METHODS.items()},
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
            "Rate": percent(row.rate),
            "Count": count_text(pd.Series(row._asdict())),
            "Known from": KNOWN[row.known],
            f"Chance of {events} of {n} at that rate": percent(row.probability),
            "The same, with the count uncertain (Jeffreys)": percent(row.predictive),
            "Fisher's exact test, p": p_value(row.fisher),
            "Boschloo's exact test, p": p_value(row.boschloo),
            "Difference in points, Miettinen-Nurminen": points(row.lower, row.upper),
            "Difference in points, Newcombe": points(row.newcombe_lower, row.newcombe_upper),
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
            "Mean before": percent(prior.mean, 0),
            "Mean after": percent(after.mean),
            f"{confidence:.0%} interval": span(after.interval(confidence)),
            **{
                f"Chance below {label}": percent(float(after.below(rate)), 0) for label, rate in marks.items()
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
        rows[percent(weight, 0)] = {
            "Children borrowed": f"{weight * of:.1f}",
            "Mean after": percent(after.mean),
            f"{confidence:.0%} interval": span(after.interval(confidence)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def selected(reported: int, treated: Sequence[int], one: float, other: float) -> pd.DataFrame:
    """What "so many reported of N treated" says of two rates, for each N.

    *Without a model* are the bounds of the share of the treated who had the event; *worst case* is the 95% upper limit of
    its rate if all who were not reported had it.
    """
    rows = {}
    for n in treated:
        known = selection.bounds(reported, n)
        rows[str(n)] = {
            f"Chance at {percent(one)}": percent(float(selection.reportable(reported, n, one))),
            f"Chance at {percent(other)}": percent(float(selection.reportable(reported, n, other))),
            "Ratio": f"{selection.reported_likelihood_ratio(reported, n, one, other):.2f}",
            "Without a model": f"0% to {percent(float(known.upper), 0)}",
            "Worst case": percent(selection.worst_case(reported, n).upper),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def denominators(printed: Mapping[str, str], fits: pd.DataFrame) -> pd.DataFrame:
    """The common denominators behind several percentages, from :func:`casebook.trials.counts.common`."""
    return pd.DataFrame(
        {
            f"{what} {text}%": [
                " or ".join(f"{x}/{n}" for x in counts)
                for counts, n in zip(fits[position], fits["n"], strict=True)
            ]
            for position, (what, text) in enumerate(printed.items())
        },
        index=fits["n"].map(str),
    )


def pooled(fits: Mapping[str, Pooled]) -> pd.DataFrame:
    """Several syntheses, one row each."""
    return pd.DataFrame.from_dict(
        {
            name: {
                "Studies": str(fit.n_studies),
                "Patients": str(sum(fit.totals)),
                "Median study": percent(fit.rate),
                "95% limits": span(fit.rate_interval),
                "tau": f"{fit.tau:.2f}",
                "Limits of tau": f"{fit.tau_interval.lower:.2f} to {fit.tau_interval.upper:.2f}",
                "A new study": "" if fit.prediction is None else span(fit.prediction),
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
            "Median study": frame["rate"].map(percent),
            "95% limits": [span(rates.Interval(row.lower, row.upper)) for row in frame.itertuples()],
            "tau": frame["tau"].map("{:.2f}".format),
        },
        index=frame.index,
    )
