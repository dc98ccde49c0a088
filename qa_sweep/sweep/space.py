"""Space: param name → distribution, read from Hydra's sweep grammar.

The same override means the same thing to a grid and to a search: `range` excludes its stop, a
choice's elements keep Hydra's own spelling, so that lists, dicts and `'c,d'` survive.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from qa_sweep.errors import ConfigError

ParamValue = str | int | float | bool | None


@dataclass(frozen=True)
class Param:
    """One dimension of a space.

    `values` are all its values in order, or None where it is continuous; `spelling` says how
    Hydra writes those that are not written as themselves.
    """

    name: str
    distribution: BaseDistribution
    values: tuple[ParamValue, ...] | None
    spelling: Mapping[ParamValue, str]

    def override(self, value: ParamValue) -> str:
        """Hydra's spelling of this param at `value`."""
        return f"{self.name}={self.spelling.get(value, value)}"


@dataclass(frozen=True)
class Space:
    """The params of a study, in the order in which they were given."""

    params: tuple[Param, ...]

    @property
    def is_finite(self) -> bool:
        return all(param.values is not None for param in self.params)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        return {param.name: param.distribution for param in self.params}

    def overrides(self, values: Mapping[str, Any]) -> list[str]:
        """Hydra's spelling of sampled `values` (param name → value)."""
        return [param.override(values[param.name]) for param in self.params]

    def grid(self) -> Iterator[dict[str, ParamValue]]:
        """All points of a finite space; the last param varies quickest."""
        axes = [[(param.name, value) for value in param.values or ()] for param in self.params]
        return (dict(point) for point in itertools.product(*axes))

    def covering_points(self) -> list[dict[str, ParamValue]]:
        """Few points in which every listed value, and both ends of every interval, occurs."""
        axes = {param.name: param.values or _ends(param.distribution) for param in self.params}
        n_points = max((len(values) for values in axes.values()), default=1)
        return [
            {name: values[i % len(values)] for name, values in axes.items()}
            for i in range(n_points)
        ]

    def describe(self) -> dict[str, str]:
        """Param name → distribution as JSON, to compare two spaces by."""
        return {
            name: distribution_to_json(distribution)
            for name, distribution in self.distributions.items()
        }


def read_space(sweeps: Sequence[Override]) -> Space:
    """The space that the sweep overrides span.

    Raises ConfigError where an interval is empty, or logarithmic and not above 0.
    """
    return Space(tuple(_read_param(override) for override in sweeps))


def _read_param(override: Override) -> Param:
    name = override.get_key_element()
    sweep = override.value()
    if isinstance(sweep, IntervalSweep):
        return Param(name, _interval(override, sweep), None, {})
    if isinstance(sweep, RangeSweep) and "log" not in sweep.tags:
        return _range(name, override)
    return _choice(name, override)


def _interval(override: Override, sweep: IntervalSweep) -> BaseDistribution:
    low, high = sweep.start, sweep.end
    log = "log" in sweep.tags
    if low is None or high is None or not low < high or (log and low <= 0):
        raise ConfigError(
            f"{override.input_line} must be an interval from a lower to a higher number"
            f"{', both above 0 where it is tagged log' if log else ''}"
        )
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _range(name: str, override: Override) -> Param:
    values = tuple(_tidy(value) for value in override.sweep_iterator())
    stop = override.value().stop
    # Hydra adds steps up in floating point and may step on the stop, which does not belong.
    values = tuple(value for value in values if stop is None or value != stop)
    if not values:
        raise ConfigError(f"{override.input_line} must hold at least one value, but is empty")
    ordered = sorted(values)
    step = _tidy(ordered[1] - ordered[0]) if len(ordered) > 1 else 1
    is_int = all(isinstance(value, int) for value in values)
    kind: Any = IntDistribution if is_int else FloatDistribution
    return Param(name, kind(ordered[0], ordered[-1], step=step), values, {})


def _choice(name: str, override: Override) -> Param:
    spellings = list(override.sweep_string_iterator())
    natives = [_native(value) for value in override.sweep_iterator()]
    # 1, 1.0 and True are equal as dict keys and in Optuna: where that blurs them, use spellings.
    values = natives if len(set(natives)) == len(spellings) else spellings
    if any(value is _NOT_NATIVE for value in natives):
        values = spellings
    unique = tuple(dict.fromkeys(values))
    spelling = dict(zip(values, spellings, strict=True))
    return Param(name, CategoricalDistribution(unique), unique, spelling)


def _tidy(value: float) -> float:
    """Without the last digits that adding steps up leaves behind: 0.3, not 0.30000000000000004."""
    return value if isinstance(value, int) else float(f"{value:.12g}")


_NOT_NATIVE = "<not native>"


def _native(value: Any) -> ParamValue:
    """The element as Optuna can store it, so that its analyses see numbers as numbers."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return _NOT_NATIVE


def _ends(distribution: BaseDistribution) -> tuple[ParamValue, ...]:
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return (distribution.low, distribution.high)
