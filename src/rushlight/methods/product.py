"""Products that are also methods."""

from __future__ import annotations

from rushlight.ops import product


class ProductMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    matmul = product.matmul
