"""Reads CPU, memory and GPU usage at an interval, as Aim's own `ResourceTracker` does.

Aim's thread writes to its storage by itself, where a full disk ends it with a traceback; here it
only asks for a reading, which is made and stored where all other calls of Aim are made.
"""

import threading
from collections.abc import Callable

import psutil
from aim.ext.resource.configs import AIM_RESOURCE_METRIC_PREFIX
from aim.ext.resource.stat import Stat

from qa_sweep.tracking.aim_repo import AimRun


class SystemMetrics:
    """Calls `on_time` at once and then every `interval_s` seconds, until `stop`."""

    def __init__(self, on_time: Callable[[], object], interval_s: float) -> None:
        self._on_time = on_time
        self._interval_s = interval_s
        self._stopped = threading.Event()
        thread = threading.Thread(target=self._work, name="system-metrics", daemon=True)
        thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _work(self) -> None:
        self._on_time()
        while not self._stopped.wait(self._interval_s):
            self._on_time()


def track_usage(run: AimRun, process: psutil.Process) -> None:
    """Store one reading, under the names and contexts that Aim's System tab looks for."""
    try:
        usage = Stat(process)
    except (OSError, psutil.Error):  # not every container shows its usage
        return
    for name, value in usage.system.items():
        run.track(value, name=AIM_RESOURCE_METRIC_PREFIX + name)
    for index, gpu in enumerate(usage.gpus):
        for name, value in gpu.items():
            run.track(value, name=AIM_RESOURCE_METRIC_PREFIX + name, context={"gpu": index})
