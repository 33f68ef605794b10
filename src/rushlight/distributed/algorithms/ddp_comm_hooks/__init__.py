"""How gradients are sent; with one process, not at all. What is registered is kept and not called."""

from rushlight.distributed.algorithms.ddp_comm_hooks import default_hooks, powerSGD_hook
from rushlight.distributed.algorithms.ddp_comm_hooks import post_localSGD_hook

__all__ = ["default_hooks", "post_localSGD_hook", "powerSGD_hook"]
