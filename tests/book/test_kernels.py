"""A forked kernel is one of Jupyter's own in all but its start: its outputs, its end, and what it knows of other chapters."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from casebook import kernels, notebooks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")

CELLS = (
    "import matplotlib.pyplot as plt\nfrom casebook import figures\nfigures.style.use()\nplt.plot([0, 1], [1, 0]);",
    "import pandas as pd\npd.DataFrame({'n': [1, 2]})",
    "import sys\nprint('out')\nprint('err', file=sys.stderr)",
    "import warnings\nwarnings.simplefilter('ignore')  # of options that are deprecated\n"
    "options = sorted(pd._config.config._registered_options.keys() - {'display.encoding'})  # utf-8 or UTF-8\n"
    "pd.DataFrame([range(25)]), {name: pd.get_option(name) for name in options}",
    "import matplotlib as mpl\n{**mpl.rcParams}",
    "import os, sys\nos.getcwd(), __name__, sys.path, sys.argv[3:]",
)
SPOIL = (
    "import os, pandas as pd, matplotlib as mpl\n"
    "os.environ['CASEBOOK_PROBE'] = '1'; pd.options.display.max_rows = 7; mpl.rcParams['font.size'] = 77; probe = 1"
)
SPOILT = (
    "import os, pandas as pd, matplotlib as mpl\n"
    "print('CASEBOOK_PROBE' in os.environ, pd.options.display.max_rows, mpl.rcParams['font.size'], 'probe' in globals())"
)


def write(path: Path, *sources: str) -> Path:
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources]), path)
    return path


def executed(*paths: Path) -> list[list]:
    """The outputs of each cell of each notebook."""
    done = {}
    with ThreadPoolExecutor(1) as thread:  # another test may have left an event loop running in this one
        thread.submit(notebooks.execute, paths, lambda path, notebook: done.update({path: notebook})).result()
    return [[cell.outputs for cell in done[path].cells] for path in paths]


def test_a_forked_kernel_gives_the_outputs_of_one_of_jupyters_own(tmp_path, monkeypatch):
    path = write(tmp_path / "cells.ipynb", *CELLS)
    (forked,) = executed(path)
    with monkeypatch.context() as own:
        own.setattr(kernels, "NAME", "local-provisioner")
        (started,) = executed(path)
    assert forked == started
    assert any("image/svg+xml" in output.get("data", {}) for output in forked[0])


def test_kernels_share_what_was_imported_and_nothing_else(tmp_path):
    # One after the other, as the second would else not see what the first has left.
    asked = (
        "import numpy as np, os, sys\n"
        "print(os.getppid(), os.getpid() == os.getpgrp(), 'lifelines' in sys.modules, np.random.rand())"
    )
    (first,) = executed(write(tmp_path / "a.ipynb", asked, SPOIL))
    second = executed(write(tmp_path / "b.ipynb", asked, SPOILT))[0]
    *one, drawn = first[0][0].text.split()
    *other, drawn_by_other = second[0][0].text.split()
    assert one == other, "both are children of one server, each in a group of its own"
    assert one[1:] == ["True", "True"]
    assert drawn != drawn_by_other
    assert second[1][0].text == "False 60 10.0 False\n"


def test_kernels_end_with_a_build_that_was_killed(tmp_path):
    said = tmp_path / "pid"
    source = (
        f"import os, pathlib, time\npathlib.Path({str(said)!r}).write_text(f'{{os.getpid()}} {{os.getppid()}}')\n"
        "time.sleep(600)"
    )
    path = write(tmp_path / "waits.ipynb", source)
    build = subprocess.Popen(
        [sys.executable, "-m", "casebook.notebooks", str(path)], stdout=subprocess.DEVNULL
    )
    try:
        pids = [int(pid) for pid in waited(lambda: said.exists() and said.read_text(), 60).split()]
    finally:
        build.send_signal(signal.SIGKILL)
        build.wait()
    assert waited(lambda: not any(map(alive, pids)), 20), (
        "the kernel and the server it was forked from are gone"
    )


def waited(reached, seconds: float):
    """What ``reached`` gives once it is true; else what it gives at last."""
    until = time.monotonic() + seconds
    while not (found := reached()) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_only_what_is_executed_here_is_forked(tmp_path, monkeypatch):
    # nbval, in the same process, is to try chapters in kernels of Jupyter's own.
    factory = kernels.KernelProvisionerFactory.instance()
    before = factory.default_provisioner_name
    with kernels.forked():
        assert factory.default_provisioner_name == kernels.NAME != before
    assert factory.default_provisioner_name == before
    monkeypatch.setattr(sys, "platform", "darwin")
    with kernels.forked():
        assert factory.default_provisioner_name == before


def test_a_process_that_leaves_its_kernel_ends_with_it():
    left = """
from jupyter_client.manager import start_new_kernel
from casebook import kernels
with kernels.forked():
    manager, client = start_new_kernel()
print(manager.provisioner.pid)
"""
    done = subprocess.run([sys.executable, "-c", left], capture_output=True, text=True, timeout=60)
    assert waited(lambda: not alive(int(done.stdout)), 20)


def test_a_kernel_that_is_no_module_of_this_python_is_started_as_jupyter_does(monkeypatch):
    started = []

    async def own(self, cmd, **kwargs):
        started.append(cmd)

    monkeypatch.setattr(kernels.LocalProvisioner, "launch_kernel", own)
    for cmd in (["/usr/bin/another", "-m", "ipykernel_launcher"], [sys.executable, "kernel.py"]):
        with pytest.raises(StopIteration):
            kernels.Forked().launch_kernel(cmd).send(None)
    assert len(started) == 2
