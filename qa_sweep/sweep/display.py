"""Display: what is seen of a sweep while it runs.

On a terminal a few lines are kept up to date under the lines of the finished trials; elsewhere a
plain line a trial is printed every few seconds.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.repeats import repeat_settings
from qa_sweep.sweep.signals import StopRequest
from qa_sweep.sweep.study import SweepStudy
from qa_sweep.sweep.summary import (
    Leaderboard,
    describe,
    describe_result,
    format_duration,
    format_seconds,
    format_value,
    state_of,
)
from qa_sweep.sweep.trial import RunningTrial, TrialHandle

_PLAIN_INTERVAL_S = 10.0
_LOOK_INTERVAL_S = 0.2
_REFRESHES_PER_S = 4

Source = Callable[[], Sequence[RunningTrial]]


class Display:
    """Shows how far the study is, and the trials at work."""

    def __init__(
        self, console: Console, study: SweepStudy, objectives: Sequence[Objective]
    ) -> None:
        self._console = console
        self._study = study
        self._objectives = objectives
        self._clock = _Clock()
        self._update()
        self._shown = {trial.number for trial in self._finished()}

    def starting(self) -> AbstractContextManager[Any]:
        """Show that the workers get ready."""
        title = f"{self._study.name}  {self._n_done} of {self._n_wanted} trials  starting …"
        return self._console.status(title) if self._console.is_terminal else nullcontext()

    @contextmanager
    def showing(self, handle: TrialHandle) -> Iterator[None]:
        """Show the trial behind `handle` while the body runs, and then what came of it."""

        def at_work() -> list[RunningTrial]:
            return [handle.running()]

        with showing(self._console, at_work, lambda: self._headline(at_work())):
            yield
        self.refresh()

    def watching(self) -> AbstractContextManager[Any]:
        """Show the trials that other processes work on, while the body runs."""
        return showing(self._console, lambda: self._at_work, lambda: self._headline(self._at_work))

    @contextmanager
    def telling_of(self, request: StopRequest) -> Iterator[None]:
        """Say when Ctrl-C was pressed, while the body runs: from a thread, which looks for it.

        A signal's handler may be called in the midst of a print, whose locks are taken.
        """
        over = threading.Event()

        def look() -> None:
            while not over.wait(_LOOK_INTERVAL_S):
                if request.was_asked:
                    self._console.print("finishing the trials at work; Ctrl-C again stops at once")
                    return

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def refresh(self) -> int:
        """Look at the study; leave a line about each trial that has ended, return how many."""
        self._update()
        ended = [trial for trial in self._finished() if trial.number not in self._shown]
        for trial in sorted(ended, key=lambda trial: trial.number):
            result = describe_result(trial, self._objectives)
            params = describe({**trial.params, **repeat_settings(trial)})
            line = f"trial {trial.number}  {params}  {result}"
            self._console.print(Text(f"{line}  in {format_duration(trial)}"), soft_wrap=True)
        self._shown |= {trial.number for trial in ended}
        self._clock.n_finished += len(ended)
        return len(ended)

    def _update(self) -> None:
        trials = self._study.trials()
        self._leaderboard = Leaderboard.of(trials, self._objectives)
        self._n_wanted = self._study.n_wanted(trials)
        self._at_work = self._study.running(trials)

    def _finished(self) -> list[Any]:
        return [trial for trial in self._leaderboard.trials if trial.state.is_finished()]

    @property
    def _n_done(self) -> int:
        return len(self._finished())

    def _headline(self, at_work: Sequence[RunningTrial]) -> str:
        return (
            f"{self._study.name}  {self._n_done} of {self._n_wanted} trials{self._others()}"
            f"{self._best()}  {self._time_left(at_work)}"
        )

    def _others(self) -> str:
        """How many were pruned, failed or infeasible: ` (2 pruned, 1 fail)`."""
        states = Counter(map(state_of, self._finished()))
        del states["complete"]
        shown = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        return f" ({shown})" if shown else ""

    def _best(self) -> str:
        best = self._leaderboard.best
        if best is None:
            return ""
        name, value = self._objectives[0].name, format_value(best.values[0])
        return f"  best {name} {value} (trial {best.number})"

    def _time_left(self, at_work: Sequence[RunningTrial]) -> str:
        share = sum(trial.progress.share for trial in at_work)
        n_left = self._n_wanted - self._n_done - share
        seconds = self._clock.seconds_a_trial(share) * n_left
        return f"{format_seconds(seconds)} left" if seconds > 0 else ""


class _Clock:
    """How long a trial takes, from those seen since this sweep started."""

    def __init__(self) -> None:
        self.n_finished = 0
        self._started = time.monotonic()

    def seconds_a_trial(self, share: float) -> float:
        """`share` is the done share of the trials at work; 0 where nothing is known yet."""
        n_trials = self.n_finished + share
        return (time.monotonic() - self._started) / n_trials if n_trials > 0.02 else 0.0


def showing(
    console: Console, at_work: Source, headline: Callable[[], str] = str
) -> AbstractContextManager[Any]:
    """Show the trials `at_work` while the body runs, under a changing `headline`."""
    if not console.is_terminal:
        return _plain(console, at_work, headline)
    return Live(
        console=console,
        get_renderable=lambda: Group(Text(headline(), style="bold"), _lines(at_work())),
        refresh_per_second=_REFRESHES_PER_S,
        transient=True,
    )


@contextmanager
def _plain(console: Console, at_work: Source, headline: Callable[[], str]) -> Iterator[None]:
    stopped = threading.Event()

    def print_now_and_then() -> None:
        while not stopped.wait(_PLAIN_INTERVAL_S):
            for trial in at_work():
                console.print(Text(f"{headline()}  {_text(trial)}".strip()), soft_wrap=True)

    thread = threading.Thread(target=print_now_and_then, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _text(trial: RunningTrial) -> str:
    return "  ".join([_title(trial), _steps(trial), *_shown(trial)])


def _lines(trials: Sequence[RunningTrial]) -> RenderableType:
    """One line a trial, with a bar; the worker's name where there are several."""
    grid = Table.grid(padding=(0, 2))
    for trial in sorted(trials, key=lambda trial: trial.worker):
        progress = trial.progress
        bar = ProgressBar(total=max(progress.n_steps, 1), completed=progress.step, width=24)
        worker = f"worker {trial.worker}" if trial.worker else ""
        shown = "  ".join(_shown(trial))
        grid.add_row(worker, Text(_title(trial), style="cyan"), bar, _steps(trial), shown)
    return grid


def _title(trial: RunningTrial) -> str:
    params = describe(trial.params)
    return params if trial.number is None else f"trial {trial.number}  {params}"


def _steps(trial: RunningTrial) -> str:
    progress = trial.progress
    return f"step {progress.step}/{progress.n_steps}" if progress.n_steps else "preparing"


def _shown(trial: RunningTrial) -> list[str]:
    shown = [f"{name} {format_value(value)}" for name, value in trial.progress.shown.items()]
    return shown if trial.last_value is None else [*shown, f"last {format_value(trial.last_value)}"]
