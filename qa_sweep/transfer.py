"""Transfer: arrays of the host on their way to the device, without the host waiting for it."""

import numpy as np
import torch
from numpy.typing import NDArray


def to_device(array: NDArray, device: torch.device | None) -> torch.Tensor:
    """Return `array` as a tensor on `device`; on the CPU, or where that is None, it may share it.

    From pinned memory a GPU takes its copy when its turn comes, and the host goes on meanwhile.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device is None or device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
