"""Power cuts: each file of a sweep is cut at every byte of its end, and the sweep goes on."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import environment, run
from cut_database import has_all_trials, with_journal_cut
from cut_helpers import (
    FINISHED,
    INTERRUPTED,
    LOGS,
    MODEL,
    N_TAIL,
    SPOOL,
    assert_cuts,
    assert_each_has_one,
    files_in,
    matching,
)
from sweep_law import assert_as_undisturbed

from qa_sweep.checkpoints import SEAL_FILE
from qa_sweep.errors import StudyError
from qa_sweep.sweep.storage import open_storage

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

SWEEP = [
    "-m",
    "qa_sweep",
    "-m",
    "data.n_train=64",
    "data.n_eval=16",
    "trainer.epochs=8",
    "trainer.batch_size=16,32",
    "trainer.learning_rate=0.004",
    "hydra.sweeper.study_name=cut",
]
OF_FINISHED = {**FINISHED, **LOGS}
OF_INTERRUPTED = {**INTERRUPTED, **LOGS, **SPOOL}


def swept(folder: Path) -> None:
    finished = run(SWEEP, folder)
    assert finished.returncode == 0, finished.stderr


def bundled(folder: Path) -> None:
    words = ["-m", "qa_sweep.champion", "--to", "bundle", "--no-check"]
    finished = run(words, folder)
    assert finished.returncode == 0, finished.stderr


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    """A sweep, and the bundle of its best model."""
    folder: Path = tmp_path_factory.mktemp("undisturbed")
    swept(folder)
    bundled(folder)
    return folder


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory) -> Path:
    """A sweep that was killed when its second trial had two checkpoints."""
    folder: Path = tmp_path_factory.mktemp("interrupted")
    seals = f"results/cut/1/checkpoints/*/{SEAL_FILE}"
    with subprocess.Popen([sys.executable, *SWEEP], cwd=folder, env=environment()) as sweep:
        while len([*folder.glob(seals)]) < 2:
            assert sweep.poll() is None
            time.sleep(0.01)
        sweep.send_signal(signal.SIGKILL)
    return folder


@pytest.fixture
def copied(tmp_path) -> Callable[[Path], Path]:
    """Copies the folder of a sweep, to be cut."""
    return lambda folder: Path(shutil.copytree(folder, tmp_path / "copy", symlinks=True))


def test_each_file_of_a_run_has_an_expectation(undisturbed, interrupted) -> None:
    for number in (0, 1):
        assert_each_has_one(files_in(undisturbed / f"results/cut/{number}"), OF_FINISHED)
    assert_each_has_one(files_in(interrupted / "results/cut/1"), OF_INTERRUPTED)


@pytest.mark.parametrize("pattern", OF_FINISHED)
def test_a_file_of_a_finished_run_that_was_cut_anywhere(pattern, undisturbed, copied) -> None:
    folder = copied(undisturbed) / "results/cut/0"
    for name in matching(files_in(folder), pattern):
        assert_cuts(folder, name, OF_FINISHED[pattern], thoroughly=True)


@pytest.mark.parametrize("pattern", OF_INTERRUPTED)
def test_a_file_of_an_interrupted_run_that_was_cut_anywhere(pattern, interrupted, copied) -> None:
    folder = copied(interrupted) / "results/cut/1"
    for name in matching(files_in(folder), pattern):
        assert_cuts(folder, name, OF_INTERRUPTED[pattern], thoroughly=True)


@pytest.mark.parametrize("pattern", MODEL)
def test_a_file_of_a_bundle_that_was_cut_anywhere(pattern, undisturbed, copied) -> None:
    folder = copied(undisturbed) / "bundle"
    for name in matching(files_in(folder), pattern):
        assert_cuts(folder, name, MODEL[pattern], thoroughly=False)


@contextmanager
def made_again(path: Path):
    whole = path.read_bytes()
    yield whole
    assert path.read_bytes() == whole


def test_what_a_command_writes_in_the_end_it_writes_again(undisturbed, copied) -> None:
    folder = copied(undisturbed)
    for name, command in (("results/cut/best.yaml", swept), ("bundle/champion.json", bundled)):
        with made_again(folder / name) as whole:
            for size in (len(whole) - 1, len(whole) // 2, 0):
                (folder / name).write_bytes(whole[:size])
                command(folder)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_what_nobody_needs_is_not_missed(undisturbed, copied) -> None:
    folder = copied(undisturbed)
    before = said_of(folder)
    for pattern in (*LOGS, "model/README.md"):
        for path in folder.glob(f"results/cut/*/{pattern}"):
            halve(path)
    assert said_of(folder) == before
    bundled(folder)
    swept(folder)


def said_of(folder: Path) -> list[str]:
    return [run(["-m", f"qa_sweep.{name}"], folder).stdout for name in ("report", "doctor")]


def test_a_sweep_goes_on_whose_open_files_have_all_lost_their_end(
    undisturbed, interrupted, copied
) -> None:
    """Those of the trial at work, its last checkpoint among them, and its lease."""
    folder = copied(interrupted)
    last = max(folder.glob(f"results/cut/1/checkpoints/*/{SEAL_FILE}"), key=step_of).parent
    for pattern in (*LOGS, *SPOOL):
        for path in folder.glob(f"results/cut/1/{pattern}"):
            halve(path)
    for path in (*last.iterdir(), *folder.glob("results/.studies/cut/*.json")):
        halve(path)
    swept(folder)
    assert_as_undisturbed(folder, undisturbed)


def step_of(seal: Path) -> int:
    return int(seal.parent.name.partition("-")[2])


def test_a_studys_database_that_was_cut_anywhere_is_refused_by_name(undisturbed, copied) -> None:
    path = copied(undisturbed) / "results/studies.db"
    whole = path.read_bytes()
    for n_bytes in [*range(1, 60), len(whole) // 2]:
        path.write_bytes(whole[: len(whole) - n_bytes])
        with pytest.raises(StudyError, match=f"{path} must be a database of studies"):
            open_storage(f"sqlite:///{path}")


def test_a_transactions_journal_that_was_cut_anywhere_loses_no_trial(tmp_path) -> None:
    for path in with_journal_cut(tmp_path, range(1, N_TAIL), is_spilled=False):
        assert has_all_trials(path)
