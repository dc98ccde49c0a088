"""The tokens of texts, and the template by which a tokenizer joins question and context."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

# All of Unicode's white space lies at or below the ideographic space U+3000.
WHITE_SPACE = np.array([code for code in range(0x3001) if chr(code).isspace()], dtype=np.uint32)
FIRST_MARK = 0x0300
HANGUL_VOWELS_AND_FINALS = range(0x1160, 0x1200)


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of several texts, flat: those of text `i` are `row_starts[i:i + 2]`."""

    ids: NDArray[np.int32]  # (n_tokens,)
    offsets: NDArray[np.int32]  # (n_tokens, 2), half-open character spans in the text
    row_starts: NDArray[np.int64]  # (n_texts + 1,)

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.row_starts)

    def cut(self, n: int) -> "Tokens":
        """Return the first `n` tokens of each text."""
        kept = np.minimum(self.lengths, n)
        row_starts = np.append(0, np.cumsum(kept))
        index = ragged_arange(self.row_starts[:-1], kept)
        return Tokens(self.ids[index], self.offsets[index], row_starts)

    @classmethod
    def from_lists(
        cls,
        ids: Sequence[Sequence[int]],
        offsets: Sequence[Sequence[tuple[int, int]]],
        texts: Sequence[str],
    ) -> "Tokens":
        """Build from one list a text; white space at the edges of a token leaves its span.

        Byte-level vocabularies hold a word with the space before it (" Paris"), and some
        tokenizers count that space to the token's characters.
        """
        row_starts = np.array([0, *accumulate(map(len, ids))], dtype=np.int64)
        flat = np.fromiter(chain.from_iterable(chain.from_iterable(offsets)), np.int32)
        return cls(
            ids=np.fromiter(chain.from_iterable(ids), np.int32, row_starts[-1]),
            offsets=_seen_spans(flat.reshape(-1, 2), row_starts, texts),
            row_starts=row_starts,
        )


@dataclass(frozen=True)
class Template:
    """How a tokenizer joins a question and a context: prefix, question, infix, context, suffix.

    Of prefix, infix and suffix (the special tokens between) there are the ids and token types.
    """

    ids: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    types: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    question_type: int
    context_type: int
    cls_id: int | None = None  # the token whose position stands for "no answer here"

    @property
    def n_special(self) -> int:
        return sum(map(len, self.ids))


def ragged_arange(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return start, start + 1, … of each segment, one after the other, (lengths.sum(),)."""
    before = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)


def _seen_spans(
    offsets: NDArray[np.int32], row_starts: NDArray[np.int64], texts: Sequence[str]
) -> NDArray[np.int32]:
    """Move starts to the next character that is no white space, and ends behind the last one.

    A token of white space alone gets a start behind its end: see `Windows.offsets`. What follows a
    token, is in no token and continues a letter, becomes part of the token's span.
    """
    characters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    n_characters = np.array([len(text) for text in texts], dtype=np.int64)
    text_starts = np.cumsum(n_characters) - n_characters
    position = np.arange(len(characters) + 1)
    is_space = np.append(np.isin(characters, WHITE_SPACE), False)
    # Position len(characters) stands for the end, which is no white space.
    next_start = np.minimum.accumulate(np.where(is_space, len(position), position)[::-1])[::-1]
    last_end = np.maximum.accumulate(np.where(is_space[:-1], 0, position[1:]))
    last_end = np.append(0, last_end)
    shift = np.repeat(text_starts, np.diff(row_starts))
    text_ends = np.repeat(text_starts + n_characters, np.diff(row_starts))
    starts = np.minimum(next_start[offsets[:, 0] + shift], text_ends) - shift
    ends = np.maximum(last_end[offsets[:, 1] + shift], shift)
    ends = _behind_letters(ends, offsets[:, 0] + shift, text_ends, characters) - shift
    return np.stack([starts, ends], axis=1).astype(np.int32)


def _behind_letters(
    ends: NDArray[np.integer],
    starts: NDArray[np.integer],
    text_ends: NDArray[np.integer],
    characters: NDArray[np.uint32],
) -> NDArray[np.integer]:
    """Move ends behind characters that are in no token and continue a letter, (n_tokens,).

    Tokenizers drop accents ("cafe\u0301" is read as "cafe") or compose them with the letter, whose
    place alone they tell. Without them, an answer would end in the middle of a letter.
    """
    continues = np.append(_continues_letter(characters), False)
    if not continues.any():
        return ends
    position = np.arange(len(continues))
    after = np.minimum.accumulate(np.where(continues, len(position), position)[::-1])[::-1]
    next_starts = np.minimum(np.append(starts[1:], len(characters)), text_ends)
    return np.maximum(ends, np.minimum(after[ends], next_starts))


def _continues_letter(characters: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether a character is a mark on the letter before it, or of the same Hangul syllable."""
    result = np.zeros(len(characters), dtype=bool)
    places = np.flatnonzero(characters >= FIRST_MARK)
    codes = np.flatnonzero(np.bincount(characters[places])).tolist()
    marks = [
        code
        for code in codes
        if unicodedata.category(chr(code)).startswith("M") or code in HANGUL_VOWELS_AND_FINALS
    ]
    result[places] = np.isin(characters[places], marks)
    return result
