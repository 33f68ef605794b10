"""How tensors are copied and pickled: by a storage, and by where a tensor lies in it.

The functions that make a tensor again are called as torch calls its own in files: what either writes,
the other reads.
"""

from __future__ import annotations

import copy
import sys
from collections import OrderedDict
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.arrays import Box
from rushlight.autograd.state import no_grad
from rushlight.core.doors import read
from rushlight.core.tensor import TensorBase, result_class
from rushlight.core.turned import class_of, held, take_memory, turn
from rushlight.elsewhere import has_memory
from rushlight.errors import warn
from rushlight.layout import strided
from rushlight.ops.creation import empty_strided
from rushlight.ops.legacy import as_class
from rushlight.ops.storage import (
    UNTYPED,
    TypedStorage,
    type_of,
)
from rushlight.ops.storage_places import STORAGE, place_of, tensor_on

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# What the instance dictionary of a tensor holds of the engine's own, and a copy does not take over.
_ENGINE = {"_output_nr_", "_hooks_", "_retains_grad_", "_accumulator_", "_name_", "_earlier_", "_grad_dtype_",
           "_tangents_", "_is_argument_"}  # fmt: skip


def own_state(tensor: TensorBase) -> dict[str, Any]:
    """The attributes that the user gave a tensor."""
    return {name: value for name, value in tensor.__dict__.items() if name not in _ENGINE}


def deepcopy(self: Tensor, memo: dict[Any, Any]) -> Tensor:
    """A leaf on a copy of its storage, gradient and own attributes included; see `copy.deepcopy`.

    Tensors that share a storage share its copy, as long as they are copied together.
    """
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment.  If you were attempting to deepcopy a module, this may be "
            "because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001: copy a part that was computed with "
            ".detach().clone()"
        )
    known = memo.get(id(self))
    if known is not None:
        return known
    with no_grad():
        result = _copied(self, memo)
    if self.requires_grad:
        result._want_grad()
    if self.grad is not None:
        result.grad = self.grad.__deepcopy__(memo)
    own = own_state(self)
    if own:
        result.__dict__.update(copy.deepcopy(own, memo))
    memo[id(self)] = result
    return result


def _need_storage(tensor: Tensor) -> None:
    """Raise torch's error for the tensors of a transform, which have no memory of their own."""
    if tensor.layout is strided and isinstance(tensor._data_, Box):
        read(tensor, STORAGE)


def _copied(tensor: Tensor, memo: dict[Any, Any]) -> Any:
    if tensor._dispatches_:
        alone = tensor.clone()
        if type(alone) is not type(tensor):
            raise RuntimeError(
                "The default implementation of __deepcopy__() for wrapper subclasses only works for subclass "
                "types that properly implement clone(), which gives another instance of the same subclass"
            )
        return alone
    _need_storage(tensor)
    if tensor.layout is not strided or tensor._turned_ or not has_memory(tensor._data_):
        alone = tensor.detach().clone()
        return alone.contiguous() if tensor._turned_ and tensor._data_.dtype.kind != "c" else alone
    storage, offset, strides = place_of(tensor._data_)
    twin = storage.__deepcopy__(memo)
    placed = tensor_on(twin, dtypes.of(tensor._data_.dtype), offset, tensor._data_.shape, strides)
    if type(tensor) is type(placed):
        return placed
    # The inherited new_empty is asked with subclasses switched off, and gives a plain tensor.
    own = type(tensor).new_empty is not type(placed).new_empty
    result: Any = tensor.new_empty(()) if own else placed
    if type(result) is not type(tensor):
        raise RuntimeError(
            "The default implementation of __deepcopy__() for non-wrapper subclasses only works "
            "for subclass types that implement new_empty() and for which that function returns "
            "another instance of the same subclass. You should either properly implement "
            "new_empty() for your subclass or override __deepcopy__() if it is intended behavior "
            "for new_empty() to return an instance of a different type."
        )
    result._data_, result._changes_ = placed._data_, placed._changes_
    return result


def reduce(self: Tensor, proto: Any) -> tuple[Any, ...]:
    """What a pickle keeps: how to make the tensor again, and from what.

    multiprocessing asks by exact classes what it was told of: so the first tensor, and all turned ones,
    that go to another process come by here.
    """
    sending = sys.modules.get("multiprocessing.reduction")
    if sending is not None and class_of(self) is result_class() and _goes_out(sending):
        from rushlight.ops.shared_memory import reduced, send_between_processes

        send_between_processes()
        return reduced(self)
    return kept(self, values_of(self), class_of(self) is result_class())


