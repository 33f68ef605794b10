#!/usr/bin/env bash
# What does AdaptiveAvgPool2d(1) make of a batch of feature vectors, of shape (2, 3)?
# Guess:  an error: the input must have 3 or 4 dimensions, as AdaptiveAvgPool2d(2) says.
# Found:  one number: for size 1 it is mean((-1, -2)) and asks nothing, so the batch is averaged away.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
x = torch.arange(6.0).reshape(2, 3)
print("size 1:", torch.nn.AdaptiveAvgPool2d(1)(x).tolist())
assert torch.nn.AdaptiveAvgPool2d(1)(x).tolist() == [[2.5]]
assert torch.nn.AdaptiveAvgPool2d(1)(torch.ones(1, 2, 3, 4, 5)).shape == (1, 2, 3, 1, 1)
for size, kind in ((2, RuntimeError), ((1, 1), ValueError)):
    try:
        torch.nn.AdaptiveAvgPool2d(size)(x)
    except kind as error:
        print(f"size {size}: {kind.__name__}:", error)
    else:
        raise SystemExit("the shape was accepted")
PYTHON
