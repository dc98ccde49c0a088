"""A folder that was moved, to another place or machine: all of it opens, and a sweep goes on."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import environment, run
from sweep_law import assert_as_undisturbed

from qa_sweep.tracking import read_runs

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

SWEEP = [
    "-m", "qa_sweep", "-m",
    "data.n_train=200", "data.n_eval=40", "trainer.epochs=4", "trainer.logging_steps=8",
    "trainer.batch_size=16", "trainer.learning_rate=0.004,0.0004",
    "hydra.sweeper.study_name=moved",
]  # fmt: skip
ELSEWHERE = ["unshare", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child"]
COMMANDS = {
    "report": ["report"],
    "page": ["report", "--html", "left/page.html"],
    "study": ["study", "show", "moved"],
    "ask": ["ask", "Who wrote it?", "--context", "passage.txt"],
    "doctor": ["doctor"],
    "champion": ["champion", "--to", "left/champion"],
    "replay": ["replay", "0", "--to", "left/replay"],
}


@dataclass(frozen=True)
class Said:
    """What a command has said and left, whatever the folder is called in which it was given."""

    code: int
    words: list[str]  # since a longer path makes a table wider
    errors: str
    texts: dict[str, str]


@dataclass(frozen=True)
class Moved:
    """A whole sweep that was moved, and what was said of it where it was made."""

    before: Path
    after: Path
    said: dict[str, Said]


def said_by(name: str, folder: Path) -> Said:
    left = folder / "left"
    left.mkdir()
    command, *options = COMMANDS[name]
    done = run(["-m", f"qa_sweep.{command}", *options], folder)
    paths = [*left.glob("*.html"), *left.glob("champion/*.md"), *left.glob("champion/*.json")]
    texts = {path.name: anonymous(path.read_text(), folder) for path in paths}
    shutil.rmtree(left)
    words = anonymous(done.stdout, folder).split()
    return Said(done.returncode, words, anonymous(done.stderr, folder), texts)


def anonymous(text: str, folder: Path) -> str:
    """The text without the folder's name, and what depends on the moment: a date, a progress."""
    lasting = re.sub(r"As it stood on [^<]*|^model=.* step .*$", "", text, flags=re.MULTILINE)
    return lasting.replace(str(folder), "HERE")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Iterator[Moved]:
    before = tmp_path_factory.mktemp("before") / "sweep"
    before.mkdir()
    (before / "passage.txt").write_text("Ada wrote it.")
    finished = run(SWEEP, before)
    assert finished.returncode == 0, finished.stderr
    said = {name: said_by(name, before) for name in COMMANDS}
    after = tmp_path_factory.mktemp("after") / "another" / "place"
    shutil.move(before, after)
    yield Moved(before, after, said)
    assert not before.exists(), [str(path) for path in before.rglob("*")]


@pytest.fixture(scope="module")
def undisturbed(whole) -> Path:
    return whole.after


@pytest.fixture
def begun(tmp_path) -> Path:
    """The folder of a sweep that was killed in its second trial, behind a checkpoint."""
    folder = tmp_path / "before"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, *SWEEP],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while not list(folder.glob("results/moved/1/checkpoints/*/seal.json")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return folder


@pytest.fixture
def moved(begun, tmp_path) -> Iterator[Path]:
    """The same folder elsewhere; nothing may come to its old place again."""
    shutil.move(begun, tmp_path / "after" / "wards")
    yield tmp_path / "after" / "wards"
    assert not begun.exists(), [str(path) for path in begun.rglob("*")]


def last_values(folder: Path) -> dict[str, tuple]:
    """What Aim's run of each trial ended with."""
    return {run.name: (run.status, run.tags, run.last) for run in read_runs(str(folder))}


def assert_the_same(folder: Path, undisturbed: Path) -> None:
    assert_as_undisturbed(folder, undisturbed)
    assert last_values(folder) == last_values(undisturbed)


def test_a_sweep_goes_on_where_its_folder_was_moved_to(moved, undisturbed) -> None:
    finished = run(SWEEP, moved)
    assert finished.returncode == 0, finished.stderr
    assert_the_same(moved, undisturbed)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_sweep_has_left_says_the_same_where_its_folder_was_moved_to(name, whole) -> None:
    there = whole.said[name]
    assert there.errors == ""
    assert there.code == (1 if name == "doctor" else 0), "it finds something in so short a sweep"
    assert there.words
    assert said_by(name, whole.after) == there
    assert not whole.before.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED, since only root has machines of its own")
def test_a_sweep_goes_on_on_another_machine(moved, undisturbed) -> None:
    """Its host name and its processes are others: only that a lease ages tells that it is dead."""
    words = " ".join(f"'{word}'" for word in [sys.executable, *SWEEP])
    command = [*ELSEWHERE, "sh", "-c", f"hostname another-machine && exec {words}"]
    finished = subprocess.run(
        command, cwd=moved, env=environment(), capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert_the_same(moved, undisturbed)
