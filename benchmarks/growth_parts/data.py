"""Data: what the stages of a run cost with once, four and sixteen times the data."""

import argparse
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from processes import Cost

from growth_parts.figures import Figure, Step
from growth_parts.problem import Problem, embedded_problem, text_problem
from growth_parts.reports import costs_of_reports
from growth_parts.work import import_once, in_process

PART = "data"
DEPENDS_ON = ("examples", "questions", "data", "model")

_FEW = 48, 16  # examples to train on and to hold out, for a first time that is not counted
_N_RUNS = 6  # of a report


def steps(options: argparse.Namespace, folder: Path) -> dict[str, Step]:
    """Time and memory of each stage at each size, each in a process of its own."""
    import_once("qa_sweep.job")
    names = in_process(_stage_names)
    warm_up = embedded_problem(folder / "few", *_FEW)
    make = cache(partial(make_problem, options, folder))
    found: dict[str, Step] = {}
    for size in options.times:
        for name in names:
            found[f"× {size}, {name}"] = partial(_of_stage, name, size, make, warm_up)
        found[f"× {size}, reports"] = partial(_of_reports, size, make)
    return found


def make_problem(options: argparse.Namespace, folder: Path, times: int) -> Problem:
    place = folder / str(times)
    n_train, n_eval = times * options.examples, times * options.questions
    if options.data is None:
        return embedded_problem(place, n_train, n_eval)
    from qa_sweep.data import read_examples

    return text_problem(place, read_examples(options.data), n_train, n_eval, options.model)


def cost_of_stage(name: str, problem: Problem, warm_up: Problem) -> Cost:
    from growth_parts.stages import cost  # here, so that the first process stays small

    return cost(name, problem, warm_up)


def _stage_names() -> list[str]:
    from growth_parts.stages import STAGES

    return list(STAGES)


def _of_stage(
    name: str, size: int, make: Callable[[int], Problem], warm_up: Problem, repeat: int
) -> list[Figure]:
    return _figures(name, size, in_process(cost_of_stage, name, make(size), warm_up))


def _of_reports(size: int, make: Callable[[int], Problem], repeat: int) -> list[Figure]:
    """Cost of a report on six runs that have answered the held-out questions."""
    costs = costs_of_reports(make(size), _N_RUNS)
    return [figure for name, cost in costs for figure in _figures(name, size, cost)]


def _figures(what: str, size: int, cost: Cost) -> list[Figure]:
    return [
        Figure(PART, what, "s", size, cost.wall_s),
        Figure(PART, what, "CPU s", size, cost.cpu_s),
        Figure(PART, what, "MB", size, cost.peak_mb),
    ]
