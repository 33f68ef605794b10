#!/usr/bin/env bash
# Can a tensor be resized after an array was made of it and thrown away?
# Guess:  yes, once the array is gone: nobody else looks at the memory.
# Found:  never again: numpy() makes the storage one that cannot be resized, for good.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import gc

import torch

print("PyTorch", torch.__version__)
x = torch.zeros(3)
x.resize_(5)
float(x.numpy().sum())
gc.collect()
try:
    x.resize_(10)
except RuntimeError as error:
    print("RuntimeError:", str(error).splitlines()[0])
    assert "not resizable" in str(error)
else:
    raise SystemExit("the storage was resized")
assert x.clone().resize_(10).shape == (10,)
PYTHON
