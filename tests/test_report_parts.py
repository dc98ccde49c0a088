"""What reports are made of: small charts, thinned lines, texts a terminal can show, records."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_sweep.errors import StudyError
from qa_sweep.report.course import last_evaluated_step, read_course
from qa_sweep.report.curves import sparkline, value_range
from qa_sweep.report.glyphs import BLOCKS, Glyphs
from qa_sweep.report.page import in_script
from qa_sweep.report.shown_study import harmless
from qa_sweep.report.thinning import MAX_LINES, drawn, thinned

RECORD = {
    "metrics": {"f1": 40.0},
    "n_steps": 20,
    "device": "cpu",
    "n_parameters": 7,
    "evaluations": [{"step": 10, "epoch": 0.5, "eval_f1": 40, "eval_loss": math.nan, "grad": 1}],
}


def test_a_small_chart_rises_from_the_lowest_to_the_highest_block() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 0, 7) == BLOCKS
    assert sparkline([5, 5], 5, 5) == BLOCKS[0] * 2
    assert sparkline([1, math.nan, math.inf, 0], 0, 1) == f"{BLOCKS[-1]}··{BLOCKS[0]}"


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=500))
def test_a_small_chart_fits_into_a_line_and_ends_with_the_last_value(values) -> None:
    low, high = value_range([values])
    chart = sparkline(values, low, high)
    assert len(chart) == min(len(values), 40)
    assert chart[-1] == sparkline(values[-1:], low, high)


def test_the_range_of_curves_leaves_out_what_is_no_number() -> None:
    assert value_range([[1.0, math.inf], [], [math.nan, -2.0]]) == (-2.0, 1.0)
    assert value_range([[]]) == (0.0, 0.0)


@given(st.integers(0, 700))
def test_of_many_the_best_and_the_last_are_drawn_each_once(count) -> None:
    shown = thinned(range(count))
    assert len(shown) == min(count, MAX_LINES)
    assert shown == sorted(set(shown))
    assert shown[:20] == list(range(min(count, 20)))
    assert not count or shown[-1] == count - 1
    assert (drawn(range(count)) == "") == (count <= MAX_LINES)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_all_that_is_said_can_be_written_in_the_terminals_encoding(encoding) -> None:
    text = f"F1 84.1 ± 0.5 – {BLOCKS} 日本 …"
    shown = Glyphs(encoding).fit(text)
    shown.encode(encoding)
    assert (shown == text) == (encoding == "utf-8")


def test_plain_blocks_are_told_apart() -> None:
    assert len(set(Glyphs("ascii").fit(BLOCKS))) == len(BLOCKS)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_text_does_not_steer_the_terminal(encoding) -> None:
    shown = Glyphs(encoding).fit("a\x1b[2Jb\nc\u202ed\x9b31me")
    assert shown.isprintable()
    assert "\\x1b[2J" in shown


def test_markup_is_not_taken_for_markup_by_the_terminal_nor_by_figures() -> None:
    assert Glyphs("utf-8").text("[red]x[/red]").plain == "[red]x[/red]"
    assert not set(harmless("<b>&lt;a href='x'></b>")) & set("<>&")


def test_json_cannot_end_the_script_it_stands_in() -> None:
    hostile = {"</script><!--": ["<script>", "\u2028"]}
    assert "<" not in in_script(hostile)
    assert json.loads(in_script(hostile)) == hostile


def test_a_record_is_read_without_what_is_no_number(tmp_path) -> None:
    (tmp_path / "result.json").write_text(json.dumps(RECORD))
    course = read_course(tmp_path)
    assert (course.device, course.n_steps, course.n_parameters) == ("cpu", 20, 7)
    (evaluated,) = course.evaluations
    assert (evaluated.step, evaluated.epoch, evaluated.metrics) == (10, 0.5, {"f1": 40.0})


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"evaluations": 3}', json.dumps(RECORD).replace("10", "[]")],
)
def test_a_broken_record_is_told_in_one_line(tmp_path, text) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(StudyError, match=r"^[^\n]+$"):
        read_course(tmp_path)


def test_the_last_evaluated_step_is_told_by_the_stored_evaluations(tmp_path) -> None:
    assert last_evaluated_step(tmp_path) is None
    (tmp_path / "evaluations").mkdir()
    for name in ("000000020.parquet", "000000100.parquet", ".x.parquet", "notes.txt"):
        (tmp_path / "evaluations" / name).touch()
    assert last_evaluated_step(tmp_path) == 100
