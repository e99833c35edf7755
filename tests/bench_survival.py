"""How long estimates and tests of a cohort take beside lifelines, scikit-survival and R, in one run. A measurement, not a test.

``python tests/bench_survival.py``: a million patients with continuous times, hardly two of them alike; then how time and
memory of ours grow. R is asked where there is an ``Rscript`` with survival and cmprsk, scikit-survival where it is
installed.
"""

from __future__ import annotations

import importlib.util
import math
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from casebook.cohort.comparison import log_rank
from casebook.cohort.estimate import aalen_johansen, kaplan_meier
from casebook.cohort.risktable import tabulate, tabulate_by

PATIENTS = 10**6
FEWER = 10**5
"""For lifelines' cumulative incidence, which takes half a minute for a million: ten times as long is what is shown."""

FEWEST = 10**4
"""For scikit-survival's cumulative incidence, whose memory grows with the square: at 1e5 it asks for 149 GiB."""

SIZES = (10**3, 10**4, 10**5, 10**6, 10**7)

BARS = {
    ("Kaplan-Meier", "lifelines"): 8,
    ("Kaplan-Meier", "R"): 8,
    ("log-rank", "lifelines"): 5,
    ("log-rank", "R"): 8,
    ("Kaplan-Meier", "scikit-survival"): None,
    ("log-rank", "scikit-survival"): None,
    ("cumulative incidence", "scikit-survival"): None,
    ("cumulative incidence", "lifelines"): 100,
    ("cumulative incidence", "R"): 4,
}
"""How many times as long the other must take at least; None if that is only shown."""

R_SCRIPT = """
suppressMessages({library(survival); library(cmprsk)})
folder <- commandArgs(TRUE)[1]; n <- as.integer(commandArgs(TRUE)[2])
read <- function(name) readBin(file.path(folder, name), "double", n)
time <- read("time"); event <- read("event"); group <- read("group")
best <- function(f) min(sapply(1:2, function(i) { gc(FALSE); system.time(f())["elapsed"] }))
cat("Kaplan-Meier", best(function() survfit(Surv(time, event > 0) ~ 1, conf.type = "log-log")), "\\n", sep = ",")
cat("log-rank", best(function() survdiff(Surv(time, event > 0) ~ group)), "\\n", sep = ",")
cat("cumulative incidence", best(function() cuminc(time, event)), "\\n", sep = ",")
"""


class Cohort(NamedTuple):
    """Times that are exponential and censored by a second of half the rate; two causes; two groups."""

    time: np.ndarray
    event: np.ndarray
    group: np.ndarray


def cohort(n: int) -> Cohort:
    """A cohort of ``n``, always the same."""
    random = np.random.default_rng(n)
    fails, leaves = random.exponential(1, n), random.exponential(2, n)
    event = np.where(fails <= leaves, random.integers(1, 3, n), 0)
    return Cohort(np.minimum(fails, leaves), event, random.integers(0, 2, n))


OURS: dict[str, Callable[[Cohort], object]] = {
    "Kaplan-Meier": lambda c: kaplan_meier(tabulate(c.time, c.event > 0)),
    "log-rank": lambda c: log_rank(tabulate_by(c.group, c.time, c.event > 0)),
    "cumulative incidence": lambda c: aalen_johansen(tabulate(c.time, c.event, causes=("relapse", "death"))),
}
"""From columns of patients to the result, the table of risk included; both causes of the cumulative incidence."""


def seconds(call: Callable[[], object], runs: int) -> float:
    """The best of several runs."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def of_lifelines() -> dict[str, float]:
    """Seconds of lifelines for a million; the cumulative incidence of one cause from fewer, times the ratio."""
    from lifelines import AalenJohansenFitter, KaplanMeierFitter
    from lifelines.statistics import logrank_test

    c, small = cohort(PATIENTS), cohort(FEWER)
    first, failed = c.group == 0, c.event > 0
    return {
        "Kaplan-Meier": seconds(lambda: KaplanMeierFitter().fit(c.time, failed), 2),
        "log-rank": seconds(
            lambda: logrank_test(c.time[first], c.time[~first], failed[first], failed[~first]), 2
        ),
        "cumulative incidence": PATIENTS
        / FEWER
        * seconds(lambda: AalenJohansenFitter().fit(small.time, small.event, event_of_interest=1), 1),
    }


def of_r() -> dict[str, float]:
    """Seconds of R's survfit, survdiff and cuminc, or none where R or its packages are missing."""
    if not shutil.which("Rscript"):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        for name, column in cohort(PATIENTS)._asdict().items():
            column.astype(float).tofile(Path(folder) / name)
        script = Path(folder) / "bench.R"
        script.write_text(R_SCRIPT)
        run = subprocess.run(
            ["Rscript", str(script), folder, str(PATIENTS)], capture_output=True, text=True, check=False
        )
    if run.returncode:
        print(f"R could not be asked: {run.stderr.strip()}", file=sys.stderr)
        return {}
    lines = (line.split(",") for line in run.stdout.splitlines())
    return {name: float(taken) for name, taken, *_ in lines}


