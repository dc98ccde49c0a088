"""Compiling: the loss of a batch by torch.compile, compiled once for all like models of a process.

Compiled is not a model, but a function that takes one. What a compiled function depends on is
checked in each call, and of a model that is its structure, not which one it is: so the model of the
next trial, its weights new, runs what was compiled for the first.

Code is compiled for each shape of a batch. So batches are padded to a few widths, and those of an
unusual number of windows, like an epoch's last, are better not handed over.

CUDA graphs (mode "reduce-overhead") are not used: they are recorded for the addresses of one
model's weights, so each trial would record anew, for each width, what it runs a few hundred times.
"""

import functools
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional
from transformers.modeling_utils import PreTrainedModel

from qa_sweep.batches import Columns
from qa_sweep.errors import ConfigError
from qa_sweep.window_tensors import Inputs

# Widths of batches: as few as possible, with as little padding as possible.
PAD_TO_MULTIPLE_OF = 64

_BACKEND = "inductor"
_COMPILERS = ("g++", "clang++", "gcc", "clang")
_MAX_SHAPES = 64  # by default eight, after which PyTorch silently compiles no more

_Loss = Callable[[PreTrainedModel, Inputs, torch.Tensor, list[torch.Tensor]], torch.Tensor]


@dataclass(frozen=True)
class CompiledLoss:
    """A model's mean loss over the windows of a batch, which is first padded to `columns`.

    The columns that this adds have no part in the loss: it is that of the batch as it was.
    Raises ConfigError where there is nothing to compile with.
    """

    columns: Columns

    def __post_init__(self) -> None:
        _require_compiler()

    def __call__(self, model: PreTrainedModel, inputs: Inputs) -> torch.Tensor:
        labels = [inputs["start_positions"], inputs["end_positions"]]
        n_columns = inputs["input_ids"].shape[1]
        width = int(self.columns.of(n_columns))
        wide = {
            name: functional.pad(tensor, (0, width - n_columns))
            for name, tensor in inputs.items()
            if tensor.ndim == 2
        }
        is_added = torch.arange(width, device=labels[0].device) >= n_columns
        return _compiled()(model, wide, is_added, labels)


def _require_compiler() -> None:
    names = [os.environ.get("CXX", ""), os.environ.get("CC", ""), *_COMPILERS]
    if not any(shutil.which(name) for name in names):
        raise ConfigError(
            f"speed.compile needs a C++ compiler, but none of {', '.join(_COMPILERS)} was found; "
            "install one, or leave speed.compile off"
        )


@functools.cache
def _compiled() -> _Loss:
    torch._dynamo.config.recompile_limit = _MAX_SHAPES
    return torch.compile(_loss, backend=_BACKEND, dynamic=False)


def _loss(
    model: PreTrainedModel, inputs: Inputs, is_added: torch.Tensor, labels: list[torch.Tensor]
) -> torch.Tensor:
    """The mean cross-entropy of both labels, as the models have it."""
    # The class's own forward pass: a model's may be wrapped anew for each training.
    output = type(model).forward(model, **inputs)
    start, end = (
        functional.cross_entropy(logits.masked_fill(is_added, -torch.inf), label)
        for logits, label in zip((output.start_logits, output.end_logits), labels, strict=True)
    )
    return (start + end) / 2
