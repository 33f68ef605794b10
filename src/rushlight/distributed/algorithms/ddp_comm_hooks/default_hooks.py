"""How gradients are sent: as they are, or in fewer bits. With one process they are not sent."""

from rushlight.absent import nothing as allreduce_hook
from rushlight.absent import nothing as bf16_compress_hook
from rushlight.absent import nothing as bf16_compress_wrapper
from rushlight.absent import nothing as fp16_compress_hook
from rushlight.absent import nothing as fp16_compress_wrapper

__all__ = [
    "allreduce_hook",
    "bf16_compress_hook",
    "bf16_compress_wrapper",
    "fp16_compress_hook",
    "fp16_compress_wrapper",
]
