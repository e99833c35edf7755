"""Firth's penalised Cox regression: hazard ratios that stay finite where events are few, or none in a group.

The partial likelihood is multiplied by the root of the determinant of its information, which is Jeffreys' prior (Firth
1993; for Cox's model Heinze and Schemper 2001). The best coefficient of a group in which nobody fails is then finite, and
limits by the profile of that likelihood are too. Ties are treated by Efron's method, as in :mod:`casebook.cohort.models`.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import chdtrc, chdtri

from casebook.cohort import arguments, efron
from casebook.errors import CasebookError

STEPS, HALVINGS, DOUBLINGS = 200, 30, 40
TOLERANCE = 1e-9
"""Of a step in a coefficient, for one standard deviation of its covariate."""
LONGEST_STEP = 5.0
OVERSHOT, LEVEL = 0.5, 1e-12
"""How steeply a step may end downhill, of how steeply it began uphill; and what is no fall, of the log-likelihood."""
RANK = 1e-10
CONSTANT = 1e-9
"""The standard deviation, of the largest value, up to which a covariate is one number and rounding."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A penalised fit.

    Parameters
    ----------
    coefficients : DataFrame
        A row for each covariate: coefficient, standard_error (from the information at the best coefficients), ratio (of
        hazards), lower and upper (limits of the ratio, by profile), statistic and p (penalised likelihood ratio of a
        coefficient of 0, chi-squared on one degree of freedom).
    log_likelihood, log_likelihood_null : float
        Penalised, at the best coefficients and at 0.
    n, events : int
        Rows (patients, or intervals of them), and events among these.
    confidence : float
        Of the limits.
    """

    coefficients: pd.DataFrame
    log_likelihood: float
    log_likelihood_null: float
    n: int
    events: int
    confidence: float


def cox(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    *,
    entry: str | None = None,
    only: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> Fit:
    """Cox's model by Firth's penalised partial likelihood, with profile limits.

    Parameters
    ----------
    frame : DataFrame
        A row for each patient; or for each interval (entry, duration] of one, with covariates as known at its start.
    duration, event : str
        Columns: when followed up to (above 0), and whether with the event (0 or 1).
    covariates : sequence of str
        Columns of numbers.
    entry : str, optional
        Column: at risk only after this time.
    only : sequence of str, optional
        The covariates to give rows for; limits take most of the time. Without it, all.
    confidence : float
        Of the limits, between 0 and 1.

    Raises
    ------
    CasebookError
        If a column is missing or holds what it must not, nobody fails while others with other covariates are at risk, or
        covariates determine each other.

    Notes
    -----
    With late entry, sums over those at risk are differences of sums; they are right as long as no hazard is millions of
    times another.
    """
    arguments.deviations(confidence)
    likelihood = _likelihood(frame, duration, event, covariates, entry)
    best = _maximum(likelihood)
    errors = np.sqrt(np.diag(np.linalg.inv(best.information)))
    fall = chdtri(1, 1 - confidence) / 2
    rows = {}
    for name in likelihood.names if only is None else _among(likelihood, only):
        place = likelihood.names.index(name)
        error = errors[place]
        lower, upper = (_profile_limit(likelihood, best, place, side * error, fall) for side in (-1, 1))
        statistic = max(2 * (best.value - _maximum(likelihood, best.point, {place: 0.0}).value), 0.0)
        unit = likelihood.scale[place]
        with np.errstate(over="ignore"):  # for one unit of a covariate that varies by millionths
            ratio = np.exp(np.array([best.point[place], lower, upper]) / unit)
        rows[name] = (best.point[place] / unit, error / unit, *ratio, statistic, chdtrc(1, statistic))
    columns = ["coefficient", "standard_error", "ratio", "lower", "upper", "statistic", "p"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("covariate")
    null = _evaluate(likelihood, np.zeros(likelihood.scale.size)).value
    # The determinant was taken in standard deviations of the covariates.
    units = np.log(likelihood.scale).sum()
    return Fit(
        table, best.value + units, null + units, len(frame), likelihood.failing.size, float(confidence)
    )


def coefficients(
    frame: pd.DataFrame, duration: str, event: str, covariates: Sequence[str], *, entry: str | None = None
) -> pd.Series:
    """The coefficients of :func:`cox` alone, by covariate, without the limits, which take most of the time."""
    likelihood = _likelihood(frame, duration, event, covariates, entry)
    return pd.Series(_maximum(likelihood).point / likelihood.scale, index=likelihood.names)


def likelihood_ratio(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    tested: Sequence[str],
    *,
    entry: str | None = None,
) -> tuple[float, int, float]:
    """Whether all of some coefficients are 0: statistic, degrees of freedom and p.

    Twice the fall of the penalised log-likelihood, with the penalty of the whole model, when the ``tested`` among the
    ``covariates`` are held at 0 (as Heinze and Schemper 2001). Other parameters and errors as of :func:`cox`.
    """
    likelihood = _likelihood(frame, duration, event, covariates, entry)
    best = _maximum(likelihood)
    held = {likelihood.names.index(name): 0.0 for name in _among(likelihood, tested)}
    statistic = max(2 * (best.value - _maximum(likelihood, best.point, held).value), 0.0)
    return statistic, len(held), float(chdtrc(len(held), statistic))


def _among(likelihood: _Likelihood, names: Sequence[str]) -> list[str]:
    wanted = arguments.names(names)
    if not set(wanted) <= set(likelihood.names):
        raise CasebookError(
            f"found the covariates {wanted}; expected one or more of {', '.join(likelihood.names)}"
        )
    return wanted


# -- the likelihood -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Likelihood:
    """What the partial likelihood takes: n rows in the order of their times, p covariates, e events in the same order."""

    names: list[str]
    values: np.ndarray  # (n, p), centred, in standard deviations
    scale: np.ndarray  # (p,), the standard deviations
    failing: np.ndarray  # (e,): which row fails
    first: np.ndarray  # (e,): the first row that is followed up to then, or longer
    late: np.ndarray | None  # (n,): the rows in the order of their entries, if anybody enters late
    not_yet: np.ndarray  # (e,): the first of these that has not entered before
    fraction: np.ndarray  # (e,): the share of all who fail then that Efron's method takes away
    opens: np.ndarray  # (m,): the first of the events at each distinct time
    which: np.ndarray  # (e,): which of these times it is
    penalised: bool = True


@dataclass(frozen=True, eq=False)
class _Point:
    point: np.ndarray  # (p,)
    value: float
    score: np.ndarray  # (p,)
    information: np.ndarray  # (p, p)


def _likelihood(
    frame: pd.DataFrame, duration: str, event: str, covariates: Sequence[str], entry: str | None
) -> _Likelihood:
    names = arguments.names(covariates)
    time, failed, values, start = _checked(frame, duration, event, names, entry)
    order = np.argsort(time, kind="stable")
    time, failed, values, start = time[order], failed[order], values[order], start[order]
    # Powers of two take away units whose squares would be no numbers, and change no digit.
    power = np.frexp(np.abs(values).max(axis=0))[1]
    values = np.ldexp(values, -power)
    spread = values.std(axis=0)
    for name, varies in zip(names, spread > CONSTANT, strict=True):
        if not varies:
            raise CasebookError(f"found {name!r} constant; expected a covariate that varies")
    failing = np.flatnonzero(failed)
    when = time[failing]
    _, opens, tied = np.unique(when, return_index=True, return_counts=True)
    which, gone = efron.turns(tied)
    late = np.argsort(start, kind="stable") if start.any() else None
    likelihood = _Likelihood(
        names,
        (values - values.mean(axis=0)) / spread,
        np.ldexp(spread, power),
        failing,
        np.searchsorted(time, when),
        late,
        np.searchsorted(np.sort(start), when),
        gone,
        opens,
        which,
    )
    information = _moments(likelihood, np.ones(len(values))).spread.sum(axis=0)
    if np.linalg.eigvalsh(information)[0] <= RANK * max(failing.size, 1):
        raise CasebookError(
            f"found covariates that do not vary, or determine each other, among those at risk when somebody fails "
            f"({', '.join(names)}); expected each to add something"
        )
    return likelihood


def _checked(
    frame: pd.DataFrame, duration: str, event: str, names: list[str], entry: str | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    columns = [duration, event, *names, *([entry] if entry else [])]
    data = arguments.columns(frame, columns, numbers=columns)
    time, failed = data[duration].to_numpy(), data[event].to_numpy()
    start = data[entry].to_numpy() if entry else np.zeros(len(data))
    if not np.isin(failed, (0, 1)).all():
        raise CasebookError(f"found {event!r} with values other than 0 and 1; expected these only")
    if not failed.any():
        raise CasebookError(f"found no event in {event!r}; expected one or more")
    if (start < 0).any() or (time <= start).any():
        raise CasebookError(f"found {duration!r} not after the entry; expected 0 <= entry < {duration}")
    return time, failed == 1, data[names].to_numpy(), start


class _Sums(NamedTuple):
    """Sums over those at risk, weighted by their risks, at each of e events."""

    total: np.ndarray  # (e,)
    means: np.ndarray  # (e, p), of the covariates
    spread: np.ndarray  # (e, p, p), covariances of the covariates


def _sums(likelihood: _Likelihood, columns: np.ndarray) -> np.ndarray:
    """Of columns (n, c), their sums at each event (e, c): over those at risk, less Efron's share of those failing."""
    found = efron.sums_from(columns)[likelihood.first]
    if likelihood.late is not None:
        found -= efron.sums_from(columns[likelihood.late])[likelihood.not_yet]
    tied = np.flatnonzero(likelihood.fraction)
    if tied.size:
        together = np.add.reduceat(columns[likelihood.failing], likelihood.opens)[likelihood.which]
        found[tied] -= likelihood.fraction[tied, None] * together[tied]
    return found


