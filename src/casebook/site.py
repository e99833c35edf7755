"""The site: the book built once for each state of its sources, and served on this machine.

Usage: ``python -m casebook.site build`` or ``python -m casebook.site serve [port]``.

A build starts from clean doctrees, because Sphinx complains of a missing number only when it reads a page anew. It is made
beside the site that stands and takes its place when it is whole, so that a failed or interrupted build changes nothing.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import http.server
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from casebook.errors import CasebookError
from casebook.paths import ROOT

BUILD = ROOT / "_build"
SITE = BUILD / "html"
ASIDE = BUILD / "html-before"
"""The site that stood, while a new one takes its place."""

PORT = 8000
LAST_PORT = 65535

EXECUTION_INPUTS = ("src", "data", "requirements.txt", "pyproject.toml")
"""What a chapter's results rest on besides its own cells."""

SITE_INPUTS = (*EXECUTION_INPUTS, "chapters", "_config.yml", "_toc.yml", "references.bib")

FINGERPRINT = "fingerprint.txt"

DOOR = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>casebook</title>
<link rel="icon" href="_static/favicon.svg">
<meta http-equiv="refresh" content="0; url=chapters/index.html">
<a href="chapters/index.html">casebook</a>
</html>
"""
"""The page at the site's address. Jupyter Book's own has no icon, so that the browser asks for one that is not there."""

IGNORED = ("__pycache__", ".ipynb_checkpoints", ".DS_Store", "casebook.egg-info")


def fingerprint(inputs: Sequence[str] = SITE_INPUTS, root: Path = ROOT) -> str:
    """Hash the names and contents of ``inputs`` (files or folders under ``root``) and the version of Python."""
    digest = hashlib.sha256(sys.version.encode())
    for path in _files(inputs, root):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _files(inputs: Sequence[str], root: Path) -> Iterator[Path]:
    for name in inputs:
        top = root / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and not set(IGNORED).intersection(path.relative_to(root).parts):
                yield path


def build() -> Path:
    """Build the site unless the one that stands was built from the same sources, and give its folder.

    Raises
    ------
    CasebookError
        If a cell fails or Sphinx has anything to complain of. The site that stood before still stands.
    """
    with _alone():
        _settle()
        wanted = fingerprint()
        if not is_current(wanted):
            start = time.monotonic()
            _rebuild(wanted)
            print(f"Built in {time.monotonic() - start:.0f} s.", flush=True)
        else:
            print("Nothing has changed since the book was built.", flush=True)
    return SITE


def is_current(wanted: str) -> bool:
    """Tell whether the site that stands was built from the sources with this fingerprint."""
    stamp = SITE / FINGERPRINT
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == wanted


def _rebuild(wanted: str) -> None:
    cache = _execution_cache()
    _execute(cache)
    for abandoned in BUILD.glob("new-*"):  # a build that was killed could not clean up after itself
        shutil.rmtree(abandoned)
    with tempfile.TemporaryDirectory(prefix="new-", dir=BUILD) as folder:
        new = _typeset(Path(folder), cache)
        _offer_what_was_executed(new, cache)
        (new / FINGERPRINT).write_text(f"{wanted}\n", encoding="utf-8")
        _swap_in(new)


def _swap_in(new: Path) -> None:
    """Put a new site in the place of the one that stands, which comes back if that fails."""
    try:
        if SITE.exists():
            SITE.rename(ASIDE)
        new.rename(SITE)
    finally:
        _settle()


def _settle() -> None:
    """Leave one site: the new one if it has taken its place, else the one that stood, also after a build that was killed."""
    if ASIDE.exists():
        if SITE.exists():
            shutil.rmtree(ASIDE)
        else:
            ASIDE.rename(SITE)


@contextmanager
def _alone() -> Iterator[None]:
    """Let one build run at a time: a second one waits, and then finds nothing left to do."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "building", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _execution_cache() -> Path:
    """Give the folder of executed chapters, and delete those made with other code or other data.

    Jupyter Book's cache compares a chapter's cells only: kept across a change in ``src`` or ``data``, it would
    show old numbers.
    """
    caches = BUILD / "executed"
    current = caches / fingerprint(EXECUTION_INPUTS)[:16]
    current.mkdir(parents=True, exist_ok=True)
    for other in set(caches.iterdir()) - {current}:
        shutil.rmtree(other)
    return current


