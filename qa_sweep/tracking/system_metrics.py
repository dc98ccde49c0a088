"""Reads CPU, memory, disk and GPU usage at an interval, as Aim's own `ResourceTracker` does.

Aim's thread writes to its storage by itself, where a full disk ends it with a traceback; here it
only reads, in a thread that nobody waits for: a driver may hang too.
"""

import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import psutil
from aim.ext.resource.stat import Stat

from qa_sweep.tracking.events import Readings


class SystemMetrics:
    """Gives `sink` a numbered reading at once and then every `interval_s` seconds, until `stop`."""

    def __init__(
        self, sink: Callable[[int, Readings], object], interval_s: float, folder: Path
    ) -> None:
        """`folder` lies on the disk whose usage is read."""
        self._sink = sink
        self._interval_s = interval_s
        self._folder = folder
        self._stopped = threading.Event()
        threading.Thread(target=self._work, name="system-metrics", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _work(self) -> None:
        process = psutil.Process()
        for number in count():
            if readings := read_usage(process, self._folder):
                self._sink(number, readings)
            if self._stopped.wait(self._interval_s):
                return


def read_usage(process: psutil.Process, folder: Path) -> Readings:
    """One reading of each usage that the system shows; none where it shows nothing."""
    try:
        usage = Stat(process)
        usage.system["disk_percent"] = psutil.disk_usage(str(folder)).percent
    except (OSError, psutil.Error):  # not every container shows its usage
        return []
    readings: list[tuple[str, int | None, float]] = [
        (name, None, value) for name, value in usage.system.items()
    ]
    for index, gpu in enumerate(usage.gpus):
        readings.extend((name, index, value) for name, value in gpu.items())
    return readings
