"""Functions that torch has in C, under the names that printed graphs show."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.fft import (
    fft as fft_fft, fft2 as fft_fft2, fftfreq as fft_fftfreq, fftn as fft_fftn,
    fftshift as fft_fftshift, hfft as fft_hfft, hfft2 as fft_hfft2, hfftn as fft_hfftn,
    ifft as fft_ifft, ifft2 as fft_ifft2, ifftn as fft_ifftn, ifftshift as fft_ifftshift,
    ihfft as fft_ihfft, ihfft2 as fft_ihfft2, ihfftn as fft_ihfftn, irfft as fft_irfft,
    irfft2 as fft_irfft2, irfftn as fft_irfftn, rfft as fft_rfft, rfft2 as fft_rfft2,
    rfftfreq as fft_rfftfreq, rfftn as fft_rfftn,
)

__all__ = [
    "fft_fft", "fft_fft2", "fft_fftfreq", "fft_fftn", "fft_fftshift", "fft_hfft", "fft_hfft2",
    "fft_hfftn", "fft_ifft", "fft_ifft2", "fft_ifftn", "fft_ifftshift", "fft_ihfft", "fft_ihfft2",
    "fft_ihfftn", "fft_irfft", "fft_irfft2", "fft_irfftn", "fft_rfft", "fft_rfft2", "fft_rfftfreq",
    "fft_rfftn",
]
# fmt: on
# ---- names: end ----
