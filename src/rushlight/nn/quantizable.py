"""torch.nn.quantizable: refused."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    quantized as LSTM, quantized as LSTMCell, quantized as MultiheadAttention,
)
# fmt: on
# ---- names: end ----
