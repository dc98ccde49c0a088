"""Part `step`: our training against the tutorial's, the same windows, in turns.

The tutorial's way is timed twice: with the Trainer's defaults, which is fp32, and with fp16.
"""

from functools import partial
from statistics import median
from typing import Any

import numpy as np

from gpu_parts import ours, tutorial
from gpu_parts.arithmetic import FORMULA, measured_peak, n_operations, peak_of
from gpu_parts.machine import device_name
from gpu_parts.problem import Problem, make_problem, make_reader
from gpu_parts.scale import Scale
from gpu_parts.table import table
from gpu_parts.timing import MakeTrainer, Work, time_epochs
from gpu_parts.turns import milliseconds, ratio, take_turns

TUTORIAL, OURS = "tutorial", "ours"
FP16 = "tutorial, fp16"


def measure(scale: Scale, found: dict[str, Any]) -> dict[str, Any]:
    problem = make_problem(scale, scale.n_windows)
    return {
        "operations": _operations(problem),
        "peak": peak_of(device_name()),
        "measured_peak": measured_peak(),
        "timings": {
            str(batch_size): _timings(Work(problem, batch_size), scale)
            for batch_size in scale.batch_sizes
        },
    }


def text(found: dict[str, Any]) -> str:
    rows = [
        _row(found, batch_size, way)
        for batch_size, timings in found["timings"].items()
        for way in timings
    ]
    headings = [
        "windows a step, way", "ms a step", "real tokens/s", "share of peak", "with padding",
        "GiB", "times quicker than the tutorial",
    ]  # fmt: skip
    return table("Steps: median (least–greatest)", headings, rows) + "\n" + _of_the_peak(found)


def _timings(work: Work, scale: Scale) -> dict[str, list[dict[str, Any]]]:
    ways: dict[str, MakeTrainer] = {TUTORIAL: tutorial.make_trainer, OURS: ours.make_trainer}
    if scale.device == "cuda":
        ways[FP16] = partial(tutorial.make_trainer, fp16=True)
    timed = take_turns(
        {name: partial(time_epochs, way, work, saves=True) for name, way in ways.items()},
        scale.n_pairs,
    )
    return {name: [timing.plain() for timing in timings] for name, timings in timed.items()}


def _operations(problem: Problem) -> dict[str, float]:
    """Of an epoch: on tokens alone, and with all padding to the full length."""
    model, lengths = make_reader(problem.scale).model, problem.windows.lengths
    padded = np.full_like(lengths, problem.scale.max_length)
    return {"tokens": n_operations(model, lengths), "padded": n_operations(model, padded)}


def _row(found: dict[str, Any], batch_size: str, way: str) -> list[Any]:
    timings = found["timings"][batch_size]
    own, tutorials = ([t["step_s"] for t in timings[name]] for name in (way, TUTORIAL))
    epoch_s = median(timing["epoch_s"] for timing in timings[way])
    tokens_a_second = median(timing["n_tokens"] / timing["seconds"] for timing in timings[way])
    memory = timings[way][0]["peak_memory_gib"]
    operations = found["operations"]
    return [
        f"{batch_size}, {way}",
        milliseconds(own),
        f"{tokens_a_second:,.0f}",
        _share(operations["tokens"], epoch_s, found["peak"]),
        None if way == OURS else _share(operations["padded"], epoch_s, found["peak"]),
        None if memory is None else f"{memory:.1f}",
        ratio(tutorials, own),
    ]


def _share(operations: float, seconds: float, peak: float | None) -> str | None:
    return None if peak is None else f"{operations / seconds / peak:.1%}"


def _of_the_peak(found: dict[str, Any]) -> str:
    if found["measured_peak"] is None:
        return "  no GPU: no share of its peak"
    told = "unknown" if found["peak"] is None else f"{found['peak'] / 1e12:,.0f}"
    here = f"{found['measured_peak'] / 1e12:,.0f}"
    return (
        f"  peak in bf16: {told} TFLOP/s by the data sheet, {here} in large products here\n"
        f"  operations: {FORMULA}"
    )
