#!/usr/bin/env bash
# What is gelu of infinity in float32?
# Guess:  infinity, as of relu and silu, and as in float64.
# Found:  nan among several numbers, from oneDNN's kernel; alone, or with oneDNN switched off, infinity.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import torch
from torch.nn.functional import gelu, relu, silu

print("PyTorch", torch.__version__)
warnings.simplefilter("ignore")
x = torch.full((3,), float("inf"))
found = gelu(x)
with torch.backends.mkldnn.flags(enabled=False):
    without = gelu(x)
print("gelu", found.tolist(), " without oneDNN", without.tolist(), " of one alone", gelu(x[:1]).tolist())
assert found.isnan().all() and without.isinf().all() and gelu(x[:1]).isinf().all()
for fine in (gelu(x.double()), gelu(x, approximate="tanh"), relu(x), silu(x)):
    assert fine.isinf().all()
PYTHON
