"""Models: what is set when one is loaded."""

import pytest
import torch
from training_helpers import DATA, MODEL
from transformers import (
    AutoModelForQuestionAnswering,
    BertConfig,
    DistilBertConfig,
    GPT2Config,
    PreTrainedConfig,
)

from qa_sweep.config import PretrainedModel
from qa_sweep.data import load_examples
from qa_sweep.errors import ModelError
from qa_sweep.model import Reader, load_reader, make_reader
from qa_sweep.prepared import prepare_splits

SMALL = {
    "bert": BertConfig(
        vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16,
    ),
    "distilbert": DistilBertConfig(vocab_size=300, dim=16, n_layers=1, n_heads=2, hidden_dim=16),
    "gpt2": GPT2Config(vocab_size=300, n_embd=16, n_layer=1, n_head=2),
}  # fmt: skip


@pytest.fixture
def tokenizer():
    return prepare_splits(MODEL, DATA, load_examples(DATA)).tokenizer


def saved(config: PreTrainedConfig, tokenizer, folder) -> PretrainedModel:
    Reader(AutoModelForQuestionAnswering.from_config(config), tokenizer).save(folder / "model")
    return PretrainedModel(name="small", path=str(folder / "model"))


@pytest.mark.parametrize(
    ("family", "name"),
    [("bert", "attention_probs_dropout_prob"), ("distilbert", "attention_dropout")],
)
def test_attention_dropout_is_set_by_the_name_of_the_family(family, name, tokenizer, tmp_path):
    model = saved(SMALL[family], tokenizer, tmp_path)
    as_it_is = make_reader(model, tokenizer, 64, seed=1).model
    model.attention_dropout = 0.25
    changed = make_reader(model, tokenizer, 64, seed=1).model
    assert (getattr(as_it_is.config, name), getattr(changed.config, name)) == (0.1, 0.25)
    layers = [str(layer) for layer in changed.modules() if type(layer).__name__ == "Dropout"]
    assert any("p=0.25" in layer for layer in layers)


def test_attention_dropout_is_refused_for_a_family_that_has_no_such_setting(tokenizer, tmp_path):
    model = saved(SMALL["gpt2"], tokenizer, tmp_path)
    model.attention_dropout = 0.0
    with pytest.raises(ModelError, match=r"model.attention_dropout needs .* but gpt2 has none"):
        make_reader(model, tokenizer, 64, seed=1)


def test_an_overlap_type_changes_nothing_until_it_is_trained(tokenizer, tmp_path):
    model = saved(SMALL["bert"], tokenizer, tmp_path)
    plain = make_reader(model, tokenizer, 64, seed=1)
    model.mark_overlap = True
    marking = make_reader(model, tokenizer, 64, seed=1)
    assert (plain.mark_overlap, marking.mark_overlap) == (False, True)
    ids, types = torch.tensor([[1, 5, 2, 5, 7, 2]]), torch.tensor([[0, 0, 0, 1, 1, 1]])
    marked = types + torch.tensor([[0, 0, 0, 1, 0, 0]])
    expected = plain.model.eval()(input_ids=ids, token_type_ids=types).start_logits
    found = marking.model.eval()(input_ids=ids, token_type_ids=marked).start_logits
    assert torch.equal(expected, found)


def test_a_model_with_an_overlap_type_is_saved_and_loaded_with_its_marks(tokenizer, tmp_path):
    model = saved(SMALL["bert"], tokenizer, tmp_path)
    model.mark_overlap = True
    make_reader(model, tokenizer, 64, seed=1).save(tmp_path / "marking")
    again = PretrainedModel(name="again", path=str(tmp_path / "marking"), mark_overlap=True)
    splits = load_examples(DATA)
    for reader in (make_reader(again, tokenizer, 64, seed=1), load_reader(again.path)):
        assert reader.mark_overlap
        assert reader.model.config.type_vocab_size == 3
    assert 2 in prepare_splits(again, DATA, splits).train.windows.token_types


def test_an_overlap_type_is_refused_for_a_family_without_token_types(tokenizer, tmp_path):
    model = saved(SMALL["distilbert"], tokenizer, tmp_path)
    model.mark_overlap = True
    with pytest.raises(ModelError, match=r"model.mark_overlap needs .* but distilbert has none"):
        make_reader(model, tokenizer, 64, seed=1)


def test_a_reader_made_here_and_trained_further_sees_the_same_marks(tmp_path):
    splits = load_examples(DATA)
    first = prepare_splits(MODEL, DATA, splits)
    make_reader(MODEL, first.tokenizer, DATA.max_length, seed=1).save(tmp_path / "model")
    again = prepare_splits(
        PretrainedModel(name="again", path=str(tmp_path / "model")), DATA, splits
    )
    assert again.train.windows.token_types.tolist() == first.train.windows.token_types.tolist()
    assert 2 in again.train.windows.token_types
