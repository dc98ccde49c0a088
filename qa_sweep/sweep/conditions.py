"""Conditions: which params belong to a trial only at some values of another param."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hydra.core.override_parser.types import Override

from qa_sweep.errors import ConfigError
from qa_sweep.sweep.param import Condition, Param
from qa_sweep.sweep.spelling import meaning, plain_name, spell

SETTING = "hydra.sweeper.conditions"


def with_conditions(
    params: Mapping[str, Param], conditions: Mapping[str, Override]
) -> tuple[Param, ...]:
    """The params (plain name → param) with their conditions, each one after its parent.

    Raises ConfigError where one or its parent is not swept, a parent has no listed values or not
    the one that is asked for, or params depend on one another in a circle.
    """
    parents = {
        name: plain_name(override.get_key_element()) for name, override in conditions.items()
    }
    _check_swept(params, parents)
    ordered: dict[str, Param] = {}
    waiting = list(params)
    while waiting:
        name = _next(waiting, parents, ordered)
        waiting.remove(name)
        ordered[name] = params[name]
        if name in conditions:
            condition = _read(name, conditions[name], ordered[parents[name]])
            ordered[name] = replace(params[name], condition=condition)
    return tuple(ordered.values())


def _check_swept(params: Mapping[str, Param], parents: Mapping[str, str]) -> None:
    for name, parent in parents.items():
        for needed in (name, parent):
            if needed not in params:
                raise ConfigError(
                    f"{SETTING}.{name}: {needed} must be a swept param "
                    f"({', '.join(params)}), but is not; sweep it, or leave the condition out"
                )


def _next(waiting: list[str], parents: Mapping[str, str], ordered: Mapping[str, Param]) -> str:
    """The first whose parent stands already."""
    for name in waiting:
        if name not in parents or parents[name] in ordered:
            return name
    depends = [f"{name} depends on {parents[name]}" for name in _circle(waiting[0], parents)]
    raise ConfigError(f"{SETTING} must not form a circle, but {', '.join(depends)}; leave one out")


def _circle(name: str, parents: Mapping[str, str]) -> list[str]:
    """The circle to which the way from `name` to its parents leads."""
    way: list[str] = []
    while name not in way:
        way.append(name)
        name = parents[name]
    return way[way.index(name) :]


def _read(name: str, override: Override, parent: Param) -> Condition:
    if parent.values is None:
        raise ConfigError(
            f"{SETTING}.{name}: {parent.name} must have listed values, but is an interval; "
            "sweep it as a choice or range"
        )
    setting = f"{SETTING}.{name}"
    values = {parent.read(raw, setting) for raw in _raw_values(setting, override)}
    return Condition(parent, tuple(sorted(values, key=parent.key)))


def _raw_values(setting: str, override: Override) -> list[Any]:
    if override.is_discrete_sweep():
        return [meaning(spell(element)) for element in override.sweep_iterator()]
    if override.is_sweep_override():
        raise ConfigError(
            f"{setting} must name values, as optimizer=sgd,lion, but got {override.input_line}"
        )
    return [override.value()]
