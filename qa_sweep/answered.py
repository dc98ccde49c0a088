"""Answered questions: what is shown of a run's answers, for two runs to be compared by."""

import zlib
from collections.abc import Sequence

from qa_sweep.config import RunConfig
from qa_sweep.data import load_questions
from qa_sweep.evaluation import Evaluation, answer
from qa_sweep.memory import Memory
from qa_sweep.model import Reader
from qa_sweep.qa.decisions import Decision
from qa_sweep.qa.example import Example
from qa_sweep.qa.scores import Scores, score
from qa_sweep.tracking import AnsweredQuestion

QUESTION_SET = "questions"
HELD_OUT = "held-out"


def answer_questions(config: RunConfig, memory: Memory, reader: Reader) -> list[AnsweredQuestion]:
    """What the reader answers to the question set; scored where a reference is known."""
    questions = load_questions(config.questions)
    if not questions:
        return []
    data = config.data
    candidates = memory.evaluate(
        lambda fitting: answer(
            reader,
            questions,
            fitting.evaluation,
            data.max_length,
            data.doc_stride,
            fitting.speed.spans_on_device,
        )
    )
    contexts = [question.context for question in questions]
    decision = reader.decision or Decision(config.evaluation.max_answer_length)
    answers = candidates.texts(decision.choose(candidates), contexts)
    scores = _score(questions, answers)
    return [
        _answered(question, text, scores, number, QUESTION_SET, is_scored=question.is_answerable)
        for number, (question, text) in enumerate(zip(questions, answers, strict=True))
    ]


def held_out_sample(
    evaluation: Evaluation, examples: Sequence[Example], n_questions: int
) -> list[AnsweredQuestion]:
    """Of the evaluated examples some, which are the same in each run on the same examples."""
    by_checksum = sorted(range(len(examples)), key=lambda i: (_checksum(examples[i]), i))
    return [
        _answered(
            examples[i], evaluation.answers[i], evaluation.scores, i, HELD_OUT, is_scored=True
        )
        for i in sorted(by_checksum[:n_questions])
    ]


def _score(questions: Sequence[Example], answers: Sequence[str]) -> Scores:
    numbers = [str(number) for number in range(len(questions))]
    references = [[gold.text for gold in question.references] for question in questions]
    predictions = dict(zip(numbers, answers, strict=True))
    return score(predictions, dict(zip(numbers, references, strict=True)))


def _answered(
    example: Example, text: str, scores: Scores, number: int, source: str, *, is_scored: bool
) -> AnsweredQuestion:
    """`number` is the example's place in `scores`; no reference means that there is no answer."""
    references = [gold.text for gold in example.references]
    return AnsweredQuestion(
        question=example.question,
        context=example.context,
        answer=text,
        reference=(references or [""])[0] if is_scored else None,
        f1=float(scores.f1_by_question[number]) if is_scored else None,
        exact_match=float(scores.exact_match_by_question[number]) if is_scored else None,
        source=source,
    )


def _checksum(example: Example) -> int:
    return zlib.crc32(example.id.encode("utf-8", "replace"))
