"""Kinetics of MRD: its level, and how it falls, from readings of which some are only known to be below a limit.

A level is taken as normal on the scale of log10 percent about a mean that is linear in covariates (time, group). Each reading
counts for what it says (:mod:`casebook.cohort.tobit`), and nothing is put in the place of what was not seen. Papers are named
here as where a method comes from. They were not read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from casebook.cohort import tobit
from casebook.cohort.arguments import deviations, is_number
from casebook.cohort.tobit import Data
from casebook.errors import CasebookError

SMALLEST_SHARE = 1e-4
"""Standard deviations between patients below this share of that within them are 0."""


class Counts(NamedTuple):
    """How many readings found a level, lie between two limits, below a limit, or above one."""

    found: int
    between: int
    below: int
    above: int


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted mean level.

    Parameters
    ----------
    coefficients : DataFrame
        A row for each term (``Intercept`` and the covariates, in log10 for one unit), for ``sd``, the standard deviation of
        a reading, and for ``sd between`` patients if that is in the model. Columns: estimate, standard_error, lower, upper
        (Wald; of standard deviations on the scale of their logarithm).
    covariance : ndarray, shape (p + 1, p + 1)
        Of the terms and the logarithm of ``sd``.
    log_likelihood : float
    counts : Counts
    patients : int or None
        Patients, if readings of one are not taken as independent.
    confidence : float
    data : Data
        What it was fitted to.
    """

    coefficients: pd.DataFrame
    covariance: np.ndarray
    log_likelihood: float
    counts: Counts
    patients: int | None
    confidence: float
    data: Data


class Limits(NamedTuple):
    """Limits of confidence."""

    lower: float
    upper: float


# -- readings ---------------------------------------------------------------------------------------------------------


def readings(assessments: pd.DataFrame, quantification_limit: float | None = None) -> pd.DataFrame:
    """What each reading says of the level: it lies from ``lower`` to ``upper``, in log10 percent.

    Parameters
    ----------
    assessments : DataFrame
        Rows of one analyte, with the columns of :data:`casebook.cohort.schema.ASSESSMENTS`.
    quantification_limit : float, optional
        In percent: below it, readings are positive and not quantifiable. Needed if any is.

    Returns
    -------
    DataFrame
        Indexed as the rows: patient, date, lower, upper. A value is both; a negative reading goes from minus infinity to the
        sensitivity of its sample; one that is not quantifiable from the sensitivity, or else the detection limit of the
        method, or else minus infinity, to the limit of quantification.

    Raises
    ------
    CasebookError
        If a column is missing, there are several analytes, a positive reading is without a level, a negative one without the
        sensitivity of its sample, or one that is not quantifiable without a limit of quantification above what it found.
    """
    from casebook.cohort.schema import RESULTS  # here, as it brings pandera, which nothing else wants

    columns = ("patient", "date", "analyte", "result", "value", "sensitivity", "detection_limit")
    _check_columns(assessments, columns)
    if quantification_limit is not None and not (
        is_number(quantification_limit) and quantification_limit > 0
    ):
        raise CasebookError(
            f"found the quantification limit {quantification_limit!r}; expected a number above 0, in percent"
        )
    analytes = assessments["analyte"].unique()
    if len(analytes) != 1:
        raise CasebookError(f"found readings of {len(analytes)} analytes; expected those of one")
    found = assessments["result"].to_numpy(dtype=object)
    positive, negative, neither = (
        assessments["result"].eq(result).to_numpy(bool, na_value=False) for result in RESULTS
    )
    value, sensitivity, detection = (_levels(assessments, column) for column in columns[-3:])
    finest = np.where(np.isnan(sensitivity), detection, sensitivity)
    quantified = math.nan if quantification_limit is None else float(quantification_limit)
    for wrong, what in (
        (~(positive | negative | neither), f"a result, one of {', '.join(RESULTS)}"),
        (positive & ~(value > 0), "a value above 0 of a positive reading"),
        (negative & ~(sensitivity > 0), "the sensitivity of a negative reading: what it excludes"),
        (
            neither & ~(quantified > np.where(np.isnan(finest), 0, finest)),
            "a limit of quantification above what the sample could show",
        ),
    ):
        if wrong.any():
            raise CasebookError(
                f"{assessments.index[np.argmax(wrong)]}: found the result {found[np.argmax(wrong)]!r} without it; expected {what}"
            )
    lower = np.where(positive, value, np.where(neither & ~np.isnan(finest), finest, 0.0))
    upper = np.where(positive, value, np.where(negative, sensitivity, quantified))
    with np.errstate(divide="ignore"):  # nothing is known to be above 0 percent
        lower, upper = np.log10(lower), np.log10(upper)
    return pd.DataFrame(
        {"patient": assessments["patient"], "date": assessments["date"], "lower": lower, "upper": upper}
    )


