"""Plan: what a dry run shows: the trials that would run, composed and checked, and not run."""

from collections.abc import Iterator, Sequence
from itertools import islice

import optuna
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.jobs import JobRunner
from qa_sweep.sweep.repeats import repeat_overrides, settings_by_trial
from qa_sweep.sweep.samplers import GRID
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.storage import StudyStorage
from qa_sweep.sweep.study import StudyPlan, SweepStudy
from qa_sweep.sweep.summary import format_value, short_name

_N_DRAWN = 10  # shown of a search, which learns as it goes: the later ones cannot be told


def show_plan(
    console: Console,
    name: str,
    known: optuna.Study | None,
    space: Space,
    plan: StudyPlan,
    runner: JobRunner,
) -> None:
    """Show what would be run of study `name`, of which `known` is what is there already.

    Raises ConfigError where the task refuses one of the trials, after all were shown.
    """
    rehearsal = _rehearse(name, known, space, plan)
    there = rehearsal.trials()
    n_left = rehearsal.n_wanted(there) - sum(trial.state.is_finished() for trial in there)
    trials = list(islice(_claims(rehearsal), None if plan.sampler == GRID else _N_DRAWN))
    state = "new" if known is None else "known"
    count = "1 trial" if n_left == 1 else f"{n_left} trials"
    console.print(f"study {name} ({state}): {count} would run", highlight=False)
    if not trials:
        return
    refusals = [
        _refusal(runner, [*space.overrides(trial.params), *repeat_overrides(trial)])
        for trial in trials
    ]
    console.print(_table(trials, refusals))
    if len(trials) < n_left:
        console.print(f"and {n_left - len(trials)} more, drawn as the search learns")
    refused = [trial.number for trial, refusal in zip(trials, refusals, strict=True) if refusal]
    if refused:
        raise ConfigError(f"trials {', '.join(map(str, refused))} would be refused, as shown")


def _rehearse(name: str, known: optuna.Study | None, space: Space, plan: StudyPlan) -> SweepStudy:
    """The study copied into memory, where its tickets can be drawn without being taken."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = StudyStorage(InMemoryStorage(), None)
    directions = known.directions if known else [StudyDirection.MINIMIZE] * plan.n_objectives
    study = optuna.create_study(study_name=name, storage=storage.backend, directions=directions)
    if known is not None:
        study.add_trials(known.get_trials(deepcopy=False))
    rehearsal = SweepStudy(study, space, storage, plan)
    rehearsal.retry_failed()
    return rehearsal


def _claims(study: SweepStudy) -> Iterator[optuna.Trial]:
    while True:
        trial = study.claim()
        if trial is not None:
            yield trial
        elif not study.refill():
            return


def _refusal(runner: JobRunner, overrides: Sequence[str]) -> str:
    """Why the task would refuse this job; empty where it would not."""
    try:
        runner.check(overrides)
    except Exception as error:
        return str(error).strip().splitlines()[0] or type(error).__name__
    return ""


def _table(trials: Sequence[optuna.Trial], refusals: Sequence[str]) -> Table:
    settings = settings_by_trial(trials)
    rows = [{**t.params, **repeat} for t, repeat in zip(trials, settings, strict=True)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(box=SIMPLE)
    table.add_column("trial", justify="right")
    for name in names:
        shown = short_name(name, names).replace("_", " ")
        table.add_column(shown, justify="right", style="cyan", overflow="fold")
    if any(refusals):
        table.add_column("refused", style="red", overflow="fold")
    for trial, row, refusal in zip(trials, rows, refusals, strict=True):
        cells = [format_value(row.get(name, "–")) for name in names]
        cells = [str(trial.number), *cells, *([refusal] if any(refusals) else [])]
        table.add_row(*map(Text, cells))  # no markup in them
    return table
