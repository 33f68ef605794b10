"""Elements in other places: turned, rolled, cut to triangles, on diagonals, written into parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import reusable
from rushlight.core.doors import apply, literal
from rushlight.core.state import state
from rushlight.core.tape import geometry
from rushlight.core.tensor import Array, wants_grad
from rushlight.memory import is_dense, is_repeated
from rushlight.narrow import need_common, need_signed
from rushlight.ops.arguments import (
    as_sizes,
    many_dims,
    need_int,
    need_real_gradient,
    need_tensor,
    need_whole,
    numpy_names,
    one_dim,
    relabel,
    spelled,
    write_out,
)
from rushlight.ops.geometry import storage_geometry
from rushlight.ops.outputs import write_underived
from rushlight.ops.precision import in_single
from rushlight.ops.shape import flatten, transpose
from rushlight.primitives import index as index_rows
from rushlight.primitives import pointwise, strided
from rushlight.primitives import view as rows
from rushlight.primitives.families import NUMERIC, supported
from rushlight.primitives.kernel import closed

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# ---- turned -------------------------------------------------------------------------------------


def flip(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The elements in reverse order along dims; always a copy.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """
    need_tensor("flip", "input", 1, input)
    along = many_dims(as_sizes(spelled("flip", dims, named, "dims")), input._data_.ndim) or ()
    data = input._data_
    if data.size and along and data.dtype in dtypes.SELDOM:
        # What lies in one piece is moved as it is.
        wide = [d for d in range(data.ndim) if data.shape[d] > 1]
        if wide and min(wide, key=lambda d: (data.strides[d], -d)) in along:
            need_common("flip_cpu", data)
    return apply(rows.flip, input, dims=along)


def fliplr(input: Tensor) -> Tensor:
    """The columns in reverse order."""
    if input._data_.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """The rows in reverse order."""
    if input._data_.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


def roll(input: Tensor, shifts: Any, dims: Any = ()) -> Tensor:
    """The elements moved on along dims, those that fall off coming back at the start.

    Without dims the tensor is rolled as if it had one dimension.

    >>> import rushlight as torch
    >>> torch.arange(4).roll(1)
    tensor([3, 0, 1, 2])
    """
    need_tensor("roll", "input", 1, input)
    steps, along = as_sizes((shifts,)), as_sizes((dims,))
    if not steps:
        raise RuntimeError("`shifts` required")
    if len(steps) == len(along) and not input._data_.size:
        # torch does not ask which dimensions these are.
        along = ()
        steps = steps[:1]
    if not input._data_.size and not along and len(steps) == 1:
        return relabel(input.clone(), "RollBackward0")
    if not along:
        if len(steps) != 1:
            raise RuntimeError(
                f"shifts and dimensions must align. shifts: {len(steps)}, dims: {len(along)}"
            )
        return apply(rows.roll, input, shifts=steps, dims=None)
    if len(steps) != len(along):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(steps)}, dims: {len(along)}"
        )
    axes = tuple(one_dim(d, input._data_.ndim) for d in along)
    result = apply(rows.roll, input, shifts=steps, dims=axes)
    return result


def _is_plain(x: Array) -> bool:
    """Whether the order of dimensions in memory is plain: nothing is repeated, or of size 1 among gaps."""
    return is_dense(x) or (1 not in x.shape and len({*x.strides, 0}) > x.ndim)


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """The plane of two dimensions turned k times by 90 degrees, the first towards the second."""
    need_tensor("rot90", "input", 1, input)
    turns = need_whole("rot90", "k", 2, k) % 4
    ndim = input._data_.ndim
    plane = as_sizes((dims,))
    if len(plane) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(plane)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    a, b = (one_dim(d, ndim) for d in plane)
    if a == b:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {plane[0]} and dim1 = "
            f"{plane[1]}"
        )
    if turns % 2 and input._requires_grad_ and _is_plain(input._data_):
        # The same, and its gradient lies as torch's: it is turned over before it is seen the other way.
        turned = flip(transpose(input, a, b), a if turns == 1 else b)
    elif turns == 2:
        turned = flip(input, a, b)
    elif turns == 1:
        turned = transpose(flip(input, b), a, b)
    elif turns == 3:
        turned = transpose(flip(input, a), a, b)
    else:
        # A copy whose gradient is one, too.
        turned = apply(rows.flip, apply(rows.compact, input), dims=())
    return relabel(turned, "Rot90Backward0")


