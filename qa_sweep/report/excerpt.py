"""Excerpt: the part of a context around an answer and a reference, both marked.

The marks are characters, so that they are seen without colour, and pasted along with the text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from qa_sweep.report.error_kinds import Span

N_AROUND = 60  # characters before and behind each end of what is marked
_N_TO_WORD = 15  # characters that a cut moves at the most, to stand between words


class Mark(Enum):
    """What is marked, and by which characters."""

    answer = "[]"
    reference = "«»"


LEGEND = "[…] marks the wrong answer and «…» the nearest reference"


@dataclass(frozen=True)
class Piece:
    """A stretch of the excerpt, a mark's character, or the … for what is left out."""

    text: str
    marks: frozenset[Mark] = frozenset()


def excerpt(context: str, spans: Mapping[Mark, Span | None]) -> list[Piece]:
    """The surroundings of each end of the `spans`; the context's beginning where there is none."""
    marked = {mark: span for mark, span in spans.items() if span is not None}
    pieces: list[Piece] = []
    behind = 0
    places = [place for span in marked.values() for place in span]
    for start, end in _windows(context, places or [N_AROUND]):
        if start > behind:
            pieces.append(Piece("… " if not behind else " … "))
        pieces += _within(context, start, end, marked)
        behind = end
    return pieces if behind == len(context) else [*pieces, Piece(" …")]


def _windows(context: str, places: list[int]) -> list[Span]:
    """The surroundings of the places, those that touch as one."""
    windows: list[Span] = []
    for place in sorted(places):
        start, end = _between_words(context, place - N_AROUND, place + N_AROUND)
        if windows and start <= windows[-1][1]:
            start, _ = windows.pop()
        windows.append((start, end))
    return windows


def _between_words(context: str, start: int, end: int) -> Span:
    """The cut from about `start` to about `end`."""
    first = context.find(" ", start, start + _N_TO_WORD) + 1 if start > 0 else 0
    last = context.rfind(" ", end - _N_TO_WORD, end) if end < len(context) else len(context)
    return first or max(start, 0), end if last < 0 else last


def _within(context: str, start: int, end: int, marked: Mapping[Mark, Span]) -> Iterator[Piece]:
    ends = {place for span in marked.values() for place in span if start <= place <= end}
    for place, next_place in pairwise([*sorted({start, end} | ends), end]):
        yield from _at(place, marked)
        covering = {mark for mark, (a, b) in marked.items() if a <= place < b}
        if place < next_place:
            yield Piece(context[place:next_place], frozenset(covering))


def _at(place: int, marked: Mapping[Mark, Span]) -> Iterator[Piece]:
    """What closes there, the inner one first, then what opens, the outer one first."""
    outer_first = sorted(marked, key=lambda mark: (marked[mark][0], -marked[mark][1]))
    for mark in reversed(outer_first):
        if marked[mark][1] == place:
            yield Piece(mark.value[1], frozenset({mark}))
    for mark in outer_first:
        if marked[mark][0] == place:
            yield Piece(mark.value[0], frozenset({mark}))
