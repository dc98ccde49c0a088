"""Preparation: from examples to windows, with any fast tokenizer.

Each distinct question and context is encoded once, alone, and the windows are put together in
NumPy (`qa.encoding`). SQuAD asks about five questions of a context, so this does a fifth of the
work of encoding pairs, and gives the same windows.
"""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qa_sweep.errors import DataError, ModelError
from qa_sweep.qa.encoding import make_windows, max_question_length
from qa_sweep.qa.example import Example
from qa_sweep.qa.tokens import Template, Tokens
from qa_sweep.qa.windows import Windows
from qa_sweep.qa.windows import mark_overlap as add_overlap_marks

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase


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
    the token type of context tokens that occur in the question.
    Raises ModelError on a tokenizer that cannot tell the characters of its tokens, DataError where
    there is no example, ConfigError where `max_length` is too small for `doc_stride`.
    """
    if not examples:
        raise DataError("windows must be made of at least one example, but got none")
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(
            f"the tokenizer must be a fast one, which knows the characters of its tokens, but got "
            f"{type(tokenizer).__name__}; choose a model that has a tokenizer.json"
        )
    questions = _encode([example.question for example in examples], tokenizer)
    contexts = _encode([example.context for example in examples], tokenizer)
    template = _find_template(examples[0], tokenizer)
    limit = max_question_length(max_length, doc_stride, template)
    _warn_of_cuts(questions, limit)
    windows = make_windows(
        examples, questions.cut(limit), contexts, template, max_length, doc_stride
    )
    return add_overlap_marks(windows, tokenizer.all_special_ids) if mark_overlap else windows


def _encode(texts: Sequence[str], tokenizer: "PreTrainedTokenizerBase") -> Tokens:
    """Return the tokens of the distinct `texts`, in order of first occurrence."""
    distinct = list(dict.fromkeys(texts))
    encoded = tokenizer(
        distinct,
        add_special_tokens=False,
        padding=False,
        truncation=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,  # a context may be longer than the model's input: it is cut into windows
    )
    return Tokens.from_lists(encoded["input_ids"], encoded["offset_mapping"], distinct)


def _find_template(example: Example, tokenizer: "PreTrainedTokenizerBase") -> Template:
    """Return how the tokenizer joins a pair, as seen from one encoded example.

    Raises ModelError where the pair is not question and context with special tokens between.
    """
    pair = tokenizer(example.question, example.context, truncation=False, verbose=False)
    (encoding,) = pair.encodings
    places, ids, types = encoding.sequence_ids, encoding.ids, encoding.type_ids
    question = [i for i, place in enumerate(places) if place == 0]
    context = [i for i, place in enumerate(places) if place == 1]
    if not question or not context:
        raise ModelError(
            f"the tokenizer must find tokens in every text, but found none in the question or the "
            f"context of example {example.id!r}; choose a model for the language of the data"
        )
    prefix, infix, suffix = (
        slice(0, question[0]),
        slice(question[-1] + 1, context[0]),
        slice(context[-1] + 1, len(ids)),
    )
    return Template(
        ids=(tuple(ids[prefix]), tuple(ids[infix]), tuple(ids[suffix])),
        types=(tuple(types[prefix]), tuple(types[infix]), tuple(types[suffix])),
        question_type=types[question[0]],
        context_type=types[context[0]],
        cls_id=tokenizer.cls_token_id,
    )


def _warn_of_cuts(questions: Tokens, limit: int) -> None:
    n_cut = int((questions.lengths > limit).sum())
    if n_cut:
        warnings.warn(
            f"{n_cut} of {len(questions.lengths)} questions are longer than {limit} tokens and "
            f"were cut, to leave room for the context; raise data.max_length",
            stacklevel=3,
        )
