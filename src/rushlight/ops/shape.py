"""Other shapes of the same elements, on the same memory where that can be."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import apply
from rushlight.core.state import state
from rushlight.core.tape import attach
from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.core.turned import held
from rushlight.errors import warn_once
from rushlight.ops.arguments import (
    as_sizes,
    many_dims,
    named,
    need_int,
    need_tensor,
    need_whole,
    numpy_names,
    one_dim,
    spelled,
)
from rushlight.primitives import index as index_rows
from rushlight.primitives import view as rows
from rushlight.primitives.families import broadcast_shapes as common_shape
from rushlight.primitives.pointwise import clone
from rushlight.size import Size

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _labelled(result: Tensor, name: str) -> Tensor:
    """The result, its node called as torch calls it."""
    node = result._node_
    if node is not None:
        node._label = name
    return result


# ---- shapes -------------------------------------------------------------------------------------


def reshape(input: Tensor, *shape: Any, **named: Any) -> Tensor:
    """The same elements in another shape: a view where possible. One size may be -1.

    >>> import rushlight as torch
    >>> torch.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    if named or not shape:
        shape = spelled("reshape", shape, named, "shape")
    sizes = shape[0] if len(shape) == 1 and shape[0].__class__ is tuple else as_sizes(shape)
    if -1 in sizes and input._data_.size == 0:
        _check_empty(input._data_, sizes)
    result: Tensor = apply(rows.reshape, input, shape=sizes)
    if result._node_ is not None and result._view_ is None:
        if not state.interpreters:
            _copied_first(input, result, sizes)
        result._node_._label = "UnsafeViewBackward0"
    return result


def _copied_first(source: Tensor, result: Tensor, sizes: tuple[int, ...]) -> None:
    """Let a copy in another shape stand in the graph as torch's two steps: the copy, and its shape."""
    whole = wrap(rows.reshape.forward(held(result), shape=source._data_.shape))
    attach(clone, (source,), {}, whole)
    attach(rows.reshape, (whole,), {"shape": sizes}, result)


def _check_empty(data: Array, sizes: tuple[int, ...]) -> None:
    if 0 in sizes:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(sizes)} because the unspecified "
            "dimension size -1 can be any value and is ambiguous: write that size"
        )


def view(self: Tensor, *shape: Any, **named: Any) -> Tensor:
    """The same memory in another shape, or (`view(dtype)`) read as another dtype; never a copy.

    >>> import rushlight as torch
    >>> torch.tensor([1.0]).view(torch.int32)
    tensor([1065353216], dtype=torch.int32)
    """
    if named or not shape:
        shape = spelled("view", shape, named, "size", "dtype")
    if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        return _reinterpreted(self, shape[0].numpy)
    sizes = shape[0] if len(shape) == 1 and shape[0].__class__ is tuple else as_sizes(shape)
    data = held(self)
    if not data.flags.c_contiguous:
        rows.reshape.rule(data, shape=sizes)
        try:
            data.reshape(sizes, copy=False)
        except ValueError:
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one "
                "dimension spans across two contiguous subspaces). Use .reshape(...) instead. "
                f"Asked for {list(sizes)} of shape {list(data.shape)} with strides "
                f"{[s // data.itemsize for s in data.strides]}"
            ) from None
    elif not data.size and -1 in sizes:
        _check_empty(data, sizes)
    return apply(rows.reshape, self, shape=sizes)


