"""Reading: params from Hydra's sweep overrides.

The same override means the same thing to a grid and to a search: `range` excludes its stop, a
choice's elements keep Hydra's own spelling, so that lists, dicts and `'c,d'` survive.
"""

import math
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.param import Distribution, Param, ParamValue, step_up
from qa_sweep.sweep.spelling import spell

_MAX_INT = 2**53  # Optuna stores numbers as floats, which are whole up to here


def read_param(override: Override) -> Param:
    """The param that a sweep override spans.

    Raises ConfigError where it is empty, not finite, or logarithmic and not above 0.
    """
    name = override.get_key_element()
    sweep = override.value()
    if isinstance(sweep, IntervalSweep):
        return Param(name, _interval(override, sweep), None, {})
    if isinstance(sweep, RangeSweep):
        return _range(name, override, sweep)
    return _choice(name, override, sweep)


def _interval(override: Override, sweep: IntervalSweep) -> Distribution:
    low, high = sweep.start, sweep.end
    log = "log" in sweep.tags
    _check_numbers(override, low, high)
    if not low < high or (log and low <= 0):
        raise ConfigError(
            f"{override.input_line} must be an interval from a lower to a higher number"
            f"{', both above 0 where it is tagged log' if log else ''}"
        )
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _range(name: str, override: Override, sweep: RangeSweep) -> Param:
    _check_numbers(override, sweep.start, sweep.stop, sweep.step)
    if sweep.step == 0:
        raise ConfigError(f"{override.input_line} must have a step other than 0")
    values = _steps(sweep)
    if not values:
        raise ConfigError(f"{override.input_line} must hold at least one value, but is empty")
    if "log" in sweep.tags:
        distribution: Distribution = CategoricalDistribution(values)
    else:
        distribution = _stepped(values, abs(sweep.step))
    return Param(name, distribution, _in_order(values, sweep), {})


def _stepped(values: Sequence[Any], step: float) -> Distribution:
    low, high = sorted((values[0], values[-1]))
    if len(values) == 1:
        step = 1
    if isinstance(low, int):
        return IntDistribution(low, high, step=int(step))
    return FloatDistribution(low, high, step=_tidy(step))


def _steps(sweep: RangeSweep) -> Sequence[Any]:
    """A range's values without its stop, which Hydra's own adding up may step on."""
    if all(isinstance(number, int) for number in (sweep.start, sweep.stop, sweep.step)):
        return range(sweep.start, sweep.stop, sweep.step)
    start, stop, step = map(_tidy, (sweep.start, sweep.stop, sweep.step))
    n_steps = (Decimal(str(stop)) - Decimal(str(start))) / Decimal(str(step))
    return tuple(step_up(start, step, i) for i in range(math.ceil(_tidy(n_steps))))


def _choice(name: str, override: Override, sweep: Any) -> Param:
    # The order as written, where it is shuffled: a study's processes must agree on a distribution.
    elements = sweep.list if isinstance(sweep, ChoiceSweep) else list(override.sweep_iterator())
    if not elements:
        raise ConfigError(f"{override.input_line} must match at least one option, but matches none")
    spellings = [spell(element) for element in elements]
    values = elements if _are_told_apart(elements) else spellings
    named: dict[str, ParamValue] = {}
    for spelling, value in zip(spellings, values, strict=True):
        named.setdefault(spelling, value)  # what is spelled alike is one value to Hydra
    unique = tuple(named.values())
    spelling_of = {value: spelling for spelling, value in named.items()}
    return Param(name, CategoricalDistribution(unique), _in_order(unique, sweep), spelling_of)


def _are_told_apart(elements: Sequence[Any]) -> bool:
    """Whether Optuna can store all of them, and keeps them apart: 1, 1.0 and True are equal."""
    are_plain = all(isinstance(element, ParamValue) for element in elements)
    return are_plain and len(set(elements)) == len(elements)


def _in_order(values: Sequence[Any], sweep: Any) -> Sequence[Any]:
    """The order in which a grid takes them."""
    return random.sample(values, len(values)) if getattr(sweep, "shuffle", False) else values


def _check_numbers(override: Override, *numbers: Any) -> None:
    """Raises ConfigError for numbers that cannot be stored."""
    for number in numbers:
        if isinstance(number, int) and abs(number) > _MAX_INT:
            raise ConfigError(f"{override.input_line} must lie within ±2**53, but got {number}")
        if not math.isfinite(number):
            raise ConfigError(f"{override.input_line} must have finite ends, but got {number}")


def _tidy(number: Any) -> float:
    """Without the last digits that adding up leaves behind: 0.3, not 0.30000000000000004."""
    return float(f"{number:.15g}")
