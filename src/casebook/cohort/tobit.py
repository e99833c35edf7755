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

SPACING = 0.7
"""Between points of the quadrature over the intercepts, in units of the narrowest that a patient's integrand can be."""

REACH = 8.5
"""How far the intercepts are followed from the likeliest: beyond, no integrand has more than exp(-REACH**2 / 2) of its top."""

MOST_NODES = 20_000
"""Points for a patient, beyond which the likelihood counts as 0."""

NARROW = 0.1
"""Intervals narrower than this, in standard deviations, are integrated over: differences of tails would lose their digits."""

STEPS = 100
"""Newton steps after which a search is given up; some ten are taken."""

FLAT = 1e-12
"""What another step would add to the log-likelihood, as a share of it, when the search ends after it."""

NOISE = 1e-10
"""What it may still promise to add, as a share, when no step adds anything for rounding."""

ROUNDING = 1e-9

LEGENDRE = np.polynomial.legendre.leggauss(8)

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
        return _impossible()
    x = data.design
    value, slope, curvature = _terms(data.lower, data.upper, x @ theta[:-1], theta[-1])
    parts = np.column_stack([slope[0, :, None] * x, slope[1]])
    corner = curvature[1] @ x
    hessian = np.block(
        [[x.T @ (curvature[0][:, None] * x), corner[:, None]], [corner[None], curvature[2].sum()[None, None]]]
    )
    return Likelihood(float(value.sum()), parts.sum(axis=0), hessian, parts)


def mixed_likelihood(data: Data, theta: np.ndarray) -> Likelihood:
    """As :func:`likelihood`, with sd between patients over sd within as last of theta (p + 2,); readings in order of patients.

    ``value`` is minus infinity also if a patient would need more than :data:`MOST_NODES` points. ``parts`` are of patients.

    Notes
    -----
    Each patient's integral over a standard normal u is a sum over evenly spaced points. Seen as a function of a complex
    number, an integrand f of k readings obeys ``|f(u + iv)| <= f(u) exp((1 + ratio**2 k) v**2 / 2)``, whether readings are
    levels or lie between limits: for a level it holds with equality, and an integral of levels is not above that of their
    sizes. Points ``SPACING / sqrt(1 + ratio**2 k)`` apart are therefore wrong by a share of no more than
    ``2 exp(-2 pi**2 / SPACING**2)``, 1e-17, be the integrand a bell or a step (the bound of Trefethen and Weideman 2014, named,
    not read). Gradient and Hessian are means over the same points (Louis 1982).
    """
    h, ratio = theta[-2:]
    if not h > 0:
        return _impossible()
    first = np.flatnonzero(np.diff(data.patient, prepend=-1))
    size = np.diff(np.append(first, data.patient.size))
    fixed = data.design @ theta[:-2]
    low, high = _range(data, fixed, h, ratio, first, size)
    nodes = np.ceil((high - low) * np.sqrt(1 + ratio**2 * size) / SPACING) + 1
    if not nodes.max() <= MOST_NODES:
        return _impossible()
    nodes = nodes.astype(int)
    spacing = (high - low) / (nodes - 1)
    # One after the other: the points of all patients, and at each of them the readings of its patient.
    start = np.cumsum(nodes) - nodes
    of = np.repeat(np.arange(first.size), nodes)
    u = low[of] + spacing[of] * (np.arange(of.size) - start[of])
    begin = np.cumsum(size[of]) - size[of]
    node = np.repeat(np.arange(of.size), size[of])
    row = np.arange(node.size) - begin[node] + first[of[node]]

    value, slope, curvature = _terms(data.lower[row], data.upper[row], fixed[row] + ratio * u[node], h)
    joint = np.add.reduceat(value, begin) - u**2 / 2
    top = np.maximum.reduceat(joint, start)
    share = np.exp(joint - top[of])
    total = np.add.reduceat(share, start)
    share /= total[of]
    value = top + np.log(total * spacing) - HALF_LOG_2_PI

    # Each reading's derivatives in (coefficients, h, ratio) are those in (mean, h) along (x, 0, u) and (0, 1, 0).
    p = data.design.shape[1]
    along = np.column_stack([data.design[row], np.zeros(row.size), u[node]])
    gradients = slope[0][:, None] * along
    gradients[:, p] += slope[1]
    gradients = np.add.reduceat(gradients, begin)
    parts = np.add.reduceat(share[:, None] * gradients, start)
    # Louis: the mean of the Hessian, and the spread of the gradient, over what u may be.
    mass = share[node]
    hessian = along.T @ ((mass * curvature[0])[:, None] * along)
    corner = (mass * curvature[1]) @ along
    hessian[p] += corner
    hessian[:, p] += corner
    hessian[p, p] += mass @ curvature[2]
    away = gradients - parts[of]
    hessian += away.T @ (share[:, None] * away)
    return Likelihood(float(value.sum()), parts.sum(axis=0), hessian, parts)


