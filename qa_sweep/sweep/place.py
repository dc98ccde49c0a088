"""Place: where a sweep's studies and results are, as its config says."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from qa_sweep.errors import ConfigError, OutputError, StudyError
from qa_sweep.sweep.storage import SQLITE_FILE, default_storage_url
from qa_sweep.sweep.storage_url import (
    HOW_TO_GIVE_A_PASSWORD,
    file_of,
    has_literal_password,
    shown,
)
from qa_sweep.sweep.studies import storage_url


@dataclass(frozen=True)
class Place:
    """The folder of results, and the storage, which is by default a file in it."""

    results: Path
    url: str = field(repr=False)  # may hold a password
    typed_url: str | None = None  # before `${…}` is filled in; None: by default

    @staticmethod
    def of(config: DictConfig, url: str | None) -> "Place":
        """`url` is that of the storage, filled in. Raises ConfigError where a password is typed.

        It would stand in the list of processes, in histories, and in each job's `.hydra/`.
        """
        results = Path(str(config.hydra.sweep.dir)).resolve()
        sweeper = OmegaConf.to_container(config.hydra.sweeper, resolve=False)
        assert isinstance(sweeper, dict)
        typed = sweeper["storage"]
        if has_literal_password(str(typed)):
            raise ConfigError(
                "hydra.sweeper.storage must take its password from the environment, but has it "
                f"typed; {HOW_TO_GIVE_A_PASSWORD}"
            )
        return Place(results, url or default_storage_url(results), typed if url else None)

    @property
    def storage_folder(self) -> Path:
        """Where the file is that holds the studies; the results where a server does."""
        return (file_of(self.url) or self.results / SQLITE_FILE).parent

    @property
    def storage_option(self) -> str | None:
        """What a command's `--storage` takes, without a password; None where it needs none.

        That is what was typed, but where it says something to Hydra alone.
        """
        if self.typed_url is None:
            return None
        with suppress(StudyError):
            if storage_url(self.results, self.typed_url) == self.url:
                return self.typed_url
        return shown(self.url)

    def check_name(self, name: str) -> None:
        """Raises ConfigError for a study's name that is not the plain name of a folder."""
        if (self.results / name).parent != self.results or name.startswith("."):
            raise ConfigError(
                f"hydra.sweeper.study_name must be a plain name of a folder, but got {name!r}"
            )

    def make_folder(self, name: str) -> Path:
        """That of a study. Raises OutputError where it cannot be made."""
        folder = self.results / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{folder} must be a folder that can be written ({error.strerror}); "
                "choose another place: hydra.sweep.dir=…"
            ) from error
        return folder
