"""Thinning: of many trials, those whose lines can still be told apart in one chart."""

from collections.abc import Sequence
from typing import TypeVar

MAX_LINES = 60
_N_BEST = 20

Item = TypeVar("Item")


def thinned(ranked: Sequence[Item]) -> list[Item]:
    """At most `MAX_LINES`: the best ones, and others evenly spread over the ranking."""
    if len(ranked) <= MAX_LINES:
        return list(ranked)
    rest, n_more = ranked[_N_BEST:], MAX_LINES - _N_BEST
    spread = [rest[round(i * (len(rest) - 1) / (n_more - 1))] for i in range(n_more)]
    return [*ranked[:_N_BEST], *spread]


def drawn(ranked: Sequence[object], what: str = "complete trials") -> str:
    """What to say where not all are drawn."""
    if len(ranked) <= MAX_LINES:
        return ""
    return (
        f" Of {len(ranked)} {what}, {MAX_LINES} are drawn: the {_N_BEST} best, and others evenly "
        "spread over the ranking."
    )
