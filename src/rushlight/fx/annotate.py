"""A type put on a value while it is traced."""

from __future__ import annotations

from typing import Any

from rushlight.fx.proxy import Proxy

__all__ = ["annotate"]


def annotate(val: Any, type: Any) -> Any:
    """The value itself; if it is traced, its node has that type from now on."""
    if not isinstance(val, Proxy):
        return val
    if val.node.type:
        raise RuntimeError(
            f"Tried to annotate a value that already had a type on it! Existing type is {val.node.type} and new "
            f"type is {type}. Parameters of functions take their type from the signature."
        )
    val.node.type = type
    return val
