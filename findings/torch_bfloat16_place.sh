#!/usr/bin/env bash
# Does log_softmax in bfloat16 give a row the same results as it gives a column of the same numbers?
# Guess:  yes: what is computed in float32 is rounded once, at the end.
# Found:  no: along the last dimension the sum itself is rounded to bfloat16, along the others it stays float32.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import math

import torch

print("PyTorch", torch.__version__)
columns = torch.zeros(257, 2, dtype=torch.bfloat16)
rows = columns.t().contiguous()
column, row = torch.log_softmax(columns, 0)[0, 0].item(), torch.log_softmax(rows, 1)[0, 0].item()
nearest = torch.tensor(-math.log(257)).bfloat16().item()
print("column", column, " row", row, " -log(257) is", -math.log(257), "and in bfloat16", nearest)
assert column == nearest == -5.5625 and row == -5.53125
assert torch.nn.functional.cross_entropy(rows, torch.tensor([0, 0])).item() == 5.53125
x = torch.linspace(-4, 4, 64 * 1000).bfloat16().reshape(1000, 64)
exact = torch.log_softmax(x.double(), 0)
columns, rows = torch.log_softmax(x, 0), torch.log_softmax(x.t().contiguous(), 1).t()
errors = [(y.double() - exact).abs().max().item() for y in (columns, rows)]
print("of 64,000 results differ:", int((columns != rows).sum()), " largest errors:", errors)
assert (columns != rows).any() and errors[0] < errors[1]
PYTHON
