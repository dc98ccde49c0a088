"""The settings that are one of a few words."""

from enum import Enum


class Precision(Enum):
    """Arithmetic of the forward and backward pass; `auto`: bf16 or fp16 on a GPU, else fp32."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


class Device(Enum):
    """Where a run computes; `auto` takes the GPU where there is one."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Padding(Enum):
    """`longest` pads a batch to its longest window, `max_length` pads every window to the full."""

    longest = "longest"
    max_length = "max_length"


class Scheduler(Enum):
    """Course of the learning rate after warm-up."""

    linear = "linear"
    cosine = "cosine"
    constant = "constant"


class BestMetric(Enum):
    """The metric by which a run's best evaluation is chosen."""

    f1 = "f1"
    exact_match = "exact_match"
    loss = "loss"

    @property
    def greater_is_better(self) -> bool:
        return self is not BestMetric.loss


class Tracker(Enum):
    """Where runs are tracked."""

    aim = "aim"
    off = "off"
