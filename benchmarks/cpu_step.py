"""A training step on the CPU: what keeping freed memory and attention without dropout are worth.

    python benchmarks/cpu_step.py                              # 16 windows of 184 and of 384 tokens
    python benchmarks/cpu_step.py --tokens 384 --repeats 5

The model has MiniLM's shape (BERT, 6 layers, hidden size 384, 22 million parameters) and random
weights, which take the same time. Each setting is a process of its own, since what the C library is
told holds for a whole process; they take turns. Shown is the median of the steps' medians.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict

BATCH_SIZE = 16
N_STEPS = 5  # the first is not counted
SETTINGS = {
    "as it was": {"keeps": False, "dropout": 0.1},
    "freed memory is kept": {"keeps": True, "dropout": 0.1},
    "and no attention dropout": {"keeps": True, "dropout": 0.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[184, 384], help="of a window")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--one", help=argparse.SUPPRESS)  # the setting that this process measures
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(steps(**json.loads(options.one))))
        return
    for n_tokens in options.tokens:
        compare(n_tokens, options.threads, options.repeats)


def compare(n_tokens: int, n_threads: int, n_repeats: int) -> None:
    found = defaultdict(list)
    for _ in range(n_repeats):
        for name, setting in SETTINGS.items():
            wanted = {**setting, "n_tokens": n_tokens, "n_threads": n_threads}
            command = [sys.executable, __file__, "--one", json.dumps(wanted)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{BATCH_SIZE} windows of {n_tokens} tokens, {n_threads} threads")
    for name, runs in found.items():
        seconds = [run["seconds"] for run in runs]
        faults = statistics.median(run["page_faults"] for run in runs)
        print(
            f"  {name:26} {statistics.median(seconds):6.2f} s a step "
            f"({min(seconds):.2f} to {max(seconds):.2f}), {faults:11,.0f} page faults"
        )


def steps(keeps: bool, dropout: float, n_tokens: int, n_threads: int) -> dict[str, float]:
    """Train for some steps; return the median of their seconds and page faults."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering

    from qa_sweep.device import keep_freed_memory

    if keeps:
        keep_freed_memory()
    torch.set_num_threads(n_threads)
    torch.manual_seed(0)
    model = BertForQuestionAnswering(
        BertConfig(
            hidden_size=384,
            num_hidden_layers=6,
            intermediate_size=1536,
            attention_probs_dropout_prob=dropout,
        )
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    ids = torch.randint(1000, 2000, (BATCH_SIZE, n_tokens))
    labels = torch.zeros(BATCH_SIZE, dtype=torch.long)
    seconds, faults = [], []
    for _ in range(N_STEPS):
        started, faults_before = time.perf_counter(), page_faults()
        model(input_ids=ids, start_positions=labels, end_positions=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - started)
        faults.append(page_faults() - faults_before)
    return {
        "seconds": statistics.median(seconds[1:]),
        "page_faults": statistics.median(faults[1:]),
    }


def page_faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


if __name__ == "__main__":
    main()
