"""Tracks a run in Aim."""

import logging
import os
from collections.abc import Mapping, Sequence
from functools import partial
from threading import Event

import psutil
from aim.ext.resource.log import LogLine
from aim.sdk.objects.text import Text

from qa_sweep.config import TrackingConfig
from qa_sweep.tracking.aim_repo import AimRun, abandon, abandon_run, close_run, open_repo, open_run
from qa_sweep.tracking.environment import software_record
from qa_sweep.tracking.logs import LogLineHandler
from qa_sweep.tracking.redaction import encodable, escape, redact
from qa_sweep.tracking.system_metrics import SystemMetrics, track_usage
from qa_sweep.tracking.tracker import AnsweredQuestion, Outcome, Subset
from qa_sweep.tracking.values import finite_metrics, plain
from qa_sweep.tracking.writer import Action, Writer

logger = logging.getLogger(__name__)

RUNNING = "running"  # status until the run is closed; a run that was killed keeps it
OPEN_TIMEOUT_S = 60
CLOSE_TIMEOUT_S = 60
MAX_TEXT_CHARS = 10_000
MAX_ERROR_CHARS = 2_000


class AimTracker:
    """A run of an Aim repo, which fulfils `RunTracker`.

    All calls of Aim are made in one thread (`Writer`). The first that raises, or an opening or
    closing that does not end, costs one warning and switches tracking off; nothing is raised.
    """

    def __init__(
        self,
        config: TrackingConfig,
        *,
        experiment: str,
        run_name: str,
        run_hash: str | None = None,
    ) -> None:
        self.run_hash = run_hash
        self._config = config
        self._folder = os.path.abspath(config.repo)  # a job may change its working directory
        self._run: AimRun = None
        self._n_lines = 0
        self._logs: LogLineHandler | None = None
        self._system: SystemMetrics | None = None
        self._off = False
        self._closed = False
        self._writer = Writer(self._switch_off)
        opening = self._submit(partial(self._open, experiment, run_name))
        if not opening.wait(OPEN_TIMEOUT_S):
            self._switch_off(TimeoutError(f"no answer within {OPEN_TIMEOUT_S} s"))
        elif not self._off:
            self._listen()

    def set_params(self, params: Mapping[str, object]) -> None:
        for section, values in params.items():
            self._submit(partial(self._set, section, plain(values)))

    def track(
        self, metrics: Mapping[str, float], *, step: int, epoch: float | None, subset: Subset
    ) -> None:
        values = finite_metrics(metrics)
        self._submit(partial(self._track, values, step, epoch, {"subset": subset.value}))

    def track_questions(self, answered: Sequence[AnsweredQuestion]) -> None:
        for step, question in enumerate(answered):
            self._submit(partial(self._track_question, question, step))

    def close(self, outcome: Outcome, error: str | None = None) -> None:
        """Store `outcome` as `run["status"]` and as a tag, and `error` as `run["error"]`."""
        if self._closed:
            return
        self._closed = True
        self._stop_listening()
        if not self._writer.finish(partial(self._finish, outcome, error), CLOSE_TIMEOUT_S):
            self._switch_off(TimeoutError(f"not closed within {CLOSE_TIMEOUT_S} s"))

    def _submit(self, action: Action) -> Event:
        return self._writer.submit(action)

    def _switch_off(self, error: Exception) -> None:
        """The one place where a fault of tracking ends: one warning, and no more of it."""
        if self._off:
            return
        self._off = True
        self._stop_listening()
        abandon(self._folder)
        if self._run is not None:
            abandon_run(self._run)
        logger.warning(
            "Aim tracking is off for this run, which goes on without it: %s in %s (%s)",
            type(error).__name__,
            self._folder,
            redact(str(error)),
        )

    def _listen(self) -> None:
        """Take log lines and system metrics from now on."""
        self._logs = LogLineHandler(
            lambda number, line: self._submit(partial(self._track_line, number, line)),
            max_lines=self._config.max_log_lines,
            n_lines=self._n_lines,
        )
        self._logs.attach()
        self._system = SystemMetrics(
            partial(self._submit, partial(track_usage, self._run, psutil.Process())),
            self._config.system_interval_s,
        )

    def _stop_listening(self) -> None:
        if self._logs is not None:
            self._logs.detach()
        if self._system is not None:
            self._system.stop()

    # What follows calls Aim, and runs in the writer's thread only.

    def _open(self, experiment: str, run_name: str) -> None:
        self._run = run = open_run(open_repo(self._folder), experiment, self.run_hash)
        self.run_hash = run.hash
        self._n_lines = n_lines_of(run)
        run.name = encodable(run_name)
        run["status"] = RUNNING
        run["__system_params"] = software_record(os.getcwd())
        forget_outcome(run)

    def _set(self, section: str, values: object) -> None:
        self._run[section] = values

    def _track(
        self, values: dict[str, float], step: int, epoch: float | None, context: dict[str, str]
    ) -> None:
        for name, value in values.items():
            self._run.track(value, name=name, step=step, epoch=epoch, context=context)

    def _track_question(self, answered: AnsweredQuestion, step: int) -> None:
        texts = {"question": answered.question, "answer": answered.answer}
        if answered.reference is not None:
            texts["reference"] = answered.reference
        context = {"context": escape(answered.context, MAX_TEXT_CHARS)}
        for name, text in texts.items():
            escaped = Text(escape(text, MAX_TEXT_CHARS))
            self._run.track(escaped, name=name, step=step, context=context)

    def _track_line(self, number: int, line: str) -> None:
        self._run.track(LogLine(line), name="logs", step=number)

    def _finish(self, outcome: Outcome, error: str | None) -> None:
        self._run["status"] = outcome.value
        if error is not None:
            self._run["error"] = escape(redact(error), MAX_ERROR_CHARS)
        self._run.add_tag(outcome.value)
        close_run(self._run)
        self._run = None


def n_lines_of(run: AimRun) -> int:
    """Number of log lines that a continued run has already."""
    logs = run.get_terminal_logs()
    return logs.last_step() + 1 if logs else 0


def forget_outcome(run: AimRun) -> None:
    """Take off a continued run what its earlier attempt ended with."""
    if run.get("error") is not None:
        del run["error"]
    for tag in {outcome.value for outcome in Outcome} & set(run.tags):
        run.remove_tag(tag)
