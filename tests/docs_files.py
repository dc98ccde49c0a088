"""The files that somebody has who follows the docs: questions in each format, and texts."""

import csv
import json
from pathlib import Path
from typing import Any

from docs_helpers import DOCS, blocks

Rows = list[dict[str, Any]]

PASSAGE = "Ada Lovelace wrote it in London."
MIRA = "Mira moved to Norwick last year. Mira collects silver spoons."


def write_files(folder: Path) -> None:
    """The quickstart's questions under all names that pages give them, and two texts."""
    (text,) = blocks(DOCS / "quickstart.md", "json")
    rows = [json.loads(line) for line in text.splitlines()]
    for name in ("train.jsonl", "questions.jsonl"):
        (folder / name).write_text(text)
    (folder / "train.json").write_text(json.dumps(_as_squad(rows)))
    _write_faq(folder / "faq.csv", rows)
    (folder / "passage.txt").write_text(PASSAGE)
    (folder / "docs").mkdir()
    (folder / "docs" / "mira.md").write_text(MIRA)


def _as_squad(rows: Rows) -> dict[str, Any]:
    paragraphs = [{"context": row["context"], "qas": [_as_qa(row)]} for row in rows]
    return {"data": [{"title": "library", "paragraphs": paragraphs}]}


def _as_qa(row: dict[str, Any]) -> dict[str, Any]:
    answer = {"text": row["answer_text"], "answer_start": row["answer_start"]}
    return {"id": row["id"], "question": row["question"], "answers": [answer]}


def _write_faq(file: Path, rows: Rows) -> None:
    """With the columns as they should be called, and two of them under other names as well."""
    columns = [{**row, "key": row["id"], "q": row["question"]} for row in rows]
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, columns[0])
        writer.writeheader()
        writer.writerows(columns)
