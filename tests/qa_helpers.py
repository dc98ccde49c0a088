"""Small tokenizers, made on the spot, and examples for the tests of windows and preparation."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer, WordPieceTrainer
from transformers import PreTrainedTokenizerFast

from qa_sweep.qa.example import Example, Reference

CONTEXT = (
    "Ada Lovelace was born in London in 1815.  She wrote, in 1843, what is called the first "
    "program; Charles Babbage (1791–1871) designed the engine.\nÀ Paris, personne ne l'a vue: "
    "naïve café, 東京 and 🙂🙂 came later, and the engine was never built."
)


def example(
    answer: str | None,
    question: str = "Where was Ada born?",
    context: str = CONTEXT,
    name: str = "",
) -> Example:
    """Return an example whose answer is the first occurrence of a text of the context."""
    references = () if answer is None else (Reference(answer, context.index(answer)),)
    return Example(name or f"{question}|{answer}", question, context, references)


def bert_like(**settings: object) -> PreTrainedTokenizerFast:
    """Return a lower-casing WordPiece tokenizer: [CLS] question [SEP] context [SEP]."""
    special = {
        f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")
    }
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = WordPieceTrainer(
        vocab_size=150, special_tokens=list(special.values()), show_progress=False
    )
    tokenizer.train_from_iterator([CONTEXT], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special, **settings)


def byte_level(trim_offsets: bool = True, **settings: object) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer: <s> question </s></s> context </s>."""
    special = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=330,
        special_tokens=list(special.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([CONTEXT], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", tokenizer.token_to_id("</s>")),
        ("<s>", tokenizer.token_to_id("<s>")),
        trim_offsets=trim_offsets,
        add_prefix_space=False,
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special, **settings)


def cls_last(**settings: object) -> PreTrainedTokenizerFast:
    """Return a tokenizer in XLNet's manner: question <sep> context <sep> <cls>."""
    tokenizer = bert_like(**settings)
    backend = tokenizer.backend_tokenizer
    backend.post_processor = processors.TemplateProcessing(
        single="$A [SEP] [CLS]:2",
        pair="$A [SEP] $B:1 [SEP]:1 [CLS]:2",
        special_tokens=[(name, backend.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def without_special() -> PreTrainedTokenizerFast:
    """Return a tokenizer that puts nothing around or between the texts."""
    backend = byte_level().backend_tokenizer
    backend.post_processor = processors.ByteLevel(trim_offsets=True)
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>")
