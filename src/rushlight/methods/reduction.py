"""Functions that fold dimensions and are also methods."""

from __future__ import annotations

from rushlight.ops import reduction


class ReductionMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    amax = reduction.amax
    amin = reduction.amin
    mean = reduction.mean
    numel = reduction.numel
    sum = reduction.sum
    sum_to_size = reduction.sum_to_size
