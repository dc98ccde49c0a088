"""Display: what is seen of a sweep while it runs.

On a terminal one line is kept up to date under the lines of the finished trials; elsewhere a plain
line is printed every few seconds.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from optuna.trial import FrozenTrial
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from qa_sweep.sweep.identity import Objective
from qa_sweep.sweep.study import SweepStudy
from qa_sweep.sweep.summary import (
    Leaderboard,
    describe,
    describe_result,
    format_duration,
    format_seconds,
    format_value,
)
from qa_sweep.sweep.trial import TrialHandle

_PLAIN_INTERVAL_S = 10.0
_REFRESHES_PER_S = 4


class Display:
    """Shows how far the study is, and the trial at work."""

    def __init__(
        self, console: Console, study: SweepStudy, objectives: Sequence[Objective]
    ) -> None:
        self._console = console
        self._study = study
        self._objectives = objectives
        self._clock = _Clock()
        self._update()

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Show that the worker gets ready."""
        title = f"{self._study.name}  {self._n_done} of {self._n_wanted} trials  starting …"
        with self._console.status(title) if self._console.is_terminal else nullcontext():
            yield

    @contextmanager
    def showing(self, handle: TrialHandle, params: Mapping[str, Any]) -> Iterator[None]:
        """Show the trial behind `handle` while the body runs."""
        with showing(self._console, handle, describe(params), lambda: self._headline(handle)):
            yield

    def finished(self, number: int) -> None:
        """Trial `number` has ended: leave a line about it."""
        self._update()
        self._clock.n_finished += 1
        trial = next(trial for trial in self._leaderboard.trials if trial.number == number)
        self._console.print(Text(self._line(trial)), soft_wrap=True)

    def _update(self) -> None:
        self._leaderboard = Leaderboard.of(self._study.trials(), self._objectives)
        self._n_wanted = self._study.n_wanted

    def _line(self, trial: FrozenTrial) -> str:
        result = describe_result(trial, self._objectives)
        time_taken = format_duration(trial)
        return f"trial {trial.number}  {describe(trial.params)}  {result}  in {time_taken}"

    def _headline(self, handle: TrialHandle) -> str:
        return (
            f"{self._study.name}  {self._n_done} of {self._n_wanted} trials{self._best()}"
            f"  {self._time_left(handle)}"
        )

    @property
    def _n_done(self) -> int:
        return sum(trial.state.is_finished() for trial in self._leaderboard.trials)

    def _best(self) -> str:
        best = self._leaderboard.best
        if best is None:
            return ""
        name, value = self._objectives[0].name, format_value(best.values[0])
        return f"  best {name} {value} (trial {best.number})"

    def _time_left(self, handle: TrialHandle) -> str:
        n_left = self._n_wanted - self._n_done - handle.latest.share
        seconds = self._clock.seconds_a_trial(handle.latest.share) * n_left
        return f"{format_seconds(seconds)} left" if seconds > 0 else ""


@contextmanager
def showing(
    console: Console,
    handle: TrialHandle,
    title: str,
    headline: Callable[[], str] = str,
) -> Iterator[None]:
    """Show how far the job behind `handle` is while the body runs, under a changing `headline`."""
    view = _TrialView(handle, title)
    with _live(console, view, headline) if console.is_terminal else _plain(console, view, headline):
        yield


def _live(console: Console, view: "_TrialView", headline: Callable[[], str]) -> Live:
    return Live(
        console=console,
        get_renderable=lambda: Group(Text(headline(), style="bold"), view.line()),
        refresh_per_second=_REFRESHES_PER_S,
        transient=True,
    )


@contextmanager
def _plain(console: Console, view: "_TrialView", headline: Callable[[], str]) -> Iterator[None]:
    stopped = threading.Event()

    def print_now_and_then() -> None:
        while not stopped.wait(_PLAIN_INTERVAL_S):
            console.print(Text(f"{headline()}  {view.text()}".strip()), soft_wrap=True)

    thread = threading.Thread(target=print_now_and_then, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


class _Clock:
    """How long a trial takes, from those seen since this sweep started."""

    def __init__(self) -> None:
        self.n_finished = 0
        self._started = time.monotonic()

    def seconds_a_trial(self, share: float) -> float:
        """`share` is the done share of the trial at work; 0 where nothing is known yet."""
        n_trials = self.n_finished + share
        return (time.monotonic() - self._started) / n_trials if n_trials > 0.02 else 0.0


class _TrialView:
    """One trial at work, as a text or as a line with a bar."""

    def __init__(self, handle: TrialHandle, title: str) -> None:
        self.handle = handle
        self._given_title = title

    def text(self) -> str:
        latest = self.handle.latest
        steps = f"step {latest.step}/{latest.n_steps}" if latest.n_steps else "preparing"
        return "  ".join([self._title(), steps, *self._shown()])

    def line(self) -> RenderableType:
        latest = self.handle.latest
        grid = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=max(latest.n_steps, 1), completed=latest.step, width=24)
        steps = f"step {latest.step}/{latest.n_steps}" if latest.n_steps else "preparing"
        grid.add_row(Text(self._title(), style="cyan"), bar, steps, *self._shown())
        return grid

    def _title(self) -> str:
        number = self.handle.number
        return f"trial {number}  {self._given_title}" if number is not None else self._given_title

    def _shown(self) -> list[str]:
        return [f"{name} {format_value(value)}" for name, value in self.handle.latest.shown.items()]
