"""What a GPU makes of a training: ours against the tutorial's way, and where the time goes.

    benchmarks/gpu.sh                                    # all parts, anywhere: see there
    python benchmarks/gpu.py --parts step --pairs 7      # the same, where all is installed
    python benchmarks/gpu.py --tiny                      # tiny shapes on the CPU: whether it runs

The model has DistilBERT's shape and random weights, the windows SQuAD's lengths; no text,
checkpoint or network is needed. Each part prints a table and writes all figures to a JSON file of
its name.

    step           seconds a step, tokens a second, share of the GPU's peak, memory
    switches       each setting that makes a step faster, turned off alone
    compiling      torch.compile: what it gains and what it takes
    evaluation     windows a second from a model to scored answers
    shared         several workers on one GPU
    profiling      how busy the GPU is, its kernels, copies and waits
    synchronising  whether the host waits for the GPU between two logged losses
    sweep          the tutorial's whole sweep, put together from step, evaluation and shared
"""

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpu_parts.scale import Scale

ROOT = Path(__file__).parents[1]
PARTS = (
    "step", "switches", "compiling", "evaluation", "shared", "profiling", "synchronising", "sweep",
)  # fmt: skip
PACKAGES = (
    "torch", "transformers", "accelerate", "tokenizers", "safetensors", "huggingface_hub", "numpy",
    "yaml", "psutil",
)  # fmt: skip
OLDEST_TORCH = (2, 11)
CANNOT_RUN = 2


def main() -> None:
    options = read_options()
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # the Trainer divides work among all it sees
    os.environ["HF_HUB_OFFLINE"] = "1"
    complaint = what_is_missing(needs_gpu=not (options.tiny or options.worker))
    if complaint:
        print(f"gpu.py: {complaint}", file=sys.stderr)
        sys.exit(CANNOT_RUN)
    if options.worker:
        from gpu_parts import worker

        worker.work(json.loads(options.worker))
        return
    failed = [part for part in options.parts if not run(part, options)]
    if failed:
        sys.exit(f"gpu.py: {', '.join(failed)} failed; why is above")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--parts", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help="some of the parts"
    )
    add("--pairs", type=int, help="turns that each way takes; 5 unless given")
    add("--output", type=Path, default=Path("gpu-results"), help="folder for JSON files")
    add("--tiny", action="store_true", help="tiny shapes on the CPU, to see that it runs")
    add("--worker", help=argparse.SUPPRESS)  # what a process of the part `shared` works on
    options = parser.parse_args()
    if options.pairs is not None and options.pairs < 1:
        parser.error(f"--pairs must be at least 1, but is {options.pairs}")
    return options


def what_is_missing(*, needs_gpu: bool) -> str | None:
    """What keeps the benchmark from running, as a sentence."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        return (
            f"must have {', '.join(missing)}, but cannot import them; pack wheels where there is "
            "a network (gpu.sh pack FOLDER), and run gpu.sh --wheels FOLDER here"
        )
    version = importlib.metadata.version("torch")
    if tuple(map(int, version.split(".")[:2])) < OLDEST_TORCH:
        wanted = ".".join(map(str, OLDEST_TORCH))
        return f"torch must be at least {wanted}, but is {version}; choose another with PYTHON=…"
    if needs_gpu and not _has_gpu():
        return "must have a GPU that torch can use, but found none; --tiny shows that it runs"
    return None


def run(part: str, options: argparse.Namespace) -> bool:
    """Measure, print and write one part; say whether that worked."""
    from gpu_parts.errors import MissingParts
    from gpu_parts.machine import machine
    from gpu_parts.process import use
    from gpu_parts.scale import FULL, TINY

    scale = TINY if options.tiny else FULL
    scale = replace(scale, n_pairs=options.pairs or scale.n_pairs)
    use(scale)
    module = importlib.import_module(f"gpu_parts.{part}")
    options.output.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        found = module.measure(scale, found_in(options.output, scale))
    except MissingParts as error:
        print(f"gpu.py: {error}", file=sys.stderr)
        return False
    except Exception:  # noqa: BLE001  # the other parts go on: a machine with a GPU is rare
        traceback.print_exc()
        return False
    record = {"machine": machine(), "scale": vars(scale), "found": found}
    (options.output / f"{part}.json").write_text(json.dumps(record, indent=1) + "\n")
    print(f"\n== {part} ({time.monotonic() - began:.0f} s)\n{module.text(found)}", flush=True)
    return True


def found_in(folder: Path, scale: "Scale") -> dict[str, Any]:
    """What is in the folder of parts that were measured on such a device at this scale."""
    files = {part: folder / f"{part}.json" for part in PARTS}
    records = {part: json.loads(file.read_text()) for part, file in files.items() if file.exists()}
    return {part: record["found"] for part, record in records.items() if _is_like(record, scale)}


def _is_like(record: dict[str, Any], scale: "Scale") -> bool:
    from gpu_parts.machine import device_name

    measured = replace(scale.from_plain(record["scale"]), n_pairs=scale.n_pairs)
    return measured == scale and record["machine"]["device"] == device_name()


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # qa_sweep need not be installed
    main()
