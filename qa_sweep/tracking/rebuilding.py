"""Makes a run anew from what others remember of it: its params and evaluations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_sweep.tracking import events
from qa_sweep.tracking.events import Event
from qa_sweep.tracking.settling import record, warn
from qa_sweep.tracking.tracker import Outcome, Subset
from qa_sweep.tracking.values import finite_metrics, plain


@dataclass(frozen=True)
class RememberedRun:
    """What is known of a run; times are seconds since the epoch."""

    hash: str
    experiment: str
    name: str
    params: Mapping[str, object]  # by section
    evaluations: Sequence[tuple[int, float | None, Mapping[str, float]]]  # step, epoch, metrics
    outcome: Outcome
    error: str | None
    began: float
    ended: float


def rebuild(repo: str, run: RememberedRun) -> bool:
    """Make the run; False, and one warning, where the repo cannot be written."""
    fault = record(_events(repo, run), repo)
    return True if fault is None else warn(f"run {run.hash} of {repo}", fault)


def _events(repo: str, run: RememberedRun) -> Iterator[Event]:
    opening = events.opening(repo, run.hash, run.experiment, run.name, str(Path(repo)))
    # Today's software is not what the run ran on.
    yield opening | {"software": {}, "time": run.began}
    for section, values in (*run.params.items(), ("rebuilt", True)):
        yield events.params(section, plain(values)) | {"time": run.began}
    for step, epoch, metrics in run.evaluations:
        values = finite_metrics(metrics)
        yield events.metrics(values, step, epoch, Subset.eval) | {"time": run.ended}
    yield events.closing(run.outcome, run.error) | {"time": run.ended}
