"""Records: what a run leaves in its folder and in the tracker."""

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerState

from qa_sweep.config import RunConfig
from qa_sweep.evaluation import Evaluation
from qa_sweep.files import write_json, write_text
from qa_sweep.model import Reader
from qa_sweep.predictions import save_predictions
from qa_sweep.qa.example import Example
from qa_sweep.run_files import MODEL_FOLDER, PREDICTIONS_FILE, RESULT_FILE
from qa_sweep.tracked_params import plain

_PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "aim", "optuna", "hydra-core")


@dataclass(frozen=True, eq=False)
class Record:
    """A finished run."""

    config: RunConfig
    best: Evaluation
    state: TrainerState
    seconds: float

    def save(self, folder: Path, reader: Reader, examples: Sequence[Example]) -> None:
        """Write model, predictions and result; the result last, as the sign that all is there."""
        reader.set_trained_with(self.config.data.max_length, self.config.data.doc_stride)
        reader.save(folder / MODEL_FOLDER)
        write_text(folder / MODEL_FOLDER / "README.md", self._card(reader))
        save_predictions(folder / PREDICTIONS_FILE, self.best, examples)
        write_json(folder / RESULT_FILE, self._result(reader))

    def _result(self, reader: Reader) -> dict[str, Any]:
        return {
            "metrics": self.best.metrics,
            "decision": self.best.fitting.report(),
            "squad_v2": self.best.squad_v2(),
            "best_step": self.state.best_global_step,
            "n_steps": self.state.global_step,
            "evaluations": [entry for entry in self.state.log_history if "eval_loss" in entry],
            "seconds": round(self.seconds, 3),
            "device": str(reader.model.device),
            "n_parameters": reader.n_parameters,
            "config": plain(asdict(self.config)),
            "versions": versions(),
        }

    def _card(self, reader: Reader) -> str:
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in self.best.metrics.items())
        return (
            "---\npipeline_tag: question-answering\nlibrary_name: transformers\n---\n\n"
            f"# {self.config.model.name} on {self.config.data.name}\n\n"
            "An extractive question-answering model "
            f"({reader.n_parameters:,} parameters), trained by qa_sweep.\n\n"
            f"Held-out split ({len(self.best.answers)} questions): {metrics}.\n\n"
            f"Trained with batch size {self.config.trainer.batch_size}, learning rate "
            f"{self.config.trainer.learning_rate:g}, {self.config.trainer.epochs:g} epochs, "
            f"seed {self.config.seed}.\n"
        )


def versions() -> dict[str, str]:
    """Of Python and the packages on which a result depends."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "numpy": np.__version__,
    }
