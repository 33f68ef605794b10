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
    return isinstance(getattr(tensor, "_data", None), Batched)


def is_functorch_wrapped_tensor(tensor: Any) -> bool:
    """Whether a transform is at work on the tensor."""
    return is_batchedtensor(tensor)


def get_unwrapped(tensor: Any) -> Any:
    """The tensor itself."""
    return tensor
