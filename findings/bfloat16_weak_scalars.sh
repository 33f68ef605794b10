#!/usr/bin/env bash
# What is the dtype of a bfloat16 array (ml_dtypes) plus the Python number 1.5?
# Guess:  bfloat16: Python numbers are weak in NumPy 2 (NEP 50), and float16 + 1.5 is float16.
# Found:  float32, though plus the Python int 1 it stays bfloat16; bfloat16 is of kind 'V' and no np.floating.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q ml_dtypes==0.5.4 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import ml_dtypes
import numpy as np

print("ml_dtypes", ml_dtypes.__version__, "NumPy", np.__version__)
x = np.ones(2, ml_dtypes.bfloat16)
print("x + 1.5:", (x + 1.5).dtype, " x + 1:", (x + 1).dtype, " x + float16:", (x + np.float16(1)).dtype)
print("kind", x.dtype.kind, "floating", np.issubdtype(x.dtype, np.floating))
assert (x + 1.5).dtype == np.float32
assert (x + 1).dtype == ml_dtypes.bfloat16
assert (np.ones(2, np.float16) + 1.5).dtype == np.float16
assert x.dtype.kind == "V" and not np.issubdtype(x.dtype, np.floating)
PYTHON
