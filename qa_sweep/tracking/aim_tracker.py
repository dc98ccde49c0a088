"""Tracks a run in Aim."""

import atexit
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from uuid import uuid4

from qa_sweep.config import TrackingConfig
from qa_sweep.tracking import events
from qa_sweep.tracking.logs import LogLineHandler
from qa_sweep.tracking.recorder import Recorder
from qa_sweep.tracking.spool import Spool
from qa_sweep.tracking.system_metrics import SystemMetrics
from qa_sweep.tracking.tracker import AnsweredQuestion, Outcome, Subset
from qa_sweep.tracking.values import finite_metrics, plain
from qa_sweep.tracking.writer import Writer

CLOSE_TIMEOUT_S = 60.0
# Who is told to end is killed soon; the spool keeps what is not written by then.
INTERRUPTED_TIMEOUT_S = 5.0
MAX_QUESTIONS = 500  # of a call; Aim keeps a passage with each, and shows no more at a time
HASH_CHARS = 24  # as Aim makes them


class AimTracker:
    """A run of an Aim repo, which fulfils `RunTracker`.

    What is called becomes an event, which waits in the run's spool until Aim has it. The first
    fault of Aim costs one warning; from then on events only go to the spool, and nothing is raised.
    """

    def __init__(
        self,
        config: TrackingConfig,
        *,
        experiment: str,
        run_name: str,
        folder: Path,
        run_hash: str | None = None,
    ) -> None:
        self.run_hash = run_hash or new_hash()
        repo = address(config.repo)
        self._closed = False
        self._writer = Writer(Spool(folder.absolute()), Recorder(repo), place=repo)
        self._writer.submit(
            partial(events.opening, repo, self.run_hash, experiment, run_name, os.getcwd())
        )
        self._logs = LogLineHandler(self._take_line, max_lines=config.max_log_lines)
        self._logs.attach()
        self._system = SystemMetrics(self._take_usage, config.system_interval_s, folder.absolute())
        atexit.register(self.close, Outcome.interrupted)

    def set_params(self, params: Mapping[str, object]) -> None:
        for section, values in params.items():
            self._writer.submit(partial(events.params, section, plain(values)))

    def track(
        self, metrics: Mapping[str, float], *, step: int, epoch: float | None, subset: Subset
    ) -> None:
        values = finite_metrics(metrics)
        self._writer.submit(partial(events.metrics, values, step, epoch, subset))

    def track_questions(self, answered: Sequence[AnsweredQuestion]) -> None:
        for step, question in enumerate(answered[:MAX_QUESTIONS]):
            self._writer.submit(partial(events.answer, question, step))

    def close(self, outcome: Outcome, error: str | None = None) -> None:
        """Store `outcome` as `run["status"]` and as a tag, and `error` as `run["error"]`."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._logs.detach()
        self._system.stop()
        is_hurried = outcome is Outcome.interrupted
        timeout_s = INTERRUPTED_TIMEOUT_S if is_hurried else CLOSE_TIMEOUT_S
        self._writer.finish(partial(events.closing, outcome, error), timeout_s)

    def _take_line(self, number: int, text: str) -> None:
        self._writer.submit(partial(events.log_line, number, text))

    def _take_usage(self, number: int, readings: events.Readings) -> None:
        self._writer.submit(partial(events.usage, number, readings))


def new_hash() -> str:
    return uuid4().hex[:HASH_CHARS]


def address(repo: str) -> str:
    """`repo`, such that it holds in any working directory."""
    return repo if "://" in repo else os.path.abspath(repo)
