"""Parameters and buffers: the tensors that a module owns, some without a shape yet."""

from __future__ import annotations

import functools
from collections import OrderedDict
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import literal
from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.core.turned import alias, class_of, take_memory
from rushlight.device import CPU, META, without_memory
from rushlight.elsewhere import has_memory
from rushlight.ops.arguments import as_sizes
from rushlight.ops.creation import emptied
from rushlight.ops.rebuilding import own_state, with_state
from rushlight.outline import outlined
from rushlight.overriding.asking import disabled_torch_function
from rushlight.size import Size

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


def _leaf(cls: type[Any], source: TensorBase, requires_grad: bool) -> Any:
    """A leaf of class cls on source's memory, which shares its count of changes."""
    tensor = object.__new__(cls)
    take_memory(tensor, source)
    tensor._node_ = None
    tensor._requires_grad_ = False
    tensor._grad = None
    tensor._changes_ = source._changes_
    tensor._view_ = None
    return tensor if requires_grad is False else tensor._want_grad(requires_grad)


class _ParameterMeta(type(Tensor)):  # type: ignore[misc]
    """Counts among parameters the tensors of classes that keep themselves, and say that they are one."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if type.__instancecheck__(cls, instance) or cls is not Parameter:
            return type.__instancecheck__(cls, instance)
        return isinstance(instance, TensorBase) and instance.__dict__.get("_is_param", False)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that a module counts among its parameters when it is assigned to an attribute.

    It shares the memory of data, and is a leaf that wants a gradient unless told otherwise.

    >>> import rushlight as torch
    >>> torch.nn.Parameter(torch.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    __slots__ = ()

    _shown_within = "Parameter"

    # What is computed from a parameter is a tensor.
    __torch_function__: Any = disabled_torch_function

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        """A parameter on data's memory; empty without data."""
        if data is None:
            data = literal(np.empty(0, dtypes.get_default_dtype().numpy))
        if type(data) is Tensor or type(data) is Parameter:
            return _leaf(cls, alias(data), requires_grad)
        if data._spreads_ or data._dispatches_ or _is_laid_out_otherwise(data):
            return _own_parameter(cls, data, requires_grad)
        seen = data.detach()
        if type(seen) is not type(data) and type(data) is not Parameter:
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that "
                f"detach() returns an instance of the same type, but return type {type(seen).__name__} "
                "was found instead"
            )
        return _leaf(cls, seen, requires_grad)

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Parameter containing:\n{super().__repr__()}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        # The values alone: neither the gradient nor the user's own attributes, as in torch.
        if id(self) not in memo:
            memo[id(self)] = class_of(self)(self.data.clone(), self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any = 2) -> tuple[Any, ...]:
        hooks: OrderedDict[int, Any] = OrderedDict()
        arguments = self.data, self.requires_grad, hooks
        state = own_state(self)
        if state:
            return _rebuild_parameter_with_state, (*arguments, state)
        return _rebuild_parameter, arguments


# Tensors whose gradient lies where it seems to: a class of a program's own may keep it elsewhere.
PLAIN = (Parameter, Tensor)


def forget_grad(parameter: Any, set_to_none: bool) -> None:
    """Let a parameter have no gradient, or one of zeros if it has one."""
    if set_to_none and type(parameter) in PLAIN:
        # Without a look at what it was.
        parameter._grad = None
    elif (g := parameter.grad) is not None:
        if set_to_none:
            parameter.grad = None
            return
        if g.grad_fn is not None:
            g.detach_()
        else:
            g.requires_grad_(False)
        g.zero_()


def _own_parameter(cls: type[Parameter], data: Tensor, requires_grad: bool) -> Any:
    """A parameter of the class of data, where that keeps itself through operations."""
    twin = data.detach().requires_grad_(requires_grad)
    if type(twin) is not type(data):
        raise RuntimeError(
            f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() "
            f"returns an instance of the same type, but return type {type(twin).__name__} was found instead."
        )
    if _is_laid_out_otherwise(data):
        kind: Any = type(data)
        twin.__class__ = _of_layout(kind)
    twin.__dict__["_is_param"] = True
    return twin


def _is_laid_out_otherwise(data: Tensor) -> bool:
    # By its class: the layout itself would ask a program's own.
    return type(data).layout is not Tensor.layout


@functools.cache
def _of_layout(kind: type[Tensor]) -> type[Parameter]:
    """The class of parameters that are sparse: they print, are copied and go into files as parameters."""
    return type(Parameter.__name__, (Parameter, kind), {"__slots__": (), "__module__": __name__})


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Parameter:
    """A parameter on the memory of data. Hooks are not kept in files."""
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(
    data: Any, requires_grad: bool, backward_hooks: Any, state: Any
) -> Parameter:
    """A parameter that had attributes of the user's own."""
    return with_state(Parameter(data, requires_grad), state)


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TensorBase) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that becomes a buffer of the module to whose attribute it is assigned.

    With persistent=False it stays out of the `state_dict`. The result is an ordinary tensor on the
    memory of data.

    >>> import rushlight as torch
    >>> module = torch.nn.Module()
    >>> module.mean = torch.nn.Buffer(torch.zeros(2))
    >>> module.state_dict()
    OrderedDict([('mean', tensor([0., 0.]))])
    """

    __slots__ = ()

    __torch_function__: Any = disabled_torch_function

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Any:
        """A buffer on data's memory; empty without data."""
        if data is None:
            data = literal(np.empty(0, dtypes.get_default_dtype().numpy))
        tensor = _leaf(Tensor, data.detach(), data._requires_grad_)
        tensor.__dict__.update(persistent=persistent, _is_buffer=True)
        return tensor


