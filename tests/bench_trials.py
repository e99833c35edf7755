"""How many trials a second are simulated and analysed, beside lifelines and R, in one run. A measurement, not a test.

``python tests/bench_trials.py``: two arms, each trial simulated, then log-rank test, Cox's hazard ratio and Kaplan-Meier at
24 months. Ours adds restricted means and the tally. R is asked where there is an ``Rscript`` with survival.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from casebook.design import trialsim
from casebook.design.scenarios import Scenario

PLAIN = Scenario(
    id="bench",
    control=50,
    treatment=50,
    accrual=24,
    followup=24,
    hazard=(0.04,),
    hazard_ratio=(0.6,),
    drop_out=0.005,
    milestone=24,
    horizon=24,
)
LARGE = replace(PLAIN, id="bench-large", control=500, treatment=500)
SMALL = replace(PLAIN, id="bench-small", control=10, treatment=10)
THREADS = min(2, os.cpu_count() or 1)
MANY = 10**7

BARS = {
    "of 100 patients": 100_000.0,
    "of 1,000 patients": 8_000.0,
    "lifelines": 1_000.0,
    "R": 200.0,
    "memory": 1024.0,
}
"""Trials a second on two cores; how many times ours is as fast; MiB at the most for ten million trials."""

R_SCRIPT = """
suppressMessages(library(survival))
trial <- function(n = 100) {
  arm <- rep(0:1, each = n / 2)
  end <- 48 - runif(n, 0, 24)
  fails <- rexp(n, .04 * .6^arm); leaves <- pmin(rexp(n, .005), end)
  time <- pmin(fails, leaves); event <- fails <= leaves
  c(survdiff(Surv(time, event) ~ arm)$chisq, coef(coxph(Surv(time, event) ~ arm)),
    summary(survfit(Surv(time, event) ~ arm), times = 24, extend = TRUE)$surv)
}
set.seed(1); invisible(trial())
count <- as.integer(commandArgs(TRUE)[1])
cat(min(sapply(1:3, function(i) system.time(for (j in 1:count) trial())["elapsed"])) / count)
"""

MEMORY_SCRIPT = """
import resource
from bench_trials import MANY, SMALL, THREADS
from casebook.design import trialsim
tally = trialsim.run(SMALL, 1, MANY, threads=THREADS)
assert tally.trials == MANY
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def seconds(call: Callable[[], object], runs: int) -> float:
    """The best of several runs."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def ours(scenario: Scenario, trials: int, threads: int) -> float:
    """Trials a second, simulated, analysed and tallied."""
    trialsim.run(scenario, 1, 10)
    return trials / seconds(lambda: trialsim.run(scenario, 1, trials, threads=threads), 5)


def of_lifelines(trials: int) -> float:
    """Trials a second of lifelines, given our patients: simulating them is not counted."""
    from lifelines import CoxPHFitter, KaplanMeierFitter
    from lifelines.statistics import logrank_test

    frames = [
        trialsim.patients(PLAIN, 1, trial).assign(treated=lambda f: (f["arm"] == "treatment").astype(float))
        for trial in range(trials)
    ]

    def loop() -> None:
        for frame in frames:
            one, two = frame[frame["treated"] == 0], frame[frame["treated"] == 1]
            logrank_test(one["time"], two["time"], one["event"], two["event"])
            CoxPHFitter().fit(frame[["time", "event", "treated"]], "time", "event")
            for arm in (one, two):
                KaplanMeierFitter().fit(arm["time"], arm["event"]).predict(24)

    return trials / seconds(loop, 2)


def of_r(trials: int) -> float | None:
    """Trials a second of R, or none where R or its package is missing."""
    if not shutil.which("Rscript"):
        return None
    run = subprocess.run(
        ["Rscript", "-e", R_SCRIPT, str(trials)], capture_output=True, text=True, check=False
    )
    if run.returncode:
        print(f"R could not be asked: {run.stderr.strip()}", file=sys.stderr)
        return None
    return 1 / float(run.stdout)


def memory() -> float:
    """MiB at the most of a process of its own that runs ten million trials."""
    run = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


def main() -> None:
    """Print each measurement as soon as it is there."""

    def line(what: str, value: float, unit: str, bar: float | None = None, *, at_most: bool = False) -> None:
        kept = bar is None or (value <= bar if at_most else value >= bar)
        shown = "" if bar is None else f"   bar {bar:9,.0f}{'' if kept else '  missed'}"
        print(f"{what:42}{value:12,.0f} {unit:10}{shown}", flush=True)

    fast = ours(PLAIN, 100_000, THREADS)
    line(f"trials of 100 patients, {THREADS} threads", fast, "a second", BARS["of 100 patients"])
    line("trials of 100 patients, one thread", ours(PLAIN, 50_000, 1), "a second")
    large = ours(LARGE, THREADS * trialsim.BATCH, THREADS)
    line(f"trials of 1,000 patients, {THREADS} threads", large, "a second", BARS["of 1,000 patients"])
    others = {"lifelines": of_lifelines(40), "R": of_r(200)}
    for name, theirs in others.items():
        if theirs is not None:
            line(f"trials of 100 patients, {name}", theirs, "a second")
            line(f"ours over {name}", fast / theirs, "times", BARS[name])
    line(f"memory for {MANY:,} trials of 20 patients", memory(), "MiB", BARS["memory"], at_most=True)


if __name__ == "__main__":
    main()
