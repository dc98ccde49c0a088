"""The tutorial's sweep, put together from the figures of the GPU's benchmark."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from gpu_parts import evaluation, shared, step, sweep
from gpu_parts.errors import MissingParts
from gpu_parts.scale import FULL


def made_up(step_s: float) -> dict:
    """Figures of all parts: a step of the tutorial takes 10, ours `step_s`."""
    timings = {
        str(size): {
            way: [{"step_s": seconds, "checkpoint_s": 1.0}]
            for way, seconds in [(step.TUTORIAL, 10.0), (step.OURS, step_s)]
        }
        for size in FULL.batch_sizes
    }
    ways = (evaluation.OURS, evaluation.LOGITS, evaluation.LOOP, evaluation.LOSS)
    evaluated = {way: [{"seconds": 1.0}] for way in ways}
    return {
        "step": {"timings": timings},
        "evaluation": {"n_windows": 17_520, "n_looped": 17_520, "timings": evaluated},
        "shared": {"workers": {shared.WHOLE: {"1": [{"started_s": 10.0}]}}},
    }


def test_the_sweep_has_the_tutorials_98550_steps():
    found = sweep.measure(FULL, made_up(step_s=2.0))
    assert found["n_steps"] == 98_550
    theirs, mine = found["seconds"]["tutorial"], found["seconds"]["ours"]
    assert theirs == {
        "steps": 985_500, "evaluations": 30, "answers": 12, "checkpoints": 192, "starting": 60,
    }  # fmt: skip
    assert mine == {"steps": 197_100, "evaluations": 30, "checkpoints": 30, "starting": 10}
    assert "5.00" in sweep.text(found)


def test_a_sweep_without_its_parts_says_which_to_run():
    with pytest.raises(MissingParts, match="run --parts evaluation shared sweep"):
        sweep.measure(FULL, {"step": {}})
