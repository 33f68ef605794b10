"""In-place operations: compute, write into the same memory, and move the tensor in the graph.

A tensor changed in place stands where the result stands: it takes over the result's node. A view
hands the change on to its base: the base's new node is a scatter of the view into the old base, and
every view of that base finds its own place anew when it is next used (`primitives.core.refresh`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.hooks import retain
from rushlight.autograd.node import PrimitiveNode, next_sequence
from rushlight.autograd.state import state
from rushlight.ops.arguments import NUMBERS, need_distinct, need_number, need_tensor
from rushlight.ops.precision import uncast
from rushlight.primitives import pointwise as rows
from rushlight.primitives.core import TABLE, attach, attached, geometry, refresh
from rushlight.primitives.families import missing
from rushlight.tensor_base import Array, TensorBase, alias, bump, held, wrap, write

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def check_writable(target: TensorBase) -> None:
    """Raise torch's errors for tensors that must not be changed in place."""
    if state.grad and target._requires_grad and target._node is None:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation: change it "
            "under torch.no_grad(), or use the out-of-place form"
        )
    view = target._view
    if state.grad and view is not None and view.base._requires_grad and view.base._node is None:
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation: "
            "change it under torch.no_grad(), or use the out-of-place form"
        )
    if 0 in target._data.strides:
        need_distinct(target._data)


def records(target: TensorBase, value: TensorBase) -> bool:
    """Whether writing value into target has a derivative; whole numbers and flags have none."""
    return (
        state.grad
        and (target._requires_grad or value._requires_grad)
        and target._data.dtype.kind in "fc"
    )


