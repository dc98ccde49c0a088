"""Divergence: a training whose loss is no number or explodes is stopped; no other is."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from training_helpers import losses, make_trainer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from qa_sweep.errors import Diverged
from qa_sweep.training import train
from qa_sweep.training_callbacks import DivergenceWatch

N_TOKENS = 128
LIMIT = 3 * math.log(N_TOKENS)
N_STEPS = 5
NEVER = 1000  # steps between logged losses: the watch needs none
ARGUMENTS = TrainingArguments(report_to="none", use_cpu=True)


class Poison(TrainerCallback):
    """Makes a weight infinite after a step."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, args, state, control, model=None, **_) -> None:
        if state.global_step == self._step:
            with torch.no_grad():
                next(model.parameters()).fill_(math.inf)


def test_a_loss_that_is_no_number_stops_a_training_at_that_step(tmp_path) -> None:
    trainer = make_trainer(tmp_path, logging_steps=NEVER)
    trainer.add_callback(Poison(5))
    with pytest.raises(Diverged, match=r"the loss was nan at step 6; lower trainer.learning_rate"):
        train(trainer)
    assert trainer.state.global_step == 6
    assert not any("eval_loss" in entry for entry in trainer.state.log_history)


def test_a_loss_that_is_no_number_at_the_last_step_is_not_evaluated(tmp_path) -> None:
    trainer = make_trainer(tmp_path, logging_steps=NEVER, epochs=1)
    trainer.add_callback(Poison(15))
    with pytest.raises(Diverged, match="at step 16"):
        train(trainer)
    assert not any("eval_loss" in entry for entry in trainer.state.log_history)


@pytest.mark.parametrize("max_grad_norm", [0.0, 1.0])
def test_an_exploding_loss_stops_a_training_within_ten_steps(tmp_path, max_grad_norm) -> None:
    # Each step makes the weights three times as large, with the other sign.
    trainer = make_trainer(
        tmp_path,
        learning_rate=0.004,
        weight_decay=1000,
        warmup=0,
        max_grad_norm=max_grad_norm,
        logging_steps=1,
    )
    with pytest.raises(Diverged, match=r"the loss was above \d+.\d for 5 steps, the last "):
        train(trainer)
    assert trainer.state.global_step <= 10, losses(trainer)
    assert all(map(math.isfinite, losses(trainer)))


def test_a_reader_that_is_sure_of_what_is_wrong_may_learn_better(tmp_path) -> None:
    trainer = make_trainer(tmp_path, epochs=4, logging_steps=1)
    with torch.no_grad():
        trainer.model.qa_outputs.weight.mul_(1000)
    train(trainer)
    assert losses(trainer)[0] > LIMIT


def watched(values: list[float], watch: DivergenceWatch) -> int | None:
    """The step after which a training with such losses is stopped."""
    state, control = TrainerState(), TrainerControl()
    for step, value in enumerate(values, start=1):
        watch.see(torch.tensor(value))
        state.global_step = step
        watch.on_step_end(ARGUMENTS, state, control)
        if control.should_training_stop:
            return step
    watch.on_epoch_end(ARGUMENTS, state, control)
    return len(values) if control.should_training_stop else None


spikes = st.lists(st.floats(LIMIT + 0.1, 1e30), max_size=N_STEPS - 1)
calm = st.lists(st.floats(0, LIMIT), min_size=1, max_size=30)


@given(parts=st.lists(st.tuples(calm, spikes), min_size=1, max_size=4))
def test_spikes_that_do_not_last_stop_nothing(parts) -> None:
    values = [0.0, *(value for calm, spike in parts for value in (*calm, *spike))]
    assert watched(values, DivergenceWatch(N_TOKENS)) is None


@given(before=calm, above=st.lists(st.floats(LIMIT + 0.1, 1e30), min_size=N_STEPS, max_size=40))
def test_what_stays_above_three_times_ignorance_is_stopped(before, above) -> None:
    values = [0.0, *before, *above]
    assert watched(values, DivergenceWatch(N_TOKENS)) == 1 + len(before) + N_STEPS


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_stopped_at_once(value) -> None:
    assert watched([4.0, value, 4.0], DivergenceWatch(N_TOKENS)) == 2


@given(before=calm, above=st.lists(st.floats(LIMIT + 0.1, 1e30), min_size=N_STEPS, max_size=9))
def test_a_training_that_goes_on_from_a_checkpoint_is_judged_as_if_it_had_not_ended(
    before, above
) -> None:
    values = [0.0, *before, *above]
    for n_before in range(1, len(before) + N_STEPS):
        first, second = DivergenceWatch(N_TOKENS), DivergenceWatch(N_TOKENS)
        assert watched(values[:n_before], first) is None
        kept = TrainerState(stateful_callbacks=[first])
        second.on_train_begin(ARGUMENTS, kept, TrainerControl())
        assert watched(values[n_before:], second) == 1 + len(before) + N_STEPS - n_before


def test_losses_that_have_not_arrived_are_waited_for_before_an_evaluation(monkeypatch) -> None:
    """As on a GPU that is far behind."""
    monkeypatch.setattr("qa_sweep.training_callbacks._Arriving.is_there", False)
    watch = DivergenceWatch(N_TOKENS)
    assert watched([4.0, math.nan, 4.0], watch) == 3
    assert watch.reason == "the loss was nan at step 2"
