"""The command of campaigns: a table of scenarios in, the table of a protocol out.

Usage: ``python -m casebook.design scenarios.csv results.parquet --seed 1 --trials 100000``; ``--help`` tells the rest.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from casebook.arguments import shown
from casebook.design import campaign, engines, progress, results, scenarios
from casebook.design.campaign import TRIALS
from casebook.design.engines import Engine
from casebook.design.progress import Progress
from casebook.errors import CasebookError

ENGINES = ("serial", "threads", "processes", "cluster")

AFTER_TERM = 143
"""The exit status after SIGTERM, as schedulers of clusters send it, and as a shell gives it; after Ctrl-C it is 130."""

EPILOG = """
Finished batches are kept in a folder of their own. If a run is stopped, killed or loses its machine, the same command goes on
from there; with more trials it adds to those that are there, of which only the last batch of a scenario may be done again.
Another seed, scenario or version starts anew, beside them. The folder can be deleted once the results are written.

Progress goes to the standard error: on a terminal one line that changes, elsewhere a line after the first batch, every ten
minutes, and at the end.

Exit status: 0 written; 1 refused or failed, with the reason; 2 not understood; 130 stopped by Ctrl-C, 143 by SIGTERM.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m casebook.design",
        description="Simulate the trials of a table of scenarios, and write their operating characteristics as a table.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenarios", type=Path, help="CSV, a row a scenario")
    parser.add_argument(
        "results",
        type=Path,
        help=f"a row a scenario: {' or '.join(results.FORMATS)}; beside it, with .json after its name, where it came from",
    )
    parser.add_argument(
        "--seed", type=_digits, required=True, help="the same seed gives the same results, bit for bit"
    )
    parser.add_argument(
        "--trials", type=_digits, default=TRIALS, help="of each scenario (default: %(default)s)"
    )
    parser.add_argument(
        "--engine", choices=ENGINES, help="what computes (default: threads; cluster with --address)"
    )
    parser.add_argument(
        "--workers", type=_digits, help="threads or processes (default: as many as processors)"
    )
    parser.add_argument("--address", help="of the scheduler of a Dask cluster, as tcp://host:8786")
    parser.add_argument(
        "--timeout",
        type=float,
        help=f"seconds to wait for a cluster and its first worker (default: {engines.TIMEOUT:g}); if all workers are lost later "
        f"on, {engines.PATIENCE} times as long",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="where finished batches are kept, from which the same command goes on (default: beside the results, with "
        ".batches after their name)",
    )
    parser.add_argument("--overwrite", action="store_true", help="write over results that are there")
    return parser


def _digits(text: str) -> int:
    if not re.fullmatch("[+-]?[0-9]{1,30}", text):
        raise argparse.ArgumentTypeError(f"found {shown(text)}, expected a whole number as digits, as 100000")
    return int(text)


def _engine(given: argparse.Namespace) -> Engine:
    name = given.engine or ("cluster" if given.address else "threads")
    if given.address and name != "cluster":
        raise CasebookError(f"found an address for the engine {name}; expected it for the cluster only")
    if given.timeout is not None and name != "cluster":
        raise CasebookError(f"found a timeout for the engine {name}; expected it for the cluster only")
    workers = given.workers
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
            timeout = engines.TIMEOUT if given.timeout is None else given.timeout
            return engines.cluster(given.address, workers=workers, timeout=timeout)


class _Terminated(KeyboardInterrupt):
    """By SIGTERM."""


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM stop what is done here as Ctrl-C does, so that workers end and what they left is cleared away."""

    def stop(*_: object) -> None:
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():  # where Python takes no signals
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign that the command line asks for, and give its exit status."""
    given = _parser().parse_args(words)
    folder = given.folder or Path(f"{given.results}.batches")
    show, last = progress.line(sys.stderr), None

    def watch(now: Progress) -> None:
        nonlocal last
        last = now
        show(now)

    def say(what: object) -> None:
        # Below the line of progress, if that has not come to its end.
        below = sys.stderr.isatty() and last and last.batches < last.of_batches
        print("\n" if below else "", what, sep="", file=sys.stderr)

    try:
        with _stoppable(), progress.warnings(sys.stderr):
            spared = [given.scenarios, folder]
            results.check(given.results, overwrite=given.overwrite, apart_from=spared)
            engine, chosen = _engine(given), scenarios.read(given.scenarios)
            with engines.quiet() if given.address or given.engine == "cluster" else nullcontext():
                done = campaign.run(
                    chosen, given.seed, given.trials, engine=engine, folder=folder, watch=watch
                )
            results.write(done, given.results, overwrite=given.overwrite, apart_from=spared)
    except CasebookError as error:
        say(error)
        return 1
    except KeyboardInterrupt as stopped:
        state = f"{last.batches} of {last.of_batches} batches are" if last else "What was finished is"
        say(f"Stopped. {state} kept in {folder}: the same command goes on from there.")
        return AFTER_TERM if isinstance(stopped, _Terminated) else 130
    again = f", {done.reused} of them from an earlier run" if done.reused else ""
    count, batches = len(done.scenarios), done.computed + done.reused
    counted = f"{count} scenario{'s' * (count > 1)}, {batches} batch{'es' * (batches > 1)}"
    print(f"{given.results}: {counted}{again}.")
    return 0
