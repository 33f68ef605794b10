"""Products that are also methods."""

from __future__ import annotations

from rushlight.ops import product
from rushlight.ops.inplace import inplace


class ProductMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    addbmm = product.addbmm
    addbmm_ = inplace(product.addbmm)
    addmm = product.addmm
    addmm_ = inplace(product.addmm)
    addmv = product.addmv
    addmv_ = inplace(product.addmv)
    addr = product.addr
    addr_ = inplace(product.addr)
    baddbmm = product.baddbmm
    baddbmm_ = inplace(product.baddbmm)
    bmm = product.bmm
    cross = product.cross
    dot = product.dot
    ger = product.ger
    inner = product.inner
    kron = product.kron
    matmul = product.matmul
    matrix_power = product.matrix_power
    mm = product.mm
    mv = product.mv
    outer = product.outer
    vdot = product.vdot
