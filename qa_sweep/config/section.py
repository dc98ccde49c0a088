"""A section of the settings."""

from typing import Any, ClassVar

from qa_sweep.errors import ConfigError


class Section:
    """Base of all sections: takes none but its own settings, also where one is added by `+`.

    Hydra takes `+trainer.momentum=0.9` for a wish to add a setting, which would have no effect.
    """

    section: ClassVar[str] = ""  # as messages call it
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self.__dataclass_fields__:
            full_name = f"{self.section}.{name}" if self.section else name
            raise ConfigError(f"{full_name} is no setting; leave it out: --help lists all settings")
        super().__setattr__(name, value)
