"""Functions that torch has in C, under the names that printed graphs show."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.linalg import (
    cholesky as linalg_cholesky, cholesky_ex as linalg_cholesky_ex, cond as linalg_cond,
    cross as linalg_cross, det as linalg_det, diagonal as linalg_diagonal, eig as linalg_eig,
    eigh as linalg_eigh, eigvals as linalg_eigvals, eigvalsh as linalg_eigvalsh,
    householder_product as linalg_householder_product, inv as linalg_inv, inv_ex as linalg_inv_ex,
    ldl_factor as linalg_ldl_factor, ldl_factor_ex as linalg_ldl_factor_ex,
    ldl_solve as linalg_ldl_solve, lstsq as linalg_lstsq, lu as linalg_lu,
    lu_factor as linalg_lu_factor, lu_factor_ex as linalg_lu_factor_ex, lu_solve as linalg_lu_solve,
    matmul as linalg_matmul, matrix_exp as linalg_matrix_exp, matrix_norm as linalg_matrix_norm,
    matrix_power as linalg_matrix_power, matrix_rank as linalg_matrix_rank,
    multi_dot as linalg_multi_dot, norm as linalg_norm, pinv as linalg_pinv, qr as linalg_qr,
    slogdet as linalg_slogdet, solve as linalg_solve, solve_ex as linalg_solve_ex,
    solve_triangular as linalg_solve_triangular, svd as linalg_svd, svdvals as linalg_svdvals,
    tensorinv as linalg_tensorinv, tensorsolve as linalg_tensorsolve, vander as linalg_vander,
    vecdot as linalg_vecdot, vector_norm as linalg_vector_norm,
)

__all__ = [
    "linalg_cholesky", "linalg_cholesky_ex", "linalg_cond", "linalg_cross", "linalg_det",
    "linalg_diagonal", "linalg_eig", "linalg_eigh", "linalg_eigvals", "linalg_eigvalsh",
    "linalg_householder_product", "linalg_inv", "linalg_inv_ex", "linalg_ldl_factor",
    "linalg_ldl_factor_ex", "linalg_ldl_solve", "linalg_lstsq", "linalg_lu", "linalg_lu_factor",
    "linalg_lu_factor_ex", "linalg_lu_solve", "linalg_matmul", "linalg_matrix_exp",
    "linalg_matrix_norm", "linalg_matrix_power", "linalg_matrix_rank", "linalg_multi_dot",
    "linalg_norm", "linalg_pinv", "linalg_qr", "linalg_slogdet", "linalg_solve", "linalg_solve_ex",
    "linalg_solve_triangular", "linalg_svd", "linalg_svdvals", "linalg_tensorinv",
    "linalg_tensorsolve", "linalg_vander", "linalg_vecdot", "linalg_vector_norm",
]
# fmt: on
# ---- names: end ----
