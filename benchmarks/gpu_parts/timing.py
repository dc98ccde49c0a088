"""Timing: what a training's epochs cost, once everything is warm."""

import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from gpu_parts.problem import Problem
from gpu_parts.process import settings_undone
from qa_sweep.training import ReaderTrainer

GIB = 2**30


@dataclass(frozen=True)
class Work:
    """So many epochs of a problem, in steps of so many windows."""

    problem: Problem
    batch_size: int
    n_epochs: int = 2


# Makes a Trainer that does some work, in a folder of its own, with callbacks of ours.
MakeTrainer = Callable[[Work, Path, Sequence[TrainerCallback]], Trainer]


@dataclass(frozen=True)
class Timing:
    """What the epochs of a training cost, the first of them apart: it warms up."""

    n_steps: int
    n_tokens: int  # without padding
    seconds: float
    began: float  # by a clock that processes share
    first_epoch_s: float
    epoch_s: float
    checkpoint_s: float | None
    peak_memory_gib: float | None

    @property
    def step_s(self) -> float:
        return self.seconds / self.n_steps

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), "step_s": self.step_s}


class EpochClock(TrainerCallback):
    """Looks at the clock before and after each epoch, when the device has done its work."""

    def __init__(self, work: Work, saves: bool, wait: Callable[[], None]) -> None:
        self._work = work
        self._saves = saves
        self._wait = wait
        self._begun: list[float] = []
        self._ended: list[float] = []
        self._n_steps_before = 0
        self._saved: float | None = None
        self._peak: float | None = None

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if len(self._begun) == 1:
            self._n_steps_before = state.global_step
            self._wait()
            _forget_peak_memory()
        self._begun.append(now())

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._ended.append(now())
        self._peak = _peak_memory_gib()
        control.should_save = self._saves and len(self._ended) == self._work.n_epochs

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._saved = now()

    def timing(self, state: TrainerState) -> Timing:
        n_epochs = self._work.n_epochs - 1
        seconds = self._ended[-1] - self._begun[1]
        return Timing(
            n_steps=state.global_step - self._n_steps_before,
            n_tokens=n_epochs * int(self._work.problem.windows.lengths.sum()),
            seconds=seconds,
            began=self._begun[1],
            first_epoch_s=self._ended[0] - self._begun[0],
            epoch_s=seconds / n_epochs,
            checkpoint_s=self._saved - self._ended[-1] if self._saved else None,
            peak_memory_gib=self._peak,
        )


def time_epochs(
    make_trainer: MakeTrainer,
    work: Work,
    *,
    saves: bool = False,
    wait: Callable[[], None] = lambda: None,
) -> Timing:
    """Train, and say what it took; `wait` is called when all is warm.

    With `saves`, a checkpoint is written at the end and timed apart.
    """
    clock = EpochClock(work, saves, wait)
    state = train(make_trainer, work, [clock])
    return clock.timing(state)


def train(
    make_trainer: MakeTrainer, work: Work, callbacks: Sequence[TrainerCallback]
) -> TrainerState:
    """Train a new model, of which nothing stays behind."""
    with tempfile.TemporaryDirectory(prefix="gpu-") as folder, settings_undone():
        trainer = make_trainer(work, Path(folder), callbacks)
        trainer.train()
        if isinstance(trainer, ReaderTrainer):
            trainer.sealer.wait()  # a thread is still at work on the last checkpoint
        state = trainer.state
    del trainer
    free_memory()
    return state


def now() -> float:
    """Seconds, when the device has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.monotonic()


def free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _forget_peak_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _peak_memory_gib() -> float | None:
    return torch.cuda.max_memory_allocated() / GIB if torch.cuda.is_available() else None
