"""How long estimates and tests of a cohort take beside lifelines and R, in one run. A measurement, not a test.

``python tests/bench_survival.py``: a million patients with continuous times, hardly two of them alike; then how time and
memory of ours grow. R is asked where there is an ``Rscript`` with survival and cmprsk.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from casebook.cohort.comparison import log_rank
from casebook.cohort.estimate import aalen_johansen, kaplan_meier
from casebook.cohort.risktable import tabulate, tabulate_by

PATIENTS = 10**6
FEWER = 10**5
"""For lifelines' cumulative incidence, which takes half a minute for a million: ten times as long is what is shown."""

BARS = {
    ("Kaplan-Meier", "lifelines"): 8,
    ("Kaplan-Meier", "R"): 8,
    ("log-rank", "lifelines"): 5,
    ("log-rank", "R"): 8,
    ("cumulative incidence", "lifelines"): 100,
    ("cumulative incidence", "R"): 4,
}
"""How many times as long the other must take at least."""

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


def peak(call: Callable[[], object]) -> int:
    """Bytes allocated at the most while it runs, beyond what was there before."""
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def main() -> None:
    """Print the comparison, then the growth."""
    c = cohort(PATIENTS)
    ours = {name: seconds(lambda run=run: run(c), 5) for name, run in OURS.items()}
    others = {"lifelines": of_lifelines(), "R": of_r()}
    print(
        f"{PATIENTS:,} continuous times, seconds; cumulative incidence of lifelines is that of {FEWER:,}, times ten"
    )
    for (name, program), bar in BARS.items():
        if name not in others[program]:
            continue
        theirs = others[program][name]
        ratio = theirs / ours[name]
        verdict = "" if ratio >= bar else "  under"
        print(
            f"{name:22}ours {ours[name]:7.3f}   {program:10}{theirs:8.2f}   {ratio:7.1f} times   bar {bar:4}{verdict}"
        )
    print(
        "\nOurs as patients grow: seconds, in brackets nanoseconds a patient; peak memory over that of the columns"
    )
    for name, run in OURS.items():
        shown = []
        for n in (10**3, 10**4, 10**5, 10**6, 10**7):
            c = cohort(n)
            taken = seconds(lambda c=c, run=run: run(c), 1 if n > PATIENTS else 3)
            shown.append(f"{taken:.4f} ({taken / n * 1e9:.0f})")
        c = cohort(PATIENTS)
        memory = peak(lambda c=c, run=run: run(c)) / sum(column.nbytes for column in c)
        print(f"{name:22}{'   '.join(shown)}   memory {memory:.1f} times")


if __name__ == "__main__":
    main()
