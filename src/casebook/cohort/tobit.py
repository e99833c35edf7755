"""Tobit models: the likelihood of normal readings of which some are only known to lie between limits, and its maximum.

A reading adds a density where a level was found, the probability of all below the limit where none was (Tobin 1958), and of
all between two limits where it was found and could not be quantified. Likelihoods are taken in the coefficients divided by
the standard deviation, and one over that (Olsen 1978): there the logarithm is concave, so that Newton's method finds the one
maximum, if there is any. Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from casebook.errors import CasebookError

NODES = 21
"""Points of the quadrature over the intercepts of patients."""

STEPS = 100
"""Newton steps after which a search is given up; some ten are taken."""

FLAT = 1e-11
"""What another step would add to the log-likelihood, when the search ends after it."""

ROUNDING = 1e-9

HALF_LOG_2_PI = math.log(2 * math.pi) / 2


@dataclass(frozen=True, eq=False)
class Data:
    """Readings as a model takes them: n readings, p terms of the mean.

    ``lower`` and ``upper`` (n,) are alike where a level was found; ``design`` (n, p); ``terms``, the names of its columns;
    ``patient`` (n,), a whole number each, or None.
    """

    lower: np.ndarray
    upper: np.ndarray
    design: np.ndarray
    terms: tuple[str, ...]
    patient: np.ndarray | None = None


class Likelihood(NamedTuple):
    """A log-likelihood with its gradient (k,) and Hessian (k, k) in k parameters, and the gradients of its parts (parts, k)."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    parts: np.ndarray


# -- likelihoods -----------------------------------------------------------------------------------------------------


def likelihood(data: Data, theta: np.ndarray) -> Likelihood:
    """The log-likelihood of independent readings, in ``theta`` (p + 1,): coefficients over sd, and one over sd.

    ``value`` is minus infinity if the last is not above 0. ``parts`` are those of the readings.
    """
    if not theta[-1] > 0:
        return Likelihood(-math.inf, np.empty(0), np.empty((0, 0)), np.empty((0, 0)))
    value, slope, curvature = _terms(data, data.design @ theta[:-1], theta[-1])
    parts = np.column_stack([slope[0, :, None] * data.design, slope[1]])
    x = data.design
    corner = (curvature[1][:, None] * x).sum(axis=0)
    hessian = np.block(
        [[x.T @ (curvature[0][:, None] * x), corner[:, None]], [corner[None], curvature[2].sum()[None, None]]]
    )
    return Likelihood(float(value.sum()), parts.sum(axis=0), hessian, parts)


def mixed_likelihood(data: Data, theta: np.ndarray) -> Likelihood:
    """As :func:`likelihood`, with sd between patients over sd within as last of theta (p + 2,); readings in order of patients."""
    h, ratio = theta[-2:]
    if not h > 0:
        return Likelihood(-math.inf, np.empty(0), np.empty((0, 0)), np.empty((0, 0)))
    first = np.flatnonzero(np.diff(data.patient, prepend=-1))
    size = np.diff(np.append(first, data.patient.size))
    fixed = data.design @ theta[:-2]

    def of_patients(rows: np.ndarray) -> np.ndarray:
        return np.add.reduceat(rows, first, axis=0)

    # The mode of each patient's standard normal u: the logarithm is concave in it.
    u = np.zeros(first.size)
    for _ in range(STEPS):
        _, slope, curvature = _terms(data, fixed + ratio * np.repeat(u, size), h)
        bend = 1 - ratio**2 * of_patients(curvature[0])
        step = (ratio * of_patients(slope[0]) - u) / bend
        u = u + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-8:
            break
    nodes, weights = np.polynomial.hermite.hermgauss(NODES)
    spread = math.sqrt(2) / np.sqrt(bend)
    u = u[:, None] + spread[:, None] * nodes
    each = np.repeat(u, size, axis=0)
    value, slope, curvature = _terms(data, fixed[:, None] + ratio * each, h)
    joint = of_patients(value) - u**2 / 2 + np.log(weights) + nodes**2
    top = joint.max(axis=1, keepdims=True)
    share = np.exp(joint - top)
    total = share.sum(axis=1)
    value = top[:, 0] + np.log(total * spread) - HALF_LOG_2_PI
    share /= total[:, None]

    # Each reading's derivatives in (coefficients, h, ratio) are those in (mean, h) along (x, 0, u) and (0, 1, 0).
    x, p = data.design, data.design.shape[1]
    along = np.zeros((*each.shape, p + 2))
    along[..., :p], along[..., p + 1] = x[:, None, :], each
    gradients = slope[0][..., None] * along
    gradients[..., p] += slope[1]
    gradients = of_patients(gradients)
    parts = (share[..., None] * gradients).sum(axis=1)
    # Louis: the mean of the Hessian, and the spread of the gradient, over what u may be.
    mass = np.repeat(share, size, axis=0)
    hessian = np.einsum("jk,jka,jkb->ab", mass * curvature[0], along, along)
    corner = np.einsum("jk,jka->a", mass * curvature[1], along)
    hessian[p] += corner
    hessian[:, p] += corner
    hessian[p, p] += (mass * curvature[2]).sum()
    hessian += np.einsum("ik,ika,ikb->ab", share, gradients, gradients) - parts.T @ parts
    return Likelihood(float(value.sum()), parts.sum(axis=0), hessian, parts)


