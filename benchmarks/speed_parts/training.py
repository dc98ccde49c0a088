"""Training: one run in this process, whose loss is kept at each step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qa_sweep.sweep.trial import TrialHandle
from speed_parts.settings import compose

EACH_STEP = ("trainer.logging_steps=1", "tracking=off", "questions=none")


class LossKeeper(TrialHandle):
    """Keeps the train losses that a run shows."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def progress(self, step: int, n_steps: int, **shown: float | str) -> None:
        super().progress(step, n_steps, **shown)
        if "loss" in shown:
            self.losses.append(float(shown["loss"]))


def train(overrides: Sequence[str], folder: Path) -> dict[str, Any]:
    """The metrics of a run's best evaluation, and the loss of each of its steps."""
    from qa_sweep import job  # takes seconds

    keeper = LossKeeper()
    metrics = job.run(compose([*overrides, *EACH_STEP]), folder, keeper)
    return {**metrics, "losses": keeper.losses}
