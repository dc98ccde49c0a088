"""Composing: the config of each job, without reading every file again for each.

Hydra composes a config by reading its files and walking the defaults list, which takes it fifty
times as long as setting a value. What a job's overrides choose from config groups decides about
files and defaults; all else are values, which are set in a copy of what was composed once.
"""

import copy
import pickle
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

# `override_dirname` is part of each job's config, and this is how Hydra makes it.
from hydra._internal.config_loader_impl import get_overrides_dirname
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

_N_KEPT = 16  # composed configs, one for each choice of groups


class Composer:
    """Composes the configs of the jobs of a sweep; `fixed` are the overrides that all share."""

    def __init__(self, loader: ConfigLoader, config: DictConfig, fixed: Sequence[str]) -> None:
        self._loader = loader
        self._config = config
        self._fixed = list(fixed)
        self._parser = OverridesParser.create(config_loader=loader)
        self._fixed_parsed = self._parser.parse_overrides(self._fixed)
        self._copier = lru_cache(maxsize=_N_KEPT)(self._make_copier)
        # Of what lies on a search path of the app's own, the loader itself does not know.
        self._knows_groups = not config.hydra.searchpath
        self._is_group = lru_cache(maxsize=None)(lambda key: bool(loader.get_group_options(key)))

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        """What Hydra itself would compose."""
        parsed = self._parser.parse_overrides(list(overrides))
        if not self._knows_groups or any(map(_is_special, parsed)):
            return self._compose(*overrides)
        values = [override for override in parsed if self._sets_value(override)]
        groups = [o for o in parsed if not self._sets_value(o)]
        config = self._copier(*(str(o.input_line) for o in groups))()
        try:
            for override in values:
                OmegaConf.update(config, override.key_or_group, override.value(), merge=True)
        except OmegaConfBaseException:
            return self._compose(*overrides)  # for Hydra's own message
        self._describe(config, overrides, parsed)
        return config

    def _sets_value(self, override: Override) -> bool:
        value: Any = override.value()
        return isinstance(value, dict) or not self._is_group(override.key_or_group)

    def _describe(
        self, config: DictConfig, overrides: Sequence[str], parsed: Sequence[Override]
    ) -> None:
        """What `hydra.*` says of the overrides."""
        job = config.hydra.job
        config.hydra.overrides.task = [*self._fixed, *overrides]
        job.override_dirname = get_overrides_dirname(
            overrides=[*self._fixed_parsed, *parsed],
            kv_sep=job.config.override_dirname.kv_sep,
            item_sep=job.config.override_dirname.item_sep,
            exclude_keys=job.config.override_dirname.exclude_keys,
        )
        OmegaConf.copy_cache(from_config=self._config, to_config=config)

    def _make_copier(self, *groups: str) -> Callable[[], DictConfig]:
        """What copies the config: pickled once, it is read two and a half times as quickly."""
        config = self._compose(*groups)
        try:
            return partial(pickle.loads, pickle.dumps(config))
        except (pickle.PicklingError, AttributeError, TypeError):  # it holds objects of the app's
            return partial(copy.deepcopy, config)

    def _compose(self, *overrides: str) -> DictConfig:
        return self._loader.load_sweep_config(self._config, [*self._fixed, *overrides])


def _is_special(override: Override) -> bool:
    """Whether it is about Hydra itself, adds or deletes something, or names a package."""
    return (
        override.is_hydra_override()
        or override.is_add()
        or override.is_force_add()
        or override.is_delete()
        or override.package is not None
    )
