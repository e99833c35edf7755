"""What the tests of the book share: the built site, and copies of the sources that a test may spoil."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from casebook import site
from casebook.paths import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

FLAGS = [
    "--no-sandbox",  # a container's root has none to use; the only pages opened are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",  # the browser's own requests are not the site's
    "--disable-component-update",
    "--disable-sync",
]


class Book:
    """A folder of sources that is built by a process of its own, as a reader's is."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.html = root / "_build" / "html"

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run a module of the copy's package, e.g. ``run("casebook.site", "build")``."""
        own = {"CASEBOOK_ROOT": str(self.root), "PYTHONPATH": str(self.root / "src")}
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.root,
            env=os.environ | own | environment,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def keep_chapters(self, *names: str) -> None:
        """Leave only these chapters in the table of contents, so that a build takes seconds."""
        root, *others = names
        listed = "".join(f"\n  - file: chapters/{name}" for name in others)
        chapters = f"\nchapters:{listed}" if others else ""
        (self.root / "_toc.yml").write_text(
            f"format: jb-book\nroot: chapters/{root}{chapters}\n", encoding="utf-8"
        )


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the site as it is published: warnings are errors, and the doctrees were clean."""
    done = Book(ROOT).run("casebook.site", "build")
    if done.returncode:  # told whole once, and not before each test that needs the pages
        print(done.stdout, done.stderr)
        pytest.fail("The book was not built: the first test that needed it says why.", pytrace=False)
    return site.SITE


@pytest.fixture(scope="session")
def copy_of_book(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Book]:
    """Copy the sources into a folder of the given name."""

    def copy(name: str) -> Book:
        root = tmp_path_factory.mktemp("copy") / name
        root.mkdir()
        for source in site.SITE_INPUTS:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, root / source, ignore=shutil.ignore_patterns(*site.IGNORED))
            else:
                shutil.copy(ROOT / source, root / source)
        return Book(root)

    return copy


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        reason = f"no browser: none of {', '.join(BROWSERS)} is installed"
        if os.environ.get("CI"):  # a reader may have none; where the book is published from, it must be tried
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()
