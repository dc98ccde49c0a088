"""Memory: how much of a run's work the device holds at once, found by trying.

Where memory does not suffice, the device computes half as many windows at once, and a step of a
training adds up the gradients of more parts: nothing changes but rounding, and what dropout draws.
What was found is kept with the trial, for whoever continues it.
"""

import logging
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from accelerate.utils.memory import (  # type: ignore[import-untyped]
    clear_device_cache,
    should_reduce_batch_size,
)

from qa_sweep.config import RunConfig
from qa_sweep.sweep.trial import Infeasible, TrialHandle

log = logging.getLogger(__name__)

# Attributes of the trial.
DEVICE_BATCH_SIZE = "device_batch_size"
ACCUMULATION_STEPS = "accumulation_steps"
EVALUATION_BATCH_SIZE = "evaluation_batch_size"

_MAX_REASON_CHARS = 200

Result = TypeVar("Result")


@dataclass(frozen=True)
class DeviceBatch:
    """Windows that the device computes at once: a whole batch, or one of equal parts of it."""

    whole: int
    size: int

    @property
    def n_parts(self) -> int:
        return self.whole // self.size

    def halved(self, smallest: int = 1) -> "DeviceBatch | None":
        """Half of it, or where that is not possible, the next smaller that leaves equal parts.

        None where that would be smaller than `smallest`.
        """
        smaller = [size for size in range(smallest, self.size) if self.whole % size == 0]
        if not smaller:
            return None
        half, rest = divmod(self.size, 2)
        return replace(self, size=half if not rest and half in smaller else smaller[-1])


class Memory:
    """The device's memory, as a trial learns to fit into it."""

    def __init__(self, config: RunConfig, handle: TrialHandle) -> None:
        self._config = config
        self._handle = handle

    @property
    def fitting(self) -> RunConfig:
        """The run's settings, with the batch sizes that this or an earlier attempt came down to."""
        trainer, evaluation = self._config.trainer, self._config.evaluation
        found = self._handle.attribute
        device_batch_size = found(DEVICE_BATCH_SIZE) or trainer.device_batch_size
        evaluation_batch_size = found(EVALUATION_BATCH_SIZE) or evaluation.batch_size
        return replace(
            self._config,
            trainer=replace(trainer, device_batch_size=device_batch_size),
            evaluation=replace(evaluation, batch_size=evaluation_batch_size),
        )

    def train(self, work: Callable[[RunConfig], Result]) -> Result:
        """What `work` returns for settings that fit; it is done anew for each smaller device batch.

        `work` must leave nothing in memory when it raises. Raises Infeasible where
        `trainer.smallest_device_batch` does not fit either.
        """
        if torch.cuda.is_available():  # the model of an earlier trial may wait to be collected
            clear_device_cache(garbage_collection=True)
        return _retry(lambda: work(self.fitting), self._halve_device_batch)

    def evaluate(self, work: Callable[[RunConfig], Result]) -> Result:
        """The same for an evaluation, whose batch may go down to one window."""
        return _retry(lambda: work(self.fitting), self._halve_evaluation_batch)

    def _halve_device_batch(self, reason: str) -> None:
        trainer = self.fitting.trainer
        batch = DeviceBatch(trainer.batch_size, trainer.device_batch_size or trainer.batch_size)
        smaller = _smaller("training", batch, trainer.smallest_device_batch, reason)
        self._handle.set_attribute(DEVICE_BATCH_SIZE, smaller.size)
        self._handle.set_attribute(ACCUMULATION_STEPS, smaller.n_parts)

    def _halve_evaluation_batch(self, reason: str) -> None:
        whole = self._config.evaluation.batch_size
        batch = DeviceBatch(whole, self.fitting.evaluation.batch_size)
        smaller = _smaller("evaluation", batch, 1, reason)
        self._handle.set_attribute(EVALUATION_BATCH_SIZE, smaller.size)


def _retry(work: Callable[[], Result], halve: Callable[[str], None]) -> Result:
    """What `work` returns once it does not run out of memory; in between, `halve` is told why."""
    while True:
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            reason = textwrap.shorten(str(error), _MAX_REASON_CHARS, placeholder=" …")
        # The error has gone here, and with it the frames in which models and activations live.
        clear_device_cache(garbage_collection=True)
        halve(reason)


def _is_out_of_memory(error: Exception) -> bool:
    is_told_by_type = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return is_told_by_type or bool(should_reduce_batch_size(error))


def _smaller(what: str, batch: DeviceBatch, smallest: int, reason: str) -> DeviceBatch:
    """The batch to go on with. Raises Infeasible."""
    smaller = batch.halved(smallest)
    if smaller is None:
        hint = "trainer.smallest_device_batch" if batch.size > 1 else "data.max_length"
        raise Infeasible(
            f"{what} must fit into memory, but did not with {batch.size} windows at once "
            f"({reason}); lower {hint}, or choose a smaller model"
        )
    log.warning(
        "%s ran out of memory with %d windows at once (%s); it goes on with %d",
        what, batch.size, reason, smaller.size,
    )  # fmt: skip
    return smaller
