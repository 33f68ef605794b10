"""The named tuples that operations with several results return: `sort`, `max`, `svd`, ..."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "geqrf", "histogram", "histogramdd", "kthvalue",
    "linalg_cholesky_ex", "linalg_eig", "linalg_eigh", "linalg_inv_ex", "linalg_ldl_factor",
    "linalg_ldl_factor_ex", "linalg_lstsq", "linalg_lu", "linalg_lu_factor", "linalg_lu_factor_ex",
    "linalg_qr", "linalg_slogdet", "linalg_solve_ex", "linalg_svd", "lu_unpack", "max", "median",
    "min", "mode", "nanmedian", "qr", "slogdet", "sort", "svd", "topk", "triangular_solve",
]  # fmt: skip


class _Shown:
    """Prints as torch's results do, a field on a line."""

    __slots__ = ()

    def __repr__(self) -> str:
        fields = ",\n".join(f"{name}={getattr(self, name)!r}" for name in self._fields)  # type: ignore[attr-defined]
        return f"torch.return_types.{type(self).__name__}(\n{fields})"


def _type(name: str, fields: str) -> Any:
    plain = namedtuple(name, fields)  # type: ignore[misc]
    scope = {"__slots__": (), "__module__": __name__, "__doc__": f"({fields.replace(' ', ', ')})"}
    return type(name, (_Shown, plain), scope)


aminmax = _type("aminmax", "min max")
cummax = _type("cummax", "values indices")
cummin = _type("cummin", "values indices")
frexp = _type("frexp", "mantissa exponent")
geqrf = _type("geqrf", "a tau")
histogram = _type("histogram", "hist bin_edges")
histogramdd = _type("histogramdd", "hist bin_edges")
kthvalue = _type("kthvalue", "values indices")
linalg_cholesky_ex = _type("linalg_cholesky_ex", "L info")
linalg_eig = _type("linalg_eig", "eigenvalues eigenvectors")
linalg_eigh = _type("linalg_eigh", "eigenvalues eigenvectors")
linalg_inv_ex = _type("linalg_inv_ex", "inverse info")
linalg_ldl_factor = _type("linalg_ldl_factor", "LD pivots")
linalg_ldl_factor_ex = _type("linalg_ldl_factor_ex", "LD pivots info")
linalg_lstsq = _type("linalg_lstsq", "solution residuals rank singular_values")
linalg_lu = _type("linalg_lu", "P L U")
linalg_lu_factor = _type("linalg_lu_factor", "LU pivots")
linalg_lu_factor_ex = _type("linalg_lu_factor_ex", "LU pivots info")
linalg_qr = _type("linalg_qr", "Q R")
linalg_slogdet = _type("linalg_slogdet", "sign logabsdet")
linalg_solve_ex = _type("linalg_solve_ex", "result info")
linalg_svd = _type("linalg_svd", "U S Vh")
_lu_with_info = _type("_lu_with_info", "LU pivots info")
lu_unpack = _type("lu_unpack", "P L U")
max = _type("max", "values indices")
median = _type("median", "values indices")
min = _type("min", "values indices")
mode = _type("mode", "values indices")
nanmedian = _type("nanmedian", "values indices")
qr = _type("qr", "Q R")
slogdet = _type("slogdet", "sign logabsdet")
sort = _type("sort", "values indices")
svd = _type("svd", "U S V")
topk = _type("topk", "values indices")
triangular_solve = _type("triangular_solve", "solution cloned_coefficient")
