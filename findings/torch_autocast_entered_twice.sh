#!/usr/bin/env bash
# Is autocast off after one autocast object was entered twice, one inside of the other?
# Guess:  yes: each `with` puts back what it found.
# Found:  no: the object keeps one record of what was there, so the outer `with` puts back 'on'.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
switch = torch.autocast("cpu", dtype=torch.float16)
with switch:
    with switch:
        pass
print("autocast is on afterwards:", torch.is_autocast_enabled("cpu"))
assert torch.is_autocast_enabled("cpu")
torch.set_autocast_enabled("cpu", False)
with torch.autocast("cpu", dtype=torch.float16):
    with torch.autocast("cpu", dtype=torch.float16):
        pass
assert not torch.is_autocast_enabled("cpu")
PYTHON
