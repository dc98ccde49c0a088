"""Records: what a run leaves in its folder and in the tracker."""

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerState

from qa_sweep.config import RunConfig
from qa_sweep.evaluation import Evaluation
from qa_sweep.files import whole_file, write_json, write_text
from qa_sweep.model import Reader
from qa_sweep.prepared import Prepared
from qa_sweep.qa.example import Example
from qa_sweep.sweep.trial import TrialHandle

MODEL_FOLDER = "model"
RESULT_FILE = "result.json"
PREDICTIONS_FILE = "predictions.parquet"

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


def params(
    config: RunConfig, reader: Reader, prepared: Prepared, handle: TrialHandle, folder: Path
) -> dict[str, object]:
    """What the tracker shows of a run: few, flat params by section."""
    trainer, data = config.trainer, config.data
    return {
        "hparams": {
            **plain(asdict(trainer)),
            "device_batch_size": trainer.batch_size // trainer.accumulation_steps,
            "accumulation_steps": trainer.accumulation_steps,
            "seed": config.seed,
        },
        "model": {**plain(asdict(config.model)), "n_parameters": reader.n_parameters},
        "data": {
            **plain(asdict(data)),
            "n_train_examples": len(prepared.train.examples),
            "n_eval_examples": len(prepared.held_out.examples),
            "n_train_windows": len(prepared.train.windows),
            "n_eval_windows": len(prepared.held_out.windows),
        },
        "study": {
            "name": handle.study_name or "",
            "trial": -1 if handle.number is None else handle.number,
            "folder": str(folder),
        },
    }


def save_predictions(path: Path, evaluation: Evaluation, examples: Sequence[Example]) -> None:
    """Write one row an example: answer, scores, references, and the n-best with offsets."""
    import pyarrow
    import pyarrow.parquet

    candidates, scores = evaluation.candidates, evaluation.scores
    table = pyarrow.table(
        {
            "id": [example.id for example in examples],
            "question": [example.question for example in examples],
            "answer": evaluation.answers,
            "exact_match": scores.exact_match_by_question,
            "f1": scores.f1_by_question,
            "references": [[gold.text for gold in example.references] for example in examples],
            "null_score": candidates.null_score,
            "n_best": [_n_best(evaluation, i, example) for i, example in enumerate(examples)],
        }
    )
    with whole_file(path) as temporary:
        pyarrow.parquet.write_table(table, temporary)


def _n_best(evaluation: Evaluation, number: int, example: Example) -> list[dict[str, Any]]:
    candidates = evaluation.candidates
    where = candidates.of(number)
    return [
        {
            "text": example.context[start:end],
            "start": int(start),
            "end": int(end),
            "score": float(score),
            "probability": float(probability),
        }
        for start, end, score, probability in zip(
            candidates.start_char[where],
            candidates.end_char[where],
            candidates.score[where],
            candidates.probability[where],
            strict=True,
        )
    ]


def versions() -> dict[str, str]:
    """Of Python and the packages on which a result depends."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "numpy": np.__version__,
    }


def plain(content: dict[str, Any]) -> dict[str, Any]:
    """The settings with enums as their names."""
    return {
        key: plain(value)
        if isinstance(value, dict)
        else value.value
        if isinstance(value, Enum)
        else value
        for key, value in content.items()
    }
