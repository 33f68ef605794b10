"""torch.nn.quantized: refused."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    quantized as BatchNorm2d, quantized as BatchNorm3d, quantized as Conv1d, quantized as Conv2d,
    quantized as Conv3d, quantized as ConvTranspose1d, quantized as ConvTranspose2d,
    quantized as ConvTranspose3d, quantized as DeQuantize, quantized as Dropout, quantized as ELU,
    quantized as Embedding, quantized as EmbeddingBag, quantized as FXFloatFunctional,
    quantized as FloatFunctional, quantized as GroupNorm, quantized as Hardswish,
    quantized as InstanceNorm1d, quantized as InstanceNorm2d, quantized as InstanceNorm3d,
    quantized as LSTM, quantized as LayerNorm, quantized as LeakyReLU, quantized as Linear,
    quantized as MultiheadAttention, quantized as PReLU, quantized as QFunctional,
    quantized as Quantize, quantized as ReLU6, quantized as Sigmoid, quantized as Softmax,
)
# fmt: on
# ---- names: end ----
