"""Engines: who computes batches of simulated trials. One process, threads, joblib's processes, or a Dask cluster.

An engine takes tasks and gives each back finished, once, in any order. A batch's bits depend on its task only, and tallies
are added without rounding, so that the engine and the number of workers do not show in a result. Engines keep a few tasks
for each worker under way, not all.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from itertools import islice
from math import isfinite
from numbers import Real
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import casebook
from casebook import arguments
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

PATIENCE = 10
"""How many times as long a cluster may be without a worker later on, as workers come and go."""

POLL = 1.0
"""Seconds after which a cluster is asked whether it still has workers, if no batch was finished meanwhile."""

ASK = "__import__('importlib').import_module('casebook.design.engines').versions()"
"""What tells a worker's versions. As text: a function of this package is lost on a worker that cannot import it."""

IGNORE_INTERRUPT = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""Run by each process of a cluster made here: an interrupt from the keyboard reaches them all, and is the first one's to take."""

NUMERICS = (_kernels, scenarios, tally, trialsim, truth)
"""The modules that the bits of a batch depend on."""

LIBRARIES = ("numba", "numpy", "scipy")

log = logging.getLogger(__name__)


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


def differences(found: str, expected: str) -> tuple[str, str]:
    """The parts of two :func:`versions` in which they differ."""
    one, other = found.split(", "), expected.split(", ")
    return ", ".join(part for part in one if part not in other), ", ".join(
        part for part in other if part not in one
    )


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
    return arguments.whole(workers, "workers", least=1)


# -- on a cluster ---------------------------------------------------------------------------------------------------


def cluster(
    where: str | Client | None = None, *, workers: int | None = None, timeout: float = TIMEOUT
) -> Engine:
    """A Dask cluster, on this machine or elsewhere. Workers may come and go: what one that died was at goes to another.

    Before the first batch is given out, every worker is asked for its versions. When no worker has been there for ``timeout``,
    a warning is logged; after :data:`PATIENCE` times as long the cluster is given up.

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
        If there is not 1 worker or more, workers are given for a cluster that exists, ``where`` is neither address nor client,
        or the timeout no number of seconds; while it runs, if dask.distributed is not installed, nothing answers at the
        address, no worker joins in time, one has other versions or cannot import this package, or the scheduler is lost.
    WorkerLost
        While it runs, if workers died under the same batch again and again, or none is left.
    """
    if not (where is None or isinstance(where, str) or hasattr(where, "wait_for_workers")):
        raise CasebookError(
            f"where: found {arguments.shown(where)}, expected the address of a scheduler, as tcp://host:8786, or a Client"
        )
    if where is not None and workers is not None:
        raise CasebookError(
            f"workers: found {arguments.shown(workers)} for the cluster {where}, expected it to have its own"
        )
    if where is None:
        workers = _count(workers)
    if isinstance(timeout, bool) or not isinstance(timeout, Real) or not (timeout > 0 and isfinite(timeout)):
        raise CasebookError(f"timeout: found {arguments.shown(timeout)}, expected seconds above 0")

    def engine(tasks: Iterable[Task]) -> Iterator[Finished]:
        with _client(where, workers, timeout) as client:
            yield from _on(client, tasks, timeout)

    return engine


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what distributed logs of a lost connection off the terminal, where it would bury what is said of it here."""
    try:
        import distributed  # noqa: F401 (sets the levels of its loggers)
    except ImportError:
        yield
        return
    noisy = [
        logging.getLogger(name)
        for name in (*logging.root.manager.loggerDict,)
        if name.split(".")[0] in ("asyncio", "distributed", "tornado")
    ]
    before = [each.level for each in noisy]
    for each in noisy:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each, level in zip(noisy, before, strict=True):
            each.setLevel(level)


def _on(client: Client, tasks: Iterable[Task], timeout: float) -> Iterator[Finished]:
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    waiting, pending, done = iter(tasks), set(), SimpleQueue()
    still_there = _watch(client, timeout)
    try:
        _check_workers(client)
        while True:
            room = AHEAD * max(still_there(), 1) - len(pending)
            for task in islice(waiting, max(room, 0)):
                # Not pure: the scheduler would take a batch of older code for this one.
                future = client.submit(work, *task, pure=False)
                pending.add(future)
                future.add_done_callback(done.put)
            if not pending:
                return
            try:
                future = done.get(timeout=POLL)
            except Empty:
                continue
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


def _check_workers(client: Client) -> None:
    """Refuse workers that would compute something else, or nothing: such a one may die of its first batch without a word."""
    expected, wrong = versions(), []
    for address, found in client.run(eval, ASK, on_error="return").items():
        if isinstance(found, OSError) or found == expected:  # left meanwhile, or as here
            continue
        if isinstance(found, BaseException):
            has, here = f"no casebook of this kind ({type(found).__name__}: {_said(found)})", expected
        else:
            has, here = differences(found, expected)
        wrong.append(f"found the worker {address} with {has}; expected {here}, as here")
    if wrong:
        raise CasebookError("\n".join(wrong))


def _watch(client: Client, timeout: float) -> Callable[[], int]:
    """How many processors the cluster has; a warning if none for long, and WorkerLost if for too long."""
    last, warned = time.monotonic(), False

    def count() -> int:
        nonlocal last, warned
        now, found = time.monotonic(), sum(client.ncores().values())
        if found:
            last, warned = now, False
        elif now - last > PATIENCE * timeout:
            raise WorkerLost(
                f"found no worker at the Dask scheduler {_address(client)} for {now - last:.0f} s; expected one to join"
            )
        elif now - last > timeout and not warned:
            log.warning("no worker left at the Dask scheduler %s: waiting for one to join", _address(client))
            warned = True
        return found

    return count


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
            # First, as a Client that finds no scheduler complains once more when it is cleared away.
            _reach(where, timeout)
            client = Client(where, timeout=timeout, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise CasebookError(
                f"found no Dask scheduler at {where} within {timeout:g} s ({_said(error)}); expected one, as tcp://host:8786"
            ) from error
        with client:
            _wait(client, timeout)
            yield client
    else:
        _wait(where, timeout)
        yield where


def _reach(address: str, timeout: float) -> None:
    """Connect to the scheduler and leave again; OSError or ValueError if that cannot be."""
    import asyncio

    from distributed.comm import connect
    from distributed.security import Security

    async def knock() -> None:
        options = Security().get_connection_args("client")
        comm = await asyncio.wait_for(connect(address, timeout=timeout, **options), timeout)
        await comm.close()

    if not address.startswith("inproc://"):  # in this process: nothing to connect to
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(knock())
        else:  # in a notebook, which has a loop of its own
            with ThreadPoolExecutor(1) as aside:
                aside.submit(asyncio.run, knock()).result()


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
