"""A reader for a device that holds few windows at once: with more, it runs out of memory."""

import weakref
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    RoFormerConfig,
    RoFormerForQuestionAnswering,
)

from qa_sweep.config import EmbeddedData, TinyModel
from qa_sweep.data import load_examples
from qa_sweep.model import make_reader
from qa_sweep.prepared import prepare_splits

UNLIMITED = 1_000_000


class Failure(Enum):
    """What happens where more windows come than fit."""

    cuda = "cuda"  # what PyTorch raises on a GPU
    cpu = "cpu"  # memory that no machine has is asked for, and refused
    other = "other"  # an error that has nothing to do with memory

    def happen(self) -> None:
        if self is Failure.cuda:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if self is Failure.cpu:
            torch.empty(2**60, dtype=torch.uint8)
        raise RuntimeError("CUDA error: device-side assert triggered")


class SmallDeviceConfig(RoFormerConfig):
    """Windows that fit at once; those of a training count from its forward pass `full_from` on."""

    model_type = "small_device"

    def __init__(
        self,
        fit_training: int = UNLIMITED,
        fit_evaluation: int = UNLIMITED,
        full_from: int = 0,
        failure: str = Failure.cuda.value,
        **settings: Any,
    ) -> None:
        self.fit_training = fit_training
        self.fit_evaluation = fit_evaluation
        self.full_from = full_from
        self.failure = failure
        super().__init__(**settings)


class SmallDeviceReader(RoFormerForQuestionAnswering):
    """`passes` are the windows of each forward pass that fitted, of all such readers together.

    `births` are, for each such reader, the number of others that were in memory when it was made.
    """

    config_class = SmallDeviceConfig
    alive: ClassVar[weakref.WeakSet] = weakref.WeakSet()
    births: ClassVar[list[int]] = []
    passes: ClassVar[list[int]] = []
    evaluation_passes: ClassVar[list[int]] = []

    def __init__(self, config: SmallDeviceConfig) -> None:
        super().__init__(config)
        self.births.append(len(self.alive))
        self.alive.add(self)

    def forward(self, input_ids: torch.Tensor, **inputs: Any) -> Any:
        passes = self.passes if self.training else self.evaluation_passes
        if len(input_ids) > self._n_fitting():
            Failure(self.config.failure).happen()
        passes.append(len(input_ids))
        return super().forward(input_ids=input_ids, **inputs)

    def _n_fitting(self) -> int:
        if not self.training:
            return self.config.fit_evaluation
        is_full = len(self.passes) >= self.config.full_from
        return self.config.fit_training if is_full else UNLIMITED


AutoConfig.register("small_device", SmallDeviceConfig)
AutoModelForQuestionAnswering.register(SmallDeviceConfig, SmallDeviceReader)


def save_model(folder: Path, data: EmbeddedData, **limits: Any) -> Path:
    """Save such a reader without its head, whose weights a run will draw from its seed."""
    model = TinyModel(vocabulary_size=300, mark_overlap=False)
    tokenizer = prepare_splits(model, data, load_examples(data)).tokenizer
    tiny = make_reader(model, tokenizer, data.max_length, seed=1).model
    config = SmallDeviceConfig(**{**tiny.config.to_dict(), **limits, "model_type": "small_device"})
    body = {name: w for name, w in tiny.state_dict().items() if not name.startswith("qa_")}
    reader = SmallDeviceReader(config)
    reader.load_state_dict(body, strict=False)
    reader.save_pretrained(folder, state_dict=body)
    tokenizer.save_pretrained(folder)
    return folder
