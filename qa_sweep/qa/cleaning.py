"""Cleaning: a text as a reader had better see it, and the way back to the text as it was.

Characters are composed (Unicode's NFC), runs of white space of any kind become one space, and
characters that nobody sees are left out: controls, zero-width spaces, soft hyphens, marks of the
writing direction. Zero-width joiners stay, which make emoji and letters of some scripts.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_UNSEEN = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls, without those that are white space
    "\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
)
_GAP = re.compile(rf"[\s{_UNSEEN}]+")
_HANGUL_VOWELS_AND_FINALS = (range(0x1161, 0x1176), range(0x11A8, 0x11C3))

_Edit = tuple[int, int, str]  # characters from, up to, and what stands there instead


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A cleaned text, whose character `i` was made of `starts[i]:ends[i]` of the original."""

    text: str
    starts: NDArray[np.int32]  # (n_characters,)
    ends: NDArray[np.int32]  # (n_characters,)
    n_original: int  # characters of the original

    def original_spans(self, spans: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return half-open spans of the cleaned text as spans of the original, (n_spans, 2).

        A start at the end of the text is that of the original, and so is an end at the beginning:
        an empty span may come out with its end before its start.
        """
        starts = np.append(self.starts, self.n_original)
        ends = np.append(0, self.ends)
        return np.stack([starts[spans[:, 0]], ends[spans[:, 1]]], axis=1).astype(np.int32)


def clean(text: str) -> Cleaned:
    """Return `text` cleaned; cleaning it again changes nothing."""
    spaced = _edited(text, _gaps(text))
    if unicodedata.is_normalized("NFC", spaced.text):
        return spaced
    composed = _edited(spaced.text, _compositions(spaced.text))
    return Cleaned(
        composed.text, spaced.starts[composed.starts], spaced.ends[composed.ends - 1], len(text)
    )


def _gaps(text: str) -> Iterator[_Edit]:
    """What is not seen goes, and white space, with what is not seen in it, becomes a space."""
    for found in _GAP.finditer(text):
        gap = found[0]
        if gap != " ":
            yield found.start(), found.end(), " " if any(map(str.isspace, gap)) else ""


def _compositions(text: str) -> Iterator[_Edit]:
    """The stretches that NFC changes, each by itself."""
    bounds = [0, *(i for i, char in enumerate(text) if i and _begins_stretch(char)), len(text)]
    for start, end in pairwise(bounds):
        stretch = text[start:end]
        if not unicodedata.is_normalized("NFC", stretch):
            yield start, end, unicodedata.normalize("NFC", stretch)


@cache
def _begins_stretch(char: str) -> bool:
    """Whether no text before `char` has a bearing on how it and what follows is composed."""
    first = unicodedata.normalize("NFD", char)[0]
    return unicodedata.combining(first) == 0 and first not in _composed_with_the_one_before()


@lru_cache(maxsize=1)
def _composed_with_the_one_before() -> frozenset[str]:
    """The characters that stand second in some canonical decomposition."""
    decompositions = (unicodedata.decomposition(chr(code)) for code in range(0x110000))
    pairs = (found.split() for found in decompositions if found and found[0] != "<")
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2}
    return frozenset(seconds.union(*(map(chr, codes) for codes in _HANGUL_VOWELS_AND_FINALS)))


def _edited(text: str, edits: Iterable[_Edit]) -> Cleaned:
    """Make the edits, which are in order and apart from each other."""
    pieces: list[str] = []
    starts, ends = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    at = 0
    for start, end, new in (*edits, (len(text), len(text), "")):
        kept = np.arange(at, start, dtype=np.int32)
        pieces += [text[at:start], new]
        starts += [kept, np.full(len(new), start, np.int32)]
        ends += [kept + 1, np.full(len(new), end, np.int32)]
        at = end
    return Cleaned("".join(pieces), np.concatenate(starts), np.concatenate(ends), len(text))
