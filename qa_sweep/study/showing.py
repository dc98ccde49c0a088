"""One study: what it is, and how far it has come."""

import math
from collections.abc import Iterator, Sequence

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qa_sweep.study.listing import count_by_state, last_worked_on
from qa_sweep.study.words import objectives_in_words, settings_in_words, space_in_words
from qa_sweep.sweep.lease import LeaseObserver, LeaseStore, describe_worker
from qa_sweep.sweep.studies import Studies, StudyOnDisk
from qa_sweep.sweep.summary import describe, error_of, format_value
from qa_sweep.sweep.tickets import RETRIES, given_params
from qa_sweep.sweep.trial import Progress
from qa_sweep.terminal import spelled_out, visible

_N_TICKETS_SHOWN = 8


def show_study(studies: Studies, name: str | None) -> None:
    """Print all there is to know of the study `name`, or of the latest."""
    study = studies.find(name)
    console = Console()
    console.print(Text(visible(f"study {study.name}"), style="bold"))
    console.print(_facts(studies, study))
    console.print(study.leaderboard.table(""))
    for line in _lines(studies, study):
        console.print(Text(spelled_out(line)), soft_wrap=True)


def _facts(studies: Studies, study: StudyOnDisk) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for label, texts in _labelled(studies, study).items():
        for index, text in enumerate(texts):
            grid.add_row("" if index else f"  {label}", Text(visible(text)))
    return grid


def _labelled(studies: Studies, study: StudyOnDisk) -> dict[str, list[str]]:
    space = [f"{name}: {text}" for name, text in space_in_words(study).items()]
    facts = {
        "trials": [f"{count_by_state(study)}; last worked on {last_worked_on(study)}"],
        "space": space or ["no params"],
        "objective": [objectives_in_words(study)],
    }
    storage = {"storage": [studies.shown_url]}
    if study.identity is None:
        return {**facts, **storage, "note": ["not made by a sweep: it has no folder"]}
    settings = settings_in_words(study.identity.fixed)
    return {**facts, "settings": settings, **storage, "folder": [str(study.results / study.name)]}


def _lines(studies: Studies, study: StudyOnDisk) -> Iterator[str]:
    trials = study.leaderboard.trials
    if study.identity is not None:
        leases = studies.storage.leases(study.name)
        for trial in trials:
            if trial.state is TrialState.RUNNING:
                yield f"running: {_title(trial)}  {_at_work(trial, leases)}"
    yield from _tickets([trial for trial in trials if trial.state is TrialState.WAITING])
    for trial in study.leaderboard.failed:
        yield f"trial {trial.number} failed: {error_of(trial)}"
    if study.identity is not None and study.leaderboard.best is not None:
        why = study.leaderboard.why_best
        yield f"best: {study.best_folder()}{f', {why}' if why else ''}"


def _at_work(trial: FrozenTrial, leases: LeaseStore) -> str:
    """Who works on the trial, and how far it is: `worker 1  step 3/9  loss 0.5  last 0.7`."""
    if LeaseObserver(leases, math.inf).is_dead(trial.number):
        return "its worker is gone; the next sweep goes on with it"
    lease = leases.read(trial.number)
    progress = Progress.of(lease.get("progress", {}))
    worker = describe_worker(lease)
    texts = [f"worker {worker}"] if worker else []
    texts.append(f"step {progress.step}/{progress.n_steps}" if progress.n_steps else "preparing")
    texts += [f"{name} {format_value(value)}" for name, value in progress.shown.items()]
    reports = trial.intermediate_values
    return "  ".join([*texts, f"last {format_value(reports[max(reports)])}"] if reports else texts)


def _tickets(trials: Sequence[FrozenTrial]) -> Iterator[str]:
    """The trials that wait to be worked on, but for those after the first few."""
    for trial in sorted(trials, key=lambda trial: trial.number)[:_N_TICKETS_SHOWN]:
        retries = trial.user_attrs.get(RETRIES, 0)
        yield f"open: {_title(trial)}" + (f"  retry {retries}" if retries else "")
    if len(trials) > _N_TICKETS_SHOWN:
        yield f"open: {len(trials) - _N_TICKETS_SHOWN} more"


def _title(trial: FrozenTrial) -> str:
    params = describe(given_params(trial)) or "params to be drawn"
    return f"trial {trial.number}  {params}"
