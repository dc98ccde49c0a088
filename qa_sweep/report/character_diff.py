"""Character diff: what an answer has too much, and what it lacks, against a reference."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from enum import Enum

MAX_CHARS = 200  # of either text; comparing takes the square of it, and nobody reads more
_SHORTEST_SAME = 3  # characters; shorter stretches in common are chance


class Change(Enum):
    same = "in both"
    extra = "in the answer alone"
    missing = "in the reference alone"


def character_diff(answer: str, reference: str) -> list[tuple[Change, str]]:
    """Stretches in their order; without the missing ones they are the answer, without the extra
    ones the reference, each cut to `MAX_CHARS`.
    """
    return [(change, text) for change, text in _stretches(_cut(answer), _cut(reference)) if text]


def _stretches(answer: str, reference: str) -> Iterator[tuple[Change, str]]:
    matcher = SequenceMatcher(None, answer, reference, autojunk=False)
    shortest = min(_SHORTEST_SAME, len(answer), len(reference))
    at, at_reference = 0, 0
    for start, start_reference, size in matcher.get_matching_blocks():
        if size >= shortest or size == 0:  # the last one, of size 0, stands behind both texts
            yield Change.extra, answer[at:start]
            yield Change.missing, reference[at_reference:start_reference]
            yield Change.same, answer[start : start + size]
            at, at_reference = start + size, start_reference + size


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…"
