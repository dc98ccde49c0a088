"""Session: a loaded model that answers what the command line asks, and shows it."""

import argparse
from collections.abc import Sequence

from qa_sweep.ask.answer import Answer
from qa_sweep.ask.answerer import Answerer, Contexts
from qa_sweep.ask.contexts import ContextSet
from qa_sweep.ask.conversation import Conversation
from qa_sweep.ask.models import ChosenModel
from qa_sweep.ask.output import Output
from qa_sweep.ask.questions import Question
from qa_sweep.ask.tracking import RunTexts, answered_question
from qa_sweep.config import TrainerConfig
from qa_sweep.device import set_threads
from qa_sweep.tracking.tracker import AnsweredQuestion


class Session:
    """One call of the command."""

    def __init__(self, model: ChosenModel, options: argparse.Namespace) -> None:
        """Loads the model. Raises ModelError where that cannot be."""
        self._n_best: int = options.n_best
        self._is_json: bool = options.json
        self._texts = RunTexts(model, options.repo) if options.track else None
        self._answerer = Answerer.of_folder(model.path, options.device)
        set_threads(TrainerConfig(), self._answerer.n_parameters)

    def answer(self, questions: Sequence[Question], contexts: ContextSet | None) -> None:
        """Answer all, as a batch, and show the answers as they become known."""
        shared = None if contexts is None else contexts.context
        asked = [(question.text, _context_of(question, shared)) for question in questions]
        output = self._output(contexts, n_questions=len(questions))
        tracked = []
        for (_, context), question, answers in zip(
            asked, questions, self._answerer.ask_each(asked, self._n_best), strict=True
        ):
            output.show(question, answers)
            tracked.append(_answered(question, context, answers))
        self._track(tracked)

    def converse(self, contexts: ContextSet | None) -> None:
        """Answer what is typed, one question after the other."""
        Conversation(self._answer_typed, contexts).run()

    def _answer_typed(self, question: Question, contexts: ContextSet) -> None:
        answers = self._answerer.ask(question.text, contexts.context, self._n_best)
        self._output(contexts, n_questions=1).show(question, answers)
        self._track([_answered(question, contexts.context, answers)])

    def _output(self, contexts: ContextSet | None, n_questions: int) -> Output:
        has_places = contexts is not None and len(contexts.texts) > 1
        return Output(self._is_json, self._n_best > 1 or has_places, n_questions > 1)

    def _track(self, answered: Sequence[AnsweredQuestion]) -> None:
        if self._texts is not None:
            self._texts.add(answered)


def _context_of(question: Question, shared: Contexts | None) -> Contexts:
    """The context in which a question's answer is looked for: its own, or the shared one."""
    context = shared if question.context is None else question.context
    assert context is not None  # the command has refused questions without any
    return context


def _answered(question: Question, context: Contexts, answers: Sequence[Answer]) -> AnsweredQuestion:
    """As it is tracked: of several contexts the one in which the likeliest span stands."""
    if isinstance(context, str):
        passage = context
    else:
        sources = [answer.source for answer in answers if answer.source is not None]
        passage = context[sources[0]] if sources else next(iter(context.values()))
    return answered_question(question, passage, answers[0])
