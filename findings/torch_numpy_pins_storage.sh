#!/usr/bin/env bash
# Can a tensor be resized after an array was made of it and thrown away?
# Guess:  yes, once the array is gone: nobody else looks at the memory.
# Found:  never again: numpy() makes the storage one that cannot be resized, for good. So does a failed call of
#         NumPy that looked at the tensor: it is no target of out= any more.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import gc

import numpy as np
import torch

print("PyTorch", torch.__version__, "NumPy", np.__version__)
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
target = torch.empty(0)
try:
    np.add(target, "a")
except TypeError as error:
    print(type(error).__name__, "from NumPy")
try:
    torch.add(torch.ones(3), 1, out=target)
except RuntimeError as error:
    print("RuntimeError:", str(error).splitlines()[0])
    assert "not resizable" in str(error)
else:
    raise SystemExit("out= made the target larger")
assert torch.add(torch.ones(3), 1, out=torch.empty(0)).shape == (3,)
PYTHON
