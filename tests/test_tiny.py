"""The tiny reader: tokenizer and model made from scratch, and both as standard folders."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, PreTrainedTokenizerFast

from qa_sweep.config import EmbeddedData, TinyModel
from qa_sweep.data.embedded import generate
from qa_sweep.data.embedded_text import people_pools
from qa_sweep.qa.example import Example
from qa_sweep.tiny import _alphabet, _blank_tokenizer, make_model, make_tokenizer

MAX_LENGTH = 128


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return generate(EmbeddedData(n_train=1000, n_eval=1))["train"]


@pytest.fixture(scope="module")
def texts(examples: list[Example]) -> list[str]:
    return [text for example in examples for text in (example.question, example.context)]


@pytest.fixture(scope="module")
def tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    return make_tokenizer(texts, vocabulary_size=700, max_length=MAX_LENGTH)


def test_pairs_are_framed_as_bert_frames_them(tokenizer: PreTrainedTokenizerFast) -> None:
    encoded = tokenizer("Who plays", "The horn")
    tokens = tokenizer.convert_ids_to_tokens(encoded["input_ids"])
    first, second = tokens.index("[SEP]"), len(tokens) - 1
    assert tokens[0] == "[CLS]"
    assert tokens[second] == "[SEP]"
    assert encoded["token_type_ids"] == [0] * (first + 1) + [1] * (second - first)


def test_special_tokens_come_first(tokenizer: PreTrainedTokenizerFast) -> None:
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert tokenizer.convert_tokens_to_ids(marks) == [0, 1, 2, 3, 4]
    assert tokenizer.all_special_tokens
    assert set(tokenizer.all_special_tokens) == set(marks)


def test_vocabulary_has_the_size_asked_for(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(tokenizer) == 700


def test_names_of_the_eval_split_need_no_unknown_token(tokenizer: PreTrainedTokenizerFast) -> None:
    _, people = people_pools()
    assert tokenizer.unk_token_id not in tokenizer(people).input_ids


def test_same_texts_give_the_same_tokenizer(texts: list[str]) -> None:
    # The trainer's hash maps are seeded anew in each call: five calls would not agree by chance.
    made = {
        make_tokenizer(iter(texts), 700, MAX_LENGTH).backend_tokenizer.to_str() for _ in range(5)
    }
    assert len(made) == 1


@given(st.lists(st.text("aAbBäÄ中é 1") | st.text()), st.integers(1, 8))
def test_the_alphabet_is_of_the_characters_that_the_normalized_texts_have_most_of(
    texts: list[str], n_chars: int
) -> None:
    tokenizer = _blank_tokenizer({})
    normalized = "".join(map(tokenizer.normalizer.normalize_str, texts))
    counts = Counter("".join(normalized.split()))
    chosen = _alphabet(tokenizer, texts, n_chars)
    assert chosen == sorted(set(chosen) & set(counts))
    assert len(chosen) == min(n_chars, len(counts))
    least = min((counts[char] for char in chosen), default=0)
    assert all(counts[char] <= least for char in counts.keys() - set(chosen))


def test_rare_characters_do_not_overrun_the_vocabulary() -> None:
    signs = "".join(chr(0x4E00 + number) for number in range(500))
    tokenizer = make_tokenizer([signs, "a plain text"], vocabulary_size=100, max_length=32)
    assert len(tokenizer) <= 100
    assert tokenizer.unk_token_id in tokenizer(signs).input_ids


def test_parameter_count_is_near_115_thousand(tokenizer: PreTrainedTokenizerFast) -> None:
    model = make_model(TinyModel(), tokenizer, MAX_LENGTH, seed=42)
    assert 110_000 < model.num_parameters() < 120_000


def test_same_seed_gives_the_same_weights(tokenizer: PreTrainedTokenizerFast) -> None:
    first, second = (make_model(TinyModel(), tokenizer, MAX_LENGTH, seed=7) for _ in range(2))
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_another_seed_gives_other_weights(tokenizer: PreTrainedTokenizerFast) -> None:
    first, second = (
        make_model(TinyModel(), tokenizer, MAX_LENGTH, seed).qa_outputs.weight for seed in (1, 2)
    )
    assert not torch.equal(first, second)


def test_making_a_model_leaves_the_random_state_alone(tokenizer: PreTrainedTokenizerFast) -> None:
    before = torch.random.get_rng_state()
    make_model(TinyModel(), tokenizer, MAX_LENGTH, seed=7)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_settings_shape_the_model(tokenizer: PreTrainedTokenizerFast) -> None:
    settings = TinyModel(n_layers=1, n_heads=2, hidden_size=32, feed_forward_size=48)
    config = make_model(settings, tokenizer, 64, seed=0).config
    assert (config.num_hidden_layers, config.num_attention_heads) == (1, 2)
    assert (config.hidden_size, config.embedding_size, config.intermediate_size) == (32, 32, 48)
    assert (config.max_position_embeddings, config.type_vocab_size) == (64, 3)


def test_saved_and_loaded_reader_gives_the_same_logits(
    tokenizer: PreTrainedTokenizerFast, examples: list[Example], tmp_path: Path
) -> None:
    model = make_model(TinyModel(), tokenizer, MAX_LENGTH, seed=42).eval()
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path)
    loaded_tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    loaded = AutoModelForQuestionAnswering.from_pretrained(tmp_path).eval()
    pair = examples[0].question, examples[0].context
    inputs, loaded_inputs = (
        one(*pair, return_tensors="pt") for one in (tokenizer, loaded_tokenizer)
    )
    assert inputs.keys() == loaded_inputs.keys() == set(tokenizer.model_input_names)
    with torch.no_grad():
        logits, loaded_logits = model(**inputs), loaded(**loaded_inputs)
    assert torch.equal(logits.start_logits, loaded_logits.start_logits)
    assert torch.equal(logits.end_logits, loaded_logits.end_logits)


def test_overlap_mark_and_attention_survive_saving(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    make_model(TinyModel(), tokenizer, MAX_LENGTH, seed=42).save_pretrained(tmp_path)
    config = AutoModelForQuestionAnswering.from_pretrained(tmp_path).config
    assert config.mark_overlap is True
    assert config.model_type == "roformer"


def test_loaded_tokenizer_is_fast_and_knows_its_limits(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.is_fast
    assert loaded.model_max_length == MAX_LENGTH
    assert "token_type_ids" in loaded.model_input_names
