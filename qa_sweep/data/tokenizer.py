"""Tokenizer: of a model folder or of the hub."""

from typing import TYPE_CHECKING, Any

from qa_sweep.data.hub_access import Repository, loading

if TYPE_CHECKING:  # transformers takes seconds to import
    from transformers import PreTrainedTokenizerBase


def load_tokenizer(path: str, revision: str = "main") -> "PreTrainedTokenizerBase":
    """Return the tokenizer of a model. Raises ModelError where it cannot be loaded."""
    from transformers import AutoTokenizer

    with loading(Repository("model", path, revision)):
        tokenizer: Any = AutoTokenizer.from_pretrained(
            path, revision=revision, trust_remote_code=False
        )
    return tokenizer
