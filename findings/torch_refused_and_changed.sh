#!/usr/bin/env bash
# Is a tensor unchanged when PyTorch refuses an in-place operation on it?
# Guess:  yes: an operation that raises has done nothing.
# Found:  not for inference tensors: neg_() outside of inference mode raises, and the values are negated all the same.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
with torch.inference_mode():
    x = torch.ones(3)
try:
    x.neg_()
except RuntimeError as error:
    print("RuntimeError:", str(error).split(".")[0])
    print("afterwards", x.tolist())
    assert x.tolist() == [-1.0, -1.0, -1.0]
else:
    raise SystemExit("the change was accepted")
PYTHON
