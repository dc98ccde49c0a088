"""Makes COMMIT.sql: the study that `app.py` has when the version of that commit is killed at work.

python tests/older_studies/make.py COMMIT…
"""

import os
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from io import BytesIO
from pathlib import Path

HERE = Path(__file__).parent
WORDS = ["-m", "x=range(0,6)", "y=-2,-1", "fails_at=4", "seconds_a_step=0.3"]
KILLED_AT = 10  # the number of the trial at work


def main() -> None:
    for commit in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            version, place = Path(folder) / "version", Path(folder) / "place"
            place.mkdir()
            check_out(commit, version)
            run_and_kill(version, place)
            dump(place, HERE / f"{commit}.sql")


def check_out(commit: str, folder: Path) -> None:
    command = ["git", "archive", commit, "qa_sweep", "hydra_plugins"]
    archive = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def run_and_kill(version: Path, place: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(version)}
    command = [sys.executable, str(HERE / "app.py"), *WORDS]
    process = subprocess.Popen(command, cwd=place, env=environment)
    try:
        while state_of(place, KILLED_AT) != "RUNNING":
            if process.poll() is not None:
                sys.exit("the sweep must be at work until it is killed, but has ended")
            time.sleep(0.05)
        time.sleep(0.4)
    finally:
        process.kill()
        process.wait()


def state_of(place: Path, number: int) -> str | None:
    path = place / "results" / "studies.db"
    if not path.exists():
        return None
    with sqlite3.connect(path, timeout=10) as connection:
        try:
            rows = connection.execute("select state from trials where number = ?", [number])
        except sqlite3.OperationalError:  # the tables are not there yet
            return None
        return next((state for (state,) in rows), None)


def dump(place: Path, path: Path) -> None:
    with sqlite3.connect(place / "results" / "studies.db") as connection:
        path.write_text("\n".join(connection.iterdump()) + "\n")


if __name__ == "__main__":
    main()
