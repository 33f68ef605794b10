#!/usr/bin/env bash
# What is the gradient of a LayerNorm's bias in bfloat16, where 500 rows send back 1 each?
# Guess:  500, as of the biases of Linear and BatchNorm1d, and as of torch.ones(500, 8).bfloat16().sum(0).
# Found:  256 (on one thread): rows are added one by one in bfloat16, and 256 + 1 rounds to 256.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
torch.set_num_threads(1)
x = torch.randn(500, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
for layer in (torch.nn.LayerNorm(8), torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8)):
    layer.bfloat16()(x).backward(torch.ones(500, 8).bfloat16())
    found = layer.bias.grad.unique().tolist()
    print(type(layer).__name__, found)
    assert found == ([256.0] if isinstance(layer, torch.nn.LayerNorm) else [500.0])
assert torch.ones(500, 8).bfloat16().sum(0).unique().tolist() == [500.0]
norm = torch.nn.LayerNorm(8)
norm(x.float()).backward(torch.ones(500, 8))
assert norm.bias.grad.unique().tolist() == [500.0]
PYTHON
