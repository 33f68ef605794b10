"""Tensors whose memory several processes share: `t.share_memory_()`.

The memory is that of a file without a name. Forked processes have it mapped already; to processes
that are started otherwise, and through queues and pipes, its descriptor is sent instead of the
values. It is freed when the last process lets go of it.
"""

from __future__ import annotations

import functools
import mmap
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.tensor import Array, result_class
from rushlight.elsewhere import has_memory
from rushlight.memory import is_dense, laid, root, strided_view
from rushlight.ops.geometry import storage_offset
from rushlight.ops.legacy import as_class
from rushlight.ops.rebuilding import own_state, reduce
from rushlight.ops.storage_places import place_of

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


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
    return shared_block(self._data) is not None


def share_memory_(self: Tensor) -> Tensor:
    """Move the values to memory that processes started from now on share; returns the tensor.

    Views that were made before keep the old memory: share the tensor first, then take its views.

    >>> import rushlight as torch
    >>> torch.zeros(3).share_memory_().is_shared()
    True
    """
    if is_shared(self):
        return self
    if not has_memory(self._data):
        raise RuntimeError("_share_fd_: only available on CPU, not for a tensor without memory")
    data = self._data
    block = SharedMemory(_nameless_file(max(data.nbytes, 1)), max(data.nbytes, 1))
    moved = np.frombuffer(block, data.dtype, data.size)
    like = data if is_dense(data) else np.empty(data.shape, data.dtype)
    moved = strided_view(moved, data.shape, laid(like).strides)
    np.copyto(moved, data)
    self._data = moved
    send_between_processes()
    return self


@functools.cache
def send_between_processes() -> None:
    """Let multiprocessing send shared tensors without their values, and of others the values alone."""
    from multiprocessing.reduction import ForkingPickler

    ForkingPickler.register(result_class(), _reduced)


def _reduced(tensor: Tensor) -> tuple[Any, ...]:
    if tensor._node is not None:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does "
            "not support crossing process boundaries. If you just want to transfer the data, call "
            "detach() on the tensor before serializing (e.g., putting it on the queue)."
        )
    block = shared_block(tensor._data)
    if block is None:
        # A row of a data set takes less than the storage that it is in, an expanded tensor more.
        if place_of(tensor._data).storage.nbytes() < tensor._data.nbytes:
            return reduce(tensor, 2)
        return _copied, (tensor._data, tensor._requires_grad, own_state(tensor))
    from multiprocessing.reduction import DupFd

    data = tensor._data
    place = data.dtype.str, data.shape, data.strides, storage_offset(tensor) * data.itemsize
    handle = DupFd(block.descriptor)
    return _received, (handle, len(block), place, tensor._requires_grad, own_state(tensor))


def _received(handle: Any, size: int, place: Any, requires_grad: bool, own: dict[str, Any]) -> Any:
    block = SharedMemory(handle.detach(), size)
    kind, shape, strides, offset = place
    send_between_processes()
    return _copied(strided_view(block, shape, strides, offset, np.dtype(kind)), requires_grad, own)


def _copied(array: Array, requires_grad: bool, own: dict[str, Any]) -> Any:
    tensor = as_class(result_class(), array)
    tensor._requires_grad = requires_grad
    tensor.__dict__.update(own)
    return tensor
