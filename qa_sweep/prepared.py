"""Prepared data: tokenizer and windows, made once for all trials that share them.

Within a process they stay in memory; other processes find the windows on disk.
"""

from dataclasses import dataclass
from functools import lru_cache

from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from qa_sweep.config import DataConfig, ModelConfig
from qa_sweep.data import Splits, set_cleaning
from qa_sweep.data.window_cache import WindowCache, cache_folder
from qa_sweep.model import make_tokenizer, reads_overlap
from qa_sweep.qa.example import Example
from qa_sweep.training import Split

_N_KEPT = 2  # pairs of model and data kept in memory


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a training needs of the data."""

    tokenizer: PreTrainedTokenizerBase
    train: Split
    held_out: Split


def prepare_splits(model: ModelConfig, data: DataConfig, splits: Splits) -> Prepared:
    """Tokenize both splits, or return what was made of them before in this process."""
    return _prepare(_Request(f"{model} {data} {id(splits)}", model, data, splits))


class _Request:
    """Arguments that are compared by a text: configs and lists have no hash."""

    def __init__(self, key: str, model: ModelConfig, data: DataConfig, splits: Splits) -> None:
        self.key = key
        self.model, self.data, self.splits = model, data, splits

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Request) and self.key == other.key


@lru_cache(maxsize=_N_KEPT)
def _prepare(request: _Request) -> Prepared:
    data, splits = request.data, request.splits
    texts = (text for example in splits.train for text in (example.question, example.context))
    tokenizer = make_tokenizer(request.model, texts, data.max_length)
    set_cleaning(tokenizer, data.clean)
    mark_overlap = reads_overlap(request.model)
    cache = WindowCache(tokenizer, cache_folder())

    def split(examples: list[Example]) -> Split:
        windows = cache.prepare(examples, data.max_length, data.doc_stride, mark_overlap)
        return Split(examples, windows)

    return Prepared(tokenizer, split(splits.train), split(splits.eval))
