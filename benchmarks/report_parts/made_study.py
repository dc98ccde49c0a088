"""A study of made-up trials on disk, with the folders that runs leave."""

import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    distribution_to_json,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from qa_sweep.config import EmbeddedData
from qa_sweep.data import load_examples
from qa_sweep.qa.example import Example
from qa_sweep.qa.scores import score
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.storage import default_storage_url, open_storage

N_QUESTIONS = 1_000
N_ANSWERED = 50  # complete trials whose answers are stored
N_EVALUATIONS = 10
N_BEST = 20
STUDY = "measured"

SPACE: dict[str, BaseDistribution] = {
    "trainer.learning_rate": FloatDistribution(1e-5, 1e-2, log=True),
    "trainer.batch_size": CategoricalDistribution((8, 16, 32, 64)),
    "trainer.warmup": FloatDistribution(0.0, 0.3),
    "trainer.weight_decay": FloatDistribution(1e-4, 0.1, log=True),
}


def make_study(results: Path, count: int) -> None:
    results.mkdir(parents=True)
    space = {name: distribution_to_json(distribution) for name, distribution in SPACE.items()}
    fixed = {"trainer.epochs": N_EVALUATIONS, "trainer.evaluations_per_epoch": 1}
    identity = Identity(space, (Objective("f1", "maximize"),), fixed)
    study = open_study(open_storage(default_storage_url(results)), STUDY, identity)
    drawing = random.Random(count)
    trials = [make_trial(number, drawing) for number in range(count)]
    study.add_trials(trials)
    make_folders(results / STUDY, study.get_trials(deepcopy=False), drawing)


def make_trial(number: int, drawing: random.Random) -> FrozenTrial:
    """A trial that rises to its F1, or ends before."""
    f1 = round(drawing.betavariate(6, 2) * 100, 6)
    state = _state(number)
    n_evaluations = {TrialState.COMPLETE: N_EVALUATIONS, TrialState.PRUNED: 1 + number % 8}.get(
        state, 0
    )
    curve = {i: f1 * (1 - 0.6**i) for i in range(1, n_evaluations + 1)}
    metrics = {"f1": f1, "exact_match": 0.9 * f1, "loss": 4.0 - f1 / 30}
    attributes: dict[str, Any] = {"aim_run": f"{drawing.getrandbits(96):024x}"}
    attributes |= metrics if state is TrialState.COMPLETE else {}
    attributes |= {"error": "RuntimeError: the loader died"} if state is TrialState.FAIL else {}
    trial = create_trial(
        state=state,
        value=f1 if state is TrialState.COMPLETE else None,
        params={
            "trainer.learning_rate": 10 ** drawing.uniform(-5, -2),
            "trainer.batch_size": drawing.choice((8, 16, 32, 64)),
            "trainer.warmup": drawing.uniform(0, 0.3),
            "trainer.weight_decay": 10 ** drawing.uniform(-4, -1),
        },
        distributions=SPACE,
        user_attrs=attributes,
        intermediate_values=curve,
    )
    trial.datetime_start = datetime(2026, 1, 1) + timedelta(minutes=3 * number)
    trial.datetime_complete = trial.datetime_start + timedelta(seconds=20 + 30 * n_evaluations)
    return trial


def _state(number: int) -> TrialState:
    """Of the first six and of six in ten all is well; most of the others were pruned."""
    share = number % 97 / 97
    if number < 6 or share <= 0.6:
        return TrialState.COMPLETE
    return TrialState.PRUNED if share <= 0.97 else TrialState.FAIL


def make_folders(folder: Path, trials: Sequence[FrozenTrial], drawing: random.Random) -> None:
    examples = load_examples(EmbeddedData(n_train=10, n_eval=N_QUESTIONS)).eval
    complete = [trial for trial in trials if trial.value is not None]
    complete.sort(key=lambda trial: -trial.value)
    for rank, trial in enumerate(complete):
        run = folder / str(trial.number)
        run.mkdir(parents=True)
        write_record(run / "result.json", trial)
        if rank < N_ANSWERED:
            write_answers(run / "predictions.parquet", examples, trial.value / 100, drawing)


def write_record(path: Path, trial: FrozenTrial) -> None:
    evaluations = [
        {
            "step": 400 * number,
            "epoch": float(number),
            "eval_f1": value,
            "eval_exact_match": 0.9 * value,
            "eval_loss": 4.0 - value / 30,
        }
        for number, value in sorted(trial.intermediate_values.items())
    ]
    content = {
        "metrics": {name: trial.user_attrs[name] for name in ("f1", "exact_match", "loss")},
        "n_steps": 400 * N_EVALUATIONS,
        "evaluations": evaluations,
        "seconds": trial.duration.total_seconds(),
        "device": "cuda:0",
        "n_parameters": 66_364_418,
    }
    path.write_text(json.dumps(content))


def write_answers(
    path: Path, examples: Sequence[Example], share: float, drawing: random.Random
) -> None:
    """Of each question the reference, or else another span of its context."""
    import pyarrow
    import pyarrow.parquet

    spans = [n_best_spans(example, share, drawing) for example in examples]
    answers = [best[0]["text"] for best in spans]
    ids = [example.id for example in examples]
    references = [[gold.text for gold in example.references] for example in examples]
    scores = score(dict(zip(ids, answers, strict=True)), dict(zip(ids, references, strict=True)))
    contexts = pyarrow.array([example.context for example in examples]).dictionary_encode()
    columns = {
        "id": ids,
        "answer": answers,
        "exact_match": scores.exact_match_by_question,
        "f1": scores.f1_by_question,
        "question": [example.question for example in examples],
        "context": contexts,
        "references": references,
        "null_score": [drawing.gauss(0, 3) for _ in examples],
        "n_windows": pyarrow.array([1] * len(examples), pyarrow.int32()),
        "n_best": spans,
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd")


def n_best_spans(example: Example, share: float, drawing: random.Random) -> list[dict[str, Any]]:
    """Spans of whole words; the first is the reference in about `share` of the cases."""
    gold = example.references[0]
    starts = [0, *(i + 1 for i, char in enumerate(example.context) if char == " ")]
    pairs = []
    while len(pairs) < N_BEST:
        start = drawing.choice(starts)
        end = example.context.find(" ", start + drawing.randrange(1, 30))
        pairs.append((start, end if end > 0 else len(example.context)))
    if drawing.random() < share:
        pairs[0] = (gold.start, gold.start + len(gold.text))
    return [
        {
            "text": example.context[start:end],
            "start": start,
            "end": end,
            "n_tokens": 1 + (end - start) // 5,
            "score": 10.0 - place,
            "probability": 0.5 ** (place + 1),
        }
        for place, (start, end) in enumerate(pairs)
    ]