# ---- triangles and diagonals --------------------------------------------------------------------


@numpy_names
def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The lower triangle of matrices, up to this diagonal; zeros elsewhere."""
    need_tensor("tril", "input", 1, input)
    diagonal = need_int("tril", "diagonal", 1, diagonal)
    rows.triangle.rule(input._data_, diagonal=diagonal, upper=False)
    return write_out(out, apply(rows.triangle, input, diagonal=diagonal, upper=False), same=True)


@numpy_names
def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The upper triangle of matrices, from this diagonal on; zeros elsewhere.

    >>> import rushlight as torch
    >>> torch.ones(2, 3).triu(1)
    tensor([[0., 1., 1.],
            [0., 0., 1.]])
    """
    need_tensor("triu", "input", 1, input)
    diagonal = need_int("triu", "diagonal", 1, diagonal)
    rows.triangle.rule(input._data_, diagonal=diagonal, upper=True)
    return write_out(out, apply(rows.triangle, input, diagonal=diagonal, upper=True), same=True)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of the diagonal of two dimensions, as a last dimension in their place."""
    need_tensor("diagonal", "input", 1, input)
    offset = need_whole("diagonal", "offset", 1, offset)
    a, b = _plane("diagonal", input._data_.ndim, dim1, dim2)
    return apply(rows.diagonal, input, offset=offset, dim1=a, dim2=b)


def _plane(name: str, ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    a, b = one_dim(dim1, ndim), one_dim(dim2, ndim)
    if a == b:
        raise RuntimeError(f"{name} dimensions cannot be identical {dim1}, {dim2}")
    return a, b


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices of zeros with the last dimension of the input on a diagonal.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2]).diag_embed()
    tensor([[1, 0],
            [0, 2]])
    """
    need_tensor("diag_embed", "input", 1, input)
    offset = need_whole("diag_embed", "offset", 2, offset)
    if not input._data_.ndim:
        raise IndexError("diag_embed(): the input needs at least one dimension, but has none")
    *batch, length = input._data_.shape
    a, b = _plane("diagonal", len(batch) + 2, dim1, dim2)
    side = length + abs(offset)
    sizes = list(batch)
    for at in sorted((a, b)):
        sizes.insert(at, side)
    result: Tensor = apply(
        rows.diagonal_fill, input, shape=tuple(sizes), offset=offset, dim1=a, dim2=b
    )
    return relabel(result, "DiagEmbedBackward0")


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The diagonal of a matrix, as a copy; or a matrix with a vector on its diagonal."""
    need_tensor("diag", "input", 1, input)
    diagonal = need_whole("diag", "diagonal", 2, diagonal)
    if input._data_.ndim not in (1, 2):
        raise RuntimeError(
            f"diag(): Supports 1D or 2D tensors. Got {input._data_.ndim}D: use diagonal or "
            "diag_embed"
        )
    if input._data_.ndim == 1:
        result = diag_embed(input, diagonal)
    else:
        part = apply(rows.diagonal, input, offset=diagonal, dim1=0, dim2=1)
        result = relabel(apply(rows.compact, part), "DiagonalBackward0_copy")
    if out is None:
        return result
    name = "diag_embed" if input._data_.ndim == 1 else "diagonal_copy"
    return write_underived(out, result, name, input)


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of the input on its diagonal."""
    return diag_embed(flatten(input), offset)


