"""Jobs of uneven length: each sleeps as long as its number says, and notes when it did.

The number, not the params, sets the length: every sweeper meets the same lengths in the same
order.
"""

import json
import os
import time
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path="conf", config_name="parabola")
def main(config: DictConfig) -> float:
    number = HydraConfig.get().job.num
    started = time.time()
    time.sleep(json.loads(os.environ["BENCHMARK_SECONDS"])[number])
    with Path(os.environ["BENCHMARK_JOURNAL"]).open("a") as journal:
        journal.write(f"{json.dumps([number, started, time.time()])}\n")
    return (config.x - 3.0) ** 2 + (config.y + 1.0) ** 2


if __name__ == "__main__":
    main()
