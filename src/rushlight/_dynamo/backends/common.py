"""What backends are made of."""

from rushlight.compiler.graphs.ahead import aot_autograd

__all__ = ["aot_autograd"]
