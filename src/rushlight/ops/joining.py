"""Tensors joined, split and repeated."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.doors import apply, check, literal, number, read
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase, inference
from rushlight.kernels import refusal
from rushlight.memory import shared
from rushlight.ops.arguments import (
    apart,
    as_sizes,
    named,
    need_apart,
    need_castable,
    need_int,
    need_tensor,
    need_unrecorded,
    need_whole,
    numpy_names,
    one_dim,
    relabel,
    spelled,
    write_out,
)
from rushlight.ops.conversion import in_rows
from rushlight.ops.precision import need_joinable
from rushlight.ops.shape import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    expand,
    flatten,
    reshape,
    unsqueeze,
    view,
)
from rushlight.primitives import index as index_rows
from rushlight.primitives import join
from rushlight.primitives import view as rows
from rushlight.primitives.constant import computed
from rushlight.primitives.families import result_type
from rushlight.primitives.index import ARRAY

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# ---- joined -------------------------------------------------------------------------------------


def _parts(name: str, tensors: Any) -> tuple[Tensor, ...]:
    if isinstance(tensors, TensorBase):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor: "
            f"write {name}([a, b])"
        )
    parts = tuple(tensors)
    for i, part in enumerate(parts):
        if not isinstance(part, TensorBase):
            need_tensor(name, f"tensors[{i}]", 1, part)
    if not parts:
        kind = ValueError if name == "cat" else RuntimeError
        raise kind(f"torch.{name}(): expected a non-empty list of Tensors")
    return parts


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors joined along a dimension they have; types promote.

    >>> import rushlight as torch
    >>> torch.cat([torch.tensor([1, 2]), torch.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = _parts("cat", tensors)
    need_unrecorded(out, *parts)
    if state.autocast is not None:
        need_joinable(parts)
    shape = parts[0]._data_.shape
    empty = False
    for i, part in enumerate(parts):
        own = part._data_.shape
        if not own:
            raise RuntimeError(
                f"zero-dimensional tensor (at position {i}) cannot be concatenated: use stack"
            )
        if own == (0,):
            empty = True
        elif shape == (0,):
            shape = own
    # Tensors of shape (0,) may be joined along any dimension.
    at = 0 if shape == (0,) else one_dim(dim, len(shape))
    if empty and len(shape) > 1:
        # torch lets an empty 1-d tensor stand among others of any shape.
        blank = (*shape[:at], 0, *shape[at + 1 :])
        parts = tuple(reshape(p, blank) if p._data_.shape == (0,) else p for p in parts)
    if out is not None:
        need_tensor("out", "out", 0, out)
        need_castable(result_type(*(t._data_ for t in parts)), out, TypeError)
    result: Tensor = apply(join.cat, *parts, dim=at)
    if out is not None:
        _need_another(out, tensors, result)
        apart(out, *(t for t in tensors if t._data_.shape != (0,)))
    return write_out(out, result, wrong=TypeError)


@numpy_names
def concat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """`cat` under another name."""
    return cat(tensors, dim, out=out)


@numpy_names
def concatenate(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """`cat` under NumPy's name."""
    return cat(tensors, dim, out=out)


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    >>> import rushlight as torch
    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    parts = _parts("stack", tensors)
    need_unrecorded(out, *parts)
    if state.autocast is not None:
        need_joinable(parts)
    at = one_dim(dim, parts[0]._data_.ndim + 1)
    result: Tensor = apply(join.stack, *parts, dim=at)
    if out is not None and result._data_.size:
        _need_another(out, parts, result)
        apart(out, *parts)
    return write_out(out, result, wrong=TypeError)


def _need_another(out: Tensor, parts: Sequence[TensorBase], result: Tensor) -> None:
    """Raise torch's error for an out= that is a part as well: if it is empty, it grows before it is read."""
    if result._data_.size and any(part is out for part in parts):
        need_apart(result._data_, result._data_, disjoint=True)


def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side: joined along dimension 1, or 0 where they have only one."""
    parts = atleast_1d(_parts("hstack", tensors))
    return cat(parts, 0 if parts[0]._data_.ndim == 1 else 1, out=out)


def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors below each other, as rows."""
    return cat(atleast_2d(_parts("vstack", tensors)), 0, out=out)


