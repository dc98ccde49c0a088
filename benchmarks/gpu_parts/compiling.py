"""Part `compiling`: steps with and without torch.compile, and what compiling takes.

The first epoch compiles; with the second model of the process it should find all compiled.
"""

from functools import partial
from typing import Any

from torch._dynamo.utils import counters

from gpu_parts import ours
from gpu_parts.problem import make_problem
from gpu_parts.scale import Scale
from gpu_parts.table import table
from gpu_parts.timing import Timing, Work, time_epochs
from gpu_parts.turns import milliseconds, ratio, take_turns
from qa_sweep.config import SpeedConfig

PLAIN, COMPILED = "ours", "ours, compiled"


def measure(scale: Scale, found: dict[str, Any]) -> dict[str, Any]:
    problem = make_problem(scale, scale.n_windows)
    return {
        "timings": {
            str(batch_size): _timings(Work(problem, batch_size), scale.n_pairs)
            for batch_size in scale.batch_sizes
        }
    }


def text(found: dict[str, Any]) -> str:
    rows = []
    for batch_size, timings in found["timings"].items():
        plain, compiled = ([t["step_s"] for t in timings[way]] for way in (PLAIN, COMPILED))
        first, second = (t["first_epoch_s"] - t["epoch_s"] for t in timings[COMPILED][:2])
        n_graphs = [timing["n_graphs"] for timing in timings[COMPILED]]
        rows.append(
            [
                f"{batch_size} windows a step",
                milliseconds(plain),
                milliseconds(compiled),
                ratio(plain, compiled),
                f"{first:.1f}",
                f"{second:.1f}",
                f"{n_graphs[0]}, {n_graphs[1]}",
            ]
        )
    headings = [
        "", "ms a step", "compiled", "times quicker", "s to compile", "second model", "graphs",
    ]  # fmt: skip
    return table("torch.compile: median (least–greatest)", headings, rows)


def compiling_s(found: dict[str, Any]) -> float:
    """What a worker pays once, for steps of all sizes."""
    first = [timings[COMPILED][0] for timings in found["timings"].values()]
    return sum(max(0.0, timing["first_epoch_s"] - timing["epoch_s"]) for timing in first)


def _timings(work: Work, n_pairs: int) -> dict[str, list[dict[str, Any]]]:
    return take_turns(
        {
            PLAIN: partial(_time, work, compiles=False),
            COMPILED: partial(_time, work, compiles=True),
        },
        max(2, n_pairs),
    )


def _time(work: Work, *, compiles: bool) -> dict[str, Any]:
    counted = _n_graphs()
    make_trainer = partial(ours.make_trainer, speed=SpeedConfig(compile=compiles))
    timing: Timing = time_epochs(make_trainer, work)
    return {**timing.plain(), "n_graphs": _n_graphs() - counted}


def _n_graphs() -> int:
    """Graphs that were compiled in this process so far."""
    return counters["stats"]["unique_graphs"]
