"""Methods that fill a tensor with random numbers."""

from __future__ import annotations


class SamplingMethods:
    """Mixed into Tensor."""

    __slots__ = ()