def check_result(target: TensorBase, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise unless a result of this shape and type can be written into target."""
    data = target._data
    if shape != data.shape and np.broadcast_shapes(shape, data.shape) != data.shape:
        raise RuntimeError(
            f"output with shape {list(data.shape)} doesn't match the broadcast shape {list(shape)}"
        )
    if dtype is not data.dtype:
        ours, theirs = dtypes.of(dtype), dtypes.of(data.dtype)
        if ours.category > theirs.category:
            raise RuntimeError(
                f"result type {ours.word} can't be cast to the desired output type {theirs.word}"
            )


def assign(target: Tensor, result: Tensor, operation: str, *, cast: bool = False) -> Tensor:
    """Make target hold result's values and stand at its place in the graph; returns target.

    With cast, any dtype is accepted (copy_); otherwise only one that torch would write.
    """
    check_writable(target)
    if not cast:
        check_result(target, result._data.shape, result._data.dtype)
    if not records(target, result):
        write(target, result._data)
        bump(target, operation)
        return target
    if result._data.dtype != target._data.dtype or result._data.shape != target._data.shape:
        result = result.astype(target._data.dtype).expand(target._data.shape)
    if not result._requires_grad or (cast and target._requires_grad):
        # What target was computed from gets a gradient of zero, and target stays in the graph.
        result = rows.where(wrap(np.ones((), bool)), result, target)
    elif result._node is None:
        result = rows.clone(result)
    rebase(target, result)
    write(target, result._data)
    bump(target, operation)
    return target


def rebase(target: Tensor, result: Tensor) -> None:
    """Put target (and, if it is a view, its base) at result's place in the graph."""
    view = target._view
    if view is not None:
        refresh(target)
        base = view.base
        before = alias(base, base._node)
        before._requires_grad = base._requires_grad
        before._output_nr = base._output_nr
        _scatter(base, before, target, result)
        base.__dict__.pop("_output_nr", None)
        if base._retains_grad:
            retain(base)
        refresh(target)
        return
    target._node = result._node
    target._requires_grad = result._requires_grad
    if result._output_nr or target._output_nr:
        target._output_nr = result._output_nr
    if target._retains_grad:
        retain(target)


def _scatter(base: TensorBase, before: Tensor, part: Tensor, result: Tensor) -> None:
    """Record that base is what it was before, with result in the place of part."""
    scatter, pairs = TABLE["as_strided_scatter"], TABLE["view_as_real"]
    whole, place = held(base), held(part)
    if base._turned is not part._turned:
        result = attached(TABLE["conj_physical" if place.dtype.kind == "c" else "neg"], result)
    if (whole.dtype.kind == "c") == (place.dtype.kind == "c"):
        attach(scatter, (before, result), geometry(whole, place), base)
    elif whole.dtype.kind == "c":
        # The real or imaginary part of complex numbers.
        real, filled = attached(pairs, before), wrap(pairs.forward(whole))
        attach(scatter, (real, result), geometry(real._data, place), filled)
        attach(TABLE["view_as_complex"], (filled,), {}, base)
    else:
        attach(
            scatter, (before, attached(pairs, result)), geometry(whole, pairs.forward(place)), base
        )


def _keep_values(result: Tensor, before: Tensor, start: int) -> None:
    """Let the nodes made since start remember the values of before, soon to be overwritten."""
    stack: list[Any] = [result._node]
    copies: dict[int, Tensor] = {}
    while stack:
        node = stack.pop()
        if not isinstance(node, PrimitiveNode) or node.sequence < start or node.kept is None:
            continue
        if any(version is before._changes for version, _, _ in node.versions):
            node.kept = [_frozen(kept, before, copies) for kept in node.kept]
            node.versions = [v for v in node.versions if v[0] is not before._changes]
        stack.extend(node.edges)


def _frozen(kept: Any, before: Tensor, copies: dict[int, Tensor]) -> Any:
    if isinstance(kept, tuple):
        return tuple(_frozen(part, before, copies) for part in kept)
    if not isinstance(kept, TensorBase) or kept._changes is not before._changes:
        return kept
    copy = copies.get(id(kept))
    if copy is None:
        copy = copies[id(kept)] = wrap(kept._data.copy(), kept._requires_grad)
        copy._node = kept._node
        if kept._output_nr:
            copy._output_nr = kept._output_nr
    return copy


def _stand_in(target: Tensor) -> Tensor:
    """The target for the operation that overwrites it, with a version count of its own.

    What backward needs of it is copied; of another argument that happens to be the target it is
    not, as in torch: `y.mul_(y)` cannot be differentiated.
    """
    refresh(target)
    other = wrap(target._data, target._requires_grad)
    other._node = target._node
    if target._output_nr:
        other._output_nr = target._output_nr
    return other


def inplace(function: Callable[..., Tensor], general: bool = False) -> Callable[..., Tensor]:
    """The method with a trailing underscore of an operation.

    >>> import rushlight as torch
    >>> torch.tensor([1.0, -2.0]).abs_()
    tensor([1., 2.])
    """
    name = function.__name__ + "_"
    function = uncast(function)
    kernel = KERNELS.get(function.__name__)
    if kernel is not None and not general:
        return direct(function, kernel)
    refused = function.__name__ in ("acosh", "asinh", "atanh")

    @functools.wraps(function)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(self)
        if not state.grad:
            return assign(self, function(self, *args, **kwargs), name)
        start = next_sequence()
        before = _stand_in(self)
        result = function(before, *args, **kwargs)
        if result._requires_grad:
            _keep_values(result, before, start)
            if refused and result._node is not None:
                result._node.register_prehook(missing(f"inplace version of {function.__name__}"))
        return assign(self, result, name)

    method.__name__ = name
    method.__doc__ = f"`{function.__name__}`, writing the result into the tensor itself."
    return method


def direct(function: Callable[..., Tensor], kernel: Callable[..., Any]) -> Callable[..., Tensor]:
    """`inplace(function)` with a kernel(array, *operands) for when nothing is recorded.

    The kernel writes into the array's memory. It runs when all operands are numbers or tensors of
    the array's own floating type; whatever it refuses with a ValueError goes the general way, which
    raises torch's error.
    """
    general = inplace(function, general=True)
    name = function.__name__ + "_"

    @functools.wraps(function)
    def method(self: Tensor, *operands: Any, **options: Any) -> Tensor:
        data = self._data
        dtype, recording = data.dtype, state.grad
        plain = state.interpreter is None and dtype.kind == "f"
        if recording and self._requires_grad:
            plain = False
        values = []
        for operand in operands:
            if isinstance(operand, TensorBase):
                array = operand._data
                if array.dtype is not dtype or (recording and operand._requires_grad):
                    plain = False
                values.append(array)
            else:
                if operand.__class__ is not float and operand.__class__ is not int:
                    plain = False
                values.append(operand)
        if not plain:
            return general(self, *operands, **options)
        check_writable(self)
        try:
            kernel(data, *values, **options)
        except (ValueError, TypeError):
            return general(self, *operands, **options)
        bump(self, name)
        return self

    method.__name__ = name
    method.__doc__ = f"`{function.__name__}`, writing the result into the tensor itself."
    return method


def _add(x: Array, y: Any, alpha: float = 1) -> None:
    np.add(x, y if alpha == 1 else y * alpha, out=x)


def _sub(x: Array, y: Any, alpha: float = 1) -> None:
    np.subtract(x, y if alpha == 1 else y * alpha, out=x)


def _mul(x: Array, y: Any) -> None:
    np.multiply(x, y, out=x)


def _div(x: Array, y: Any) -> None:
    np.true_divide(x, y, out=x)


def _addcmul(x: Array, y: Array, z: Array, *, value: float = 1) -> None:
    term = np.multiply(y, z if value == 1 else value)
    if value != 1:
        term *= z
    np.add(x, term, out=x)


def _addcdiv(x: Array, y: Array, z: Array, *, value: float = 1) -> None:
    # torch's order: the factor first.
    quotient = np.true_divide(y, z) if value == 1 else np.multiply(y, value)
    if value != 1:
        quotient /= z
    np.add(x, quotient, out=x)


def _lerp(x: Array, end: Array, weight: float) -> None:
    # torch's formula, which is exact at both ends.
    if isinstance(weight, np.ndarray):
        raise TypeError("a tensor of weights goes the general way")
    difference = np.subtract(end, x)
    if abs(weight) < 0.5:
        difference *= weight
        np.add(x, difference, out=x)
    else:
        difference *= 1 - weight
        np.subtract(end, difference, out=x)


def _sqrt(x: Array) -> None:
    np.sqrt(x, out=x)


# Kernels for the in-place methods that optimizers live on.
KERNELS: dict[str, Callable[..., None]] = {
    "add": _add, "sub": _sub, "mul": _mul, "div": _div, "addcmul": _addcmul, "addcdiv": _addcdiv,
    "lerp": _lerp, "sqrt": _sqrt,
}  # fmt: skip


def zero_(self: Tensor) -> Tensor:
    """Fill with zeros, in place."""
    return fill_(self, 0)


def fill_(self: Tensor, value: Any) -> Tensor:
    """Fill with a number or a 0-d tensor, in place."""
    if isinstance(value, TensorBase):
        if value._data.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value._data.ndim} dimensions."
            )
        filled: Any = value
    else:
        need_number("fill_", "value", 1, value)
        fit = dtypes.one_in if self._data.size == 1 else dtypes.number_in
        number = fit(value, self._data.dtype)
        if not (state.grad and self._requires_grad):
            check_writable(self)
            if self._turned:
                write(self, np.asarray(number))
            else:
                self._data.fill(number)
            bump(self, "fill_")
            return self
        filled = wrap(np.asarray(number))
    check_writable(self)
    if not records(self, filled):
        write(self, filled._data)
        bump(self, "fill_")
        return self
    return assign(self, filled, "fill_", cast=True)


def copy_(self: Tensor, src: Tensor | float, non_blocking: bool = False) -> Tensor:
    """Copy src, which broadcasts, into self, converting its type; returns self."""
    if not isinstance(src, TensorBase):
        if not isinstance(src, NUMBERS):
            need_tensor("copy_", "other", 1, src)
        src = dtypes.python_number(src)
        src = wrap(np.asarray(src, dtypes.of_number(src).numpy))
    shape, target = src._data.shape, self._data.shape
    if shape != target:
        try:
            fits = np.broadcast_shapes(shape, target) == target
        except ValueError:
            fits = False
        if not fits:
            raise RuntimeError(
                f"The size of tensor a ({list(target)}) must match the size of tensor b "
                f"({list(shape)}): copy_ writes a source that broadcasts to the target's shape"
            )
    return assign(self, src, "copy_", cast=True)
