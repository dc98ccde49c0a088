"""Identity: what makes two sweeps the same study: space, objectives and fixed settings."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
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
    fixed: Mapping[str, Any]  # dotted key → value of every setting that is not swept

    @staticmethod
    def of(space: Space, objectives: tuple[Objective, ...], fixed: Mapping[str, Any]) -> "Identity":
        return Identity(space.describe(), objectives, fixed)

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "Identity":
        objectives = tuple(Objective(**objective) for objective in content["objectives"])
        return Identity(content["space"], objectives, content["fixed"])

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that name the study."""
        content = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:8]

    def differences_from(self, known: Mapping[str, Any]) -> list[str]:
        """One short text for each setting in which this identity differs from the `known` one."""
        then, now = _flatten(known), _flatten(json.loads(json.dumps(self.as_dict())))
        keys = [*then, *(key for key in now if key not in then)]
        return [
            f"{key}: {_show(then, key)} there, {_show(now, key)} here"
            for key in keys
            if then.get(key, _ABSENT) != now.get(key, _ABSENT)
        ]


_ABSENT = object()


def _flatten(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{f"space {name}": value for name, value in identity["space"].items()},
        "objectives": identity["objectives"],
        **identity["fixed"],
    }


def _show(settings: Mapping[str, Any], key: str) -> str:
    return json.dumps(settings[key]) if key in settings else "absent"
