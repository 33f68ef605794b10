#!/usr/bin/env bash
# What is the sum of the complex number 1+2j and infinity, or nan?
# Guess:  inf+2j and nan+2j, as in C, Python and NumPy: real parts are added to real parts.
# Found:  inf+nanj and nan+nanj. torch.add multiplies its second operand by alpha, which is 1+0j, even where nobody
#         gave one, and infinity times 0j is nan. So it is with x - inf and in place; the number first, nan - x, is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import math
import sys

import numpy as np
import torch

print("python", sys.version.split()[0], "torch", torch.__version__, "numpy", np.__version__)
x = torch.tensor([1 + 2j])
for number in (math.inf, math.nan):
    for name, result, ours in (
        ("x + n", x + number, (1 + 2j) + number),
        ("x - n", x - number, (1 + 2j) - number),
        ("x.add_(n)", x.clone().add_(number), np.array([1 + 2j])[0] + number),
    ):
        print(name, number, "torch", result.item(), "Python and NumPy", complex(ours))
        assert math.isnan(result.item().imag) and complex(ours).imag == 2, "torch adds part by part now"
first = (math.nan - x).item()
print("n - x", first)
assert first.imag == -2
PYTHON
