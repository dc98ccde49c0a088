"""Data: what the stages of a run cost with once, four and sixteen times the data."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from growth_parts.figures import Figure
from growth_parts.problem import Problem, embedded_problem, text_problem
from growth_parts.processes import Cost, import_once, in_process
from growth_parts.reports import costs_of_reports

PART = "data"
_FEW = 48, 16  # examples to train on and to hold out, for a first time that is not counted
_N_RUNS = 6  # of a report

Say = Callable[[str], None]


def measure(options: argparse.Namespace, folder: Path, say: Say) -> Iterator[Figure]:
    """Yield time and memory of each stage, each in a process of its own."""
    problems = {size: make_problem(options, folder / str(size), size) for size in options.times}
    warm_up = embedded_problem(folder / "few", *_FEW)
    import_once("qa_sweep.job")
    names = in_process(_stage_names)
    for _ in range(options.repeats):
        for size, problem in problems.items():
            for name in names:
                cost = in_process(cost_of_stage, name, problem, warm_up)
                say(f"data × {size}: {name}: {cost.wall_s:.2f} s, {cost.peak_mb:.0f} MB")
                yield from _figures(name, size, cost)
            yield from _of_reports(problem, size, say)


def make_problem(options: argparse.Namespace, folder: Path, times: int) -> Problem:
    n_train, n_eval = times * options.examples, times * options.questions
    if options.data is None:
        return embedded_problem(folder, n_train, n_eval)
    from qa_sweep.data import read_examples

    return text_problem(folder, read_examples(options.data), n_train, n_eval, options.model)


def _stage_names() -> list[str]:
    from growth_parts.stages import STAGES

    return list(STAGES)


def cost_of_stage(name: str, problem: Problem, warm_up: Problem) -> Cost:
    from growth_parts.stages import cost  # here, so that the first process stays small

    return cost(name, problem, warm_up)


def _of_reports(problem: Problem, size: int, say: Say) -> Iterator[Figure]:
    """Cost of a report on six runs that have answered the held-out questions."""
    for name, cost in costs_of_reports(problem, _N_RUNS):
        say(f"data × {size}: {name}: {cost.wall_s:.2f} s, {cost.peak_mb:.0f} MB")
        yield from _figures(name, size, cost)


def _figures(what: str, size: int, cost: Cost) -> Iterator[Figure]:
    yield Figure(PART, what, "s", size, cost.wall_s)
    yield Figure(PART, what, "CPU s", size, cost.cpu_s)
    yield Figure(PART, what, "MB", size, cost.peak_mb)
