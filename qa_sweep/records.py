"""Records: what a run leaves in its folder and in the tracker."""

import importlib.metadata
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerState

from qa_sweep.config import RunConfig
from qa_sweep.config.plain import kinds_of
from qa_sweep.data import Splits
from qa_sweep.disk import needing_room
from qa_sweep.evaluation import Evaluation
from qa_sweep.files import remove_unfinished, sync_all, write_json, write_text
from qa_sweep.model import Reader
from qa_sweep.model_card import CARD_FILE, ModelCard, intervals_of
from qa_sweep.origin import origin
from qa_sweep.run_files import EVALUATIONS_FOLDER, MODEL_FOLDER, PREDICTIONS_FILE, RESULT_FILE
from qa_sweep.timing import Timing
from qa_sweep.tracked_params import plain
from qa_sweep.tracking.environment import package_versions

_BYTES_OF_A_PARAMETER = 4
_PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "aim", "optuna", "hydra-core")


@dataclass(frozen=True, eq=False)
class Record:
    """A finished run."""

    config: RunConfig
    best: Evaluation
    state: TrainerState
    seconds: float
    timing: Timing

    def save(self, folder: Path, reader: Reader, splits: Splits) -> None:
        """Write model, predictions and result; the result last, as the sign that all is there.

        Raises DiskFull where there is no room.
        """
        from qa_sweep.predictions import save_predictions  # not before workers are forked

        for place in (folder, folder / EVALUATIONS_FOLDER):
            remove_unfinished(place)
        reader.set_trained_with(self.config.data.max_length, self.config.data.doc_stride)
        with needing_room(folder, n_bytes=_BYTES_OF_A_PARAMETER * reader.n_parameters):
            reader.save(folder / MODEL_FOLDER)
            sync_all(folder / MODEL_FOLDER)
        save_predictions(folder / PREDICTIONS_FILE, self.best, splits.eval)
        result = self._result(reader, splits)
        card = self._card(reader, len(splits.eval), result)
        write_text(folder / MODEL_FOLDER / CARD_FILE, card)
        write_json(folder / RESULT_FILE, result)

    def _result(self, reader: Reader, splits: Splits) -> dict[str, Any]:
        return {
            "metrics": self.best.metrics,
            "decision": self.best.fitting.report(),
            "squad_v2": self.best.squad_v2(),
            "best_step": self.state.best_global_step,
            "n_steps": self.state.global_step,
            "evaluations": [entry for entry in self.state.log_history if "eval_loss" in entry],
            "seconds": round(self.seconds, 3),
            "timing": asdict(self.timing),
            "device": str(reader.model.device),
            "n_parameters": reader.n_parameters,
            "config": plain(asdict(self.config)),
            "kinds": kinds_of(self.config),
            **origin(self.config, reader, splits),
            "versions": versions(),
        }

    def _card(self, reader: Reader, n_questions: int, result: dict[str, Any]) -> str:
        return ModelCard(
            self.config,
            result,
            n_questions,
            mark_overlap=reader.mark_overlap,
            intervals=intervals_of(self.best.scores),
            path=MODEL_FOLDER,
        ).text()


def versions() -> dict[str, str]:
    """Of Python and the packages on which a result depends."""
    return {
        "qa_sweep": package_versions().get("qa-sweep", "unknown"),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "numpy": np.__version__,
    }
