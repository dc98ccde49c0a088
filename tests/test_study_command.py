"""Studies from the command line: listed, shown, exported, removed, served, and in a dashboard."""

import csv
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest
from conftest import PARABOLA, environment, run
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from qa_sweep.study import main
from qa_sweep.study.removal import find_worked_on
from qa_sweep.sweep.identity import Identity, Objective
from qa_sweep.sweep.lease import this_process
from qa_sweep.sweep.lease_stores import LeaseFiles
from qa_sweep.sweep.opening import open_study
from qa_sweep.sweep.space import Space
from qa_sweep.sweep.storage import StudyStorage, default_storage_url, open_storage
from qa_sweep.sweep.studies import Studies, find_study

ONE, TWO = "hydra.sweeper.study_name=one", "hydra.sweeper.study_name=two"
SEVERAL = "hydra.sweeper.objective=[objective,distance]"
DIRECTIONS = "hydra.sweeper.direction=[minimize,maximize]"

Shown = Callable[..., str]


@pytest.fixture(scope="module")
def real_results(tmp_path_factory) -> Path:
    """Two studies that sweeps have left: `one`, with failures, and `two`, of several objectives."""
    folder = tmp_path_factory.mktemp("sweeps")
    sweep = [str(PARABOLA), "-m"]
    run([*sweep, "x=1,2,4", "fail_at=2", "prune_at=4", "n_steps=2", ONE], folder)
    run([*sweep, "x=1,7", "as_metrics=true", "n_steps=2", SEVERAL, DIRECTIONS, TWO], folder)
    return folder / "results"


@pytest.fixture
def results(real_results, tmp_path, monkeypatch) -> Path:
    """A copy of them in the working directory."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(real_results, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def shown(capsys, monkeypatch) -> Shown:
    """Runs a command that succeeds, and gives what it prints."""
    monkeypatch.setenv("COLUMNS", "160")

    def show(*words: str) -> str:
        assert main(words) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return show


@pytest.fixture
def complaint(capsys) -> Shown:
    """Runs a command that fails, and gives the one line that it says."""

    def complain(*words: str) -> str:
        assert main(words) == 1
        (line,) = capsys.readouterr().err.strip().splitlines()
        return line

    return complain


def plain_study(results: Path, name: str) -> optuna.Study:
    """A study that no sweep made, with two trials."""
    study = optuna.create_study(storage=default_storage_url(results), study_name=name)
    distributions = {"x": FloatDistribution(1e-5, 1.0, log=True)}
    study.add_trial(create_trial(params={"x": 0.5}, distributions=distributions, value=0.25))
    study.enqueue_trial({"x": 0.1})
    return study


def crafted_study(results: Path, *trials: FrozenTrial) -> StudyStorage:
    """A sweep's study `crafted` that has these trials."""
    storage = open_storage(default_storage_url(results))
    objectives = (Objective("loss", "minimize"),)
    study = open_study(storage, "crafted", Identity.of(Space(()), objectives, {}))
    study.add_trials(trials)
    return storage


def test_the_list_has_a_line_a_study_and_the_latest_comes_last(results, shown) -> None:
    plain_study(results, "plain")
    optuna.create_study(storage=default_storage_url(results), study_name="one.lock")
    one, two, plain = shown("list").splitlines()
    assert one.startswith("one    1 of 3 complete, 1 fail, 1 pruned  best objective 5 (trial 0)  ")
    assert "2 of 2 complete" in two
    assert "best objective 5 (trial 0), 2 on the front" in two
    assert "1 of 2 complete, 1 waiting" in plain
    assert plain.endswith("not made by a sweep")


def test_a_study_is_shown_with_all_there_is_to_know(results, shown) -> None:
    text = shown("show", "one")
    for words in (
        "x: 1, 2, 4",
        "minimize objective",
        "fail_at=2",
        "die_in_job=false",
        f"{results}/studies.db",
        "folder     results/one",
        "trial 1 failed: RuntimeError: x is 2",
        "best: results/one/",
    ):
        assert words in text
    assert "as_metrics=null" not in text


def test_the_latest_sweep_is_shown_by_default(results, shown) -> None:
    plain_study(results, "plain")
    text = shown("show")
    assert text.startswith("study two")
    assert "minimize objective, maximize distance" in text


