"""torch.cpu.amp.grad_scaler: where torch has `GradScaler`."""

from rushlight.cpu.amp import GradScaler

__all__ = ["GradScaler"]
