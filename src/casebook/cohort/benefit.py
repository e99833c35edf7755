"""Who benefits: how the effect of a treatment differs between patients, and how many events it takes to find out.

An effect is a hazard ratio. Whether it differs between the levels of a baseline factor is one question, asked by one test of
their ratio; whether it differs from 1 within each level is another, and its answers do not settle the first.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr, ndtri

from casebook.cohort import arguments, firth, models
from casebook.errors import CasebookError


@dataclass(frozen=True, eq=False)
class Interaction:
    """The effect of a treatment within each level of a factor, and whether it differs between them.

    Parameters
    ----------
    levels : DataFrame
        A row a level: n, treated (patients, and those of them ever treated), events, ratio (hazard ratio of the treatment
        within the level) with its limits lower and upper.
    ratios : DataFrame
        A row for each level but the first: ratio (of its hazard ratio to that of the first level), lower, upper.
    statistic, degrees_of_freedom, p
        Likelihood-ratio test that all levels have one hazard ratio.
    confidence : float
        Of the limits.
    """

    levels: pd.DataFrame
    ratios: pd.DataFrame
    statistic: float
    degrees_of_freedom: int
    p: float
    confidence: float


def interaction(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    treatment: str,
    factor: str,
    *,
    covariates: Sequence[str] = (),
    entry: str | None = None,
    id: str | None = None,
    penalised: bool = False,
    confidence: float = 0.95,
) -> Interaction:
    """The hazard ratio of a treatment within each level of a baseline factor, and the ratio of these, by Cox's model.

    Parameters
    ----------
    frame : DataFrame
        A row for each patient. With ``entry`` and ``id``, a row for each interval (entry, duration] of one, so that a
        treatment that begins later (a transplant) counts from its day on.
    duration, event : str
        Columns: when followed up to, and whether with the event (0 or 1).
    treatment : str
        Column of 0 and 1.
    factor : str
        Column of levels, known before treatment: each patient has one. They come in the order of the categories if it is
        a pandas Categorical, else sorted.
    covariates : sequence of str
        Further columns of numbers in the model.
    entry, id : str, optional
        Columns of the beginning of intervals, and of whose they are; both or neither.
    penalised : bool
        By Firth's likelihood (:mod:`casebook.cohort.firth`), whose estimates and limits stay finite where nobody fails in
        a part of a level.
    confidence : float
        Of the limits.

    Raises
    ------
    CasebookError
        As :func:`casebook.cohort.models.cox` and ``cox_time_varying``; if there are fewer than two levels, a patient has two
        of them, a level has only treated or only untreated, or, unless ``penalised``, nobody fails in one of these: level
        and part are named.

    Notes
    -----
    The model has a coefficient for the treatment within each level ("nested" coding), so that limits within levels need
    no covariances; a second fit of the same model, with the treatment and its products, has the ratios as coefficients.
    """
    if (entry is None) != (id is None):
        raise CasebookError(f"found entry={entry!r} with id={id!r}; expected both or neither")
    covariates = arguments.names(covariates, fewest=0)
    numbers = [duration, event, treatment, *covariates, *([entry] if entry else [])]
    data = arguments.columns(frame, [*numbers, factor, *([id] if id else [])], numbers)
    levels = _levels(data, event, treatment, factor, id)
    if id is not None:
        models.check_intervals(data, id, entry, duration, event)
    counts = _counts(data, event, treatment, factor, levels, id)
    if not penalised:
        _check_events(data, event, treatment, factor, levels)

    def named(kind: str, level: object) -> str:
        return f"{kind} [{factor} {level}]"

    treated, inside = (
        data[treatment].to_numpy(float),
        {level: (data[factor] == level).to_numpy(float) for level in levels},
    )
    main = {named(factor, level): inside[level] for level in levels[1:]}
    within = {named(treatment, level): treated * inside[level] for level in levels}
    products = {named("ratio", level): treated * inside[level] for level in levels[1:]}
    data = data.assign(**main, **within, **products)

    def fit(names: list[str], wanted: list[str]) -> models.Fit | firth.Fit:
        every = [*main, *names, *covariates]
        if penalised:
            return firth.cox(data, duration, event, every, entry=entry, only=wanted, confidence=confidence)
        if id is None:
            return models.cox(data, duration, event, every, confidence=confidence)
        return models.cox_time_varying(data, id, entry, duration, event, every, confidence=confidence)

    limits = ["ratio", "lower", "upper"]
    nested = fit([*within], [*within]).coefficients.loc[[*within], limits].set_axis(levels)
    crossed = fit([treatment, *products], [*products])
    ratios = crossed.coefficients.loc[[*products], limits].set_axis(levels[1:])
    degrees = len(products)
    if penalised:
        every = [*main, treatment, *products, *covariates]
        statistic, _, p = firth.likelihood_ratio(data, duration, event, every, [*products], entry=entry)
    else:
        statistic = max(2 * (crossed.log_likelihood - fit([treatment], []).log_likelihood), 0.0)
        p = float(chdtrc(degrees, statistic))
    return Interaction(
        counts.join(nested), ratios.rename_axis(factor), statistic, degrees, p, float(confidence)
    )


# -- planning -----------------------------------------------------------------------------------------------------

TWO_ARMS = (0.5, 0.5)
TWO_ARMS_IN_TWO_LEVELS = (0.25, 0.25, 0.25, 0.25)


def events_needed(
    ratio: float, cells: Sequence[float] = TWO_ARMS, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Events for a hazard ratio, or a ratio of hazard ratios, to be found by a two-sided test.

    ``(z(1 - alpha/2) + z(power))**2 / log(ratio)**2`` times the sum of the inverse shares of the events that each cell
    has. With two cells, the arms, this is Schoenfeld's formula (1983), 4 at 1:1; with four, arms in levels, that of Peterson
    and George (1993) for an interaction, 16 if all are alike: for one and the same ratio, four times as many events.

    Parameters
    ----------
    ratio : float
        Above 0 and not 1.
    cells : sequence of float
        Shares of the events, above 0, which sum to 1.
    power, alpha : float
        Of the test; between 0 and 1.

    Returns
    -------
    float
        Events, not rounded.

    Raises
    ------
    CasebookError
        If a value cannot be.
    """
    return (_reach(power, alpha) / _log_ratio(ratio)) ** 2 * _inverse_shares(cells)


