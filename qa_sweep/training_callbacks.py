"""What watches a training, and when it is evaluated."""

import math
from collections import deque
from collections.abc import Collection
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

# A loss has exploded that is so many times as high as it should be, for so many steps in a row.
_TIMES = 3
_N_STEPS = 5


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


class DivergenceWatch(TrainerCallback, ExportableState):
    """Stops a training whose loss is no number or has exploded; `reason` says which, and when.

    A loss has exploded that was three times as high as the loss of knowing nothing, for which all
    `n_tokens` of a window are equally likely, and as this training's first, at each of five steps
    in a row. A new head begins at about the former, and a reader that is sure of what is wrong here
    at the latter; warm-up leads down from there; a spike does not last.

    Gradients are not asked: where their norm is no number, nor is the next loss, and with fp16 an
    infinite norm is how the scale is found.

    Checkpoints keep what it has seen: a training that goes on is judged as if it had not ended.
    """

    def __init__(self, n_tokens: int) -> None:
        self.reason: str | None = None
        self._ignorance = math.log(n_tokens)
        self._limit: float | None = None
        self._n_above = 0  # steps in a row
        self._latest: torch.Tensor | None = None
        self._arriving: deque[_Arriving] = deque()

    def see(self, loss: torch.Tensor) -> None:
        """Take the loss of a step, which nobody waits for."""
        self._latest = loss

    def state(self) -> dict[str, Any]:
        """What the Trainer writes to a checkpoint."""
        self._judge_all()
        return {"args": {}, "attributes": {"limit": self._limit, "n_above": self._n_above}}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        # An earlier version's checkpoint has nothing of it, and the Trainer wants it there.
        kept = state.stateful_callbacks.setdefault(type(self).__name__, self.state())
        self._limit, self._n_above = kept["attributes"]["limit"], kept["attributes"]["n_above"]

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._latest is not None:
            self._arriving.append(_Arriving(state.global_step, self._latest))
        while self._arriving and self._arriving[0].is_there:
            self._judge(self._arriving.popleft())
        self._stop(control)

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._judge_all()
        self._stop(control)  # the Trainer ends the epoch as if it had been trained through

    def _judge_all(self) -> None:
        while self._arriving:
            self._judge(self._arriving.popleft())

    def _judge(self, arrived: "_Arriving") -> None:
        loss, step = arrived.wait(), arrived.step
        if self._limit is None:
            self._limit = _TIMES * max(self._ignorance, loss)
        self._n_above = self._n_above + 1 if loss > self._limit else 0
        if not math.isfinite(loss):
            self.reason = self.reason or f"the loss was {loss} at step {step}"
        elif self._n_above >= _N_STEPS:
            found = f"the last {loss:.1f} at step {step}"
            self.reason = self.reason or (
                f"the loss was above {self._limit:.1f} for {_N_STEPS} steps, {found}"
            )

    def _stop(self, control: TrainerControl) -> None:
        if self.reason is not None:
            control.should_training_stop = True
            control.should_evaluate = control.should_save = False


class _Arriving:
    """A step's loss on its way from the device."""

    def __init__(self, step: int, loss: torch.Tensor) -> None:
        self.step = step
        self._loss = loss.detach().to("cpu", non_blocking=True)  # from a GPU into pinned memory
        self._event: Any = torch.cuda.Event() if loss.is_cuda else None  # type: ignore[no-untyped-call]
        if self._event is not None:
            self._event.record()

    @property
    def is_there(self) -> bool:
        return self._event is None or self._event.query()

    def wait(self) -> float:
        if self._event is not None:
            self._event.synchronize()
        return float(self._loss)
