"""New tensors: from data that is there already, or filled with one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, elsewhere
from rushlight.core import doors
from rushlight.core.doors import literal, number, read
from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.core.turned import alias, turning
from rushlight.device import META, check_device, choices, get_default_device, without_memory
from rushlight.errors import no_memory, warn, warn_once
from rushlight.layout import ORDERS, check_layout, preserve_format
from rushlight.ops.arguments import (
    as_dtype,
    as_sequence,
    as_sizes,
    like,
    named,
    need_number,
    need_scalar,
    need_tensor,
    need_type,
    numpy_dtype,
    write_out,
)
from rushlight.ops.data import array_of, on_memory
from rushlight.ops.storage import TypedStorage, UntypedStorage
from rushlight.outline import blank
from rushlight.primitives import placement
from rushlight.primitives.constant import computed
from rushlight.primitives.strided import laid_out
from rushlight.settings import filling

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Dtype = dtypes.dtype | None


def default_float() -> np.dtype[Any]:
    """The NumPy dtype of the default dtype."""
    return dtypes.get_default_dtype().numpy


def finish(
    made: Array | Tensor,
    *,
    out: Tensor | None = None,
    device: Any = None,
    layout: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    names: None = None,
    dtype: Any = None,
) -> Tensor:
    """A new array or tensor, with what the arguments of all creation functions ask of it."""
    if layout is not None:
        check_layout(layout)
    if pin_memory:
        need_no_pins()
    result = made if isinstance(made, TensorBase) else literal(made)
    if device is not None or choices.made:
        result = emptied(result, device)
    if out is not None:
        return write_out(out, result, made=True)
    return (
        result
        if requires_grad is None or requires_grad is False
        else result._want_grad(requires_grad)
    )


def made_type(dtype: Dtype, default: np.dtype[Any], options: dict[str, Any]) -> np.dtype[Any]:
    """The type of what is made: the one asked for, which is to be that of `out=` as well; or that of `out=`."""
    if not options or (out := options.get("out")) is None:
        return numpy_dtype(dtype, default)
    need_tensor("out", "out", 0, out)
    kind = numpy_dtype(dtype, out._data_.dtype)
    need_type(out, kind)
    return kind


def need_no_pins() -> None:
    """Raise torch's error for memory that is to be pinned."""
    raise RuntimeError(
        "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is "
        "available on this system."
    )


def emptied(made: Tensor, where: Any) -> Tensor:
    """What was made, on this device: without its elements if tensors there have none."""
    place = get_default_device() if where is None else check_device(where)
    here = elsewhere.device_of(made._data_)
    if place is here or here is META:
        return made
    if place is META:
        return wrap(placement.empty_like(made._data_, make=blank))
    return wrap(elsewhere.moved(read(made, "a copy on another device"), place))


def maker(make: Callable[..., Array], where: Any) -> Callable[..., Any]:
    """make(shape, dtype), or what gives an array without memory, if that is what this device has."""
    return blank if without_memory(where) else make


def check_sizes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, unless a size is negative."""
    for n in shape:
        if n < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n}: {list(shape)}"
            )
    return shape


# ---- from data ---------------------------------------------------------------------------------


def tensor(
    data: Any,
    *,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of data: numbers, nested sequences, arrays.

    Python floats become the default dtype, integers int64; arrays keep their type.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).dtype
    torch.int64
    """
    if isinstance(data, TensorBase):
        _warn_of_copy("torch.tensor")
    if pin_memory:
        need_no_pins()
    kind = None if dtype is None else as_dtype(dtype)
    if isinstance(data, TensorBase) and not elsewhere.has_memory(data._data_):
        result = data.detach().clone().to(kind)  # type: ignore[attr-defined]
    else:
        result = literal(array_of(data, kind))
    if device is not None or choices.made:
        result = emptied(result, device)
    return result._want_grad(requires_grad) if requires_grad is not False else result


def _warn_of_copy(function: str) -> None:
    warn(
        "To copy construct from a tensor, it is recommended to use "
        "sourceTensor.detach().clone() or sourceTensor.detach().clone().requires_grad_(True), "
        f"rather than {function}(sourceTensor)."
    )


