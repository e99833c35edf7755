"""The shape of the code: its style, its floors, and how little the package loads."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from itertools import chain

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from casebook.paths import ROOT

HEAVY = (
    "dask",
    "distributed",
    "joblib",
    "lifelines",
    "matplotlib",
    "numba",
    "pandas",
    "pandera",
    "scipy",
    "seaborn",
    "IPython",
    "myst_nb",
)


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


def unmet(requirements: list[str], lock: str) -> list[str]:
    """The requirements that the pins of a lock do not meet: a name may be pinned anew for some platforms."""
    pins: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE):
        pins.setdefault(canonicalize_name(name), []).append(version)
    return [
        text
        for text in requirements
        for wanted in [Requirement(text)]
        if not (versions := pins.get(canonicalize_name(wanted.name)))
        or not all(wanted.specifier.contains(version, prereleases=True) for version in versions)
    ]


def test_the_lock_meets_every_requirement():
    # It does not after a change of pyproject.toml without `make lock`: what is installed is the lock.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    required = [project["build-system"]["requires"], project["project"]["dependencies"]]
    required += project["project"]["optional-dependencies"].values()
    assert unmet([*chain(*required)], (ROOT / "requirements.txt").read_text(encoding="utf-8")) == []


def test_a_requirement_that_the_lock_does_not_meet_is_found():
    lock = (
        "numpy==2.4.6 \\\n    --hash=sha256:0\nmyst-nb==1.1.0 ; python_version < '3.12' \\\nmyst-nb==1.2.0\n"
    )
    assert unmet(["numpy>=2", "MyST_NB>=1.1"], lock) == []
    assert unmet(["numpy>=2.5", "pandas", "myst-nb>=1.2"], lock) == ["numpy>=2.5", "pandas", "myst-nb>=1.2"]
