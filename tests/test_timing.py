"""Timing: where a run's time went, told by its own callbacks, and kept with it."""

from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from training_helpers import make_trainer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from qa_sweep import stopwatch as stopwatch_module
from qa_sweep.config import EmbeddedData, RunConfig, SpeedConfig, TinyModel
from qa_sweep.config.plain import kinds_of, read_run_config
from qa_sweep.qa.windows import Windows
from qa_sweep.stopwatch import Stopwatch
from qa_sweep.timing import Timing
from qa_sweep.tracked_params import plain
from qa_sweep.training import train

DATA = EmbeddedData(n_train=64, n_eval=16)


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Costs(TrainerCallback):
    """Has an event of the training take some seconds."""

    def __init__(self, clock: Clock, event: str, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        setattr(self, event, self._pass)

    def _pass(self, *_: Any, **__: Any) -> None:
        self._clock.now += self._seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stopwatch_module, "perf_counter", clock)
    return clock


def windows_of(lengths: list[int]) -> Windows:
    n_windows, n_tokens = len(lengths), sum(lengths)
    return Windows(
        input_ids=np.zeros(n_tokens, np.int32),
        token_types=np.zeros(n_tokens, np.int8),
        offsets=np.zeros((n_tokens, 2), np.int32),
        row_starts=np.cumsum([0, *lengths]),
        example_index=np.arange(n_windows, dtype=np.int32),
        cls_index=np.zeros(n_windows, np.int32),
        start_labels=np.zeros(n_windows, np.int32),
        end_labels=np.zeros(n_windows, np.int32),
    )


def test_steps_are_told_from_evaluations_and_checkpoints(tmp_path, clock) -> None:
    trainer, stopwatch = make_trainer(tmp_path, DATA, evaluations_per_epoch=2), Stopwatch()
    saving = Costs(clock, "on_save", 1000)  # its callbacks come when all is saved
    trainer.callback_handler.callbacks[:0] = [saving, stopwatch]
    trainer.add_callback(Costs(clock, "on_step_begin", 1))
    trainer.add_callback(Costs(clock, "on_evaluate", 100))
    train(trainer)
    n_steps = trainer.state.global_step
    assert clock.now > 4 * 1100, "it was evaluated and saved four times"
    timing = stopwatch.timing(clock.now, windows_of([3] * 64), 0.9)
    assert (timing.step_seconds, timing.evaluation_seconds) == (n_steps, 0)
    assert timing.other_seconds == clock.now - n_steps
    assert timing.windows_per_second == pytest.approx(2 * 64 / n_steps, abs=0.1)


def test_an_evaluation_is_counted_though_it_fails(clock) -> None:
    stopwatch = Stopwatch()
    with suppress(RuntimeError), stopwatch.evaluating():
        clock.now += 7
        raise RuntimeError
    timing = stopwatch.timing(10, windows_of([3]), 1.0)
    assert (timing.evaluation_seconds, timing.other_seconds) == (7, 3)
    assert timing.tokens_per_second is None, "nothing was trained on"


def test_an_attempt_that_goes_on_counts_only_what_it_trained_on_itself(clock, tmp_path) -> None:
    arguments, control = TrainingArguments(str(tmp_path)), TrainerControl()
    stopwatch = Stopwatch()
    stopwatch.on_epoch_begin(arguments, TrainerState(epoch=3.5), control)
    clock.now += 2
    stopwatch.on_step_end(arguments, TrainerState(epoch=4.0), control)
    timing = stopwatch.timing(2, windows_of([10, 20, 30, 40]), 1.0)
    assert (timing.windows_per_second, timing.tokens_per_second) == (1.0, 25.0)


def test_a_record_is_read_whatever_it_knows_of_its_time() -> None:
    assert Timing.of({}).known() == {}
    whole = Timing(1.0, 2.0, 3.0, 4.0, 5.0, 0.5)
    assert Timing.of({**asdict(whole), "of_a_later_version": 1}) == whole
    assert Timing.of({"step_seconds": "long", "other_seconds": 2}).known() == {"other_seconds": 2.0}


def test_a_record_of_a_version_without_switches_of_speed_is_read() -> None:
    config = RunConfig(model=TinyModel(), data=EmbeddedData(), speed=SpeedConfig(compile=True))
    content = plain(asdict(config))
    assert read_run_config(content, kinds_of(config)) == (config, [])
    del content["speed"]
    found, unknown = read_run_config(content, kinds_of(config))
    assert (found.speed, unknown) == (SpeedConfig(), [])
