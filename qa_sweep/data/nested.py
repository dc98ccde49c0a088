"""Nested JSON: the format in which SQuAD 1.1 and 2.0 are published.

`{"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers",
"is_impossible"}]}]}]}`, of which `title` and `is_impossible` may be missing.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from qa_sweep.data.fields import read_list, read_text, shown
from qa_sweep.data.impossible import heed_impossible
from qa_sweep.data.readings import Reading, read
from qa_sweep.data.rows import DATA, RowRules, read_row
from qa_sweep.errors import DataError
from qa_sweep.qa.example import BadRow, Example, Fault


def read_nested(content: Any, name: str, rules: RowRules = DATA) -> Iterator[Reading]:
    """Yield what came of each question of the parsed file `name`.

    A place is named as `train.json, data[0].paragraphs[2].qas[1]`; an article or a paragraph that
    is broken as a whole is one broken row. Raises DataError where the file has no articles.
    """
    if rules.columns:
        raise DataError(
            f"{name}: data.columns renames columns of flat rows, but nested JSON has SQuAD's own "
            f"names; leave data.columns out"
        )
    for i, article in enumerate(read_list(_record(content, name), "data", name)):
        where = f"{name}, data[{i}]"
        try:
            paragraphs = read_list(_record(article, where), "paragraphs", where)
        except BadRow as bad:
            yield Reading(where, bad.with_traceback(None))
            continue
        for j, paragraph in enumerate(paragraphs):
            yield from _read_paragraph(
                paragraph, article.get("title"), f"{where}.paragraphs[{j}]", rules
            )


def _read_paragraph(paragraph: Any, title: Any, where: str, rules: RowRules) -> Iterator[Reading]:
    try:
        shared = {"context": read_text(_record(paragraph, where), "context", where), "title": title}
        questions = read_list(paragraph, "qas", where)
    except BadRow as bad:
        yield Reading(where, bad.with_traceback(None))
        return
    for k, question in enumerate(questions):
        at_question = f"{where}.qas[{k}]"
        yield read(at_question, partial(_read_question, question, shared, at_question, rules))


def _read_question(
    question: Any, shared: Mapping[str, Any], where: str, rules: RowRules
) -> Example:
    row = {**_record(question, where), **shared}
    return read_row(heed_impossible(row, where, needs_answers=rules.needs_answers), where, rules)


def _record(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        problem = f"must be an object with named fields, but got {shown(value)}"
        raise BadRow(where, problem, Fault.wrong_type)
    return value
