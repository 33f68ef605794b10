"""The largest, the smallest, the middle and the most frequent elements, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, return_types
from rushlight.autograd.pretended import joined, remember
from rushlight.core.doors import apply, check, literal
from rushlight.core.row import Primitive
from rushlight.core.tensor import TensorBase, is_inference
from rushlight.ops.arguments import (
    Dim,
    anew,
    many_dims,
    named,
    need_flag,
    need_real_gradient,
    need_tensor,
    need_type,
    need_unrecorded,
    numpy_names,
    one_dim,
    relabel,
    type_name,
    write_out,
    write_outs,
)
from rushlight.ops.comparison import isnan, where
from rushlight.ops.outputs import copy_out
from rushlight.ops.pointwise import maximum, minimum
from rushlight.ops.precision import in_single
from rushlight.ops.reduction import single_dim, sum
from rushlight.primitives import middle, pointwise
from rushlight.primitives import reduce as rows
from rushlight.primitives.families import REAL, supported
from rushlight.primitives.index import ARRAY, index

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Pair = tuple["Tensor", "Tensor"]


def _each(dims: tuple[int, ...] | None, input: Tensor) -> tuple[int, ...] | None:
    """All dimensions by number: the gradient is spread along them, not put where the element was."""
    return tuple(range(input._data_.ndim)) if dims is None and input._data_.size else dims


def _without_place(
    row: Primitive, input: Tensor, dim: Dim, keepdim: bool, out: Tensor | None
) -> Tensor:
    need_tensor(row.name, "input", 1, input)
    need_flag(row.name, "keepdim", 3, keepdim)
    need_unrecorded(out, input)
    need_type(out, input._data_.dtype)
    data = input._data_
    if not data.size:
        # torch looks at each dimension before it looks at all of them.
        for at in dim if isinstance(dim, tuple | list) else ():
            row.rule(data, dim=(one_dim(at, data.ndim),), keepdim=False)
    dims = _each(many_dims(dim, data.ndim), input)
    if not data.size:
        row.rule(data, dim=dims, keepdim=keepdim)
        need_real_gradient(row.name, input)
    result: Tensor = apply(row, input, dim=dims, keepdim=keepdim)
    return result if out is None else write_out(out, result, same=True)


@numpy_names
def amax(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The largest element, or those along dim; equal ones share the gradient."""
    return _without_place(rows.amax, input, dim, keepdim, out)


