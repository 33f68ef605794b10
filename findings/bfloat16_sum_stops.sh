#!/usr/bin/env bash
# What is NumPy's sum of a thousand times 1.01 in ml_dtypes' bfloat16?
# Guess:  about 1,010 with a rounding error of some percent, as float16 gives.
# Found:  512, and the mean 0.51: terms are added one by one in 8 bits, and 512 + 1.01 rounds to 512.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q ml_dtypes==0.5.4 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import ml_dtypes
import numpy as np

print("ml_dtypes", ml_dtypes.__version__, "NumPy", np.__version__)
for dtype in (np.float16, ml_dtypes.bfloat16):
    x = np.full(1000, 1.01, dtype)
    print(np.dtype(dtype).name, "sum", float(x.sum()), "mean", float(x.mean()), x.sum().dtype)
x = np.full(1000, 1.01, ml_dtypes.bfloat16)
assert float(x.sum()) == 512.0 and float(x.mean()) == 0.51171875
assert abs(float(np.full(1000, 1.01, np.float16).sum()) - 1010) < 2
assert abs(float(x.sum(dtype=np.float32)) - 1010) < 4
PYTHON