@in_single
def trace(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the diagonal of a matrix."""
    need_tensor("trace", "input", 1, input)
    supported("trace", NUMERIC + "c", [input._data_])
    need_signed("trace", input._data_)
    if input._data_.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, got a {input._data_.ndim}-d tensor")
    return write_out(out, relabel(diagonal(input).sum(), "TraceBackward0"))


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of each element, as rows: N of them, falling from N - 1 to 0 (or increasing)."""
    need_tensor("vander", "x", 1, x)
    if x._data_.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    columns = x._data_.size if N is None else need_whole("vander", "N", 2, N)
    if columns < 0:
        raise RuntimeError("N must be non-negative.")
    powers = literal(
        np.arange(columns).astype(x._data_.dtype if x._data_.dtype.kind in "fcV" else np.int64)
    )
    if columns < 2:
        # Ones alone, which hang on nothing.
        x = x.detach()
    elif state.grad and wants_grad(x):
        x = closed(
            x, reason="one of the variables needed for gradient computation has been modified by an inplace "
            "operation: torch.vander overwrites, in torch, what its own derivative needs. Use "
            "torch.linalg.vander", error=RuntimeError,
        )  # fmt: skip
    table = x.reshape(-1, 1) ** powers
    return table if increasing else flip(table, 1)


# ---- written into parts -------------------------------------------------------------------------


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of the input with src at one position of dim."""
    need_tensor("select_scatter", "input", 1, input)
    need_tensor("select_scatter", "src", 2, src)
    at = one_dim(dim, input._data_.ndim)
    size = input._data_.shape[at]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input._data_.shape)} at "
            f"dimension {at}"
        )
    where = (slice(None),) * at + (int(index),)
    return _scatter("SelectScatterBackward0", input, src, where)


def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of the input with src in a slice of dim.

    >>> import rushlight as torch
    >>> torch.zeros(4).slice_scatter(torch.ones(2), start=1, end=3)
    tensor([0., 1., 1., 0.])
    """
    need_tensor("slice_scatter", "input", 1, input)
    need_tensor("slice_scatter", "src", 2, src)
    at = one_dim(dim, input._data_.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    where = (slice(None),) * at + (slice(start, end, step),)
    return write_out(out, _scatter("SliceScatterBackward0", input, src, where))


def _scatter(label: str, input: Tensor, src: Tensor, where: tuple[Any, ...]) -> Tensor:
    target = index_rows.sliced(input._data_.shape, where)
    if src._data_.shape != target:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src._data_.shape)}, slice size = {list(target)}"
        )
    need_real_gradient("select_scatter" if label[:6] == "Select" else "slice_scatter", input, src)
    src = _brought(src, input)
    result = reusable(apply(index_rows.put, input, src, spec=where, accumulate=False))
    return relabel(result, label)


def _brought(src: Tensor, input: Tensor) -> Tensor:
    """src in the type of what it is laid into."""
    if input._data_.dtype.kind not in "fcV" and state.grad and wants_grad(src):
        raise RuntimeError(
            f"Autograd not support dtype: {input.dtype.word}: there is no gradient through whole numbers"
        )
    return src.astype(input._data_.dtype)


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy of the input with src on the diagonal of two dimensions."""
    need_tensor("diagonal_scatter", "input", 1, input)
    need_tensor("diagonal_scatter", "src", 2, src)
    a, b = _plane("diagonal", input._data_.ndim, dim1, dim2)
    place = {"offset": int(offset), "dim1": a, "dim2": b}
    target, _ = rows.diagonal.rule(input._data_, **place)
    if src._data_.shape != tuple(target):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src._data_.shape)}, slice size = {list(target)}"
        )
    if is_repeated(input._data_):
        input = apply(pointwise.clone, input)
    part = geometry(input._data_, apply(rows.diagonal, input.detach(), **place)._data_)
    result = apply(strided.as_strided_scatter, input, _brought(src, input), **part)
    return relabel(result, "DiagonalScatterBackward0")


def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None
) -> Tensor:
    """A copy of the input with src in the part of its memory that `as_strided` would show."""
    need_tensor("as_strided_scatter", "input", 1, input)
    need_tensor("as_strided_scatter", "src", 2, src)
    if is_repeated(input._data_):
        input = apply(pointwise.clone, input)
    place = storage_geometry(input, size, stride, storage_offset)
    if src._data_.shape != place["size"]:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src._data_.shape)}, slice size = {list(place['size'])}"
        )
    strided.need_distinct(place["size"], place["stride"])
    result: Tensor = apply(
        strided.as_strided_scatter, input, src.astype(input._data_.dtype), **place
    )
    return relabel(result, "AsStridedScatterBackward0")
