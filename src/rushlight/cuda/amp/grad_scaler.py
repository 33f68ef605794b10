"""torch.cuda.amp.grad_scaler: where torch has `GradScaler`."""

from rushlight.cuda.amp import GradScaler

__all__ = ["GradScaler"]
