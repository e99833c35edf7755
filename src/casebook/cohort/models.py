"""Models: regressions of times to an event, fitted by lifelines, with data and fit checked before and after.

A fit that did not find the one best set of coefficients is an error here, never a row of numbers: of several patients
many data do not tell, as when all with a trait fail first (then the hazard ratio is without limit).

lifelines treats ties by Efron's method in Cox's model (Efron 1977), which published fits by Breslow's differ from.
Papers are named here as where a method comes from. They were not read.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from casebook.cohort import arguments
from casebook.errors import CasebookError

PRECISION = {"precision": 1e-14, "r_precision": 1e-15}
"""When a fit of Cox's model stops: later than lifelines would, so that coefficients are right to some eight digits."""

FAILURE = re.compile("Newton-Raphson|suspiciously close to 0")
"""What lifelines' warnings of a fit that failed say; its others are guesses from the data before fitting."""

LARGEST_ERROR = 1000
"""The largest standard error, for one standard deviation of a covariate, of a coefficient that was found.

Its information is then a millionth of one event's. Where a likelihood only rises, the fit stops far beyond.
"""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Parameters
    ----------
    model : str
        ``"cox"``, or the distribution of a parametric model.
    coefficients : DataFrame
        A row for each coefficient. Of Cox's models the index is the covariate, and ``ratio`` a hazard ratio; of parametric
        models the index is (parameter, covariate), and ``ratio``, of a location, is the ratio of times. Columns:
        coefficient, standard_error, ratio, lower, upper (limits of the ratio), statistic (coefficient over its standard
        error), p (two-sided, Wald).
    log_likelihood, log_likelihood_null : float
        Of the fit, and without covariates; partial likelihoods for Cox's models.
    n, events : int
        Rows (patients, or intervals of them), and events among these.
    confidence : float
        Of the limits.
    """

    model: str
    coefficients: pd.DataFrame
    log_likelihood: float
    log_likelihood_null: float
    n: int
    events: int
    confidence: float


LARGEST_VALUE = 1e100
"""Of a covariate: squares of far larger ones are no numbers."""

TOLERANCE = 1e-9
"""Smaller numbers are rounding, in what varies by about 1."""


# -- Cox ----------------------------------------------------------------------------------------------------------


def cox(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    covariates: Sequence[str],
    *,
    strata: str | Sequence[str] | None = None,
    entry: str | None = None,
    confidence: float = 0.95,
) -> Fit:
    """Cox's proportional hazards, ties by Efron's method.

    Parameters
    ----------
    frame : DataFrame
        A row for each patient.
    duration, event : str
        Columns: when followed up to (above 0, any unit), and whether with the event (0 or 1). For a cause-specific
        model, failures of other causes are 0.
    covariates : sequence of str
        Columns of numbers; categories as indicators, by who calls.
    strata : str or sequence of str, optional
        Columns whose values share no baseline hazard. A stratum without events adds nothing.
    entry : str, optional
        Column: at risk only after this time (late entry), less than the duration.
    confidence : float
        Of the limits, between 0 and 1.

    Raises
    ------
    CasebookError
        If a column is missing or holds what it must not, nobody has the event, a covariate is
        constant where it would be compared (within strata), covariates determine each other, or the fit has no maximum:
        the covariates whose coefficients run off are named, with why.
    """
    covariates = arguments.names(covariates)
    strata = arguments.names(strata, fewest=0)
    columns = [duration, event, *covariates, *strata, *([entry] if entry else [])]
    data = arguments.columns(frame, columns, numbers=[c for c in columns if c not in strata])
    _check_times(data, duration, event, entry)
    _check_covariates(data, covariates, event, strata)

    from lifelines import CoxPHFitter

    if strata:
        # lifelines trips over strata that are true or false: one column of their numbers serves for all.
        stratum = data.groupby(strata, sort=False).ngroup()
        data = data.drop(columns=strata).assign(**{strata[0]: stratum})

    def fit() -> Any:
        return CoxPHFitter().fit(
            data,
            duration,
            event,
            strata=strata[:1] or None,
            entry_col=entry,
            fit_options=PRECISION,
        )

    return _cox_fit(_fitted(fit, data, covariates, event), data, covariates, event, confidence)


def cox_time_varying(
    frame: pd.DataFrame,
    id: str,
    start: str,
    stop: str,
    event: str,
    covariates: Sequence[str],
    *,
    confidence: float = 0.95,
) -> Fit:
    """Cox's model with covariates that change: a row for each interval (start, stop] of a patient, ties by Efron's method.

    A covariate must be what was known at ``start``: a transplant counts from its day on, which is what keeps the wait for
    it from being counted in its favour.

    Parameters
    ----------
    frame : DataFrame
        A row for each interval.
    id, start, stop, event : str
        Columns: whose interval it is; its ends; whether the patient failed at ``stop`` (only in the last of them).
    covariates : sequence of str
        Columns of numbers.
    confidence : float
        Of the limits, between 0 and 1.

    Raises
    ------
    CasebookError
        As :func:`cox`; and if intervals of one patient overlap, or go on after the event.
    """
    covariates = arguments.names(covariates)
    columns = [id, start, stop, event, *covariates]
    data = arguments.columns(frame, columns, numbers=[c for c in columns if c != id])
    _check_times(data, stop, event, start)
    check_intervals(data, id, start, stop, event)
    _check_covariates(data, covariates, event, [])

    from lifelines import CoxTimeVaryingFitter

    def fit() -> Any:
        return CoxTimeVaryingFitter().fit(data, event, start, stop, id_col=id, fit_options=PRECISION)

    return _cox_fit(_fitted(fit, data, covariates, event), data, covariates, event, confidence)


def _cox_fit(fitter: Any, data: pd.DataFrame, covariates: list[str], event: str, confidence: float) -> Fit:
    errors = fitter.standard_errors_ * data[covariates].std(ddof=0)
    lost = [name for name in covariates if not errors[name] < LARGEST_ERROR]
    if lost:
        raise CasebookError(_runs_off(lost, data, event))
    rows = _rows(fitter.params_[covariates], fitter.standard_errors_[covariates], confidence)
    rows.index.name = "covariate"
    null = fitter.log_likelihood_ - fitter.log_likelihood_ratio_test().test_statistic / 2
    return Fit(
        "cox", rows, float(fitter.log_likelihood_), float(null), len(data), int(data[event].sum()), confidence
    )


# -- parametric models --------------------------------------------------------------------------------------------


def parametric(
    frame: pd.DataFrame,
    duration: str,
    event: str,
    distribution: str,
    covariates: Sequence[str] = (),
    *,
    entry: str | None = None,
    confidence: float = 0.95,
) -> Fit:
    """A parametric model of accelerated failure time: ``log(time) = location + scale * error``.

    Parameters
    ----------
    frame, duration, event, covariates, entry, confidence
        As of :func:`cox`; there may be no covariates.
    distribution : str
        ``"exponential"``, ``"weibull"``, ``"log-normal"`` or ``"log-logistic"``.

    Returns
    -------
    Fit
        Rows ("location", "Intercept"), ("location", covariate) and, if not exponential, ("log scale", "Intercept"), as
        R's survreg has them. The ratio of a covariate is of times: above 1 is later. In exponential models the hazard
        ratio is its inverse, in Weibull's ``exp(-coefficient / scale)``.

    Raises
    ------
    CasebookError
        As :func:`cox`; if only patients without the event differ in a covariate (times there are without limit); or if
        all events lie on one line of the covariates, so that the scale shrinks to 0.
    """
    if not isinstance(distribution, str) or distribution not in DISTRIBUTIONS:
        raise CasebookError(
            f"found the distribution {distribution!r}; expected one of {', '.join(map(repr, DISTRIBUTIONS))}"
        )
    covariates = arguments.names(covariates, fewest=0)
    if "Intercept" in covariates:
        raise CasebookError(
            "found the covariate 'Intercept'; expected another name, as every location has one"
        )
    columns = [duration, event, *covariates, *([entry] if entry else [])]
    data = arguments.columns(frame, columns, numbers=columns)
    _check_times(data, duration, event, entry)
    _check_covariates(data, covariates, event, [])
    _check_bounded(data, duration, event, covariates, fixed_scale=distribution == "exponential")

    def fitted(names: list[str]) -> Any:
        some = data.drop(columns=[name for name in covariates if name not in names])
        return _fitted(
            lambda: _parametric(some, duration, event, distribution, names, entry), data, names, event
        )

    fitter = fitted(covariates)
    coefficients, errors = fitter.params_.copy(), fitter.standard_errors_.copy()
    location, scale, sign = DISTRIBUTIONS[distribution]
    wanted = [(location, "Intercept"), *((location, name) for name in covariates)]
    index = [("location", name) for _, name in wanted]
    if scale:
        wanted.append((scale, "Intercept"))
        index.append(("log scale", "Intercept"))
        coefficients[wanted[-1]] *= sign
    rows = _rows(coefficients[wanted], errors[wanted], confidence)
    rows.index = pd.MultiIndex.from_tuples(index, names=["parameter", "covariate"])
    null = fitter.log_likelihood_ if not covariates else fitted([]).log_likelihood_
    return Fit(
        distribution,
        rows,
        float(fitter.log_likelihood_),
        float(null),
        len(data),
        int(data[event].sum()),
        confidence,
    )


DISTRIBUTIONS: dict[str, tuple[str, str | None, int]] = {
    "exponential": ("lambda_", None, 0),
    "weibull": ("lambda_", "rho_", -1),
    "log-normal": ("mu_", "sigma_", 1),
    "log-logistic": ("alpha_", "beta_", -1),
}
"""What lifelines calls location and scale, and the sign of the logarithm of what it has for the scale."""


def _parametric(
    data: pd.DataFrame, duration: str, event: str, distribution: str, covariates: list[str], entry: str | None
) -> Any:
    import autograd.numpy as differentiable
    from lifelines import LogLogisticAFTFitter, LogNormalAFTFitter, WeibullAFTFitter
    from lifelines.fitters import ParametricRegressionFitter

    class Exponential(ParametricRegressionFitter):
        """lifelines has no such regression; this is the way it documents for adding one."""

        _fitted_parameter_names = ("lambda_",)

        def _cumulative_hazard(self, parameters: Any, times: Any, columns: Any) -> Any:
            return times * differentiable.exp(-(columns["lambda_"] @ parameters["lambda_"]))

    options = {"fit_options": {"gtol": 1e-7, "ftol": 1e-15}}
    if distribution == "exponential":
        regressors = {"lambda_": ["Intercept", *covariates]}
        return Exponential().fit(
            data.assign(Intercept=1.0), duration, event, regressors=regressors, entry_col=entry, **options
        )
    fitters = {
        "weibull": WeibullAFTFitter,
        "log-normal": LogNormalAFTFitter,
        "log-logistic": LogLogisticAFTFitter,
    }
    return fitters[distribution]().fit(data, duration, event, entry_col=entry, **options)


def _check_bounded(
    data: pd.DataFrame, duration: str, event: str, covariates: list[str], *, fixed_scale: bool
) -> None:
    """Whether the likelihood has a maximum: two questions that linear programs answer exactly."""
    from scipy.optimize import linprog

    values = data[covariates]
    design = np.column_stack([np.ones(len(data)), (values - values.mean()) / values.std(ddof=0)])
    failed = data[event].to_numpy() == 1
    # Can the locations of some without the event be raised, and no other location moved?
    free = linprog(
        -design[~failed].sum(axis=0),
        A_ub=np.vstack([design[~failed], -design[~failed]]),
        b_ub=np.repeat([1.0, 0.0], (~failed).sum()),
        A_eq=design[failed],
        b_eq=np.zeros(failed.sum()),
        bounds=(None, None),
    )
    if free.status == 0 and free.fun < -TOLERANCE:
        moved = [name for name, step in zip(covariates, free.x[1:], strict=True) if abs(step) > TOLERANCE]
        raise CasebookError(_runs_off(moved, data, event))
    if fixed_scale:
        return
    # Is there a location that all events lie on, and all without at or below it?
    log_time = np.log(data[duration].to_numpy())
    exact = linprog(
        np.zeros(design.shape[1]),
        A_ub=-design[~failed],
        b_ub=-log_time[~failed],
        A_eq=design[failed],
        b_eq=log_time[failed],
        bounds=(None, None),
    )
    if exact.status == 0:
        raise CasebookError(
            f"found {int(failed.sum())} events that {1 + len(covariates)} location parameters fit exactly, so that the scale "
            "shrinks to 0; expected more events, at different times"
        )


# -- what goes in, what comes out ---------------------------------------------------------------------------------


def _check_times(data: pd.DataFrame, duration: str, event: str, entry: str | None) -> None:
    if not data[event].isin([0, 1]).all():
        raise CasebookError(f"found {event!r} with values other than 0 and 1; expected these only")
    if not data[event].any():
        raise CasebookError(f"found no event in {event!r}; expected one or more")
    if (data[duration] <= 0).any():
        raise CasebookError(f"found {data[duration].min():g} as {duration!r}; expected times above 0")
    if entry and ((data[entry] < 0) | (data[entry] >= data[duration])).any():
        raise CasebookError(
            f"found {entry!r} below 0, or not before {duration!r}; expected 0 <= {entry} < {duration}"
        )


def check_intervals(data: pd.DataFrame, id: str, start: str, stop: str, event: str) -> None:
    """Raise CasebookError if intervals of one patient overlap, or go on after the event."""
    ordered = data.sort_values([id, start], kind="stable")
    follows = ordered[id] == ordered[id].shift()
    for wrong, what in (
        (ordered[start] < ordered[stop].shift(), "intervals that overlap"),
        (ordered[event].shift() == 1, "an interval after the event"),
    ):
        if (follows & wrong).any():
            patient = ordered.loc[follows & wrong, id].iloc[0]
            raise CasebookError(
                f"found {what} of {id} {patient}; expected one interval after the other, the event in the last"
            )


def _check_covariates(data: pd.DataFrame, covariates: list[str], event: str, strata: list[str]) -> None:
    """Each covariate must vary where patients are compared, and none follow from the others."""
    values = data[covariates]
    for name, largest in values.abs().max().items():
        if largest > LARGEST_VALUE:
            raise CasebookError(
                f"found {largest:g} as {name!r}; expected at most {LARGEST_VALUE:g}, in another unit"
            )
    if strata:
        groups = [data[column] for column in strata]
        values = values - values.groupby(groups).transform("mean")
        values = values[data[event].groupby(groups).transform("any")]
    else:
        values = values - values.mean()
    spread = values.std(ddof=0)
    where = " within the strata that have events" if strata else ""
    for name in covariates:
        if spread[name] <= TOLERANCE * max(1e-300, data[name].abs().max()):
            raise CasebookError(f"found {name!r} constant{where}; expected a covariate that varies")
    if covariates and np.linalg.matrix_rank(
        (values / spread).to_numpy(), tol=1e-8 * len(values) ** 0.5
    ) < len(covariates):
        raise CasebookError(
            f"found covariates that determine each other{where} ({', '.join(covariates)}); expected each to add something"
        )


def _fitted(fit: Callable[[], Any], data: pd.DataFrame, covariates: list[str], event: str) -> Any:
    """The fit, if it succeeded; what lifelines raises or warns of otherwise becomes one error that says which and why."""
    from lifelines.exceptions import ConvergenceError, StatError, StatisticalWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fitter = fit()
        except (ConvergenceError, StatError, ValueError, np.linalg.LinAlgError) as error:
            raise CasebookError(_runs_off(covariates, data, event)) from error
    if any(FAILURE.search(str(w.message)) or issubclass(w.category, StatisticalWarning) for w in caught):
        raise CasebookError(_runs_off(covariates, data, event))
    return fitter


def _runs_off(covariates: list[str], data: pd.DataFrame, event: str) -> str:
    """What to say of coefficients without a finite best value: which, and for indicators, in which half nobody fails."""
    reasons = {}
    for name in covariates:
        levels = data.groupby(name)[event].sum()
        empty = [f"{level:g}" for level, events in levels.items() if not events]
        if len(levels) == 2 and empty:
            reasons[name] = f"no event where {name} is {' or '.join(empty)}"
    which = ", ".join(map(repr, reasons or covariates)) or "the intercept"
    why = "; ".join(reasons.values()) or "they foretell who fails when, or nearly determine each other"
    return f"found no finite best coefficient of {which} ({why}); expected effects that the data limit on both sides"


def _rows(coefficients: pd.Series, errors: pd.Series, confidence: float) -> pd.DataFrame:
    reach = arguments.deviations(confidence) * errors
    statistic = coefficients / errors
    with np.errstate(
        over="ignore"
    ):  # a ratio for one unit of a covariate that varies by millionths may be infinite
        ratio, lower, upper = np.exp([coefficients, coefficients - reach, coefficients + reach])
    return pd.DataFrame(
        {
            "coefficient": coefficients,
            "standard_error": errors,
            "ratio": ratio,
            "lower": lower,
            "upper": upper,
            "statistic": statistic,
            "p": 2 * ndtr(-np.abs(statistic)),
        }
    )
