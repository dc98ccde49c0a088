"""Series: contenders that take turns, pair after pair, each turn kept as soon as it is taken."""

import importlib.metadata
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from qa_sweep.files import write_text

Found = dict[str, Any]

PACKAGES = ("qa_sweep", "torch", "transformers", "datasets", "aim", "optuna")


class Series:
    """What each contender did in each pair, made with one set of settings.

    Its file holds a line of JSON for these, and one for each turn. What is there is not measured
    again, so the same command goes on where it was.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Read what is there. Where that was made with other settings, the benchmark ends."""
        self._path = path
        wanted = json.loads(json.dumps(settings))
        if not path.exists():
            write_text(path, _line({"settings": wanted, **_machine()}))
        known, *self._turns = _read(path)
        differing = [name for name in wanted if known["settings"].get(name) != wanted[name]]
        if differing:
            sys.exit(
                f"{path} must hold measurements with the same settings, but has another "
                f"{' and '.join(differing)}; give --to another folder"
            )

    def take(self, pair: int, turn: str, run: Callable[[], Mapping[str, Found]]) -> None:
        """Take a turn of a pair, unless it was taken before."""
        if self.is_taken(pair, turn):
            return
        load, started = os.getloadavg(), time.monotonic()
        found = dict(run())
        seconds = time.monotonic() - started
        taken = {"pair": pair, "turn": turn, "seconds": seconds, "load": load, "found": found}
        self._turns.append(taken)
        with self._path.open("a") as file:
            file.write(_line(taken))
            file.flush()
            os.fsync(file.fileno())

    def is_taken(self, pair: int, turn: str) -> bool:
        return self.found(pair, turn) is not None

    def found(self, pair: int, turn: str) -> Mapping[str, Found] | None:
        """What was found in a turn, by contender; None where it was not taken."""
        key = pair, turn
        taken = (t["found"] for t in self._turns if (t["pair"], t["turn"]) == key)
        return next(taken, None)

    def whole(self, turns: Sequence[str], pairs: Sequence[int]) -> list[dict[str, Found]]:
        """What was found in each of the `pairs` that has had all `turns`, by contender."""
        found = ([self.found(pair, turn) for turn in turns] for pair in pairs)
        return [_merged(in_pair) for in_pair in found if None not in in_pair]

    def what_is_left(self, turns: Sequence[str], pairs: Sequence[int]) -> str:
        """How many turns, and how long they will take where each was taken once."""
        left = [t for pair in pairs for t in turns if not self.is_taken(pair, t)]
        seconds = [self._usual_seconds(turn) for turn in left]
        text = f"{len(left)} of {len(pairs) * len(turns)} turns to go"
        known = [each for each in seconds if each is not None]
        if not left or len(known) < len(left):
            return text
        return f"{text}, about {sum(known) / 60:.0f} min"

    def _usual_seconds(self, turn: str) -> float | None:
        seconds = [known["seconds"] for known in self._turns if known["turn"] == turn]
        return median(seconds) if seconds else None


def interruptible(main: Callable[[], None]) -> None:
    """Run a benchmark that ends its processes with itself, at Ctrl-C as at SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from here")


def _read(path: Path) -> list[dict[str, Any]]:
    """The lines of a file, but for a last one that was cut, which is taken off."""
    lines = path.read_text().splitlines(keepends=True)
    if not lines[-1].endswith("\n"):
        lines.pop()
        write_text(path, "".join(lines))
    return [json.loads(line) for line in lines]


def _merged(turns: Sequence[Mapping[str, Found] | None]) -> dict[str, Found]:
    return {name: found for turn in turns for name, found in (turn or {}).items()}


def _line(content: Mapping[str, Any]) -> str:
    return f"{json.dumps(content)}\n"


def _machine() -> dict[str, Any]:
    return {
        "machine": f"{platform.platform()}, {len(os.sched_getaffinity(0))} cores",
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }
