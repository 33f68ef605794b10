#!/usr/bin/env bash
# Does a fused SGD step of a parameter that is every second element of a tensor change these elements?
# Guess:  yes, as the step that is not fused does.
# Found:  no: it takes the memory for contiguous and changes the first elements instead, without an error.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
for fused in (False, True):
    whole = torch.ones(6)
    part = whole[::2].requires_grad_()
    part.grad = torch.ones(3)
    torch.optim.SGD([part], lr=0.5, fused=fused).step()
    print("fused" if fused else "plain", whole.tolist())
    wanted = [0.5, 0.5, 0.5, 1.0, 1.0, 1.0] if fused else [0.5, 1.0, 0.5, 1.0, 0.5, 1.0]
    assert whole.tolist() == wanted
PYTHON
