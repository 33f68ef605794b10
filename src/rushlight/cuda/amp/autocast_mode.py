"""torch.cuda.amp.autocast_mode: where torch has `autocast`."""

from rushlight.cuda.amp import autocast, custom_bwd, custom_fwd

__all__ = ["autocast", "custom_bwd", "custom_fwd"]
