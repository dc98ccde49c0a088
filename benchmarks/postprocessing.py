"""From logits to answers: our n-best against the loop of public examples, on the same logits.

The loop is what question-answering examples publish: for each example, each of its windows, the
20 best starts with the 20 best ends; pairs outside the context, backwards or too long are left
out, the rest are sorted, and the best texts with their softmax make the n-best.

    python benchmarks/postprocessing.py                   # 10,000 windows of 384 tokens
    python benchmarks/postprocessing.py --windows 2000 --pairs 9 --output result.json

Both take turns on the same logits in one process, on one thread; time is the processor's, since
what else runs on a machine is no business of theirs. The ratio is the median over the pairs.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_sweep.qa.spans import SpanCollector
from qa_sweep.qa.windows import Windows

MAX_LENGTH, DOC_STRIDE, N_QUESTION = 384, 128, 12  # tokens
CHARS_OF_TOKEN = 4  # "abc " again and again
N_BEST, MAX_ANSWER_LENGTH = 20, 30
BATCH_SIZE = 64

Floats = NDArray[np.float32]
Answers = tuple[list[str], list[float]]  # best text and its score, of each example


@dataclass(frozen=True, eq=False)
class Problem:
    """Windows and what a model might say of them."""

    windows: Windows
    contexts: list[str]
    start_logits: Floats  # (n_windows, MAX_LENGTH)
    end_logits: Floats
    offsets: list[list[tuple[int, int] | None]]  # by window and token, as the loop wants them


def make_problem(n_windows: int, seed: int = 0) -> Problem:
    """Examples of one or two full windows; each window has an answer that stands out."""
    random = np.random.default_rng(seed)
    n_room = MAX_LENGTH - N_QUESTION - 3  # tokens of context: CLS and two separators
    example_index, first_token = [], []
    while len(example_index) < n_windows:
        for nth in range(1 + int(random.random() < 0.3)):
            example_index.append(example_index[-1] + (nth == 0) if example_index else 0)
            first_token.append(nth * (n_room - DOC_STRIDE))
    example_index, first_token = example_index[:n_windows], first_token[:n_windows]
    windows = _windows(np.array(example_index), np.array(first_token), n_room)
    n_tokens = int(max(first_token)) + n_room
    contexts = ["abc " * n_tokens] * windows.n_examples
    starts, ends = (
        random.normal(-6, 2, (n_windows, MAX_LENGTH)).astype(np.float32) for _ in range(2)
    )
    at = random.integers(N_QUESTION + 2, MAX_LENGTH - 6, n_windows)
    each = np.arange(n_windows)
    starts[each, at] += random.uniform(4, 14, n_windows).astype(np.float32)
    ends[each, at + random.integers(0, 5, n_windows)] += random.uniform(4, 14, n_windows)
    offsets = [
        [(int(s), int(e)) if s >= 0 else None for s, e in rows]
        for rows in windows.offsets.reshape(n_windows, MAX_LENGTH, 2)
    ]
    return Problem(windows, contexts, starts, ends, offsets)


def _windows(example: NDArray[np.int64], first: NDArray[np.int64], n_room: int) -> Windows:
    n_windows = len(example)
    offsets = np.full((n_windows, MAX_LENGTH, 2), -1, np.int32)
    token = first[:, None] + np.arange(n_room)
    offsets[:, N_QUESTION + 2 : -1, 0] = CHARS_OF_TOKEN * token
    offsets[:, N_QUESTION + 2 : -1, 1] = CHARS_OF_TOKEN * token + CHARS_OF_TOKEN - 1
    n_tokens, cls = n_windows * MAX_LENGTH, np.zeros(n_windows, np.int32)
    return Windows(
        input_ids=np.ones(n_tokens, np.int32),
        token_types=np.zeros(n_tokens, np.int8),
        offsets=offsets.reshape(-1, 2),
        row_starts=np.arange(n_windows + 1) * MAX_LENGTH,
        example_index=example.astype(np.int32),
        cls_index=cls,
        start_labels=cls,
        end_labels=cls,
    )


def vectorised(problem: Problem) -> Answers:
    """What an evaluation does: batch by batch, and of the logits only the best spans are kept."""
    collector = SpanCollector(problem.windows, N_BEST, MAX_ANSWER_LENGTH)
    for start in range(0, len(problem.windows), BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        starts, ends = problem.start_logits[batch], problem.end_logits[batch]
        collector.add(np.arange(start, start + len(starts)), starts, ends)
    candidates = collector.finish()
    scores = candidates.score[candidates.row_starts[:-1]].tolist()
    return candidates.best_texts(problem.contexts), scores


def loop(problem: Problem) -> Answers:
    """One pair of tokens after the other; gives what the collector gives, as dictionaries."""
    windows_of = defaultdict(list)
    for window, example in enumerate(problem.windows.example_index.tolist()):
        windows_of[example].append(window)
    n_best_of, null_scores = {}, {}
    for example, context in enumerate(problem.contexts):
        pairs, null_score = [], None
        for window in windows_of[example]:
            score = problem.start_logits[window][0] + problem.end_logits[window][0]
            null_score = score if null_score is None else min(null_score, score)
            pairs += _pairs(problem, window)
        best = sorted(pairs, key=lambda pair: pair["score"], reverse=True)[:N_BEST]
        for pair in best:
            first, last = pair.pop("offsets")
            pair["text"] = context[first:last]
        values = np.array([pair["score"] for pair in best])
        weights = np.exp(values - values.max())
        for pair, probability in zip(best, weights / weights.sum(), strict=True):
            pair["probability"] = probability
        null_scores[example] = float(null_score)
        n_best_of[example] = [
            {name: value if name == "text" else float(value) for name, value in pair.items()}
            for pair in best
        ]
    first = [pairs[0] for pairs in n_best_of.values()]
    return [pair["text"] for pair in first], [pair["score"] for pair in first]


def _pairs(problem: Problem, window: int) -> list[dict]:
    starts, ends = problem.start_logits[window], problem.end_logits[window]
    offsets = problem.offsets[window]
    pairs = []
    best_starts = np.argsort(starts)[: -N_BEST - 1 : -1].tolist()
    best_ends = np.argsort(ends)[: -N_BEST - 1 : -1].tolist()
    for start in best_starts:
        for end in best_ends:
            if (
                start >= len(offsets)
                or end >= len(offsets)
                or offsets[start] is None
                or offsets[end] is None
            ):
                continue
            if end < start or end - start + 1 > MAX_ANSWER_LENGTH:
                continue
            pairs.append(
                {
                    "offsets": (offsets[start][0], offsets[end][1]),
                    "score": starts[start] + ends[end],
                    "start_logit": starts[start],
                    "end_logit": ends[end],
                }
            )
    return pairs


def measure(problem: Problem, n_pairs: int) -> dict:
    """Seconds of both, in turns, after one unmeasured turn that compares the answers."""
    (our_texts, our_scores), (texts, scores) = vectorised(problem), loop(problem)
    same = [ours == theirs for ours, theirs in zip(our_texts, texts, strict=True)]
    # The loop may miss the best span, when its start or end is not among the 20 best.
    missed = sum(not s and a > b for s, a, b in zip(same, our_scores, scores, strict=True))
    worse = sum(a < b - 1e-5 for a, b in zip(our_scores, scores, strict=True))
    seconds = [(_seconds(vectorised, problem), _seconds(loop, problem)) for _ in range(n_pairs)]
    ratios = sorted(theirs / ours for ours, theirs in seconds)
    return {
        "n_windows": len(problem.windows),
        "n_examples": problem.windows.n_examples,
        "same_answers": sum(same),
        "better_than_the_loop": missed,
        "worse_than_the_loop": worse,
        "vectorised_s": statistics.median(ours for ours, _ in seconds),
        "loop_s": statistics.median(theirs for _, theirs in seconds),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
    }


def _seconds(function: Callable[[Problem], Answers], problem: Problem) -> float:
    started = time.process_time()
    function(problem)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--windows", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--output", type=Path, help="file for all figures, as JSON")
    options = parser.parse_args()
    found = measure(make_problem(options.windows), options.pairs)
    print(
        f"{found['n_windows']:,} windows of {MAX_LENGTH}, {found['n_examples']:,} examples: "
        f"ours {found['vectorised_s']:.3f} s, loop {found['loop_s']:.3f} s, "
        f"ratio {found['ratio']:.1f} ({found['ratios'][0]:.1f} to {found['ratios'][-1]:.1f})\n"
        f"same answer in {found['same_answers']:,} examples; ours scores higher in "
        f"{found['better_than_the_loop']:,}, lower in {found['worse_than_the_loop']:,}"
    )
    if options.output:
        options.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
