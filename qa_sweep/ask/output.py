"""Output: answers as they are shown, to people or to programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qa_sweep.ask.answer import Answer
from qa_sweep.ask.questions import Question
from qa_sweep.terminal import visible, visible_json

NO_ANSWER = "(no answer in the context)"


@dataclass(frozen=True)
class Output:
    """How answers are printed, on standard output."""

    is_json: bool
    in_table: bool  # with score and place, for several answers or contexts
    with_questions: bool  # above their answers

    def show(self, question: Question, answers: Sequence[Answer]) -> None:
        text = as_json(question, answers) if self.is_json else self._as_text(question, answers)
        print(text, flush=True)

    def _as_text(self, question: Question, answers: Sequence[Answer]) -> str:
        lines = table(answers) if self.in_table else [said(answers[0])]
        if self.with_questions:
            lines = [visible(question.text), *(f"  {line}" for line in lines)]
        return "\n".join(lines)


def as_json(question: Question, answers: Sequence[Answer]) -> str:
    """One object on one line; no answer is an empty text without a place."""
    content = {
        "id": question.id,
        "question": question.text,
        "answer": answers[0].text,
        "answers": [_plain(answer) for answer in answers],
    }
    return visible_json(json.dumps(content, ensure_ascii=False))


def table(answers: Sequence[Answer]) -> list[str]:
    """A line an answer: score, answer, and the place as NAME:START–END."""
    from rich.cells import cell_len  # a Chinese character is two columns wide

    texts = [said(answer) for answer in answers]
    width = max(map(cell_len, texts))
    padded = [text + " " * (width - cell_len(text)) for text in texts]
    return [
        f"{answer.probability:.3f}  {text}  {place(answer)}".rstrip()
        for answer, text in zip(answers, padded, strict=True)
    ]


def said(answer: Answer) -> str:
    return visible(answer.text) or NO_ANSWER


def place(answer: Answer) -> str:
    """Where an answer stands, "" for none."""
    if not answer.text:
        return ""
    name = "" if answer.source is None else f"{visible(answer.source)}:"
    return f"{name}{answer.start}–{answer.end}"


def _plain(answer: Answer) -> dict[str, Any]:
    stands = bool(answer.text)
    return {
        "text": answer.text,
        "start": answer.start if stands else None,
        "end": answer.end if stands else None,
        "probability": answer.probability,
        "source": answer.source,
    }
