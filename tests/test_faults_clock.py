"""A machine whose clock is an hour off: its trials are left alone, and taken over when it is gone.

The other machine is this one, seen from another process namespace and by another name; a preloaded
library gives it another clock.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from conftest import PARABOLA, ROOT, environment
from optuna.trial import FrozenTrial, TrialState
from sweep_helpers import assert_gone
from sweep_law import assert_settled, rows_of, table_of

from qa_sweep.sweep.lock import SUFFIX
from qa_sweep.sweep.storage import open_storage
from qa_sweep.sweep.storage_url import file_of

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("cc") is None, reason="SKIPPED, since there is no C compiler"),
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("unshare") is None,
        reason="SKIPPED, since only root may make another machine of this one",
    ),
]

WORDS = ["x=range(0,6)", "n_steps=20"]
SLOW = "seconds_a_step=0.5"  # ten seconds a trial
STORAGES = {
    "journal": "journal://{}/results/studies.log",
    "sqlite": "sqlite:///{}/results/studies.db",
}
ELSEWHERE = ["unshare", "--pid", "--uts", "--fork", "--mount-proc", "--kill-child", "sh", "-c"]


@pytest.fixture(params=STORAGES.values(), ids=STORAGES.keys())
def url(request, tmp_path: Path) -> str:
    return request.param.format(tmp_path)


def sweep(url: str) -> list[str]:
    return [sys.executable, str(PARABOLA), "-m", *WORDS, SLOW, f"hydra.sweeper.storage={url}"]


def start(command: list[str], folder: Path, **variables: str) -> subprocess.Popen:
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**environment(), **variables},
        stdout=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    built = tmp_path_factory.mktemp("library") / "shifted_clock.so"
    source = ROOT / "tests" / "shifted_clock.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True)
    return built


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert start([sys.executable, str(PARABOLA), "-m", *WORDS], folder).wait(timeout=120) == 0
    return folder


@pytest.fixture
def there(request, url: str, library: Path, tmp_path: Path) -> Iterator[subprocess.Popen]:
    """A sweep on the other machine, whose clock is off by the parameter, in seconds."""
    command = [*ELSEWHERE, 'hostname elsewhere; exec "$@"', "sh", *sweep(url)]
    process = start(command, tmp_path, LD_PRELOAD=str(library), CLOCK_OFFSET_S=str(request.param))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def trials(url: str) -> list[FrozenTrial]:
    if not file_of(url).exists():
        return []
    storage = open_storage(url).backend
    names = [name for name in optuna.get_all_study_names(storage) if not name.endswith(SUFFIX)]
    if not names:
        return []
    return optuna.load_study(study_name=names[0], storage=storage).get_trials(deepcopy=False)


def wait_until_one_runs_there(url: str) -> FrozenTrial:
    """A trial at work whose start is off by an hour."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for trial in trials(url):
            if trial.state is TrialState.RUNNING and is_begun_there(trial):
                return trial
        time.sleep(0.5)
    raise AssertionError("no trial is begun there within two minutes")


def is_begun_there(trial: FrozenTrial) -> bool:
    assert trial.datetime_start is not None
    return abs(time.time() - trial.datetime_start.timestamp()) > 3000


@pytest.mark.parametrize("there", [3600, -3600], indirect=True)
def test_a_clock_an_hour_off_makes_no_worker_seem_dead_nor_alive(
    there, url, undisturbed, tmp_path
) -> None:
    first = wait_until_one_runs_there(url).number
    here = start(sweep(url), tmp_path)
    while trials(url)[first].state is TrialState.RUNNING:
        time.sleep(0.5)
    second = wait_until_one_runs_there(url).number
    assert not any("retries" in t.user_attrs for t in trials(url)), "it was left alone"
    there.send_signal(signal.SIGKILL)
    assert here.wait(timeout=250) == 0
    found = trials(url)
    assert rows_of(found) == table_of(undisturbed)
    assert [trial.number for trial in found if "retries" in trial.user_attrs] == [second]
    assert_gone(tmp_path)
    if file_of(url).suffix == ".db":
        assert_settled(tmp_path)
