"""Which model, and where it comes from."""

import math
from dataclasses import dataclass

from qa_sweep.checks import require, require_at_least
from qa_sweep.config.missing import MISSING
from qa_sweep.config.section import Section


@dataclass
class ModelConfig(Section):
    """What every model has; use one of the kinds below."""

    section = "model"

    name: str = MISSING  # shown in tables and tracked

    def __post_init__(self) -> None:
        require(bool(self.name), "model.name", "must not be empty", self.name)


@dataclass
class TinyModel(ModelConfig):
    """A small RoFormer reader, made from scratch with a WordPiece vocabulary of the train split."""

    name: str = "tiny"
    n_layers: int = 2
    n_heads: int = 4
    hidden_size: int = 64
    feed_forward_size: int = 128
    vocabulary_size: int = 700
    initializer_range: float = 0.1  # standard deviation of the initial weights
    mark_overlap: bool = True  # token types tell which context tokens occur in the question

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("n_layers", "n_heads", "hidden_size", "feed_forward_size"):
            require_at_least(1, f"model.{name}", getattr(self, name))
        require_at_least(100, "model.vocabulary_size", self.vocabulary_size)
        require(
            0 < self.initializer_range < math.inf,
            "model.initializer_range",
            "must be above 0 and finite",
            self.initializer_range,
        )
        require(
            self.hidden_size % (2 * self.n_heads) == 0,
            "model.hidden_size",
            f"must be a multiple of 2 × model.n_heads = {2 * self.n_heads}",
            self.hidden_size,
        )


@dataclass
class PretrainedModel(ModelConfig):
    """A model of the Hugging Face hub, or a local folder in its format."""

    path: str = MISSING  # hub name or folder
    revision: str = "main"  # branch, tag or commit of the hub
    attention_dropout: float | None = None  # null: the checkpoint's; 0 is far faster on a CPU
    mark_overlap: bool = False  # a token type of its own for context tokens that the question has

    def __post_init__(self) -> None:
        super().__post_init__()
        require(bool(self.path), "model.path", "must be a hub name or a folder", self.path)
        if self.attention_dropout is not None:
            require(
                0 <= self.attention_dropout < 1,
                "model.attention_dropout",
                "must lie between 0 and 1",
                self.attention_dropout,
            )
