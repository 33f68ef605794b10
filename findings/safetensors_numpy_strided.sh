#!/usr/bin/env bash
# What does safetensors.numpy.save write of an array that is not contiguous?
# Guess:  an error, as safetensors.torch raises, or the values in row order.
# Found:  no error: the first bytes of the memory under the header's shape, so other values come back.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q safetensors==0.8.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import safetensors
from safetensors.numpy import load, save

print("safetensors", safetensors.__version__, "NumPy", np.__version__)
x = np.arange(6, dtype=np.float32).reshape(2, 3)
for name, array in {"transposed": x.T, "every second": np.arange(6, dtype=np.float32)[::2]}.items():
    back = load(save({"x": array}))["x"]
    print(f"{name}: saved {array.tolist()}, loaded {back.tolist()}")
    assert back.shape == array.shape and not np.array_equal(back, array)
assert load(save({"x": x.T}))["x"].tolist() == [[0, 1], [2, 3], [4, 5]]
assert np.array_equal(load(save({"x": np.ascontiguousarray(x.T)}))["x"], x.T)
PYTHON
