"""Study report: all that is known of a study, computed once, to be shown in whatever way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from optuna.trial import FrozenTrial

from qa_sweep.report.answers import RunAnswers, on_same_questions, read_answers
from qa_sweep.report.importance import importances
from qa_sweep.report.leaderboard import StudyLeaderboard
from qa_sweep.report.shown_study import shown_study
from qa_sweep.report.verdict import Verdict, judge
from qa_sweep.run_files import PREDICTIONS_FILE
from qa_sweep.sweep.lease import LeaseStore
from qa_sweep.sweep.studies import StudyOnDisk

_FALLBACK_METRIC = "f1"  # where the objective is none that questions are scored by


@dataclass(frozen=True, eq=False)
class StudyReport:
    """A study as it stands."""

    study: StudyOnDisk
    answered: StudyOnDisk  # without the trials whose answers are not stored
    leaderboard: StudyLeaderboard
    verdict: Verdict | None  # None without stored answers
    importances: dict[str, float]  # of params for the first objective
    notes: tuple[str, ...]  # what could not be taken into account

    @property
    def name(self) -> str:
        return self.study.name

    @property
    def objective(self) -> str:
        return self.study.objectives[0].name


def report_on(study: StudyOnDisk, leases: LeaseStore) -> StudyReport:
    """Read what the trials have left; broken and missing files cost a note each kind."""
    answered = _with_answers(study)
    answers = read_answers(answered)
    comparable = on_same_questions(answers)
    leaderboard = StudyLeaderboard.of(study, leases, answers)
    return StudyReport(
        study,
        answered,
        leaderboard,
        _verdict(study, comparable),
        importances(shown_study(study, study.leaderboard.trials, (0,))),
        tuple(_notes(leaderboard, answers, comparable)),
    )


def _with_answers(study: StudyOnDisk) -> StudyOnDisk:
    """The study without the trials whose answers are not stored."""

    def has_answers(trial: FrozenTrial) -> bool:
        return (study.folder(trial.number) / PREDICTIONS_FILE).exists()

    return replace(study, all_trials=tuple(filter(has_answers, study.all_trials)))


def _verdict(study: StudyOnDisk, comparable: Sequence[RunAnswers]) -> Verdict | None:
    if not comparable:
        return None
    objective = study.objectives[0].name
    return judge(comparable, objective if objective in comparable[0].scores else _FALLBACK_METRIC)


def _notes(
    leaderboard: StudyLeaderboard,
    answers: Sequence[RunAnswers],
    comparable: Sequence[RunAnswers],
) -> list[str]:
    notes = []
    n_complete = len([row for row in leaderboard.rows if row.outcome == "complete"])
    if n_without := n_complete - len(answers):
        notes.append(f"the answers of {counted(n_without)} cannot be read: no interval, no verdict")
    if n_others := len(answers) - len(comparable):
        notes.append(f"{counted(n_others)} answered other questions: left out of the verdict")
    if leaderboard.unreadable:
        number, reason = next(iter(leaderboard.unreadable.items()))
        notes.append(
            f"the record of {counted(len(leaderboard.unreadable))} cannot be read "
            f"(trial {number}: {reason})"
        )
    return notes


def counted(n_trials: int) -> str:
    """`1 complete trial`, `450 complete trials`"""
    return f"{n_trials} complete trial{'' if n_trials == 1 else 's'}"
