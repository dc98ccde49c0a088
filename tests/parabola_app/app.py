"""A Hydra app that has nothing to do with question answering: a parabola's lowest point.

`fail_at`, `prune_at` and `infeasible_at` name values of x at which the job does so;
`waits_at` one at which it waits as long as there is a file `wait`;
`fail_naming` has it name a variable's value in its log and die of it, as of a URL;
`deaf` swallows what tells it to stop, `die_in_job` takes the whole process down, `die_as_worker`
each worker process at its start; `as_pid` returns the process's number; `writes_mib` is how much
it writes, for a while.
"""

import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import hydra
from omegaconf import DictConfig

from qa_sweep.sweep import trial

log = logging.getLogger(__name__)


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config: DictConfig) -> float | dict[str, float]:
    if config.die_in_job:
        os._exit(9)
    if config.x == config.infeasible_at:
        raise trial.Infeasible(f"x must not be {config.x}")
    while config.x == config.waits_at and Path("wait").exists():
        time.sleep(0.05)
    handle = trial.current()
    for step in range(1, config.n_steps + 1):
        handle.progress(step, config.n_steps, x=config.x)
        handle.report(value(config) + 10 / step, step)  # from above, as losses come
        if handle.should_prune():
            raise trial.Pruned
        try:
            time.sleep(config.seconds_a_step)
        except BaseException:
            if not config.deaf:
                raise
    if config.writes_mib:
        with tempfile.TemporaryFile(dir=".") as file:
            os.posix_fallocate(file.fileno(), 0, config.writes_mib * 2**20)
    if config.fail_at in (config.x, "any"):
        raise RuntimeError(f"x is {config.x}")
    if config.fail_naming is not None:
        named = f"cannot reach {os.environ[config.fail_naming]}"
        log.warning(named)
        raise RuntimeError(named)
    if config.as_pid:
        return float(os.getpid())
    if config.x == config.prune_at:
        raise trial.Pruned
    if config.as_metrics:
        return {"objective": value(config), "distance": abs(config.x - 3.0)}
    return value(config)


def value(config: DictConfig) -> float:
    return (config.x - 3.0) ** 2 + (config.y + 1.0) ** 2 + config.offset


if __name__ == "__main__":
    if "die_as_worker=true" in sys.argv and "QA_SWEEP_WORKER" in os.environ:
        os._exit(9)
    main()