@numpy_names
def amin(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The smallest element, or those along dim; equal ones share the gradient."""
    return _without_place(rows.amin, input, dim, keepdim, out)


@numpy_names
def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Pair | None = None
) -> Any:
    """(min, max): the smallest and the largest element, of all or along dim.

    >>> import rushlight as torch
    >>> torch.aminmax(torch.tensor([3, 1, 2])).max
    tensor(3)
    """
    need_tensor("aminmax", "input", 1, input)
    need_unrecorded(out, input)
    dims = single_dim("aminmax", dim, input._data_.ndim)
    if not rows.folded_size(input._data_.shape, dims):
        if dims:
            raise IndexError(f"aminmax(): Expected reduction dim {dims[0]} to have non-zero size.")
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
            f"identity; the input has shape {list(input._data_.shape)}"
        )
    if input._data_.dtype.kind == "c":
        if not input._data_.ndim and dim is not None:
            raise RuntimeError(f"aminmax not implemented for {input.dtype.word}")
        raise NotImplementedError(f"\"aminmax_cpu\" not implemented for '{input.dtype.word}'")
    dims = _each(dims, input)
    pair = tuple(apply(row, input, dim=dims, keepdim=keepdim) for row in (rows.amin, rows.amax))
    for part in pair:
        remember(part, *pair)
    joined(*pair)
    if out is not None:
        for each in out:
            if each._data_.dtype != input._data_.dtype:
                raise RuntimeError(
                    f"Expected out tensor to have dtype {input.dtype}, but got {each.dtype} instead"
                )
    return write_outs(out, return_types.aminmax(relabel(pair, "AminmaxBackward0")), input)


def _position(name: str, row: Primitive, what: str) -> Callable[..., Tensor]:
    @numpy_names
    def function(
        input: Tensor,
        dim: int | None = None,
        keepdim: bool = False,
        *,
        out: Tensor | None = None,
    ) -> Tensor:
        need_tensor(name, "input", 1, input)
        need_flag(name, "keepdim", 3, keepdim)
        if input._data_.dtype.kind in "bc":
            word = "bool" if input._data_.dtype.kind == "b" else "complex"
            raise RuntimeError(
                f"{name}(): does not support {word} input\nConvert it, as .int() does."
            )
        at = None if dim is None else one_dim(dim, input._data_.ndim)
        result: Tensor = apply(row, input, dim=at, keepdim=keepdim)
        return result if out is None else write_out(out, result, same=True)

    return named(function, name, what)


argmax = _position("argmax", rows.argmax, "Where the (first) largest element stands.")
argmin = _position("argmin", rows.argmin, "Where the (first) smallest element stands.")


def pick(input: Tensor, positions: Tensor, dim: int) -> Tensor:
    """The elements of input at these positions along dim, which positions may lack."""
    shape = input._data_.shape
    if not shape:
        # Not as a clone does, whose backward hands the gradient itself on.
        return apply(pointwise.where, literal(np.ones((), bool)), input, input.detach())
    kept = positions._data_.ndim == len(shape)
    grid: list[Tensor] = []
    for d, size in enumerate(shape):
        if d == dim:
            grid.append(positions)
            continue
        place = [1] * positions._data_.ndim
        place[d if kept or d < dim else d - 1] = size
        grid.append(literal(np.arange(size).reshape(place)))
    return apply(index, input, *grid, spec=(ARRAY,) * len(shape))


def picked(
    kind: Any, label: str, row: Primitive, input: Tensor, dim: int, keepdim: bool, out: Any,
    **static: Any,
) -> Any:  # fmt: skip
    """The pair (values, indices) along dim as such a named tuple; the row finds the indices."""
    at = one_dim(dim, input._data_.ndim)
    need_flag(kind.__name__, "keepdim", 3, keepdim)
    if not input._data_.size:
        # A dimension without elements is an error before the type is.
        row.rule(input._data_, dim=at, keepdim=keepdim, **static)
    indices = apply(row, input, dim=at, keepdim=keepdim, **static)
    # Autograd sees nothing of it, in torch, if it does not see the input.
    seen = input if not is_inference(input) else input.detach()
    values = remember(relabel(pick(seen, indices, at), label), indices)
    # torch's medians copy their input first.
    read = () if "median" in kind.__name__ else (input,)
    return write_outs(out, kind((values, indices)), *read)


def _extreme(name: str, what: str) -> Callable[..., Any]:
    fold, find = getattr(rows, f"a{name}"), getattr(rows, f"arg{name}")
    of_two = maximum if name == "max" else minimum
    kind, label = getattr(return_types, name), f"{name.title()}Backward"

    @numpy_names
    def function(
        input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None
    ) -> Any:
        need_tensor(name, "input", 1, input)
        if isinstance(dim, TensorBase):
            dim, other = None, dim
        if other is not None:
            return of_two(input, other, out=out)
        need_unrecorded(out, input)
        if dim is not None:
            if input._data_.dtype.kind == "c":
                find.rule(input._data_, dim=one_dim(dim, input._data_.ndim), keepdim=keepdim)
                raise RuntimeError(f"{name}(): does not support complex input")
            if input._requires_grad_ or not input._data_.ndim:
                return picked(kind, f"{label}0", find, input, dim, keepdim, out)
            # Without a gradient the fold finds the values faster than their positions do.
            at = one_dim(dim, input._data_.ndim)
            need_flag(name, "keepdim", 3, keepdim)
            values = apply(fold, input, dim=(at,), keepdim=keepdim)
            indices = apply(find, input, dim=at, keepdim=keepdim)
            return write_outs(out, kind((values, indices)), input)
        if not input._data_.size:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify "
                f"the reduction dim with the 'dim' argument; the shape is {list(input._data_.shape)}"
            )
        supported(f"{name}_all", REAL, [input._data_])
        result = apply(fold, input, dim=None, keepdim=False)
        if result._node_ is not None:
            relabel(result, f"{label}1")
        return result if out is None else write_out(out, result)

    return named(function, name, what)


max = _extreme(
    "max",
    """The largest element; along dim (values, indices); of two tensors the larger elements.

    max(input), max(input, dim, keepdim=False), max(input, other).

    >>> import rushlight as torch
    >>> torch.max(torch.tensor([[1, 5], [4, 2]]), 1).indices
    tensor([1, 0])
    """,
)
min = _extreme(
    "min",
    "The smallest element; along dim (values, indices); of two tensors the smaller. See `max`.",
)

# ---- middle and most frequent -------------------------------------------------------------------


def _middle(name: str, ignore_nan: bool, what: str) -> Callable[..., Any]:
    kind, label = getattr(return_types, name), f"{name.title()}Backward1"

    @numpy_names
    def function(
        input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None
    ) -> Any:
        need_tensor(name, "input", 1, input)
        need_unrecorded(out, input)
        if dim is not None:
            return picked(
                kind, label, middle.median_index, input, dim, keepdim, out, ignore_nan=ignore_nan
            )
        if not input._data_.size:
            need_real_gradient(name, input)
        result: Tensor = apply(middle.median, input, ignore_nan=ignore_nan)
        return result if out is None else write_out(out, result)

    return named(function, name, what)


median = _middle(
    "median", False,
    """The middle element, of an even number the lower one; along dim (values, indices).

    >>> import rushlight as torch
    >>> torch.median(torch.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    """,
)  # fmt: skip
nanmedian = _middle("nanmedian", True, "The median of those elements that are not nan.")


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Pair | None = None) -> Any:
    """(values, indices): the most frequent element along dim, of several the smallest.

    >>> import rushlight as torch
    >>> torch.mode(torch.tensor([3, 1, 3, 2])).values
    tensor(3)
    """
    need_tensor("mode", "input", 1, input)
    need_unrecorded(out, input)
    need_type(out[0] if isinstance(out, tuple) else None, input._data_.dtype)
    if not input._data_.ndim or not input._data_.size:
        one_dim(dim, input._data_.ndim)
        need_real_gradient("mode", input)
    return picked(return_types.mode, "ModeBackward0", middle.mode_index, input, dim, keepdim, out)


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str
) -> Tensor:
    from rushlight.ops.sorting import sort

    need_tensor(name, "input", 1, input)
    _check_quantile(name, input, q, interpolation)
    fractions = q if isinstance(q, TensorBase) else literal(np.asarray(q, input._data_.dtype))
    ndim = input._data_.ndim
    at = 0 if dim is None else one_dim(dim, ndim)
    if dim is None or not ndim:
        lanes = input.reshape(-1)
    elif at == ndim - 1:
        lanes = input
    else:
        lanes = input.unsqueeze(-1).transpose(at, -1)
    ordered = sort(lanes, -1)[0]
    size = lanes._data_.shape[-1]
    there = sum(pointwise.logical_not(isnan(ordered)), -1, True)
    if name == "quantile":
        # A lane with a nan, which stands at its end, has that for every quantile.
        rank = where(pointwise.eq(there, size), fractions * (size - 1), size - 1.0)
    else:
        rank = fractions * (there - 1).clamp(min=0).to(input.dtype)
    if interpolation in ("lower", "higher", "nearest"):
        rank = {"lower": rank.floor, "higher": rank.ceil, "nearest": rank.round}[interpolation]()
    below = rank.detach().floor()
    result = pick(ordered, below.to(dtypes.int64), lanes._data_.ndim - 1)
    if interpolation in ("linear", "midpoint"):
        above = pick(ordered, rank.detach().ceil().to(dtypes.int64), lanes._data_.ndim - 1)
        weight = rank - below if interpolation == "linear" else pointwise.eq(below, below) * 0.5
        result = result.lerp(above, weight.to(input.dtype))
    # The quantiles come first, then the lanes, with dim where it was.
    if dim is not None and ndim:
        if at < ndim - 1:
            result = result if keepdim else result.squeeze(at)
        elif keepdim:
            result = result.unsqueeze(at)
        result = result.movedim(-1, 0) if fractions._data_.ndim else result.squeeze(-1)
    elif fractions._data_.ndim:
        result = result.reshape(-1, *([1] * ndim if keepdim else []))
    else:
        result = result.reshape([1] * ndim if keepdim else [])
    result = anew(result)
    if not fractions._data_.ndim and not keepdim:
        relabel(result, "SqueezeBackward4")
    return result


def _check_quantile(name: str, input: Tensor, q: Any, interpolation: str) -> None:
    if not input._data_.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if input._data_.dtype not in (np.float32, np.float64):
        raise RuntimeError(
            f"{name}() input tensor must be either float or double dtype, not {input.dtype}"
        )
    if isinstance(q, TensorBase):
        if q._data_.ndim > 1:
            raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
        if q._data_.dtype != input._data_.dtype:
            raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    elif isinstance(q, bool) or not isinstance(q, (int, float)):
        raise TypeError(f"{name}(): argument 'q' must be Tensor or float, not {type_name(q)}")
    values = check(q, "the fractions") if isinstance(q, TensorBase) else np.asarray(q)
    if not np.all((values >= 0) & (values <= 1)):
        shown = "values must be" if isinstance(q, TensorBase) else f"{q} is not"
        raise RuntimeError(f"{name}() q {shown} in the range [0, 1]")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {interpolation}"
        )


def _of_fractions(name: str, what: str) -> Callable[..., Tensor]:
    @in_single
    @numpy_names
    def function(
        input: Tensor,
        q: Tensor | float,
        dim: int | None = None,
        keepdim: bool = False,
        *,
        interpolation: str = "linear",
        out: Tensor | None = None,
    ) -> Tensor:
        need_type(out, input._data_.dtype)
        return copy_out(out, _quantile(name, input, q, dim, keepdim, interpolation))

    return named(function, name, what)


quantile = _of_fractions(
    "quantile",
    """The q-quantiles, of all elements or along dim; several quantiles come first in the shape.

    >>> import rushlight as torch
    >>> torch.quantile(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0.5, 0.75]))
    tensor([2., 3.])
    """,
)
nanquantile = _of_fractions(
    "nanquantile", "The q-quantiles of those elements that are not nan; see `quantile`."
)
