"""Examination: what there is to find in records, each finding with its cure."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property, partial
from itertools import chain
from pathlib import Path

from optuna.trial import TrialState

from qa_sweep.accord import outcome_of
from qa_sweep.doctor.finding import Finding, Kind
from qa_sweep.doctor.memory import remember
from qa_sweep.doctor.records import Records, TrialRecord, folder_of
from qa_sweep.sweep.reaper import Reaper
from qa_sweep.tracking.index import IndexedRun, delete_run, index_runs, read_index
from qa_sweep.tracking.reader import RunSummary
from qa_sweep.tracking.rebuilding import rebuild
from qa_sweep.tracking.settling import is_at_work, set_outcome, settle, unsettled
from qa_sweep.tracking.spool import SPOOL_NAME
from qa_sweep.tracking.tracker import Outcome

RESULT_FILE = "result.json"  # written last, as the sign that all of a run is there
OUTCOMES = {outcome.value for outcome in Outcome}
ENDED_BADLY = {Outcome.failed.value, Outcome.diverged.value}


def examine(records: Records, ui: int | None) -> list[Finding]:
    """All findings, in the order in which they are to be mended.

    `ui` is the process of an Aim UI that is open on the repo, which keeps its index itself.
    """
    found = chain(
        _spools(records),
        chain.from_iterable(_of_trial(records, record) for record in records.trials),
        _single(records),
        _homeless(records),
        _unreadable(records),
        [] if ui is not None else _unindexed(records),
    )
    order = list(Kind)
    return sorted(found, key=lambda finding: order.index(finding.kind))


def unindexed(records: Records) -> list[RunSummary]:
    """Runs that have ended, and that Aim's index lacks or shows otherwise."""
    runs = [run for run in records.of_choice if run.end_time is not None]
    indexed = read_index(records.repo, [run.hash for run in runs])
    return [run for run in runs if indexed.get(run.hash) != IndexedRun(run.end_time, run.status)]


def _spools(records: Records) -> Iterator[Finding]:
    repo = records.repo if records.is_repo_named else None  # None: where the spool says
    trials = {record.folder: record for record in records.trials}
    single = [records.studies.results / "runs"] if records.name is None else []
    for parent in [records.studies.results / study.name for study in records.chosen] + single:
        for folder in unsettled(parent):
            record = trials.get(folder)
            if is_at_work(folder) or (record is not None and record.is_worked_on):
                continue
            outcome, error = outcome_of(record.trial) if record else (Outcome.interrupted, None)
            text = f"{folder}: {_n_lines(folder / SPOOL_NAME)} events wait in {SPOOL_NAME}"
            yield Finding(Kind.waiting, text, partial(settle, folder, outcome, error, repo))


def _n_lines(path: Path) -> int:
    with suppress(OSError), path.open("rb") as file:
        return sum(1 for _ in file)
    return 0


def _of_trial(records: Records, record: TrialRecord) -> Iterator[Finding]:
    if record.is_worked_on:
        return
    if record.trial.state is TrialState.RUNNING:
        yield Finding(Kind.dead_worker, record.title, partial(_hand_back, records, record))
    if (record.folder / SPOOL_NAME).exists():  # to be written first
        return
    if record.run is not None:
        yield from _end(records, record)
    elif record.trial.state.is_finished() and _is_lost(records, record):
        text = f"{record.title}: run {record.run_hash} is not in {records.repo}"
        yield Finding(Kind.lost, text, lambda: rebuild(records.repo, remember(record)))
    for run in record.others:
        if _is_ghost(records, run):
            yield _closing(records, run, record.title, Outcome.interrupted, None)
        elif not records.is_worked_on(run):
            text = f"{record.title}: run {run.hash}, beside {_shown(record)}"
            yield Finding(Kind.doubled, text, _deletion(records, run.hash))


