"""The callback, in a real Trainer of a tiny model."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from tracking_helpers import empty_repo, only_run, repo

from qa_sweep.tracking import (
    AimCallback,
    AnsweredQuestion,
    NullTracker,
    Outcome,
    Subset,
    read_runs,
)
from qa_sweep.tracking.settling import settle, unsettled

__all__ = ["empty_repo", "repo"]  # fixtures


class Recorder(NullTracker):
    """A tracker that remembers; stands for another tracker behind the same interface."""

    def __init__(self) -> None:
        self.tracked: list[tuple] = []
        self.outcomes: list[Outcome] = []

    def track(
        self, metrics: Mapping[str, float], *, step: int, epoch: float | None, subset: Subset
    ) -> None:
        self.tracked.append((dict(metrics), step, subset))

    def close(self, outcome: Outcome, error: str | None = None) -> None:
        self.outcomes.append(outcome)


@pytest.fixture(scope="module")
def make_trainer(tmp_path_factory):
    import torch
    from transformers import BertConfig, BertForQuestionAnswering, Trainer, TrainingArguments

    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 8}
    config = BertConfig(vocab_size=20, intermediate_size=8, max_position_embeddings=8, **sizes)
    rows = [
        {"input_ids": [1, 2, 3, n % 20], "start_positions": n % 4, "end_positions": n % 4}
        for n in range(8)
    ]

    def make(callback, **settings) -> Trainer:
        folder = tmp_path_factory.mktemp("trainer")
        arguments = TrainingArguments(
            output_dir=str(folder / "tiny-run"),
            per_device_train_batch_size=4,
            max_steps=4,
            learning_rate=1e-2,
            logging_steps=1,
            eval_strategy="steps",
            eval_steps=2,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        return Trainer(
            BertForQuestionAnswering(config),
            arguments,
            train_dataset=rows,
            eval_dataset=rows,
            compute_metrics=lambda prediction: {"exact_match": 12.5, "HasAns_f1": 25.0},
            callbacks=[callback],
            **settings,
        )

    return make


def test_callback_tracks_a_trainer_under_train_and_eval(repo, make_trainer):
    callback = AimCallback(repo=str(repo), experiment="tutorial")
    trainer = make_trainer(callback)
    trainer.train()
    trainer.evaluate()
    assert callback.tracker is not None
    callback.tracker.track_questions([AnsweredQuestion("q", "c", "a")])
    callback.close()
    run = only_run(repo)
    steps = {key: [step for step, _, _ in points] for key, points in run.metrics.items()}
    assert steps == {
        ("loss", "train"): [1, 2, 3, 4],
        ("learning_rate", "train"): [1, 2, 3, 4],
        ("grad_norm", "train"): [1, 2, 3, 4],
        ("loss", "eval"): [2, 4],
        ("exact_match", "eval"): [2, 4],
        ("HasAns_f1", "eval"): [2, 4],
    }
    assert run.metrics["exact_match", "eval"][-1] == (4, 2.0, 12.5)
    assert (run.name, run.experiment, run.status) == ("tiny-run", "tutorial", "complete")
    assert run.params["hparams"]["batch_size"] == 4
    assert len(run.texts) == 2


def test_each_training_of_a_callback_is_a_run_and_a_crashed_one_has_failed(repo, make_trainer):
    callback = AimCallback(repo=str(repo))
    trainer = make_trainer(callback)
    trainer.eval_dataset = [{"input_ids": [1]}, {"input_ids": "crash"}]
    with pytest.raises(TypeError, match="invalid data type"):
        trainer.train()
    make_trainer(callback).train()
    callback.close()
    assert [run.status for run in read_runs(str(repo))] == ["failed", "complete"]


def test_a_training_whose_repo_cannot_be_written_is_the_same_and_is_written_later(
    repo, make_trainer, caplog
):
    untracked = make_trainer(AimCallback(tracker=NullTracker()))
    untracked.train()
    version = (repo / ".aim" / "VERSION").read_text()
    (repo / ".aim" / "VERSION").write_text("99.0")
    callback = AimCallback(repo=str(repo))
    trainer = make_trainer(callback)
    trainer.train()
    callback.close()
    assert timeless(trainer.state.log_history) == timeless(untracked.state.log_history)
    assert ["tracking is off" in message for message in caplog.messages] == [True]

    (repo / ".aim" / "VERSION").write_text(version)
    (waiting,) = unsettled(Path(trainer.args.output_dir).parent)
    assert settle(waiting, Outcome.failed)
    run = only_run(repo)
    assert run.status == "complete"
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert [value for _, _, value in run.metrics["loss", "train"]] == losses


def timeless(history: list[dict]) -> list[dict]:
    """What is logged of a training, but how long it took."""
    names = ("runtime", "per_second")
    return [
        {name: value for name, value in entry.items() if not name.endswith(names)}
        for entry in history
    ]


def test_callback_leaves_a_given_tracker_open(make_trainer):
    recorder = Recorder()
    callback = AimCallback(tracker=recorder)
    make_trainer(callback).train()
    callback.close()
    assert recorder.outcomes == []
    assert {subset for _, _, subset in recorder.tracked} == {Subset.train, Subset.eval}


def test_callback_tracks_on_process_zero_only(tmp_path, make_trainer):
    recorder = Recorder()
    callback = AimCallback(tracker=recorder)
    trainer = make_trainer(callback)
    trainer.state.is_world_process_zero = False
    callback.on_log(trainer.args, trainer.state, trainer.control, logs={"loss": 1.0})
    callback.on_evaluate(trainer.args, trainer.state, trainer.control, metrics={"eval_f1": 1.0})
    own = AimCallback(repo=str(tmp_path))
    own.on_train_begin(trainer.args, trainer.state, trainer.control)
    assert recorder.tracked == []
    assert own.tracker is None
    assert list(tmp_path.iterdir()) == []
