"""Checkpoints whose bytes are no longer those that were written: the one before is used."""

import logging
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training_helpers import losses, make_trainer
from transformers import TrainerCallback

from qa_sweep.checkpoints import SEAL_FILE, Sealer, checkpoint_at, last_whole_checkpoint
from qa_sweep.errors import ModelError
from qa_sweep.training import ReaderTrainer, train

EPOCHS = 3
LAST, BEFORE = 16, 8  # steps of the checkpoints, one an epoch


class Interrupt(Exception):
    pass


class InterruptInLastEpoch(TrainerCallback):
    def on_step_end(self, args, state, control, **_) -> None:
        if state.global_step == LAST + 2:
            raise Interrupt


def flip(path: Path, place: int) -> None:
    """Flip one bit of a byte."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def make(checkpoints: Path) -> ReaderTrainer:
    assert checkpoints.name == "checkpoints"
    return make_trainer(checkpoints.parent, epochs=EPOCHS, batch_size=32, logging_steps=2)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> ReaderTrainer:
    trainer = make(tmp_path_factory.mktemp("undisturbed") / "checkpoints")
    train(trainer)
    return trainer


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory) -> Path:
    """Checkpoints of a training that was interrupted in its last epoch."""
    folder = tmp_path_factory.mktemp("interrupted") / "checkpoints"
    trainer = make(folder)
    trainer.add_callback(InterruptInLastEpoch())
    with pytest.raises(Interrupt):
        train(trainer)
    assert {path.name for path in folder.iterdir()} == {"checkpoint-8", "checkpoint-16"}
    return folder


@pytest.fixture
def checkpoints(interrupted, tmp_path) -> Path:
    shutil.copytree(interrupted, tmp_path / "checkpoints")
    return tmp_path / "checkpoints"


def warnings_of(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def test_one_flipped_bit_in_any_file_of_a_checkpoint_sends_to_the_one_before(
    interrupted, tmp_path, caplog
) -> None:
    names = sorted(path.name for path in checkpoint_at(interrupted, LAST).iterdir())
    assert {"model.safetensors", "optimizer.pt", "rng_state.pth", SEAL_FILE} <= set(names)
    for name in names:
        size = (checkpoint_at(interrupted, LAST) / name).stat().st_size
        for place in {0, size // 2, size - 2, random.Random(name).randrange(size - 1)}:
            folder = tmp_path / f"{name}-{place}"
            shutil.copytree(interrupted, folder)
            damaged = checkpoint_at(folder, LAST) / name
            flip(damaged, place)
            caplog.clear()
            assert last_whole_checkpoint(folder) == checkpoint_at(folder, BEFORE), damaged
            (warning,) = warnings_of(caplog)
            assert str(checkpoint_at(folder, LAST)) in warning
            assert not checkpoint_at(folder, LAST).exists()
            shutil.rmtree(folder)


def test_a_training_goes_on_from_the_one_before_to_the_same_numbers(
    undisturbed, checkpoints, caplog
) -> None:
    weights = checkpoint_at(checkpoints, LAST) / "model.safetensors"
    flip(weights, weights.stat().st_size - 5)
    trainer = make(checkpoints)
    train(trainer)
    assert losses(trainer) == losses(undisturbed)
    assert trainer.best.metrics == undisturbed.best.metrics
    (warning,) = warnings_of(caplog)
    assert warning == (
        f"{weights} must be as it was written, but has another checksum; "
        "the training goes on from an earlier checkpoint"
    )


def test_a_damaged_best_checkpoint_is_made_again(undisturbed, checkpoints) -> None:
    """It would be loaded in the end, so a training that knows of none better cannot go on."""
    for step in (BEFORE, LAST):
        flip(checkpoint_at(checkpoints, step) / "model.safetensors", 4000)
    trainer = make(checkpoints)
    train(trainer)
    assert losses(trainer) == losses(undisturbed)
    assert trainer.best.metrics == undisturbed.best.metrics


def test_a_best_checkpoint_that_is_damaged_as_it_is_needed_is_refused_by_name(tmp_path) -> None:
    class DamageEach(TrainerCallback):
        def on_save(self, args, state, control, **_) -> None:
            trainer.sealer.wait()
            flip(checkpoint_at(checkpoints, state.global_step) / "model.safetensors", 4000)

    checkpoints = tmp_path / "checkpoints"
    trainer = make(checkpoints)
    trainer.add_callback(DamageEach())
    with pytest.raises(ModelError, match=r"model.safetensors must be as it was written"):
        train(trainer)


def test_a_training_that_was_moved_ends_with_its_best_model(
    undisturbed, checkpoints, interrupted
) -> None:
    """The Trainer's own record names the best checkpoint by the folder's earlier path."""
    assert str(interrupted) in (checkpoint_at(checkpoints, LAST) / "trainer_state.json").read_text()
    trainer = make(checkpoints)
    train(trainer)
    assert losses(trainer) == losses(undisturbed)
    assert trainer.evaluate_now().metrics == undisturbed.best.metrics
    assert trainer.state.best_model_checkpoint.startswith(str(checkpoints))


def seal_some(folder: Path, best_steps: Sequence[int]) -> None:
    """Make a checkpoint for each step from 1, each with the step of the best one until then."""
    sealer = Sealer()
    for step, best_step in enumerate(best_steps, start=1):
        checkpoint = checkpoint_at(folder, step)
        with sealer.sealing(checkpoint, best_step):
            checkpoint.mkdir(parents=True)
            (checkpoint / "weights").write_text(str(step))
    sealer.wait()


def steps_in(folder: Path) -> set[int]:
    return {int(path.name.removeprefix("checkpoint-")) for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("best_steps", "kept"),
    [
        ([1], {1}),
        ([1, 1, 1], {1, 2, 3}),
        ([1, 1, 1, 1], {1, 3, 4}),
        ([1, 2, 3, 4], {3, 4}),
        ([1, 1, 1, 4], {1, 3, 4}),  # the first is the best one until the third
        ([1, 1, 1, 4, 4], {4, 5}),
        ([1, 1, 1, 4, 4, 4], {4, 5, 6}),
    ],
)
def test_the_last_two_checkpoints_are_kept_and_the_best_until_either(
    best_steps, kept, tmp_path
) -> None:
    seal_some(tmp_path, best_steps)
    assert steps_in(tmp_path) == kept


@given(are_better=st.lists(st.booleans(), min_size=1, max_size=6))
@settings(max_examples=15)
def test_when_the_last_one_is_damaged_the_one_before_can_be_used(
    are_better, tmp_path_factory
) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    best_steps = [1]
    for step, is_better in enumerate(are_better, start=2):
        best_steps.append(step if is_better else best_steps[-1])
    seal_some(folder, best_steps)
    assert len(steps_in(folder)) <= 3
    last = len(best_steps)
    flip(checkpoint_at(folder, last) / "weights", 0)
    assert last_whole_checkpoint(folder) == checkpoint_at(folder, last - 1)


def test_a_checkpoint_that_fails_to_be_written_is_not_left(tmp_path) -> None:
    def write_half(checkpoint: Path) -> None:
        with Sealer().sealing(checkpoint, 1):
            checkpoint.mkdir()
            (checkpoint / "weights").touch()
            raise Interrupt

    seal_some(tmp_path, [1, 1])
    with pytest.raises(Interrupt):
        write_half(checkpoint_at(tmp_path, 3))
    assert steps_in(tmp_path) == {1, 2}


def test_where_no_checkpoint_is_whole_there_is_none(tmp_path, caplog) -> None:
    seal_some(tmp_path, [1, 1, 1])
    for step in (1, 2, 3):
        (checkpoint_at(tmp_path, step) / "weights").unlink()
    assert last_whole_checkpoint(tmp_path) is None
    assert len(warnings_of(caplog)) == 3
    assert "cannot be read (No such file or directory)" in warnings_of(caplog)[0]
