"""torch.autograd.profiler_legacy: the profiler under an older name."""

from rushlight.autograd.profiler import profile

__all__ = ["profile"]
