"""Campaigns: the same bits from any engine, nothing lost or doubled whatever dies, and tables that are whole or not there."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from casebook.design import batches, campaign, engines, progress, results, scenarios, trialsim
from casebook.design.command import AFTER_TERM, main
from casebook.design.engines import Task
from casebook.design.scenarios import Scenario
from casebook.design.tally import summarise, tally
from casebook.errors import CasebookError

PLAIN = Scenario(
    id="plain", control=20, treatment=20, accrual=24, followup=24, hazard=(0.04,), hazard_ratio=(0.6,), milestone=24, horizon=24
)  # fmt: skip
SINGLE = replace(PLAIN, id="single", control=0, null_survival=0.4, note="One arm")
LOOKED = replace(PLAIN, id="looked", events=25, looks=(0.5,), look_by="fraction", critical=(2.963, 1.969))
ALL = (SINGLE, PLAIN, LOOKED)
SLOW = replace(PLAIN, id="slow", control=500, treatment=500)
"""A batch of a thousand of its trials takes a tenth of a second or more: long enough to be caught at it."""

TRIALS, BATCH = 1000, 130
OF_ALL = 3 * 8  # 1,000 trials in batches of 130: seven and a shorter one, of three scenarios


def run(engine=None, **more) -> campaign.Campaign:
    return campaign.run(ALL, 7, TRIALS, **{"engine": engine or engines.serial(), "batch": BATCH} | more)


def written(done: campaign.Campaign, folder: Path) -> tuple[bytes, bytes]:
    """The bytes of the table in both formats."""
    for ending in results.FORMATS:
        results.write(done, folder / f"results{ending}", overwrite=True)
    return tuple((folder / f"results{ending}").read_bytes() for ending in results.FORMATS)


@pytest.fixture(name="expected", scope="module")
def _expected(tmp_path_factory):
    """What one process gives, without anything being kept."""
    return written(run(), tmp_path_factory.mktemp("expected"))


@pytest.fixture(name="slow", scope="module")
def _slow():
    """Twelve batches that take long, tallied without any being lost."""
    return campaign.run([SLOW], 1, 12_000).tallies


def counted(given: list[Task]) -> engines.Engine:
    """An engine that notes what it is given."""

    def engine(tasks):
        for task in tasks:
            given.append(task)
            yield engines.work(*task)

    return engine


@pytest.fixture(name="command")
def _command(tmp_path):
    """The command for the table of all scenarios, with more words after it."""

    def give(*more: str, results: str = "results.csv") -> int:
        scenarios.frame(ALL).to_csv(tmp_path / "scenarios.csv", index=False)
        words = [tmp_path / "scenarios.csv", tmp_path / results, "--seed", 7, "--trials", TRIALS, *more]
        return main([str(word) for word in words])

    return give


class Stop:
    """Interrupts after some batches, as Ctrl-C would."""

    def __init__(self, after: int):
        self.after = after

    def __call__(self, progress) -> None:
        if progress.batches >= self.after:
            raise KeyboardInterrupt


# -- the same bits --------------------------------------------------------------------------------------------------


def test_a_campaign_is_what_the_simulator_gives_at_once():
    done = run()
    for scenario in ALL:
        assert done.tallies[scenario.id] == trialsim.run(scenario, 7, TRIALS)
    assert (done.computed, done.reused, done.damaged) == (OF_ALL, 0, 0)


@pytest.mark.parametrize("engine", [engines.threads(1), engines.threads(3), engines.processes(2)])
def test_the_engine_and_the_number_of_workers_do_not_show(engine, expected, tmp_path):
    assert written(run(engine), tmp_path) == expected


@pytest.mark.parametrize("batch", [1000, 999, 77, None])
def test_the_size_of_batches_does_not_show(batch, expected, tmp_path):
    assert written(run(batch=batch), tmp_path) == expected


def test_another_seed_shows(expected, tmp_path):
    assert written(campaign.run(ALL, 8, TRIALS), tmp_path) != expected


def test_joblib_takes_the_backend_that_is_set_around_the_call(expected, tmp_path):
    from joblib import parallel_config

    with parallel_config("threading", n_jobs=2):
        assert written(run(engines.processes()), tmp_path) == expected
    with (
        parallel_config("multiprocessing", n_jobs=2),
        pytest.raises(CasebookError, match="expected loky, threading or dask"),
    ):
        run(engines.processes())


def test_batches_are_smaller_where_trials_are_larger():
    assert campaign.size(PLAIN) == trialsim.BATCH
    assert campaign.size(SLOW) == 1000  # of 1,000 patients: a million
    assert campaign.size(replace(SLOW, looks=(12,), look_by="month")) == 500  # analysed twice
    assert campaign.size(replace(SLOW, control=10**6, treatment=10**6)) == 1


# -- a cluster ------------------------------------------------------------------------------------------------------


@pytest.fixture(name="client")
def _client():
    """A cluster of two processes on this machine, on any free ports: for one test, which may kill some of it."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_cluster_gives_the_same_bits_by_client_by_address_and_through_joblib(client, expected, tmp_path):
    from joblib import parallel_config

    assert written(run(engines.cluster(client)), tmp_path) == expected
    assert written(run(engines.cluster(client.scheduler.address)), tmp_path) == expected
    with parallel_config("dask"):
        assert written(run(engines.processes()), tmp_path) == expected
    assert client.status == "running"  # it is not ours to close


def test_a_worker_killed_at_work_neither_loses_nor_doubles_a_batch(client, slow, tmp_path):
    pids, killed, seen = client.run(os.getpid), [], []

    def watch(progress) -> None:
        seen.append(progress.batches)
        if not killed:
            address = next(worker for worker, tasks in client.processing().items() if tasks)
            os.kill(pids[address], signal.SIGKILL)
            killed.append(address)

    done = campaign.run([SLOW], 1, 12_000, engine=engines.cluster(client), folder=tmp_path, watch=watch)
    assert killed
    assert killed[0] not in client.scheduler_info()["workers"]
    assert seen == [*range(1, 13)]
    assert done.tallies == slow
    assert len([*tmp_path.glob("*/0*.json")]) == 12


