"""CMA-ES: Optuna's sampler, which keeps its state in the study, as a pickle.

To read a pickle is to run what it says, and a study may be somebody else's: so only what such a
state is made of is looked up.
"""

import io
import pickle
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from qa_sweep.errors import StudyError

_KNOWN = {
    ("cmaes._cma", "CMA"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
}


class CmaEsSampler(optuna.samplers.CmaEsSampler):
    """Optuna's, for studies that may be of others."""

    def _restore_optimizer(self, completed_trials: list[FrozenTrial]) -> Any:
        """The state after the last of the trials that has one; None where none has.

        Raises StudyError where it is of something else than an optimizer.
        """
        for trial in reversed(completed_trials):
            attributes = {
                name: value
                for name, value in trial.system_attrs.items()
                if name.startswith(self._attr_key_optimizer)
            }
            if attributes:
                state = bytes.fromhex(self._concat_optimizer_attrs(attributes))
                return _StateReader(io.BytesIO(state)).load()
        return None


class _StateReader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise StudyError(
                f"the state that cmaes has kept in the study must be of cmaes and NumPy alone, but "
                f"names {module}.{name}, which could run any code; go on with another sampler: "
                f"hydra.sweeper.sampler=…"
            )
        return super().find_class(module, name)
