"""Databases: studies in PostgreSQL or MySQL."""

import time
from typing import Any

import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage, get_storage
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import NoSuchModuleError, OperationalError, SQLAlchemyError

from qa_sweep.errors import StudyError
from qa_sweep.sweep.patience import PatientStorage, first_line, wait_for_server
from qa_sweep.sweep.storage_url import HOW_TO_GIVE_A_PASSWORD, MYSQL, POSTGRESQL, show

_DRIVERS = {POSTGRESQL: "postgresql+psycopg", MYSQL: "mysql+pymysql"}
# A machine that vanished answers nothing: without these we would wait for hours.
_PSYCOPG_OPTIONS = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_DEADLOCKS = {"40001", "40P01", 1205, 1213}
_N_TRIES = 5  # to make the tables, which others may be making at this moment


class _NotNow(Exception):
    """Takes the place of a driver's error that passes by itself.

    Optuna would try again of its own to add a trial, although it may have been added.
    """


def open_database(kind: str, url: URL, patience_s: float) -> BaseStorage:
    """Open a database; where its server is away, wait for it for `patience_s` seconds.

    Raises StudyError where the driver is missing or the database cannot be opened.
    """
    shown = show(url)
    if "+" not in url.drivername:
        url = url.set(drivername=_DRIVERS[kind])
    options = {"connect_args": _connect_options(url), "pool_pre_ping": True}
    engine = _load_driver(kind, url, options)
    advice = f"see that the server runs; for a password {HOW_TO_GIVE_A_PASSWORD}"
    wait_for_server(lambda: _connect(engine), (SQLAlchemyError,), patience_s, shown, advice)
    storage = _make_tables(url, options, shown)
    _name_passing_errors(storage.engine)
    return PatientStorage(get_storage(storage), lambda error: isinstance(error, _NotNow), shown)


def _connect_options(url: URL) -> dict[str, Any]:
    if not url.drivername.startswith("postgresql+psycopg"):
        return {}
    return {name: value for name, value in _PSYCOPG_OPTIONS.items() if name not in url.query}


def _load_driver(kind: str, url: URL, options: dict[str, Any]) -> sqlalchemy.Engine:
    try:
        return sqlalchemy.create_engine(url, **options)
    except (ImportError, NoSuchModuleError) as error:
        raise StudyError(
            f"hydra.sweeper.storage needs the driver {url.drivername} ({first_line(error)}); "
            f"install it: pip install 'qa_sweep[{kind}]'"
        ) from error


def _connect(engine: sqlalchemy.Engine) -> None:
    engine.connect().close()
    engine.dispose()


def _make_tables(url: URL, options: dict[str, Any], shown: str) -> RDBStorage:
    """Open the storage, whose tables are made where they are missing."""
    text = url.render_as_string(hide_password=False)
    text = text.replace("{", "{{").replace("}", "}}")  # Optuna takes it for a template
    for attempt in range(_N_TRIES):
        try:
            return RDBStorage(text, engine_kwargs=dict(options))
        except (SQLAlchemyError, StorageInternalError, RuntimeError) as error:
            if attempt == _N_TRIES - 1:
                raise StudyError(
                    f"{shown} must be a database of studies, or an empty one: {first_line(error)}"
                ) from error
        time.sleep(0.2 * (attempt + 1))
    raise AssertionError("the last try returns or raises")


def _name_passing_errors(engine: sqlalchemy.Engine) -> None:
    """Have calls raise NotNow where the server went away, or chose them to end a deadlock."""

    @sqlalchemy.event.listens_for(engine, "handle_error")
    def _name_it(context: ExceptionContext) -> Exception | None:
        if context.is_pre_ping:  # the pool itself looks whether a connection is any good
            return None
        cannot_connect = context.connection is None and isinstance(
            context.sqlalchemy_exception, OperationalError
        )
        error = context.original_exception
        if cannot_connect or context.is_disconnect or _code_of(error) in _DEADLOCKS:
            return _NotNow(first_line(error))
        return None


def _code_of(error: BaseException) -> object:
    """The server's code for the error: psycopg's attribute, or PyMySQL's first argument."""
    return getattr(error, "sqlstate", None) or next(iter(error.args), None)
