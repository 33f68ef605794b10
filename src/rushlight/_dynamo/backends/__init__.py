"""Backends of compiling."""

from rushlight._dynamo.backends import registry
from rushlight.later import later

# They work on graphs, which compiling to C does not.
common = later("rushlight._dynamo.backends.common")
debugging = later("rushlight._dynamo.backends.debugging")

__all__ = ["common", "debugging", "registry"]
