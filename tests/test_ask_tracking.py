"""What is asked is tracked to the run whose model answers, which otherwise stays as it was."""

import json
import shutil

import pytest
from ask_helpers import RUN, in_study, model_folder, passages, study_folder
from doctor_helpers import make_run, on_disk, open_run
from tracking_helpers import REPORTS, comparable, empty_repo, only_run, repo, report, start

from qa_sweep.ask import main
from qa_sweep.tracking import Outcome, TrackedRun, read_runs
from qa_sweep.tracking.additions import add_questions

__all__ = ["empty_repo", "in_study", "model_folder", "passages", "repo", "study_folder"]  # fixtures

QUESTION = "Where was Mira Tolan born?"


def texts_of(run: TrackedRun) -> list[tuple[int, str, str, str]]:
    """Step, name, passage and text, in order."""
    return sorted((step, name, passage, text) for name, passage, step, text in run.texts)


def without_texts(run: TrackedRun) -> dict:
    return {**vars(run), "texts": None}


@pytest.fixture(params=[Outcome.complete, Outcome.failed], ids=str)
def ended(repo, request) -> TrackedRun:
    """A run that holds some of everything."""
    tracker = start(repo)
    report(tracker)
    tracker.close(request.param, "ran out" if request.param is Outcome.failed else None)
    return only_run(repo)


def test_questions_come_behind_those_that_the_run_has_and_change_nothing_else(repo, ended):
    last = max(step for step, *_ in texts_of(ended))
    assert add_questions(str(repo), ended.hash, REPORTS[:2])
    assert add_questions(str(repo), ended.hash, REPORTS[:1])
    after = only_run(repo)
    assert without_texts(after) == without_texts(ended)
    added = [text for text in texts_of(after) if text not in texts_of(ended)]
    assert set(texts_of(ended)) < set(texts_of(after))
    assert [(step, text) for step, name, _, text in added if name == "question"] == [
        (last + 1, "When?"),
        (last + 2, "Who?"),
        (last + 3, "When?"),
    ]


def test_a_run_that_is_at_work_is_left_alone(repo, caplog):
    tracker = start(repo)
    report(tracker)
    from tracking_helpers import wait_for

    wait_for(lambda: bool(read_runs(str(repo))))
    assert not add_questions(str(repo), tracker.run_hash, REPORTS)
    assert "has not ended" in caplog.text
    tracker.close(Outcome.complete)
    assert comparable(only_run(repo))["status"] == "complete"
    assert "Why?" not in str(only_run(repo).texts)


def test_a_run_that_is_not_there_costs_one_warning(repo, caplog):
    assert not add_questions(str(repo), "0" * 24, REPORTS)
    assert len(caplog.records) == 1
    assert "no such run" in caplog.text
    assert read_runs(str(repo)) == []


def test_asked_of_a_study_the_best_trials_run_gets_the_texts(in_study, passages, tmp_path, capsys):
    (before,) = read_runs(".")
    (tmp_path / "q.jsonl").write_text(
        json.dumps({"question": "Where?", "answers": {"text": ["nowhere"]}})
        + '\n{"question": "Who?"}'
    )
    words = ["--context", passages[0], "--track"]
    assert main([QUESTION, *words]) == 0
    assert main(["--questions", str(tmp_path / "q.jsonl"), *words]) == 0
    shown, _, _, _, second = capsys.readouterr().out.splitlines()
    (after,) = read_runs(".")
    assert without_texts(after) == without_texts(before)
    texts = {(step, name): (passage, text) for step, name, passage, text in texts_of(after)}
    assert texts[0, "question"] == (passages[0], QUESTION)
    assert texts[0, "answer"] == (passages[0], shown)
    assert texts[1, "reference"] == (passages[0], "nowhere")
    assert texts[2, "answer"] == (passages[0], second.strip())
    assert {step for step, _ in texts} == {0, 1, 2}


def test_a_run_folder_is_found_in_the_repo_also_where_it_was_moved(in_study, passages, tmp_path):
    (run,) = read_runs(".")
    make_run("t", 0)
    words = [QUESTION, "--context", passages[0], "--track"]
    assert main([*words, "--model", str(RUN)]) == 0
    shutil.move(RUN.parent, tmp_path / "s")
    assert main([*words, "--model", str(tmp_path / "s" / "0")]) == 0
    found = {each.hash: each for each in read_runs(".")}
    assert [step for step, name, *_ in texts_of(found.pop(run.hash)) if name == "question"] == [
        0,
        1,
    ]
    assert [each.texts for each in found.values()] == [[]]


def test_of_several_files_the_passage_is_that_of_the_answer(in_study, passages, capsys):
    for number, text in enumerate(passages[:3]):
        (in_study / f"{number}.txt").write_text(text)
    words = [f"--context={number}.txt" for number in range(3)]
    assert main([QUESTION, *words, "--track", "--json"]) == 0
    source = json.loads(capsys.readouterr().out)["answers"][0]["source"]
    (run,) = read_runs(".")
    assert {passage for _, _, passage, _ in texts_of(run)} == {(in_study / source).read_text()}


@pytest.mark.parametrize("fault", ["no repo", "no run", "of the hub", "unwritable"])
def test_where_nothing_can_be_tracked_the_answer_is_shown_with_one_warning(
    in_study, model_folder, passages, capsys, caplog, fault
):
    words = [QUESTION, "--context", passages[0]]
    main(words)
    answer = capsys.readouterr().out
    if fault == "no repo":
        words += ["--repo", "elsewhere"]
    elif fault == "no run":
        shutil.move(RUN.parent, "other")
        words += ["--model", "other/0"]
    elif fault == "of the hub":
        words += ["--model", str(model_folder)]
    else:
        (in_study / ".aim" / "VERSION").write_text("99.0\n")
    assert main([*words, "--track"]) == 0
    assert capsys.readouterr().out == answer
    assert not (in_study / "elsewhere").exists()
    assert len([each for each in caplog.records if each.name.startswith("qa_sweep")]) == 1


def test_a_run_that_goes_on_is_not_spoken_of_as_ended(in_study, passages, caplog):
    study = on_disk()
    tracker = open_run("s", 0, study.all_trials[0].user_attrs["aim_run"])
    from tracking_helpers import wait_for

    wait_for(lambda: read_runs(".")[0].status == "running")
    assert main([QUESTION, "--context", passages[0], "--track"]) == 0
    assert "has not ended" in caplog.text
    tracker.close(Outcome.complete)
