"""Comparisons: whether groups fail alike, by log-rank tests and by Gray's test, from their risk tables.

Both add up, over the times at which anybody fails, the failures of a group less those expected if all groups were
alike. They differ in who counts as able to fail: in a log-rank test those at risk; in Gray's test, which compares
cumulative incidences, also those whom another cause took.

Case weights must stand for patients (a row that is 3 patients alike), as the variances count failures: twice the weights
are twice the patients, and about twice the statistic. Weights that only say how much a patient counts (inverse
probabilities, sampling) have no such scale, and with the same formulas p would mean nothing: of groups alike, simulated with
inverse probabilities of mean 1, some 15% had p below .05, with their raw values 38%, with all weights a half .4%. They
need a variance of their own, from the squares of weights, which a table of risk does not hold. Tables that hold parts of a
patient are therefore refused.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import chdtrc

from casebook.cohort.arguments import is_number
from casebook.cohort.risktable import RiskTable, firsts, in_order, parts
from casebook.errors import CasebookError

MOST = 2.0**53
"""The most patients of a group: up to here, floats hold every whole number."""

RANK = 1e-10
"""A variance below this share of the greatest one is rounding: its direction holds no comparison."""


@dataclass(frozen=True)
class Test:
    """What a test of groups found.

    ``statistic`` is chi-squared on ``degrees_of_freedom`` if the groups are alike, and ``p`` the probability of one as
    large. ``observed`` and ``expected`` are failures by group, counted without the weights of the test.
    """

    statistic: float
    degrees_of_freedom: int
    p: float
    observed: dict[Hashable, float]
    expected: dict[Hashable, float]


Groups = Mapping[Hashable, RiskTable]


# -- log-rank tests -----------------------------------------------------------------------------------------------


def log_rank(
    groups: Groups | Sequence[Groups],
    *,
    weights: str = "log-rank",
    rho: float | None = None,
    gamma: float | None = None,
) -> Test:
    """Log-rank test, plain, weighted or stratified, that groups have the same hazard.

    Failures of all causes count; for the hazard of one cause, tabulate the others as censored. Late entry is allowed.

    Parameters
    ----------
    groups : mapping of label to RiskTable, or sequence of such mappings
        Two groups or more. A sequence has one mapping for each stratum: patients are compared within strata only
        (observed less expected, and variances, are added up). A group may be missing from a stratum.
    weights : str
        What a failure time counts for, of n at risk in all groups of the stratum:
        ``"log-rank"`` 1; ``"wilcoxon"`` n (Gehan 1965, Breslow 1970); ``"tarone-ware"`` the root of n (Tarone and Ware
        1977); ``"peto"`` the product of ``1 - d / (n + 1)`` up to and with that time (Peto and Peto 1972);
        ``"fleming-harrington"`` ``S ** rho * (1 - S) ** gamma``, S the Kaplan-Meier estimate of all groups of the
        stratum just before that time (Fleming and Harrington 1991). Late differences count more with ``gamma``.
    rho, gamma : float, optional
        For Fleming-Harrington only, at least 0: ``rho`` must be given, ``gamma`` is 0 without.

    Returns
    -------
    Test
        With one degree of freedom less than groups; less again by one for each group, or set of groups, that is never
        at risk together with the others when somebody fails.

    Raises
    ------
    CasebookError
        If there are fewer than two groups, their causes differ (a failure in one would be a censoring in another), nobody
        fails while two groups are at risk, a table holds parts of a patient or more than :data:`MOST`, or weights are none of
        the five.

    Notes
    -----
    Ties have the hypergeometric variance (Mantel 1966): of d failing among n, the variance of those of a group with
    n_g at risk is ``d (n_g / n) (1 - n_g / n) (n - d) / (n - 1)``.
    """
    weigh = _weight(weights, rho, gamma)
    strata = _strata(groups)
    labels = list(dict.fromkeys(label for stratum in strata for label in stratum))
    if len(labels) < 2:
        raise CasebookError(f"found {len(labels)} groups; expected two or more to compare")

    size = len(labels)
    observed, expected, score = np.zeros(size), np.zeros(size), np.zeros(size)
    variance = np.zeros((size, size))
    for stratum in strata:
        here = [labels.index(label) for label in stratum]
        at_risk, failed = _failures(stratum.values())
        failed = failed.sum(axis=0) if len(failed) > 1 else failed[0]
        n, d = at_risk.sum(axis=0), failed.sum(axis=0)
        weight = weigh(n, d)
        # A single patient at risk who fails was certain to be that one: n - d is 0, whatever it is divided by.
        spread = weight**2 * d * (n - d) / np.maximum(n - 1, 1)
        observed[here] += failed.sum(axis=1)
        score[here] += failed @ weight
        for part in parts(n.size):
            share = at_risk[:, part] / n[part]
            expected[here] += share @ d[part]
            score[here] -= share @ (weight[part] * d[part])
            variance[np.ix_(here, here)] += np.diag(share @ spread[part]) - (share * spread[part]) @ share.T

    statistic, degrees = _between_groups(score, variance)
    if not degrees:
        raise CasebookError(
            "found no time at which somebody fails while others are at risk in another group of the stratum; "
            "expected one or more, as nothing can be compared without"
        )
    return _result(statistic, degrees, labels, observed, expected)


def _weight(
    name: str, rho: float | None, gamma: float | None
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The weights of failure times, from those at risk and those failing (both of shape (m,))."""
    forms = {
        "log-rank": lambda n, d: np.ones_like(n),
        "wilcoxon": lambda n, d: n,
        "tarone-ware": lambda n, d: np.sqrt(n),
        "peto": lambda n, d: np.cumprod(1 - d / (n + 1)),
        "fleming-harrington": lambda n, d: _fleming_harrington(_left(np.cumprod(1 - d / n), 1), rho, late),
    }
    if not isinstance(name, str) or name not in forms:
        raise CasebookError(f"found the weights {name!r}; expected one of {', '.join(map(repr, forms))}")
    late = 0 if gamma is None else gamma
    if name == "fleming-harrington":
        _check_power("rho", rho)
        _check_power("gamma", late)
    elif rho is not None or gamma is not None:
        raise CasebookError(
            f"found rho or gamma with the weights {name!r}; expected them with 'fleming-harrington' only"
        )
    return forms[name]


