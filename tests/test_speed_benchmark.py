"""That the benchmarks of speed compare like with like, and keep what they measured."""

import json
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from conftest import Command
from datasets import Dataset
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from qa_sweep.config import EmbeddedData
from qa_sweep.data import load_examples, prepare, read_examples
from qa_sweep.data.embedded import generate
from qa_sweep.model import make_reader
from qa_sweep.qa.example import Example
from qa_sweep.tiny import make_tokenizer

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))

from course import answer_windows, best_texts, flatten
from speed_parts.differences import difference
from speed_parts.problem import Grid, Problem, embedded_problem
from speed_parts.ratios import in_words, nth_from_the_ends, ratio, sureness
from speed_parts.same_work import require_same_work
from speed_parts.search import (
    FINER,
    GRIDS,
    PRUNED,
    TUTORIALS,
    keeps_winner,
    n_points,
    seconds_until,
    ways,
)
from speed_parts.squad_json import write_squad
from tutorial import BATCH_SIZES, LEARNING_RATES

MAX_LENGTH, DOC_STRIDE = 48, 12  # some contexts are cut into two windows


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return generate(EmbeddedData(n_train=60, n_eval=1))["train"]


@pytest.fixture(scope="module")
def rows(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    path = tmp_path_factory.mktemp("rows") / "train.json"
    write_squad(path, examples)
    articles = json.loads(path.read_text())["data"]
    return flatten({"paragraphs": [article["paragraphs"] for article in articles]})


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    folder = tmp_path_factory.mktemp("problem")
    grid = Grid((16,), (0.004,))
    return embedded_problem(["data.n_train=40", "data.n_eval=8"], grid, 384, folder)


def test_written_examples_are_read_again_in_their_order(
    examples: list[Example], tmp_path: Path
) -> None:
    write_squad(tmp_path / "train.json", examples)
    assert read_examples(tmp_path / "train.json") == examples


def test_tutorial_sees_the_windows_that_a_run_sees(
    examples: list[Example], rows: dict[str, list]
) -> None:
    texts = [text for example in examples for text in (example.question, example.context)]
    tokenizer = make_tokenizer(texts, 700, MAX_LENGTH)
    theirs = answer_windows(rows, tokenizer, MAX_LENGTH, DOC_STRIDE, mark_overlap=True)
    ours = prepare(examples, tokenizer, MAX_LENGTH, DOC_STRIDE, mark_overlap=True)
    assert len(ours) > len(examples)
    is_token = np.array(theirs["attention_mask"]) == 1
    assert (np.array(theirs["input_ids"])[is_token] == ours.input_ids).all()
    assert (np.array(theirs["token_type_ids"])[is_token] == ours.token_types).all()
    assert theirs["start_positions"] == ours.start_labels.tolist()
    assert theirs["end_positions"] == ours.end_labels.tolist()


def test_tutorial_answers_what_its_model_is_sure_of(
    examples: list[Example], rows: dict[str, list]
) -> None:
    texts = [text for example in examples for text in (example.question, example.context)]
    tokenizer = make_tokenizer(texts, 700, MAX_LENGTH)
    windows = Dataset.from_dict(dict(answer_windows(rows, tokenizer, MAX_LENGTH, DOC_STRIDE)))
    starts, ends = np.zeros((2, len(windows), MAX_LENGTH))
    for logits, name in ((starts, "start_positions"), (ends, "end_positions")):
        logits[np.arange(len(windows)), windows[name][:]] = 1.0
    answers = best_texts(Dataset.from_dict(rows), windows, starts, ends)
    assert answers == {example.id: example.references[0].text for example in examples}


def test_tutorial_begins_with_the_weights_of_a_run(problem: Problem) -> None:
    tokenizer = AutoTokenizer.from_pretrained(problem.model)
    theirs = AutoModelForQuestionAnswering.from_pretrained(problem.model)
    config = problem.config
    ours = make_reader(config.model, tokenizer, config.data.max_length, config.seed).model
    assert theirs.config.max_position_embeddings == 384
    assert theirs.config.mark_overlap
    trained = {name: weights for name, weights in ours.named_parameters() if weights.requires_grad}
    for name, weights in theirs.named_parameters():
        assert name not in trained or weights.equal(trained.pop(name)), name
    assert not trained


def test_tutorial_is_given_the_examples_of_a_run(problem: Problem) -> None:
    splits = load_examples(problem.config.data)
    assert read_examples(problem.train) == splits.train
    assert read_examples(problem.eval) == splits.eval


def test_other_numbers_of_steps_are_not_the_same_work() -> None:
    point = {"batch_size": 16, "learning_rate": 0.004, "n_steps": 750}
    pair = {"tutorial": {"points": [point]}, "ours": {"points": [{**point, "n_steps": 749}]}}
    with pytest.raises(SystemExit, match="749"):
        require_same_work(pair, n_points=1)
    pair["ours"]["points"] = [point]
    require_same_work(pair, n_points=1)


def test_ratio_is_that_within_pairs() -> None:
    assert ratio([6.0, 40.0, 9.0], [2.0, 10.0, 1.0]) == "4.00 (3.00 to 9.00)"


def test_interval_of_a_median_leaves_out_what_it_can_and_says_how_sure_it_is() -> None:
    assert ratio(range(1, 12), [1] * 11) == "6.00 (3.00 to 9.00)"
    assert in_words(11) == "median of 11 pairs (but for the 2 least and greatest, 93 % sure)"
    assert in_words(5) == "median of 5 pairs (least to greatest, 94 % sure)"


@pytest.mark.parametrize("n_values", [3, 5, 8])
def test_median_lies_in_its_interval_as_often_as_is_said(n_values: int) -> None:
    nth = nth_from_the_ends(n_values)
    drawn = np.sort(np.random.default_rng(0).exponential(size=(20_000, n_values)), axis=1)
    is_within = (drawn[:, nth - 1] < np.log(2)) & (np.log(2) < drawn[:, -nth])
    assert is_within.mean() == pytest.approx(sureness(n_values, nth), abs=0.01)


def test_difference_has_the_interval_of_students_t() -> None:
    assert difference([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], ".2f") == "+2.00 (-0.48 to +4.48)"


def trial(number: int, state: str, f1: float) -> dict:
    metrics = {"f1": f1} if state == "complete" else {}
    return {"state": state, "metrics": metrics, "seconds": 10.0, "finished": f"{number:03}"}


def test_search_pays_for_pruned_trials_until_it_is_as_good() -> None:
    found = {
        "trials": [
            trial(2, "complete", 95.0),
            trial(0, "complete", 50.0),
            trial(1, "pruned", 0.0),
            trial(3, "complete", 96.0),
        ]
    }
    assert seconds_until(found, 94.0) == 30.0
    assert seconds_until(found, 97.0) is None


def test_winner_is_kept_where_it_is_the_same_or_as_good() -> None:
    grid = {"best": {"params": {"rate": 0.004}, "f1": 95.0}}

    def keeps(rate: float, f1: float) -> bool:
        best = {"params": {"rate": rate}, "f1": f1}
        return keeps_winner({FINER: grid, FINER + PRUNED: {"best": best}}, FINER + PRUNED)

    assert keeps(0.004, 94.0)
    assert keeps(0.003, 95.5)
    assert not keeps(0.003, 94.0)


def test_pruned_grid_tries_each_of_its_points_once_in_another_order(qa_sweep: Command) -> None:
    overrides = ways([TUTORIALS])[TUTORIALS + PRUNED]
    shown = qa_sweep("-m", *overrides, "hydra.sweeper.dry_run=true").stdout
    rows = [line.split() for line in shown.splitlines()]
    points = [(int(row[1]), float(row[2])) for row in rows if row and row[0].isdecimal()]
    grid = list(product(BATCH_SIZES, LEARNING_RATES))
    assert len(points) == n_points(GRIDS[TUTORIALS]) == len(grid)
    assert sorted(points) == sorted(grid)
    assert points != grid
