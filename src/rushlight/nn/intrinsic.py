"""torch.nn.intrinsic: refused."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    quantized as BNReLU2d, quantized as BNReLU3d, quantized as ConvAdd2d,
    quantized as ConvAddReLU2d, quantized as ConvBn1d, quantized as ConvBn2d, quantized as ConvBn3d,
    quantized as ConvBnReLU1d, quantized as ConvBnReLU2d, quantized as ConvBnReLU3d,
    quantized as ConvReLU1d, quantized as ConvReLU2d, quantized as ConvReLU3d,
    quantized as LinearBn1d, quantized as LinearLeakyReLU, quantized as LinearReLU,
    quantized as LinearTanh,
)
# fmt: on
# ---- names: end ----
