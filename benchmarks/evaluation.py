"""An evaluation: what its batches cost, and where its time goes.

    python benchmarks/evaluation.py                      # both models, one thread: some minutes
    python benchmarks/evaluation.py --model minilm --questions 1000 --device cuda

`tiny` reads the embedded data with the embedded model; `minilm` has MiniLM's shape (BERT, 6 layers,
hidden size 384) and reads text in SQuAD's proportions. Weights are random, which takes as long.

Batches: all windows once through the model, in batches of so many windows, and in batches of so
many tokens with padding as so many of the longest windows have. Ways take turns.
Parts: one evaluation with the files that are written of it; seconds are the median.
Time is the processor's, since what else runs on a machine is no business of theirs; with a GPU it
is the clock's.
"""

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from squad_text import generate
from transformers import BertConfig, BertForQuestionAnswering

from qa_sweep import tiny
from qa_sweep.config import EmbeddedData, EvaluationConfig, TinyModel
from qa_sweep.data import load_examples, prepare
from qa_sweep.evaluation import PAD_TO_MULTIPLE_OF, judge, model_input, predict
from qa_sweep.model import Reader, make_reader
from qa_sweep.predictions import save_evaluation, save_predictions
from qa_sweep.prepared import prepare_splits
from qa_sweep.qa.example import Example
from qa_sweep.qa.windows import Rows, Windows, pad_windows

Problem = tuple[Reader, Windows, Sequence[Example]]

MAX_LENGTH, DOC_STRIDE = 384, 128  # tokens
VOCABULARY_SIZE = 8000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", nargs="+", choices=list(PROBLEMS), default=list(PROBLEMS))
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name in options.model:
        reader, windows, examples = PROBLEMS[name](options.questions)
        reader.model.to(options.device).eval()
        lengths = windows.lengths
        print(
            f"{name}: {len(examples)} questions, {len(windows)} windows of {lengths.min()} to "
            f"{lengths.max()} tokens, {lengths.mean():.0f} in the mean; {options.threads} threads"
        )
        compare_batches(reader, windows, options.batch_sizes, options.repeats)
        show_parts(reader, windows, examples, options.repeats)


def tiny_problem(n_questions: int) -> Problem:
    data, model = EmbeddedData(n_train=400, n_eval=n_questions), TinyModel()
    prepared = prepare_splits(model, data, load_examples(data))
    reader = make_reader(model, prepared.tokenizer, data.max_length, seed=0)
    return reader, prepared.held_out.windows, prepared.held_out.examples


def minilm_problem(n_questions: int) -> Problem:
    examples = generate(n_questions)
    texts = (text for example in examples for text in (example.question, example.context))
    tokenizer = tiny.make_tokenizer(texts, VOCABULARY_SIZE, MAX_LENGTH)
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=len(tokenizer), hidden_size=384, num_hidden_layers=6, intermediate_size=1536
    )
    windows = prepare(examples, tokenizer, MAX_LENGTH, DOC_STRIDE, mark_overlap=False)
    return Reader(BertForQuestionAnswering(shape), tokenizer), windows, examples


PROBLEMS: dict[str, Callable[[int], Problem]] = {"tiny": tiny_problem, "minilm": minilm_problem}


def compare_batches(
    reader: Reader, windows: Windows, batch_sizes: Sequence[int], n_repeats: int
) -> None:
    now = _clock(reader)
    ways = {}
    for size in batch_sizes:
        ways[f"{size} windows"] = list(_of_windows(windows, size))
        ways[f"tokens of {size} windows"] = list(_of_tokens(windows, size))
    seconds = defaultdict(list)
    for _ in range(1 + n_repeats):
        for name, batches in ways.items():
            started = now()
            _read(reader, windows, batches)
            seconds[name].append(now() - started)
    for name, batches in ways.items():
        share = windows.lengths.sum() / sum(_n_cells(windows, rows) for rows in batches)
        median, low, high = _spread(seconds[name][1:])
        print(
            f"  {name:22} {len(batches):4} batches, {100 * share:5.1f} % real tokens, "
            f"{median:7.3f} s ({low:.3f} to {high:.3f})"
        )


def show_parts(
    reader: Reader, windows: Windows, examples: Sequence[Example], n_repeats: int
) -> None:
    seconds = defaultdict(list)
    for _ in range(1 + n_repeats):
        for name, spent in _parts(reader, windows, examples).items():
            seconds[name].append(spent)
    medians = {name: statistics.median(spent[1:]) for name, spent in seconds.items()}
    whole = sum(medians.values())
    for name, spent in medians.items():
        print(f"  {name:34} {1000 * spent:9.1f} ms {100 * spent / whole:5.1f} %")


def _parts(reader: Reader, windows: Windows, examples: Sequence[Example]) -> dict[str, float]:
    """Seconds of each part of an evaluation, and of what is done once a run."""
    config, watch = EvaluationConfig(), Watch(_clock(reader))
    with watch.forward_passes(reader), watch("batches, spans, n-best"):
        candidates, loss = predict(reader, windows, config)
    watch.seconds["batches, spans, n-best"] -= watch.seconds["forward passes"]
    with watch("scores"):
        found = judge(candidates, loss, examples, config.max_answer_length)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with watch("file of its answers"):
            save_evaluation(path, examples, 1, found)
        with watch("once a run: fitting"):
            found.fitting.report()
        with watch("once a run: predictions.parquet"):
            save_predictions(path / "predictions.parquet", found, examples)
    return watch.seconds


class Watch:
    """Adds up seconds by name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        started = self._clock()
        yield
        self.seconds[name] += self._clock() - started

    @contextmanager
    def forward_passes(self, reader: Reader) -> Iterator[None]:
        model, forward = reader.model, reader.model.forward

        def timed(**inputs: torch.Tensor) -> object:
            with self("forward passes"):
                output = forward(**inputs)
                _wait(model.device)
            return output

        model.forward = timed
        try:
            yield
        finally:
            del model.forward


def _clock(reader: Reader) -> Callable[[], float]:
    return time.process_time if reader.model.device.type == "cpu" else time.perf_counter


def _of_windows(windows: Windows, batch_size: int) -> Iterator[Rows]:
    """The longest first, as an evaluation has them."""
    order = np.argsort(-windows.lengths, kind="stable")
    return (order[i : i + batch_size] for i in range(0, len(order), batch_size))


def _of_tokens(windows: Windows, batch_size: int) -> Iterator[Rows]:
    """As many windows as have no more tokens with padding than `batch_size` of the longest."""
    order = np.argsort(-windows.lengths, kind="stable")
    n_cells, first = _n_cells(windows, order[:1]) * batch_size, 0
    while first < len(order):
        n_rows = n_cells // _n_cells(windows, order[first : first + 1])
        yield order[first : first + n_rows]
        first += n_rows


def _n_cells(windows: Windows, rows: Rows) -> int:
    """Tokens of a batch with its padding."""
    longest = int(windows.lengths[rows].max())
    return len(rows) * -(-longest // PAD_TO_MULTIPLE_OF) * PAD_TO_MULTIPLE_OF


@torch.inference_mode()
def _read(reader: Reader, windows: Windows, batches: Sequence[Rows]) -> None:
    device = reader.model.device
    for rows in batches:
        batch = pad_windows(windows, rows, 0, multiple_of=PAD_TO_MULTIPLE_OF)
        reader.model(**model_input(batch, reader.takes_token_types, device))
    _wait(device)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _spread(seconds: list[float]) -> tuple[float, float, float]:
    return statistics.median(seconds), min(seconds), max(seconds)


if __name__ == "__main__":
    main()
