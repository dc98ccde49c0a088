"""Where the host would wait for a GPU, seen on the CPU: each operation that reads a tensor."""

from collections import Counter
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from transformers import TrainerCallback

# Of these the result, or its shape, is known once the device has computed all that comes before.
_READING = {
    "aten::_local_scalar_dense",  # item(), float(), bool(), if
    "aten::is_nonzero",
    "aten::nonzero",  # and indexing by a mask
    "aten::masked_select",
    "aten::_unique2",
    "aten::repeat_interleave",
    "aten::equal",
}


class Waits(TorchDispatchMode):
    """Counts such operations while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        name = function._schema.name
        if name in _READING:
            self.counts[name] += 1
        return function(*args, **(kwargs or {}))


class WaitsOfSteps(TrainerCallback):
    """Counts them in each step of a training, from its beginning to its end, logging included.

    The first step is not counted: what the optimizer remembers is made in it.
    """

    def __init__(self) -> None:
        self.of_step: dict[int, Counter[str]] = {}
        self._waits: Waits | None = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._leave()
        if state.global_step > 0:
            self._waits = Waits()
            self._waits.__enter__()
            self.of_step[state.global_step + 1] = self._waits.counts

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._waits is not None:
            self._waits.__exit__(None, None, None)
            self._waits = None
