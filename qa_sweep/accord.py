"""Accord: that the tracker says of each trial what its study says.

The study is what counts. A run's record may lag behind it: its process was killed before the record
was closed, or the tracker's disk was full.
"""

from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.sweep.tickets import DIVERGED, ERROR, OUTCOME
from qa_sweep.tracking.settling import is_at_work, settle, unsettled
from qa_sweep.tracking.tracker import Outcome

AIM_RUN = "aim_run"  # the attribute in which a job keeps the hash of its Aim run


def outcome_of(trial: FrozenTrial) -> tuple[Outcome, str | None]:
    """How the trial's run ended, and the error it ended with.

    A trial that waits, or whose worker is gone, was interrupted: it will be continued.
    """
    match trial.state:
        case TrialState.COMPLETE:
            return Outcome.complete, None
        case TrialState.PRUNED:
            return Outcome.pruned, None
        case TrialState.FAIL:
            has_diverged = trial.user_attrs.get(OUTCOME) == DIVERGED
            error = trial.user_attrs.get(ERROR, "unknown")
            return (Outcome.diverged if has_diverged else Outcome.failed), str(error)
        case _:
            return Outcome.interrupted, None


def tidy(study: StudyOnDisk) -> list[str]:
    """Write what earlier sweeps of the study have left unwritten, and close their runs.

    For a sweep's start: where nothing was left this costs a look at the study's folder. A RUNNING
    trial is left alone, since its worker may live on another machine; if it is dead, the trial is
    handed back and its next worker writes what was left. Returns a line for each run.
    """
    trials = {str(trial.number): trial for trial in study.all_trials}
    lines = []
    for folder in unsettled(study.results / study.name):
        trial = trials.get(folder.name)
        if trial is None or trial.state is TrialState.RUNNING or is_at_work(folder):
            continue
        lines.append(_settle(folder, trial))
    return lines


def _settle(folder: Path, trial: FrozenTrial) -> str:
    outcome, error = outcome_of(trial)
    if settle(folder, outcome, error):
        return f"trial {trial.number}: what an earlier sweep left was written to Aim"
    return f"trial {trial.number}: not yet written to Aim, but kept in {folder}"
