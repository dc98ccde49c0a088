"""Reader: a question-answering model with its tokenizer; made, loaded and saved as one folder.

Whatever is written is a standard Hugging Face model folder, with the weights as safetensors.
"""

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForQuestionAnswering, PreTrainedConfig
from transformers.modeling_utils import PreTrainedModel
from transformers.tokenization_utils_base import PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from qa_sweep.config import ModelConfig, PretrainedModel, TinyModel
from qa_sweep.data.hub_access import Repository, loading, require_safetensors
from qa_sweep.data.tokenizer import load_tokenizer
from qa_sweep.errors import ModelError
from qa_sweep.overlap_type import add_overlap_type
from qa_sweep.qa.decisions import Decision

_ATTENTION_DROPOUT_NAMES = ("attention_probs_dropout_prob", "attention_dropout")

transformers_logging.set_verbosity_error()  # it announces each new head and each missing weight
transformers_logging.disable_progress_bar()


@dataclass
class Reader:
    """A model and the tokenizer that its input is made with."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def mark_overlap(self) -> bool:
        """Whether its token types mark the context tokens that occur in the question."""
        return _marks_overlap(self.model.config)

    @property
    def trained_with(self) -> dict[str, int]:
        """The `max_length` and `doc_stride` of its windows; empty for a model of elsewhere."""
        return dict(getattr(self.model.config, "qa_windows", {}))

    def set_trained_with(self, max_length: int, doc_stride: int) -> None:
        """Keep the shape of the windows in the model's config, for those who will use it."""
        self.model.config.qa_windows = {"max_length": max_length, "doc_stride": doc_stride}

    @property
    def decision(self) -> Decision | None:
        """How its answers are chosen from the n-best; None for a model of elsewhere."""
        found = getattr(self.model.config, "qa_decision", None)
        return Decision(**found) if found else None

    def set_decision(self, decision: Decision) -> None:
        """Keep in the model's config what was chosen on held-out questions."""
        self.model.config.qa_decision = decision.plain()

    @property
    def takes_token_types(self) -> bool:
        return "token_type_ids" in self.tokenizer.model_input_names

    @property
    def n_parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    def save(self, folder: Path) -> None:
        """Write model and tokenizer to `folder`, whole or not at all."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            self.model.save_pretrained(temporary)
            self.tokenizer.save_pretrained(temporary)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.chmod(0o755)  # mkdtemp's folders are the owner's alone
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def make_tokenizer(
    config: ModelConfig, texts: Iterable[str], max_length: int
) -> PreTrainedTokenizerBase:
    """The model's tokenizer; a model from scratch has one made of `texts`.

    Raises ModelError where it cannot be loaded.
    """
    if isinstance(config, TinyModel):
        from qa_sweep import tiny

        return tiny.make_tokenizer(texts, config.vocabulary_size, max_length)
    assert isinstance(config, PretrainedModel)
    return load_tokenizer(config.path, config.revision)


def make_reader(
    config: ModelConfig, tokenizer: PreTrainedTokenizerBase, max_length: int, seed: int
) -> Reader:
    """A reader that is ready to be trained; new weights are drawn from `seed`.

    Raises ModelError where the model cannot be loaded.
    """
    if isinstance(config, TinyModel):
        from qa_sweep import tiny

        return Reader(tiny.make_model(config, tokenizer, max_length, seed), tokenizer)
    assert isinstance(config, PretrainedModel)
    torch.manual_seed(seed)  # of the head, which no checkpoint has
    model = _load_model(config.path, config.revision, config.attention_dropout)
    if config.mark_overlap:
        add_overlap_type(model)
    return Reader(model, tokenizer)


def reads_overlap(config: ModelConfig) -> bool:
    """Whether the model's token types mark overlap. Raises ModelError where it cannot be loaded."""
    if isinstance(config, TinyModel):
        return config.mark_overlap
    assert isinstance(config, PretrainedModel)
    if config.mark_overlap:
        return True
    with loading(Repository("model", config.path, config.revision)):
        return _marks_overlap(_load_config(config.path, config.revision))


def load_reader(path: str, revision: str = "main") -> Reader:
    """The reader in a folder, or of the hub. Raises ModelError where it cannot be loaded."""
    return Reader(_load_model(path, revision), load_tokenizer(path, revision))


def _load_model(
    path: str, revision: str, attention_dropout: float | None = None
) -> PreTrainedModel:
    repository = Repository("model", path, revision)
    with loading(repository) as found:
        require_safetensors(found.files, repository)
        config = _load_config(path, revision)
        if attention_dropout is not None:
            _set_attention_dropout(config, attention_dropout)
        # A checkpoint's dtype may be half precision, in which training does not converge.
        model: PreTrainedModel = AutoModelForQuestionAnswering.from_pretrained(
            path,
            config=config,
            revision=revision,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
        )
    return model


def _load_config(path: str, revision: str) -> PreTrainedConfig:
    config: PreTrainedConfig = AutoConfig.from_pretrained(
        path, revision=revision, trust_remote_code=False
    )
    return config


def _marks_overlap(config: PreTrainedConfig) -> bool:
    return bool(getattr(config, "mark_overlap", False))


def _set_attention_dropout(config: PreTrainedConfig, share: float) -> None:
    """Set it by the name that it has in the model's family. Raises ModelError where it has none."""
    names = [name for name in _ATTENTION_DROPOUT_NAMES if hasattr(config, name)]
    if not names:
        raise ModelError(
            f"model.attention_dropout needs a model whose config has one of "
            f"{', '.join(_ATTENTION_DROPOUT_NAMES)}, but {config.model_type} has none; leave it out"
        )
    for name in names:
        setattr(config, name, share)
