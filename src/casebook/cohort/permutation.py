"""Whether two groups have the same survival, known from intervals: a log-rank test by permutation of their labels.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr

from casebook.arguments import whole
from casebook.cohort import support
from casebook.errors import CasebookError

TIE = 1e-6
"""Scores nearer to each other than this share of their standard deviation are the same but for rounding."""

BLOCK = 2_000
"""Permutations that are held in memory at a time."""


@dataclass(frozen=True)
class Test:
    """What a test of two groups found.

    ``score`` is, by group, the events beyond those expected if both were alike; ``statistic`` the score over its standard
    deviation among permutations; ``p`` two-sided, from permutations, and ``p_normal`` from the normal distribution.
    ``permutations`` were gone through; ``exhaustive`` says whether these are all that there are.
    """

    score: dict[Hashable, float]
    statistic: float
    p: float
    p_normal: float
    permutations: int
    exhaustive: bool


def scores(lower: ArrayLike, upper: ArrayLike) -> np.ndarray:
    """What each patient adds to the log-rank score of a group: events less those expected; shape (n,), sum 0.

    Of all patients together, with S the estimate of :func:`casebook.cohort.intervals.turnbull` and H its cumulative hazard, the
    sum of ``mass / S-``:
    ``(S(upper) H(upper) - S(lower) H(lower)) / (S(lower) - S(upper))`` (Sun 1996, as Fay and Shaw 2010 write it). Where times
    are known it is 1, or 0 if censored, less H: the score of the log-rank test.
    """
    lower, upper = support.checked(lower, upper)
    left, _, first, last = support.innermost(lower, upper)
    mass = support.maximum(left.size, first, last, np.ones(lower.size))[0]
    survival = np.clip(1 - support.cumulated(mass), 0.0, 1.0)
    survival[-1] = 0.0
    steps = np.divide(mass, survival[:-1], out=np.zeros(mass.size), where=survival[:-1] > 0)
    product = survival * np.concatenate([[0.0], np.cumsum(steps)])
    return (product[last + 1] - product[first]) / (survival[first] - survival[last + 1])


def score_test(
    groups: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, permutations: int = 9999, seed: int = 0
) -> Test:
    """Whether two groups have the same survival, known from intervals: a log-rank test by permutation.

    Parameters
    ----------
    groups : array_like, shape (n,)
        The label of each patient's group; two of them.
    lower, upper : array_like, shape (n,)
        As of :func:`casebook.cohort.intervals.turnbull`.
    permutations : int
        How often labels are dealt out anew, 1 or more. If there are no more ways than that, all are gone through, once each.
    seed : int
        0 or more. The same seed gives the same p.

    Raises
    ------
    CasebookError
        As :func:`casebook.cohort.intervals.turnbull`; if there are not two groups, or not a label for each interval, nothing
        tells patients apart (nobody has the event before the last examination of another), or permutations or seed are none.

    Notes
    -----
    If both groups are alike, and are examined alike, labels mean nothing and p is exact with any number of patients. Of groups
    examined at different intervals it is not. Dealt labels count as extreme if their score is as far from 0 as that found;
    that found counts as one of them, unless all are gone through.
    """
    whole(permutations, "permutations", least=1)
    whole(seed, "seed")
    score = scores(lower, upper)
    try:
        labels = pd.Series(groups, copy=False).reset_index(drop=True)
        names = labels.unique().tolist()
    except (ValueError, TypeError):
        raise CasebookError("groups: found no single row of labels; expected one for each interval") from None
    if len(labels) != score.size:
        raise CasebookError(
            f"groups: found {len(labels)} labels; expected one for each of {score.size} intervals"
        )
    if labels.isna().any():
        raise CasebookError(f"groups[{labels.isna().argmax()}]: found no label; expected one")
    if len(names) != 2:
        raise CasebookError(f"found {len(names)} groups; expected two")
    spread = float(score @ score)
    if spread <= 1e-12 * score.size:
        raise CasebookError(
            "found no event that is known to be before or after another; expected intervals that tell patients apart"
        )
    n, chosen = score.size, (labels == names[1]).to_numpy()
    size = int(chosen.sum())
    found = float(score[chosen].sum())
    deviation = math.sqrt(spread / (n - 1) * size * (n - size) / n)

    ways = math.comb(n, size)
    exhaustive = ways <= permutations
    dealt = _every(score, size) if exhaustive else _dealt(score, size, permutations, seed)
    least = abs(found) - TIE * deviation
    extreme = sum(int(np.count_nonzero(np.abs(block) >= least)) for block in dealt)
    p = extreme / ways if exhaustive else (extreme + 1) / (permutations + 1)
    statistic = found / deviation
    return Test(
        {names[0]: -found, names[1]: found},
        statistic,
        float(p),
        float(2 * ndtr(-abs(statistic))),
        ways if exhaustive else permutations,
        exhaustive,
    )


def _every(score: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The scores of a group of this size, for all ways to deal labels, block by block."""
    ways = combinations(range(score.size), size)
    while block := list(islice(ways, BLOCK)):
        yield score[np.array(block)].sum(axis=1)


def _dealt(score: np.ndarray, size: int, permutations: int, seed: int) -> Iterator[np.ndarray]:
    """The same for labels dealt out at random, so many times."""
    random = np.random.default_rng(seed)
    for begun in range(0, permutations, BLOCK):
        rows = min(BLOCK, permutations - begun)
        yield random.permuted(np.broadcast_to(score, (rows, score.size)), axis=1)[:, :size].sum(axis=1)
