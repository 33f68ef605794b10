#!/usr/bin/env bash
# What are the second derivatives of x.prod() and x.cumprod(0)[-1] where a factor is zero?
# Guess:  those of the polynomial, which has no quotients: the same whichever way they are taken, and a symmetric matrix.
# Found:  by reverse mode over reverse mode they are right. By forward mode over forward mode those of cumprod lack half
#         of their entries, the matrix is not symmetric; and of the third derivatives of prod, taken by reverse over
#         forward over reverse, all are nan.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
from torch.func import grad, jacfwd, jacrev

print("python", sys.version.split()[0], "torch", torch.__version__)
x = torch.tensor([2.0, 0.0, 3.0, 5.0], dtype=torch.float64)
functions = {"prod": lambda a: a.prod(), "cumprod": lambda a: a.cumprod(0)[-1]}
ways = {
    "reverse over reverse": lambda f: jacrev(grad(f)),
    "forward over reverse": lambda f: jacfwd(grad(f)),
    "forward over forward": lambda f: jacfwd(jacfwd(f)),
}
right = torch.tensor([[0, 15, 0, 0], [15, 0, 10, 6], [0, 10, 0, 0], [0, 6, 0, 0]], dtype=torch.float64)
for name, f in functions.items():
    for way, second in ways.items():
        found = second(f)(x)
        print(name, way, "right" if torch.equal(found, right) else f"wrong: {found.tolist()}")
        assert torch.equal(found, right) == ((name, way) != ("cumprod", "forward over forward"))
third = jacrev(jacfwd(grad(functions["prod"])))(x)
print("prod, third derivatives, reverse over forward over reverse:", int(third.isnan().sum()), "of", third.numel(), "nan")
assert third.isnan().all()
PYTHON
