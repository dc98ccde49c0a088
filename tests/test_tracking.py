"""What tracking stores in a real Aim repo, and what it never stores."""

import logging
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tracking_helpers import (
    empty_repo,
    holds,
    in_new_process,
    occurs,
    only_run,
    repo,
    start,
    stored,
    wait_for,
)

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.redaction import redact
from qa_sweep.tracking import (
    AnsweredQuestion,
    NullTracker,
    Outcome,
    Subset,
    events,
    open_tracker,
    read_runs,
)
from qa_sweep.tracking.environment import git_state
from qa_sweep.tracking.events import log_line
from qa_sweep.tracking.logs import LogLineHandler
from qa_sweep.tracking.markup import escape
from qa_sweep.tracking.settling import record
from qa_sweep.tracking.values import plain

__all__ = ["empty_repo", "repo"]  # fixtures

MARKUP = "<img src=x onerror=alert(1)>"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;"
WITHOUT_MARKUP = "‹img src=x onerror=alert(1)›"


def test_the_package_imports_neither_aim_nor_transformers():
    script = """
        import sys, qa_sweep.tracking
        print({"aim", "transformers", "torch"} & set(sys.modules))
    """
    assert in_new_process(script).communicate()[0].strip() == "set()"


def test_tracker_off_is_a_tracker_that_does_nothing(tmp_path):
    config = TrackingConfig(tracker=Tracker.off)
    tracker = open_tracker(config, experiment="e", run_name="r", folder=tmp_path)
    assert isinstance(tracker, NullTracker)
    assert tracker.run_hash is None
    tracker.close(Outcome.complete)
    assert list(tmp_path.iterdir()) == []


def test_metrics_have_their_subset_steps_and_epochs(repo):
    tracker = start(repo)
    tracker.track({"loss": 2.5, "learning_rate": 1e-3}, step=10, epoch=0.5, subset=Subset.train)
    tracker.track({"loss": 2}, step=20, epoch=1.0, subset=Subset.train)
    tracker.track({"loss": 2.25, "f1": 80.0}, step=20, epoch=None, subset=Subset.eval)
    tracker.close(Outcome.complete)
    assert only_run(repo).metrics == {
        ("loss", "train"): [(10, 0.5, 2.5), (20, 1.0, 2.0)],
        ("learning_rate", "train"): [(10, 0.5, 1e-3)],
        ("loss", "eval"): [(20, None, 2.25)],
        ("f1", "eval"): [(20, None, 80.0)],
    }


def test_what_is_no_finite_number_is_no_metric(repo):
    tracker = start(repo)
    metrics = {"a": None, "b": float("nan"), "c": float("inf"), "d": "nan", "e": True, "f": 1}
    tracker.track(metrics, step=1, epoch=None, subset=Subset.eval)
    tracker.close(Outcome.diverged)
    assert only_run(repo).metrics == {("f", "eval"): [(1, None, 1.0)]}


def test_params_keep_their_types(repo):
    hparams = {"learning_rate": 4e-5, "batch_size": 16, "fp16": True, "limit": None, "name": "x"}
    tracker = start(repo)
    tracker.set_params({"hparams": hparams, "data": {"path": Path("a/b"), "kind": Tracker.aim}})
    tracker.close(Outcome.complete)
    params = only_run(repo).params
    assert params["hparams"] == hparams
    assert {name: type(value) for name, value in params["hparams"].items()} == {
        name: type(value) for name, value in hparams.items()
    }
    assert params["data"] == {"path": "a/b", "kind": "aim"}


def test_texts_have_names_context_and_one_step_a_question(repo):
    tracker = start(repo)
    first = AnsweredQuestion("Who's it?", "A passage.", "Ann", reference="Ann Lee")
    tracker.track_questions([first, AnsweredQuestion("When?", "A passage.", "1984")])
    tracker.close(Outcome.complete)
    assert sorted(only_run(repo).texts) == [
        ("answer", "A passage.", 0, "Ann"),
        ("answer", "A passage.", 1, "1984"),
        ("question", "A passage.", 0, "Who's it?"),
        ("question", "A passage.", 1, "When?"),
        ("reference", "A passage.", 0, "Ann Lee"),
    ]


