"""Engines: who computes batches of simulated trials. One process, threads, joblib's processes, or a Dask cluster.

An engine takes tasks and gives each back finished, once, in any order. A batch's bits depend on its task only, and tallies
are added without rounding, so that the engine and the number of workers do not show in a result. Engines keep a few tasks
for each worker under way, not all: memory does not grow with the number of trials.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import casebook
from casebook.design import _kernels, scenarios, tally, trialsim, truth
from casebook.design.scenarios import Scenario
from casebook.design.tally import Tally
from casebook.errors import CasebookError

if TYPE_CHECKING:
    from distributed import Client

AHEAD = 2
"""Tasks under way for each worker, so that none waits for its next."""

TIMEOUT = 30.0
"""Seconds to wait for a scheduler, and for its first worker."""

IGNORE_INTERRUPT = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""Run by each process of a cluster made here: an interrupt from the keyboard reaches them all, and is the first one's to take."""

NUMERICS = (_kernels, scenarios, tally, trialsim, truth)
"""The modules that the bits of a batch depend on."""

LIBRARIES = ("numba", "numpy", "scipy")


class WorkerLost(CasebookError):
    """Workers died. What they were at is not finished; the other batches are not touched by it."""


class Task(NamedTuple):
    """A batch to be done: ``count`` trials of a scenario, numbered from ``first``."""

    scenario: Scenario
    seed: int
    first: int
    count: int


class Finished(NamedTuple):
    """A batch that is done: which, what it came to, and the versions it was computed with."""

    scenario: str
    first: int
    tally: Tally
    versions: str


Engine = Callable[[Iterable[Task]], Iterator[Finished]]


@cache
def versions() -> str:
    """What a batch was computed with: the package, a hash of the code of :data:`NUMERICS`, and :data:`LIBRARIES`."""
    digest = hashlib.sha256()
    for module in NUMERICS:
        digest.update(hashlib.sha256(Path(module.__file__).read_bytes()).digest())
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"casebook {casebook.__version__} (code {digest.hexdigest()[:12]}), {libraries}"


def work(scenario: Scenario, seed: int, first: int, count: int) -> Finished:
    """Do one batch: what workers are given, wherever they are."""
    rows = trialsim.batch(scenario, seed, first, count)
    return Finished(scenario.id, first, trialsim.tally(scenario, rows), versions())


def cores() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# -- on this machine ------------------------------------------------------------------------------------------------


def serial() -> Engine:
    """One batch after the other, in this process."""

    def engine(tasks: Iterable[Task]) -> Iterator[Finished]:
        return (work(*task) for task in tasks)

    return engine


def threads(workers: int | None = None) -> Engine:
    """Threads of this process: the compiled loops run side by side.

    Parameters
    ----------
    workers : int, optional
        As many as processors if not given.

    Raises
    ------
    CasebookError
        If there is not 1 worker or more.
    """
    workers = _count(workers)

    def engine(tasks: Iterable[Task]) -> Iterator[Finished]:
        waiting = iter(tasks)
        pool = ThreadPoolExecutor(workers)
        try:
            running = {pool.submit(work, *task) for task in islice(waiting, AHEAD * workers)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(work, *task) for task in islice(waiting, len(done))}
                for each in done:
                    yield each.result()
        finally:
            pool.shutdown(cancel_futures=True)

    return engine


def processes(workers: int | None = None) -> Engine:
    """Processes of joblib's loky, or what a ``joblib.parallel_config`` around the call says, as ``"dask"``.

    Parameters
    ----------
    workers : int, optional
        As many as the ``parallel_config`` says if not given, and without one as many as processors.

    Raises
    ------
    CasebookError
        If there is not 1 worker or more; while it runs, if joblib's backend is one that gives nothing before all is done.
    WorkerLost
        While it runs, if a process dies.
    """
    if workers is not None:
        workers = _count(workers)

    def engine(tasks: Iterable[Task]) -> Iterator[Finished]:
        from joblib import Parallel, delayed, parallel_config
        from joblib.externals.loky.process_executor import TerminatedWorkerError
        from joblib.parallel import get_active_backend

        jobs = workers
        # Outside of a parallel_config joblib means one process where nothing is said.
        if jobs is None and get_active_backend()[1] == 1:
            jobs = cores()
        with parallel_config(n_jobs=jobs) if jobs else parallel_config():
            backend = get_active_backend()[0]
            if not backend.supports_return_generator:
                raise CasebookError(
                    f"found joblib's {type(backend).__name__}, which gives nothing before all is done; "
                    "expected loky, threading or dask"
                )
            parallel = Parallel(batch_size=1, return_as="generator_unordered")
            try:
                yield from parallel(delayed(work)(*task) for task in tasks)
            except TerminatedWorkerError as error:
                raise WorkerLost("found a process that died; expected it to finish its batch") from error

    return engine


