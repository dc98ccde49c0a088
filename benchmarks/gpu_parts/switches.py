"""Part `switches`: each setting that makes a step faster, turned off alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gpu_parts import ours
from gpu_parts.problem import make_problem
from gpu_parts.scale import Scale
from gpu_parts.table import table
from gpu_parts.timing import Timing, Work, time_epochs
from gpu_parts.turns import milliseconds, ratio, take_turns
from qa_sweep.config import Padding, Precision, SpeedConfig

AS_IT_IS, FP32 = "as it is", "trainer.precision=fp32"


@dataclass(frozen=True)
class Variation:
    """Settings other than usual, and the variation that they are compared with."""

    speed: Mapping[str, bool] = field(default_factory=dict)
    trainer: Mapping[str, Any] = field(default_factory=dict)
    against: str = AS_IT_IS


def variations(scale: Scale) -> dict[str, Variation]:
    """By name. What steers evaluations or CPUs is not among them, nor is compiling."""
    fp32 = {"precision": Precision.fp32}
    found = {
        AS_IT_IS: Variation(),
        "speed.windows_on_device=false": Variation({"windows_on_device": False}),
        "speed.fused_optimizer=false": Variation({"fused_optimizer": False}),
        "trainer.group_by_length=false": Variation(trainer={"group_by_length": False}),
        "trainer.padding=max_length": Variation(
            trainer={"group_by_length": False, "padding": Padding.max_length},
            against="trainer.group_by_length=false",
        ),
        FP32: Variation(trainer=fp32),
    }
    if scale.device == "cuda":
        found["trainer.precision=fp16"] = Variation(trainer={"precision": Precision.fp16})
        found[f"{FP32} speed.tf32=false"] = Variation({"tf32": False}, fp32, against=FP32)
    return found


def measure(scale: Scale, found: dict[str, Any]) -> dict[str, Any]:
    work = Work(make_problem(scale, scale.n_windows), scale.batch_sizes[0])
    varied = variations(scale)
    timed = take_turns(
        {name: partial(_time, variation, work) for name, variation in varied.items()},
        scale.n_pairs,
    )
    return {
        "batch_size": work.batch_size,
        "against": {name: variation.against for name, variation in varied.items()},
        "timings": {name: [t.plain() for t in timings] for name, timings in timed.items()},
    }


def text(found: dict[str, Any]) -> str:
    seconds = {
        name: [timing["step_s"] for timing in timings] for name, timings in found["timings"].items()
    }
    rows = [
        [name, milliseconds(own), ratio(own, seconds[against := found["against"][name]]), against]
        for name, own in seconds.items()
    ]
    title = f"One setting changed, {found['batch_size']} windows a step: median (least–greatest)"
    return table(title, ["setting", "ms a step", "times as long", "as"], rows)


def _time(variation: Variation, work: Work) -> Timing:
    make_trainer = partial(
        ours.make_trainer, speed=SpeedConfig(**variation.speed), **variation.trainer
    )
    return time_epochs(make_trainer, work)
