"""torch.fft: discrete Fourier transforms.

>>> import rushlight as torch
>>> torch.fft.ifft(torch.fft.fft(torch.ones(2))).real
tensor([1., 1.])
"""

import typing as _typing

from rushlight.nearest import missing as _missing

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight._tensor import Tensor
from rushlight.public.fft import (
    fft, fft2, fftfreq, fftn, fftshift, hfft, hfft2, hfftn, ifft, ifft2, ifftn, ifftshift, ihfft,
    ihfft2, ihfftn, irfft, irfft2, irfftn, rfft, rfft2, rfftfreq, rfftn,
)

__all__ = [
    "Tensor", "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft",
    "ifft2", "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft",
    "rfft2", "rfftfreq", "rfftn",
]
# fmt: on
# ---- names: end ----

if not _typing.TYPE_CHECKING:
    __getattr__ = _missing("torch.fft", vars())
