"""ONNX: the model for runtimes other than PyTorch, compared with it on real windows."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from qa_sweep.champion.held_out import held_out_examples
from qa_sweep.data import prepare
from qa_sweep.errors import ModelError
from qa_sweep.evaluation import model_input
from qa_sweep.model import Reader, load_reader
from qa_sweep.qa.spans import SpanCollector
from qa_sweep.qa.windows import Rows, Windows, pad_windows
from qa_sweep.run_record import RunRecord
from qa_sweep.terminal import visible

ONNX_FILE = "model.onnx"
N_QUESTIONS = 200  # on which the two are compared, at most
TOLERANCE = 1e-3  # of logits; rounding gives a hundredth of it

_BATCH = 16  # windows; the last batch is smaller, and each is as wide as its longest window
_LONGEST_ANSWER = 30  # tokens
_LARGEST_FILE = 2**30  # bytes of weights; above, they lie beside the graph, which cannot hold 2 GiB


@dataclass(frozen=True)
class Parity:
    """How far the exported model is from the one in PyTorch."""

    n_windows: int
    n_questions: int
    n_same: int  # answers
    largest_difference: float  # of logits

    @property
    def holds(self) -> bool:
        return self.n_same == self.n_questions and self.largest_difference <= TOLERANCE

    @property
    def sentence(self) -> str:
        found = (
            f"on {self.n_windows} windows its logits differ from PyTorch's by "
            f"{self.largest_difference:.2g} at most, and {self.n_same} of {self.n_questions} "
            f"answers are the same"
        )
        return f"{ONNX_FILE}: {found}" if self.holds else f"{ONNX_FILE} is left out: {found}"


def add_onnx(record: RunRecord, folder: Path) -> Parity:
    """Write the model of `folder` there as ONNX, if it answers as PyTorch does.

    Raises ModelError where it cannot be exported, DataError without questions to compare it on.
    """
    reader = load_reader(str(folder))
    examples, data = held_out_examples(record)[:N_QUESTIONS], record.config.data
    windows = prepare(
        examples, reader.tokenizer, data.max_length, data.doc_stride, reader.mark_overlap
    )
    _export(reader, windows, folder / ONNX_FILE)
    contexts = [example.context for example in examples]
    parity = _compare(reader, windows, contexts, folder / ONNX_FILE)
    if not parity.holds:
        for file in folder.glob(f"{ONNX_FILE}*"):
            file.unlink()
    return parity


def _export(reader: Reader, windows: Windows, path: Path) -> None:
    """Write the graph, for batches of any size and length, from a batch of the first windows."""
    inputs = _inputs(reader, windows, np.arange(min(2, len(windows))))
    any_size = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    try:
        with _silence():
            torch.onnx.export(
                _Logits(reader),
                tuple(inputs.values()),
                path,
                input_names=list(inputs),
                output_names=["start_logits", "end_logits"],
                dynamic_shapes=(tuple(any_size for _ in inputs),),
                dynamo=True,
                external_data=4 * reader.n_parameters > _LARGEST_FILE,
                verbose=False,
            )
    except Exception as error:
        cause = error.__cause__ or error
        first_line = visible((str(cause) or type(cause).__name__).splitlines()[0])
        raise ModelError(
            f"the model cannot be exported to ONNX ({type(cause).__name__}: {first_line[:200]}); "
            f"leave out --onnx"
        ) from error


def _compare(reader: Reader, windows: Windows, contexts: list[str], path: Path) -> Parity:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    module = _Logits(reader)
    collectors = [SpanCollector(windows, 1, _LONGEST_ANSWER) for _ in range(2)]
    largest = 0.0
    for start in range(0, len(windows), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(windows)))
        inputs = _inputs(reader, windows, rows)
        with torch.inference_mode():
            expected = [logits.numpy() for logits in module(*inputs.values())]
        found = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
        differences = [np.abs(a - b).max() for a, b in zip(expected, found, strict=True)]
        largest = max(largest, *map(float, differences))
        for collector, logits in zip(collectors, (expected, found), strict=True):
            collector.add(rows, logits[0].copy(), logits[1].copy())
    answers = [collector.finish().best_texts(contexts) for collector in collectors]
    n_same = sum(map(str.__eq__, *answers))
    return Parity(len(windows), len(contexts), n_same, largest)


def _inputs(reader: Reader, windows: Windows, rows: Rows) -> dict[str, torch.Tensor]:
    """The tensors that the graph takes, by name."""
    batch = pad_windows(windows, rows, reader.tokenizer.pad_token_id or 0)
    inputs = model_input(batch, reader.takes_token_types)
    return {name: tensor for name, tensor in inputs.items() if not name.endswith("positions")}


class _Logits(torch.nn.Module):
    """A model with two outputs and nothing else."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.model = reader.model
        self.eval()

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Of `input_ids`, `attention_mask`, and `token_type_ids` where the model takes them."""
        names = ("input_ids", "attention_mask", "token_type_ids")
        output = self.model(**dict(zip(names, inputs, strict=False)))
        return output.start_logits, output.end_logits


@contextmanager
def _silence() -> Iterator[None]:
    """Without what the exporter says to its own developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
