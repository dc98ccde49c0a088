"""ONNX: the exported model gives PyTorch's logits, for batches of any size and length."""

import re
from pathlib import Path

import numpy as np
import pytest
from champion_helpers import RESULTS, STUDY, studies, studies_folder  # noqa: F401
from qa_helpers import bert_like, example
from transformers import BertConfig, BertForQuestionAnswering

from qa_sweep.champion import main
from qa_sweep.data import prepare
from qa_sweep.model import Reader, load_reader
from qa_sweep.run_record import RunRecord

pytestmark = pytest.mark.onnx


def test_a_bundle_with_onnx_says_how_near_it_is_to_pytorch(studies, capsys) -> None:  # noqa: F811
    from qa_sweep.champion.held_out import held_out_examples
    from qa_sweep.champion.onnx_model import ONNX_FILE, _compare

    assert main(["--study", STUDY, "--trial", "0", "--onnx", "--to", "best"]) == 0
    output = capsys.readouterr().out
    assert re.search(r"model.onnx: on \d+ windows its logits differ from PyTorch's by ", output)
    assert "24 of 24 answers are the same" in output

    other = load_reader(str(RESULTS / STUDY / "1" / "model"))
    examples = held_out_examples(RunRecord.read(RESULTS / STUDY / "0"))
    windows = prepare(examples, other.tokenizer, 128, 32, mark_overlap=True)
    contexts = [each.context for each in examples]
    assert not _compare(other, windows, contexts, Path("best") / ONNX_FILE).holds


def test_a_bert_is_exported_for_batches_of_any_size_and_length(tmp_path) -> None:
    import onnxruntime

    from qa_sweep.champion.onnx_model import TOLERANCE, _compare, _export

    tokenizer = bert_like()
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(tokenizer), intermediate_size=64, **shape)
    reader = Reader(BertForQuestionAnswering(config).eval(), tokenizer)
    examples = [example("London"), example("1815", "When?"), example("1843", context="In 1843.")]
    windows = prepare(examples, tokenizer, 48, 8)
    _export(reader, windows, tmp_path / "model.onnx")
    contexts = [each.context for each in examples]
    parity = _compare(reader, windows, contexts, tmp_path / "model.onnx")
    assert parity.holds
    assert parity.largest_difference < TOLERANCE / 100

    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for n_rows, n_columns in [(1, 7), (5, 48), (3, 16)]:
        ids = np.ones((n_rows, n_columns), dtype=np.int64)
        inputs = {item.name: ids for item in session.get_inputs()}
        assert [logits.shape for logits in session.run(None, inputs)] == [(n_rows, n_columns)] * 2
