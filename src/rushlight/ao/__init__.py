"""torch.ao: networks of few bits, which are refused."""

from rushlight.later import later

nn = later("rushlight.ao.nn")
quantization = later("rushlight.ao.quantization")
