"""Concordance: whether patients who fail sooner had the higher scores.

Papers are named here as where a method comes from. They were not read. Conventions of R's survival 3.5 were found by its
results.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from casebook.cohort import arguments
from casebook.cohort.risktable import checked_times
from casebook.errors import CasebookError


@dataclass(frozen=True)
class Concordance:
    """Harrell's c: of the pairs of patients of whom it is known who failed first, the share with the higher score there.

    ``concordant``, ``discordant`` and ``tied`` (of equal scores, which count one half) are pairs; ``lower`` and ``upper``
    limits, symmetric and cut to 0 and 1.
    """

    estimate: float
    standard_error: float
    lower: float
    upper: float
    concordant: int
    discordant: int
    tied: int


def harrell(
    score: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    *,
    horizon: float = math.inf,
    confidence: float = 0.95,
) -> Concordance:
    """Harrell's c (Harrell and others 1982) of scores of which higher means sooner, in n log n steps.

    A pair counts if one patient failed, and the other failed later, or was censored then or later. Two who fail at one
    time do not count.

    Parameters
    ----------
    score, time : array_like of float, shape (n,)
        The prediction, known at time 0; and the time of failure or censoring.
    event : array_like of int or bool, shape (n,)
        1 failed, 0 censored.
    horizon : float
        Pairs count only if the first of them failed by then.
    confidence : float
        Of the limits.

    Returns
    -------
    Concordance
        With the infinitesimal-jackknife standard error, as R's ``concordance`` has it.

    Raises
    ------
    CasebookError
        If columns are no numbers or of different lengths, or no pair counts.

    Notes
    -----
    What it estimates depends on how long patients are followed, unless there is a horizon that all could reach; it says
    nothing of how high the predictions are, and one c is not to be compared with that of another cohort. It is not made
    for scores that change with time.
    """
    score, time, event = checked(score, "score", time, event)
    horizon = arguments.time("horizon", horizon, after=0, endless=True)
    z = arguments.deviations(confidence)
    ranks = np.unique(score, return_inverse=True)[1]
    order = np.lexsort((~event, time))  # who fails at a time comes before who is censored then
    ranks, time, event = ranks[order], time[order], event[order]
    counts = event & (time <= horizon)

    # Of each who fails: who comes after, other than those failing at the same time.
    after = np.searchsorted(time, time[counts], side="right") - _censored_at(time, event)[counts]
    below, equal = _counted(ranks, after, ranks[counts])
    all_below, all_equal = _counted(ranks, np.full(after.size, ranks.size), ranks[counts])
    below, equal, later = all_below - below, all_equal - equal, ranks.size - after
    concordant, tied, pairs = int(below.sum()), int(equal.sum()), int(later.sum())
    if not pairs:
        raise CasebookError(
            "found no pair of patients of whom it is known who failed first; expected one or more"
        )
    estimate = (concordant + tied / 2) / pairs

    # Of each patient: what the pairs that it is in add, as the one who fails first or as the other.
    share = np.zeros(ranks.size)
    share[counts] = below + equal / 2 - estimate * later
    before = np.searchsorted(time[counts], time, side="left")
    at_once = np.searchsorted(time[counts], time, side="right")
    before = np.where(event, before, at_once)
    below, equal = _counted(ranks[counts], before, ranks)
    share += (before - below - equal) + equal / 2 - estimate * before
    error = float(np.sqrt((share**2).sum())) / pairs
    return Concordance(
        estimate,
        error,
        max(estimate - z * error, 0.0),
        min(estimate + z * error, 1.0),
        concordant,
        pairs - concordant - tied,
        tied,
    )


def _censored_at(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """How many are censored at the time of each, in order of time."""
    _, which = np.unique(time, return_inverse=True)
    return np.bincount(which, weights=~event)[which].astype(int)


def _counted(ranks: np.ndarray, upto: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each question, how many of the first ``upto`` ranks are below ``value``, and how many equal it.

    Ranks are sorted bit by bit from the highest, zeros first (a wavelet matrix); each question keeps its interval of them.
    """
    low, high, below = np.zeros_like(upto), upto.copy(), np.zeros_like(upto)
    top = max(ranks.max(initial=0), value.max(initial=0))
    for bit in reversed(range(int(top).bit_length())):
        one = (ranks >> bit) & 1 == 1
        zeros = np.concatenate([[0], np.cumsum(~one)])
        up = (value >> bit) & 1 == 1
        below += np.where(up, zeros[high] - zeros[low], 0)
        low = np.where(up, zeros[-1] + low - zeros[low], zeros[low])
        high = np.where(up, zeros[-1] + high - zeros[high], zeros[high])
        ranks = np.concatenate([ranks[~one], ranks[one]])
    return below, high - low


# -- what must be -------------------------------------------------------------------------------------------------


def checked(
    values: ArrayLike, what: str, time: ArrayLike, event: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions, times and events as arrays of shape (n,), events as bool; ``what`` names the predictions in the error.

    Raises
    ------
    CasebookError
        If there is no patient, lengths differ, a prediction is no number, a time none from 0 on, or an event not 0 or 1.
    """
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise CasebookError(f"{what}: found what are no numbers; expected one for each patient") from None
    time = checked_times(time, "time")
    try:
        event = np.asarray(event)
    except ValueError:
        raise CasebookError(
            "event: found rows that differ in length; expected 0 or 1 for each patient"
        ) from None
    if values.ndim != 1 or not values.size or not values.shape == time.shape == event.shape:
        raise CasebookError(
            f"found {what} of shape {values.shape}, time of {time.shape} and event of {event.shape}; expected a row of each"
        )
    if not np.isfinite(values).all():
        place = np.flatnonzero(~np.isfinite(values))[0]
        raise CasebookError(f"{what}[{place}]: found {values[place]}; expected a number")
    if event.dtype.kind not in "iub" or not np.isin(event, (0, 1)).all():
        raise CasebookError("event: found values other than 0 and 1; expected these only")
    return values, time, event.astype(bool)