def _execute(folder: Path) -> None:
    """Put every chapter that is not there yet into the cache; Jupyter Book itself would run them one after the other."""
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    from casebook import notebooks

    cache = get_cache(folder)

    def is_cached(path: Path) -> bool:
        try:
            return bool(cache.match_cache_notebook(notebooks.read(path)))
        except KeyError:
            return False

    def keep(path: Path, notebook) -> None:
        cache.cache_notebook_bundle(CacheBundleIn(notebook, str(path)), check_validity=False, overwrite=True)

    missing = [path for path in notebooks.chapters() if not is_cached(path)]
    if missing:
        notebooks.execute(missing, keep)


def _typeset(folder: Path, cache: Path) -> Path:
    """Run Jupyter Book into a folder; a warning is an error."""
    from jupyter_book.sphinx import build_sphinx

    print("Setting the pages.", flush=True)
    html = folder / "html"
    outcome = build_sphinx(
        ROOT,
        html,
        doctreedir=folder / "doctrees",
        path_config=ROOT / "_config.yml",
        noconfig=True,
        confoverrides={
            "external_toc_path": str(ROOT / "_toc.yml"),
            "latex_individualpages": False,
            "nb_execution_cache_path": str(cache),
            "nitpicky": True,
        },
        quiet=True,
        warningiserror=True,
        keep_going=True,
    )
    if outcome != 0:
        raise CasebookError(
            "The book was not built, for the reasons above. The site that stood before still stands."
        )
    (html / "index.html").write_text(DOOR, encoding="utf-8")
    return html


def _offer_what_was_executed(html: Path, cache: Path) -> None:
    """Let readers download each chapter as it ran: Sphinx copies the file, whose outputs are those of the last commit."""
    from jupyter_cache import get_cache

    from casebook import notebooks

    executed = get_cache(cache)
    for path in notebooks.chapters():
        chapter = notebooks.read(path)
        ran = executed.get_cache_bundle(executed.match_cache_notebook(chapter).pk).nb
        code = [cell for cell in chapter.cells if cell.cell_type == "code"]
        for cell, done in zip(code, ran.cells, strict=True):  # the cache keeps cells of code only
            cell.outputs, cell.execution_count = done.outputs, done.execution_count
        offered = html / "_sources" / path.relative_to(ROOT)
        offered.write_text(notebooks.normalised(chapter), encoding="utf-8")


def serve(port: int = PORT) -> None:
    """Build the site and serve it on this machine until interrupted; port 0 takes any free one."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=SITE)
    try:
        server = http.server.ThreadingHTTPServer(("localhost", port), handler)
    except OSError as error:
        raise CasebookError(
            f"Port {port} cannot be used ({error.strerror}): name another, as in make serve PORT=8001."
        ) from error
    with server:  # the port is taken before the build, which may last a minute
        build()
        print(f"The book is at http://localhost:{server.server_port}/ (Ctrl+C stops).", flush=True)
        server.serve_forever()


def main(arguments: Sequence[str]) -> None:
    """Run the command named first in ``arguments``."""
    match arguments:
        case ["build"]:
            page = build() / "index.html"
            print(f"The book is at {os.path.relpath(page)} ({page.as_uri()}).")
        case ["serve"]:
            serve()
        case ["serve", port]:
            if not port.isdecimal() or int(port) > LAST_PORT:
                raise CasebookError(
                    f"There is no port {port}: name one up to {LAST_PORT}, as in make serve PORT=8001."
                )
            serve(int(port))
        case _:
            raise CasebookError("Usage: python -m casebook.site build | serve [port]")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CasebookError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
