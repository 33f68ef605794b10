"""torch.linalg: factorisations, solvers, norms."""

from rushlight.ops.algebra import (
    cholesky,
    cond,
    det,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    lstsq,
    matrix_exp,
    matrix_norm,
    matrix_rank,
    multi_dot,
    norm,
    pinv,
    slogdet,
    solve,
    solve_triangular,
    svdvals,
    tensorinv,
    tensorsolve,
    vecdot,
    vector_norm,
)
from rushlight.ops.algebra import inverse as inv
from rushlight.ops.algebra import linalg_qr as qr
from rushlight.ops.algebra import linalg_svd as svd
from rushlight.ops.product import linalg_cross as cross
from rushlight.ops.product import matmul, matrix_power
from rushlight.primitives.factor import LinAlgError

__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "cross",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vecdot",
    "vector_norm",
]
