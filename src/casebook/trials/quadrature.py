"""Quadrature: the likelihood of a study's count when its rate is normal on the logit scale, and its derivatives.

The rate of a study is expit(mu + tau z), z standard normal, and its count binomial given that rate. The integral over z
is taken by adaptive Gauss-Hermite quadrature, with nodes about the integrand's own mode. Arrays broadcast throughout.

Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, gammaln, log_expit, log_ndtr

from casebook.errors import CasebookError

Array = NDArray[np.float64]

NODES = 120
"""Gauss-Hermite nodes a study: enough for 1e-8 in its log-likelihood, tau from 0 to 100 (the tests measure it)."""


class _Weight(NamedTuple):
    """What multiplies the likelihood under the integral, as a logarithm: ``derivatives`` gives its first and second."""

    log: Callable[[Array], Array]
    derivatives: Callable[[Array], tuple[Array, Array]]


class _Part(NamedTuple):
    """Integrals of one form, ``exp(constant) * integral of p^a (1 - p)^b exp(weight(z))``, p = expit(mu + tau z).

    ``sign`` is -1 where mu was mirrored for a full count; ``start`` is a z near the integrand's mode.
    """

    where: NDArray[np.bool_]
    a: Array
    b: Array
    mu: Array
    tau: Array
    sign: Array
    constant: Array
    start: Array
    weight: _Weight


class _Quadrature(NamedTuple):
    """The logarithm of integrals of shape (m,), their nodes in z, and each node's share of the integral, (m, NODES)."""

    log: Array
    z: Array
    share: Array


_LOG_ROOT_2PI = math.log(2 * math.pi) / 2


def _mills(z: Array) -> Array:
    """Normal density over normal distribution function, without underflow."""
    return np.exp(-0.5 * z * z - _LOG_ROOT_2PI - log_ndtr(z))


def _tail_derivatives(z: Array) -> tuple[Array, Array]:
    ratio = _mills(z)
    return ratio, -ratio * (z + ratio)


_DENSITY = _Weight(lambda z: -0.5 * z * z - _LOG_ROOT_2PI, lambda z: (-z, -np.ones_like(z)))
_DISTRIBUTION = _Weight(log_ndtr, _tail_derivatives)

_ROOTS, _ROOT_WEIGHTS = np.polynomial.hermite.hermgauss(NODES)
_STEPS = math.sqrt(2) * _ROOTS
_LOG_STEPS = np.log(_ROOT_WEIGHTS) + _ROOTS**2 + math.log(2) / 2


def _parts(x: ArrayLike, n: ArrayLike, mu: ArrayLike, tau: ArrayLike) -> Iterator[_Part]:
    """The integrals that give each study's likelihood, in a form that few nodes suffice for.

    A full count is a count of 0 seen from the other side. The integrand of a count of 0 is (1 - p)^n times the normal
    density: for large tau a density with a cliff, which no polynomial follows. By parts the same integral is that of
    n tau p (1 - p)^n times the normal distribution function, one smooth hill at the cliff.
    """
    x, n, mu, tau = (np.asarray(v, dtype=float) for v in np.broadcast_arrays(x, n, mu, tau))
    full = x == n
    sign = np.where(full, -1.0, 1.0)
    count = np.where(full, 0.0, x)
    wide = tau > 1
    cliff = wide & (count == 0)
    for where, weight in ((~wide, _DENSITY), (wide & ~cliff, _DENSITY), (cliff, _DISTRIBUTION)):
        if not where.any():
            continue
        a, b, centre, scale = count[where], (n - count)[where], (sign * mu)[where], tau[where]
        if weight is _DENSITY:
            # Where the likelihood alone has its mode, drawn towards z = 0 as a normal prior draws a normal likelihood.
            information = (a + 0.5) * (b + 0.5) / (a + b + 1)
            pull = scale * information / (1 + scale**2 * information)
            start, constant = (np.log((a + 0.5) / (b + 0.5)) - centre) * pull, np.zeros_like(a)
        else:
            a, start, constant = np.ones_like(b), -(np.log(b) + centre) / scale, np.log(b * scale)
        yield _Part(where, a, b, centre, scale, sign[where], constant, start, weight)


def _integrate(part: _Part) -> _Quadrature:
    """Adaptive Gauss-Hermite quadrature: nodes about the integrand's mode, as far apart as its curvature says.

    Liu, Pierce 1994; the integrand is log-concave, so that it has one mode.
    """
    a, b, mu, tau, weight = part.a, part.b, part.mu, part.tau, part.weight

    def derivatives(z: Array) -> tuple[Array, Array]:
        p, q = expit(mu + tau * z), expit(-mu - tau * z)
        first, second = weight.derivatives(z)
        return tau * (a * q - b * p) + first, -(tau**2) * (a + b) * p * q + second

    mode = summit(derivatives, part.start)
    spread = 1 / np.sqrt(-derivatives(mode)[1])
    z = mode[:, None] + spread[:, None] * _STEPS
    eta = mu[:, None] + tau[:, None] * z
    log_p = log_expit(eta)
    terms = a[:, None] * log_p + b[:, None] * (log_p - eta) + weight.log(z) + _LOG_STEPS
    top = terms.max(axis=1)
    share = np.exp(terms - top[:, None])
    total = share.sum(axis=1)
    return _Quadrature(part.constant + top + np.log(total * spread), z, share / total[:, None])