def of_scikit_survival() -> dict[str, float]:
    """Seconds of scikit-survival, or none where it is missing; the cumulative incidence is that of :data:`FEWEST`."""
    if importlib.util.find_spec("sksurv") is None:
        return {}
    from sksurv.compare import compare_survival
    from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator

    c, small = cohort(PATIENTS), cohort(FEWEST)
    failed = c.event > 0
    outcome = np.rec.fromarrays([failed, c.time], names="failed,time")
    return {
        "Kaplan-Meier": seconds(lambda: kaplan_meier_estimator(failed, c.time, conf_type="log-log"), 2),
        "log-rank": seconds(lambda: compare_survival(outcome, c.group), 1),
        "cumulative incidence": seconds(
            lambda: cumulative_incidence_competing_risks(small.event, small.time, conf_type="log-log"), 1
        ),
    }


class Growth(NamedTuple):
    """What one size costs: seconds elapsed, the best of several runs; their mean of the processor; and memory."""

    elapsed: float
    user: float
    """Without the system's time, which goes into finding fresh pages of memory and depends on who else wants some."""

    memory: float
    """Allocated at the most, beyond what was there before, over the size of the columns."""


def growth(name: str, n: int) -> Growth:
    """To be called in a process of its own: memory that a larger cohort has left behind makes a smaller one faster."""
    c = cohort(n)
    runs, elapsed = max(5, 10**7 // n // 4), math.inf
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    for _ in range(runs):
        start = time.perf_counter()
        OURS[name](c)
        elapsed = min(elapsed, time.perf_counter() - start)
    user = (resource.getrusage(resource.RUSAGE_SELF).ru_utime - before) / runs
    tracemalloc.start()
    OURS[name](c)
    _, most = tracemalloc.get_traced_memory()
    return Growth(elapsed, user, most / sum(column.nbytes for column in c))


def compare() -> None:
    """Print ours beside the others."""
    c, small = cohort(PATIENTS), cohort(FEWEST)
    ours = {name: seconds(lambda run=run: run(c), 10) for name, run in OURS.items()}
    of_few = seconds(lambda: OURS["cumulative incidence"](small), 10)
    others = {"lifelines": of_lifelines(), "R": of_r(), "scikit-survival": of_scikit_survival()}
    print(
        f"{PATIENTS:,} continuous times, seconds, the best of several runs; cumulative incidence of lifelines is that of "
        f"{FEWER:,}, times ten, and beside scikit-survival of {FEWEST:,}"
    )
    for (name, program), bar in BARS.items():
        if name not in others[program]:
            continue
        few = (name, program) == ("cumulative incidence", "scikit-survival")
        mine, theirs = of_few if few else ours[name], others[program][name]
        verdict = "" if bar is None else f"   bar {bar:4}" + ("" if theirs >= bar * mine else "  under")
        print(f"{name:22}ours {mine:7.3f}   {program:16}{theirs:8.2f}   {theirs / mine:7.1f} times{verdict}")


def grow() -> None:
    """Print how ours grow, beside n log n."""
    print(
        "\nOurs as patients grow, each size in a process of its own: seconds elapsed, and of the processor without the system; "
        "how many times those of a tenth as many, beside n log n; peak memory over that of the columns"
    )
    for name in OURS:
        found: dict[int, Growth] = {}
        for n in SIZES:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                found[n] = process.submit(growth, name, n).result()
            elapsed, user, memory = found[n]
            shown = f"{name:22}{n:>12,}{elapsed:10.4f}{user:10.4f}   memory {memory:4.1f}"
            if n // 10 in found:
                fewer = found[n // 10]
                shown += f"   {elapsed / fewer.elapsed:5.1f} and {user / max(fewer.user, 1e-6):5.1f} times"
                shown += f"   n log n {10 * math.log(n) / math.log(n // 10):.1f}"
            print(shown)


if __name__ == "__main__":
    compare()
    grow()
