"""Files that are written whole or not at all: on disk before anything says that they are there."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from conftest import environment

from qa_sweep import job
from qa_sweep.checkpoints import SEAL_FILE, Sealer, checkpoint_at
from qa_sweep.config import EmbeddedData, RunConfig, TinyModel, Tracker, TrackingConfig
from qa_sweep.files import remove_unfinished
from qa_sweep.sweep.trial import TrialHandle

WRITE = """
import sys
from pathlib import Path
from qa_sweep.files import write_text
for number in range(10**6):
    write_text(Path(sys.argv[1]), str(number % 10) * 300_000)
"""


def test_a_writer_that_is_killed_leaves_the_old_file_or_the_new_one(tmp_path) -> None:
    path = tmp_path / "file"
    for _ in range(10):
        command = [sys.executable, "-c", WRITE, str(path)]
        process = subprocess.Popen(command, env=environment())
        while process.poll() is None and not path.exists():
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        content = path.read_text()
        assert content == content[0] * 300_000
    remove_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_left_unfinished_is_told_from_what_is_not(tmp_path) -> None:
    for name in (".hydra", ".model.x1_y2z3a"):
        (tmp_path / name).mkdir()
    for name in ("model.x1_y2z3a", ".result.json.x1_y2z3a", ".result.json"):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        ".hydra",
        "model.x1_y2z3a",
        ".result.json",
    }
    remove_unfinished(tmp_path / "nothing")


def test_all_of_a_checkpoint_is_on_disk_before_its_seal_and_before_an_older_one_goes(
    tmp_path, monkeypatch
) -> None:
    synced: list[tuple[str, bool, int]] = []
    sync = os.fsync

    def sync_and_note(descriptor: int) -> None:
        sync(descriptor)
        name = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
        n_checkpoints = len(list(tmp_path.iterdir()))
        synced.append((name, (tmp_path / "checkpoint-4" / SEAL_FILE).exists(), n_checkpoints))

    def write(step: int) -> None:
        checkpoint = checkpoint_at(tmp_path, step)
        with sealer.sealing(checkpoint, best_step=step):
            checkpoint.mkdir()
            for name in ("optimizer", "weights"):
                (checkpoint / name).write_text(str(step))
        sealer.wait()

    sealer = Sealer()
    for step in (1, 2, 3):
        write(step)
    monkeypatch.setattr(os, "fsync", sync_and_note)
    write(4)
    (first, second, seal_file, *folders) = synced
    assert [first, second] == [("optimizer", False, 3), ("weights", False, 3)]
    assert seal_file[0].startswith(f".{SEAL_FILE}")
    assert folders == [("checkpoint-4", True, 3), (tmp_path.name, True, 3)]
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-3", "checkpoint-4"}


def test_all_of_a_model_is_on_disk_before_the_result_says_that_it_is(tmp_path, monkeypatch) -> None:
    synced: dict[str, bool] = {}
    sync = os.fsync

    def sync_and_note(descriptor: int) -> None:
        sync(descriptor)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        synced[str(path.relative_to(tmp_path))] = (tmp_path / "run" / "result.json").exists()

    monkeypatch.setattr(os, "fsync", sync_and_note)
    config = RunConfig(
        model=TinyModel(vocabulary_size=200),
        data=EmbeddedData(n_train=16, n_eval=8),
        tracking=TrackingConfig(tracker=Tracker.off),
    )
    job.run(config, tmp_path / "run", TrialHandle())
    for path in (tmp_path / "run" / "model").iterdir():
        if path.name != "README.md":  # written whole by itself
            assert synced[str(path.relative_to(tmp_path))] is False
    assert synced["run/model"] is False
