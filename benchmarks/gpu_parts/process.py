"""The process: what our way sets for all of it, which is undone before another way is timed."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from transformers import AttentionMaskInterface

from gpu_parts.scale import Scale

Result = TypeVar("Result")

_MASKS = ("sdpa", "eager")  # whose makers may be other than transformers' own


@dataclass(frozen=True)
class ProcessSettings:
    """What products of fp32 are computed in, and what makes the masks of attention."""

    fp32_precision: str
    masks: Mapping[str, Callable[..., Any]]

    @classmethod
    def found(cls) -> "ProcessSettings":
        interface = AttentionMaskInterface()
        masks = {name: interface[name] for name in _MASKS}
        return cls(torch.get_float32_matmul_precision(), masks)

    def apply(self) -> None:
        torch.set_float32_matmul_precision(self.fp32_precision)
        for name, mask in self.masks.items():
            AttentionMaskInterface.register(name, mask)

    def during(self, function: Callable[[], Result]) -> Callable[[], Result]:
        """The function, which then runs with these settings and undoes them."""

        def run() -> Result:
            with settings_undone():
                self.apply()
                return function()

        return run


@contextmanager
def settings_undone() -> Iterator[None]:
    """Undo what the block sets for the whole process."""
    before = ProcessSettings.found()
    try:
        yield
    finally:
        before.apply()


def use(scale: Scale) -> None:
    """Prepare this process; tiny models on a CPU are quickest on one thread."""
    gc.collect()
    gc.freeze()  # what was imported: the Trainer collects garbage before each training
    if scale.device == "cpu":
        torch.set_num_threads(1)
