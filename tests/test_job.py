"""A run, a sweep of runs, and what they leave: the real commands, small."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pyarrow.parquet
import pytest
from conftest import environment, run
from optuna.trial import TrialState
from pasting import next_steps, paste
from sweep_law import assert_as_undisturbed

from qa_sweep.checkpoints import SEAL_FILE
from qa_sweep.tracking import read_runs

SMALL = [
    "data.n_train=200",
    "data.n_eval=40",
    "trainer.epochs=2",
    "trainer.logging_steps=4",
]
GRID = ["trainer.batch_size=16,32", "trainer.learning_rate=0.004,0.0004"]


def one_folder(folder: Path) -> Path:
    (found,) = (path for path in folder.glob("[!.]*") if path.is_dir())
    return found


def study_in(folder: Path) -> optuna.Study:
    storage = f"sqlite:///{folder}/results/studies.db"
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> Path:
    """A folder in which a sweep of four trials was run, through the command line."""
    folder = tmp_path_factory.mktemp("swept")
    result = run(["-m", "qa_sweep", "-m", *SMALL, *GRID], folder)
    assert result.returncode == 0, result.stderr
    (folder / "output.txt").write_text(result.stdout)
    return folder


def test_a_sweep_ends_with_its_table_the_best_folder_and_what_to_type_next(swept) -> None:
    output = (swept / "output.txt").read_text()
    best = study_in(swept).best_trial
    assert f"best: trial {best.number}, f1 " in output
    assert f"in results/{study_in(swept).study_name}/{best.number}" in output
    for command in ("qa_sweep.up", "aim up", "qa_sweep.report", "qa_sweep.ask"):
        assert command in output
    for page in ("metrics", "params"):
        assert f"http://127.0.0.1:43800/{page}/" in output


def test_what_a_sweep_says_to_type_next_works_as_it_is_pasted(swept, tmp_path, monkeypatch) -> None:
    """Also where its results and its storage are elsewhere, in files that must be quoted."""
    results = tmp_path / "it's all"
    shutil.copytree(swept / "results", results)
    (results / "studies.db").rename(tmp_path / "my studies.db")
    monkeypatch.setenv("STUDIES", "my studies.db")
    place = ['hydra.sweep.dir="it\'s all"', "hydra.sweeper.storage='sqlite:///${oc.env:STUDIES}'"]
    ended = run(["-m", "qa_sweep", "-m", *SMALL, *GRID, *place, "tracking=off"], tmp_path)
    assert ended.returncode == 0, ended.stderr
    name, best = study_in(swept).study_name, study_in(swept).best_trial.number
    report, ask = next_steps(ended.stdout)
    assert f"study {name}" in paste(report, tmp_path)
    question, context = (shlex.split(ask)[i] for i in (3, 5))
    predictions = pyarrow.parquet.read_table(results / name / str(best) / "predictions.parquet")
    assert question in predictions["question"].to_pylist(), "it is of the study's own data"
    assert paste(ask, tmp_path).strip() in context


def test_each_trial_is_complete_and_linked_to_its_aim_run(swept) -> None:
    study = study_in(swept)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 4
    runs = {run.hash: run for run in read_runs(str(swept))}
    assert len(runs) == 4
    for trial in study.trials:
        tracked = runs[trial.user_attrs["aim_run"]]
        assert tracked.experiment == study.study_name
        assert tracked.params["study"]["trial"] == trial.number
        assert tracked.params["hparams"]["batch_size"] == trial.params["trainer.batch_size"]
        assert tracked.params["hparams"]["learning_rate"] == trial.params["trainer.learning_rate"]
        assert tracked.status == "complete"


def test_runs_hold_curves_of_both_subsets_and_the_questions(swept) -> None:
    tracked = read_runs(str(swept))[0]
    for name, subset in [("loss", "train"), ("learning_rate", "train"), ("loss", "eval")]:
        assert tracked.metrics[name, subset]
    evaluations = tracked.metrics["f1", "eval"]
    assert len(evaluations) == len(tracked.metrics["exact_match", "eval"]) == 2
    assert tracked.params["best"]["f1"] == max(value for _, _, value in evaluations)
    names = {name for name, *_ in tracked.texts}
    assert names == {"question", "answer", "reference", "score"}


def test_each_run_holds_its_answers_to_the_same_held_out_questions(swept) -> None:
    asked = [
        sorted(text for text in tracked.texts if text[0] == "question")
        for tracked in read_runs(str(swept))
    ]
    assert len(asked[0]) > 20, "the question set is asked too"
    assert all(questions == asked[0] for questions in asked)


def test_a_run_leaves_model_predictions_and_result_and_no_checkpoints(swept) -> None:
    folder = one_folder(swept / "results") / "0"
    result = json.loads((folder / "result.json").read_text())
    assert result["metrics"]["f1"] == study_in(swept).trials[0].value
    predictions = pyarrow.parquet.read_table(folder / "predictions.parquet").to_pylist()
    assert len(predictions) == 40
    mean = 100 * sum(row["exact_match"] for row in predictions) / 40
    assert mean == pytest.approx(result["metrics"]["exact_match"])
    assert predictions[0]["answer"] == predictions[0]["n_best"][0]["text"]
    files = {path.name for path in (folder / "model").iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "README.md"} <= files
    assert not (folder / "checkpoints").exists()


def test_a_run_says_where_its_time_went_in_its_record_and_in_aim(swept) -> None:
    for tracked in read_runs(str(swept)):
        folder = one_folder(swept / "results") / str(tracked.params["study"]["trial"])
        result = json.loads((folder / "result.json").read_text())
        timing = result["timing"]
        parts = [timing[f"{part}_seconds"] for part in ("step", "evaluation", "other")]
        assert min(parts) > 0
        assert sum(parts) == pytest.approx(result["seconds"], abs=0.01)
        assert 0.5 < timing["real_token_share"] <= 1
        assert timing["windows_per_second"] * timing["step_seconds"] == pytest.approx(400, rel=0.01)
        assert tracked.params["timing"] == timing


def test_the_same_command_again_only_shows_the_table(swept) -> None:
    result = run(["-m", "qa_sweep", "-m", *SMALL, *GRID], swept)
    assert result.returncode == 0
    assert "best: trial" in result.stdout
    assert not re.search(r"step \d", result.stdout), "nothing is trained"
    assert len(study_in(swept).trials) == 4
    assert len(read_runs(str(swept))) == 4


def test_report_shows_the_table_again(swept) -> None:
    result = run(["-m", "qa_sweep.report"], swept)
    assert result.returncode == 0, result.stderr
    assert str(study_in(swept).best_trial.number) in result.stdout
    assert "best: results/" in result.stdout
    assert re.search(r"Trials? .* best", result.stdout)
    assert "http://127.0.0.1:43800/metrics/" in result.stdout


def test_ask_answers_from_the_best_model_with_a_span_of_the_context(swept) -> None:
    context = "Mira Tolan was born in Lund. Odo Verrin lives in Bergen."
    words = ["-m", "qa_sweep.ask", "Where was Mira Tolan born?", "--context", context]
    result = run(words, swept)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() in context
    answers = json.loads(run([*words, "--json", "--n-best", "5"], swept).stdout)["answers"]
    assert answers[0]["text"] == context[answers[0]["start"] : answers[0]["end"]]
    assert [a["probability"] for a in answers] == sorted(
        (a["probability"] for a in answers), reverse=True
    )


def test_ask_and_report_say_where_studies_are_missing(tmp_path) -> None:
    for words in (["qa_sweep.report"], ["qa_sweep.ask", "Who?", "--context", "Ada."]):
        result = run(["-m", *words], tmp_path)
        assert result.returncode == 1
        (line,) = result.stderr.strip().splitlines()
        assert "python -m qa_sweep -m" in line


def test_a_sweep_that_is_killed_and_started_again_ends_like_an_undisturbed_one(
    swept, tmp_path
) -> None:
    words = ["-m", "qa_sweep", "-m", *SMALL, *GRID]
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(tmp_path, f"results/*/*/checkpoints/checkpoint-*/{SEAL_FILE}")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    result = run(words, tmp_path)
    assert result.returncode == 0, result.stderr
    assert_as_undisturbed(tmp_path, swept)
    doctor = run(["-m", "qa_sweep.doctor", "--repair"], tmp_path)
    assert doctor.returncode == 0, doctor.stdout


def test_one_run_without_tracking_leaves_no_repo_and_imports_only_what_it_needs(tmp_path) -> None:
    words = ["-X", "importtime", "-m", "qa_sweep", *SMALL, "trainer.epochs=1", "tracking=off"]
    result = run(words, tmp_path)
    assert result.returncode == 0, result.stderr
    assert "f1" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    imported = set(re.findall(r"^import time:.*\| +(\S+)$", result.stderr, re.MULTILINE))
    assert {"torch", "accelerate"} <= imported, "the Trainer's own import is not told"
    assert {"aim", "datasets", "evaluate", "pandas", "scipy.optimize"} & imported == set()


def wait_for(folder: Path, pattern: str) -> None:
    deadline = time.monotonic() + 120
    while not list(folder.glob(pattern)):
        assert time.monotonic() < deadline, f"no {pattern} within two minutes"
        time.sleep(0.02)
