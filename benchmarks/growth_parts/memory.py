"""Memory: what this process holds."""

from pathlib import Path


def memory_mb(name: str) -> float:
    """This process's resident memory (VmRSS), or the most it was (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status must name {name}, but does not; use Linux")
