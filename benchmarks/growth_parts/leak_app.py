"""qa_sweep itself, whose jobs note what their process holds when each of them has ended."""

import gc
import json
import os
import threading
from pathlib import Path

import hydra
from memory import memory_mb
from omegaconf import DictConfig

from qa_sweep import cli


def task(config: DictConfig) -> dict[str, float]:
    metrics = cli.task(config)
    _note()
    return metrics


for _name in ("check", "warm_up", "begin", "end"):  # as the sweeper knows them
    setattr(task, _name, getattr(cli, _name))


def _note() -> None:
    """Nothing is collected before, as it is not between a user's trials either."""
    held = {
        "MB": memory_mb("VmRSS"),
        "objects": len(gc.get_objects()),
        "open files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }
    with Path(os.environ["BENCHMARK_JOURNAL"]).open("a") as journal:
        journal.write(f"{json.dumps(held)}\n")


if __name__ == "__main__":
    cli.register_schema()
    folder = str(cli.conf_folder())
    hydra.main(version_base="1.3", config_path=folder, config_name="config")(task)()
