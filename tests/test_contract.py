"""What every storage keeps to: each trial once, none forgotten, whatever dies and whenever."""

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from servers import MariaDB, PostgreSQL, free_port
from study_workers import (
    NAME,
    Processes,
    Shared,
    count,
    hold_lock,
    processes,
    serve_grpc,
    sweep,
    work,
)

from qa_sweep.sweep.storage import open_storage
from qa_sweep.sweep.tickets import RETRIES

KINDS = ("sqlite", "journal", "grpc-sqlite", "postgresql", "mysql", "grpc-postgresql")


def kinds(*quick: str) -> list[Any]:
    """All kinds of storage; those that are not `quick` are for when there is time."""
    return [kind if kind in quick else slow(kind) for kind in KINDS]


def sized(quick: dict[str, int], large: int) -> list[Any]:
    """The quick kinds with a small number each, and all with a large one."""
    return [*quick.items(), *(slow(kind, large) for kind in KINDS)]


def slow_servers(number: int) -> list[Any]:
    return [slow(kind, number) for kind in KINDS if kind not in ("sqlite", "journal")]


def slow(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.servers)


@dataclass(frozen=True)
class Place:
    """Where studies are kept: by workers at `url`, and by us at `direct_url` without a proxy."""

    url: str
    direct_url: str
    restarts: Sequence[Callable[[], None]] = ()  # of what stands between us and the studies

    def trials(self) -> list[FrozenTrial]:
        backend = open_storage(self.direct_url).backend
        return backend.get_all_trials(backend.get_study_id_from_name(NAME))


@pytest.fixture
def crew() -> Iterator[Processes]:
    with processes() as crew:
        yield crew


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    pytest.importorskip("psycopg")
    with PostgreSQL.running() as server:
        yield server


@pytest.fixture(scope="session")
def mysql() -> Iterator[MariaDB]:
    pytest.importorskip("pymysql")
    with MariaDB.running() as server:
        yield server


@pytest.fixture
def place(request, kind: str, crew: Processes, tmp_path: Path) -> Place:
    proxied, _, behind = kind.partition("-")
    base = _place(request, behind or kind, tmp_path)
    if not behind:
        return base
    pytest.importorskip("grpc")
    port = free_port()
    servers = [crew.start(serve_grpc, base.url, port)]

    def restart() -> None:
        crew.kill(servers.pop())
        time.sleep(1.5)
        servers.append(crew.start(serve_grpc, base.url, port))

    return Place(f"{proxied}://127.0.0.1:{port}", base.url, (restart, *base.restarts))


def _place(request, kind: str, folder: Path) -> Place:
    if kind == "sqlite":
        url = f"sqlite:///{folder}/studies.db"
    elif kind == "journal":
        url = f"journal://{folder}/studies.log"
    else:
        server = request.getfixturevalue(kind)
        url = server.new_database()
        return Place(url, url, (server.restart, server.restart))
    return Place(url, url)


@pytest.fixture
def shared(place: Place, tmp_path: Path) -> Shared:
    return Shared(place.url, tmp_path / "ledger")


def finish(*workers: Any) -> None:
    """Wait until all have ended of themselves."""
    for worker in workers:
        worker.join(timeout=200)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)


def assert_each_point_once(trials: list[FrozenTrial], n_points: int) -> None:
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert sorted(trial.params["x"] for trial in trials) == list(range(n_points))
    assert all(trial.values == [trial.params["x"]] for trial in trials)


@pytest.mark.parametrize(
    ("kind", "n_points"), sized({"sqlite": 24, "journal": 60, "grpc-sqlite": 30}, 200)
)
def test_four_processes_claim_each_ticket_of_a_grid_once(shared, place, crew, n_points) -> None:
    shared = shared.of(f"x=range(0,{n_points})")
    finish(*(crew.start(work, shared) for _ in range(4)))
    assert sorted(shared.begun()) == list(range(n_points))
    assert_each_point_once(place.trials(), n_points)


@pytest.mark.parametrize(("kind", "n_trials"), sized({"sqlite": 11, "journal": 37}, 100))
def test_four_processes_search_for_as_many_trials_as_they_were_told(
    shared, place, crew, n_trials
) -> None:
    search = shared.of("x=interval(0,1)", n_trials=n_trials, sampler="random")
    finish(*(crew.start(work, search) for _ in range(4)))
    assert sorted(shared.begun()) == list(range(n_trials))
    assert [trial.state for trial in place.trials()] == [TrialState.COMPLETE] * n_trials
    assert len({trial.params["x"] for trial in place.trials()}) == n_trials


