"""Applies events to runs of Aim; the one place that writes runs."""

from typing import Any

from aim.ext.resource.configs import AIM_RESOURCE_METRIC_PREFIX
from aim.ext.resource.log import LogLine
from aim.sdk.objects.text import Text
from aim.storage.context import Context

from qa_sweep.tracking.aim_repo import RunRepo, open_repo
from qa_sweep.tracking.aim_run import AimRun, close_run, end_time, let_go, open_run
from qa_sweep.tracking.events import FORMAT, Event
from qa_sweep.tracking.tracker import Outcome

RUNNING = "running"  # status until the run is closed; a run that was killed keeps it
ATTEMPTS = "qa_sweep_attempts"  # subtree of a run, beside its params


class Recorder:
    """Holds the run that was opened last; events go to it until it is closed."""

    def __init__(self, repo: str | None = None) -> None:
        """`repo` replaces the one that the events name."""
        self._repo_given = repo
        self._repo: RunRepo | None = None
        self._run: AimRun = None
        self._n_lines = 0  # that the run had before this attempt
        self._n_readings = 0
        self._n_questions = 0  # whose steps come before those of added ones
        self._last_time = 0.0
        self._ended_at: float | None = None  # of a run that is only given another outcome

    def apply(self, event: Event) -> None:
        if self._run is None and event["do"] not in ("open", "reopen", "revisit"):
            return  # its opening is lost
        getattr(self, f"_{event['do']}")(event)
        self._last_time = event["time"]

    def abandon(self) -> None:
        """Let go of a run that cannot be written, without waiting for anything."""
        if self._repo is not None:
            let_go(self._repo, self._run)

    def _open(self, event: Event) -> None:
        if event["format"] != FORMAT:
            raise RuntimeError(f"the events are of format {event['format']}, not {FORMAT}")
        if not str(event["hash"]).isalnum():  # it becomes part of paths
            raise RuntimeError(f"a run's hash must be letters and digits, not {event['hash']!r}")
        if self._run is not None and self._run.hash != event["hash"]:
            self._end(Outcome.interrupted.value, None, self._last_time)
        if self._run is None:
            self._repo = open_repo(self._repo_given or event["repo"], opened_at=event["time"])
            self._run = open_run(self._repo, event["hash"])
        self._begin_attempt(event["attempt"])
        self._run.experiment = event["experiment"]
        self._run.name = event["name"]
        self._run["status"] = RUNNING
        self._run["__system_params"] = event["software"]
        forget_outcome(self._run)

    def _reopen(self, event: Event) -> None:
        """Open a run that is there, to close it again with another outcome."""
        self._open_again(event)
        forget_outcome(self._run)

    def _revisit(self, event: Event) -> None:
        """Open a run that has ended, to add questions behind those that it has, and leave it."""
        self._open_again(event, must_have_ended=True)
        self._n_questions = next_step(self._run, "question")

    def _leave(self, event: Event) -> None:
        """Close a run that was revisited as it was."""
        self._close_at(self._ended_at or event["time"])

    def _open_again(self, event: Event, *, must_have_ended: bool = False) -> None:
        self._repo = repo = open_repo(self._repo_given or event["repo"])
        if not repo.has_run(event["hash"]):
            raise LookupError("there is no such run")
        self._ended_at = end_time(repo, event["hash"])
        if must_have_ended and self._ended_at is None:
            raise RuntimeError("the run has not ended")
        self._run = open_run(repo, event["hash"])

    def _begin_attempt(self, attempt: str) -> None:
        """Lines and readings of an attempt follow those of the attempts before it.

        Where they begin is kept with the run: applied again, they come to the same places.
        """
        attempts = self._run.meta_run_tree.subtree(ATTEMPTS)
        begin = attempts.get(attempt, None)
        if begin is None:
            begin = [
                n_steps(self._run, name) for name in ("logs", AIM_RESOURCE_METRIC_PREFIX + "cpu")
            ]
            attempts[attempt] = begin
        self._n_lines, self._n_readings = begin

    def _params(self, event: Event) -> None:
        self._run[event["section"]] = event["values"]

    def _metrics(self, event: Event) -> None:
        context = {"subset": event["subset"]}
        for name, value in event["values"].items():
            self._track(event, value, name, event["step"], context, event["epoch"])

    def _texts(self, event: Event) -> None:
        step = self._n_questions + event["step"]
        for name, text in event["texts"].items():
            self._track(event, Text(text), name, step, event["context"])

    def _line(self, event: Event) -> None:
        step = self._n_lines + event["number"]
        self._track(event, LogLine(event["text"]), "logs", step, {})

    def _usage(self, event: Event) -> None:
        """Under the names and contexts that Aim's System tab looks for."""
        step = self._n_readings + event["number"]
        for name, gpu, value in event["readings"]:
            context = {} if gpu is None else {"gpu": gpu}
            self._track(event, value, AIM_RESOURCE_METRIC_PREFIX + name, step, context)

    def _track(
        self,
        event: Event,
        value: object,
        name: str,
        step: int,
        context: dict[str, Any],
        epoch: float | None = None,
    ) -> None:
        # `Run.track` would give the time at which it is called, which may be a day later.
        self._run._tracker._track(value, event["time"], name, step, epoch, context=context)

    def _close(self, event: Event) -> None:
        self._end(event["outcome"], event["error"], self._ended_at or event["time"])

    def _end(self, outcome: str, error: str | None, ended_at: float) -> None:
        self._run["status"] = outcome
        if error is not None:
            self._run["error"] = error
        self._run.add_tag(outcome)
        self._close_at(ended_at)

    def _close_at(self, ended_at: float) -> None:
        close_run(self._run, ended_at)
        self._run = self._repo = self._ended_at = None
        self._n_questions = 0


def n_steps(run: AimRun, name: str) -> int:
    """One more than the last step of the sequence `name`; 0 where the run has none."""
    sequence = run._tracker.sequence_infos.get((Context({}).idx, name))
    return sequence.count or 0 if sequence is not None else 0


def next_step(run: AimRun, name: str) -> int:
    """One more than the last step of the sequences `name`, whatever their context."""
    sequences = run._tracker.sequence_infos.items()
    counts = (sequence.count or 0 for (_, each), sequence in sequences if each == name)
    return max(counts, default=0)


def forget_outcome(run: AimRun) -> None:
    """Take off a continued run what its earlier attempt ended with."""
    if run.get("error") is not None:
        del run["error"]
    for tag in {outcome.value for outcome in Outcome} & set(run.tags):
        run.remove_tag(tag)
