"""What a checkpoint's seal costs: its checksums, and the wait until all of it is on disk.

    python benchmarks/checkpoints.py                     # of 115 thousand and 66 million parameters
    python benchmarks/checkpoints.py --folder /mnt/disk --repeats 9 --output result.json

A checkpoint holds the weights and AdamW's two moments of each: twelve bytes a parameter. It is
written as the Trainer writes it, then sealed, then checked as it is where a run goes on. Times are
the clock's, medians; what the disk still has to write when the seal begins is part of the seal.
Checksums are also computed by other algorithms, from memory, in processor time.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file

from qa_sweep.checkpoints import check, checkpoint_at, seal

N_PARAMETERS = (115_000, 66_000_000)
ALGORITHMS: dict[str, Callable[[bytes], object]] = {
    "crc32": zlib.crc32,
    "blake2b": lambda content: hashlib.blake2b(content).digest(),
    "sha256": lambda content: hashlib.sha256(content).digest(),
}


def write(checkpoint: Path, n_parameters: int) -> None:
    checkpoint.mkdir()
    weights = {"weights": torch.rand(n_parameters)}
    save_file(weights, checkpoint / "model.safetensors")
    moments = {name: torch.rand(n_parameters) for name in ("exp_avg", "exp_avg_sq")}
    torch.save(moments, checkpoint / "optimizer.pt")


def seconds(
    function: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> float:
    started = clock()
    function()
    return clock() - started


def measure(folder: Path, n_parameters: int, n_repeats: int) -> dict[str, float]:
    """Median seconds of each part."""
    parts: dict[str, list[float]] = {"write": [], "seal": [], "check": []}
    for step in range(n_repeats):
        checkpoint = checkpoint_at(folder, step)
        parts["write"].append(seconds(lambda at=checkpoint: write(at, n_parameters)))
        parts["seal"].append(seconds(lambda at=checkpoint: seal(at, None)))
        parts["check"].append(seconds(lambda at=checkpoint: check(at)))
        shutil.rmtree(checkpoint)
    return {name: statistics.median(times) for name, times in parts.items()}


def measure_algorithms(n_repeats: int, n_bytes: int = 2**26) -> dict[str, float]:
    """Gigabytes that each makes a checksum of in a second."""
    content = os.urandom(n_bytes)
    return {
        name: n_bytes
        / 1e9
        / statistics.median(
            seconds(lambda algorithm=algorithm: algorithm(content), time.process_time)
            for _ in range(n_repeats)
        )
        for name, algorithm in ALGORITHMS.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="on the disk to measure; by default temporary")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, help="file for all figures, as JSON")
    options = parser.parse_args()
    found: dict[str, object] = {"machine": f"{platform.machine()}, {os.cpu_count()} cores"}
    print(f"{'parameters':>12} {'write':>9} {'seal':>9} {'check':>9}")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for n_parameters in N_PARAMETERS:
            parts = measure(Path(folder), n_parameters, options.repeats)
            found[str(n_parameters)] = parts
            shown = " ".join(f"{parts[name]:>7.3f} s" for name in ("write", "seal", "check"))
            print(f"{n_parameters:>12,} {shown}", flush=True)
    found["gigabytes_per_second"] = speeds = measure_algorithms(options.repeats)
    print("GB/s: " + ", ".join(f"{name} {speed:.2f}" for name, speed in speeds.items()))
    if options.output:
        options.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
