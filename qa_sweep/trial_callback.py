"""Tells the trial how its training goes, and learns from it whether to stop."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from qa_sweep.config import BestMetric
from qa_sweep.sweep.trial import TrialHandle


class TrialCallback(TrainerCallback):
    """Progress at each step, an intermediate value at each evaluation; `pruned` if stopped."""

    def __init__(self, handle: TrialHandle, metric: BestMetric) -> None:
        self._handle = handle
        self._metric = metric
        self.pruned = False

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> None:
        epochs = f"{state.epoch or 0:.1f}/{state.num_train_epochs:g}"
        self._handle.progress(state.global_step, state.max_steps, epoch=epochs)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        if logs and "loss" in logs:
            self._handle.progress(state.global_step, state.max_steps, loss=logs["loss"])

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        evaluated = {name.removeprefix("eval_"): value for name, value in (metrics or {}).items()}
        shown = {self._metric.value: evaluated[self._metric.value]}
        self._handle.progress(state.global_step, state.max_steps, **shown)
        # Counted in evaluations: steps of trials with unlike batch sizes do not compare.
        n_evaluations = sum("eval_loss" in entry for entry in state.log_history)
        self._handle.report(evaluated, n_evaluations)
        if self._handle.should_prune():
            self.pruned = True
            control.should_training_stop = True

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self.pruned:  # the Trainer ends the epoch as if it had been trained through
            control.should_evaluate = control.should_save = False
