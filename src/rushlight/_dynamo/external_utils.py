"""Helpers that run beside compiled functions."""

from __future__ import annotations

from typing import Any

from rushlight.compiler.names import is_compiling, wrap_numpy

__all__ = ["is_compiling", "wrap_inline", "wrap_numpy"]


def wrap_inline(fn: Any) -> Any:
    """The function."""
    return fn
