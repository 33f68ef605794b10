#!/usr/bin/env bash
# What is the distance from 1 to the next number in float8_e5m2fnuz, which has two bits of mantissa?
# Guess:  0.25, and torch.finfo says so.
# Found:  it is 0.25, as ml_dtypes says, but torch.finfo(torch.float8_e5m2fnuz).eps is 0.125.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q ml_dtypes==0.5.4 numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import ml_dtypes
import torch

print("ml_dtypes", ml_dtypes.__version__, "PyTorch", torch.__version__)
for name in ("float8_e5m2", "float8_e5m2fnuz", "float8_e4m3fn", "float8_e4m3fnuz"):
    dtype = getattr(torch, name)
    after = (torch.ones(1).to(dtype).view(torch.uint8) + 1).view(dtype).float().item()
    said, ours = torch.finfo(dtype).eps, float(ml_dtypes.finfo(getattr(ml_dtypes, name)).eps)
    print(f"{name}: after 1 comes {after}; eps is {said} in torch, {ours} in ml_dtypes")
    assert after == 1 + ours
    assert said == (0.125 if name == "float8_e5m2fnuz" else ours)
PYTHON
