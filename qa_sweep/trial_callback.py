"""Tells the trial how its training goes, and learns from it whether to stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from qa_sweep.config import BestMetric
from qa_sweep.sweep.trial import TrialHandle


class TrialCallback(TrainerCallback):
    """Progress at each step, an intermediate value at each evaluation; `pruned` if stopped.

    A training that is to end leaves a checkpoint of its last step.
    """

    def __init__(self, handle: TrialHandle, metric: BestMetric) -> None:
        self._handle = handle
        self._metric = metric
        self.pruned = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._handle.saves_state = True

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> None:
        epochs = f"{state.epoch or 0:.1f}/{state.num_train_epochs:g}"
        self._handle.progress(state.global_step, state.max_steps, epoch=epochs)
        # A checkpoint of an epoch's last step would go on with the next, without the evaluation.
        is_within_epoch = bool((state.epoch or 0) % 1) and state.global_step < state.max_steps
        if is_within_epoch and self._handle.should_save():
            control.should_save = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._handle.should_save() and not self.pruned:
            self._handle.saved()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._handle.saves_state = False

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


@contextmanager
def living_by_batches(model: nn.Module, handle: TrialHandle) -> Iterator[None]:
    """While the body runs, each batch that the model computes is a sign of life.

    For evaluations, which make no steps; in a training such a hook would be compiled, too.
    """
    hook = model.register_forward_pre_hook(lambda *_: handle.sign_of_life())
    try:
        yield
    finally:
        hook.remove()
