"""A tensor in coordinates: where its elements are, and what they are; the rest is zero.

The two parts are ordinary tensors, and all that is done here is done to them by ordinary
operations: gradients reach the values, at any order, without a rule of their own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import read
from rushlight.core.tensor import Array, wrap
from rushlight.dtypes import promote_types
from rushlight.layout import sparse_coo, sparse_csc, sparse_csr
from rushlight.ops.arguments import many_dims, need_tensor, one_dim, relabel
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat
from rushlight.ops.rebuilding import kept
from rushlight.overriding.asking import disabled_torch_function
from rushlight.printing import format_sparse
from rushlight.size import Size
from rushlight.sparse.elementwise import Casts, Elementwise
from rushlight.sparse.placeless import Placeless
from rushlight.sparse.resizing import Resizing

if TYPE_CHECKING:
    from rushlight.core.node import Node

_NUMBERS = (int, float, complex, np.number)
_WHERE = "where the elements lie"


def assemble(
    indices: Tensor, values: Tensor, sizes: tuple[int, ...], coalesced: bool
) -> SparseTensor:
    """The sparse tensor of these parts, which are not checked."""
    tensor = object.__new__(SparseTensor)
    tensor._node_ = None
    tensor._requires_grad_ = False
    tensor._grad = None
    tensor._view_ = None
    tensor._changes_ = [0, None]
    tensor._at, tensor._held, tensor._sizes = indices, values, tuple(sizes)
    tensor._sorted = coalesced or values._data_.shape[0] < 2
    return tensor


class SparseTensor(Casts, Elementwise, Resizing, Placeless, Tensor):  # type: ignore[misc, override]
    """A tensor of layout torch.sparse_coo; `sparse_coo_tensor` and `Tensor.to_sparse` make them.

    indices: (sparse dimensions, n) int64; values: (n, dense dimensions ...). Coordinates may repeat,
    their values then count together, until `coalesce` adds them up and sorts them. Operations other
    than those below raise NotImplementedError: they are `to_dense()` away.

    >>> import rushlight as torch
    >>> torch.eye(2).to_sparse() * 3
    tensor(indices=tensor([[0, 1],
                           [0, 1]]),
           values=tensor([3., 3.]),
           size=(2, 2), nnz=2, layout=torch.sparse_coo)
    """

    __slots__ = ("_at", "_held", "_sizes", "_sorted")

    # The operations that sparse tensors have say themselves what comes of them.
    __torch_function__: Any = disabled_torch_function

    _at: Tensor
    _held: Tensor
    _sizes: tuple[int, ...]
    _sorted: bool

    is_sparse = True

    @property
    def device(self) -> Any:
        """Where the values are."""
        return self._held.device

    @property
    def is_cpu(self) -> bool:
        """Whether the values are in memory."""
        return self._held.is_cpu

    @property
    def is_meta(self) -> bool:
        """Whether there are no values."""
        return self._held.is_meta

    @property
    def _data_(self) -> NoReturn:  # type: ignore[override]
        # Every operation of dense tensors asks for the array first.
        raise NotImplementedError(
            f"this operation is not offered for sparse tensors (layout {self.layout}): use .to_dense(), or "
            "work on the indices and .values()"
        )

    # ---- what it is -----------------------------------------------------------------------------

    @property
    def layout(self) -> Any:
        """torch.sparse_coo."""
        return sparse_coo

    @property
    def shape(self) -> Size:
        """The sizes of all dimensions, as if it were dense."""
        return Size(self._sizes)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the values."""
        return self._held.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self._sizes)

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self._sizes)

    ndimension = dim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or one size."""
        return self.shape if dim is None else self._sizes[one_dim(dim, self.ndim)]

    def numel(self) -> int:
        """The number of elements, as if it were dense."""
        return math.prod(self._sizes)

    def __len__(self) -> int:
        return self._sizes[0]

    def is_floating_point(self) -> bool:
        """Whether the values are real floating-point numbers."""
        return self._held.is_floating_point()

    def is_complex(self) -> bool:
        """Whether the values are complex."""
        return self._held.is_complex()

    def sparse_dim(self) -> int:
        """The number of dimensions that the indices address."""
        return self._at._data_.shape[0]

    def dense_dim(self) -> int:
        """The number of dimensions that each value has."""
        return self._held._data_.ndim - 1

    def _nnz(self) -> int:
        return self._held._data_.shape[0]

    def _indices(self) -> Tensor:
        return self._at

    def _values(self) -> Tensor:
        return self._held

    def is_coalesced(self) -> bool:
        """Whether the coordinates are known to be sorted and to name each element once."""
        return self._sorted

    def indices(self) -> Tensor:
        """The coordinates, (sparse dimensions, n), of a coalesced tensor."""
        self._need_coalesced("indices")
        return self._at

    def values(self) -> Tensor:
        """The values, (n, dense dimensions ...), of a coalesced tensor."""
        self._need_coalesced("values")
        return self._held

    def _need_coalesced(self, what: str) -> None:
        if not self._sorted:
            raise RuntimeError(
                f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first"
            )

    def __repr__(  # type: ignore[override]
        self, *, tensor_contents: str | None = None
    ) -> str:
        parts = {name: read(part, "printing") for name, part in self._parts().items()}
        return format_sparse(
            parts, self._sizes, self.dtype, repr(self.layout), suffixes=self.__notes__()
        )

    def _parts(self) -> dict[str, Tensor]:
        return {"indices": self._at, "values": self._held}

    # ---- its place in the graph: that of its values ---------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to the values."""
        return self._held.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> SparseTensor:
        """Make a leaf want a gradient, or freeze it; returns the tensor."""
        self._held.requires_grad_(requires_grad)
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The node that computed the values; None for a leaf."""
        return self._held.grad_fn

    @property
    def is_leaf(self) -> bool:
        """Whether the values were not made by a recorded operation."""
        return self._held.is_leaf

    @property
    def grad(self) -> SparseTensor | None:
        """The gradient that backward added up: it has elements where this tensor has."""
        grad = self._held.grad
        return None if grad is None else assemble(self._at, grad, self._sizes, self._sorted)

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and not (
            isinstance(value, SparseTensor) and value._sizes == self._sizes
        ):
            raise RuntimeError("the gradient of a sparse tensor must be sparse and of its shape")
        self._held.grad = None if value is None else value._held

    def __notes__(self) -> list[str]:
        return self._held.__notes__()

    def detach(self) -> SparseTensor:
        """The same memory outside the graph."""
        return self._with(self._held.detach())

    # ---- conversions ----------------------------------------------------------------------------

    def _with(self, values: Tensor) -> SparseTensor:
        return assemble(self._at, values, self._sizes, self._sorted)

    def _converted(self, values: Tensor) -> SparseTensor:
        return self if values is self._held else self._with(values)

    def to(self, *args: Any, **kwargs: Any) -> SparseTensor:
        """The tensor with another dtype or device of its values; itself where nothing changes."""
        return self._converted(self._held.to(*args, **kwargs))

    def cpu(self, memory_format: Any = None) -> SparseTensor:
        """The tensor itself."""
        return self

    def clone(self, **_: Any) -> SparseTensor:
        """A copy."""
        return assemble(self._at.clone(), self._held.clone(), self._sizes, self._sorted)

    def numpy(self, *, force: bool = False) -> Array:
        """Raises TypeError: to_dense() comes first."""
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    def __array__(self, dtype: Any = None) -> Array:
        return self.numpy()

    def to_sparse(self, sparse_dim: Any = None, *, layout: Any = None, **_: Any) -> Any:
        """The tensor itself, or in another of the sparse layouts."""
        return self if layout in (None, sparse_coo) else self._compressed(layout)

    to_sparse_coo = to_sparse

    def to_sparse_csr(self, dense_dim: int | None = None) -> Any:
        """The matrix with its elements row by row."""
        return self._compressed(sparse_csr)

    def to_sparse_csc(self, dense_dim: int | None = None) -> Any:
        """The matrix with its elements column by column."""
        return self._compressed(sparse_csc)

    def _compressed(self, layout: Any) -> Any:
        from rushlight.sparse.compressed import compress

        return compress(self, layout)

    def to_dense(self, dtype: Any = None, **_: Any) -> Tensor:
        """The dense tensor with zeros where this one has no element."""
        values = self._held if dtype is None else self._held.to(dtype)
        return relabel(self._scattered(values), "ToDenseBackward0")

    def _scattered(self, values: Tensor, onto: Tensor | None = None) -> Tensor:
        """A dense tensor, or zeros, with values added at the coordinates."""
        split = self.sparse_dim()
        rows = math.prod(self._sizes[:split])
        if onto is None:
            onto = zeros(self._sizes, dtype=values.dtype)
        flat = onto.reshape(rows, *self._sizes[split:])
        result: Tensor = flat.index_add(0, wrap(self._keys()), values).reshape(self._sizes)
        return result

    def _keys(self) -> Array:
        """One number for each coordinate: its place in the flattened sparse dimensions."""
        return keys(read(self._at, _WHERE), self._sizes[: self.sparse_dim()])

    def coalesce(self) -> SparseTensor:
        """The tensor with its coordinates sorted, and the values of equal ones added up."""
        if self._sorted:
            return self
        unique, place = np.unique(self._keys(), return_inverse=True)
        sizes = self._sizes[: self.sparse_dim()]
        at = np.stack(np.unravel_index(unique, sizes)).astype(np.int64)
        start = zeros((len(unique), *self._held._data_.shape[1:]), dtype=self.dtype)
        values = start.index_add(0, wrap(place.reshape(-1)), self._held)
        return assemble(wrap(at), values, self._sizes, True)

    def sparse_mask(self, mask: SparseTensor) -> SparseTensor:
        """The elements that mask has, with zeros where this tensor has none."""
        found: Any = self.to_dense().sparse_mask(mask)
        return found

    def select(self, dim: int, index: int) -> Tensor:
        """One slice along a sparse dimension."""
        where = self._sparse(dim)
        place = index + self._sizes[where] if index < 0 else index
        if not 0 <= place < self._sizes[where]:
            raise IndexError(
                f"select(): index {index} out of range for tensor of size {list(self._sizes)} at dimension {dim}"
            )
        at = read(self._at, _WHERE)
        kept = np.flatnonzero(at[where] == place)
        values = self._held[wrap(kept)]
        rest = np.ascontiguousarray(np.delete(at, where, 0)[:, kept])
        sizes = self._sizes[:where] + self._sizes[where + 1 :]
        return assemble(wrap(rest), values, sizes, self._sorted) if len(rest) else values.sum(0)

    def index_select(self, dim: int, index: Tensor) -> SparseTensor:  # type: ignore[override]
        """The slices along a sparse dimension that index names, in its order."""
        where = self._sparse(dim)
        at, wanted = read(self._at, _WHERE), read(index, _WHERE).reshape(-1)
        size = self._sizes[where]
        wanted = np.where(wanted < 0, wanted + size, wanted)
        if ((wanted < 0) | (wanted >= size)).any():
            raise IndexError(
                f"index_select(): index out of range for dimension {dim} of size {size}"
            )
        # Each wanted slice meets its elements, which lie together in this order.
        order = np.argsort(at[where], kind="stable")
        counts = np.bincount(at[where], minlength=size)
        first = np.cumsum(counts) - counts
        met = counts[wanted]
        slices = np.repeat(np.arange(len(wanted)), met)
        within = np.arange(len(slices)) - np.repeat(np.cumsum(met) - met, met)
        taken = order[first[wanted][slices] + within]
        found = at[:, taken]
        found[where] = slices
        sizes = (*self._sizes[:where], len(wanted), *self._sizes[where + 1 :])
        ordered = self._sorted and where == 0
        return assemble(wrap(found), self._held[wrap(taken)], sizes, ordered)

    def _sparse(self, dim: int) -> int:
        where = one_dim(dim, self.ndim)
        if where >= self.sparse_dim():
            raise NotImplementedError(f"dimension {dim} is a dense one: use .to_dense() first")
        return where

    def __getitem__(self, key: Any) -> Tensor:
        result: Any = self
        for place in key if isinstance(key, tuple) else (key,):
            if isinstance(place, bool) or not hasattr(place, "__index__"):
                raise NotImplementedError(
                    "a sparse tensor is indexed by whole numbers: use select, index_select or .to_dense()"
                )
            result = result.select(0, int(place)) if result.layout is sparse_coo else result[place]
        found: Tensor = result
        return found

    def _whole(self) -> SparseTensor:
        return self.coalesce()

    # ---- shape and sums -------------------------------------------------------------------------

    def transpose(self, dim0: int, dim1: int) -> SparseTensor:
        """Two of the sparse dimensions exchanged."""
        first, second = one_dim(dim0, self.ndim), one_dim(dim1, self.ndim)
        if max(first, second) >= self.sparse_dim():
            raise NotImplementedError(
                f"transpose of a sparse tensor exchanges its {self.sparse_dim()} sparse dimensions, "
                f"not dense ones (dims {dim0} and {dim1}): use .to_dense() first"
            )
        order = list(range(self.ndim))
        order[first], order[second] = second, first
        at = wrap(np.ascontiguousarray(read(self._at, _WHERE)[order[: self.sparse_dim()]]))
        sizes = tuple(self._sizes[i] for i in order)
        return assemble(at, self._held, sizes, self._sorted and first == second)

    def t(self) -> SparseTensor:
        """The transposed matrix."""
        if self.ndim > 2:
            raise RuntimeError(
                f"t() expects a tensor with <= 2 dimensions, but self is {self.ndim}D"
            )
        return self if self.ndim < 2 else self.transpose(0, 1)

    T = property(t)

    @property
    def mT(self) -> SparseTensor:
        """The last two dimensions exchanged, where both are sparse."""
        return self.transpose(-2, -1)

    def sum(  # type: ignore[override]
        self, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None
    ) -> Tensor:
        """The sum of all elements, or along dim; sparse where sparse dimensions remain."""
        if keepdim:
            raise NotImplementedError("sum of a sparse tensor does not offer keepdim=True")
        dims = many_dims(dim, self.ndim)
        split = self.sparse_dim()
        if dims is None or len(dims) == self.ndim:
            return self._held.sum(dtype=dtype)
        inner = [d - split + 1 for d in dims if d >= split]
        values = self._held.sum(inner, dtype=dtype) if inner else self._held.to(dtype or self.dtype)
        kept = [d for d in range(split) if d not in dims]
        if not kept:
            return values.sum(0)
        sizes = tuple(n for d, n in enumerate(self._sizes) if d not in dims)
        at = wrap(np.ascontiguousarray(read(self._at, _WHERE)[kept]))
        whole = self._sorted and len(kept) == split
        result = assemble(at, values, sizes, whole)
        if not whole:
            result = result.coalesce()
            relabel(result._held, "SumBackward1")
        return result

    # ---- arithmetic -----------------------------------------------------------------------------

    def __neg__(self) -> SparseTensor:
        return self._with(-self._held)

    neg = __neg__

    def __add__(self, other: Any) -> Tensor:
        if isinstance(other, SparseTensor):
            return self._plus(other)
        if isinstance(other, Tensor):
            raise RuntimeError(
                "add(sparse, dense) is not supported. Use add(dense, sparse) instead."
            )
        return self._beside_number(other)

    add = __add__

    def __radd__(self, other: Any) -> Tensor:
        """A dense tensor plus this one: dense."""
        if not isinstance(other, Tensor):
            return self._beside_number(other)
        if other._data_.shape != self._sizes:
            raise RuntimeError(
                f"add: a dense and a sparse tensor must have the same shape, not {list(other.shape)} "
                f"and {list(self._sizes)}"
            )
        kind = promote_types(other.dtype, self.dtype)
        return relabel(self._scattered(self._held.to(kind), onto=other.to(kind)), "AddBackward0")

    def __sub__(self, other: Any) -> Tensor:
        return self + -other if isinstance(other, Tensor) else self._beside_number(other)

    sub = __sub__

    def __rsub__(self, other: Any) -> Tensor:
        return (-self).__radd__(other)

    def _plus(self, other: SparseTensor) -> SparseTensor:
        self._need_alike("add", other)
        kind = promote_types(self.dtype, other.dtype)
        left, right = self._held.to(kind), other._held.to(kind)
        if np.array_equal(read(self._at, _WHERE), read(other._at, _WHERE)):
            return self._with(left + right)
        at, values = cat([self._at, other._at], 1), cat([left, right])
        result = assemble(at, values, self._sizes, False)
        return result.coalesce() if self._sorted and other._sorted else result

    def _need_alike(self, name: str, other: SparseTensor) -> None:
        if self._sizes != other._sizes or self.sparse_dim() != other.sparse_dim():
            raise RuntimeError(
                f"{name}: sparse tensors must agree in shape and in their number of sparse "
                f"dimensions, not {list(self._sizes)} ({self.sparse_dim()} sparse) and "
                f"{list(other._sizes)} ({other.sparse_dim()} sparse)"
            )

    def __mul__(self, other: Any) -> Tensor:
        """Times a number, a tensor of one element, or a tensor of the same shape: sparse."""
        if isinstance(other, SparseTensor):
            return self._times(other)
        if isinstance(other, _NUMBERS) or (isinstance(other, Tensor) and other._data_.ndim == 0):
            return self._with(self._held * other)
        if not isinstance(other, Tensor):
            return NotImplemented
        if other._data_.shape != self._sizes:
            raise RuntimeError(
                f"mul: a sparse and a dense tensor must have the same shape, not {list(self._sizes)} "
                f"and {list(other.shape)}"
            )
        return self._with(self._held * other[tuple(self._at.unbind())])

    __rmul__ = mul = __mul__

    def _times(self, other: SparseTensor) -> SparseTensor:
        self._need_alike("mul", other)
        left, right = self.coalesce(), other.coalesce()
        _, i, j = np.intersect1d(
            left._keys(), right._keys(), assume_unique=True, return_indices=True
        )
        values = left._held[wrap(i)] * right._held[wrap(j)]
        return assemble(left._at[:, wrap(i)], values, self._sizes, True)

    def pow(self, exponent: Any) -> SparseTensor:  # type: ignore[override]
        """Each element to a power above 0, which leaves zeros what they are."""
        if not (isinstance(exponent, _NUMBERS) and exponent):
            raise RuntimeError(
                "pow of a sparse tensor takes a number that is not zero: use .to_dense()"
            )
        whole = self.coalesce()
        power: Any = exponent
        return whole._with(whole._held.pow(power))

    __pow__ = pow

    def __truediv__(self, other: Any) -> SparseTensor:
        if isinstance(other, _NUMBERS) or (isinstance(other, Tensor) and other.ndim == 0):
            return self._with(self._held / other)
        raise NotImplementedError("a sparse tensor can be divided by a number only")

    div = __truediv__  # type: ignore[assignment]

    def __matmul__(self, other: Any) -> Tensor:
        from rushlight.sparse.product import matmul

        return matmul(self, other) if isinstance(other, Tensor) else NotImplemented

    mm = mv = matmul = __matmul__  # type: ignore[assignment]

    def __rmatmul__(self, other: Any) -> Tensor:
        from rushlight.sparse.product import matmul

        return matmul(other, self) if isinstance(other, Tensor) else NotImplemented

    def __reduce_ex__(self, protocol: Any = 2) -> tuple[Any, ...]:
        from rushlight.sparse.creation import _rebuild_sparse_tensor

        parts = self.detach()
        known = parts._indices(), parts._values(), parts.size(), parts.is_coalesced()
        return kept(self, (_rebuild_sparse_tensor, (self.layout, known)), plain=True)


def keys(at: Array, sizes: tuple[int, ...]) -> Array:
    """For coordinates (dimensions, n): their places in the flattened tensor of these sizes."""
    result = np.zeros(at.shape[1], np.int64)
    for row, size in zip(at, sizes, strict=True):
        result = result * size + row
    return result


# What it is, a program is told by its layout; by the name of its class it is a tensor.
SparseTensor.__name__ = SparseTensor.__qualname__ = Tensor.__name__


def to_sparse(input: Tensor, sparse_dim: int | None = None) -> SparseTensor:
    """The elements of a dense tensor that are not zero, or the slices over sparse_dim dimensions."""
    array = read(input, "which elements are not zero")
    split = array.ndim if sparse_dim is None else sparse_dim
    if not min(1, array.ndim) <= split <= array.ndim:
        raise RuntimeError(
            f"to_sparse: sparse_dim must be between 1 and {array.ndim} for a tensor of shape "
            f"{list(array.shape)}, not {split}"
        )
    present = (array != 0).any(axis=tuple(range(split, array.ndim)))
    at = wrap(np.argwhere(present).T.astype(np.int64))
    # A number has no coordinates: it is there, or it is not.
    spec = tuple(at.unbind()) or wrap(present.reshape(1))
    values = relabel((input if array.ndim else input.reshape(1))[spec], "ToSparseBackward0")
    return assemble(at, values, array.shape, True)


def sum(input: Tensor, dim: Any = None, dtype: dtypes.dtype | None = None) -> Tensor:
    """The sum of all elements of a sparse tensor, or along dim."""
    need_tensor("sum", "input", 1, input)
    return input.sum(dim, dtype=dtype)


def resize_as_sparse_(input: Tensor, the_template: Tensor) -> Tensor:
    """The sizes of another sparse tensor, in place."""
    need_tensor("resize_as_sparse_", "input", 1, input)
    found: Tensor = input.resize_as_sparse_(the_template)
    return found
