"""GPU: what lets it work without waiting for the host, and by its quickest arithmetic."""

from collections.abc import Callable
from typing import Any

import torch
from transformers import AttentionMaskInterface
from transformers.masking_utils import eager_mask, sdpa_mask

_Mask = Callable[..., torch.Tensor | None]


def set_tf32(is_wanted: bool) -> None:
    """Have matrix products of fp32 computed in TF32 by the GPUs that can, or have them exact."""
    # By the call that the old settings follow as well as the new: where they differ, the compilers
    # of some versions refuse to work (pytorch#166387). And not by transformers' enable_tf32: it
    # remembers its calls, so that it switches each way once.
    torch.set_float32_matmul_precision("high" if is_wanted else "highest")


def free_bytes(device: torch.device) -> int:
    """What this process may still take of a GPU's memory, which may be a share of it alone.

    What PyTorch keeps of tensors that are gone counts as free: new ones are put there.
    """
    n_free, n_bytes = torch.cuda.mem_get_info(device)
    n_taken = torch.cuda.memory_allocated(device)
    n_kept = torch.cuda.memory_reserved(device) - n_taken
    # Unlike the others it takes no device without an index; None is the current one.
    share = torch.cuda.get_per_process_memory_fraction(device.index)
    return min(n_free + n_kept, int(share * n_bytes) - n_taken)


def leave_masks_unread() -> None:
    """Have attention on a GPU take each mask as it is, in all models of the process.

    transformers leaves out a mask that masks nothing. To know that, the host reads the mask, for
    which it waits in each forward pass until the GPU has done all that was asked of it. Batches
    without any padding, for which leaving it out is quicker, are rare.
    """
    AttentionMaskInterface.register("sdpa", _unread(sdpa_mask))
    AttentionMaskInterface.register("eager", _unread(eager_mask))


def _unread(stock: _Mask) -> _Mask:
    def mask(*arguments: Any, **settings: Any) -> torch.Tensor | None:
        if _is_far(settings.get("attention_mask")):
            settings["allow_is_bidirectional_skip"] = False
        return stock(*arguments, **settings)

    return mask


def _is_far(tensor: torch.Tensor | None) -> bool:
    """Whether the host would wait for the values."""
    return tensor is not None and tensor.device.type != "cpu"
