#!/usr/bin/env bash
# What do 500 and 1e6 become in float8_e4m3fn, whose largest number is 448?
# Guess:  NaN in PyTorch and in ml_dtypes alike: the format has no infinity.
# Found:  NaN in ml_dtypes, 448 in PyTorch, which saturates. In float8_e5m2 both give infinity.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q ml_dtypes==0.5.4 numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import ml_dtypes
import numpy as np
import torch

print("ml_dtypes", ml_dtypes.__version__, "PyTorch", torch.__version__)
large = [464.0, 500.0, 1e6]
ours = np.array(large, np.float32).astype(ml_dtypes.float8_e4m3fn).astype(np.float32)
theirs = torch.tensor(large).to(torch.float8_e4m3fn).float()
print("float8_e4m3fn:", ours.tolist(), theirs.tolist())
assert ours[0] == 448 and np.isnan(ours[1:]).all()
assert theirs.tolist() == [448.0, 448.0, 448.0]
wide = np.array([1e6], np.float32).astype(ml_dtypes.float8_e5m2).astype(np.float32)
assert np.isinf(wide).all() and torch.tensor([1e6]).to(torch.float8_e5m2).float().isinf().all()
PYTHON
