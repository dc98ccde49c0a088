"""What tracking stores in a real Aim repo, and what it never stores."""

import logging
import sys
import time
from pathlib import Path

import pytest
from tracking_helpers import empty_repo, in_new_process, occurs, only_run, repo, start

from qa_sweep.config import Tracker, TrackingConfig
from qa_sweep.tracking import (
    AnsweredQuestion,
    NullTracker,
    Outcome,
    Subset,
    open_tracker,
    read_runs,
)
from qa_sweep.tracking.logs import LogLineHandler
from qa_sweep.tracking.redaction import escape, redact
from qa_sweep.tracking.values import plain

__all__ = ["empty_repo", "repo"]  # fixtures

MARKUP = "<img src=x onerror=alert(1)>"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;"


def test_the_package_imports_neither_aim_nor_transformers():
    script = """
        import sys, qa_sweep.tracking
        print({"aim", "transformers", "torch"} & set(sys.modules))
    """
    assert in_new_process(script).communicate()[0].strip() == "set()"


def test_tracker_off_is_a_tracker_that_does_nothing():
    tracker = open_tracker(TrackingConfig(tracker=Tracker.off), experiment="e", run_name="r")
    assert isinstance(tracker, NullTracker)
    assert tracker.run_hash is None
    tracker.close(Outcome.complete)


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
    assert run.params["error"] == ESCAPED
    assert not occurs(MARKUP, repo)


def test_texts_are_capped_before_they_are_escaped():
    assert escape("<" * 5, 3) == "&lt;&lt;…"
    assert escape("a\ud800b", 10) == "a?b"


@pytest.mark.parametrize("outcome", Outcome)
def test_the_outcome_is_stored_and_tagged_and_the_run_closed(repo, outcome):
    tracker = start(repo)
    assert only_run(repo).status == "running"
    assert only_run(repo).end_time is None
    tracker.close(outcome)
    tracker.close(Outcome.failed)
    run = only_run(repo)
    assert (run.status, run.tags) == (outcome.value, (outcome.value,))
    assert run.end_time == pytest.approx(time.time(), abs=60)
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


def test_an_unknown_hash_begins_a_new_run(repo):
    tracker = start(repo, run_hash="0" * 24)
    tracker.close(Outcome.complete)
    assert only_run(repo).hash == tracker.run_hash != "0" * 24


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
    assert plain({1: (Tracker.off, object)}) == {"1": ["off", "<class 'object'>"]}


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
    handler.handle(logging.makeLogRecord({"name": "qa", "msg": "\x1b[31mred\x1b[0m"}))
    assert [line.split(" - ")[1] for line in lines] == ["red"]


def test_system_metrics_are_tracked_where_aims_system_tab_finds_them(repo):
    from aim.sdk.repo import Repo
    from aim.sdk.run import Run
    from aim.storage.context import Context

    tracker = start(repo)
    tracker.close(Outcome.complete)
    run = Run(tracker.run_hash, repo=Repo.from_path(str(repo)))
    assert run.get_metric("__system__cpu", Context({})) is not None
    run.close()
