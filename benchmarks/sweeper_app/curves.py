"""Jobs that are learning curves: a loss that falls to a floor of its own, with noise on the way.

Floors of the points lie between 0.6 and 1.5, the planted one's at 0.3; how soon a curve falls
differs as well, so that the first steps tell the points apart only roughly.
"""

import json
import math
import os
import random
import time
from pathlib import Path

import hydra
from omegaconf import DictConfig

from qa_sweep.sweep import trial

_START, _NOISE = 2.5, 0.03


@hydra.main(version_base="1.3", config_path="conf", config_name="curves")
def main(config: DictConfig) -> float:
    handle = trial.current()
    dice = random.Random(f"{config.seed} {config.point}")
    floor = 0.3 if config.point == config.planted else dice.uniform(0.6, 1.5)
    steps_to_fall = dice.uniform(4.0, 6.0)
    loss = _START
    for step in range(1, config.n_steps + 1):
        time.sleep(config.seconds_a_step)
        fallen = 1.0 - math.exp(-step / steps_to_fall)
        loss = _START - (_START - floor) * fallen + dice.gauss(0.0, _NOISE)
        handle.report(loss, step)
        is_pruned = handle.should_prune()
        if is_pruned or step == config.n_steps:
            _note(config.point, step)
        if is_pruned:
            raise trial.Pruned
    return loss


def _note(point: int, n_steps: int) -> None:
    with Path(os.environ["BENCHMARK_JOURNAL"]).open("a") as journal:
        journal.write(f"{json.dumps([point, n_steps])}\n")


if __name__ == "__main__":
    main()