def _goes_out(sending: ModuleType) -> bool:
    """Whether the pickle that is being made is one of multiprocessing's."""
    codes = {sending.dump.__code__, sending.ForkingPickler.dumps.__func__.__code__}
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and "rushlight" in frame.f_globals.get("__name__", ""):
        frame = frame.f_back
    return frame is not None and frame.f_code in codes


def kept(
    tensor: Tensor, values: tuple[Callable[..., Any], tuple[Any, ...]], plain: bool
) -> tuple[Any, ...]:
    """What makes the values again; and, unless it is plain, the class and the user's attributes."""
    _warn_of_hooks(tensor)
    function, arguments = values
    state = own_state(tensor)
    if plain and not state:
        return function, arguments
    return _rebuild_from_type_v2, (function, class_of(tensor), arguments, state)


def values_of(tensor: Tensor) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The function that makes a tensor of these values, and its arguments."""
    _need_storage(tensor)
    dtype = dtypes.of(tensor._data_.dtype)
    if not has_memory(tensor._data_):
        shape, strides = tuple(tensor._data_.shape), tensor.stride()
        return _rebuild_meta_tensor_no_storage, (dtype, shape, strides, tensor.requires_grad)
    storage, offset, strides = place_of(held(tensor))
    hooks: OrderedDict[int, Any] = OrderedDict()
    place = offset, tuple(tensor._data_.shape), strides, tensor.requires_grad, hooks
    marks = ({"conj" if dtype.is_complex else "neg": True},) if tensor._turned_ else ()
    if type_of(dtype) is UNTYPED:
        return _rebuild_tensor_v3, (storage, *place, dtype, *marks)
    return _rebuild_tensor_v2, (TypedStorage.on(storage, dtype), *place, *marks)


def _warn_of_hooks(tensor: Tensor) -> None:
    node = tensor._node_
    hooks = tensor._hooks_ if node is None else node._hooks_
    for hook in list(hooks.on_tensor(tensor._output_nr_).values()) if hooks is not None else ():
        if not getattr(hook, "__torch_unserializable__", False):
            warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, "
                "you can decorate the function with @torch.utils.hooks.unserializable_hook to "
                "suppress this warning"
            )


# ---- the functions that a file names ------------------------------------------------------------


def _rebuild_tensor(storage: Any, storage_offset: int, size: Any, stride: Any) -> Any:
    """A tensor on a storage that knows its dtype."""
    return tensor_on(storage.untyped(), storage.dtype, storage_offset, size, stride)


def _rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: Any = None,
) -> Any:
    """A tensor on a storage, with its wish for a gradient. Hooks are not kept in files."""
    tensor = _rebuild_tensor(storage, storage_offset, size, stride)
    return _wanting(_as_marked(tensor, metadata), requires_grad)


def _rebuild_tensor_v3(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    dtype: dtypes.dtype,
    metadata: Any = None,
) -> Any:
    """A tensor of this dtype on an untyped storage."""
    tensor = tensor_on(storage.untyped(), dtype, storage_offset, size, stride)
    return _wanting(_as_marked(tensor, metadata), requires_grad)


def _rebuild_meta_tensor_no_storage(
    dtype: dtypes.dtype, size: Any, stride: Any, requires_grad: bool
) -> Any:
    """A tensor on the meta device."""
    return empty_strided(size, stride, dtype=dtype, device="meta", requires_grad=requires_grad)


def _as_marked(tensor: Any, metadata: Any) -> Any:
    """The tensor whose storage has these values, marked as conjugate or negative."""
    if metadata and (metadata.get("conj") or metadata.get("neg")):
        turn(tensor)
    return tensor


def _wanting(tensor: Any, requires_grad: bool) -> Any:
    return tensor._want_grad() if requires_grad else tensor


def _rebuild_from_type_v2(
    func: Callable[..., Any], new_type: type[Any], args: Any, state: Any
) -> Any:
    """A tensor of a subclass, or with attributes of the user's own."""
    tensor = func(*args)
    if type(tensor) is not new_type:
        plain = tensor
        tensor = as_class(new_type, held(plain))
        take_memory(tensor, plain)
        tensor._requires_grad_ = plain._requires_grad_
    return with_state(tensor, state)


def with_state(tensor: Any, state: Any) -> Any:
    """The tensor with attributes that the user gave another."""
    # A pair is what torch writes for classes with __slots__.
    for part in state if isinstance(state, tuple) else (state,):
        for name, value in (part or {}).items():
            # What makes a tensor work is not to be changed by a file.
            if not (name.startswith("_") and hasattr(type(tensor), name)):
                setattr(tensor, name, value)
    return tensor
