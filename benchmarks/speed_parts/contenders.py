"""Contenders: the tutorial's script and our command, as a user runs them on the same problem."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from processes import measure

from speed_parts.problem import Problem

TUTORIAL = Path(__file__).parent.parent / "tutorial.py"
CACHE = "QA_SWEEP_CACHE"

Found = dict[str, Any]  # seconds, and of each point of the grid what came of it
# Takes a new folder; gives what was found, by name: one process may be measured in several ways.
Turn = Callable[[Path], Mapping[str, Found]]


def tutorial(problem: Problem, n_threads: int | None) -> Turn:
    """A process for each point, one after the other; torch's own number of threads unless given."""
    config, grid = problem.config, problem.grid
    words = [
        *("--model", problem.model, "--train", problem.train, "--eval", problem.eval),
        *("--batch-size", *grid.batch_sizes, "--learning-rate", *grid.learning_rates),
        *("--epochs", config.trainer.epochs, "--seed", config.seed),
        *("--max-length", problem.max_length, "--doc-stride", config.data.doc_stride),
        *("--warmup", config.trainer.warmup, "--weight-decay", config.trainer.weight_decay),
    ]
    threads = {} if n_threads is None else {"OMP_NUM_THREADS": str(n_threads)}

    def turn(folder: Path) -> dict[str, Found]:
        command = [sys.executable, TUTORIAL, *words, "--to", folder / "runs"]
        # The first process fills the cache of `datasets`, the others find their windows there.
        variables = {"HF_DATASETS_CACHE": str(folder / "datasets"), **threads}
        measured = measure([str(word) for word in command], folder, variables)
        results = [json.loads(path.read_text()) for path in folder.glob("runs/**/result.json")]
        return {"tutorial": {**asdict(measured), "points": results}}

    return turn


def ours(problem: Problem, name: str, overrides: Sequence[str] = (), runs: int = 2) -> Turn:
    """Our command with an empty cache of windows; then again with the cache that it has left."""
    command = [sys.executable, "-m", "qa_sweep", *problem.arguments, *overrides]

    def turn(folder: Path) -> dict[str, Found]:
        found = {}
        for state in ("cold", "warm")[:runs]:
            work = folder / state
            measured = measure(command, work, {CACHE: str(folder / "cache")})
            results = work.glob("results/*/*/result.json")
            points = [_point(json.loads(path.read_text())) for path in results]
            found[f"{name}, {state}"] = {**asdict(measured), "points": points}
        return found

    return turn


def _point(result: Mapping[str, Any]) -> Found:
    trainer = result["config"]["trainer"]
    return {
        "batch_size": trainer["batch_size"],
        "learning_rate": trainer["learning_rate"],
        **result["metrics"],
        "n_steps": result["n_steps"],
        "seconds": result["seconds"],
    }
