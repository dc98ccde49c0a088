"""What properties of windows are tried on: tokenizers, texts and shapes, drawn by hypothesis."""

from collections.abc import Callable
from itertools import chain
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from tokenizer_kinds import (
    LETTERS,
    SPACES,
    bert,
    deberta,
    modernbert,
    random_text,
    roberta,
    sentencepiece,
)

from qa_sweep.qa.example import Example

Tokenizer = Any  # of transformers, which has no types
Options = dict[str, st.SearchStrategy]

KINDS: dict[str, tuple[Callable[..., Tokenizer], Options]] = {
    "bert": (
        bert,
        {
            "lower": st.booleans(),
            "strip_accents": st.sampled_from([None, True, False]),
            "split_chinese": st.booleans(),
        },
    ),
    "roberta": (roberta, {"add_prefix_space": st.booleans(), "trim_offsets": st.booleans()}),
    "modernbert": (modernbert, {"normalise": st.booleans()}),
    "deberta": (deberta, {"lower": st.booleans(), "prefix": st.booleans()}),
    "sentencepiece": (
        sentencepiece,
        {
            "prepend": st.sampled_from(["always", "first", "never"]),
            "token_types": st.booleans(),
        },
    ),
}


def some(max_examples: int) -> settings:
    return settings(
        max_examples=max_examples,
        suppress_health_check=[HealthCheck.too_slow],
        deadline=None,
    )


def draw_tokenizer(data: st.DataObject, kind: str) -> Tokenizer:
    make, options = KINDS[kind]
    drawn = {name: data.draw(strategy, name) for name, strategy in options.items()}
    tokenizer = make(data.draw(st.integers(0, 3), "seed"), **drawn)
    tokenizer.padding_side = data.draw(st.sampled_from(["left", "right"]), "padding side")
    return tokenizer


some_words = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=6).map("".join)
short_texts = st.lists(st.tuples(some_words, st.sampled_from(SPACES)), min_size=1, max_size=15).map(
    lambda pairs: "".join(chain.from_iterable(pairs))
)
long_texts = st.builds(
    lambda seed, n_words: random_text(Random(seed), n_words),
    st.integers(0, 2**32 - 1),
    st.integers(1, 400),
)
texts = short_texts | long_texts
questions = short_texts


def own_tokens(tokenizer: Tokenizer, text: str) -> list[tuple[int, int]]:
    """Return the spans that the tokenizer gives by itself, white space at their edges left out."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return [trimmed(text, *span) for span in encoded["offset_mapping"]]


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    inner = text[start:end].strip()
    start += len(text[start:end]) - len(text[start:end].lstrip())
    return start, start + len(inner)


def takes_token_types(tokenizer: Tokenizer) -> bool:
    return "token_type_ids" in tokenizer.model_input_names


def draw_examples(data: st.DataObject) -> list[Example]:
    pairs = data.draw(st.lists(st.tuples(questions, texts), min_size=1, max_size=3), "pairs")
    return [Example(str(i), *pair) for i, pair in enumerate(pairs)]


def draw_shape(
    data: st.DataObject, tokenizer: Tokenizer, examples: list[Example], least_stride: int = 0
) -> tuple[int, int]:
    """Return a `max_length` and a `doc_stride` that leave each question whole."""
    n_question = max(len(own_tokens(tokenizer, example.question)) for example in examples)
    doc_stride = data.draw(st.integers(least_stride, least_stride + 40), "doc_stride")
    lowest = doc_stride + 4 * (n_question + 4) // 3 + 2
    return data.draw(st.integers(lowest, lowest + 400), "max_length"), doc_stride
