"""How long the analysis of treatment during follow-up takes beside R's survival, in one run. A measurement, not a test.

``python tests/bench_timing.py``: 100,000 patients, nearly all of whom are treated before they fail or are censored, and so have
two rows. R is asked where there is an ``Rscript`` with survival; it is given the rows ready made.
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
import pandas as pd

from casebook.cohort import cox, models, timing

PATIENTS = 100_000
FEWER = 2_000
"""For lifelines, whose time for covariates that change grows with the square of patients: of 100,000, it had not come to an
end after eight minutes."""

R_SCRIPT = """
suppressMessages(library(survival))
rows <- read.csv(commandArgs(TRUE)[1])
best <- function(f) min(sapply(1:2, function(i) { gc(FALSE); system.time(f())["elapsed"] }))
cat("curves", best(function() survfit(Surv(start, stop, event) ~ treated, data = rows, conf.type = "log-log")), "\\n", sep = ",")
cat("test", best(function() coxph(Surv(start, stop, event) ~ treated, data = rows, iter.max = 0)), "\\n", sep = ",")
cat("hazard ratio", best(function() coxph(Surv(start, stop, event) ~ treated, data = rows)), "\\n", sep = ",")
"""


def cohort() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, whether patients failed, and days of treatment, always the same; treatment changes nothing."""
    random = np.random.default_rng(1)
    fails, leaves = random.exponential(300, PATIENTS), random.uniform(100, 1000, PATIENTS)
    return np.minimum(fails, leaves), fails <= leaves, random.exponential(15, PATIENTS)


def seconds(call: Callable[[], object], runs: int = 3) -> float:
    """The best of several runs."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def of_r(rows: pd.DataFrame) -> dict[str, float]:
    """Seconds of R, or none where R or its package is missing."""
    if not shutil.which("Rscript"):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder) / "rows.csv", Path(folder) / "bench.R"
        rows.to_csv(data, index=False)
        script.write_text(R_SCRIPT)
        run = subprocess.run(["Rscript", str(script), str(data)], capture_output=True, text=True, check=False)
    if run.returncode:
        print(f"R could not be asked: {run.stderr.strip()}", file=sys.stderr)
        return {}
    return {name: float(taken) for name, taken, *_ in (line.split(",") for line in run.stdout.splitlines())}


def main() -> None:
    """Print each step beside R's."""
    time_, event, switch = cohort()
    rows = timing.periods(time_, event, switch)
    fewer = rows[rows["patient"] < FEWER]
    columns = ("patient", "start", "stop", "event", ["treated"])
    ours = {
        "rows": seconds(lambda: timing.periods(time_, event, switch)),
        "curves": seconds(lambda: timing.simon_makuch(rows)),
        "test": seconds(lambda: timing.mantel_byar(rows)),
        "hazard ratio": seconds(lambda: cox.hazard_ratio(timing.by_treatment(rows))),
        f"hazard ratio, lifelines, of {FEWER:,}": seconds(
            lambda: models.cox_time_varying(fewer, *columns), 1
        ),
    }
    theirs = of_r(rows)
    print(f"{PATIENTS:,} patients, {len(rows):,} rows, {int(rows['event'].sum()):,} failures; seconds")
    for step, taken in ours.items():
        beside = theirs.get(step)
        print(
            f"{step:34}{taken:8.3f}" + (f"   R {beside:8.2f}   {beside / taken:7.1f} times" if beside else "")
        )


if __name__ == "__main__":
    main()
