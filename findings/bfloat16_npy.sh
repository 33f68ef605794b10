#!/usr/bin/env bash
# What does np.load give back of a bfloat16 array (ml_dtypes) that np.save wrote?
# Guess:  bfloat16, or an error when saving.
# Found:  an array of raw two-byte voids, '|V2', without a warning: the file does not name the dtype.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q ml_dtypes==0.5.4 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io

import ml_dtypes
import numpy as np

print("ml_dtypes", ml_dtypes.__version__, "NumPy", np.__version__)
file = io.BytesIO()
np.save(file, np.ones(2, ml_dtypes.bfloat16))
file.seek(0)
back = np.load(file)
print(back.dtype.str, back)
assert back.dtype.str == "|V2"
assert back.view(ml_dtypes.bfloat16).astype(float).tolist() == [1.0, 1.0]
PYTHON
