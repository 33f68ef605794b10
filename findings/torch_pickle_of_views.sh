#!/usr/bin/env bash
# Do a tensor and its first row still share memory after a round through pickle?
# Guess:  yes, as after torch.save and torch.load.
# Found:  no, and the file is twice as large: each of them carries the whole storage.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import pickle

import torch

print("PyTorch", torch.__version__)
x = torch.zeros(100, 100)
content = pickle.dumps([x, x[0]])
whole, row = pickle.loads(content)
whole.fill_(1)
print("pickle:", len(content), "bytes for", x.nbytes, "of values; the row follows:", bool(row.all()))
assert not row.any() and len(content) > 2 * x.nbytes
file = io.BytesIO()
torch.save([x, x[0]], file)
file.seek(0)
whole, row = torch.load(file)
whole.fill_(1)
print("torch.save:", file.getbuffer().nbytes, "bytes; the row follows:", bool(row.all()))
assert row.all() and file.getbuffer().nbytes < 1.1 * x.nbytes
PYTHON
