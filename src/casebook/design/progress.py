"""How far a campaign is: what is done, what is left, and for how long, in one line."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TextIO

from casebook.design.engines import Task

ON_TERMINAL = 0.2
IN_FILE = 600.0
"""Seconds between two lines, where the new one takes the place of the old, and where it does not (as in CI)."""

CLEAR = "\r\x1b[K"
"""Takes a terminal back to the start of an empty line."""


class Progress(NamedTuple):
    """How far a campaign is after a batch was finished."""

    scenario: str
    """Whose batch it was."""
    batches: int
    of_batches: int
    trials: int
    of_trials: int
    seconds: float
    """Since the run began."""
    seconds_left: float
    """To its end, if patients are simulated on as fast as in this run so far."""

    @property
    def text(self) -> str:
        """The line that a reader is shown."""
        share = f"{self.trials:,} of {self.of_trials:,} trials ({100 * self.trials // self.of_trials}%)"
        if self.batches == self.of_batches:
            return f"{share} in {duration(self.seconds)}"
        return f"{share}, {duration(self.seconds_left)} left, at {self.scenario}"


def patients(task: Task) -> int:
    """The patients that a batch simulates, once for each look: what its time goes with."""
    return task.count * (task.scenario.control + task.scenario.treatment) * (len(task.scenario.looks) + 1)


def of(tasks: Iterable[Task], left: Iterable[Task]) -> Callable[[Task], Progress]:
    """Count from now on: the function that is given each finished task and tells how far all are.

    Parameters
    ----------
    tasks : iterable of Task
        All of the campaign.
    left : iterable of Task
        Those that are not done yet.
    """
    start = time.monotonic()
    every, waiting = list(tasks), list(left)
    of_trials, of_patients = sum(task.count for task in every), sum(map(patients, waiting))
    trials, batches, simulated = of_trials - sum(task.count for task in waiting), len(every) - len(waiting), 0

    def after(task: Task) -> Progress:
        nonlocal trials, batches, simulated
        trials, batches, simulated = trials + task.count, batches + 1, simulated + patients(task)
        seconds = time.monotonic() - start
        left = seconds * (of_patients - simulated) / simulated
        return Progress(task.scenario.id, batches, len(every), trials, of_trials, seconds, left)

    return after


def duration(seconds: float) -> str:
    """Seconds as words: the largest unit that applies, and whole numbers."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def line(stream: TextIO) -> Callable[[Progress], None]:
    """Write progress to a stream: on a terminal one line that changes; else one at first, every ten minutes, and at the end."""
    terminal = stream.isatty()
    last = -math.inf

    def write(progress: Progress) -> None:
        nonlocal last
        now, done = time.monotonic(), progress.batches == progress.of_batches
        if not done and now - last < (ON_TERMINAL if terminal else IN_FILE):
            return
        last = now
        stream.write((CLEAR if terminal else "") + progress.text + ("" if terminal and not done else "\n"))
        stream.flush()

    return write


@contextmanager
def warnings(stream: TextIO) -> Iterator[None]:
    """Show the package's warnings on a stream on which :func:`line` writes, each on a line of its own."""
    handler, package = logging.StreamHandler(stream), logging.getLogger("casebook")
    handler.setFormatter(logging.Formatter(f"{CLEAR if stream.isatty() else ''}%(message)s"))
    package.addHandler(handler)
    try:
        yield
    finally:
        package.removeHandler(handler)
