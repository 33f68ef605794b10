"""Sums, means, moments, norms, verdicts: what folds dimensions into one number."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.autograd.pretended import joined, remember
from rushlight.core.doors import apply
from rushlight.core.row import Primitive
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.kernels import refusal
from rushlight.layout import strided
from rushlight.narrow import need_common
from rushlight.ops.arguments import (
    Dim,
    accumulated_in,
    as_dtype,
    many_dims,
    named,
    need_flag,
    need_real_scalar,
    need_scalar,
    need_tensor,
    need_unrecorded,
    numpy_names,
    one_dim,
    relabel,
    spelled,
    type_name,
    write_out,
)
from rushlight.ops.comparison import isnan
from rushlight.ops.precision import in_single
from rushlight.primitives import pointwise
from rushlight.primitives import reduce as rows
from rushlight.primitives.rounding import without_nan

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Pair = tuple["Tensor", "Tensor"]


# ---- sums and means -----------------------------------------------------------------------------


@numpy_names
def sum(
    input: Tensor,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The sum of all elements, or along dim. Integers and booleans are summed as int64.

    >>> import rushlight as torch
    >>> torch.ones(2, 3).sum(1)
    tensor([3., 3.])
    """
    if not isinstance(input, TensorBase):
        need_tensor("sum", "input", 1, input)
    if keepdim.__class__ is not bool:
        need_flag("sum", "keepdim", 3, keepdim)
    if input.layout is not strided:
        return write_out(out, input.sum(dim, keepdim, dtype=dtype))
    if dtype is not None or out is not None:
        need_unrecorded(out, input)
        many_dims(dim, input._data_.ndim)
        dtype = accumulated_in(input, dtype, out)
    if dtype is not None:
        input = input.to(dtype)
    dims = None if dim is None else many_dims(dim, input._data_.ndim)
    result: Tensor = apply(rows.sum, input, dim=dims, keepdim=keepdim)
    if dtype is not None and result._data_.dtype != dtype.numpy:
        result = result.to(dtype)
    return result if out is None else write_out(out, result)


@numpy_names
def nansum(
    input: Tensor,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The sum without the nans among the elements.

    >>> import rushlight as torch
    >>> torch.nansum(torch.tensor([1.0, torch.nan, 2.0]))
    tensor(3.)
    """
    need_tensor("nansum", "input", 1, input)
    if input._data_.dtype.kind == "c":
        raise RuntimeError("nansum on CPU does not support complex inputs")
    kept = input
    if input._data_.dtype.kind in "fV":
        kept = apply(without_nan, input)
        kind = dtype if dtype is not None or out is None else out.dtype
        if kind is not None and (
            as_dtype(kind).is_complex or (kind is not dtype and not kind.is_floating_point)
        ):
            raise refusal("nansum_cpu", as_dtype(kind))
    result = relabel(sum(kept, dim, keepdim, dtype=dtype, out=out), "NansumBackward0")
    return remember(result, input)


@numpy_names
def mean(
    input: Tensor,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of all elements, or along dim; the input must be floating.

    >>> import rushlight as torch
    >>> torch.tensor([1.0, 2.0, 6.0]).mean()
    tensor(3.)
    """
    if not isinstance(input, TensorBase):
        need_tensor("mean", "input", 1, input)
    if keepdim.__class__ is not bool:
        need_flag("mean", "keepdim", 3, keepdim)
    need_unrecorded(out, input)
    if dtype is not None:
        input = input.to(as_dtype(dtype))
    if input._data_.dtype.kind not in "fcV":
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or "
            f"complex dtype. Got: {input.dtype.word}: convert it with .float()"
        )
    dims = None if dim is None else many_dims(dim, input._data_.ndim)
    result: Tensor = apply(rows.mean, input, dim=dims, keepdim=keepdim)
    return result if out is None else write_out(out, result)