def test_workers_with_other_versions_are_refused(client, monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "versions", lambda: "casebook 0.0.0")
    with pytest.raises(
        CasebookError,
        match=r"found the worker tcp://\S+ with casebook .*; expected casebook 0\.0\.0, as here",
    ):
        run(engines.cluster(client), folder=tmp_path)
    assert [*tmp_path.glob("*/0*.json")] == []


def test_only_what_differs_is_said_of_versions():
    found, expected = "casebook 0.1.0 (code a), numba 1, numpy 2", "casebook 0.1.0 (code a), numba 1, numpy 3"
    assert engines.differences(found, expected) == ("numpy 2", "numpy 3")


def test_a_worker_that_cannot_import_the_package_is_refused_before_it_gets_a_batch():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            preload=["import sys; sys.modules['casebook'] = None"],
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        pytest.raises(
            CasebookError, match=r"found the worker tcp://\S+ with no casebook of this kind \(ModuleNotFound"
        ),
    ):
        run(engines.cluster(client))


def test_a_cluster_that_has_lost_all_workers_is_given_up(tmp_path, caplog, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(engines, "POLL", 0.02)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):

        def watch(progress) -> None:
            cluster.scale(0)
            until = time.monotonic() + 30
            while client.ncores() and time.monotonic() < until:
                time.sleep(0.01)

        with pytest.raises(CasebookError, match=r"found no worker at the Dask scheduler \S+ within 0\.1 s"):
            campaign.run(
                [SLOW], 1, 12_000, engine=engines.cluster(client, timeout=0.1), folder=tmp_path, watch=watch
            )
    assert re.search(r"no worker left at the Dask scheduler \S+: waiting for one to join", caplog.text)
    assert re.search(
        r"found no worker at the Dask scheduler .* for 1 s; .* batches are given out again", caplog.text
    )
    assert [*tmp_path.glob("*/0*.json")]


def test_an_address_is_tried_before_a_client_is_made_which_would_complain_twice(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(distributed, "Client", None)
    with pytest.raises(
        CasebookError, match=r"no Dask scheduler at banana .*missing port number.*; expected one"
    ):
        run(engines.cluster("banana", timeout=0.5))


def test_an_address_is_tried_in_a_notebook_too_which_has_a_loop_of_its_own():
    pytest.importorskip("distributed")

    async def cell() -> None:
        run(engines.cluster("banana", timeout=0.5))

    with pytest.raises(CasebookError, match="no Dask scheduler at banana"):
        asyncio.run(cell())


def test_in_the_command_a_lost_connection_is_told_once(command, monkeypatch, capsys):
    pytest.importorskip("distributed")
    noisy = [
        logging.getLogger(name) for name in ("distributed.client", "distributed.core", "tornado.application")
    ]

    def lost(*given, **more) -> None:
        assert not any(each.isEnabledFor(logging.CRITICAL) for each in noisy)
        raise CasebookError("lost the Dask scheduler")

    monkeypatch.setattr(campaign, "run", lost)
    assert command("--address", "tcp://there:1") == 1
    assert capsys.readouterr().err == "lost the Dask scheduler\n"
    assert all(each.isEnabledFor(logging.ERROR) for each in noisy)


def test_the_command_makes_a_cluster_for_itself(expected, command, tmp_path):
    pytest.importorskip("distributed")
    assert command("--engine", "cluster", "--workers", "1") == 0
    assert (tmp_path / "results.csv").read_bytes() == expected[0]


def test_where_no_scheduler_is_the_time_waited_is_said():
    pytest.importorskip("distributed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CasebookError, match=rf"no Dask scheduler at {address} within 0\.5 s"):
            run(engines.cluster(address, timeout=0.5))
    with pytest.raises(CasebookError, match=r"no Dask scheduler at nothing://here .*unknown address scheme"):
        run(engines.cluster("nothing://here", timeout=0.5))


def test_a_cluster_without_workers_is_not_waited_for_for_ever():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as empty,
        pytest.raises(CasebookError, match=r"no worker at the Dask scheduler .* within 0\.2 s"),
    ):
        run(engines.cluster(empty.scheduler_address, timeout=0.2))


def test_without_dask_a_cluster_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CasebookError, match=r"pip install 'casebook\[cluster\]'"):
        run(engines.cluster())


# -- what dies ------------------------------------------------------------------------------------------------------


def test_a_process_killed_at_work_neither_loses_nor_doubles_a_batch(slow, tmp_path, caplog):
    psutil = pytest.importorskip("psutil")
    killed, seen = [], []

    def watch(progress) -> None:
        seen.append(progress.batches)
        if not killed:
            children = psutil.Process().children()
            killed.append(next(child for child in children if "popen_loky" in " ".join(child.cmdline())))
            killed[0].kill()

    done = campaign.run([SLOW], 1, 12_000, engine=engines.processes(2), folder=tmp_path, watch=watch)
    assert "found a process that died" in caplog.text
    assert seen == [*range(1, 13)]
    assert done.tallies == slow


def test_an_engine_whose_workers_die_without_any_progress_is_given_up():
    def dies(tasks):
        yield from ()
        raise engines.WorkerLost("found a worker dead; expected it alive")

    with pytest.raises(engines.WorkerLost, match="found a worker dead"):
        run(dies)


def test_a_batch_that_an_engine_gives_twice_is_counted_once():
    def twice(tasks):
        for task in tasks:
            yield engines.work(*task)
            yield engines.work(*task)

    assert run(twice).tallies == run().tallies