def _end(records: Records, record: TrialRecord) -> Iterator[Finding]:
    """Whether the trial's own run has ended, and as the study says."""
    run, (outcome, error) = record.run, outcome_of(record.trial)
    assert run is not None
    if records.is_worked_on(run):
        return
    if _is_ghost(records, run):
        yield _closing(records, run, record.title, outcome, error)
        return
    agreeing = ENDED_BADLY if outcome.value in ENDED_BADLY else {outcome.value}
    tags = OUTCOMES & set(run.tags)
    if run.status in agreeing and tags == {run.status}:
        return
    shown = f"{run.status}, tagged {', '.join(sorted(tags)) or 'nothing'}"
    text = f"{record.title}: {outcome.value}, but run {run.hash} is {shown}"
    yield Finding(Kind.outcome, text, partial(set_outcome, records.repo, run.hash, outcome, error))


def _single(records: Records) -> Iterator[Finding]:
    for run in records.single:
        folder = folder_of(run)
        if folder is not None and (folder / SPOOL_NAME).exists():
            continue
        if _is_ghost(records, run):
            is_whole = folder is not None and (folder / RESULT_FILE).exists()
            outcome = Outcome.complete if is_whole else Outcome.interrupted
            yield _closing(records, run, run.name, outcome, None)


def _homeless(records: Records) -> Iterator[Finding]:
    for run in records.homeless:
        if records.is_worked_on(run):
            continue
        if _is_ghost(records, run):
            yield _closing(records, run, run.name, Outcome.interrupted, None)
        else:
            text = f"run {run.hash} ({run.name}) is of no trial in {records.studies.shown_url}"
            yield Finding(Kind.homeless, text, _deletion(records, run.hash))


def _unreadable(records: Records) -> Iterator[Finding]:
    for run in records.unreadable_of_choice:
        text = f"run {run.hash}: {run.reason}"
        yield Finding(Kind.unreadable, text, _deletion(records, run.hash))


def _unindexed(records: Records) -> Iterator[Finding]:
    runs = unindexed(records)
    indexing = _Indexing(records.repo, [run.hash for run in runs])
    for run in runs:
        text = f"run {run.hash} ({run.name})"
        yield Finding(Kind.unindexed, text, partial(indexing.covers, run.hash))


class _Indexing:
    """Indexes all of the runs as soon as one is asked for: opening the index is what costs."""

    def __init__(self, repo: str, hashes: Sequence[str]) -> None:
        self._repo = repo
        self._hashes = hashes

    def covers(self, run_hash: str) -> bool:
        return run_hash not in self._failed

    @cached_property
    def _failed(self) -> list[str]:
        return index_runs(self._repo, self._hashes)


def _is_ghost(records: Records, run: RunSummary) -> bool:
    """Whether the run goes on, by its record, though no process is at work on it."""
    is_open = run.end_time is None or run.status not in OUTCOMES
    return is_open and not records.is_worked_on(run)


def _is_lost(records: Records, record: TrialRecord) -> bool:
    if record.run_hash is None or record.run_hash in records.hashes_by_now:
        return False
    return records.is_repo_named or record.tracked_in is None


def _closing(
    records: Records, run: RunSummary, title: str, outcome: Outcome, error: str | None
) -> Finding:
    text = f"{title}: run {run.hash} is {run.status or 'open'}, to be {outcome.value}"
    return Finding(Kind.ghost, text, partial(set_outcome, records.repo, run.hash, outcome, error))


def _shown(record: TrialRecord) -> str:
    return record.run.hash if record.run is not None else f"{record.run_hash}, which is gone"


def _hand_back(records: Records, record: TrialRecord) -> bool:
    """As the next sweep would; whether it was too often is for that to say.

    Only where the worker is seen to be dead: by now another one may work on the trial.
    """
    storage, name = records.studies.storage, record.study.name
    reaper = Reaper(
        storage.backend, storage.leases(name), storage.lock(name), sys.maxsize, math.inf
    )
    return bool(reaper.reap([record.trial]))


def _deletion(records: Records, run_hash: str) -> Callable[[], bool]:
    return partial(delete_run, records.repo, run_hash)
