"""Repeats: trials of one point that differ in one setting of the job, as its seed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

REPEAT = "sweep_repeat"  # the attribute of a trial that is not the first of its point


class HasAttributes(Protocol):
    """A trial, finished or at work."""

    @property
    def user_attrs(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Repeat:
    """Which repeat of its point a trial is, from 1 on, and the value that it gives the setting."""

    setting: str
    index: int
    value: int


@dataclass(frozen=True)
class Repeats:
    """Each point is run `count` times, with `setting` at `first`, `first` + 1, …"""

    count: int = 1
    setting: str = "seed"
    first: int = 0

    def attributes(self, index: int) -> dict[str, Any]:
        """What the ticket of a point's repeat `index` carries; the first one, 0, carries nothing.

        So a study that was begun without repeats may be given some.
        """
        if index == 0:
            return {}
        return {REPEAT: asdict(Repeat(self.setting, index, self.first + index))}

    @property
    def last_overrides(self) -> list[str]:
        """Those of a point's last repeat, in Hydra's spelling; none without repeats."""
        last = self.count - 1
        return [f"{self.setting}={self.first + last}"] if last else []


def repeat_of(trial: HasAttributes) -> Repeat | None:
    """None for the first trial of a point."""
    content = trial.user_attrs.get(REPEAT)
    return None if content is None else Repeat(**content)


def index_of(trial: HasAttributes) -> int:
    """Which repeat of its point the trial is; 0 for the first."""
    repeat = repeat_of(trial)
    return 0 if repeat is None else repeat.index


def setting_of(trials: Sequence[HasAttributes]) -> str:
    """What the trials of a point differ in, in a study of these; by default the seed."""
    known = _any_repeat(trials)
    return known.setting if known else Repeats.setting


def repeat_settings(trial: HasAttributes) -> dict[str, int]:
    """What the trial sets since it is a repeat: `{"seed": 43}`."""
    repeat = repeat_of(trial)
    return {} if repeat is None else {repeat.setting: repeat.value}


def repeat_overrides(trial: HasAttributes) -> list[str]:
    """The same in Hydra's spelling."""
    return [f"{name}={value}" for name, value in repeat_settings(trial).items()]


def settings_by_trial(trials: Sequence[HasAttributes]) -> list[Mapping[str, int]]:
    """The same for each of a study's trials; where some are repeats, for the first ones too."""
    known = _any_repeat(trials)
    first = {known.setting: known.value - known.index} if known else {}
    return [{**first, **repeat_settings(trial)} for trial in trials]


def _any_repeat(trials: Sequence[HasAttributes]) -> Repeat | None:
    return next((repeat for trial in trials if (repeat := repeat_of(trial))), None)