def _terms(data: Data, mean: np.ndarray, h: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The logarithm of each reading's density or probability, with derivatives, in ``mean`` (over sd) and h = 1 / sd.

    ``mean`` is (n,) or (n, nodes). Slopes are for mean and h; curvatures for mean twice, mean and h, and h twice.
    """
    wide = (slice(None),) + (None,) * (mean.ndim - 1)
    lower, upper = data.lower[wide], data.upper[wide]
    found = lower == upper
    level = np.where(found, upper, 0.0)
    z = h * level - mean
    # What is found has a density, and here an interval without ends, whose probability of 1 adds nothing.
    low, up = np.where(found, -math.inf, lower), np.where(found, math.inf, upper)
    a, b = h * low - mean, h * up - mean
    # Probabilities are taken in the lower tail, where they keep their digits.
    turned = a > -b
    near, far = np.where(turned, -a, b), np.where(turned, -b, a)
    log_near = log_ndtr(near)
    log_probability = log_near + np.log1p(-np.exp(log_ndtr(far) - log_near))
    to_b = np.exp(-(b**2) / 2 - HALF_LOG_2_PI - log_probability)
    to_a = -np.exp(-(a**2) / 2 - HALF_LOG_2_PI - log_probability)
    # An end that is not there has no derivative.
    a, low = np.where(np.isinf(a), 0.0, a), np.where(np.isinf(low), 0.0, low)
    b, up = np.where(np.isinf(b), 0.0, b), np.where(np.isinf(up), 0.0, up)
    aa, bb, ab = -to_a * (a + to_a), -to_b * (b + to_b), -to_a * to_b
    value = np.where(found, math.log(h) - z**2 / 2 - HALF_LOG_2_PI, log_probability)
    slope = np.stack(
        [np.where(found, z, -(to_a + to_b)), np.where(found, 1 / h - z * level, to_a * low + to_b * up)]
    )
    curvature = np.stack(
        [
            np.where(found, -1.0, aa + 2 * ab + bb),
            np.where(found, level, -(aa * low + ab * (low + up) + bb * up)),
            np.where(found, -1 / h**2 - level**2, aa * low**2 + 2 * ab * low * up + bb * up**2),
        ]
    )
    return value, slope, curvature


# -- the maximum ----------------------------------------------------------------------------------------------------


def maximise(
    function: Callable[[np.ndarray], Likelihood], begin: np.ndarray
) -> tuple[np.ndarray, Likelihood]:
    """The maximum from a start, by Newton's method; where the function is not concave, along its curvatures made so."""
    here, found = begin, function(begin)
    for _ in range(STEPS):
        bends, axes = np.linalg.eigh(-found.hessian)
        bends = np.maximum(np.abs(bends), 1e-10 * np.abs(bends).max())
        step = axes @ ((axes.T @ found.gradient) / bends)
        gain = found.gradient @ step
        if gain < FLAT:
            return here + step, function(here + step)
        for _ in range(60):
            tried = function(here + step)
            if tried.value > found.value:
                break
            step = step / 2
        else:
            break
        here, found = here + step, tried
    raise CasebookError(
        f"found no maximum of the likelihood (a step would still gain {gain:.2g}); expected readings that limit all parameters"
    )


def start(data: Data) -> np.ndarray:
    """Where to begin, as theta of :func:`likelihood`: least squares of the middles of limits, or the one there is."""
    middle = np.where(
        np.isinf(data.lower),
        data.upper,
        np.where(np.isinf(data.upper), data.lower, (data.lower + data.upper) / 2),
    )
    solution = np.linalg.lstsq(data.design, middle, rcond=None)[0]
    sd = max(float(np.std(middle - data.design @ solution)), 1e-3 * max(float(np.ptp(middle)), 1e-6))
    return np.append(solution, 1.0) / sd


# -- whether there is a maximum -----------------------------------------------------------------------------------------


def check_limited(data: Data) -> None:
    """Raise if no mean fits best: some means can be moved outwards for ever, and no other with them."""
    n, held = data.lower.size, ~np.isinf(data.lower) & ~np.isinf(data.upper)
    if np.isinf(data.lower).all():
        share = 1 - 0.05 ** (1 / n)
        raise CasebookError(
            f"found all {n} readings below their limits, so that no mean fits best: the lower, the better; expected some "
            f"levels. What they say is a bound: at most {share:.1%} of such readings are at or above the highest limit, "
            f"10^{data.upper.max():g} percent (one-sided 95%, if independent)"
        )
    if not held.any():
        raise CasebookError(
            f"found {n} readings without any level, all below or above a limit; expected some levels, for a spread"
        )
    design = data.design / np.abs(data.design).max(axis=0)
    if np.linalg.matrix_rank(design[held]) == design.shape[1]:
        return
    from scipy.optimize import linprog

    outward = np.where(np.isinf(data.lower), -1.0, 1.0)[~held, None] * design[~held]
    free = linprog(
        -outward.sum(axis=0),
        A_ub=np.vstack([-outward, outward]),
        b_ub=np.repeat([0.0, 1.0], len(outward)),
        A_eq=design[held],
        b_eq=np.zeros(held.sum()),
        bounds=(None, None),
    )
    if free.status == 0 and free.fun < -ROUNDING:
        moved = int((outward @ free.x > ROUNDING).sum())
        raise CasebookError(
            f"found {moved} readings beyond a limit whose mean no level holds, so that it runs off (terms: "
            f"{', '.join(data.terms)}); expected levels wherever the mean may differ"
        )


def check_spread(data: Data, *, of_patients: bool = False) -> None:
    """Raise if means go through all levels and between all limits, so that their spread shrinks to 0.

    With ``of_patients``, each of them has an intercept to fit.
    """
    found = data.lower == data.upper
    if found.any():
        known = np.column_stack([data.lower, data.design])[found]
        if of_patients:
            _, place, size = np.unique(data.patient[found], return_inverse=True, return_counts=True)
            means = np.zeros((size.size, known.shape[1]))
            np.add.at(means, place, known)
            known = known - (means / size[:, None])[place]
        solution = np.linalg.lstsq(known[:, 1:], known[:, 0], rcond=None)[0]
        away = np.abs(known[:, 0] - known[:, 1:] @ solution).max()
        if away > ROUNDING * max(1.0, np.abs(data.lower[found]).max()):
            return
    from scipy.optimize import linprog

    own = [np.eye(data.patient.max() + 1)[data.patient]] if of_patients else []
    design = np.column_stack([data.design, *own])
    below, above = ~found & np.isfinite(data.upper), ~found & np.isfinite(data.lower)
    through = linprog(
        np.zeros(design.shape[1]),
        A_ub=np.vstack([design[below], -design[above]]),
        b_ub=np.concatenate([data.upper[below], -data.lower[above]]),
        A_eq=design[found],
        b_eq=data.lower[found],
        bounds=(None, None),
    )
    if through.status == 0:
        raise CasebookError(
            f"found {found.size} readings that means of {', '.join(data.terms)}{' and each patient' if of_patients else ''} go "
            "through, so that their spread shrinks to 0; expected more readings, at different levels"
        )
