"""Window tensors: windows in the memory of the device, where batches are put together.

Shapes
    n_tokens    tokens of all windows together, without padding
    n_windows   windows of the training
    n_rows      windows of one batch
    n_columns   tokens of a window of the batch, with padding
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from qa_sweep.batches import Columns
from qa_sweep.gpu import free_bytes
from qa_sweep.qa.windows import Windows

Inputs = dict[str, torch.Tensor]  # name in the model's forward pass -> (n_rows, …)

# Of what the process may take; a model and its activations need the rest, and come later.
_SHARE_OF_FREE_MEMORY = 0.1


class WindowTensors(Dataset[Inputs]):
    """Windows as a data set that hands out padded batches, on the device.

    Where the windows lie on the device, a batch costs a dozen operations there, whatever its size,
    and the host waits for none of them: how wide it is, the host knows from the lengths.
    """

    def __init__(
        self,
        windows: Windows,
        columns: Columns,
        *,
        pad_id: int,
        takes_token_types: bool,
        device: torch.device,
        on_device: bool,
    ) -> None:
        self._lengths = windows.lengths
        self._columns = columns
        self._device = device
        # One cell more than there are tokens: the one that all padding is read from.
        ids = np.append(windows.input_ids, np.int32(pad_id))
        types = np.append(windows.token_types, np.int8(0)) if takes_token_types else None
        rows = _row_table(windows)
        n_bytes = sum(array.nbytes for array in (ids, types, rows) if array is not None)
        is_here = on_device and _has_room(device, n_bytes)
        self._home = device if is_here else torch.device("cpu")
        self._ids = torch.from_numpy(ids).to(self._home)  # (n_tokens + 1,)
        self._types = None if types is None else torch.from_numpy(types).to(self._home)
        self._rows = torch.from_numpy(rows).to(self._home)  # (4, n_windows)
        self._positions = torch.arange(columns.max_length, device=self._home)

    def __len__(self) -> int:
        return len(self._lengths)

    def __getitems__(self, rows: list[int]) -> Inputs:
        """A padded batch on the device: what a question-answering model takes."""
        n_columns = int(self._columns.of(self._lengths[rows].max()))
        # From pinned memory, as in _send.
        index = torch.tensor(rows, pin_memory=self._home.type == "cuda")
        batch = self._gather(index.to(self._home, non_blocking=True), n_columns)
        if self._home == self._device:
            return batch
        return {name: _send(tensor, self._device) for name, tensor in batch.items()}

    def _gather(self, rows: torch.Tensor, n_columns: int) -> Inputs:
        starts, lengths, start_labels, end_labels = self._rows[:, rows].unbind()
        positions = self._positions[:n_columns]
        is_token = positions < lengths[:, None]  # (n_rows, n_columns)
        cells = torch.where(is_token, starts[:, None] + positions, len(self._ids) - 1)
        batch = {
            "input_ids": self._ids[cells].long(),
            "attention_mask": is_token.long(),
            "start_positions": start_labels,
            "end_positions": end_labels,
        }
        if self._types is not None:
            batch["token_type_ids"] = self._types[cells].long()
        return batch


def _row_table(windows: Windows) -> NDArray[np.int64]:
    """Of each window the first token, the number of tokens and both labels, (4, n_windows)."""
    columns = (windows.row_starts[:-1], windows.lengths, windows.start_labels, windows.end_labels)
    return np.stack([column.astype(np.int64) for column in columns])


def _has_room(device: torch.device, n_bytes: int) -> bool:
    if device.type != "cuda":
        return True
    return n_bytes <= _SHARE_OF_FREE_MEMORY * free_bytes(device)


def _send(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy to the device; from pinned memory, since for other memory the host may have to wait."""
    return tensor.pin_memory().to(device, non_blocking=True)
