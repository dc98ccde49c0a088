"""Measurements: kept in a file as soon as they are made, so that a benchmark goes on from there."""

import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qa_sweep.files import write_json

Found = dict[str, Any]

PACKAGES = ("qa_sweep", "torch", "transformers", "datasets", "aim", "optuna")


class Measurements:
    """What each contender did in each pair, made with one set of settings."""

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Read what is there. Where that was made with other settings, the benchmark ends."""
        self._path = path
        self._content: dict[str, Any] = {
            "settings": json.loads(json.dumps(settings)),
            "machine": f"{platform.platform()}, {len(os.sched_getaffinity(0))} cores",
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            "turns": [],
        }
        if path.exists():
            known = json.loads(path.read_text())
            if known["settings"] != self._content["settings"]:
                sys.exit(f"{path} must hold measurements with the same settings; name another file")
            self._content["turns"] = known["turns"]

    def make(self, pair: int, turn: str, run: Callable[[], Mapping[str, Found]]) -> None:
        """Take a turn of a pair, unless it was taken before."""
        if any(known["pair"] == pair and known["turn"] == turn for known in self._turns):
            return
        load = os.getloadavg()
        self._turns.append({"pair": pair, "turn": turn, "load": load, "found": dict(run())})
        write_json(self._path, self._content)

    def of_pair(self, pair: int) -> dict[str, Found]:
        """What was found in a pair, by contender."""
        return {
            name: found
            for turn in self._turns
            if turn["pair"] == pair
            for name, found in turn["found"].items()
        }

    def pairs(self) -> Sequence[dict[str, Found]]:
        """What was found in each pair."""
        return [self.of_pair(pair) for pair in sorted({turn["pair"] for turn in self._turns})]

    @property
    def _turns(self) -> list[dict[str, Any]]:
        return self._content["turns"]
