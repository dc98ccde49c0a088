"""Examples as a file in SQuAD's JSON."""

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from qa_sweep.qa.example import Example


def write_squad(path: Path, examples: Sequence[Example]) -> None:
    """Keep their order; questions on one context stand together where they follow each other."""
    articles = [
        {"title": title, "paragraphs": _paragraphs(list(group))}
        for title, group in groupby(examples, key=lambda example: example.title)
    ]
    path.write_text(json.dumps({"version": "1.1", "data": articles}))


def _paragraphs(examples: Sequence[Example]) -> list[dict[str, Any]]:
    return [
        {"context": context, "qas": [_question(example) for example in group]}
        for context, group in groupby(examples, key=lambda example: example.context)
    ]


def _question(example: Example) -> dict[str, Any]:
    answers = [{"text": each.text, "answer_start": each.start} for each in example.references]
    return {"id": example.id, "question": example.question, "answers": answers}
