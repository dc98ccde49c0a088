"""Params of a run as the tracker shows them: few, flat, by section."""

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_sweep.config import RunConfig
from qa_sweep.sweep.trial import TrialHandle

if TYPE_CHECKING:
    from qa_sweep.model import Reader
    from qa_sweep.prepared import Prepared

_SECTIONS = ("model", "data", "evaluation", "speed")  # that are named as the settings are


def params(
    config: RunConfig, reader: "Reader", prepared: "Prepared", handle: TrialHandle, folder: Path
) -> dict[str, object]:
    """What the tracker is given of a run that trains `reader` on what was `prepared`."""
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
        "evaluation": plain(asdict(config.evaluation)),
        "speed": plain(asdict(config.speed)),
        "study": {
            "name": handle.study_name or "",
            "trial": -1 if handle.number is None else handle.number,
            "folder": str(folder),
        },
    }


def tracked_name(setting: str) -> str | None:
    """Where `params` has a setting: `hparams.learning_rate` for `trainer.learning_rate`.

    None where it has not. A whole group, as `model`, is told by its name.
    """
    section, _, name = setting.partition(".")
    if setting == "seed":
        return "hparams.seed"
    if section == "trainer" and name:
        return f"hparams.{name}"
    return f"{section}.{name or 'name'}" if section in _SECTIONS else None


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
