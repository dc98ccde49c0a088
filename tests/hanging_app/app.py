"""A Hydra app whose job hangs at its third step where x is `hangs_at`: once, or `always`.

It hangs in Python, or with `holds_lock` in C with the interpreter's lock held, so that no thread
of Python's can run; or, where it `is_deaf`, as C does that lets other threads run: no handler of a
signal is called.
"""

import ctypes
import signal
import time
from pathlib import Path

import hydra
from omegaconf import DictConfig

from qa_sweep.sweep import trial

N_STEPS = 5


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config: DictConfig) -> float:
    handle = trial.current()
    for step in range(1, N_STEPS + 1):
        handle.progress(step, N_STEPS)
        if step == 3 and config.x == config.hangs_at:
            hang(config)
        time.sleep(0.02)
    return float(config.x)


def hang(config: DictConfig) -> None:
    mark = Path("has-hung")
    if mark.exists() and not config.always:
        return
    mark.touch()
    if config.is_deaf:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGALRM})
    if config.holds_lock:
        ctypes.PyDLL(None).sleep(600)
    else:
        time.sleep(600)


if __name__ == "__main__":
    main()
