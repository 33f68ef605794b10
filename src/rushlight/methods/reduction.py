"""Functions that fold dimensions, or run along them, and are also methods."""

from __future__ import annotations

from rushlight.ops import bitwise, extremes, reduction, scan, statistics
from rushlight.ops.inplace import inplace


class ReductionMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    all = reduction.all
    any = reduction.any
    count_nonzero = reduction.count_nonzero
    dist = reduction.dist
    logsumexp = reduction.logsumexp
    mean = reduction.mean
    nanmean = reduction.nanmean
    nansum = reduction.nansum
    norm = reduction.norm
    numel = reduction.numel
    prod = reduction.prod
    std = reduction.std
    sum = reduction.sum
    sum_to_size = reduction.sum_to_size
    var = reduction.var

    amax = extremes.amax
    amin = extremes.amin
    aminmax = extremes.aminmax
    argmax = extremes.argmax
    argmin = extremes.argmin
    max = extremes.max
    median = extremes.median
    min = extremes.min
    mode = extremes.mode
    nanmedian = extremes.nanmedian
    nanquantile = extremes.nanquantile
    quantile = extremes.quantile

    cummax = scan.cummax
    cummin = scan.cummin
    cumprod = scan.cumprod
    cumprod_ = inplace(scan.cumprod)
    cumsum = scan.cumsum
    cumsum_ = inplace(scan.cumsum)
    diff = scan.diff
    logcumsumexp = scan.logcumsumexp

    hash_tensor = bitwise.hash_tensor

    corrcoef = statistics.corrcoef
    cov = statistics.cov
    renorm = statistics.renorm
    renorm_ = inplace(statistics.renorm)
