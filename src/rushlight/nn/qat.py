"""torch.nn.qat: refused."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    quantized as Conv1d, quantized as Conv2d, quantized as Conv3d, quantized as Embedding,
    quantized as EmbeddingBag, quantized as Linear,
)
# fmt: on
# ---- names: end ----
