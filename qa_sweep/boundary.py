"""Boundary: what a config may have Hydra do: name plugins and what writes logs, and no other code.

Hydra calls what `_target_` names where it makes callbacks, launchers and sweepers, and what `()`,
`class` and `ext://` name where it sets up logs. The names that it refuses by itself are, as its
authors say, not all that do harm; so here all are refused but those that are known. They are looked
at twice: as they are written, before anything is done; and where Hydra looks them up, since an
interpolation may make one. Hydra also imports the package in which it is told to look for configs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from hydra._internal import logging_config
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.instantiate import _instantiate2 as instantiation
from hydra._internal.utils import get_args_parser
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from qa_sweep.errors import ConfigError

_LOGGING = (
    "logging.StreamHandler",
    "logging.FileHandler",
    "logging.NullHandler",
    "logging.handlers.RotatingFileHandler",
    "logging.handlers.TimedRotatingFileHandler",
    "sys.stdout",
    "sys.stderr",
    "colorlog.ColoredFormatter",  # of hydra-colorlog
)
_LOOKED_UP = "_authorize_target_name"  # what Hydra asks about a name before it looks it up


@contextmanager
def bounded(arguments: Sequence[str]) -> Iterator[None]:
    """Have Hydra keep to the boundary while the body runs it with these arguments.

    Raises ConfigError where a config or the arguments go beyond it.
    """
    _refuse_rerun(arguments)
    changed: list[tuple[Any, str, Callable[..., Any]]] = [
        (ConfigLoaderImpl, "load_configuration", _checked),
        (instantiation, _LOOKED_UP, _known_only),
        (logging_config, _LOOKED_UP, _known_only),
        (ConfigRepository, "initialize_sources", _in_folders),
    ]
    originals = [getattr(place, name) for place, name, _ in changed]
    for (place, name, change), original in zip(changed, originals, strict=True):
        setattr(place, name, change(original))
    try:
        yield
    except ValueError as error:
        if isinstance(error.__cause__, ConfigError | HydraException):  # of a name, in a log's
            raise error.__cause__ from None
        raise
    finally:
        for (place, name, _), original in zip(changed, originals, strict=True):
            setattr(place, name, original)


def _refuse_rerun(arguments: Sequence[str]) -> None:
    """Hydra's flag would read a pickle."""
    if get_args_parser().parse_known_args(list(arguments))[0].experimental_rerun is not None:
        raise ConfigError(
            "--experimental-rerun must not be used: it reads a pickle, which can run any code; "
            "repeat a run from its record: python -m qa_sweep.replay RUN"
        )


def check_hydra(config: DictConfig) -> None:
    """Refuse what is written in the section `hydra` of a config. Raises ConfigError."""
    settings: Any = OmegaConf.to_container(config, resolve=False)
    for where, name in _written_names(settings, "hydra"):
        if "${" not in name:  # what it will be, is seen where Hydra looks it up
            _require_known(name, where)
    for key in ("env_copy", "env_set"):  # Hydra puts what the first names into the second
        if settings["job"][key]:
            raise ConfigError(
                f"hydra.job.{key} must be empty, but names {', '.join(settings['job'][key])}: "
                "variables of the environment choose programs and hold secrets; "
                "set them where you start the command"
            )


def _checked(load: Callable[..., DictConfig]) -> Callable[..., DictConfig]:
    @wraps(load)
    def load_checked(*arguments: Any, **named: Any) -> DictConfig:
        config = load(*arguments, **named)
        check_hydra(config.hydra)
        return config

    return load_checked


def _known_only(authorize: Callable[..., None]) -> Callable[..., None]:
    @wraps(authorize)
    def authorize_known(name: str, source: str, where: str, **named: Any) -> None:
        _require_known(name, where)
        authorize(name, source, where, **named)

    return authorize_known


def _in_folders(search: Callable[..., None]) -> Callable[..., None]:
    @wraps(search)
    def search_folders(repository: ConfigRepository, places: ConfigSearchPath) -> None:
        for place in places.get_path():
            if str(place.provider).startswith("hydra.searchpath") and str(place.path).startswith(
                "pkg://"
            ):
                raise ConfigError(
                    f"{place.provider} must name folders, but names {place.path!r}, a package "
                    "that could run any code when it is looked for; name its folder"
                )
        search(repository, places)

    return search_folders


def _require_known(name: str, where: str) -> None:
    if name not in _LOGGING and name not in Plugins.instance().class_name_to_class:
        raise ConfigError(
            f"{where or 'a config'} must name a plugin of Hydra, or what writes logs to the "
            f"terminal or a file, but names {name!r}, which could run any code; leave it out"
        )


def _written_names(content: Any, where: str) -> Iterator[tuple[str, str]]:
    """The names of code in a part of a config, and where they stand."""
    if isinstance(content, Mapping):
        is_of_logs = where.startswith(("hydra.job_logging", "hydra.hydra_logging"))
        for key, value in content.items():
            place = f"{where}.{key}"
            if key == "_target_" or (is_of_logs and key in ("()", "class")):
                yield place, str(value)
            elif is_of_logs and isinstance(value, str) and value.startswith("ext://"):
                yield place, value.removeprefix("ext://")
            yield from _written_names(value, place)
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from _written_names(value, f"{where}[{index}]")
