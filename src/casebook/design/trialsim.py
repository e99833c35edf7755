"""Simulated trials: batches of them, drawn and analysed by compiled loops, and what they come to.

A trial is given by its scenario, a seed and its number, whatever batch it is in, and whoever computes it. Functions here
keep no state and their arguments and results can be pickled, so that batches may be shared out among threads, processes
or machines::

    rows = trialsim.batch(scenario, seed=1, first=0, count=10_000)
    summary = trialsim.summarise(scenario, trialsim.tally(scenario, rows))
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from casebook import arguments
from casebook.design import _kernels
from casebook.design.scenarios import Scenario
from casebook.design.tally import Tally, summarise, tally
from casebook.design.truth import ARMS, hazards, sizes
from casebook.errors import CasebookError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BATCH", "FIELDS", "Tally", "analyse", "batch", "patients", "run", "summarise", "tally"]

BATCH = 10_000
"""Trials that :func:`run` holds in memory at once, for each worker."""

FIELDS = np.dtype([(name, float) for name in _kernels.STATISTICS])
"""What is found at a look: ``time``, its calendar month; ``held``, 0 if the trial had ended before; ``patients`` entered and
``events`` seen; ``z`` of the log-rank test, above 0 if treatment fails less, and ``chi_square``; ``coefficient``, the log
hazard ratio of treatment by Cox's model, and its ``variance``; ``monotone``, 0 if that has a finite best value, else 1 or -1
for where it runs off to, or 2 if nothing compares the arms; by arm, ``survival`` at the milestone and ``mean`` up to the
horizon, with variances. What cannot be estimated is not a number: a test without a failure that compares the arms, a
coefficient that runs off, survival and mean beyond the last patient seen, everything of an arm that is not there."""

LARGEST = 2**63
"""Trials and seeds are numbered below this."""

MOST_LOOKS = 10**7
"""Of all trials that :func:`batch` holds at once: one and a half gigabytes."""


def batch(scenario: Scenario, seed: int, first: int, count: int) -> np.ndarray:
    """Simulate and analyse some trials of a scenario.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        0 or more, below :data:`LARGEST`. Scenarios of different ids have different random numbers for the same seed.
    first, count : int
        The number of the first trial, from 0, and how many.

    Returns
    -------
    ndarray of :data:`FIELDS`, shape (count, looks)
        Interim looks in order, and the end of the trial last. All looks are analysed, also those after a bound was passed:
        :func:`tally` stops trials.

    Raises
    ------
    CasebookError
        If the seed, the first or the count is no whole number of 0 or more (of 1 or more, the count), a number is not below
        :data:`LARGEST`, or all trials together have more than :data:`MOST_LOOKS` looks.
    """
    _check_whole(seed=seed, first=first)
    _check_whole(least=1, count=count)
    _check_last(first, count)
    if count * (len(scenario.looks) + 1) > MOST_LOOKS:
        raise CasebookError(
            f"found {count} trials of {len(scenario.looks) + 1} looks each; expected {MOST_LOOKS} looks at most"
        )
    found = _kernels.run(_course(scenario), _plan(scenario), _key(scenario, seed), first, count)
    return found.view(FIELDS)[..., 0]


def patients(scenario: Scenario, seed: int, trial: int) -> pd.DataFrame:
    """The patients of one trial, followed to its latest end: what any other program would be given to analyse.

    Returns
    -------
    DataFrame
        A row a patient: ``arm``, ``stratum`` (from 0), ``entry`` (calendar month), ``time`` (months from entry to ``event``,
        True for failure, False if censored), ``hsct`` (months from entry, missing without one in that time).

    Raises
    ------
    CasebookError
        If the seed or the trial is no whole number from 0 to below :data:`LARGEST`.
    """
    import pandas as pd

    _check_whole(seed=seed, trial=trial)
    course = _course(scenario)
    n = course.arm.size
    entry, time, hsct, one, two = np.empty((5, n))
    failed = np.empty(n, np.int8)
    _kernels.draw(course, _key(scenario, seed), np.uint64(trial), entry, time, failed, hsct, one, two)
    seen = entry + time <= scenario.end
    time = np.where(seen, time, scenario.end - entry)
    return pd.DataFrame(
        {
            "arm": pd.Categorical.from_codes(course.arm, ARMS),
            "stratum": course.stratum,
            "entry": entry,
            "time": time,
            "event": (failed == 1) & seen,
            "hsct": np.where(hsct <= time, hsct, np.nan),
        }
    )


def analyse(
    time: ArrayLike,
    event: ArrayLike,
    treatment: ArrayLike,
    stratum: ArrayLike | None = None,
    *,
    milestone: float,
    horizon: float,
) -> dict[str, float]:
    """Analyse given patients as those of a simulated trial are: tied times are allowed.

    Parameters
    ----------
    time : array_like, shape (n,)
        Followed up to, above 0.
    event, treatment : array_like of bool, shape (n,)
        Whether it is failure, and who is in the treatment arm.
    stratum : array_like of int, shape (n,), optional
        From 0: log-rank test and Cox model keep strata apart.
    milestone, horizon : float
        Above 0.

    Returns
    -------
    dict of str to float
        The fields of :data:`FIELDS` but ``time`` and ``held``.

    Raises
    ------
    CasebookError
        If there is no patient, lengths differ, or a value is none of the above.
    """
    time = np.ascontiguousarray(_column("time", time), dtype=float)
    flags = [_column("event", event), _column("treatment", treatment)]
    groups = np.zeros(time.shape, np.int8) if stratum is None else _column("stratum", stratum)
    if time.ndim != 1 or not time.size or any(column.shape != time.shape for column in (*flags, groups)):
        shapes = [column.shape for column in (time, *flags, groups)]
        raise CasebookError(
            f"found columns of shapes {shapes}; expected one row of patients, as long in each"
        )
    if not (np.isfinite(time) & (time > 0)).all():
        raise CasebookError("found a time that is not above 0, or not finite; expected months above 0")
    if not all(np.isin(column, (0, 1)).all() for column in flags):
        raise CasebookError("found events or treatments other than 0 and 1; expected these only")
    if groups.dtype.kind not in "iu" or groups.min() < 0 or groups.max() > np.iinfo(np.int8).max:
        raise CasebookError(f"found the strata {np.unique(groups)[:5]}; expected whole numbers from 0 to 127")
    if not all(isinstance(month, Real) and 0 < month < np.inf for month in (milestone, horizon)):
        raise CasebookError(f"found milestone {milestone!r} and horizon {horizon!r}; expected both above 0")
    row = np.full(len(_kernels.STATISTICS), np.nan)
    failed, arm = (np.ascontiguousarray(column, dtype=np.int8) for column in flags)
    groups = np.ascontiguousarray(groups, dtype=np.int8)
    strata = int(groups.max()) + 1
    _kernels.analyse(time, arm, failed, groups, strata, float(milestone), float(horizon), row)
    return dict(zip(_kernels.STATISTICS[2:], row[2:].tolist(), strict=True))


def _column(name: str, values: ArrayLike) -> np.ndarray:
    """The values as numbers, or as bool."""
    try:
        column = np.asarray(values)
    except ValueError:  # rows of unlike lengths
        column = np.array(None)
    if column.size and column.dtype.kind not in "biuf":
        raise CasebookError(f"{name}: found {values!r}; expected a row of numbers")
    return column


def run(scenario: Scenario, seed: int, trials: int, *, threads: int = 1, first: int = 0) -> Tally:
    """Simulate trials batch by batch and tally them, on some threads of this process.

    The tally is the same for any number of threads. Memory is that of :data:`BATCH` trials for each. This is for a chapter or
    a first look at one scenario: it keeps nothing and tells nothing. :func:`casebook.design.campaign.run` runs the same
    batches of many scenarios on any engine, keeps them, and goes on where it stopped.

    Raises
    ------
    CasebookError
        As :func:`batch`; if there is no trial, or no thread.
    """
    _check_whole(seed=seed, first=first)
    _check_whole(least=1, trials=trials, threads=threads)
    _check_last(first, trials)
    starts = range(first, first + trials, BATCH)

    def one(start: int) -> Tally:
        return tally(scenario, batch(scenario, seed, start, min(BATCH, first + trials - start)))

    total = Tally(scenario.id)
    if threads == 1:
        for start in starts:
            total += one(start)
        return total
    with ThreadPoolExecutor(threads) as pool:
        # Not all at once: a thousand batches that wait would take more memory than those at work.
        for some in range(0, len(starts), 64):
            for part in pool.map(one, starts[some : some + 64]):
                total += part
    return total


def _check_whole(least: int = 0, **values: object) -> None:
    for name, value in values.items():
        arguments.whole(value, name, least=least, most=LARGEST - 1)


def _check_last(first: int, trials: int) -> None:
    last = int(first) + int(trials)
    if last > LARGEST:
        raise CasebookError(f"found trials up to number {last - 1}; expected numbers below {LARGEST}")


def _key(scenario: Scenario, seed: int) -> np.ndarray:
    """The two words that all random numbers of a scenario depend on."""
    digest = hashlib.blake2b(f"{int(seed)} {scenario.id}".encode(), digest_size=8).digest()
    return np.frombuffer(digest, "<u4").astype(np.uint64)


def _course(scenario: Scenario) -> _kernels.Course:
    numbers = sizes(scenario)
    found = [
        [
            hazards(scenario, arm, stratum) if numbers[:, which].any() else None
            for which, arm in enumerate(ARMS)
        ]
        for stratum in range(len(numbers))
    ]

    def rates(name: str, strata: Sequence = found) -> np.ndarray:
        nothing = np.zeros(len(scenario.hazard_from))
        return np.array([[nothing if arm is None else getattr(arm, name) for arm in both] for both in strata])

    return _kernels.Course(
        arm=np.repeat([0, 1], numbers.sum(axis=0)).astype(np.int8),
        stratum=np.concatenate([np.repeat(np.arange(len(numbers)), n) for n in numbers.T]).astype(np.int8),
        accrual=scenario.accrual,
        drop_out=scenario.drop_out,
        starts=np.array(scenario.hazard_from),
        before=rates("before"),
        after=rates("after"),
        to_hsct=rates("to_hsct", found[:1])[0],
        cured=np.array([scenario.cured_control, scenario.cured_treatment]),
        hsct_mortality=np.full(len(scenario.hazard_from), scenario.hsct_mortality),
        transplants=bool(scenario.hsct_control or scenario.hsct_treatment),
        censored_at_hsct=scenario.at_hsct == "censor",
    )


def _plan(scenario: Scenario) -> _kernels.Plan:
    looks = len(scenario.looks)
    months = scenario.looks if scenario.look_by == "month" else (scenario.end,) * looks
    counts = (*(scenario.look_counts or (0,) * looks), scenario.events or 0)
    return _kernels.Plan(
        months=np.array((*months, scenario.end)),
        counts=np.array(counts, dtype=np.int64),
        by_events=any(counts),
        strata=len(scenario.stratum_share) if scenario.stratified else 1,
        milestone=scenario.milestone,
        horizon=scenario.horizon,
    )
