"""Identity: what makes two sweeps the same study: space, objectives and fixed settings."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.space import Space

_DIRECTIONS = ("minimize", "maximize")


@dataclass(frozen=True)
class Objective:
    """A metric of the job's result, and where it should go."""

    name: str
    direction: str

    def __post_init__(self) -> None:
        if self.direction not in _DIRECTIONS:
            raise ConfigError(
                f"hydra.sweeper.direction must be minimize or maximize, but got {self.direction!r}"
            )

    @property
    def sign(self) -> int:
        """Factor that makes smaller better."""
        return -1 if self.direction == "maximize" else 1


@dataclass(frozen=True)
class Identity:
    """Two sweeps with equal identities continue one study."""

    space: Mapping[str, str]  # param name → distribution as JSON
    objectives: tuple[Objective, ...]
    fixed: Mapping[str, Any]  # dotted key → value of every setting that is not swept; inputs
    # Keys of `fixed` that may differ, each with all below it: part of no study.
    ignored: tuple[str, ...] = field(default=(), compare=False)

    @staticmethod
    def of(
        space: Space,
        objectives: tuple[Objective, ...],
        fixed: Mapping[str, Any],
        ignored: Sequence[str] = (),
    ) -> "Identity":
        return Identity(space.describe(), objectives, without(fixed, ignored), tuple(ignored))

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "Identity":
        objectives = tuple(Objective(**objective) for objective in content["objectives"])
        return Identity(dict(content["space"]), objectives, dict(content["fixed"]))

    def as_dict(self) -> dict[str, Any]:
        content = asdict(self)
        del content["ignored"]
        return content

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that name the study."""
        content = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:8]

    def differences_from(self, known: Mapping[str, Any]) -> list[str]:
        """One short text for each setting in which this identity differs from the `known` one."""
        then, now = self._flatten(known), self._flatten(self.as_dict())
        return [
            f"{key}: {_show(then, key)} there, {_show(now, key)} here"
            for key in _differing(then, now)
        ]

    def known_to_one(self, known: Mapping[str, Any]) -> list[str]:
        """The settings that only one of the two has, as after an upgrade.

        None of them where the two differ in anything else.
        """
        then, now = self._flatten(known), self._flatten(self.as_dict())
        keys = _differing(then, now)
        settings = known["fixed"].keys() ^ self.fixed.keys()
        return keys if settings.issuperset(keys) else []

    def _flatten(self, identity: Mapping[str, Any]) -> dict[str, Any]:
        stored = json.loads(json.dumps(identity))  # as a study gives it back
        return {
            **{f"space {name}": value for name, value in stored["space"].items()},
            "objectives": stored["objectives"],
            **without(stored["fixed"], self.ignored),
        }


def without(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The settings but those of the `names`, and all below these."""
    left_out = [name.lstrip("+~") for name in names]
    return {
        key: value
        for key, value in settings.items()
        if not any(key == name or key.startswith(f"{name}.") for name in left_out)
    }


_ABSENT = object()


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    keys = [*then, *(key for key in now if key not in then)]
    return [key for key in keys if then.get(key, _ABSENT) != now.get(key, _ABSENT)]


def _show(settings: Mapping[str, Any], key: str) -> str:
    return json.dumps(settings[key]) if key in settings else "absent"
