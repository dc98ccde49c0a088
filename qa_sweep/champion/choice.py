"""Choice: the trial whose model is the champion, and how it was found."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from qa_sweep.errors import StudyError
from qa_sweep.run_record import RunRecord
from qa_sweep.sweep.studies import StudyOnDisk, find_study
from qa_sweep.sweep.summary import describe, format_value


@dataclass(frozen=True, eq=False)
class Champion:
    """A complete trial of a study, and what its run left."""

    study: StudyOnDisk
    trial: FrozenTrial
    record: RunRecord

    @property
    def number(self) -> int:
        return self.trial.number

    def how_found(self) -> Iterator[str]:
        """One text a fact: study, params, space, verdict."""
        yield self._among()
        if self.trial.params:
            yield f"Its params: {describe(self.trial.params)}."
        yield from self._space()
        if self.verdict is not None:
            yield f"On the held-out questions: {self.verdict}"

    @cached_property
    def verdict(self) -> str | None:
        """Whether the best trial is best, in one sentence; None where that cannot be told."""
        from qa_sweep.report.answers import on_same_questions, read_answers
        from qa_sweep.report.verdict import judge

        runs = on_same_questions(read_answers(self.study))
        if not runs:
            return None
        objective = self.study.objectives[0].name
        return judge(runs, objective if objective in runs[0].scores else "f1").sentence()

    def _among(self) -> str:
        from qa_sweep.study.listing import count_by_state
        from qa_sweep.study.words import objectives_in_words

        objectives = objectives_in_words(self.study)
        values = ", ".join(
            f"{objective.name} {format_value(value)}"
            for objective, value in zip(self.study.objectives, self.trial.values, strict=True)
        )
        return (
            f"Trial {self.number} of study {self.study.name} ({count_by_state(self.study)}), which "
            f"was to {objectives}; it has {values}{self._why()}."
        )

    def _why(self) -> str:
        board = self.study.leaderboard
        is_chosen = bool(board.why_best) and self.number == board.best_number
        return f", and is {board.why_best}" if is_chosen else ""

    def _space(self) -> Iterator[str]:
        from qa_sweep.study.words import space_in_words

        space = "; ".join(f"{name}: {text}" for name, text in space_in_words(self.study).items())
        if space:
            yield f"The space: {space}."


def choose(results: Path, study: str | None, storage: str | None, number: int | None) -> Champion:
    """The best trial of a study, or the one with that `number`; see `find_study`.

    Raises StudyError where there is no such trial, or it is not complete.
    """
    found = find_study(results, study, storage)
    trial = found.leaderboard.best if number is None else _trial(found, number)
    if trial is None:
        raise StudyError(f"study {found.name} has no complete trial yet")
    return Champion(found, trial, RunRecord.read(found.folder(trial.number)))


def _trial(study: StudyOnDisk, number: int) -> FrozenTrial:
    for trial in study.all_trials:
        if trial.number == number and trial.state is TrialState.COMPLETE:
            return trial
    complete = [str(t.number) for t in study.all_trials if t.state is TrialState.COMPLETE]
    raise StudyError(
        f"--trial must be a complete one of study {study.name}, but got {number}; complete are "
        f"{', '.join(complete) or 'none'}"
    )