# -- models -----------------------------------------------------------------------------------------------------------


def normal(
    frame: pd.DataFrame,
    covariates: Sequence[str] = (),
    *,
    patient: str | None = None,
    confidence: float = 0.95,
) -> Fit:
    """The mean level by maximum likelihood, readings taken as independent of each other.

    Parameters
    ----------
    frame : DataFrame
        A row a reading: ``lower`` and ``upper`` in log10 percent, alike where a level was found, ``lower = -inf`` below a
        limit, ``upper = inf`` above one.
    covariates : sequence of str
        Columns of numbers.
    patient : str, optional
        The column of who was read. Standard errors then allow for readings of a patient being alike, whatever the form of
        that (Huber 1967, Liang and Zeger 1986): the sandwich, without a factor for few patients, of whom it wants many.
    confidence : float
        Of the limits.

    Returns
    -------
    Fit
        Standard errors from the observed information, or the sandwich.

    Raises
    ------
    CasebookError
        If a column is missing or holds what it must not, limits are reversed, terms determine each other, there are
        no more patients than parameters for the sandwich, or the likelihood has no maximum: if all readings are below their
        limits (then it is said what they bound), only readings without a level differ in a covariate, or a mean goes through
        all readings without any spread (as through a single one, or readings all alike).
    """
    data = _data(frame, covariates, patient)
    tobit.check_limited(data)
    tobit.check_spread(data)
    easy = tobit.centred(data)[0]
    parameters, found = tobit.maximise(lambda theta: tobit.likelihood(easy, theta), tobit.start(easy))
    covariance = tobit.covariance(found)
    if data.patient is not None:
        parts = np.zeros((data.patient.max() + 1, parameters.size))
        np.add.at(parts, data.patient, found.parts)
        if len(parts) <= parameters.size:
            raise CasebookError(
                f"found {len(parts)} patients; expected more than the {parameters.size} parameters, as a sandwich wants"
            )
        covariance = covariance @ (parts.T @ parts) @ covariance
    return _fit(data, parameters, covariance, found.value, confidence)


def random_intercept(
    frame: pd.DataFrame, covariates: Sequence[str] = (), *, patient: str = "patient", confidence: float = 0.95
) -> Fit:
    """The mean level by maximum likelihood, each patient with a level of their own about it, normal as well.

    It holds if later readings are missing for what earlier ones showed, which :func:`normal` does not.

    Parameters
    ----------
    frame, covariates, patient, confidence
        As of :func:`normal`.

    Returns
    -------
    Fit
        With ``sd between``; if that is 0, without a standard error (its limits are both 0: it is at the end of its range), and
        the rest as of :func:`normal`.

    Raises
    ------
    CasebookError
        As :func:`normal`; and if no patient was read twice, or means that differ between patients only by their intercepts
        go through all readings.

    Notes
    -----
    The intercepts are integrated out patient by patient, with as many points as the readings want
    (:func:`casebook.cohort.tobit.mixed_likelihood`). Gauss-Hermite quadrature about the mode would not do: of a patient whose
    readings are all below the limit the integrand is a step and no bell.
    """
    if patient is None:
        raise CasebookError("found no column of patients; expected its name, as each has an intercept")
    data = _data(frame, covariates, patient)
    order = np.argsort(data.patient, kind="stable")
    data = Data(data.lower[order], data.upper[order], data.design[order], data.terms, data.patient[order])
    if np.bincount(data.patient).max() < 2:
        raise CasebookError(
            "found no patient who was read twice; expected some, to tell patients apart from readings"
        )
    tobit.check_limited(data)
    tobit.check_spread(data, of_patients=True)
    easy = tobit.centred(data)[0]
    fixed, found = tobit.maximise(lambda theta: tobit.likelihood(easy, theta), tobit.start(easy))
    # As much between as within: a start at 0 would stay there, as there the slope is 0.
    start = np.append(fixed * math.sqrt(2), 1.0)
    parameters, mixed = tobit.maximise(lambda theta: tobit.mixed_likelihood(easy, theta), start)
    if abs(parameters[-1]) < SMALLEST_SHARE:
        return _fit(data, np.append(fixed, 0.0), tobit.covariance(found), found.value, confidence)
    parameters[-1] = abs(parameters[-1])  # the sign of a standard deviation means nothing
    mixed = tobit.mixed_likelihood(easy, parameters)
    return _fit(data, parameters, tobit.covariance(mixed), mixed.value, confidence)


