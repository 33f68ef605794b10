"""Whether Triton is there: it is not."""

from rushlight.absent import no as has_triton
from rushlight.absent import no as has_triton_package
from rushlight.absent import no as has_triton_tma

__all__ = ["has_triton", "has_triton_package", "has_triton_tma"]
