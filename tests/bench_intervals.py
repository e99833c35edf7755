"""How long the estimate from intervals takes beside R's survfit and npsurv, in one run. A measurement, not a test.

``python tests/bench_intervals.py``: 5,000 patients examined on days of their own; then how ours grows. R is asked where there
is an ``Rscript`` with survival; npsurv is left out where it is missing, and survfit is given fewer, as its time grows with
the cube of patients. What each reached is printed beside its time: the
log-likelihood, which survfit leaves before it has come to its maximum.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from casebook.cohort.intervals import Turnbull, turnbull

PATIENTS = 5_000
FEWER = 400
"""For survfit: of 5,000, it had not come to an end after eight minutes."""

R_SCRIPT = """
folder <- commandArgs(TRUE)[1]; n <- as.integer(commandArgs(TRUE)[2]); program <- commandArgs(TRUE)[3]
read <- function(name) readBin(file.path(folder, name), "double", n)
lower <- read("lower"); upper <- read("upper")
value <- function(left, right, mass) {  # of masses, the log-likelihood of the patients; each lies within its own (left, right]
  total <- c(0, cumsum(mass))
  sum(log(total[findInterval(upper + 1e-9, right) + 1] - total[findInterval(lower - 1e-9, left) + 1]))
}
if (program == "survfit") {
  library(survival)
  taken <- system.time(fit <- survfit(Surv(lower, ifelse(is.infinite(upper), NA, upper), type = "interval2") ~ 1))["elapsed"]
  mass <- -diff(c(1, fit$surv)); mass <- c(mass, 1 - sum(mass)); at <- c(fit$time, Inf)
  cat(taken, value(at, at, mass), sep = ",")
} else {
  taken <- system.time(fit <- npsurv::npsurv(cbind(lower, upper)))["elapsed"]
  cat(taken, fit$ll, sep = ",")
}
"""


def intervals(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Weibull times between visits that follow each other at random, always the same."""
    random = np.random.default_rng(n)
    visits = np.cumsum(random.exponential(0.5, (n, 12)), axis=1)
    visits = np.column_stack([np.zeros(n), visits, np.full(n, np.inf)])
    place = (visits < 2 * random.weibull(1.3, n)[:, None]).sum(axis=1)
    return visits[np.arange(n), place - 1], visits[np.arange(n), place]


def seconds(call: Callable[[], Turnbull], runs: int) -> float:
    """The best of several runs."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def of_r(program: str, n: int) -> tuple[float, float] | None:
    """Seconds and log-likelihood of one of R's programs, or None where it is missing."""
    if not shutil.which("Rscript"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        for name, column in zip(("lower", "upper"), intervals(n), strict=True):
            column.tofile(Path(folder) / name)
        script = Path(folder) / "bench.R"
        script.write_text(R_SCRIPT)
        run = subprocess.run(
            ["Rscript", str(script), folder, str(n), program], capture_output=True, text=True, check=False
        )
    if run.returncode:
        print(f"{program} could not be asked: {run.stderr.strip()}", file=sys.stderr)
        return None
    taken, value = run.stdout.split(",")
    return float(taken), float(value)


def main() -> None:
    """Print the comparison, then the growth."""
    for program, n in (("npsurv", PATIENTS), ("survfit", FEWER)):
        columns = intervals(n)
        ours, found = seconds(lambda columns=columns: turnbull(*columns), 5), turnbull(*columns)
        print(f"{n:,} intervals, {found.mass.size:,} innermost; seconds and log-likelihood")
        print(
            f"ours       {ours:8.4f}   {found.log_likelihood:.6f}, at most {found.excess:.1e} below the maximum"
        )
        theirs = of_r(program, n)
        if theirs is not None:
            ratio = theirs[0] / ours
            print(f"{program:10} {theirs[0]:8.2f}   {theirs[1]:.6f}   {ratio:8.1f} times as long")
    print("\nOurs as patients grow: seconds, in brackets microseconds a patient")
    for n in (10**2, 10**3, 10**4, 10**5, 10**6):
        columns = intervals(n)
        taken = seconds(lambda columns=columns: turnbull(*columns), 1 if n > 10**5 else 3)
        print(f"{n:10,}   {taken:.4f} ({taken / n * 1e6:.1f})")


if __name__ == "__main__":
    main()
