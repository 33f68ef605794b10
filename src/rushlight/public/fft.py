"""The functions of torch.fft that ask `__torch_function__`."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.ops import fourier
from rushlight.overriding.functions import public

HOME = "rushlight.fft"

fft = public(fourier.fft, HOME, "fft")
fft2 = public(fourier.fft2, HOME, "fft2")
fftfreq = public(fourier.fftfreq, HOME, "fftfreq")
fftn = public(fourier.fftn, HOME, "fftn")
fftshift = public(fourier.fftshift, HOME, "fftshift")
hfft = public(fourier.hfft, HOME, "hfft")
hfft2 = public(fourier.hfft2, HOME, "hfft2")
hfftn = public(fourier.hfftn, HOME, "hfftn")
ifft = public(fourier.ifft, HOME, "ifft")
ifft2 = public(fourier.ifft2, HOME, "ifft2")
ifftn = public(fourier.ifftn, HOME, "ifftn")
ifftshift = public(fourier.ifftshift, HOME, "ifftshift")
ihfft = public(fourier.ihfft, HOME, "ihfft")
ihfft2 = public(fourier.ihfft2, HOME, "ihfft2")
ihfftn = public(fourier.ihfftn, HOME, "ihfftn")
irfft = public(fourier.irfft, HOME, "irfft")
irfft2 = public(fourier.irfft2, HOME, "irfft2")
irfftn = public(fourier.irfftn, HOME, "irfftn")
rfft = public(fourier.rfft, HOME, "rfft")
rfft2 = public(fourier.rfft2, HOME, "rfft2")
rfftfreq = public(fourier.rfftfreq, HOME, "rfftfreq")
rfftn = public(fourier.rfftn, HOME, "rfftn")
# fmt: on
# ---- names: end ----
