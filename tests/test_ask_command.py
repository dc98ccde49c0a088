"""`python -m qa_sweep.ask`, as it is typed."""

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest
from ask_helpers import RUN, cautious_folder, in_study, model_folder, passages, reader, study_folder
from conftest import ROOT, environment, run
from doctor_helpers import RESULTS
from tracking_helpers import empty_repo

from qa_sweep import Answerer
from qa_sweep.ask import main
from qa_sweep.ask.command import _parser

__all__ = [
    "cautious_folder",
    "empty_repo",
    "in_study",
    "model_folder",
    "passages",
    "reader",
    "study_folder",
]  # fixtures

QUESTION = "Where was Mira Tolan born?"


@pytest.fixture
def ask(capsys):
    """Give the command words; returns its exit code, output and errors."""

    def call(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def asked(ask, model_folder):
    """The output of the model for words that must succeed in silence."""

    def call(*words: object) -> str:
        code, output, errors = ask(*words, "--model", model_folder)
        assert (code, errors) == (0, "")
        return output

    return call


def test_an_answer_stands_on_a_line_of_its_own(asked, model_folder, passages):
    best = Answerer.of_folder(model_folder).ask(QUESTION, passages[0])[0]
    assert asked(QUESTION, "--context", passages[0]) == best.text + "\n"


def test_the_model_is_that_of_the_best_trial_of_the_latest_study(ask, asked, in_study, passages):
    words = (QUESTION, "--context", passages[0], "--n-best", 3)
    expected = asked(*words)
    assert ask(*words) == (0, expected, "")
    assert ask(*words, "--study", "s", "--results", RESULTS) == (0, expected, "")
    assert ask(*words, "--model", RUN) == (0, expected, "")
    assert Answerer.of_study().ask(QUESTION, passages[0])[0].text in expected


def test_several_answers_have_scores_and_places(asked, passages):
    lines = asked(QUESTION, "--context", passages[0], "--n-best", 3).splitlines()
    assert len(lines) == 3
    for line in lines:
        score, text, start, end = re.fullmatch(r"(0\.\d{3})  (.+?) +(\d+)–(\d+)", line).groups()
        assert 0 < float(score) < 1
        assert passages[0][int(start) : int(end)] == text


def test_of_several_files_the_one_is_named(asked, passages, tmp_path):
    paths = []
    for number, text in enumerate(passages[:3]):
        paths.append(tmp_path / f"{number}.txt")
        paths[-1].write_text(text)
    line = asked(QUESTION, *(word for path in paths for word in ("--context", path)))
    place = re.search(r"(\S+):(\d+)–(\d+)$", line.strip())
    found = json.loads(asked(QUESTION, "--context", tmp_path, "--json"))["answers"][0]
    assert place.groups() == (found["source"], str(found["start"]), str(found["end"]))
    assert (tmp_path / found["source"]).read_text()[found["start"] : found["end"]] == found["text"]


def test_a_folder_with_a_binary_file_is_read_and_the_file_is_counted(
    ask, model_folder, passages, tmp_path
):
    (tmp_path / "a.txt").write_text(passages[0])
    (tmp_path / "b.txt").write_bytes(bytes(range(256)))
    code, output, errors = ask(QUESTION, "--context", tmp_path, "--model", model_folder)
    assert (code, output.strip() != "") == (0, True)
    assert "1 not in UTF-8" in errors
    assert "b.txt" in errors


def test_json_is_one_object_a_question(asked, passages, tmp_path):
    (tmp_path / "q.jsonl").write_text(
        '{"id": "x", "question": "Where?"}\n'
        + json.dumps({"question": "Who?", "context": passages[1]})
    )
    words = ("--questions", tmp_path / "q.jsonl", "--context", passages[0], "--json")
    first, second = map(json.loads, asked(*words, "--n-best", 2).splitlines())
    assert list(first) == ["id", "question", "answer", "answers"]
    assert (first["id"], first["question"]) == ("x", "Where?")
    assert (second["id"], second["question"]) == ("line 2", "Who?")
    for answered, passage in ((first, passages[0]), (second, passages[1])):
        assert answered["answer"] == answered["answers"][0]["text"]
        assert len(answered["answers"]) == 2
        for each in answered["answers"]:
            assert list(each) == ["text", "start", "end", "probability", "source"]
            assert passage[each["start"] : each["end"]] == each["text"]


def test_answers_to_many_questions_stand_below_them(asked, passages, tmp_path):
    (tmp_path / "q.txt").write_text("Where?\nWho?\n")
    output = asked("--questions", tmp_path / "q.txt", "--context", passages[0])
    assert re.fullmatch(r"Where\?\n  \S.*\nWho\?\n  \S.*\n", output)


def test_standard_input_can_be_the_context_or_the_questions(asked, passages, monkeypatch):
    expected = asked(QUESTION, "--context", passages[0])
    for words, text in (
        ((QUESTION, "--context", "-"), passages[0]),
        (("--questions", "-", "--context", passages[0]), QUESTION),
    ):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert asked(*words) == expected


def test_that_there_is_no_answer_is_an_answer(ask, cautious_folder, passages):
    words = (QUESTION, "--context", passages[0], "--model", cautious_folder)
    assert ask(*words) == (0, "(no answer in the context)\n", "")
    found = json.loads(ask(*words, "--json")[1])
    probability = found["answers"][0].pop("probability")
    assert found["answer"] == ""
    assert found["answers"] == [{"text": "", "start": None, "end": None, "source": None}]
    assert 0.5 < probability <= 1
    assert ask(*words, "--n-best", 2)[1].startswith("1.000  (no answer in the context)\n0.000  ")


def test_a_text_cannot_steer_the_terminal(ask, asked, tmp_path):
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e" * 3
    (tmp_path / "q.txt").write_text(f"Who is {evil}?\nWhere?")
    for options in ((), ("--json",)):
        words = ("--questions", tmp_path / "q.txt", "--context", evil, *options)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", asked(*words))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["Who?", "--context", "none.txt"], "none.txt"),
        (["Who?", "--context", "none/"], "none/"),
        ([" ", "--context", "Ada."], "question"),
        (["Who?"], "--context"),
        (["Who?", "--context", "Ada.", "--n-best", "0"], "--n-best"),
        (["Who?", "--context", "-", "--context", "-"], "standard input"),
        (["--context", "Ada."], "--questions"),
        (["--questions", "none.txt"], "none.txt"),
        (["Who?", "--context", "Ada."], "python -m qa_sweep -m"),
        (["Who?", "--context", "Ada.", "--model", "results/none/0"], "results/none/0"),
        (["Who?", "--context", "Ada.", "--model", "."], "config.json"),
    ],
)
def test_an_error_is_one_line_and_nothing_is_loaded(ask, words, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, output, errors = ask(*words)
    assert (code, output) == (1, "")
    assert errors.count("\n") == 1
    assert named in errors


def test_a_question_without_a_context_is_named(ask, tmp_path):
    (tmp_path / "q.jsonl").write_text('{"question": "A?", "context": "B."}\n{"question": "C?"}')
    code, _, errors = ask("--questions", tmp_path / "q.jsonl", "--model", tmp_path)
    assert code == 1
    assert "line 2" in errors


def test_help_and_errors_come_without_torch_transformers_optuna_and_aim(tmp_path):
    script = (
        "import sys; from qa_sweep.ask import main\n"
        "code = main(sys.argv[1:])\n"
        "heavy = {'torch', 'transformers', 'optuna', 'aim', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    for words in (["Who?", "--context", "none.txt"], ["Who?", "--context", "Ada."], ["Who?"]):
        done = run(["-c", script, *words], tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith("qa_sweep: ")
        assert "imported" not in done.stderr
    done = run(["-m", "qa_sweep.ask", "--help"], tmp_path)
    assert (done.returncode, "--context" in done.stdout) == (0, True)


def test_an_answer_comes_without_what_transformers_imports_for_others(
    model_folder, passages, tmp_path
):
    script = (
        "import sys; from qa_sweep.ask import main\n"
        "code = main(sys.argv[1:])\n"
        "sys.exit(code or ' '.join({'scipy', 'datasets'} & set(sys.modules)))"
    )
    words = (QUESTION, "--context", passages[0], "--model", str(model_folder), "--device", "cpu")
    done = run(["-c", script, *words], tmp_path)
    assert done.stdout.strip()
    assert done.stderr.strip() == ""


def test_each_option_is_in_the_docs():
    page = (ROOT / "docs" / "asking.md").read_text()
    options = re.findall(r"--[a-z-]+", _parser().format_help())
    assert len(set(options)) > 9
    assert [option for option in set(options) - {"--help"} if f"`{option}" not in page] == []


class Terminal:
    """A process at a real pseudo-terminal."""

    def __init__(self, words: list[str], folder, **variables: str) -> None:
        self._here, there = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env={**environment(), "TERM": "xterm", **variables},
            stdin=there,
            stdout=there,
            stderr=there,
            start_new_session=True,
        )
        os.close(there)
        self._shown = ""

    def at_prompt(self) -> str:
        return self.expect(r"(^|\n|\x1b\[\?2004h)\? $")

    def type(self, keys: str, wait_for: str = "") -> str:
        """Type, and return what is shown up to the next prompt, or up to `wait_for`."""
        os.write(self._here, keys.encode())
        return self.expect(wait_for) if wait_for else self.at_prompt()

    def expect(self, pattern: str, timeout_s: float = 120) -> str:
        """Wait for what matches, and return all that was shown up to its end."""
        deadline = time.monotonic() + timeout_s
        while not (found := re.search(pattern, self._shown)):
            assert time.monotonic() < deadline, f"no {pattern} in {self._shown!r}"
            if select.select([self._here], [], [], 1)[0]:
                self._shown += os.read(self._here, 4096).decode(errors="replace")
        before, self._shown = self._shown[: found.end()], self._shown[found.end() :]
        return before

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._here)


@pytest.fixture
def terminal(tmp_path, model_folder):
    """A conversation with the model, in a folder and a home of its own."""
    (tmp_path / "home").mkdir()
    words = ["-m", "qa_sweep.ask", "--model", str(model_folder), "--n-best", "2"]
    made = Terminal(words, tmp_path, HOME=str(tmp_path / "home"))
    yield made
    made.close()


def test_at_a_terminal_questions_are_asked_one_after_the_other(terminal, passages, tmp_path):
    (tmp_path / "a.txt").write_text(passages[0])
    (tmp_path / "b.txt").write_text("\x1b]0;owned\x07 \x1b[31m Ada was born in Oslo.")
    answer = r"0\.\d{3}  .* a\.txt:\d+–\d+\r\n0\.\d{3}  .*\r\n"
    assert "context: none yet" in terminal.at_prompt()
    assert "nothing to read yet" in terminal.type("Who?\r")
    assert "no none.txt" in terminal.type(":context none.txt\r")
    assert re.search(r"context: a\.txt \(\d+ characters\)", terminal.type(":context a.txt\r"))
    first = re.search(answer, terminal.type(QUESTION + "\r"))
    up = "\x1b[A"  # the arrow key brings the line before back
    assert re.search(answer, terminal.type(up + "\r"))[0] == first[0]
    assert ":quit" in terminal.type(":help\r")
    assert ":nonsense is no command" in terminal.type(":nonsense\r")
    terminal.type("half a question", wait_for="half a question")
    time.sleep(0.5)  # Python overlooks a signal while readline is at a key, until the next key
    os.killpg(terminal.process.pid, signal.SIGINT)
    terminal.at_prompt()
    assert "context: b.txt" in terminal.type(":context b.txt\r")
    shown = terminal.type("Who?\r")
    assert re.search(r"0\.\d{3}  .*\n0\.\d{3}  ", shown)
    assert "\x1b]" not in shown
    terminal.type("\x04", wait_for="\n")
    assert terminal.process.wait(timeout=60) == 0
    assert list((tmp_path / "home").iterdir()) == [], "no history is written"