@numpy_names
def nanmean(
    input: Tensor,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of those elements that are not nan."""
    need_tensor("nanmean", "input", 1, input)
    if input._data_.dtype.kind not in "fV":
        raise RuntimeError(
            f"nanmean(): expected input to have floating point dtype but got {input.dtype.word}"
        )
    there = sum(pointwise.logical_not(isnan(input)), dim, keepdim)
    return write_out(out, nansum(input, dim, keepdim, dtype=dtype) / there)


@in_single
@numpy_names
def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The product of all elements, or along dim. Integers are multiplied as int64.

    >>> import rushlight as torch
    >>> torch.tensor([2.0, 3.0, 4.0]).prod()
    tensor(24.)
    """
    need_tensor("prod", "input", 1, input)
    need_flag("prod", "keepdim", 3, keepdim)
    need_unrecorded(out, input)
    dims = single_dim("prod", dim, input._data_.ndim)
    dtype = accumulated_in(input, dtype, out)
    if dtype is not None:
        input = input.to(dtype)
    result: Tensor = apply(rows.prod, input, dim=dims, keepdim=keepdim)
    if dtype is not None and result._data_.dtype != dtype.numpy:
        result = result.to(dtype)
    return result if out is None else write_out(out, result)


def single_dim(name: str, dim: Any, ndim: int) -> tuple[int, ...] | None:
    """One dimension, or None for all, as a tuple counted from the front."""
    if dim is None:
        return None
    if isinstance(dim, (tuple, list)):
        raise TypeError(f"{name}(): argument 'dim' must be int, not {type_name(dim)}")
    return (one_dim(dim, ndim),)[: min(ndim, 1)]


@numpy_names
def count_nonzero(input: Tensor, dim: Dim = None, *further: int) -> Tensor:
    """How many elements are not zero, of all or along dim.

    >>> import rushlight as torch
    >>> torch.count_nonzero(torch.tensor([0, 3, 0, 4]))
    tensor(2)
    """
    need_tensor("count_nonzero", "input", 1, input)
    need_common("nonzero_count_cpu", input._data_)
    return sum(pointwise.ne(input, 0), (dim, *further) if further else dim)  # type: ignore[arg-type]


@numpy_names
def logsumexp(
    input: Tensor, dim: Dim, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The logarithm of the sum of exp(x) along dim, without overflow.

    >>> import rushlight as torch
    >>> torch.logsumexp(torch.tensor([500.0, 500.0]), 0)
    tensor(500.6931)
    """
    need_tensor("logsumexp", "input", 1, input)
    need_flag("logsumexp", "keepdim", 3, keepdim)
    need_unrecorded(out, input)
    if out is not None and out._data_.dtype.kind not in "fcV":
        raise RuntimeError(
            f"logsumexp(): Expected floating point type for result tensor, but got: {out.dtype.word}"
        )
    dims = many_dims(dim, input._data_.ndim)
    if out is not None and input._data_.dtype.kind != "c":
        input = input.to(out.dtype)  # It is computed there.
    return write_out(out, apply(rows.logsumexp, input, dim=dims, keepdim=keepdim))


# ---- moments ------------------------------------------------------------------------------------


def _moment(
    name: str, input: Any, dim: Any, unbiased: Any, keepdim: bool, correction: Any
) -> tuple[Tensor, dict[str, Any]]:
    """The input, and the static parameters of the row."""
    if not isinstance(input, TensorBase):
        need_tensor(name, "input", 1, input)
    need_flag(name, "keepdim", 4, keepdim)
    if unbiased is not None:
        need_flag(name, "unbiased", 3, unbiased)
    if dim.__class__ is bool:
        # torch's old form var(input, unbiased).
        dim, unbiased = None, dim
    if input._data_.dtype.kind not in "fcV":
        raise RuntimeError("std and var only support floating point and complex dtypes")
    if correction is not None:
        correction = builtins.float(need_real_scalar(name, "correction", 4, correction))
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    elif unbiased is not None:
        raise TypeError(f"{name}() takes either 'correction' or 'unbiased', not both")
    dims = None if dim is None else many_dims(dim, input._data_.ndim)
    data = input._data_
    too_few = not data.size or rows.folded_size(data.shape, dims) <= correction
    # Of complex numbers torch does it twice, for their two parts.
    for _ in builtins.range(too_few * (1 + (data.dtype.kind == "c"))):
        warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the "
            "reduction factor (input numel divided by output numel)."
        )
    return input, {"dim": dims, "keepdim": keepdim, "correction": correction}


def _spread(name: str, row: Primitive, what: str) -> Callable[..., Tensor]:
    @numpy_names
    def function(
        input: Tensor,
        dim: Dim | bool = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: float | None = None,
        out: Tensor | None = None,
    ) -> Tensor:
        need_unrecorded(out, input)
        input, static = _moment(name, input, dim, unbiased, keepdim, correction)
        result = apply(row, input, **static)
        return result if out is None else write_out(out, result)

    return named(function, name, what)


def _spread_and_mean(name: str, row: Primitive, label: str, what: str) -> Callable[..., Pair]:
    @numpy_names
    def function(
        input: Tensor,
        dim: Dim | bool = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Pair:
        input, static = _moment(name, input, dim, unbiased, keepdim, correction)
        mean = apply(rows.mean, input, dim=static["dim"], keepdim=keepdim, running=True)
        spread = apply(row, input, **static)
        joined(spread, remember(mean, input))
        return relabel((spread, mean), label)

    return named(function, name, what)


var = _spread(
    "var", rows.var,
    """The variance of all elements, or along dim.

    The sum of squared distances from the mean is divided by n - correction. correction is 1 unless
    given; unbiased=False stands for 0, and may also come second: var(input, False).

    >>> import rushlight as torch
    >>> torch.tensor([1.0, 3.0]).var(), torch.tensor([1.0, 3.0]).var(correction=0)
    (tensor(2.), tensor(1.))
    """,
)  # fmt: skip
std = _spread("std", rows.std, "The standard deviation, with the arguments of `var`.")
var_mean = _spread_and_mean(
    "var_mean",
    rows.var,
    "VarMeanBackward0",
    "The variance and the mean, with the arguments of `var`.",
)
std_mean = _spread_and_mean(
    "std_mean", rows.std, "StdMeanBackward0",
    "The standard deviation and the mean, with the arguments of `var`.",
)  # fmt: skip


# ---- norms --------------------------------------------------------------------------------------


@numpy_names
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dim = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """The p-norm of all elements, or along dim. "fro" is 2; "nuc" is that of the singular values.

    >>> import rushlight as torch
    >>> torch.norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    need_tensor("norm", "input", 1, input)
    need_unrecorded(out, input)
    if p == "nuc":
        from rushlight.ops.algebra import matrix_norm

        dims: Any = (0, 1) if dim is None else dim
        result: Tensor = matrix_norm(input, "nuc", dims, keepdim, dtype=dtype)
    elif isinstance(p, str) and p != "fro":
        raise RuntimeError(f"only valid string values are 'fro' and 'nuc', found {p}")
    else:
        order = 2.0 if p is None or isinstance(p, str) else need_scalar("norm", "p", 2, p)
        result = vector_norm(input, order, dim, keepdim, dtype=dtype)
    return result if out is None else write_out(out, result)


def in_norm_type(function: str, x: Tensor, dtype: dtypes.dtype | None) -> Tensor:
    """x in the type in which its norm is taken: its own, or a wider one of the same kind."""
    if x._data_.dtype.kind not in "fcV":
        raise RuntimeError(
            f"{function}: Expected a floating point or complex tensor as input. Got {x.dtype.word}"
        )
    if dtype is None:
        return x
    own, wanted = x._data_.dtype, dtype.numpy
    if own.kind != wanted.kind or own.itemsize > wanted.itemsize:
        raise RuntimeError(
            f"{function}: dtype={dtype} is of another kind than the input, {x.dtype}, or narrower: "
            "convert the input first, with .to()"
        )
    return x.to(dtype)


@numpy_names
def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The norm sum(|x| ** ord) ** (1 / ord) of all elements, or along dim.

    ord may be inf and -inf (the largest and the smallest |x|) and 0 (how many are not 0).

    >>> import rushlight as torch
    >>> torch.linalg.vector_norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    need_tensor("linalg.vector_norm", "x", 1, x)
    need_unrecorded(out, x)
    x = in_norm_type("linalg.vector_norm", x, dtype)
    ord = need_scalar("linalg.vector_norm", "ord", 2, ord)
    if isinstance(ord, complex):
        raise RuntimeError(
            "linalg.vector_norm: Expected a non-complex scalar as the order of norm."
        )
    dims = many_dims(dim, x._data_.ndim)
    if not x._data_.size:
        rows.vector_norm.rule(x._data_, ord=float(ord), dim=dims, keepdim=keepdim)
    result: Tensor = apply(rows.vector_norm, x, ord=float(ord), dim=dims, keepdim=keepdim)
    return result if out is None else write_out(out, result, same=True)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other.

    >>> import rushlight as torch
    >>> torch.dist(torch.tensor([1.0, 2.0]), torch.tensor([4.0, 6.0]))
    tensor(5.)
    """
    need_tensor("dist", "input", 1, input)
    need_tensor("dist", "other", 2, other)
    p = need_scalar("dist", "p", 3, p)
    return remember(relabel(vector_norm(input - other, p), "DistBackward0"), input, other)


# ---- yes or no ----------------------------------------------------------------------------------


def _verdict(name: str, row: Primitive, what: str) -> Callable[..., Tensor]:
    @numpy_names
    def function(
        input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None
    ) -> Tensor:
        need_tensor(name, "input", 1, input)
        if out is not None and out.dtype not in (dtypes.bool_, dtypes.uint8):
            raise RuntimeError(
                f"{name} only supports bool tensor for result, got: {out.dtype.word}"
            )
        if isinstance(dim, (tuple, list)) and not dim:
            dims: tuple[int, ...] | None = ()
        else:
            dims = many_dims(dim, input._data_.ndim)
        result: Tensor = apply(row, input, dim=dims, keepdim=keepdim)
        if out is not None and out.dtype is dtypes.bool_:
            result = result.bool()
        return result if out is None else write_out(out, result)

    return named(function, name, what)


all = _verdict("all", rows.all, "Whether all elements, or all along dim, are nonzero.")
any = _verdict("any", rows.any, "Whether any element, or any along dim, is nonzero.")

# ---- what broadcasting did ----------------------------------------------------------------------


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Sum over the dimensions that broadcasting size to this shape would have added or widened.

    >>> import rushlight as torch
    >>> torch.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    size = spelled("sum_to_size", size, {}, "size")
    shape = tuple(size[0] if len(size) == 1 and not isinstance(size[0], int) else size)
    ours = input._data_.shape
    if not shape:
        return sum(input)
    if ours == shape:
        return input
    extra = len(ours) - len(shape)
    if extra > 0 and ours[extra:] == shape:
        return apply(rows.sum, input, dim=tuple(range(extra)), keepdim=False)
    if extra < 0 or not builtins.all(n in (1, m) for n, m in zip(shape, ours[extra:], strict=True)):
        raise RuntimeError(
            f"size {{{list(shape)}}} is not expandable to size {{{list(ours)}}}, so sum_to_size "
            "cannot undo that expansion"
        )
    folded = tuple(i for i, n in enumerate(ours) if i < extra or (shape[i - extra] == 1 and n != 1))
    kept = apply(rows.sum, input, dim=folded, keepdim=True) if folded else input
    return kept.reshape(shape) if extra else kept


def numel(input: Tensor) -> int:
    """The number of elements."""
    need_tensor("numel", "input", 1, input)
    return math.prod(input._data_.shape)