def test_an_engine_that_leaves_batches_out_is_found():
    with pytest.raises(CasebookError, match=f"found {OF_ALL - 1} batches never finished"):
        run(lambda tasks: (engines.work(*task) for task in list(tasks)[:1]))


@pytest.mark.parametrize("engine", [engines.serial(), engines.threads(2)])
def test_an_interrupted_run_goes_on_where_it_stopped(engine, expected, tmp_path):
    kept = tmp_path / "batches"
    with pytest.raises(KeyboardInterrupt):
        run(engine, folder=kept, watch=Stop(10))
    assert len([*kept.glob("*/0*.json")]) == 10
    given = []
    done = run(counted(given), folder=kept)
    assert len(given) == done.computed == OF_ALL - 10
    assert done.reused == 10
    assert written(done, tmp_path) == expected
    again = run(counted(given), folder=kept)
    assert (again.computed, again.reused) == (0, OF_ALL)
    assert written(again, tmp_path) == expected


def in_the_foreground() -> None:
    """A shell lets what it runs in the background ignore Ctrl-C, these tests included."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_the_command_goes_on_after_a_blow(blow, tmp_path, capsys):
    # A million trials would take half a minute.
    scenarios.frame([SLOW]).to_csv(tmp_path / "scenarios.csv", index=False)
    words = [str(tmp_path / "scenarios.csv"), str(tmp_path / "results.csv"), "--seed", "1", "--trials"]
    long = [sys.executable, "-m", "casebook.design", *words, "1000000"]
    kept = tmp_path / "results.csv.batches"
    with subprocess.Popen(
        long, stderr=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=in_the_foreground
    ) as at_work:
        until = time.monotonic() + 60
        while len([*kept.glob("*/0*.json")]) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        at_work.send_signal(blow)
        said = at_work.communicate(timeout=30)[1]
    there = len([*kept.glob("*/0*.json")])
    assert 3 <= there < 1000
    assert not (tmp_path / "results.csv").exists()
    if blow == signal.SIGINT:
        assert at_work.returncode == 130
        assert re.fullmatch(
            rf".*\nStopped\. \d+ of 1000 batches are kept in {kept}: the same command goes on from there\.\n",
            said,
        )
    # Fewer trials than asked for at first: the same batches, but fewer.
    assert main([*words, "5000"]) == 0
    assert f"5 batches, {min(there, 5)} of them from an earlier run." in capsys.readouterr().out
    results.write(campaign.run([SLOW], 1, 5000), tmp_path / "other.csv")
    assert (tmp_path / "results.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
    assert [*kept.glob("*/*.part")] == []


def test_a_scheduler_of_a_cluster_stops_the_command_as_ctrl_c_does(command, tmp_path, monkeypatch, capsys):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(progress, "line", lambda stream: lambda now: os.kill(os.getpid(), signal.SIGTERM))
    assert command("--engine", "serial") == AFTER_TERM == 143
    said = rf"Stopped\. 1 of 3 batches are kept in {tmp_path}/results\.csv\.batches: the same command goes on from there\.\n"
    assert re.fullmatch(said, capsys.readouterr().err)
    assert signal.getsignal(signal.SIGTERM) == before


# -- finished batches -----------------------------------------------------------------------------------------------


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def alter(file: Path) -> None:
    content = file.read_bytes()
    assert b'"trials":130' in content
    file.write_bytes(content.replace(b'"trials":130', b'"trials":131'))


def swap(file: Path) -> None:
    shutil.copy(file.with_name("000000000260-130.json"), file)


def of_another(file: Path) -> None:
    other = next(path for path in file.parents[1].glob(f"*/{file.name}") if path != file)
    shutil.copy(other, file)


def no_json(file: Path) -> None:
    file.write_bytes(b"\xff\x00 no batch")


def another_shape(file: Path) -> None:
    file.write_text("[1, 2]")


@pytest.mark.parametrize("harm", [cut, empty, alter, swap, of_another, no_json, another_shape])
def test_a_damaged_batch_is_done_again_and_said_so(harm, expected, tmp_path, caplog):
    run(folder=tmp_path / "batches")
    file = batches.path(tmp_path / "batches", Task(PLAIN, 7, 130, 130))
    sound = file.read_bytes()
    harm(file)
    given = []
    done = run(counted(given), folder=tmp_path / "batches")
    assert given == [Task(PLAIN, 7, 130, 130)]
    assert (done.computed, done.reused, done.damaged) == (1, OF_ALL - 1, 1)
    assert f"{file}" in caplog.text
    assert "done again" in caplog.text
    assert written(done, tmp_path) == expected
    assert file.read_bytes() == sound


def test_more_trials_go_on_from_those_that_are_there(tmp_path):
    run(folder=tmp_path)
    given = []
    more = campaign.run(ALL, 7, 2 * TRIALS, engine=counted(given), batch=BATCH, folder=tmp_path)
    assert {task.first for task in given} == {*range(7 * BATCH, 2 * TRIALS, BATCH)}  # not the shorter one
    assert more.tallies == {scenario.id: trialsim.run(scenario, 7, 2 * TRIALS) for scenario in ALL}


DIFFERENT = {
    "id": "other", "treatment": 21, "control": 21, "accrual": 23.0, "followup": 25.0, "hazard": (0.05, 0.04),
    "milestone": 23.0, "horizon": 23.0, "hazard_from": (0.0, 5.0), "hazard_ratio": (0.7,), "cured_control": 0.1,
    "cured_treatment": 0.1, "drop_out": 0.1, "hsct_control": (0.1, 0.1), "hsct_treatment": (0.1, 0.1), "hsct_ratio": 0.5,
    "hsct_mortality": 0.1, "at_hsct": "censor", "stratum_share": (0.4, 0.6), "stratum_ratio": (1.0, 2.0),
    "stratified": True, "alpha": 0.1, "null_survival": 0.3, "events": 30, "looks": (0.4,), "look_by": "month",
    "critical": (3.0, 2.0), "futility": (0.0,),
}  # fmt: skip


def test_no_field_seed_or_version_can_differ_in_what_is_reused(monkeypatch):
    whole = replace(
        LOOKED,
        hazard=(0.04, 0.04),
        hazard_from=(0.0, 6.0),
        stratum_share=(0.5, 0.5),
        stratum_ratio=(1.0, 1.0),
    )
    assert set(DIFFERENT) == {each.name for each in fields(Scenario)} - {"note"}
    found = {batches.fingerprint(whole, 1), batches.fingerprint(whole, 2)}
    for name, value in DIFFERENT.items():
        other = replace(whole)
        object.__setattr__(other, name, value)  # alone, some would break a rule
        found.add(batches.fingerprint(other, 1))
    assert len(found) == len(DIFFERENT) + 2
    assert batches.fingerprint(replace(whole, note="Other words"), 1) in found
    monkeypatch.setattr(batches, "versions", lambda: "casebook 0.0.0")
    batches.fingerprint.cache_clear()
    assert batches.fingerprint(whole, 1) not in found
    batches.fingerprint.cache_clear()


def test_the_versions_hash_every_module_that_a_batch_depends_on():
    # Reading a table of scenarios is not simulating one: what schema and rules let pass is in the scenario.
    known = {Path(module.__file__).stem for module in engines.NUMERICS}
    for module in engines.NUMERICS:
        text = Path(module.__file__).read_text(encoding="utf-8")
        used = set(re.findall(r"from casebook\.design\.(\w+) import", text))
        for names in re.findall(r"from casebook\.design import ([\w, ]+)", text):
            used |= set(names.split(", "))
        assert used - {"schema", "rules", "sequential"} <= known, module.__name__
    assert {
        Path(sys.modules[function.__module__].__file__).stem for function in (trialsim.batch, tally)
    } <= known


def test_what_a_killed_run_left_half_written_is_removed(tmp_path):
    run(folder=tmp_path)
    part = next(tmp_path.glob("*/0*.json")).with_name(".000000000000-130.json.1.part")
    part.write_text("{")
    run(folder=tmp_path)
    assert not part.exists()


def test_a_folder_of_somebody_keeps_what_is_in_it(tmp_path):
    mine = {"lock": "mine", "sub/.film.part": "half", "notes.part": "text", f"{'a' * 24}/.film.part": "half"}
    for name, text in mine.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    run(folder=tmp_path)
    assert {name: (tmp_path / name).read_text() for name in mine} == mine
    (tmp_path / batches.LOCK).write_text("of an earlier run")
    run(folder=tmp_path)
    assert (tmp_path / batches.LOCK).read_text() == "of an earlier run"


def test_a_folder_in_which_nothing_can_be_locked_is_refused(tmp_path, monkeypatch):
    def locked(*given) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(batches.fcntl, "flock", locked)
    with pytest.raises(
        CasebookError, match=r"cannot be locked \(No locks available\); expected a folder on another"
    ):
        run(folder=tmp_path)


def test_batches_of_other_versions_are_counted_when_a_run_starts_anew(tmp_path, monkeypatch, caplog):
    run(folder=tmp_path)
    batches.fingerprint.cache_clear()
    monkeypatch.setattr(batches, "versions", lambda: "casebook 0.0.0")
    run(folder=tmp_path)
    batches.fingerprint.cache_clear()
    said = f"{OF_ALL} batches of other versions in {tmp_path} are not used"
    assert said in caplog.text
    caplog.clear()
    campaign.run(ALL, 8, 20, folder=tmp_path)  # another seed is no other version
    assert "other versions" not in caplog.text


def test_what_a_run_could_not_finish_writing_beside_its_batches_is_written_by_the_next(tmp_path):
    run(folder=tmp_path)
    lost = [*tmp_path.glob(f"*/{batches.SCENARIO}")]
    for file in lost:
        file.unlink()
    for file in tmp_path.glob("*/0*.json"):
        file.unlink()
    run(folder=tmp_path)
    assert len(lost) == len(ALL)
    assert all(file.exists() for file in lost)


def test_a_second_run_in_the_same_folder_is_refused(tmp_path):
    def watch(progress) -> None:
        with pytest.raises(CasebookError, match="found another run at work"):
            run(folder=tmp_path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder=tmp_path, watch=watch)
    assert run(folder=tmp_path).reused == 1


def test_a_batch_that_cannot_be_written_is_said_and_the_others_are_kept(tmp_path, monkeypatch):
    honest, left = os.replace, [5]

    def full(*paths) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        honest(*paths)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CasebookError, match=r"not writable \(No space left on device\)"):
        run(folder=tmp_path)
    monkeypatch.undo()
    assert [*tmp_path.glob("*/*.part")] == []
    assert run(folder=tmp_path).reused == 4  # the first file tells what the folder is of


# -- the table ------------------------------------------------------------------------------------------------------


def test_the_table_has_a_row_a_scenario_with_every_measure_and_its_error():
    done = run()
    table = results.table(done).set_index("id")
    assert [*table.index] == ["single", "plain", "looked"]
    assert table["note"].tolist() == ["One arm", "", ""]
    assert table["trials"].tolist() == [TRIALS] * 3
    assert table["seed"].tolist() == [7] * 3
    assert set(table["versions"]) == {engines.versions()}
    for scenario in ALL:
        long, expected = summarise(scenario, done.tallies[scenario.id]), {}
        for line in long.itertuples():
            name = (
                f"{line.analysis}_{line.measure}".replace(" ", "_").replace("-", "_").replace(":", "").lower()
            )
            expected |= {name: line.value, f"{name}_mc_error": line.monte_carlo_error}
        expected = {name: value for name, value in expected.items() if not pd.isna(value)}
        assumed = [name for name in scenarios.frame([scenario]) if name in table]
        found = table.loc[scenario.id].drop(
            [*assumed, "null_holds", "level_of_bounds", "trials", "seed", "versions"]
        )
        truths = {name: found.pop(name) for name in ("cox_truth", "milestone_truth", "restricted_mean_truth")}
        assert found.dropna().to_dict() == expected
        true = long.set_index(["analysis", "measure"])["truth"]
        assert truths["milestone_truth"] == true["milestone", "mean estimate"]
        assert pd.isna(truths["cox_truth"]) == (scenario is SINGLE)


def test_columns_stand_in_one_order_whichever_scenario_comes_first():
    turned = campaign.run(ALL[::-1], 7, 20)
    columns = [*results.table(turned)]
    assert columns == [*results.table(campaign.run(ALL, 7, 20))]
    short = [name for name in columns if not name.endswith("_mc_error")]
    measures = short.index("seed") + 1
    assert short[:measures] == [
        "id", "note", "treatment", "accrual", "followup", "hazard", "milestone", "horizon", "control", "hazard_ratio",
        "null_survival", "events", "looks", "look_by", "critical", "null_holds", "level_of_bounds", "trials",
        "seed",
    ]  # fmt: skip
    assert short[measures : measures + 2] == ["log_rank_power", "log_rank_rejected_for_treatment"]
    starts = [name.removeprefix("restricted_").split("_")[0] for name in short[measures:-1]]
    assert [*dict.fromkeys(starts)] == ["log", "cox", "milestone", "mean", "trial"]
    assert starts == sorted(starts, key=["log", "cox", "milestone", "mean", "trial"].index)
    assert short[-2:] == ["trial_look_2_futility", "versions"]


def test_rejections_are_called_what_they_are():
    alike = replace(PLAIN, id="alike", hazard_ratio=(1.0,))
    done = campaign.run([PLAIN, alike], 1, 20)
    table = results.table(done)
    assert table["null_holds"].tolist() == ["no", "yes"]
    for name, analysis in (("log_rank", "log-rank"), ("cox", "Cox")):
        shares = [done.tallies[each].counts[f"{analysis}: rejected"] / 20 for each in ("plain", "alike")]
        power, error = table[f"{name}_power"], table[f"{name}_type_i_error"]
        assert (power[0], error[1]) == (*shares,)
        assert power.isna().tolist() == error.notna().tolist() == [False, True]


def test_the_table_says_what_each_scenario_assumes():
    table = results.table(run())
    written = scenarios.frame(ALL)
    for name in ("hazard", "hazard_ratio", "accrual", "milestone", "events", "looks", "critical"):
        assert table[name].tolist() == written[name].tolist()
    assert "drop_out" not in table  # of none of them


def test_few_trials_with_an_estimate_are_said_in_the_log_and_beside_the_table(tmp_path, caplog):
    # Of eight children followed for two years, few are followed that long.
    few = replace(PLAIN, id="few", control=4, treatment=4, drop_out=0.1)
    done = campaign.run([PLAIN, few], 1, 200)
    there = done.tallies["few"].counts["milestone: estimable"]
    assert there < 180
    results.write(done, tmp_path / "results.csv")
    said = f"scenario few: found a result of the analysis milestone in {there} of 200 trials; expected 90% or more"
    assert said in caplog.text
    assert "scenario plain" not in caplog.text
    kept = json.loads((tmp_path / "results.csv.json").read_text())["warnings"]
    assert any(each.startswith(said) for each in kept)
    assert results.table(done)["milestone_estimable"].tolist()[1] == there / 200


def test_bounds_that_do_not_keep_alpha_are_said_and_not_refused(tmp_path, caplog):
    # Two looks at 5% each: a level of 8.3%, as Armitage, McPherson and Rowe (1969) are quoted.
    naive = replace(LOOKED, id="naive", events=26, critical=(1.96, 1.96))
    results.write(done := campaign.run([PLAIN, LOOKED, naive], 1, 50), tmp_path / "results.csv")
    table = results.table(done).set_index("id")["level_of_bounds"]
    assert pd.isna(table["plain"])
    assert table["looked"] == pytest.approx(0.05, abs=0.0005)
    assert table["naive"] == pytest.approx(0.083, abs=0.0005)
    (said,) = [line for line in caplog.messages if "bounds of" in line]
    assert said.startswith(
        "scenario naive: found bounds of a two-sided level of 0.0831; expected alpha, 0.05"
    )
    assert said in json.loads((tmp_path / "results.csv.json").read_text())["warnings"]


@pytest.mark.parametrize("ending", results.FORMATS)
def test_a_written_table_is_read_back_as_it_was(ending, tmp_path):
    done, path = run(), tmp_path / f"results{ending}"
    results.write(done, path)
    table = results.table(done)
    texts = [name for name in table if name in [*scenarios.frame(ALL)]]
    if ending == ".csv":
        read = pd.read_csv(path, float_precision="round_trip", dtype=dict.fromkeys(texts, str))
    else:
        read = pd.read_parquet(path)
    pd.testing.assert_frame_equal(read.fillna(dict.fromkeys(texts, "")), table, check_exact=True)


def test_parquet_tells_seed_trials_and_versions_by_itself(tmp_path):
    from pyarrow import parquet

    results.write(run(), tmp_path / "results.parquet")
    told = json.loads(parquet.read_schema(tmp_path / "results.parquet").metadata[b"casebook"])
    assert told == {"seed": 7, "trials": TRIALS, "versions": engines.versions()}


def test_where_results_came_from_stands_beside_them(tmp_path):
    done = run()
    results.write(done, tmp_path / "results.parquet")
    origin = json.loads((tmp_path / "results.parquet.json").read_text(encoding="utf-8"))
    content = (tmp_path / "results.parquet").read_bytes()
    assert origin["sha256"] == hashlib.sha256(content).hexdigest()
    assert (origin["seed"], origin["trials"], origin["versions"]) == (7, TRIALS, engines.versions())
    assert origin["batches"] == {"computed": OF_ALL, "reused": 0, "damaged": 0}
    # The scenarios can be taken out, and run again.
    columns = [each.name for each in fields(Scenario)]
    pd.DataFrame(origin["scenarios"], columns=columns).to_csv(tmp_path / "scenarios.csv", index=False)
    assert tuple(scenarios.read(tmp_path / "scenarios.csv").values()) == ALL


def test_results_that_are_there_are_not_overwritten_unless_asked(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("mine")
    with pytest.raises(CasebookError, match=r"results\.csv there already"):
        results.write(run(), path)
    assert path.read_text() == "mine"
    assert not results.beside(path).exists()
    path.chmod(0o640)
    results.write(run(), path, overwrite=True)
    assert path.read_text().startswith("id,")
    assert path.stat().st_mode & 0o777 == 0o640, "who may read it stays as it was"


def test_results_appear_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "results.csv"
    path.write_text("older")

    def full(*paths) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CasebookError, match="No space left"):
        results.write(run(), path, overwrite=True)
    assert path.read_text() == "older"
    assert [*tmp_path.iterdir()] == [path]


def test_what_stands_beside_results_is_not_overwritten_unless_asked_and_before_the_work(tmp_path):
    path = tmp_path / "results.csv"
    results.beside(path).write_text("mine")
    for refuse in (lambda: results.check(path), lambda: results.write(run(), path)):
        with pytest.raises(CasebookError, match=r"found .*results\.csv\.json there already; .*--overwrite"):
            refuse()
    assert results.beside(path).read_text() == "mine"
    assert not path.exists()
    results.beside(path).unlink()
    results.beside(path).mkdir()
    with pytest.raises(CasebookError, match=r"found .*results\.csv\.json to be a folder"):
        results.check(str(path), overwrite=True)


@pytest.mark.parametrize("failing", ["results.csv", "results.csv.json"])
def test_a_file_that_cannot_be_replaced_is_named_and_the_table_comes_first(failing, tmp_path, monkeypatch):
    path = tmp_path / "results.csv"
    for file in (path, results.beside(path)):
        file.write_text("older")
    honest = os.replace

    def replacing(part, file) -> None:
        assert len([*tmp_path.glob(".*.part")]) == (
            2 if Path(file) == path else 1
        )  # both were written before
        if Path(file).name == failing:
            raise OSError(5, "Input/output error")
        honest(part, file)

    monkeypatch.setattr(os, "replace", replacing)
    with pytest.raises(
        CasebookError, match=rf"found .*/{re.escape(failing)} not writable \(Input/output error\)"
    ):
        results.write(run(), path, overwrite=True)
    assert results.beside(path).read_text() == "older"
    assert (path.read_text() == "older") == (failing == "results.csv")
    assert [*tmp_path.glob(".*")] == []


def test_results_are_on_the_disk_before_they_take_a_place(tmp_path, monkeypatch):
    done, order = run(), []
    for name in ("fsync", "replace"):
        honest = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *given, name=name, honest=honest: (order.append(name), honest(*given))[1]
        )
    results.write(done, tmp_path / "results.csv")
    assert order == ["fsync", "fsync", "replace", "replace", "fsync"]


@pytest.mark.parametrize("there", [True, False])
def test_results_go_to_what_a_link_points_to(there, tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "target.csv", tmp_path / "results.csv"
    if there:
        target.write_text("older")
    link.symlink_to(target)
    if there:
        with pytest.raises(CasebookError, match="there already"):
            results.check(link)
    results.write(run(), link, overwrite=there)
    assert link.is_symlink()
    assert target.read_text().startswith("id,")
    assert results.beside(link).is_file()


def test_a_link_in_a_circle_is_no_place_for_results(tmp_path):
    (tmp_path / "results.csv").symlink_to("results.csv")
    with pytest.raises(CasebookError, match=r"results\.csv to be a link in a circle; expected one to a file"):
        results.check(tmp_path / "results.csv", overwrite=True)


def test_the_table_of_scenarios_is_never_taken_for_results(command, tmp_path, capsys):
    (tmp_path / "linked.csv").symlink_to(tmp_path / "scenarios.csv")
    scenarios.frame(ALL).to_csv(tmp_path / "scenarios.csv", index=False)
    (tmp_path / "hard.csv").hardlink_to(tmp_path / "scenarios.csv")
    before = (tmp_path / "scenarios.csv").read_bytes()
    for name in ("scenarios.csv", "linked.csv", "hard.csv"):
        assert command("--overwrite", results=name) == 1
        assert re.search(
            rf"found .*{name} to be the same as .*scenarios\.csv; expected another", capsys.readouterr().err
        )
        assert (tmp_path / "scenarios.csv").read_bytes() == before
    shutil.copy(tmp_path / "scenarios.csv", tmp_path / "mine.csv.json")
    words = [str(tmp_path / "mine.csv.json"), str(tmp_path / "mine.csv"), "--seed", "1", "--overwrite"]
    assert main(words) == 1
    assert (tmp_path / "mine.csv.json").read_bytes() == before
    assert command("--folder", str(tmp_path / "results.csv")) == 1


@pytest.mark.parametrize("name", ["results.CSV", "results.Parquet"])
def test_an_ending_may_be_written_in_capitals(name, tmp_path):
    results.write(run(), tmp_path / name)
    read = pd.read_csv if name.endswith("CSV") else pd.read_parquet
    assert read(tmp_path / name)["id"].tolist() == [scenario.id for scenario in ALL]


# -- progress -------------------------------------------------------------------------------------------------------


def progress_of(done: list[Task], left: list[Task], monkeypatch, seconds: float) -> progress.Progress:
    """The progress when the first of those left is finished after some seconds."""
    clock = iter([100.0, 100.0 + seconds])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    after = progress.of([*done, *left], left)
    found = after(left[0])
    monkeypatch.undo()
    return found


def test_time_left_goes_with_the_patients_left(monkeypatch):
    done = [Task(PLAIN, 1, 0, 100)]
    left = [Task(PLAIN, 1, 100, 100), Task(SLOW, 1, 0, 10), Task(LOOKED, 1, 0, 100)]
    found = progress_of(done, left, monkeypatch, 4.0)
    # 100 x 40 patients in 4 s; left are 10 x 1,000, and 100 x 40 analysed twice: 18,000 patients in 18 s.
    assert found == ("plain", 2, 4, 200, 310, 4.0, 18.0)
    assert found.text == "200 of 310 trials (64%), 18 s left, at plain"
    last = progress_of(done, left[:1], monkeypatch, 150.0)
    assert last.text == "200 of 200 trials (100%) in 2 min"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h"), (172_800, "2 d")],
)
def test_a_duration_is_told_in_its_unit(seconds, words):
    assert progress.duration(seconds) == words


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_at_first_and_at_the_end_and_a_terminal_one_that_changes(monkeypatch):
    steps = [progress.Progress("plain", n, 100, n, 100, n / 10, 10 - n / 10) for n in range(1, 101)]
    for stream in (io.StringIO(), Terminal()):
        clock = iter([step.seconds for step in steps])
        monkeypatch.setattr(time, "monotonic", lambda clock=clock: next(clock))
        show = progress.line(stream)
        for step in steps:
            show(step)
        if stream.isatty():
            shown = stream.getvalue().split(progress.CLEAR)
            assert 40 <= len(shown) <= 52  # ten seconds, five times a second
            assert "\n" not in "".join(shown[:-1])
            assert shown[-1] == "100 of 100 trials (100%) in 10 s\n"
        else:
            first, last = stream.getvalue().splitlines()
            assert first == "1 of 100 trials (1%), 10 s left, at plain"
            assert last == "100 of 100 trials (100%) in 10 s"


def test_a_log_of_a_long_run_gets_a_line_every_ten_minutes(monkeypatch):
    steps = [progress.Progress("plain", n, 100, n, 100, 60.0 * n, 60.0 * (100 - n)) for n in range(1, 101)]
    clock = iter([step.seconds for step in steps])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    show = progress.line(stream := io.StringIO())
    for step in steps:
        show(step)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[0] == "1 of 100 trials (1%), 99 min left, at plain"
    assert lines[1] == "11 of 100 trials (11%), 89 min left, at plain"


def test_a_warning_does_not_end_up_behind_the_line_of_progress():
    with progress.warnings(stream := Terminal()):
        logging.getLogger("casebook.design.campaign").warning("damaged")
    logging.getLogger("casebook.design.campaign").warning("not shown there")
    assert stream.getvalue() == f"{progress.CLEAR}damaged\n"


def test_a_reason_stands_below_the_line_of_progress(command, monkeypatch):
    def lost(*given, watch, **more) -> None:
        watch(progress.Progress("plain", 1, 2, 10, 20, 1.0, 1.0))
        raise CasebookError("lost")

    monkeypatch.setattr(campaign, "run", lost)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert command() == 1
    assert sys.stderr.getvalue() == f"{progress.CLEAR}10 of 20 trials (50%), 1 s left, at plain\nlost\n"


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"trials": 0}, "trials: found 0, expected a whole number from 1 to 1000000000"),
        ({"trials": -5}, "trials: found -5"),
        ({"trials": 1.5}, "trials: found 1.5"),
        ({"trials": True}, "trials: found True"),
        ({"seed": -1}, "seed: found -1, expected a whole number from 0"),
        ({"seed": 2**63}, "seed: found 9223372036854775808"),
        ({"batch": 0}, "batch: found 0"),
        ({"scenarios": []}, r"found the scenarios \[\]; expected one or more"),
        ({"scenarios": [PLAIN, PLAIN]}, "each id once"),
        ({"seed": 10**5000}, "seed: found a number of more than 20 digits, expected a whole number from 0"),
        ({"seed": -(10**5000)}, "seed: found a number of more than 20 digits"),
        ({"scenarios": PLAIN}, r"scenarios: found Scenario\(id='plain'.*, expected several, as \[scenario\]"),
        ({"scenarios": "plain"}, "scenarios: found 'plain', expected several"),
        ({"scenarios": 3}, "scenarios: found 3, expected several"),
        (
            {"engine": "threads"},
            r"engine: found 'threads', expected one that was made, as engines\.threads\(2\)",
        ),
        ({"engine": engines.threads}, "engine: found <function threads.*, expected one that was made"),
        ({"engine": lambda tasks: 3}, "found an engine that gives 3; expected"),
        ({"engine": lambda tasks: [3]}, "found an engine that gives 3; expected finished batches"),
        ({"folder": 3}, "folder: found 3, expected a path"),
        ({"trials": 10**6, "batch": 1}, r"found 3,000,000 batches; expected 1,000,000 at most"),
    ],
)
def test_a_campaign_that_cannot_be_is_refused(more, complaint):
    with pytest.raises(CasebookError, match=complaint):
        campaign.run(**{"scenarios": ALL, "seed": 1, "trials": 10} | more)


def test_what_reading_a_table_gives_and_integers_of_numpy_are_taken():
    by_id = {scenario.id: scenario for scenario in ALL}
    seed, trials, batch = np.int64(7), np.int32(TRIALS), np.uint16(BATCH)
    done = campaign.run(by_id, seed, trials, engine=engines.threads(np.int64(2)), batch=batch)
    assert done.tallies == run().tallies
    assert [type(done.seed), type(done.trials)] == [int, int]


def test_an_engine_may_give_an_iterator_that_cannot_be_closed():
    assert run(lambda tasks: iter([engines.work(*task) for task in tasks])).tallies == run().tallies


@pytest.mark.parametrize("engine", [engines.threads, engines.processes, lambda n: engines.cluster(workers=n)])
@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_fewer_workers_than_one_are_refused(engine, workers):
    with pytest.raises(
        CasebookError, match=f"workers: found {workers}, expected a whole number of 1 or more"
    ):
        engine(workers)


def test_a_cluster_that_exists_has_its_own_workers_and_time_is_above_nothing():
    with pytest.raises(CasebookError, match="workers: found 2 for the cluster tcp://there:1"):
        engines.cluster("tcp://there:1", workers=2)
    for timeout in (0, "5", True, float("inf")):
        with pytest.raises(CasebookError, match=rf"timeout: found {timeout!r}, expected seconds above 0"):
            engines.cluster(timeout=timeout)
    with pytest.raises(CasebookError, match="where: found 5, expected the address of a scheduler"):
        engines.cluster(5)
    with pytest.raises(CasebookError, match="workers: found a number of more than 20 digits"):
        engines.threads(-(10**5000))


def test_a_folder_that_cannot_be_used_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CasebookError, match="to be a file; expected a folder"):
        run(folder=tmp_path / "file")
    with pytest.raises(CasebookError, match=r"not writable \(Not a directory\)"):
        run(folder=tmp_path / "file" / "below")


def test_without_rights_a_folder_is_refused(tmp_path, monkeypatch):
    def denied(*arguments, **more) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)  # root, as whom tests may run, has every right
    with pytest.raises(
        CasebookError, match=r"not writable \(Permission denied\); expected a folder with rights"
    ):
        run(folder=tmp_path / "new")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("results.xlsx", r"ending '\.xlsx' \(results\.xlsx\); expected \.csv or \.parquet"),
        ("results", "the ending ''"),
        ("no/folder/results.csv", r"not writable \(No such file or directory\)"),
        ("folder.csv", r"folder\.csv to be a folder; expected the name of a file"),
        ("", "the ending ''"),
    ],
)
def test_results_that_could_not_be_written_are_refused_before_the_work(
    name, complaint, command, tmp_path, capsys
):
    (tmp_path / "folder.csv").mkdir()
    assert command("--overwrite", results=name) == 1
    assert re.search(complaint, capsys.readouterr().err)
    assert [*tmp_path.rglob("*.batches")] == []


# -- the command ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_the_command_gives_the_table(engine, expected, command, tmp_path, capsys):
    assert command("--engine", engine) == 0
    assert (tmp_path / "results.csv").read_bytes() == expected[0]
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'results.csv'}: 3 scenarios, 3 batches.\n"
    assert re.fullmatch(
        r"1,000 of 3,000 .* left, at \w+\n3,000 of 3,000 trials \(100%\) in \d+ s\n", said.err
    )
    assert command("--engine", engine) == 1
    assert "results.csv there already" in capsys.readouterr().err
    assert command("--engine", engine, "--overwrite") == 0
    assert "3 batches, 3 of them from an earlier run." in capsys.readouterr().out


def test_the_command_names_every_problem_of_the_table(tmp_path, capsys):
    frame = scenarios.frame(ALL)
    frame.loc[0, "hazard"], frame.loc[1, "accrual"] = "-0.1", "soon"
    frame.to_csv(tmp_path / "scenarios.csv", index=False)
    words = [str(tmp_path / "scenarios.csv"), str(tmp_path / "results.csv"), "--seed", "1"]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert re.search(r"row 2, column hazard.*: found .*'-0\.1'", said)
    assert re.search(r"row 3, column accrual: found 'soon'; expected a number", said)
    assert main([str(tmp_path / "none.csv"), *words[1:]]) == 1
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--trials", "0"], "trials: found 0"),
        (["--workers", "0"], "workers: found 0"),
        (["--engine", "serial", "--workers", "2"], "found 2 workers for the engine serial; expected 1"),
        (["--engine", "threads", "--address", "tcp://x:1"], "found an address for the engine threads"),
        (["--engine", "serial", "--timeout", "5"], "found a timeout for the engine serial"),
        (["--address", "tcp://x:1", "--workers", "2"], "workers: found 2 for the cluster tcp://x:1"),
        (["--folder", "{file}"], "to be a file; expected a folder"),
    ],
)
def test_the_command_says_what_cannot_be(more, complaint, command, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert command(*(word.format(file=tmp_path / "file") for word in more)) == 1
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("word", ["1e5", "10,000", "1.5", "", "9" * 5000])
def test_the_command_says_how_a_number_is_written(word, command, capsys):
    with pytest.raises(SystemExit) as left:
        command("--trials", word)
    assert left.value.code == 2
    assert re.search(
        r"--trials: found \S+, expected a whole number as digits, as 100000", capsys.readouterr().err
    )


def test_an_interrupt_while_modules_are_imported_is_one_sentence():
    interrupted = """
import os, runpy, signal, sys
class Hit:
    def find_spec(self, name, *more):
        if name == "numba":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Hit())
sys.argv = ["design", "none.csv", "none.csv", "--seed", "1"]
runpy.run_module("casebook.design", run_name="__main__", alter_sys=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", interrupted],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=in_the_foreground,
    )
    assert (done.returncode, done.stderr) == (130, "Stopped before anything was done.\n")


def test_the_command_wants_a_seed(capsys):
    with pytest.raises(SystemExit) as left:
        main(["scenarios.csv", "results.csv"])
    assert left.value.code == 2
    assert "--seed" in capsys.readouterr().err
