"""Functions that sort, rank and search and are also methods."""

from __future__ import annotations


class SortingMethods:
    """Mixed into Tensor."""

    __slots__ = ()
