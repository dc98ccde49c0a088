"""A sweep on a full disk ends with one line, and the same command goes on when there is room."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from conftest import environment, run
from disks import Mount, leave_room, mount, remount
from sweep_law import assert_as_undisturbed, assert_settled, table_of
from tracking_helpers import wait_for

from qa_sweep.tracking import read_runs

__all__ = ["mount"]  # a fixture

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

SWEEP = [
    "-m", "qa_sweep", "-m",
    "data.n_train=200", "data.n_eval=40", "trainer.epochs=3", "trainer.logging_steps=8",
    "trainer.batch_size=16", "trainer.learning_rate=0.004,0.0004",
    "hydra.sweeper.study_name=full",
]  # fmt: skip
LAST_STEP = 39
ROOM = "size=60m"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    finished = run(SWEEP, folder)
    assert finished.returncode == 0, finished.stderr
    return folder


def assert_says_full(code: int, errors: str) -> None:
    """All that is said beside warnings is one line, which says what to do."""
    assert code == 1, errors
    assert "Traceback" not in errors
    lines = [line for line in errors.splitlines() if "WARNING" not in line]
    assert len(lines) == 1, errors
    assert "its disk is full" in lines[0]
    assert lines[0].endswith("make room, then give the same command again")


def how_far(disk: Path) -> str:
    """How far the sweep on it has come."""
    if list(disk.glob("results/full/*/result.json")):
        return "a result"
    if list(disk.glob("results/full/*/checkpoints/*/seal.json")):
        return "a checkpoint"
    return "a trial" if list(disk.glob("results/full/*/.hydra")) else "nothing"


# A study takes 112 KiB, a checkpoint 1400, of which three are there for a moment.
@pytest.mark.parametrize(
    ("size_kib", "n_workers", "reached"),
    [
        (100, 1, "nothing"),
        (100, 2, "nothing"),
        (1000, 1, "a trial"),
        (1000, 2, "a trial"),
        (2500, 1, "a checkpoint"),
        (4000, 1, "a checkpoint"),
        (5000, 2, "a checkpoint"),
    ],
)
def test_a_sweep_says_in_one_line_that_the_disk_is_full_and_goes_on_when_there_is_room(
    size_kib, n_workers, reached, tmp_path, mount: Mount, undisturbed
) -> None:
    """Aim's repo is elsewhere, since what that takes for a moment is a matter of chance."""
    disk, repo = mount(tmp_path / "disk", f"{size_kib}k"), tmp_path / "aim"
    repo.mkdir()
    command = [*SWEEP, f"hydra.sweeper.n_workers={n_workers}", f"tracking.repo={repo}"]
    full = run(command, disk)
    assert_says_full(full.returncode, full.stderr)
    assert how_far(disk) == reached

    remount(disk, ROOM)
    finished = run(command, disk)
    assert finished.returncode == 0, finished.stderr
    assert_as_undisturbed_but_for_aim(disk, undisturbed)
    assert [run.status for run in read_runs(str(repo))] == ["complete"] * 2


@pytest.mark.parametrize(("size_kib", "n_workers"), [(1000, 1), (4000, 1), (5000, 2)])
def test_a_disk_that_is_full_for_the_sweep_and_for_aim(
    size_kib, n_workers, tmp_path, mount: Mount, undisturbed
) -> None:
    disk = mount(tmp_path / "disk", f"{size_kib}k")
    command = [*SWEEP, f"hydra.sweeper.n_workers={n_workers}"]
    full = run(command, disk)
    assert_says_full(full.returncode, full.stderr)

    remount(disk, ROOM)
    finished = run(command, disk)
    assert finished.returncode == 0, finished.stderr
    assert_as_undisturbed(disk, undisturbed)


@contextmanager
def study_locked(disk: Path) -> Iterator[None]:
    """While the body runs, who wants to read or write the study waits, for a minute at most."""
    database = sqlite3.connect(disk / "results" / "studies.db", timeout=30, isolation_level=None)
    with closing(database):
        database.execute("BEGIN IMMEDIATE")
        yield


def states(disk: Path) -> set[str]:
    with closing(sqlite3.connect(disk / "results" / "studies.db", timeout=30)) as database:
        return {state for (state,) in database.execute("SELECT state FROM trials")}


# In its own process, and in a worker's; one trial at a time, since another would make room.
@pytest.mark.parametrize("isolate", ["false", "true"])
def test_a_result_that_the_study_has_no_room_for_is_computed_again(
    isolate, tmp_path, mount: Mount, undisturbed
) -> None:
    """All of a trial is there, and its run closed, when the disk is full: only `tell` is left."""
    disk = mount(tmp_path / "disk", "60m")
    command = [*SWEEP, f"hydra.sweeper.isolate={isolate}"]
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=disk,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as sweep:
        pattern = f"results/full/*/checkpoints/checkpoint-{LAST_STEP}"
        wait_for(lambda: list(disk.glob(pattern)) != [], timeout_s=240)
        with study_locked(disk):
            wait_for(lambda: how_far(disk) == "a result", timeout_s=50)
            wait_for(lambda: "complete" in {run.status for run in read_runs(str(disk))})
            time.sleep(1)  # it has nothing to do any more but to tell
            leave_room(disk, 0)
        _, errors = sweep.communicate(timeout=240)
    assert_says_full(sweep.returncode, errors)
    assert "COMPLETE" not in states(disk)

    remount(disk, ROOM)
    finished = run(command, disk)
    assert finished.returncode == 0, finished.stderr
    assert_as_undisturbed(disk, undisturbed)


@pytest.mark.parametrize("size_kib", [500, 1000])
def test_a_disk_that_is_full_for_aim_alone_ends_no_sweep(
    size_kib, tmp_path, mount: Mount, undisturbed
) -> None:
    small, folder = mount(tmp_path / "small", f"{size_kib}k"), tmp_path / "sweep"
    folder.mkdir()
    command = [*SWEEP, f"tracking.repo={small}"]
    full = run(command, folder)
    assert full.returncode == 0, full.stderr
    assert full.stderr.count("Aim tracking is off for this run") == len(full.stderr.splitlines())
    assert list(folder.glob("results/full/*/tracking.jsonl"))
    assert_as_undisturbed_but_for_aim(folder, undisturbed)

    remount(small, ROOM)
    assert run(command, folder).returncode == 0
    assert not list(folder.glob("results/full/*/tracking.jsonl"))
    assert [run.status for run in read_runs(str(small))] == ["complete"] * 2
    assert_as_undisturbed_but_for_aim(folder, undisturbed)


def assert_as_undisturbed_but_for_aim(folder: Path, undisturbed: Path) -> None:
    assert table_of(folder) == table_of(undisturbed)
    assert_settled(folder)
