"""Space: the params of a study, and the points that they span."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import Override
from optuna.distributions import BaseDistribution

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.conditions import with_conditions
from qa_sweep.sweep.param import Condition, Param, ParamValue
from qa_sweep.sweep.reading import read_param
from qa_sweep.sweep.spelling import plain_name

__all__ = ["Condition", "Param", "ParamValue", "Space", "read_space"]


@dataclass(frozen=True)
class Space:
    """The params of a study, each after the one that it depends on.

    A *point* maps the names of the params that a trial has to their values.
    """

    params: tuple[Param, ...]

    @property
    def is_finite(self) -> bool:
        return all(param.values is not None for param in self.params)

    @property
    def has_conditions(self) -> bool:
        return any(param.condition is not None for param in self.params)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        return {param.name: param.distribution for param in self.params}

    @property
    def size(self) -> int | None:
        """Number of points, or None where a param is continuous."""
        if not self.is_finite:
            return None
        counts: dict[str, int] = {}
        for param in reversed(self.params):
            counts[param.name] = self._count(param, counts)
        return math.prod(counts[param.name] for param in self.params if param.condition is None)

    def overrides(self, values: Mapping[str, Any]) -> list[str]:
        """Hydra's spelling of `values` (param name → value); absent params have none."""
        return [param.override(values[param.name]) for param in self.params if param.name in values]

    def is_point(self, values: Mapping[str, Any]) -> bool:
        """Whether exactly the params that apply are present."""
        return values.keys() == {param.name for param in self.params if param.applies(values)}

    def key(self, values: Mapping[str, Any]) -> tuple[float | None, ...]:
        """Equal for equal points; an absent param counts as None."""
        return tuple(
            param.key(values[param.name]) if param.name in values else None for param in self.params
        )

    def grid(self) -> Iterator[dict[str, ParamValue]]:
        """All points of a finite space; the last param varies quickest."""
        assert self.is_finite
        return self._continue({}, 0)

    def covering_points(self) -> list[dict[str, ParamValue]]:
        """Few points in which every listed value, and both ends of every interval, occurs.

        Of a long range they show the ends alone.
        """
        unseen = {param.name: list(param.samples) for param in self.params}
        points: list[dict[str, ParamValue]] = []
        while not points or any(unseen.values()):
            points.append(self._point_with_unseen(unseen, len(points)))
        return points

    def read_point(self, values: Mapping[str, Any]) -> dict[str, ParamValue]:
        """A point, or a part of one, from a sweep file.

        Raises ConfigError where a param is not in the space, a value is outside of its
        distribution, or a param is given whose condition the other values do not meet.
        """
        given = {plain_name(str(name)): raw for name, raw in values.items()}
        self._check_known(given)
        point: dict[str, ParamValue] = {}
        for param in self.params:
            name = plain_name(param.name)
            if name in given:
                _check_applies(param, point)
                point[param.name] = param.read(given[name], _ENQUEUE)
        return point

    def describe(self) -> dict[str, str]:
        """Param name → distribution and condition, to compare two spaces by."""
        return {param.name: param.describe() for param in self.params}

    def _count(self, param: Param, counts: Mapping[str, int]) -> int:
        """Number of points of `param` and what depends on it, whose `counts` are known."""
        assert param.values is not None
        conditions = [
            (other.name, other.condition.values)
            for other in self.params
            if other.condition is not None and other.condition.parent.name == param.name
        ]
        named = {value for _, values in conditions for value in values}
        return (
            len(param.values)
            - len(named)
            + sum(
                math.prod(counts[name] for name, values in conditions if value in values)
                for value in named
            )
        )

    def _continue(
        self, point: dict[str, ParamValue], index: int
    ) -> Iterator[dict[str, ParamValue]]:
        """All points that begin with `point`, whose params are those before `index`."""
        if index == len(self.params):
            yield point
            return
        param = self.params[index]
        if not param.applies(point):
            yield from self._continue(point, index + 1)
            return
        for value in param.values or ():
            yield from self._continue({**point, param.name: value}, index + 1)

    def _point_with_unseen(
        self, unseen: Mapping[str, list[ParamValue]], turn: int
    ) -> dict[str, ParamValue]:
        """The next point, with at least one value that is taken from `unseen`."""
        aim = next((param for param in self.params if unseen[param.name]), None)
        way = _way_to(aim)
        point: dict[str, ParamValue] = {}
        for param in self.params:
            if not param.applies(point):
                continue
            if param.name in way:
                point[param.name] = way[param.name]
            elif unseen[param.name]:
                point[param.name] = unseen[param.name].pop(0)
            else:
                point[param.name] = param.samples[turn % len(param.samples)]
        return point

    def _check_known(self, given: Mapping[str, Any]) -> None:
        names = [plain_name(param.name) for param in self.params]
        for name in given:
            if name not in names:
                raise ConfigError(
                    f"{_ENQUEUE}: {name} must be one of the swept params ({', '.join(names)}), "
                    "but is not; sweep it, or leave it out"
                )


_ENQUEUE = "hydra.sweeper.enqueue"


def read_space(
    sweeps: Sequence[Override], conditions: Mapping[str, Override] | None = None
) -> Space:
    """The space that the sweep overrides span; of two for one param the last one counts.

    `conditions` says of a param at which values of another one (`name=value` or a choice) a trial
    has it. Raises ConfigError where a sweep or a condition is impossible.
    """
    params = {plain_name(sweep.get_key_element()): read_param(sweep) for sweep in sweeps}
    plain_conditions = {plain_name(name): given for name, given in (conditions or {}).items()}
    return Space(with_conditions(params, plain_conditions))


def _way_to(param: Param | None) -> dict[str, ParamValue]:
    """Values of the params that `param` depends on, directly or not, at which it applies."""
    if param is None or param.condition is None:
        return {}
    parent = param.condition.parent
    return {**_way_to(parent), parent.name: param.condition.values[0]}


def _check_applies(param: Param, point: Mapping[str, ParamValue]) -> None:
    """Raises ConfigError where the `point` so far does not meet the param's condition."""
    if not param.applies(point):
        assert param.condition is not None
        raise ConfigError(
            f"{_ENQUEUE}: {param.name} belongs to a trial only where {param.condition.describe()}, "
            "which must stand in the same point; add it, or leave the param out"
        )
