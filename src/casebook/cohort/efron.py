"""Efron's method for failures at one time, and the sums over those at risk that it takes shares from.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import numpy as np


def turns(tied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A row for each failure, in turns: the position of its time, and the share of all failing then that is gone (Efron 1977).

    Parameters
    ----------
    tied : ndarray of int, shape (m,)
        How many fail at each of m times: d of them have the shares 0, 1/d, ... (d - 1)/d.
    """
    each = np.repeat(np.arange(tied.size), tied)
    return each, (np.arange(each.size) - np.repeat(np.cumsum(tied) - tied, tied)) / tied[each]


def sums_from(rows: np.ndarray) -> np.ndarray:
    """The sums of each row and all after it, and 0 after the last: (n + 1, ...) of (n, ...)."""
    return np.concatenate([np.cumsum(rows[::-1], axis=0)[::-1], np.zeros((1, *rows.shape[1:]))])
