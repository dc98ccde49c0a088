"""A real database server: how it is opened, and machines that share nothing but it."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import optuna
import psutil
import pytest
import sqlalchemy
from conftest import PARABOLA, environment, run
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState
from pasting import next_steps, paste
from servers import PASSWORD, PostgreSQL
from study_workers import Processes, processes

from qa_sweep.errors import StudyError
from qa_sweep.sweep.storage import open_storage

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    pytest.importorskip("psycopg")
    with PostgreSQL.running() as server:
        yield server


@pytest.fixture
def url(server, monkeypatch) -> str:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return server.new_database()


@pytest.fixture
def crew() -> Iterator[Processes]:
    with processes() as crew:
        yield crew


def test_the_password_comes_from_the_environment_a_file_or_the_url(
    url, server, tmp_path, monkeypatch
) -> None:
    open_storage(url)
    monkeypatch.delenv("PGPASSWORD")
    open_storage(url.replace("me@", f"me:{quote(PASSWORD)}@"))
    escaped = PASSWORD.replace(":", r"\:")
    (tmp_path / ".pgpass").write_text(f"127.0.0.1:{server.port}:*:me:{escaped}\n")
    (tmp_path / ".pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / ".pgpass"))
    open_storage(url)


@pytest.mark.parametrize("login", ["me", "me:${oc.env:MY_PASSWORD}"])
def test_what_a_sweep_says_to_type_next_takes_the_password_from_the_environment(
    login, url, tmp_path, monkeypatch
) -> None:
    if login != "me":
        monkeypatch.delenv("PGPASSWORD")
        monkeypatch.setenv("MY_PASSWORD", quote(PASSWORD))
    storage = url.replace("me@", f"{login}@")
    words = ["sweeps=none", "seed=1", "data.n_train=32", "data.n_eval=16", "trainer.epochs=1"]
    words += ["tracking=off", "hydra.sweep.dir=here", f"hydra.sweeper.storage={storage}"]
    ended = run(["-m", "qa_sweep", "-m", *words], tmp_path)
    assert ended.returncode == 0, ended.stderr
    steps = next_steps(ended.stdout)
    assert [storage in shlex.split(step) for step in steps] == [True, True]
    for step in steps:
        assert paste(step, tmp_path).strip()
    assert PASSWORD not in ended.stdout
    assert quote(PASSWORD) not in ended.stdout


@pytest.mark.parametrize("given", [None, "wrong secret"])
def test_a_wrong_or_missing_password_is_one_line_that_says_how_to_give_it(
    given, url, monkeypatch
) -> None:
    monkeypatch.delenv("PGPASSWORD")
    if given is not None:
        url = url.replace("me@", f"me:{quote(given)}@")
    with pytest.raises(
        StudyError, match=r"//me(:\*\*\*)?@127.0.0.1.*password.*PGPASSWORD"
    ) as caught:
        open_storage(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_database_that_does_not_exist_or_is_no_database_of_studies_is_refused(
    url, server
) -> None:
    import psycopg

    with pytest.raises(StudyError, match='database "nothing" does not exist'):
        open_storage(url.rpartition("/")[0] + "/nothing")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table version_info (nothing integer)")
    with pytest.raises(StudyError, match="must be a database of studies"):
        open_storage(url)


def test_a_server_that_starts_late_is_waited_for(url, server, crew) -> None:
    server.control("stop", "-m", "immediate")
    opener = crew.start(open_storage, url, 60.0)
    time.sleep(3)
    assert opener.is_alive()
    server.control("start")
    opener.join(60)
    assert opener.exitcode == 0


def test_the_victim_of_a_deadlock_tries_again(url, caplog) -> None:
    backend = open_storage(url).backend
    engine = backend._backend._backend.engine
    n_deadlocks = 0

    @sqlalchemy.event.listens_for(engine, "begin")
    def end_as_victim(connection) -> None:
        nonlocal n_deadlocks
        n_deadlocks += 1
        if n_deadlocks <= 2:
            connection.exec_driver_sql("do 'begin raise exception using errcode = ''40P01''; end'")

    study_id = backend.create_new_study([StudyDirection.MINIMIZE], "s")
    assert backend.get_study_name_from_id(study_id) == "s"
    assert n_deadlocks > 2
    assert caplog.text.count("trying again") == 1


def open_at(url: str, when: float) -> None:
    time.sleep(max(0.0, when - time.time()))
    open_storage(url)


def test_six_processes_make_the_tables_at_once(url, crew) -> None:
    when = time.time() + 3
    openers = [crew.start(open_at, url, when) for _ in range(6)]
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0] * 6


def test_two_machines_share_a_sweep_while_one_dies_and_the_server_restarts(
    url, server, tmp_path
) -> None:
    """They share no folder and, where that can be had, do not see each other's processes."""
    here, there = Machine(tmp_path / "here", url), Machine(tmp_path / "there", url)
    there.wait_for_jobs(4)
    there.kill()
    wait_for_complete(url, 12)
    server.restart()
    assert here.sweep.wait(timeout=240) == 0, here.output()
    assert "cannot be used now" in here.output()
    trials = study_at(url).trials
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert sorted(trial.params["x"] for trial in trials) == list(range(30))
    assert any("retries" in trial.user_attrs for trial in trials), "nothing was taken over"
    assert PASSWORD not in everything_written(tmp_path)


class Machine:
    """A sweep with two workers in a folder, and in a namespace where that is possible."""

    def __init__(self, folder: Path, url: str) -> None:
        folder.mkdir()
        self._output = folder / "output"
        apart = ["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        words = ["-m", "x=range(0,30)", "seconds_a_step=0.4", "hydra.sweeper.n_workers=2"]
        with self._output.open("w") as output:
            self.sweep: Any = subprocess.Popen(
                [
                    *(apart if can_unshare(apart) else []),
                    *(sys.executable, str(PARABOLA), *words, f"hydra.sweeper.storage={url}"),
                ],
                cwd=folder,
                env={**environment(), "PGPASSWORD": PASSWORD},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def wait_for_jobs(self, count: int) -> None:
        deadline = time.monotonic() + 120
        while len(list(self._output.parent.glob("results/*/[0-9]*/.hydra"))) < count:
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def kill(self) -> None:
        """All of its processes at once."""
        everybody = [*psutil.Process(self.sweep.pid).children(recursive=True), self.sweep]
        for process in everybody:
            process.send_signal(signal.SIGKILL)
        self.sweep.wait()

    def output(self) -> str:
        logs = self._output.parent.glob("results/*/.workers/*.log")
        return "".join(path.read_text() for path in (self._output, *logs))


def can_unshare(words: list[str]) -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*words, "true"], capture_output=True).returncode == 0


def study_at(url: str) -> optuna.Study:
    storage: BaseStorage = open_storage(url, patience_s=30).backend
    (name,) = (n for n in optuna.get_all_study_names(storage) if not n.endswith(".lock"))
    return optuna.load_study(study_name=name, storage=storage)


def wait_for_complete(url: str, count: int) -> None:
    deadline = time.monotonic() + 120
    storage = open_storage(url).backend
    while time.monotonic() < deadline:
        for study in storage.get_all_studies():
            states = [trial.state for trial in storage.get_all_trials(study._study_id)]
            if states.count(TrialState.COMPLETE) >= count:
                return
        time.sleep(0.1)
    raise AssertionError(f"no {count} complete trials in two minutes")


def everything_written(folder: Path) -> str:
    """What any process wrote to a file; processes show their command lines while they run."""
    paths = [Path(root) / name for root, _, names in os.walk(folder) for name in names]
    return "".join(path.read_text(errors="replace") for path in paths)