def _moments(likelihood: _Likelihood, risk: np.ndarray) -> _Sums:
    n, p = likelihood.values.shape
    weighted = risk[:, None] * likelihood.values
    squares = (weighted[:, :, None] * likelihood.values[:, None, :]).reshape(n, p * p)
    found = _sums(likelihood, np.column_stack([risk, weighted, squares]))
    total = np.maximum(found[:, 0], 0.0)
    found = np.divide(found, total[:, None], out=np.zeros_like(found), where=total[:, None] > 0)
    means, second = found[:, 1 : p + 1], found[:, p + 1 :].reshape(-1, p, p)
    return _Sums(total, means, second - means[:, :, None] * means[:, None, :])


def _evaluate(likelihood: _Likelihood, point: np.ndarray) -> _Point | None:
    """The (penalised) log-likelihood and its derivatives; None where the information is singular to rounding."""
    linear = likelihood.values @ point
    highest = linear.max()
    risk = np.exp(linear - highest)
    total, means, spread = _moments(likelihood, risk)
    if not total.min() > 0:
        return None
    information = spread.sum(axis=0)
    sign, log_determinant = np.linalg.slogdet(information)
    if sign <= 0 or not np.isfinite(log_determinant):
        return None
    value = float((linear[likelihood.failing] - highest - np.log(total)).sum())
    score = (likelihood.values[likelihood.failing] - means).sum(axis=0)
    if likelihood.penalised:
        # The derivative of log|I| is the trace of inverse(I) dI: third central moments, contracted with the inverse V.
        # With q = x' V x, that of one event is cov(x, q) - 2 cov(x) V mean(x).
        inverse = np.linalg.inv(information)
        q = ((likelihood.values @ inverse) * likelihood.values).sum(axis=1)
        found = _sums(likelihood, np.column_stack([risk * q, (risk * q)[:, None] * likelihood.values]))
        found /= total[:, None]
        with_q = found[:, 1:] - found[:, :1] * means
        score = score + (with_q - 2 * (spread @ (means @ inverse)[:, :, None])[:, :, 0]).sum(axis=0) / 2
        value += log_determinant / 2
    return _Point(point, value, score, information)


