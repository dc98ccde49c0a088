"""Preparation: from examples to windows, with any fast tokenizer.

Each distinct question and context is encoded once, alone, and the windows are put together in
NumPy (`qa.encoding`). SQuAD asks about five questions of a context, so this does a fifth of the
work of encoding pairs, and gives the same windows.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qa_sweep.errors import DataError, ModelError
from qa_sweep.qa.cleaning import Cleaned, clean
from qa_sweep.qa.encoding import make_windows, max_question_length
from qa_sweep.qa.example import Example
from qa_sweep.qa.tokens import Template, Tokens
from qa_sweep.qa.windows import Windows
from qa_sweep.qa.windows import mark_overlap as add_overlap_marks

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase

_CLEANING = "reads_cleaned_text"  # in the tokenizer's own settings


def prepare(
    examples: Sequence[Example],
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int,
    doc_stride: int,
    mark_overlap: bool = False,
) -> Windows:
    """Return the windows of `examples`: at most `max_length` tokens, sharing `doc_stride` tokens.

    The tokenizer's padding side and truncation settings do not matter: windows are not padded.
    A question that leaves no room for the context is cut, with a warning. `mark_overlap` adds 1 to
    the token type of context tokens that occur in the question. A tokenizer that was told so by
    `set_cleaning` gets cleaned texts; the offsets are those of the texts as they are.
    Raises ModelError on a tokenizer that cannot tell the characters of its tokens, DataError where
    there is no example, ConfigError where `max_length` is too small for `doc_stride`.
    """
    windows, warning = find_windows(examples, tokenizer, max_length, doc_stride, mark_overlap)
    if warning:
        warnings.warn(warning, stacklevel=2)
    return windows


def find_windows(
    examples: Sequence[Example],
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int,
    doc_stride: int,
    mark_overlap: bool,
) -> tuple[Windows, str]:
    """Return what `prepare` returns, and what it warns of; nothing: an empty text."""
    if not examples:
        raise DataError("windows must be made of at least one example, but got none")
    questions, contexts, template = encode(examples, tokenizer)
    limit = max_question_length(max_length, doc_stride, template)
    windows = make_windows(
        examples, questions.cut(limit), contexts, template, max_length, doc_stride
    )
    if mark_overlap:
        windows = add_overlap_marks(windows, tokenizer.all_special_ids)
    return windows, _cuts(questions, limit)


def encode(
    examples: Sequence[Example], tokenizer: "PreTrainedTokenizerBase"
) -> tuple[Tokens, Tokens, Template]:
    """Return the tokens of the distinct questions and contexts, and how pairs are joined.

    Raises ModelError on a tokenizer that cannot tell the characters of its tokens.
    """
    require_fast(tokenizer)
    question_texts = _distinct(example.question for example in examples)
    context_texts = _distinct(example.context for example in examples)
    questions, contexts = _encode(question_texts, tokenizer), _encode(context_texts, tokenizer)
    question = _text_with_tokens(question_texts, questions, "question")
    context = _text_with_tokens(context_texts, contexts, "context")
    return questions, contexts, _find_template(question, context, tokenizer)


def require_fast(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raise ModelError on a tokenizer that cannot tell the characters of its tokens."""
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(
            f"the tokenizer must be a fast one, which knows the characters of its tokens, but got "
            f"{type(tokenizer).__name__}; choose a model that has a tokenizer.json"
        )


def set_cleaning(tokenizer: "PreTrainedTokenizerBase", wanted: bool) -> None:
    """Say whether `tokenizer` is to be given cleaned texts; it is saved and loaded with it."""
    tokenizer.init_kwargs[_CLEANING] = wanted


def is_cleaning(tokenizer: "PreTrainedTokenizerBase") -> bool:
    """Whether the tokenizer, and so the model that was trained with it, reads cleaned texts."""
    return bool(getattr(tokenizer, "init_kwargs", {}).get(_CLEANING, False))


def _distinct(texts: Iterable[str]) -> list[str]:
    """Return each text once, in order of first occurrence."""
    return list(dict.fromkeys(texts))


def _encode(texts: list[str], tokenizer: "PreTrainedTokenizerBase") -> Tokens:
    if not is_cleaning(tokenizer):
        return _tokens(texts, tokenizer)
    cleaned = [clean(text) for text in texts]
    tokens = _tokens([each.text for each in cleaned], tokenizer)
    return replace(tokens, offsets=_original_offsets(tokens, cleaned, texts))


def _tokens(texts: list[str], tokenizer: "PreTrainedTokenizerBase") -> Tokens:
    encoded = tokenizer(
        texts,
        add_special_tokens=False,
        padding=False,
        truncation=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,  # a context may be longer than the model's input: it is cut into windows
    )
    return Tokens.from_lists(encoded["input_ids"], encoded["offset_mapping"], texts)


def _original_offsets(
    tokens: Tokens, cleaned: Sequence[Cleaned], texts: Sequence[str]
) -> NDArray[np.int32]:
    """Return the offsets (n_tokens, 2) of tokens of cleaned texts in the texts as they were."""
    offsets = tokens.offsets.copy()
    for i, (each, text) in enumerate(zip(cleaned, texts, strict=True)):
        if each.text != text:
            rows = slice(*tokens.row_starts[i : i + 2])
            offsets[rows] = each.original_spans(offsets[rows])
    return offsets


def _text_with_tokens(texts: Sequence[str], tokens: Tokens, noun: str) -> str:
    """Return the first text that has tokens. Raises ModelError where none has."""
    found = np.flatnonzero(tokens.lengths)
    if not len(found):
        raise ModelError(
            f"the tokenizer must find tokens in the texts, but found none in any {noun}; choose a "
            f"model for the language of the data"
        )
    return texts[found[0]]


def _find_template(question: str, context: str, tokenizer: "PreTrainedTokenizerBase") -> Template:
    """Return how the tokenizer joins a pair, as seen from one that is encoded, both with tokens."""
    pair = tokenizer(question, context, truncation=False, verbose=False)
    (encoding,) = pair.encodings
    places, ids, types = encoding.sequence_ids, encoding.ids, encoding.type_ids
    of_question = [i for i, place in enumerate(places) if place == 0]
    of_context = [i for i, place in enumerate(places) if place == 1]
    prefix, infix, suffix = (
        slice(0, of_question[0]),
        slice(of_question[-1] + 1, of_context[0]),
        slice(of_context[-1] + 1, len(ids)),
    )
    return Template(
        ids=(tuple(ids[prefix]), tuple(ids[infix]), tuple(ids[suffix])),
        types=(tuple(types[prefix]), tuple(types[infix]), tuple(types[suffix])),
        question_type=types[of_question[0]],
        context_type=types[of_context[0]],
        cls_id=tokenizer.cls_token_id,
    )


def _cuts(questions: Tokens, limit: int) -> str:
    n_cut = int((questions.lengths > limit).sum())
    if not n_cut:
        return ""
    return (
        f"{n_cut} of {len(questions.lengths)} questions are longer than {limit} tokens and were "
        f"cut, to leave room for the context; raise data.max_length"
    )