def _fleming_harrington(survival: np.ndarray, rho: float, gamma: float) -> np.ndarray:
    return survival**rho * (1 - survival) ** gamma


def _check_power(name: str, value: float | None) -> None:
    if not is_number(value) or value < 0:
        raise CasebookError(f"found {name} {value!r}; expected a number of at least 0")


def _between_groups(score: np.ndarray, variance: np.ndarray) -> tuple[float, int]:
    """The quadratic form of scores, and its degrees of freedom.

    The variance is the Laplacian of a graph: groups are joined by how much they were compared, and its rank is the
    number of groups less that of the graph's components. Adding to each component the square of its indicator makes
    it invertible, and changes nothing, as scores add up to 0 within a component.
    """
    joined = np.abs(variance) > RANK * variance.max(initial=0)
    components, which = connected_components(joined, directed=False)
    if components == score.size:
        return 0.0, 0
    alike = which[:, None] == which
    return float(score @ np.linalg.solve(variance + variance.max() * alike, score)), score.size - components


# -- Gray's test --------------------------------------------------------------------------------------------------


def gray(groups: Groups, cause: str, *, rho: float = 0) -> Test:
    """Gray's test that the cumulative incidence of a cause is the same in all groups (Gray 1988).

    Parameters
    ----------
    groups : mapping of label to RiskTable
        Two groups or more, each with all causes. Late entry is allowed; Gray's paper and R's cmprsk have none, and
        those at risk are then weighed by what the table says (number at risk over survival), as without. Among groups alike,
        simulated with late entry, p is uniform.
    cause : str
        The cause compared, one of ``causes`` of the tables.
    rho : float
        A failure time counts for ``(1 - F) ** rho``, F the cumulative incidence in all groups just before.

    Raises
    ------
    CasebookError
        If there are fewer than two groups, their causes differ or do not have this one, a table holds parts of a patient or
        more than :data:`MOST`, the variance is singular (nobody fails of the cause, or only while one group is at risk),
        survival reaches 0 in a group that others enter later, or the estimated common incidence reaches 1 while two groups
        are still compared (a third has failed wholly before they have hardly begun).

    Notes
    -----
    With Y at risk in a group, S its survival of all causes and F its cumulative incidence, just before a time, h = Y / S
    estimates those who would be at risk if nobody failed. A failure of the cause is expected in a group in proportion to
    h (1 - F). Variances follow from those of failures of either kind in each group, by what each changes in all scores;
    those of the cause are estimated under the hypothesis, from ``dF = d / sum(h)`` of all groups together. The allowance
    for ties is that of R's cmprsk, with which the results agree to rounding.
    """
    _check_groups(groups, fewest=2)
    _check_power("rho", rho)
    causes = _common_causes([groups])
    if not isinstance(cause, str) or cause not in causes:
        raise CasebookError(f"found the cause {cause!r}; expected one of {', '.join(map(repr, causes))}")

    at_risk, failed = _failures(groups.values())
    of_cause = failed[causes.index(cause)]
    of_others = failed.sum(axis=0) - of_cause

    some = np.maximum(at_risk, 1)  # nobody fails where nobody is at risk
    survival = np.cumprod(1 - (of_cause + of_others) / some, axis=1)
    before = _left(survival, 1)
    _refuse_entry_after_extinction(groups, at_risk, before)
    incidence = _left(np.cumsum(before * of_cause / some, axis=1), 0)

    able = np.divide(at_risk, before, out=np.zeros_like(before), where=at_risk > 0)
    total, d = able.sum(axis=0), of_cause.sum(axis=0)
    common = np.cumsum(d / total)
    free = 1 - _left(common, 0)
    # Where a single group is left, all failures are its own, and nothing is compared.
    compared = (d > 0) & (np.count_nonzero(at_risk, axis=0) > 1)
    if (free[compared] <= 0).any():
        raise CasebookError(
            f"found a common cumulative incidence of 1 before time {_failure_times(groups)[compared][-1]}, at which somebody "
            f"still fails of {cause!r}; expected groups that fail over the same time"
        )
    weight = np.maximum(free, 0) ** rho
    able_and_free = able * (1 - incidence)
    shares = able_and_free / able_and_free.sum(axis=0)
    score = (of_cause - shares * d) @ weight

    variance = np.zeros((len(groups), len(groups)))
    for k, (y, s, after) in enumerate(zip(at_risk, before, survival, strict=True)):
        # What a change of incidence in group k changes in the score of each group: at once, and at all later times.
        at_once = -weight * able[k] * able / total
        at_once[k] += weight * able[k]
        steps = np.divide(at_once * d, total * free, out=np.zeros_like(at_once), where=compared)
        later = np.cumsum(steps[:, ::-1], axis=1)[:, ::-1] - steps

        kept = np.divide(1 - common, after, out=np.zeros_like(after), where=after > 0)
        by_cause = at_once + (1 - kept) * later
        by_others = kept * later
        at_hand = np.maximum(y, 1)
        ties = 1 - np.maximum(d - 1, 0) / np.where(d > 1, total * s - 1, 1)
        spread_of_cause = np.where(y > 0, ties * s * d / (total * at_hand), 0)
        ties = 1 - np.maximum(of_others[k] - 1, 0) / np.maximum(y - 1, 1)
        spread_of_others = ties * s**2 * of_others[k] / at_hand**2
        variance += (by_cause * spread_of_cause) @ by_cause.T + (by_others * spread_of_others) @ by_others.T

    # Scores add up to 0: the last follows from the others.
    spread = np.linalg.eigvalsh(variance[:-1, :-1])
    if not spread[-1] > 0 or spread[0] <= RANK * spread[-1]:
        raise CasebookError(
            f"found scores of {len(groups)} groups whose variance is singular; expected failures of {cause!r} while every group "
            "is at risk together with another"
        )
    statistic = float(score[:-1] @ np.linalg.solve(variance[:-1, :-1], score[:-1]))
    return _result(statistic, len(groups) - 1, list(groups), of_cause.sum(axis=1), shares @ d)


