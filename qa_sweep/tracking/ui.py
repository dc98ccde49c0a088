"""Starts Aim's UI for this machine alone, and stops it whole.

The UI asks for no password and runs queries as code: it is bound to 127.0.0.1 and is handed no more
of the environment than it needs.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from qa_sweep.errors import ConfigError, OutputError
from qa_sweep.tracking.aim_process import aim_environment
from qa_sweep.tracking.reader import repo_folder

HOST = "127.0.0.1"
DEFAULT_PORT = 43800  # Aim's
ADDRESS = f"http://{HOST}:{DEFAULT_PORT}"
AIM_VERSION = "3.29.1"

_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 15.0  # beyond the grace that the process itself gives
_ANSWER_TIMEOUT_S = 10.0
_POLL_INTERVAL_S = 0.3

# Without the user's proxy, which would be asked for this machine's own address.
_opener = build_opener(ProxyHandler({}))


@dataclass(frozen=True, eq=False)
class AimUi:
    """A UI that answers at `address`."""

    address: str
    process: subprocess.Popen[bytes]


@contextmanager
def aim_ui(repo: str, port: int = DEFAULT_PORT) -> Iterator[AimUi]:
    """Show the Aim repo in folder `repo`; the UI answers when it is given.

    It ends with the context, or with this process, even one that is killed. Raises ConfigError or
    OutputError where it cannot be started.
    """
    folder = repo_folder(repo).parent
    _check_version()
    _check_port(port)
    address = f"http://{HOST}:{port}"
    with tempfile.TemporaryFile() as log:
        process = _start(folder, port, log)
        try:
            _await_answer(process, address, log)
            yield AimUi(address, process)
        finally:
            _stop(process)


def answering_repo(address: str) -> str | None:
    """The folder whose UI answers at `address`; None where no Aim answers."""
    try:
        with _opener.open(f"{address}/api/projects/", timeout=_ANSWER_TIMEOUT_S) as answer:
            found: Any = json.load(answer)
    except (URLError, OSError, ValueError):
        return None
    return str(found["path"]) if isinstance(found, dict) and "path" in found else None


def _check_version() -> None:
    try:
        found = version("aim")
    except PackageNotFoundError:
        found = "none"
    if found != AIM_VERSION:
        raise OutputError(
            f"Aim must be of version {AIM_VERSION}, but is {found}; "
            f"install it: pip install aim=={AIM_VERSION}"
        )


def _check_port(port: int) -> None:
    """Raises ConfigError where nobody can listen at it, and says whose UI is there."""
    if not 0 < port < 65536:
        raise ConfigError(f"--port must be from 1 to 65535, but got {port}")
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError as error:
            address = f"http://{HOST}:{port}"
            repo = answering_repo(address)
            whose = f"the Aim UI of {repo} answers at {address}" if repo else error.strerror
            raise ConfigError(
                f"port {port} must be free, but: {whose}; choose another: --port"
            ) from error


def _start(folder: Path, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    words = ["--repo", str(folder), "--host", HOST, "--port", str(port)]
    return subprocess.Popen(
        [sys.executable, "-m", "qa_sweep.tracking.ui_process", *words],
        env=aim_environment(folder),
        stdin=subprocess.PIPE,  # its end of life: see `ui_process`
        stdout=log,
        stderr=log,
        start_new_session=True,  # the terminal's Ctrl-C is ours to pass on
    )


def _await_answer(process: subprocess.Popen[bytes], address: str, log: IO[bytes]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while answering_repo(address) is None:
        if process.poll() is not None:
            raise OutputError(f"Aim's UI must start, but it ended: {_last_line(log)}")
        if time.monotonic() > deadline:
            raise OutputError(
                f"Aim's UI must answer within {_START_TIMEOUT_S:g} s, but it does not"
            )
        time.sleep(_POLL_INTERVAL_S)


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")
