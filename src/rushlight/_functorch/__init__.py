"""What torch keeps its transforms in: settings, and names of `vmap`."""

from rushlight._functorch import config

__all__ = ["config"]
