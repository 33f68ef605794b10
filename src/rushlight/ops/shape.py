"""Other shapes of the same elements: views, joining, splitting, turning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushlight.ops.arguments import as_sizes, many_dims, need_tensor, one_dim, write_out
from rushlight.primitives import index as index_rows
from rushlight.primitives import view as rows
from rushlight.primitives.core import apply

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "cat",
    "expand",
    "flip",
    "narrow",
    "permute",
    "reshape",
    "select",
    "squeeze",
    "stack",
    "t",
    "transpose",
    "unbind",
    "unsqueeze",
]


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape: a view where possible. One size may be -1.

    >>> import rushlight as torch
    >>> torch.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    sizes = shape[0] if len(shape) == 1 and shape[0].__class__ is tuple else as_sizes(shape)
    result: Tensor = apply(rows.reshape, input, shape=sizes)
    return result


def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order, as a view.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3, 5).permute(2, 0, 1).shape
    torch.Size([5, 2, 3])
    """
    order = tuple(one_dim(d, input._data.ndim) for d in as_sizes(dims))
    result: Tensor = apply(rows.permute, input, dims=order)
    return result


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions swapped, as a view."""
    ndim = input._data.ndim
    a, b = one_dim(dim0, ndim), one_dim(dim1, ndim)
    order = list(range(ndim))
    if ndim:
        order[a], order[b] = b, a
    result: Tensor = apply(rows.permute, input, dims=tuple(order))
    return result


def t(input: Tensor) -> Tensor:
    """The transpose of a tensor of at most two dimensions."""
    if input._data.ndim > 2:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {input._data.ndim}D"
        )
    return transpose(input, 0, 1) if input._data.ndim == 2 else reshape(input, input._data.shape)


def expand(input: Tensor, *size: Any) -> Tensor:
    """A view in which dimensions of size 1 are repeated without copying; -1 keeps a size."""
    sizes = as_sizes(size)
    extra = len(sizes) - input._data.ndim
    if extra < 0:
        raise RuntimeError(
            f"expand: the number of sizes provided ({len(sizes)}) must be greater or equal to the "
            f"number of dimensions in the tensor ({input._data.ndim})"
        )
    if -1 in sizes:
        if -1 in sizes[:extra]:
            raise RuntimeError(
                f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing "
                f"dimension: sizes {list(sizes)} for a tensor of shape {list(input._data.shape)}"
            )
        sizes = (*sizes[:extra], *(old if new == -1 else new
                                   for new, old in zip(sizes[extra:], input._data.shape, strict=True)))  # fmt: skip
    result: Tensor = apply(rows.expand, input, size=sizes)
    return result


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """A view without the dimensions of size 1, or without those of them named in dim."""
    shape = input._data.shape
    dims = range(len(shape)) if dim is None else many_dims(dim, len(shape)) or ()
    kept = tuple(n for i, n in enumerate(shape) if not (i in dims and n == 1))
    result: Tensor = apply(rows.reshape, input, shape=kept)
    return result


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a dimension of size 1 put in at dim."""
    shape = input._data.shape
    at = one_dim(dim, len(shape) + 1)
    result: Tensor = apply(rows.reshape, input, shape=(*shape[:at], 1, *shape[at:]))
    return result


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A view of `length` elements of dim from `start` on."""
    at = one_dim(dim, input._data.ndim)
    size = input._data.shape[at]
    start = int(start)
    if not -size <= start <= size:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    start += size if start < 0 else 0
    if length < 0 or start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    where = (slice(None),) * at + (slice(start, start + length),)
    result: Tensor = apply(index_rows.slice_, input, index=where)
    return result


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of the slice at one position of dim, without that dimension."""
    at = one_dim(dim, input._data.ndim)
    size = input._data.shape[at] if input._data.ndim else 0
    if not -size <= index < size:
        raise IndexError(f"select(): index {index} out of range for tensor of size "
                         f"{list(input._data.shape)} at dimension {at}")  # fmt: skip
    result: Tensor = apply(index_rows.slice_, input, index=(slice(None),) * at + (int(index),))
    return result


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along dim, as views."""
    at = one_dim(dim, input._data.ndim)
    before = (slice(None),) * at
    return tuple(
        apply(index_rows.slice_, input, index=(*before, i)) for i in range(input._data.shape[at])
    )


def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors joined along a dimension they have; types promote.

    >>> import rushlight as torch
    >>> torch.cat([torch.tensor([1, 2]), torch.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = tuple(tensors)
    if not parts:
        raise RuntimeError("torch.cat(): expected a non-empty list of Tensors")
    for i, part in enumerate(parts):
        need_tensor("cat", f"tensors[{i}]", 1, part)
    real = [p for p in parts if p._data.shape != (0,)] or [parts[0]]
    if any(p._data.ndim == 0 for p in real):
        raise RuntimeError(
            "zero-dimensional tensor (at position 0) cannot be concatenated: use stack"
        )
    at = one_dim(dim, real[0]._data.ndim)
    result: Tensor = apply(rows.cat, *real, dim=at)
    return result if out is None else write_out(out, result)


def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors of one shape joined along a new dimension."""
    parts = tuple(tensors)
    if not parts:
        raise RuntimeError("stack expects a non-empty TensorList")
    at = one_dim(dim, parts[0]._data.ndim + 1)
    result: Tensor = apply(rows.stack, *parts, dim=at)
    return result if out is None else write_out(out, result)


def flip(input: Tensor, *dims: Any) -> Tensor:
    """The elements in reverse order along dims; always a copy."""
    result: Tensor = apply(rows.flip, input, dims=many_dims(as_sizes(dims), input._data.ndim) or ())
    return result


def matrix_transpose(input: Tensor) -> Tensor:
    """The last two dimensions swapped: `x.mT`."""
    ndim = input._data.ndim
    if ndim < 2:
        raise RuntimeError(
            f"tensor.mT is only supported on matrices or batches of matrices. Got {ndim}-D tensor."
        )
    result: Tensor = apply(rows.permute, input, dims=(*range(ndim - 2), ndim - 1, ndim - 2))
    return result


def contiguous(input: Tensor) -> Tensor:
    """The tensor itself if it lies in memory in row order, else such a copy."""
    if input._data.flags.c_contiguous:
        return input
    result: Tensor = apply(rows.compact, input)
    return result
