"""Trials: what a sweep costs with ten and a hundred times as many, which do nothing themselves."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from processes import measure

from growth_parts.figures import Figure, Step
from growth_parts.problem import embedded_problem
from growth_parts.reports import costs_of_reports
from growth_parts.study_times import study_times

PART = "trials"
DEPENDS_ON = ("questions",)
SAMPLERS = ("random", "tpe", "grid")

_APP = Path(__file__).parent.parent / "sweeper_app" / "parabola.py"
_ANSWERED = "answered questions"
_FEWEST_TO_COMPARE = 60  # trials: a tenth of fewer is too short to be timed


def steps(options: argparse.Namespace, folder: Path) -> dict[str, Step]:
    """Cost of each sweep, from its first trial on, and of looking at it afterwards."""
    found: dict[str, Step] = {}
    for n_trials in options.trials:
        for sampler in options.samplers:
            place = folder / f"{sampler}-{n_trials}"
            found[f"{n_trials}, {sampler}"] = partial(_figures, sampler, n_trials, place)
        place = folder / f"answered-{n_trials}"
        reports = partial(_of_reports, n_trials, place, options.questions)
        found[f"{n_trials}, reports"] = reports
    return found


def _figures(sampler: str, n_trials: int, folder: Path, repeat: int) -> list[Figure]:
    quantities = _of_sweep(sampler, n_trials, folder / str(repeat))
    return [Figure(PART, f"sampler={sampler}", name, n_trials, value) for name, value in quantities]


def _of_sweep(sampler: str, n_trials: int, folder: Path) -> Iterator[tuple[str, float]]:
    results = folder / "results"
    sweep = _command(sampler, n_trials, results)
    cost = measure(sweep, folder)
    times = study_times(results)
    assert len(times.begun) == n_trials, f"{len(times.begun)} of {n_trials} trials in {results}"
    yield "s, first trial to last", times.span_s
    yield "CPU s, all of it", cost.cpu_s
    yield "MB, the sweep's process", cost.peak_mb
    yield "kB, storage", sum(path.stat().st_size for path in results.glob("studies.db*")) / 1e3
    if n_trials >= _FEWEST_TO_COMPARE:
        tenth = n_trials // 10
        yield "ms a trial, the first tenth", 1e3 * times.interval_s(slice(tenth))
        yield "ms a trial, the last tenth", 1e3 * times.interval_s(slice(-tenth, None))
    yield from _of_looking(sweep, folder, results)


def _of_looking(sweep: Sequence[str], folder: Path, results: Path) -> Iterator[tuple[str, float]]:
    """Cost of what reads a whole study; with few trials it is all Python's start."""
    yield "CPU s, the same sweep again", measure(sweep, folder).cpu_s
    ways = {
        "study list": ["qa_sweep.study", "list"],
        "study show": ["qa_sweep.study", "show"],
        "report": ["qa_sweep.report"],
    }
    for name, words in ways.items():
        command = [sys.executable, "-m", *words, "--results", str(results)]
        cost = measure(command, folder)
        yield f"CPU s, {name}", cost.cpu_s
        yield f"MB, {name}", cost.peak_mb


def _of_reports(n_trials: int, folder: Path, n_questions: int, repeat: int) -> list[Figure]:
    """On trials most of which have answered questions, and so are compared with each other."""
    problem = embedded_problem(folder, n_train=1, n_eval=n_questions)
    return [
        Figure(PART, _ANSWERED, f"{quantity}, {name}", n_trials, value)
        for name, cost in costs_of_reports(problem, n_trials)
        for quantity, value in (("CPU s", cost.cpu_s), ("MB", cost.peak_mb))
    ]


def _command(sampler: str, n_trials: int, results: Path) -> list[str]:
    if sampler == "grid":
        wanted = [f"x=range(0,{n_trials})"]
    else:
        wanted = ["x=interval(-5,5)", "y=interval(-5,5)", f"hydra.sweeper.n_trials={n_trials}"]
    sweeper = ["-m", "hydra/sweeper=optuna5", f"hydra.sweeper.sampler={sampler}"]
    return [sys.executable, str(_APP), *sweeper, f"hydra.sweep.dir={results}", *wanted]