# -- its maximum --------------------------------------------------------------------------------------------------


def _maximum(
    likelihood: _Likelihood, start: np.ndarray | None = None, held: dict[int, float] | None = None
) -> _Point:
    """The best point, or the best with some coefficients held, by Newton's steps with the unpenalised information."""
    held = held or {}
    point = np.zeros(len(likelihood.names)) if start is None else start.copy()
    for place, value in held.items():
        point[place] = value
    free = np.array([place for place in range(point.size) if place not in held], dtype=int)
    here = _evaluate(likelihood, point)
    if here is None:
        raise CasebookError(_lost(likelihood))
    for _ in range(STEPS):
        if not free.size:
            return here
        step = np.linalg.solve(here.information[np.ix_(free, free)], here.score[free])
        step *= min(1.0, LONGEST_STEP / np.abs(step).max()) if step.any() else 1.0
        if np.abs(step).max() < TOLERANCE:
            return here
        slope = step @ here.score[free]
        for _ in range(HALVINGS):
            tried = here.point.copy()
            tried[free] += step
            there = _evaluate(likelihood, tried)
            beyond = -1.0 if there is None else (step @ there.score[free]) / slope
            if (
                there is not None
                and beyond >= -OVERSHOT
                and there.value >= here.value - LEVEL * abs(here.value)
            ):
                break
            # Back to where the slope along the step, if it is straight, is 0. The penalty bends the likelihood more than
            # the information says, by up to as much again: the step may be twice too long.
            step = step / (1 - beyond) if beyond < 0 else step / 2
        else:
            return here
        here = there
    raise CasebookError(_lost(likelihood))


def _profile_limit(likelihood: _Likelihood, best: _Point, place: int, step: float, fall: float) -> float:
    """Where, on one side, the profile of the log-likelihood has fallen by ``fall``."""
    from scipy.optimize import brentq

    warm = best.point

    def below(value: float) -> float:
        nonlocal warm
        found = _maximum(likelihood, warm, {place: value})
        warm = found.point
        return best.value - found.value - fall

    inside, outside = best.point[place], best.point[place] + step
    for _ in range(DOUBLINGS):
        if below(outside) > 0:
            return float(brentq(below, inside, outside, xtol=1e-10, rtol=1e-12))
        inside, outside = outside, outside + step
        step *= 1.5
    raise CasebookError(_lost(likelihood))


def _lost(likelihood: _Likelihood) -> str:
    return (
        f"found no end to the penalised likelihood of {', '.join(likelihood.names)} in {likelihood.failing.size} events; "
        "expected more events, or fewer covariates"
    )
