"""Error kinds: in which way an answer is wrong.

An answer is held against the nearest reference: by position where it is known where the answer
stands in the context, else by words. A reference is a text, which may stand in the context several
times: the occurrence nearest to the answer counts.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from qa_sweep.qa.scores import ARTICLES, f1, normalize_answer

Span = tuple[int, int]  # characters of the context, half-open

_TRAILING_ZEROS = re.compile(r"(?<![\d.])(\d+\.\d*?)0+(?!\d|\.\d)")
# Those that style guides have written as words.
_WORDS_FOR_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMERALS = {word: str(number) for number, word in enumerate(_WORDS_FOR_NUMBERS.split())}
_LOWEST_ACCENT = 200  # of Unicode's combining classes; below are vowels and parts of letters


class Kind(Enum):
    """Each prediction is of one kind."""

    right = "right"
    """Exact match is 1."""
    formatting = "formatting"
    """Equal to a reference but for case, accents, punctuation, white space, articles or the way
    that numbers are written, of what SQuAD's normalization lets stand."""
    too_long = "boundary: too long"
    """The answer holds the nearest reference, and more."""
    too_short = "boundary: too short"
    """The answer is a part of the nearest reference."""
    shifted = "boundary: shifted"
    """The answer and the nearest reference overlap, and each has something of its own."""
    wrong_span = "wrong span"
    """The answer overlaps with no reference."""
    false_answer = "false answer"
    """The context has no answer, yet one was given."""
    false_no_answer = "false no-answer"
    """The context has an answer, yet none was given."""


ERRORS = tuple(kind for kind in Kind if kind is not Kind.right)


@dataclass(frozen=True, slots=True)
class Examined:
    """An answer's kind, and the reference that it was held against."""

    kind: Kind
    reference: str = ""  # "" where there is none
    reference_span: Span | None = None  # None where it is not known


def examine(
    answer: str,
    references: Sequence[str],
    *,
    is_right: bool,
    span: Span | None = None,
    context: str = "",
) -> Examined:
    """Tell what kind of answer it is. `is_right` is its exact match; `span` is where it stands."""
    nearest = _nearest(answer, references, span, context)
    if is_right:
        return Examined(Kind.right, *nearest)
    if not references:
        return Examined(Kind.false_answer)
    if not answer.strip():
        return Examined(Kind.false_no_answer, *nearest)
    for reference in references:
        if _differ_in_formatting(answer, reference):
            return Examined(Kind.formatting, *_nearest(answer, [reference], span, context))
    text, reference_span = nearest
    if span is None or reference_span is None:
        return Examined(_by_words(answer, text), *nearest)
    return Examined(_by_position(span, reference_span), *nearest)


def _nearest(
    answer: str, references: Sequence[str], span: Span | None, context: str
) -> tuple[str, Span | None]:
    """The reference, of those with a word in it if there are some, and where it stands."""
    texts = [text for text in references if normalize_answer(text)] or list(references)
    if not texts:
        return "", None
    found = [(text, place) for text in dict.fromkeys(texts) for place in _places(text, context)]
    if span is not None and found:
        return min(found, key=lambda pair: _distance(span, pair[1]))
    text = max(texts, key=lambda text: f1(answer, text))
    return text, next(_places(text, context), None)


def _places(text: str, context: str) -> Iterator[Span]:
    start = context.find(text) if text else -1
    while start >= 0:
        yield start, start + len(text)
        start = context.find(text, start + 1)


def _distance(span: Span, other: Span) -> tuple[bool, int]:
    """Spans that overlap are nearer than others; then by how far their ends lie apart."""
    return not _overlap(span, other), abs(span[0] - other[0]) + abs(span[1] - other[1])


def _overlap(span: Span, other: Span) -> bool:
    return span[0] < other[1] and other[0] < span[1]


def _by_position(span: Span, reference: Span) -> Kind:
    if not _overlap(span, reference):
        return Kind.wrong_span
    if span[0] <= reference[0] and reference[1] <= span[1]:
        return Kind.too_long
    return Kind.too_short if reference[0] <= span[0] and span[1] <= reference[1] else Kind.shifted


def _by_words(answer: str, reference: str) -> Kind:
    found, wanted = normalize_answer(answer).split(), normalize_answer(reference).split()
    if not found or not wanted:
        return Kind.wrong_span
    if _stands_in(wanted, found):
        return Kind.too_long
    if _stands_in(found, wanted):
        return Kind.too_short
    return Kind.shifted if _meet(found, wanted) or _meet(wanted, found) else Kind.wrong_span


def _stands_in(words: list[str], others: list[str]) -> bool:
    return f" {' '.join(words)} " in f" {' '.join(others)} "


def _meet(words: list[str], others: list[str]) -> bool:
    """Whether the others begin as the words end."""
    return any(words[-n:] == others[:n] for n in range(1, min(len(words), len(others))))


def _differ_in_formatting(answer: str, reference: str) -> bool:
    return bool(_bare(answer) & _bare(reference))


@lru_cache(maxsize=10_000)
def _bare(text: str) -> frozenset[str]:
    """`text` without what formatting can change, once with its articles and once without."""
    plain = _TRAILING_ZEROS.sub(r"\1", unicodedata.normalize("NFKC", text).casefold())
    words = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in plain)
    forms = {_squeezed(words), _squeezed(ARTICLES.sub(" ", words))}
    return frozenset(form for form in forms if form)


def _squeezed(words: str) -> str:
    """Without space and accents, and with numerals as digits."""
    joined = "".join(_NUMERALS.get(word, word) for word in words.split())
    letters = unicodedata.normalize("NFKD", joined)
    return "".join(char for char in letters if unicodedata.combining(char) < _LOWEST_ACCENT)
