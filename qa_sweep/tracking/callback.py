"""Hands what a Hugging Face Trainer reports to a tracker.

transformers' own callback for Aim is not used: it gives step losses no subset, guesses names by
their longest common substring, and closes the run before the texts come.
"""

import atexit
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import (
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from qa_sweep.config import TrackingConfig
from qa_sweep.tracking.open import open_tracker
from qa_sweep.tracking.tracker import Outcome, RunTracker, Subset

TRAIN_METRICS = ("loss", "learning_rate", "grad_norm")
EVAL_PREFIX = "eval_"
SPEED_SUFFIXES = ("_runtime", "_per_second", "_time")
HPARAMS = {  # name shown -> name in TrainingArguments
    "learning_rate": "learning_rate",
    "batch_size": "per_device_train_batch_size",
    "eval_batch_size": "per_device_eval_batch_size",
    "epochs": "num_train_epochs",
    "max_steps": "max_steps",
    "weight_decay": "weight_decay",
    "seed": "seed",
}


class AimCallback(TrainerCallback):
    """Tracks losses under subset "train" and evaluations under subset "eval".

    With a `tracker`, whoever opened it closes it. Without one, for a Trainer script of one's own,
    the callback opens a run with the first training or evaluation, one run a training; evaluations
    after a training go to its run. `close` ends the run; without that call it ends with the next
    training or the program, and is complete only if its training ended and nothing crashed since.
    """

    def __init__(
        self,
        repo: str = ".",
        experiment: str | None = None,
        *,
        tracker: RunTracker | None = None,
    ) -> None:
        self._config = TrackingConfig(repo=str(repo), experiment=experiment)
        self._given = tracker is not None
        self._tracker = tracker
        self._training = False

    @property
    def tracker(self) -> RunTracker | None:
        """The run's tracker, e.g. for `track_questions`; None before the first training."""
        return self._tracker

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        if self._given or not state.is_world_process_zero:
            return
        if self._tracker is not None:
            self.close()
        self._open(args, kwargs.get("model"))
        self._training = True

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        self._training = False

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        metrics = {name: logs[name] for name in TRAIN_METRICS if name in logs} if logs else {}
        self._track(state, metrics, Subset.train)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if self._tracker is None and state.is_world_process_zero:
            self._open(args, kwargs.get("model"))
        self._track(state, eval_metrics(metrics or {}), Subset.eval)

    def close(self, outcome: Outcome | None = None, error: str | None = None) -> None:
        """Close the run that the callback opened; a given tracker is left to its owner.

        Without `outcome`, a training that did not end has failed, or was interrupted by Ctrl-C.
        """
        if self._given or self._tracker is None:
            return
        atexit.unregister(self.close)
        self._tracker.close(outcome or self._outcome(), error)
        self._tracker = None
        self._training = False

    def _track(self, state: TrainerState, metrics: Mapping[str, float], subset: Subset) -> None:
        if metrics and self._tracker is not None and state.is_world_process_zero:
            step, epoch = state.global_step, state.epoch
            self._tracker.track(metrics, step=step, epoch=epoch, subset=subset)

    def _open(self, args: TrainingArguments, model: PreTrainedModel | None) -> None:
        self._tracker = open_tracker(
            self._config,
            experiment=self._config.experiment or "default",
            run_name=args.run_name or Path(str(args.output_dir)).name,
            folder=Path(str(args.output_dir)),
        )
        self._tracker.set_params(params_of(args, model))
        atexit.register(self.close)

    def _outcome(self) -> Outcome:
        # set by the interpreter when an exception ended the program, before atexit's hooks run
        crash = getattr(sys, "last_type", None)
        if not self._training and crash is None:
            return Outcome.complete
        interrupted = crash is not None and issubclass(crash, KeyboardInterrupt)
        return Outcome.interrupted if interrupted else Outcome.failed


def eval_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics of an evaluation without their prefix, and without those of its speed."""
    return {
        name.removeprefix(EVAL_PREFIX): value
        for name, value in metrics.items()
        if name.startswith(EVAL_PREFIX) and not name.endswith(SPEED_SUFFIXES)
    }


def params_of(args: TrainingArguments, model: PreTrainedModel | None) -> dict[str, object]:
    """The params that a Trainer script of one's own is known by."""
    params: dict[str, object] = {
        "hparams": {shown: getattr(args, name) for shown, name in HPARAMS.items()}
    }
    if model is not None:
        params["model"] = {
            "name": model.config._name_or_path or model.config.model_type,
            "n_parameters": model.num_parameters(),
        }
    return params
