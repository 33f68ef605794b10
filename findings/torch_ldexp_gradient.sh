#!/usr/bin/env bash
# What is the gradient of torch.ldexp(x, -1), which is x / 2?
# Guess:  0.5, as gradcheck would have it.
# Found:  0 for every negative whole exponent: backward computes 2 ** exponent in whole numbers, where that is 0.
#         The same exponents as floats give 0.5, 0.25, ...
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
exponents = torch.tensor([-2, -1, 0, 1])
gradients = []
for given in (exponents, exponents.float()):
    x = torch.ones(4, requires_grad=True)
    y = torch.ldexp(x, given)
    assert y.tolist() == [0.25, 0.5, 1.0, 2.0]
    y.sum().backward()
    print(given.dtype, x.grad.tolist())
    gradients.append(x.grad.tolist())
assert gradients == [[0.0, 0.0, 1.0, 2.0], [0.25, 0.5, 1.0, 2.0]]
PYTHON