def test_markup_is_stored_escaped(repo):
    tracker = start(repo)
    tracker.track_questions([AnsweredQuestion(*[MARKUP] * 4)])
    logging.getLogger("qa").warning(MARKUP)
    tracker.close(Outcome.failed, error=MARKUP)
    run = only_run(repo)
    assert {(context, text) for _, context, _, text in run.texts} == {(ESCAPED, ESCAPED)}
    assert run.logs[0].endswith(ESCAPED)
    assert run.params["error"] == WITHOUT_MARKUP
    assert not occurs(MARKUP, repo)


def test_params_and_their_names_have_look_alikes_for_markup(repo):
    tracker = start(repo)
    tracker.set_params({"hparams": {MARKUP: MARKUP, "path": """it's "here" """.strip()}})
    tracker.close(Outcome.complete)
    hparams = only_run(repo).params["hparams"]
    assert hparams == {WITHOUT_MARKUP: WITHOUT_MARKUP, "path": "it’s ”here”"}


def test_texts_are_capped_before_they_are_escaped():
    assert escape("<" * 5, 3) == "&lt;&lt;…"
    assert escape("a\ud800b", 10) == "a?b"


@pytest.mark.parametrize("outcome", Outcome)
def test_the_outcome_is_stored_and_tagged_and_the_run_closed(repo, outcome):
    tracker = start(repo)
    wait_for(lambda: [run.status for run in read_runs(str(repo))] == ["running"])
    assert only_run(repo).end_time is None
    tracker.close(outcome)
    tracker.close(Outcome.failed)
    run = only_run(repo)
    assert (run.status, run.tags) == (outcome.value, (outcome.value,))
    assert run.end_time == pytest.approx(time.time(), abs=600)
    assert not list((repo / ".aim" / "meta" / "progress").iterdir())
    assert not list((repo / ".aim" / "locks").iterdir())


def test_a_given_hash_continues_the_same_run(repo):
    tracker = start(repo)
    tracker.track({"loss": 3.0}, step=1, epoch=None, subset=Subset.train)
    logging.warning("first")
    tracker.close(Outcome.interrupted, error="preempted")
    again = start(repo, run_hash=tracker.run_hash)
    assert again.run_hash == tracker.run_hash
    again.track({"loss": 2.0}, step=1, epoch=None, subset=Subset.train)
    again.track({"loss": 1.0}, step=2, epoch=None, subset=Subset.train)
    logging.warning("second")
    again.close(Outcome.complete)
    run = only_run(repo)
    assert run.metrics == {("loss", "train"): [(1, None, 2.0), (2, None, 1.0)]}
    assert [line.split()[-1] for line in run.logs] == ["first", "second"]
    assert (run.status, run.tags, run.params.get("error")) == ("complete", ("complete",), None)


def test_a_hash_that_the_repo_does_not_know_is_the_new_runs(repo):
    start(repo, run_hash="0" * 24).close(Outcome.complete)
    assert only_run(repo).hash == "0" * 24


def test_a_new_run_has_its_hash_at_once(repo):
    tracker, other = start(repo), start(repo.parent / "other")
    assert re.fullmatch("[0-9a-f]{24}", str(tracker.run_hash))
    assert tracker.run_hash != other.run_hash
    tracker.close(Outcome.complete)
    other.close(Outcome.complete)
    assert only_run(repo).hash == tracker.run_hash


def test_name_and_experiment_are_the_runs(repo):
    start(repo).close(Outcome.complete)
    run = only_run(repo)
    assert (run.name, run.experiment) == ("trial 7", "study")
    assert read_runs(str(repo), experiment="another") == []


def test_neither_environment_nor_command_line_is_stored(repo, monkeypatch):
    monkeypatch.setenv("PGPASS", "canary-environ")
    monkeypatch.setenv("HARMLESS", "canary-harmless")
    monkeypatch.setattr(sys, "argv", ["prog", "canary-argument"])
    tracker = start(repo)
    tracker.set_params({"study": {"storage": "postgresql://me:canary-login@host/db"}})
    logging.warning("cannot reach postgresql://me:canary-login@host with canary-environ")
    tracker.close(Outcome.failed, error="api_key=canary-key refused")
    run = only_run(repo)
    assert run.params["study"] == {"storage": "postgresql://***@host/db"}
    assert run.params["error"] == "api_key=*** refused"
    assert run.params["__system_params"]["packages"]["aim"] == "3.29.1"
    assert not occurs("canary", repo)


