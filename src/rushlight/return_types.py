"""The named tuples that operations with several results return: `sort`, `max`, `svd`, ..."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, Self

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "geqrf", "histogram", "histogramdd", "kthvalue",
    "linalg_cholesky_ex", "linalg_eig", "linalg_eigh", "linalg_inv_ex", "linalg_ldl_factor",
    "linalg_ldl_factor_ex", "linalg_lstsq", "linalg_lu", "linalg_lu_factor", "linalg_lu_factor_ex",
    "linalg_qr", "linalg_slogdet", "linalg_solve_ex", "linalg_svd", "lu_unpack", "max", "median",
    "min", "mode", "nanmedian", "qr", "slogdet", "sort", "svd", "topk", "triangular_solve",
]  # fmt: skip


class ReturnType(tuple[Any, ...]):
    """A tuple whose items have names, as C's structures in Python have; made from a sequence.

    >>> from rushlight import return_types
    >>> return_types.max((3, 0)).values
    3
    """

    __slots__ = ()

    n_fields = n_sequence_fields = n_unnamed_fields = 0
    _names: tuple[str, ...] = ()
    # The type of what an operation with out= returns.
    _out: type[ReturnType]

    def __new__(cls, sequence: Iterable[Any], dict: Any = None) -> Self:
        """The items in the order of the names; dict, which files have beside them, adds nothing."""
        if not hasattr(sequence, "__iter__"):
            raise TypeError("constructor requires a sequence")
        items = tuple(sequence)
        if len(items) != cls.n_fields:
            raise TypeError(
                f"torch.return_types.{cls.__name__}() takes a {cls.n_fields}-sequence "
                f"({len(items)}-sequence given)"
            )
        return super().__new__(cls, items)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (tuple(self), {})

    def __repr__(self) -> str:
        items = zip(self._names, self, strict=True)
        fields = ",\n".join(f"{name}={item!r}" for name, item in items)
        return f"torch.return_types.{type(self).__name__}(\n{fields})"


def _type(name: str, fields: str) -> Any:
    plain = _made(name, fields.split())
    plain._out = _made(f"{name}_out", fields.split())
    return plain


def _made(name: str, fields: list[str]) -> type[ReturnType]:
    scope: dict[str, Any] = {field: property(itemgetter(i)) for i, field in enumerate(fields)}
    scope |= {"__slots__": (), "__module__": __name__, "__doc__": f"({', '.join(fields)})"}
    scope |= {"_names": tuple(fields), "__match_args__": tuple(fields)}
    scope |= {"n_fields": len(fields), "n_sequence_fields": len(fields)}
    return type(name, (ReturnType,), scope)


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

# What operations with out= give, whose types have names of their own.
aminmax_out = aminmax._out
cummax_out = cummax._out
cummin_out = cummin._out
frexp_out = frexp._out
geqrf_out = geqrf._out
histogram_out = histogram._out
kthvalue_out = kthvalue._out
linalg_cholesky_ex_out = linalg_cholesky_ex._out
linalg_eig_out = linalg_eig._out
linalg_eigh_out = linalg_eigh._out
linalg_inv_ex_out = linalg_inv_ex._out
linalg_ldl_factor_out = linalg_ldl_factor._out
linalg_ldl_factor_ex_out = linalg_ldl_factor_ex._out
linalg_lstsq_out = linalg_lstsq._out
linalg_lu_out = linalg_lu._out
linalg_lu_factor_out = linalg_lu_factor._out
linalg_lu_factor_ex_out = linalg_lu_factor_ex._out
linalg_qr_out = linalg_qr._out
linalg_slogdet_out = linalg_slogdet._out
linalg_solve_ex_out = linalg_solve_ex._out
linalg_svd_out = linalg_svd._out
lu_unpack_out = lu_unpack._out
max_out = max._out
median_out = median._out
min_out = min._out
mode_out = mode._out
nanmedian_out = nanmedian._out
qr_out = qr._out
slogdet_out = slogdet._out
sort_out = sort._out
svd_out = svd._out
topk_out = topk._out
triangular_solve_out = triangular_solve._out
