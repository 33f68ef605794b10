"""What torch's `vmap` is made of, which libraries patch: here it is made otherwise, and these are names."""

from __future__ import annotations

from typing import Any

from rushlight._C._functorch import (
    _add_batch_dim,
    _remove_batch_dim,
    _vmap_decrement_nesting,
    _vmap_increment_nesting,
)
from rushlight._tensor import Tensor
from rushlight.absent import refused
from rushlight.func.mapping import vmap
from rushlight.utils._pytree import _broadcast_to_and_flatten, tree_flatten, tree_unflatten

__all__ = [
    "Tensor", "_add_batch_dim", "_broadcast_to_and_flatten", "_remove_batch_dim", "_vmap_decrement_nesting",
    "_vmap_increment_nesting", "tree_flatten", "tree_unflatten", "vmap",
]  # fmt: skip

_OTHERWISE = "use torch.vmap, which is not made of it"
_process_batched_inputs = refused("_process_batched_inputs", _OTHERWISE, __name__)
_create_batched_inputs = refused("_create_batched_inputs", _OTHERWISE, __name__)
_unwrap_batched = refused("_unwrap_batched", _OTHERWISE, __name__)
_maybe_remove_batch_dim = refused("_maybe_remove_batch_dim", _OTHERWISE, __name__)
_validate_and_get_batch_size = refused("_validate_and_get_batch_size", _OTHERWISE, __name__)


def _get_name(func: Any) -> str:
    """The name of a function."""
    return getattr(func, "__name__", None) or repr(func)
