"""Part `sweep`: the tutorial's whole sweep, put together from what the other parts measured.

Six runs: two batch sizes, three learning rates, five epochs. The tutorial starts a process for each
run, evaluates the loss after each epoch, keeps a checkpoint each 500 steps, and answers at the end.
Ours is one process, answers after each epoch, and keeps a checkpoint each time.
"""

import math
from statistics import median
from typing import Any

from gpu_parts import compiling, evaluation, shared, step
from gpu_parts.errors import MissingParts
from gpu_parts.scale import Scale
from gpu_parts.table import table

N_TRAINED, N_EVALUATED = 70_079, 17_520  # rows
N_EPOCHS, N_LEARNING_RATES, STEPS_OF_CHECKPOINT = 5, 3, 500
NEEDS = ("step", "evaluation", "shared")
ROWS = ("steps", "evaluations", "answers", "checkpoints", "starting", "compiling")


def measure(scale: Scale, found: dict[str, Any]) -> dict[str, Any]:
    """Seconds of each way. Raises MissingParts."""
    missing = [part for part in NEEDS if part not in found]
    if missing:
        raise MissingParts(
            f"the sweep is put together from the parts {', '.join(NEEDS)}, but the results have no "
            f"{', '.join(missing)}; run --parts {' '.join(missing)} sweep"
        )
    timings = found["step"]["timings"]
    ways = {"tutorial": _tutorial(timings, found), "ours": _ours(timings, step.OURS, found)}
    if "compiling" in found:
        compiled = found["compiling"]
        ways[compiling.COMPILED] = {
            **_ours(compiled["timings"], compiling.COMPILED, found),
            "compiling": compiling.compiling_s(compiled),
        }
    return {"n_steps": sum(n_steps(int(size)) for size in timings), "seconds": ways}


def text(found: dict[str, Any]) -> str:
    ways = found["seconds"]
    total = {way: sum(seconds.values()) for way, seconds in ways.items()}
    rows = [[row, *(f"{ways[way].get(row, 0):,.0f}" for way in ways)] for row in ROWS]
    rows.append(["all", *(f"{seconds:,.0f}" for seconds in total.values())])
    rows.append(["times quicker", *(f"{total['tutorial'] / each:.2f}" for each in total.values())])
    title = f"The tutorial's sweep, {found['n_steps']:,} steps, extrapolated: seconds"
    return table(title, ["", *ways], rows)


def n_steps(batch_size: int) -> int:
    """Steps of all runs with this batch size."""
    return N_LEARNING_RATES * N_EPOCHS * math.ceil(N_TRAINED / batch_size)


def _tutorial(timings: dict[str, Any], found: dict[str, Any]) -> dict[str, float]:
    n_runs = N_LEARNING_RATES * len(timings)
    a_second = {
        way: evaluation.windows_a_second(found["evaluation"], way)
        for way in (evaluation.LOSS, evaluation.LOGITS, evaluation.LOOP)
    }
    answers = 1 / a_second[evaluation.LOGITS] + 1 / a_second[evaluation.LOOP]
    n_checkpoints = sum(
        N_LEARNING_RATES * (n_steps(int(size)) // N_LEARNING_RATES // STEPS_OF_CHECKPOINT)
        for size in timings
    )
    return {
        "steps": _steps(timings, step.TUTORIAL),
        "evaluations": n_runs * N_EPOCHS * N_EVALUATED / a_second[evaluation.LOSS],
        "answers": n_runs * N_EVALUATED * answers,
        "checkpoints": n_checkpoints * _checkpoint_s(found, step.TUTORIAL),
        "starting": n_runs * shared.starting_s(found["shared"]),
    }


def _ours(timings: dict[str, Any], way: str, found: dict[str, Any]) -> dict[str, float]:
    n_epochs = N_EPOCHS * N_LEARNING_RATES * len(timings)
    a_second = evaluation.windows_a_second(found["evaluation"], evaluation.OURS)
    return {
        "steps": _steps(timings, way),
        "evaluations": n_epochs * N_EVALUATED / a_second,
        "checkpoints": n_epochs * _checkpoint_s(found, step.OURS),
        "starting": shared.starting_s(found["shared"]),
    }


def _steps(timings: dict[str, Any], way: str) -> float:
    return sum(
        n_steps(int(size)) * median(timing["step_s"] for timing in ways[way])
        for size, ways in timings.items()
    )


def _checkpoint_s(found: dict[str, Any], way: str) -> float:
    timings = [t for ways in found["step"]["timings"].values() for t in ways[way]]
    return median(timing["checkpoint_s"] for timing in timings)
