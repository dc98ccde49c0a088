"""A training that is told to stop leaves a checkpoint of its last step, and goes on bit by bit."""

from pathlib import Path

import pytest
import torch
from training_helpers import DATA, EVALUATION, MODEL, losses, make_trainer

from qa_sweep.checkpoints import last_whole_checkpoint
from qa_sweep.config import BestMetric
from qa_sweep.data import load_examples
from qa_sweep.evaluation import evaluate
from qa_sweep.model import make_reader
from qa_sweep.prepared import prepare_splits
from qa_sweep.sweep.trial import TrialHandle
from qa_sweep.training import ReaderTrainer, train
from qa_sweep.trial_callback import TrialCallback, living_by_batches

N_STEPS_AN_EPOCH = 16  # of batches of 16


class Stopped(BaseException):
    """What a signal would raise."""


class StoppedAt(TrialHandle):
    """A handle whose job is to end from a step on."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self._step = step

    def should_save(self) -> bool:
        return self.saves_state and self.latest.step >= self._step

    def saved(self) -> None:
        raise Stopped


def trained(folder: Path, handle: TrialHandle, **settings) -> ReaderTrainer:
    trainer = make_trainer(folder, batch_size=16, **settings)
    trainer.add_callback(TrialCallback(handle, BestMetric.f1))
    train(trainer)
    return trainer


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> ReaderTrainer:
    return trained(tmp_path_factory.mktemp("undisturbed"), TrialHandle())


def state_of(trainer: ReaderTrainer) -> dict[str, torch.Tensor]:
    return trainer.model.state_dict()


@pytest.mark.parametrize(
    ("step", "saved_at"),
    [(5, 5), (N_STEPS_AN_EPOCH, N_STEPS_AN_EPOCH), (N_STEPS_AN_EPOCH + 4, N_STEPS_AN_EPOCH + 4)],
)
def test_a_training_stopped_at_any_step_goes_on_to_the_same_end(
    step, saved_at, undisturbed, tmp_path
) -> None:
    with pytest.raises(Stopped):
        trained(tmp_path, StoppedAt(step))
    checkpoint = last_whole_checkpoint(tmp_path / "checkpoints")
    assert checkpoint is not None
    assert checkpoint.name == f"checkpoint-{saved_at}"
    resumed = trained(tmp_path, TrialHandle())
    here, there = state_of(resumed), state_of(undisturbed)
    assert all(torch.equal(here[name], there[name]) for name in there)
    assert resumed.best.metrics == undisturbed.best.metrics
    assert [e["eval_f1"] for e in resumed.state.log_history if "eval_f1" in e] == [
        e["eval_f1"] for e in undisturbed.state.log_history if "eval_f1" in e
    ]
    assert losses(resumed)[-1] == losses(undisturbed)[-1]


def test_a_pruned_training_ends_as_pruned_though_it_is_told_to_stop(tmp_path) -> None:
    class Pruned(StoppedAt):
        def should_prune(self) -> bool:
            return True

    trainer = trained(tmp_path, Pruned(N_STEPS_AN_EPOCH // 2), evaluations_per_epoch=2)
    assert trainer.state.global_step == N_STEPS_AN_EPOCH // 2


def test_each_batch_of_an_evaluation_is_a_sign_of_life() -> None:
    prepared = prepare_splits(MODEL, DATA, load_examples(DATA))
    reader = make_reader(MODEL, prepared.tokenizer, DATA.max_length, seed=1)
    n_signs = 0

    class Handle(TrialHandle):
        def sign_of_life(self) -> None:
            nonlocal n_signs
            n_signs += 1

    split = prepared.held_out
    with living_by_batches(reader.model, Handle()):
        evaluate(reader, split.windows, split.examples, EVALUATION)
    n_batches = -(-len(split.windows) // EVALUATION.batch_size)
    assert n_signs == n_batches
    evaluate(reader, split.windows, split.examples, EVALUATION)
    assert n_signs == n_batches
