"""Factors of matrices of nearly low rank, from products with random ones.

Halko, Martinsson and Tropp, "Finding structure with randomness", 2009, algorithm 4.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushlight.ops.algebra import linalg_qr, linalg_svd
from rushlight.ops.product import matmul
from rushlight.ops.sampling import randn
from rushlight.primitives.factor import h

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _basis(A: Tensor, q: int, niter: int) -> Tensor:
    """q orthonormal columns that nearly span those of A."""
    drawn = randn(A._data_.shape[-1], q, dtype=A.dtype)
    basis = linalg_qr(matmul(A, drawn)).Q
    for _ in range(niter):
        basis = linalg_qr(matmul(h(A), basis)).Q
        basis = linalg_qr(matmul(A, basis)).Q
    return basis


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """About the q largest singular values of A (less M, if given) and their vectors: U, S, V.

    >>> import rushlight as torch
    >>> U, S, V = torch.svd_lowrank(torch.ones(5, 4), q=2)
    >>> torch.allclose(U @ torch.diag(S) @ V.mT, torch.ones(5, 4), atol=1e-6)
    True
    """
    if M is not None:
        A = A - M
    rank = 6 if q is None else q
    wide = A._data_.shape[-2] < A._data_.shape[-1]
    if wide:
        A = h(A)
    basis = _basis(A, rank, niter)
    u, s, vh = linalg_svd(matmul(h(basis), A), full_matrices=False)
    u, v = matmul(basis, u), h(vh)
    return (v, s, u) if wide else (u, s, v)


def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """The principal components of the rows of A: `svd_lowrank` after their mean is taken off."""
    m, n = A._data_.shape[-2:]
    rank = min(6, m, n) if q is None else q
    if not 0 <= rank <= min(m, n):
        raise ValueError(
            f"q(={rank}) must be non-negative integer and not greater than min(m, n)={min(m, n)}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if center:
        A = A - A.mean(-2, keepdim=True)
    return svd_lowrank(A, rank, niter)
