"""Stopwatch: how long training steps and evaluations take, by the host's clock.

Nothing waits for the device on its account: what steps have left there to be computed is waited for
by the step that logs the loss, or by the evaluation that follows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from qa_sweep.qa.windows import Windows
from qa_sweep.timing import Timing


class Stopwatch(TrainerCallback):
    """To be the first of a training's callbacks, so that the others' work is not taken for steps.

    What runs between two steps (the loader, a logged loss) belongs to the later one; evaluations
    and checkpoints do not.
    """

    def __init__(self) -> None:
        self._step_seconds = 0.0
        self._evaluation_seconds = 0.0
        self._n_epochs = 0.0  # of this attempt
        self._epoch = 0.0
        self._last = 0.0

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Count the body as an evaluation."""
        started = perf_counter()
        try:
            yield
        finally:
            self._evaluation_seconds += perf_counter() - started

    def timing(self, seconds: float, windows: Windows, real_token_share: float) -> Timing:
        """`seconds` are those of the whole run, `windows` what it was trained on."""
        steps, evaluations = self._step_seconds, self._evaluation_seconds
        n_windows, n_tokens = len(windows), int(windows.lengths.sum())
        per_second = self._n_epochs / steps if steps else None
        return Timing(
            step_seconds=round(steps, 3),
            evaluation_seconds=round(evaluations, 3),
            other_seconds=round(seconds - steps - evaluations, 3),
            windows_per_second=None if per_second is None else round(per_second * n_windows, 1),
            tokens_per_second=None if per_second is None else round(per_second * n_tokens, 1),
            real_token_share=round(real_token_share, 4),
        )

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._last, self._epoch = perf_counter(), state.epoch or 0.0

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._count()
        epoch = state.epoch or 0.0
        self._n_epochs += epoch - self._epoch
        self._epoch = epoch

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        if logs and "loss" in logs:  # to read it is to wait for the device
            self._count()

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._last = perf_counter()

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._last = perf_counter()

    def _count(self) -> None:
        now = perf_counter()
        self._step_seconds += now - self._last
        self._last = now
