"""What docker/compose.yaml starts does its work together, outside of containers."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from docker_home import AIM_PAGE, DASHBOARD_PAGE, Home
from servers import PASSWORD, PostgreSQL

from qa_sweep.sweep.storage import open_storage
from qa_sweep.tracking import read_runs

# One group, since all of them look at one set of services.
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("home")]

SWEEP = (
    "sweeps=none trainer.learning_rate=0.004,0.002 trainer.epochs=1 trainer.logging_steps=2 "
    "data.n_train=64 data.n_eval=16 hydra.sweeper.study_name=shared"
)
PAGES = {AIM_PAGE: "/api/projects/", DASHBOARD_PAGE: "/dashboard/"}

each_page = pytest.mark.parametrize(("port", "path"), PAGES.items(), ids=["aim", "dashboard"])


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    pytest.importorskip("psycopg")
    pytest.importorskip("optuna_dashboard")
    for program in ("nginx", "openssl", "wget"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with PostgreSQL.running() as server:
        yield server


@pytest.fixture(scope="module")
def storage(server) -> str:
    return server.new_database()


@pytest.fixture(scope="module")
def home(storage, tmp_path_factory) -> Iterator[Home]:
    """All services, when two workers have worked a study off."""
    with Home.open(tmp_path_factory.mktemp("home"), storage) as home:
        for name in ("proxy", "aim", "dashboard"):
            home.start(name)
        workers = [home.start("worker", SWEEP) for _ in range(2)]
        assert [worker.wait(240) for worker in workers] == [0, 0], log_of(home.folder, "worker")
        yield home


def log_of(folder: Path, name: str) -> str:
    return (folder / f"{name}.log").read_text()


def test_the_workers_share_a_study_in_the_database_and_a_repo(home, storage, monkeypatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    backend = open_storage(storage).backend
    study_id = backend.get_study_id_from_name("shared")
    trials = backend.get_all_trials(study_id)
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 2
    assert [run.status for run in read_runs(str(home.folder))] == ["complete"] * 2


@pytest.mark.parametrize("name", ["worker", "proxy", "aim", "dashboard"])
def test_each_service_is_well(home, name) -> None:
    home.await_health(name)


@each_page
def test_a_page_is_shown_to_those_who_know_the_password(home, port, path) -> None:
    home.await_health("aim" if port == AIM_PAGE else "dashboard")
    assert home.status(port, path) == 401
    assert home.status(port, path, "guessed") == 401
    assert home.status(port, path, home.page_password) == 200


@each_page
@pytest.mark.parametrize("headers", [{"Sec_Fetch_Site": "cross-site"}, {"Host": "rebound.example"}])
def test_a_page_is_not_shown_in_the_name_of_another_site(home, port, path, headers) -> None:
    assert home.status(port, path, home.page_password, **headers) == 403


def test_the_databases_password_is_seen_nowhere(home) -> None:
    processes = [p for started in home.processes for p in tree_of(started.pid)]
    assert len(processes) >= 3  # the proxy and the two pages
    assert not any(PASSWORD in " ".join(process.cmdline()) for process in processes)
    for name in ("worker", "aim", "dashboard", "proxy"):
        assert PASSWORD not in log_of(home.folder, name)


def tree_of(pid: int) -> list[psutil.Process]:
    """The process and those below it that live."""
    if not psutil.pid_exists(pid):
        return []
    process = psutil.Process(pid)
    found = [process, *process.children(recursive=True)]
    return [each for each in found if each.status() != psutil.STATUS_ZOMBIE]
