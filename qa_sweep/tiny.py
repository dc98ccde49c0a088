"""The tiny reader, made from scratch: a WordPiece tokenizer and a small RoFormer.

Two layers do not discover by themselves, in a minute's training, that the question's words are to
be looked for in the context. So the preparation marks them: it adds 1 to the token type of every
context token that also occurs in the question, whenever the model's config says `mark_overlap`.
"""

from collections import Counter
from collections.abc import Iterable

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast, RoFormerConfig, RoFormerForQuestionAnswering

from qa_sweep.config import TinyModel

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
ALPHABET_DIVISOR = 4  # a character may need two pieces, and half of the vocabulary is for words
N_TOKEN_TYPES = 3  # question, context, context token that occurs in the question


def make_tokenizer(
    texts: Iterable[str], vocabulary_size: int, max_length: int
) -> PreTrainedTokenizerFast:
    """Train a lower-casing WordPiece tokenizer on `texts`; pairs are `[CLS] A [SEP] B [SEP]`.

    `max_length` is the number of tokens that the model reads at once. The same texts give the same
    tokenizer.
    """
    vocabulary = _train_vocabulary(list(texts), vocabulary_size)
    tokenizer = _blank_tokenizer(vocabulary)
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = _pair_processor(vocabulary)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **SPECIAL_TOKENS,
    )


def _blank_tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    model = models.WordPiece(vocab=vocabulary, unk_token=SPECIAL_TOKENS["unk_token"])
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _train_vocabulary(texts: list[str], size: int) -> dict[str, int]:
    """Word piece → id: special tokens, then characters, then merged pieces by frequency.

    The trainer numbers the inner characters (`##a`) in the order of a hash map that differs from
    one run to the next, and ties between merges with them. Listed beforehand they keep their ids.
    They are special tokens of the trainer's tokenizer only, which is thrown away.
    """
    tokenizer = _blank_tokenizer({})
    alphabet = _alphabet(tokenizer, texts, size // ALPHABET_DIVISOR)
    inner = [char for char in alphabet if _can_stand_inside_a_word(tokenizer, char)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=[*SPECIAL_TOKENS.values(), *alphabet, *(f"##{char}" for char in inner)],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.get_vocab()


def _alphabet(tokenizer: Tokenizer, texts: list[str], n_chars: int) -> list[str]:
    """The `n_chars` most frequent characters in order; the others will be unknown.

    The normalizer looks at each character by itself, so each that occurs is normalized once.
    """
    counts: Counter[str] = Counter()
    for char, count in Counter("".join(texts)).items():
        for normalized in tokenizer.normalizer.normalize_str(char):
            counts[normalized] += count
    chars = (char for char in counts if not char.isspace())
    return sorted(sorted(chars, key=lambda char: (-counts[char], char))[:n_chars])


def _can_stand_inside_a_word(tokenizer: Tokenizer, char: str) -> bool:
    return len(tokenizer.pre_tokenizer.pre_tokenize_str("a" + char)) == 1


def _pair_processor(vocabulary: dict[str, int]) -> processors.TemplateProcessing:
    """BERT's frame, with token type 0 for the first text and 1 for the second."""
    marks = (SPECIAL_TOKENS["cls_token"], SPECIAL_TOKENS["sep_token"])
    return processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(mark, vocabulary[mark]) for mark in marks],
    )


def make_model(
    config: TinyModel, tokenizer: PreTrainedTokenizerFast, max_length: int, seed: int
) -> RoFormerForQuestionAnswering:
    """Return the reader for windows of up to `max_length` tokens, with weights drawn from `seed`.

    Its config carries `mark_overlap`. The random state of the process is left as it was.
    """
    settings = _model_config(config, tokenizer, max_length)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return RoFormerForQuestionAnswering(settings)


def _model_config(
    config: TinyModel, tokenizer: PreTrainedTokenizerFast, max_length: int
) -> RoFormerConfig:
    return RoFormerConfig(
        vocab_size=len(tokenizer),
        embedding_size=config.hidden_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.n_layers,
        num_attention_heads=config.n_heads,
        intermediate_size=config.feed_forward_size,
        # A model so small, fresh rows and two epochs: it underfits, and dropout only costs time.
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=max_length,
        type_vocab_size=N_TOKEN_TYPES,
        initializer_range=config.initializer_range,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="eager",  # RoFormer has no other
        mark_overlap=config.mark_overlap,
    )