def profile(fit: Fit, term: str, *, confidence: float = 0.95) -> Limits:
    """Limits of a coefficient of :func:`normal` by its profile likelihood: all values that a likelihood-ratio test keeps.

    They need not be symmetric, and are to be preferred where many readings are below their limits. Readings are taken as
    independent.

    Raises
    ------
    CasebookError
        If there is no such term, patients are in the model, or the confidence is none.
    """
    data = fit.data
    if term not in data.terms:
        raise CasebookError(f"found the term {term!r}; expected one of {', '.join(data.terms)}")
    if fit.patients is not None:
        raise CasebookError(
            "found a fit in which readings of a patient are alike; expected one of independent readings"
        )
    from scipy.optimize import brentq

    fall = deviations(confidence) ** 2 / 2
    place = data.terms.index(term)
    column, rest = data.design[:, place], np.delete(data.design, place, axis=1)
    names = tuple(name for name in data.terms if name != term)
    estimate = fit.coefficients.at[term, "estimate"]
    step = deviations(confidence) * math.sqrt(fit.covariance[place, place])

    def below(value: float) -> float:
        """How far the best of all with this coefficient is below the best, less what is allowed."""
        moved = Data(data.lower - value * column, data.upper - value * column, rest, names)
        moved = tobit.centred(moved)[0]
        _, best = tobit.maximise(lambda theta: tobit.likelihood(moved, theta), tobit.start(moved))
        return fit.log_likelihood - best.value - fall

    ends = []
    for sign in (-1, 1):
        reach = step
        while below(estimate + sign * reach) < 0:
            reach *= 2
        ends.append(
            brentq(lambda distance, sign=sign: below(estimate + sign * distance), 0, reach, xtol=1e-10)
        )
    return Limits(float(estimate - ends[0]), float(estimate + ends[1]))


# -- what goes in, what comes out ---------------------------------------------------------------------------------------


def _check_columns(frame: pd.DataFrame, wanted: Sequence[str]) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise CasebookError(f"found readings of type {type(frame).__name__}; expected a DataFrame")
    lacking = [name for name in wanted if name not in frame.columns]
    if lacking:
        raise CasebookError(f"found no column {', '.join(map(repr, lacking))}; expected it in the frame")


def _levels(assessments: pd.DataFrame, column: str) -> np.ndarray:
    """A column in percent, nan where nothing is."""
    try:
        levels = assessments[column].to_numpy(dtype=float, na_value=math.nan)
    except (TypeError, ValueError):
        raise CasebookError(f"found {column!r} with what is no number; expected levels in percent") from None
    if np.isinf(levels).any():
        raise CasebookError(
            f"{assessments.index[np.argmax(np.isinf(levels))]}: found an infinite {column!r}; expected levels in percent"
        )
    return levels


