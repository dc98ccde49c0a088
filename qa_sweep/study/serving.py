"""Serving: Optuna's gRPC proxy in front of a storage."""

import importlib
import ipaddress
import socket
import warnings

from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, JournalStorage, run_grpc_proxy_server

from qa_sweep.errors import ConfigError, StudyError
from qa_sweep.sweep.storage import open_storage

_WARNING = (
    "warning: whoever reaches this address can read, change and delete the studies, since nobody "
    "is asked for a password and nothing is encrypted; use it in a network that you trust alone"
)


def serve(url: str, host: str, port: int) -> None:
    """Serve the storage at `url` until Ctrl-C; SQLite's file is made where there is none.

    It goes through `open_storage`, since over any other SQLite two workers can claim one ticket.
    Raises StudyError or ConfigError where it cannot be served.
    """
    _check_installed()
    _check_address(host, port)
    backend = open_storage(url).backend
    if isinstance(backend, JournalStorage):
        raise StudyError(
            "the storage must not be a journal, which the proxy does not support (optuna#6084); "
            "let the workers use its file, or serve a database: --storage URL"
        )
    if not _is_loopback(host):
        print(_WARNING, flush=True)
    print(f"hydra.sweeper.storage=grpc://{_reachable(host)}:{port} (Ctrl-C ends it)", flush=True)
    try:
        _run(backend, host, port)
    except KeyboardInterrupt:
        print("the studies are no longer served")


def _run(backend: BaseStorage, host: str, port: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        run_grpc_proxy_server(backend, host=_bracketed(host), port=port)


def _check_installed() -> None:
    try:
        importlib.import_module("google.protobuf")
        importlib.import_module("grpc")
    except ImportError as error:
        raise StudyError(
            f"serving needs grpcio and protobuf ({error}); "
            "install them: pip install 'qa_sweep[grpc]'"
        ) from error


def _check_address(host: str, port: int) -> None:
    """Raises ConfigError where nobody can listen there.

    gRPC itself would share a port with the server that has it already.
    """
    if not 0 < port < 65536:
        raise ConfigError(f"--port must be from 1 to 65535, but got {port}")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise ConfigError(
            f"{host}:{port} must be free to listen at, but: {error.strerror}; "
            "choose another: --host, --port"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(host: str) -> str:
    """What other machines call `host`, which may stand for all addresses of this one."""
    return socket.gethostname() if host in ("0.0.0.0", "::") else _bracketed(host)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
