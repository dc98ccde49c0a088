"""A full disk: one line says so, nothing is half-written or lost, and there is a way on."""

import shutil
from pathlib import Path

import pytest
from disks import Mount, leave_room, mount, remount
from training_helpers import losses, make_trainer
from transformers import TrainerCallback

from qa_sweep import job, training
from qa_sweep.checkpoints import last_whole_checkpoint
from qa_sweep.config import (
    EmbeddedData,
    RunConfig,
    TinyModel,
    Tracker,
    TrackingConfig,
    TrainerConfig,
)
from qa_sweep.disk import DiskFull
from qa_sweep.files import write_text
from qa_sweep.run_record import RunRecord
from qa_sweep.sweep.trial import TrialHandle
from qa_sweep.training import ReaderTrainer, train

__all__ = ["mount"]  # a fixture

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]

LARGE = "size=60m"
STEPS_OF_EPOCH = 8
CONFIG = RunConfig(
    model=TinyModel(vocabulary_size=200),
    data=EmbeddedData(n_train=32, n_eval=8),
    trainer=TrainerConfig(epochs=3),
    tracking=TrackingConfig(tracker=Tracker.off),
)


class LeaveRoom(TrainerCallback):
    """Leaves room on a disk for a share of a checkpoint once the first one is there."""

    def __init__(self, trainer: ReaderTrainer, disk: Path, share: float) -> None:
        self._trainer = trainer
        self._disk = disk
        self._share = share

    def on_save(self, args, state, control, **_) -> None:
        self._trainer.sealer.wait()
        if state.global_step == STEPS_OF_EPOCH:
            used_kib = shutil.disk_usage(self._disk).used // 1024
            leave_room(self._disk, int(self._share * used_kib))


def make(folder: Path) -> ReaderTrainer:
    return make_trainer(folder, epochs=3, batch_size=32, logging_steps=2)


def is_one_line(error: DiskFull, folder: Path) -> bool:
    text = str(error)
    return "\n" not in text and text.startswith(str(folder)) and "make room" in text


def unfinished(folder: Path) -> list[Path]:
    return list(folder.rglob(".*.????????"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> ReaderTrainer:
    trainer = make(tmp_path_factory.mktemp("undisturbed"))
    train(trainer)
    return trainer


@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.3, 0.6, 0.9, 0.99])
def test_wherever_in_a_checkpoint_the_disk_is_full_the_one_before_is_whole(
    share, tmp_path, mount: Mount, undisturbed
) -> None:
    disk = mount(tmp_path / "disk", "60m")
    trainer = make(disk)
    trainer.add_callback(LeaveRoom(trainer, disk, share))
    with pytest.raises(DiskFull) as caught:
        train(trainer)
    assert is_one_line(caught.value, disk / "checkpoints")
    assert {path.name for path in (disk / "checkpoints").iterdir()} == {"checkpoint-8"}
    assert last_whole_checkpoint(disk / "checkpoints") is not None

    remount(disk, LARGE)
    again = make(disk)
    train(again)
    assert losses(again) == losses(undisturbed)
    assert again.best.metrics == undisturbed.best.metrics


def kib_of(file: Path) -> int:
    """What it takes in blocks of 4 KiB."""
    return 4 * -(-file.stat().st_size // 4096) if file.is_file() else 0


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    job.run(CONFIG, folder, TrialHandle())
    return folder


@pytest.mark.parametrize("missing_kib", [4, 12, 24, 40, 100, 200])
def test_wherever_in_a_runs_files_the_disk_is_full_the_same_run_goes_on(
    missing_kib, tmp_path, mount: Mount, whole_run, monkeypatch
) -> None:
    """What a run leaves takes so much room, of which so little is missing."""
    disk = mount(tmp_path / "disk", "60m")
    needed_kib = sum(map(kib_of, [*whole_run.glob("*"), *whole_run.glob("model/*")]))
    train_all = training.train

    def train_and_leave_room(trainer: ReaderTrainer) -> None:
        train_all(trainer)
        leave_room(disk, needed_kib - missing_kib)

    monkeypatch.setattr(training, "train", train_and_leave_room)
    with pytest.raises(DiskFull) as caught:
        job.run(CONFIG, disk / "run", TrialHandle())
    assert is_one_line(caught.value, disk / "run")
    assert not (disk / "run" / "result.json").exists()
    assert unfinished(disk) == []

    monkeypatch.undo()
    remount(disk, LARGE)
    job.run(CONFIG, disk / "run", TrialHandle())
    assert RunRecord.read(disk / "run").metrics == RunRecord.read(whole_run).metrics
    names = {path.relative_to(disk / "run") for path in (disk / "run").rglob("*")}
    assert names == {path.relative_to(whole_run) for path in whole_run.rglob("*")}


def test_a_file_for_which_there_is_no_room_is_not_begun_and_the_old_one_stays(
    tmp_path, mount: Mount
) -> None:
    disk = mount(tmp_path / "disk", "1m")
    write_text(disk / "file", "old")
    with pytest.raises(DiskFull) as caught:
        write_text(disk / "file", "new" * 2**20)
    assert is_one_line(caught.value, disk)
    assert (disk / "file").read_text() == "old"
    assert [path.name for path in disk.iterdir()] == ["file"]


def test_an_error_that_has_nothing_to_do_with_room_stays_what_it_is(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        write_text(tmp_path / "file" / "name", "")