# Where an uninitialized tensor keeps its (empty) array: reading `_data_` itself is an error there.
_array = TensorBase.__dict__["_data_"]


class UninitializedTensorMixin:
    """A tensor with a dtype and no shape, until `materialize` gives it one."""

    __slots__ = ()

    _becomes: type[Tensor]

    @property
    def _data_(self) -> Array:
        raise ValueError(
            "Attempted to use an uninitialized parameter or buffer, which has no shape or values "
            "yet. Lazy modules give their parameters a shape in their first forward pass: call "
            "the module with a batch of the size it will see, before using, copying or saving its "
            "parameters."
        )

    @_data_.setter
    def _data_(self, array: Array) -> None:
        _array.__set__(self, array)

    def materialize(
        self, shape: Any, device: Any = None, dtype: dtypes.dtype | None = None
    ) -> None:
        """Take this shape (and dtype), with values that are still arbitrary."""
        wanted = _array.__get__(self).dtype if dtype is None else dtype.numpy
        like = _array.__get__(self)
        if device is not None and without_memory(device):
            like = outlined(like)
        _array.__set__(self, np.zeros(as_sizes((shape,)), wanted, like=like))
        self.__class__ = self._becomes  # type: ignore[assignment]

    def size(self, dim: int | None = None) -> Any:
        """The size of the memory that is there: none."""
        return Size((0,)) if dim is None else Size((0,))[dim]

    @property
    def shape(self) -> Any:
        """Not known yet: a RuntimeError."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    @property
    def device(self) -> Any:
        """Where the elements will be."""
        return CPU if has_memory(_array.__get__(self)) else META

    @property
    def is_cpu(self) -> bool:
        """Whether the elements will be in memory."""
        return has_memory(_array.__get__(self))

    @property
    def is_meta(self) -> bool:
        """Whether there will be no elements."""
        return not self.is_cpu

    @property
    def dtype(self) -> dtypes.dtype:
        """The type that the elements will have."""
        return dtypes.of(_array.__get__(self).dtype)

    @property
    def data(self) -> Tensor:
        """An empty tensor of the dtype."""
        return wrap(_array.__get__(self))

    @data.setter
    def data(self, value: Tensor) -> None:
        _array.__set__(self, value._data_)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """A ValueError, as for all that is asked of values."""
        return self._data_

    def type(self, *_: Any, **__: Any) -> Any:
        """A ValueError."""
        return self._data_

    def bfloat16(self) -> Any:
        """A ValueError."""
        return self._data_

    def is_inference(self) -> bool:
        """A ValueError."""
        return bool(self._data_)

    def is_floating_point(self) -> bool:
        """Whether the elements will be floating numbers."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the elements will be complex numbers."""
        return self.dtype.is_complex

    def detach(self) -> Any:
        """Itself, outside the graph."""
        twin = _leaf(type(self), wrap(_array.__get__(self)), False)
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self._requires_grad_, None, self.dtype)  # type: ignore
        return memo[id(self)]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter of a lazy module before its first forward pass.

    >>> import rushlight as torch
    >>> weight = torch.nn.UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> weight.shape
    torch.Size([2, 3])
    """

    __slots__ = ()

    _becomes = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: dtypes.dtype | None = None
    ) -> UninitializedParameter:
        """A parameter without a shape."""
        array = np.empty(0, (dtype or dtypes.get_default_dtype()).numpy)
        empty = emptied(literal(array), device)
        tensor: UninitializedParameter = _leaf(cls, empty, False)
        tensor._requires_grad_ = requires_grad
        return tensor

    def __reduce_ex__(self, protocol: Any = 2) -> tuple[Any, ...]:
        return (UninitializedParameter, (self._requires_grad_, None, self.dtype))


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc]
    """A buffer of a lazy module before its first forward pass."""

    __slots__ = ()

    __torch_function__: Any = disabled_torch_function

    _becomes = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
        persistent: bool = True,
    ) -> UninitializedBuffer:
        """A buffer without a shape."""
        array = np.empty(0, (dtype or dtypes.get_default_dtype()).numpy)
        empty = emptied(literal(array), device)
        tensor: UninitializedBuffer = _leaf(cls, empty, False)
        tensor._requires_grad_ = requires_grad
        tensor.__dict__.update(persistent=persistent, _is_buffer=True)
        return tensor

    def __reduce_ex__(self, protocol: Any = 2) -> tuple[Any, ...]:
        return (UninitializedBuffer, (self._requires_grad_, None, self.dtype))


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer still waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)