def _reinterpreted(self: Tensor, dtype: np.dtype[Any]) -> Tensor:
    if self._turned_:
        kind = (
            "conjugate view tensors"
            if held(self).dtype.kind == "c"
            else "tensors with negative bit set"
        )
        raise RuntimeError(
            f"torch.Tensor.view is not supported for {kind} when converting to a different dtype."
        )
    return apply(rows.reinterpret, self, dtype=dtype)


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """`view` in the shape of another tensor."""
    need_tensor("view_as", "other", 1, other)
    return view(self, other._data_.shape)


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """`reshape` to the shape of another tensor."""
    need_tensor("reshape_as", "other", 1, other)
    return reshape(self, other._data_.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from start_dim to end_dim made one.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3, 5).flatten(1).shape
    torch.Size([2, 15])
    """
    need_tensor("flatten", "input", 1, input)
    shape = input._data_.shape
    first, last = one_dim(start_dim, len(shape)), one_dim(end_dim, len(shape))
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return reshape(input, (1,))
    if first == last:
        return input
    joined = 1
    for n in shape[first : last + 1]:
        joined *= n
    return reshape(input, (*shape[:first], joined, *shape[last + 1 :]))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension split into several of these sizes; one of them may be -1.

    >>> import rushlight as torch
    >>> torch.zeros(2, 15).unflatten(1, (3, -1)).shape
    torch.Size([2, 3, 5])
    """
    need_tensor("unflatten", "input", 1, input)
    shape = input._data_.shape
    at = one_dim(dim, len(shape))
    if not shape:
        raise RuntimeError("unflatten: a tensor of no dimensions has none to split: use .view()")
    into = as_sizes((sizes,))
    if not into:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known = 1
    for n in into:
        known *= n if n != -1 else 1
    size = shape[at]
    fits = size == known if -1 not in into else known and size % known == 0
    if not fits:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(into)} don't multiply up to the size of dim {at} "
            f"({size}) in the input tensor"
        )
    into = tuple(n if n != -1 else size // known for n in into)
    return view(input, (*shape[:at], *into, *shape[at + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension; a view where possible."""
    ordered = input if input._data_.flags.c_contiguous else apply(rows.compact, input)
    return view(ordered, (-1,) if input._data_.size else (0,))


@numpy_names
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None, *further: int) -> Tensor:
    """A view without the dimensions of size 1, or without those of them named in dim."""
    shape = input._data_.shape
    if further:
        dim = (dim, *further)  # type: ignore[arg-type]
    if dim is None:
        given: Sequence[int] = range(len(shape))
        label = "SqueezeBackward0"
    elif isinstance(dim, int):
        at = one_dim(dim, len(shape))
        given = (at,) if shape else ()
        label = "SqueezeBackward1"
    else:
        given = many_dims(dim, len(shape)) or ()
        label = "SqueezeBackward2"
    ones = tuple(d for d in given if shape[d] == 1)
    return _labelled(apply(rows.squeeze, input, dims=ones), label)


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a dimension of size 1 put in at dim."""
    shape = input._data_.shape
    at = one_dim(dim, len(shape) + 1)
    if 1 not in shape and 0 not in shape and input._data_.flags.c_contiguous:
        result = apply(rows.reshape, input, shape=(*shape[:at], 1, *shape[at:]))
    else:
        result = apply(index_rows.slice_, input, index=(*(slice(None),) * at, None))
    return _labelled(result, "UnsqueezeBackward0")


def _at_least(name: str, lift: Callable[[Tensor], Tensor], what: str) -> Callable[..., Any]:
    def function(*tensors: Any) -> Any:
        alone = len(tensors) == 1 and isinstance(tensors[0], TensorBase)
        listed = tensors if alone or len(tensors) != 1 else tuple(tensors[0])
        for tensor in listed:
            need_tensor(name, "tensors", 1, tensor)
        results = tuple(lift(t) for t in listed)
        return results[0] if alone else results

    return named(function, name, what)


def _one_dimension(x: Tensor) -> Tensor:
    return x if x._data_.ndim else reshape(x, (1,))


def _two_dimensions(x: Tensor) -> Tensor:
    if x._data_.ndim > 1:
        return x
    return unsqueeze(x, 0) if x._data_.ndim else reshape(x, (1, 1))


def _three_dimensions(x: Tensor) -> Tensor:
    if x._data_.ndim > 2:
        return x
    if x._data_.ndim == 2:
        return unsqueeze(x, -1)
    return unsqueeze(unsqueeze(x, 0), -1) if x._data_.ndim else reshape(x, (1, 1, 1))


atleast_1d = _at_least("atleast_1d", _one_dimension, "Tensors of at least one dimension.")
atleast_2d = _at_least("atleast_2d", _two_dimensions, "Tensors of at least two dimensions.")
atleast_3d = _at_least("atleast_3d", _three_dimensions, "Tensors of at least three dimensions.")

# ---- the order of dimensions --------------------------------------------------------------------


def permute(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The dimensions in another order, as a view.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3, 5).permute(2, 0, 1).shape
    torch.Size([5, 2, 3])
    """
    ndim = input._data_.ndim
    order = as_sizes(spelled("permute", dims, named, "dims"))
    result: Tensor
    if sorted(order) == list(range(ndim)):
        result = apply(rows.permute, input, dims=order)
        return result
    if len(order) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {ndim} is not equal "
            f"to len(dims) = {len(order)}"
        )
    order = tuple(one_dim(d, ndim) for d in order)
    if len(set(order)) != ndim:
        raise RuntimeError(f"permute(): duplicate dims are not allowed, got {list(order)}")
    result = apply(rows.permute, input, dims=order)
    return result


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions swapped, as a view."""
    ndim = input._data_.ndim
    a, b = one_dim(dim0, ndim), one_dim(dim1, ndim)
    order = list(range(ndim))
    if ndim:
        order[a], order[b] = b, a
    return _labelled(apply(rows.permute, input, dims=tuple(order)), "TransposeBackward0")


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` under NumPy's name."""
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` under another name."""
    return transpose(input, dim0, dim1)


def t(input: Tensor) -> Tensor:
    """The transpose of a tensor of at most two dimensions."""
    ndim = input._data_.ndim
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    result: Tensor = apply(rows.permute, input, dims=(1, 0) if ndim == 2 else tuple(range(ndim)))
    return result if result._node_ is None else _labelled(result, "TBackward0")


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to new places; the others keep their order.

    >>> import rushlight as torch
    >>> torch.zeros(2, 3, 5).movedim(0, -1).shape
    torch.Size([3, 5, 2])
    """
    ndim = input._data_.ndim
    if isinstance(source, (tuple, list)) != isinstance(destination, (tuple, list)):
        raise TypeError(
            "movedim(): source and destination must both be ints or both tuples of ints"
        )
    given = [as_sizes((source,)), as_sizes((destination,))]
    if len(given[0]) != len(given[1]):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(given[0])} dims) should "
            f"contain the same number of dims as destination ({list(given[1])} dims)"
        )
    sources, targets = (tuple(one_dim(d, ndim) for d in dims) for dims in given)
    for what, dims in (("source", sources), ("destination", targets)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{what}` ({list(dims)})")
    if not ndim:
        sources = targets = ()
    order: list[Any] = [None] * ndim
    for s, d in zip(sources, targets, strict=True):
        order[d] = s
    rest = (d for d in range(ndim) if d not in sources)
    return apply(rows.permute, input, dims=tuple(next(rest) if d is None else d for d in order))


def moveaxis(input: Tensor, source: Any, destination: Any) -> Tensor:
    """`movedim` under NumPy's name."""
    return movedim(input, source, destination)


def reversed_dims(self: Tensor) -> Tensor:
    """All dimensions in reverse order: `x.T`."""
    if not self._data_.ndim:
        _warn_of_none("Tensor.T", "This function is the identity in these cases.")
    elif self._data_.ndim != 2:
        warn_once(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated "
            "and it will throw an error in a future release. Consider `x.mT` to transpose batches of "
            "matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a "
            "tensor."
        )
    return apply(rows.permute, self, dims=tuple(range(self._data_.ndim))[::-1])


def matrix_transpose(self: Tensor) -> Tensor:
    """The last two dimensions swapped: `x.mT`."""
    _need_matrix(self, "mT")
    if self._data_.ndim:
        return transpose(self, -2, -1)
    _warn_of_none("Tensor.mT", "This function is the identity in these cases.")
    return self


def conjugate_matrix(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix: `x.H`."""
    if self._data_.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self._data_.ndim}-D "
            "tensor. For batches of matrices, consider using tensor.mH"
        )
    return _conjugate_transpose(self, "Tensor.H")


def conjugate_matrices(self: Tensor) -> Tensor:
    """The conjugate transposes of a batch of matrices: `x.mH`."""
    _need_matrix(self, "mH")
    return _conjugate_transpose(self, "Tensor.mH")


def adjoint(input: Tensor) -> Tensor:
    """The conjugate of the last two dimensions swapped."""
    _need_matrix(input, "adjoint()")
    return _conjugate_transpose(input, "adjoint()")


def _warn_of_none(what: str, instead: str) -> None:
    warn_once(f"{what} is deprecated on 0-D tensors. {instead}")


def _conjugate_transpose(self: Tensor, what: str) -> Tensor:
    if not self._data_.ndim:
        _warn_of_none(what, "Consider using x.conj().")
    turned = transpose(self, -2, -1) if self._data_.ndim else self
    return turned.conj() if self._data_.dtype.kind == "c" else turned


def _need_matrix(self: Tensor, what: str) -> None:
    if self._data_.ndim == 1:
        raise RuntimeError(
            f"tensor.{what} is only supported on matrices or batches of matrices. Got "
            f"{self._data_.ndim}-D tensor."
        )


# ---- repeating without copying ------------------------------------------------------------------


def expand(self: Tensor, *size: Any, implicit: bool = False, **named: Any) -> Tensor:
    """A view in which dimensions of size 1 are repeated without copying; -1 keeps a size."""
    sizes = as_sizes(spelled("expand", size, named, "size"))
    old = self._data_.shape
    extra = len(sizes) - len(old)
    if extra < 0:
        raise RuntimeError(
            f"expand({self.type()}{{{list(old)}}}, size={list(sizes)}): the number of sizes provided "
            f"({len(sizes)}) must be greater or equal to the number of dimensions in the tensor ({len(old)})"
        )
    if -1 in sizes:
        if -1 in sizes[:extra]:
            raise RuntimeError(
                "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing "
                f"dimension {sizes.index(-1)}: sizes {list(sizes)} for a tensor of shape {list(old)}"
            )
        kept = (o if n == -1 else n for n, o in zip(sizes[extra:], old, strict=True))
        sizes = (*sizes[:extra], *kept)
    return apply(rows.expand, self, size=sizes)


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of another tensor."""
    need_tensor("expand_as", "other", 1, other)
    return expand(self, other._data_.shape)


def broadcast_to(input: Tensor, *size: Any, **named: Any) -> Tensor:
    """`expand` under NumPy's name."""
    return expand(input, *spelled("broadcast_to", size, named, "size"))


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape."""
    parts = (
        tuple(tensors[0])
        if len(tensors) == 1 and not isinstance(tensors[0], TensorBase)
        else tensors
    )
    for number, part in enumerate(parts):
        if not isinstance(part, TensorBase):
            raise TypeError(
                f"expected Tensor as element {number} in argument 0, but got {type(part).__name__}"
            )
    size = common_shape([p._data_.shape for p in parts]) if parts else ()
    return tuple(p if p._data_.shape == size else expand(p, size) for p in parts)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that these shapes broadcast to.

    >>> import rushlight as torch
    >>> torch.broadcast_shapes((2, 1), (3,))
    torch.Size([2, 3])
    """
    sizes = [(s,) if isinstance(s, int) else tuple(map(operator.index, s)) for s in shapes]
    for size in sizes:
        if min(size, default=0) < 0:
            raise ValueError(f"Attempting to broadcast a dimension with negative length: {size}")
    try:
        return Size(common_shape(sizes) if sizes else ())
    except RuntimeError:
        raise RuntimeError(_why_apart(sizes)) from None


def _why_apart(sizes: list[tuple[int, ...]]) -> str:
    """torch's words for the first shape that does not fit those before it."""
    known: dict[int, int] = {}
    for n, size in enumerate(sizes):
        for d in range(-1, -len(size) - 1, -1):
            if size[d] != 1 and known.setdefault(d, size[d]) != size[d]:
                common = [known.get(-i, 1) for i in range(max(map(len, sizes)), 0, -1)]
                return (
                    f"Attempting to broadcast a dimension of length {size[d]} at {d}! Mismatching argument "
                    f"at index {n} had {size}; but expected shape should be broadcastable to {common}"
                )
    return "these shapes do not broadcast"


# ---- parts --------------------------------------------------------------------------------------


@numpy_names
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """A view of `length` elements of dim from `start` (an int or a 0-d tensor) on."""
    need_tensor("narrow", "input", 1, input)
    if not input._data_.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, TensorBase) and (start._data_.ndim or start._data_.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    begin, length = need_int("narrow", "start", 2, start), need_int("narrow", "length", 3, length)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    at = one_dim(dim, input._data_.ndim)
    size = input._data_.shape[at]
    if not -size <= begin <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {begin})"
        )
    begin += size if begin < 0 else 0
    if begin + length > size:
        raise RuntimeError(f"start ({begin}) + length ({length}) exceeds dimension size ({size}).")
    where = (slice(None),) * at + (slice(begin, begin + length),)
    return _labelled(apply(index_rows.slice_, input, index=where), "SliceBackward0")


@numpy_names
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of the slice at one position of dim, without that dimension."""
    place = need_int("select", "index", 2, index)
    if not input._data_.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    at = one_dim(dim, input._data_.ndim)
    size = input._data_.shape[at]
    if not -size <= place < size:
        raise IndexError(
            f"select(): index {place} out of range for tensor of size {list(input._data_.shape)} at "
            f"dimension {at}"
        )
    return apply(index_rows.slice_, input, index=(slice(None),) * at + (place,))


def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of all windows of `size` elements along a dimension, `step` apart; they come last.

    >>> import rushlight as torch
    >>> torch.arange(4).unfold(0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    at = one_dim(dimension, self._data_.ndim)
    size, step = need_whole("unfold", "size", 2, size), need_whole("unfold", "step", 3, step)
    if size < 0 or step <= 0:
        raise RuntimeError(
            f"unfold: size is {size} but must be >= 0, step is {step} but must be > 0"
        )
    if not self._data_.ndim:
        if size > 1:
            raise RuntimeError(f"maximum size for tensor at dimension 0 is 1 but size is {size}")
        return view(self, (1,)) if size else reshape(view(self, (1,))[:0], (0,))
    return apply(rows.unfold, self, dim=at, size=size, step=step)
