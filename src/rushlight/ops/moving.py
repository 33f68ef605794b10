"""The memory behind tensors, moved: to what processes share, or to what is larger.

All that lies on a storage moves with it, as in torch, whose tensors look their storage up. Tensors here
are arrays on the memory itself, so each is laid out anew, at the same place of the new memory.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.core.tensor import Array, TensorBase
from rushlight.core.turned import held, put
from rushlight.errors import no_memory
from rushlight.memory import address, beside, extent, is_seen, laid, root, strided_view, whole
from rushlight.ops.storage import BYTE, UntypedStorage

User = TensorBase | UntypedStorage


def lay_out(
    tensor: TensorBase, shape: tuple[int, ...], strides: tuple[int, ...], fresh: Any = None
) -> None:
    """Let a tensor have this geometry from where it begins, on memory that grows, with all on it, if need be.

    strides are in bytes; fresh: what new elements are, if not 0. Whoever holds the tensor's array meanwhile
    makes `move` look for who else does.
    """
    data = held(tensor)
    dtype, owner = data.dtype, whole(data)
    end = address(data) - address(owner) + math.prod(shape) * dtype.itemsize
    if end > owner.nbytes:
        need_growing(data)
        del data, owner
        move(tensor, grown(end, fresh, dtype))
        data = held(tensor)
    put(tensor, beside(data, shape, strides))


def need_growing(memory: Array) -> None:
    """Raise torch's error for memory that NumPy sees, too: it cannot be exchanged for a larger one."""
    if is_seen(memory):
        raise RuntimeError(
            "Trying to resize storage that is not resizable: an array of NumPy lies on it. Use a tensor of "
            "the result's shape, or .clone()"
        )


def move(user: User, make: Callable[[Array], Array]) -> None:
    """Let a tensor or storage, and all others on its memory, lie on make(its bytes), which holds the same bytes.

    NumPy's arrays on the old memory stay there. Raises RuntimeError, before anything has moved, where a
    tensor would reach beyond the new memory.
    """
    users = _users(user)
    owner = whole(_memory_of(user))
    start, memory = address(owner), make(owner.reshape(-1, order="A").view(BYTE))
    tensors = [x for x in users if isinstance(x, TensorBase)]
    moved = [_at(memory, x, address(x) - start) for x in map(held, tensors)]
    for x, array in zip(tensors, moved, strict=True):
        put(x, array)
    for x in users:
        if isinstance(x, UntypedStorage):
            x.array = memory


def _at(memory: Array, x: Array, offset: int) -> Array:
    strides = laid(x).strides
    if (end := offset + extent(x.shape, strides) - 1 + x.itemsize) > memory.nbytes and x.size:
        raise RuntimeError(
            f"a tensor of shape {list(x.shape)} needs {end} bytes of a storage that is to have "
            f"{memory.nbytes}: let go of the tensor, or set_() it elsewhere"
        )
    return strided_view(memory, x.shape, strides, offset, x.dtype)


def _memory_of(user: User) -> Array:
    return user.array if isinstance(user, UntypedStorage) else held(user)


def _users(user: User) -> list[Any]:
    """All that lies on the memory of user."""
    import gc

    memory = _memory_of(user)
    # Known to the user, this function and getrefcount.
    if not memory.nbytes or (memory.base is None and sys.getrefcount(memory) <= 3):
        return [user]
    # Nobody keeps a list, which every view would have to pay for. By their types, as to ask strangers
    # for their class may run code of theirs.
    owner = root(memory)
    found = [x for x in gc.get_objects() if issubclass(type(x), (TensorBase, UntypedStorage))]
    return [x for x in found if root(_memory_of(x)) is owner]


def grown(size: int, value: Any = None, dtype: np.dtype[Any] = BYTE) -> Callable[[Array], Array]:
    """For `move`: as many bytes, what is new being zero, or value in that type if it is not None."""

    def make(old: Array) -> Array:
        try:
            new, kept = np.zeros(size, BYTE, like=old), min(size, old.nbytes)
        except MemoryError as error:
            raise no_memory(error) from None
        new[:kept] = old[:kept]
        if value is not None:
            fresh = new[kept:]
            fresh[: fresh.size // dtype.itemsize * dtype.itemsize].view(dtype).fill(value)
        return new

    return make
