"""What all commands share: how they end when nobody reads, and how they say what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment

from qa_sweep.commands import ending_with_reader
from qa_sweep.data.command import main as data_main

SUBCOMMANDS = ["ask", "champion", "data", "doctor", "replay", "report", "study", "up"]
NAMES = ["qa_sweep", *(f"qa_sweep.{name}" for name in SUBCOMMANDS)]
LONG = """
import sys
from qa_sweep.commands import one_line_errors

@one_line_errors
def main():
    for _ in range(100):
        print("x" * 20_000)
    print("not ended", file=sys.stderr)

sys.exit(main())
"""


def unread(words: list[str], folder: Path) -> subprocess.CompletedProcess:
    """What a command does whose reader is gone before it writes."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env={**environment(), "PYTHONUNBUFFERED": ""},  # as usual: written at the end
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)


@pytest.mark.parametrize("name", NAMES)
def test_a_command_ends_in_silence_when_nobody_reads(name, tmp_path) -> None:
    ended = unread(["-m", name, "--help"], tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_much_output_that_nobody_reads_ends_a_command_at_once(tmp_path) -> None:
    ended = unread(["-c", LONG], tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_another_pipe_that_breaks_is_no_end_of_reading() -> None:
    with pytest.raises(BrokenPipeError), ending_with_reader():
        raise BrokenPipeError


def test_an_error_about_data_does_not_steer_the_terminal(capfd) -> None:
    assert data_main(["\x1b[2J\u202e.json"]) == 1
    line = capfd.readouterr().err
    assert line.startswith("qa_sweep: ")
    assert line.rstrip("\n").isprintable()
