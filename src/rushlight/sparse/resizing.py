"""Other sizes around the elements of a sparse tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.core.tensor import wrap
from rushlight.ops.creation import zeros

__all__ = ["Resizing"]


class Resizing:
    """In place; mixed into SparseTensor."""

    __slots__ = ()

    def sparse_resize_(self: Any, size: Any, sparse_dim: int, dense_dim: int) -> Any:
        """Other sizes, in place: not smaller, and of the same kinds, while there are elements."""
        own = list(self._sizes)
        same = (self.sparse_dim(), self.dense_dim()) == (sparse_dim, dense_dim)
        advice = (
            "on a non-empty sparse tensor is not supported: make a new one, torch.sparse_coo_tensor(size), or of "
            "its indices and values"
        )
        if self._nnz() and not same:
            raise RuntimeError(
                f"changing the number of sparse or dense dimensions (from {self.sparse_dim()} and "
                f"{self.dense_dim()} to {sparse_dim} and {dense_dim}) {advice}"
            )
        if self._nnz() and any(new < old for new, old in zip(size, own, strict=True)):
            raise RuntimeError(
                f"shrinking the size of sparse dimensions (from {own} to {list(size)}) {advice}"
            )
        if same and self._nnz():
            self._sizes = tuple(size)
            return self
        return self.sparse_resize_and_clear_(size, sparse_dim, dense_dim)

    def sparse_resize_and_clear_(self: Any, size: Any, sparse_dim: int, dense_dim: int) -> Any:
        """Other sizes and no elements, in place."""
        if sparse_dim + dense_dim != len(size):
            raise RuntimeError(
                f"number of dimensions must be sparse_dim ({sparse_dim}) + dense_dim ({dense_dim}), but got "
                f"{len(size)}"
            )
        self._at = wrap(np.zeros((sparse_dim, 0), np.int64))
        self._held = zeros((0, *size[sparse_dim:]), dtype=self.dtype)
        self._sizes, self._sorted = tuple(size), True
        return self

    def resize_as_sparse_(self: Any, the_template: Any) -> Any:
        """The sizes of another, in place."""
        sizes = the_template._sizes
        return self.sparse_resize_(sizes, the_template.sparse_dim(), the_template.dense_dim())
