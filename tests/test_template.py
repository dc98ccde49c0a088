"""Workers are forked of one process that has imported what jobs need: workers like others."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import ROOT, environment
from optuna.trial import TrialState
from sweep_helpers import assert_gone, study_of, wait_for, works_in

from qa_sweep.sweep.slots import thread_environment

APP = ROOT / "tests" / "forked_app"
IN_A_WHILE_S = 120


def start(folder: Path, *words: str, program: tuple[str, ...] = ()) -> subprocess.Popen:
    """The app's sweep; `program` is what Python is given instead of the script."""
    path = f"{APP}{os.pathsep}{ROOT}"
    return subprocess.Popen(
        [sys.executable, *(program or [str(APP / "app.py")]), "-m", *words],
        cwd=folder,
        env={**environment(), "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "3,5"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def facts_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in folder.glob("results/forked-*/*/facts.json")]


def until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + IN_A_WHILE_S
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def states_of(folder: Path) -> list[TrialState]:
    return [trial.state for trial in study_of(folder).trials]


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> Path:
    """The folder of a sweep of two workers."""
    folder: Path = tmp_path_factory.mktemp("forked")
    words = ["x=range(0,6)", "seconds=0.5", "hydra.sweeper.n_workers=2"]
    assert start(folder, *words).wait(timeout=IN_A_WHILE_S) == 0
    return folder


def test_one_process_imports_and_all_workers_are_forked_of_it(swept) -> None:
    facts = facts_of(swept)
    assert len(facts) == 6
    (template,) = {fact["imported_by"] for fact in facts}
    assert {fact["parent"] for fact in facts} == {template}
    workers = {fact["pid"] for fact in facts}
    assert len(workers) == 2
    assert template not in workers
    assert states_of(swept) == [TrialState.COMPLETE] * 6


def test_a_forked_worker_has_its_slot_its_session_its_log_and_its_own_chance(swept) -> None:
    facts = facts_of(swept)
    assert {fact["gpu"] for fact in facts} == {"3", "5"}
    assert all(fact["session"] == fact["pid"] for fact in facts)
    assert {fact["n_threads"] for fact in facts} == set(thread_environment(2).values())
    assert all(fact["arguments"][:2] == ["-m", "x=range(0,6)"] for fact in facts)
    assert len({fact["drawn"] for fact in facts}) == 6
    logs = [path.read_text() for path in swept.glob("results/forked-*/.workers/?.log")]
    assert len(logs) == 2
    assert all("at x = " in log for log in logs)


def test_an_ended_sweep_leaves_no_process(swept) -> None:
    assert_gone(swept)


def test_isolated_trials_of_a_module_are_a_fork_each(tmp_path) -> None:
    words = ["x=1,2,3", "hydra.sweeper.isolate=true"]
    sweep = start(tmp_path, *words, program=("-m", "app"))
    assert sweep.wait(timeout=IN_A_WHILE_S) == 0
    facts = facts_of(tmp_path)
    assert len({fact["pid"] for fact in facts}) == 3
    (template,) = {fact["imported_by"] for fact in facts}
    assert template is not None


def test_what_cannot_be_forked_is_started_anew(tmp_path) -> None:
    sweep = start(tmp_path, "x=1,2", "import_with_thread=true", "hydra.sweeper.n_workers=2")
    assert sweep.wait(timeout=IN_A_WHILE_S) == 0
    assert {fact["imported_by"] for fact in facts_of(tmp_path)} == {None}
    assert states_of(tmp_path) == [TrialState.COMPLETE] * 2
    assert_gone(tmp_path)


def test_forked_workers_hand_back_when_the_sweep_is_killed_and_drain_when_it_drains(
    tmp_path,
) -> None:
    for number, state in ((signal.SIGKILL, "WAITING"), (signal.SIGINT, "COMPLETE")):
        sweep = start(tmp_path, "x=range(0,6)", "seconds=6", "hydra.sweeper.n_workers=2")
        at_work = [int(lease.stem) for lease in wait_for(tmp_path, "*.json", 2)]
        sweep.send_signal(number)
        assert sweep.wait(timeout=IN_A_WHILE_S) != 0
        assert_gone(tmp_path)
        assert {n for n, s in enumerate(states_of(tmp_path)) if s.name == state} >= set(at_work)
    assert states_of(tmp_path).count(TrialState.WAITING) == 4


def test_a_killed_worker_is_forked_again_and_a_killed_template_done_without(tmp_path) -> None:
    sweep = start(tmp_path, "x=range(0,4)", "seconds=4", "hydra.sweeper.n_workers=2")
    lease = wait_for(tmp_path, "*.json", 2)[0]
    worker = psutil.Process(json.loads(lease.read_text())["pid"])
    template = worker.parent()
    others = [child for child in template.children() if child != worker]
    worker.kill()
    until(lambda: len(template.children()) == 2 and worker not in template.children())
    assert [child for child in template.children() if child in others] == others
    template.kill()
    assert sweep.wait(timeout=IN_A_WHILE_S) == 0
    assert states_of(tmp_path) == [TrialState.COMPLETE] * 4
    assert None in {fact["imported_by"] for fact in facts_of(tmp_path)}
    assert_gone(tmp_path)
    assert [t.user_attrs.get("retries", 0) for t in study_of(tmp_path).trials].count(1) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nobody_waits_for_the_imports_of_a_sweep_that_ends(number, tmp_path) -> None:
    sweep = start(tmp_path, "x=1,2", "seconds_to_import=600", "hydra.sweeper.n_workers=2")
    until((tmp_path / "importing").exists)
    sweep.send_signal(number)
    assert sweep.wait(timeout=IN_A_WHILE_S) in (128 + number, -number)
    assert_gone(tmp_path)


def test_sigterm_to_all_processes_at_once_is_waited_for_and_costs_no_retry(tmp_path) -> None:
    """As a control group's end sends it; the template ends last of all."""
    words = ["x=range(0,4)", "seconds=6", "seconds_to_save=2", "hydra.sweeper.n_workers=2"]
    sweep = start(tmp_path, *words)
    wait_for(tmp_path, "*.json", 2)
    everybody = processes_in(tmp_path)
    assert len(everybody) == 4
    for process in everybody:
        process.send_signal(signal.SIGTERM)
    assert sweep.wait(timeout=IN_A_WHILE_S) == 128 + signal.SIGTERM
    assert processes_in(tmp_path) == []
    assert states_of(tmp_path) == [TrialState.WAITING] * 4
    assert not any("retries" in trial.user_attrs for trial in study_of(tmp_path).trials)


def test_an_interrupt_does_not_reach_the_template(tmp_path) -> None:
    """As `pkill -INT` sends it to all: the workers must live to finish what they are at."""
    sweep = start(tmp_path, "x=range(0,4)", "seconds=2", "hydra.sweeper.n_workers=2")
    lease = wait_for(tmp_path, "*.json", 2)[0]
    template = psutil.Process(json.loads(lease.read_text())["pid"]).parent()
    template.send_signal(signal.SIGINT)
    assert sweep.wait(timeout=IN_A_WHILE_S) == 0
    assert {fact["imported_by"] for fact in facts_of(tmp_path)} == {template.pid}
    assert not any("retries" in trial.user_attrs for trial in study_of(tmp_path).trials)


def processes_in(folder: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if works_in(process, folder)]


def says(code: str, **variables: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


def test_a_process_is_forkable_until_it_has_a_thread_that_a_fork_would_lose_or_a_gpu() -> None:
    ask = "from qa_sweep.sweep import forking; print(forking.is_forkable());"
    again = "print(forking.is_forkable())"
    thread = "import threading, time; thread = threading.Thread(target=time.sleep, args=(9,));"
    thread += "thread.daemon = True; thread.start();"
    gpu = "forking._GPUS = ('/dev/zero',); device = open('/dev/zero');"
    numpy = "import numpy; numpy.ones((500, 500)) @ numpy.ones((500, 500));"
    assert says(ask + thread + again).split() == ["True", "False"]
    assert says(ask + gpu + again).split() == ["True", "False"]
    assert says(ask + numpy + again, OPENBLAS_NUM_THREADS="2").split() == ["True", "True"]


def test_what_a_run_imports_leaves_a_process_forkable() -> None:
    compose = (
        "from hydra import compose, initialize_config_dir; from qa_sweep import cli;"
        "cli.register_schema(); initialize_config_dir(str(cli.conf_folder()), version_base='1.3');"
        "cli.preload(compose('config'));"
    )
    ask = "from qa_sweep.sweep import forking; print(forking.is_forkable())"
    assert says(compose + ask) == "True"
