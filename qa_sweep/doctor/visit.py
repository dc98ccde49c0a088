"""Visit: the examination, the repair, and what is said of them."""

import argparse
import logging
import os
from collections.abc import Iterator, Sequence
from functools import partial

from optuna.storages import InMemoryStorage

from qa_sweep.doctor.examination import examine, unindexed
from qa_sweep.doctor.finding import Finding, Kind
from qa_sweep.doctor.records import Records
from qa_sweep.doctor.telling import as_json, in_words, mended_in_words
from qa_sweep.errors import StudyError
from qa_sweep.sweep.storage import StudyStorage
from qa_sweep.sweep.studies import Studies, open_studies, storage_url
from qa_sweep.terminal import spelled_out
from qa_sweep.tracking.index import ui_process
from qa_sweep.tracking.reader import RunSummary, UnreadableRun, has_repo, read_summary, scan

N_ROUNDS = 4  # mending one thing may show another: a run that was deleted can be made anew


def visit(options: argparse.Namespace) -> int:
    """Examine, with `--repair` mend, and say what was found; return the exit code."""
    logging.basicConfig(format="%(message)s")  # what cannot be mended says why
    repo = os.path.abspath(options.repo or ".")  # Aim keeps files open by the name they go by
    studies = _open_studies(options, repo)
    if options.study is not None:
        studies.find(options.study)  # raises where there is none
    mended: list[Finding] = []
    records, ui = _read(studies, repo, options), _ui(repo)
    findings = examine(records, ui)
    may_mend = partial(_may_mend, options, ui, has_repo(repo))
    for _ in range(N_ROUNDS if options.repair else 0):
        done = [finding for finding in findings if may_mend(finding) and finding.mend()]
        if not done:
            break
        mended += done
        records = _read(studies, repo, options)
        findings = examine(records, ui)
    if options.json:
        print(as_json(findings, mended))
    else:
        for line in (*_report(records, ui), *_verdict(findings, mended, options, ui)):
            print(spelled_out(line))
    return 1 if findings else 0


def _open_studies(options: argparse.Namespace, repo: str) -> Studies:
    """The studies; none where there are only single runs."""
    try:
        return open_studies(options.results, options.storage)
    except StudyError:
        if options.storage is not None or options.study is not None or not has_repo(repo):
            raise
    url = storage_url(options.results, None)
    return Studies(StudyStorage(InMemoryStorage(), None), url, options.results)


def _read(studies: Studies, repo: str, options: argparse.Namespace) -> Records:
    runs: list[RunSummary] = []
    unreadable: list[UnreadableRun] = []
    for run in scan(repo, None, read_summary) if has_repo(repo) else ():
        if isinstance(run, UnreadableRun):
            unreadable.append(run)
        else:
            runs.append(run)
    # After the runs, which a sweep may add to: else the run of a new trial would be of no trial.
    known = [study for study in studies.in_order() if study.identity is not None]
    is_named = options.repo is not None
    return Records(repo, studies, known, runs, unreadable, options.study, is_named)


def _ui(repo: str) -> int | None:
    return ui_process(repo) if has_repo(repo) else None


def _may_mend(
    options: argparse.Namespace, ui: int | None, has_repo: bool, finding: Finding
) -> bool:
    if finding.kind is Kind.lost:  # they may be in a repo that was not named
        return has_repo or options.repo is not None
    return not finding.deletes or (options.yes and ui is None)


def _report(records: Records, ui: int | None) -> Iterator[str]:
    trials = list(records.trials)
    yield (
        f"checked {len(records.chosen)} studies with {len(trials)} trials, "
        f"and {len(records.of_choice)} runs in {records.repo}"
    )
    n_worked_on = sum(record.is_worked_on for record in trials)
    if n_worked_on:
        yield f"{n_worked_on} trials are at work, and were left alone"
    n_untracked = sum(record.is_untracked for record in trials)
    if n_untracked:
        yield f"{n_untracked} trials were not tracked"
    elsewhere = {place for record in trials if (place := record.tracked_in) is not None}
    if elsewhere and not records.is_repo_named:
        yield f"trials were tracked in other repos ({', '.join(sorted(elsewhere))}); see --repo"
    if records.n_elsewhere:
        yield f"{records.n_elsewhere} runs were made in other folders of results; see --results"
    if ui is not None:
        n_missing = len(unindexed(records))
        yield f"Aim's UI is open (process {ui}): it indexes by itself, with {n_missing} runs to go"


def _verdict(
    findings: Sequence[Finding],
    mended: Sequence[Finding],
    options: argparse.Namespace,
    ui: int | None,
) -> Iterator[str]:
    yield from mended_in_words(mended)
    yield from in_words(findings)
    n_deletions = sum(finding.deletes for finding in findings)
    if options.repo is None and not has_repo("."):
        yield "there is no Aim repo here; if there is one elsewhere, name it: --repo DIR"
    if not findings:
        yield "all is in accord" + (" now" if mended else "")
    elif not options.repair:
        yield f"{len(findings)} findings; to mend them, add --repair"
    elif n_deletions and ui is not None:
        yield f"{len(findings)} left; to delete runs, close Aim's UI (process {ui}) first"
    elif n_deletions and not options.yes:
        yield f"{len(findings)} left; to delete {n_deletions} runs, add --yes"
    else:
        yield f"{len(findings)} left, that could not be mended"
