"""Sparse tensors from coordinates and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import read
from rushlight.core.tensor import TensorBase, wrap
from rushlight.device import check_device
from rushlight.layout import sparse_coo
from rushlight.ops.arguments import as_dtype, relabel
from rushlight.ops.creation import as_tensor, zeros
from rushlight.sparse.tensor import SparseTensor, assemble


def sparse_coo_tensor(
    indices: Any = None,
    values: Any = None,
    size: Any = None,
    *,
    dtype: dtypes.dtype | None = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> SparseTensor:
    """A sparse tensor with values (n, ...) at the coordinates indices (dimensions, n).

    size: as large as the coordinates need if it is not given. `sparse_coo_tensor(size)` has no
    elements. Raises RuntimeError for coordinates outside size, which torch checks only on request.

    >>> import rushlight as torch
    >>> torch.sparse_coo_tensor([[0, 1], [2, 0]], [5.0, 7.0], (2, 3)).to_dense()
    tensor([[0., 0., 5.],
            [7., 0., 0.]])
    """
    if device is not None:
        check_device(device)
    if values is None:
        if indices is None and size is None:
            raise TypeError("sparse_coo_tensor() needs indices and values, or a size")
        size = tuple(indices if size is None else size)
        held = zeros(0, dtype=dtype)
        at = np.zeros((len(size), 0), np.int64)
    else:
        kind = None if dtype is None else as_dtype(dtype)
        held = as_tensor(values, dtype=kind)
        if not held._data_.ndim:
            held = held.reshape(1)
        at = _coordinates(indices, held)
        size = _checked_size(at, held, size)
    if requires_grad or not held.requires_grad:
        held = held.detach()._want_grad(requires_grad)
    else:
        name = "SparseCooTensorWithDimsAndTensorsBackward0"
        held = relabel(held.view_as(held), name)
    return assemble(wrap(at), held, size, bool(is_coalesced))


def _coordinates(indices: Any, values: Tensor) -> Any:
    array = (
        read(indices, "where the elements lie")
        if isinstance(indices, TensorBase)
        else np.asarray(indices)
    )
    at = array.astype(np.int64)
    if at.ndim != 2:
        raise RuntimeError(
            f"indices must be sparse_dim x nnz, but got shape {list(at.shape)}: coordinates are the "
            "columns of a matrix"
        )
    if at.shape[1] != values._data_.shape[0]:
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {at.shape[1]}, nnz from "
            f"values: {values._data_.shape[0]}"
        )
    return at


def _checked_size(at: Any, values: Tensor, size: Any) -> tuple[int, ...]:
    inner = values._data_.shape[1:]
    needed = at.max(axis=1) + 1 if at.shape[1] else np.zeros(len(at), np.int64)
    if at.size and at.min() < 0:
        raise RuntimeError(f"found negative index {at.min()} in the indices of a sparse tensor")
    if size is None:
        return (*needed.tolist(), *inner)
    sizes = tuple(int(n) for n in size)
    if len(sizes) != len(at) + len(inner) or sizes[len(at) :] != inner:
        raise RuntimeError(
            f"size {list(sizes)} does not fit {len(at)} sparse dimensions and values of shape "
            f"{list(values.shape)}: it must be the sizes of the sparse dimensions, then {list(inner)}"
        )
    for dim, (needs, has) in enumerate(zip(needed.tolist(), sizes, strict=False)):
        if needs > has:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {dim}, size is {has} but found index "
                f"{needs - 1}"
            )
    return sizes


def _typed(name: str, dtype: dtypes.dtype) -> Callable[..., SparseTensor]:
    def make(indices: Any, values: Any = None, size: Any = None) -> SparseTensor:
        return sparse_coo_tensor(indices, values, size, dtype=dtype)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = (
        f"`sparse_coo_tensor(indices, values, size, dtype={dtype!r})`, in its old spelling."
    )
    return make


ByteTensor = _typed("ByteTensor", dtypes.uint8)
CharTensor = _typed("CharTensor", dtypes.int8)
DoubleTensor = _typed("DoubleTensor", dtypes.float64)
FloatTensor = _typed("FloatTensor", dtypes.float32)
HalfTensor = _typed("HalfTensor", dtypes.float16)
IntTensor = _typed("IntTensor", dtypes.int32)
LongTensor = _typed("LongTensor", dtypes.int64)
ShortTensor = _typed("ShortTensor", dtypes.int16)


def _rebuild_sparse_tensor(layout: Any, data: Any) -> Any:
    """A tensor of layout torch.sparse_coo from (indices, values, size, is_coalesced)."""
    if layout is not sparse_coo:
        from rushlight.sparse.compressed import sparse_compressed_tensor

        begins, others, values, size = data
        return sparse_compressed_tensor(begins, others, values, tuple(size), layout=layout)
    indices, values, size, *coalesced = data
    return sparse_coo_tensor(
        indices, values, tuple(size), is_coalesced=coalesced[0] if coalesced else None
    )
