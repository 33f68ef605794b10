"""A matrix with its elements row by row (torch.sparse_csr), or column by column (torch.sparse_csc).

It is kept as the coordinates of its elements, in that order: where rows begin is counted from them when it is
asked, and operations are those of coordinates.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import read
from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.device import check_device
from rushlight.errors import warn_once
from rushlight.layout import sparse_coo, sparse_csc, sparse_csr
from rushlight.ops.arguments import as_dtype, relabel
from rushlight.ops.creation import as_tensor
from rushlight.ops.rebuilding import kept
from rushlight.sparse.invariants import check_sparse_tensor_invariants
from rushlight.sparse.tensor import SparseTensor, assemble

__all__ = [
    "CompressedTensor",
    "compress",
    "sparse_compressed_tensor",
    "sparse_csc_tensor",
    "sparse_csr_tensor",
]

_WHERE = "where the elements lie"
# Which of the two coordinates is compressed, and what the two are called.
_ALONG = {
    sparse_csr: (0, "crow_indices", "col_indices", "row"),
    sparse_csc: (1, "ccol_indices", "row_indices", "column"),
}
_Index = np.dtype[Any]


class CompressedTensor(SparseTensor):
    """A matrix of layout torch.sparse_csr or torch.sparse_csc; `to_sparse_csr` and `sparse_csr_tensor` make them.

    >>> import rushlight as torch
    >>> torch.eye(2).to_sparse_csr() @ torch.tensor([1.0, 2.0])
    tensor([1., 2.])
    """

    __slots__ = ("_kind", "_number")

    _kind: Any
    _number: _Index

    is_sparse = False

    @property
    def is_sparse_csr(self) -> bool:
        """Whether its elements lie row by row."""
        return self._kind is sparse_csr

    @property
    def layout(self) -> Any:
        """torch.sparse_csr or torch.sparse_csc."""
        return self._kind

    def stride(self, dim: int | None = None) -> NoReturn:
        """An error: the elements do not lie in steps."""
        raise RuntimeError("Sparse CSR tensors do not have strides")

    def is_contiguous(self, memory_format: Any = None) -> NoReturn:
        """An error, as of strides."""
        raise RuntimeError("Sparse CSR tensors do not have is_contiguous")

    def _refuse(self, what: str) -> NoReturn:
        word = "SparseCsr" if self._kind is sparse_csr else "SparseCsc"
        raise RuntimeError(f"{what} expected sparse coordinate tensor layout but got {word}")

    def indices(self) -> NoReturn:
        """An error: its coordinates are compressed."""
        self._refuse("indices")

    def coalesce(self) -> NoReturn:
        """An error: only coordinates can be given twice."""
        self._refuse("coalesce")

    def is_coalesced(self) -> NoReturn:
        """An error: only coordinates can be given twice."""
        self._refuse("is_coalesced")

    def values(self) -> Tensor:
        """The elements, in order."""
        return self._held

    def crow_indices(self) -> Tensor:
        """Where in `values` each row begins, and the last one ends."""
        return self._begins(sparse_csr, "crow_indices", "row")

    def col_indices(self) -> Tensor:
        """The column of each element."""
        return self._others(sparse_csr, "col_indices", "row")

    def ccol_indices(self) -> Tensor:
        """Where in `values` each column begins, and the last one ends."""
        return self._begins(sparse_csc, "ccol_indices", "column")

    def row_indices(self) -> Tensor:
        """The row of each element."""
        return self._others(sparse_csc, "row_indices", "column")

    def _need(self, kind: Any, what: str, word: str) -> int:
        if self._kind is not kind:
            raise RuntimeError(
                f"{what} expected sparse {word} compressed tensor layout but got {self._kind}"
            )
        return _ALONG[kind][0]

    def _begins(self, kind: Any, what: str, word: str) -> Tensor:
        along = self._need(kind, what, word)
        counts = np.bincount(read(self._at, _WHERE)[along], minlength=self._sizes[along])
        return wrap(np.concatenate([[0], np.cumsum(counts)]).astype(self._number))

    def _others(self, kind: Any, what: str, word: str) -> Tensor:
        along = self._need(kind, what, word)
        return wrap(read(self._at, _WHERE)[1 - along].astype(self._number))

    def _parts(self) -> dict[str, Tensor]:
        _, begins, others, _ = _ALONG[self._kind]
        return {
            begins: getattr(self, begins)(),
            others: getattr(self, others)(),
            "values": self._held,
        }

    # ---- conversions ----------------------------------------------------------------------------

    def _with(self, values: Tensor) -> CompressedTensor:
        return _made(self._at, values, self._sizes, self._kind, self._number)

    def _whole(self) -> CompressedTensor:
        return self

    def coordinates(self) -> SparseTensor:
        """The same elements with their coordinates."""
        at = read(self._at, _WHERE)
        keys = at[0] * max(self._sizes[1], 1) + at[1]
        if (keys[1:] > keys[:-1]).all():
            return assemble(self._at, self._held, self._sizes, True)
        order = np.argsort(keys, kind="stable")
        ordered = np.ascontiguousarray(at[:, order])
        return assemble(wrap(ordered), self._held[wrap(order)], self._sizes, True)

    def _back(self, result: Tensor) -> Tensor:
        return (
            compress(result, self._kind, self._number)
            if isinstance(result, SparseTensor)
            else result
        )

    def to_dense(self, dtype: Any = None, **_: Any) -> Tensor:
        """The dense matrix."""
        return self.coordinates().to_dense(dtype)

    def to_sparse(self, sparse_dim: Any = None, *, layout: Any = None, **_: Any) -> Any:
        """The matrix with its coordinates, or in another of the sparse layouts."""
        return self.coordinates() if layout in (None, sparse_coo) else self._compressed(layout)

    to_sparse_coo = to_sparse

    def _compressed(self, layout: Any) -> Any:
        return self if layout is self._kind else compress(self.coordinates(), layout, self._number)

    def clone(self, **_: Any) -> CompressedTensor:
        """A copy."""
        return _made(self._at.clone(), self._held.clone(), self._sizes, self._kind, self._number)

    def numpy(self, *, force: bool = False) -> Array:
        """Raises TypeError: to_dense() comes first."""
        raise TypeError(
            f"can't convert {'SparseCsr' if self.is_sparse_csr else 'SparseCsc'} layout tensor to numpy. Use "
            "Tensor.to_dense() first."
        )

    @property
    def grad(self) -> Any:
        """The gradient that backward added up: it has elements where this tensor has."""
        grad = self._held.grad
        return None if grad is None else self._with(grad)

    @grad.setter
    def grad(self, value: Any) -> None:
        self._held.grad = None if value is None else value._held

    def transpose(self, dim0: int, dim1: int) -> CompressedTensor:
        """The transposed matrix: its rows are columns."""
        if dim0 % 2 == dim1 % 2:
            return self
        at = wrap(np.ascontiguousarray(read(self._at, _WHERE)[::-1]))
        kind = sparse_csc if self._kind is sparse_csr else sparse_csr
        return _made(at, self._held, self._sizes[::-1], kind, self._number)

    def select(self, dim: int, index: int) -> Tensor:
        """A row or a column, with its coordinates."""
        return self.coordinates().select(dim, index)

    def __getitem__(self, key: Any) -> Tensor:
        return self.coordinates()[key]

    def index_select(self, dim: int, index: Tensor) -> Any:  # type: ignore[override]
        """The rows or columns that index names, in its order."""
        return self._back(self.coordinates().index_select(dim, index))

    def sum(  # type: ignore[override]
        self, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None
    ) -> Tensor:
        """The sum of all elements; along dim, with keepdim, a compressed matrix."""
        if dim is None:
            return self._held.sum(dtype=dtype)
        if not keepdim:
            raise RuntimeError(
                "reduction operations on CSR tensors with keepdim=False is unsupported"
            )
        total = self.to_dense().sum(dim, True, dtype=dtype)
        coordinates: Any = total.to_sparse()
        return compress(coordinates, self._kind, self._number)

    # ---- arithmetic -----------------------------------------------------------------------------

    def __add__(self, other: Any) -> Tensor:
        if isinstance(other, CompressedTensor):
            return self._back(self.coordinates() + other.coordinates())
        return other + self.coordinates() if isinstance(other, Tensor) else NotImplemented

    add = __radd__ = __add__

    def __mul__(self, other: Any) -> Tensor:
        """Times a number, or a tensor of the same shape: compressed."""
        if isinstance(other, CompressedTensor):
            other = other.coordinates()
        elif not isinstance(other, Tensor) or other.ndim == 0:
            return self._with(self._held * other)
        return self._back(self.coordinates() * other)

    __rmul__ = mul = __mul__

    def mul_(self, other: Any, *, out: Any = None) -> CompressedTensor:
        """Times a number, in place."""
        self._held.mul_(other)
        return self

    def __reduce_ex__(self, protocol: Any = 2) -> tuple[Any, ...]:
        from rushlight.sparse.creation import _rebuild_sparse_tensor

        begins, others, values = self._parts().values()
        known = begins, others, values.detach(), self.size()
        return kept(self, (_rebuild_sparse_tensor, (self.layout, known)), plain=True)


CompressedTensor.__name__ = CompressedTensor.__qualname__ = Tensor.__name__


def _made(
    at: Tensor, values: Tensor, sizes: tuple[int, ...], kind: Any, number: _Index
) -> CompressedTensor:
    warn_once(
        "Sparse CSR tensor support is in beta state. If you miss a functionality in the sparse tensor "
        "support, please submit a feature request to https://github.com/pytorch/pytorch/issues."
    )
    plain = assemble(at, values, sizes, True)
    tensor = object.__new__(CompressedTensor)
    for name in ("_node_", "_requires_grad_", "_grad", "_view_", "_changes_"):
        setattr(tensor, name, getattr(plain, name))
    tensor._at, tensor._held, tensor._sizes, tensor._sorted = at, values, plain._sizes, True
    tensor._kind, tensor._number = kind, number
    return tensor


def compress(
    tensor: SparseTensor, layout: Any, number: _Index = dtypes.int64.numpy
) -> CompressedTensor:
    """The elements of a matrix in coordinates, row by row or column by column."""
    if layout not in _ALONG:
        raise NotImplementedError(
            f"layout {layout}: of the compressed layouts torch.sparse_csr and torch.sparse_csc are offered"
        )
    if isinstance(tensor, CompressedTensor):
        tensor = tensor.coordinates()
    tensor = tensor.coalesce()
    if tensor.sparse_dim() != 2 or tensor.dense_dim():
        raise NotImplementedError(
            f"{layout} is offered for matrices without dense dimensions, not for shape {list(tensor.shape)} with "
            f"{tensor.sparse_dim()} sparse dimensions"
        )
    if layout is sparse_csr:
        return _made(tensor._at, tensor._held, tensor._sizes, layout, number)
    at = read(tensor._at, _WHERE)
    order = np.argsort(at[1], kind="stable")
    ordered = wrap(np.ascontiguousarray(at[:, order]))
    return _made(ordered, tensor._held[wrap(order)], tensor._sizes, layout, number)


# ---- from their parts --------------------------------------------------------------------------------


def _numbers(given: Any) -> Array:
    array = read(given, _WHERE) if isinstance(given, TensorBase) else np.asarray(given)
    return array if array.dtype == np.int32 else array.astype(np.int64)


def _satisfied(holds: Any, condition: str) -> None:
    if not holds:
        raise RuntimeError(f"`{condition}` is not satisfied.")


def _checked(
    layout: Any, begins: Array, others: Array, count: int, sizes: Any, asked: bool
) -> None:
    along, first, second, _ = _ALONG[layout]
    if begins.ndim != 1 or others.ndim != 1:
        raise NotImplementedError(
            f"{first} and {second} must have one dimension, not {begins.ndim} and {others.ndim}: batches of "
            "compressed matrices are not offered"
        )
    _satisfied(begins.size >= 1, f"{first}.shape[-1] >= 1")
    _satisfied(len(others) == count, f"{second}.shape[-1] == nnz")
    _satisfied(begins[0] == 0, f"{first}[..., 0] == 0")
    _satisfied(begins[-1] == count, f"{first}[..., -1] == nnz")
    steps = np.diff(begins)
    wide = sizes[1 - along]
    _satisfied(
        (steps >= 0).all() and (not asked or (steps <= wide).all()),
        f"0 <= {first}[..., 1:] - {first}[..., :-1] <= {'ncols' if along == 0 else 'nrows'}",
    )
    _satisfied(
        len(begins) == sizes[along] + 1,
        f"{first}.shape[-1] == {'nrows' if along == 0 else 'ncols'} + 1",
    )
    _satisfied(not len(others) or others.min() >= 0, f"0 <= {second}.min()")
    _satisfied(
        not len(others) or others.max() < wide,
        f"{second}.max() < {'ncols' if along == 0 else 'nrows'}",
    )
    if asked:
        inside = np.repeat(np.arange(len(steps)), steps)
        rising = (np.diff(others) > 0) | (np.diff(inside) > 0)
        _satisfied(
            rising.all(),
            f"{second}[..., {first}[..., i - 1]:{first}[..., i]] for all i = 1, ..., "
            f"{'nrows' if along == 0 else 'ncols'} are sorted and distinct along the last dimension values",
        )


def sparse_compressed_tensor(
    compressed_indices: Any,
    plain_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: dtypes.dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> CompressedTensor:
    """A compressed matrix of these parts, in the layout that is named.

    What torch checks on request only, that the parts describe a matrix, is always checked here.
    """
    if layout not in _ALONG:
        raise NotImplementedError(
            f"layout {layout}: of the compressed layouts torch.sparse_csr and torch.sparse_csc are offered"
        )
    if device is not None:
        check_device(device)
    held = as_tensor(values, dtype=None if dtype is None else as_dtype(dtype))
    if held.ndim != 1:
        raise NotImplementedError(
            f"values must have one dimension, not {held.ndim}: batches and dense dimensions are not offered"
        )
    begins, others = _numbers(compressed_indices), _numbers(plain_indices)
    along = _ALONG[layout][0]
    if size is None:
        wide = int(others.max()) + 1 if others.size else 0
        size = (len(begins) - 1, wide) if along == 0 else (wide, len(begins) - 1)
    sizes = tuple(int(n) for n in size)
    if len(sizes) != 2:
        raise NotImplementedError(f"size must be that of a matrix, not {list(sizes)}")
    asked = (
        check_sparse_tensor_invariants.is_enabled()
        if check_invariants is None
        else check_invariants
    )
    _checked(layout, begins, others, len(held), sizes, asked)
    lines = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
    at = np.stack([lines, others] if along == 0 else [others, lines]).astype(np.int64)
    if requires_grad or not held.requires_grad:
        held = held.detach()._want_grad(requires_grad)
    else:
        held = relabel(held.view_as(held), "SparseCompressedTensorBackward0")
    number = np.dtype(np.int32 if begins.dtype == others.dtype == np.int32 else np.int64)
    return _made(wrap(at), held, sizes, layout, number)


def sparse_csr_tensor(
    crow_indices: Any, col_indices: Any, values: Any, size: Any = None, **options: Any
) -> CompressedTensor:
    """A matrix row by row: where in values each row begins (and the last ends), and the column of each element.

    >>> import rushlight as torch
    >>> torch.sparse_csr_tensor([0, 1, 3], [1, 0, 2], [1.0, 2.0, 3.0]).to_dense()
    tensor([[0., 1., 0.],
            [2., 0., 3.]])
    """
    options.setdefault("layout", sparse_csr)
    return sparse_compressed_tensor(crow_indices, col_indices, values, size, **options)


def sparse_csc_tensor(
    ccol_indices: Any, row_indices: Any, values: Any, size: Any = None, **options: Any
) -> CompressedTensor:
    """A matrix column by column: where in values each begins (and the last ends), and the row of each element."""
    options.setdefault("layout", sparse_csc)
    return sparse_compressed_tensor(ccol_indices, row_indices, values, size, **options)


def sampled_addmm(
    input: CompressedTensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> CompressedTensor:
    """beta * input + alpha * (mat1 @ mat2), computed where input has elements alone."""
    rows, columns = input._at.unbind()
    products = (mat1.index_select(0, rows) * mat2.t().index_select(0, columns)).sum(1)
    return input._with(
        relabel(input._held * beta + products * alpha, "SparseSampledAddmmBackward0")
    )
