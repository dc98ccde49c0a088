"""From examples to windows: ours, with and without its cache, the tokenizer alone, and a course's.

The course's way is what public courses teach: `datasets.map` over batches, the tokenizer pads each
window to the full length, and a loop over windows looks for the tokens of the answer.

    python benchmarks/preparation.py                             # text in SQuAD's proportions
    python benchmarks/preparation.py --data train.json --tokenizer FOLDER --pairs 9

All take turns on the same examples in one process; ratios are those within a turn, their median
and, as its interval, the least and the greatest (98 % where there are 7). Before that, the windows
are compared.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from course import label_windows
from datasets import Dataset, disable_progress_bars
from rich.console import Console
from rich.table import Table
from squad_text import generate
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from qa_sweep.data import prepare, read_examples
from qa_sweep.data.window_cache import WindowCache
from qa_sweep.qa.example import Example
from qa_sweep.qa.windows import Windows
from qa_sweep.tiny import make_tokenizer

MAX_LENGTH, DOC_STRIDE = 384, 128  # tokens
VOCABULARY_SIZE = 30_000

OURS, CACHED = "ours", "ours, from the cache"
TEXTS, PAIRS = "tokenizer alone, distinct texts", "tokenizer alone, pairs"
COURSE, RELOADED = "course", "course, from the cache of datasets"


@dataclass(frozen=True, eq=False)
class Problem:
    """Examples and what prepares them."""

    examples: list[Example]
    rows: Dataset  # the same, with SQuAD's columns, on disk
    tokenizer: PreTrainedTokenizerBase
    cache: Path


def main() -> None:
    options = read_options()
    disable_progress_bars()
    with tempfile.TemporaryDirectory(prefix="preparation-") as folder:
        found = measure(make_problem(options, Path(folder)), options.pairs)
    show(found, Console(width=100))
    if options.output:
        options.output.write_text(json.dumps(found, indent=2) + "\n")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--data", type=Path, help="file of examples, e.g. SQuAD's JSON; else text is generated")
    add("--tokenizer", help="model folder; else a WordPiece vocabulary is made of the text")
    add("--examples", type=int, default=4_000, help="examples to generate, or to take of the file")
    add("--pairs", type=int, default=7, help="turns that each of them takes")
    add("--output", type=Path, help="JSON file for all figures")
    return parser.parse_args()


def make_problem(options: argparse.Namespace, folder: Path) -> Problem:
    examples = read_examples(options.data) if options.data else generate(options.examples)
    examples = examples[: options.examples]
    texts = [text for example in examples for text in (example.question, example.context)]
    if options.tokenizer:
        tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    else:
        tokenizer = make_tokenizer(texts, VOCABULARY_SIZE, MAX_LENGTH)
    columns = {
        "question": [example.question for example in examples],
        "context": [example.context for example in examples],
        "answers": [
            {
                "text": [reference.text for reference in example.references],
                "answer_start": [reference.start for reference in example.references],
            }
            for example in examples
        ],
    }
    Dataset.from_dict(columns).to_parquet(folder / "rows.parquet")
    rows = Dataset.from_parquet(str(folder / "rows.parquet"), cache_dir=str(folder / "datasets"))
    return Problem(examples, rows, tokenizer, folder / "windows")


def ours(problem: Problem) -> Windows:
    return prepare(problem.examples, problem.tokenizer, MAX_LENGTH, DOC_STRIDE)


def from_our_cache(problem: Problem) -> Windows:
    """As another process does it, which has the examples and the tokenizer."""
    cache = WindowCache(problem.tokenizer, problem.cache)
    return cache.prepare(problem.examples, MAX_LENGTH, DOC_STRIDE)


def texts_alone(problem: Problem) -> None:
    """Ids and offsets of each distinct question and each distinct context."""
    for texts in ([e.question for e in problem.examples], [e.context for e in problem.examples]):
        problem.tokenizer(
            list(dict.fromkeys(texts)),
            add_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )


def pairs_alone(problem: Problem) -> None:
    """Ids and offsets of each window, not padded."""
    problem.tokenizer(
        [example.question for example in problem.examples],
        [example.context for example in problem.examples],
        max_length=MAX_LENGTH,
        stride=DOC_STRIDE,
        truncation="only_second",
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
    )


def course(problem: Problem, *, reload: bool = False) -> Dataset:
    return problem.rows.map(
        label_windows,
        fn_kwargs={
            "tokenizer": problem.tokenizer,
            "max_length": MAX_LENGTH,
            "doc_stride": DOC_STRIDE,
        },
        batched=True,
        remove_columns=problem.rows.column_names,
        load_from_cache_file=reload,
    )


CONTENDERS: dict[str, Callable[[Problem], object]] = {
    TEXTS: texts_alone,
    OURS: ours,
    PAIRS: pairs_alone,
    COURSE: course,
    CACHED: from_our_cache,
    RELOADED: lambda problem: course(problem, reload=True),
}


COMPARISONS = [
    (OURS, TEXTS),
    (OURS, PAIRS),
    (COURSE, OURS),
    (OURS, CACHED),
    (COURSE, CACHED),
    (RELOADED, CACHED),
]
CLOCKS = ("wall_s", "processor_s")


def n_unlike(problem: Problem) -> int:
    """Compare the windows of all; return how many of ours are not the course's."""
    windows, theirs = ours(problem), course(problem)
    cached = [from_our_cache(problem) for _ in range(2)]
    assert all(
        np.array_equal(getattr(windows, name), getattr(other, name))
        for other in cached
        for name in vars(windows)
    )
    ids = [
        [
            token
            for token, is_token in zip(row["input_ids"], row["attention_mask"], strict=True)
            if is_token
        ]
        for row in theirs.select_columns(["input_ids", "attention_mask"]).to_list()
    ]
    assert windows.input_ids.tolist() == list(chain.from_iterable(ids))
    starts = windows.start_labels != np.array(theirs["start_positions"][:])
    ends = windows.end_labels != np.array(theirs["end_positions"][:])
    return int((starts | ends).sum())


