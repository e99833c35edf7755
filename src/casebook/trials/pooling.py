"""Rates pooled over studies: random effects on the logit scale, with the binomial likelihood.

The rate of study i is expit(mu + tau z_i), z_i standard normal, and its count binomial given that rate (Hamza, van
Houwelingen, Stijnen 2008). Counts of 0 and full counts enter as they are: nothing is added to them, and no study's
variance is guessed. Limits come from the profile likelihood: on mu with tau free, on tau with mu free.

tau is a standard deviation, in logits. For fixed tau the likelihood is log-concave in mu, so that Newton's method finds
its one maximum; for fixed mu it may have several in tau, which are looked for on a grid that begins at tau = 0.

Papers are named here as where a method comes from. They were not read: the formulas were worked out, and are tested
against other programs and against integrals on dense grids.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit
from scipy.stats import chi2, t

from casebook.errors import CasebookError
from casebook.trials.quadrature import log_marginal, second_order, summit
from casebook.trials.rates import Interval, checked_confidence, checked_whole

TAU_CEILING = 1e4
"""A tau above this many logits is infinite for every purpose here."""

MU_CEILING = 700.0
"""A median rate beyond expit(-700), about 1e-304, or as near to 1, is 0 or 1."""

TOLERANCE = 1e-9
"""Log-likelihoods that differ by less are equal: what the quadrature warrants."""


@dataclass(frozen=True)
class Pooled:
    """A random-effects synthesis of proportions, by maximum likelihood.

    Parameters
    ----------
    events, totals
        What was pooled: patients with the event, and patients, by study.
    confidence
        Of every interval here.
    mu
        Centre of the studies' rates, in logits; minus or plus infinity if all counts are 0 or full.
    standard_error
        Of ``mu``, from the observed information on mu and tau; infinite if ``mu`` is.
    tau
        Standard deviation of the studies' rates, in logits. 0 is a possible estimate, and no proof of homogeneity.
    log_likelihood
        At the maximum, with the binomial coefficients.
    rate
        ``expit(mu)``, the rate of the median study.
    rate_interval
        Profile likelihood limits of ``rate``.
    tau_interval
        Profile likelihood limits of ``tau``: from 0 where 0 is not excluded, to infinity where nothing bounds it.
    mean_rate
        The mean of the studies' rates, nearer to one half than ``rate`` if ``tau`` is above 0.
    prediction
        Limits for the true rate of one more study; 0 to 1 where the data exclude nothing (see :func:`fit`).
    """

    events: tuple[int, ...]
    totals: tuple[int, ...]
    confidence: float
    mu: float
    standard_error: float
    tau: float
    log_likelihood: float
    rate: float
    rate_interval: Interval
    tau_interval: Interval
    mean_rate: float
    prediction: Interval

    @property
    def n_studies(self) -> int:
        """How many studies were pooled."""
        return len(self.events)

    def predictive(self, n: int) -> np.ndarray:
        """Probabilities of 0 to ``n`` events in a new study of ``n`` patients.

        The rate of that study is drawn from the fitted distribution of rates. ``mu`` and ``tau`` are taken as known, so
        that the probabilities spread too little: the fewer the studies, the more so.

        Returns
        -------
        Array of shape (n + 1,) that sums to 1.

        Raises
        ------
        CasebookError
            ``n`` is no whole number of 1 or more; or all counts were 0 or full, where ``mu`` is infinite and taking it as
            known would call the event impossible, or certain.
        """
        size = checked_whole(n, "patients of a new study", least=1)
        if math.isinf(self.mu):
            raise CasebookError(
                "no predictive distribution: found only counts of 0, or only full counts; expected both outcomes, "
                "for a finite mu"
            )
        return np.exp(log_marginal(np.arange(size + 1), size, self.mu, self.tau))


def fit(events: Sequence[int], totals: Sequence[int], *, confidence: float = 0.95) -> Pooled:
    """Pool the proportions of studies.

    Parameters
    ----------
    events, totals
        Patients with the event and all patients of each study, 1 study or more.
    confidence
        Of the intervals, between 0 and 1.

    Raises
    ------
    CasebookError
        Counts that cannot be; or no study has both outcomes while both occur, such as 0/15 and 30/30. The likelihood
        then grows with tau without end (or, if all studies are of one patient, is as high at every tau).

    Notes
    -----
    Limits of mu and tau are where the profile log-likelihood has fallen by half the chi-squared quantile on one degree
    of freedom. That is a large-sample rule, and the sample is one of studies: with few studies the limits are
    approximate. Where the profile never falls so far there is no limit, and 0, 1 or infinity is given.

    The prediction interval is ``expit(mu +- q sqrt(tau^2 + se^2))``, ``q`` the t quantile on k - 2 degrees of freedom for
    k studies (Higgins, Thompson, Spiegelhalter 2009, for effects known to within a normal error; here ``se`` is from the
    observed information of the binomial likelihood). With 1 or 2 studies the t distribution has no degree of freedom
    left, and with all counts 0 or full ``se`` is infinite: the interval is then its limit, 0 to 1. It takes tau as known.
    With tau estimated as 0 it can therefore be narrower, on a side, than the limits of ``rate``, which leave tau free.

    All counts 0: the maximum lies at ``mu`` minus infinity, where every tau gives the data probability 1; ``rate`` is 0 and
    ``tau`` is given as 0, between 0 and infinity. With 1 or 2 such studies the rate has no upper limit at 95%: a median
    study as frequent as one likes is compatible with them, if rates differ enough. All counts full: the mirror image.

    One study: tau is 0 and the limits are wider than binomial ones, since nothing excludes that studies differ.
    """
    x, n = _counts(events, totals)
    confidence = checked_confidence(confidence)
    drop = float(chi2.ppf(confidence, 1)) / 2
    if not x.any():
        return _without_events(n, confidence, drop)
    if (x == n).all():
        return _mirrored(_without_events(n, confidence, drop))
    if np.all((x == 0) | (x == n)):
        raise CasebookError(
            "no finite maximum: found only counts of 0 and full counts, and both; expected a study with both outcomes"
        )
    tau, peak = _over_tau(lambda taus: _best_mu(x, n, taus)[1], n)
    mu = float(_best_mu(x, n, np.array([tau]))[0][0])
    error = _standard_error(x, n, mu, tau)
    return Pooled(
        events=tuple(x.tolist()),
        totals=tuple(n.tolist()),
        confidence=confidence,
        mu=mu,
        standard_error=error,
        tau=tau,
        log_likelihood=peak,
        rate=float(expit(mu)),
        rate_interval=_rate_limits(x, n, mu, error, peak - drop),
        tau_interval=_tau_limits(x, n, tau, peak - drop),
        mean_rate=float(np.exp(log_marginal(1, 1, mu, tau))),
        prediction=_prediction(mu, error, tau, len(x), confidence),
    )


def leave_one_out(
    events: Sequence[int], totals: Sequence[int], labels: Sequence[str], *, confidence: float = 0.95
) -> pd.DataFrame:
    """The synthesis again without each study in turn: whether one study carries it.

    Parameters
    ----------
    events, totals, confidence
        As for :func:`fit`; 2 studies or more.
    labels
        A name for each study, all different.

    Returns
    -------
    One row for each study, indexed by its label (``left_out``), in the order given: ``rate`` with ``lower`` and ``upper``,
    ``tau``, and ``prediction_lower`` and ``prediction_upper``, all of the studies that remain.

    Raises
    ------
    CasebookError
        As for :func:`fit`, naming the study; labels that are missing or repeated; fewer than 2 studies.
    """
    names = [str(label) for label in labels]
    x, n = _counts(events, totals, names)
    if len(set(names)) < len(names):
        raise CasebookError(f"labels: found {names}, expected all different")
    if len(names) < 2:
        raise CasebookError("leave one out: found 1 study, expected 2 or more")
    rows = []
    for index, name in enumerate(names):
        try:
            rest = fit(np.delete(x, index), np.delete(n, index), confidence=confidence)
        except CasebookError as error:
            raise CasebookError(f"without {name}: {error}") from error
        rows.append((rest.rate, *rest.rate_interval, rest.tau, *rest.prediction))
    columns = ["rate", "lower", "upper", "tau", "prediction_lower", "prediction_upper"]
    return pd.DataFrame(rows, index=pd.Index(names, name="left_out"), columns=columns)


# -- what was given -------------------------------------------------------------------------------------------


def _counts(
    events: Sequence[int], totals: Sequence[int], names: Sequence[str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Both columns as integer arrays of shape (k,), checked; faults are named by label or by position from 1."""
    events, totals = list(events), list(totals)
    names = [f"study {i}" for i in range(1, len(events) + 1)] if names is None else names
    if not len(events) == len(totals) == len(names):
        raise CasebookError(
            f"found {len(events)} events, {len(totals)} totals, {len(names)} studies; expected as many of each"
        )
    if not events:
        raise CasebookError("found no study, expected 1 or more")
    n = [
        checked_whole(total, f"patients of {name}", least=1)
        for total, name in zip(totals, names, strict=True)
    ]
    x = [
        checked_whole(count, f"events of {name}", least=0) for count, name in zip(events, names, strict=True)
    ]
    for count, total, name in zip(x, n, names, strict=True):
        if count > total:
            raise CasebookError(f"events of {name}: found {count}, expected at most its {total} patients")
    return np.array(x), np.array(n)


