"""torch.linalg: factorisations, solvers, norms."""

import typing as _typing

from rushlight.nearest import missing as _missing

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.primitives.factor import LinAlgError
from rushlight.public.linalg import (
    cholesky, cholesky_ex, cond, cross, det, diagonal, eig, eigh, eigvals, eigvalsh,
    householder_product, inv, inv_ex, ldl_factor, ldl_factor_ex, ldl_solve, lstsq, lu, lu_factor,
    lu_factor_ex, lu_solve, matmul, matrix_exp, matrix_norm, matrix_power, matrix_rank, multi_dot,
    norm, pinv, qr, slogdet, solve, solve_ex, solve_triangular, svd, svdvals, tensorinv,
    tensorsolve, vander, vecdot, vector_norm,
)

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh",
    "eigvals", "eigvalsh", "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex",
    "ldl_solve", "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp",
    "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet",
    "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander",
    "vecdot", "vector_norm",
]
# fmt: on
# ---- names: end ----

if not _typing.TYPE_CHECKING:
    __getattr__ = _missing("torch.linalg", vars())
