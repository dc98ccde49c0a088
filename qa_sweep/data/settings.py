"""Settings of a data set, as words of a command line: `data.holdout=0.1 data.columns={id: key}`."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar

import yaml

from qa_sweep.errors import ConfigError

Config = TypeVar("Config")


def read_settings(kind: type[Config], words: Sequence[str], **given: Any) -> Config:
    """Return the config of a `kind` with what is `given` and what the `words` say.

    Raises ConfigError on a word that says no setting, or not as it must be.
    """
    defaults = kind(**given)
    return kind(**{**given, **_read(defaults, "data.", dict(map(_parse, words)))})


def _parse(word: str) -> tuple[str, Any]:
    key, is_there, text = word.partition("=")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        is_there = ""
    if not is_there:
        raise ConfigError(f"a setting must be written as data.KEY=VALUE, but got {word!r}")
    return key, value


def _read(defaults: Any, prefix: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that `values` set, as `defaults` has them."""
    known = [prefix + item.name for item in fields(defaults)]
    found: dict[str, Any] = {}
    for key, value in values.items():
        section, _, rest = key.removeprefix(prefix).partition(".")
        if not key.startswith(prefix) or prefix + section not in known:
            near = " or ".join(get_close_matches(key, known)) or ", ".join(known)
            raise ConfigError(f"{key} is no setting; did you mean {near}")
        default = found.get(section, getattr(defaults, section))
        found[section] = _convert(prefix + section, default, {rest: value} if rest else value)
    return found


def _convert(key: str, default: Any, value: Any) -> Any:
    if is_dataclass(default) and isinstance(value, dict):
        named = {f"{key}.{name}": inner for name, inner in value.items()}
        section: Any = default
        return replace(section, **_read(default, f"{key}.", named))
    if isinstance(default, Enum):
        names = [option.value for option in type(default)]
        if value not in names:
            raise ConfigError(f"{key} must be one of {', '.join(names)}, but got {value!r}")
        return type(default)(value)
    kinds = (int, float) if isinstance(default, float) else (type(default),)
    if default is not None and (
        not isinstance(value, kinds) or isinstance(value, bool) != isinstance(default, bool)
    ):
        raise ConfigError(f"{key} must be like {default!r}, but got {value!r}")
    return value
