"""What torch asks of its transforms in C++: whether a tensor is one of a batch."""

from __future__ import annotations

from typing import Any

from rushlight.absent import refused
from rushlight.func.batching import Batched

_OTHERWISE = "use torch.vmap and torch.func"
_add_batch_dim = refused("_add_batch_dim", _OTHERWISE, __name__)
_remove_batch_dim = refused("_remove_batch_dim", _OTHERWISE, __name__)
_vmap_increment_nesting = refused("_vmap_increment_nesting", _OTHERWISE, __name__)
_vmap_decrement_nesting = refused("_vmap_decrement_nesting", _OTHERWISE, __name__)


def is_batchedtensor(tensor: Any) -> bool:
    """Whether the tensor is one of a batch, within `vmap`."""
    return isinstance(getattr(tensor, "_data_", None), Batched)


def is_functorch_wrapped_tensor(tensor: Any) -> bool:
    """Whether a transform is at work on the tensor."""
    return is_batchedtensor(tensor)


def get_unwrapped(tensor: Any) -> Any:
    """What a tensor of a batch holds, the batch where the caller had it."""
    box = getattr(tensor, "_data_", None)
    if not isinstance(box, Batched):
        raise RuntimeError("No wrappers present!")
    return box.level.shown(box)[0]


def maybe_get_level(tensor: Any) -> int:
    """Which of the vmaps that are running the tensor belongs to; -1 for none."""
    box = getattr(tensor, "_data_", None)
    return box.level.depth if isinstance(box, Batched) else -1


def maybe_get_bdim(tensor: Any) -> int:
    """Where the batch lies in what the tensor holds; -1 for none."""
    box = getattr(tensor, "_data_", None)
    return box.level.shown(box)[1] if isinstance(box, Batched) else -1
