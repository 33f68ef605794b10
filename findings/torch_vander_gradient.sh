#!/usr/bin/env bash
# Can torch.vander be differentiated?
# Guess:  yes: the result requires grad and has a grad_fn.
# Found:  never: it changes in place what its own cumulative product saved, and backward says that we did.
#         torch.linalg.vander, the same matrix the other way round, has a gradient.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = torch.vander(x)
assert y.requires_grad and y.tolist() == torch.linalg.vander(x).flip(1).tolist()
try:
    y.sum().backward()
except RuntimeError as error:
    print("vander: RuntimeError:", str(error).split(":")[0])
    assert "modified by an inplace operation" in str(error)
else:
    raise SystemExit("vander has a gradient")
torch.linalg.vander(x).sum().backward()
print("linalg.vander:", x.grad.tolist())
assert x.grad.tolist() == [3.0, 5.0, 7.0]
PYTHON
