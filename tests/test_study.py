"""A study's tickets: each point once, none forgotten, whatever dies."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.trial import TrialState

from qa_sweep.errors import ConfigError, StudyError
from qa_sweep.sweep import internals
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.jobs import read_result
from qa_sweep.sweep.lease import Lease
from qa_sweep.sweep.lease_stores import LeaseFiles
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.samplers import choose_sampler
from qa_sweep.sweep.space import Space, read_space
from qa_sweep.sweep.storage import open_storage
from qa_sweep.sweep.study import StudyPlan, SweepStudy
from qa_sweep.sweep.tickets import RETRIES, RETRY_OF
from qa_sweep.sweep.trial import Progress, RunningTrial

OBJECTIVES = (Objective("objective", "minimize"),)


def space(*overrides: str) -> Space:
    return read_space(OverridesParser.create().parse_overrides(list(overrides)))


def open_sweep(
    folder: Path,
    a_space: Space,
    *,
    n_trials: int | None = None,
    sampler: str = "grid",
    **settings: Any,
) -> SweepStudy:
    storage = open_storage(f"sqlite:///{folder}/studies.db")
    study = open_study(storage, "s", Identity.of(a_space, OBJECTIVES, {"n": 1}))
    plan = StudyPlan(n_trials=n_trials, sampler=sampler, lease_timeout_s=0.5, **settings)
    return SweepStudy(study, a_space, storage, plan)


def finish_all(study: SweepStudy) -> list[dict]:
    """Work the study off, and return the params of the trials in order."""
    params = []
    while True:
        trial = study.claim()
        if trial is None and not study.refill():
            return params
        if trial is not None:
            params.append(trial.params)
            study.complete(trial, [1.0], {})


def test_a_grid_runs_each_point_once(tmp_path) -> None:
    grid = space("a=1,2", "b=0.1,0.2,0.3")
    assert finish_all(open_sweep(tmp_path, grid)) == list(grid.grid())


def test_a_complete_study_has_nothing_to_do(tmp_path) -> None:
    grid = space("a=range(0,40)")
    assert len(finish_all(open_sweep(tmp_path, grid))) == 40
    again = open_sweep(tmp_path, grid)
    assert again.is_complete
    assert finish_all(again) == []


def test_a_search_stops_at_its_number_of_trials_over_all_sweeps(tmp_path) -> None:
    line = space("x=interval(0,1)")
    assert len(finish_all(open_sweep(tmp_path, line, n_trials=5, sampler="random"))) == 5
    assert len(finish_all(open_sweep(tmp_path, line, n_trials=8, sampler="random"))) == 3


def test_a_random_search_draws_the_same_params_however_it_is_cut(tmp_path) -> None:
    line = space("x=interval(0,1)")
    (tmp_path / "whole").mkdir()
    whole = finish_all(open_sweep(tmp_path / "whole", line, n_trials=6, sampler="random"))
    cut = finish_all(open_sweep(tmp_path, line, n_trials=2, sampler="random"))
    cut += finish_all(open_sweep(tmp_path, line, n_trials=6, sampler="random"))
    assert cut == whole
    assert len({params["x"] for params in whole}) == 6


def test_a_trial_handed_back_keeps_its_number_and_params(tmp_path) -> None:
    study = open_sweep(tmp_path, space("x=interval(0,1)"), n_trials=1, sampler="random")
    study.refill()
    first = study.claim()
    study.hand_back(first)
    second = study.claim()
    assert (second.number, second.params) == (first.number, first.params)


def test_the_trial_of_a_dead_worker_is_handed_back(tmp_path) -> None:
    study = open_sweep(tmp_path, space("a=1,2"))
    study.refill()
    handle = study.handle(study.claim(), nothing)
    with study.lease(handle, "0"):
        assert study.reap() == []  # this process lives
    write_dead_lease(tmp_path, handle.number)
    assert study.reap() == [handle.number]
    again = study.claim()
    assert again.number == handle.number
    assert again.user_attrs[RETRIES] == 1


def test_the_lease_carries_the_progress_to_whoever_watches(tmp_path) -> None:
    study = open_sweep(tmp_path, space("a=choice(7)"))
    study.refill()
    handle = study.handle(study.claim(), nothing)
    handle.progress(3, 10, loss=0.5)
    with study.lease(handle, "0"):
        watching = open_sweep(tmp_path, space("a=choice(7)"))
        (running,) = watching.running(watching.trials())
    assert running == RunningTrial(0, {"a": 7}, Progress(3, 10, {"loss": 0.5}), worker="0")


def test_a_trial_whose_workers_keep_dying_fails(tmp_path) -> None:
    study = open_sweep(tmp_path, space("a=choice(1)"))
    study.refill()
    for _ in range(3):
        number = study.claim().number
        write_dead_lease(tmp_path, number)
        study.reap()
    assert study.claim() is None
    assert [trial.state for trial in study.trials()] == [TrialState.FAIL]


def test_a_worker_whose_params_take_long_to_draw_gives_signs_of_life(tmp_path) -> None:
    study = open_sweep(tmp_path, space("a=choice(1,2)"), n_trials=2, sampler="random")
    study.refill()
    storage = open_storage(f"sqlite:///{tmp_path}/studies.db")
    leases = storage.leases("s")
    with storage.lock("s"):  # one draws at a time
        drawing = threading.Thread(target=study.claim)
        drawing.start()
        beats = []
        deadline = time.monotonic() + 30
        while len(set(beats)) < 3:
            assert time.monotonic() < deadline, f"seen: {beats}"
            beats.append(leases.read(0).get("beat"))
            time.sleep(0.1)
    drawing.join()
    assert leases.read(0) == {}, "the next lease is the job's"


def test_a_running_trial_without_a_lease_is_handed_back_after_a_while(tmp_path) -> None:
    study = open_sweep(tmp_path, space("a=choice(1)"))
    study.refill()
    number = study.claim().number
    assert study.reap() == []
    time.sleep(0.7)
    assert study.reap() == [number]


def draw_a_param_and_die(folder: Path, *overrides: str) -> None:
    suggest = internals.suggest

    def suggest_and_die(*details: Any) -> None:
        suggest(*details)
        os.kill(os.getpid(), signal.SIGKILL)

    internals.suggest = suggest_and_die
    open_sweep(folder, space(*overrides)).claim()


def test_a_point_whose_worker_was_killed_as_it_drew_gets_no_second_trial(tmp_path) -> None:
    grid = "a=1,2", "b=1,2"
    study = open_sweep(tmp_path, space(*grid))
    assert study.refill() == 4
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=draw_a_param_and_die, args=(tmp_path, *grid))
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    assert study.trials()[0].params == {"a": 1}
    assert study.n_wanted(study.trials()) == 4
    assert len(finish_all(study)) == 3
    assert study.reap() == []
    time.sleep(0.7)
    assert study.reap() == [0]
    assert finish_all(study) == [{"a": 1, "b": 1}]
    assert len(study.trials()) == 4


def test_leases_of_finished_trials_are_removed_and_of_those_at_work_kept(tmp_path) -> None:
    """A worker may be killed when its trial is finished, and its lease is not removed yet."""
    study = open_sweep(tmp_path, space("x=range(0,12)"))
    study.refill()
    for _ in range(11):
        study.complete(study.claim(), [1.0], {})
    at_work = study.claim()
    for number in (1, at_work.number):
        write_dead_lease(tmp_path, number)
    half_written = tmp_path / ".studies" / "s" / "10.0123456789abcdef"
    half_written.write_text('{"be')
    study.remove_old_leases()
    assert [path.name for path in half_written.parent.iterdir()] == ["11.json"]


def test_a_failed_point_is_tried_again_by_the_next_sweep_only(tmp_path) -> None:
    study = open_sweep(tmp_path, space("a=1,2"))
    study.refill()
    study.fail(study.claim(), "no luck")
    finish_all(study)
    assert not study.is_complete
    assert study.refill() == 0
    study.retry_failed()
    assert finish_all(study) == [{"a": 1}]
    assert study.is_complete
    assert [trial.user_attrs.get(RETRY_OF) for trial in study.trials()] == [None, 0]


def test_a_retry_begins_with_what_the_failed_trials_job_has_kept(tmp_path) -> None:
    study = open_sweep(tmp_path, space("a=choice(1)"))
    study.refill()
    failed = study.claim()
    study.handle(failed, nothing).set_attribute("smaller", 4)
    study.fail(failed, "no luck")
    study.retry_failed()
    assert study.handle(study.claim(), nothing).attribute("smaller") == 4
    assert [trial.user_attrs for trial in study.trials()] == [{"smaller": 4, RETRY_OF: 0}]


def test_a_changed_space_is_refused_with_the_difference(tmp_path) -> None:
    open_sweep(tmp_path, space("a=1,2"))
    with pytest.raises(StudyError, match=r"space a: .*1, 2.*1, 3.*hydra.sweeper.study_name"):
        open_sweep(tmp_path, space("a=1,3"))


def test_a_changed_setting_or_objective_is_refused(tmp_path) -> None:
    a_space = space("a=1,2")
    open_sweep(tmp_path, a_space)
    storage = open_storage(f"sqlite:///{tmp_path}/studies.db")
    with pytest.raises(StudyError, match="n: 1 there, 2 here"):
        open_study(storage, "s", Identity.of(a_space, OBJECTIVES, {"n": 2}))
    other = (Objective("loss", "minimize"),)
    with pytest.raises(StudyError, match="objectives"):
        open_study(storage, "s", Identity.of(a_space, other, {"n": 1}))


@pytest.mark.parametrize(
    ("name", "override", "n_trials", "message"),
    [
        ("grid", "a=interval(0,1)", None, "a grid needs finite params"),
        ("grid", "a=1,2", 3, "each of its points once"),
        ("auto", "a=interval(0,1)", None, "needs its number of trials"),
        ("simulated", "a=1,2", None, "must be one of auto, grid, random, tpe"),
    ],
)
def test_a_sampler_that_does_not_fit_is_refused(name, override, n_trials, message) -> None:
    with pytest.raises(ConfigError, match=message):
        choose_sampler(name, space(override), n_trials)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "must return a number or a mapping"),
        ({"loss": 1.0}, "must hold the objective objective, but holds loss"),
        (float("nan"), "is nan"),
    ],
)
def test_a_result_without_a_usable_objective_is_refused(result, message) -> None:
    with pytest.raises(StudyError, match=message):
        read_result(result, OBJECTIVES)
    metrics = {"objective": 1.0, "loss": 2.0}
    assert read_result(metrics, OBJECTIVES) == ([1.0], metrics)


def test_auto_is_a_grid_of_a_finite_space_and_tpe_otherwise() -> None:
    assert choose_sampler("auto", space("a=1,2"), None) == "grid"
    assert choose_sampler("auto", space("a=1,2"), 5) == "tpe"
    assert choose_sampler("auto", space("a=interval(0,1)"), 5) == "tpe"


def test_tpe_gets_nearer_than_random(tmp_path) -> None:
    plane = space("x=interval(-20,20)", "y=interval(-20,20)")
    nearest = {}
    for sampler in ("tpe", "random"):
        (tmp_path / sampler).mkdir()
        study = open_sweep(tmp_path / sampler, plane, n_trials=60, sampler=sampler)
        values = []
        while (trial := study.claim()) is not None or study.refill():
            if trial is not None:
                values.append(trial.params["x"] ** 2 + trial.params["y"] ** 2)
                study.complete(trial, [values[-1]], {})
        nearest[sampler] = min(values)
    assert nearest["tpe"] < nearest["random"]


def claim_all(folder: Path, numbers: "multiprocessing.Queue") -> None:
    study = open_sweep(folder, space("a=range(0,60)"))
    while (trial := study.claim()) is not None or study.refill():
        if trial is not None:
            numbers.put(trial.params["a"])
            study.complete(trial, [0.0], {})


def test_four_processes_claim_each_ticket_once(tmp_path) -> None:
    context = multiprocessing.get_context("spawn")
    numbers = context.Queue()
    workers = [context.Process(target=claim_all, args=(tmp_path, numbers)) for _ in range(4)]
    for worker in workers:
        worker.start()
    claimed = sorted(numbers.get(timeout=120) for _ in range(60))
    for worker in workers:
        worker.join()
    assert claimed == list(range(60))
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/studies.db")
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    assert len(study.trials) == 60


def open_at(folder: Path, when: float) -> None:
    time.sleep(max(0.0, when - time.time()))
    open_storage(f"sqlite:///{folder}/studies.db")


def test_four_processes_make_one_storage_at_once(tmp_path) -> None:
    context = multiprocessing.get_context("spawn")
    for attempt in range(4):
        folder = tmp_path / str(attempt)
        when = time.time() + 4
        openers = [context.Process(target=open_at, args=(folder, when)) for _ in range(4)]
        for opener in openers:
            opener.start()
        for opener in openers:
            opener.join()
        assert [opener.exitcode for opener in openers] == [0] * 4


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write_dead_lease(folder: Path, number: int) -> None:
    store = LeaseFiles(folder / ".studies" / "s")
    with Lease(store, number):
        content = store.read(number)
    store.write(number, {**content, "pid": dead_pid()})


def nothing() -> None:
    """For a job that need heed nobody."""
