"""A Hydra app that has nothing to do with question answering: it looks for a parabola's lowest point."""

import time

import hydra
from omegaconf import DictConfig

from qa_sweep.sweep import trial


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config: DictConfig) -> float:
    handle = trial.current()
    for step in range(1, config.n_steps + 1):
        handle.progress(step, config.n_steps, x=config.x)
        time.sleep(config.seconds_a_step)
    return (config.x - 3.0) ** 2 + (config.y + 1.0) ** 2 + config.offset


if __name__ == "__main__":
    main()
