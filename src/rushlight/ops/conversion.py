"""From one dtype, device or language to another: `to`, `float`, `numpy`, `item`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.arrays import Box
from rushlight.autograd.function import Function
from rushlight.core.doors import apply, into, literal, number, read
from rushlight.core.state import state
from rushlight.core.tape import attach
from rushlight.core.tensor import Array, TensorBase, is_inference, wants_grad, wrap
from rushlight.core.turned import held, turning
from rushlight.device import CPU, META, check_device, device
from rushlight.device import device as Device
from rushlight.elsewhere import device_of, has_memory, moved
from rushlight.layout import (
    ORDERS,
    check_format,
    contiguous_format,
    memory_format,
    preserve_format,
    sparse_csc,
    sparse_csr,
)
from rushlight.memory import is_interlaced, is_repeated, laid, placed, show
from rushlight.ops.arguments import (
    NUMBERS,
    as_dtype,
    need_flag,
    need_tensor,
    relabel,
    type_name,
)
from rushlight.ops.data import on_memory
from rushlight.ops.legacy import LEGACY, LegacyType
from rushlight.ops.writable import admit
from rushlight.outline import blank
from rushlight.primitives import pointwise as rows
from rushlight.primitives import view as view_rows
from rushlight.primitives import writing
from rushlight.primitives.placement import column_steps, empty_like, lies, order_like, suggested

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


# ---- dtypes and devices -------------------------------------------------------------------------


def astype(self: Any, dtype: np.dtype[Any]) -> Tensor:
    """The values in a NumPy dtype; the tensor itself if it has that already."""
    if self._data_.dtype == dtype:
        return self
    return apply(rows.convert, self, dtype=dtype)


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """To a dtype, a device, or another tensor's; itself if nothing changes and copy is not set.

    >>> import rushlight as torch
    >>> torch.tensor([1.7]).to(torch.int64)
    tensor([1])
    """
    given = self
    dtype = None
    copy = False
    order = preserve_format
    place = None
    if kwargs:
        unknown = set(kwargs) - {
            "dtype",
            "device",
            "copy",
            "non_blocking",
            "memory_format",
            "other",
        }
        if unknown:
            raise TypeError(f"to() got an unexpected keyword argument '{unknown.pop()}'")
        dtype = kwargs.get("dtype")
        copy = need_flag("to", "copy", 4, kwargs.get("copy", False))
        order = kwargs.get("memory_format") or preserve_format
        if kwargs.get("device") is not None:
            place = check_device(kwargs["device"])
        if "other" in kwargs:
            args = (kwargs["other"], *args)
    flags = []
    for arg in args:
        if isinstance(arg, dtypes.dtype):
            dtype = arg
        elif isinstance(arg, TensorBase):
            dtype, place = dtypes.of(arg._data_.dtype), arg.device  # type: ignore[attr-defined]
        elif isinstance(arg, bool):
            flags.append(arg)
        elif isinstance(arg, str | device | int):
            place = check_device(arg)
        elif isinstance(arg, type):
            dtype = as_dtype(arg)
        elif arg is not None:
            raise TypeError(
                f"to() received an invalid argument of type {type_name(arg)}: write to(dtype), "
                "to(device), to(device, dtype) or to(other)"
            )
    if len(flags) > 1:
        copy = flags[1]
    if place is not None and place is not self.device:
        self, copy = _elsewhere(self, place), False
    if dtype is not None:
        target = as_dtype(dtype).numpy
        if self._data_.dtype != target:
            self, copy = apply(rows.convert, self, dtype=target), False
    if order is not preserve_format:
        check_format(order)
        # What strides suggest is enough here: torch takes a transposed matrix for one in row order.
        if not copy and self is given and suggested(held(self)) == ORDERS.get(order):
            return self
        if not copy and self is not given and order is not contiguous_format:
            # What is new lies so along dimensions of size 1 as well.
            return in_dims(self, view_rows.dims_of(held(self), order))
        return in_order(self, order, copy or self is given)
    return relabel(clone(self), "ToCopyBackward0") if copy else self


def _elsewhere(tensor: Tensor, place: device) -> Tensor:
    """On another device; from the meta device, there is no way back."""
    if place is not META:
        if not has_memory(tensor._data_):
            read(tensor, "a copy on the CPU")
        if not (state.grad and wants_grad(tensor)):
            return wrap(moved(read(tensor, COPIED), place))
        return ToCopy.apply(tensor, place)
    result = wrap(empty_like(tensor._data_, make=blank))
    if state.grad and wants_grad(tensor):
        attach(rows.convert, (tensor,), {"dtype": tensor._data_.dtype}, result)
    return result


COPIED = "a copy on another device"


class ToCopy(Function):
    """To another device; the gradient goes back."""

    @staticmethod
    def forward(ctx: Any, tensor: Any, place: device) -> Any:
        """A copy on the device."""
        ctx.place = tensor.device
        return wrap(moved(read(tensor, COPIED), place))

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """The gradient, where the tensor was."""
        return to(gradient, ctx.place), None


def in_order(self: Tensor, order: memory_format, copy: bool = False) -> Tensor:
    """The tensor in a memory format; itself if it lies so already and copy is not set."""
    check_format(order)
    if not copy and lies_in(held(self), order):
        return self
    return apply(view_rows.compact, self, order=order)


def following(result: Tensor, source: Tensor, lines: bool = False) -> Tensor:
    """The result in channels last if source's strides suggest it, else in row order."""
    if not placed(source._data_) and not placed(result._data_):
        return result
    return in_dims(result, suggested(source._data_, lines))