def test_a_study_that_no_sweep_made_is_shown_and_exported_plainly(results, shown) -> None:
    plain_study(results, "plain")
    text = shown("show", "plain")
    for words in ("x: 0.00001 to 1, logarithmic", "not made by a sweep", "0.2500", "open: trial 1"):
        assert words in text
    rows = read_csv(shown("export", "plain", "--csv", "-"))
    assert [(row["state"], row["x"], row["value"]) for row in rows] == [
        ("complete", "0.5", "0.25"),
        ("waiting", "0.1", ""),
    ]


def test_running_trials_are_shown_with_worker_and_progress_and_tickets_as_open(
    results, shown
) -> None:
    running = [create_trial(state=TrialState.RUNNING) for _ in range(2)]
    ticket = create_trial(
        state=TrialState.WAITING,
        user_attrs={"retries": 1},
        system_attrs={"fixed_params": {"x": 7}},
    )
    storage = crafted_study(results, *running, ticket)
    progress = {"step": 3, "n_steps": 9, "shown": {"loss": 0.5}}
    lease = {"worker": "1", "host": "elsewhere", "progress": progress}
    storage.leases("crafted").write(0, lease)
    storage.leases("crafted").write(1, lease_of_a_dead_process())
    text = shown("show", "crafted")
    assert "running: trial 0  params to be drawn  worker 1@elsewhere  step 3/9  loss 0.5" in text
    assert "running: trial 1  params to be drawn  its worker is gone" in text
    assert "open: trial 2  x=7  retry 1" in text
    first, *_ = read_csv(shown("export", "crafted", "--csv", "-"))
    assert (first["state"], first["host"]) == ("running", "elsewhere")


def test_a_password_is_not_shown() -> None:
    url = "postgresql://me:secret@host/studies?password=secret"
    storage = StudyStorage(optuna.storages.InMemoryStorage(), None)
    assert "secret" not in Studies(storage, url, Path()).shown_url


def test_an_export_tells_of_each_trial_what_the_study_knows(results, shown) -> None:
    study = optuna.load_study(study_name="one", storage=default_storage_url(results))
    content = read_json(shown("export", "one", "--json", "-"))
    assert content["objectives"] == [{"name": "objective", "direction": "minimize"}]
    rows = content["trials"]
    assert [row["number"] for row in rows] == [0, 1, 2]
    assert [row["state"] for row in rows] == ["complete", "fail", "pruned"]
    for row, trial in zip(rows, study.trials, strict=True):
        assert row["params"] == trial.params
        assert row["started"] == trial.datetime_start.isoformat()
        assert row["seconds"] == trial.duration.total_seconds()
        steps = {int(step): value for step, value in row["intermediate_values"].items()}
        assert steps == trial.intermediate_values
        if trial.state is TrialState.COMPLETE:
            assert row["metrics"] == {"objective": trial.value}
    assert rows[1]["error"] == "RuntimeError: x is 2"
    for flat, row in zip(read_csv(shown("export", "one", "--csv", "-")), rows, strict=True):
        assert flat["state"] == row["state"]
        assert float(flat["x"]) == row["params"]["x"]
        assert flat["objective"] == str(row["metrics"].get("objective", ""))


def test_an_export_is_valid_whatever_the_trials_hold(results, shown) -> None:
    texts = ("=1+1", "-x", None, True)
    distributions = {"text": CategoricalDistribution(texts)}
    complete = [
        create_trial(
            params={"text": text},
            distributions=distributions,
            value=float("inf"),
            user_attrs={"loss": float("inf"), "text": -1.5},
            intermediate_values={1: float("nan"), 2: float("-inf")},
        )
        for text in texts
    ]
    failed = {"error": '@broken, "quoted"\nin two lines', "infeasible": True, "retry_of": 0}
    crafted_study(results, *complete, create_trial(state=TrialState.FAIL, user_attrs=failed))

    content = read_json(shown("export", "crafted", "--json", "-"))
    assert content["trials"][0]["metrics"] == {"loss": "Infinity", "text": -1.5}
    assert content["trials"][0]["intermediate_values"] == {"1": "NaN", "2": "-Infinity"}
    assert [row["params"].get("text") for row in content["trials"]] == [*texts, None]
    *rows, last = read_csv(shown("export", "crafted", "--csv", "-"))
    assert [row["param text"] for row in rows] == ["'=1+1", "'-x", "null", "true"]
    assert {(row["metric text"], row["loss"]) for row in rows} == {("-1.5", "inf")}
    assert (last["state"], last["retry_of"], last["param text"]) == ("infeasible", "0", "")
    assert last["error"] == f"'{failed['error']}"