def _refuse_entry_after_extinction(groups: Groups, at_risk: np.ndarray, before: np.ndarray) -> None:
    lost = (at_risk > 0) & (before <= 0)
    for label, row in zip(groups, lost, strict=True):
        if row.any():
            raise CasebookError(
                f"found patients of {label!r} at risk at time {_failure_times(groups)[row][0]}, after all before them had "
                "failed; expected a group whose survival is above 0 while patients enter"
            )


def _failure_times(groups: Groups) -> np.ndarray:
    return np.unique(np.concatenate([table.time[table.failing > 0] for table in groups.values()]))


# -- the tables side by side ----------------------------------------------------------------------------------------


def _check_groups(groups: Groups, fewest: int) -> None:
    if not isinstance(groups, Mapping):
        raise CasebookError(
            f"found groups in a {type(groups).__name__}; expected a mapping of labels to risk tables"
        )
    if len(groups) < fewest:
        raise CasebookError(f"found {len(groups)} groups; expected {fewest} or more")
    for label, table in groups.items():
        if not isinstance(table, RiskTable):
            raise CasebookError(f"found a {type(table).__name__} as {label!r}; expected a risk table")
        for counts in (np.asarray(table.start), table.entered, table.failed, table.censored):
            if counts.dtype.kind == "f" and (counts % 1).any():
                raise CasebookError(
                    f"found parts of a patient in the table of {label!r}; expected weights that are whole numbers"
                )
        if table.n > MOST:
            raise CasebookError(
                f"found {table.n:g} patients in the table of {label!r}; expected at most {MOST:g}"
            )


