"""Functions that sort, rank, search and count and are also methods."""

from __future__ import annotations

from rushlight.ops import counts, sorting


class SortingMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    argsort = sorting.argsort
    bincount = counts.bincount
    histc = counts.histc
    histogram = counts.histogram
    kthvalue = sorting.kthvalue
    msort = sorting.msort
    sort = sorting.sort
    topk = sorting.topk
    unique = sorting.unique
    unique_consecutive = sorting.unique_consecutive
