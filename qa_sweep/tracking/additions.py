"""Adds to a run that has ended what its model was asked since; the run's outcome stays as it is.

Imports no Aim until something is to be written.
"""

import os
import time
from collections.abc import Iterator, Sequence

from qa_sweep.tracking import events
from qa_sweep.tracking.events import Event
from qa_sweep.tracking.reader import has_repo
from qa_sweep.tracking.settling import record, warn
from qa_sweep.tracking.tracker import AnsweredQuestion

MAX_QUESTIONS = 500  # of a call; Aim's Text explorer shows no more at a time


def add_questions(repo: str, run_hash: str, answered: Sequence[AnsweredQuestion]) -> bool:
    """Store answered questions as texts behind those that the run has, one step a question.

    `repo` is the folder that holds the Aim repo. False, and one warning, where the run has not
    ended (it is at work, or was killed), or it or the repo cannot be written.
    """
    repo = os.path.abspath(repo)
    fault: str | None = "there is no Aim repo"
    if has_repo(repo):  # else the recorder would make one
        fault = record(_events(repo, run_hash, answered[:MAX_QUESTIONS]), repo)
    return True if fault is None else warn(f"run {run_hash} of {repo}", fault)


def _events(repo: str, run_hash: str, answered: Sequence[AnsweredQuestion]) -> Iterator[Event]:
    yield {"do": "revisit", "repo": repo, "hash": run_hash, "time": time.time()}
    for number, question in enumerate(answered):
        yield events.answer(question, number) | {"time": time.time()}
    yield {"do": "leave", "time": time.time()}
