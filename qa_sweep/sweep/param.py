"""Param: one dimension of a space, and the condition under which a trial has it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.spelling import is_same, meaning, readings

ParamValue = str | int | float | bool | None
Distribution = CategoricalDistribution | FloatDistribution | IntDistribution

_N_SAMPLES = 32  # of a range; to try one takes about 50 ms
_N_SHOWN = 12  # values in an error's text


@dataclass(frozen=True)
class Condition:
    """A param with this condition belongs to a trial only where `parent` is one of `values`."""

    parent: "Param"
    values: tuple[ParamValue, ...]

    def is_met(self, values: Mapping[str, Any]) -> bool:
        """Whether `values` (param name → value) meet it; they do not where the parent is absent."""
        if self.parent.name not in values:
            return False
        key = self.parent.key(values[self.parent.name])
        return any(self.parent.key(value) == key for value in self.values)

    def describe(self) -> str:
        """As in a sweep file: `trainer.optimizer=adamw,lion`."""
        return f"{self.parent.name}={','.join(map(self.parent.spell, self.values))}"


@dataclass(frozen=True)
class Param:
    """One dimension of a space.

    `values` are all its values in order, or None where it is continuous; `spelling` says how
    Hydra writes those that are not written as themselves.
    """

    name: str
    distribution: Distribution
    values: Sequence[ParamValue] | None
    spelling: Mapping[ParamValue, str]
    condition: Condition | None = None

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Whether a trial has this param, by the `values` (param name → value) before it."""
        return self.condition is None or self.condition.is_met(values)

    def override(self, value: ParamValue) -> str:
        """Hydra's spelling of this param at `value`."""
        return f"{self.name}={self.spell(value)}"

    def spell(self, value: ParamValue) -> str:
        listed = self._listed(value)
        return str(self.spelling.get(listed, listed))

    def key(self, value: Any) -> float:
        """A number for `value`: the same for values that differ by a sampler's rounding alone."""
        distribution = self.distribution
        if isinstance(distribution, CategoricalDistribution) or distribution.step is None:
            return distribution.to_internal_repr(value)
        return round((value - distribution.low) / distribution.step)

    def describe(self) -> str:
        """Distribution as JSON, and condition, to compare two params by."""
        distribution = distribution_to_json(self.distribution)
        return f"{distribution} if {self.condition.describe()}" if self.condition else distribution

    @property
    def samples(self) -> Sequence[ParamValue]:
        """Values to try beforehand: all that are listed, or the ends of what is too much to try."""
        if isinstance(self.distribution, CategoricalDistribution):
            return self.distribution.choices
        if self.values is not None and len(self.values) <= _N_SAMPLES:
            return self.values
        return (self.distribution.low, self.distribution.high)

    def read(self, raw: Any, setting: str) -> ParamValue:
        """The value of this param that `raw`, as a YAML file has it, means.

        Raises ConfigError, which names the `setting`, where it is outside of the distribution.
        """
        for reading in readings(raw):
            for value in self._values_like(reading):
                return value
        raise ConfigError(f"{setting}: {self.name} must be {self._expected()}, but got {raw!r}")

    def _values_like(self, reading: Any) -> list[ParamValue]:
        """The value that `reading` is, or none."""
        distribution = self.distribution
        if isinstance(distribution, CategoricalDistribution):
            return [v for v in distribution.choices if is_same(self._meaning(v), reading)]
        kind = int if isinstance(distribution, IntDistribution) else float
        if type(reading) is not kind or not math.isfinite(reading):
            return []
        listed: Any = self._listed(reading)
        is_listed = math.isclose(listed, reading, abs_tol=1e-9 * (distribution.step or 0))
        return [listed] if is_listed and distribution.low <= listed <= distribution.high else []

    def _meaning(self, value: ParamValue) -> Any:
        """What a job gets for `value`: a list, say, is only its spelling here."""
        return meaning(self.spell(value)) if isinstance(value, str) else value

    def _listed(self, value: Any) -> ParamValue:
        """`value` as it is listed: samplers compute 0.1 + 2 * 0.1 in floating point."""
        distribution = self.distribution
        if isinstance(distribution, CategoricalDistribution) or distribution.step is None:
            return value
        number = step_up(distribution.low, distribution.step, int(self.key(value)))
        return int(number) if isinstance(distribution, IntDistribution) else number

    def _expected(self) -> str:
        """The values, for an error's text."""
        distribution = self.distribution
        if self.values is None and not isinstance(distribution, CategoricalDistribution):
            kind = "an integer" if isinstance(distribution, IntDistribution) else "a number"
            return f"{kind} from {distribution.low} to {distribution.high}"
        values = self.values or ()
        more = ", …" if len(values) > _N_SHOWN else ""
        return f"one of {', '.join(map(self.spell, islice(values, _N_SHOWN)))}{more}"


def step_up(start: float, step: float, n_steps: int) -> float:
    """Steps added up in decimals, as they are written: 0.3, not 0.30000000000000004."""
    return float(Decimal(str(start)) + n_steps * Decimal(str(step)))
