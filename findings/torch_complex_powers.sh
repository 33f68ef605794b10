#!/usr/bin/env bash
# What is the fourth power of -1+0j in complex64?
# Guess:  1, with a zero as imaginary part, as from NumPy and from z * z * z * z.
# Found:  1+3.5e-07j: but for the exponents 2 and 3 it is exp(4 * log(z)), and 4 * pi is rounded.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import torch

print("PyTorch", torch.__version__, "NumPy", np.__version__)
z = torch.tensor([-1 + 0j])
for exponent in (2, 3, 4, 8):
    print(exponent, "torch", (z**exponent).item(), " NumPy", (z.numpy() ** exponent).item())
assert z.dtype == torch.complex64
assert (z**2).imag.item() == 0 and (z**3).imag.abs().item() == 0
assert 1e-7 < (z**4).imag.abs().item() < 1e-6 and 1e-7 < (z**8).imag.abs().item() < 1e-6
assert (z * z * z * z).imag.item() == 0 and (z.numpy() ** 4).imag.item() == 0
assert (torch.tensor([3j]) ** 4).imag.abs().item() > 1e-6
PYTHON