def test_an_export_goes_to_a_file_that_is_written_whole(results, shown, complaint) -> None:
    assert shown("export", "one", "--csv", "trials.csv") == "3 trials in trials.csv\n"
    assert read_csv(Path("trials.csv").read_text()) == read_csv(
        shown("export", "one", "--csv", "-")
    )
    assert "results must be a file" in complaint("export", "--json", "results")
    shown("export", "--json", os.devnull)
    assert Path(os.devnull).is_char_device()


def test_a_removal_says_what_would_go_and_does_nothing_without_yes(results, shown) -> None:
    before = sorted(results.rglob("*"))
    text = shown("remove", "one")
    for words in ("3 trials", "folder: results/one, ", "kB", ".studies/one", "Aim", "--yes"):
        assert words in text
    assert sorted(results.rglob("*")) == before
    assert "one" in shown("list")


def test_a_removal_takes_all_of_one_study_and_nothing_of_another(results, shown) -> None:
    two = sorted((results / "two").rglob("*"))
    shown("remove", "one", "--yes")
    (left,) = shown("list").splitlines()
    assert left.startswith("two")
    assert sorted((results / "two").rglob("*")) == two
    assert not (results / "one").exists()
    assert not [path for path in (results / ".studies").iterdir() if path.name.startswith("one")]
    assert "results/two stays" in shown("remove", "two", "--yes", "--keep-folder")
    assert sorted((results / "two").rglob("*")) == two


@pytest.mark.parametrize("name", ["runs", "..", ".studies", "runs/0", ""])
def test_a_removal_spares_folders_that_only_have_a_study_s_name(name, results, shown) -> None:
    (results / "runs" / "0").mkdir(parents=True)
    plain_study(results, name)
    before = sorted(results.parent.rglob("*"))
    assert "none, since no sweep made the study" in shown("remove", name, "--yes")
    assert sorted(results.parent.rglob("*")) == before
    assert len(shown("list").splitlines()) == 2


def test_a_study_that_is_worked_on_is_not_removed(tmp_path, monkeypatch, shown, complaint) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["-m", "x=1,2", "seconds_a_step=60", ONE]
    sweep = subprocess.Popen(
        [sys.executable, str(PARABOLA), *words],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    wait_until((tmp_path / "results/.studies/one/0.json").exists)
    try:
        assert "but trial 0 is; stop its sweep first" in complaint("remove", "one", "--yes")
        assert "step 1/3" in shown("show")
    finally:
        sweep.send_signal(signal.SIGKILL)
        sweep.wait()
    assert "its worker is gone" in shown("show")
    shown("remove", "one", "--yes")
    assert not (tmp_path / "results/one").exists()


def test_a_worker_elsewhere_lives_while_its_lease_changes(tmp_path) -> None:
    leases = LeaseFiles(tmp_path)
    leases.write(0, lease_of_a_dead_process())
    leases.write(1, {"machine": "another", "beat": 1})
    assert find_worked_on([0, 1], leases, timeout_s=0.3) is None
    beats = iter(range(2, 100))
    read = leases.read
    leases.read = lambda number: {**read(number), "beat": next(beats)}  # type: ignore[method-assign]
    assert find_worked_on([0, 1], leases, timeout_s=0.3) == 1


def test_what_is_wrong_is_said_in_one_line(results, complaint, monkeypatch) -> None:
    assert "study nope is not in sqlite:" in complaint("show", "nope")
    assert "which holds one, two" in complaint("remove", "nope", "--yes")
    assert "missing holds no studies" in complaint("list", "--results", "missing")
    assert "none.db holds no studies" in complaint("list", "--storage", "sqlite:///none.db")
    assert not Path("none.db").exists()
    assert "sqlite:///studies.db" in complaint("list", "--storage", "redis://host")
    url = "postgresql://me:${oc.env:NO_SUCH_VARIABLE}@host/studies"
    assert "NO_SUCH_VARIABLE" in complaint("list", "--storage", url)
    assert "from 1 to 65535" in complaint("serve", "--port", "70000")
    monkeypatch.setitem(sys.modules, "grpc", None)
    assert "pip install 'qa_sweep[grpc]'" in complaint("serve")


def test_reports_do_not_take_a_lock_or_another_s_study_for_the_latest(results) -> None:
    plain_study(results, "plain")
    optuna.create_study(storage=default_storage_url(results), study_name="two.lock")
    assert find_study(results).name == "two"


def test_the_installed_command_has_the_studies_and_needs_no_heavy_imports(results) -> None:
    code = (
        "import atexit, sys; from qa_sweep.program import program;"
        "atexit.register(lambda: print({'torch', 'aim', 'transformers'} & set(sys.modules)));"
        "sys.argv = ['qa-sweep', 'study', 'list']; program()"
    )
    *studies, imported = run(["-c", code], results.parent).stdout.splitlines()
    assert len(studies) == 2
    assert imported == "set()"


def test_studies_are_served_until_ctrl_c(results, shown, complaint) -> None:
    pytest.importorskip("grpc")
    port = free_port()
    words = ["-m", "qa_sweep.study", "serve", "--port", str(port)]
    with started(words, results.parent) as server:
        assert server.stdout is not None
        assert f"hydra.sweeper.storage=grpc://127.0.0.1:{port} " in server.stdout.readline()
        url = f"grpc://127.0.0.1:{port}"
        wait_until(lambda: port_answers(port))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            listed = shown("list", "--storage", url)
        assert listed == shown("list")
        assert "must be free to listen at" in complaint("serve", "--port", str(port))
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=20) == 0
        assert server.stdout.read() == "the studies are no longer served\n"


