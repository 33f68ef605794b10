"""Running sums, products and extremes, differences and the trapezoidal rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, return_types
from rushlight.autograd.pretended import remember, reusable
from rushlight.core.doors import apply, literal
from rushlight.core.row import Primitive
from rushlight.ops.arguments import (
    accumulated_in,
    named,
    need_real_gradient,
    need_scalar,
    need_tensor,
    need_type,
    need_unrecorded,
    need_whole,
    numpy_names,
    one_dim,
    relabel,
    size_at,
    write_out,
    write_outs,
)
from rushlight.ops.extremes import pick
from rushlight.ops.reduction import sum
from rushlight.primitives import scan as rows
from rushlight.primitives.join import cat
from rushlight.primitives.kernel import laid_out
from rushlight.primitives.pointwise import logical_xor

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


@numpy_names
def cumsum(
    input: Tensor, dim: int, *, dtype: dtypes.dtype | None = None, out: Tensor | None = None
) -> Tensor:
    """The sums of the elements so far along dim; integers are summed as int64.

    >>> import rushlight as torch
    >>> torch.cumsum(torch.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    return _running("cumsum", rows.cumsum, input, dim, dtype, out)


@numpy_names
def cumprod(
    input: Tensor, dim: int, *, dtype: dtypes.dtype | None = None, out: Tensor | None = None
) -> Tensor:
    """The products of the elements so far along dim; integers are multiplied as int64."""
    return _running("cumprod", rows.cumprod, input, dim, dtype, out)


def _running(
    name: str,
    row: Primitive,
    input: Tensor,
    dim: int,
    dtype: dtypes.dtype | None,
    out: Tensor | None,
) -> Tensor:
    need_tensor(name, "input", 1, input)
    need_unrecorded(out, input)
    at = one_dim(dim, input._data_.ndim)
    asked = out.dtype if dtype is None and out is not None else dtype
    if asked is dtypes.bool_ and input._data_.ndim and input._data_.size:
        raise NotImplementedError(
            f"\"{name}_out_cpu\" not implemented for 'Bool': leave dtype away to have int64"
        )
    dtype = accumulated_in(input, dtype, out)
    if dtype is not None:
        input = input.to(dtype)
    result: Tensor = apply(row, input, dim=at)
    if dtype is not None and result._data_.dtype != dtype.numpy:
        result = result.to(dtype)
    return result if out is None else write_out(out, result)


@numpy_names
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithms of the sums of exp(x) so far along dim, without overflow.

    >>> import rushlight as torch
    >>> torch.logcumsumexp(torch.tensor([0.0, 0.0]), 0)
    tensor([0.0000, 0.6931])
    """
    need_tensor("logcumsumexp", "input", 1, input)
    need_unrecorded(out, input)
    need_type(out, input._data_.dtype)
    result: Tensor = apply(rows.logcumsumexp, input, dim=one_dim(dim, input._data_.ndim))
    return result if out is None else write_out(out, result, same=True)


def _extreme(name: str, row: Primitive, what: str) -> Callable[..., Any]:
    kind, label = getattr(return_types, name), f"{name.title()}Backward0"

    @numpy_names
    def function(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = None) -> Any:
        need_tensor(name, "input", 1, input)
        need_unrecorded(out, input)
        need_type(out[0] if isinstance(out, tuple) else None, input._data_.dtype)
        if not input._data_.ndim or not input._data_.size:
            need_real_gradient(name, input)
        if not input._data_.size and input._data_.ndim:
            # torch does not ask which dimension it is to go along.
            nowhere = literal(np.empty(input._data_.shape, np.int64))
            nothing: Tensor = apply(laid_out, input, strides=None)
            nothing = remember(relabel(nothing, label), input, nowhere)
            return write_outs(out, kind((nothing, nowhere)))
        at = one_dim(dim, input._data_.ndim)
        indices = apply(row, input, dim=at)
        values = remember(relabel(pick(input, indices, at), label), input, indices)
        return write_outs(out, kind((values, indices)))

    return named(function, name, what)


cummax = _extreme(
    "cummax", rows.cummax_index,
    """(values, indices): the largest element so far along dim, and where it stands.

    >>> import rushlight as torch
    >>> torch.cummax(torch.tensor([2, 1, 3]), 0).values
    tensor([2, 2, 3])
    """,
)  # fmt: skip
cummin = _extreme(
    "cummin", rows.cummin_index,
    "(values, indices): the smallest element so far along dim, and where it stands.",
)  # fmt: skip

# ---- differences and areas ----------------------------------------------------------------------


@numpy_names
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The differences of neighbours along dim, taken n times; booleans differ by xor.

    >>> import rushlight as torch
    >>> torch.diff(torch.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    need_tensor("diff", "input", 1, input)
    n = need_whole("diff", "n", 2, n)
    if not input._data_.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    at = one_dim(dim, input._data_.ndim)
    if not n:
        return input.clone() if out is None else write_out(out, input)
    parts = [part for part in (prepend, input, append) if part is not None]
    for part in parts:
        if part._data_.ndim != input._data_.ndim:
            raise RuntimeError(
                "diff expects prepend or append to be the same dimension as input, but got "
                f"{part._data_.ndim} and {input._data_.ndim} dimensions"
            )
    result: Any = apply(cat, *parts, dim=at) if len(parts) > 1 else input
    for _ in range(min(n, result._data_.shape[at])):
        size = result._data_.shape[at]
        later, earlier = result.narrow(at, 1, size - 1), result.narrow(at, 0, size - 1)
        if result._data_.dtype.kind == "b":
            result = apply(logical_xor, later, earlier)
        else:
            result = later - earlier
    return result if out is None else write_out(out, result)


def _panels(name: str, y: Tensor, x: Any, dx: Any, dim: int) -> tuple[Tensor, int]:
    """The areas under the pieces of a polyline, which stand along the dimension returned."""
    need_tensor(name, "y", 1, y)
    if x is not None and dx is not None:
        raise TypeError(f"{name}() takes either x or dx, not both")
    if x is not None:
        need_tensor(name, "x", 2, x)
    at = one_dim(dim, y._data_.ndim)
    size = size_at(y, at)
    if y._data_.size and (
        y._data_.dtype.kind == "b" or (x is not None and x._data_.dtype.kind == "b")
    ):
        raise RuntimeError(f"{name}: received a bool input for `x` or `y`: bool is not supported")
    pieces = max(size - 1, 0)
    heights = y.narrow(at, min(size, 1), pieces) + y.narrow(at, 0, pieces)
    if x is None:
        step = 1 if dx is None else dx
        return reusable(heights * (step / 2)), at
    points = x._data_.shape[-1 if x._data_.ndim == 1 else at]
    if points != size:
        raise RuntimeError(
            f"{name}: There must be one `x` value for each sample point, got {points} for {size}"
        )
    if x._data_.ndim == 1:
        widths = diff(x).reshape(-1, *[1] * (y._data_.ndim - at - 1))
    else:
        widths = diff(x, dim=at)
    return heights * widths / 2, at


@numpy_names
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The area under the points y along dim by the trapezoidal rule.

    x gives where the points stand, or dx (1) their distance.

    >>> import rushlight as torch
    >>> torch.trapezoid(torch.tensor([1.0, 2.0, 4.0]))
    tensor(4.5000)
    """
    if dx is not None:
        dx = need_scalar("trapezoid", "dx", 2, dx)
    panels, at = _panels("trapezoid", y, x, dx, dim)
    if not y._data_.shape[at]:
        # torch sums up nothing here, which depends on nothing.
        return sum(panels, at).detach().to(y.dtype)
    if x is not None:
        return sum(panels, at)
    ends = y.select(at, 0) + y.select(at, -1)
    area = sum(y, at) - reusable(ends * 0.5)
    return relabel(reusable(area * (1 if dx is None else dx)), "MulBackward1")


trapz = trapezoid


@numpy_names
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1
) -> Tensor:
    """The areas so far by the trapezoidal rule; see `trapezoid`."""
    panels, at = _panels("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(panels, at)
