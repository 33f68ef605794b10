#!/usr/bin/env bash
# Is a Python number rounded to bfloat16 before it meets a bfloat16 tensor?
# Guess:  always (then -1 + 1.01 is 0.0078) or never (then it is 0.0101).
# Found:  it depends: add, sub, remainder, fmod and pow round it first, mul, div and floor_divide keep it. float16 too.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
wide, narrow = ("mul", "div", "floor_divide"), ("add", "sub", "remainder", "fmod", "pow")
for dtype in (torch.bfloat16, torch.float16):
    x = torch.arange(1, 257).to(dtype)
    rounded = torch.tensor(1.01, dtype=dtype).item()
    for name in wide + narrow:
        function = getattr(torch, name)
        result = function(x, 1.01)
        kept = torch.equal(result, function(x.float(), 1.01).to(dtype))
        first = torch.equal(result, function(x.float(), rounded).to(dtype))
        print(dtype, name, "keeps 1.01" if kept else f"takes {rounded}")
        assert (kept, first) == ((True, False) if name in wide else (False, True))
minus_one = torch.tensor(-1, dtype=torch.bfloat16)
print("-1 + 1.01 =", (minus_one + 1.01).item())
assert (minus_one + 1.01).item() == 0.0078125
PYTHON
