"""Proxy: studies behind Optuna's gRPC server, which spares workers a database's driver and login.

The server must be run over a storage that was opened by `open_storage`: over SQLite any other lets
two workers claim one ticket.
"""

import importlib
import warnings
from types import ModuleType

from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, GrpcStorageProxy
from sqlalchemy.engine import URL

from qa_sweep.errors import StudyError
from qa_sweep.sweep.patience import PatientStorage, first_line, wait_for_server
from qa_sweep.sweep.storage_url import show

_PORT = 13000  # Optuna's
_TIMEOUT_S = 5.0
_LONGEST_PAUSE_MS = 5000


def open_proxy(url: URL, patience_s: float) -> BaseStorage:
    """Connect to the proxy; where its server is away, wait for it for `patience_s` seconds.

    Raises StudyError where grpcio is missing or no proxy answers.
    """
    if url.username or url.password or url.database or url.query:
        raise StudyError(f"hydra.sweeper.storage must be like grpc://host:{_PORT}, but is longer")
    grpc = _load_driver()
    host = f"[{url.host}]" if ":" in (url.host or "") else url.host or "localhost"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        proxy = GrpcStorageProxy(host=host, port=url.port or _PORT)
    _look_often(proxy, grpc, f"{host}:{url.port or _PORT}")

    def ask() -> None:
        proxy.wait_server_ready(_TIMEOUT_S)
        try:
            proxy.get_study_id_from_name("")
        except KeyError:
            return

    advice = "see that Optuna's storage server runs there"
    errors = (ConnectionError, grpc.RpcError)
    wait_for_server(ask, errors, patience_s, show(url), advice)
    lost = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)

    def is_away(error: Exception) -> bool:
        return isinstance(error, grpc.RpcError) and error.code() in lost

    return PatientStorage(proxy, is_away, show(url))


def _look_often(proxy: GrpcStorageProxy, grpc: ModuleType, target: str) -> None:
    """Have a lost connection made anew within seconds: gRPC's own pauses grow to two minutes."""
    proxy.close()
    options = [
        ("grpc.max_receive_message_length", -1),  # as Optuna's
        ("grpc.max_reconnect_backoff_ms", _LONGEST_PAUSE_MS),
    ]
    proxy._channel = grpc.insecure_channel(target, options)
    proxy._stub = type(proxy._stub)(proxy._channel)
    proxy._cache = type(proxy._cache)(proxy._stub)


def _load_driver() -> ModuleType:
    try:
        importlib.import_module("google.protobuf")
        return importlib.import_module("grpc")
    except ImportError as error:
        raise StudyError(
            f"hydra.sweeper.storage needs grpcio and protobuf ({first_line(error)}); "
            "install them: pip install 'qa_sweep[grpc]'"
        ) from error
