"""Conversions that are also methods."""

from __future__ import annotations

from rushlight.ops import conversion


class ConversionMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    astype = conversion.astype
    clone = conversion.clone
    item = conversion.item
    numpy = conversion.numpy
    to = conversion.to
    tolist = conversion.tolist
