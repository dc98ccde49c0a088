"""Spelling: how Hydra writes a value on the command line, and what it reads from that."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString, Transformer
from hydra.errors import HydraException


def spell(element: Any) -> str:
    """Hydra's spelling of an element of a sweep.

    A function as `choice` drops its arguments' quotes, without which Hydra cannot read what it
    wrote itself where a character has no escape, as in `für` or `~/models`: these are quoted again.
    """
    spelling: str = Transformer.str(element)
    if isinstance(element, str) and not _is_readable(spelling):
        return QuotedString(element, Quote.single).with_quotes()
    return spelling


@cache
def meaning(spelling: str) -> Any:
    """The value that a job gets from `spelling`. Raises HydraException where it is unreadable."""
    return OverridesParser.create().parse_override(f"_={spelling}").value()


def readings(raw: Any) -> list[Any]:
    """What a YAML file's value can mean, the likeliest first: YAML 1.1 makes 3e-5 a string."""
    possible = [raw]
    if isinstance(raw, str) and _is_readable(raw):
        possible.append(meaning(raw))
    return possible + [float(value) for value in possible if type(value) is int]


def is_same(one: Any, other: Any) -> bool:
    """Equality that tells 1, 1.0 and True apart, in lists and dicts of whatever kind too."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if _is_list(one) and _is_list(other):
        return len(one) == len(other) and all(map(is_same, one, other))
    return type(one) is type(other) and bool(one == other)


def plain_name(key: str) -> str:
    """A param's name without the `+` or `++` that lets Hydra add it to a config."""
    return key.lstrip("+")


def _is_readable(spelling: str) -> bool:
    try:
        meaning(spelling)
    except HydraException:
        return False
    return True


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
