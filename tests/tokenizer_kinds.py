"""Fast tokenizers of the kinds that readers have, trained on random text of many scripts.

The same seed gives the same object within a process; another process may train it to other pieces.
"""

import json
from functools import lru_cache
from random import Random

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer, Trainer, UnigramTrainer, WordPieceTrainer
from transformers import (
    BertTokenizer,
    DebertaV2Tokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
)

# What a reader of the text takes for one character; the answers begin and end with whole ones.
LETTERS = [
    *"aabcdeeeghiilmnooprsstuwxyzABEMPÀéîõßœøıİ",
    *"1234590", *".,;:!?'\"()-–“”’%€²½ﬁⅧ＃Ａ",
    "e\u0301", "A\u030a", "o\u0323\u0302", "n\u0303", "q\u0307\u0323",
    *"東京都日本語にはカタガ。", "か\u3099",
    *"한국", "\u1100\u1161\u11a8", "\u1112\u1161\u11ab",
    *"мирЖё", "и\u0306", *"αβΣς", "ὦ",
    *"سلامكت", "ب\u064e", *"שלום", "ש\u05c1\u05b8",
    "न", "क\u094d", "दी", "த", "เ", "ก\u0e49",
    "🙂", "👍🏽", "👩\u200d👩\u200d👧", "❤\ufe0f", "🇩🇪", "\u200dx",
]  # fmt: skip
SPACES = [*[" "] * 12, "  ", "\n", "\t", "\r\n", "\u00a0", "\u2009", "\u3000", "\u2028", "\u200b"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def random_text(random: Random, n_words: int) -> str:
    """Return words of one to six letters with white space of any kind between them."""
    words = ("".join(random.choices(LETTERS, k=random.randint(1, 6))) for _ in range(n_words))
    return "".join(word + random.choice(SPACES) for word in words)


@lru_cache(maxsize=64)
def bert(seed: int, lower: bool, strip_accents: bool | None, split_chinese: bool) -> BertTokenizer:
    """WordPiece: [CLS] question [SEP] context [SEP], with token types."""
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(
        lowercase=lower, strip_accents=strip_accents, handle_chinese_chars=split_chinese
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    _train(backend, seed, WordPieceTrainer(vocab_size=250, special_tokens=SPECIAL, **_QUIET))
    return BertTokenizer(
        vocab=backend.get_vocab(),
        do_lower_case=lower,
        strip_accents=strip_accents,
        tokenize_chinese_chars=split_chinese,
    )


@lru_cache(maxsize=64)
def roberta(seed: int, add_prefix_space: bool, trim_offsets: bool) -> RobertaTokenizer:
    """Byte-level BPE: <s> question </s></s> context </s>, without token types."""
    backend = _byte_level(seed, ROBERTA_SPECIAL, add_prefix_space)
    model = json.loads(backend.to_str())["model"]
    return RobertaTokenizer(
        vocab=model["vocab"],
        merges=[tuple(merge) for merge in model["merges"]],
        add_prefix_space=add_prefix_space,
        trim_offsets=trim_offsets,
    )


@lru_cache(maxsize=64)
def modernbert(seed: int, normalise: bool) -> PreTrainedTokenizerFast:
    """Byte-level BPE: [CLS] question [SEP] context [SEP], without token types."""
    backend = _byte_level(seed, SPECIAL, add_prefix_space=False)
    if normalise:
        backend.normalizer = normalizers.NFC()
    backend.post_processor = _template(backend, "[CLS] $A [SEP] $B [SEP]")
    return _wrapped(backend, ["input_ids", "attention_mask"])


@lru_cache(maxsize=64)
def deberta(seed: int, lower: bool, prefix: bool) -> DebertaV2Tokenizer:
    """Unigram over words that begin with ▁: [CLS] question [SEP] context [SEP]."""
    backend = _unigram(seed, normalizers.NFC(), "always")
    pieces = [tuple(piece) for piece in json.loads(backend.to_str())["model"]["vocab"]]
    return DebertaV2Tokenizer(
        vocab=pieces,
        unk_id=SPECIAL.index("[UNK]"),
        do_lower_case=lower,
        add_prefix_space=prefix,
    )


@lru_cache(maxsize=64)
def sentencepiece(seed: int, prepend: str, token_types: bool) -> PreTrainedTokenizerFast:
    """Unigram after SentencePiece's own normalisation (NFKC, white space made one space)."""
    normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    backend = _unigram(seed, normalizer, prepend)
    pair = "[CLS] $A [SEP] $B:1 [SEP]:1" if token_types else "[CLS] $A [SEP] [SEP] $B [SEP]"
    backend.post_processor = _template(backend, pair)
    names = ["input_ids", "attention_mask", *["token_type_ids"] * token_types]
    return _wrapped(backend, names)


_QUIET = {"show_progress": False}


def _train(backend: Tokenizer, seed: int, trainer: Trainer) -> None:
    random = Random(seed)
    backend.train_from_iterator([random_text(random, 30) for _ in range(20)], trainer)


def _byte_level(seed: int, special: list[str], add_prefix_space: bool) -> Tokenizer:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=450, special_tokens=special, initial_alphabet=alphabet, **_QUIET
    )
    _train(backend, seed, trainer)
    return backend


def _unigram(seed: int, normalizer: normalizers.Normalizer, prepend: str) -> Tokenizer:
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizer
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prepend)
    trainer = UnigramTrainer(vocab_size=250, special_tokens=SPECIAL, unk_token="[UNK]", **_QUIET)
    _train(backend, seed, trainer)
    return backend


def _template(backend: Tokenizer, pair: str) -> processors.TemplateProcessing:
    special = [(name, backend.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    return processors.TemplateProcessing(single="[CLS] $A [SEP]", pair=pair, special_tokens=special)


def _wrapped(backend: Tokenizer, names: list[str]) -> PreTrainedTokenizerFast:
    tokens = {f"{name[1:-1].lower()}_token": name for name in SPECIAL}
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_input_names=names, **tokens)
