"""Likely label errors: what all good trials answer alike, surely, and not as the reference says."""

import csv

import pytest
from predictions_helpers import CONTEXT, Answered, WrittenStudy

from qa_sweep.errors import OutputError, StudyError
from qa_sweep.report.flips_html import flips_section
from qa_sweep.report.label_errors import find_label_errors, write_label_errors

N_EASY = 30


@pytest.fixture
def written(tmp_path) -> WrittenStudy:
    return WrittenStudy(tmp_path / "results")


def add(written: WrittenStudy, *rows: Answered) -> None:
    """A trial that gets the rest right."""
    written.add([*rows, *(Answered(f"easy {number}", "London") for number in range(N_EASY))])


def suspect(id: str, answer: str, probability: float = 0.9) -> Answered:
    return Answered(id, answer, references=["Walworth"], probability=probability)


def test_what_all_good_trials_miss_alike_and_surely_is_found_the_surest_first(written) -> None:
    for probability in (0.8, 0.9):
        add(
            written,
            suspect("likely", "London", probability),
            suspect("likelier", "1815", 0.95),
            suspect("unsure", "London", probability - 0.4),
            suspect("apart", "London" if probability == 0.8 else "1815"),
        )
    errors = find_label_errors(written.load())
    assert [error.id for error in errors.found] == ["likelier", "likely"]
    assert errors.found[1].probability == pytest.approx(0.85)
    assert errors.trials == (0, 1)


def test_answers_are_alike_up_to_articles_case_and_punctuation(written) -> None:
    context = "The Bridge, and the bridge too."
    for answer in ("The Bridge,", "the bridge"):
        add(written, Answered("q", answer, references=["too"], context=context))
    (error,) = find_label_errors(written.load()).found
    assert error.answer == "The Bridge,"


def test_trials_that_are_not_tied_for_best_have_no_say(written) -> None:
    for _ in range(2):
        add(written, suspect("likely", "London"))
    bad = [Answered(f"easy {number}", "1815") for number in range(N_EASY)]
    written.add([suspect("likely", "Ada"), *bad])
    assert [error.id for error in find_label_errors(written.load()).found] == ["likely"]


def test_one_good_trial_cannot_tell(written) -> None:
    add(written, suspect("q", "London"))
    with pytest.raises(StudyError, match="at least two trials must be tied for best"):
        find_label_errors(written.load())
    written.add([suspect("q", "Ada"), *(Answered(f"easy {n}", "1815") for n in range(N_EASY))])
    with pytest.raises(StudyError, match="trial 0 alone is best"):
        find_label_errors(written.load())


def test_a_study_without_answers_cannot_tell(written) -> None:
    written.add_unfinished()
    with pytest.raises(StudyError, match="none has left its answers"):
        find_label_errors(written.load())


def test_the_file_has_a_row_for_each_and_no_formula(written, tmp_path) -> None:
    context = "=1+1 is two, and +2 is not."
    for _ in range(3):
        add(
            written,
            Answered("@id", "+2", ["=1+1", "two", "two"], "-1 or\nwhat?", context, 0.75),
            suspect("plain", "London"),
        )
    assert write_label_errors(written.load(), tmp_path / "errors.csv") == 2
    with (tmp_path / "errors.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    start = CONTEXT.index("London")
    assert first == {
        "id": "plain",
        "question": "Where was Ada born?",
        "context": CONTEXT,
        "references": "Walworth",
        "answer": "London",
        "start": str(start),
        "end": str(start + 6),
        "mean_probability": "0.9",
        "n_trials": "3",
        "kind": "wrong span",
    }
    assert second["id"] == "'@id"
    assert second["question"] == "'-1 or\nwhat?"
    assert second["context"] == f"'{context}"
    assert second["references"] == "'=1+1 | two"
    assert second["answer"] == "'+2"


def test_a_file_that_cannot_be_written_is_one_line(written, tmp_path) -> None:
    for _ in range(2):
        add(written, suspect("likely", "London"))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="must be a file that can be written"):
        write_label_errors(written.load(), tmp_path / "file" / "errors.csv")


def test_the_page_shows_the_first_fifty_and_counts_all(written) -> None:
    for _ in range(2):
        add(written, *(suspect(f"q{number}", "London") for number in range(60)))
    section = flips_section(written.load())
    assert "give 60 questions the same answer" in section
    assert section.count('<article class="flip">') == 50
    assert "… and 10 more" in section


def test_the_page_says_why_there_are_none(written) -> None:
    add(written, suspect("q", "London"))
    assert "at least two trials must be tied for best" in flips_section(written.load())
