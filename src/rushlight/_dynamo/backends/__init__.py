"""Backends of compiling."""

from rushlight._dynamo.backends import common, debugging, registry

__all__ = ["common", "debugging", "registry"]
