"""Files and configs that run code where something lets them, and commands that are given them."""

import json
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from conftest import environment

MARK = "was-run"  # a folder that appears beside, or where it is told to, if code was run

# Runs each command line in a folder of its own, forked from a process that has imported what they
# need, and says how each ended.
_DRIVER = """
import json, os, sys
from contextlib import nullcontext
import hydra._internal.hydra
import qa_sweep.data
import qa_sweep.sweep.sweeper
from hydra.core.plugins import Plugins
from qa_sweep import boundary, cli
if sys.argv[1:] == ["unbounded"]:
    boundary.bounded = lambda words: nullcontext()
Plugins.instance()
for folder, words in json.load(sys.stdin):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{folder}.{name}", os.O_WRONLY | os.O_CREAT), number)
        try:
            code = cli.main(words)
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


class Hostile:
    """What makes a folder where a pickle that holds it is read."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._mark),)


def hostile_pickle(mark: Path) -> bytes:
    return pickle.dumps({"state": Hostile(mark)})


def write_hostile(path: Path, mark: Path, *, is_archive: bool) -> None:
    """As PyTorch writes files: an archive with a pickle in it, or, as before 1.6, a pickle."""
    if is_archive:
        torch.save({"state": Hostile(mark)}, path)
    else:
        path.write_bytes(hostile_pickle(mark))


@dataclass(frozen=True)
class Ended:
    """How a command has ended."""

    code: int
    stdout: str
    stderr: str


def run_each(
    lines: dict[str, list[str]], folder: Path, *, unbounded: bool = False, **variables: str
) -> dict[str, Ended]:
    """Give each command line, by its name, to `python -m qa_sweep` in a folder of that name.

    `unbounded` leaves to Hydra alone what a config may have it do.
    """
    places = {name: folder / name for name in lines}
    for place in places.values():
        place.mkdir(exist_ok=True)
    finished = subprocess.run(
        [sys.executable, "-c", _DRIVER, *(["unbounded"] if unbounded else [])],
        input=json.dumps([[str(places[name]), words] for name, words in lines.items()]),
        env={**environment(), **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    codes = map(int, finished.stdout.split())
    return {
        name: Ended(code, *(Path(f"{places[name]}.{end}").read_text() for end in ("out", "err")))
        for name, code in zip(lines, codes, strict=True)
    }
