"""Part `synchronising`: whether the host waits for the device between two logged losses.

torch warns of each operation that waits; where it warned is said, and how often.
"""

import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from gpu_parts import ours, tutorial
from gpu_parts.problem import make_problem
from gpu_parts.scale import Scale
from gpu_parts.timing import MakeTrainer, Work, train

N_FRAMES = 6  # of the stack
LOGGING_STEPS = 10
WARNING = "called a synchronizing CUDA operation"


def set_mode(mode: str) -> None:
    if torch.cuda.is_available():
        torch.cuda.set_sync_debug_mode(mode)


class SyncWatch(TrainerCallback):
    """Has torch warn from the second epoch on, but not while the Trainer logs.

    It logs after a step's end, and is done when the next step begins.
    """

    def __init__(self, set_mode: Callable[[str], None] = set_mode) -> None:
        self.n_steps = 0
        self._set_mode = set_mode

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.epoch is not None and state.epoch >= 1:
            self.n_steps += 1
            self._set_mode("warn")

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if control.should_log:
            self._set_mode("default")

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._set_mode("default")


def measure(scale: Scale, found: dict[str, Any]) -> dict[str, Any]:
    work = Work(make_problem(scale, scale.n_windows), scale.batch_sizes[0])
    ways: dict[str, MakeTrainer] = {
        "ours": partial(ours.make_trainer, logging_steps=LOGGING_STEPS),
        "tutorial": partial(tutorial.make_trainer, logging_steps=LOGGING_STEPS),
    }
    return {name: watch(way, work) for name, way in ways.items()}


def watch(make_trainer: MakeTrainer, work: Work) -> dict[str, Any]:
    """Where it waits, by stack, and how often in how many steps."""
    places: Counter[str] = Counter()

    def show(message: Any, *_: Any, **__: Any) -> None:
        if WARNING in str(message):
            places[_stack()] += 1

    watched = SyncWatch()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        try:
            train(make_trainer, work, [watched])
        finally:
            set_mode("default")
    return {"n_steps": watched.n_steps, "places": dict(places.most_common())}


def text(found: dict[str, Any]) -> str:
    return "\n".join(_text_of(way, watched) for way, watched in found.items())


def _stack() -> str:
    """The calls that led to a warning, the innermost first."""
    own = (__file__, warnings.__file__)
    frames = [frame for frame in traceback.extract_stack() if frame.filename not in own]
    calls = (f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames[: -N_FRAMES - 1 : -1])
    return " < ".join(calls)


def _text_of(way: str, found: dict[str, Any]) -> str:
    if not found["places"]:
        return f"{way}: the host waits for the device nowhere in {found['n_steps']} steps"
    lines = [f"  {n} times at {place}" for place, n in found["places"].items()]
    return "\n".join([f"{way}: in {found['n_steps']} steps, the host waits for the device", *lines])