def _strata(groups: Groups | Sequence[Groups]) -> list[Groups]:
    try:
        strata = [groups] if isinstance(groups, Mapping) else list(groups)
    except TypeError:
        raise CasebookError(
            f"found groups in a {type(groups).__name__}; expected a mapping of labels to risk tables, or several"
        ) from None
    for stratum in strata:
        _check_groups(stratum, fewest=1)
    if strata:
        _common_causes(strata)
    return strata


def _common_causes(strata: Sequence[Groups]) -> tuple[str, ...]:
    """The causes of all tables, which must be the same."""
    kinds = list(dict.fromkeys(table.causes for stratum in strata for table in stratum.values()))
    if len(kinds) > 1:
        raise CasebookError(
            f"found groups with the causes {' and '.join(map(str, kinds))}; expected the same in all"
        )
    return kinds[0]


class _Failures(NamedTuple):
    """The tables of g groups at the m times at which anybody fails of any of the k causes."""

    at_risk: np.ndarray
    """Shape (g, m)."""

    failed: np.ndarray
    """Shape (k, g, m)."""


def _failures(tables: Collection[RiskTable]) -> _Failures:
    counts = _failure_times_so_far(tables)
    m, k = max(count[-1] for count in counts), max(len(table.causes) for table in tables)
    at_risk, failed = np.empty((len(tables), m)), np.empty((k, len(tables), m))
    for group, (table, count) in enumerate(zip(tables, counts, strict=True)):
        # Who leaves at a row of the table was at risk at all times of failure so far; who enters at it at none of them.
        leaving = np.bincount(count, table.failing + table.censored - table.entered, m + 1)
        np.cumsum(leaving[:0:-1], out=at_risk[group, ::-1])
        for cause, failing in enumerate(table.failed.T):
            failed[cause, group] = np.bincount(count, failing, m + 1)[1:]
    return _Failures(at_risk, failed)


def _failure_times_so_far(tables: Collection[RiskTable]) -> list[np.ndarray]:
    """For each time of each table, at how many times up to and with it anybody fails."""
    sizes = [table.time.size for table in tables]
    codes = np.arange(len(sizes), dtype=np.min_scalar_type(len(sizes)))
    # One sort puts all tables on one axis: a search for the times of one in another, table by table, takes several times
    # as long. The groups come along, and the times of each are still in order.
    times, groups = in_order(
        np.concatenate([table.time for table in tables]), np.repeat(codes, sizes), len(sizes)
    )
    axis = np.cumsum(firsts(times)) - 1
    places = [axis[np.flatnonzero(groups == code)] for code in codes]
    fails = np.zeros(axis[-1] + 1, dtype=bool)
    for table, place in zip(tables, places, strict=True):
        fails[place] |= table.failing > 0
    so_far = np.cumsum(fails)
    return [so_far[place] for place in places]


def _left(values: np.ndarray, first: float) -> np.ndarray:
    """Values just before each time, of a step function that is ``first`` before the first: last axis is time."""
    shifted = np.empty_like(values)
    shifted[..., :1] = first
    shifted[..., 1:] = values[..., :-1]
    return shifted


def _result(
    statistic: float, degrees: int, labels: list[Hashable], observed: np.ndarray, expected: np.ndarray
) -> Test:
    statistic = max(statistic, 0.0)
    return Test(
        statistic,
        degrees,
        float(chdtrc(degrees, statistic)),
        dict(zip(labels, observed.tolist(), strict=True)),
        dict(zip(labels, expected.tolist(), strict=True)),
    )
