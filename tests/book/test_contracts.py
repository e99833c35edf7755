"""The shape of the code: its style, its floors, and how little the package loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from casebook.paths import ROOT

HEAVY = ("lifelines", "matplotlib", "pandas", "pandera", "scipy", "seaborn", "IPython", "myst_nb")


def run(*arguments: str) -> str:
    """The complaints of a command, or nothing."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_code_of_package_tests_and_chapters_is_sound():
    assert run("-m", "ruff", "check", "--output-format=concise", "src", "tests", "chapters") == ""


def test_the_code_of_package_tests_and_chapters_is_set_as_ruff_sets_it():
    assert run("-m", "ruff", "format", "--check", "--quiet", "src", "tests", "chapters") == ""


def test_every_room_imports_only_from_the_floors_below_it():
    assert run("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()") == ""


@pytest.mark.parametrize("package", HEAVY)
def test_importing_casebook_does_not_load(package):
    # Loading them takes seconds, which every command and every import of a helper would pay.
    assert run("-c", f"import casebook, sys; sys.exit({package!r} in sys.modules)") == ""