def _data(frame: pd.DataFrame, covariates: Sequence[str], patient: str | None) -> Data:
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    wanted = ["lower", "upper", *names, *([] if patient is None else [patient])]
    _check_columns(frame, wanted)
    if len(set(wanted)) < len(wanted) or "Intercept" in names:
        raise CasebookError(
            f"found the covariates {names}; expected each once, none of them Intercept or a limit"
        )
    if frame.empty:
        raise CasebookError("found no reading; expected one or more")
    for name in wanted[: 2 + len(names)]:
        if not pd.api.types.is_numeric_dtype(frame[name]) or frame[name].isna().any():
            raise CasebookError(f"found {name!r} with what is no number; expected a number of each reading")
    lower, upper = (frame[name].to_numpy(dtype=float) for name in ("lower", "upper"))
    wrong = ~(lower <= upper) | ~(np.isfinite(lower) | np.isfinite(upper))
    if wrong.any():
        place = np.argmax(wrong)
        raise CasebookError(
            f"{frame.index[place]}: found a level from {lower[place]} to {upper[place]}; "
            "expected lower not above upper, and one of them finite"
        )
    values = frame[names].to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise CasebookError(f"found infinite values of {', '.join(names)}; expected numbers")
    design = np.column_stack([np.ones(len(frame)), values])
    # About their means: a year of the calendar varies as much as the years since another.
    away, sizes = values - values.mean(axis=0), np.abs(values).max(axis=0, initial=1e-300)
    spread = away.std(axis=0)
    fixed = spread <= 1e-12 * sizes
    scaled = away / np.where(fixed, 1.0, spread)
    if fixed.any() or np.linalg.matrix_rank(scaled, tol=1e-9 * math.sqrt(len(frame))) < len(names):
        raise CasebookError(
            f"found terms that determine each other (Intercept, {', '.join(names)}); "
            "expected covariates that vary, each on its own"
        )
    codes = None
    if patient is not None:
        if frame[patient].isna().any():
            raise CasebookError(
                f"found {frame[patient].isna().sum()} readings of nobody; expected {patient!r} of each"
            )
        codes = pd.factorize(frame[patient])[0]
    return Data(lower, upper, design, ("Intercept", *names), codes)


def _count(data: Data) -> Counts:
    found = data.lower == data.upper
    below, above = np.isinf(data.lower), np.isinf(data.upper)
    return Counts(*(int(kind.sum()) for kind in (found, ~found & ~below & ~above, below, above)))


def _fit(
    data: Data, parameters: np.ndarray, covariance: np.ndarray, log_likelihood: float, confidence: float
) -> Fit:
    """Coefficients and standard deviations from what was maximised, of :func:`casebook.cohort.tobit.centred` readings.

    ``covariance`` may lack a ratio that is 0.
    """
    z = deviations(confidence)
    _, back, shift = tobit.centred(data)
    p, h = data.design.shape[1], parameters[data.design.shape[1]]
    # Coefficients over sd, as the readings were given: linear in those of the centred ones, and in h.
    given = np.eye(parameters.size)
    given[:p, :p], given[0, p] = back, shift
    parameters = given @ parameters
    given = given[: len(covariance), : len(covariance)]
    covariance = given @ covariance @ given.T
    sd = 1 / h
    values = parameters * sd
    values[p] = sd
    jacobian = np.eye(covariance.shape[0]) * sd
    jacobian[:, p] = -values[: len(jacobian)] * sd
    covariance = jacobian @ covariance @ jacobian.T
    errors = np.zeros(values.size)
    errors[: len(covariance)] = np.sqrt(np.diag(covariance))
    lower, upper = values - z * errors, values + z * errors
    spread = slice(p, None)
    ratio = np.exp(
        z * np.divide(errors[spread], values[spread], out=np.zeros(values.size - p), where=values[spread] > 0)
    )
    lower[spread], upper[spread] = values[spread] / ratio, values[spread] * ratio
    errors[len(covariance) :] = math.nan
    names = [*data.terms, "sd", "sd between"][: values.size]
    rows = pd.DataFrame(
        {"estimate": values, "standard_error": errors, "lower": lower, "upper": upper},
        index=pd.Index(names, name="term"),
    )
    # From here on of log sd, as it is normal sooner than sd.
    scale = np.append(np.ones(p), h)
    covariance = covariance[: p + 1, : p + 1] * np.outer(scale, scale)
    patients = None if data.patient is None else int(data.patient.max()) + 1
    return Fit(rows, covariance, log_likelihood, _count(data), patients, float(confidence), data)
