"""Kernels: forked from one process that has imported what chapters import, instead of each importing it anew.

A kernel of Jupyter's own takes seconds to start and to import pandas, matplotlib and SciPy, and the book has a kernel for
each chapter. Here they are the children of one server, which imports once; what a chapter computes is its own. Only on
Linux: elsewhere it is not safe to fork a process that has loaded such libraries, and kernels are Jupyter's own.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING, Any

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext
    from multiprocessing.process import BaseProcess

NAME = "casebook-forked"
"""Of the entry point in pyproject.toml by which Jupyter finds :class:`Forked`."""

IMPORTED = (
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "pandas",
    "pandera.pandas",
    "scipy.optimize",
    "scipy.stats",
    "lifelines",
    "numba",
    "casebook.figures",
    "casebook.kernels",
)
"""What most chapters import, and what takes long; and this module, for :data:`PATH`."""

PATH = tuple(sys.path)
"""In a kernel, where the server looks for modules: what a new Python does, and not what the build had put before it."""


@contextmanager
def forked() -> Iterator[None]:
    """Fork the kernels that are started meanwhile, where that is safe."""
    factory = KernelProvisionerFactory.instance()
    before = factory.default_provisioner_name
    if sys.platform == "linux":
        factory.default_provisioner_name = NAME
    try:
        yield
    finally:
        factory.default_provisioner_name = before


class Forked(LocalProvisioner):
    """A kernel that is forked; but for its start it is as Jupyter's own."""

    async def launch_kernel(self, cmd: Sequence[str], **kwargs: Any) -> dict[str, Any]:
        """Start the kernel that ``cmd`` names: a module of this Python with its arguments; another in Jupyter's own way."""
        if cmd[0] != sys.executable or "-m" not in cmd:
            return await super().launch_kernel(cmd, **kwargs)
        named = cmd[cmd.index("-m") + 1 :]
        # At the end of this process a daemon is stopped; any other would be waited for, and would itself wait for this one.
        process = _server().Process(
            target=_kernel, args=(named, kwargs.get("cwd") or os.getcwd(), kwargs["env"]), daemon=True
        )
        with _no_main():
            process.start()
        self.process = _Popen(process)
        self.pid = self.pgid = process.pid
        return self.connection_info


class _Popen:
    """A process with the names of ``subprocess.Popen``, which are what Jupyter calls."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.kill, self.terminate = process.kill, process.terminate

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, signum: int) -> None:
        os.kill(self._process.pid, signum)


@contextmanager
def _no_main() -> Iterator[None]:
    """Keep a child from importing what this process was started with: a kernel needs none of it, and it may not be a file."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


def _kernel(named: list[str], cwd: str, env: Mapping[str, str]) -> None:
    """What a child of the server becomes: the module that was named with its arguments."""
    os.setsid()  # a group of its own, which Jupyter stops as a whole, and which Ctrl+C does not reach
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:], sys.argv[:] = filter(None, PATH), named
    multiprocessing.current_process().daemon = False  # which may not have children of its own

    import matplotlib
    import numpy as np
    import pandas as pd
    from ipykernel.kernelapp import launch_new_instance

    # What libraries choose by whether a kernel imports them. The backend is loaded by the kernel, whose cells it follows.
    pd.options.display.max_columns = 20
    np.random.seed()  # the state of the server would be that of every kernel
    matplotlib.rcParams["backend"] = "module://matplotlib_inline.backend_inline"
    Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    # Without a parent, a kernel tells the terminal how to connect to it.
    launch_new_instance(argv=[*named[1:], f"--IPKernelApp.parent_handle={os.getppid()}"])


def _end_with(build: BaseProcess) -> None:
    """End this kernel, and with its last kernel the server, when the process is gone that asked for it."""
    build.join()
    os._exit(1)
