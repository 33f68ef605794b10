"""torch.optim.adamw: where torch has `AdamW`."""

from rushlight.optim.adam import AdamW

__all__ = ["AdamW"]
