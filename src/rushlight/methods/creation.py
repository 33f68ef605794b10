"""Methods that make new tensors like this one."""

from __future__ import annotations


class CreationMethods:
    """Mixed into Tensor."""

    __slots__ = ()
