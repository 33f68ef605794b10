#!/usr/bin/env bash
# What is the grad_dtype of a copy of a leaf that was given one (x.grad_dtype = torch.float32, for a float64 x)?
# Guess:  the same, as gradients of the copy are to be kept in that type, too.
# Found:  copy.deepcopy and torch.save forget it: the copy's gradients are of its own type again. And once the leaf
#         has a gradient, copy.deepcopy raises a RuntimeError, as that gradient does not fit the copy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import copy
import io
import sys

import torch

print("python", sys.version.split()[0], "torch", torch.__version__)


def leaf():
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    x.grad_dtype = torch.float32
    return x


def saved(x):
    file = io.BytesIO()
    torch.save(x, file)
    file.seek(0)
    return torch.load(file)


copies = {"copy.deepcopy": copy.deepcopy(leaf()), "torch.save and load": saved(leaf())}
for name, x in copies.items():
    print(name, x.grad_dtype)
    assert x.grad_dtype is torch.float64, "it is kept now"
x = leaf()
x.sum().backward()
print("the leaf's gradient", x.grad.dtype)
assert x.grad.dtype is torch.float32
try:
    copy.deepcopy(x)
except RuntimeError as error:
    print("copy.deepcopy with a gradient: RuntimeError:", str(error)[:100])
else:
    raise AssertionError("a leaf with such a gradient can be copied now")
PYTHON