def row_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """`vstack` under another name."""
    return vstack(tensors, out=out)


def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors behind each other: joined along dimension 2."""
    return cat(atleast_3d(_parts("dstack", tensors)), 2, out=out)


def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side, those of one dimension as columns."""
    parts = _parts("column_stack", tensors)
    return hstack([p if p._data_.ndim > 1 else view(p, (p._data_.size, 1)) for p in parts], out=out)


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrices along the diagonal of one larger matrix of zeros.

    >>> import rushlight as torch
    >>> torch.block_diag(torch.tensor([[1, 2]]), torch.tensor(3))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    if not tensors:
        return literal(np.empty((1, 0), np.float32))
    blocks = []
    for i, tensor in enumerate(tensors):
        need_tensor("block_diag", f"tensors[{i}]", 1, tensor)
        if tensor._data_.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has "
                f"{tensor._data_.ndim} dimensions"
            )
        if tensor._data_.ndim == 1 and tensor._data_.size:
            # Its gradient is a part of the whole's, or, of several elements, the sum of one.
            n = tensor._data_.size
            tensor = tensor.unsqueeze(-1) if n == 1 else tensor.expand(1, n)
        blocks.append(atleast_2d(tensor))
    # In their common type, to which a single number in no dimension adds nothing.
    common = result_type(*(tensor._data_ for tensor in tensors))
    blocks = [block.to(common) for block in blocks]
    width = sum(b._data_.shape[1] for b in blocks)
    lines, left = [], 0
    for block in blocks:
        high, own = block._data_.shape
        before, after = (
            literal(np.zeros((high, n), common.numpy)) for n in (left, width - left - own)
        )
        # Joined, not padded: its gradient is a part of that of the whole, and no copy.
        lines.append(apply(join.cat, before, block, after, dim=1))
        left += own
    return relabel(apply(join.cat, *lines, dim=0), "BlockDiagBackward0")


# ---- split --------------------------------------------------------------------------------------


def _cut(input: Tensor, sizes: tuple[int, ...], at: int, label: str) -> tuple[Tensor, ...]:
    if not sizes:
        return ()
    return relabel(apply(join.split, input, sizes=sizes, dim=at), label)


@numpy_names
def split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of this size (the last may be smaller), or of these sizes, along dim.

    >>> import rushlight as torch
    >>> torch.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    need_tensor("split", "tensor", 1, tensor)
    if not isinstance(split_size_or_sections, (int, TensorBase)):
        if not isinstance(split_size_or_sections, (list, tuple)):
            need_whole("split", "split_size", 2, None)
        return split_with_sizes(tensor, split_size_or_sections, dim)
    size = need_int("split", "split_size_or_sections", 2, split_size_or_sections)
    return _cut(tensor, *_even(tensor, size, dim), "SplitBackward0")


