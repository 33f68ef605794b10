"""Functions that sort, rank, search and count and are also methods."""

from __future__ import annotations

from rushlight.ops import histograms, sorting


class SortingMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    argsort = sorting.argsort
    bincount = histograms.bincount
    histc = histograms.histc
    histogram = histograms.histogram
    kthvalue = sorting.kthvalue
    msort = sorting.msort
    sort = sorting.sort
    topk = sorting.topk
    unique = sorting.unique
    unique_consecutive = sorting.unique_consecutive
