"""torch.cpu.amp.autocast_mode: where torch has `autocast`."""

from rushlight.cpu.amp import autocast

__all__ = ["autocast"]
