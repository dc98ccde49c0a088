"""How large model and data are, and how much is measured."""

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Scale:
    """DistilBERT's shape and SQuAD's lengths, unless something else is asked for."""

    n_layers: int = 6
    width: int = 768
    n_heads: int = 12
    feed_forward_width: int = 3072
    n_words: int = 30_522  # of the vocabulary
    max_length: int = 384  # tokens
    n_question: int = 12  # tokens
    n_windows: int = 2_048  # trained on
    n_evaluated: int = 4_096  # windows
    n_looped: int = 512  # of these, what a Python loop is timed on
    batch_sizes: tuple[int, ...] = (16, 32)
    n_pairs: int = 5
    n_profiled_steps: int = 20
    n_sharing: tuple[int, ...] = (1, 2, 4)  # workers on one device
    n_shared_epochs: int = 4
    device: str = "cuda"

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> "Scale":
        """From what JSON makes of it."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in content.items()})

    def with_small_model(self) -> "Scale":
        """As large as the model that is made from scratch by default, which leaves a GPU idle."""
        return replace(self, n_layers=2, width=64, n_heads=4, feed_forward_width=128)


FULL = Scale()
TINY = Scale(
    n_layers=1,
    width=16,
    n_heads=2,
    feed_forward_width=32,
    n_words=200,
    max_length=48,
    n_question=4,
    n_windows=64,
    n_evaluated=96,
    n_looped=16,
    batch_sizes=(8, 16),
    n_pairs=2,
    n_profiled_steps=3,
    n_sharing=(1, 2),
    n_shared_epochs=1,
    device="cpu",
)
