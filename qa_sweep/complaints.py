"""Complaints: errors of Hydra and OmegaConf, said in one line with what to do."""

import difflib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from hydra.errors import MissingConfigException
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from qa_sweep import config as schema
from qa_sweep.errors import QaSweepError


def explain(error: BaseException) -> str:
    """One line for the person at the keyboard."""
    cause = _innermost(error)
    if isinstance(cause, QaSweepError):
        return str(cause)
    if isinstance(cause, MissingConfigException):
        return _unknown_option(cause)
    if isinstance(cause, OmegaConfBaseException):
        return _bad_setting(cause)
    return " ".join(str(error).split())


def nearest(name: str, names: Sequence[str], count: int = 3) -> list[str]:
    """Those of `names` that somebody who typed `name` may have meant, likeliest first."""
    last = name.rsplit(".", 1)[-1]
    abbreviated = [known for known in names if _initials(known) == last]
    return abbreviated[:count] or difflib.get_close_matches(name, names, count, cutoff=0.6)


def setting_names() -> list[str]:
    """The dotted names of all settings, of every kind of model and data."""
    names = dict.fromkeys(_dotted(schema.RunConfig, ""))
    for group, kinds in schema.KINDS.items():
        for kind in kinds.values():
            names.update(dict.fromkeys(_dotted(kind, f"{group}.")))
    return list(names)


def _innermost(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _unknown_option(error: MissingConfigException) -> str:
    group, _, option = str(error.missing_cfg_file or "").rpartition("/")
    if not error.options or not group:
        return " ".join(str(error).split())
    options = ", ".join(sorted(error.options))
    return f"{group} must be one of {options}, but got {option!r}"


def _bad_setting(error: OmegaConfBaseException) -> str:
    key = error.full_key or ""
    if isinstance(error, ConfigAttributeError | ConfigKeyError):
        known = nearest(key, setting_names())
        hint = f"; did you mean {' or '.join(known)}" if known else "; --help lists all settings"
        return f"{key} is no setting{hint}"
    if isinstance(error, MissingMandatoryValue):
        return f"{key} must be given; pass {key}=…"
    return f"{key}: {str(error.msg or error).splitlines()[0]}"


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.rsplit(".", 1)[-1].split("_") if word)


def _dotted(kind: Any, prefix: str) -> list[str]:
    names = []
    for item in fields(kind):
        inner = is_dataclass(item.type) and item.type not in (schema.ModelConfig, schema.DataConfig)
        names += _dotted(item.type, f"{prefix}{item.name}.") if inner else [prefix + item.name]
    return names
