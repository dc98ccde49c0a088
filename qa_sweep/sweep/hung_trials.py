"""Hung trials: told by the stacks that their workers left when they were ended."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qa_sweep.sweep.hang_watch import is_stack
from qa_sweep.sweep.lease import STACK, LeaseStore


class HungTrials:
    """A lease store that remembers of the leases it has read where each worker leaves its stack.

    So it costs nothing to tell who hung, also where another process took the trial back.
    `limit_s` is how long a job may give no sign of life; None: any time.
    """

    def __init__(self, leases: LeaseStore, limit_s: float | None, max_retries: int) -> None:
        self.beat_interval_s = leases.beat_interval_s
        self.limit_s = limit_s
        self._leases = leases
        self._max_retries = max_retries
        self._stacks: dict[int, Path] = {}
        self._told: set[Path] = set()

    def read(self, number: int) -> dict[str, Any]:
        lease = self._leases.read(number)
        if STACK in lease:
            self._stacks[number] = Path(lease[STACK])
        return lease

    def write(self, number: int, content: Mapping[str, Any]) -> None:
        self._leases.write(number, content)

    def remove(self, number: int) -> None:
        self._leases.remove(number)

    def numbers(self) -> set[int]:
        return self._leases.numbers()

    def news(self) -> list[str]:
        """A line about each trial that hung, told once."""
        hung = [(number, stack) for number, stack in self._stacks.items() if is_stack(stack)]
        news = [(number, stack) for number, stack in hung if stack not in self._told]
        self._told.update(stack for _, stack in news)
        return [self.describe(number, stack) for number, stack in news]

    def describe(self, number: int, stack: Path) -> str:
        """What the user is told of a trial that hung."""
        # Another sweep on the study may have a limit where this one has none.
        silence = "long" if self.limit_s is None else f"{self.limit_s / 60:g} minutes"
        return (
            f"trial {number} gave no sign of life for {silence} and was stopped, "
            f"to be tried again (up to {self._max_retries} times); where it hung: {stack}"
        )
