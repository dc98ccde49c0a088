"""A Hydra app that says what its jobs import: each job notes of which process it is.

`import_with_thread` has the imports start a thread; a job that is told to stop takes
`seconds_to_save` to save its state.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from qa_sweep.sweep import trial

imported_by: int | None = None


def preload(config: DictConfig) -> None:
    global imported_by
    imported_by = os.getpid()
    Path("importing").touch()
    if config.import_with_thread:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    time.sleep(config.seconds_to_import)


def task(config: DictConfig) -> float:
    import numpy as np  # Optuna has imported it

    print(f"at x = {config.x}")
    facts = {
        "imported_by": imported_by,
        "pid": os.getpid(),
        "parent": os.getppid(),
        "session": os.getsid(0),
        "arguments": sys.argv[1:],
        "n_threads": os.environ["OMP_NUM_THREADS"],
        "gpu": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "drawn": np.random.random(),
    }
    (Path(HydraConfig.get().runtime.output_dir) / "facts.json").write_text(json.dumps(facts))
    handle = trial.current()
    handle.saves_state = config.seconds_to_save > 0
    for step in range(10):
        time.sleep(config.seconds / 10)
        handle.progress(step + 1, 10)
        if handle.should_save():
            time.sleep(config.seconds_to_save)
            handle.saved()
    return (config.x - 2) ** 2


task.preload = preload  # type: ignore[attr-defined]

conf = str(Path(__file__).parent / "conf")
main = hydra.main(config_path=conf, config_name="config", version_base=None)(task)

if __name__ == "__main__":
    main()
