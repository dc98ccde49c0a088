"""Window key: the name of windows, which is another one where anything differs that makes them.

A hash of 128 bits keeps them apart. It need not be cryptographic: nobody gains by forging one.
"""

import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from xxhash import xxh3_128

from qa_sweep.data.preparation import is_cleaning, require_fast
from qa_sweep.qa.example import Example

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase

_PACKAGE = Path(__file__).parent.parent
_CODE = [
    "data/preparation.py",
    "data/window_cache.py",
    "data/window_key.py",
    "qa/cleaning.py",
    "qa/encoding.py",
    "qa/tokens.py",
    "qa/windows.py",
]


def window_key(
    examples: Sequence[Example],
    tokenizer: str,
    max_length: int,
    doc_stride: int,
    mark_overlap: bool,
) -> str:
    """Return the name of the windows of `examples` under `settings`.

    Of an example this is question, context and first reference: windows hold nothing of the rest.
    """
    settings = (_code_key(), tokenizer, max_length, doc_stride, mark_overlap, len(examples))
    digest = xxh3_128(repr(settings).encode())
    firsts = [example.references[0] if example.references else None for example in examples]
    digest.update(_bytes([-1 if first is None else first.start for first in firsts]))
    digest.update(_bytes([-1 if first is None else len(first.text) for first in firsts]))
    digest.update(_text_bytes([example.question for example in examples]))
    digest.update(_text_bytes([example.context for example in examples]))
    return digest.hexdigest()


def tokenizer_key(tokenizer: "PreTrainedTokenizerBase") -> str:
    """Return a hash of all that a tokenizer does to a text. Raises ModelError on one not fast."""
    require_fast(tokenizer)
    backend = tokenizer.backend_tokenizer
    # They are set anew for each call, and what the last one left is no part of the tokenizer.
    backend.no_padding()
    backend.no_truncation()
    rest = (
        is_cleaning(tokenizer),
        tokenizer.cls_token_id,
        tokenizer.all_special_ids,
        tokenizer.split_special_tokens,
    )
    text = f"{rest} {backend.to_str()}"
    return xxh3_128(text.encode()).hexdigest()


@cache
def _code_key() -> str:
    """Return a hash of the code that makes windows, ours and that of libraries."""
    import tokenizers
    import transformers

    versions = (np.__version__, tokenizers.__version__, transformers.__version__)
    platform = (unicodedata.unidata_version, sys.byteorder)
    digest = xxh3_128(repr((*versions, *platform)).encode())
    for path in _CODE:
        digest.update((_PACKAGE / path).read_bytes())
    return digest.hexdigest()


def _text_bytes(texts: Sequence[str]) -> bytes:
    """Return bytes that are the same for no other texts; each distinct one is in them once."""
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    lengths = _bytes([len(numbers), *map(len, numbers)])
    rows = _bytes([*map(numbers.__getitem__, texts)])
    return lengths + rows + "".join(numbers).encode("utf-8", "surrogatepass")


def _bytes(numbers: Sequence[int]) -> bytes:
    return np.array(numbers, dtype=np.int64).tobytes()
