"""Part `evaluation`: windows a second from a model to scored answers, ours and the tutorial's.

The tutorial gathers all logits of padded windows with the Trainer, and then loops over examples in
Python; that is timed on some of them. After each epoch it asks for the loss alone.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch
from made_logits import Problem as LoopProblem
from postprocessing import loop
from transformers import Trainer

from gpu_parts import ours, tutorial
from gpu_parts.problem import make_problem
from gpu_parts.process import ProcessSettings, settings_undone
from gpu_parts.scale import Scale
from gpu_parts.table import table
from gpu_parts.timing import GIB, Work, free_memory, now
from gpu_parts.turns import ratio, take_turns
from qa_sweep.config import EvaluationConfig
from qa_sweep.evaluation import Evaluation, evaluate
from qa_sweep.model import Reader
from qa_sweep.training import Split

OURS, ON_HOST = "ours", "ours, speed.spans_on_device=false"
LOGITS, LOOP, LOSS = "tutorial, logits", "tutorial, loop", "tutorial, loss alone"


def measure(scale: Scale, found: dict[str, Any]) -> dict[str, Any]:
    work = Work(make_problem(scale, scale.n_evaluated), scale.batch_sizes[0])
    with tempfile.TemporaryDirectory(prefix="gpu-") as folder:
        timed = _timings(work, Path(folder), scale.n_pairs)
    free_memory()
    return {"n_windows": scale.n_evaluated, "n_looped": scale.n_looped, "timings": timed}


def windows_a_second(found: dict[str, Any], way: str) -> float:
    n_windows = found["n_looped"] if way == LOOP else found["n_windows"]
    return n_windows / median(timing["seconds"] for timing in found["timings"][way])


def text(found: dict[str, Any]) -> str:
    rows = [_row(found, way) for way in found["timings"]]
    headings = ["way", "windows/s", "GiB", "quicker than the tutorial's logits and loop"]
    return table("Evaluation: median (least–greatest)", headings, rows)


def _timings(work: Work, folder: Path, n_pairs: int) -> dict[str, list[dict[str, float]]]:
    problem = work.problem
    contenders = {
        OURS: _ours(work, folder, spans_on_device=True),
        ON_HOST: _ours(work, folder, spans_on_device=False),
    }
    # The last, since all Trainers of a process share a precision: that of the last one made.
    trainer = tutorial.make_trainer(work, folder, [])
    contenders[LOGITS] = partial(trainer.predict, problem.rows)
    contenders[LOSS] = trainer.evaluate
    contenders[LOOP] = _loop(trainer, problem.scale)
    for contender in contenders.values():  # warms up
        contender()
    timed = {name: partial(_time, contender) for name, contender in contenders.items()}
    return take_turns(timed, n_pairs)


def _ours(work: Work, folder: Path, *, spans_on_device: bool) -> Callable[[], object]:
    def evaluate_split(reader: Reader, split: Split, autocast: torch.dtype | None) -> Evaluation:
        config = EvaluationConfig()
        return evaluate(reader, split.windows, split.examples, config, autocast, spans_on_device)

    with settings_undone():
        trainer = ours.make_trainer(work, folder, [], evaluate=evaluate_split)
        return ProcessSettings.found().during(trainer.evaluate_now)


def _loop(trainer: Trainer, scale: Scale) -> Callable[[], object]:
    """Over some examples, with what the model says of them."""
    few = make_problem(scale, scale.n_looped)
    starts, ends = trainer.predict(few.rows).predictions[:2]
    bounds = few.windows.row_starts.tolist()
    offsets = [
        [(first, last) if first >= 0 else None for first, last in rows.tolist()]
        for rows in (few.windows.offsets[slice(*pair)] for pair in pairwise(bounds))
    ]
    contexts = [example.context for example in few.examples]
    return partial(loop, LoopProblem(few.windows, contexts, starts, ends, offsets))


def _time(contender: Callable[[], object]) -> dict[str, float]:
    """Seconds, and memory beyond what was taken before."""
    has_gpu = torch.cuda.is_available()
    before = torch.cuda.memory_allocated() if has_gpu else 0
    if has_gpu:
        torch.cuda.reset_peak_memory_stats()
    began = now()
    contender()
    seconds = now() - began
    peak = torch.cuda.max_memory_allocated() if has_gpu else 0
    return {"seconds": seconds, "memory_gib": (peak - before) / GIB}


def _row(found: dict[str, Any], way: str) -> list[Any]:
    timings = found["timings"]
    seconds = [timing["seconds"] for timing in timings[way]]
    memory = max(timing["memory_gib"] for timing in timings[way])
    scale = found["n_windows"] / found["n_looped"]
    whole = [
        logits["seconds"] + scale * looped["seconds"]
        for logits, looped in zip(timings[LOGITS], timings[LOOP], strict=True)
    ]
    return [
        way,
        f"{windows_a_second(found, way):,.0f}",
        f"{memory:.2f}" if memory else None,
        ratio(whole, seconds) if way in (OURS, ON_HOST) else None,
    ]