def _impossible() -> Likelihood:
    return Likelihood(-math.inf, np.empty(0), np.empty((0, 0)), np.empty((0, 0)))


def _range(
    data: Data, fixed: np.ndarray, h: float, ratio: float, first: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """From where to where each patient's u has to be followed: :data:`REACH` at most to either side of its mode."""

    def at(u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        value, slope, curvature = _terms(data.lower, data.upper, fixed + ratio * np.repeat(u, size), h)
        value, slope, curvature = (
            np.add.reduceat(rows, first) for rows in (value, ratio * slope[0], ratio**2 * curvature[0])
        )
        return value - u**2 / 2, slope - u, 1 - curvature

    u = np.zeros(first.size)
    top, slope, bend = at(u)
    # The slope falls by 1 or more for each unit, so that the mode is no further away than it is steep: Newton between bounds.
    low, high = np.minimum(slope, 0.0), np.maximum(slope, 0.0)
    for _ in range(STEPS):
        # The mode is then no further than a tenth, which is near enough.
        if (np.abs(slope) < 0.1).all():
            break
        low, high = np.where(slope > 0, u, low), np.where(slope < 0, u, high)
        u = u + slope / bend
        u = np.where((u < low) | (u > high), (low + high) / 2, u)
        top, slope, bend = at(u)
    ends = []
    for sign in (-1, 1):
        # The integrand falls at least as that of nobody's readings, at most as that of levels: halved between, as ratios.
        near, far = REACH / np.sqrt(1 + ratio**2 * size), np.full(first.size, REACH)
        for _ in range(4):
            middle = np.sqrt(near * far)
            fallen = at(u + sign * middle)[0] < top - REACH**2 / 2
            near, far = np.where(fallen, near, middle), np.where(fallen, middle, far)
        ends.append(u + sign * far)
    return ends[0], ends[1]


def _terms(
    lower: np.ndarray, upper: np.ndarray, mean: np.ndarray, h: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The logarithm of each reading's density or probability (n,), with derivatives, in ``mean`` (over sd) and h = 1 / sd.

    Slopes (2, n) are for mean and h; curvatures (3, n) for mean twice, mean and h, and h twice.
    """
    found = lower == upper
    width = h * np.where(found, math.inf, upper - lower)
    narrow = width < NARROW
    # Far out, where tails are not alike, their difference keeps its digits.
    narrow[narrow] = width[narrow] * np.abs(h * lower[narrow] - mean[narrow]) < 2
    terms = np.empty((6, lower.size))
    terms[:, found] = _of_levels(upper[found], mean[found], h)
    terms[:, narrow] = _of_narrow(lower[narrow], upper[narrow], mean[narrow], h)
    wide = ~(found | narrow)
    terms[:, wide] = _of_intervals(lower[wide], upper[wide], mean[wide], h)
    return terms[0], terms[1:3], terms[3:]


def _of_levels(level: np.ndarray, mean: np.ndarray, h: float) -> np.ndarray:
    """Of levels that were found: the six :func:`_terms`, for arrays of any shape."""
    z = h * level - mean
    value = math.log(h) - z**2 / 2 - HALF_LOG_2_PI
    return np.stack([value, z, 1 / h - z * level, np.full_like(z, -1.0), level, -1 / h**2 - level**2])


def _of_narrow(lower: np.ndarray, upper: np.ndarray, mean: np.ndarray, h: float) -> np.ndarray:
    """Of narrow intervals: the mean of the density over them (Gauss-Legendre), and of its derivatives, as Louis has them."""
    half = (upper - lower) / 2
    value, to_mean, to_h, *curvature = _of_levels(
        ((lower + upper) / 2)[:, None] + half[:, None] * LEGENDRE[0], mean[:, None], h
    )
    top = value.max(axis=1, keepdims=True, initial=-math.inf)
    share = LEGENDRE[1] * np.exp(value - top)
    total = share.sum(axis=1)
    share /= total[:, None]
    slope = [(share * rows).sum(axis=1) for rows in (to_mean, to_h)]
    one, other = to_mean - slope[0][:, None], to_h - slope[1][:, None]
    spread = (one**2, one * other, other**2)
    bends = [(share * (bend + more)).sum(axis=1) for bend, more in zip(curvature, spread, strict=True)]
    return np.stack([top[:, 0] + np.log(total * half), *slope, *bends])


def _of_intervals(lower: np.ndarray, upper: np.ndarray, mean: np.ndarray, h: float) -> np.ndarray:
    """Of intervals, of which one end may be infinite."""
    a, b = h * lower - mean, h * upper - mean
    # Probabilities are taken in the lower tail, where they keep their digits.
    turned = a > -b
    near, far = np.where(turned, -a, b), np.where(turned, -b, a)
    log_near = log_ndtr(near)
    log_probability = log_near + np.log1p(-np.exp(log_ndtr(far) - log_near))
    to_b = np.exp(-(b**2) / 2 - HALF_LOG_2_PI - log_probability)
    to_a = -np.exp(-(a**2) / 2 - HALF_LOG_2_PI - log_probability)
    # An end that is not there has no derivative.
    a, lower = np.where(np.isinf(a), 0.0, a), np.where(np.isinf(lower), 0.0, lower)
    b, upper = np.where(np.isinf(b), 0.0, b), np.where(np.isinf(upper), 0.0, upper)
    aa, bb, ab = -to_a * (a + to_a), -to_b * (b + to_b), -to_a * to_b
    slope = -(to_a + to_b), to_a * lower + to_b * upper
    cross = aa * lower + ab * (lower + upper) + bb * upper
    square = aa * lower**2 + 2 * ab * lower * upper + bb * upper**2
    return np.stack([log_probability, *slope, aa + 2 * ab + bb, -cross, square])


# -- the maximum ----------------------------------------------------------------------------------------------------


def centred(data: Data) -> tuple[Data, np.ndarray, float]:
    """The same readings with levels about 0, and covariates about 0 with spread 1 beside an intercept (else of size 1).

    Also the matrix (p, p) that takes coefficients back, and what was taken from the levels. A year of the calendar beside
    the intercept would leave few digits to a Hessian.
    """
    design, p = data.design, data.design.shape[1]
    back = np.eye(p)
    if data.terms[:1] == ("Intercept",):
        middle, spread = design[:, 1:].mean(axis=0), design[:, 1:].std(axis=0)
        back[0, 1:], back[range(1, p), range(1, p)] = -middle / spread, 1 / spread
        design = np.column_stack([design[:, 0], (design[:, 1:] - middle) / spread])
        shift = float(np.mean(_middles(data)))
    else:
        sizes = np.abs(design).max(axis=0)
        back, design, shift = np.diag(1 / sizes), design / sizes, 0.0
    return (
        Data(data.lower - shift, data.upper - shift, design, data.terms, data.patient),
        back,
        shift,
    )


def maximise(
    function: Callable[[np.ndarray], Likelihood], begin: np.ndarray
) -> tuple[np.ndarray, Likelihood]:
    """The maximum from a start, by Newton's method; where the function is not concave, along its curvatures made so."""
    here, found = begin, function(begin)
    for _ in range(STEPS):
        # In units in which each parameter bends alike, so that none is flat for its unit.
        unit = 1 / np.sqrt(np.maximum(np.abs(np.diag(found.hessian)), np.finfo(float).tiny))
        bends, axes = np.linalg.eigh(-found.hessian * np.outer(unit, unit))
        bends = np.maximum(np.abs(bends), 1e-12)
        step = unit * (axes @ ((axes.T @ (unit * found.gradient)) / bends))
        gain, size = found.gradient @ step, max(1.0, abs(found.value))
        if gain < FLAT * size:
            last = here + step
            return last, function(last)
        for _ in range(60):
            tried = function(here + step)
            if tried.value > found.value:
                break
            step = step / 2
        else:
            if gain < NOISE * size:
                return here, found
            break
        here, found = here + step, tried
    raise CasebookError(
        f"found no maximum of the likelihood (a step would still gain {gain:.2g}); expected readings that limit all parameters"
    )


def covariance(found: Likelihood) -> np.ndarray:
    """The inverse of the observed information (k, k), at what is a maximum; CasebookError if it is none."""
    bends = -found.hessian
    diagonal = np.diag(bends)
    if np.isfinite(bends).all() and (diagonal > 0).all():
        unit = 1 / np.sqrt(diagonal)
        scaled = bends * np.outer(unit, unit)
        if np.linalg.eigvalsh(scaled)[0] > 1e-12:
            return np.linalg.inv(scaled) * np.outer(unit, unit)
    raise CasebookError(
        "found a likelihood that is flat, or bends upwards, where the search ended; expected readings that limit all parameters"
    )


def start(data: Data) -> np.ndarray:
    """Where to begin, as theta of :func:`likelihood`: least squares of the middles of limits, or the one there is."""
    middle = _middles(data)
    solution = np.linalg.lstsq(data.design, middle, rcond=None)[0]
    sd = max(float(np.std(middle - data.design @ solution)), 1e-3 * max(float(np.ptp(middle)), 1e-6))
    return np.append(solution, 1.0) / sd


def _middles(data: Data) -> np.ndarray:
    lower = np.where(np.isinf(data.lower), data.upper, data.lower)
    upper = np.where(np.isinf(data.upper), data.lower, data.upper)
    return (lower + upper) / 2


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
    design = centred(data)[0].design
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
    data = centred(data)[0]
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
