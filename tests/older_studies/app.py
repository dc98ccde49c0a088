"""The app of the studies beside it, which earlier versions have made. To be left as it is.

Each `.sql` is `results/studies.db` as SQLite dumps it, named by the commit that made it: a grid of
twelve points, two of which failed, killed while the eleventh was at work. `make.py` makes them.
"""

import time

import hydra
from omegaconf import DictConfig

from qa_sweep.sweep import trial


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config: DictConfig) -> dict[str, float]:
    value = (config.x - 3.0) ** 2 + (config.y + 1.0) ** 2
    handle = trial.current()
    for step in range(1, 4):
        handle.progress(step, 3, x=config.x)
        handle.report(value + 10 / step, step)
        time.sleep(config.seconds_a_step)
    if config.x == config.fails_at:
        raise RuntimeError(f"x is {config.x}")
    return {"objective": value, "distance": abs(config.x - 3.0)}


if __name__ == "__main__":
    main()
