"""A third token type for a pretrained model: context tokens that occur in the question.

What a large model finds by itself in its attention, a small one must be told, or shown in far more
data than there is.
"""

import torch
from transformers.modeling_utils import PreTrainedModel

from qa_sweep.errors import ModelError

_TYPES = "embeddings.token_type_embeddings"  # the module that embeds them
_CONTEXT = 1  # the token type of a context in pretraining


def add_overlap_type(model: PreTrainedModel) -> None:
    """Give the model the type, unless it has it; until it is trained it is that of other context.

    Raises ModelError where the model does not tell question and context apart by token types.
    """
    config = model.config
    if getattr(config, "mark_overlap", False):
        return
    types = dict(model.base_model.named_modules()).get(_TYPES)
    if not isinstance(types, torch.nn.Embedding) or types.num_embeddings <= _CONTEXT:
        raise ModelError(
            "model.mark_overlap needs a model with token types for question and context, as BERT "
            f"has, but {config.model_type} has none; leave it out"
        )
    wider = torch.nn.Embedding(types.num_embeddings + 1, types.embedding_dim)
    with torch.no_grad():
        wider.weight.copy_(torch.cat([types.weight, types.weight[_CONTEXT, None]]))
    model.base_model.set_submodule(_TYPES, wider)
    config.type_vocab_size = wider.num_embeddings
    config.mark_overlap = True
