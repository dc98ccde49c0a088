"""How long an answer takes: the first of a process, and those after it.

    python benchmarks/asking.py --results results --output asking.json

Asks the best model of the latest study in a folder of results (`python -m qa_sweep -m` makes one).
`command` is the whole process, started anew each time; the others are asked in one process, after a
first question: about a passage that was read before, about a new one, about a text of some hundred
thousand characters, and as a batch. Of the repeats the median is shown, and the least; CPU time has
user and system time of all threads.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUESTION = "What does Mira collect?"
PASSAGE = "Mira moved to Norwick last year. Mira collects silver spoons. "
LONG = 200_000  # characters
N_BATCH = 500  # questions

Times = list[tuple[float, float]]  # seconds by the clock, and of CPU


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--output", type=Path, help="JSON file for all times")
    options = parser.parse_args()
    times = command_times(options.results, options.repeats)
    times |= warm_times(options.results, options.repeats)
    show(times)
    if options.output:
        options.output.write_text(json.dumps(times, indent=1))


def command_times(results: Path, repeats: int) -> dict[str, Times]:
    """Of whole processes."""
    words = [sys.executable, "-m", "qa_sweep.ask"]
    asked = [*words, QUESTION, "--context", PASSAGE, "--results", str(results)]
    run_folder = best_folder(results)
    commands = {
        "command": asked,
        "command, --model FOLDER": [*asked, "--model", run_folder],
        "command, missing file": [*words, QUESTION, "--context", "missing.txt"],
        "command, --help": [*words, "--help"],
    }
    return {
        name: [timed_process(command) for _ in range(repeats)] for name, command in commands.items()
    }


def timed_process(command: list[str]) -> tuple[float, float]:
    before, began = cpu_of_children(), time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - began, cpu_of_children() - before


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def warm_times(results: Path, repeats: int) -> dict[str, Times]:
    """Of questions in a process that has answered one."""
    import torch

    from qa_sweep import Answerer

    torch.set_num_threads(1)
    answerer = Answerer.of_study(results=results)
    answerer.ask(QUESTION, PASSAGE)
    numbers = iter(range(10**6))
    long = (PASSAGE * (LONG // len(PASSAGE) + 1))[:LONG]
    batch = [(f"What does Mira {n} collect?", PASSAGE) for n in range(N_BATCH)]
    asked: dict[str, Callable[[], Any]] = {
        "same passage": lambda: answerer.ask(f"What {next(numbers)}?", PASSAGE),
        "new passage": lambda: answerer.ask(QUESTION, f"{PASSAGE} {next(numbers)}"),
        f"{LONG:,} characters, new": lambda: answerer.ask(QUESTION, f"{next(numbers)} {long}"),
        f"{LONG:,} characters, same": lambda: answerer.ask(QUESTION, long),
        f"batch of {N_BATCH}": lambda: answerer.ask_all(batch),
    }
    return {name: [timed(ask) for _ in range(repeats)] for name, ask in asked.items()}


def timed(ask: Callable[[], Any]) -> tuple[float, float]:
    cpu, began = time.process_time(), time.perf_counter()
    ask()
    return time.perf_counter() - began, time.process_time() - cpu


def best_folder(results: Path) -> str:
    from qa_sweep.ask.models import choose_best

    return choose_best(results, None, None).name


def show(times: dict[str, Times]) -> None:
    print(f"{'':28}{'median s':>10}{'least s':>10}{'CPU s':>10}")
    for name, pairs in times.items():
        clock, cpu = zip(*pairs, strict=True)
        print(
            f"{name:28}{statistics.median(clock):10.3f}{min(clock):10.3f}"
            f"{statistics.median(cpu):10.3f}"
        )


if __name__ == "__main__":
    main()
