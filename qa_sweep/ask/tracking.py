"""Tracking: questions and answers as texts of the run in Aim whose model has answered."""

import logging
from collections.abc import Sequence
from pathlib import Path

from qa_sweep.ask.answer import Answer
from qa_sweep.ask.models import ChosenModel
from qa_sweep.ask.questions import Question
from qa_sweep.errors import OutputError
from qa_sweep.tracking.tracker import AnsweredQuestion

SOURCE = "asked"  # as the texts' context names where a question is from

log = logging.getLogger(__name__)


class RunTexts:
    """The texts of the run behind a model; after the first fault, which is warned of, nothing."""

    def __init__(self, model: ChosenModel, repo: str) -> None:
        """`repo` is the folder that holds the Aim repo."""
        self._model = model
        self._repo = repo
        self._run_hash = model.run_hash
        self._is_on = True

    def add(self, answered: Sequence[AnsweredQuestion]) -> None:
        """Store them behind the texts that the run has; costs one warning where that fails."""
        from qa_sweep.tracking.additions import MAX_QUESTIONS, add_questions

        if self._is_on and self._finds_run():
            assert self._run_hash is not None
            self._is_on = add_questions(self._repo, self._run_hash, answered)
            if self._is_on and len(answered) > MAX_QUESTIONS:
                log.warning(
                    "only the first %d of %d questions are tracked", MAX_QUESTIONS, len(answered)
                )

    def _finds_run(self) -> bool:
        if self._run_hash is None:
            try:
                self._run_hash = find_run(self._repo, self._model.run_folder)
            except OutputError as error:
                return self._give_up(str(error))
        if self._run_hash is None:
            return self._give_up(f"no run in {self._repo} is that of {self._model.name}")
        return True

    def _give_up(self, reason: str) -> bool:
        self._is_on = False
        log.warning("nothing is tracked: %s; name the folder of its Aim repo with --repo", reason)
        return False


def find_run(repo: str, run_folder: Path | None) -> str | None:
    """Hash of the run that was made in a folder, or else of its trial; None where there is none.

    Of a folder that was moved or copied, its name and that of its study tell which trial it is of.
    Raises OutputError where there is no Aim repo in the folder `repo`.
    """
    from qa_sweep.tracking.markup import without_markup
    from qa_sweep.tracking.reader import read_summaries

    if run_folder is None:
        return None
    folder = run_folder.resolve()
    place = {"name": folder.parent.name, "trial": folder.name}
    of_trial = None
    for run in read_summaries(repo):
        said = run.params.get("study")
        if not isinstance(said, dict):
            continue
        if said.get("folder") == without_markup(str(folder)):
            return run.hash
        if {"name": said.get("name"), "trial": str(said.get("trial"))} == place:
            of_trial = run.hash
    return of_trial


def answered_question(question: Question, context: str, answer: Answer) -> AnsweredQuestion:
    """As the tracker takes it, scored where the reference is known."""
    reference = question.reference
    if reference is None:
        return AnsweredQuestion(question.text, context, answer.text, source=SOURCE)
    from qa_sweep.qa.scores import score

    scores = score({"asked": answer.text}, {"asked": [reference]})
    return AnsweredQuestion(
        question.text,
        context,
        answer.text,
        reference,
        f1=float(scores.f1_by_question[0]),
        exact_match=float(scores.exact_match_by_question[0]),
        source=SOURCE,
    )