# -- the likelihood of all studies ------------------------------------------------------------------------------


def _log_likelihood(x: np.ndarray, n: np.ndarray, mu: ArrayLike, tau: ArrayLike) -> np.ndarray:
    """Of all studies, at parameters of any shape that broadcasts."""
    return log_marginal(x, n, np.asarray(mu)[..., None], np.asarray(tau)[..., None]).sum(axis=-1)


def _best_mu(x: np.ndarray, n: np.ndarray, taus: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each tau the mu of the highest likelihood, and its log-likelihood, both of shape (m,)."""
    start = np.full_like(taus, np.mean(np.log((x + 0.5) / (n - x + 0.5))))

    def derivatives(mus: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first, second, _, _ = np.moveaxis(second_order(x, n, mus[:, None], taus[:, None]).sum(axis=1), -1, 0)
        return first, second

    mus = summit(derivatives, start)
    return mus, _log_likelihood(x, n, mus, taus)


def _over_tau(profile: Callable[[np.ndarray], np.ndarray], n: np.ndarray) -> tuple[float, float]:
    """The tau >= 0 at which ``profile`` is highest, and its value there; 0 if nothing is higher by TOLERANCE.

    The grid begins where tau is a hundredth of the smallest standard error that a study of this size can have.
    """
    smallest = 0.01 * 2 / math.sqrt(n.max())
    grid = np.concatenate([[0.0], np.geomspace(smallest, TAU_CEILING, 22)])
    values = profile(grid)
    best = 0.0, float(values[0])
    inner = (values[1:-1] >= values[:-2]) & (values[1:-1] >= values[2:])
    for i in np.flatnonzero(inner) + 1:
        found = minimize_scalar(
            lambda tau: -float(profile(np.array([tau]))[0]),
            bounds=(grid[i - 1], grid[i + 1]),
            method="bounded",
            options={"xatol": 1e-7 * grid[i]},
        )
        if -found.fun > best[1] + TOLERANCE:
            best = float(found.x), -float(found.fun)
    # A profile that still rises at the ceiling has its highest value there.
    return best if best[1] >= values[-1] else (TAU_CEILING, float(values[-1]))


def _standard_error(x: np.ndarray, n: np.ndarray, mu: float, tau: float) -> float:
    """Of mu, from the observed information on both parameters; at tau = 0 the two are orthogonal."""
    _, by_mu, by_both, by_tau = -second_order(x, n, mu, tau).sum(axis=0)
    return float(1 / np.sqrt(by_mu - (by_both**2 / by_tau if tau > 0 else 0.0)))


# -- intervals --------------------------------------------------------------------------------------------------


def _crossing(height: Callable[[float], float], inside: float, step: float, ceiling: float) -> float:
    """The first point beyond ``inside``, in the direction of ``step``, where ``height`` is 0; infinite if past the ceiling."""
    near, far = inside, inside + step
    while height(far) > 0:
        near, step = far, 2 * step
        far = inside + step
        if abs(far) > ceiling:
            return math.copysign(math.inf, step)
    return float(brentq(height, near, far, xtol=1e-7))


def _rate_limits(x: np.ndarray, n: np.ndarray, mu: float, error: float, level: float) -> Interval:
    def height(at: float) -> float:
        return _over_tau(lambda taus: _log_likelihood(x, n, at, taus), n)[1] - level

    lower, upper = (_crossing(height, mu, side * 2 * error, MU_CEILING) for side in (-1, 1))
    return Interval(float(expit(lower)), float(expit(upper)))


def _tau_limits(x: np.ndarray, n: np.ndarray, tau: float, level: float) -> Interval:
    def height(at: float) -> float:
        return float(_best_mu(x, n, np.array([at]))[1][0]) - level

    lower = 0.0 if height(0.0) >= 0 else float(brentq(height, 0.0, tau, xtol=1e-7))
    return Interval(lower, _crossing(height, tau, tau + 2 / math.sqrt(n.max()), TAU_CEILING))


def _prediction(mu: float, error: float, tau: float, studies: int, confidence: float) -> Interval:
    if studies < 3:
        return Interval(0.0, 1.0)
    reach = float(t.ppf((1 + confidence) / 2, studies - 2)) * math.hypot(tau, error)
    return Interval(float(expit(mu - reach)), float(expit(mu + reach)))


# -- no event at all --------------------------------------------------------------------------------------------


def _without_events(n: np.ndarray, confidence: float, drop: float) -> Pooled:
    """The synthesis of counts that are all 0, where the maximum of the likelihood is 1."""
    x = np.zeros_like(n)

    def height(mu: float) -> float:
        return _over_tau(lambda taus: _log_likelihood(x, n, mu, taus), n)[1] + drop

    # As tau grows with mu held, half of all studies have rate 0, so that the profile never falls below 2^-k. Nor is it
    # above that from mu = 0 on, so that a limit lies below 0 or nowhere.
    unlimited = len(n) * math.log(2) <= drop
    upper = 1.0 if unlimited else float(expit(brentq(height, -math.log(n.sum()) - 40, 0.0, xtol=1e-7)))
    return Pooled(
        events=tuple(x.tolist()),
        totals=tuple(n.tolist()),
        confidence=confidence,
        mu=-math.inf,
        standard_error=math.inf,
        tau=0.0,
        log_likelihood=0.0,
        rate=0.0,
        rate_interval=Interval(0.0, upper),
        tau_interval=Interval(0.0, math.inf),
        mean_rate=0.0,
        prediction=Interval(0.0, 1.0),
    )


def _mirrored(pooled: Pooled) -> Pooled:
    """The synthesis of counts that are all 0, told of the patients without the event."""
    return replace(
        pooled,
        events=pooled.totals,
        mu=-pooled.mu,
        rate=1 - pooled.rate,
        rate_interval=Interval(1 - pooled.rate_interval.upper, 1 - pooled.rate_interval.lower),
        mean_rate=1 - pooled.mean_rate,
    )
