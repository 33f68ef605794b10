"""How modules are converted: other types, other devices, other places in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.core.tensor import TensorBase
from rushlight.device import check_device, device
from rushlight.errors import warn
from rushlight.nn.parameter import Parameter, UninitializedTensorMixin, is_lazy
from rushlight.ops.creation import empty_like
from rushlight.outline import NO_DATA
from rushlight.settings import conversion


class ConversionMethods:
    """Mixed into Module."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    children: Callable[[], Iterator[Any]]
    parameters: Callable[[], Iterator[Any]]
    buffers: Callable[[], Iterator[Any]]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Put fn(tensor) in the place of every parameter, gradient and buffer; parameters stay."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, param in self._parameters.items():
            if param is None:
                continue
            # The parameter itself is asked, whose class may have a `to` of its own.
            given = param.data if isinstance(param, UninitializedTensorMixin) else param
            with no_grad():
                data = fn(given)
            grad: Any = param._grad
            if data.is_meta != param.is_meta or conversion["overwrite"]:
                # Memory does not become none, nor the other way: there are new parameters.
                self._parameters[name] = new = Parameter(data, param.requires_grad)
                with no_grad():
                    new._grad = None if grad is None else fn(grad)
                continue
            param.data = data
            if grad is not None and grad.is_sparse:
                param._grad = fn(grad)
            elif grad is not None:
                with no_grad():
                    grad.data = fn(grad.data)
        for name, buffer in self._buffers.items():
            if isinstance(buffer, UninitializedTensorMixin):
                buffer.data = fn(buffer.data)
            elif buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def _converted(self, method: str) -> Self:
        """By the method of the tensors, which a class of parameters may have of its own."""
        return self._apply(lambda t: getattr(t, method)() if t._data_.dtype.kind in "fV" else t)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert parameters and buffers in place: to(device), to(dtype), to(device, dtype), to(x).

        x is a tensor, whose dtype is taken. Only floating and complex tensors change theirs.
        memory_format: how those of four or five dimensions lie in memory.

        >>> import rushlight as torch
        >>> torch.nn.Linear(2, 1).to(torch.float64).weight.dtype
        torch.float64
        """
        dtype: Any = kwargs.pop("dtype", None)
        asked = kwargs.pop("device", None)
        place = asked
        later = bool(kwargs.pop("non_blocking", False))
        form = kwargs.pop("memory_format", None)
        named = [kwargs.pop(name) for name in ("tensor", "other") if name in kwargs]
        for arg in (*args, *named):
            if isinstance(arg, dtypes.dtype):
                dtype = arg
            elif isinstance(arg, TensorBase):
                dtype, place = dtypes.of(arg._data_.dtype), arg.device  # type: ignore[attr-defined]
            elif isinstance(arg, (str, device, int)) and not isinstance(arg, bool):
                place = arg
            elif arg is not None and not isinstance(arg, bool):
                raise TypeError(
                    f"to() received an invalid argument of type {type(arg).__name__}: write to(dtype), "
                    "to(device), to(device, dtype) or to(tensor)"
                )
        if kwargs:
            raise TypeError(f"to() got an unexpected keyword argument '{next(iter(kwargs))}'")
        if not isinstance(dtype, dtypes.dtype | None):
            raise TypeError(
                f"to(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}"
            )
        if dtype is None and form is None and place is None:
            return self
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            only = "nn.Module.to only accepts floating point or complex dtypes"
            raise TypeError(f"{only}, but got desired dtype={dtype}")
        if dtype is not None and dtype.is_complex:
            warn(
                "Complex modules are a new feature under active development whose design may change, and "
                "some modules might not work as expected when using complex tensors as parameters or "
                "buffers."
            )
        if place is not None:
            # Whether a device is there is asked where something is to come to it.
            place = device(place) if isinstance(place, str) else place
            if next(self.parameters(), None) is not None or next(self.buffers(), None) is not None:
                place = check_device(place)

        def convert(t: Tensor) -> Tensor:
            order = {"memory_format": form} if form is not None and t._data_.ndim in (4, 5) else {}
            kind = dtype if t._data_.dtype.kind in "fcV" else None
            try:
                return t.to(place, kind, later, **order)
            except NotImplementedError as error:
                if str(error) != NO_DATA:
                    raise
                raise NotImplementedError(
                    f"{NO_DATA} Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when "
                    "moving module from meta to a different device."
                ) from None

        return self._apply(convert)

    def float(self) -> Self:
        """All floating parameters and buffers as float32."""
        return self._converted("float")

    def double(self) -> Self:
        """All floating parameters and buffers as float64."""
        return self._converted("double")

    def half(self) -> Self:
        """All floating parameters and buffers as float16."""
        return self._converted("half")

    def bfloat16(self) -> Self:
        """All floating parameters and buffers as bfloat16."""
        return self._converted("bfloat16")

    def type(self, dst_type: Any) -> Self:
        """All parameters and buffers, of whatever type, as this one."""
        for tensor in filter(is_lazy, (*self.parameters(), *self.buffers())):
            tensor.type(dst_type)  # an error: it has no values yet
        return self._apply(lambda t: t.type(dst_type))

    def cpu(self) -> Self:
        """The module: everything is on the CPU, or cannot come there."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Self:
        """All parameters and buffers on a GPU; torch's error if there is none."""
        return self._apply(lambda t: t.cuda(device))

    def xpu(self, device: Any = None) -> Self:
        """`cuda`, for an accelerator of this name."""
        return self._apply(lambda t: t.xpu(device))

    def ipu(self, device: Any = None) -> Self:
        """`cuda`, for an accelerator of this name."""
        return self._apply(lambda t: t.ipu(device))

    def mtia(self, device: Any = None) -> Self:
        """`cuda`, for an accelerator of this name."""
        return self._apply(lambda t: t.mtia(device))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """New memory, not filled, for all parameters and buffers."""
        return self._apply(lambda t: empty_like(t, device=device), recurse=recurse)

    def share_memory(self) -> Self:
        """Move everything to memory that forked processes share."""
        if any(is_lazy(tensor) for tensor in (*self.parameters(), *self.buffers())):
            raise RuntimeError(
                "Can't share memory on an uninitialized parameter or buffer. Call `forward` to "
                "initialize the parameters before calling `module.share_memory()`."
            )
        return self._apply(lambda t: t.share_memory_())
