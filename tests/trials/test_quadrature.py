"""Quadrature: the likelihood of a study against integrals on dense grids, and its derivatives against differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, log_expit, logsumexp

from casebook.trials import quadrature

STUDIES = [
    (x, n, mu, tau)
    for n in (1, 3, 40, 1000)
    for x in sorted({0, 1, n // 2, n})
    for tau in (0.05, 0.5, 1, 1.001, 3, 10, 100)
    for mu in (-2 * tau - math.log(n), -tau, -1.5, 0, 2 * tau)
]


def on_a_fine_grid(x, n, mu, tau):
    """The trapezoid rule on logits, 16 points to the narrowest thing there is: of a smooth hill it misses nothing."""
    p = (x + 0.5) / (n + 1)
    step = min(tau, 1, 1 / math.sqrt(n * p * (1 - p))) / 16
    eta = np.arange(mu - 12 * tau, mu + 12 * tau, step)
    terms = x * log_expit(eta) + (n - x) * log_expit(-eta) + stats.norm.logpdf(eta, mu, tau)
    return logsumexp(terms) + math.log(step) + math.log(math.comb(n, x))


@pytest.fixture(scope="module")
def truth():
    values = [on_a_fine_grid(*study) for study in STUDIES]
    # What has a probability below e^-25 comes near no estimate and no limit.
    return [(study, value) for study, value in zip(STUDIES, values, strict=True) if value > -25]


def worst_error(truth):
    x, n, mu, tau = (np.array(column) for column in zip(*(study for study, _ in truth), strict=True))
    return np.abs(quadrature.log_marginal(x, n, mu, tau) - [value for _, value in truth]).max()


def test_the_quadrature_is_right_to_8_decimals_from_small_tau_to_large(truth):
    assert len(truth) > 300
    assert worst_error(truth) < 1e-8


def test_half_the_nodes_would_not_do(truth, monkeypatch):
    roots, weights = np.polynomial.hermite.hermgauss(quadrature.NODES // 2)
    monkeypatch.setattr(quadrature, "_STEPS", math.sqrt(2) * roots)
    monkeypatch.setattr(quadrature, "_LOG_STEPS", np.log(weights) + roots**2 + math.log(2) / 2)
    assert worst_error(truth) > 1e-7


def test_without_heterogeneity_the_likelihood_is_binomial():
    x, n = np.array([0, 3, 7, 1]), np.array([5, 9, 7, 1])
    for mu in (-4.0, 0.3, 6.0):
        expected = stats.binom.logpmf(x, n, expit(mu))
        assert quadrature.log_marginal(x, n, mu, 0.0) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(mu=st.floats(-5, 5), tau=st.floats(0, 5), n=st.integers(1, 200))
def test_the_probabilities_of_all_counts_add_up_and_have_the_mean_rate(mu, tau, n):
    counts = np.arange(n + 1)
    chances = np.exp(quadrature.log_marginal(counts, n, mu, tau))
    assert chances.sum() == pytest.approx(1, abs=1e-7)
    # One patient has the event with the mean rate.
    mean = float(np.exp(quadrature.log_marginal(1, 1, mu, tau)))
    assert chances @ counts == pytest.approx(n * mean, rel=1e-6)


@pytest.mark.parametrize("tau", [0.2, 0.999, 1.01, 4.0, 30.0])
@pytest.mark.parametrize("mu", [-2.0, 0.7])
def test_the_derivatives_are_those_of_the_likelihood(mu, tau):
    x, n = np.array([0, 3, 7, 1, 50]), np.array([5, 9, 7, 1, 200])
    step = 1e-3

    def value(by_mu: float, by_tau: float):
        return quadrature.log_marginal(x, n, mu + by_mu * step, tau + by_tau * step)

    # Central differences, right to the square of the step.
    expected = [
        (value(1, 0) - value(-1, 0)) / (2 * step),
        (value(1, 0) - 2 * value(0, 0) + value(-1, 0)) / step**2,
        (value(1, 1) - value(1, -1) - value(-1, 1) + value(-1, -1)) / (4 * step**2),
        (value(0, 1) - 2 * value(0, 0) + value(0, -1)) / step**2,
    ]
    np.testing.assert_allclose(quadrature.second_order(x, n, mu, tau).T, expected, rtol=1e-4, atol=2e-5)
