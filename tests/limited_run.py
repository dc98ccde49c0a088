"""A run that may take no more than some MiB of memory beyond what its process has at its start.

    python limited_run.py MIB FOLDER BATCH_SIZE [DEVICE_BATCH_SIZE]

Writes its metrics, and the batches that it came down to, as a line of JSON.
"""

import json
import re
import resource
import sys
from pathlib import Path

from qa_sweep import job
from qa_sweep.config import (
    EmbeddedData,
    EvaluationConfig,
    RunConfig,
    TinyModel,
    Tracker,
    TrackingConfig,
    TrainerConfig,
)
from qa_sweep.sweep.trial import TrialHandle


def main(mib: int, folder: Path, batch_size: int, device_batch_size: int | None = None) -> None:
    config = RunConfig(
        model=TinyModel(vocabulary_size=300),
        data=EmbeddedData(n_train=2 * batch_size, n_eval=16),
        trainer=TrainerConfig(
            epochs=1, batch_size=batch_size, device_batch_size=device_batch_size, logging_steps=1
        ),
        evaluation=EvaluationConfig(batch_size=4),
        tracking=TrackingConfig(tracker=Tracker.off),
    )
    job.warm_up(config)
    _limit(mib * 2**20)
    handle = TrialHandle()
    metrics = job.run(config, folder, handle)
    found = {"device_batch_size": handle.attribute("device_batch_size"), "metrics": metrics}
    print(json.dumps(found))


def _limit(n_bytes: int) -> None:
    """Refuse this process more than `n_bytes` beyond what it has."""
    status = Path("/proc/self/status").read_text()
    (kib,) = re.findall(r"^VmData:\s+(\d+) kB$", status, re.MULTILINE)
    limit = int(kib) * 1024 + n_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


if __name__ == "__main__":
    mib, folder, *sizes = sys.argv[1:]
    main(int(mib), Path(folder), *map(int, sizes))
