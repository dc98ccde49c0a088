"""The held-out questions of a run: those kept with its answers, else read from its data again."""

from pathlib import Path

from qa_sweep.data import load_examples
from qa_sweep.data.fingerprint import fingerprint
from qa_sweep.errors import DataError
from qa_sweep.qa.example import Example, Reference
from qa_sweep.run_files import PREDICTIONS_FILE
from qa_sweep.run_record import RunRecord

_COLUMNS = ["id", "question", "context", "references"]


def held_out_examples(record: RunRecord) -> list[Example]:
    """The examples on which a run was evaluated, in their order. Raises DataError where gone."""
    stored = _stored(record.folder / PREDICTIONS_FILE)
    if stored is not None:
        return stored
    examples = load_examples(record.config.data).eval
    known = record.fingerprint.get("eval")
    if known is not None and known != fingerprint(examples):
        raise DataError("the held-out questions are others than when the run was made")
    return examples


def _stored(path: Path) -> list[Example] | None:
    """None where the file is gone, or was written before it had contexts."""
    import pyarrow
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(path, columns=_COLUMNS).to_pylist()
    except (OSError, pyarrow.ArrowException):
        return None
    if not rows or _COLUMNS[-2] not in rows[0]:
        return None
    return [_example(row["id"], row["question"], row["context"], row["references"]) for row in rows]


def _example(id: str, question: str, context: str, references: list[str]) -> Example:
    """With each reference where it first stands: for its score, the text is all that counts."""
    gold = tuple(Reference(text, max(context.find(text), 0)) for text in references)
    return Example(id, question, context, gold)
