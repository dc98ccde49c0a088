"""How soon the command line answers where no model is needed; see README.md.

    python benchmarks/start.py --repeats 9

Each command is a process of its own, in an empty folder; they take turns. Wall time and CPU time of
the whole process, in seconds: the median, and the least and the greatest.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

COMMANDS = {
    "--help": ["--help"],
    "an unknown setting": ["trainer.lr=1"],
    "an unknown setting, in a sweep": ["-m", "trainer.lr=1"],
    "a value out of range": ["trainer.batch_size=0"],
    "a value out of range, in a sweep": ["-m", "trainer.batch_size=16,0"],
    "an unknown model": ["-m", "model=nope"],
    "a missing file": ["-m", "data=local", "data.path=missing.json"],
    "--cfg job": ["--cfg", "job"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    found = defaultdict(list)
    for _ in range(options.repeats):
        for name, words in COMMANDS.items():
            found[name].append(timed([sys.executable, "-m", "qa_sweep", *words]))
    print(f"{'':36}{'wall s':>22}{'CPU s':>22}")
    for name, pairs in found.items():
        wall, cpu = zip(*pairs, strict=True)
        print(f"{name:36}{spread(wall):>22}{spread(cpu):>22}")


def timed(command: list[str]) -> tuple[float, float]:
    here = str(Path(__file__).resolve().parent.parent)
    with tempfile.TemporaryDirectory(prefix="start-") as folder:
        before, began = cpu_of_children(), time.perf_counter()
        subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": here},
            capture_output=True,
            check=False,
        )
        return time.perf_counter() - began, cpu_of_children() - before


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def spread(seconds: tuple[float, ...]) -> str:
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"


if __name__ == "__main__":
    main()
