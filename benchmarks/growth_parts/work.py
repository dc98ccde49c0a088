"""Work: what is done in a process of its own, and what it costs there."""

import gc
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from processes import Cost

from growth_parts.memory import memory_mb

Result = TypeVar("Result")


def import_once(*modules: str) -> None:
    """Have the processes that are made from now on begin with these imported, which takes time."""
    multiprocessing.set_forkserver_preload(list(modules))


def in_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """What `function` returns in a new process, which begins with nothing of ours in memory."""
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        return pool.apply(function, arguments)


def cost_of_work(make: Callable[[], Callable[[], object]]) -> Cost:
    """Cost of what `make` returns; its memory is what is added to that before, its input's too."""
    gc.freeze()  # as a job does with its imports, through which a full pass goes as long as a stage
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before_mb = memory_mb("VmRSS")
    work = make()
    started, cpu_started = time.perf_counter(), time.process_time()
    work()
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    return Cost(wall_s, cpu_s, memory_mb("VmHWM") - before_mb)
