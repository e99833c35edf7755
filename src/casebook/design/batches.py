"""Finished batches of a campaign on disk: written whole or not at all, and read again only if they are what is asked for.

A batch stands in a folder of its own scenario, seed and versions: a change in any of them looks elsewhere. It holds its own
checksum, so that a file which was cut short or altered is told from a whole one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from casebook.design.engines import Task, versions
from casebook.design.scenarios import Scenario
from casebook.design.tally import Tally
from casebook.errors import CasebookError

PART = ".part"
"""The ending of a file that is being written."""

SCENARIO = "scenario.json"
"""What the batches beside it are of."""

LOCK = ".casebook-lock"
"""Held by the run that is at work in a folder."""

OURS = re.compile(r"[0-9a-f]{24}")
"""The folders of :func:`path`. The folder they stand in may hold files of somebody else, which nothing here touches."""


class Damaged(CasebookError):
    """A file that is not the whole batch which its name says."""


@lru_cache(maxsize=1024)
def fingerprint(scenario: Scenario, seed: int) -> str:
    """What the bits of a batch depend on besides its numbers: the scenario but for its note, the seed, and the versions."""
    return hashlib.sha256(_canonical(_identity(scenario, seed))).hexdigest()[:24]


def path(folder: Path, task: Task) -> Path:
    """The file of a batch."""
    name = f"{task.first:012d}-{task.count}.json"
    return folder / fingerprint(task.scenario, task.seed) / name


def load(folder: Path, task: Task) -> Tally | None:
    """The tally of a batch, or None if it is not there.

    Raises
    ------
    Damaged
        If there is a file, and it is not whole or not of this batch.
    CasebookError
        If it cannot be read.
    """
    file = path(folder, task)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CasebookError(f"found {file} not readable ({error.strerror}); expected a batch") from error
    try:
        held = json.loads(content)
        batch = held["batch"]
        if held["sha256"] != _checksum(batch) or batch["first"] != task.first:
            raise Damaged(f"found {file} altered; expected the batch as it was written")
        tally = Tally(**batch["tally"])
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"found {file} cut short or no batch; expected it whole") from error
    if tally.scenario != task.scenario.id or tally.trials != task.count:
        raise Damaged(
            f"found {file} of {tally.trials} trials of {tally.scenario}; expected what its name says"
        )
    return tally


def save(folder: Path, task: Task, tally: Tally) -> None:
    """Write a batch, whole or not at all.

    Raises
    ------
    CasebookError
        If it cannot be written, as on a full disk.
    """
    batch = {"first": task.first, "tally": asdict(tally)}
    file = path(folder, task)
    if not (file.parent / SCENARIO).exists():  # also if an earlier run ended between the two
        with writable(file):
            file.parent.mkdir(exist_ok=True)
        replace({file.parent / SCENARIO: _canonical(_identity(task.scenario, task.seed)) + b"\n"})
    replace({file: _canonical({"batch": batch, "sha256": _checksum(batch)})})


def replace(contents: Mapping[Path, bytes], *, durable: bool = False) -> None:
    """Put contents in the place of files, each of which is the old one or the new one at any moment.

    All are written before the first is replaced, in the order given; if ``durable``, they are also on the disk by then, where
    a loss of power leaves them. Batches need not be: of one that was cut short the checksum tells.

    Raises
    ------
    CasebookError
        If a file cannot be written or replaced, naming it.
    """
    try:
        for file, content in contents.items():
            with writable(file), _part(file).open("wb") as part:
                part.write(content)
                if file.exists():
                    os.fchmod(part.fileno(), file.stat().st_mode & 0o7777)
                if durable:
                    part.flush()
                    os.fsync(part.fileno())
        for file in contents:
            with writable(file):
                os.replace(_part(file), file)
        if durable:
            for folder in {file.parent for file in contents}:
                _to_disk(folder)
    except BaseException:
        for file in contents:
            with suppress(OSError):
                _part(file).unlink()
        raise


def _to_disk(folder: Path) -> None:
    """The names in a folder; where the file system cannot, it is left to it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _part(file: Path) -> Path:
    return file.with_name(f".{file.name}.{os.getpid()}{PART}")


def try_write(file: Path) -> None:
    """See whether :func:`replace` would be allowed, and leave nothing behind."""
    part = _part(file)
    part.write_bytes(b"")
    part.unlink()


@contextmanager
def writable(file: Path) -> Iterator[None]:
    """Turn an error of the file system into one that names the file."""
    try:
        yield
    except OSError as error:
        raise CasebookError(
            f"found {file} not writable ({error.strerror}); expected a folder with rights and room to write"
        ) from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make the folder if need be, and let no other run into it meanwhile; what a killed run left half-written is removed.

    Raises
    ------
    CasebookError
        If it is no folder, cannot be written to, or another run is at work in it.
    """
    if folder.exists() and not folder.is_dir():
        raise CasebookError(
            f"found {folder} to be a file; expected a folder for finished batches, or none yet"
        )
    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / LOCK, "a")  # noqa: SIM115 (held open below)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CasebookError(f"found another run at work in {folder}; expected one at a time") from error
        except OSError as error:  # as on some network file systems
            raise CasebookError(
                f"found {folder} where a file cannot be locked ({error.strerror}); expected a folder on another file system, "
                "as a local disk"
            ) from error
        for held in _held(folder):
            with writable(held):
                for part in held.glob(f".*.json.*{PART}"):
                    part.unlink()
        yield


def of_other_versions(folder: Path, scenarios: Iterable[Scenario], seed: int) -> int:
    """How many batches there are of these scenarios and this seed that other versions computed."""
    ids, count = {scenario.id for scenario in scenarios}, 0
    for held in _held(folder):
        try:
            identity = json.loads((held / SCENARIO).read_bytes())
            ours = identity["scenario"]["id"] in ids and identity["seed"] == seed
            others = identity["versions"] != versions()
        except (OSError, ValueError, KeyError, TypeError):  # not telling whose they are
            continue
        if ours and others:
            count += sum(1 for _ in held.glob("[0-9]*-[0-9]*.json"))
    return count


def _held(folder: Path) -> list[Path]:
    """The folders of batches in it."""
    with writable(folder):
        return [each for each in folder.iterdir() if OURS.fullmatch(each.name) and each.is_dir()]


def _identity(scenario: Scenario, seed: int) -> dict:
    fields = asdict(scenario)
    del fields["note"]
    return {"scenario": fields, "seed": seed, "versions": versions()}


def _checksum(batch: dict) -> str:
    return hashlib.sha256(_canonical(batch)).hexdigest()


def _canonical(value: dict) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
