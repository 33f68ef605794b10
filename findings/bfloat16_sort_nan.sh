#!/usr/bin/env bash
# Where does np.sort leave a NaN among ml_dtypes' bfloat16 numbers?
# Guess:  at the end, as among all of NumPy's own floats.
# Found:  where it was, and the numbers around it are not in order: [2, nan, 1] comes back as it is.
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
    print(np.dtype(dtype).name, np.sort(np.array([2, np.nan, 1], dtype)).astype(float).tolist())
found = np.sort(np.array([2, np.nan, 1], ml_dtypes.bfloat16)).astype(float)
assert found[0] == 2 and np.isnan(found[1]) and found[2] == 1
assert np.isnan(np.sort(np.array([2, np.nan, 1], np.float16))[2])
PYTHON
