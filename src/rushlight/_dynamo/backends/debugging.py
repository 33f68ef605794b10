"""Backends that do nothing."""

from rushlight._dynamo.backends.registry import aot_eager, eager

__all__ = ["aot_eager", "eager"]
