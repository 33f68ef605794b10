"""torch.amp: mixed precision on the CPU, products in float16 and what is delicate in float32.

>>> import rushlight as torch
>>> with torch.autocast("cpu", dtype=torch.float16):
...     product = torch.ones(2, 2) @ torch.ones(2, 2)
...     product.dtype, (product + torch.ones(2, 2)).dtype
(torch.float16, torch.float32)
"""

from rushlight.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from rushlight.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
