"""Campaigns: a table of scenarios simulated batch by batch, and the table that goes into a protocol.

Finished batches are kept, so that a run that was interrupted, even killed, goes on where it stopped when the same call is
made again. So does one that asks for more trials: of the batches that are there, only the last of each scenario is done
again, if it was shorter than the others. The same seed gives the same results, bit for bit, whatever computes them::

    from casebook.design import campaign, engines, results, scenarios

    done = campaign.run(scenarios.read(), seed=1, trials=100_000, engine=engines.threads(2))
    results.table(done)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from casebook.arguments import shown, whole
from casebook.design import batches, engines, progress
from casebook.design.engines import Engine, Finished, Task
from casebook.design.progress import Progress
from casebook.design.scenarios import Scenario
from casebook.design.tally import Tally
from casebook.design.trialsim import BATCH
from casebook.errors import CasebookError

PATIENTS = 10**6
"""Patients, counted once for each look, that a batch simulates at most if it has more than one trial: a second or less."""

MOST_TRIALS = 10**9
"""Of a scenario."""

MOST_BATCHES = 10**6
"""Of a campaign: all are listed, at some hundred bytes each."""

MOST_SEED = 2**63 - 1
"""The largest that a column of whole numbers holds."""

TRIALS = 10_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Campaign:
    """Scenarios that were simulated, and what their trials came to.

    Parameters
    ----------
    scenarios : tuple of Scenario
        In the order of the table.
    seed, trials : int
        Trials of each scenario.
    tallies : dict of str to Tally
        By scenario.
    computed, reused, damaged : int
        Batches done in this run; those there from an earlier one; and of those done, how many because their file was
        damaged.
    """

    scenarios: tuple[Scenario, ...]
    seed: int
    trials: int
    tallies: dict[str, Tally] = field(repr=False)
    computed: int
    reused: int
    damaged: int


# -- running --------------------------------------------------------------------------------------------------------


def size(scenario: Scenario) -> int:
    """The number of trials in a batch."""
    patients = (scenario.control + scenario.treatment) * (len(scenario.looks) + 1)
    return min(max(PATIENTS // patients, 1), BATCH)


def run(
    scenarios: Iterable[Scenario] | Mapping[str, Scenario],
    seed: int,
    trials: int,
    *,
    engine: Engine | None = None,
    folder: Path | str | None = None,
    batch: int | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Campaign:
    """Simulate each scenario, batch by batch.

    Parameters
    ----------
    scenarios : iterable of Scenario, or mapping to them
        With ids that differ; or all that :func:`casebook.design.scenarios.read` gives.
    seed : int
        From 0 to 2**63 - 1.
    trials : int
        Of each scenario, from 1 to 10**9.
    engine : Engine, optional
        Of :mod:`casebook.design.engines`; threads, as many as processors, if not given. The result does not depend on it.
    folder : path, optional
        Where finished batches are kept, and looked for; made if it is not there. Without one nothing is kept.
    batch : int, optional
        Trials in a batch; :func:`size` if not given. The result does not depend on it.
    watch : callable, optional
        Told of the progress after each batch, in this thread.

    Raises
    ------
    CasebookError
        If there is no scenario, an id stands twice, a number is not as above, there are more than :data:`MOST_BATCHES`
        batches, the folder cannot be used, or the engine is none or fails, or has workers of other versions. What was
        finished is kept.

    Notes
    -----
    A batch whose file is damaged is done again, and a warning logged; so is one of how many batches in the folder are of
    other versions, and not used. Batches that dead workers had are given out again, as long as others get finished.
    """
    chosen = _chosen(scenarios)
    seed = whole(seed, "seed", most=MOST_SEED)
    trials = whole(trials, "trials", least=1, most=MOST_TRIALS)
    if batch is not None:
        batch = whole(batch, "batch", least=1, most=MOST_TRIALS)
    if engine is not None and (not callable(engine) or engine in MAKERS):
        raise CasebookError(
            f"engine: found {shown(engine)}, expected one that was made, as engines.threads(2)"
        )
    if not (folder is None or isinstance(folder, str | PathLike)):
        raise CasebookError(f"folder: found {shown(folder)}, expected a path or None")
    sizes = {scenario.id: batch or size(scenario) for scenario in chosen}
    count = sum(-(-trials // each) for each in sizes.values())
    if count > MOST_BATCHES:
        raise CasebookError(
            f"found {count:,} batches; expected {MOST_BATCHES:,} at most: fewer trials or scenarios, or larger batches"
        )
    tasks = [
        Task(scenario, seed, first, min(each, trials - first))
        for scenario in chosen
        for each in [sizes[scenario.id]]
        for first in range(0, trials, each)
    ]
    folder = None if folder is None else Path(folder)
    with nullcontext() if folder is None else batches.alone(folder):
        tallies = {scenario.id: Tally(scenario.id) for scenario in chosen}
        left, damaged = {}, 0
        for task in tasks:
            kept = None
            if folder is not None:
                try:
                    kept = batches.load(folder, task)
                except batches.Damaged as error:
                    log.warning("%s: done again", error)
                    damaged += 1
            if kept is None:
                left[task.scenario.id, task.first] = task
            else:
                tallies[task.scenario.id] += kept
        if folder is not None and left:
            others = batches.of_other_versions(folder, chosen, seed)
            if others:
                log.warning("%d batches of other versions in %s are not used", others, folder)
        computed, after = len(left), progress.of(tasks, left.values())
        with _closing(_finish(left, engine or engines.threads())) as every:
            for task, tally in every:
                if folder is not None:
                    batches.save(folder, task, tally)
                tallies[task.scenario.id] += tally
                if watch:
                    watch(after(task))
    return Campaign(chosen, seed, trials, tallies, computed, len(tasks) - computed, damaged)


def _finish(left: dict[tuple[str, int], Task], engine: Engine) -> Iterator[tuple[Task, Tally]]:
    """Each task once with its tally, taken out of those that are left; what dead workers had is given out again."""
    while left:
        before = len(left)
        try:
            with _closing(engine(list(left.values()))) as every:
                for finished in every:
                    _check(finished)
                    task = left.pop((finished.scenario, finished.first), None)
                    if task is not None:
                        yield task, finished.tally
        except engines.WorkerLost as lost:
            if len(left) == before:
                raise
            log.warning("%s: %d batches are given out again", lost, len(left))
        else:
            if left:
                raise CasebookError(
                    f"found {len(left)} batches never finished; expected the engine to do all"
                )


@contextmanager
def _closing(every: Iterable) -> Iterator[Iterable]:
    """What an engine gives, closed at the end if it can be: a generator ends its workers then."""
    if not isinstance(every, Iterable):
        raise CasebookError(
            f"found an engine that gives {shown(every)}; expected it to give finished batches"
        )
    try:
        yield every
    finally:
        if hasattr(every, "close"):
            every.close()


def _check(finished: Finished) -> None:
    if not isinstance(finished, Finished):
        raise CasebookError(f"found an engine that gives {shown(finished)}; expected finished batches")
    if finished.versions != engines.versions():
        found, expected = engines.differences(finished.versions, engines.versions())
        raise CasebookError(
            f"found a worker with {found}; expected {expected}, as here: others give other bits"
        )


def _chosen(scenarios: object) -> tuple[Scenario, ...]:
    given = scenarios.values() if isinstance(scenarios, Mapping) else scenarios
    chosen = tuple(given) if isinstance(given, Iterable) else None
    if chosen is None or not all(isinstance(each, Scenario) for each in chosen):
        raise CasebookError(
            f"scenarios: found {shown(given)}, expected several, as [scenario] or scenarios.read()"
        )
    ids = [scenario.id for scenario in chosen]
    if not ids or len(set(ids)) < len(ids):
        raise CasebookError(f"found the scenarios {shown(ids)}; expected one or more, each id once")
    return chosen


MAKERS = (engines.serial, engines.threads, engines.processes, engines.cluster)
"""What makes engines, and is none."""
