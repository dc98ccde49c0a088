"""That a benchmark keeps each turn that it has taken, and goes on from there."""

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))

from processes import measure
from series import Series

OURS, THEIRS = "ours", "theirs"
BOTH = [OURS, THEIRS]
SETTINGS = {"epochs": 1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "measured" / "series.jsonl"


def take(series: Series, pair: int, turn: str, seconds: float = 2.5) -> None:
    series.take(pair, turn, lambda: {turn: {"wall_s": seconds}})


def refuse() -> dict:
    raise AssertionError("it was taken before")


def test_turn_that_was_taken_is_not_taken_again(path: Path) -> None:
    take(Series(path, SETTINGS), 0, OURS)
    again = Series(path, SETTINGS)
    again.take(0, OURS, refuse)
    assert again.whole([OURS], [0]) == [{OURS: {"wall_s": 2.5}}]


def test_turn_that_fails_is_taken_by_the_next_process(path: Path) -> None:
    with pytest.raises(AssertionError):
        Series(path, SETTINGS).take(0, OURS, refuse)
    assert not Series(path, SETTINGS).is_taken(0, OURS)


def test_measurements_of_other_settings_are_refused_by_name(path: Path) -> None:
    Series(path, SETTINGS)
    with pytest.raises(SystemExit, match="same settings, but has another epochs"):
        Series(path, {"epochs": 2})


def test_file_that_was_cut_anywhere_in_its_last_line_keeps_the_turns_before(path: Path) -> None:
    series = Series(path, SETTINGS)
    take(series, 0, OURS)
    before = path.read_bytes()
    take(series, 0, THEIRS)
    content = path.read_bytes()
    for size in range(len(before), len(content), 9):
        path.write_bytes(content[:size])
        again = Series(path, SETTINGS)
        assert again.is_taken(0, OURS)
        assert not again.is_taken(0, THEIRS)
        take(again, 0, THEIRS)
        assert Series(path, SETTINGS).is_taken(0, THEIRS)


def test_pairs_are_shown_when_they_are_whole_in_the_order_of_the_contenders(path: Path) -> None:
    series = Series(path, SETTINGS)
    for pair, turn in [(0, THEIRS), (0, OURS), (1, THEIRS)]:
        take(series, pair, turn)
    (whole,) = series.whole(BOTH, range(2))
    assert list(whole) == BOTH


def test_what_is_left_is_told_in_minutes_once_each_was_taken(path: Path) -> None:
    series = Series(path, SETTINGS)
    take(series, 0, OURS)
    assert series.what_is_left(BOTH, range(3)) == "5 of 6 turns to go"
    take(series, 0, THEIRS)
    _set_seconds(path, {OURS: 60, THEIRS: 240})
    series = Series(path, SETTINGS)
    assert series.what_is_left(BOTH, range(3)) == "4 of 6 turns to go, about 10 min"


def _set_seconds(path: Path, seconds: dict[str, float]) -> None:
    settings, *turns = map(json.loads, path.read_text().splitlines())
    told = [{**turn, "seconds": seconds[turn["turn"]]} for turn in turns]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in (settings, *told)))


def test_command_that_fails_ends_the_benchmark_with_what_it_printed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('no such thing'); sys.exit(3)"]
    with pytest.raises(SystemExit, match=r"no such thing\n.* must succeed, but exited 3"):
        measure(command, tmp_path)


def test_cost_of_a_command_is_that_of_its_children_too(tmp_path: Path) -> None:
    child = "b'x' * 2**27; [n for n in range(3_000_000)]"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    cost = measure([sys.executable, "-c", program], tmp_path)
    assert cost.peak_mb > 2**27 / 2**20
    assert cost.cpu_s > 0.1
