#!/usr/bin/env bash
# Where in memory does a view without elements begin, and with which strides does it come back from NumPy?
# Guess:  within the memory of its tensor, or at its end; with the strides that it had.
# Found:  at element 5 of 4, through torch.save and deepcopy too: nothing is checked. From NumPy with strides 0.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import copy
import io

import torch

print("PyTorch", torch.__version__)
x = torch.arange(4.0)
empty = x.view(2, 2)[2:, 1:]
file = io.BytesIO()
torch.save(empty, file)
file.seek(0)
offsets = [t.storage_offset() for t in (empty, copy.deepcopy(empty), torch.load(file))]
print("shape", tuple(empty.shape), "begins at", offsets, "of", x.numel(), "elements")
assert offsets == [5, 5, 5] and empty.untyped_storage().nbytes() == 4 * x.element_size()
assert x[4:].storage_offset() == 4 and x.as_strided((0,), (1,), 1000).storage_offset() == 1000
try:
    x.as_strided((1,), (1,), 5)
except RuntimeError as error:
    print("with one element: RuntimeError:", error)
else:
    raise SystemExit("an element behind the memory was given")
narrow = torch.ones(3, 4)[:, :0]
back = torch.from_numpy(narrow.numpy())
print("strides", narrow.stride(), "and from NumPy", back.stride())
assert narrow.stride() == (4, 1) and back.stride() == (0, 0) and back.is_contiguous()
assert torch.from_dlpack(narrow).stride() == (4, 1)
PYTHON
