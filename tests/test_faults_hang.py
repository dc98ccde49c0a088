"""A job that hangs is noticed, stopped and tried again, wherever it works and however it hangs.

So is a worker process that is stopped (SIGSTOP), which hangs as a whole.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import PARABOLA, ROOT, environment, run
from sweep_helpers import assert_gone, study_of, wait_for
from sweep_law import assert_settled, table_of

from qa_sweep.sweep.hang_watch import HangWatch, ProcessAlarm, stack_file

APP = ROOT / "tests" / "hanging_app" / "app.py"
FORKED = ROOT / "tests" / "forked_app" / "app.py"
IMPATIENT = ROOT / "tests" / "impatient.py"
HALF_A_SECOND = "hydra.sweeper.hang_minutes=0.01"
IN_A_WHILE_S = 120


def sweep(folder: Path, *words: str) -> subprocess.CompletedProcess:
    return run([str(APP), "-m", "x=1,2,3", "hangs_at=2", HALF_A_SECOND, *words], folder)


def retries(folder: Path) -> list[int]:
    return [trial.user_attrs.get("retries", 0) for trial in study_of(folder).trials]


def assert_each_complete(folder: Path) -> None:
    """As if none had hung."""
    assert table_of(folder) == [
        ({"x": x}, "COMPLETE", [float(x)], {"objective": float(x)}) for x in (1, 2, 3)
    ]
    assert retries(folder) == [0, 1, 0]
    assert_settled(folder)


def stack_named_in(output: str) -> str:
    told = re.findall(
        r"trial 1 gave no sign of life for 0.01 minutes and was stopped.*: (\S+)", output
    )
    assert len(told) == 1, output
    return Path(told[0]).read_text()


def test_a_worker_that_hangs_without_the_interpreter_is_ended_and_its_trial_run_again(
    tmp_path,
) -> None:
    result = sweep(tmp_path, "holds_lock=true", "hydra.sweeper.n_workers=2")
    assert result.returncode == 0, result.stderr
    assert_each_complete(tmp_path)
    assert "in hang" in stack_named_in(result.stdout)


def test_a_job_that_hangs_in_the_sweeps_own_process_is_interrupted_and_run_again(tmp_path) -> None:
    result = sweep(tmp_path)
    assert result.returncode == 0, result.stderr
    assert_each_complete(tmp_path)
    assert "in hang" in stack_named_in(result.stdout)


def test_a_trial_that_hangs_each_time_fails_and_the_sweep_goes_on(tmp_path) -> None:
    result = sweep(tmp_path, "always=true", "hydra.sweeper.max_retries=0")
    assert result.returncode == 0, result.stderr
    assert "trial 1 failed: it hung 1 times" in result.stdout
    assert [trial.state.name for trial in study_of(tmp_path).trials] == [
        "COMPLETE", "FAIL", "COMPLETE",
    ]  # fmt: skip
    assert_settled(tmp_path)


def start(folder: Path, app: Path, *words: str) -> subprocess.Popen:
    """A sweep with two workers, without the patience of one in earnest."""
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, str(IMPATIENT), str(app), "-m", *words, "hydra.sweeper.n_workers=2"],
            cwd=folder,
            env=environment(),
            stdout=output,
            stderr=output,
        )


def until(found: Callable[[], Any]) -> Any:
    """What is found in the end."""
    deadline = time.monotonic() + IN_A_WHILE_S
    while not (something := found()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return something


def at_work(folder: Path) -> psutil.Process:
    """The process of a worker that has a trial."""
    lease = wait_for(folder, "*.json", 2)[0]
    return psutil.Process(json.loads(lease.read_text())["pid"])


def assert_swept_without(stopped: psutil.Process, sweep: subprocess.Popen, folder: Path) -> str:
    """The sweep has ended with all trials complete, and the stopped process too; its output."""
    assert sweep.wait(timeout=IN_A_WHILE_S) == 0, (folder / "output").read_text()
    assert not stopped.is_running()
    assert {state for _, state, _, _ in table_of(folder)} == {"COMPLETE"}
    assert_settled(folder)
    return (folder / "output").read_text()


@pytest.mark.faults
@pytest.mark.parametrize(
    ("app", "words"),
    [
        (PARABOLA, ["x=range(0,6)", "seconds_a_step=0.7"]),
        (FORKED, ["x=range(0,6)", "seconds=2"]),
    ],
    ids=["started", "forked"],
)
def test_a_worker_that_is_stopped_at_work_is_ended_and_its_trial_run_again(
    app, words, tmp_path
) -> None:
    sweep = start(tmp_path, app, *words)
    stopped = at_work(tmp_path)
    stopped.suspend()
    output = assert_swept_without(stopped, sweep, tmp_path)
    assert sorted(retries(tmp_path)) == [0, 0, 0, 0, 0, 1]
    assert f"(process {stopped.pid}) showed no sign of life for 3 s" in output + logs_of(tmp_path)


def logs_of(folder: Path) -> str:
    """Of the workers, either of which may find the other silent."""
    return "".join(path.read_text() for path in folder.glob("results/*/.workers/*.log"))


@pytest.mark.faults
def test_a_worker_that_is_stopped_before_its_first_trial_does_not_hold_the_sweep(tmp_path) -> None:
    sweep = start(tmp_path, PARABOLA, "x=range(0,4)")
    stopped = until(psutil.Process(sweep.pid).children)[0]
    stopped.suspend()
    output = assert_swept_without(stopped, sweep, tmp_path)
    assert retries(tmp_path) == [0, 0, 0, 0]
    assert "nothing is left to do, but workers do not end: they are stopped" in output


@pytest.mark.faults
def test_a_worker_that_hears_no_signal_does_not_outlive_its_sweep(tmp_path) -> None:
    words = ["x=1,2,3", "hangs_at=2", "is_deaf=true"]
    sweep = start(tmp_path, APP, *words)
    until((tmp_path / "has-hung").exists)
    sweep.kill()
    sweep.wait()
    assert_gone(tmp_path)
    assert start(tmp_path, APP, *words).wait(timeout=IN_A_WHILE_S) == 0
    assert_each_complete(tmp_path)


def test_a_limit_that_is_none_is_said_in_one_line(tmp_path) -> None:
    result = run([str(APP), "-m", "x=1,2", "hydra.sweeper.hang_minutes=0"], tmp_path)
    assert result.returncode == 1
    assert "hydra.sweeper.hang_minutes must be above 0, but got 0" in result.stderr
    assert "Traceback" not in result.stderr


class Recorded:
    """An alarm that notes what it is set to."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.is_cancelled = False

    def set(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def cancel(self) -> None:
        self.is_cancelled = True


def test_what_comes_before_the_second_sign_of_life_may_take_any_time() -> None:
    alarm = Recorded()
    with HangWatch(1.0, alarm) as watch:
        watch.sign_of_life()
        assert alarm.seconds == []
        watch.sign_of_life()
        assert alarm.seconds == [pytest.approx(1.02)]


def test_a_job_of_long_steps_may_be_silent_for_four_times_as_long_as_ever(monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr("qa_sweep.sweep.hang_watch.time.monotonic", lambda: now)
    alarm = Recorded()
    with HangWatch(60.0, alarm) as watch:
        for _ in range(3):
            watch.sign_of_life()
            now += 3600
    assert alarm.seconds == [pytest.approx(4 * 3600 + 1.2)] * 2


def test_signs_of_life_in_quick_succession_set_the_alarm_a_few_times_only() -> None:
    alarm = Recorded()
    with HangWatch(3600.0, alarm) as watch:
        for _ in range(10_000):
            watch.sign_of_life()
    assert len(alarm.seconds) == 1


def test_a_watch_that_is_over_ends_nothing_any_more() -> None:
    alarm = Recorded()
    with HangWatch(1.0, alarm) as watch:
        watch.sign_of_life()
    watch.sign_of_life()
    assert alarm.seconds == []
    assert alarm.is_cancelled


def test_a_watch_that_is_over_leaves_no_file_but_that_of_an_attempt_that_hung(tmp_path) -> None:
    """Also where it was over so soon that it had no file of its own."""
    hung, killed, own = (stack_file(tmp_path, attempt) for attempt in range(3))
    hung.write_text("its threads")
    killed.touch()
    with HangWatch(60.0, ProcessAlarm(own)) as watch:
        watch.sign_of_life()
    assert [*tmp_path.iterdir()] == [hung]
