"""Backends of compiling."""

from rushlight._dynamo.backends import registry

__all__ = ["registry"]
