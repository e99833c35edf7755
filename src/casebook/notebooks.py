"""Notebooks: the chapters, executed in their own folders and written back with the smallest difference.

Usage: ``python -m casebook.notebooks [path ...]`` re-executes the chapters named, or all of them, in place.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from casebook.errors import CasebookError
from casebook.paths import CHAPTERS, ROOT

if TYPE_CHECKING:
    from nbformat import NotebookNode

AT_ONCE = 2
CELL_TIMEOUT_SECONDS = 300

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python"}
"""No version of Python: it differs between readers, and a chapter's results do not."""

VOLATILE = ("ExecuteTime", "collapsed", "execution", "jupytext", "scrolled")
"""Metadata that tools leave behind, and that says nothing of the chapter."""

ADDRESS = re.compile(r"at 0x[0-9a-f]+")
README_FIGURE = CHAPTERS / "_static" / "glance.svg"

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def pages(root: Path = ROOT) -> list[Path]:
    """List the files of the book, notebooks and Markdown, in the order of its table of contents."""
    import yaml

    def names(node: object) -> Iterable[str]:
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
            for value in node.values():
                yield from names(value)
        elif isinstance(node, list):
            for value in node:
                yield from names(value)

    found = []
    for name in names(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))):
        candidates = [root / f"{name}{suffix}" for suffix in (".ipynb", ".md")]
        found.append(next((path for path in candidates if path.is_file()), None))
        if found[-1] is None:
            raise CasebookError(f"_toc.yml names {name}, and there is neither {name}.ipynb nor {name}.md.")
    return found


def chapters(root: Path = ROOT) -> list[Path]:
    """List the notebooks of the book in the order of its table of contents."""
    return [path for path in pages(root) if path.suffix == ".ipynb"]


def read(path: Path) -> NotebookNode:
    """Read a notebook as it stands on disk, in the current format."""
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, TypeError, AttributeError, KeyError, nbformat.ValidationError) as error:
        raise CasebookError(f"{_name(path)} is not a notebook.") from error


def execute(paths: Sequence[Path], done: Callable[[Path, NotebookNode], None]) -> None:
    """Execute notebooks, two at a time, each in its own folder, and hand each to ``done`` as soon as it has finished.

    Raises
    ------
    CasebookError
        With the traceback of every notebook that failed, once all have run. A notebook that failed is not handed on.
    DataError
        Before any has run: each chapter loads the record, and each would tell of the same faults.
    """
    from casebook import kernels
    from casebook.report import record

    unrun = {path: read(path) for path in paths}
    record.load()
    print(f"Executing {len(paths)} chapter{'' if len(paths) == 1 else 's'}, {AT_ONCE} at a time:", flush=True)
    with kernels.forked():
        failures = asyncio.run(_execute_all(unrun, done))
    if failures:
        names = ", ".join(_name(path) for path in failures)
        raise CasebookError("\n\n".join([*failures.values(), f"Failed: {names}."]))


async def _execute_all(
    unrun: dict[Path, NotebookNode], done: Callable[[Path, NotebookNode], None]
) -> dict[Path, str]:
    # nbclient would answer Ctrl+C by stopping one kernel and going on; asyncio stops everything, kernels included.
    asyncio.get_running_loop().add_signal_handler = _no_signal_handler
    free = asyncio.Semaphore(AT_ONCE)
    failures: dict[Path, str] = {}
    finished = 0

    async def one(path: Path, notebook: NotebookNode) -> None:
        nonlocal finished
        async with free:
            start = time.monotonic()
            outcome = await _execute_one(path, notebook)
            finished += 1
            verdict = "FAILED" if isinstance(outcome, str) else f"{time.monotonic() - start:.1f} s"
            print(f"  [{finished}/{len(unrun)}] {_name(path)}: {verdict}", flush=True)
        if isinstance(outcome, str):
            failures[path] = f"{_name(path)}: {outcome}"
        else:
            done(path, outcome)

    # Those with the most code first: they are likely to take longest, and none should be left alone at the end.
    longest_first = sorted(unrun.items(), key=lambda item: -_length(item[1]))
    await asyncio.gather(*(one(path, notebook) for path, notebook in longest_first))
    return failures


def _length(notebook: NotebookNode) -> int:
    return sum(len(cell.source) for cell in notebook.cells if cell.cell_type == "code")


def _no_signal_handler(*_: object) -> None:
    raise RuntimeError("signals are asyncio's here")  # nbclient takes this for a thread that cannot have any


async def _execute_one(path: Path, notebook: NotebookNode) -> NotebookNode | str:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        kernel_name=KERNELSPEC["name"],
        extra_arguments=[
            "--IPKernelApp.log_level=ERROR"
        ],  # else each kernel warns that this machine can hear itself
        resources={"metadata": {"path": str(path.parent)}},
        timeout=CELL_TIMEOUT_SECONDS,
        record_timing=False,  # a timestamp in every cell would make every run a change
        coalesce_streams=True,  # else where a print is split depends on the machine's speed
    )
    try:
        await client.async_execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return ANSI.sub("", str(error)).strip()
    return notebook


def normalised(notebook: NotebookNode) -> str:
    """Write a notebook as text in which only what a reader could see differs from run to run."""
    import nbformat

    notebook.metadata.update(kernelspec=KERNELSPEC, language_info=LANGUAGE)
    for part in (notebook, *notebook.cells):
        for key in VOLATILE:
            part.metadata.pop(key, None)
    for data in (output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])):
        if "text/plain" in data:
            data["text/plain"] = ADDRESS.sub("at an address", data["text/plain"])
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def refresh(paths: Sequence[Path]) -> list[Path]:
    """Re-execute notebooks in place and list those whose file changed.

    A file is replaced in one step, and only by a run in which every cell succeeded.
    """
    changed = []

    def save(path: Path, notebook: NotebookNode) -> None:
        text = normalised(notebook)
        if path.read_text(encoding="utf-8") != text:
            _replace(path, text)
            changed.append(path)

    execute(paths, save)
    return changed


def readme_figure(index: NotebookNode) -> str:
    """Take the first figure of the first chapter for the README, on white: a README is shown on grounds we do not choose."""
    svgs = (
        output["data"]["image/svg+xml"]
        for cell in index.cells
        for output in cell.get("outputs", [])
        if "image/svg+xml" in output.get("data", {})
    )
    return re.sub(r"(<svg\b[^>]*>)", r'\1<rect width="100%" height="100%" fill="#fff"/>', next(svgs), count=1)


def _replace(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".", delete=False) as new:
        new.write(text)
    os.chmod(new.name, path.stat().st_mode if path.exists() else 0o644)
    os.replace(new.name, path)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def main(arguments: Sequence[str]) -> None:
    """Re-execute the chapters named in ``arguments``, or all."""
    paths = [Path(argument).resolve() for argument in arguments] or chapters()
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise CasebookError(f"No such notebook: {', '.join(missing)}.")
    changed = refresh(paths)
    first = chapters()[0]
    if first in changed:
        _replace(README_FIGURE, readme_figure(read(first)))
    print(f"Changed: {', '.join(map(_name, changed)) or 'none'}.")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CasebookError as error:
        sys.exit(str(error))