@pytest.mark.parametrize(
    "secret",
    [
        "https://user:pa55word@host/x",
        "password=hunter22",
        '{"access_token": "abcdefgh"}',
        "Authorization: Bearer abc.def",
        "hf_" + "a" * 30,
        "value of a variable: s3cret-value",
    ],
)
def test_secrets_are_masked(secret):
    masked = redact(secret, environ={"MY_SECRET": "s3cret-value", "TOKENS": "1"})
    assert "***" in masked
    for part in ("pa55word", "hunter22", "abcdefgh", "abc.def", "aaaa", "s3cret"):
        assert part not in masked


@pytest.mark.parametrize("text", ["12 tokens a step", "pad_token='[PAD]'", "seed=1", "loss: 1.25"])
def test_innocent_text_is_left_alone(text):
    assert redact(text, environ={"TOKEN_COUNT": "1", "PATH": "seed=1"}) == text


def test_what_is_no_plain_value_becomes_text():
    assert plain({1: (Tracker.off, object)}) == {"1": ["off", "‹class ’object’›"]}


def test_log_lines_are_capped_in_length_and_number(repo):
    tracker = start(repo, max_log_lines=3)
    for number in range(5):
        logging.warning("line %d\n%s", number, "x" * 5000)
    tracker.close(Outcome.complete)
    logging.warning("after the end")
    logs = only_run(repo).logs
    assert len(logs) == 4
    assert logs[0].endswith("[root][WARNING] - line 0")
    assert len(logs[1]) == 1000
    assert logs[3] == "Lines after the first 3 are left out."


def test_a_broken_log_record_raises_nothing_and_leaves_no_line():
    lines: list[str] = []
    handler = LogLineHandler(lambda number, line: lines.append(line), max_lines=9)
    handler.handle(logging.makeLogRecord({"name": "qa", "msg": "%d", "args": ("x",)}))
    handler.handle(logging.makeLogRecord({"name": "aim.sdk", "msg": "own"}))
    handler.handle(logging.makeLogRecord({"name": "qa", "msg": "fine"}))
    assert [line.split(" - ")[1] for line in lines] == ["fine"]


def test_a_log_line_is_stored_without_terminal_codes_and_secrets():
    line = log_line(3, "\x1b[31mred\x1b[0m token=a1b2c3d4e5 <b>")
    assert line == {"do": "line", "number": 3, "text": "red token=*** &lt;b&gt;"}


def test_system_metrics_are_tracked_where_aims_system_tab_finds_them(repo):
    from aim.sdk.repo import Repo
    from aim.sdk.run import Run
    from aim.storage.context import Context

    tracker = start(repo)
    wait_for(lambda: holds(repo / "runs" / "7" / "tracking.jsonl", '"usage"'))
    tracker.close(Outcome.complete)
    run = Run(tracker.run_hash, repo=Repo.from_path(str(repo)))
    assert run.get_metric("__system__cpu", Context({})) is not None
    run.close()


def test_usage_of_each_gpu_is_tracked_under_its_index(repo):
    readings = [("cpu", None, 1.0), ("gpu", 0, 50.0), ("gpu", 1, 75.0)]
    tracked = [events.opening(str(repo), "0" * 24, "e", "r", "."), events.usage(0, readings)]
    assert record(iter([event | {"time": 1.0} for event in tracked]), None) is None
    assert stored(repo, "0" * 24, "__system__gpu", {"gpu": 1}) == [(0, 75.0, 1.0)]
    assert stored(repo, "0" * 24, "__system__gpu", {"gpu": 0}) == [(0, 50.0, 1.0)]


@pytest.mark.parametrize("is_changed", [False, True])
def test_the_git_state_is_known_and_the_remote_is_not(tmp_path, is_changed):
    config = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    (tmp_path / "file").write_text("first")
    for words in (
        ["init", "--quiet", "--initial-branch=trunk"],
        ["remote", "add", "origin", "https://me:canary@example.com/x.git"],
        ["add", "file"],
        [*config, "commit", "--quiet", "-m", "first"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    (tmp_path / "file").write_text("second" if is_changed else "first")
    state = git_state(str(tmp_path))
    assert len(state.pop("commit")["hash"]) == 40
    assert state == {"branch": "trunk", "has_uncommitted_changes": is_changed}


def test_a_folder_without_a_commit_has_no_git_state(tmp_path):
    assert git_state(str(tmp_path)) is None
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert git_state(str(tmp_path / ".")) is None
