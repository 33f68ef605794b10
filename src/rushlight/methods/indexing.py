"""Functions that read and write by index and are also methods."""

from __future__ import annotations


class IndexingMethods:
    """Mixed into Tensor."""

    __slots__ = ()
