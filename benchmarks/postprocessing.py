"""From logits to answers: our n-best against the loop of public examples, on the same logits.

The loop is what question-answering examples publish: for each example, each of its windows, the
20 best starts with the 20 best ends; pairs outside the context, backwards or too long are left
out, the rest are sorted, and the best texts with their softmax make the n-best.

    python benchmarks/postprocessing.py                   # 10,000 windows of 384 tokens
    python benchmarks/postprocessing.py --windows 2000 --pairs 9 --output result.json
    python benchmarks/postprocessing.py --device cuda     # and of logits that lie on a GPU

Both take turns on the same logits in one process, on one thread; time is the processor's, since
what else runs on a machine is no business of theirs. The ratio is the median over the pairs.

With a device, its own n-best takes turns with bringing the logits to the host, batch by batch; as
two work there, time is the clock's.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from made_logits import MAX_LENGTH, Problem, make_problem

from qa_sweep.qa.spans import SpanCollector

N_BEST, MAX_ANSWER_LENGTH = 20, 30
BATCH_SIZE = 64

Answers = tuple[list[str], list[float]]  # best text and its score, of each example


def vectorised(problem: Problem) -> Answers:
    """What an evaluation does: batch by batch, and of the logits only the best spans are kept."""
    spans = SpanCollector(problem.windows, N_BEST, MAX_ANSWER_LENGTH)
    return _collected(spans, problem, problem.start_logits, problem.end_logits)


def _collected(spans, problem: Problem, start_logits, end_logits) -> Answers:
    """Logits are arrays or tensors, whichever `spans` takes."""
    rows = np.arange(len(problem.windows))
    for start in range(0, len(rows), BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        spans.add(rows[batch], start_logits[batch], end_logits[batch])
    candidates = spans.finish()
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


def measure_device(problem: Problem, device: str, n_pairs: int) -> dict:
    """Seconds from logits on a device to answers: with its own n-best, and with the host's."""
    import torch

    from qa_sweep.device_spans import SpansOnDevice, SpansOnHost

    torch.set_num_threads(1)
    logits = [torch.from_numpy(x).to(device) for x in (problem.start_logits, problem.end_logits)]

    def answers(kind: type) -> Answers:
        return _collected(kind(problem.windows, N_BEST, MAX_ANSWER_LENGTH), problem, *logits)

    def seconds(kind: type) -> float:
        return _seconds(lambda _: answers(kind), problem, time.perf_counter)

    same = answers(SpansOnDevice) == answers(SpansOnHost)
    pairs = [(seconds(SpansOnDevice), seconds(SpansOnHost)) for _ in range(n_pairs)]
    return {
        "device": device,
        "device_s": statistics.median(there for there, _ in pairs),
        "host_s": statistics.median(here for _, here in pairs),
        "device_ratios": sorted(here / there for there, here in pairs),
        "same_on_device": same,
    }


def _seconds(
    function: Callable[[Problem], Answers],
    problem: Problem,
    clock: Callable[[], float] = time.process_time,
) -> float:
    started = clock()
    function(problem)
    return clock() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--windows", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--output", type=Path, help="file for all figures, as JSON")
    parser.add_argument("--device", help="where the logits lie that a device finds spans in")
    options = parser.parse_args()
    problem = make_problem(options.windows)
    found = measure(problem, options.pairs)
    print(
        f"{found['n_windows']:,} windows of {MAX_LENGTH}, {found['n_examples']:,} examples: "
        f"ours {found['vectorised_s']:.3f} s, loop {found['loop_s']:.3f} s, "
        f"ratio {found['ratio']:.1f} ({found['ratios'][0]:.1f} to {found['ratios'][-1]:.1f})\n"
        f"same answer in {found['same_answers']:,} examples; ours scores higher in "
        f"{found['better_than_the_loop']:,}, lower in {found['worse_than_the_loop']:,}"
    )
    if options.device:
        there = measure_device(problem, options.device, options.pairs)
        found |= there
        ratios = there["device_ratios"]
        print(
            f"from logits on {options.device}: by the device {there['device_s']:.3f} s, by the "
            f"host {there['host_s']:.3f} s, ratio {statistics.median(ratios):.1f} "
            f"({ratios[0]:.1f} to {ratios[-1]:.1f}), "
            f"{'the same' if there['same_on_device'] else 'OTHER'} answers"
        )
    if options.output:
        options.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
