"""The GPU's benchmark, with tiny shapes on the CPU."""

import gc
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from warnings import warn

import numpy as np
import pytest
import torch
from torch.autograd import DeviceType
from transformers import DistilBertConfig, DistilBertForQuestionAnswering, TrainerCallback

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import gpu
from gpu_parts import (
    compiling,
    evaluation,
    ours,
    profiling,
    shared,
    step,
    switches,
    synchronising,
)
from gpu_parts.arithmetic import n_operations, peak_of
from gpu_parts.machine import device_name
from gpu_parts.problem import draw_lengths, make_problem
from gpu_parts.process import ProcessSettings, settings_undone, use
from gpu_parts.scale import FULL, TINY
from gpu_parts.timing import Work, time_epochs, train
from gpu_parts.turns import take_turns

from qa_sweep import compiling as own_compiling
from qa_sweep.gpu import leave_masks_unread, set_tf32
from qa_sweep.qa.example import check_example

N_STEPS = TINY.n_windows // TINY.batch_sizes[0]  # of an epoch


@pytest.fixture(autouse=True, scope="module")
def _prepared_process() -> Iterator[None]:
    n_threads = torch.get_num_threads()
    use(TINY)
    yield
    torch.set_num_threads(n_threads)
    gc.unfreeze()


@pytest.fixture(scope="module")
def work() -> Work:
    return Work(make_problem(TINY, TINY.n_windows), TINY.batch_sizes[0])


def test_lengths_are_those_of_squad():
    random = np.random.default_rng(0)
    lengths = draw_lengths(replace(FULL, max_length=384), 50_000, random)
    assert np.median(lengths) == pytest.approx(161, abs=2)
    assert lengths.mean() == pytest.approx(176, abs=2)
    assert (lengths == 384).mean() == pytest.approx(0.019, abs=0.003)


def test_examples_have_their_answers_where_the_windows_label_them():
    problem = make_problem(FULL, 20)
    windows = problem.windows
    for row, example in enumerate(problem.examples):
        check_example(example, "made up")
        first = windows.row_starts[row]
        start = windows.offsets[first + windows.start_labels[row], 0]
        end = windows.offsets[first + windows.end_labels[row], 1]
        assert example.references[0].start == start
        assert example.context[start:end] == example.references[0].text


def test_a_full_window_takes_distilbert_106_billion_operations():
    with torch.device("meta"):
        model = DistilBertForQuestionAnswering(DistilBertConfig())
    assert n_operations(model, np.array([384])) == pytest.approx(106e9, rel=0.01)


def test_the_peak_is_that_of_the_most_telling_name():
    assert peak_of("NVIDIA H100 PCIe") < peak_of("NVIDIA H100 80GB HBM3") == peak_of("NVIDIA H200")
    assert peak_of("GeForce 256") is None


def test_every_other_turn_goes_backwards():
    order = []
    take_turns({name: lambda name=name: order.append(name) for name in "ab"}, 3)
    assert "".join(order) == "abbaab"


def test_the_first_epoch_is_timed_apart(work: Work):
    timing = time_epochs(ours.make_trainer, replace(work, n_epochs=3))
    assert timing.n_steps == 2 * N_STEPS
    assert timing.n_tokens == 2 * work.problem.windows.lengths.sum()
    assert timing.seconds == pytest.approx(2 * timing.epoch_s)


def test_both_ways_train_on_the_same_windows():
    scale = replace(TINY, batch_sizes=TINY.batch_sizes[:1], n_pairs=1)
    found = step.measure(scale, {})
    (timings,) = found["timings"].values()
    done = {(t["n_steps"], t["n_tokens"]) for way in timings.values() for t in way}
    assert done == {(N_STEPS, int(make_problem(scale, scale.n_windows).windows.lengths.sum()))}
    assert all(t["checkpoint_s"] > 0 for way in timings.values() for t in way)
    assert "8, tutorial" in step.text(found)


def test_each_switch_is_compared_with_the_same_but_for_itself():
    found = switches.measure(replace(TINY, n_pairs=1), {})
    on_gpu = switches.variations(replace(TINY, device="cuda"))
    assert set(found["timings"]) < set(on_gpu)
    for variation in on_gpu.values():
        other = on_gpu[variation.against]
        assert other.trainer.items() <= variation.trainer.items()
    itself = r"^  as it is .* 1\.00 \(1\.00–1\.00\) +as it is$"
    assert re.search(itself, switches.text(found), re.M)


def test_a_second_model_finds_all_compiled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(own_compiling, "_BACKEND", "eager")
    own_compiling._compiled.cache_clear()
    found = compiling.measure(replace(TINY, batch_sizes=(8,)), {})
    own_compiling._compiled.cache_clear()
    first, second = (timing["n_graphs"] for timing in found["timings"]["8"][compiling.COMPILED])
    assert first > 0
    assert second == 0
    assert f"{first}, 0" in compiling.text(found)


