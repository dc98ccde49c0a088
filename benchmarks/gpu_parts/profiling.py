"""Part `profiling`: what device and host do in some steps, between two logged losses.

The profiler slows the host, so how busy the device is is said of steps without it: the device's
time a step, from the profile, by the seconds a step from a training that is not profiled.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile, record_function
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from gpu_parts import ours, tutorial
from gpu_parts.problem import make_problem
from gpu_parts.scale import Scale
from gpu_parts.table import table
from gpu_parts.timing import MakeTrainer, Work, now, time_epochs, train

N_TOP, N_GAPS, LONG_GAP_US = 12, 5, 20.0
STEPS = "the profiled steps"  # names what is counted, and not the profiler's own end
CALLS = (
    "cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize",
    "Memcpy DtoH", "Memcpy HtoD", "cudaMemcpyAsync", "cudaGraphLaunch", "LaunchKernel",
)  # fmt: skip
NO_LOGGING = 1_000_000  # steps


class ProfiledSteps(TrainerCallback):
    """Profiles `n_steps` steps after the first `n_before`, and ends the training."""

    def __init__(self, n_before: int, n_steps: int) -> None:
        self._first, self._last = n_before, n_before + n_steps
        on_gpu = [ProfilerActivity.CUDA] if torch.cuda.is_available() else []
        self.profile = profile(activities=[ProfilerActivity.CPU, *on_gpu])
        self._marked = record_function(STEPS)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step == self._first:
            now()
            self.profile.start()
            self._marked.__enter__()
        elif state.global_step == self._last:
            self._marked.__exit__(None, None, None)
            now()
            self.profile.stop()
            control.should_training_stop = True


def measure(scale: Scale, found: dict[str, Any]) -> dict[str, Any]:
    work = Work(make_problem(scale, scale.n_windows), scale.batch_sizes[0])
    ways: dict[str, MakeTrainer] = {
        "ours": partial(ours.make_trainer, logging_steps=NO_LOGGING),
        "tutorial": partial(tutorial.make_trainer, logging_steps=NO_LOGGING),
    }
    return {name: _profile(way, work, scale.n_profiled_steps) for name, way in ways.items()}


def text(found: dict[str, Any]) -> str:
    return "\n".join(_text_of(way, profiled) for way, profiled in found.items())


def _profile(make_trainer: MakeTrainer, work: Work, n_steps: int) -> dict[str, Any]:
    timing = time_epochs(make_trainer, work)
    n_steps_of_epoch = math.ceil(len(work.problem.windows) / work.batch_size)
    profiled = ProfiledSteps(n_steps_of_epoch + 2, n_steps)  # the epoch's beginning is no step
    train(make_trainer, work, [profiled])
    return {**summary(profiled.profile.events(), n_steps), "step_s": timing.step_s}


def summary(events: Iterable[Any], n_steps: int) -> dict[str, Any]:
    """What the profiler's events say of `n_steps` steps; times are microseconds a step."""
    on_device, names = _sorted_out(list(events))
    merged = union(sorted((event.time_range.start, event.time_range.end) for event in on_device))
    gaps = sorted((later[0] - earlier[1] for earlier, later in pairwise(merged)), reverse=True)
    by_kernel: Counter[str] = Counter()
    for event in on_device:
        by_kernel[event.name] += event.time_range.end - event.time_range.start
    return {
        "busy_us": sum(end - begin for begin, end in merged) / n_steps,
        "n_kernels": len(on_device) / n_steps,
        "calls": {call: sum(call in name for name in names) / n_steps for call in CALLS},
        "n_long_gaps": sum(gap > LONG_GAP_US for gap in gaps) / n_steps,
        "longest_gaps_us": gaps[:N_GAPS],
        "top": [[name, us / n_steps] for name, us in by_kernel.most_common(N_TOP)],
    }


def _sorted_out(events: list[Any]) -> tuple[list[Any], list[str]]:
    """What ran on the device; and the names of that and of what the host did in the steps."""
    on_host = [event for event in events if event.device_type == DeviceType.CPU]
    on_device = [
        event
        for event in events
        if event.device_type != DeviceType.CPU and not getattr(event, "is_user_annotation", False)
    ]
    steps = next(event.time_range for event in on_host if event.name == STEPS)
    within = [event for event in on_host if steps.start <= event.time_range.start <= steps.end]
    return on_device, [event.name for event in within + on_device]


def union(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The time that sorted spans cover, as spans that do not meet."""
    merged: list[tuple[float, float]] = []
    for begin, end in spans:
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def _text_of(way: str, found: dict[str, Any]) -> str:
    step_us = 1e6 * found["step_s"]
    calls = [[call, f"{n:.2f}"] for call, n in found["calls"].items()]
    tops = [[name[:80], f"{us:.0f}", f"{us / step_us:.1%}"] for name, us in found["top"]]
    return "\n".join(
        [
            f"{way}: {step_us:,.0f} µs a step; the device works {found['busy_us']:,.0f} of them, "
            f"{found['busy_us'] / step_us:.0%}, on {found['n_kernels']:.0f} kernels and copies; "
            f"{found['n_long_gaps']:.1f} gaps of over {LONG_GAP_US:.0f} µs a step while profiled",
            table("  calls", ["", "a step"], calls),
            table("  where the device's time goes", ["", "µs a step", "of a step"], tops),
        ]
    )
