"""Kernels: what is written into memory through the door `into`.

Each is given the elements of its target first, and overwrites them; it reads what it needs before.
Over it stands what it leaves in one element, for the compiler (see `compiler/emit/expressions.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.arrays import is_array
from rushlight.core.table import TABLE
from rushlight.core.tensor import Array, wrap
from rushlight.dtypes import cast
from rushlight.memory import copy_into, is_interlaced, is_repeated, outermost
from rushlight.primitives import formulas
from rushlight.primitives.formulas import FUSED, in_c
from rushlight.primitives.index import Index, put, put_into, slice_
from rushlight.primitives.pointwise import convert, where
from rushlight.primitives.scatter import KERNELS


@in_c(convert)
def copy(x: Array, values: Array) -> None:
    """The values, converted to the type of x; where x shows an element again and again, what changed."""
    values = cast(values, x.dtype)
    if is_repeated(x):
        np.copyto(x, values, where=np.broadcast_to(values, x.shape) != x, casting="unsafe")
    elif is_interlaced(x):
        dim = outermost(x)
        parts = np.moveaxis(np.broadcast_to(values, x.shape), dim, 0)
        for window, part in zip(np.moveaxis(x, dim, 0), parts, strict=True):
            copy(window, part)
    else:
        copy_into(x, values)


def copy_changed(x: Array, values: Array) -> None:
    """What changed of windows that share elements."""
    np.copyto(x, values, where=values != x.copy(), casting="unsafe")


@in_c("{number}")
def fill(x: Array, number: Any) -> None:
    """One number."""
    x.fill(number)


@in_c("{mask} ? {number} : {x}")
def fill_where(x: Array, mask: Array, number: Any) -> None:
    """One number where mask is True."""
    np.copyto(x, number, where=mask, casting="unsafe")


def copy_region(x: Array, values: Array, *, index: Index) -> None:
    """The values, into the part of x that integers, slices, None and `...` show."""
    slice_.forward(x, index=index)[...] = cast(values, x.dtype)


_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


@functools.lru_cache(maxsize=256)
def _single(number: float, own: bool = True) -> Any:
    """A number of a step, such as the learning rate, as torch hands it to a float32 kernel.

    As an array, which NumPy takes in half the time of a number; other libraries want the number.
    """
    single = np.array(np.float32(number), _DOUBLE)
    return single if own else single[()]


def _round_once(out: Array, term: Array, x: Array, y: Any) -> None:
    """term + x * y into out, by way of double precision."""
    # Converted first: an operation on two types goes through buffers, which takes twice the time.
    total, product = term.astype(_DOUBLE), x.astype(_DOUBLE)
    try:
        product *= y
        total += product
    except ValueError:  # they are not all of one shape
        total = np.add(term, np.multiply(x.astype(_DOUBLE), y))
    if total.ndim > out.ndim:
        raise ValueError("a sum of another rank")
    out[...] = total


@in_c(formulas.added)
def add(x: Array, y: Any, alpha: float = 1) -> None:
    """x + alpha * y."""
    if alpha == 1:
        np.add(x, y, out=x)
    elif x.dtype is _SINGLE and x.size <= FUSED and (y.__class__ is np.ndarray or is_array(y)):
        _round_once(x, x, y, _single(alpha, y.__class__ is np.ndarray))
    else:
        np.add(x, y * alpha, out=x)


@in_c(formulas.subtracted)
def sub(x: Array, y: Any, alpha: float = 1) -> None:
    """x - alpha * y."""
    add(x, y, -alpha) if alpha != 1 else np.subtract(x, y, out=x)


@in_c("{x} * {y}")
def mul(x: Array, y: Any) -> None:
    """x * y."""
    np.multiply(x, y, out=x)


@in_c("{x} / {y}")
def div(x: Array, y: Any) -> None:
    """x / y."""
    np.true_divide(x, y, out=x)


@in_c(formulas.product_added)
def addcmul(x: Array, y: Array, z: Array, *, value: float = 1) -> None:
    """x + value * y * z."""
    if x.dtype is _SINGLE and x.size <= FUSED:
        _round_once(x, x, y if value == 1 else y * value, z)
        return
    term = np.multiply(y, z if value == 1 else value)
    if value != 1:
        term *= z
    np.add(x, term, out=x)


@in_c("{x} + {y} * {value} / {z}")
def addcdiv(x: Array, y: Array, z: Array, *, value: float = 1) -> None:
    """x + value * y / z."""
    # torch's order: the factor first.
    quotient = np.true_divide(y, z) if value == 1 else np.multiply(y, value)
    if value != 1:
        quotient /= z
    np.add(x, quotient, out=x)


@in_c(formulas.interpolated)
def lerp(x: Array, end: Array, weight: float) -> None:
    """From x towards end, by weight."""
    # torch's formula, which is exact at both ends.
    if is_array(weight):
        raise TypeError("a tensor of weights goes the general way")
    difference = np.subtract(end, x)
    if x.dtype is _SINGLE and x.size <= FUSED:
        near = abs(weight) < 0.5
        step = weight if near else float(_single(weight)) - 1
        step = _single(step, x.__class__ is np.ndarray)
        _round_once(x, x if near else end, difference, step)
    elif abs(weight) < 0.5:
        difference *= weight
        np.add(x, difference, out=x)
    else:
        difference *= 1 - weight
        np.subtract(end, difference, out=x)


@in_c("sqrt({x})")
def sqrt(x: Array) -> None:
    """The square root."""
    np.sqrt(x, out=x)


def written(kernel: Callable[..., None], x: Any, inputs: tuple[Any, ...], static: Any) -> Any:
    """What a kernel would leave in the tensor x, as a new tensor: for whoever watches writes."""
    if isinstance(kernel, functools.partial):
        # Narrow floats, which are computed in float32 and rounded once.
        kernel = kernel.args[0]
    if kernel is copy:
        return inputs[0]
    if kernel is fill:
        return wrap(np.asarray(inputs[0]))
    if kernel is fill_where:
        mask, number = inputs
        return where(mask, wrap(np.asarray(number)).to(x.dtype), x)
    if kernel is copy_region:
        return put(x, inputs[0].to(x.dtype), spec=static["index"], accumulate=False)
    if kernel is put_into:
        return put(x, inputs[0].to(x.dtype), *inputs[1:], **static)
    for name, known in IN_PLACE.items():
        if kernel is known:
            return getattr(x, name)(*inputs, **static)
    for name, known in KERNELS.items():
        if kernel is known:
            return TABLE[name](x, *inputs, **static)
    raise NotImplementedError(f"nobody has said what {kernel} leaves")


# What the in-place methods that optimizers live on write with.
IN_PLACE: dict[str, Callable[..., None]] = {
    "add": add, "sub": sub, "mul": mul, "div": div, "addcmul": addcmul, "addcdiv": addcdiv,
    "lerp": lerp, "sqrt": sqrt,
}  # fmt: skip
