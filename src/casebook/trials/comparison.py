"""A comparison: a few children beside published rates, one row a rate, with all that the pair of counts can say."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pandas as pd

from casebook.errors import CasebookError
from casebook.trials import differences, posteriors, rates
from casebook.trials.evidence import Evidence


def point(rate: pd.Series) -> float:
    """A published rate as one number, a fraction of 1: from the count if that was read, else as printed.

    An inferred count is not used here: what is printed is closer to what was read.

    Raises
    ------
    CasebookError
        If it is no proportion, or neither a count nor a percentage is known.
    """
    if rate["measure"] != "proportion":
        raise CasebookError(f"{rate.name}: found the measure {rate['measure']!r}, expected a proportion")
    if not rate["inferred"] and pd.notna(rate["count"]):
        return float(rate["count"] / rate["of"])
    if pd.isna(rate["printed"]):
        raise CasebookError(f"{rate.name}: found neither a count nor a percentage, expected one of them")
    return float(Decimal(rate["printed"]) / 100)  # 0.241, and not 0.24100000000000002


def against(events: int, n: int, evidence: Evidence, rows: Sequence[str]) -> pd.DataFrame:
    """``events`` of ``n`` children beside published rates.

    Parameters
    ----------
    events, n
        The children.
    rows
        Ids of rates; each must be a proportion with a count, read or inferred.

    Returns
    -------
    Indexed by the id of the rate:

    ``label``, ``arm``
        The study and its arm.
    ``rate``
        Of the study, as one number (:func:`point`).
    ``count``, ``of``, ``inferred``, ``known``, ``printed``
        As in :class:`~casebook.trials.evidence.Evidence`.
    ``probability``
        Of exactly ``events`` of ``n`` if the children's rate were this ``rate``, taken as certain.
    ``predictive``
        The same with the rate as uncertain as its count makes it: beta-binomial after the count, Jeffreys prior.
    ``fisher``, ``boschloo``
        P values of the two counts, two-sided.
    ``lower``, ``upper``
        Miettinen and Nurminen's 95% limits of the difference of the rates, children minus study.
    ``newcombe_lower``, ``newcombe_upper``
        Newcombe's, of the same.
    """
    found = {}
    for row in rows:
        rate = evidence.rate(row)
        count, of = evidence.count(row)
        fixed = point(rate)
        found[row] = {
            "label": evidence.studies.at[rate["study"], "label"],
            **rate[["arm", "printed", "inferred", "known"]],
            "rate": fixed,
            "count": count,
            "of": of,
            "probability": float(rates.probability(events, n, fixed)),
            "predictive": float(posteriors.posterior(count, of).predictive(n)[events]),
            "fisher": differences.fisher(events, n, count, of),
            "boschloo": differences.boschloo(events, n, count, of),
        }
        limits = differences.miettinen_nurminen(events, n, count, of)
        found[row] |= {"lower": limits.lower, "upper": limits.upper}
        limits = differences.newcombe(events, n, count, of)
        found[row] |= {"newcombe_lower": limits.lower, "newcombe_upper": limits.upper}
    return pd.DataFrame.from_dict(found, orient="index")
