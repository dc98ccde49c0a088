"""Part `shared`: several workers on one GPU, each a process, against one.

The workers begin together once all are warm. Throughput is all their steps by the time from the
first beginning to the last end.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from gpu_parts import worker
from gpu_parts.scale import Scale
from gpu_parts.table import table

PROGRAM = Path(__file__).parents[1] / "gpu.py"
SMALL, WHOLE = "2 layers of 64", "DistilBERT's shape"


def measure(scale: Scale, found: dict[str, Any]) -> dict[str, Any]:
    scales = {SMALL: scale.with_small_model(), WHOLE: scale}
    return {
        "batch_size": scale.batch_sizes[0],
        "workers": {
            name: {str(n): run(n, model_scale) for n in scale.n_sharing}
            for name, model_scale in scales.items()
        },
    }


def text(found: dict[str, Any]) -> str:
    rows = []
    for model, by_number in found["workers"].items():
        alone = throughput(next(iter(by_number.values())))
        for n_workers, workers in by_number.items():
            steps_a_second = throughput(workers)
            slowest = max(timing["step_s"] for timing in workers)
            rows.append(
                [
                    f"{model}, {n_workers}",
                    f"{steps_a_second:,.1f}",
                    f"{1000 * slowest:.2f}",
                    f"{steps_a_second / alone:.2f}",
                ]
            )
    title = f"Workers on one device, {found['batch_size']} windows a step"
    return table(title, ["model, workers", "steps/s", "ms a step", "times one's"], rows)


def run(n_workers: int, scale: Scale) -> list[dict[str, Any]]:
    """Start workers, have them train together when all are warm; the timing of each."""
    command = [sys.executable, str(PROGRAM), "--worker"]
    processes = [
        subprocess.Popen(
            [*command, worker.settings(scale)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(n_workers)
    ]
    try:
        ready = [json.loads(_line(process)) for process in processes]
        for process in processes:
            _tell(process)
        timings = [json.loads(_line(process)) for process in processes]
        return [{**first, **timing} for first, timing in zip(ready, timings, strict=True)]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def throughput(workers: list[dict[str, Any]]) -> float:
    """Steps a second of all workers together."""
    began = min(timing["began"] for timing in workers)
    ended = max(timing["began"] + timing["seconds"] for timing in workers)
    return sum(timing["n_steps"] for timing in workers) / (ended - began)


def starting_s(found: dict[str, Any]) -> float:
    """What a fresh process takes till it could train: imports, the device, the model's windows."""
    return found["workers"][WHOLE]["1"][0]["started_s"]


def _tell(process: subprocess.Popen) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _line(process: subprocess.Popen) -> str:
    """What the worker says next. Raises RuntimeError where it has died."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a worker ended with {process.wait()}; what it said is above")
    return line