def test_a_proxy_that_others_can_reach_warns(results, monkeypatch, shown) -> None:
    pytest.importorskip("grpc")
    monkeypatch.setattr("qa_sweep.study.serving._run", lambda *_arguments: None)
    port = str(free_port())
    assert "warning" not in shown("serve", "--port", port)
    text = shown("serve", "--port", port, "--host", "0.0.0.0")
    assert "nobody is asked for a password" in text
    assert f"grpc://{socket.gethostname()}:{port}" in text


def test_a_journal_is_not_served(tmp_path, complaint) -> None:
    pytest.importorskip("grpc")
    url = f"journal://{tmp_path}/studies.log"
    assert "must not be a journal" in complaint("serve", "--storage", url)


def test_the_dashboard_of_optuna_shows_the_studies_of_sweeps(results) -> None:
    pytest.importorskip("optuna_dashboard")
    port = free_port()
    url = default_storage_url(results)
    words = ["-c", "from optuna_dashboard._cli import main; main()", url, "--quiet"]
    with started([*words, "--server", "wsgiref", "--port", str(port)], results.parent):
        wait_until(lambda: port_answers(port))
        summaries = fetch(port, "studies")["study_summaries"]
        assert [summary["study_name"] for summary in summaries] == ["one", "two"]
        for summary in summaries:
            study = optuna.load_study(study_name=summary["study_name"], storage=url)
            assert_same(fetch(port, f"studies/{summary['study_id']}"), study)


def assert_same(shown: dict, study: optuna.Study) -> None:
    """What the dashboard's API says of the study is what the study holds."""
    assert shown["directions"] == [direction.name.lower() for direction in study.directions]
    assert len(shown["trials"]) == len(study.trials)
    for row, trial in zip(shown["trials"], study.trials, strict=True):
        assert row["state"] == {"FAIL": "Fail", "PRUNED": "Pruned"}.get(
            trial.state.name, "Complete"
        )
        params = {p["name"]: float(p["param_external_value"]) for p in row["params"]}
        assert params == trial.params
        assert row.get("values") == trial.values
        steps = {point["step"]: point["value"] for point in row["intermediate_values"]}
        assert steps == trial.intermediate_values
        assert {attr["key"] for attr in row["user_attrs"]} == set(trial.user_attrs)
    best = {trial.number for trial in study.best_trials}
    assert {row["number"] for row in shown["best_trials"]} == best


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def read_json(text: str) -> dict:
    """As strict readers do, which know no NaN."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def lease_of_a_dead_process() -> dict:
    """The lease of a process of this machine that has ended."""
    return {**this_process(), "started": "never"}  # whoever has this pid now is another


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def port_answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def fetch(port: int, path: str) -> dict:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{path}", timeout=20) as answer:
        return json.load(answer)


@contextmanager
def started(words: list[str], folder: Path) -> Iterator[subprocess.Popen]:
    """A Python process that is ended with the body."""
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come true within a minute"
        time.sleep(0.05)
