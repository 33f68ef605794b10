#!/usr/bin/env bash
# What is the sign of NaN?
# Guess:  NaN, in PyTorch as in NumPy.
# Found:  0 from torch.sign and torch.sgn; NumPy gives NaN. abs, relu and clamp pass NaN on in both.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import torch

print("PyTorch", torch.__version__, "NumPy", np.__version__)
nan = torch.tensor(float("nan"))
print("torch.sign", nan.sign().item(), " torch.sgn", nan.sgn().item(), " np.sign", np.sign(np.nan))
assert nan.sign().item() == 0 and nan.sgn().item() == 0 and np.isnan(np.sign(np.nan))
for passing in (nan.abs(), nan.relu(), nan.clamp(-1, 1)):
    assert passing.isnan()
PYTHON
