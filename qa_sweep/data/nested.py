"""Nested JSON: the format in which SQuAD 1.1 and 2.0 are published.

`{"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers",
"is_impossible"}]}]}]}`, of which `title` and `is_impossible` may be missing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from qa_sweep.data.rows import DATA, RowRules, read_list, read_row, read_text, shown
from qa_sweep.errors import DataError
from qa_sweep.qa.example import Example


def read_nested(content: Any, name: str, rules: RowRules = DATA) -> Iterator[Example]:
    """Yield the examples of the parsed file `name`.

    Raises DataError that names the place, e.g. `train.json, data[0].paragraphs[2].qas[1]`.
    """
    content = _record(content, name)
    for i, article in enumerate(read_list(content, "data", name)):
        at_article = f"{name}, data[{i}]"
        article = _record(article, at_article)
        for j, paragraph in enumerate(read_list(article, "paragraphs", at_article)):
            at_paragraph = f"{at_article}.paragraphs[{j}]"
            paragraph = _record(paragraph, at_paragraph)
            shared = {
                "context": read_text(paragraph, "context", at_paragraph),
                "title": article.get("title"),
            }
            for k, question in enumerate(read_list(paragraph, "qas", at_paragraph)):
                yield _read_question(question, shared, f"{at_paragraph}.qas[{k}]", rules)


def _read_question(
    question: Any, shared: Mapping[str, Any], where: str, rules: RowRules
) -> Example:
    row = {**_record(question, where), **shared}
    impossible = row.get("is_impossible", False)
    if not isinstance(impossible, bool):
        raise DataError(
            f"{where}: is_impossible must be true or false, but got {shown(impossible)}"
        )
    if impossible and row.get("answers"):
        raise DataError(
            f"{where}: answers must be empty where is_impossible is true, but got "
            f"{shown(row['answers'])}; correct one of the two"
        )
    if "is_impossible" in row and not impossible and rules.needs_answers and not row.get("answers"):
        raise DataError(
            f"{where}: answers must not be empty where is_impossible is false; add an answer, or "
            f"set is_impossible to true"
        )
    return read_row({"answers": [], **row} if impossible else row, where, rules)


def _record(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DataError(f"{where}: must be an object with named fields, but got {shown(value)}")
    return value
