"""The command line, as a user meets it: what is asked for comes, what is wrong is one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment

SMALL = [
    "data.n_train=64",
    "data.n_eval=16",
    "trainer.epochs=1",
    "trainer.logging_steps=2",
    "tracking=off",
]


def assert_one_line(result, *words: str) -> None:
    """The command failed with one line that holds `words`, and without a traceback."""
    assert result.returncode == 1, result.stdout
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("qa_sweep: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize("mode", [[], ["-m"]], ids=["run", "sweep"])
@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("trainer.learning_rate=abc", ["trainer.learning_rate", "abc"]),
        ("trainer.lr=1", ["trainer.lr", "trainer.learning_rate"]),
        ("trainer.batch_size=0", ["trainer.batch_size", "at least 1"]),
        ("model=nope", ["model", "distilbert", "nope"]),
        ("data=local data.path=missing.json", ["missing.json"]),
    ],
)
def test_a_bad_setting_is_one_line_and_leaves_nothing(
    qa_sweep, tmp_path, mode, override, words
) -> None:
    assert_one_line(qa_sweep(*mode, *override.split(), *SMALL[3:]), *words)
    assert not list(tmp_path.iterdir())


def test_a_bad_value_anywhere_in_the_grid_is_found_before_anything_runs(qa_sweep, tmp_path) -> None:
    result = qa_sweep("-m", "trainer.batch_size=16,0", *SMALL)
    assert_one_line(result, "trainer.batch_size must be at least 1, but got 0")
    assert not list(tmp_path.iterdir())


def test_a_broken_row_is_named(qa_sweep, tmp_path) -> None:
    rows = [
        {
            "id": str(number),
            "question": "Who came?",
            "context": "Ada came.",
            "answers": {"text": ["Ada"], "answer_start": [start]},
        }
        for number, start in enumerate([0, 0, 3])
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    result = qa_sweep("-m", "data=local", "data.path=rows.jsonl", "tracking=off")
    assert_one_line(result, "rows.jsonl", "line 3", "'Ada'")
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_refused_run_leaves_alone_what_its_folder_held_before(qa_sweep, tmp_path) -> None:
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "weights").write_text("of another run")
    refused = ["data=local", "data.path=missing.json", "tracking=off"]
    for folder in ("mine", "."):
        assert_one_line(qa_sweep(*refused, f"hydra.run.dir={folder}"), "missing.json")
    assert (tmp_path / "mine" / "model" / "weights").exists()


def test_an_empty_split_is_refused(qa_sweep, tmp_path) -> None:
    (tmp_path / "empty.json").write_text('{"data": []}')
    result = qa_sweep("-m", "data=local", "data.path=empty.json", "tracking=off")
    assert_one_line(result, "empty.json")


def test_a_folder_that_cannot_be_written_is_named(qa_sweep, tmp_path) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")  # stops root, too
    assert_one_line(qa_sweep("-m", *SMALL), "results", "hydra.sweep.dir=")


def test_help_shows_groups_and_settings_on_two_screens(qa_sweep) -> None:
    result = qa_sweep("--help")
    assert result.returncode == 0
    assert "model: bert_base" in result.stdout
    assert "learning_rate: 0.004" in result.stdout
    assert "python -m qa_sweep -m" in result.stdout


def test_cfg_job_shows_the_settings_without_running(qa_sweep, tmp_path) -> None:
    result = qa_sweep("experiment=squad", "--cfg", "job")
    assert "path: distilbert/distilbert-base-uncased" in result.stdout
    assert qa_sweep("+experiment=squad", "--cfg", "job").stdout == result.stdout
    assert not list(tmp_path.iterdir())


def test_tab_completion_knows_groups_and_settings(tmp_path) -> None:
    program = Path(sys.executable).with_name("qa-sweep")
    for line, expected in [("model=", "model=tiny"), ("trainer.learn", "trainer.learning_rate=")]:
        words = f"qa-sweep {line}"
        completed = subprocess.run(
            [program, "-sc", "query=bash"],
            cwd=tmp_path,
            env={**environment(), "COMP_LINE": words, "COMP_POINT": str(len(words))},
            capture_output=True,
            text=True,
            check=True,
        )
        assert expected in completed.stdout.split()


def test_the_installed_command_lists_its_subcommands_on_one_screen(tmp_path) -> None:
    program = Path(sys.executable).with_name("qa-sweep")
    shown = subprocess.run([program, "help"], capture_output=True, text=True, check=True).stdout
    assert len(shown.splitlines()) < 24
    assert "qa-sweep report" in shown
