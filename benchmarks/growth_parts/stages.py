"""Stages of a run: each brings its input, which is not timed, and returns the work that is."""

import shutil
from collections.abc import Callable
from functools import partial

import numpy as np
from processes import Cost

from growth_parts.problem import Problem
from growth_parts.work import cost_of_work
from qa_sweep import job
from qa_sweep.data import Splits, load_examples
from qa_sweep.data.window_cache import WindowCache
from qa_sweep.device import set_threads
from qa_sweep.evaluation import Evaluation, evaluate, judge
from qa_sweep.model import Reader, make_reader, make_tokenizer, reads_overlap
from qa_sweep.predictions import save_predictions
from qa_sweep.prepared import Prepared, prepare_splits
from qa_sweep.qa.spans import SpanCollector
from qa_sweep.qa.windows import Windows
from qa_sweep.sweep.trial import TrialHandle

Work = Callable[[], object]


def cost(name: str, problem: Problem, warm_up: Problem) -> Cost:
    """Cost of a stage in a process that has done it once before, with little data."""
    stage = STAGES[name]
    stage(warm_up)()
    return cost_of_work(partial(stage, problem))


def reading(problem: Problem) -> Work:
    return partial(load_examples, problem.config.data)


def tokenizer(problem: Problem) -> Work:
    """Made of the train split's texts, or loaded."""
    return partial(_tokenizer, problem, load_examples(problem.config.data))


def preparation(problem: Problem) -> Work:
    shutil.rmtree(problem.windows_folder, ignore_errors=True)
    return _preparation(problem)


def preparation_from_cache(problem: Problem) -> Work:
    """What `preparation` has kept, which ran before, in another process."""
    work = _preparation(problem)
    if not problem.windows_folder.exists():  # as of the little data that warm up
        work()
    return work


def training(problem: Problem) -> Work:
    """A whole run of one epoch, whose windows are there, whose evaluation costs next to nothing."""
    config, folder = problem.with_few_held_out.config, problem.folder / "run"
    shutil.rmtree(folder, ignore_errors=True)
    _prepared(problem.with_few_held_out)
    return partial(job.run, config, folder, TrialHandle())


def evaluation(problem: Problem) -> Work:
    """By a model that has learnt nothing, which takes the same time."""
    reader, held_out = _reader(problem), _prepared(problem).held_out
    set_threads(problem.config.trainer, reader.n_parameters)
    return partial(evaluate, reader, held_out.windows, held_out.examples, problem.config.evaluation)


def post_processing(problem: Problem) -> Work:
    """From logits to scored answers, as evaluation does it; the logits are drawn."""
    return partial(_judged, problem, _prepared(problem))


def predictions(problem: Problem) -> Work:
    prepared = _prepared(problem)
    found, path = _judged(problem, prepared), problem.folder / "predictions.parquet"
    return partial(save_predictions, path, found, prepared.held_out.examples)


STAGES: dict[str, Callable[[Problem], Work]] = {
    "reading": reading,
    "tokenizer": tokenizer,
    "preparation": preparation,
    "preparation, from cache": preparation_from_cache,
    "training": training,
    "evaluation": evaluation,
    "post-processing": post_processing,
    "predictions.parquet": predictions,
}


def _preparation(problem: Problem) -> Work:
    splits = load_examples(problem.config.data)
    return partial(_windows, problem, _tokenizer(problem, splits), splits)


def _windows(problem: Problem, made: object, splits: Splits) -> list[Windows]:
    data, mark_overlap = problem.config.data, reads_overlap(problem.config.model)
    cache = WindowCache(made, problem.windows_folder)
    return [
        cache.prepare(examples, data.max_length, data.doc_stride, mark_overlap)
        for examples in (splits.train, splits.eval)
    ]


def _tokenizer(problem: Problem, splits: Splits) -> object:
    texts = (text for example in splits.train for text in (example.question, example.context))
    return make_tokenizer(problem.config.model, texts, problem.config.data.max_length)


def _prepared(problem: Problem) -> Prepared:
    config = problem.config
    return prepare_splits(config.model, config.data, load_examples(config.data))


def _reader(problem: Problem) -> Reader:
    config = problem.config
    made = _prepared(problem).tokenizer
    return make_reader(config.model, made, config.data.max_length, config.seed)


def _judged(problem: Problem, prepared: Prepared) -> Evaluation:
    settings, windows = problem.config.evaluation, prepared.held_out.windows
    drawn = np.random.default_rng(0).normal(
        size=(2, settings.batch_size, problem.config.data.max_length)
    )
    starts, ends = drawn.astype(np.float32)
    collector = SpanCollector(windows, settings.n_best, settings.max_answer_length)
    by_length = np.argsort(windows.lengths, kind="stable")
    for first in range(0, len(windows), settings.batch_size):
        rows = by_length[first : first + settings.batch_size]
        where = slice(len(rows)), slice(int(windows.lengths[rows].max()))
        collector.add(rows, starts[where], ends[where])
    return judge(collector.finish(), 0.0, prepared.held_out.examples, settings.max_answer_length)