@pytest.mark.parametrize(("kind", "n_kills"), sized({"sqlite": 6, "journal": 6}, 20))
def test_a_study_that_was_killed_often_equals_one_that_was_not(
    shared, place, crew, n_kills
) -> None:
    """Workers, the sweep, or all of them, each at a random moment; then the sweep is resumed."""
    moments = random.Random(f"{place.url.partition(':')[0]} {n_kills}")
    n_points = 8 * n_kills
    shared = shared.of(f"x=range(0,{n_points})", job_s=0.1, lease_timeout_s=5.0)
    roles = [sweep, work, work]
    team = [crew.start(role, shared) for role in roles]
    for _ in range(n_kills):
        time.sleep(moments.uniform(0.02, 0.4))
        victims = moments.choice([[0], [1], [1, 2], [0, 1, 2]])
        crew.kill(*(team[index] for index in victims))
        for index in victims:
            team[index] = crew.start(roles[index], shared)
    assert len(shared.begun()) < n_points, "it was over before the last moment came"
    finish(*team)
    assert_each_point_once(place.trials(), n_points)


@pytest.mark.parametrize(("kind", "n_stops"), sized({"sqlite": 10, "journal": 8}, 20))
def test_a_worker_that_is_stopped_at_any_moment_hands_its_ticket_back_at_once(
    shared, place, crew, n_stops
) -> None:
    """Its jobs are so short that most moments fall into calls of the storage."""
    moments = random.Random(n_stops)
    n_points = 40 * n_stops
    shared = shared.of(f"x=range(0,{n_points})", job_s=0.002)
    for _ in range(n_stops):
        n_begun, worker = len(shared.begun()), crew.start(work, shared)
        wait_until(lambda before=n_begun: len(shared.begun()) > before)
        time.sleep(moments.uniform(0, 0.2))
        worker.terminate()
        worker.join(timeout=10)
        assert worker.exitcode == 128 + signal.SIGTERM
        assert not [trial for trial in place.trials() if trial.state is TrialState.RUNNING]
    assert len(shared.begun()) < n_points, "it was over before the last moment came"
    assert not [trial for trial in place.trials() if RETRIES in trial.user_attrs]


@pytest.mark.parametrize("kind", kinds("journal"))
def test_a_machine_that_is_gone_is_noticed_by_its_leases_alone(shared, place, crew) -> None:
    """Its processes cannot be seen to be dead, so that nothing but the leases' age tells."""
    shared = shared.of("x=range(0,12)", job_s=0.1, lease_timeout_s=6.0)
    there = [crew.start(work, shared.on("there")) for _ in range(2)]
    wait_until(lambda: len(shared.begun()) >= 4)
    crew.kill(*there)
    finish(crew.start(sweep, shared), crew.start(work, shared))
    assert_each_point_once(place.trials(), 12)


@pytest.mark.parametrize("kind", kinds("sqlite", "journal", "grpc-sqlite"))
def test_the_lock_is_held_by_one_process_at_a_time(place, crew, tmp_path) -> None:
    path = tmp_path / "number"
    path.write_text("0")
    finish(*(crew.start(count, place.url, path, 8) for _ in range(4)))
    assert path.read_text() == "32"


@pytest.mark.parametrize("kind", kinds("sqlite", "journal", "grpc-sqlite"))
def test_the_lock_of_a_process_that_was_killed_is_free_at_once(place, crew, tmp_path) -> None:
    assert seconds_to_lock(place, crew, tmp_path, "") < 15


@pytest.mark.parametrize("kind", kinds()[1:])
def test_the_lock_of_a_machine_that_is_gone_is_broken_after_a_while(place, crew, tmp_path) -> None:
    assert 20 < seconds_to_lock(place, crew, tmp_path, "there") < 60


def seconds_to_lock(place: Place, crew: Processes, folder: Path, machine: str) -> float:
    """How long it takes to get the lock after its holder was killed."""
    (folder / "number").write_text("0")
    holder = crew.start(hold_lock, place.url, folder / "held", machine)
    wait_until((folder / "held").exists)
    crew.kill(holder)
    begun = time.monotonic()
    finish(crew.start(count, place.url, folder / "number", 2))
    assert (folder / "number").read_text() == "2"
    return time.monotonic() - begun


@pytest.mark.parametrize(("kind", "n_points"), [("grpc-sqlite", 24), *slow_servers(80)])
def test_a_server_that_is_restarted_in_the_middle_loses_and_doubles_nothing(
    shared, place, crew, n_points
) -> None:
    shared = shared.of(f"x=range(0,{n_points})", job_s=0.02)
    workers = [crew.start(work, shared) for _ in range(3)]
    for restart in place.restarts:
        n_begun = len(shared.begun()) + 8
        wait_until(lambda n_begun=n_begun: len(shared.begun()) >= n_begun)
        restart()
    finish(*workers)
    assert sorted(shared.begun()) == list(range(n_points))
    assert_each_point_once(place.trials(), n_points)


@pytest.mark.parametrize("kind", ["grpc-sqlite"])
def test_a_proxy_that_was_restarted_takes_params_of_trials_that_it_has_not_read(place) -> None:
    backend = open_storage(place.url, patience_s=60).backend
    study_id = backend.create_new_study([StudyDirection.MINIMIZE], NAME)
    trial_id = backend.create_new_trial(study_id)
    place.restarts[0]()
    backend.set_trial_param(trial_id, "x", 0.5, FloatDistribution(0, 1))
    assert backend.get_trial(trial_id).params == {"x": 0.5}


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, "it does not come about in two minutes"
        time.sleep(0.02)