def new_tensor(
    self: Tensor,
    data: Any,
    *,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of data, of this tensor's dtype if none is given."""
    if self._turned_:
        bit, how = turning(self)
        raise RuntimeError(
            f"DispatchKey {bit.title()} doesn't correspond to a device: take .resolve_{how}() of the tensor first"
        )
    if isinstance(data, TensorBase):
        _warn_of_copy("tensor.new_tensor")
    kind = dtypes.of(self._data_.dtype) if dtype is None else as_dtype(dtype)
    made = emptied(literal(array_of(data, kind)), device or self.device)
    result = like(made, self)
    return result._want_grad(requires_grad) if requires_grad is not False else result


def as_tensor(data: Any, dtype: Dtype = None, device: Any = None) -> Tensor:
    """data as a tensor, without a copy where it is a tensor or an array of that dtype.

    A tensor stays in its graph.

    >>> import numpy as np
    >>> import rushlight as torch
    >>> array = np.zeros(2)
    >>> torch.as_tensor(array)[0] = 1.0
    >>> array
    array([1., 0.])
    """
    kind = None if dtype is None else as_dtype(dtype)
    if isinstance(data, TensorBase):
        if device is not None or choices.made:
            return data.to(device or get_default_device(), kind)  # type: ignore[attr-defined]
        return data if kind is None else data.to(kind)  # type: ignore[return-value, attr-defined]
    if not isinstance(data, np.ndarray) or (kind is not None and data.dtype != kind.numpy):
        made = literal(array_of(data, kind))
    else:
        made = from_numpy(data)
    return emptied(made, device) if device is not None or choices.made else made


def asarray(
    obj: Any,
    *,
    dtype: Dtype = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """obj as a tensor. copy=True always copies, copy=False raises ValueError if it would have to.

    A tensor stays what it is, in its graph too; requires_grad=False cuts it from that.
    """
    kind = None if dtype is None else as_dtype(dtype)
    if isinstance(obj, TensorBase):
        if requires_grad is None and obj._requires_grad_:
            warn_once(
                "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of "
                "False. Pass requires_grad=False explicitly to get the old behavior and silence this "
                "warning."
            )
            requires_grad = True
        cut = obj._requires_grad_ and not requires_grad
        shared: Any = alias(obj) if cut and obj._node_ is not None else obj
        if cut and shared is obj:
            obj.requires_grad_(False)
    elif isinstance(obj, np.ndarray):
        # One without dimensions torch takes for a number.
        shared = literal(on_memory(obj if obj.ndim else obj.copy()))
    elif isinstance(obj, UntypedStorage | TypedStorage):
        shared = wrap(obj.elements)
    elif isinstance(obj, np.generic):
        if copy is False:
            raise RuntimeError(
                "can't alias NumPy scalars: remove copy=False, or make an array of it"
            )
        shared = literal(on_memory(np.asarray(obj)))
    elif hasattr(obj, "__dlpack__"):
        from rushlight.ops.legacy import from_dlpack

        shared = from_dlpack(obj)
    elif _is_buffer(obj):
        from rushlight.ops.legacy import frombuffer

        shared = frombuffer(obj, dtype=kind or dtypes.get_default_dtype())
    elif copy is False:
        raise ValueError(f"can't alias memory of {type(obj).__name__}: it has to be copied")
    else:
        result = emptied(literal(array_of(obj, kind)), device)
        return result._want_grad(requires_grad) if requires_grad else result
    if device is not None or not isinstance(obj, TensorBase):
        shared = shared.to(device or get_default_device())
    fits = kind is None or shared._data_.dtype == kind.numpy
    if copy is False and not fits:
        raise ValueError(f"can't alias tensor with dtype {shared.dtype!r} into dtype {kind!r}")
    result = shared if fits else shared.to(kind)
    if copy and fits:
        result = result.clone()
    return result._want_grad(requires_grad) if requires_grad else result


def _is_buffer(obj: Any) -> bool:
    """Whether Python reads the object's memory; numbers and strings of NumPy are no such."""
    if isinstance(obj, np.generic):
        return False
    try:
        memoryview(obj)
    except TypeError:
        return False
    return True


def from_numpy(ndarray: Array) -> Tensor:
    """A tensor on the array's own memory: a change in one shows in the other."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return literal(on_memory(ndarray))


# ---- filled -------------------------------------------------------------------------------------


def _sized(name: str, make: Callable[..., Array], what: str) -> Callable[..., Tensor]:
    """`zeros` and its kind: `f(*size)`; make(shape, dtype) gives the array."""

    def function(
        *size: Any, dtype: Dtype = None, memory_format: Any = None, **options: Any
    ) -> Tensor:
        if not size:
            if "size" not in options:
                raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
            size = (options.pop("size"),)
        shape = check_sizes(as_sizes(size))
        known = maker(make, options.get("device")) if options or choices.made else make
        array = known(shape, made_type(dtype, default_float(), options))
        if memory_format is not None:
            array = in_format(array, memory_format)
        if options or choices.made:
            return finish(array, **options)
        # A call less where nobody watches.
        return literal(array) if doors.watching or not array.size else wrap(array)

    return named(function, name, what)


def beside(result: Tensor, source: Tensor) -> Tensor:
    """A new tensor that goes with source: of its class, and one for each example if it has several."""
    if source._data_.__class__ is not np.ndarray and elsewhere.has_memory(source._data_):
        wanted = result._requires_grad_
        result = computed(_first, result, source)._want_grad(wanted)
    return like(result, source)


def _first(array: Array, source: Any) -> Array:
    return array.copy()


def _alike(name: str, make: Callable[..., Array], what: str) -> Callable[..., Tensor]:
    """`zeros_like` and its kind: size, dtype and order in memory are those of the input."""

    def function(
        input: Tensor, *, dtype: Dtype = None, memory_format: Any = preserve_format, **options: Any
    ) -> Tensor:
        need_tensor(name, "input", 1, input)
        data = input._data_
        known = make
        if data.__class__ is not np.ndarray or options:
            known = maker(make, options.get("device", input.device))
        array = as_before(data, numpy_dtype(dtype, data.dtype), known, memory_format)
        if options:
            return beside(finish(array, **options), input)
        return beside(literal(array) if doors.watching else wrap(array), input)

    return named(function, name, what)


def _new(name: str, make: Callable[..., Array], what: str) -> Callable[..., Tensor]:
    """`new_zeros` and its kind: only the dtype is that of the tensor."""

    def method(self: Tensor, *size: Any, dtype: Dtype = None, **options: Any) -> Tensor:
        if not size:
            if "size" not in options:
                raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
            size = (options.pop("size"),)
        shape = check_sizes(as_sizes(size))
        known = maker(make, options.get("device") or self.device)
        array = known(shape, numpy_dtype(dtype, self._data_.dtype))
        return beside(finish(array, **options) if options else literal(array), self)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = what
    return method


def as_before(
    like: Array, dtype: np.dtype[Any], make: Callable[..., Array], memory_format: Any
) -> Array:
    """What make gives for the shape of like, lying in memory as memory_format says."""
    if memory_format is not preserve_format and memory_format is not None:
        return in_format(make(like.shape, dtype), memory_format)
    return placement.empty_like(like, dtype, make)


def in_format(array: Array, memory_format: Any) -> Array:
    """An array with these values whose dimensions lie in memory in the order of the format."""
    order = ORDERS.get(memory_format)
    if order is None:
        return np.ascontiguousarray(array) if array.ndim else array
    if array.ndim != len(order):
        raise RuntimeError(
            f"required rank {len(order)} tensor to use {memory_format.name} format, but this one "
            f"has {array.ndim} dimensions"
        )
    return placement.arranged(array, order)


def _allocated(make: Callable[..., Array]) -> Callable[..., Array]:
    """make(shape, dtype) with torch's errors for what is too large."""

    def made(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        try:
            return make(shape, dtype)
        except MemoryError as error:
            raise no_memory(error) from None
        except ValueError:
            raise RuntimeError(
                f"Storage size calculation overflowed with sizes={list(shape)}"
            ) from None

    return made


def _unwritten(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    array = np.empty(shape, dtype)
    if (value := filling(array.dtype)) is not None:
        array.fill(value)
    return array


_zeros, _empty = _allocated(np.zeros), _allocated(_unwritten)


def _ones(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return _full(shape, 1, dtype)


def _full(shape: tuple[int, ...], value: Any, dtype: np.dtype[Any]) -> Array:
    array = _empty(shape, dtype)
    array.fill(value)
    return array


zeros = _sized(
    "zeros", _zeros, "A tensor of zeros: `zeros(2, 3)` or `zeros((2, 3))`, of the default dtype."
)
ones = _sized("ones", _ones, "A tensor of ones.")
empty = _sized("empty", _empty, "A tensor of whatever the memory held.")
zeros_like = _alike("zeros_like", _zeros, "Zeros in the shape and dtype of the input.")
ones_like = _alike("ones_like", _ones, "Ones in the shape and dtype of the input.")
empty_like = _alike("empty_like", _empty, "A tensor like the input, its values not set.")
new_zeros = _new("new_zeros", _zeros, "Zeros of this tensor's dtype.")
new_ones = _new("new_ones", _ones, "Ones of this tensor's dtype.")
new_empty = _new("new_empty", _empty, "A tensor of this one's dtype, its values not set.")


def _filler(function: str, value: Any) -> Any:
    """A fill_value: a number, or a 0-d tensor that stands for one."""
    return need_scalar(function, "fill_value", 2, value)


def _filled(array: Array, value: Any) -> Array:
    fit = dtypes.one_in if array.size == 1 else dtypes.number_in
    array.fill(fit(value, array.dtype))
    return array


def full(size: Any, fill_value: Any, *, dtype: Dtype = None, **options: Any) -> Tensor:
    """A tensor with every element fill_value, whose type is the dtype if none is given.

    >>> import rushlight as torch
    >>> torch.full((2,), 7)
    tensor([7, 7])
    """
    if not isinstance(size, list | tuple):
        raise TypeError(
            f"full(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}"
        )
    fill_value = _filler("full", fill_value)
    storage = made_type(dtype, dtypes.of_number(fill_value).numpy, options)
    shape = check_sizes(as_sizes((size,)))
    make = maker(_empty, options.get("device"))
    return finish(_filled(make(shape, storage), fill_value), **options)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Dtype = None,
    memory_format: Any = preserve_format,
    **options: Any,
) -> Tensor:
    """A tensor in the shape and dtype of the input with every element fill_value."""
    need_tensor("full_like", "input", 1, input)
    fill_value = _filler("full_like", fill_value)
    storage = numpy_dtype(dtype, input._data_.dtype)
    make = maker(np.empty, options.get("device") or input.device)
    array = as_before(input._data_, storage, make, memory_format)
    return beside(finish(_filled(array, fill_value), **options), input)


def new_full(
    self: Tensor, size: Any, fill_value: Any, *, dtype: Dtype = None, **options: Any
) -> Tensor:
    """A tensor of this one's dtype with every element fill_value."""
    fill_value = _filler("new_full", fill_value)
    storage = numpy_dtype(dtype, self._data_.dtype)
    shape = check_sizes(as_sizes((size,)))
    make = maker(_empty, options.get("device") or self.device)
    return beside(finish(_filled(make(shape, storage), fill_value), **options), self)


def scalar_tensor(s: Any, *, dtype: Dtype = None, **options: Any) -> Tensor:
    """A 0-d tensor of the default dtype, whatever the number's own type."""
    if isinstance(s, TensorBase) and not s._data_.ndim:
        s = number(s, "the value of a tensor")
    need_number("scalar_tensor", "s", 1, s)
    storage = numpy_dtype(
        dtype, dtypes.of_number(s).numpy if isinstance(s, complex) else default_float()
    )
    return finish(np.asarray(dtypes.one_in(s, storage)), **options)


def empty_strided(size: Any, stride: Any, *, dtype: Dtype = None, **options: Any) -> Tensor:
    """A tensor with these strides (counted in elements), its values not set."""
    shape = check_sizes(as_sequence("empty_strided", "size", size))
    strides = as_sequence("empty_strided", "stride", stride)
    if len(shape) != len(strides):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides "
            f"({len(strides)})"
        )
    if min(strides, default=0) < 0:
        raise RuntimeError(f"Tensor: empty_strided expects no negative strides, got {strides}")
    point = maker(np.zeros, options.get("device"))((), numpy_dtype(dtype, default_float()))
    if (value := filling(point.dtype)) is not None:
        point[()] = value
    return finish(laid_out(np.broadcast_to(point, shape), strides), **options)


def new_empty_strided(
    self: Tensor, size: Any, stride: Any, *, dtype: Dtype = None, **options: Any
) -> Tensor:
    """`empty_strided` of this tensor's dtype."""
    options.setdefault("device", self.device)
    return empty_strided(size, stride, dtype=dtype or dtypes.of(self._data_.dtype), **options)


def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: Dtype = None, **options: Any
) -> Tensor:
    """A tensor whose dimensions lie in memory in this order, its values not set.

    >>> import rushlight as torch
    >>> torch.empty_permuted((2, 3, 5), (0, 2, 1)).stride()
    (15, 1, 3)
    """
    shape, order = check_sizes(as_sizes((size,))), as_sizes((physical_layout,))
    if sorted(order) != list(range(len(shape))):
        raise RuntimeError(
            f"physical_layout {list(order)} must name each of the {len(shape)} dimensions once"
        )
    storage = numpy_dtype(dtype, default_float())
    make = maker(np.empty, options.get("device"))
    return finish(placement.empty_in(shape, storage, order, make((), storage)), **options)
