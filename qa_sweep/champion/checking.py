"""Checking: a bundle is loaded as anybody would load it, and scored again."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from qa_sweep.champion.held_out import held_out_examples
from qa_sweep.config import Device, Precision, TrainerConfig
from qa_sweep.data import prepare
from qa_sweep.device import autocast_dtype, choose_device, choose_precision, set_threads
from qa_sweep.errors import ConfigError, DataError
from qa_sweep.evaluation import Evaluation, evaluate
from qa_sweep.model import Reader, load_reader
from qa_sweep.model_card import TITLES
from qa_sweep.qa.example import Example
from qa_sweep.run_record import RunRecord

_ALIKE = 1e-9  # of percentages; sums in another order differ by less


@dataclass(frozen=True)
class Check:
    """What was found; `differs` where the bundle does not score as the run did."""

    sentence: str
    differs: bool = False


def check(record: RunRecord, folder: Path) -> Check:
    """Load the bundle in `folder`, and compare its scores with the run's.

    Raises ModelError where it does not load.
    """
    reader = load_reader(str(folder))
    try:
        examples = held_out_examples(record)
    except (DataError, ConfigError) as error:
        return Check(f"the model loads; it was not evaluated again: {error}")
    found = _evaluate(reader, examples, record).metrics
    shown = ", ".join(f"{title} {found[name]:.2f}" for name, title in TITLES.items())
    text = f"evaluated again on {len(examples)} held-out questions: {shown}"
    if all(abs(found[name] - record.metrics[name]) <= _ALIKE for name in TITLES):
        return Check(f"{text}, as in the run")
    were = ", ".join(f"{title} {record.metrics[name]:.2f}" for name, title in TITLES.items())
    return Check(f"{text}; but in the run {were}{_places(record, reader)}", differs=True)


def _evaluate(reader: Reader, examples: list[Example], record: RunRecord) -> Evaluation:
    config = record.config
    trainer = _where_it_ran(config.trainer, str(record.result.get("device", "cpu")))
    device = choose_device(trainer)
    set_threads(trainer, reader.n_parameters)
    reader.model.to(device)
    windows = prepare(
        examples,
        reader.tokenizer,
        config.data.max_length,
        config.data.doc_stride,
        reader.mark_overlap,
    )
    autocast = autocast_dtype(choose_precision(trainer, device))
    return evaluate(reader, windows, examples, config.evaluation, autocast)


def _where_it_ran(trainer: TrainerConfig, device: str) -> TrainerConfig:
    """The settings of device and precision that come nearest to where the run was."""
    if device.startswith("cpu"):
        return replace(trainer, device=Device.cpu)
    precision = trainer.precision if torch.cuda.is_available() else Precision.auto
    return replace(trainer, device=Device.auto, precision=precision)


def _places(record: RunRecord, reader: Reader) -> str:
    then, now = str(record.result.get("device", "")), str(reader.model.device)
    return f" (on {then} then, on {now} now)" if then and then != now else ""
