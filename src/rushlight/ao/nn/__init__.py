"""torch.ao.nn: layers of few bits, which are refused."""

from rushlight.later import later

quantized = later("rushlight.ao.nn.quantized")