@numpy_names
def split_method(self: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """`split` under the parameter names that it has as a method."""
    return split(self, split_size, dim)


def _even(tensor: Tensor, size: int, dim: int) -> tuple[tuple[int, ...], int]:
    if not tensor._data_.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    at = one_dim(dim, tensor._data_.ndim)
    whole = tensor._data_.shape[at]
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0 and whole:
        raise RuntimeError(
            f"split_size can only be 0 if dimension size is 0, but got dimension size of {whole}"
        )
    if not whole:
        return (0,), at
    full, rest = divmod(whole, size)
    return (size,) * full + ((rest,) if rest else ()), at


@numpy_names
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of these sizes along dim; they must add up to its size."""
    return _cut(input, *_sections(input, split_sizes, dim), "SplitWithSizesBackward0")


def _sections(input: Tensor, split_sizes: Any, dim: int) -> tuple[tuple[int, ...], int]:
    if not input._data_.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    at = one_dim(dim, input._data_.ndim)
    sizes = as_sizes((list(split_sizes),))
    whole = input._data_.shape[at]
    if min(sizes, default=0) < 0 or sum(sizes) != whole:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to be non-negative and sum exactly to {whole} "
            f"(input tensor's size at dimension {at}), but got split_sizes={list(sizes)}"
        )
    return sizes, at


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` views of equal size along dim; the last may be smaller."""
    return _cut(input, *_pieces(input, chunks, dim), "SplitBackward0")


def _pieces(input: Tensor, chunks: int, dim: int) -> tuple[tuple[int, ...], int]:
    if not input._data_.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    chunks = need_whole("chunk", "chunks", 2, chunks)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    at = one_dim(dim, input._data_.ndim)
    whole = input._data_.shape[at]
    if not whole:
        return (0,) * chunks, at
    return _even(input, -(-whole // chunks), dim)


@numpy_names
def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split`, whose parts may be changed in place."""
    return _apart(_cut(tensor, *_even(tensor, split_size, dim), "UnsafeSplitBackward0"))


@numpy_names
def unsafe_split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """`split_with_sizes`, whose parts may be changed in place."""
    label = "UnsafeSplitWithSizesBackward0"
    return _apart(_cut(input, *_sections(input, split_sizes, dim), label))


@numpy_names
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunk`, whose parts may be changed in place."""
    return _apart(_cut(input, *_pieces(input, chunks, dim), "UnsafeSplitBackward0"))


def _apart(parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The same memory, but no longer views: what happens to a part is not the whole's business."""
    for part in parts:
        part._changes_ = [0, None]
        if not inference.on:
            part._view_ = None
    return parts


def tensor_split(
    input: Tensor, indices_or_sections: Any = None, dim: int = 0, **named: Any
) -> tuple[Tensor, ...]:
    """Views between these positions along dim, or that many of them of nearly equal size.

    >>> import rushlight as torch
    >>> torch.arange(5).tensor_split(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    need_tensor("tensor_split", "input", 1, input)
    if not input._data_.ndim:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    given = () if named and indices_or_sections is None else (indices_or_sections,)
    (where,) = spelled(
        "tensor_split", given, named, "indices", "sections", "tensor_indices_or_sections"
    )
    if isinstance(where, TensorBase):
        if where._data_.dtype != np.int64 or where._data_.ndim > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                f"one-dimensional tensor of dtype int64, but got {where._data_.dtype} with "
                f"{where._data_.ndim} dims"
            )
        where = read(where, "the places to split at").tolist()
    at = one_dim(dim, input._data_.ndim)
    whole = input._data_.shape[at]
    if not isinstance(where, (tuple, list)):
        where = need_int("tensor_split", "sections", 2, where)
        if where <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {where}")
        size, larger = divmod(whole, where)
        bounds = [i * size + min(i, larger) for i in range(where + 1)]
    else:
        bounds = [0, *as_sizes((where,)), whole]
    before = (slice(None),) * at
    return tuple(
        relabel(apply(index_rows.slice_, input, index=(*before, slice(a, b))), "SliceBackward0")
        for a, b in itertools.pairwise(bounds)
    )


def _splitter(name: str, least: int, dim: int, what: str) -> Callable[..., tuple[Tensor, ...]]:
    def function(
        input: Tensor, indices_or_sections: Any = None, *further: int, **by_name: Any
    ) -> tuple[Tensor, ...]:
        need_tensor(name, "input", 1, input)
        ndim = input._data_.ndim
        if ndim < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor "
                f"with {ndim} dimensions!"
            )
        first = () if by_name and indices_or_sections is None else (indices_or_sections,)
        given = spelled(name, (*first, *further), by_name, "indices", "sections")
        where = given if further else given[0]
        at = 0 if ndim == 1 else dim
        if isinstance(where, int) and (where <= 0 or input._data_.shape[at] % where):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {at}, but the size of the "
                f"dimension {input._data_.shape[at]} is not divisible by the split_size {where}!"
            )
        return tensor_split(input, where, at)

    return named(function, name, what)


hsplit = _splitter("hsplit", 1, 1, "`tensor_split` along dimension 1 (0 if there is only one).")
vsplit = _splitter("vsplit", 2, 0, "`tensor_split` along dimension 0.")
dsplit = _splitter("dsplit", 3, 2, "`tensor_split` along dimension 2.")


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along dim, as views.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).unbind(1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    if not input._data_.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    at = one_dim(dim, input._data_.ndim)
    return apply(join.unbind, input, dim=at) if input._data_.shape[at] else ()


# ---- repeated -----------------------------------------------------------------------------------


def repeat(self: Tensor, *repeats: Any, **named: Any) -> Tensor:
    """Copies of the tensor beside each other, this many along each dimension.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = as_sizes(spelled("repeat", repeats, named, "repeats"))
    shape = self._data_.shape
    extra = len(times) - len(shape)
    if extra < 0:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            f"tensor: {len(times)} numbers for shape {list(shape)}"
        )
    if min(times, default=0) < 0:
        raise RuntimeError(
            f"Trying to create tensor with negative dimension: repeats {list(times)}"
        )
    paired = tuple(n for size in shape for n in (1, size))
    wide = times[:extra] + tuple(n for pair in zip(times[extra:], shape, strict=True) for n in pair)
    sizes = times[:extra] + tuple(a * b for a, b in zip(times[extra:], shape, strict=True))
    if sizes == shape:
        return relabel(apply(rows.compact, self), "RepeatBackward0")
    spread = expand(reshape(self, paired), wide)
    copied = apply(rows.compact, spread) if sizes == wide else reshape(spread, sizes)
    if copied._view_ is not None or shared(copied._data_, self._data_):
        copied = apply(rows.compact, copied)
    return relabel(copied, "RepeatBackward0")


def tile(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """`repeat`, where fewer numbers than dimensions count from the last one."""
    times = as_sizes(spelled("tile", dims, named, "dims"))
    missing = input._data_.ndim - len(times)
    return repeat(input, (1,) * max(missing, 0) + times)


@numpy_names
def repeat_interleave(
    input: Tensor,
    repeats: Any = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Each element (or slice along dim) repeated in place: one number, or one for each.

    With repeats alone, the indices that this repetition would pick.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2]).repeat_interleave(torch.tensor([2, 1]))
    tensor([1, 1, 2])
    """
    if repeats is None:
        return computed(_repeated, _counts(input))
    if dim is None:
        input, dim = flatten(input), 0
    at = one_dim(dim, input._data_.ndim)
    if not input._data_.ndim:
        raise IndexError(
            "repeat_interleave(): a tensor of no dimensions has none to repeat along: leave dim away"
        )
    shape = input._data_.shape
    if isinstance(repeats, TensorBase) and repeats._data_.size != 1:
        counts = _counts(repeats)
        if counts._data_.size != shape[at]:
            raise RuntimeError(
                "repeats must have the same size as input along dim, but got repeats.size(0) = "
                f"{counts._data_.size} and input.size({at}) = {shape[at]}"
            )
        picked = computed(_repeated, counts)
        _check_output(output_size, picked._data_.size)
        where = (slice(None),) * at + (ARRAY,)
        result: Tensor = in_rows(apply(index_rows.index, input, picked, spec=where))
        return relabel(result, "IndexSelectBackward0")
    counted = isinstance(repeats, TensorBase)
    if counted:
        repeats = number(_counts(repeats), "the repeats")
    times = need_int("repeat_interleave", "repeats", 2, repeats)
    if times < 0:
        raise RuntimeError("Repeats must be non-negative")
    _check_output(output_size, times * shape[at])
    wide = expand(unsqueeze(input, at + 1), (*shape[: at + 1], times, *shape[at + 1 :]))
    result = view(apply(rows.compact, wide), (*shape[:at], shape[at] * times, *shape[at + 1 :]))
    return relabel(result, "IndexSelectBackward0") if counted else result


def _counts(repeats: Any) -> Tensor:
    if repeats._data_.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if repeats._data_.dtype not in (np.int32, np.int64):
        raise refusal("repeat_interleave_cpu", repeats.dtype)
    counts = check(repeats, "the repeats")
    if counts.size and counts.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return repeats.reshape(-1)


def _repeated(counts: Array) -> Array:
    """The positions 0, 1, ... as often as counts says."""
    return np.repeat(np.arange(counts.size), counts)


def _check_output(expected: int | None, size: int) -> None:
    if expected is not None and expected != size:
        raise RuntimeError(
            f"repeat_interleave: output_size is {expected}, but the result has {size}"
        )
