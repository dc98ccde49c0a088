"""Settings from plain values, as a record keeps them: texts, numbers, lists and mappings."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from qa_sweep.config.data import DataConfig
from qa_sweep.config.missing import MISSING
from qa_sweep.config.model import ModelConfig
from qa_sweep.config.run import KINDS, RunConfig
from qa_sweep.errors import ConfigError

Settings = TypeVar("Settings")

_WORDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def kinds_of(config: RunConfig) -> dict[str, str]:
    """The names of the kinds of its model and data: `{"model": "tiny", "data": "embedded"}`."""
    return {
        group: next(name for name, kind in kinds.items() if kind is type(getattr(config, group)))
        for group, kinds in KINDS.items()
    }


def read_run_config(
    content: Mapping[str, Any], kinds: Mapping[str, str] | None = None
) -> tuple[RunConfig, list[str]]:
    """Return the settings of a run, and the names of those that this version does not know.

    What is not told keeps its default. Without `kinds`, as `kinds_of` gives them, the kinds of
    model and data are told from the settings that they have. Raises ConfigError on a value of
    another type, and where a setting is missing that has no default.
    """
    named = {**content}
    unknown: list[str] = []
    for group in KINDS:
        settings = _mapping(group, content.get(group))
        kind = _kind(group, settings, (kinds or {}).get(group))
        named[group], not_known = from_plain(kind, settings, f"{group}.")
        unknown += not_known
    config, not_known = from_plain(RunConfig, named)
    return config, unknown + not_known


def from_plain(
    kind: type[Settings], content: Mapping[str, Any], prefix: str = ""
) -> tuple[Settings, list[str]]:
    """Return the settings of one `kind`, and the names of those that it does not have.

    `prefix` is what their names begin with in messages. Raises as `read_run_config` does.
    """
    hints = get_type_hints(kind)
    unknown = [prefix + name for name in content if name not in hints]
    values: dict[str, Any] = {}
    for item in fields(kind):  # type: ignore[arg-type]
        name = prefix + item.name
        if item.name in content:
            values[item.name], inner = _convert(name, hints[item.name], content[item.name])
            unknown += inner
        elif item.default is MISSING:
            raise ConfigError(f"{name} must be given, but the record has none")
    return kind(**values), unknown


def _kind(group: str, content: Mapping[str, Any], name: str | None) -> type:
    known = KINDS[group]
    if name is None:
        return max(known.values(), key=lambda kind: len(content.keys() & get_type_hints(kind)))
    if name not in known:
        raise ConfigError(f"{group} must be one of {', '.join(known)}, but the record has {name!r}")
    return known[name]


def _convert(name: str, hint: Any, value: Any) -> tuple[Any, list[str]]:
    """Return `value` as the `hint` says, and the names within it that are not known."""
    if get_origin(hint) is UnionType:
        if value is None:
            return None, []
        (hint,) = (option for option in get_args(hint) if option is not type(None))
    if hint in (ModelConfig, DataConfig):  # has been read
        return value, []
    if is_dataclass(hint):
        return from_plain(hint, _mapping(name, value), f"{name}.")  # type: ignore[arg-type]
    if get_origin(hint) is list:
        return _list(name, get_args(hint)[0], value)
    return (_option if issubclass(hint, Enum) else _primitive)(name, hint, value), []


def _list(name: str, hint: Any, value: Any) -> tuple[list[Any], list[str]]:
    if not isinstance(value, list):
        raise _wrong(name, "a list", value)
    read = [_convert(f"{name}[{index}]", hint, item) for index, item in enumerate(value)]
    return [item for item, _ in read], [text for _, unknown in read for text in unknown]


def _option(name: str, kind: type[Enum], value: Any) -> Enum:
    options = [option.value for option in kind]
    if value not in options:
        raise _wrong(name, f"one of {', '.join(options)}", value)
    return kind(value)


def _primitive(name: str, kind: type, value: Any) -> Any:
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or isinstance(value, bool) != (kind is bool):
        raise _wrong(name, _WORDS[kind], value)
    return kind(value)


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(name, "settings by name", value)
    return value


def _wrong(name: str, rule: str, value: Any) -> ConfigError:
    return ConfigError(f"{name} must be {rule}, but the record has {value!r}")
