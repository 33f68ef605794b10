"""Tensors whose memory several processes share: `t.share_memory_()`.

The memory is that of a file without a name. Forked processes have it mapped already; to processes
that are started otherwise, and through queues and pipes, its descriptor is sent instead of the
values. It is freed when the last process lets go of it.
"""

from __future__ import annotations

import functools
import mmap
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.tensor import Array, result_class
from rushlight.core.turned import held, turn
from rushlight.elsewhere import has_memory
from rushlight.memory import root, strided_view
from rushlight.ops.geometry import storage_offset
from rushlight.ops.legacy import as_class
from rushlight.ops.moving import move
from rushlight.ops.rebuilding import kept, own_state, values_of
from rushlight.ops.storage import BYTE, UntypedStorage
from rushlight.ops.storage_places import place_of

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# A function that makes a tensor, and its arguments.
Kept = tuple[Callable[..., Any], tuple[Any, ...]]


class SharedMemory(mmap.mmap):
    """A mapped file without a name; `descriptor` is how other processes get to it."""

    descriptor = -1

    def __new__(cls, descriptor: int, size: int) -> SharedMemory:
        """The memory of an open file, whose descriptor it takes over."""
        mapped = super().__new__(cls, descriptor, size)
        mapped.descriptor = descriptor
        return mapped

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


def _nameless_file(size: int) -> int:
    """The descriptor of a new file of that many bytes, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("rushlight")
    else:
        import tempfile

        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


def shared_block(array: Array) -> SharedMemory | None:
    """The shared memory in which an array lies, if it does."""
    owner: Any = root(array)
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    return owner if isinstance(owner, SharedMemory) else None


def is_shared(self: Tensor) -> bool:
    """Whether other processes can see what is written into this tensor; see `share_memory_`."""
    return shared_block(held(self)) is not None


def share_memory_(self: Tensor) -> Tensor:
    """Move the whole storage to memory that processes started from now on share; returns the tensor.

    All tensors on that storage move with it. NumPy's arrays on the old memory stay there.

    >>> import rushlight as torch
    >>> x = torch.zeros(3)
    >>> x[1:].share_memory_().is_shared(), x.is_shared()
    (True, True)
    """
    if is_shared(self):
        return self
    if not has_memory(self._data_):
        raise RuntimeError("_share_fd_: only available on CPU, not for a tensor without memory")
    share(self)
    return self


def share(user: Tensor | UntypedStorage) -> SharedMemory:
    """Move a tensor or storage, with all that lies on its memory, to a new block."""
    blocks = []

    def make(old: Array) -> Array:
        size = max(old.nbytes, 1)
        blocks.append(SharedMemory(_nameless_file(size), size))
        shared = np.frombuffer(blocks[0], BYTE, old.nbytes)
        shared[:] = old
        return shared

    move(user, make)
    send_between_processes()
    return blocks[0]


@functools.cache
def send_between_processes() -> None:
    """Let multiprocessing move what it sends to shared memory, as torch does."""
    from multiprocessing.reduction import ForkingPickler

    ForkingPickler.register(result_class(), reduced)
    ForkingPickler.register(UntypedStorage, _reduced_storage)


def reduced(tensor: Tensor, may_move: bool = True) -> Kept:
    """What a pickle for another process keeps: where the memory is; unless it may move, else the values."""
    if tensor._node_ is not None:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does "
            "not support crossing process boundaries. If you just want to transfer the data, call "
            "detach() on the tensor before serializing (e.g., putting it on the queue)."
        )
    if tensor._data_.__class__ is not np.ndarray:
        return kept(tensor, values_of(tensor), plain=True)
    block, values = shared_block(held(tensor)), None
    if block is None:
        values = _values(tensor)
        if not may_move:
            return values
        block = share(tensor)
    data = held(tensor)
    place = data.dtype, data.shape, data.strides, storage_offset(tensor) * data.itemsize
    found = *_handle(block), place, tensor._turned_
    return _received, (found, tensor._requires_grad_, own_state(tensor), values)


def _reduced_storage(storage: UntypedStorage) -> Kept:
    if not has_memory(storage.array):
        return storage.__reduce__()
    block = shared_block(storage.array)
    return _received_storage, (*_handle(share(storage) if block is None else block), len(storage))


def _handle(block: SharedMemory) -> tuple[Any, int]:
    from multiprocessing.reduction import DupFd

    return DupFd(block.descriptor), len(block)


def _values(tensor: Tensor) -> Kept:
    # A row of a data set takes less than the storage that it is in, an expanded tensor more.
    if place_of(held(tensor)).storage.nbytes() < tensor._data_.nbytes:
        return kept(tensor, values_of(tensor), plain=True)
    return _copied, (tensor._data_, tensor._requires_grad_, own_state(tensor))


def _received(
    found: tuple[Any, int, Any, bool], requires_grad: bool, own: dict[str, Any], values: Kept | None
) -> Any:
    handle, size, (dtype, shape, strides, offset), is_turned = found
    try:
        block = SharedMemory(handle.detach(), size)
    except (OSError, EOFError):
        if values is None:
            raise
        # Who sent it is no more, and nobody else sees the memory: torch raises the error here.
        function, arguments = values
        return function(*arguments)
    send_between_processes()
    array = strided_view(block, shape, strides, offset, dtype)
    tensor = _copied(array, requires_grad, own)
    if is_turned:
        turn(tensor)
    return tensor


def _received_storage(handle: Any, size: int, count: int) -> UntypedStorage:
    return UntypedStorage.on(np.frombuffer(SharedMemory(handle.detach(), size), BYTE, count))


def _copied(array: Array, requires_grad: bool, own: dict[str, Any]) -> Any:
    tensor = as_class(result_class(), array)
    tensor._requires_grad_ = requires_grad
    tensor.__dict__.update(own)
    return tensor
