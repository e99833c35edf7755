"""Campaigns: a table of scenarios simulated batch by batch, and the table that goes into a protocol.

Usage: ``python -m casebook.design.campaign scenarios.csv results.parquet --seed 1 --trials 100000``; ``--help`` tells the rest.

Finished batches are kept, so that a run that was interrupted, even killed, goes on where it stopped when the same command
is given again; so does one that asks for more trials. The same seed gives the same results, bit for bit, whatever computes
them::

    from casebook.design import campaign, engines, results, scenarios

    done = campaign.run(scenarios.read().values(), seed=1, trials=100_000, engine=engines.threads(2))
    results.table(done)
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from casebook.design import batches, engines, progress, results, scenarios
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

MOST_SEED = 2**63 - 1
"""The largest that a column of whole numbers holds."""

TRIALS = 10_000

ENGINES = ("serial", "threads", "processes", "cluster")

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
    scenarios: Iterable[Scenario],
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
    scenarios : iterable of Scenario
        With ids that differ.
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
        If there is no scenario, an id stands twice, a number is not as above, the folder cannot be used, or the engine
        fails, or has workers of other versions. What was finished is kept.

    Notes
    -----
    A batch whose file is damaged is done again, and a warning logged. Batches that dead workers had are given out again, as
    long as others get finished.
    """
    chosen = tuple(scenarios)
    ids = [scenario.id for scenario in chosen]
    if not ids or len(set(ids)) < len(ids):
        raise CasebookError(f"found the scenarios {ids}; expected one or more, each id once")
    _check_whole("seed", seed, 0, MOST_SEED)
    _check_whole("trials", trials, 1, MOST_TRIALS)
    if batch is not None:
        _check_whole("batch", batch, 1, MOST_TRIALS)
    tasks = [
        Task(scenario, seed, first, min(each, trials - first))
        for scenario in chosen
        for each in [batch or size(scenario)]
        for first in range(0, trials, each)
    ]
    folder = None if folder is None else Path(folder)
    with nullcontext() if folder is None else batches.alone(folder):
        tallies = {name: Tally(name) for name in ids}
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
        computed, after = len(left), progress.of(tasks, left.values())
        with closing(_finish(left, engine or engines.threads())) as every:
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
            with closing(engine(list(left.values()))) as every:
                for finished in every:
                    _check_versions(finished)
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


def _check_versions(finished: Finished) -> None:
    if finished.versions != engines.versions():
        raise CasebookError(
            f"found a worker with {finished.versions}; expected {engines.versions()}, as here: others give other bits"
        )


def _check_whole(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise CasebookError(f"found {name} {value!r}; expected a whole number from {least} to {most}")


# -- the command ----------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m casebook.design.campaign",
        description="Simulate the trials of a table of scenarios, and write their operating characteristics as a table.",
    )
    parser.add_argument("scenarios", type=Path, help="CSV, a row a scenario")
    parser.add_argument("results", type=Path, help=f"a row a scenario: {' or '.join(results.FORMATS)}")
    parser.add_argument(
        "--seed", type=int, required=True, help="the same seed gives the same results, bit for bit"
    )
    parser.add_argument("--trials", type=int, default=TRIALS, help="of each scenario (default: %(default)s)")
    parser.add_argument(
        "--engine", choices=ENGINES, help="what computes (default: threads; cluster with --address)"
    )
    parser.add_argument("--workers", type=int, help="threads or processes (default: as many as processors)")
    parser.add_argument("--address", help="of the scheduler of a Dask cluster, as tcp://host:8786")
    parser.add_argument(
        "--timeout",
        type=float,
        default=engines.TIMEOUT,
        help="seconds to wait for a cluster (default: %(default)g)",
    )
    parser.add_argument("--folder", type=Path, help="for finished batches (default: beside the results)")
    parser.add_argument("--overwrite", action="store_true", help="write over results that are there")
    return parser


def _engine(arguments: argparse.Namespace) -> Engine:
    name = arguments.engine or ("cluster" if arguments.address else "threads")
    if arguments.address and name != "cluster":
        raise CasebookError(f"found an address for the engine {name}; expected it for the cluster only")
    workers = arguments.workers
    if name == "serial" and workers not in (None, 1):
        raise CasebookError(f"found {workers} workers for the engine serial; expected 1")
    match name:
        case "serial":
            return engines.serial()
        case "threads":
            return engines.threads(workers)
        case "processes":
            return engines.processes(workers)
        case _:
            return engines.cluster(arguments.address, workers=workers, timeout=arguments.timeout)


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign that the command line asks for, and give its exit status."""
    arguments = _parser().parse_args(words)
    show, last = progress.line(sys.stderr), None

    def watch(now: Progress) -> None:
        nonlocal last
        last = now
        show(now)

    folder = arguments.folder or arguments.results.with_name(f"{arguments.results.name}.batches")
    try:
        results.check(arguments.results, overwrite=arguments.overwrite)
        with progress.warnings(sys.stderr):
            done = run(
                scenarios.read(arguments.scenarios).values(),
                arguments.seed,
                arguments.trials,
                engine=_engine(arguments),
                folder=folder,
                watch=watch,
            )
        results.write(done, arguments.results, overwrite=arguments.overwrite)
    except CasebookError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        state = f"{last.batches} of {last.of_batches} batches are" if last else "What was finished is"
        start = "\n" if sys.stderr.isatty() else ""  # below the line of progress
        print(
            f"{start}Stopped. {state} kept in {folder}: the same command goes on from there.", file=sys.stderr
        )
        return 130
    again = f", {done.reused} of them from an earlier run" if done.reused else ""
    print(
        f"{arguments.results}: {len(done.scenarios)} scenarios, {done.computed + done.reused} batches{again}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
