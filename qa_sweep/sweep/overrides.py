"""Overrides: what is typed and what the sweep file says, as a space and what all jobs share."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from qa_sweep.sweep.space import Space, read_space
from qa_sweep.sweep.spelling import plain_name


def read_overrides(
    parser: OverridesParser,
    arguments: Sequence[str],
    params: Mapping[str, Any],
    conditions: Mapping[str, str],
) -> tuple[Space, list[str]]:
    """The space, and the overrides that all jobs share.

    `params` and `conditions` are those of the sweep file; the command line has the last word, and
    of two `arguments` for one param the later one. Raises ConfigError for an impossible space.
    """
    configured = [f"{name}={sweep}" for name, sweep in params.items()]
    overrides = _last_of_each(parser.parse_overrides([*configured, *arguments]))
    fixed = {name: override for name, override in overrides.items() if not _is_swept(override)}
    swept = {name: override for name, override in overrides.items() if _is_swept(override)}
    parsed = parser.parse_overrides(list(conditions.values()))
    open_conditions = {}
    for name, condition in zip(map(plain_name, conditions), parsed, strict=True):
        parent = plain_name(condition.get_key_element())
        if name in fixed:
            continue  # it has its value, condition or not
        if parent not in fixed:
            open_conditions[name] = condition
        elif not _is_met(condition, fixed[parent]):
            swept.pop(name, None)
    space = read_space(list(swept.values()), open_conditions)
    return space, [str(override.input_line) for override in fixed.values()]


def _last_of_each(overrides: Sequence[Override]) -> dict[str, Override]:
    """By plain name, in the order of the last ones: group overrides may build on each other."""
    last: dict[str, Override] = {}
    for override in overrides:
        name = plain_name(override.get_key_element())
        last.pop(name, None)
        last[name] = override
    return last


def _is_swept(override: Override) -> bool:
    return bool(override.is_sweep_override())


def _is_met(condition: Override, fixed: Override) -> bool:
    """Whether the value that the command line fixes is one of the condition's."""
    if not condition.is_sweep_override():
        return bool(condition.value() == fixed.value())
    return fixed.value() in list(condition.sweep_iterator())
