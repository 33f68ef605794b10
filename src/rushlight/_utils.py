"""What torch keeps in `torch._utils`: by which pickles find what makes tensors again, and errors that travel."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from rushlight.nn.parameter import _rebuild_parameter as _rebuild_parameter
from rushlight.nn.parameter import _rebuild_parameter_with_state as _rebuild_parameter_with_state
from rushlight.ops.joining import cat
from rushlight.ops.rebuilding import (
    _rebuild_meta_tensor_no_storage as _rebuild_meta_tensor_no_storage,
)
from rushlight.ops.rebuilding import _rebuild_tensor as _rebuild_tensor
from rushlight.ops.rebuilding import _rebuild_tensor_v2 as _rebuild_tensor_v2
from rushlight.ops.rebuilding import _rebuild_tensor_v3 as _rebuild_tensor_v3
from rushlight.sparse.creation import _rebuild_sparse_tensor as _rebuild_sparse_tensor

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


class KeyErrorMessage(str):
    """A message for KeyError, which would show the repr of its argument, line breaks and all."""

    def __repr__(self) -> str:
        return str(self)


class ExceptionWrapper:
    """An exception of another process or thread, with its traceback as text, to be raised here.

    exc_info is the exception, or what `sys.exc_info()` gives; without it, the one that is being handled.
    """

    def __init__(self, exc_info: Any = None, where: str = "in background") -> None:
        import traceback

        error: Any = sys.exc_info()[1] if exc_info is None else exc_info
        error = error[1] if isinstance(error, tuple) else error
        kind = type(error)
        text = "".join(traceback.format_exception(error))
        self.where = where
        self.exc_msg = f"Caught {kind.__name__} {where}.\nOriginal {text}"
        try:
            pickle.loads(pickle.dumps(kind))
        except Exception:
            kind = RuntimeError  # defined where the parent cannot find it
        if issubclass(kind, StopIteration):
            kind = RuntimeError  # would quietly end the parent's loop
        self.exc_type: type[BaseException] = kind

    def reraise(self) -> NoReturn:
        """Raise an exception of the same type, with the original traceback in its message."""
        kind = self.exc_type
        message = KeyErrorMessage(self.exc_msg) if kind is KeyError else self.exc_msg
        keywords = {"message": message} if getattr(kind, "message", None) else {}
        try:
            error = kind(**keywords) if keywords else kind(message)
        except Exception:
            # Its constructor wants something else.
            raise RuntimeError(message) from None
        raise error


def _flatten_dense_tensors(tensors: Iterable[Tensor]) -> Tensor:
    """All elements in one row."""
    return cat([t.contiguous().view(-1) for t in tensors])


def _unflatten_dense_tensors(flat: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Views of the row, in the shapes of tensors."""
    parts = flat.split([t.numel() for t in tensors])
    return tuple(part.view(t.shape) for part, t in zip(parts, tensors, strict=True))


def _take_tensors(tensors: Iterable[Tensor], size_limit: int) -> Iterator[list[Tensor]]:
    """The tensors in groups of one type, of at most size_limit bytes but for single tensors."""
    groups: dict[str, list[Tensor]] = {}
    for t in tensors:
        group = groups.setdefault(t.type(), [])
        if group and sum(other.nbytes for other in [*group, t]) > size_limit:
            yield group
            group = groups[t.type()] = []
        group.append(t)
    yield from groups.values()


def _element_size(dtype: Any) -> int:
    """How many bytes an element has."""
    return int(dtype.itemsize)


def _get_device_index(device: Any, optional: bool = False, allow_cpu: bool = False) -> int:
    """The number of a device: -1 for the CPU, where that is allowed."""
    from rushlight.device import device as kind

    if isinstance(device, str):
        device = kind(device)
    if isinstance(device, kind):
        if device.type == "cpu" and not allow_cpu:
            raise ValueError(f"Expected a non cpu device, but got: {device}")
        device = -1 if device.type == "cpu" else device.index
    if device is None and not optional:
        raise ValueError(
            f"Expected a torch.device with a specified index or an integer, but got:{device}"
        )
    return -1 if device is None else int(device)


def _get_available_device_type() -> str | None:
    """None: there is no device but the CPU."""
    return None


def _get_device_module(device_type: str) -> Any:
    """The module of a type of device."""
    from rushlight.ops.control import get_device_module

    return get_device_module(device_type)
