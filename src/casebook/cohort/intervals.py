"""Events that are only known to lie between two examinations: survival, its limits, and a test of two groups.

An event found at an examination happened after the last one without it: in (lower, upper]. Nobody can be counted as at
risk, or as failing, at a time that is not known, so that there is no table of risk here; where all times are known, the
estimate is that of :func:`casebook.cohort.estimate.kaplan_meier`. It is assumed that examinations are not timed by the
event itself, and that who is lost to them is like those who stay. Late entry is not provided for.

Papers are named here as where a method comes from. They were not read. R's conventions were read off its answers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from casebook.arguments import whole
from casebook.cohort import support
from casebook.cohort.arguments import deviations
from casebook.cohort.permutation import Test, score_test, scores
from casebook.cohort.risktable import checked_times
from casebook.errors import CasebookError

__all__ = ["Test", "Turnbull", "between_examinations", "bootstrap", "score_test", "scores", "turnbull"]


@dataclass(frozen=True, eq=False)
class Turnbull:
    """The nonparametric estimate of survival from intervals; m intervals that can hold mass.

    Parameters
    ----------
    left, right : ndarray, shape (m,)
        The intervals (left, right], ascending and apart; left = right is that very time, right may be infinite. Where in
        it the mass lies is not known: survival falls somewhere within, and is level between them.
    mass : ndarray, shape (m,)
        Their probabilities, which add up to 1; some may be 0.
    multiplier : ndarray, shape (m,)
        What the log-likelihood would gain, to first order, for mass moved there, a patient and unit of mass. The estimate is
        the best of all if and only if none is above 0, and those with mass are 0 (Gentleman and Geyer 1994).
    excess : float
        By how much the log-likelihood can at most fall short of its maximum: n times the largest multiplier.
    log_likelihood : float
    n : int
        Patients.
    """

    left: np.ndarray
    right: np.ndarray
    mass: np.ndarray
    multiplier: np.ndarray
    excess: float
    log_likelihood: float
    n: int

    def at(self, times: ArrayLike) -> pd.DataFrame:
        """Milestones: a row for each of the times, in the order given, with time and the limits of survival.

        Any survival from ``lower`` to ``upper`` fits the intervals equally well: this is what examinations leave open, and
        no limit of confidence. The limits are alike where no interval with mass is cut by the time.

        Raises
        ------
        CasebookError
            If a time is not a number from 0 on.
        """
        times = np.atleast_1d(checked_times(times, "times"))
        gone = np.concatenate([[0.0], np.cumsum(self.mass)])
        surely = np.searchsorted(self.right, times, side="right")
        # Of an interval (left, right] nothing is gone at left, of a single time all is.
        begun = np.maximum(np.searchsorted(self.left, times, side="left"), surely)
        lower, upper = (np.clip(1 - gone[place], 0.0, 1.0) for place in (begun, surely))
        return pd.DataFrame({"time": times, "lower": lower, "upper": upper})

    def frame(self) -> pd.DataFrame:
        """A row for each interval that can hold mass: left, right, mass, multiplier, survival (from right on)."""
        after = np.clip(1 - np.cumsum(self.mass), 0.0, 1.0)
        return pd.DataFrame(
            {
                "left": self.left,
                "right": self.right,
                "mass": self.mass,
                "multiplier": self.multiplier,
                "survival": after,
            }
        )


# -- from examinations ----------------------------------------------------------------------------------------------


def between_examinations(examinations: pd.DataFrame) -> pd.DataFrame:
    """The interval in which each patient turned positive after having been negative.

    Parameters
    ----------
    examinations : DataFrame
        A row for each: ``patient``, ``time`` (from 0), ``positive`` (bool), in any order.

    Returns
    -------
    DataFrame
        Indexed by patient: ``lower``, the last negative before the first positive that follows a negative one; ``upper``,
        that positive, or infinity. A single positive counts, confirmed or not. Patients who never were negative are left
        out, and named in ``attrs["left_out"]``.

    Raises
    ------
    CasebookError
        If it is no table, a column is missing, a patient is not named, a time is not a number from 0 on, ``positive`` is not
        true or false, or a patient has two examinations at one time.
    """
    if not isinstance(examinations, pd.DataFrame):
        raise CasebookError(f"found examinations of type {type(examinations).__name__}; expected a DataFrame")
    lacking = [name for name in ("patient", "time", "positive") if name not in examinations.columns]
    if lacking:
        raise CasebookError(f"found no column {', '.join(lacking)}; expected patient, time and positive")
    if not pd.api.types.is_bool_dtype(examinations["positive"]) or examinations["positive"].isna().any():
        raise CasebookError(
            f"positive: found values of type {examinations['positive'].dtype}; expected true or false of each"
        )
    if examinations["patient"].isna().any():
        raise CasebookError("patient: found examinations of nobody; expected a patient of each")
    rows = pd.DataFrame(
        {
            "patient": examinations["patient"].to_numpy(),
            "time": checked_times(examinations["time"].to_numpy(), "time"),
            "positive": examinations["positive"].to_numpy(dtype=bool),
        }
    ).sort_values(["patient", "time"])
    twice = rows.duplicated(["patient", "time"])
    if twice.any():
        row = rows[twice].iloc[0]
        raise CasebookError(
            f"found two examinations of {row['patient']} at {row['time']:g}; expected one, or those of a day as one"
        )
    everyone = rows["patient"].unique()
    negative = rows[~rows["positive"]].set_index("patient")["time"]
    first = negative.groupby(level=0).min()
    since = rows["patient"].map(first)
    upper = rows[rows["positive"] & (rows["time"] > since)].groupby("patient")["time"].min()
    upper = upper.reindex(first.index, fill_value=math.inf)
    lower = negative[negative < upper.reindex(negative.index)].groupby(level=0).max()
    found = pd.DataFrame({"lower": lower, "upper": upper}).rename_axis("patient")
    found.attrs["left_out"] = [patient for patient in everyone.tolist() if patient not in first.index]
    return found


# -- the estimate -----------------------------------------------------------------------------------------------------


def turnbull(lower: ArrayLike, upper: ArrayLike) -> Turnbull:
    """The nonparametric maximum likelihood estimate of survival from intervals (Peto 1973, Turnbull 1976).

    Parameters
    ----------
    lower, upper : array_like, shape (n,)
        The event is after ``lower`` and not after ``upper``, from 0, in any unit: ``lower = upper`` is a time that is
        known, ``upper = inf`` one that has not come (right-censored), ``lower = 0`` one before the first examination.

    Raises
    ------
    CasebookError
        If there is no interval, lengths differ, a time is not a number from 0 on, an interval is reversed, or the search
        does not come within :data:`casebook.cohort.support.TOLERANCE` of the maximum.

    Notes
    -----
    Mass can lie in the innermost intervals only: from a left end to a right end with no other end between. Their
    probabilities are unique here: the likelihood is strictly concave in those of the patients' intervals, and as each
    innermost one ends some patient's interval, all follow from these, one after the other.

    The search alternates a step of expectation and maximization with one towards the nearest distribution function by
    Newton's method without mixed derivatives (iterative convex minorant; Groeneboom and Wellner 1992, joined by Wellner
    and Zhan 1997); either is a few passes over the patients. It ends by its certificate, never because it slowed down.
    """
    lower, upper = support.checked(lower, upper)
    left, right, first, last = support.innermost(lower, upper)
    # Patients alike are counted: those of the same innermost intervals, whatever their own ends.
    alike, count = np.unique(first * left.size + last, return_counts=True)
    mass, multiplier, log_likelihood = support.maximum(
        left.size, alike // left.size, alike % left.size, count.astype(float)
    )
    return Turnbull(
        left,
        right,
        mass,
        multiplier,
        float(max(multiplier.max(), 0.0) * lower.size),
        log_likelihood,
        lower.size,
    )


def bootstrap(
    lower: ArrayLike,
    upper: ArrayLike,
    times: ArrayLike,
    *,
    samples: int = 500,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Pointwise limits of survival from intervals, by drawing the patients again with replacement.

    Parameters
    ----------
    lower, upper : array_like, shape (n,)
        As of :func:`turnbull`.
    times : array_like
        The milestones.
    samples : int
        How often patients are drawn, 2 or more.
    confidence : float
        Of each pair of limits, between 0 and 1.
    seed : int
        0 or more. The same seed gives the same limits.

    Returns
    -------
    DataFrame
        As of :meth:`Turnbull.at`, with ``lower_limit`` and ``upper_limit``: percentiles of the lower and of the upper end
        of what the redrawn examinations leave open, so that the pair is for all of it.

    Raises
    ------
    CasebookError
        As :func:`turnbull`; and if the samples, the confidence or the seed are none.

    Notes
    -----
    Where examinations fall on a few days that are the same for all, the estimate is as good as a proportion, and so are
    these limits. Where they fall on days of their own, it comes nearer to the truth only with the cube root of patients,
    and the bootstrap is known not to hold its confidence there (Sen and Xu 2015).
    Limits do not leave 0 or 1 if no redrawn sample does: without an event they are 1 and 1, and say nothing.
    """
    lower, upper = support.checked(lower, upper)
    deviations(confidence)
    whole(samples, "samples", least=2)
    whole(seed, "seed")
    found = turnbull(lower, upper).at(times)
    random = np.random.default_rng(seed)
    ends = np.empty((2, samples, len(found)))
    for sample in range(samples):
        drawn = random.integers(lower.size, size=lower.size)
        ends[:, sample] = turnbull(lower[drawn], upper[drawn]).at(times)[["lower", "upper"]].to_numpy().T
    tail = (1 - confidence) / 2
    return found.assign(
        lower_limit=np.quantile(ends[0], tail, axis=0), upper_limit=np.quantile(ends[1], 1 - tail, axis=0)
    )