def alike(result: Tensor, source: Tensor) -> Tensor:
    """The result with its dimensions in memory as those of source, whose shape it has."""
    order = order_like(source._data_) if placed(source._data_) else None
    if order is None:
        return in_rows(result)
    return _moved(result, *order)


def _moved(result: Tensor, dims: tuple[int, ...], strides: tuple[int, ...]) -> Tensor:
    data = result._data_
    if tuple(s // data.itemsize for s in laid(data).strides) == strides:
        return result
    return apply(view_rows.compact, result, dims=dims, strides=strides)


def in_rows(result: Tensor) -> Tensor:
    """The result in row order."""
    return in_dims(result, None)


def in_columns(result: Tensor) -> Tensor:
    """Matrices with their columns one after the other in memory, as LAPACK leaves them."""
    shape = result._data_.shape
    n = len(shape)
    return _moved(result, (*range(n - 2), n - 1, n - 2), column_steps(shape))


def in_dims(result: Tensor, dims: tuple[int, ...] | None) -> Tensor:
    """The result with these dimensions outermost first in memory; None: in row order."""
    data = result._data_
    if dims is None and not placed(data):
        return result
    if lies(data, dims):
        return result
    return apply(view_rows.compact, result, dims=dims)


def lies_in(array: Array, order: memory_format) -> bool:
    """Whether the elements lie in memory in this order, without gaps."""
    if order is contiguous_format or order is preserve_format:
        return array.flags.c_contiguous
    if isinstance(array, Box):
        raise RuntimeError(
            "NYI: querying is_contiguous inside of vmap for memory_format other than torch.contiguous_format"
        )
    ordered = laid(array).transpose(view_rows.dims_of(array, order))
    if array.size:
        return ordered.flags.c_contiguous
    # As torch asks: the steps count also where there is nothing to step to.
    step = array.itemsize
    for size, stride in zip(ordered.shape[::-1], ordered.strides[::-1], strict=True):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


def _caster(name: str, target: dtypes.dtype) -> Callable[..., Tensor]:
    def method(self: Tensor, *, memory_format: Any = preserve_format) -> Tensor:
        if memory_format is not preserve_format:
            return to(self, target, memory_format=memory_format)
        data = self._data_
        if data.dtype is not storage and data.dtype != storage:
            self = apply(rows.convert, self, dtype=storage)
        return self if memory_format is preserve_format else in_order(self, memory_format)

    storage = target.numpy
    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The values as {target!r}; the tensor itself if it has that dtype."
    return method


float_ = _caster("float", dtypes.float32)
double = _caster("double", dtypes.float64)
half = _caster("half", dtypes.float16)
int_ = _caster("int", dtypes.int32)
long = _caster("long", dtypes.int64)
short = _caster("short", dtypes.int16)
char = _caster("char", dtypes.int8)
byte = _caster("byte", dtypes.uint8)
bool_ = _caster("bool", dtypes.bool_)
cfloat = _caster("cfloat", dtypes.complex64)
cdouble = _caster("cdouble", dtypes.complex128)


def bfloat16(self: Tensor, *, memory_format: Any = preserve_format) -> Tensor:
    """The values as torch.bfloat16; the tensor itself if it has that dtype."""
    return to(self, dtypes.bfloat16, memory_format=memory_format)


def chalf(self: Tensor, *, memory_format: Any = preserve_format) -> Tensor:
    """Raises NotImplementedError: NumPy has no such numbers."""
    return to(self, dtypes.complex32)


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type, such as 'torch.FloatTensor'; with dtype, the values in that.

    dtype: a dtype, a type such as torch.LongTensor, or the name of one.

    >>> import rushlight as torch
    >>> torch.zeros(2).type(), torch.zeros(2).type("torch.LongTensor")
    ('torch.FloatTensor', tensor([0, 0]))
    """
    if dtype is None:
        return typename(self)
    if isinstance(dtype, dtypes.dtype):
        return to(self, dtype)
    if isinstance(dtype, type) and issubclass(dtype, TensorBase):
        return to(self, dtypes.get_default_dtype())
    named = LEGACY.get(dtype) if isinstance(dtype, str) else None
    if isinstance(dtype, LegacyType):
        named = dtype.dtype
    if (isinstance(dtype, LegacyType) and dtype.is_cuda) or (
        isinstance(dtype, str) and dtype.replace(".cuda", "", 1) in LEGACY and named is None
    ):
        raise RuntimeError(
            f"Cannot initialize CUDA: {dtype} is not available, rushlight runs on the CPU"
        )
    if named is None:
        raise ValueError(f"invalid type: {dtype!r}")
    return to(self, named)


def typename(obj: Any) -> str:
    """The name of a tensor's type, such as 'torch.FloatTensor', or of any object's class."""
    if isinstance(obj, TensorBase):
        here = device_of(obj._data_).type
        place = "" if here == "cpu" else f"{here}."
        return f"torch.{place}{dtypes.of(obj._data_.dtype).word}Tensor"
    kind = obj if isinstance(obj, type) else type(obj)
    module = "" if kind.__module__ == "builtins" else kind.__module__ + "."
    return module + kind.__qualname__


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The values in the dtype of another tensor, where that is."""
    return to(self, other)


def cpu(self: Tensor, *, memory_format: Any = preserve_format) -> Tensor:
    """The tensor itself: it is on the CPU. One without elements cannot come there."""
    return to(self, CPU, memory_format=memory_format)


def cuda(
    self: Tensor,
    device: Any = None,
    non_blocking: bool = False,
    memory_format: Any = preserve_format,
) -> Tensor:
    """The tensor on a GPU, the current one if none is named; torch's error if there is none."""
    place = Device("cuda", device) if isinstance(device, int) else device or "cuda"
    return to(self, place, memory_format=memory_format)


def get_device(input: Tensor) -> int:
    """The number of the GPU; -1, torch's number of the CPU, for what is not on one."""
    index = device_of(input._data_).index
    return -1 if index is None else index


def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself, in dtype if one is given; a sparse tensor has its own."""
    return self if dtype is None else to(self, dtype)


def to_sparse(self: Tensor, sparse_dim: int | None = None, *, layout: Any = None) -> Tensor:
    """The elements that are not zero, in coordinates, or in another of the sparse layouts."""
    from rushlight.sparse.tensor import to_sparse as in_coordinates

    found = in_coordinates(self, sparse_dim)
    return found if layout is None else found.to_sparse(layout=layout)


def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """The elements of a matrix that are not zero, row by row."""
    return to_sparse(self, layout=sparse_csr)


def to_sparse_csc(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """The elements of a matrix that are not zero, column by column."""
    return to_sparse(self, layout=sparse_csc)


def sparse_mask(self: Tensor, mask: Any) -> Tensor:
    """The elements at the places where a sparse tensor has elements."""
    return mask._with(self[tuple(mask._at.unbind())])


def detach(input: Tensor) -> Tensor:
    """The same memory outside the graph."""
    need_tensor("detach", "input", 1, input)
    return input.detach()


def detach_(input: Tensor) -> Tensor:
    """Cut the tensor from the graph that made it."""
    need_tensor("detach_", "input", 1, input)
    return input.detach_()


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is one of floating-point numbers."""
    need_tensor("is_floating_point", "input", 1, input)
    return input._data_.dtype.kind in "fV"


def is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex."""
    need_tensor("is_complex", "input", 1, input)
    return input._data_.dtype.kind == "c"


def is_signed(input: Tensor) -> bool:
    """Whether the dtype can hold negative numbers."""
    return dtypes.of(input._data_.dtype).is_signed


def is_tensor(obj: Any) -> bool:
    """Whether obj is a Tensor."""
    return isinstance(obj, TensorBase)


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element of a tensor is not zero."""
    if input._data_.size != 1:
        many = "no values" if not input._data_.size else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {many} is ambiguous")
    return bool(number(input, "a decision by its value (is_nonzero())"))


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The dtype of an operation on two tensors or numbers.

    >>> import rushlight as torch
    >>> torch.result_type(torch.tensor([1, 2]), 1.0)
    torch.float32
    """
    ranked = []
    for operand in (tensor1, tensor2):
        if isinstance(operand, TensorBase):
            data = operand._data_
            ranked.append((2 if data.ndim else 1, dtypes.of(data.dtype)))
        elif isinstance(operand, NUMBERS):
            ranked.append((0, dtypes.of_number(operand)))
        else:
            raise TypeError(
                "result_type() received an invalid combination of arguments: each must be Tensor or "
                f"Number, not {type_name(operand)}"
            )
    return dtypes.highest(ranked)


def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether a result of dtype from_ may be written into a tensor of dtype to.

    >>> import rushlight as torch
    >>> torch.can_cast(torch.float64, torch.int32)
    False
    """
    return from_.category <= to.category


def clone(input: Tensor, *, memory_format: Any = preserve_format) -> Tensor:
    """A copy through which gradients flow."""
    if memory_format is not preserve_format and memory_format is not None:
        return in_order(input, memory_format, copy=True)
    return apply(rows.clone, input)


# ---- to other languages -------------------------------------------------------------------------


def numpy(self: Tensor, *, force: bool = False) -> Array:
    """An array on the same memory. A tensor that requires grad must be detached first."""
    if not has_memory(self._data_) and not force:
        raise TypeError(
            "can't convert meta device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
            "memory first."
        )
    if wants_grad(self) and state.grad and not force:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    if self._turned_ and not force:
        bit, resolve = turning(self)
        raise RuntimeError(
            f"Can't call numpy() on Tensor that has {bit} bit set. Use "
            f"tensor.resolve_{resolve}().numpy() instead."
        )
    if self._data_.__class__ is not np.ndarray and (here := device_of(self._data_)).type == "cuda":
        if not force:
            raise TypeError(
                f"can't convert {here} device type tensor to numpy. Use Tensor.cpu() to copy the tensor "
                "to host memory first."
            )
        return read(self, "numpy()")
    kind = self._data_.dtype
    if kind.isbuiltin == 2:
        raise TypeError(f"Got unsupported ScalarType {dtypes.of(kind).word}")
    array = show(read(self, ".numpy()"))
    if self._turned_:
        return array.copy()
    # A view, of which a program may change the shape. As under torch, NumPy gives what has no elements no strides.
    return (array if array.size else np.empty(array.shape, kind)).view()


def as_array(self: Tensor, dtype: Any = None) -> Array:
    """NumPy's way to the array: `np.asarray(tensor)`, `np.mean([tensor])`."""
    array = numpy(self)
    return array if dtype is None else array.astype(dtype, copy=False)


# NumPy, which offers a `copy`, goes on without where the error names this method.
as_array.__qualname__ = "__array__"


def as_result(self: Tensor, array: Array) -> Tensor:
    """What NumPy's function of a tensor gives, as a tensor on that memory; flags as uint8."""
    return literal(on_memory(array.astype(np.uint8) if array.dtype == bool else array))


def item(self: Tensor) -> Any:
    """The value of a tensor with one element as a Python number."""
    if self._data_.size != 1:
        raise RuntimeError(
            f"a Tensor with {self._data_.size} elements cannot be converted to Scalar: shape "
            f"{list(self._data_.shape)}; reduce it first, or index one element"
        )
    return number(self, ".item()")


def tolist(self: Tensor) -> Any:
    """Nested lists of Python numbers; a number for a 0-d tensor."""
    return read(self, ".tolist()").tolist()


def contains(self: Tensor, element: Any) -> bool:
    """Whether any element equals the number or tensor: `3 in t`."""
    if not isinstance(element, TensorBase | int | float | np.number | complex):
        raise RuntimeError(
            "Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
            f"{type(element)}."
        )
    return bool(number((self == element).any(), "whether it is among the elements"))


# ---- element by element, in Python --------------------------------------------------------------


def map_elements(self: Tensor, *others: Any) -> Tensor:
    """`apply_(f)`, `map_(x, f)`, `map2_(x, y, f)`: f of each element, in place; slow."""
    *tensors, function = others
    name = f"{('apply', 'map', 'map2')[len(tensors)]}_"
    for t in (self, *tensors):
        if t.requires_grad:
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad: .detach() it first"
            )
        if t._data_.dtype != self._data_.dtype:
            raise TypeError(f"{name}: expected {self.type()} for 'other' (got {t.type()})")
    if not is_inference(self):
        admit(self)
    if not has_memory(self._data_):
        return self
    try:
        tensors = [t.expand(self._data_.shape) for t in tensors]
    except RuntimeError:
        raise RuntimeError(
            f"{name}: the other tensor does not spread over {list(self._data_.shape)}"
        ) from None
    why = "a Python function of each element"
    arrays = [np.broadcast_to(read(t, why), self._data_.shape) for t in tensors]
    if is_repeated(self._data_) or is_interlaced(self._data_):
        # What is shown again is changed again.
        for index in np.ndindex(self._data_.shape):
            now = [a[index].item() for a in (read(self, why), *arrays)]
            into(self, writing.copy_region, literal(np.asarray(function(*now))), index=index)
        return self
    arrays.insert(0, read(self, why))
    values = [function(*items) for items in zip(*(a.ravel().tolist() for a in arrays), strict=True)]
    written = np.asarray(values, self._data_.dtype).reshape(self._data_.shape)
    into(self, writing.copy, wrap(written))
    return self
