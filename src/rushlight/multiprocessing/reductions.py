"""How tensors go to other processes."""

from multiprocessing.reduction import ForkingPickler

from rushlight.ops.shared_memory import send_between_processes as init_reductions

__all__ = ["ForkingPickler", "init_reductions"]
