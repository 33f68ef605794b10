#!/usr/bin/env bash
# What is linalg.matrix_exp of [[0.1, 0.2], [0.3, 0.4]] in bfloat16?
# Guess:  [[1.14, 0.26], [0.39, 1.53]] to two digits, or an error, as linalg.inv gives for bfloat16.
# Found:  no error, and -1.3e30 on the diagonal; -21072 in float16. Of a hundredth of the matrix it is nan.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
x = torch.tensor([[0.1, 0.2], [0.3, 0.4]])
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    print(dtype, torch.linalg.matrix_exp(x.to(dtype)).tolist())
wanted = torch.linalg.matrix_exp(x)
assert torch.allclose(wanted, torch.tensor([[1.1421, 0.2604], [0.3905, 1.5326]]), atol=1e-3)
assert torch.linalg.matrix_exp(x.bfloat16())[0, 0].item() < -1e30
assert torch.linalg.matrix_exp(x.half())[0, 0].item() < -1e4
assert torch.linalg.matrix_exp(x.bfloat16() / 100).isnan().all()
try:
    torch.linalg.inv(x.bfloat16())
except RuntimeError as error:
    print("inv: RuntimeError:", error)
else:
    raise SystemExit("inv worked")
PYTHON
