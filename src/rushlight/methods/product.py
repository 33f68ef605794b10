"""Products, factorisations and transforms that are also methods."""

from __future__ import annotations

from rushlight.ops import algebra, packed, product, spectrum
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

    cholesky = algebra.cholesky
    cholesky_inverse = algebra.cholesky_inverse
    cholesky_solve = algebra.cholesky_solve
    det = algebra.det
    inverse = algebra.inverse
    logdet = algebra.logdet
    matrix_exp = algebra.matrix_exp
    pinverse = algebra.pinverse
    qr = algebra.qr
    slogdet = algebra.slogdet
    svd = algebra.svd

    istft = spectrum.istft
    stft = spectrum.stft

    geqrf = packed.geqrf
    lu = packed.lu
    lu_solve = packed.lu_solve
    orgqr = packed.orgqr
    ormqr = packed.ormqr
    triangular_solve = packed.triangular_solve
