"""A worker of the part `shared`: trains beside others when it is told to."""

import json
import sys
import time
from dataclasses import asdict
from typing import Any

from gpu_parts import ours
from gpu_parts.problem import make_problem
from gpu_parts.process import use
from gpu_parts.scale import Scale
from gpu_parts.timing import Work, now, time_epochs


def work(settings: dict[str, Any]) -> None:
    """Warm up, say so on stdout, wait for a line on stdin, train, and print the timing."""
    scale = Scale.from_plain(settings["scale"])
    use(scale)
    problem = make_problem(scale, scale.n_windows)
    n_epochs = 1 + scale.n_shared_epochs
    started_s = now() - settings["began"]

    def wait() -> None:
        print(json.dumps({"started_s": started_s}), flush=True)
        sys.stdin.readline()

    timing = time_epochs(
        ours.make_trainer, Work(problem, scale.batch_sizes[0], n_epochs), wait=wait
    )
    print(json.dumps(timing.plain()), flush=True)


def settings(scale: Scale) -> str:
    """What a worker that starts now is told."""
    return json.dumps({"scale": asdict(scale), "began": time.monotonic()})
