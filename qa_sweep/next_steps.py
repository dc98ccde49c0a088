"""Next steps: the commands that a sweep ends with, to be pasted where it was given."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.run_files import PREDICTIONS_FILE
from qa_sweep.study_views import repo_option
from qa_sweep.sweep.studies import StudyOnDisk
from qa_sweep.terminal import visible

_COLUMNS = ["question", "context", "references"]
_N_READ = 1000  # held-out questions, of which one is asked
_N_CHARS = 300  # of a context, which else is cut
_PART_OF_WORD_BEFORE = re.compile(r"^\S{0,20}\s")
_PART_OF_WORD_BEHIND = re.compile(r"\s\S{0,20}$")


def next_steps(tracking: TrackingConfig, study: StudyOnDisk) -> list[str]:
    """The report, and the best model's answer to a question of the study's own data.

    Nothing where no trial is complete. The study is named, as others may be worked on later.
    """
    if study.leaderboard.best is None:
        return []
    repo = repo_option(tracking.repo) if tracking.tracker is Tracker.aim else []
    steps = [["report", study.name, *study.options, *repo]]
    asked = held_out_question(study.best_folder())
    if asked is not None:
        question, context = asked
        steps.append(["ask", question, "--context", context, "--study", study.name, *study.options])
    return [f"python -m qa_sweep.{shlex.join(words)}" for words in steps]


def held_out_question(folder: Path) -> tuple[str, str] | None:
    """A question that the run was evaluated on, with what to read for it, each on one line.

    The first one whose context is short, else the first, with what stands around its answer. None
    where no such question can be read, or typed.
    """
    rows = [row for row in _read(folder / PREDICTIONS_FILE) if row["references"]]
    for row in sorted(rows, key=lambda row: len(row["context"]) > _N_CHARS):
        question = visible(row["question"])
        context = visible(_around(row["references"][0], row["context"]))
        if is_typable(question) and is_typable(context):
            return question, context
    return None


def _read(path: Path) -> list[Mapping[str, Any]]:
    """The first rows; none where they are gone, or not to be read."""
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            if not set(_COLUMNS) <= set(file.schema_arrow.names):
                return []
            batch = next(file.iter_batches(_N_READ, columns=_COLUMNS), None)
    except (OSError, ValueError):
        return []
    return [] if batch is None else batch.to_pylist()


def _around(answer: str, context: str) -> str:
    """The context, or of a long one what stands around the answer."""
    if len(context) <= _N_CHARS:
        return context
    start = max(0, context.find(answer) + len(answer) // 2 - _N_CHARS // 2)
    end = start + _N_CHARS
    piece = context[start:end]
    if start > 0:
        piece = _PART_OF_WORD_BEFORE.sub("", piece)
    return _PART_OF_WORD_BEHIND.sub("", piece) if end < len(context) else piece


def is_typable(text: str) -> bool:
    """Whether `ask` takes it as a text: not as an option, nor as a file or folder."""
    is_name = text.lower().endswith((".txt", ".md")) or (
        " " not in text and any(char in text for char in "/.")
    )
    return not is_name and not text.startswith(("-", "~"))