def summit(derivatives: Callable[[Array], tuple[Array, Array]], start: Array) -> Array:
    """Where concave functions, one an element, are highest: Newton's method, made safe by halving.

    Newton alone can swing for ever between two flanks. Once both are known, a step that has not halved the slope is
    followed by one to the middle between them.
    """
    far = np.finfo(float).max
    lower, upper, before = np.full_like(start, -far), np.full_like(start, far), np.full_like(start, far)
    point = start
    for _ in range(200):
        slope, curvature = derivatives(point)
        lower, upper = np.where(slope > 0, point, lower), np.where(slope < 0, point, upper)
        with np.errstate(
            divide="ignore", invalid="ignore"
        ):  # on a level flank: no step is inside, so halving
            newton = point - slope / curvature
        one_sided = (lower == -far) | (upper == far)
        inside = (lower <= newton) & (newton <= upper)
        # The Newton decrement, twice the height that is still missing.
        done = slope**2 < -1e-10 * curvature
        trusted = done | (inside & (one_sided | (np.abs(slope) <= before / 2)))
        point, before = np.where(trusted, newton, lower / 2 + upper / 2), np.abs(slope)
        if done.all():
            return point
    raise CasebookError("the maximum of a concave function was not found in 200 steps")


def log_marginal(x: ArrayLike, n: ArrayLike, mu: ArrayLike, tau: ArrayLike) -> Array:
    """Log probability of ``x`` events in ``n`` patients of a study, its rate unknown; of the shape they broadcast to."""
    x, n, mu, tau = np.broadcast_arrays(x, n, mu, tau)
    result = np.array(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1))
    for part in _parts(x, n, mu, tau):
        result[part.where] += _integrate(part).log
    return result


def second_order(x: ArrayLike, n: ArrayLike, mu: ArrayLike, tau: ArrayLike) -> Array:
    """Derivatives of :func:`log_marginal`: by mu, by mu twice, by mu and tau, by tau twice, in the last axis.

    Means and covariances of the derivatives of the log integrand, under its nodes' shares (Louis 1982).
    """
    x, n, mu, tau = np.broadcast_arrays(x, n, mu, tau)
    result = np.empty((*x.shape, 4))
    for part in _parts(x, n, mu, tau):
        _, z, share = _integrate(part)
        once_mu, once_tau, *twice = _wide_terms(part, z) if part.tau[0] > 1 else _narrow_terms(part, z)
        off_mu = once_mu - (share * once_mu).sum(axis=1, keepdims=True)
        off_tau = once_tau - (share * once_tau).sum(axis=1, keepdims=True)
        spreads = (0.0, off_mu**2, off_mu * off_tau, off_tau**2)
        means = [
            (share * (term + spread)).sum(axis=1)
            for term, spread in zip((once_mu, *twice), spreads, strict=True)
        ]
        means[0], means[2] = part.sign * means[0], part.sign * means[2]
        result[part.where] = np.stack(means, axis=-1)
    return result


def _narrow_terms(part: _Part, z: Array) -> tuple[Array, ...]:
    """By mu, tau, mu twice, both, tau twice: the log integrand's derivatives with z held, for tau up to 1."""
    a, b = part.a[:, None], part.b[:, None]
    eta = part.mu[:, None] + part.tau[:, None] * z
    p, q = expit(eta), expit(-eta)
    residual, variance = a * q - b * p, (a + b) * p * q
    return residual, residual * z, -variance, -variance * z, -variance * z**2


def _wide_terms(part: _Part, z: Array) -> tuple[Array, ...]:
    """The same with mu + tau z held, for tau above 1.

    What moves is then the weight alone. With z held, two sums as large as the study would have to cancel down to
    something as small as 1 / tau^2.
    """
    tau = part.tau[:, None]
    first, second = part.weight.derivatives(z)
    # dz is d(mu + tau z) / tau, whose logarithm depends on tau; by parts, the constant log(n tau) undoes that.
    jacobian = 1 / tau**2 if part.weight is _DENSITY else 0.0
    return (
        -first / tau,
        -z * first / tau,
        second / tau**2,
        (first + z * second) / tau**2,
        (2 * z * first + z**2 * second) / tau**2 + jacobian,
    )
