"""Run record: what a finished run has left in its folder, read again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qa_sweep.config import RunConfig
from qa_sweep.config.plain import read_run_config
from qa_sweep.errors import ConfigError, StudyError
from qa_sweep.run_files import RESULT_FILE
from qa_sweep.timing import Timing


@dataclass(frozen=True, eq=False)
class RunRecord:
    """A finished run; `result` is what its `result.json` says.

    Records of earlier versions say less: what they do not know is None or empty.
    """

    folder: Path
    result: Mapping[str, Any]

    @staticmethod
    def read(folder: Path) -> "RunRecord":
        """Of a run folder. Raises StudyError where it holds no record of a finished run."""
        path = folder / RESULT_FILE
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise StudyError(
                f"{folder} must be the folder of a finished run, but has no {RESULT_FILE}; name "
                f"another run"
            ) from error
        except (OSError, ValueError) as error:
            raise StudyError(
                f"{path} must be a run's record, but cannot be read: {error}"
            ) from error
        if not isinstance(result, dict) or not isinstance(result.get("metrics"), dict):
            raise StudyError(f"{path} must be a run's record, but has no metrics; name another run")
        return RunRecord(folder, result)

    @property
    def metrics(self) -> dict[str, float]:
        return dict(self.result["metrics"])

    @property
    def config(self) -> RunConfig:
        """Its settings. Raises ConfigError where this version cannot read them."""
        return self._settings[0]

    @property
    def unknown_settings(self) -> list[str]:
        """The names of its settings that this version does not know."""
        return self._settings[1]

    @property
    def versions(self) -> dict[str, str]:
        """Of Python and packages, by name."""
        return dict(self.result.get("versions") or {})

    @property
    def timing(self) -> Timing:
        """Where its time went."""
        return Timing.of(self.result.get("timing") or {})

    @property
    def fingerprint(self) -> dict[str, str]:
        """Of the examples of each split."""
        return dict(self.result.get("data_fingerprint") or {})

    @cached_property
    def _settings(self) -> tuple[RunConfig, list[str]]:
        try:
            return read_run_config(self.result.get("config") or {}, self.result.get("kinds"))
        except ConfigError as error:
            raise ConfigError(f"{self.folder / RESULT_FILE}: {error}") from error
