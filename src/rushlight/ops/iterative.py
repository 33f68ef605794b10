"""Some eigenvalues of a symmetric matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.layout import strided
from rushlight.ops.algebra import cholesky, eigh, solve_triangular
from rushlight.ops.arguments import need_tensor

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Any = None,
    ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None,
    ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:
    """The k largest (or smallest) eigenvalues of A v = w B v, and their vectors: A (*, m, m) symmetric, B positive.

    torch comes near them by iterations, for which the other arguments are; here all are computed, by `eigh`, and k
    of them are returned.

    >>> import rushlight as torch
    >>> torch.lobpcg(torch.diag(torch.arange(1.0, 7.0)), k=2)[0]
    tensor([6., 5.])
    """
    need_tensor("lobpcg", "A", 1, A)
    A = A if A.layout is strided else A.to_dense()
    if B is not None and B.layout is not strided:
        B = B.to_dense()
    m = A.shape[-1]
    k = (1 if X is None else X.shape[-1]) if k is None else k
    n = (k if X is None else X.shape[-1]) if n is None else n
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the number of "
            f"requested eigenpairs (={n})"
        )
    if B is None:
        values, vectors = eigh(A)
    else:
        lower = cholesky(B)
        # With B = L L^T these are the eigenvalues of L^-1 A L^-T.
        left = solve_triangular(lower, A, upper=False)
        values, vectors = eigh(solve_triangular(lower, left.mT, upper=False))
        vectors = solve_triangular(lower.mT, vectors, upper=True)
    if largest is None or largest:
        return values.flip(-1)[..., :k], vectors.flip(-1)[..., :k]
    return values[..., :k], vectors[..., :k]