def _count(workers: int | None) -> int:
    if workers is None:
        return cores()
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise CasebookError(f"found {workers!r} workers; expected a whole number of 1 or more")
    return workers


# -- on a cluster ---------------------------------------------------------------------------------------------------


def cluster(
    where: str | Client | None = None, *, workers: int | None = None, timeout: float = TIMEOUT
) -> Engine:
    """A Dask cluster, on this machine or elsewhere. Workers may come and go: what one that died was at goes to another.

    When none is left, it waits for one to join.

    Parameters
    ----------
    where : str or distributed.Client, optional
        The address of a scheduler, as ``tcp://host:8786``, or a client, which stays open. If not given, a cluster of
        processes is made on this machine for the run; a script needs ``if __name__ == "__main__"`` for that.
    workers : int, optional
        Processes of a cluster that is made here; as many as processors if not given.
    timeout : float
        Seconds to wait for the scheduler, and for its first worker.

    Raises
    ------
    CasebookError
        If there is not 1 worker or more, or workers are given for a cluster that exists; while it runs, if dask.distributed
        is not installed, if nothing answers at the address, no worker joins in time, or the scheduler is lost.
    WorkerLost
        While it runs, if workers died under the same batch again and again.
    """
    if where is not None and workers is not None:
        raise CasebookError(f"found {workers!r} workers for the cluster {where}; expected it to have its own")
    if where is None:
        workers = _count(workers)
    if not timeout > 0:
        raise CasebookError(f"found a timeout of {timeout!r}; expected seconds above 0")

    def engine(tasks: Iterable[Task]) -> Iterator[Finished]:
        with _client(where, workers, timeout) as client:
            yield from _on(client, tasks)

    return engine


def _on(client: Client, tasks: Iterable[Task]) -> Iterator[Finished]:
    from concurrent.futures import CancelledError

    from distributed import KilledWorker, as_completed
    from distributed.comm import CommClosedError

    waiting, pending, running = iter(tasks), set(), as_completed(loop=client.loop)
    try:
        while True:
            room = AHEAD * max(sum(client.ncores().values()), 1) - len(pending)
            for task in islice(waiting, max(room, 0)):
                # Not pure: the scheduler would take a batch of older code for this one.
                future = client.submit(work, *task, pure=False)
                pending.add(future)
                running.add(future)
            if not pending:
                return
            future = next(running)
            pending.discard(future)
            yield future.result()
    except KilledWorker as error:
        raise WorkerLost(
            "found a batch under which workers died again and again; expected one to finish it"
        ) from error
    except (CancelledError, CommClosedError) as error:
        raise CasebookError(
            f"lost the Dask scheduler at {_address(client)}; expected it to stay up to the end"
        ) from error
    finally:
        if client.status == "running":
            client.cancel(list(pending))


@contextmanager
def _client(where: str | Client | None, workers: int | None, timeout: float) -> Iterator[Client]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise CasebookError(
            "found no dask.distributed; expected it installed, as by pip install 'casebook[cluster]'"
        ) from error

    if where is None:
        with (
            TemporaryDirectory(prefix="casebook-") as scratch,
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",  # any free port: None would still take a fixed one
                scheduler_kwargs={"dashboard": False},
                local_directory=scratch,
                preload=[IGNORE_INTERRUPT],
                silence_logs=logging.CRITICAL,  # a busy machine makes its processes complain when they are stopped
            ) as local,
            Client(local, set_as_default=False) as client,
        ):
            yield client
        return
    if isinstance(where, str):
        try:
            client = Client(where, timeout=timeout, set_as_default=False)
        except (OSError, ValueError) as error:
            raise CasebookError(
                f"found no Dask scheduler at {where} within {timeout:g} s ({_said(error)}); expected one, as tcp://host:8786"
            ) from error
        with client:
            _wait(client, timeout)
            yield client
    else:
        _wait(where, timeout)
        yield where


def _wait(client: Client, timeout: float) -> None:
    try:
        client.wait_for_workers(1, timeout=timeout)
    except TimeoutError as error:
        raise CasebookError(
            f"found no worker at the Dask scheduler {_address(client)} within {timeout:g} s; expected one or more"
        ) from error


def _address(client: Client) -> str:
    return client.scheduler.address if client.scheduler else "that was given"


def _said(error: Any) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
