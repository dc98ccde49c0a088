"""The record of a run in an experiment tracker, and reading it back.

The only package that imports Aim. Importing it imports neither Aim nor transformers: each comes
with the first use of what needs it.
"""

from typing import TYPE_CHECKING, Any

from qa_sweep.tracking.bookmarks import make_views
from qa_sweep.tracking.open import choose_hash, import_tracker, open_tracker
from qa_sweep.tracking.reader import RunSummary, TrackedRun, read_runs, read_summaries
from qa_sweep.tracking.tracker import (
    AnsweredQuestion,
    NullTracker,
    Outcome,
    RunTracker,
    Subset,
)

if TYPE_CHECKING:
    from qa_sweep.tracking.callback import AimCallback

__all__ = [
    "AimCallback",
    "AnsweredQuestion",
    "NullTracker",
    "Outcome",
    "RunSummary",
    "RunTracker",
    "Subset",
    "TrackedRun",
    "choose_hash",
    "import_tracker",
    "make_views",
    "open_tracker",
    "read_runs",
    "read_summaries",
]


def __getattr__(name: str) -> Any:
    if name == "AimCallback":  # a transformers class: its import costs seconds
        from qa_sweep.tracking.callback import AimCallback

        return AimCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
