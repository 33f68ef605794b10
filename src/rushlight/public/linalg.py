"""The functions of torch.linalg that ask `__torch_function__`."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.ops import algebra, checked, packed, product
from rushlight.overriding.functions import public

HOME = "rushlight.linalg"

cholesky = public(algebra.cholesky, HOME, "cholesky")
cond = public(algebra.cond, HOME, "cond")
det = public(algebra.det, HOME, "det")
diagonal = public(algebra.diagonal, HOME, "diagonal")
eig = public(algebra.eig, HOME, "eig")
eigh = public(algebra.eigh, HOME, "eigh")
eigvals = public(algebra.eigvals, HOME, "eigvals")
eigvalsh = public(algebra.eigvalsh, HOME, "eigvalsh")
inv = public(algebra.inverse, HOME, "inv")
qr = public(algebra.linalg_qr, HOME, "qr")
slogdet = public(algebra.linalg_slogdet, HOME, "slogdet")
svd = public(algebra.linalg_svd, HOME, "svd")
lstsq = public(algebra.lstsq, HOME, "lstsq")
matrix_exp = public(algebra.matrix_exp, HOME, "matrix_exp")
matrix_norm = public(algebra.matrix_norm, HOME, "matrix_norm")
matrix_rank = public(algebra.matrix_rank, HOME, "matrix_rank")
multi_dot = public(algebra.multi_dot, HOME, "multi_dot")
norm = public(algebra.norm, HOME, "norm")
pinv = public(algebra.pinv, HOME, "pinv")
solve = public(algebra.solve, HOME, "solve")
solve_triangular = public(algebra.solve_triangular, HOME, "solve_triangular")
svdvals = public(algebra.svdvals, HOME, "svdvals")
tensorinv = public(algebra.tensorinv, HOME, "tensorinv")
tensorsolve = public(algebra.tensorsolve, HOME, "tensorsolve")
vander = public(algebra.vander, HOME, "vander")
vecdot = public(algebra.vecdot, HOME, "vecdot")
vector_norm = public(algebra.vector_norm, HOME, "vector_norm")
cholesky_ex = public(checked.cholesky_ex, HOME, "cholesky_ex")
inv_ex = public(checked.inv_ex, HOME, "inv_ex")
solve_ex = public(checked.solve_ex, HOME, "solve_ex")
householder_product = public(packed.householder_product, HOME, "householder_product")
ldl_factor = public(packed.ldl_factor, HOME, "ldl_factor")
ldl_factor_ex = public(packed.ldl_factor_ex, HOME, "ldl_factor_ex")
ldl_solve = public(packed.ldl_solve, HOME, "ldl_solve")
lu = public(packed.linalg_lu, HOME, "lu")
lu_solve = public(packed.linalg_lu_solve, HOME, "lu_solve")
lu_factor = public(packed.lu_factor, HOME, "lu_factor")
lu_factor_ex = public(packed.lu_factor_ex, HOME, "lu_factor_ex")
cross = public(product.linalg_cross, HOME, "cross")
matmul = public(product.matmul, HOME, "matmul")
matrix_power = public(product.matrix_power, HOME, "matrix_power")
# fmt: on
# ---- names: end ----
