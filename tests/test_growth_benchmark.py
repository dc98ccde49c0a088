"""What `benchmarks/growth.py` says of figures, and the text that it makes of a text."""

import json
import sys
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from qa_sweep.data import read_examples
from qa_sweep.qa.example import Example, Reference

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))

import growth
from growth_parts.figures import Figure, growth_table, slope_table
from growth_parts.problem import as_squad
from growth_parts.work import cost_of_work, in_process
from series import Series

N_BYTES = 64 * 2**20


def shown(table: Table) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def figures_of(cost: dict[int, float]) -> list[Figure]:
    return [Figure("data", "stage", "s", size, value) for size, value in cost.items()]


def test_cost_that_grows_as_its_size_does_is_linear() -> None:
    text = shown(growth_table("", "×", figures_of({1: 0.5, 4: 2.0, 16: 8.0})))
    assert text.count("1.00") == 3


def test_what_is_paid_once_does_not_hide_that_one_more_costs_ever_more() -> None:
    text = shown(growth_table("", "trials", figures_of({6: 9.0, 60: 14.4, 600: 122.4})))
    assert "2.00" in text


def test_cost_that_grows_as_the_square_of_its_size_is_told_from_linear() -> None:
    text = shown(growth_table("", "×", figures_of({1: 1.0, 4: 16.0, 16: 256.0})))
    assert text.count("4.00") == 3


def test_slope_leaves_out_the_trials_before_memory_has_settled() -> None:
    held = {number: 500.0 if number < 10 else 100.0 + 0.25 * number for number in range(1, 61)}
    figures = [Figure("leak", "off", "MB", number, value) for number, value in held.items()]
    assert "+0.250" in shown(slope_table("", figures))


def test_repeated_text_is_read_as_so_many_examples_of_which_no_two_are_alike(
    tmp_path: Path,
) -> None:
    given = [
        Example("a", "Who came?", "Ann came home.", (Reference("Ann", 0),)),
        Example("b", "Where to?", "Ann came home.", (Reference("home", 9),)),
    ]
    path = tmp_path / "repeated.json"
    path.write_text(json.dumps(as_squad(given, 5)))
    examples = read_examples(path)
    assert len({(example.question, example.context) for example in examples}) == 5
    assert sorted({r.text for example in examples for r in example.references}) == ["Ann", "home"]


def hold_memory(n_bytes: int) -> float:
    """What is found of a work that holds so much for a moment only."""
    return cost_of_work(lambda: lambda: len(b"x" * n_bytes)).peak_mb


def test_peak_of_a_work_counts_what_was_let_go() -> None:
    found = in_process(hold_memory, N_BYTES) - in_process(hold_memory, 1)
    assert found == pytest.approx(N_BYTES / 2**20, rel=0.1)


def test_steps_that_were_taken_are_not_taken_again_and_other_sizes_are_added(
    tmp_path: Path,
) -> None:
    taken: list[int] = []

    def step(size: int, repeat: int) -> list[Figure]:
        taken.append(size)
        return [Figure("workers", "sleep", "trials a minute", size, 60.0 * size)]

    for sizes in ([1, 2], [1, 2, 4]):
        steps = {str(size): partial(step, size) for size in sizes}
        series = Series(tmp_path / "growth.jsonl", {"sleeps": 40})
        growth.take_all(series, steps, range(1), Console(quiet=True))
    assert taken == [1, 2, 4]
    assert [f.value for f in growth.figures_of(series, steps, range(1))] == [60.0, 120.0, 240.0]


@pytest.mark.parametrize("part", growth.PARTS)
def test_a_part_depends_on_options_that_there_are(part: str, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["growth.py", "--parts", part])
    assert set(growth.PARTS[part].DEPENDS_ON) <= set(vars(growth.read_options()))
