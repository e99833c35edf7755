"""How long an import and a build take, beside the bars. A measurement (`make bench`), not a test: it depends on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from casebook import site
from casebook.paths import ROOT

BARS = {
    "import casebook, best of 5": 0.15,  # every command pays it, and a reader's own script
    "make book, nothing changed": 1.0,  # else nobody builds to see whether there is something to build
    "make book, nothing built": 60.0,  # what a writer waits for after each change in data or package
}
"""Seconds: at least twice what two cores of 2024 need."""


def seconds(*command: str, root: Path = ROOT) -> float:
    """Time a command that runs with the sources in ``root``."""
    own = {"CASEBOOK_ROOT": str(root), "PYTHONPATH": str(root / "src")}
    start = time.perf_counter()
    subprocess.run(command, cwd=root, env=os.environ | own, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print each measurement as soon as it is there."""
    build = (sys.executable, "-m", "casebook.site", "build")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in site.SITE_INPUTS:
            take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            take(ROOT / name, copy / name)
        measured = {
            "import casebook, best of 5": lambda: min(
                seconds(sys.executable, "-c", "import casebook") for _ in range(5)
            ),
            "make book, nothing built": lambda: seconds(*build, root=copy),
            "make book, nothing changed": lambda: seconds(*build, root=copy),
        }
        for name, measure in measured.items():
            taken = measure()
            verdict = "" if taken <= BARS[name] else "  over"
            print(f"{name:28}{taken:8.2f} s   bar {BARS[name]:5.2f} s{verdict}", flush=True)


if __name__ == "__main__":
    main()
