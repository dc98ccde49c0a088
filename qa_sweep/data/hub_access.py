"""Hub access: one look at a repository before it is loaded, and why one does not load, in words.

The libraries that load it ask the hub for each file, and where there is no network, try each again
for half a minute, even of what is in the local cache. So the hub is asked once here; where it does
not answer, they are told to be offline.
"""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from qa_sweep.errors import DataError, ModelError, QaSweepError

log = logging.getLogger(__name__)

_TIMEOUT_S = 10.0  # of the look
_PAUSE_S = 300.0  # for which a hub that has not answered is not asked again, by whichever trial
_REFUSALS = (401, 403, 404)  # other codes are troubles of the hub
_WEIGHTS = ".safetensors"


@dataclass(frozen=True)
class Repository:
    """What is to be loaded; `kind` is "model" or "dataset", as the hub calls them."""

    kind: str
    path: str
    revision: str

    @property
    def section(self) -> str:
        """The section of the settings that names it."""
        return "model" if self.kind == "model" else "data"

    @property
    def noun(self) -> str:
        return "a model" if self.kind == "model" else "a data set"

    @property
    def built_in(self) -> str:
        """The setting that needs no hub."""
        return "model=tiny" if self.kind == "model" else "data=embedded"

    def error(self, problem: str) -> QaSweepError:
        """Return the error that says what is wrong with it."""
        if self.kind == "model":
            return ModelError(f"model {self.path!r} {problem}")
        return DataError(f"data set {self.path!r} {problem}")


@dataclass(frozen=True)
class Found:
    """What the hub says of a repository; nothing where only the local cache is used."""

    files: list[str]
    commit: str | None = None


_silent_since = -math.inf  # by the monotonic clock: when the hub did not answer


@contextmanager
def loading(repository: Repository) -> Iterator[Found]:
    """Load inside; gives what is known of the repository beforehand.

    Raises ModelError or DataError, with the reason, where the hub refuses or the loading fails.
    """
    folder = Path(repository.path).expanduser()
    is_folder = folder.is_dir()
    found = Found([path.name for path in folder.iterdir()]) if is_folder else _look_up(repository)
    is_offline = not is_folder and found.commit is None
    with ExitStack() as stack:
        if is_offline:
            stack.enter_context(_offline(repository.kind))
        try:
            yield found
        except QaSweepError:
            raise
        except Exception as error:
            raise repository.error(_reason(error, repository, is_offline=is_offline)) from error


def require_safetensors(files: list[str], repository: Repository) -> None:
    """Raise ModelError where weights are there, but not as safetensors."""
    if files and not any(name.endswith(_WEIGHTS) for name in files):
        found = ", ".join(name for name in files if name.endswith((".bin", ".pt", ".h5"))) or "none"
        raise repository.error(
            f"must be a folder or a model of the hub with its weights as safetensors, but has "
            f"{found}; a pickle can run any code, and is not read: convert it where you trust it, "
            f"correct model.path, or take model=tiny"
        )


def _look_up(repository: Repository) -> Found:
    """Ask the hub; nothing is found where it does not answer, or has not a while ago."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError

    if constants.HF_HUB_OFFLINE or time.monotonic() - _silent_since < _PAUSE_S:
        return Found([])
    try:
        info = HfApi().repo_info(
            repository.path,
            repo_type=repository.kind,
            revision=repository.revision,
            timeout=_TIMEOUT_S,
        )
    except RevisionNotFoundError as error:
        raise repository.error(no_revision(repository)) from error
    except HfHubHTTPError as error:
        if error.response.status_code in _REFUSALS:
            raise repository.error(_not_found(repository)) from error
        return _use_cache(f"answers {error.response.status_code}")
    except ValueError as error:  # no name that the hub could have
        raise repository.error(_not_found(repository)) from error
    except Exception as error:  # noqa: BLE001 - of the hub's HTTP library, which has changed twice
        return _use_cache(f"cannot be reached ({error})")
    files = [file.rfilename for file in getattr(info, "siblings", None) or []]
    return Found(files, info.sha)


def _use_cache(problem: str) -> Found:
    global _silent_since
    _silent_since = time.monotonic()
    _warn_of_cache(problem)
    return Found([])


@lru_cache  # once a process, however many files and trials
def _warn_of_cache(problem: str) -> None:
    log.warning("the hub %s; the local cache is used", problem)


@contextmanager
def _offline(kind: str) -> Iterator[None]:
    """Have the libraries be as with HF_HUB_OFFLINE=1, which they read when they are imported."""
    from huggingface_hub import constants

    places: list[Any] = [constants]
    if kind == "dataset":
        import datasets

        places.append(datasets.config)
    before = [place.HF_HUB_OFFLINE for place in places]
    for place in places:
        place.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.HF_HUB_OFFLINE = value


def _reason(error: Exception, repository: Repository, *, is_offline: bool) -> str:
    """Return in words why a repository did not load."""
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import GatedRepoError, RevisionNotFoundError

    causes = _causes(error)
    if is_offline:
        return (
            f"(revision {repository.revision}) must be a folder or {repository.noun} of the hub, "
            f"which must be in the local cache or be reachable, but neither is; check the network, "
            f"HF_ENDPOINT and HF_HUB_OFFLINE, or take {repository.built_in}"
        )
    if any(isinstance(cause, GatedRepoError | DatasetNotFoundError) for cause in causes):
        return (
            "must be open to you, but is gated; ask for access on its page, then log in with "
            "`hf auth login`"
        )
    if any(isinstance(cause, RevisionNotFoundError) for cause in causes):
        return no_revision(repository)
    if any(_is_of_network(cause) for cause in causes):
        return (
            "must be downloaded whole, but the connection was lost; check the network, and give "
            "the same command again"
        )
    first_line = (str(error) or type(error).__name__).splitlines()[0]
    return f"cannot be loaded: {first_line[:300]} ({type(error).__name__})"


def no_revision(repository: Repository, place: str = "the hub") -> str:
    """Return what to say of a revision that is not there."""
    return (
        f"must have the revision {repository.revision!r}, which {place} does not have; correct "
        f"{repository.section}.revision"
    )


def _not_found(repository: Repository) -> str:
    return (
        f"must be a folder or {repository.noun} of the hub that is open to you, but was not found; "
        f"correct {repository.section}.path, log in with `hf auth login`, or take "
        f"{repository.built_in}"
    )


def _is_of_network(error: BaseException) -> bool:
    return isinstance(error, ConnectionError | TimeoutError) or type(error).__module__.startswith(
        ("httpx", "httpcore")
    )


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return an error and those it was raised from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
