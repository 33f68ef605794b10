#!/usr/bin/env bash
# Is x.t().to(memory_format=torch.contiguous_format) contiguous?
# Guess:  yes: that is the format's name.
# Found:  no: the same transposed tensor comes back; x.t().contiguous() copies.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
x = torch.arange(6.0).reshape(2, 3).t()
y = x.to(memory_format=torch.contiguous_format)
print("is it x itself:", y is x, " contiguous:", y.is_contiguous(), " strides:", y.stride())
assert y is x and not y.is_contiguous()
assert x.contiguous().is_contiguous()
assert x.clone(memory_format=torch.contiguous_format).is_contiguous()
PYTHON
