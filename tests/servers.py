"""Database servers of the tests' own: each in a temporary folder, on a free port of 127.0.0.1."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "only%for:the tests"  # with characters that a URL must escape


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run(words: list[str], user: str | None) -> str:
    """Run a program as `user`, who need not be able to enter our working directory."""
    done = subprocess.run(
        words,
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{' '.join(words)} failed:\n{done.stdout}"
    return done.stdout


def unprivileged(*names: str) -> str | None:
    """The first of these users that exists; None where we are no root: servers refuse only root."""
    if os.getuid() != 0:
        return None
    return next(name for name in (*names, "nobody") if name in {u.pw_name for u in pwd.getpwall()})


@contextmanager
def folder_of(user: str | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="qa_sweep_server_"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class PostgreSQL:
    """A cluster with the user `me`, who logs in with PASSWORD."""

    def __init__(self, folder: Path, user: str | None, programs: Path) -> None:
        self._folder = folder
        self._user = user
        self._programs = programs
        self.port = free_port()
        self._n_databases = 0

    @staticmethod
    @contextmanager
    def running() -> Iterator["PostgreSQL"]:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        on_path = shutil.which("initdb")
        if not found and on_path is None:
            pytest.skip("PostgreSQL's initdb is not installed (Debian: postgresql)")
        user = unprivileged("postgres")
        with folder_of(user) as folder:
            server = PostgreSQL(folder, user, found[-1].parent if found else Path(on_path).parent)
            server.create()
            try:
                server.control("start")
                yield server
            finally:
                server.control("stop", "-m", "immediate")

    def create(self) -> None:
        secret = self._folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        words = ["initdb", "-D", f"{self._folder}/data", "-U", "me", "--no-sync", "--no-locale"]
        self._run(*words, "-E", "UTF8", "--auth=scram-sha-256", f"--pwfile={secret}")
        with (self._folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{self._folder}'\nfsync = off\n"
            )

    def control(self, action: str, *options: str) -> None:
        """Have `pg_ctl` do something; it returns when that is done."""
        log = ["-l", f"{self._folder}/log"] if action != "stop" else []
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-w", *log, action, *options)

    def restart(self) -> None:
        """As after a power cut: no connection is closed in an orderly way."""
        self.control("stop", "-m", "immediate")
        time.sleep(1.5)
        self.control("start")

    def new_database(self) -> str:
        """URL of an empty database; the password is not in it."""
        import psycopg

        self._n_databases += 1
        name = f"studies_{self._n_databases}"
        where = f"host=127.0.0.1 port={self.port} user=me dbname=postgres"
        with psycopg.connect(where, password=PASSWORD, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return f"postgresql://me@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *words: str) -> None:
        run([str(self._programs / program), *words], self._user)


class MariaDB:
    """A server with the user `me`, who logs in with PASSWORD."""

    def __init__(self, folder: Path, user: str | None) -> None:
        self._folder = folder
        self._user = user
        self.port = free_port()
        self._n_databases = 0
        self._process: subprocess.Popen | None = None

    @staticmethod
    @contextmanager
    def running() -> Iterator["MariaDB"]:
        if not shutil.which("mariadbd") or not shutil.which("mariadb-install-db"):
            pytest.skip("mariadbd is not installed (Debian: mariadb-server)")
        user = unprivileged("mysql")
        with folder_of(user) as folder:
            server = MariaDB(folder, user)
            server.create()
            try:
                server.start()
                yield server
            finally:
                server.stop()

    def create(self) -> None:
        run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={self._folder}/data",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            self._user,
        )

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                "mariadbd",
                "--no-defaults",
                f"--datadir={self._folder}/data",
                f"--socket={self._folder}/socket",
                f"--pid-file={self._folder}/pid",
                f"--log-error={self._folder}/log",
                f"--port={self.port}",
                "--bind-address=127.0.0.1",
                "--innodb-flush-log-at-trx-commit=2",
            ],
            user=self._user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._execute("create user if not exists me identified by %s", PASSWORD)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """As after a power cut: no connection is closed in an orderly way."""
        self.stop()
        time.sleep(1.5)
        self.start()

    def new_database(self) -> str:
        """URL of an empty database, with the password."""
        from urllib.parse import quote

        self._n_databases += 1
        name = f"studies_{self._n_databases}"
        self._execute(f"create database {name}")
        self._execute(f"grant all on {name}.* to me")
        return f"mysql://me:{quote(PASSWORD)}@127.0.0.1:{self.port}/{name}"

    def _execute(self, statement: str, *values: str) -> None:
        """As soon as the server answers."""
        import pymysql

        deadline = time.monotonic() + 60
        while True:
            try:
                with pymysql.connect(
                    unix_socket=f"{self._folder}/socket", user="root"
                ) as connection:
                    connection.cursor().execute(statement, values)
                    return
            except pymysql.OperationalError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)
