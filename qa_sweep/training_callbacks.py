"""What watches a training, and when it is evaluated."""

import math
from collections.abc import Collection
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class EvaluationsWithinEpochs(TrainerCallback):
    """Asks for an evaluation and a checkpoint after some steps of each epoch.

    `n_steps` is the epoch's; at its end the Trainer evaluates without being asked.
    """

    def __init__(self, n_steps: int, steps: Collection[int]) -> None:
        self._n_steps = n_steps
        self._steps = frozenset(steps) - {0, n_steps}

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        is_due = state.global_step % self._n_steps in self._steps
        if is_due and state.global_step < state.max_steps:
            control.should_evaluate = control.should_save = True


class DivergenceWatch(TrainerCallback):
    """Stops a training whose loss has become infinite or not a number."""

    diverged_at: int | None = None
    loss: float = 0.0

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            self.diverged_at, self.loss = state.global_step, loss
            control.should_training_stop = True
            control.should_evaluate = control.should_save = False

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self.diverged_at is not None:  # the Trainer ends the epoch as if it had been trained
            control.should_evaluate = control.should_save = False