def detectable_ratio(
    events: float, cells: Sequence[float] = TWO_ARMS, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """The ratio above 1 that so many events are enough for (its inverse is the one below): :func:`events_needed` inverted."""
    if not arguments.is_number(events) or not events > 0:
        raise CasebookError(f"found {events!r} events; expected a number above 0")
    with np.errstate(over="ignore"):  # of far less than one event
        return float(np.exp(_reach(power, alpha) * np.sqrt(_inverse_shares(cells) / events)))


def power(ratio: float, events: float, cells: Sequence[float] = TWO_ARMS, *, alpha: float = 0.05) -> float:
    """The probability that the test of :func:`events_needed` finds the ratio with so many events (in its direction)."""
    if not arguments.is_number(events) or not events > 0:
        raise CasebookError(f"found {events!r} events; expected a number above 0")
    reach = abs(_log_ratio(ratio)) / np.sqrt(_inverse_shares(cells) / events)
    return float(ndtr(reach - arguments.deviations(1 - _probability(alpha, "alpha"))))


# -- what must be -------------------------------------------------------------------------------------------------


def _levels(frame: pd.DataFrame, event: str, treatment: str, factor: str, id: str | None) -> list:
    column = frame[factor]
    present = column.unique()
    try:
        ordered = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else sorted(present)
    except TypeError:
        raise CasebookError(
            f"found levels of {factor!r} that have no order; expected all numbers or all texts"
        ) from None
    levels = [level for level in ordered if level in present]
    if len(levels) < 2:
        raise CasebookError(f"found {len(levels)} level of {factor!r}; expected two or more to compare")
    for name in (event, treatment):
        if not frame[name].isin([0, 1]).all():
            raise CasebookError(f"found {name!r} with values other than 0 and 1; expected these only")
    if id is not None and (frame.groupby(id)[factor].nunique() > 1).any():
        raise CasebookError(
            f"found several levels of {factor!r} in one patient; expected it as it was before treatment"
        )
    for level in levels:
        here = frame.loc[column == level, treatment]
        if here.nunique() < 2:
            raise CasebookError(
                f"found only rows with {treatment!r} {here.iloc[0]:g} where {factor!r} is {level!r}; expected both 0 and 1"
            )
    return levels


def _check_events(data: pd.DataFrame, event: str, treatment: str, factor: str, levels: list) -> None:
    for level in levels:
        for arm in (0, 1):
            if not data.loc[(data[factor] == level) & (data[treatment] == arm), event].any():
                raise CasebookError(
                    f"found no event where {factor!r} is {level!r} and {treatment!r} is {arm}, so that no hazard ratio there has "
                    "a best value; expected one or more in each part, or penalised=True"
                )


def _counts(
    data: pd.DataFrame, event: str, treatment: str, factor: str, levels: list, id: str | None
) -> pd.DataFrame:
    patients = data.groupby(data.index if id is None else data[id]).agg(
        level=(factor, "first"), treated=(treatment, "max"), events=(event, "sum")
    )
    by = patients.groupby("level", observed=True)
    counts = pd.DataFrame({"n": by.size(), "treated": by["treated"].sum(), "events": by["events"].sum()})
    return counts.loc[levels].astype(int).set_axis(pd.Index(levels, name=factor))


def _probability(value: float, what: str) -> float:
    if not arguments.is_number(value) or not 0 < value < 1:
        raise CasebookError(f"{what}: found {value!r}; expected a number between 0 and 1")
    return float(value)


def _reach(power: float, alpha: float) -> float:
    reach = arguments.deviations(1 - _probability(alpha, "alpha")) + float(
        ndtri(_probability(power, "power"))
    )
    if reach <= 0:
        raise CasebookError(
            f"found a power of {power:g} at alpha {alpha:g}; expected one that chance does not give"
        )
    return reach


def _log_ratio(ratio: float) -> float:
    if not arguments.is_number(ratio) or ratio <= 0 or ratio == 1:
        raise CasebookError(f"found the ratio {ratio!r}; expected a number above 0 that is not 1")
    return float(np.log(ratio))


def _inverse_shares(cells: Sequence[float]) -> float:
    try:
        shares = np.asarray(cells, dtype=float)
    except (TypeError, ValueError):
        shares = np.array(0.0)
    if shares.ndim != 1 or shares.size < 2 or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-9:
        raise CasebookError(f"found the cells {cells!r}; expected two or more shares above 0 that sum to 1")
    return float((1 / shares).sum())