def test_what_our_way_sets_for_the_process_is_undone():
    before = ProcessSettings.found()
    with settings_undone():
        set_tf32(True)
        leave_masks_unread()
        ours_has = ProcessSettings.found()
    assert ProcessSettings.found() == before
    assert ours_has.during(ProcessSettings.found)() == ours_has
    assert ProcessSettings.found() == before != ours_has


def test_evaluations_are_compared_with_logits_and_loop_together():
    found = evaluation.measure(replace(TINY, n_pairs=1), {})
    timings = found["timings"]
    whole = timings[evaluation.LOGITS][0]["seconds"] + timings[evaluation.LOOP][0]["seconds"] * (
        TINY.n_evaluated / TINY.n_looped
    )
    shown = f"{whole / timings[evaluation.OURS][0]['seconds']:.2f}"
    assert re.search(rf"^  ours  .*  {shown} \({shown}–{shown}\)$", evaluation.text(found), re.M)


def test_workers_begin_together_and_say_how_long_they_took_to_start():
    (timing,) = shared.run(1, TINY)
    assert timing["n_steps"] == N_STEPS
    assert timing["started_s"] > 0
    assert shared.throughput([timing]) == pytest.approx(1 / timing["step_s"])


def test_throughput_is_over_the_time_of_all_workers():
    workers = [{"began": 1, "seconds": 4, "n_steps": 10}, {"began": 2, "seconds": 8, "n_steps": 8}]
    assert shared.throughput(workers) == 2


def event(name: str, start: float, end: float, device_type=DeviceType.CUDA) -> SimpleNamespace:
    span = SimpleNamespace(start=start, end=end)
    return SimpleNamespace(name=name, time_range=span, device_type=device_type)


def test_a_profile_counts_time_that_kernels_share_once_and_calls_of_the_steps_alone():
    events = [
        event(profiling.STEPS, 0, 100, DeviceType.CPU),
        event("cudaStreamSynchronize", 10, 11, DeviceType.CPU),
        event("gemm", 0, 20),
        event("gemm", 10, 30),
        event("Memcpy DtoH (Device -> Pageable)", 90, 92),
        event("cudaDeviceSynchronize", 101, 102, DeviceType.CPU),
    ]
    found = profiling.summary(events, n_steps=2)
    assert found["busy_us"] == (30 + 2) / 2
    assert found["top"][0] == ["gemm", 20]
    assert found["longest_gaps_us"] == [60]
    called = {call: n for call, n in found["calls"].items() if n}
    assert called == {"cudaStreamSynchronize": 0.5, "Memcpy DtoH": 0.5}


def test_steps_can_be_profiled():
    found = profiling.measure(TINY, {})
    assert {way: profiled["n_kernels"] for way, profiled in found.items()} == {
        "ours": 0, "tutorial": 0,
    }  # fmt: skip
    assert "ours: " in profiling.text(found)


def test_waits_are_watched_but_not_while_the_trainer_logs(work: Work):
    modes, while_logging = ["default"], []

    class Log(TrainerCallback):
        def on_log(self, args, state, control, **_):
            while_logging.append(modes[-1])

    watched = synchronising.SyncWatch(modes.append)
    make_trainer = lambda *given: ours.make_trainer(*given, logging_steps=3)  # noqa: E731
    train(make_trainer, work, [watched, Log()])
    assert set(while_logging) == {"default"}
    assert watched.n_steps == N_STEPS
    assert modes.count("warn") == N_STEPS


def test_who_waits_is_named(work: Work):
    class Waits(TrainerCallback):
        def on_step_begin(self, args, state, control, **_):
            if state.global_step == N_STEPS:
                warn(synchronising.WARNING, stacklevel=1)

    def make_trainer(work, folder, callbacks):
        return ours.make_trainer(work, folder, [*callbacks, Waits()])

    found = synchronising.watch(make_trainer, work)
    ((place, count),) = found["places"].items()
    assert count == 1
    assert place.startswith(f"{Path(__file__).name}:")
    assert "waits for the device" in synchronising.text({"ours": found})


def test_parts_of_another_scale_are_not_mixed_in(tmp_path: Path):
    record = {"scale": vars(TINY), "machine": {"device": device_name()}, "found": {"n": 1}}
    (tmp_path / "step.json").write_text(json.dumps(record))
    assert gpu.found_in(tmp_path, replace(TINY, n_pairs=7)) == {"step": {"n": 1}}
    assert gpu.found_in(tmp_path, FULL) == {}
