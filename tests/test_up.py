"""`qa_sweep.up` shows a repo to this machine alone, and leaves nothing running."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, run
from tracking_helpers import empty_repo, repo, start  # noqa: F401

from qa_sweep import up
from qa_sweep.tracking import Outcome, ui
from qa_sweep.tracking.bookmarks import save_bookmarks
from qa_sweep.tracking.views import views

SECRET = "canary-of-the-environment"
END_TIMEOUT_S = 20


@pytest.fixture
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def tracked(repo) -> Path:  # noqa: F811
    start(repo).close(Outcome.complete)
    return repo


class Started:
    """`python -m qa_sweep.up`, until it says that Aim is open."""

    def __init__(self, folder: Path, port: int) -> None:
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "SOME_SETTING": SECRET}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "qa_sweep.up", "--port", str(port)],
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if line.startswith("all bookmarks"):
                break
        self.others = psutil.Process(self.process.pid).children(recursive=True)

    def left_after(self, number: signal.Signals) -> list[psutil.Process]:
        self.process.send_signal(number)
        self.process.wait(END_TIMEOUT_S)
        self.process.stdout.close()
        return psutil.wait_procs(self.others, END_TIMEOUT_S)[1]


def test_the_links_of_the_latest_study_are_shown(tracked, port) -> None:
    addresses = save_bookmarks(str(tracked), "study", views("study"))
    started = Started(tracked, port)
    try:
        for title, path in addresses.items():
            assert f"  {title}: http://127.0.0.1:{port}{path}\n" in started.said
        assert re.search(r"Questions and answers: http\S+/text\?query=", started.said)
        assert ui.answering_repo(f"http://127.0.0.1:{port}") == str(tracked)
        assert_only_this_machine_is_answered(started, port)
        assert not any(SECRET in str(process.environ()) for process in started.others)
        assert_the_port_is_refused(tracked, port, f"the Aim UI of {tracked} answers at")
    finally:
        assert not started.left_after(signal.SIGINT)
    assert started.process.returncode == 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_it(tracked, port, number) -> None:
    started = Started(tracked, port)
    assert len(started.others) >= 2
    assert not started.left_after(number)


def test_it_says_that_there_is_no_repo(tmp_path: Path) -> None:
    result = run(["-m", "qa_sweep.up"], tmp_path)
    assert result.returncode == 1
    assert result.stderr == ("qa_sweep: the folder must hold an Aim repo, but there is none in .\n")
    assert not list(tmp_path.iterdir())


def test_it_says_that_the_port_is_taken(tracked) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        assert_the_port_is_refused(tracked, listener.getsockname()[1], "must be free")


def test_it_says_that_aim_is_another(tracked, monkeypatch, capsys) -> None:
    monkeypatch.setattr(ui, "AIM_VERSION", "9.9")
    assert up.main(["--repo", str(tracked)]) == 1
    assert "Aim must be of version 9.9, but is 3.29.1" in capsys.readouterr().err


def test_it_names_the_studies_where_one_is_unknown(tracked, capsys) -> None:
    assert up.main(["--repo", str(tracked), "--study", "stdy"]) == 1
    assert "(study), but got 'stdy'" in capsys.readouterr().err


def test_it_says_why_aim_does_not_start(tracked, port, capsys) -> None:
    (tracked / ".aim/aim_db").write_bytes(b"no database" * 1000)
    assert up.main(["--repo", str(tracked), "--port", str(port)]) == 1
    error = capsys.readouterr().err
    assert "Aim's UI must start, but it ended: Failed to initialize Aim DB" in error


def assert_only_this_machine_is_answered(started: Started, port: int) -> None:
    """And nobody else is called."""
    found = [one for process in started.others for one in process.net_connections("inet")]
    assert found
    assert {one.laddr.ip for one in found} == {"127.0.0.1"}
    assert {one.raddr.ip for one in found if one.raddr} <= {"127.0.0.1"}


def assert_the_port_is_refused(folder: Path, port: int, reason: str) -> None:
    result = run(["-m", "qa_sweep.up", "--port", str(port)], folder)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert reason in result.stderr
