"""The answers of a study's runs, as they are read for reports."""

from predictions_helpers import Answered, WrittenStudy

from qa_sweep.report.answers import read_answers


def test_runs_that_answered_the_same_questions_share_their_ids(tmp_path) -> None:
    """Of hundreds of runs they would fill the memory."""
    written = WrittenStudy(tmp_path / "results")
    for answers in (["London", "1815"], ["1815", "1815"]):
        written.add([Answered(f"q{number}", text) for number, text in enumerate(answers)])
    written.add([Answered("other", "London")])
    first, second, third = read_answers(written.load())
    by_number = {run.number: run for run in (first, second, third)}
    assert by_number[0].ids is by_number[1].ids
    assert by_number[0].ids == ("q0", "q1")
    assert by_number[2].ids == ("other",)