def measure(problem: Problem, n_pairs: int) -> dict[str, Any]:
    """Seconds of each contender in each turn, by the clock and of the processor."""
    unlike = n_unlike(problem)
    for _ in range(2):  # the first call changes the tokenizer's settings, and so its hash
        course(problem, reload=True)
    turns = [
        {name: seconds(run, problem) for name, run in CONTENDERS.items()} for _ in range(n_pairs)
    ]
    return {
        "n_examples": len(problem.examples),
        "n_windows": len(ours(problem)),
        "n_unlike_the_course": unlike,
        "wall_s": {name: [turn[name][0] for turn in turns] for name in CONTENDERS},
        "processor_s": {name: [turn[name][1] for turn in turns] for name in CONTENDERS},
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
    }


def seconds(run: Callable[[Problem], object], problem: Problem) -> tuple[float, float]:
    started = time.perf_counter(), time.process_time()
    run(problem)
    return time.perf_counter() - started[0], time.process_time() - started[1]


def show(found: dict[str, Any], console: Console) -> None:
    console.print(
        f"{found['n_examples']:,} examples, {found['n_windows']:,} windows, of which the course "
        f"labels {found['n_unlike_the_course']:,} otherwise"
    )
    times = Table("", "ms", "processor: ms", box=None)
    for name in CONTENDERS:
        times.add_row(name, *(f"{1000 * median(found[clock][name]):,.1f}" for clock in CLOCKS))
    console.print(times)
    ratios = Table("", "ratio", "processor: ratio", box=None)
    for name, other in COMPARISONS:
        cells = (ratio(found[clock][name], found[clock][other]) for clock in CLOCKS)
        ratios.add_row(f"{name} / {other}", *cells)
    console.print(ratios)


def ratio(seconds: list[float], others: list[float]) -> str:
    ratios = sorted(a / b for a, b in zip(seconds, others, strict=True))
    return f"{median(ratios):.3g} ({ratios[0]:.3g} to {ratios[-1]:.3g})"


if __name__ == "__main__":
    main()
